/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocations and copies refused by the kernel's fault injection: the nth that a thread makes. */
#ifndef CLOISTER_SELFTEST_FAIL_NTH_H
#define CLOISTER_SELFTEST_FAIL_NTH_H

#include "checks.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug"
#define TAINTED		"/proc/sys/kernel/tainted"
#define TAINT_WARN	512

static __attribute__((constructor)) void need_fail_nth(void)
{
	need(FAIL_NTH, "needs CONFIG_FAULT_INJECTION");
}

/* What may sleep may fail as well; and not a page of log for each. */
HELPER int prepare_injection(void)
{
	static const char * const settings[][2] = {
		{ DEBUGFS "/failslab/ignore-gfp-wait", "N" },
		{ DEBUGFS "/failslab/verbose", "0" },
		{ DEBUGFS "/fail_page_alloc/ignore-gfp-wait", "N" },
		{ DEBUGFS "/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ DEBUGFS "/fail_page_alloc/min-order", "0" },
		{ DEBUGFS "/fail_page_alloc/verbose", "0" },
		{ DEBUGFS "/fail_usercopy/verbose", "0" },
	};
	int result = 0;
	size_t i;

	for (i = 0; !result && i < ARRAY_LEN(settings); i++)
		result = write_text(settings[i][0], settings[i][1]);
	return result;
}

/* The copy of this very number may be what fails: then nothing else does, and it is written. */
HELPER void refuse_nth(int file, unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(file, text, length, 0) != length && pwrite(file, text, length, 0) != length)
		abort();
}

/* Whether something was refused. What is left to count may run out in this very read. */
HELPER bool was_refused(int file)
{
	char text[16] = "";
	ssize_t got = pread(file, text, sizeof(text) - 1, 0);
	bool refused = got > 0 && !strtol(text, NULL, 10);

	refuse_nth(file, 0);
	return refused;
}

/* A warning, such as of a granule that is not given back, taints the kernel. */
HELPER bool warned(void)
{
	char text[32] = "";

	return read_text(TAINTED, text, sizeof(text)) || strtoul(text, NULL, 10) & TAINT_WARN;
}

#endif
