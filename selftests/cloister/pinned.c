// SPDX-License-Identifier: GPL-2.0-only
/* Pinned pages: resident from the start and for good, accounted as mlock's are, and bounded. */
#include "users.h"
#include "tamper/cloister_tamper.h"

MODULE_PARAMETERS("resident_max_mib=8 user_resident_mib=2")

#define USER_PINS	256UL		/* half of what a user may have in frames */
#define DEVICE_PINS	1024UL		/* half of what the device may have */
#define PINS		8UL
#define PAGES		256UL
#define SIZE		(PAGES * PAGE)
#define LOCK_LIMIT	16UL

static __attribute__((constructor)) void need_tamper(void)
{
	need(CLOISTER_TAMPER_DEVICE, "load cloister_tamper.ko");
}

FIXTURE(pinned) {
	int device;
	uint8_t *source;
	struct cloister_get_info before;
};

FIXTURE_SETUP(pinned)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->source = pattern_buffer(3, SIZE);
	ASSERT_NE(NULL, self->source);
	ASSERT_EQ(0, get_info(self->device, &self->before));
}

FIXTURE_TEARDOWN(pinned)
{
	EXPECT_EQ(0, as_user(ALICE, nothing_charged, &self->device));
	EXPECT_TRUE(device_returns_to(self->device, &self->before));
	free(self->source);
	close(self->device);
}

static uint64_t pinned(int region)
{
	struct cloister_stats stats;

	return get_stats(region, &stats) ? -1ULL : stats.pinned;
}

static uint64_t loads(int region)
{
	struct cloister_stats stats;

	return get_stats(region, &stats) ? -1ULL : stats.loads;
}

/* A LIVE region of PAGES, the first PINS of them pinned, all with the pattern of seed 3. */
static int region_with_pins(int device, const uint8_t *source, uint64_t limit)
{
	int region = create_region(device, SIZE, limit, 0);
	int result = region < 0 ? region : 0;

	if (!result)
		result = add_pages(region, MEASURED | PINNED, 0, PINS * PAGE, source, READ | WRITE);
	if (!result)
		result = add_pages(region, MEASURED, PINS * PAGE, SIZE - PINS * PAGE,
				   source + PINS * PAGE, READ | WRITE);
	return result ? result : init_region(region, NULL) ?: region;
}

/* Residence ------------------------------------------------------------------- */

/* The control are the other pages: all of them are sealed. */
TEST_F(pinned, seal_passes_over)
{
	int region = region_with_pins(self->device, self->source, 0);
	struct cloister_stats stats;
	uint8_t *at;
	size_t i;

	ASSERT_GE(region, 0);
	EXPECT_EQ(PINS, pinned(region));
	ASSERT_EQ(0, seal_all(region));
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(PINS, stats.resident);
	EXPECT_EQ(PINS, stats.pinned);
	EXPECT_EQ(PAGES - PINS, stats.sealed);
	EXPECT_EQ(PAGES - PINS, stats.evictions);
	EXPECT_EQ(0, seal(region, PAGE, PAGE));
	at = map_region(region, 0, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, check_pattern(at, 3, 0, PINS * PAGE));
	EXPECT_EQ(0, loads(region));
	for (i = 0; i < PINS; i++)
		at[i * PAGE] = (uint8_t)i;
	ASSERT_EQ(0, seal_all(region));
	for (i = 0; i < PINS; i++) {
		EXPECT_EQ((uint8_t)i, at[i * PAGE]);
	}
	EXPECT_EQ(0, loads(region));
	EXPECT_EQ(0, check_pattern(at + PINS * PAGE, 3, PINS * PAGE, SIZE - PINS * PAGE));
	munmap(at, SIZE);
	close(region);
}

TEST_F(pinned, while_the_region_is_built)
{
	int region = create_region(self->device, SIZE, 32 * PAGE, 0);

	ASSERT_GE(region, 0);
	ASSERT_EQ(0, add_pages(region, PINNED, 0, PINS * PAGE, self->source, READ));
	ASSERT_EQ(0, add_pages(region, MEASURED, PINS * PAGE, SIZE - PINS * PAGE,
			       self->source + PINS * PAGE, READ));
	EXPECT_EQ(PINS, pinned(region));
	ASSERT_EQ(0, seal_all(region));
	EXPECT_EQ(PINS, pinned(region));
	close(region);
}

