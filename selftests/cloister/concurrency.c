// SPDX-License-Identifier: GPL-2.0-only
/* Several threads at one region at once: no data lost, no state confused. */
#include <pthread.h>
#include <stdatomic.h>
#include "checks.h"

#define LIMIT_PAGES	(RESIDENT_MIN / PAGE)
#define PAGES		(4 * LIMIT_PAGES)
#define SIZE		(PAGES * PAGE)
#define RUN_MS		1500

FIXTURE(concurrency) {
	int device;
	int region;
	uint8_t *at;
};

FIXTURE_SETUP(concurrency)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->region = pattern_region(self->device, SIZE, RESIDENT_MIN, 0, READ | WRITE, 0);
	ASSERT_GE(self->region, 0);
	self->at = map_region(self->region, 0, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->at);
}

FIXTURE_TEARDOWN(concurrency)
{
	munmap(self->at, SIZE);
	close(self->region);
	close(self->device);
}

/* What the threads of a test share. */
struct shared {
	int device;
	int region;
	uint8_t *at;
	atomic_bool stop;
	atomic_ulong rounds;
	atomic_ulong wrong;
	atomic_ulong refused;
};

struct worker {
	struct shared *shared;
	void (*work)(struct shared *shared, size_t number, uint64_t *random);
	size_t number;
	pthread_t thread;
};

static void *worker_main(void *argument)
{
	struct worker *worker = argument;
	uint64_t random = worker->number * 1000003;

	while (!atomic_load(&worker->shared->stop)) {
		worker->work(worker->shared, worker->number, &random);
		atomic_fetch_add(&worker->shared->rounds, 1);
	}
	return NULL;
}

static void run_workers(struct __test_metadata *_metadata, struct worker *workers, size_t count)
{
	struct shared *shared = workers[0].shared;
	struct timespec time = { RUN_MS / 1000, RUN_MS % 1000 * 1000000 };
	size_t i;

	for (i = 0; i < count; i++) {
		workers[i].number = i;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]));
	}
	nanosleep(&time, NULL);
	atomic_store(&shared->stop, true);
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, pthread_join(workers[i].thread, NULL));
	}
	EXPECT_GT(atomic_load(&shared->rounds), count);
	EXPECT_EQ(0, atomic_load(&shared->wrong));
}

/*
 * Thread n owns word n of every page: it alone writes there, and always finds
 * there what it wrote last, though all threads' words share the pages.
 */

static void own_words(struct shared *shared, size_t number, uint64_t *random)
{
	static __thread uint64_t last[PAGES];
	size_t page = random_next(random) % PAGES;
	volatile uint64_t *word = (volatile uint64_t *)(shared->at + page * PAGE) + number;

	if (last[page] && *word != last[page])
		atomic_fetch_add(&shared->wrong, 1);
	last[page] = random_next(random) | 1;
	*word = last[page];
}

static void seal_everything(struct shared *shared, size_t number, uint64_t *random)
{
	(void)number;
	(void)random;
	if (seal_all(shared->region))
		atomic_fetch_add(&shared->refused, 1);
}

static void seal_somewhere(struct shared *shared, size_t number, uint64_t *random)
{
	size_t page = random_next(random) % PAGES;
	size_t pages = 1 + random_next(random) % (PAGES - page);

	(void)number;
	if (seal(shared->region, page * PAGE, pages * PAGE))
		atomic_fetch_add(&shared->refused, 1);
}

static void look_at_counters(struct shared *shared, size_t number, uint64_t *random)
{
	struct cloister_stats stats;

	(void)number;
	(void)random;
	if (get_stats(shared->region, &stats) || stats.resident > LIMIT_PAGES ||
	    stats.resident + stats.sealed + stats.zero > PAGES)
		atomic_fetch_add(&shared->wrong, 1);
}

TEST_F(concurrency, writers_under_a_tight_limit)
{
	struct shared shared = { .region = self->region, .at = self->at };
	struct worker workers[] = {
		{ &shared, own_words, 0, 0 }, { &shared, own_words, 0, 0 },
		{ &shared, own_words, 0, 0 }, { &shared, look_at_counters, 0, 0 },
	};

	run_workers(_metadata, workers, ARRAY_LEN(workers));
}

