// SPDX-License-Identifier: GPL-2.0-only
/* CLOISTER_REMOVE_PAGES: gone for good, scrubbed, and nothing else with it. */
#include "checks.h"

#define PAGES	16
#define SIZE	(PAGES * PAGE)

FIXTURE(remove) {
	int device;
	int region;
	uint8_t *at;
};

FIXTURE_SETUP(remove)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->region = pattern_region(self->device, SIZE, 0, 0, READ | WRITE, 31);
	ASSERT_GE(self->region, 0);
	self->at = map_region(self->region, 0, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->at);
}

FIXTURE_TEARDOWN(remove)
{
	munmap(self->at, SIZE);
	close(self->region);
	close(self->device);
}

TEST_F(remove, resident_pages)
{
	struct cloister_stats stats;
	uint64_t done = 0;

	ASSERT_EQ(0, check_pattern(self->at, 31, 0, SIZE));
	ASSERT_EQ(0, range_call(self->region, CLOISTER_REMOVE_PAGES, 2 * PAGE, 3 * PAGE, &done));
	EXPECT_EQ(3 * PAGE, done);
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(PAGES - 3, stats.pages);
	EXPECT_EQ(PAGES - 3, stats.resident);
	EXPECT_EQ(SIGBUS, touch_read(self->at + 2 * PAGE));
	EXPECT_EQ(self->at + 2 * PAGE, (uint8_t *)touch_fault.si_addr);
	EXPECT_EQ(SIGBUS, touch_write(self->at + 4 * PAGE));
	EXPECT_EQ(0, check_pattern(self->at, 31, 0, 2 * PAGE));
	EXPECT_EQ(0, check_pattern(self->at + 5 * PAGE, 31, 5 * PAGE, SIZE - 5 * PAGE));
}

TEST_F(remove, sealed_pages)
{
	struct cloister_stats stats;

	ASSERT_EQ(0, seal_all(self->region));
	ASSERT_EQ(0, remove_pages(self->region, 0, PAGE));
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(PAGES - 1, stats.pages);
	EXPECT_EQ(PAGES - 1, stats.sealed);
	EXPECT_EQ(SIGBUS, touch_read(self->at));
	EXPECT_EQ(0, stats.integrity_failures);
	EXPECT_EQ(0, check_pattern(self->at + PAGE, 31, PAGE, SIZE - PAGE));
}

TEST_F(remove, zero_pages)
{
	int region = create_region(self->device, SIZE, 0, 0);
	struct cloister_stats stats;

	ASSERT_EQ(0, add_pages(region, ZERO, 0, SIZE, NULL, READ));
	ASSERT_EQ(0, init_region(region, NULL));
	ASSERT_EQ(0, remove_pages(region, 0, SIZE));
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(0, stats.pages);
	EXPECT_EQ(0, stats.zero);
	close(region);
}

TEST_F(remove, whole_region)
{
	struct cloister_stats stats;
	uint64_t done = 0;
	size_t page;

	ASSERT_EQ(0, range_call(self->region, CLOISTER_REMOVE_PAGES, 0, 0, &done));
	EXPECT_EQ(SIZE, done);
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(0, stats.pages);
	EXPECT_EQ(0, stats.resident);
	EXPECT_EQ(0, stats.sealed);
	for (page = 0; page < PAGES; page++) {
		EXPECT_EQ(SIGBUS, touch_read(self->at + page * PAGE));
	}
}

TEST_F(remove, again)
{
	struct cloister_stats stats;

	ASSERT_EQ(0, remove_pages(self->region, PAGE, PAGE));
	EXPECT_EQ(0, remove_pages(self->region, PAGE, PAGE));
	EXPECT_EQ(0, remove_pages(self->region, 0, 4 * PAGE));
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(PAGES - 4, stats.pages);
}

TEST_F(remove, not_while_building)
{
	int region = create_region(self->device, SIZE, 0, 0);
	struct cloister_stats before;

	ASSERT_EQ(0, add_pages(region, ZERO, 0, SIZE, NULL, READ));
	ASSERT_EQ(0, get_stats(region, &before));
	EXPECT_EQ(-EBADFD, remove_pages(region, 0, PAGE));
	EXPECT_EQ(-EBADFD, remove_pages(region, 0, 0));
	expect_unchanged(_metadata, region, &before);
	close(region);
}

TEST_F(remove, no_way_back)
{
	uint8_t *source = pattern_buffer(1, PAGE);

	ASSERT_EQ(0, remove_pages(self->region, 0, PAGE));
	EXPECT_EQ(-EBADFD, add_once(self->region, MEASURED, 0, PAGE, source, READ, NULL));
	EXPECT_EQ(-EBADFD, add_once(self->region, ZERO, 0, PAGE, NULL, READ, NULL));
	EXPECT_EQ(SIGBUS, touch_read(self->at));
	ASSERT_EQ(0, seal_all(self->region));
	EXPECT_EQ(SIGBUS, touch_read(self->at));
	free(source);
}

TEST_F(remove, gives_memory_back)
{
	struct cloister_get_info before, after;

	ASSERT_EQ(0, check_pattern(self->at, 31, 0, SIZE));
	ASSERT_EQ(0, get_info(self->device, &before));
	ASSERT_EQ(0, remove_pages(self->region, 0, 8 * PAGE));
	ASSERT_EQ(0, get_info(self->device, &after));
	EXPECT_EQ(before.resident - 8 * PAGE, after.resident);
}

TEST_HARNESS_MAIN
