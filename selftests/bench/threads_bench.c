// SPDX-License-Identifier: Apache-2.0
/*
 * Two threads that seal and touch different pages, of one region or of two, against the kernel's
 * AES-GCM alone on two threads.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "team.h"
#include "vm_region.h"

#define PAGES_EACH	((size_t)64)
#define ROUNDS		2
#define SAMPLES		61

/* Where each thread's pages are. */
struct shares {
	int peer;
	int region[TEAM_THREADS];
	size_t first[TEAM_THREADS];
	char *map[TEAM_THREADS];
};

static void seal_and_touch(void *arg, int thread)
{
	struct shares *s = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		region_seal(s->region[thread], s->first[thread], PAGES_EACH);
		touch(s->map[thread], PAGES_EACH);
	}
}

static void cipher(void *arg, int thread)
{
	struct shares *s = arg;

	(void)thread;
	cipher_alone(s->peer, BENCH_PEER_GCM, ROUNDS * PAGES_EACH);
}

/* Every page was sealed and loaded as often as it should have been. */
static void check_loads(int region, size_t pages)
{
	struct cloister_stats stats;

	region_stats(region, &stats);
	if (stats.loads < pages * ROUNDS * SAMPLES || stats.evictions < stats.loads - pages)
		bench_die("%llu pages were loaded, %llu sealed, where %zu should have been",
			  (unsigned long long)stats.loads, (unsigned long long)stats.evictions,
			  pages * ROUNDS * SAMPLES);
}

static void compare(const char *name, int regions)
{
	size_t pages = TEAM_THREADS * PAGES_EACH / (size_t)regions;
	struct shares s = { .peer = peer_open() };
	const struct team_bench bench = {
		.name = name, .peer = "kernel gcm(aes) on two threads", .ours = seal_and_touch,
		.theirs = cipher, .arg = &s, .samples = SAMPLES,
	};
	int region[TEAM_THREADS], i;
	char *maps[TEAM_THREADS];

	for (i = 0; i < regions; i++) {
		region[i] = region_new(pages, 0);
		maps[i] = map(region[i], pages, "the region");
	}
	for (i = 0; i < TEAM_THREADS; i++) {
		s.region[i] = region[i % regions];
		s.first[i] = (size_t)(i / regions) * PAGES_EACH;
		s.map[i] = maps[i % regions] + s.first[i] * PAGE;
	}
	team_bench_run(&bench);
	for (i = 0; i < regions; i++) {
		check_loads(region[i], pages);
		munmap(maps[i], pages * PAGE);
		close(region[i]);
	}
	close(s.peer);
}

int main(void)
{
	compare("threads_one_region", 1);
	compare("threads_two_regions", 2);
	return 0;
}
