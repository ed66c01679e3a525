// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every two operations on a region at the same moment, on two processors: calls, mappings,
 * touches, close, fork, exec. Each may only end as it may end alone before or after the other, no
 * contents are wrong, and nothing is left of the region afterwards. How long each waits before it
 * begins comes from a seed, which CLOISTER_SEED=n in the environment sets.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include "checks.h"
#include "calls.h"

#define PAGES		8
#define SIZE		(PAGES * PAGE)
#define SEED		0x4e
#define ROUNDS		8
#define DELAY_MAX	2000

/* What two racers have in hands. */
struct race {
	int device;
	int region;
	bool live;
	uint8_t *at;
	uint8_t *source;
	uint8_t *quote;
	atomic_int ready;
	/* What each of its two threads waited, round after round, as one word. */
	uint64_t choices[2];
};

/* Results that a racer may have, whatever the other does, end with a 0. */
struct racer {
	const char *name;
	bool building;		/* is of use on a region that is being built, */
	bool live;		/* on one that is live */
	int (*run)(struct race *race);
	int allowed[8];
};

static int race_close(struct race *race)
{
	return close(race->region) ? -errno : 0;
}

static int race_munmap(struct race *race)
{
	return munmap(race->at, SIZE) ? -errno : 0;
}

static int race_mmap(struct race *race)
{
	uint8_t *at = map_region(race->region, 0, SIZE, PROT_READ | PROT_WRITE);
	int result;

	if (at == MAP_FAILED)
		return -errno;
	result = check_pattern(at, SEED, 0, SIZE);
	munmap(at, SIZE);
	return result;
}

static int race_touch(struct race *race)
{
	return check_pattern(race->at, SEED, 0, SIZE);
}

static int race_add(struct race *race)
{
	return add_pages(race->region, MEASURED, 0, SIZE, race->source, READ | WRITE);
}

static int race_init(struct race *race)
{
	return init_region(race->region, NULL);
}

static int race_seal(struct race *race)
{
	return seal_all(race->region);
}

static int race_remove(struct race *race)
{
	return remove_pages(race->region, 0, SIZE);
}

static int race_quote(struct race *race)
{
	struct cloister_quote quote = plain_quote(race->quote, QUOTE_BUFFER);

	return call(race->region, CLOISTER_QUOTE, &quote);
}

static int race_stats(struct race *race)
{
	struct cloister_stats stats;
	int result = get_stats(race->region, &stats);

	if (!result && stats.resident + stats.sealed + stats.zero > stats.pages)
		return -EILSEQ;
	return result;
}

static int race_fork(struct race *race)
{
	pid_t pid = fork();
	int result;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		/* Not the creator; or the other had closed the descriptor before. */
		result = seal_all(race->region);
		_exit(result == -EACCES || result == -EBADF ? 0 : EPROTO);
	}
	return child_result(pid);
}

#define GONE	-EBADF
static const struct racer racers[] = {
	{ "close", true, true, race_close, { -EBADF } },
	{ "munmap", false, true, race_munmap, { -EINVAL } },
	{ "mmap", true, true, race_mmap, { GONE, -EBADFD, SIGBUS } },
	{ "touch", false, true, race_touch, { SIGSEGV, SIGBUS } },
	{ "add", true, false, race_add, { GONE, -EBADFD, -EBUSY, -EEXIST } },
	{ "init", true, false, race_init, { GONE, -EBADFD, -EBUSY } },
	{ "seal", true, true, race_seal, { GONE } },
	{ "remove", true, true, race_remove, { GONE, -EBADFD } },
	{ "quote", true, true, race_quote, { GONE, -EBADFD } },
	{ "stats", true, true, race_stats, { GONE } },
	{ "fork", true, true, race_fork, { 0 } },
};

static bool allowed(const struct racer *racer, int result)
{
	size_t i;

	if (!result)
		return true;
	for (i = 0; i < ARRAY_LEN(racer->allowed) && racer->allowed[i]; i++) {
		if (racer->allowed[i] == result)
			return true;
	}
	return false;
}

struct runner {
	struct race *race;
	const struct racer *racer;
	int cpu;
	unsigned int delay;
	int result;
};

static void spin(unsigned int turns)
{
	volatile unsigned int n;

	for (n = 0; n < turns; n++)
		;
}

static unsigned int choose_delay(uint64_t *random)
{
	return random_next(random) % DELAY_MAX;
}

/* Both are running when either begins; how far apart, each round tries anew. */
static void *run_racer(void *argument)
{
	struct runner *runner = argument;
	uint64_t *choices = &runner->race->choices[runner->cpu];
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(runner->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	atomic_fetch_add(&runner->race->ready, 1);
	while (atomic_load(&runner->race->ready) < 2)
		sched_yield();
	*choices = pattern_word(*choices, runner->delay);
	spin(runner->delay);
	runner->result = runner->racer->run(runner->race);
	return NULL;
}

static void begin_race(struct __test_metadata *_metadata, struct race *race)
{
	atomic_store(&race->ready, 0);
	race->at = MAP_FAILED;
	if (race->live) {
		race->region = pattern_region(race->device, SIZE, 0, 0, READ | WRITE, SEED);
		ASSERT_GE(race->region, 0);
		race->at = map_region(race->region, 0, SIZE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, race->at);
	} else {
		race->region = create_region(race->device, SIZE, 0, 0);
		ASSERT_GE(race->region, 0);
	}
}

static void race_pair(struct __test_metadata *_metadata, struct race *race,
		      const struct racer *one, const struct racer *other, uint64_t *random)
{
	struct runner runners[2] = {
		{ race, one, 0, choose_delay(random), 0 },
		{ race, other, 1, choose_delay(random), 0 },
	};
	pthread_t threads[2];
	size_t i;

	begin_race(_metadata, race);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run_racer, &runners[i]));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_TRUE(allowed(runners[i].racer, runners[i].result))
			TH_LOG("%s beside %s: %d", runners[i].racer->name,
			       runners[1 - i].racer->name, runners[i].result);
	}
	/* Either may be gone already. */
	if (race->at != MAP_FAILED)
		munmap(race->at, SIZE);
	close(race->region);
}

