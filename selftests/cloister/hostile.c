// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user who wants all there is, by every way there is, next to one who works: the other's
 * contents, progress and share stay, the machine lives, and nothing is left behind.
 */
#include <sys/swap.h>
#include "users.h"

MODULE_PARAMETERS("resident_max_mib=4 user_resident_mib=3 user_regions=8 user_quotes=1")

#define DEVICE_FRAMES	1024UL
/* Less than half of the device's: the share of one of two users. */
#define PAGES		400UL
#define SIZE		(PAGES * PAGE)
#define ROUNDS		4UL
#define GROUP		"/sys/fs/cgroup/cloister-hostile"
#define GROUP_LIMIT	(16UL << 20)

/* What both sides know of each other. */
struct battle {
	int device;
	_Atomic int stop;
	_Atomic unsigned long regions_refused;
	_Atomic unsigned long quotes_refused;
	_Atomic unsigned long deaths;
	_Atomic unsigned long rounds;
	_Atomic unsigned long holding;
};

FIXTURE(hostile) {
	struct battle *battle;
	struct cloister_get_info before;
};

FIXTURE_SETUP(hostile)
{
	self->battle = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->battle);
	self->battle->device = open_device();
	ASSERT_GE(self->battle->device, 0);
	ASSERT_EQ(0, provision_once(self->battle->device));
	ASSERT_EQ(0, get_info(self->battle->device, &self->before));
}

/* No granule is lost, nobody is charged for anything. */
FIXTURE_TEARDOWN(hostile)
{
	EXPECT_EQ(0, as_user(ALICE, nothing_charged, &self->battle->device));
	EXPECT_EQ(0, as_user(MALLORY, nothing_charged, &self->battle->device));
	EXPECT_TRUE(device_returns_to(self->battle->device, &self->before));
	close(self->battle->device);
	munmap(self->battle, PAGE);
}

/* What Mallory does ------------------------------------------------------------ */

/* As many regions as there may be, each with some pages; and again. */
static int hoard_regions(struct battle *battle)
{
	int regions[16], count, result, i;

	while (!battle->stop) {
		for (count = 0; count < 16; count++) {
			result = pattern_region(battle->device, 4 * PAGE, 0, 0, READ, 1);
			if (result < 0)
				break;
			regions[count] = result;
		}
		battle->regions_refused += result == -EDQUOT;
		for (i = 0; i < count; i++)
			close(regions[i]);
	}
	return 0;
}

/* More frames than the device has, in use without end. */
static int hoard_frames(struct battle *battle)
{
	const size_t size = 2 * DEVICE_FRAMES * PAGE;
	int region = create_region(battle->device, size, 0, 0);
	uint8_t *at;
	size_t i;

	while (region == -EDQUOT && !battle->stop)
		region = create_region(battle->device, size, 0, 0);
	NEED(region >= 0);
	NEED(!add_pages(region, ZERO, 0, size, NULL, READ | WRITE));
	NEED(!init_region(region, NULL));
	at = map_region(region, 0, size, PROT_READ | PROT_WRITE);
	NEED(at != MAP_FAILED);
	while (!battle->stop) {
		for (i = 0; i < size && !battle->stop; i += PAGE)
			at[i]++;
		battle->rounds++;
	}
	return 0;
}

static int hoard_quotes(struct battle *battle)
{
	int region = pattern_region(battle->device, PAGE, 0, 0, READ, 2);
	uint8_t buffer[QUOTE_BUFFER];
	struct cloister_quote quote;

	/* Others of this user's may have all its regions just now. */
	while (region == -EDQUOT && !battle->stop)
		region = pattern_region(battle->device, PAGE, 0, 0, READ, 2);
	while (!battle->stop) {
		quote = plain_quote(buffer, sizeof(buffer));
		battle->quotes_refused += call(region, CLOISTER_QUOTE, &quote) == -EAGAIN;
	}
	return 0;
}

static void fill_until_killed(struct battle *battle)
{
	int region;

	for (;;) {
		region = pattern_region(battle->device, 64 * PAGE, RESIDENT_MIN, 0, READ, 3);
		if (region >= 0) {
			seal_all(region);
			close(region);
		}
	}
}

/* Children that are killed wherever they are. */
static int die_at_random(struct battle *battle)
{
	uint64_t random = 7, spin;
	pid_t pid;

	while (!battle->stop) {
		pid = fork();
		if (!pid)
			fill_until_killed(battle);
		NEED(pid > 0);
		for (spin = random_next(&random) % 2000; spin; spin--)
			sched_yield();
		kill(pid, SIGKILL);
		NEED(waitpid(pid, NULL, 0) == pid);
		battle->deaths++;
	}
	return 0;
}

/* All of it at once. */
static int attack(void *argument)
{
	static int (*const ways[])(struct battle *) = {
		hoard_frames, hoard_regions, hoard_quotes, die_at_random,
	};
	pid_t pids[ARRAY_LEN(ways)];
	int result = 0, one;
	size_t i;

	for (i = 0; i < ARRAY_LEN(ways); i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(-ways[i](argument));
	}
	for (i = 0; i < ARRAY_LEN(ways); i++) {
		one = child_result(pids[i]);
		if (one)
			result = one;
	}
	return result;
}

