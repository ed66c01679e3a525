// SPDX-License-Identifier: Apache-2.0
/*
 * Root takes descriptors of regions out of processes that have them: who may map a region by its
 * descriptor is guarded, and to all others it is of no use.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

#define SHAREABLE	CLOISTER_CREATE_SHAREABLE
#define DEBUG		CLOISTER_CREATE_DEBUG

/* What a thief can do with a region's descriptor: 0 when it reads the region's first word. */
static int exploit(int region, uint64_t expected)
{
	uint64_t *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, region, 0);
	int result = at == MAP_FAILED ? -errno : *at == expected ? 0 : NOTHING_GOT;

	if (at != MAP_FAILED)
		munmap(at, PAGE);
	return result;
}

/* How many of the calls on a region give the thief something else than EACCES. */
static int calls_left(int region)
{
	static const unsigned long calls[] = {
		CLOISTER_ADD_PAGES, CLOISTER_INIT, CLOISTER_SEAL, CLOISTER_REMOVE_PAGES,
		CLOISTER_QUOTE, CLOISTER_STATS,
	};
	uint64_t structure[64] = { 0 };
	int left = 0;
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		memset(structure, 0, sizeof(structure));
		memcpy(structure, &(uint32_t){ _IOC_SIZE(calls[i]) }, sizeof(uint32_t));
		left += !ioctl(region, calls[i], structure) || errno != EACCES;
	}
	return left;
}

static int steal_region(struct prey *prey, uint64_t expected)
{
	int fd = steal_descriptor(prey->pid, prey->region_fd), result;

	if (fd < 0)
		return fd;
	result = exploit(fd, expected);
	close(fd);
	return result;
}

/* A shareable region is everybody's who gets its descriptor, so that must not be taken. */
static void thief(bool mapped)
{
	const char *who = mapped ? "a process that has it mapped" : "a process that only holds it";
	struct prey prey;
	int result;

	prey_start(&prey);
	result = mapped ? prey_make_region(&prey, DEBUG | SHAREABLE) :
		prey_hold_region(&prey, DEBUG | SHAREABLE);
	tap_check(!result, "a shareable debug region is made");
	result = steal_region(&prey, mapped ? prey.region_value : 0);
	tap_check(!result, "a debug region is stolen from %s: %s", who, strerror(-result));
	prey_drop_region(&prey);
	result = mapped ? prey_make_region(&prey, SHAREABLE) : prey_hold_region(&prey, SHAREABLE);
	tap_check(!result, "a shareable production region is made");
	result = steal_region(&prey, mapped ? prey.region_value : 0);
	tap_check(result == -EPERM, "a production region is stolen from %s: %s", who,
		  strerror(-result));
	tap_check(!prey_harm(&prey), "the process is as it was");
	prey_end(&prey);
}

/* ---- Heirs ---- */

/* 0 when it could be traced, and has been let go again. */
static int trace(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL))
		return -errno;
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) || waitpid(pid, NULL, 0) != pid ||
	    ptrace(PTRACE_DETACH, pid, NULL, NULL))
		return -ECHILD;
	return 0;
}

struct heir {
	const char *kind;
	uint32_t flags;
	int taken;	/* what tracing it, or taking the descriptor, comes to */
	int used;	/* what using that comes to */
};

static const struct heir heirs[] = {
	{ "a debug region", DEBUG, 0, -EACCES },
	{ "a shareable debug region", DEBUG | SHAREABLE, 0, 0 },
	{ "a production region", 0, 0, -EACCES },
	{ "a shareable production region", SHAREABLE, -EPERM, -EBADF },
};

/* As they are told to the thief. */
struct inherited {
	pid_t pid;
	int descriptor;
};

static void run_on(int orders)
{
	char byte;

	_exit(read(orders, &byte, 1) != 0);
}

