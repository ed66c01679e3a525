// SPDX-License-Identifier: Apache-2.0
/* A process that holds a region crashes; its core file is searched. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

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

int main(void)
{
	char pattern[256], pid[16];
	struct victim victim;
	int fd;

	if (!exchange(PATTERN, CORE, pattern, sizeof(pattern)) ||
	    !exchange(USES_PID, "0", pid, sizeof(pid))) {
		tap_skip("core_dump: " PATTERN ": %s", strerror(errno));
		return tap_end();
	}
	unlink(CORE);
	victim_start(&victim);
	victim_order(&victim, VICTIM_TOUCH);
	victim_order(&victim, VICTIM_CRASH);
	victim_end(&victim);
	exchange(PATTERN, pattern, NULL, 0);
	exchange(USES_PID, pid, NULL, 0);
	fd = open(CORE, O_RDONLY | O_CLOEXEC);
	tap_check(fd >= 0, "the process left a core file");
	if (fd >= 0)
		search(fd, &victim);
	tap_check(prints_found(&victim.control_prints) == victim.control_prints.count,
		  "the core file holds ordinary memory: %zu of %zu pages found",
		  prints_found(&victim.control_prints), victim.control_prints.count);
	tap_check(!prints_found(&victim.region_prints),
		  "the core file holds no page of the region: %zu of %zu found",
		  prints_found(&victim.region_prints), victim.region_prints.count);
	if (fd >= 0)
		close(fd);
	unlink(CORE);
	return tap_end();
}
