// SPDX-License-Identifier: Apache-2.0
/* Figures of the driver, inside a VM. */
#include <errno.h>
#include <fcntl.h>
#include <linux/cloister.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "vm_region.h"

#define LOAD_PAGES	((size_t)BENCH_PEER_PAGES)
#define ACCESS_PAGES	((size_t)1024)
#define LOAD_SAMPLES	61
#define ACCESS_SAMPLES	501

/* vm_load ------------------------------------------------------------------------------------ */

struct load {
	int region, peer;
	volatile char *region_map, *peer_map;
};

/* Sealed before the clock starts; then each page by one fault. */
static uint64_t load_by_fault(void *arg)
{
	struct load *l = arg;
	uint64_t start;

	region_seal(l->region, 0, LOAD_PAGES);
	start = bench_now();
	touch(l->region_map, LOAD_PAGES);
	return bench_now() - start;
}

static uint64_t decrypt_in_fault(void *arg)
{
	struct load *l = arg;
	uint64_t start;

	if (ioctl(l->peer, BENCH_PEER_UNMAP))
		bench_die("BENCH_PEER_UNMAP: %s", strerror(errno));
	start = bench_now();
	touch(l->peer_map, LOAD_PAGES);
	return bench_now() - start;
}

static void check_loads(int region)
{
	struct cloister_stats stats;

	region_stats(region, &stats);
	if (stats.loads < LOAD_PAGES * LOAD_SAMPLES)
		bench_die("%llu pages were loaded where %zu should have been",
			  (unsigned long long)stats.loads, LOAD_PAGES * LOAD_SAMPLES);
}

static void bench_load(void)
{
	struct load l = { .peer = peer_open() };
	const struct bench bench = {
		.name = "vm_load", .bar = 0.8, .unit = "us/page",
		.peer = "kernel alloc_page, gcm(aes) and a PFN fault", .ours = load_by_fault,
		.theirs = decrypt_in_fault, .arg = &l, .operations = LOAD_PAGES,
		.samples = LOAD_SAMPLES,
	};

	l.region = region_new(LOAD_PAGES, 0);
	l.region_map = map(l.region, LOAD_PAGES, "the region");
	l.peer_map = map(l.peer, LOAD_PAGES, BENCH_PEER_DEVICE);
	bench_run(&bench);
	check_loads(l.region);
	munmap((void *)l.region_map, LOAD_PAGES * PAGE);
	munmap((void *)l.peer_map, LOAD_PAGES * PAGE);
	close(l.region);
	close(l.peer);
}

/* resident_access ------------------------------------------------------------------------------ */

struct access {
	volatile uint64_t *region, *shmem;
};

/* Read and write one word of each cache line. */
static uint64_t pass(volatile uint64_t *p)
{
	size_t words = ACCESS_PAGES * PAGE / sizeof(*p);
	uint64_t start = bench_now();
	size_t i;

	for (i = 0; i < words; i += 8)
		p[i] = p[i] + 1;
	return bench_now() - start;
}

static uint64_t pass_region(void *arg)
{
	return pass(((struct access *)arg)->region);
}

static uint64_t pass_shmem(void *arg)
{
	return pass(((struct access *)arg)->shmem);
}

static void bench_access(void)
{
	struct access a;
	const struct bench bench = {
		.name = "resident_access", .bar = 0.97, .unit = "us/page",
		.peer = "shmem mapping", .ours = pass_region, .theirs = pass_shmem, .arg = &a,
		.operations = ACCESS_PAGES, .samples = ACCESS_SAMPLES,
	};
	int fd = region_new(ACCESS_PAGES, 0);

	a.region = map(fd, ACCESS_PAGES, "the region");
	a.shmem = map(-1, ACCESS_PAGES, "shared memory");
	bench_run(&bench);	/* its first turns, not timed, make both resident */
	munmap((void *)a.region, ACCESS_PAGES * PAGE);
	munmap((void *)a.shmem, ACCESS_PAGES * PAGE);
	close(fd);
}

int main(void)
{
	bench_load();
	bench_access();
	return 0;
}
