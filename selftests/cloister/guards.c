// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the interface says of guards: in GET_INFO, in quotes, in sysfs; what CREATE and mmap refuse
 * to processes that are traced; what debug regions are; and the parameter that leaves guards out.
 * Whether guards keep anybody out is for ../attacks to find.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>
#include "checks.h"
#include "keys.h"
#include "reload.h"

#define GUARDS_FILE	"/sys/class/misc/tee/guards"
#define DEBUG		CLOISTER_CREATE_DEBUG

/* Keys of the claims as CBOR has them, then a text's length or a bool. */
#define CLAIM_GUARDS	"\x3a\x00\x01\x11\x80"
#define CLAIM_DEBUG	"\x3a\x00\x01\x11\x76"

DEVICE_FIXTURE(guards)

/* 0 when a fresh quote of a region holds these bytes. */
static int quote_holds(int region, const char *bytes, size_t length)
{
	uint8_t *buffer = malloc(QUOTE_BUFFER);
	struct cloister_quote quote = plain_quote(buffer, QUOTE_BUFFER);
	int result = call(region, CLOISTER_QUOTE, &quote);

	if (!result && !memmem(buffer, quote.quote_len, bytes, length))
		result = -ENODATA;
	free(buffer);
	return result;
}

#define QUOTE_HOLDS(region, bytes) quote_holds(region, bytes, sizeof(bytes) - 1)

TEST_F(guards, are_armed_and_stated)
{
	struct cloister_get_info info;
	int region;

	ASSERT_EQ(0, provision_once(self->device));
	ASSERT_EQ(0, get_info(self->device, &info));
	EXPECT_EQ(CLOISTER_POSTURE_GUARDS, info.posture & CLOISTER_POSTURE_GUARDS);
	region = pattern_region(self->device, PAGE, 0, 0, READ, 1);
	ASSERT_GE(region, 0);
	EXPECT_EQ(0, QUOTE_HOLDS(region, CLAIM_GUARDS "\x65" "armed"));
	EXPECT_EQ(0, QUOTE_HOLDS(region, CLAIM_DEBUG "\xf4"));
	close(region);
}

/* The kernel copies names with a function that guards refuse to probes. */
TEST_F(guards, paths_are_shown_as_before)
{
	char before[256] = "", armed[256] = "", cwd_before[256] = "", cwd_armed[256] = "";
	int region;

	ASSERT_LT(0, readlink("/proc/self/exe", before, sizeof(before) - 1));
	ASSERT_NE(NULL, getcwd(cwd_before, sizeof(cwd_before)));
	region = pattern_region(self->device, PAGE, 0, 0, READ, 1);
	ASSERT_GE(region, 0);
	ASSERT_LT(0, readlink("/proc/self/exe", armed, sizeof(armed) - 1));
	ASSERT_NE(NULL, getcwd(cwd_armed, sizeof(cwd_armed)));
	EXPECT_STREQ(before, armed);
	EXPECT_STREQ(cwd_before, cwd_armed);
	close(region);
}

TEST_F(guards, debug_region_is_stated)
{
	uint8_t plain[CLOISTER_DIGEST_LEN], debug[CLOISTER_DIGEST_LEN];
	int region;

	ASSERT_EQ(0, provision_once(self->device));
	region = create_region(self->device, PAGE, 0, 0);
	ASSERT_EQ(0, init_region(region, plain));
	close(region);
	region = create_region(self->device, PAGE, 0, DEBUG);
	ASSERT_EQ(0, init_region(region, debug));
	EXPECT_NE(0, memcmp(plain, debug, sizeof(plain)));
	EXPECT_EQ(0, QUOTE_HOLDS(region, CLAIM_DEBUG "\xf5"));
	close(region);
}

/*
 * A line for each hook: name, state, times refused, what it stops. Returns how many are in a state,
 * or minus the number of the line that is malformed, or of a hook that this kernel needs and lacks.
 */
static int hooks_in(const char *wanted)
{
	char line[256], name[64], state[32];
	int lines = 0, found = 0;
	FILE *file = fopen(GUARDS_FILE, "re");
	long refused;

	while (file && fgets(line, sizeof(line), file)) {
		lines++;
		if (sscanf(line, "%63s %31s %ld", name, state, &refused) != 3 || refused < 0 ||
		    !strcmp(state, "missing")) {
			fclose(file);
			return -lines;
		}
		found += !strcmp(state, wanted);
	}
	if (file)
		fclose(file);
	return found;
}

TEST_F(guards, sysfs_tells_of_each_hook)
{
	int region, ready = hooks_in("ready");

	EXPECT_GT(ready, 10);
	EXPECT_EQ(0, hooks_in("armed"));
	region = pattern_region(self->device, PAGE, 0, DEBUG, READ, 1);
	EXPECT_EQ(ready, hooks_in("ready"));
	close(region);
	region = pattern_region(self->device, PAGE, 0, 0, READ, 1);
	EXPECT_EQ(ready, hooks_in("armed"));
	EXPECT_EQ(0, hooks_in("ready"));
	close(region);
}

/* ---- Under a debugger ---- */

