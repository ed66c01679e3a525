// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process is killed in the middle of each call, again and again, at a moment that a seed
 * decides; and interrupted, with and without SA_RESTART. CLOISTER_SEED=n in the environment
 * repeats a run.
 */
#include <sys/prctl.h>
#include <sys/time.h>
#include "checks.h"
#include "calls.h"

#define KILLS		12	/* of each call */
#define MOMENT_US	60000

FIXTURE(kill_calls) {
	struct ground ground;
	struct snapshot before;
	uint64_t seed;
};

FIXTURE_SETUP(kill_calls)
{
	int result = ground_make(&self->ground);

	ASSERT_EQ(0, result) TH_LOG("%s", strerror(-result));
	ASSERT_EQ(0, provision_once(self->ground.device));
	ASSERT_EQ(0, take_snapshot(&self->ground, &self->before));
	self->seed = seed_of_run();
	TH_LOG("CLOISTER_SEED=%llu", (unsigned long long)self->seed);
}

FIXTURE_TEARDOWN(kill_calls)
{
	ground_drop(&self->ground);
}

/* One call for ever, on ground of its own, and a byte to @ready when it is about to begin. */
static void victim(const struct call_info *c, int ready)
{
	uint8_t argument[ARGUMENT_MAX] = { 0 };
	struct ground ground;
	int result;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ground_make(&ground) || write(ready, "", 1) != 1)
		_exit(1);
	for (;;) {
		c->fill(&ground, argument);
		result = call(fd_for(&ground, c), c->request, argument);
		if (c->request == CLOISTER_CREATE && result >= 0)
			close(result);
		if (c->request == CLOISTER_SEAL)
			check_pattern(ground.at, GROUND_SEED, 0, GROUND_SIZE);
		/* What can be done once only is done on a new region. */
		if (c->request == CLOISTER_ADD_PAGES || c->request == CLOISTER_INIT) {
			close(ground.building);
			ground.building = building_region(&ground);
		}
		if (c->request == CLOISTER_REMOVE_PAGES) {
			ground_drop(&ground);
			if (ground_make(&ground))
				_exit(1);
		}
	}
}

