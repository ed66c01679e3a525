// SPDX-License-Identifier: Apache-2.0
/* What a region costs in time and memory, and a fault in one, as others are alive. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"
#include "vm_region.h"

#define PAGES		((size_t)16)	/* of each region */
#define FAULT_PAGES	((size_t)256)	/* of the one whose faults are timed */
#define CYCLES		32u
#define ROUNDS		7

/* So many regions are alive, step by step. */
enum { ONE, TEN, HUNDRED, THOUSAND, STEPS };
static const unsigned int alive[STEPS] = { 1, 10, 100, 1000 };

static struct {
	int fd;
	volatile char *map;
} regions[1000];

static int device;
static unsigned int count;
static char *contents;

static void region_open(unsigned int i)
{
	regions[i].fd = region_from(device, PAGES, 0, contents);
	regions[i].map = map(regions[i].fd, PAGES, "a region");
	touch(regions[i].map, PAGES);
}

static void region_close(unsigned int i)
{
	munmap((void *)regions[i].map, PAGES * PAGE);
	close(regions[i].fd);
}

static void grow(unsigned int to)
{
	while (count < to)
		region_open(count++);
}

static void close_all(void)
{
	while (count)
		region_close(--count);
}

/* One region's life from beginning to end, the others being there. */
static double time_lives(void)
{
	uint64_t start = bench_now();
	unsigned int i;

	for (i = 0; i < CYCLES; i++) {
		int fd = region_from(device, PAGES, 0, contents);
		char *p = map(fd, PAGES, "a region");

		touch(p, PAGES);
		munmap(p, PAGES * PAGE);
		close(fd);
	}
	return (double)(bench_now() - start);
}

static double time_faults(int region, volatile char *p)
{
	uint64_t start;

	region_seal(region, 0, FAULT_PAGES);
	start = bench_now();
	touch(p, FAULT_PAGES);
	return (double)(bench_now() - start);
}

static double granule_bytes(void)
{
	struct cloister_get_info info = { .size = sizeof(info) };

	if (ioctl(device, CLOISTER_GET_INFO, &info))
		bench_die("CLOISTER_GET_INFO: %s", strerror(errno));
	return (double)(info.resident + info.metadata);
}

static double slab_bytes(void)
{
	return 1024.0 * (double)read_value("/proc/meminfo", "Slab");
}

static double lives[STEPS][ROUNDS], faults[STEPS][ROUNDS];

static void print_medians(const char *what, double times[STEPS][ROUNDS], double operations)
{
	double copy[ROUNDS];
	size_t i;

	printf("# %s with 1, 10, 100, 1000 regions alive:", what);
	for (i = 0; i < STEPS; i++) {
		memcpy(copy, times[i], sizeof(copy));
		printf(" %.1f", bench_median(copy, ROUNDS) / operations / 1000);
	}
	printf(" us\n");
}

static void report_time(void)
{
	const struct bench life = {
		.name = "regions_life", .bar = 0.83, .unit = "us/region",
		.peer = "create, add, init, map, touch and close with 10 alive; ours: with 1000",
		.operations = CYCLES, .samples = ROUNDS,
	};
	const struct bench fault = {
		.name = "regions_fault", .bar = 0.9, .unit = "us/page",
		.peer = "touching a sealed page with 1 region alive; ours: with 1000",
		.operations = FAULT_PAGES, .samples = ROUNDS,
	};

	print_medians("a region's life", lives, CYCLES);
	print_medians("a fault", faults, FAULT_PAGES);
	bench_report(&life, lives[THOUSAND], lives[TEN]);
	bench_report(&fault, faults[THOUSAND], faults[ONE]);
}

/* Of the last round. @granules, @slab: of all regions, with so many alive. */
static void report_memory(const double *granules, const double *slab)
{
	double ten = granules[TEN] / alive[TEN], thousand = granules[THOUSAND] / alive[THOUSAND];
	double hundred = (granules[HUNDRED] + slab[HUNDRED]) / alive[HUNDRED];
	double all = (granules[THOUSAND] + slab[THOUSAND]) / alive[THOUSAND];

	printf("# memory of a region of %zu pages: granules %.0f bytes with 10 alive, %.0f with "
	       "1000; and slab %.0f\n", PAGES, ten, thousand, all - thousand);
	bench_value("regions_granules", thousand / ten, 1.2,
		    "bytes of granules per region, 1000 alive over 10");
	bench_value("regions_memory", all / hundred, 1.2,
		    "bytes of granules and slab per region, 1000 alive over 100");
}

int main(void)
{
	const struct rlimit files = { 4096, 4096 };
	double granules[STEPS], slab[STEPS], granules_before, slab_before;
	volatile char *p;
	int region, round;
	size_t i;

	if (setrlimit(RLIMIT_NOFILE, &files))
		bench_die("RLIMIT_NOFILE: %s", strerror(errno));
	device = device_open();
	contents = map(-1, PAGES, "memory");
	memset(contents, 0x5a, PAGES * PAGE);
	region = region_new(FAULT_PAGES, 0);
	p = map(region, FAULT_PAGES, "the region");
	/* The first round makes ready what all later ones find, and is not counted. */
	for (round = -1; round < ROUNDS; round++) {
		time_faults(region, p);
		granules_before = granule_bytes();
		slab_before = slab_bytes();
		for (i = 0; i < STEPS; i++) {
			grow(alive[i]);
			granules[i] = granule_bytes() - granules_before;
			slab[i] = slab_bytes() - slab_before;
			lives[i][round < 0 ? 0 : round] = time_lives();
			faults[i][round < 0 ? 0 : round] = time_faults(region, p);
		}
		close_all();
	}
	report_time();
	report_memory(granules, slab);
	return 0;
}
