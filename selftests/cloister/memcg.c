// SPDX-License-Identifier: GPL-2.0-only
/* A region's memory is its creator's: it is charged to its memory cgroup. */
#include "checks.h"

#define CGROUPS		"/sys/fs/cgroup"
#define GROUP		CGROUPS "/cloister-test"
#define PAGES		2048UL
#define SIZE		(PAGES * PAGE)

FIXTURE(memcg) {
	int unused;
};

FIXTURE_SETUP(memcg)
{
	char controllers[256] = "";
	const char *path = CGROUPS "/cgroup.subtree_control";

	ASSERT_EQ(0, read_text(path, controllers, sizeof(controllers)))
		TH_LOG("no cgroup v2 at " CGROUPS ": mount -t cgroup2 cgroup2 " CGROUPS);
	ASSERT_NE(NULL, strstr(controllers, "memory"))
		TH_LOG("children have no memory controller: echo +memory >%s", path);
	rmdir(GROUP);
	ASSERT_EQ(0, mkdir(GROUP, 0755)) TH_LOG(GROUP ": %s", strerror(errno));
}

FIXTURE_TEARDOWN(memcg)
{
	uint64_t until = now_ms() + 5000;

	/* Busy while the last of its processes is on its way out. */
	while (rmdir(GROUP) && errno == EBUSY && now_ms() < until)
		sched_yield();
}

static long long group_value(const char *path)
{
	char text[64];

	return read_text(path, text, sizeof(text)) ? -1 : strtoll(text, NULL, 10);
}

/* Pages of a region as they are charged: far more than what the process itself needs. */
static int charge_and_return(void *unused)
{
	long long before, full, after;
	int device, region;

	(void)unused;
	if (write_text(GROUP "/cgroup.procs", "0"))
		return -EIO;
	device = open_device();
	before = group_value(GROUP "/memory.current");
	region = pattern_region(device, SIZE, 0, 0, READ, 1);
	if (region < 0)
		return region;
	full = group_value(GROUP "/memory.current");
	close(region);
	after = group_value(GROUP "/memory.current");
	/* Charges are taken and given back in batches. */
	if (before < 0 || full - before < (long long)(SIZE * 7 / 8))
		return -ERANGE;
	return full - after < (long long)(SIZE * 3 / 4) ? -EBUSY : 0;
}

TEST_F(memcg, charged_to_the_creator)
{
	EXPECT_EQ(0, in_child(charge_and_return, NULL));
}

#define GROUP_LIMIT	(16UL << 20)
#define LARGE		(24UL << 20)

static long long group_event(const char *name)
{
	char text[1024] = "", *at;

	if (read_text(GROUP "/memory.events", text, sizeof(text)))
		return -1;
	at = strstr(text, name);
	return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

/* More than the group may have, by a region that has no limit of its own. */
static int outgrow_the_group(void *unused)
{
	struct cloister_stats stats;
	int device, region;
	uint8_t *at;
	size_t i;

	(void)unused;
	if (write_text(GROUP "/cgroup.procs", "0"))
		return -EIO;
	device = open_device();
	region = create_region(device, LARGE, 0, 0);
	if (region < 0 || add_pages(region, ZERO, 0, LARGE, NULL, READ | WRITE) ||
	    init_region(region, NULL))
		return -EIO;
	at = map_region(region, 0, LARGE, PROT_READ | PROT_WRITE);
	if (at == MAP_FAILED)
		return -EIO;
	for (i = 0; i < LARGE; i += PAGE)
		pattern_fill(at + i, 5, i, PAGE);
	if (!pattern_holds(at, 5, 0, LARGE))
		return -EILSEQ;
	if (get_stats(region, &stats) || !stats.evictions ||
	    stats.resident * PAGE > GROUP_LIMIT)
		return -ERANGE;
	return 0;
}

/* It seals its own pages, which can be swapped, and the OOM killer is not needed. */
TEST_F(memcg, region_makes_room_for_itself)
{
	char limit[32];

	snprintf(limit, sizeof(limit), "%lu", GROUP_LIMIT);
	ASSERT_EQ(0, write_text(GROUP "/memory.max", limit));
	EXPECT_EQ(0, in_child(outgrow_the_group, NULL));
	EXPECT_EQ(0, group_event("oom_kill "));
	EXPECT_GT(group_event("\nmax "), 0);
}

TEST_HARNESS_MAIN
