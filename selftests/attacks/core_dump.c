// SPDX-License-Identifier: Apache-2.0
/*
 * A process that holds a region crashes; its core file is searched: for the region's pages, and for
 * what was in its registers. A process with a production region leaves none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prey.h"

#define PATTERN		"/proc/sys/kernel/core_pattern"
#define USES_PID	"/proc/sys/kernel/core_uses_pid"
#define CORE		"/tmp/cloister-attack-core"

static bool exchange(const char *path, const char *text, char *before, size_t length)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool good = fd >= 0;

	if (good && before) {
		ssize_t got = read(fd, before, length - 1);

		before[got > 0 ? got : 0] = '\0';
	}
	good = good && pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return good;
}

static void search(int fd, struct victim *victim)
{
	uint8_t page[PAGE];

	/* Segments of a core file begin at whole pages. */
	while (read(fd, page, PAGE) == (ssize_t)PAGE) {
		prints_look(&victim->control_prints, page, 1);
		prints_look(&victim->region_prints, page, 1);
	}
}

/* The mapping alone keeps a region out of a core file. */
static void search_for_pages(void)
{
	struct victim victim;
	int fd;

	unlink(CORE);
	victim_start(&victim, CLOISTER_CREATE_DEBUG);
	victim_order(&victim, VICTIM_TOUCH);
	victim_order(&victim, VICTIM_CRASH);
	victim_end(&victim);
	fd = open(CORE, O_RDONLY | O_CLOEXEC);
	tap_check(fd >= 0, "the process left a core file");
	if (fd >= 0)
		search(fd, &victim);
	tap_check(prints_found(&victim.control_prints) == victim.control_prints.count,
		  "the core file holds ordinary memory: %zu of %zu pages found",
		  prints_found(&victim.control_prints), victim.control_prints.count);
	tap_check(!prints_found(&victim.region_prints),
		  "the core file holds no page of the debug region: %zu of %zu found",
		  prints_found(&victim.region_prints), victim.region_prints.count);
	if (fd >= 0)
		close(fd);
	unlink(CORE);
}

/* Notes with registers come first in a core file, then memory. Both hold the marker. */
static size_t count_word(uint64_t wanted)
{
	int fd = open(CORE, O_RDONLY | O_CLOEXEC);
	uint32_t word[PAGE / sizeof(uint32_t)];
	size_t found = 0, i;
	ssize_t got;

	while (fd >= 0 && (got = read(fd, word, sizeof(word))) > 0)
		for (i = 0; i + 1 < (size_t)got / sizeof(word[0]); i++)
			found += word[i] == (uint32_t)wanted &&
				word[i + 1] == (uint32_t)(wanted >> 32);
	if (fd >= 0)
		close(fd);
	return found;
}

static void crash(const char *who, bool has_region, uint32_t flags, bool leaves_core)
{
	struct prey prey;
	size_t found;

	unlink(CORE);
	prey_start(&prey);
	if (has_region && prey_make_region(&prey, flags))
		tap_check(false, "%s: its region can't be made", who);
	prey_crash(&prey);
	found = count_word(prey.marker);
	tap_check(!access(CORE, F_OK) == leaves_core && !found == !leaves_core,
		  "%s leaves %s, with its registers in %zu places", who,
		  access(CORE, F_OK) ? "no core file" : "a core file", found);
	prey_end(&prey);
	unlink(CORE);
}

int main(void)
{
	char pattern[256], pid[16];

	if (!exchange(PATTERN, CORE, pattern, sizeof(pattern)) ||
	    !exchange(USES_PID, "0", pid, sizeof(pid))) {
		tap_skip("core_dump: " PATTERN ": %s", strerror(errno));
		return tap_end();
	}
	search_for_pages();
	crash("an ordinary process", false, 0, true);
	crash("a process with a debug region", true, CLOISTER_CREATE_DEBUG, true);
	crash("a process with a production region", true, 0, false);
	crash("an ordinary process after that", false, 0, true);
	exchange(PATTERN, pattern, NULL, 0);
	exchange(USES_PID, pid, NULL, 0);
	return tap_end();
}
