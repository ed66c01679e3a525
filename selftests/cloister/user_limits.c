// SPDX-License-Identifier: GPL-2.0-only
/* What one user may have: regions, frames, tables and quotes; and that it is all given back. */
#include <sched.h>
#include "users.h"

#define LIMITS	"resident_max_mib=8 user_resident_mib=2 user_regions=8 user_quotes=1"

MODULE_PARAMETERS(LIMITS)

#define REGIONS		8
#define FRAMES		512UL
#define DEVICE_FRAMES	2048UL
#define BURST		2
/* Pages whose metadata one granule holds. */
#define LEAF		170UL

FIXTURE(user_limits) {
	int device;
	struct cloister_get_info before;
};

FIXTURE_SETUP(user_limits)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	ASSERT_EQ(0, get_info(self->device, &self->before));
}

FIXTURE_TEARDOWN(user_limits)
{
	EXPECT_EQ(0, as_user(ALICE, nothing_charged, &self->device));
	EXPECT_EQ(0, as_user(MALLORY, nothing_charged, &self->device));
	EXPECT_EQ(0, as_user(BOB, nothing_charged, &self->device));
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
	close(self->device);
}

/* Regions ------------------------------------------------------------------- */

/* As many as there may be, and none more: @regions gets them. */
static int take_all_regions(int device, int regions[REGIONS])
{
	struct cloister_get_info info, refused;
	int i;

	for (i = 0; i < REGIONS; i++) {
		regions[i] = create_region(device, PAGE, 0, 0);
		NEED(regions[i] >= 0);
		NEED(!get_info(device, &info) && info.user_regions == (uint32_t)i + 1);
	}
	NEED(info.user_regions_max == REGIONS);
	NEED(create_region(device, PAGE, 0, 0) == -EDQUOT);
	/* Refused is as if it had never been asked for. */
	NEED(!get_info(device, &refused));
	NEED(refused.user_regions == REGIONS && refused.regions == info.regions);
	NEED(refused.metadata == info.metadata && refused.resident == info.resident);
	return 0;
}

static int regions_up_to_the_limit(void *device)
{
	int regions[REGIONS], i, result = take_all_regions(*(int *)device, regions);

	if (result)
		return result;
	for (i = 0; i < 3; i++) {
		close(regions[i]);
		regions[i] = create_region(*(int *)device, PAGE, 0, 0);
		NEED(regions[i] >= 0);
		NEED(create_region(*(int *)device, PAGE, 0, 0) == -EDQUOT);
	}
	/* A descriptor was not used up either. */
	NEED(dup(*(int *)device) == regions[REGIONS - 1] + 1);
	return 0;
}

TEST_F(user_limits, regions)
{
	EXPECT_EQ(0, as_user(ALICE, regions_up_to_the_limit, &self->device));
}

static int all_regions(void *device)
{
	int regions[REGIONS];

	return take_all_regions(*(int *)device, regions);
}

/* Alice at her limit does not keep Mallory from his, nor root from any number. */
TEST_F(user_limits, regions_of_others)
{
	int held[2], report[2], regions[2 * REGIONS], i;
	char byte = 0;
	pid_t alice;

	ASSERT_EQ(0, pipe(held));
	ASSERT_EQ(0, pipe(report));
	alice = fork();
	if (!alice) {
		close(held[1]);
		if (become(ALICE) || all_regions(&self->device) || write(report[1], "", 1) != 1)
			_exit(1);
		_exit(read(held[0], &byte, 1) != 0);
	}
	ASSERT_EQ(1, read(report[0], &byte, 1));
	EXPECT_EQ(0, as_user(MALLORY, all_regions, &self->device));
	for (i = 0; i < 2 * REGIONS; i++) {
		regions[i] = create_region(self->device, PAGE, 0, 0);
		EXPECT_GE(regions[i], 0);
	}
	for (i = 0; i < 2 * REGIONS; i++)
		close(regions[i]);
	close(held[0]);
	close(held[1]);
	EXPECT_EQ(0, child_result(alice));
}

