// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation, and every copy from or to user memory, refused in turn:
 * /proc/thread-self/fail-nth lets the nth one that a thread makes fail. Each call is made with n =
 * 1, 2, 3... until it comes to its end without a failure. It may fail as documented, and then has
 * changed nothing; or succeed all the same.
 */
#include "checks.h"
#include "calls.h"
#include "fail_nth.h"
#include "reload.h"

/* A call that has more to fail than this does not end. */
#define NTH_MAX		2000

FIXTURE(fail_nth) {
	struct ground ground;
	struct snapshot before;
	int nth;
};

FIXTURE_SETUP(fail_nth)
{
	int result = ground_make(&self->ground);

	ASSERT_EQ(0, result) TH_LOG("%s", strerror(-result));
	ASSERT_EQ(0, provision_once(self->ground.device));
	ASSERT_EQ(0, prepare_injection());
	self->nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->nth, 0);
	ASSERT_EQ(0, take_snapshot(&self->ground, &self->before));
}

FIXTURE_TEARDOWN(fail_nth)
{
	close(self->nth);
	ground_drop(&self->ground);
}

/* What a failed call left behind: nothing, or all of it where only the answer could not be told. */
static void expect_nothing_done(struct __test_metadata *_metadata, const struct ground *ground,
				const struct snapshot *before, const char *name,
				unsigned int nth)
{
	struct snapshot now;
	const char *differs;

	ASSERT_EQ(0, take_snapshot(ground, &now));
	differs = snapshot_differs(before, &now);
	EXPECT_EQ(NULL, differs) TH_LOG("%s, failure %u: %s changed", name, nth, differs);
}

/* One call with one failure. True where it came to its end before the nth. */
static bool try_call(struct __test_metadata *_metadata, const struct ground *ground, int file,
		     const struct call_info *c, unsigned int nth, int *result)
{
	uint8_t argument[ARGUMENT_MAX] = { 0 };
	int fd = fd_for(ground, c);

	c->fill(ground, argument);
	refuse_nth(file, nth);
	*result = call(fd, c->request, argument);
	if (!was_refused(file))
		return true;
	EXPECT_TRUE(documented(c, *result)) TH_LOG("%s, failure %u: %s", c->name, nth,
						   strerror(-*result));
	return false;
}

/* Calls that do not change a region, or may be made again. */
static void try_repeatable(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self,
			   unsigned long request)
{
	const struct call_info *c = call_named(request);
	unsigned int nth, failed = 0;
	bool ended = false;
	int result;

	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		ended = try_call(_metadata, &self->ground, self->nth, c, nth, &result);
		if (request == CLOISTER_CREATE && result >= 0)
			close(result);
		failed += !ended && result < 0;
		if (result < 0 && !ended)
			expect_nothing_done(_metadata, &self->ground, &self->before, c->name, nth);
		if (request == CLOISTER_QUOTE && result == 0)
			self->before.live.quotes++;
	}
	EXPECT_TRUE(ended) TH_LOG("%s does not end", c->name);
	EXPECT_GE(result, 0) TH_LOG("%s: %s", c->name, strerror(-result));
	EXPECT_GT(failed, 0) TH_LOG("%s: nothing failed", c->name);
}

TEST_F_TIMEOUT(fail_nth, get_info, 300)
{
	try_repeatable(_metadata, self, CLOISTER_GET_INFO);
}

TEST_F_TIMEOUT(fail_nth, create, 600)
{
	try_repeatable(_metadata, self, CLOISTER_CREATE);
	EXPECT_TRUE(device_returns_to(self->ground.device, &self->before.info));
}

TEST_F_TIMEOUT(fail_nth, set_chain, 300)
{
	try_repeatable(_metadata, self, CLOISTER_SET_CHAIN);
}

TEST_F_TIMEOUT(fail_nth, stats, 300)
{
	try_repeatable(_metadata, self, CLOISTER_STATS);
}

/* Only the last step, handing over, may fail after the quote was signed and counted. */
TEST_F_TIMEOUT(fail_nth, quote, 900)
{
	const struct call_info *c = call_named(CLOISTER_QUOTE);
	struct cloister_stats stats;
	unsigned int nth, failed = 0;
	bool ended = false;
	int result;

	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		ended = try_call(_metadata, &self->ground, self->nth, c, nth, &result);
		failed += result < 0;
		ASSERT_EQ(0, get_stats(self->ground.live, &stats));
		if (result == 0 || result == -EFAULT)
			self->before.live.quotes = stats.quotes;
		expect_nothing_done(_metadata, &self->ground, &self->before, c->name, nth);
	}
	EXPECT_TRUE(ended);
	EXPECT_EQ(0, result);
	EXPECT_GT(failed, 4);
}