TEST_F(concurrency, writers_and_sealers)
{
	struct shared shared = { .region = self->region, .at = self->at };
	struct worker workers[] = {
		{ &shared, own_words, 0, 0 }, { &shared, own_words, 0, 0 },
		{ &shared, seal_everything, 0, 0 }, { &shared, seal_somewhere, 0, 0 },
		{ &shared, look_at_counters, 0, 0 },
	};

	run_workers(_metadata, workers, ARRAY_LEN(workers));
	EXPECT_EQ(0, atomic_load(&shared.refused));
}

/* Mappings come and go while pages are sealed below them. */
static void map_check_unmap(struct shared *shared, size_t number, uint64_t *random)
{
	size_t page = random_next(random) % PAGES;
	uint8_t *at = map_region(shared->region, page * PAGE, SIZE - page * PAGE, PROT_READ);

	(void)number;
	if (at == MAP_FAILED) {
		atomic_fetch_add(&shared->wrong, 1);
		return;
	}
	if (check_pattern(at, 0, page * PAGE, PAGE))
		atomic_fetch_add(&shared->wrong, 1);
	munmap(at, SIZE - page * PAGE);
}

TEST_F(concurrency, unmappers_and_sealers)
{
	struct shared shared = { .region = self->region, .at = self->at };
	struct worker workers[] = {
		{ &shared, map_check_unmap, 0, 0 }, { &shared, map_check_unmap, 0, 0 },
		{ &shared, seal_everything, 0, 0 }, { &shared, seal_somewhere, 0, 0 },
	};

	run_workers(_metadata, workers, ARRAY_LEN(workers));
}

#define FRESH_PAGES	(8 * PAGES)

/*
 * Walks pages that were added as zero, from the first to the last, once: who comes second may find
 * page used and sealed by now that was zero when it looked.
 */
static void *walk_fresh_pages(void *argument)
{
	struct shared *shared = argument;
	size_t i;

	for (i = 0; i < FRESH_PAGES; i++) {
		if (shared->at[i * PAGE] & ~1)
			atomic_fetch_add(&shared->wrong, 1);
		shared->at[i * PAGE] = 1;
	}
	return NULL;
}

static void *seal_until_stopped(void *argument)
{
	struct shared *shared = argument;

	while (!atomic_load(&shared->stop))
		seal_everything(shared, 0, NULL);
	return NULL;
}

static void fresh_round(struct __test_metadata *_metadata, int device)
{
	struct shared shared = { 0 };
	pthread_t walkers[3], sealer;
	size_t i;

	shared.region = create_region(device, FRESH_PAGES * PAGE, RESIDENT_MIN, 0);
	ASSERT_GE(shared.region, 0);
	ASSERT_EQ(0, add_pages(shared.region, ZERO, 0, FRESH_PAGES * PAGE, NULL, READ | WRITE));
	ASSERT_EQ(0, init_region(shared.region, NULL));
	shared.at = map_region(shared.region, 0, FRESH_PAGES * PAGE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, shared.at);
	ASSERT_EQ(0, pthread_create(&sealer, NULL, seal_until_stopped, &shared));
	for (i = 0; i < ARRAY_LEN(walkers); i++) {
		ASSERT_EQ(0, pthread_create(&walkers[i], NULL, walk_fresh_pages, &shared));
	}
	for (i = 0; i < ARRAY_LEN(walkers); i++) {
		ASSERT_EQ(0, pthread_join(walkers[i], NULL));
	}
	atomic_store(&shared.stop, true);
	ASSERT_EQ(0, pthread_join(sealer, NULL));
	EXPECT_EQ(0, atomic_load(&shared.wrong));
	EXPECT_EQ(0, atomic_load(&shared.refused));
	munmap(shared.at, FRESH_PAGES * PAGE);
	close(shared.region);
}

TEST_F(concurrency, fresh_pages_in_many_hands)
{
	uint64_t until = now_ms() + 2 * RUN_MS;

	do {
		fresh_round(_metadata, self->device);
	} while (now_ms() < until);
}

/* A page that others are about to load goes away: they see it whole or not at all. */
static void touch_maybe_removed(struct shared *shared, size_t number, uint64_t *random)
{
	size_t page = random_next(random) % PAGES;
	int result = check_pattern(shared->at + page * PAGE, 0, page * PAGE, PAGE);

	(void)number;
	if (result && result != SIGBUS)
		atomic_fetch_add(&shared->wrong, 1);
}