/* Root of a user namespace is who made it: it has CAP_SYS_RESOURCE nowhere else. */
static int namespace_is_no_way_out(void *device)
{
	NEED(!unshare(CLONE_NEWUSER));
	return all_regions(device);
}

TEST_F(user_limits, regions_in_a_user_namespace)
{
	EXPECT_EQ(0, as_user(ALICE, namespace_is_no_way_out, &self->device));
}

static int region_killed_with_its_process(void *device)
{
	int result = all_regions(device);

	if (!result)
		raise(SIGKILL);
	return result;
}

TEST_F(user_limits, regions_of_a_process_that_was_killed)
{
	EXPECT_EQ(SIGNALLED(SIGKILL),
		  as_user(ALICE, region_killed_with_its_process, &self->device));
	EXPECT_EQ(0, as_user(ALICE, nothing_charged, &self->device));
	EXPECT_EQ(0, as_user(ALICE, regions_up_to_the_limit, &self->device));
}

/* Frames -------------------------------------------------------------------- */

static bool within_frames(int device)
{
	struct cloister_get_info info;

	return !get_info(device, &info) && info.user_resident_max == FRAMES * PAGE &&
	       info.user_resident <= FRAMES * PAGE;
}

/* Twice what the user may have: its own pages are sealed. */
static int frames_up_to_the_limit(void *argument)
{
	const size_t pages = 2 * FRAMES;
	int device = *(int *)argument;
	int region = pattern_region(device, pages * PAGE, 0, 0, READ | WRITE, 5);
	struct cloister_stats stats;
	uint8_t *at;
	size_t i;

	NEED(region >= 0);
	NEED(within_frames(device));
	at = map_region(region, 0, pages * PAGE, PROT_READ | PROT_WRITE);
	NEED(at != MAP_FAILED);
	for (i = 0; i < pages; i++) {
		NEED(!check_pattern(at + i * PAGE, 5, i * PAGE, PAGE));
		pattern_fill(at + i * PAGE, 6, i * PAGE, PAGE);
		NEED(within_frames(device));
	}
	NEED(!check_pattern(at, 6, 0, pages * PAGE));
	NEED(!get_stats(region, &stats));
	NEED(stats.evictions >= pages && stats.resident <= FRAMES);
	NEED(stats.resident > FRAMES / 2);
	return 0;
}

TEST_F(user_limits, frames)
{
	EXPECT_EQ(0, as_user(ALICE, frames_up_to_the_limit, &self->device));
}

/* A working set of this many pages must fit what a region is granted, whoever was there before. */
#define SMALL_SET	8UL

static int second_region_of_a_full_user(void *argument)
{
	int device = *(int *)argument;
	int first = pattern_region(device, 2 * FRAMES * PAGE, 0, 0, READ, 7);
	int second = create_region(device, 64 * PAGE, 0, 0);
	struct cloister_stats before, after;
	uint8_t *at;
	size_t i;

	NEED(first >= 0 && second >= 0);
	NEED(!add_pages(second, ZERO, 0, 64 * PAGE, NULL, READ | WRITE));
	NEED(!init_region(second, NULL));
	at = map_region(second, 0, 64 * PAGE, PROT_READ | PROT_WRITE);
	NEED(at != MAP_FAILED);
	for (i = 0; i < SMALL_SET; i++)
		at[i * PAGE] = 1;
	NEED(!get_stats(second, &before));
	for (i = 0; i < 100 * SMALL_SET; i++)
		at[i % SMALL_SET * PAGE]++;
	NEED(!get_stats(second, &after));
	/* It came to stay: no page was loaded again. */
	NEED(after.loads == before.loads && after.resident >= SMALL_SET);
	NEED(within_frames(device));
	return 0;
}

TEST_F(user_limits, frames_of_a_second_region)
{
	EXPECT_EQ(0, as_user(ALICE, second_region_of_a_full_user, &self->device));
}

