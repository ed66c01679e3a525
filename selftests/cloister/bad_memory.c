// SPDX-License-Identifier: GPL-2.0-only
/*
 * User memory that faults part-way, can't be written, is a region's, or goes over a memory cgroup.
 */
#include "checks.h"
#include "calls.h"

FIXTURE(bad_memory) {
	struct ground ground;
	struct snapshot before;
};

FIXTURE_SETUP(bad_memory)
{
	int result = ground_make(&self->ground);

	ASSERT_EQ(0, result) TH_LOG("%s", strerror(-result));
	ASSERT_EQ(0, provision_once(self->ground.device));
	ASSERT_EQ(0, take_snapshot(&self->ground, &self->before));
}

FIXTURE_TEARDOWN(bad_memory)
{
	ground_drop(&self->ground);
}

/* ADD_PAGES of eight pages to a new region: what it says, and how far it got. */
static int add_from(struct __test_metadata *_metadata, int device, const uint8_t *source,
		    uint64_t *done)
{
	int region = create_region(device, GROUND_SIZE, 0, 0), result;
	struct cloister_stats stats;

	ASSERT_GE(region, 0);
	result = add_once(region, MEASURED, 0, 8 * PAGE, source, READ, done);
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(*done / PAGE, stats.pages);
	EXPECT_EQ(CLOISTER_STATE_BUILDING, stats.state);
	/* The rest, from memory that is there. */
	if (result) {
		EXPECT_EQ(0, add_pages(region, MEASURED, *done, 8 * PAGE - *done,
				       pattern_buffer(1, 8 * PAGE), READ));
	}
	EXPECT_EQ(0, init_region(region, NULL));
	close(region);
	return result;
}

TEST_F(bad_memory, source_that_ends)
{
	uint64_t done;
	size_t odd;

	for (odd = 0; odd < 16; odd += 5) {
		uint8_t *at = guarded(3 * PAGE + odd);

		ASSERT_NE(NULL, at);
		EXPECT_EQ(-EFAULT, add_from(_metadata, self->ground.device, at, &done));
		EXPECT_EQ(3 * PAGE, done);
	}
}

TEST_F(bad_memory, source_beyond_the_end_of_a_file)
{
	int file = memfd_create("short", MFD_CLOEXEC);
	uint64_t done;
	uint8_t *at;

	ASSERT_EQ(0, ftruncate(file, 5 * PAGE));
	at = mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-EFAULT, add_from(_metadata, self->ground.device, at, &done));
	EXPECT_EQ(5 * PAGE, done);
	munmap(at, 8 * PAGE);
	close(file);
}

/* The source is another region: resident, sealed, with a page missing. */
TEST_F(bad_memory, source_in_a_region)
{
	struct ground *ground = &self->ground;
	uint64_t done;

	EXPECT_EQ(0, add_from(_metadata, ground->device, ground->at, &done));
	ASSERT_EQ(0, seal_all(ground->live));
	EXPECT_EQ(0, add_from(_metadata, ground->device, ground->at, &done));
	ASSERT_EQ(0, remove_pages(ground->live, 5 * PAGE, PAGE));
	EXPECT_EQ(-EFAULT, add_from(_metadata, ground->device, ground->at, &done));
	EXPECT_EQ(5 * PAGE, done);
	EXPECT_EQ(-EFAULT, add_from(_metadata, ground->device, ground->at + 100, &done));
	EXPECT_EQ(4 * PAGE, done);
}

static int quote_into(const struct ground *ground, void *buffer, uint64_t length)
{
	struct cloister_quote quote = plain_quote(buffer, length);

	return call(ground->live, CLOISTER_QUOTE, &quote);
}

static uint64_t quotes_made(const struct ground *ground)
{
	struct cloister_stats stats;

	return get_stats(ground->live, &stats) ? -1ULL : stats.quotes;
}

/* A quote that can't be handed over is not made. */
TEST_F(bad_memory, quote_buffer_that_cannot_be_written)
{
	struct ground *ground = &self->ground;
	uint8_t *ends = guarded(256), *constant, *elsewhere;
	int region = pattern_region(ground->device, GROUND_SIZE, 0, 0, READ, 2);

	constant = mmap(NULL, QUOTE_BUFFER, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	elsewhere = map_region(region, 0, GROUND_SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, elsewhere);
	EXPECT_EQ(-EFAULT, quote_into(ground, ends, QUOTE_BUFFER));
	EXPECT_EQ(-EFAULT, quote_into(ground, constant, QUOTE_BUFFER));
	/* A region whose pages do not allow it. */
	EXPECT_EQ(-EFAULT, quote_into(ground, elsewhere, QUOTE_BUFFER));
	EXPECT_EQ(0, check_pattern(elsewhere, 2, 0, GROUND_SIZE));
	EXPECT_EQ(0, quotes_made(ground));
	munmap(elsewhere, GROUND_SIZE);
	close(region);
	munmap(constant, QUOTE_BUFFER);
}

TEST_F(bad_memory, quote_into_a_region)
{
	struct ground *ground = &self->ground;
	int region = pattern_region(ground->device, GROUND_SIZE, 0, 0, READ | WRITE, 2);
	uint8_t *elsewhere = map_region(region, 0, GROUND_SIZE, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, elsewhere);
	EXPECT_EQ(0, quote_into(ground, elsewhere + 3, GROUND_SIZE - 3));
	EXPECT_EQ(0xd2, elsewhere[3]) TH_LOG("no COSE_Sign1");
	/* The very region that is quoted, with its pages sealed. */
	ASSERT_EQ(0, seal_all(ground->live));
	EXPECT_EQ(0, quote_into(ground, ground->at + 8 * PAGE - 5, 8 * PAGE));
	EXPECT_EQ(0xd2, ground->at[8 * PAGE - 5]);
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, 7 * PAGE));
	/* A part of it is gone. */
	ASSERT_EQ(0, remove_pages(ground->live, 9 * PAGE, PAGE));
	EXPECT_EQ(-EFAULT, quote_into(ground, ground->at + 10 * PAGE - 8, 4 * PAGE));
	EXPECT_EQ(2, quotes_made(ground));
	munmap(elsewhere, GROUND_SIZE);
	close(region);
}

