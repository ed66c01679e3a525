// SPDX-License-Identifier: GPL-2.0-only
/* CLOISTER_SEAL: arguments, counters, and data that comes back as it was. */
#include "checks.h"

#define PAGES	32
#define SIZE	(PAGES * PAGE)

FIXTURE(seal) {
	int device;
	int region;
	uint8_t *at;
};

FIXTURE_SETUP(seal)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->region = pattern_region(self->device, SIZE, 0, 0, READ | WRITE, 21);
	ASSERT_GE(self->region, 0);
	self->at = map_region(self->region, 0, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->at);
}

FIXTURE_TEARDOWN(seal)
{
	munmap(self->at, SIZE);
	close(self->region);
	close(self->device);
}

struct bad_range {
	const char *what;
	uint64_t offset;
	uint64_t length;
};

/* Shared by SEAL and REMOVE_PAGES, which take the same structure. */
static const struct bad_range bad_ranges[] = {
	{ "a byte", 0, 1 },
	{ "a page and a byte", 0, PAGE + 1 },
	{ "offset of a byte", 1, PAGE },
	{ "empty, not at the beginning", PAGE, 0 },
	{ "empty at the end", SIZE, 0 },
	{ "behind the end", SIZE, PAGE },
	{ "across the end", SIZE - PAGE, 2 * PAGE },
	{ "longer than the region", 0, SIZE + PAGE },
	{ "wraps to zero", -PAGE, PAGE },
	{ "wraps into the region", PAGE, -PAGE },
	{ "sign bit", 1ULL << 63, PAGE },
	{ "longest", 0, -PAGE },
	{ "all ones", -1ULL, -1ULL },
};

TEST_F(seal, bad_ranges)
{
	struct cloister_stats before, after;
	size_t i;

	ASSERT_EQ(0, get_stats(self->region, &before));
	for (i = 0; i < ARRAY_LEN(bad_ranges); i++) {
		EXPECT_EQ(-EINVAL, seal(self->region, bad_ranges[i].offset, bad_ranges[i].length))
			TH_LOG("seal: %s", bad_ranges[i].what);
		EXPECT_EQ(-EINVAL, remove_pages(self->region, bad_ranges[i].offset,
						bad_ranges[i].length))
			TH_LOG("remove: %s", bad_ranges[i].what);
	}
	ASSERT_EQ(0, get_stats(self->region, &after));
	EXPECT_EQ(before.evictions, after.evictions);
	EXPECT_EQ(before.pages, after.pages);
}

TEST_F(seal, every_flag_bit_is_refused)
{
	struct cloister_range range = { .size = sizeof(range), .length = PAGE };

	check_bad_flags(_metadata, self->region, CLOISTER_SEAL, &range, sizeof(range), 0);
	check_bad_flags(_metadata, self->region, CLOISTER_REMOVE_PAGES, &range, sizeof(range), 0);
}

TEST_F(seal, sizes)
{
	struct cloister_range range = { .size = sizeof(range), .length = PAGE };

	check_bad_sizes(_metadata, self->region, CLOISTER_SEAL, &range, sizeof(range));
	EXPECT_EQ(0, call_sized(self->region, CLOISTER_SEAL, &range, sizeof(range),
				sizeof(range) + 8, 0));
	check_bad_sizes(_metadata, self->region, CLOISTER_REMOVE_PAGES, &range, sizeof(range));
	EXPECT_EQ(0, check_pattern(self->at, 21, 0, SIZE));
	EXPECT_EQ(0, call_sized(self->region, CLOISTER_REMOVE_PAGES, &range, sizeof(range),
				sizeof(range) + 8, 0));
}

TEST_F(seal, addresses)
{
	struct cloister_range range = { .size = sizeof(range), .length = PAGE };

	check_bad_addresses(_metadata, self->region, CLOISTER_SEAL, &range, sizeof(range));
	check_bad_addresses(_metadata, self->region, CLOISTER_REMOVE_PAGES, &range, sizeof(range));
	EXPECT_EQ(0, check_pattern(self->at, 21, 0, SIZE));
}

TEST_F(seal, a_range)
{
	struct cloister_stats stats;
	uint64_t done = 0;

	ASSERT_EQ(0, check_pattern(self->at, 21, 0, SIZE));
	ASSERT_EQ(0, range_call(self->region, CLOISTER_SEAL, 4 * PAGE, 8 * PAGE, &done));
	EXPECT_EQ(8 * PAGE, done);
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(8, stats.sealed);
	EXPECT_EQ(PAGES - 8, stats.resident);
	EXPECT_EQ(PAGES, stats.pages);
	EXPECT_GE(stats.evictions, 8);
	EXPECT_EQ(0, check_pattern(self->at, 21, 0, SIZE));
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(0, stats.sealed);
	EXPECT_EQ(PAGES, stats.resident);
	EXPECT_GE(stats.loads, 8);
}