/* Root is counted but not bounded: its region may fill the device. */
TEST_F(user_limits, frames_of_root)
{
	int region = pattern_region(self->device, 2 * FRAMES * PAGE, 0, 0, READ, 8);
	struct cloister_get_info info;

	ASSERT_GE(region, 0);
	ASSERT_EQ(0, get_info(self->device, &info));
	EXPECT_GE(info.user_resident, 2 * FRAMES * PAGE);
	EXPECT_EQ(DEVICE_FRAMES * PAGE, info.resident_max);
	close(region);
	ASSERT_EQ(0, get_info(self->device, &info));
	EXPECT_EQ(0, info.user_resident);
}

/* Tables --------------------------------------------------------------------- */

/* Pages far apart take a table each, and no frame: they are bounded all the same. */
static int tables_up_to_the_limit(void *argument)
{
	int device = *(int *)argument;
	int region = create_region(device, REGION_MAX, 0, 0);
	struct cloister_stats stats;
	uint64_t page = 0;
	int result;

	NEED(region >= 0);
	do {
		result = add_pages(region, ZERO, page, PAGE, NULL, READ);
		page += LEAF * PAGE;
	} while (!result && page < 4 * FRAMES * LEAF * PAGE);
	NEED(result == -EDQUOT);
	NEED(!get_stats(region, &stats));
	NEED(stats.metadata <= (FRAMES / 2 + 1) * PAGE && stats.metadata > FRAMES / 4 * PAGE);
	/* Refused is not broken. */
	NEED(add_pages(region, ZERO, page, PAGE, NULL, READ) == -EDQUOT);
	NEED(!add_pages(region, ZERO, PAGE, PAGE, NULL, READ));
	NEED(!init_region(region, NULL));
	close(region);
	region = create_region(device, REGION_MAX, 0, 0);
	NEED(!add_pages(region, ZERO, 0, PAGE, NULL, READ));
	return 0;
}

TEST_F(user_limits, tables)
{
	EXPECT_EQ(0, as_user(ALICE, tables_up_to_the_limit, &self->device));
}

/* Quotes --------------------------------------------------------------------- */

static uint8_t quote_buffer[QUOTE_BUFFER];

static int quote(int region)
{
	struct cloister_quote quote = plain_quote(quote_buffer, sizeof(quote_buffer));

	return call(region, CLOISTER_QUOTE, &quote);
}

/* Quotes until one is refused; however slow they are, they outrun one a second. */
static int quotes_until_refused(int region, int *made)
{
	int result;

	for (*made = 0; *made < 1000; ++*made) {
		result = quote(region);
		if (result)
			return result;
	}
	return 0;
}

static int quotes_up_to_the_limit(void *device)
{
	int region = pattern_region(*(int *)device, PAGE, 0, 0, READ, 9), made, more = 0, result;
	uint64_t started = now_ms(), until;
	struct cloister_stats stats;

	NEED(region >= 0);
	NEED(quotes_until_refused(region, &made) == -EAGAIN);
	NEED(made >= BURST);
	NEED((uint64_t)made <= BURST + (now_ms() - started) / 1000 + 1);
	NEED(!get_stats(region, &stats) && stats.quotes == (uint64_t)made);
	/* It comes back by itself. */
	until = now_ms() + 60000;
	do {
		result = quote(region);
		more += !result;
	} while (result == -EAGAIN && now_ms() < until);
	NEED(!result && more == 1);
	return 0;
}

TEST_F(user_limits, quotes)
{
	ASSERT_EQ(0, provision_once(self->device));
	EXPECT_EQ(0, as_user(ALICE, quotes_up_to_the_limit, &self->device));
}

/* Closing regions buys nothing. The time that it takes may, so a few tries. */
static int quotes_of_new_regions(void *device)
{
	int try, made, region, result = 0;

	for (try = 0; try < 20 && result != -EAGAIN; try++) {
		region = pattern_region(*(int *)device, PAGE, 0, 0, READ, 9);
		NEED(region >= 0);
		NEED(quotes_until_refused(region, &made) == -EAGAIN);
		close(region);
		region = pattern_region(*(int *)device, PAGE, 0, 0, READ, 9);
		NEED(region >= 0);
		result = quote(region);
		close(region);
	}
	NEED(result == -EAGAIN);
	return 0;
}