/* The attack has met every limit that there is. */
static bool attack_bites(struct battle *battle)
{
	uint64_t until = now_ms() + 300000;
	struct cloister_get_info info;

	do {
		if (get_info(battle->device, &info))
			return false;
		if (battle->regions_refused && battle->quotes_refused && battle->deaths &&
		    info.resident >= info.resident_max / 2)
			return true;
		sched_yield();
	} while (now_ms() < until);
	return false;
}

/* What Alice does --------------------------------------------------------------- */

struct work {
	int region;
	uint8_t *at;
	uint64_t version;
};

static int begin_work(int device, struct work *work)
{
	work->region = pattern_region(device, SIZE, 0, 0, READ | WRITE, 0);
	NEED(work->region >= 0);
	work->version = 0;
	work->at = map_region(work->region, 0, SIZE, PROT_READ | PROT_WRITE);
	NEED(work->at != MAP_FAILED);
	return 0;
}

/* Every page as it was left, and then another. */
static int do_rounds(struct work *work, size_t rounds)
{
	size_t i;

	for (; rounds; rounds--) {
		for (i = 0; i < PAGES; i++) {
			NEED(!check_pattern(work->at + i * PAGE, work->version, i * PAGE, PAGE));
			pattern_fill(work->at + i * PAGE, work->version + 1, i * PAGE, PAGE);
		}
		work->version++;
	}
	return 0;
}

/* Work in one's share costs the same as if nobody else were there: nothing is loaded again. */
static int work_undisturbed(struct battle *battle)
{
	struct cloister_stats before, after;
	struct work work;

	NEED(!begin_work(battle->device, &work));
	/* By now all is resident, taken from whoever had more than a share. */
	NEED(!do_rounds(&work, 1));
	NEED(!get_stats(work.region, &before));
	NEED(before.resident == PAGES);
	NEED(!do_rounds(&work, ROUNDS));
	NEED(!get_stats(work.region, &after));
	if (after.loads != before.loads || after.evictions != before.evictions)
		printf("# loads %llu evictions %llu more in %lu touches\n",
		       after.loads - before.loads, after.evictions - before.evictions,
		       ROUNDS * PAGES);
	NEED(after.evictions == before.evictions && after.loads == before.loads);
	NEED(after.faults - before.faults <= PAGES);
	NEED(after.resident == PAGES);
	return 0;
}

/* Her own quotes a second may be used up, where she comes again at once: they come back. */
static int quote_in_time(int region)
{
	uint64_t until = now_ms() + 30000;
	struct cloister_quote quote;
	uint8_t buffer[QUOTE_BUFFER];
	int result;

	do {
		quote = plain_quote(buffer, sizeof(buffer));
		result = call(region, CLOISTER_QUOTE, &quote);
	} while (result == -EAGAIN && now_ms() < until && !sched_yield());
	return result;
}

static int alice(void *argument)
{
	struct battle *battle = argument;
	int result = work_undisturbed(battle), region;

	if (result)
		return result;
	/* What Mallory is refused, Alice is not. */
	region = pattern_region(battle->device, PAGE, 0, 0, READ, 2);
	NEED(region >= 0);
	NEED(!quote_in_time(region));
	return 0;
}

/* The control: what the device has is little enough that she could be disturbed. */
TEST_F(hostile, control_alone)
{
	EXPECT_EQ(0, as_user(ALICE, alice, self->battle));
}

TEST_F(hostile, everything_at_once)
{
	pid_t mallory = start_as(MALLORY, attack, self->battle);

	EXPECT_TRUE(attack_bites(self->battle));
	EXPECT_EQ(0, as_user(ALICE, alice, self->battle));
	EXPECT_EQ(0, as_user(ALICE, alice, self->battle));
	self->battle->stop = 1;
	EXPECT_EQ(0, child_result(mallory));
}

/* Memory ----------------------------------------------------------------------------- */

/* The first swap space there is: a name per line, below a heading. 0, -ENOENT or another -errno. */
static int first_swap(char path[128])
{
	char text[1024] = "", *line;
	int result = read_text("/proc/swaps", text, sizeof(text));

	if (result)
		return result;
	line = strchr(text, '\n');
	return line && sscanf(line + 1, "%127s", path) == 1 ? 0 : -ENOENT;
}

static long value_of(const char *path, const char *key)
{
	char text[4096] = "\n", *at, name[64];

	if (read_text(path, text + 1, sizeof(text) - 1))
		return -1;
	snprintf(name, sizeof(name), "\n%s", key);
	at = strstr(text, name);
	return at ? strtol(at + strlen(name) + (at[strlen(name)] == ':'), NULL, 10) : -1;
}