/* The creator of a region with one page of zeros has a child, and ends as that does. */
static int bequeath(uint32_t flags, int answers, int orders)
{
	struct cloister_device *device = cloister_device_new(NULL, NULL);
	struct cloister_region *region;
	struct inherited inherited;
	int status;

	if (!device || cloister_device_open(device, NULL) ||
	    cloister_region_create(device, flags, PAGE, 0, &region) ||
	    cloister_region_add_zero(region, 0, PAGE, CLOISTER_PERM_READ, NULL) ||
	    cloister_region_init(region, NULL))
		return 1;
	inherited.pid = fork();
	inherited.descriptor = cloister_region_fd(region);
	if (!inherited.pid)
		run_on(orders);
	if (write(answers, &inherited, sizeof(inherited)) != sizeof(inherited))
		return 1;
	return waitpid(inherited.pid, &status, 0) != inherited.pid || status;
}

static void rob(const struct heir *heir, const struct inherited *inherited)
{
	int result = trace(inherited->pid), taken;

	tap_check(result == heir->taken, "an heir of the descriptor of %s is traced: %s",
		  heir->kind, strerror(-result));
	taken = steal_descriptor(inherited->pid, inherited->descriptor);
	result = taken < 0 ? taken : 0;
	tap_check(result == heir->taken, "it is stolen from the heir: %s", strerror(-result));
	result = exploit(taken, 0);
	tap_check(result == heir->used, "the thief maps it: %s", strerror(-result));
	if (heir->used == -EACCES)
		tap_check(!calls_left(taken), "no call on it is the thief's");
	if (taken >= 0)
		close(taken);
}

/* An heir is neither the region's creator nor has it mapped. */
static void thief_of_an_heir(const struct heir *heir)
{
	int answers[2], orders[2], status;
	struct inherited inherited;
	pid_t pid;

	if (pipe(answers) || pipe(orders))
		err(1, "pipe");
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(orders[1]);
		_exit(bequeath(heir->flags, answers[1], orders[0]));
	}
	close(answers[1]);
	close(orders[0]);
	if (read(answers[0], &inherited, sizeof(inherited)) == sizeof(inherited))
		rob(heir, &inherited);
	else
		tap_check(false, "%s is inherited", heir->kind);
	close(answers[0]);
	close(orders[1]);
	tap_check(waitpid(pid, &status, 0) == pid && !status, "the heir and the creator run on");
}

/* While somebody else has what makes descriptors be looked at. */
static void thief_of_heirs(void)
{
	struct prey other;
	int result;
	size_t i;

	prey_start(&other);
	result = prey_hold_region(&other, SHAREABLE);
	tap_check(!result, "another process holds a shareable production region: %s",
		  strerror(-result));
	for (i = 0; i < sizeof(heirs) / sizeof(heirs[0]); i++)
		thief_of_an_heir(&heirs[i]);
	prey_drop_region(&other);
	prey_end(&other);
}

/* ---- More descriptors than are looked at ---- */

/* As the driver has it, and how large a table its map of descriptors in use is looked through. */
#define SCAN_MAX	16384
#define TABLE_MAX	(SCAN_MAX * 64)
#define NR_OPEN		"/proc/sys/fs/nr_open"

/* None of them holds a region; these count as if they did while there is one to be held. */
struct holder {
	const char *name;
	int count;
	int highest;
	int refusal;
	pid_t pid;
	int orders;
};

static struct holder holders[] = {
	{ .name = "as many descriptors as are looked at", .count = SCAN_MAX,
	  .highest = SCAN_MAX - 1 },
	{ .name = "one more", .count = SCAN_MAX + 1, .highest = SCAN_MAX, .refusal = -EPERM },
	{ .name = "a table as large as is looked at", .count = 3, .highest = TABLE_MAX - 1 },
	{ .name = "a larger one", .count = 3, .highest = TABLE_MAX, .refusal = -EPERM },
};

#define HOLDERS	(sizeof(holders) / sizeof(holders[0]))

