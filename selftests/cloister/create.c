// SPDX-License-Identifier: GPL-2.0-only
/* CLOISTER_CREATE: arguments, descriptors, cost of an empty region. */
#include <sys/resource.h>
#include "checks.h"

DEVICE_FIXTURE(create)

static struct cloister_create plain_create(void)
{
	return (struct cloister_create) {
		.size = sizeof(struct cloister_create),
		.region_size = 16 * PAGE,
	};
}

struct bad_create {
	const char *what;
	uint64_t region_size;
	uint64_t resident_limit;
};

static const struct bad_create bad_creates[] = {
	{ "no size", 0, 0 },
	{ "one byte", 1, 0 },
	{ "half a page", PAGE / 2, 0 },
	{ "a page and a byte", PAGE + 1, 0 },
	{ "a page less a byte", PAGE - 1, 0 },
	{ "more than the largest", REGION_MAX + PAGE, 0 },
	{ "twice the largest", 2 * REGION_MAX, 0 },
	{ "highest page of a word", -PAGE, 0 },
	{ "all ones", -1ULL, 0 },
	{ "sign bit", 1ULL << 63, 0 },
	{ "limit of a byte", 1 << 20, 1 },
	{ "limit of a page", 1 << 20, PAGE },
	{ "limit below the least", 1 << 20, RESIDENT_MIN - PAGE },
	{ "limit below a small region", 8 * PAGE, 7 * PAGE },
	{ "limit not of whole pages", 1 << 20, RESIDENT_MIN + 1 },
	{ "limit all ones", 1 << 20, -1ULL },
};

TEST_F(create, bad_arguments)
{
	struct cloister_get_info before, after;
	size_t i;

	ASSERT_EQ(0, get_info(self->device, &before));
	for (i = 0; i < ARRAY_LEN(bad_creates); i++) {
		EXPECT_EQ(-EINVAL, create_region(self->device, bad_creates[i].region_size,
						 bad_creates[i].resident_limit, 0))
			TH_LOG("%s", bad_creates[i].what);
	}
	ASSERT_EQ(0, get_info(self->device, &after));
	EXPECT_EQ(before.regions, after.regions);
	EXPECT_EQ(before.metadata, after.metadata);
}

TEST_F(create, good_limits)
{
	EXPECT_GE(create_region(self->device, 1 << 20, RESIDENT_MIN, 0), 0);
	EXPECT_GE(create_region(self->device, 8 * PAGE, 8 * PAGE, 0), 0);
	EXPECT_GE(create_region(self->device, PAGE, PAGE, 0), 0);
	EXPECT_GE(create_region(self->device, 1 << 20, 0, 0), 0);
}

TEST_F(create, only_advertised_flags_pass)
{
	struct cloister_create create = plain_create();
	struct cloister_get_info info;
	int bit, fd;

	ASSERT_EQ(0, get_info(self->device, &info));
	check_bad_flags(_metadata, self->device, CLOISTER_CREATE, &create, sizeof(create),
			info.create_flags);
	for (bit = 0; bit < 32; bit++) {
		if (!(info.create_flags & (1ULL << bit)))
			continue;
		fd = create_region(self->device, PAGE, 0, 1U << bit);
		EXPECT_GE(fd, 0) TH_LOG("flag bit %d", bit);
		close(fd);
	}
}

TEST_F(create, reserved_words)
{
	struct cloister_create create = plain_create();

	check_reserved(_metadata, self->device, CLOISTER_CREATE, &create, sizeof(create),
		       offsetof(struct cloister_create, reserved), sizeof(create));
}

TEST_F(create, sizes)
{
	struct cloister_create create = plain_create();

	check_bad_sizes(_metadata, self->device, CLOISTER_CREATE, &create, sizeof(create));
	EXPECT_GE(call_sized(self->device, CLOISTER_CREATE, &create, sizeof(create),
			     sizeof(create) + 32, 0), 0);
}

TEST_F(create, addresses)
{
	struct cloister_create create = plain_create();

	check_bad_addresses(_metadata, self->device, CLOISTER_CREATE, &create, sizeof(create));
}

TEST_F(create, descriptor_is_close_on_exec_and_read_write)
{
	int fd = create_region(self->device, PAGE, 0, 0);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
}

TEST_F(create, inode_of_its_own)
{
	int first = create_region(self->device, PAGE, 0, 0);
	int second = create_region(self->device, PAGE, 0, 0);
	struct stat a, b;

	ASSERT_EQ(0, fstat(first, &a));
	ASSERT_EQ(0, fstat(second, &b));
	EXPECT_EQ(a.st_dev, b.st_dev);
	EXPECT_NE(a.st_ino, b.st_ino);
}

TEST_F(create, every_power_of_two_up_to_the_largest)
{
	struct cloister_stats stats;
	uint64_t size;
	int fd;

	for (size = PAGE; size <= REGION_MAX; size *= 2) {
		fd = create_region(self->device, size, 0, 0);
		ASSERT_GE(fd, 0) TH_LOG("size %#llx", (unsigned long long)size);
		ASSERT_EQ(0, get_stats(fd, &stats));
		EXPECT_EQ(size, stats.region_size);
		EXPECT_EQ(CLOISTER_STATE_BUILDING, stats.state);
		close(fd);
	}
}

TEST_F(create, largest_region_costs_next_to_nothing)
{
	struct cloister_get_info before, after;
	int fd;

	ASSERT_EQ(0, get_info(self->device, &before));
	fd = create_region(self->device, REGION_MAX, 0, 0);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, get_info(self->device, &after));
	EXPECT_LE(after.metadata - before.metadata, 16 * PAGE);
	EXPECT_EQ(before.resident, after.resident);
}

TEST_F(create, no_descriptor_left)
{
	struct rlimit limit;
	struct cloister_get_info before, after;

	ASSERT_EQ(0, get_info(self->device, &before));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 32;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	while (dup(self->device) >= 0)
		;
	EXPECT_EQ(-EMFILE, create_region(self->device, PAGE, 0, 0));
	ASSERT_EQ(0, get_info(self->device, &after));
	EXPECT_EQ(before.regions, after.regions);
}

TEST_F(create, identities_differ)
{
	struct cloister_stats first, second;
	int a = create_region(self->device, PAGE, 0, 0);
	int b = create_region(self->device, PAGE, 0, 0);

	ASSERT_EQ(0, get_stats(a, &first));
	ASSERT_EQ(0, get_stats(b, &second));
	EXPECT_NE(first.region_id, second.region_id);
	close(b);
	b = create_region(self->device, PAGE, 0, 0);
	ASSERT_EQ(0, get_stats(b, &first));
	EXPECT_NE(first.region_id, second.region_id);
}

TEST_HARNESS_MAIN