struct attempt {
	int device;
	int region;
	uint32_t flags;
	int (*work)(const struct attempt *attempt);
};

static int create_one(const struct attempt *attempt)
{
	int region = create_region(attempt->device, PAGE, 0, attempt->flags);

	if (region >= 0)
		close(region);
	return region < 0 ? region : 0;
}

static int map_one(const struct attempt *attempt)
{
	return map_errno(attempt->region, 0, PAGE, PROT_READ, MAP_SHARED);
}

/* The child asks to be traced; its stop is passed over; its exit status says how it went. */
static int under_debugger(const struct attempt *attempt)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(255);
		raise(SIGSTOP);
		_exit(-attempt->work(attempt));
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		if (ptrace(PTRACE_CONT, pid, NULL, NULL))
			return -ECHILD;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : SIGNALLED(WTERMSIG(status));
}

static int without_debugger(void *attempt)
{
	return ((const struct attempt *)attempt)->work(attempt);
}

/* PTRACE_TRACEME of who holds a shareable region's descriptor is refused: the child has none. */
TEST_F(guards, create_under_a_debugger)
{
	struct attempt attempt = { .device = self->device, .work = create_one };
	struct cloister_get_info before, after;

	ASSERT_EQ(0, get_info(self->device, &before));
	EXPECT_EQ(0, in_child(without_debugger, &attempt));
	EXPECT_EQ(-EPERM, under_debugger(&attempt));
	attempt.flags = SHAREABLE;
	EXPECT_EQ(-EPERM, under_debugger(&attempt));
	attempt.flags = DEBUG;
	EXPECT_EQ(0, under_debugger(&attempt));
	EXPECT_TRUE(device_returns_to(self->device, &before));
	ASSERT_EQ(0, get_info(self->device, &after));
}

TEST_F(guards, who_holds_a_descriptor_is_not_traced)
{
	struct attempt attempt = { .work = map_one };

	attempt.region = pattern_region(self->device, PAGE, 0, SHAREABLE | DEBUG, READ, 1);
	ASSERT_GE(attempt.region, 0);
	EXPECT_EQ(0, under_debugger(&attempt));
	close(attempt.region);
	attempt.region = pattern_region(self->device, PAGE, 0, SHAREABLE, READ, 1);
	ASSERT_GE(attempt.region, 0);
	EXPECT_EQ(0, in_child(without_debugger, &attempt));
	EXPECT_EQ(-255, under_debugger(&attempt));
	close(attempt.region);
}

TEST_F(guards, who_holds_what_only_its_creator_may_map_is_traced)
{
	struct attempt attempt = { .work = map_one };

	attempt.region = pattern_region(self->device, PAGE, 0, 0, READ, 1);
	ASSERT_GE(attempt.region, 0);
	EXPECT_EQ(-EACCES, in_child(without_debugger, &attempt));
	EXPECT_EQ(-EACCES, under_debugger(&attempt));
	close(attempt.region);
}

/* ---- Beside another process that shares the address space ---- */

#define STACK	(16 * PAGE)

/*
 * All of it runs with the creator's own thread-local storage, errno included: no call in it may
 * fail, or return after a signal.
 */
struct sharer {
	bool leader_ends;
	pid_t leader;
	pid_t thread;
	uint8_t *stacks;
};

static int wait_to_be_killed(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return 0;
}

/* Its first thread, with a second one; returning ends the one and not the other. */
static int lead(void *argument)
{
	struct sharer *sharer = argument;
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		CLONE_PARENT_SETTID;

	if (clone(wait_to_be_killed, sharer->stacks + 2 * STACK, flags, NULL, &sharer->thread) < 0)
		return 1;
	return sharer->leader_ends ? 0 : wait_to_be_killed(NULL);
}

/* As /proc/PID/stat has it, behind the name in brackets. */
static char state_of(pid_t pid)
{
	char path[32], text[512], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_text(path, text, sizeof(text)))
		return 0;
	end = strrchr(text, ')');
	return end ? end[2] : 0;
}

static pid_t thread_of(const struct sharer *sharer)
{
	return __atomic_load_n(&sharer->thread, __ATOMIC_RELAXED);
}

static int sharer_start(struct sharer *sharer)
{
	sharer->stacks = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sharer->stacks == MAP_FAILED)
		return -errno;
	sharer->leader = clone(lead, sharer->stacks + STACK, CLONE_VM | SIGCHLD, sharer);
	if (sharer->leader < 0)
		return -errno;
	do
		sched_yield();
	while (state_of(sharer->leader) != 'Z' && (sharer->leader_ends || !thread_of(sharer)));
	return thread_of(sharer) ? 0 : -ESRCH;
}

static int sharer_end(struct sharer *sharer)
{
	if (kill(sharer->leader, SIGKILL))
		return -errno;
	if (child_result(sharer->leader) != SIGNALLED(SIGKILL))
		return -ECHILD;
	return munmap(sharer->stacks, 2 * STACK) ? -errno : 0;
}

/* A process that traces the task until a byte or the end of the pipe comes. */
struct tracer {
	pid_t pid;
	int orders;
};