TEST_F(seal, everything)
{
	struct cloister_stats stats;
	struct cloister_get_info info, idle;
	uint64_t done = 0;

	ASSERT_EQ(0, get_info(self->device, &info));
	ASSERT_EQ(0, range_call(self->region, CLOISTER_SEAL, 0, 0, &done));
	EXPECT_EQ(SIZE, done);
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(PAGES, stats.sealed);
	EXPECT_EQ(0, stats.resident);
	ASSERT_EQ(0, get_info(self->device, &idle));
	EXPECT_LT(idle.resident, info.resident);
	EXPECT_EQ(0, check_pattern(self->at, 21, 0, SIZE));
}

TEST_F(seal, again_and_again)
{
	unsigned int round;

	for (round = 0; round < 20; round++) {
		ASSERT_EQ(0, check_pattern(self->at, 21 + round, 0, SIZE));
		pattern_fill(self->at, 22 + round, 0, SIZE);
		ASSERT_EQ(0, seal_all(self->region));
	}
	EXPECT_EQ(0, check_pattern(self->at, 41, 0, SIZE));
}

TEST_F(seal, sealed_pages_are_passed_over)
{
	struct cloister_stats first, second;

	ASSERT_EQ(0, seal_all(self->region));
	ASSERT_EQ(0, get_stats(self->region, &first));
	ASSERT_EQ(0, seal_all(self->region));
	ASSERT_EQ(0, get_stats(self->region, &second));
	EXPECT_EQ(first.evictions, second.evictions);
	EXPECT_EQ(PAGES, second.sealed);
}

/* A page that was only read since it was loaded needs to come back as well. */
TEST_F(seal, clean_and_dirty_pages)
{
	size_t page;

	ASSERT_EQ(0, seal_all(self->region));
	for (page = 0; page < PAGES; page++) {
		if (page % 2) {
			pattern_fill(self->at + page * PAGE, 77, page * PAGE, PAGE);
		} else {
			EXPECT_EQ(0, touch_read(self->at + page * PAGE));
		}
	}
	ASSERT_EQ(0, seal_all(self->region));
	for (page = 0; page < PAGES; page++) {
		EXPECT_EQ(0, check_pattern(self->at + page * PAGE, page % 2 ? 77 : 21,
					   page * PAGE, PAGE));
	}
}

TEST_F(seal, zero_pages_stay_zero_until_touched)
{
	int region = create_region(self->device, SIZE, 0, 0);
	struct cloister_stats stats;
	uint8_t *at;
	size_t i;

	ASSERT_EQ(0, add_pages(region, ZERO, 0, SIZE, NULL, READ | WRITE));
	ASSERT_EQ(0, init_region(region, NULL));
	ASSERT_EQ(0, seal_all(region));
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(PAGES, stats.zero);
	EXPECT_EQ(0, stats.sealed);
	at = map_region(region, 0, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	at[3 * PAGE] = 1;
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(PAGES - 1, stats.zero);
	ASSERT_EQ(0, seal_all(region));
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(1, stats.sealed);
	EXPECT_EQ(1, at[3 * PAGE]);
	at[3 * PAGE] = 0;
	for (i = 0; i < SIZE; i += 512) {
		EXPECT_EQ(0, at[i]);
	}
	munmap(at, SIZE);
	close(region);
}

TEST_F(seal, while_building)
{
	int region = create_region(self->device, SIZE, 0, 0);
	uint8_t *source = pattern_buffer(5, SIZE);
	struct cloister_stats stats;
	uint8_t *at;

	ASSERT_EQ(0, add_pages(region, MEASURED, 0, SIZE, source, READ));
	ASSERT_EQ(0, seal_all(region));
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(PAGES, stats.sealed);
	ASSERT_EQ(0, init_region(region, NULL));
	at = map_region(region, 0, SIZE, PROT_READ);
	EXPECT_EQ(0, check_pattern(at, 5, 0, SIZE));
	munmap(at, SIZE);
	close(region);
	free(source);
}

TEST_F(seal, absent_pages_are_passed_over)
{
	int region = create_region(self->device, REGION_MAX, 0, 0);
	uint64_t done;

	ASSERT_EQ(0, add_pages(region, ZERO, 0, PAGE, NULL, READ));
	ASSERT_EQ(0, init_region(region, NULL));
	/* Cost follows the pages used, not the length of the range. */
	ASSERT_EQ(0, range_call(region, CLOISTER_SEAL, 0, 0, &done));
	EXPECT_EQ(REGION_MAX, done);
	ASSERT_EQ(0, range_call(region, CLOISTER_SEAL, PAGE, REGION_MAX - PAGE, &done));
	EXPECT_EQ(REGION_MAX - PAGE, done);
	close(region);
}

TEST_HARNESS_MAIN