static void kill_one(struct __test_metadata *_metadata, const struct call_info *c,
		     uint64_t *random)
{
	struct timespec moment = { 0, random_next(random) % MOMENT_US * 1000 };
	int ready[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (pid == 0)
		victim(c, ready[1]);
	close(ready[1]);
	/* Nothing to read: it ended before it came to its call. */
	ASSERT_EQ(1, read(ready[0], &byte, 1)) TH_LOG("%s", c->name);
	close(ready[0]);
	/* Any moment from here on will do: nothing waits for this time to pass. */
	nanosleep(&moment, NULL);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(SIGNALLED(SIGKILL), child_result(pid)) TH_LOG("%s", c->name);
}

TEST_F_TIMEOUT(kill_calls, killed_in_each_call, 600)
{
	uint64_t random = random_start(self->seed);
	struct snapshot now;
	unsigned int i;

	for_each_call(c) {
		for (i = 0; i < KILLS; i++)
			kill_one(_metadata, c, &random);
		EXPECT_TRUE(device_returns_to(self->ground.device, &self->before.info))
			TH_LOG("%s", c->name);
		ASSERT_EQ(0, take_snapshot(&self->ground, &now));
		EXPECT_EQ(NULL, snapshot_differs(&self->before, &now)) TH_LOG("%s", c->name);
	}
	EXPECT_EQ(0, check_pattern(self->ground.at, GROUND_SEED, 0, GROUND_SIZE));
}

static void no_action(int sig)
{
	(void)sig;
}

static void ring_every(long us, int flags)
{
	struct sigaction action = { .sa_handler = no_action, .sa_flags = flags };
	struct itimerval timer = { { 0, us }, { 0, us } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

#define LONG_PAGES	1024UL
#define LONG_SIZE	(LONG_PAGES * PAGE)

/* One range call, from where it got to: how often it was interrupted. */
static unsigned int go_on(struct __test_metadata *_metadata, int region, unsigned long request,
			  const uint8_t *source)
{
	uint64_t offset = 0, done = 0;
	unsigned int interruptions = 0;
	int result;

	while (offset < LONG_SIZE) {
		if (request == CLOISTER_ADD_PAGES)
			result = add_once(region, MEASURED, offset, LONG_SIZE - offset,
					  source + offset, READ, &done);
		else
			result = range_call(region, request, offset, LONG_SIZE - offset, &done);
		ASSERT_TRUE(result == 0 || result == -EINTR) TH_LOG("%s", strerror(-result));
		ASSERT_EQ(0, done % PAGE);
		ASSERT_LE(done, LONG_SIZE - offset);
		if (result == 0) {
			ASSERT_EQ(LONG_SIZE - offset, done);
		}
		interruptions += result == -EINTR;
		offset += done;
	}
	return interruptions;
}

/* SA_RESTART changes nothing: a call that has made progress says so, and is not begun again. */
static void interrupt_all(struct __test_metadata *_metadata, const struct ground *ground,
			  int flags)
{
	int region = create_region(ground->device, LONG_SIZE, 0, 0);
	uint8_t *source = pattern_buffer(31, LONG_SIZE), *at;
	struct cloister_stats stats;

	ASSERT_GE(region, 0);
	ring_every(3000, flags);
	EXPECT_GT(go_on(_metadata, region, CLOISTER_ADD_PAGES, source), 0);
	ring_every(0, flags);
	ASSERT_EQ(0, init_region(region, NULL));
	at = map_region(region, 0, LONG_SIZE, PROT_READ);
	ASSERT_EQ(0, check_pattern(at, 31, 0, LONG_SIZE));
	ring_every(3000, flags);
	EXPECT_GT(go_on(_metadata, region, CLOISTER_SEAL, NULL), 0);
	ring_every(0, flags);
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(LONG_PAGES, stats.sealed);
	ring_every(3000, flags);
	EXPECT_EQ(0, check_pattern(at, 31, 0, LONG_SIZE));
	/* Removal is quick: more signals. */
	ring_every(500, flags);
	EXPECT_GT(go_on(_metadata, region, CLOISTER_REMOVE_PAGES, NULL), 0);
	ring_every(0, flags);
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(0, stats.pages);
	munmap(at, LONG_SIZE);
	close(region);
	free(source);
}

TEST_F_TIMEOUT(kill_calls, interrupted, 120)
{
	interrupt_all(_metadata, &self->ground, 0);
}

TEST_F_TIMEOUT(kill_calls, interrupted_with_restart, 120)
{
	interrupt_all(_metadata, &self->ground, SA_RESTART);
}

/* Calls that are no range come to their end, however many signals come. */
TEST_F_TIMEOUT(kill_calls, others_are_not_interrupted, 120)
{
	const struct ground *ground = &self->ground;
	uint8_t argument[ARGUMENT_MAX] = { 0 };
	unsigned int i;
	int result;

	ring_every(500, 0);
	for_each_call(c) {
		if (c->request == CLOISTER_ADD_PAGES || c->request == CLOISTER_INIT ||
		    c->request == CLOISTER_SEAL || c->request == CLOISTER_REMOVE_PAGES)
			continue;
		for (i = 0; i < 20; i++) {
			c->fill(ground, argument);
			result = call(fd_for(ground, c), c->request, argument);
			if (c->request == CLOISTER_CREATE && result >= 0)
				result = close(result);
			if (c->request == CLOISTER_PROVISION && result == -EALREADY)
				result = 0;
			ASSERT_EQ(0, result) TH_LOG("%s: %s", c->name, strerror(-result));
		}
	}
	ring_every(0, 0);
}

TEST_HARNESS_MAIN