FIXTURE(races) {
	struct race race;
	struct cloister_get_info before;
	unsigned int descriptors;
};

FIXTURE_SETUP(races)
{
	self->race.device = open_device();
	ASSERT_GE(self->race.device, 0);
	ASSERT_EQ(0, provision_once(self->race.device));
	self->race.source = pattern_buffer(SEED, SIZE);
	self->race.quote = aligned_alloc(PAGE, QUOTE_BUFFER);
	ASSERT_NE(NULL, self->race.quote);
	ASSERT_EQ(0, get_info(self->race.device, &self->before));
	self->descriptors = count_descriptors();
}

FIXTURE_TEARDOWN(races)
{
	EXPECT_EQ(self->descriptors, count_descriptors());
	EXPECT_TRUE(device_returns_to(self->race.device, &self->before));
	close(self->race.device);
	free(self->race.source);
	free(self->race.quote);
}

static void race_all(struct __test_metadata *_metadata, struct race *race, uint64_t seed,
		     unsigned int rounds)
{
	uint64_t random = random_start(seed);
	unsigned int round;
	size_t i, j;

	TH_LOG("CLOISTER_SEED=%llu", (unsigned long long)seed);
	memset(race->choices, 0, sizeof(race->choices));
	for (i = 0; i < ARRAY_LEN(racers); i++) {
		for (j = i; j < ARRAY_LEN(racers); j++) {
			if (race->live ? !racers[i].live || !racers[j].live :
					 !racers[i].building || !racers[j].building)
				continue;
			for (round = 0; round < rounds; round++)
				race_pair(_metadata, race, &racers[i], &racers[j], &random);
		}
	}
	TH_LOG("choices %016llx %016llx", (unsigned long long)race->choices[0],
	       (unsigned long long)race->choices[1]);
}

TEST_F_TIMEOUT(races, while_live, 600)
{
	self->race.live = true;
	race_all(_metadata, &self->race, seed_of_run(), ROUNDS);
}

TEST_F_TIMEOUT(races, while_building, 600)
{
	race_all(_metadata, &self->race, seed_of_run(), ROUNDS);
}

/* What threads choose is the seed's alone; who comes first then is the machine's affair. */
TEST_F_TIMEOUT(races, seed_repeats_choices, 300)
{
	uint64_t seed = seed_of_run(), first[2];

	race_all(_metadata, &self->race, seed, 1);
	memcpy(first, self->race.choices, sizeof(first));
	race_all(_metadata, &self->race, seed, 1);
	EXPECT_EQ(0, memcmp(first, self->race.choices, sizeof(first)));
	race_all(_metadata, &self->race, seed + 1, 1);
	EXPECT_NE(first[0], self->race.choices[0]);
	EXPECT_NE(first[1], self->race.choices[1]);
}

/* Another program takes the place of a process whose other thread is in the middle of something. */
#define EXECUTED	"CLOISTER_TEST_EXECUTED"

static __attribute__((constructor)) void executed(void)
{
	if (getenv(EXECUTED))
		_exit(0);
}

struct exec_race {
	struct race *race;
	const struct racer *racer;
	unsigned int delays[2];
};

static int exec_beside(void *argument)
{
	struct exec_race *exec = argument;
	struct race *race = exec->race;
	struct runner runner = { race, exec->racer, 1, exec->delays[1], 0 };
	pthread_t thread;

	race->live = exec->racer->live;
	race->region = race->live ?
		pattern_region(race->device, SIZE, 0, 0, READ | WRITE, SEED) :
		create_region(race->device, SIZE, 0, 0);
	race->at = race->live ? map_region(race->region, 0, SIZE, PROT_READ | PROT_WRITE) : NULL;
	atomic_store(&race->ready, 0);
	if (race->region < 0 || race->at == MAP_FAILED || setenv(EXECUTED, "1", 1) ||
	    pthread_create(&thread, NULL, run_racer, &runner))
		return -100;
	atomic_fetch_add(&race->ready, 1);
	while (atomic_load(&race->ready) < 2)
		sched_yield();
	spin(exec->delays[0]);
	execl("/proc/self/exe", "exec", NULL);
	return -101;
}

TEST_F_TIMEOUT(races, exec, 300)
{
	uint64_t seed = seed_of_run(), random = random_start(seed);
	struct exec_race exec = { .race = &self->race };
	unsigned int round;
	size_t i;

	TH_LOG("CLOISTER_SEED=%llu", (unsigned long long)seed);
	for (i = 0; i < ARRAY_LEN(racers); i++) {
		exec.racer = &racers[i];
		for (round = 0; round < 4; round++) {
			exec.delays[0] = choose_delay(&random);
			exec.delays[1] = choose_delay(&random);
			EXPECT_EQ(0, in_child(exec_beside, &exec))
				TH_LOG("exec beside %s", racers[i].name);
		}
	}
}

TEST_HARNESS_MAIN
