// SPDX-License-Identifier: GPL-2.0-only
/* What keeps a region alive, and that its end leaves nothing behind. */
#include <sched.h>
#include <sys/syscall.h>
#include "checks.h"

#define PAGES	16
#define SIZE	(PAGES * PAGE)

FIXTURE(lifecycle) {
	int device;
	struct cloister_get_info before;
};

FIXTURE_SETUP(lifecycle)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	ASSERT_EQ(0, get_info(self->device, &self->before));
}

FIXTURE_TEARDOWN(lifecycle)
{
	close(self->device);
}

static uint64_t regions(int device)
{
	struct cloister_get_info info;

	return get_info(device, &info) ? -1ULL : info.regions;
}

TEST_F(lifecycle, mapping_outlives_the_descriptor)
{
	int region = pattern_region(self->device, SIZE, 0, 0, READ | WRITE, 1);
	uint8_t *at = map_region(region, 0, SIZE, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(0, seal_all(region));
	close(region);
	EXPECT_EQ(self->before.regions + 1, regions(self->device));
	EXPECT_EQ(0, check_pattern(at, 1, 0, SIZE));
	pattern_fill(at, 2, 0, SIZE);
	EXPECT_EQ(0, check_pattern(at, 2, 0, SIZE));
	munmap(at, SIZE);
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
}

TEST_F(lifecycle, descriptor_outlives_the_mapping)
{
	int region = pattern_region(self->device, SIZE, 0, 0, READ | WRITE, 1);
	uint8_t *at = map_region(region, 0, SIZE, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, at);
	pattern_fill(at, 3, 0, SIZE);
	munmap(at, SIZE);
	at = map_region(region, 0, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, check_pattern(at, 3, 0, SIZE));
	munmap(at, SIZE);
	close(region);
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
}

TEST_F(lifecycle, region_outlives_the_device_descriptor)
{
	int device = open_device();
	int region = pattern_region(device, SIZE, 0, 0, READ, 4);
	uint8_t *at;

	close(device);
	at = map_region(region, 0, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, check_pattern(at, 4, 0, SIZE));
	munmap(at, SIZE);
	close(region);
}

TEST_F(lifecycle, duplicate_is_the_same_region)
{
	int region = pattern_region(self->device, SIZE, 0, 0, READ, 5);
	int copy = dup(region);
	struct cloister_stats first, second;

	ASSERT_EQ(0, get_stats(region, &first));
	close(region);
	ASSERT_EQ(0, get_stats(copy, &second));
	EXPECT_EQ(first.region_id, second.region_id);
	EXPECT_EQ(self->before.regions + 1, regions(self->device));
	close(copy);
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
}

TEST_F(lifecycle, unfinished_region)
{
	int region = create_region(self->device, SIZE, 0, 0);
	uint8_t *source = pattern_buffer(6, SIZE);

	ASSERT_EQ(0, add_pages(region, MEASURED, 0, SIZE / 2, source, READ));
	close(region);
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
	free(source);
}

static int exit_with_everything_open(void *device)
{
	int first = pattern_region(*(int *)device, SIZE, 0, 0, READ | WRITE, 7);
	int second = pattern_region(*(int *)device, SIZE, 0, SHAREABLE, READ | WRITE, 8);
	uint8_t *at = map_region(first, 0, SIZE, PROT_READ | PROT_WRITE);
	uint8_t *also = map_region(second, 0, SIZE, PROT_READ | PROT_WRITE);

	if (at == MAP_FAILED || also == MAP_FAILED)
		return -EIO;
	memset(at, 1, SIZE);
	memset(also, 2, SIZE);
	return seal(first, 0, SIZE / 2);
}

TEST_F(lifecycle, exit_with_everything_open)
{
	EXPECT_EQ(0, in_child(exit_with_everything_open, &self->device));
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
}

/* A child that shares the descriptor table with the test, but not the memory. */
static int in_sharing_child(int (*work)(void *), void *argument)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(-work(argument));
	return child_result(pid);
}

struct legacy {
	int slot;
	uint32_t flags;
};

/* Leaves a region in the slot of the table, and nothing else that the child opened. */
static int create_for_parent(void *argument)
{
	const struct legacy *legacy = argument;
	int device = open_device();
	int region = pattern_region(device, SIZE, 0, legacy->flags, READ, 9);
	int result = region < 0 ? region : dup2(region, legacy->slot) < 0 ? -errno : 0;

	close(region);
	close(device);
	return result;
}

/* A holder may live on when the creator is gone: its shareable region works on. */
TEST_F(lifecycle, shareable_region_outlives_its_creator)
{
	struct legacy legacy = { dup(self->device), SHAREABLE };
	uint8_t *at;

	EXPECT_EQ(0, in_sharing_child(create_for_parent, &legacy));
	at = map_region(legacy.slot, 0, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, check_pattern(at, 9, 0, SIZE));
	munmap(at, SIZE);
	close(legacy.slot);
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
}

/* Without CLOISTER_CREATE_SHAREABLE nobody is left who may use it. */
TEST_F(lifecycle, private_region_of_a_dead_creator_is_useless)
{
	struct legacy legacy = { dup(self->device), 0 };
	struct cloister_stats stats;

	EXPECT_EQ(0, in_sharing_child(create_for_parent, &legacy));
	EXPECT_EQ(-EACCES, get_stats(legacy.slot, &stats));
	EXPECT_EQ(-EACCES, map_errno(legacy.slot, 0, PAGE, PROT_READ, MAP_SHARED));
	close(legacy.slot);
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
}

TEST_F(lifecycle, module_stays_while_a_region_lives)
{
	int region = pattern_region(self->device, PAGE, 0, 0, READ, 9);
	uint8_t *at = map_region(region, 0, PAGE, PROT_READ);

	ASSERT_NE(MAP_FAILED, at);
	close(self->device);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "cloister", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	close(region);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "cloister", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_EQ(0, check_pattern(at, 9, 0, PAGE));
	munmap(at, PAGE);
	self->device = open_device();
	EXPECT_GE(self->device, 0);
}

TEST_F(lifecycle, thousand_regions)
{
	int region, i;

	for (i = 0; i < 1000; i++) {
		region = create_region(self->device, REGION_MAX, 0, 0);
		ASSERT_GE(region, 0);
		ASSERT_EQ(0, add_pages(region, ZERO, (uint64_t)i << 28, PAGE, NULL, READ));
		close(region);
	}
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
}

TEST_HARNESS_MAIN
