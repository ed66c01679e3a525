// SPDX-License-Identifier: GPL-2.0-only
/* CLOISTER_STATS and /proc/PID/fdinfo: counters that tell what happened. */
#include "checks.h"

#define PAGES	16
#define SIZE	(PAGES * PAGE)

FIXTURE(stats) {
	int device;
	int region;
};

FIXTURE_SETUP(stats)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->region = pattern_region(self->device, SIZE, SIZE, SHAREABLE, READ | WRITE, 51);
	ASSERT_GE(self->region, 0);
}

FIXTURE_TEARDOWN(stats)
{
	close(self->region);
	close(self->device);
}

TEST_F(stats, of_a_live_region)
{
	struct cloister_stats stats;
	size_t i;

	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(CLOISTER_STATE_LIVE, stats.state);
	EXPECT_EQ(SHAREABLE, stats.create_flags);
	EXPECT_EQ(SIZE, stats.region_size);
	EXPECT_EQ(SIZE, stats.resident_limit);
	EXPECT_EQ(PAGES, stats.pages);
	EXPECT_EQ(PAGES, stats.resident + stats.sealed);
	EXPECT_EQ(0, stats.zero);
	EXPECT_EQ(0, stats.integrity_failures);
	EXPECT_EQ(0, stats.quotes);
	EXPECT_GT(stats.metadata, 0);
	for (i = 0; i < ARRAY_LEN(stats.reserved); i++) {
		EXPECT_EQ(0, stats.reserved[i]);
	}
}

TEST_F(stats, of_an_empty_region)
{
	int region = create_region(self->device, SIZE, 0, 0);
	struct cloister_stats stats;

	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(CLOISTER_STATE_BUILDING, stats.state);
	EXPECT_EQ(0, stats.pages);
	EXPECT_EQ(0, stats.resident);
	EXPECT_EQ(0, stats.sealed);
	EXPECT_EQ(0, stats.loads);
	EXPECT_EQ(0, stats.evictions);
	EXPECT_EQ(0, stats.faults);
	close(region);
}

TEST_F(stats, count_faults_loads_and_evictions)
{
	uint8_t *at = map_region(self->region, 0, SIZE, PROT_READ);
	struct cloister_stats before, after;

	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(0, get_stats(self->region, &before));
	ASSERT_EQ(0, seal_all(self->region));
	ASSERT_EQ(0, get_stats(self->region, &after));
	EXPECT_EQ(before.resident, after.evictions - before.evictions);
	EXPECT_EQ(0, check_pattern(at, 51, 0, SIZE));
	ASSERT_EQ(0, get_stats(self->region, &after));
	EXPECT_EQ(before.loads + PAGES, after.loads);
	EXPECT_GE(after.faults, before.faults + PAGES);
	EXPECT_EQ(PAGES, after.resident);
	munmap(at, SIZE);
}

TEST_F(stats, every_flag_bit_is_refused)
{
	struct cloister_stats stats = { .size = sizeof(stats) };

	check_bad_flags(_metadata, self->region, CLOISTER_STATS, &stats, sizeof(stats), 0);
}

TEST_F(stats, sizes)
{
	struct cloister_stats stats = { .size = sizeof(stats) };

	check_bad_sizes(_metadata, self->region, CLOISTER_STATS, &stats, sizeof(stats));
	EXPECT_EQ(0, call_sized(self->region, CLOISTER_STATS, &stats, sizeof(stats),
				sizeof(stats) + 32, 0));
}

TEST_F(stats, addresses)
{
	struct cloister_stats stats = { .size = sizeof(stats) };

	check_bad_addresses(_metadata, self->region, CLOISTER_STATS, &stats, sizeof(stats));
}

/* Lines "cloister-NAME: VALUE" of a region's fdinfo. */
static int fdinfo(int fd, char *text, size_t length)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return read_text(path, text, length);
}

static long long fdinfo_value(const char *text, const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\ncloister-%s:", name);
	at = strstr(text, key);
	return at ? strtoll(at + strlen(key), NULL, 0) : -1;
}

TEST_F(stats, fdinfo_says_the_same)
{
	struct cloister_stats stats;
	char text[2048];

	ASSERT_EQ(0, fdinfo(self->region, text, sizeof(text)));
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ((long long)stats.region_id, fdinfo_value(text, "region")) TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "\ncloister-state:\tlive\n"));
	EXPECT_EQ((long long)stats.region_size, fdinfo_value(text, "size"));
	EXPECT_EQ((long long)stats.pages, fdinfo_value(text, "pages"));
	EXPECT_EQ((long long)stats.resident, fdinfo_value(text, "resident"));
	EXPECT_EQ((long long)stats.sealed, fdinfo_value(text, "sealed"));
	EXPECT_EQ((long long)stats.resident_limit, fdinfo_value(text, "limit"));
	EXPECT_EQ((long long)stats.integrity_failures, fdinfo_value(text, "integrity-failures"));
}

TEST_HARNESS_MAIN
