// SPDX-License-Identifier: GPL-2.0-only
/* Limits of plaintext memory: never exceeded, whatever is read and written in what order. */
#include "checks.h"

#define LIMIT_PAGES	(RESIDENT_MIN / PAGE)
#define PAGES		(8 * LIMIT_PAGES)
#define SIZE		(PAGES * PAGE)

DEVICE_FIXTURE(limits)

static uint64_t resident(int region)
{
	struct cloister_stats stats;

	return get_stats(region, &stats) ? -1ULL : stats.resident;
}

TEST_F(limits, building)
{
	int region = create_region(self->device, SIZE, RESIDENT_MIN, 0);
	uint8_t *source = pattern_buffer(1, SIZE);
	struct cloister_stats stats;
	size_t page;

	for (page = 0; page < PAGES; page++) {
		ASSERT_EQ(0, add_pages(region, MEASURED, page * PAGE, PAGE, source + page * PAGE,
				       READ));
		ASSERT_LE(resident(region), LIMIT_PAGES);
	}
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(PAGES, stats.pages);
	EXPECT_EQ(PAGES, stats.resident + stats.sealed);
	free(source);
	close(region);
}

TEST_F(limits, reading_in_order)
{
	int region = pattern_region(self->device, SIZE, RESIDENT_MIN, 0, READ, 2);
	uint8_t *at = map_region(region, 0, SIZE, PROT_READ);
	size_t page, round;

	ASSERT_NE(MAP_FAILED, at);
	for (round = 0; round < 2; round++) {
		for (page = 0; page < PAGES; page++) {
			ASSERT_EQ(0, check_pattern(at + page * PAGE, 2, page * PAGE, PAGE));
			ASSERT_LE(resident(region), LIMIT_PAGES);
		}
	}
	munmap(at, SIZE);
	close(region);
}

/* The working set is eight times the limit; every page carries its own version. */
TEST_F(limits, reading_and_writing_at_random)
{
	int region = pattern_region(self->device, SIZE, RESIDENT_MIN, 0, READ | WRITE, 0);
	uint8_t *at = map_region(region, 0, SIZE, PROT_READ | PROT_WRITE);
	uint64_t version[PAGES] = { 0 }, random = 1;
	struct cloister_stats stats;
	size_t step, page;

	ASSERT_NE(MAP_FAILED, at);
	for (step = 0; step < 16 * PAGES; step++) {
		page = random_next(&random) % PAGES;
		ASSERT_EQ(0, check_pattern(at + page * PAGE, version[page], page * PAGE, PAGE))
			TH_LOG("step %zu page %zu", step, page);
		if (random_next(&random) % 2) {
			version[page] = step + 1;
			pattern_fill(at + page * PAGE, version[page], page * PAGE, PAGE);
		}
		ASSERT_LE(resident(region), LIMIT_PAGES);
	}
	for (page = 0; page < PAGES; page++) {
		EXPECT_EQ(0, check_pattern(at + page * PAGE, version[page], page * PAGE, PAGE));
	}
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_GE(stats.evictions, 4 * PAGES);
	EXPECT_GE(stats.loads, 4 * PAGES);
	EXPECT_EQ(0, stats.integrity_failures);
	munmap(at, SIZE);
	close(region);
}

TEST_F(limits, zero_pages_count_once_touched)
{
	int region = create_region(self->device, SIZE, RESIDENT_MIN, 0);
	uint8_t *at;
	size_t i;

	ASSERT_EQ(0, add_pages(region, ZERO, 0, SIZE, NULL, READ | WRITE));
	EXPECT_EQ(0, resident(region));
	ASSERT_EQ(0, init_region(region, NULL));
	at = map_region(region, 0, SIZE, PROT_READ | PROT_WRITE);
	for (i = 0; i < PAGES; i++) {
		at[i * PAGE] = (uint8_t)(i + 1);
		ASSERT_LE(resident(region), LIMIT_PAGES);
	}
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ((uint8_t)(i + 1), at[i * PAGE]);
		ASSERT_EQ(0, at[i * PAGE + 1]);
	}
	munmap(at, SIZE);
	close(region);
}

static uint64_t loads(int region)
{
	struct cloister_stats stats;

	return get_stats(region, &stats) ? 0 : stats.loads;
}

/* A page in use again and again stays: the choice of victims gives a second chance. */
TEST_F(limits, pages_in_use_are_mostly_spared)
{
	int region = pattern_region(self->device, SIZE, RESIDENT_MIN, 0, READ, 3);
	uint8_t *at = map_region(region, 0, SIZE, PROT_READ);
	const size_t hot = LIMIT_PAGES / 4;
	/* With victims in the order of their loading each goes once while the limit is loaded. */
	const uint64_t in_order = (PAGES - hot) * hot / (LIMIT_PAGES - hot);
	uint64_t again = 0, before;
	size_t page, i;

	ASSERT_NE(MAP_FAILED, at);
	for (page = hot; page < PAGES; page++) {
		before = loads(region);
		for (i = 0; i < hot; i++) {
			ASSERT_EQ(0, touch_read(at + i * PAGE));
		}
		again += loads(region) - before;
		ASSERT_EQ(0, touch_read(at + page * PAGE));
	}
	EXPECT_LE(again, in_order / 2);
	TH_LOG("pages in use were loaded %llu times; without a second chance: %llu",
	       (unsigned long long)again, (unsigned long long)in_order);
	munmap(at, SIZE);
	close(region);
}

TEST_F(limits, of_several_regions_are_kept_apart)
{
	int small = pattern_region(self->device, SIZE, RESIDENT_MIN, 0, READ, 4);
	int large = pattern_region(self->device, SIZE, 0, 0, READ, 5);
	uint8_t *small_at = map_region(small, 0, SIZE, PROT_READ);
	uint8_t *large_at = map_region(large, 0, SIZE, PROT_READ);

	EXPECT_EQ(0, check_pattern(large_at, 5, 0, SIZE));
	EXPECT_EQ(0, check_pattern(small_at, 4, 0, SIZE));
	EXPECT_LE(resident(small), LIMIT_PAGES);
	EXPECT_EQ(PAGES, resident(large));
	munmap(small_at, SIZE);
	munmap(large_at, SIZE);
	close(small);
	close(large);
}

/* One metadata entry is small, and tables come as they are needed. */
TEST_F(limits, metadata_a_page)
{
	const size_t size = 2048 * PAGE;
	int region = create_region(self->device, size, RESIDENT_MIN, 0);
	struct cloister_stats stats;

	ASSERT_EQ(0, add_pages(region, ZERO, 0, size, NULL, READ));
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_LE(stats.metadata / 2048, 40);
	close(region);
}

TEST_HARNESS_MAIN