static void remove_one(struct shared *shared, size_t number, uint64_t *random)
{
	size_t page = random_next(random) % PAGES;

	(void)number;
	/* Slowly enough that most of the run still has pages to race for. */
	if (random_next(random) % 64 == 0 && remove_pages(shared->region, page * PAGE, PAGE))
		atomic_fetch_add(&shared->wrong, 1);
}

TEST_F(concurrency, removers_and_readers)
{
	struct shared shared = { .region = self->region, .at = self->at };
	struct worker workers[] = {
		{ &shared, touch_maybe_removed, 0, 0 }, { &shared, touch_maybe_removed, 0, 0 },
		{ &shared, remove_one, 0, 0 }, { &shared, seal_somewhere, 0, 0 },
	};

	run_workers(_metadata, workers, ARRAY_LEN(workers));
}

/* Regions are made and dropped beside each other. */
static void live_and_die(struct shared *shared, size_t number, uint64_t *random)
{
	const size_t size = (1 + random_next(random) % 8) * PAGE;
	int region = pattern_region(shared->device, size, 0, 0, READ, number);
	uint8_t *at;

	if (region < 0) {
		atomic_fetch_add(&shared->wrong, 1);
		return;
	}
	at = map_region(region, 0, size, PROT_READ);
	if (random_next(random) % 2)
		seal_all(region);
	if (random_next(random) % 2) {
		close(region);
		region = -1;
	}
	if (at == MAP_FAILED || check_pattern(at, number, 0, size))
		atomic_fetch_add(&shared->wrong, 1);
	munmap(at, size);
	if (region >= 0)
		close(region);
}

TEST_F(concurrency, many_regions)
{
	struct shared shared = { .device = self->device };
	struct worker workers[] = {
		{ &shared, live_and_die, 0, 0 }, { &shared, live_and_die, 0, 0 },
		{ &shared, live_and_die, 0, 0 }, { &shared, live_and_die, 0, 0 },
	};
	struct cloister_get_info before;

	ASSERT_EQ(0, get_info(self->device, &before));
	run_workers(_metadata, workers, ARRAY_LEN(workers));
	EXPECT_TRUE(device_returns_to(self->device, &before));
}

/* Two threads build one region; each page is added by one of them, and one INIT wins. */
struct builder {
	int region;
	pthread_barrier_t *start;
	uint64_t added;
	int result;
	int init_result;
};

static void *build_half(void *argument)
{
	struct builder *builder = argument;
	uint8_t *source = pattern_buffer(0, SIZE);
	uint64_t page;
	int result;

	pthread_barrier_wait(builder->start);
	for (page = 0; page < PAGES; page++) {
		do
			result = add_pages(builder->region, MEASURED, page * PAGE, PAGE,
					   source + page * PAGE, READ);
		while (result == -EBUSY);
		if (!result)
			builder->added++;
		else if (result != -EEXIST && result != -EBADFD)
			builder->result = result;
	}
	do
		builder->init_result = init_region(builder->region, NULL);
	while (builder->init_result == -EBUSY);
	free(source);
	return NULL;
}

TEST_F(concurrency, two_builders)
{
	pthread_barrier_t start;
	struct builder builders[2] = { 0 };
	pthread_t threads[2];
	struct cloister_stats stats;
	uint8_t *at;
	size_t i;

	ASSERT_EQ(0, pthread_barrier_init(&start, NULL, 2));
	builders[0].region = create_region(self->device, SIZE, 0, 0);
	ASSERT_GE(builders[0].region, 0);
	builders[1].region = builders[0].region;
	for (i = 0; i < 2; i++) {
		builders[i].start = &start;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, build_half, &builders[i]));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(0, builders[i].result);
	}
	EXPECT_EQ(PAGES, builders[0].added + builders[1].added);
	EXPECT_EQ(-EBADFD, builders[0].init_result + builders[1].init_result);
	ASSERT_EQ(0, get_stats(builders[0].region, &stats));
	EXPECT_EQ(PAGES, stats.pages);
	at = map_region(builders[0].region, 0, SIZE, PROT_READ);
	EXPECT_EQ(0, check_pattern(at, 0, 0, SIZE));
	munmap(at, SIZE);
	close(builders[0].region);
}

TEST_HARNESS_MAIN