/* Ordinary memory, taken and touched, while @keep_kib of the machine's are left. */
static int eat_machine(void *argument)
{
	struct battle *battle = argument;
	const size_t step = 16UL << 20, keep_kib = 80UL << 10;
	uint8_t *at;

	while (value_of("/proc/meminfo", "MemAvailable") > (long)keep_kib) {
		at = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED)
			break;
		/* Quicker, where the kernel can. */
		madvise(at, step, MADV_HUGEPAGE);
		memset(at, 1, step);
	}
	battle->holding = 1;
	pause();
	return 0;
}

/* Pressure asks everybody for frames: contents stay, and the work comes to its end. */
static int work_under_pressure(void *argument)
{
	struct battle *battle = argument;
	struct work work;

	NEED(!begin_work(battle->device, &work));
	return do_rounds(&work, ROUNDS);
}

static void under_pressure(struct __test_metadata *_metadata, struct battle *battle)
{
	pid_t eater = start_as(MALLORY, eat_machine, battle);
	uint64_t until = now_ms() + 300000;
	pid_t mallory, worker;
	int status;

	while (!battle->holding && now_ms() < until)
		sched_yield();
	EXPECT_EQ(1, atomic_load(&battle->holding));
	mallory = start_as(MALLORY, attack, battle);
	EXPECT_TRUE(attack_bites(battle));
	worker = start_as(ALICE, work_under_pressure, battle);
	do {
		EXPECT_EQ(0, write_text("/proc/sys/vm/drop_caches", "2"));
		sched_yield();
	} while (!waitpid(worker, &status, WNOHANG));
	EXPECT_EQ(0, status);
	battle->stop = 1;
	EXPECT_EQ(0, child_result(mallory));
	kill(eater, SIGKILL);
	EXPECT_EQ(SIGNALLED(SIGKILL), child_result(eater));
}

TEST_F(hostile, memory_pressure)
{
	char swap[128];

	ASSERT_EQ(0, first_swap(swap)) TH_LOG("the test needs swap space (run --swap 256M)");
	under_pressure(_metadata, self->battle);
}

TEST_F(hostile, memory_pressure_without_swap)
{
	char swap[128], other[128];

	ASSERT_EQ(0, first_swap(swap)) TH_LOG("the test needs swap space (run --swap 256M)");
	ASSERT_EQ(0, swapoff(swap)) TH_LOG("%s: %s", swap, strerror(errno));
	EXPECT_EQ(-ENOENT, first_swap(other)) TH_LOG("there is swap space left: %s", other);
	under_pressure(_metadata, self->battle);
	EXPECT_EQ(0, swapon(swap, 0)) TH_LOG("%s: %s", swap, strerror(errno));
}

/* A memory cgroup too small for what Mallory does: it ends there. */
static int more_than_the_group_has(void *argument)
{
	struct battle *battle = argument;
	const size_t size = 2UL << 20, step = 1UL << 20;
	int region = pattern_region(battle->device, size, 0, 0, READ | WRITE, 4);
	uint8_t *at;
	size_t i;

	NEED(region >= 0);
	for (i = 0; i < 2 * GROUP_LIMIT / step; i++) {
		at = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		NEED(at != MAP_FAILED);
		memset(at, 1, step);
	}
	/* Never reached: the group has no swap. */
	return 0;
}

static int in_small_group(void *battle)
{
	int result, status;
	pid_t pid;

	result = write_text(GROUP "/cgroup.procs", "0");
	if (result)
		return result;
	pid = start_as(MALLORY, more_than_the_group_has, battle);
	NEED(waitpid(pid, &status, 0) == pid);
	NEED(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return 0;
}

static void small_group(struct __test_metadata *_metadata, struct battle *battle)
{
	long kills = value_of("/proc/vmstat", "oom_kill");
	uint64_t until = now_ms() + 10000;
	char limit[32];
	pid_t pid;
	int i;

	rmdir(GROUP);
	ASSERT_EQ(0, mkdir(GROUP, 0755));
	snprintf(limit, sizeof(limit), "%lu", GROUP_LIMIT);
	ASSERT_EQ(0, write_text(GROUP "/memory.max", limit));
	/* A kernel without swap has no such file, and needs none. */
	write_text(GROUP "/memory.swap.max", "0");
	for (i = 0; i < 3; i++) {
		pid = fork();
		if (!pid)
			_exit(-in_small_group(battle));
		EXPECT_EQ(0, as_user(ALICE, alice, battle));
		EXPECT_EQ(0, child_result(pid));
	}
	EXPECT_EQ(3, value_of(GROUP "/memory.events", "oom_kill"));
	/* Nobody else was killed, as far as the kernel counts (VM_EVENT_COUNTERS). */
	if (kills >= 0) {
		EXPECT_EQ(3, value_of("/proc/vmstat", "oom_kill") - kills);
	}
	while (rmdir(GROUP) && errno == EBUSY && now_ms() < until)
		sched_yield();
}

TEST_F(hostile, small_memory_cgroup)
{
	small_group(_metadata, self->battle);
}

TEST_HARNESS_MAIN
