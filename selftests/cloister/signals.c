// SPDX-License-Identifier: GPL-2.0-only
/* Signals: long calls stop, say how far they got and go on; death at any point leaves nothing. */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include "checks.h"

#define PAGES	2048
#define SIZE	(PAGES * PAGE)

DEVICE_FIXTURE(signals)

static void no_action(int sig)
{
	(void)sig;
}

/* A signal every @us microseconds that interrupts and does not restart. */
static void ring_every(long us)
{
	struct sigaction action = { .sa_handler = no_action };
	struct itimerval timer = { { 0, us }, { 0, us } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

TEST_F(signals, add_pages_goes_on)
{
	int region = create_region(self->device, SIZE, 0, 0);
	uint8_t *source = pattern_buffer(91, SIZE), *at;
	uint64_t offset = 0, done;
	unsigned int interruptions = 0;
	int result;

	ASSERT_GE(region, 0);
	ASSERT_NE(NULL, source);
	ring_every(5000);
	while (offset < SIZE) {
		result = add_once(region, MEASURED, offset, SIZE - offset, source + offset, READ,
				  &done);
		ASSERT_EQ(0, done % PAGE);
		ASSERT_LE(done, SIZE - offset);
		if (result == 0) {
			ASSERT_EQ(SIZE - offset, done);
		} else {
			ASSERT_EQ(-EINTR, result);
		}
		interruptions += result == -EINTR;
		offset += done;
	}
	ring_every(0);
	EXPECT_GT(interruptions, 0);
	ASSERT_EQ(0, init_region(region, NULL));
	at = map_region(region, 0, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, check_pattern(at, 91, 0, SIZE));
	munmap(at, SIZE);
	close(region);
	free(source);
}

static unsigned int range_through_signals(struct __test_metadata *_metadata, int region,
					  unsigned long request, long us)
{
	unsigned int interruptions = 0;
	uint64_t offset = 0, done;
	int result;

	ring_every(us);
	while (offset < SIZE) {
		result = range_call(region, request, offset, SIZE - offset, &done);
		ASSERT_LE(done, SIZE - offset);
		if (result == 0) {
			ASSERT_EQ(SIZE - offset, done);
		} else {
			ASSERT_EQ(-EINTR, result);
		}
		interruptions += result == -EINTR;
		offset += done;
	}
	ring_every(0);
	return interruptions;
}

TEST_F(signals, seal_goes_on)
{
	int region = pattern_region(self->device, SIZE, 0, 0, READ, 92);
	struct cloister_stats stats;
	uint8_t *at;

	ASSERT_GE(region, 0);
	EXPECT_GT(range_through_signals(_metadata, region, CLOISTER_SEAL, 5000), 0);
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(PAGES, stats.sealed);
	at = map_region(region, 0, SIZE, PROT_READ);
	EXPECT_EQ(0, check_pattern(at, 92, 0, SIZE));
	munmap(at, SIZE);
	close(region);
}

TEST_F(signals, remove_goes_on)
{
	int region = pattern_region(self->device, SIZE, 0, 0, READ, 93);
	struct cloister_stats stats;

	ASSERT_GE(region, 0);
	/* Removal is quick: more signals, or it may be through before the first. */
	EXPECT_GT(range_through_signals(_metadata, region, CLOISTER_REMOVE_PAGES, 1000), 0);
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(0, stats.pages);
	close(region);
}

/* A fault is not a call: a signal in the middle of one is no error. */
TEST_F(signals, touches_do_not_fail)
{
	int region = pattern_region(self->device, 256 * PAGE, RESIDENT_MIN, 0, READ, 94);
	uint8_t *at = map_region(region, 0, 256 * PAGE, PROT_READ);

	ASSERT_NE(MAP_FAILED, at);
	ring_every(2000);
	EXPECT_EQ(0, check_pattern(at, 94, 0, 256 * PAGE));
	EXPECT_EQ(0, check_pattern(at, 94, 0, 256 * PAGE));
	ring_every(0);
	munmap(at, 256 * PAGE);
	close(region);
}

/* Does everything there is to do, for ever, on two threads. */
static int victim_region;
static uint8_t *victim_at;

static void *victim_touch(void *unused)
{
	size_t i;

	for (i = 0; ; i++)
		victim_at[i * 5 % 64 * PAGE] = (uint8_t)i;
	return unused;
}

static void victim(void)
{
	const size_t size = 64 * PAGE;
	int device = open_device(), region;
	uint8_t *source = pattern_buffer(5, size), *at;
	pthread_t thread;
	uint64_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	victim_region = pattern_region(device, size, RESIDENT_MIN, 0, READ | WRITE, 5);
	victim_at = map_region(victim_region, 0, size, PROT_READ | PROT_WRITE);
	pthread_create(&thread, NULL, victim_touch, NULL);
	for (i = 0; ; i++) {
		region = create_region(device, size, RESIDENT_MIN, 0);
		add_pages(region, i % 2 ? MEASURED : 0, 0, size, source, READ | WRITE);
		init_region(region, NULL);
		at = map_region(region, 0, size, PROT_READ | PROT_WRITE);
		memset(at, (int)i, size);
		seal_all(region);
		seal_all(victim_region);
		remove_pages(region, 0, size / 2);
		munmap(at, size);
		close(region);
	}
}

TEST_F(signals, killed_at_any_point)
{
	struct cloister_get_info before;
	struct timespec time = { 0 };
	uint64_t seed = seed_of_run(), random = random_start(seed);
	unsigned int round;
	pid_t pid;

	TH_LOG("CLOISTER_SEED=%llu", (unsigned long long)seed);
	ASSERT_EQ(0, get_info(self->device, &before));
	for (round = 0; round < 40; round++) {
		pid = fork();
		ASSERT_GE(pid, 0);
		if (pid == 0) {
			victim();
			_exit(1);
		}
		/* Any moment will do: the kill is not synchronised with anything. */
		time.tv_nsec = (long)(random_next(&random) % 100000000);
		nanosleep(&time, NULL);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		EXPECT_EQ(SIGNALLED(SIGKILL), child_result(pid));
	}
	EXPECT_TRUE(device_returns_to(self->device, &before));
}

TEST_HARNESS_MAIN
