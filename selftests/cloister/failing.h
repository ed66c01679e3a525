/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions of the driver that fail on demand: needs cloister_faults.ko. */
#ifndef CLOISTER_SELFTEST_FAILING_H
#define CLOISTER_SELFTEST_FAILING_H

#include "checks.h"
#include "faults/cloister_faults.h"

static __attribute__((constructor)) void need_faults(void)
{
	need(CLOISTER_FAULTS_DEVICE, "load cloister_faults.ko");
}

HELPER int ask_for_fault(unsigned long request, const char *function, int64_t result, uint32_t nth)
{
	struct cloister_fault fault = { .result = result, .nth = nth };
	int faults = open(CLOISTER_FAULTS_DEVICE, O_RDWR | O_CLOEXEC), error;

	if (faults < 0)
		return -errno;
	strncpy(fault.function, function, sizeof(fault.function) - 1);
	error = call(faults, request, &fault);
	if (error) {
		close(faults);
		return error;
	}
	return faults;
}

/*
 * From now on @function returns @result at this thread's @nth call of it. A descriptor, or -errno.
 */
HELPER int let_fail(const char *function, int64_t result, uint32_t nth)
{
	return ask_for_fault(CLOISTER_FAULTS_ARM, function, result, nth);
}

/*
 * From now on the @nth allocation in each run of @function is refused, whichever thread runs it. A
 * descriptor, or -errno.
 */
HELPER int starve(const char *function, uint32_t nth)
{
	return ask_for_fault(CLOISTER_FAULTS_STARVE, function, 0, nth);
}

/* How often it did. */
HELPER int fail_no_more(int faults)
{
	int hits = call(faults, CLOISTER_FAULTS_DISARM, NULL);

	close(faults);
	return hits;
}

/* A region dies where its measurement can no more be trusted. */
HELPER int kill_region(int region, const uint8_t *source, uint64_t offset)
{
	int faults = let_fail("plat_hash_update", CLOISTER_FAULTS_E_CRYPTO, 1);
	int result;

	if (faults < 0)
		return faults;
	result = add_once(region, MEASURED, offset, PAGE, source, READ, NULL);
	if (fail_no_more(faults) != 1)
		return -EPROTO;
	return result == -EIO ? 0 : -EILSEQ;
}

#endif