/* Tells by descriptor 0 when all are there, and ends with descriptor 1. */
static int hold(const struct holder *holder, int answers, int orders)
{
	const struct rlimit limit = { TABLE_MAX + 1, TABLE_MAX + 1 };
	char byte = 0;
	int fd;

	if (dup2(answers, 0) || dup2(orders, 1) != 1 || syscall(SYS_close_range, 2, ~0U, 0) ||
	    setrlimit(RLIMIT_NOFILE, &limit))
		return 1;
	for (fd = 2; fd < holder->count - 1; fd++)
		if (dup2(0, fd) != fd)
			return 1;
	if (dup2(0, holder->highest) != holder->highest || write(0, &byte, 1) != 1)
		return 1;
	return read(1, &byte, 1) != 0;
}

static void holder_start(struct holder *holder)
{
	int answers[2], orders[2];
	char byte;

	if (pipe2(answers, O_CLOEXEC) || pipe2(orders, O_CLOEXEC))
		err(1, "pipe");
	fflush(NULL);
	holder->pid = fork();
	if (!holder->pid) {
		/* Above those that it takes for its own use. */
		answers[1] = fcntl(answers[1], F_DUPFD, 100);
		orders[0] = fcntl(orders[0], F_DUPFD, 100);
		_exit(hold(holder, answers[1], orders[0]));
	}
	close(answers[1]);
	close(orders[0]);
	holder->orders = orders[1];
	tap_check(read(answers[0], &byte, 1) == 1, "a process with %s", holder->name);
	close(answers[0]);
}

static void check_holders(bool shared, const char *when)
{
	int expected, result;
	size_t i;

	for (i = 0; i < HOLDERS; i++) {
		expected = shared ? holders[i].refusal : 0;
		result = steal_descriptor(holders[i].pid, holders[i].highest);
		if (result >= 0) {
			close(result);
			result = 0;
		}
		tap_check(result == expected, "%s: a process with %s is robbed: %s", when,
			  holders[i].name, strerror(-result));
	}
}

static void check_holders_with(struct prey *prey, uint32_t flags, const char *kind)
{
	int result = prey_hold_region(prey, flags);

	tap_check(!result, "%s is made: %s", kind, strerror(-result));
	check_holders(flags == SHAREABLE, kind);
	prey_drop_region(prey);
}

static void set_most_descriptors(unsigned long most)
{
	FILE *file = fopen(NR_OPEN, "we");

	if (!file || fprintf(file, "%lu\n", most) < 0 || fclose(file))
		err(1, NR_OPEN);
}

static unsigned long most_descriptors(void)
{
	FILE *file = fopen(NR_OPEN, "re");
	unsigned long most = 0;

	if (!file || fscanf(file, "%lu", &most) != 1)
		err(1, NR_OPEN);
	fclose(file);
	return most;
}

static void too_many_to_look_at(void)
{
	unsigned long before = most_descriptors();
	struct prey prey;
	int status;
	size_t i;

	set_most_descriptors(2 * TABLE_MAX);
	prey_start(&prey);
	for (i = 0; i < HOLDERS; i++)
		holder_start(&holders[i]);
	check_holders(false, "no region");
	check_holders_with(&prey, 0, "a production region");
	check_holders_with(&prey, DEBUG | SHAREABLE, "a shareable debug region");
	check_holders_with(&prey, SHAREABLE, "a shareable production region");
	check_holders(false, "no region any more");
	for (i = 0; i < HOLDERS; i++) {
		close(holders[i].orders);
		tap_check(waitpid(holders[i].pid, &status, 0) == holders[i].pid && !status,
			  "the process with %s runs on", holders[i].name);
	}
	prey_end(&prey);
	set_most_descriptors(before);
}

int main(void)
{
	thief(true);
	thief(false);
	thief_of_heirs();
	too_many_to_look_at();
	return tap_end();
}