/*
 * Calls that change a region: fresh ground for each failure. -EFAULT may come when all is done, as
 * for a caller who takes the memory away during the call.
 */
static void try_once_each(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self,
			  unsigned long request)
{
	const struct call_info *c = call_named(request);
	unsigned int nth, failed = 0;
	bool ended = false;
	int result;

	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		ended = try_call(_metadata, &self->ground, self->nth, c, nth, &result);
		failed += result < 0;
		EXPECT_EQ(0, check_pattern(self->ground.at, GROUND_SEED, 0, 2 * PAGE));
		ground_drop(&self->ground);
		ASSERT_EQ(0, ground_make(&self->ground));
	}
	EXPECT_TRUE(ended) TH_LOG("%s does not end", c->name);
	EXPECT_EQ(0, result) TH_LOG("%s: %s", c->name, strerror(-result));
	EXPECT_GT(failed, 0) TH_LOG("%s: nothing failed", c->name);
	EXPECT_TRUE(device_returns_to(self->ground.device, &self->before.info));
}

TEST_F_TIMEOUT(fail_nth, init, 300)
{
	try_once_each(_metadata, self, CLOISTER_INIT);
}

TEST_F_TIMEOUT(fail_nth, seal, 900)
{
	try_once_each(_metadata, self, CLOISTER_SEAL);
}

TEST_F_TIMEOUT(fail_nth, remove_pages, 600)
{
	try_once_each(_metadata, self, CLOISTER_REMOVE_PAGES);
}

/*
 * What was added before the failure is there, what was not can be added, and the measurement is
 * right.
 */
TEST_F_TIMEOUT(fail_nth, add_pages, 900)
{
	uint8_t digest[CLOISTER_DIGEST_LEN], expected[CLOISTER_DIGEST_LEN];
	struct ground *ground = &self->ground;
	int region = create_region(ground->device, GROUND_SIZE, 0, 0);
	struct cloister_stats stats;
	bool ended = false;
	unsigned int nth;
	uint64_t done;
	int result;

	ASSERT_EQ(0, add_pages(region, MEASURED, 0, 4 * PAGE, ground->source, READ));
	ASSERT_EQ(0, init_region(region, expected));
	close(region);
	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		region = create_region(ground->device, GROUND_SIZE, 0, 0);
		ASSERT_GE(region, 0);
		refuse_nth(self->nth, nth);
		result = add_once(region, MEASURED, 0, 4 * PAGE, ground->source, READ, &done);
		ended = !was_refused(self->nth);
		EXPECT_TRUE(documented(call_named(CLOISTER_ADD_PAGES), result))
			TH_LOG("failure %u: %s", nth, strerror(-result));
		ASSERT_EQ(0, get_stats(region, &stats));
		ASSERT_EQ(CLOISTER_STATE_BUILDING, stats.state);
		/* A count that could not be told is in the counters. */
		if (result != -EFAULT) {
			EXPECT_EQ(done / PAGE, stats.pages) TH_LOG("failure %u", nth);
		}
		done = stats.pages * PAGE;
		EXPECT_EQ(0, done == 4 * PAGE ? 0 :
			  add_pages(region, MEASURED, done, 4 * PAGE - done, ground->source + done,
				    READ));
		ASSERT_EQ(0, init_region(region, digest));
		EXPECT_EQ(0, memcmp(expected, digest, sizeof(digest))) TH_LOG("failure %u", nth);
		close(region);
	}
	EXPECT_TRUE(ended);
	EXPECT_TRUE(device_returns_to(ground->device, &self->before.info));
}

/* A touch never fails for want of memory: the kernel tries again, and the contents are right. */
TEST_F_TIMEOUT(fail_nth, touch, 900)
{
	struct ground *ground = &self->ground;
	bool ended = false;
	unsigned int nth;
	int result;

	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		ASSERT_EQ(0, seal_all(ground->live));
		refuse_nth(self->nth, nth);
		result = touch_write(ground->at + 3 * PAGE + 8);
		ended = !was_refused(self->nth);
		EXPECT_EQ(0, result) TH_LOG("failure %u: signal %d", nth, result);
		pattern_fill(ground->at + 3 * PAGE, GROUND_SEED, 3 * PAGE, PAGE);
	}
	EXPECT_TRUE(ended);
	EXPECT_GT(nth, 2);
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, GROUND_SIZE));
}