static int tracer_start(struct tracer *tracer, pid_t task)
{
	int orders[2], answers[2], answer = -EPIPE;

	if (pipe(orders) || pipe(answers))
		return -errno;
	tracer->pid = fork();
	if (tracer->pid == 0) {
		close(orders[1]);
		answer = ptrace(PTRACE_SEIZE, task, NULL, NULL) ? -errno : 0;
		if (write(answers[1], &answer, sizeof(answer)) != sizeof(answer))
			_exit(1);
		_exit(read(orders[0], &answer, 1) != 0);
	}
	close(orders[0]);
	close(answers[1]);
	tracer->orders = orders[1];
	if (read(answers[0], &answer, sizeof(answer)) != sizeof(answer))
		answer = -EPIPE;
	close(answers[0]);
	return answer;
}

static int tracer_end(struct tracer *tracer)
{
	close(tracer->orders);
	return child_result(tracer->pid);
}

FIXTURE(beside) {
	int device;
};

FIXTURE_VARIANT(beside) {
	bool leader_ends;
};

FIXTURE_VARIANT_ADD(beside, leader) {
	.leader_ends = false,
};

FIXTURE_VARIANT_ADD(beside, thread_whose_leader_has_ended) {
	.leader_ends = true,
};

FIXTURE_SETUP(beside)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
}

FIXTURE_TEARDOWN(beside)
{
	close(self->device);
}

TEST_F(beside, a_traced_process_nothing_is_created)
{
	struct attempt attempt = { .device = self->device, .work = create_one };
	struct sharer sharer = { .leader_ends = variant->leader_ends };
	struct tracer tracer = { .pid = -1, .orders = -1 };

	ASSERT_EQ(0, sharer_start(&sharer));
	EXPECT_EQ(0, create_one(&attempt));
	EXPECT_EQ(0, tracer_start(&tracer, variant->leader_ends ? sharer.thread : sharer.leader));
	EXPECT_EQ(-EPERM, create_one(&attempt));
	attempt.flags = DEBUG;
	EXPECT_EQ(0, create_one(&attempt));
	EXPECT_EQ(0, tracer_end(&tracer));
	attempt.flags = 0;
	EXPECT_EQ(0, create_one(&attempt));
	EXPECT_EQ(0, sharer_end(&sharer));
	EXPECT_EQ(0, create_one(&attempt));
}

/* ---- With threads that come and go ---- */

#define BREEDERS	3
#define REGIONS		200

static void *short_life(void *unused)
{
	return unused;
}

static void *breed(void *stop)
{
	unsigned long born = 0;
	pthread_t thread;

	do {
		if (pthread_create(&thread, NULL, short_life, NULL) ||
		    pthread_join(thread, NULL))
			return NULL;
		born++;
	} while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED));
	return (void *)born;
}

TEST_F(guards, create_while_threads_come_and_go)
{
	struct attempt attempt = { .device = self->device, .work = create_one };
	pthread_t breeders[BREEDERS];
	bool stop = false;
	void *born;
	int i;

	for (i = 0; i < BREEDERS; i++) {
		ASSERT_EQ(0, pthread_create(&breeders[i], NULL, breed, &stop));
	}
	for (i = 0; i < REGIONS; i++) {
		EXPECT_EQ(0, create_one(&attempt));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < BREEDERS; i++) {
		ASSERT_EQ(0, pthread_join(breeders[i], &born));
		EXPECT_NE(NULL, born);
	}
}

/* ---- Without guards ---- */

FIXTURE(without) {
	int device;
};

FIXTURE_SETUP(without)
{
	ASSERT_EQ(0, access(module_file(), R_OK))
		TH_LOG("no module file %s to load with guards=off: set CLOISTER_MODULE",
		       module_file());
	ASSERT_EQ(0, unload_module());
	ASSERT_EQ(0, load_module("guards=off"));
	self->device = open_device();
	ASSERT_GE(self->device, 0);
}

FIXTURE_TEARDOWN(without)
{
	close(self->device);
	EXPECT_EQ(0, unload_module());
	EXPECT_EQ(0, load_module(""));
}

TEST_F(without, guards_are_off_and_so_stated)
{
	struct attempt attempt = { .device = self->device, .work = create_one };
	struct cloister_get_info info;
	char parameter[8];
	int region;

	ASSERT_EQ(0, read_text("/sys/module/cloister/parameters/guards", parameter,
			       sizeof(parameter)));
	EXPECT_EQ('N', parameter[0]);
	EXPECT_NE(0, write_text("/sys/module/cloister/parameters/guards", "1"));
	ASSERT_EQ(0, provision_once(self->device));
	ASSERT_EQ(0, get_info(self->device, &info));
	EXPECT_EQ(0, info.posture & CLOISTER_POSTURE_GUARDS);
	region = pattern_region(self->device, PAGE, 0, 0, READ, 1);
	ASSERT_GE(region, 0);
	EXPECT_EQ(0, QUOTE_HOLDS(region, CLAIM_GUARDS "\x63" "off"));
	close(region);
	EXPECT_GT(hooks_in("off"), 10);
	EXPECT_EQ(0, under_debugger(&attempt));
}

TEST_HARNESS_MAIN