/* The working set is four times the limit: every other page comes and goes. */
TEST_F(pinned, region_at_its_limit)
{
	int region = region_with_pins(self->device, self->source, SIZE / 4);
	uint64_t before, others;
	uint8_t *at;
	size_t i, round;

	ASSERT_GE(region, 0);
	at = map_region(region, 0, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	for (round = 0; round < 3; round++) {
		for (i = PINS; i < PAGES; i++)
			ASSERT_EQ(0, check_pattern(at + i * PAGE, 3, i * PAGE, PAGE));
		others = loads(region);
		EXPECT_GE(others, PAGES / 2);
		before = loads(region);
		EXPECT_EQ(0, check_pattern(at, 3, 0, PINS * PAGE));
		EXPECT_EQ(before, loads(region));
		EXPECT_EQ(PINS, pinned(region));
	}
	munmap(at, SIZE);
	close(region);
}

TEST_F(pinned, shrinker_passes_over)
{
	int region = region_with_pins(self->device, self->source, 0);
	uint64_t until = now_ms() + 300000;
	struct cloister_stats stats;

	ASSERT_GE(region, 0);
	/* The shrinker asks a worker for frames, which gets to it when it does. */
	do {
		ASSERT_EQ(0, write_text("/proc/sys/vm/drop_caches", "2"));
		ASSERT_EQ(0, get_stats(region, &stats));
		ASSERT_EQ(PINS, stats.pinned);
		ASSERT_GE(stats.resident, PINS);
		sched_yield();
	} while (stats.resident >= PAGES / 2 && now_ms() < until);
	EXPECT_LT(stats.resident, PAGES / 2);
	close(region);
}

/* Zero pages take a frame when they are first touched; pinned ones have it before. */
TEST_F(pinned, zero_pages_have_frames_at_once)
{
	int region = create_region(self->device, SIZE, 0, 0);
	struct cloister_stats stats;
	uint8_t *at;
	size_t i;

	ASSERT_GE(region, 0);
	ASSERT_EQ(0, add_pages(region, ZERO, 0, PINS * PAGE, NULL, READ | WRITE));
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(0, stats.resident);
	ASSERT_EQ(0, add_pages(region, ZERO | PINNED, PINS * PAGE, PINS * PAGE, NULL,
			       READ | WRITE));
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(PINS, stats.resident);
	EXPECT_EQ(PINS, stats.pinned);
	EXPECT_EQ(PINS, stats.zero);
	ASSERT_EQ(0, init_region(region, NULL));
	at = map_region(region, 0, 2 * PINS * PAGE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	for (i = 0; i < PINS * PAGE; i++)
		ASSERT_EQ(0, at[PINS * PAGE + i]);
	EXPECT_EQ(0, loads(region));
	at[0] = 1;
	EXPECT_EQ(1, loads(region));
	munmap(at, 2 * PINS * PAGE);
	close(region);
}

TEST_F(pinned, flags)
{
	static const struct {
		uint32_t flags;
		int result;
	} table[] = {
		{ PINNED, 0 }, { PINNED | MEASURED, 0 }, { PINNED | ZERO, 0 },
		{ PINNED | ZERO | MEASURED, -EINVAL },
	};
	int region = create_region(self->device, SIZE, 0, 0);
	size_t i;

	ASSERT_GE(region, 0);
	for (i = 0; i < ARRAY_LEN(table); i++) {
		EXPECT_EQ(table[i].result,
			  add_pages(region, table[i].flags, i * PAGE, PAGE,
				    table[i].flags & ZERO ? NULL : self->source, READ))
			TH_LOG("flags %u", table[i].flags);
	}
	EXPECT_EQ(-EINVAL, add_pages(region, PINNED | ZERO, 9 * PAGE, PAGE, self->source, READ));
	EXPECT_EQ(3, pinned(region));
	close(region);
}

/* What is refused --------------------------------------------------------------- */

TEST_F(pinned, region_limit)
{
	int region = create_region(self->device, SIZE, 32 * PAGE, 0);
	struct cloister_stats before;
	uint64_t done = 1;

	ASSERT_GE(region, 0);
	ASSERT_EQ(0, get_stats(region, &before));
	/* Sixteen pages are left for what comes and goes. */
	EXPECT_EQ(-ENOSPC, add_once(region, PINNED, 0, 17 * PAGE, self->source, READ, &done));
	EXPECT_EQ(0, done);
	expect_unchanged(_metadata, region, &before);
	EXPECT_EQ(0, pinned(region));
	ASSERT_EQ(0, add_pages(region, PINNED, 0, 16 * PAGE, self->source, READ));
	EXPECT_EQ(-ENOSPC, add_pages(region, PINNED, 16 * PAGE, PAGE, self->source, READ));
	ASSERT_EQ(0, add_pages(region, MEASURED, 16 * PAGE, SIZE - 16 * PAGE, self->source, READ));
	EXPECT_EQ(16, pinned(region));
	close(region);

	region = create_region(self->device, SIZE, RESIDENT_MIN, 0);
	EXPECT_EQ(-ENOSPC, add_pages(region, PINNED, 0, PAGE, self->source, READ));
	EXPECT_EQ(0, add_pages(region, 0, 0, PAGE, self->source, READ));
	close(region);
	/* Where everything fits, everything may be pinned. */
	region = create_region(self->device, SIZE, 0, 0);
	EXPECT_EQ(0, add_pages(region, PINNED, 0, SIZE, self->source, READ));
	EXPECT_EQ(PAGES, pinned(region));
	close(region);
}

TEST_F(pinned, device_limit)
{
	const size_t all = DEVICE_PINS * PAGE;
	int region = create_region(self->device, 2 * all, 0, 0), other;
	uint8_t *at;

	ASSERT_GE(region, 0);
	EXPECT_EQ(-ENOSPC, add_pages(region, PINNED | ZERO, 0, all + PAGE, NULL, READ | WRITE));
	EXPECT_EQ(0, pinned(region));
	ASSERT_EQ(0, add_pages(region, PINNED | ZERO, 0, all, NULL, READ | WRITE));
	EXPECT_EQ(-ENOSPC, add_pages(region, PINNED | ZERO, all, PAGE, NULL, READ | WRITE));
	/* What is left works for whoever needs it, more than there is included. */
	other = pattern_region(self->device, all + SIZE, 0, 0, READ, 4);
	ASSERT_GE(other, 0);
	at = map_region(other, 0, all + SIZE, PROT_READ);
	EXPECT_EQ(0, check_pattern(at, 4, 0, all + SIZE));
	EXPECT_EQ(DEVICE_PINS, pinned(region));
	munmap(at, all + SIZE);
	close(other);
	close(region);
	region = create_region(self->device, 2 * all, 0, 0);
	EXPECT_EQ(0, add_pages(region, PINNED | ZERO, 0, all, NULL, READ | WRITE));
	close(region);
}

struct task {
	int device;
	int region;
	const uint8_t *source;
};

static int pins_of_a_user(void *argument)
{
	struct task *task = argument;
	int first = create_region(task->device, SIZE, 0, 0);
	int second = create_region(task->device, 4 * SIZE, 0, 0);
	uint8_t *at;

	NEED(first >= 0 && second >= 0);
	NEED(!add_pages(first, PINNED, 0, SIZE / 2, task->source, READ));
	NEED(add_pages(second, PINNED, 0, SIZE / 2 + PAGE, task->source, READ) == -EDQUOT);
	NEED(!pinned(second));
	NEED(!add_pages(second, PINNED, 0, SIZE / 2, task->source, READ));
	NEED(add_pages(second, PINNED, SIZE / 2, PAGE, task->source, READ) == -EDQUOT);
	/* The user's other half is enough to work in. */
	close(first);
	NEED(!add_pages(second, PINNED, SIZE / 2, SIZE / 2, task->source, READ));
	NEED(!add_pages(second, ZERO, SIZE, 3 * SIZE, NULL, READ | WRITE));
	NEED(!init_region(second, NULL));
	at = map_region(second, SIZE, 3 * SIZE, PROT_READ | PROT_WRITE);
	NEED(at != MAP_FAILED);
	pattern_fill(at, 9, 0, 3 * SIZE);
	NEED(!check_pattern(at, 9, 0, 3 * SIZE));
	NEED(pinned(second) == USER_PINS);
	return 0;
}

static void may_lock(unsigned long pages)
{
	struct rlimit limit = { pages * PAGE, pages * PAGE };

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		_exit(EPROTO);
}

/* A user who may lock all of the machine's memory still has a limit here. */
TEST_F(pinned, user_limit)
{
	struct task task = { .device = self->device, .source = self->source };
	pid_t pid = fork();

	if (!pid) {
		may_lock(1UL << 30);
		_exit(-as_user(ALICE, pins_of_a_user, &task));
	}
	EXPECT_EQ(0, child_result(pid));
}

/* RLIMIT_MEMLOCK ------------------------------------------------------------------ */

/* Pages of this process that are locked, as /proc says it. */
static long locked_pages(void)
{
	char text[4096] = "";
	const char *line;

	if (read_text("/proc/self/status", text, sizeof(text)))
		return -1;
	line = strstr(text, "\nVmLck:");
	return line ? strtol(line + 7, NULL, 10) * 1024 / (long)PAGE : -1;
}

static int accounted_as_mlock(void *argument)
{
	struct task *task = argument;
	const uint8_t *source = task->source;
	int region = create_region(task->device, SIZE, 0, 0);
	uint8_t *ordinary = mmap(NULL, LOCK_LIMIT * PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t done = 1;

	NEED(region >= 0 && ordinary != MAP_FAILED);
	NEED(add_once(region, PINNED, 0, (LOCK_LIMIT + 1) * PAGE, source, READ, &done) == -ENOMEM);
	NEED(!done && !pinned(region) && !locked_pages());
	NEED(!add_pages(region, PINNED, 0, (LOCK_LIMIT - 4) * PAGE, source, READ));
	NEED(locked_pages() == LOCK_LIMIT - 4);
	/* One budget for both. */
	NEED(mlock(ordinary, 5 * PAGE) && errno == ENOMEM);
	NEED(!mlock(ordinary, 3 * PAGE));
	NEED(add_pages(region, PINNED, 20 * PAGE, 2 * PAGE, source, READ) == -ENOMEM);
	NEED(!add_pages(region, PINNED | ZERO, 20 * PAGE, PAGE, NULL, READ));
	NEED(add_pages(region, PINNED | ZERO, 30 * PAGE, PAGE, NULL, READ) == -ENOMEM);
	NEED(locked_pages() == LOCK_LIMIT);
	/* Pages that are not pinned are not counted. */
	NEED(!add_pages(region, ZERO, 40 * PAGE, 20 * PAGE, NULL, READ));
	NEED(locked_pages() == LOCK_LIMIT);
	NEED(!init_region(region, NULL));
	NEED(!remove_pages(region, 0, 5 * PAGE));
	NEED(pinned(region) == LOCK_LIMIT - 4 + 1 - 5);
	NEED(locked_pages() == LOCK_LIMIT - 5);
	NEED(!remove_pages(region, 40 * PAGE, PAGE));
	NEED(locked_pages() == LOCK_LIMIT - 5);
	NEED(!munlock(ordinary, 3 * PAGE));
	close(region);
	NEED(!locked_pages());
	region = create_region(task->device, SIZE, 0, 0);
	NEED(!add_pages(region, PINNED, 0, LOCK_LIMIT * PAGE, source, READ));
	return 0;
}

static int run_as_alice(int (*work)(void *), struct task *task, unsigned long lock_limit)
{
	pid_t pid = fork();

	if (!pid) {
		may_lock(lock_limit);
		_exit(-as_user(ALICE, work, task));
	}
	return child_result(pid);
}

TEST_F(pinned, counts_against_memlock)
{
	struct task task = { .device = self->device, .source = self->source };

	EXPECT_EQ(0, run_as_alice(accounted_as_mlock, &task, LOCK_LIMIT));
}

static int no_right_to_lock(void *argument)
{
	struct task *task = argument;
	int region = create_region(task->device, SIZE, 0, 0);

	NEED(region >= 0);
	NEED(mlock(task->source, PAGE) && errno == EPERM);
	NEED(add_pages(region, PINNED, 0, PAGE, task->source, READ) == -EPERM);
	NEED(!pinned(region));
	NEED(!add_pages(region, MEASURED, 0, PAGE, task->source, READ));
	return 0;
}

TEST_F(pinned, without_the_right_to_lock)
{
	struct task task = { .device = self->device, .source = self->source };

	EXPECT_EQ(0, run_as_alice(no_right_to_lock, &task, 0));
}

/* CAP_IPC_LOCK lifts the limit and not the account. */
static int privileged_pins(void *argument)
{
	struct task *task = argument;
	int region = create_region(task->device, SIZE, 0, 0);

	may_lock(0);
	NEED(!add_pages(region, PINNED, 0, SIZE, task->source, READ));
	NEED(locked_pages() == PAGES);
	close(region);
	NEED(!locked_pages());
	return 0;
}

TEST_F(pinned, privileged)
{
	struct task task = { .device = self->device, .source = self->source };

	EXPECT_EQ(0, in_child(privileged_pins, &task));
}

/* A call that fails half-way keeps what it did, and the account of that alone. */
static int failures_half_way(void *argument)
{
	struct task *task = argument;
	int region = create_region(task->device, SIZE, 0, 0);
	uint8_t *half = guarded(2 * PAGE);
	uint64_t done;

	NEED(half && region >= 0);
	memset(half, 1, 2 * PAGE);
	NEED(add_once(region, PINNED, 0, 3 * PAGE, half, READ, &done) == -EFAULT);
	NEED(done == 2 * PAGE && pinned(region) == 2 && locked_pages() == 2);
	NEED(!add_pages(region, ZERO, 4 * PAGE, PAGE, NULL, READ));
	NEED(add_once(region, PINNED | ZERO, 2 * PAGE, 4 * PAGE, NULL, READ, &done) == -EEXIST);
	NEED(done == 2 * PAGE && pinned(region) == 4 && locked_pages() == 4);
	NEED(add_once(region, PINNED, 0, PAGE, half, READ, &done) == -EEXIST);
	NEED(pinned(region) == 4 && locked_pages() == 4);
	return 0;
}

TEST_F(pinned, calls_that_fail_half_way)
{
	struct task task = { .device = self->device, .source = self->source };

	EXPECT_EQ(0, run_as_alice(failures_half_way, &task, LOCK_LIMIT));
}

static int pin_in_a_shared_region(void *argument)
{
	struct task *task = argument;

	NEED(!add_pages(task->region, PINNED, 4 * PAGE, 4 * PAGE, task->source, READ));
	NEED(locked_pages() == 4);
	return 0;
}

/* Who adds is who pays; a process that died before its pages went has paid for them. */
static int several_pay(void *argument)
{
	struct task *task = argument;
	uint8_t *at;

	task->region = create_region(task->device, SIZE, 0, SHAREABLE);
	NEED(task->region >= 0);
	NEED(!add_pages(task->region, PINNED, 0, 2 * PAGE, task->source, READ));
	NEED(!in_child(pin_in_a_shared_region, task));
	NEED(pinned(task->region) == 6 && locked_pages() == 2);
	NEED(!init_region(task->region, NULL));
	/* A page of the dead one's, and one of this one's. */
	NEED(!remove_pages(task->region, 4 * PAGE, PAGE));
	NEED(locked_pages() == 2);
	NEED(!remove_pages(task->region, 0, PAGE));
	NEED(pinned(task->region) == 4 && locked_pages() == 1);
	at = map_region(task->region, 5 * PAGE, PAGE, PROT_READ);
	NEED(!memcmp(at, task->source + PAGE, PAGE));
	munmap(at, PAGE);
	close(task->region);
	NEED(!locked_pages());
	return 0;
}

TEST_F(pinned, adder_that_died_before)
{
	struct task task = { .device = self->device, .source = self->source };

	EXPECT_EQ(0, run_as_alice(several_pay, &task, LOCK_LIMIT));
}

/* Of how many address spaces a region keeps an account: what no counter of the interface tells. */
static int accounts(int region)
{
	int tamper = open(CLOISTER_TAMPER_DEVICE, O_RDWR | O_CLOEXEC), result;

	if (tamper < 0)
		return -errno;
	result = call(tamper, CLOISTER_TAMPER_PINNERS, &region);
	close(tamper);
	return result;
}

static int over_the_lock_limit(void *argument)
{
	struct task *task = argument;
	size_t length = (LOCK_LIMIT + 1) * PAGE;

	NEED(add_pages(task->region, PINNED, 0, length, task->source, READ) == -ENOMEM);
	return 0;
}

static int no_right_to_pin(void *argument)
{
	struct task *task = argument;

	NEED(add_pages(task->region, PINNED, 0, PAGE, task->source, READ) == -EPERM);
	return 0;
}

static int over_the_region_limit(void *argument)
{
	struct task *task = argument;

	NEED(add_pages(task->region, PINNED, 0, SIZE, task->source, READ) == -ENOSPC);
	NEED(!locked_pages());
	return 0;
}

static int from_bad_memory(void *argument)
{
	struct task *task = argument;

	NEED(add_pages(task->region, PINNED, 0, PAGE, guarded(0), READ) == -EFAULT);
	NEED(!locked_pages());
	return 0;
}

/* The last call adds nothing, and leaves the account of the first. */
static int pin_one(void *argument)
{
	struct task *task = argument;

	NEED(!add_pages(task->region, PINNED, 0, PAGE, task->source, READ));
	NEED(add_pages(task->region, PINNED, 0, PAGE, task->source, READ) == -EEXIST);
	NEED(locked_pages() == 1);
	return 0;
}

/* Were they remembered while a region is built, any number could be, and no limit counts them. */
TEST_F(pinned, who_pinned_nothing_is_forgotten)
{
	struct task task = { .device = self->device, .source = self->source };

	task.region = create_region(self->device, SIZE, 32 * PAGE, SHAREABLE);
	ASSERT_GE(task.region, 0);
	EXPECT_EQ(0, run_as_alice(over_the_lock_limit, &task, LOCK_LIMIT));
	EXPECT_EQ(0, accounts(task.region));
	EXPECT_EQ(0, run_as_alice(no_right_to_pin, &task, 0));
	EXPECT_EQ(0, accounts(task.region));
	EXPECT_EQ(0, run_as_alice(over_the_region_limit, &task, PAGES));
	EXPECT_EQ(0, accounts(task.region));
	EXPECT_EQ(0, run_as_alice(from_bad_memory, &task, LOCK_LIMIT));
	EXPECT_EQ(0, accounts(task.region));
	/* The control: who did is not. */
	EXPECT_EQ(0, run_as_alice(pin_one, &task, LOCK_LIMIT));
	EXPECT_EQ(1, accounts(task.region));
	close(task.region);
}

static int killed_with_pins(void *argument)
{
	struct task *task = argument;
	int region = create_region(task->device, SIZE, 0, 0);

	NEED(!add_pages(region, PINNED, 0, LOCK_LIMIT * PAGE, task->source, READ));
	raise(SIGKILL);
	return 0;
}

TEST_F(pinned, killed_process)
{
	struct task task = { .device = self->device, .source = self->source };
	int i;

	for (i = 0; i < 20; i++) {
		EXPECT_NE(0, run_as_alice(killed_with_pins, &task, LOCK_LIMIT));
	}
	EXPECT_EQ(0, as_user(ALICE, nothing_charged, &self->device));
	EXPECT_EQ(0, run_as_alice(accounted_as_mlock, &task, LOCK_LIMIT));
}

TEST_HARNESS_MAIN
