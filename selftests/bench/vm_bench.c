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
#include "bench_peer/cloister_bench_peer.h"

#define PAGE		((size_t)CLOISTER_PAGE_SIZE)
#define LOAD_PAGES	((size_t)BENCH_PEER_PAGES)
#define ACCESS_PAGES	((size_t)1024)
#define LOAD_SAMPLES	61
#define ACCESS_SAMPLES	501

static void *map(int fd, size_t pages, const char *what)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		bench_die("mmap of %s: %s", what, strerror(errno));
	return p;
}

/* A LIVE region of @pages, all added with what random bytes there are; its descriptor. */
static int region_new(size_t pages)
{
	struct cloister_create create = { .size = sizeof(create), .region_size = pages * PAGE };
	struct cloister_init init = { .size = sizeof(init) };
	struct cloister_add_pages add = {
		.size = sizeof(add), .length = pages * PAGE,
		.permissions = CLOISTER_PERM_READ | CLOISTER_PERM_WRITE,
	};
	char *contents = map(-1, pages, "memory");
	int device = open(CLOISTER_DEVICE, O_RDWR | O_CLOEXEC);
	int fd;

	if (device < 0)
		bench_die("%s: %s", CLOISTER_DEVICE, strerror(errno));
	memset(contents, 0x5a, pages * PAGE);
	add.source = (uintptr_t)contents;
	fd = ioctl(device, CLOISTER_CREATE, &create);
	if (fd < 0)
		bench_die("CLOISTER_CREATE: %s", strerror(errno));
	if (ioctl(fd, CLOISTER_ADD_PAGES, &add) || add.done != add.length)
		bench_die("CLOISTER_ADD_PAGES: %s", strerror(errno));
	if (ioctl(fd, CLOISTER_INIT, &init))
		bench_die("CLOISTER_INIT: %s", strerror(errno));
	munmap(contents, pages * PAGE);
	close(device);
	return fd;
}

/* vm_load ------------------------------------------------------------------------------------ */

struct load {
	int region, peer;
	volatile char *region_map, *peer_map;
};

static void touch(volatile char *p, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++)
		(void)p[i * PAGE];
}

/* Sealed before the clock starts; then each page by one fault. */
static uint64_t load_by_fault(void *arg)
{
	struct cloister_range all = { .size = sizeof(all) };
	struct load *l = arg;
	uint64_t start;

	if (ioctl(l->region, CLOISTER_SEAL, &all))
		bench_die("CLOISTER_SEAL: %s", strerror(errno));
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
	struct cloister_stats stats = { .size = sizeof(stats) };

	if (ioctl(region, CLOISTER_STATS, &stats))
		bench_die("CLOISTER_STATS: %s", strerror(errno));
	if (stats.loads < LOAD_PAGES * LOAD_SAMPLES)
		bench_die("%llu pages were loaded where %zu should have been",
			  (unsigned long long)stats.loads, LOAD_PAGES * LOAD_SAMPLES);
}

static void bench_load(void)
{
	struct load l = { .peer = open(BENCH_PEER_DEVICE, O_RDWR | O_CLOEXEC) };
	const struct bench bench = {
		.name = "vm_load", .bar = 0.8, .unit = "us/page",
		.peer = "kernel gcm(aes) and a PFN fault", .ours = load_by_fault,
		.theirs = decrypt_in_fault, .arg = &l, .operations = LOAD_PAGES,
		.samples = LOAD_SAMPLES,
	};

	if (l.peer < 0)
		bench_die("%s: %s; load cloister_bench_peer.ko", BENCH_PEER_DEVICE,
			  strerror(errno));
	l.region = region_new(LOAD_PAGES);
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
	int fd = region_new(ACCESS_PAGES);

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
