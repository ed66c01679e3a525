/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is attacked: a process that holds the same contents twice, in a region and
 * in ordinary memory, the latter with every bit inverted so that a find tells
 * where it came from. The ordinary memory is the control: an attack that does
 * not find it proves nothing. A child of the process has the control as well, and
 * nothing of the region: there it can be found where guards keep everybody out of
 * the process itself.
 *
 * The region is that of CLOISTER_REGION_FD (as `cloister run` sets it) or else
 * one of the victim's own, whose contents are computed in place.
 */
#ifndef CLOISTER_ATTACKS_TARGET_H
#define CLOISTER_ATTACKS_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cloister.h>

#define PAGE	((size_t)CLOISTER_PAGE_SIZE)

/* TAP. The program's exit status is what tap_end() returns. */
void tap_check(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tap_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tap_end(void);

/**
 * struct print - a page's fingerprint
 * @value: 0 for a page of equal words, which tells nothing
 * @found: seen by the attack
 */
struct print {
	uint64_t value;
	bool found;
};

/**
 * struct prints - fingerprints of pages, to be looked for
 * @print: sorted
 * @count: their number, pages that tell nothing left out
 */
struct prints {
	struct print *print;
	size_t count;
};

uint64_t page_print(const void *page);
void prints_make(struct prints *prints, const uint64_t *values, size_t count);
/* Looks at @count pages and marks which of the prints are there. */
void prints_look(struct prints *prints, const void *pages, size_t count);
size_t prints_found(const struct prints *prints);

/**
 * struct victim - another process that holds secrets
 * @pid: the process
 * @size: bytes of its region, and of its control
 * @region: address of the region in that process
 * @control: address of the control, in that process and in @control_pid
 * @control_pid: an ordinary process that has the control, too
 * @region_prints: fingerprints of the region's pages
 * @control_prints: fingerprints of the control's pages
 * @sealed_prints: fingerprints of the ciphertext; none without cloister_tamper.ko
 * @orders: pipe to the victim: what it is to do
 * @answers: pipe from it: what came of that
 */
struct victim {
	pid_t pid;
	size_t size;
	uint64_t region;
	uint64_t control;
	pid_t control_pid;
	struct prints region_prints;
	struct prints control_prints;
	struct prints sealed_prints;
	int orders;
	int answers;
};

/* What a victim can be told to do. It answers all but the last. */
enum victim_order {
	VICTIM_SEAL = 's',	/* seal all pages */
	VICTIM_TOUCH = 't',	/* touch all pages */
	VICTIM_CHECK = 'c',	/* check that all pages of the region are as they were */
	VICTIM_CRASH = 'x',	/* die and leave a core file */
};

/* @flags: for CLOISTER_CREATE, where the region is the victim's own. */
void victim_start(struct victim *victim, uint32_t flags);
/* The answer: true when it could be done. */
bool victim_order(struct victim *victim, enum victim_order order);
void victim_end(struct victim *victim);

/* A region opened in this process, see the top. Exits with a sentence when it can't be had. */
struct cloister_region *target_region(uint32_t flags);
/* A descriptor of the region's backing store, or -1. */
int target_backing(const struct cloister_region *region);

#endif
