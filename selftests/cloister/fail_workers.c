// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's worker, which seals pages ahead of need and for the machine's shrinker, with an
 * allocation refused: the nth of each of its runs, for n = 1, 2, 3... until a run has no nth.
 * Nobody notices but by a little more work for faults. A worker can't ask for failures itself:
 * cloister_faults.ko does it.
 */
#include "checks.h"
#include "fail_nth.h"
#include "failing.h"
#include "reload.h"

#define WORKER		"frames_work"
#define DROP_CACHES	"/proc/sys/vm/drop_caches"
#define NTH_MAX		2000
#define RUNS		8
#define SEED		0x57

FIXTURE(fail_workers) {
	int device;
	struct cloister_get_info before;
};

FIXTURE_SETUP(fail_workers)
{
	ASSERT_FALSE(warned());
	ASSERT_EQ(0, prepare_injection());
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	ASSERT_EQ(0, get_info(self->device, &self->before));
}

/* The monitor warns where it has a granule left when the module goes. */
FIXTURE_TEARDOWN(fail_workers)
{
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
	close(self->device);
	EXPECT_EQ(0, unload_module());
	EXPECT_FALSE(warned());
	EXPECT_EQ(0, load_module(""));
}

static void expect_whole(struct __test_metadata *_metadata, int region, uint8_t *at, size_t pages)
{
	struct cloister_stats stats;

	EXPECT_EQ(0, check_pattern(at, SEED, 0, pages * PAGE));
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(CLOISTER_STATE_LIVE, stats.state);
	EXPECT_EQ(pages, stats.pages);
	EXPECT_EQ(pages, stats.resident + stats.sealed + stats.zero);
	EXPECT_EQ(0, stats.integrity_failures);
}

/*
 * A region at its limit: the worker fills its pool. @own: what is refused to the thread that
 * touches as well, or 0; then the worker also has to relieve a machine short of memory.
 */
static unsigned int starve_at_the_limit(struct __test_metadata *_metadata, int device, int own)
{
	const size_t pages = 4 * RESIDENT_MIN / PAGE;
	int region = pattern_region(device, pages * PAGE, RESIDENT_MIN, 0, READ, SEED);
	uint8_t *at = map_region(region, 0, pages * PAGE, PROT_READ);
	unsigned int nth, refused = 0;
	int faults, hits = 1;
	uint64_t until;
	size_t page;

	ASSERT_NE(MAP_FAILED, at);
	for (nth = 1; hits && nth < NTH_MAX; nth++) {
		faults = starve(WORKER, nth);
		ASSERT_GE(faults, 0) TH_LOG("%s: %s", WORKER, strerror(-faults));
		until = now_ms() + 60000;
		for (page = 0; call(faults, CLOISTER_FAULTS_RUNS, NULL) < RUNS; page++) {
			ASSERT_LT(now_ms(), until) TH_LOG("no worker runs");
			if (own >= 0)
				refuse_nth(own, 1 + page % 8);
			EXPECT_EQ(0, touch_read(at + page % pages * PAGE));
			if (own >= 0)
				was_refused(own);
		}
		hits = fail_no_more(faults);
		ASSERT_GE(hits, 0);
		refused += hits;
		expect_whole(_metadata, region, at, pages);
	}
	EXPECT_EQ(0, hits) TH_LOG("the worker does not end");
	munmap(at, pages * PAGE);
	close(region);
	TH_LOG("%u allocations refused, up to the worker's %u", refused, nth - 2);
	return refused;
}

TEST_F_TIMEOUT(fail_workers, at_the_limit, 600)
{
	EXPECT_GT(starve_at_the_limit(_metadata, self->device, -1), 0);
}

TEST_F_TIMEOUT(fail_workers, at_the_limit_and_in_faults, 600)
{
	int own = open(FAIL_NTH, O_RDWR | O_CLOEXEC);

	ASSERT_GE(own, 0);
	EXPECT_GT(starve_at_the_limit(_metadata, self->device, own), 0);
	close(own);
}

#define SHRUNK		24UL

/* One shrinking, with one allocation in it refused: how many were. */
static int shrink_once(struct __test_metadata *_metadata, int device, unsigned int nth)
{
	int region = pattern_region(device, SHRUNK * PAGE, 0, 0, READ, SEED), faults, hits;
	uint8_t *at = map_region(region, 0, SHRUNK * PAGE, PROT_READ);
	uint64_t until = now_ms() + 60000;

	ASSERT_NE(MAP_FAILED, at);
	faults = starve(WORKER, nth);
	ASSERT_GE(faults, 0) TH_LOG("%s: %s", WORKER, strerror(-faults));
	/* The shrinker hands its wish on, unless somebody has the list of regions just then. */
	while (!call(faults, CLOISTER_FAULTS_RUNS, NULL)) {
		ASSERT_LT(now_ms(), until) TH_LOG("no worker runs");
		ASSERT_EQ(0, write_text(DROP_CACHES, "2"));
	}
	hits = fail_no_more(faults);
	ASSERT_GE(hits, 0);
	expect_whole(_metadata, region, at, SHRUNK);
	munmap(at, SHRUNK * PAGE);
	close(region);
	return hits;
}

TEST_F_TIMEOUT(fail_workers, shrinking, 900)
{
	unsigned int nth, refused = 0;
	int hits = 1;

	for (nth = 1; hits && nth < NTH_MAX; nth++) {
		hits = shrink_once(_metadata, self->device, nth);
		refused += hits;
	}
	EXPECT_EQ(0, hits) TH_LOG("the worker does not end");
	EXPECT_GT(refused, 0);
	TH_LOG("%u allocations refused, up to the worker's %u", refused, nth - 2);
}

TEST_HARNESS_MAIN