/* The structures themselves lie in a region, that of the call included. */
TEST_F(bad_memory, structures_in_a_region)
{
	struct ground *ground = &self->ground;
	uint8_t *at = ground->at + 9 * PAGE - 16;
	int result;

	for_each_call(c) {
		ASSERT_EQ(0, seal_all(ground->live));
		c->fill(ground, at);
		ASSERT_EQ(0, seal_all(ground->live));
		result = call(fd_for(ground, c), c->request, at);
		if (c->request == CLOISTER_CREATE && result >= 0)
			result = close(result);
		if (c->request == CLOISTER_PROVISION && result == -EALREADY)
			result = 0;
		EXPECT_EQ(0, result) TH_LOG("%s: %s", c->name, strerror(-result));
	}
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, 2 * PAGE));
}

/* A call that takes the ground from under its own structure: done, but it can't say so. */
TEST_F(bad_memory, structure_that_the_call_takes_away)
{
	struct ground *ground = &self->ground;
	struct cloister_range *range = (struct cloister_range *)(ground->at + 3 * PAGE);
	struct cloister_stats stats;

	fill_range(ground, range);
	EXPECT_EQ(0, call(ground->live, CLOISTER_SEAL, range));
	EXPECT_EQ(4 * PAGE, range->done);
	fill_range(ground, range);
	EXPECT_EQ(-EFAULT, call(ground->live, CLOISTER_REMOVE_PAGES, range));
	ASSERT_EQ(0, get_stats(ground->live, &stats));
	EXPECT_EQ(GROUND_PAGES - 4, stats.pages);
	EXPECT_EQ(SIGBUS, touch_read(range));
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, 2 * PAGE));
}

#define GROUP		"/sys/fs/cgroup/cloister-bad-memory"
#define GROUP_LIMIT	"3145728"

/*
 * Over the group's limit, by a process that the kernel may not kill for it: refused, and it goes
 * on.
 */
static int add_over_the_limit(void *unused)
{
	const uint64_t size = 16UL << 20;
	uint64_t added = PAGE, done = 0;
	int device, region, result;
	struct cloister_stats stats;
	void *source;

	(void)unused;
	if (write_text("/proc/self/oom_score_adj", "-1000") ||
	    write_text(GROUP "/memory.swap.max", "0") ||
	    write_text(GROUP "/memory.max", GROUP_LIMIT) ||
	    write_text(GROUP "/cgroup.procs", "0"))
		return -EPROTO;
	device = open_device();
	region = create_region(device, size, 0, 0);
	if (region < 0)
		return region;
	result = add_once(region, ZERO, 0, PAGE, NULL, READ, NULL);
	if (result)
		return result;
	source = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Busy: the worker has all pages in hands at that moment. */
	do {
		done = 0;
		result = add_once(region, 0, added, size - added, source, READ, &done);
		added += done;
	} while (result == -EBUSY);
	if (result != -ENOMEM)
		return result ? result : -ERANGE;
	/* What it says was added was added, and the region is as alive as before. */
	if (get_stats(region, &stats) || stats.state != CLOISTER_STATE_BUILDING ||
	    stats.pages != added / PAGE)
		return -EILSEQ;
	return init_region(region, NULL);
}

TEST_F(bad_memory, over_the_memory_cgroups_limit)
{
	uint64_t until = now_ms() + 5000;

	rmdir(GROUP);
	ASSERT_EQ(0, mkdir(GROUP, 0755)) TH_LOG(GROUP ": %s", strerror(errno));
	EXPECT_EQ(0, in_child(add_over_the_limit, NULL));
	while (rmdir(GROUP) && errno == EBUSY && now_ms() < until)
		sched_yield();
	EXPECT_TRUE(device_returns_to(self->ground.device, &self->before.info));
	EXPECT_EQ(0, check_pattern(self->ground.at, GROUND_SEED, 0, GROUND_SIZE));
}

TEST_HARNESS_MAIN
