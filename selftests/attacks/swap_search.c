// SPDX-License-Identifier: Apache-2.0
/*
 * Root makes the machine short of memory and searches the swap device. Where
 * cloister_tamper.ko is loaded the ciphertext is looked for as well, to show that
 * the region's pages did reach the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

#define RECLAIM		"/sys/fs/cgroup/memory.reclaim"
#define ROUNDS		40
#define CHUNK		(1UL << 20)

/* Pages of the victim's control that are on swap: bit 62 of their words in pagemap. */
static size_t swapped_out(const struct victim *victim)
{
	size_t pages = victim->size / PAGE, i, count = 0;
	uint64_t *word = calloc(pages, sizeof(*word));
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", victim->control_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && word &&
	    pread(fd, word, pages * sizeof(*word),
		  (off_t)(victim->control / PAGE * sizeof(*word))) > 0)
		for (i = 0; i < pages; i++)
			count += word[i] >> 62 & 1;
	if (fd >= 0)
		close(fd);
	free(word);
	return count;
}

/* Has the kernel reclaim memory until nine tenths of the control are swapped out. */
static size_t press(const struct victim *victim)
{
	const size_t enough = victim->size / PAGE * 9 / 10;
	int fd = open(RECLAIM, O_WRONLY | O_CLOEXEC);
	unsigned int round;

	if (fd < 0)
		return 0;
	for (round = 0; round < ROUNDS && swapped_out(victim) < enough; round++)
		/* Less than asked for may be had (EAGAIN); the next round goes on. */
		if (write(fd, "64M", 3) < 0 && errno != EAGAIN)
			break;
	close(fd);
	return swapped_out(victim);
}

static bool search(const char *device, struct victim *victim)
{
	/* Past the page cache: what is on the device, not what was there. */
	int fd = open(device, O_RDONLY | O_DIRECT | O_CLOEXEC);
	uint8_t *chunk = aligned_alloc(PAGE, CHUNK);
	ssize_t got = -1;

	if (fd >= 0 && chunk)
		while ((got = read(fd, chunk, CHUNK)) > 0) {
			prints_look(&victim->control_prints, chunk, (size_t)got / PAGE);
			prints_look(&victim->region_prints, chunk, (size_t)got / PAGE);
			prints_look(&victim->sealed_prints, chunk, (size_t)got / PAGE);
		}
	if (fd >= 0)
		close(fd);
	free(chunk);
	return got == 0;
}

static bool swap_is_on(void)
{
	char line[256];
	FILE *file = fopen("/proc/swaps", "re");
	bool on = file && fgets(line, sizeof(line), file) && fgets(line, sizeof(line), file);

	if (file)
		fclose(file);
	return on;
}

int main(int argc, char **argv)
{
	const char *device = argc > 1 ? argv[1] : "/dev/disk/swap";
	struct victim victim;
	size_t swapped;

	if (!swap_is_on() || access(device, R_OK)) {
		tap_skip("swap_search: no swap on %s", device);
		return tap_end();
	}
	if (access(RECLAIM, W_OK)) {
		tap_skip("swap_search: no " RECLAIM);
		return tap_end();
	}
	victim_start(&victim, 0);
	tap_check(victim_order(&victim, VICTIM_SEAL), "all pages of the region are sealed");
	swapped = press(&victim);
	if (!search(device, &victim))
		tap_check(false, "reading %s: %s", device, strerror(errno));
	tap_check(prints_found(&victim.control_prints) > 0,
		  "swap holds ordinary memory: %zu of %zu pages found (%zu swapped out)",
		  prints_found(&victim.control_prints), victim.control_prints.count, swapped);
	tap_check(!prints_found(&victim.region_prints),
		  "swap holds no page of the region: %zu of %zu found",
		  prints_found(&victim.region_prints), victim.region_prints.count);
	if (victim.sealed_prints.count)
		tap_check(prints_found(&victim.sealed_prints) > 0,
			  "but their ciphertext: %zu of %zu pages found",
			  prints_found(&victim.sealed_prints), victim.sealed_prints.count);
	tap_check(victim_order(&victim, VICTIM_CHECK), "the region is whole after it");
	victim_end(&victim);
	return tap_end();
}