/* Where a region is at its limit, a touch seals another page: that may fail as well. */
TEST_F_TIMEOUT(fail_nth, touch_at_the_limit, 900)
{
	const size_t size = 4 * RESIDENT_MIN;
	int region = pattern_region(self->ground.device, size, RESIDENT_MIN, 0, READ, 3);
	uint8_t *at = map_region(region, 0, size, PROT_READ);
	unsigned int nth = 1, through = 0;
	size_t page;
	int result;

	ASSERT_NE(MAP_FAILED, at);
	/* Until a whole round has met no failure: what a touch has to do differs by page. */
	for (page = 0; through < size / PAGE && nth < NTH_MAX; page++) {
		refuse_nth(self->nth, nth);
		result = touch_read(at + page % (size / PAGE) * PAGE);
		through = was_refused(self->nth) ? 0 : through + 1;
		EXPECT_EQ(0, result) TH_LOG("failure %u: signal %d", nth, result);
		nth += page % 8 == 7;
	}
	EXPECT_LT(nth, NTH_MAX);
	EXPECT_EQ(0, check_pattern(at, 3, 0, size));
	munmap(at, size);
	close(region);
}

TEST_F_TIMEOUT(fail_nth, mmap_and_munmap, 600)
{
	struct ground *ground = &self->ground;
	bool ended = false;
	unsigned int nth;
	int error;
	void *at;

	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		refuse_nth(self->nth, nth);
		at = map_region(ground->live, 0, GROUND_SIZE, PROT_READ);
		error = errno;
		ended = !was_refused(self->nth);
		if (at == MAP_FAILED) {
			EXPECT_EQ(ENOMEM, error) TH_LOG("failure %u: %s", nth, strerror(error));
			continue;
		}
		EXPECT_EQ(0, touch_read(at));
		ASSERT_EQ(0, munmap(at, GROUND_SIZE));
	}
	EXPECT_TRUE(ended);
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, GROUND_SIZE));
}

/* Far from all else, where there are no page tables. */
static uint8_t *map_far(int region, size_t size)
{
	return mmap((void *)(1UL << 40), size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED_NOREPLACE, region, 0);
}

/* Of a mapping that nothing has been touched in: page tables, and pages that hold zeros so far. */
TEST_F_TIMEOUT(fail_nth, first_touch, 900)
{
	const int device = self->ground.device;
	bool ended = false;
	unsigned int nth;
	int region, result;
	uint8_t *at;

	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		region = create_region(device, PAGE, 0, 0);
		ASSERT_EQ(0, add_pages(region, ZERO, 0, PAGE, NULL, READ | WRITE));
		ASSERT_EQ(0, init_region(region, NULL));
		at = map_far(region, PAGE);
		ASSERT_NE(MAP_FAILED, at);
		refuse_nth(self->nth, nth);
		result = touch_write(at + 8);
		ended = !was_refused(self->nth);
		EXPECT_EQ(0, result) TH_LOG("failure %u: signal %d", nth, result);
		EXPECT_EQ(0xa5, at[8]);
		EXPECT_EQ(0, at[16]);
		munmap(at, PAGE);
		close(region);
	}
	EXPECT_TRUE(ended);
	EXPECT_GT(nth, 2);
	EXPECT_TRUE(device_returns_to(device, &self->before.info));
}

/* A system call says EFAULT where a touch would be tried again. */
TEST_F_TIMEOUT(fail_nth, system_call_into_a_region, 900)
{
	const struct ground *ground = &self->ground;
	int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC), error;
	unsigned int nth, failed = 0;
	bool ended = false;
	ssize_t got = -1;
	uint8_t *at;

	ASSERT_GE(zeros, 0);
	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		ASSERT_EQ(0, seal_all(ground->live));
		at = map_far(ground->live, GROUND_SIZE);
		ASSERT_NE(MAP_FAILED, at);
		refuse_nth(self->nth, nth);
		got = read(zeros, at + 3 * PAGE, PAGE);
		error = errno;
		ended = !was_refused(self->nth);
		failed += got < 0;
		if (got < 0) {
			EXPECT_EQ(EFAULT, error) TH_LOG("failure %u: %s", nth, strerror(error));
			EXPECT_EQ(0, check_pattern(at, GROUND_SEED, 0, GROUND_SIZE))
				TH_LOG("failure %u", nth);
		} else {
			EXPECT_EQ(PAGE, got) TH_LOG("failure %u", nth);
		}
		pattern_fill(at + 3 * PAGE, GROUND_SEED, 3 * PAGE, PAGE);
		ASSERT_EQ(0, munmap(at, GROUND_SIZE));
	}
	EXPECT_TRUE(ended);
	EXPECT_EQ(PAGE, got);
	EXPECT_GT(failed, 0);
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, GROUND_SIZE));
	close(zeros);
}

