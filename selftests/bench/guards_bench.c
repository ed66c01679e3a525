// SPDX-License-Identifier: Apache-2.0
/*
 * What guards cost: the same work with the module loaded with guards and without, in turns, in one
 * boot. The last load is with guards, as the first was.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "vm_region.h"

#define MODULE		"/lib/modules/cloister/cloister.ko"
#define PAGES		((size_t)16)
#define FAULT_PAGES	((size_t)256)
#define TRIES		4
#define LIVES		32u
#define CALLS		2000u
#define ROUNDS		9

enum { WITHOUT, WITH };

static double faults[2][ROUNDS], lives[2][ROUNDS], calls[2][ROUNDS];

static void reload(int guards)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		bench_die(MODULE ": %s", strerror(errno));
	if (syscall(SYS_delete_module, "cloister", O_NONBLOCK))
		bench_die("unloading cloister: %s", strerror(errno));
	if (syscall(SYS_finit_module, fd, guards ? "guards=1" : "guards=0", 0))
		bench_die("loading " MODULE ": %s", strerror(errno));
	close(fd);
}

/* The least of several: a load of the module is worth more than one try. */
static double time_faults(int region)
{
	volatile char *p = map(region, FAULT_PAGES, "the region");
	uint64_t start, took, best = UINT64_MAX;
	int i;

	for (i = 0; i < TRIES; i++) {
		region_seal(region, 0, FAULT_PAGES);
		start = bench_now();
		touch(p, FAULT_PAGES);
		took = bench_now() - start;
		best = took < best ? took : best;
	}
	munmap((void *)p, FAULT_PAGES * PAGE);
	return (double)best;
}

/* With no other region alive: guards are armed and disarmed each time. */
static double time_lives(void)
{
	char *contents = map(-1, PAGES, "memory");
	int device = device_open();
	uint64_t start = bench_now();
	unsigned int i;

	for (i = 0; i < LIVES; i++) {
		int fd = region_from(device, PAGES, 0, contents);
		char *p = map(fd, PAGES, "a region");

		touch(p, PAGES);
		munmap(p, PAGES * PAGE);
		close(fd);
	}
	start = bench_now() - start;
	close(device);
	munmap(contents, PAGES * PAGE);
	return (double)start;
}

/*
 * Calls that ask who may trace whom, twice each, as many files of /proc do: of one ordinary process
 * about another. Both were made before there was a region, so that they have nothing of it.
 */
struct caller {
	pid_t pid;
	int go;
	uint64_t *took;
};

static void caller_main(int go, uint64_t *result)
{
	pid_t self = getpid(), other = fork();
	uint64_t start, took, best = UINT64_MAX;
	unsigned int i, try;
	char byte;

	if (!other) {
		pause();
		_exit(0);
	}
	if (other < 0 || read(go, &byte, 1) != 1)
		bench_die("a process that was to call kcmp: %s", strerror(errno));
	for (try = 0; try < TRIES; try++) {
		start = bench_now();
		for (i = 0; i < CALLS; i++)
			if (syscall(SYS_kcmp, self, other, KCMP_VM, 0, 0) < 0)
				bench_die("kcmp: %s", strerror(errno));
		took = bench_now() - start;
		best = took < best ? took : best;
	}
	*result = best;
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	_exit(0);
}

static void caller_start(struct caller *caller)
{
	int go[2];

	caller->took = map(-1, 1, "memory");
	if (pipe(go))
		bench_die("pipe: %s", strerror(errno));
	caller->pid = fork();
	if (caller->pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (!caller->pid) {
		close(go[1]);
		caller_main(go[0], caller->took);
	}
	close(go[0]);
	caller->go = go[1];
}

static double caller_time(struct caller *caller)
{
	int status = 1;
	double took;

	if (write(caller->go, "", 1) != 1 || waitpid(caller->pid, &status, 0) < 0 || status)
		bench_die("the process that calls kcmp came to nothing");
	close(caller->go);
	took = (double)*caller->took;
	munmap(caller->took, PAGE);
	return took;
}

static void measure(int guards, int round)
{
	struct caller caller;
	int region;

	reload(guards);
	lives[guards][round] = time_lives();
	caller_start(&caller);
	region = region_new(FAULT_PAGES, 0);
	faults[guards][round] = time_faults(region);
	calls[guards][round] = caller_time(&caller);
	close(region);
}

static void report(const char *name, double bar, const char *unit, double times[2][ROUNDS],
		   unsigned int operations)
{
	const struct bench bench = {
		.name = name, .bar = bar, .unit = unit, .peer = "the same without guards",
		.operations = operations, .samples = ROUNDS,
	};

	bench_report(&bench, times[WITH], times[WITHOUT]);
}

int main(void)
{
	int round;

	/* The first round is not counted. */
	for (round = -1; round < ROUNDS; round++) {
		measure(round % 2 ? WITHOUT : WITH, round < 0 ? 0 : round);
		measure(round % 2 ? WITH : WITHOUT, round < 0 ? 0 : round);
	}
	reload(WITH);
	report("guards_fault", 0.95, "us/page", faults, FAULT_PAGES);
	report("guards_life", 0.9, "us/region", lives, LIVES);
	report("guards_call", 0.5, "us/kcmp", calls, CALLS);
	return 0;
}