TEST_F(user_limits, quotes_of_new_regions)
{
	ASSERT_EQ(0, provision_once(self->device));
	EXPECT_EQ(0, as_user(MALLORY, quotes_of_new_regions, &self->device));
}

struct quoter {
	int device;
	_Atomic int refused;
	_Atomic int stop;
};

static int quotes_without_end(void *argument)
{
	struct quoter *shared = argument;
	int region = pattern_region(shared->device, PAGE, 0, 0, READ, 9);

	NEED(region >= 0);
	while (!shared->stop)
		if (quote(region) == -EAGAIN)
			shared->refused++;
	return 0;
}

/* Mallory is refused all the time, and root and Bob, who made no quotes before, are not. */
TEST_F(user_limits, quotes_of_others)
{
	struct quoter *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t until = now_ms() + 60000;
	int region, i;
	pid_t mallory;

	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_EQ(0, provision_once(self->device));
	shared->device = self->device;
	mallory = start_as(MALLORY, quotes_without_end, shared);
	while (!shared->refused && now_ms() < until)
		sched_yield();
	EXPECT_GT(atomic_load(&shared->refused), 0);
	region = pattern_region(self->device, PAGE, 0, 0, READ, 9);
	for (i = 0; i < 4 * BURST; i++) {
		EXPECT_EQ(0, quote(region));
	}
	close(region);
	EXPECT_EQ(0, as_user(BOB, quotes_up_to_the_limit, &self->device));
	shared->stop = 1;
	EXPECT_EQ(0, child_result(mallory));
}

/* Only a signature is counted. */
static int refusals_are_free(void *device)
{
	struct cloister_quote small = plain_quote(quote_buffer, 8);
	int region = pattern_region(*(int *)device, PAGE, 0, 0, READ, 9), i, result;
	uint64_t until = now_ms() + 60000;

	NEED(region >= 0);
	do {
		result = quote(region);
	} while (result == -EAGAIN && now_ms() < until);
	NEED(!result);
	for (i = 0; i < 100; i++)
		NEED(call(region, CLOISTER_QUOTE, &small) == -ENOSPC);
	do {
		result = quote(region);
	} while (result == -EAGAIN && now_ms() < until);
	NEED(!result);
	return 0;
}

TEST_F(user_limits, quotes_that_do_not_fit)
{
	ASSERT_EQ(0, provision_once(self->device));
	EXPECT_EQ(0, as_user(ALICE, refusals_are_free, &self->device));
}

/* Parameters ----------------------------------------------------------------- */

FIXTURE(parameters) {
	int unused;
};

FIXTURE_SETUP(parameters)
{
	self->unused = 0;
	ASSERT_EQ(0, unload_module());
}

FIXTURE_TEARDOWN(parameters)
{
	unload_module();
	EXPECT_EQ(0, load_module(LIMITS));
}

TEST_F(parameters, values)
{
	static const struct {
		const char *text;
		int result;
	} table[] = {
		{ "user_resident_mib=17592186044416", -EINVAL },
		{ "user_quotes=1000000001", -EINVAL },
		{ "user_regions=-1", -EINVAL },
		{ "user_quotes=many", -EINVAL },
	};
	struct cloister_get_info info;
	int device;
	size_t i;

	for (i = 0; i < ARRAY_LEN(table); i++) {
		EXPECT_EQ(table[i].result, load_module(table[i].text)) TH_LOG("%s", table[i].text);
	}
	ASSERT_EQ(0, load_module("resident_max_mib=16"));
	device = open_device();
	ASSERT_EQ(0, get_info(device, &info));
	EXPECT_EQ(1024, info.user_regions_max);
	EXPECT_EQ(8UL << 20, info.user_resident_max);
	close(device);
}

TEST_HARNESS_MAIN