/* In the child: without the mapping, and with a descriptor that is of no use to it. */
static int bereft(void *argument)
{
	const struct ground *ground = argument;

	if (touch_read(ground->at) != SIGSEGV)
		return -EPROTO;
	return seal_all(ground->live) == -EACCES ? 0 : -EPROTO;
}

/* A process that maps a region forks, or can't: neither is anything to the region. */
TEST_F_TIMEOUT(fail_nth, fork, 900)
{
	const struct ground *ground = &self->ground;
	unsigned int nth, failed = 0;
	bool ended = false;
	int error;
	pid_t pid;

	ASSERT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, GROUND_SIZE));
	ASSERT_EQ(0, take_snapshot(ground, &self->before));
	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		refuse_nth(self->nth, nth);
		pid = fork();
		if (pid == 0)
			_exit(-bereft(&self->ground));
		error = errno;
		ended = !was_refused(self->nth);
		failed += pid < 0;
		if (pid < 0) {
			EXPECT_TRUE(error == ENOMEM || error == EAGAIN)
				TH_LOG("failure %u: %s", nth, strerror(error));
		} else {
			EXPECT_EQ(0, child_result(pid)) TH_LOG("failure %u", nth);
		}
		expect_nothing_done(_metadata, ground, &self->before, "fork", nth);
	}
	EXPECT_TRUE(ended);
	EXPECT_GT(pid, 0);
	EXPECT_GT(failed, 0);
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, GROUND_SIZE));
	EXPECT_TRUE(device_returns_to(ground->device, &self->before.info));
}

/* The process that gets a region passed, and maps it, meets the same. */
static int map_and_be_refused(void *argument)
{
	const int region = *(const int *)argument;
	int file = open(FAIL_NTH, O_RDWR | O_CLOEXEC), error;
	unsigned int nth, failed = 0;
	bool ended = false;
	uint8_t *at;

	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		refuse_nth(file, nth);
		at = map_region(region, 0, GROUND_SIZE, PROT_READ);
		error = errno;
		ended = !was_refused(file);
		failed += at == MAP_FAILED;
		if (at == MAP_FAILED && error != ENOMEM)
			return -error;
		if (at != MAP_FAILED && (touch_read(at) || munmap(at, GROUND_SIZE)))
			return -EPROTO;
	}
	return ended && failed ? 0 : -ERANGE;
}

TEST_F_TIMEOUT(fail_nth, mmap_by_another_process, 600)
{
	int region = pattern_region(self->ground.device, GROUND_SIZE, 0, SHAREABLE, READ,
				    GROUND_SEED);

	ASSERT_GE(region, 0);
	EXPECT_EQ(0, in_child(map_and_be_refused, &region));
	close(region);
	EXPECT_TRUE(device_returns_to(self->ground.device, &self->before.info));
}

/* Provisioning that fails leaves a device that can be provisioned. */
TEST_F_TIMEOUT(fail_nth, provision, 900)
{
	const struct call_info *c = call_named(CLOISTER_PROVISION);
	bool ended = false, done = true;
	unsigned int nth;
	int result;

	for (nth = 1; !ended && nth < NTH_MAX; nth++) {
		if (done) {
			ground_drop(&self->ground);
			self->ground = (struct ground) { .live = -1, .building = -1,
							 .at = MAP_FAILED };
			self->ground.device = open_without_keys();
			ASSERT_GE(self->ground.device, 0);
		}
		ended = try_call(_metadata, &self->ground, self->nth, c, nth, &result);
		done = provisioned(self->ground.device);
		/* The answer may not reach the caller: then it is done nevertheless. */
		if (result != -EFAULT) {
			EXPECT_EQ(result == 0, done) TH_LOG("failure %u: %d", nth, result);
		}
	}
	EXPECT_TRUE(ended);
	EXPECT_TRUE(provisioned(self->ground.device));
}

TEST_HARNESS_MAIN
