// SPDX-License-Identifier: GPL-2.0-only
/* What the machine asks of regions: memory, and to sleep. */
#include "checks.h"

#define PAGES	1024UL
#define SIZE	(PAGES * PAGE)
/* Each round asks the kernel's shrinkers for all they have; the worker does it later. */
#define ROUNDS	400

FIXTURE(pressure) {
	int device;
	int region;
	uint8_t *at;
};

FIXTURE_SETUP(pressure)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->region = pattern_region(self->device, SIZE, 0, 0, READ | WRITE, 71);
	ASSERT_GE(self->region, 0);
	self->at = map_region(self->region, 0, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->at);
}

FIXTURE_TEARDOWN(pressure)
{
	munmap(self->at, SIZE);
	close(self->region);
	close(self->device);
}

TEST_F(pressure, shrinker_seals_pages)
{
	struct cloister_stats before, after;
	int round;

	ASSERT_EQ(0, get_stats(self->region, &before));
	ASSERT_EQ(PAGES, before.resident);
	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(0, write_text("/proc/sys/vm/drop_caches", "2"));
		ASSERT_EQ(0, get_stats(self->region, &after));
		if (after.resident < PAGES)
			break;
		sched_yield();
	}
	EXPECT_LT(after.resident, PAGES);
	EXPECT_GT(after.evictions, 0);
	EXPECT_EQ(0, check_pattern(self->at, 71, 0, SIZE));
}

/* Protected memory must not get into an image on disk. */
TEST_F(pressure, hibernation_is_refused)
{
	struct cloister_stats stats;
	int result = write_text("/sys/power/state", "disk");

	if (result == -EINVAL || result == -ENOENT)
		SKIP(return, "this kernel can't hibernate");
	EXPECT_EQ(-EBUSY, result);
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(CLOISTER_STATE_LIVE, stats.state);
	EXPECT_EQ(0, check_pattern(self->at, 71, 0, SIZE));
}

TEST_HARNESS_MAIN
