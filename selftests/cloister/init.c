// SPDX-License-Identifier: GPL-2.0-only
/* CLOISTER_INIT: when it may be called, and that a refused call changes nothing. */
#include "checks.h"

FIXTURE(init) {
	int device;
	int region;
};

FIXTURE_SETUP(init)
{
	uint8_t *source = pattern_buffer(3, 4 * PAGE);

	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->region = create_region(self->device, 4 * PAGE, 0, 0);
	ASSERT_GE(self->region, 0);
	ASSERT_EQ(0, add_pages(self->region, MEASURED, 0, 4 * PAGE, source, READ));
	free(source);
}

FIXTURE_TEARDOWN(init)
{
	close(self->region);
	close(self->device);
}

static uint32_t state_of(int region)
{
	struct cloister_stats stats;

	return get_stats(region, &stats) ? 0 : stats.state;
}

TEST_F(init, makes_the_region_live)
{
	uint8_t measurement[CLOISTER_DIGEST_LEN];
	uint8_t zeros[CLOISTER_DIGEST_LEN] = { 0 };

	EXPECT_EQ(CLOISTER_STATE_BUILDING, state_of(self->region));
	ASSERT_EQ(0, init_region(self->region, measurement));
	EXPECT_EQ(CLOISTER_STATE_LIVE, state_of(self->region));
	EXPECT_NE(0, memcmp(measurement, zeros, sizeof(zeros)));
}

TEST_F(init, twice)
{
	ASSERT_EQ(0, init_region(self->region, NULL));
	EXPECT_EQ(-EBADFD, init_region(self->region, NULL));
	EXPECT_EQ(CLOISTER_STATE_LIVE, state_of(self->region));
}

TEST_F(init, every_flag_bit_is_refused)
{
	struct cloister_init init = { .size = sizeof(init) };

	check_bad_flags(_metadata, self->region, CLOISTER_INIT, &init, sizeof(init), 0);
	EXPECT_EQ(CLOISTER_STATE_BUILDING, state_of(self->region));
	EXPECT_EQ(0, init_region(self->region, NULL));
}

TEST_F(init, sizes)
{
	struct cloister_init init = { .size = sizeof(init) };

	check_bad_sizes(_metadata, self->region, CLOISTER_INIT, &init, sizeof(init));
	EXPECT_EQ(CLOISTER_STATE_BUILDING, state_of(self->region));
	EXPECT_EQ(0, call_sized(self->region, CLOISTER_INIT, &init, sizeof(init),
				sizeof(init) + 8, 0));
	EXPECT_EQ(CLOISTER_STATE_LIVE, state_of(self->region));
}

/* Where the measurement can't be delivered the region must still be there to be finished. */
TEST_F(init, addresses)
{
	struct cloister_init init = { .size = sizeof(init) };
	struct cloister_init *readonly;

	check_bad_addresses(_metadata, self->region, CLOISTER_INIT, &init, sizeof(init));
	EXPECT_EQ(CLOISTER_STATE_BUILDING, state_of(self->region));
	readonly = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, readonly);
	*readonly = init;
	ASSERT_EQ(0, mprotect(readonly, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, call(self->region, CLOISTER_INIT, readonly));
	EXPECT_EQ(CLOISTER_STATE_BUILDING, state_of(self->region));
	EXPECT_EQ(0, init_region(self->region, NULL));
}

TEST_F(init, region_without_pages)
{
	int region = create_region(self->device, PAGE, 0, 0);
	uint8_t *at;

	ASSERT_GE(region, 0);
	ASSERT_EQ(0, init_region(region, NULL));
	at = map_region(region, 0, PAGE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(SIGBUS, touch_read(at));
}

TEST_HARNESS_MAIN
