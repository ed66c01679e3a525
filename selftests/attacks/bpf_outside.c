// SPDX-License-Identifier: Apache-2.0
/*
 * Root reads a process with BPF programs that run in a task of root's own: packet programs that are
 * called with bpf(BPF_PROG_TEST_RUN), tracing of root's own system calls, iterators. Where
 * the process's registers are while it is interrupted, a program tells before there is a region.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "bpf_code.h"
#include "scout.h"

/* The process's own time, in which the processor's clock has interrupted it. */
#define SPIN_MS		40

static struct scout held;
/* Where the kernel keeps what the process had in its registers. */
static uint64_t registers;

static int learn(struct prey *prey)
{
	return scout_learn(prey, &registers);
}

static int system_call(struct scout *scout)
{
	(void)scout;
	return syscall(SYS_getpgid, 0) < 0 ? -errno : 0;
}

/* Asks whether this task may look into the process; whether it may does not matter. */
static pid_t looked_into;

static int ask_access(struct scout *scout)
{
	char path[64], target[8];

	(void)scout;
	snprintf(path, sizeof(path), "/proc/%d/exe", looked_into);
	(void)!readlink(path, target, sizeof(target));
	return 0;
}

/* Root changes something of the process's, and a tracepoint tells whose. */
static int change(struct scout *scout)
{
	char path[64];
	int fd, result = 0;

	(void)scout;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", looked_into);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, "1", 1) != 1)
		result = -errno;
	close(fd);
	return result;
}

static int iterate_now(struct scout *scout)
{
	int fd = scout_iterate(scout);
	int result = fd < 0 ? fd : scout_read_all(fd);

	if (fd >= 0)
		close(fd);
	return result;
}

/*
 * Has the program run here while the process spins. It may run again with each system call of
 * this task, and what it finds when the process has come to rest is something else.
 */
static int use(struct scout *scout, struct prey *prey, uint64_t address, uint64_t sought,
	       int (*run)(struct scout *))
{
	int result = scout_aim(scout, getpid(), address, sought);
	bool found;
	uint64_t start;

	if (result)
		return result;
	looked_into = prey->pid;
	prey_spin(prey);
	for (start = prey_time(prey); prey_time(prey) - start < SPIN_MS;)
		;
	result = run(scout);
	found = scout_found(scout);
	prey_rest(prey);
	if (result)
		return result;
	return found ? 0 : NOTHING_GOT;
}

/* The same while it is stopped: its registers are then all where the kernel saves them. */
static int use_stopped(struct scout *scout, struct prey *prey, int (*run)(struct scout *))
{
	int result = scout_aim(scout, prey->pid, 0, prey->marker);
	unsigned int tries = 1000;
	bool found;

	if (result)
		return result;
	prey_spin(prey);
	if (kill(prey->pid, SIGSTOP) || waitpid(prey->pid, NULL, WUNTRACED) != prey->pid)
		return -errno;
	/* It stops a moment after it is said to have stopped. */
	do {
		result = run(scout);
		found = scout_found(scout);
	} while (!result && !found && --tries && !sched_yield());
	if (kill(prey->pid, SIGCONT) || waitpid(prey->pid, NULL, WCONTINUED) != prey->pid)
		return -errno;
	prey_rest(prey);
	if (result)
		return result;
	return found ? 0 : NOTHING_GOT;
}

static int use_frame(struct scout *scout, struct prey *prey, int (*run)(struct scout *))
{
	return use(scout, prey, prey_frame(prey), prey->region ? prey->region_value : prey->value,
		   run);
}

static int use_registers(struct scout *scout, struct prey *prey, int (*run)(struct scout *))
{
	return use(scout, prey, registers + PT_R12, prey->marker, run);
}

static int use_memory(struct scout *scout, struct prey *prey, int (*run)(struct scout *))
{
	return use(scout, prey, prey->secret, prey->value, run);
}

static void let_go(void)
{
	scout_stop(&held);
}

static int need_nothing(struct prey *prey)
{
	(void)prey;
	return 0;
}

/*
 * Both: loaded in time for a region, and loaded when it is there. The first after it was learnt
 * where registers are kept, which takes a program of its own.
 */
#define SCOUT(name, what, trigger, ...)	SCOUT_AFTER(name, learn, what, trigger, __VA_ARGS__)
#define SCOUT_AFTER(name, first, what, trigger, ...)				\
	static const struct scout_plan name##_plan = { __VA_ARGS__ };		\
	static int hold_##name(struct prey *prey)				\
	{									\
		int result = first(prey);					\
										\
		return result ? result : scout_start(&held, &name##_plan);	\
	}									\
	static int use_##name(struct prey *prey)				\
	{									\
		return use_##what(&held, prey, trigger);			\
	}									\
	static int name##_now(struct prey *prey)				\
	{									\
		struct scout scout;						\
		int result = scout_start(&scout, &name##_plan);			\
										\
		if (result)							\
			return result;						\
		result = use_##what(&scout, prey, trigger);			\
		scout_stop(&scout);						\
		return result;							\
	}

#define PACKETS		.type = BPF_PROG_TYPE_SOCKET_FILTER
#define CLASSIFIER	.type = BPF_PROG_TYPE_SCHED_CLS
#define OWN_CALLS	.type = BPF_PROG_TYPE_RAW_TRACEPOINT, .target = "sys_enter"
#define SLEEPING	TASKS, .flags = BPF_F_SLEEPABLE
#define TASKS		.type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_ITER, .target = "task"
#define CHANGES		.type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_RAW_TP,	\
			.target = "oom_score_adj_update"
#define ACCESS		.type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_FENTRY,	\
			.target = "security_ptrace_access_check"

SCOUT(filter_frame, frame, scout_test_run, PACKETS, .way = SCOUT_SNPRINTF)
SCOUT(filter_registers, registers, scout_test_run, PACKETS, .way = SCOUT_SNPRINTF_IP)
SCOUT(filter_probe, registers, scout_test_run, PACKETS, .way = SCOUT_PROBE)
SCOUT(filter_probe_string, frame, scout_test_run, PACKETS, .way = SCOUT_PROBE_STRING)
SCOUT(classifier_frame, frame, scout_test_run, CLASSIFIER, .way = SCOUT_SNPRINTF)
SCOUT_AFTER(classifier_list, need_nothing, stopped, scout_test_run, CLASSIFIER,
	    .way = SCOUT_FOUND_VECTOR)
SCOUT(call_registers, registers, system_call, OWN_CALLS, .way = SCOUT_PROBE)
SCOUT(call_frame, frame, system_call, OWN_CALLS, .way = SCOUT_PROBE)
SCOUT(call_string, frame, system_call, OWN_CALLS, .way = SCOUT_PROBE_STRING)
SCOUT(call_print, registers, system_call, OWN_CALLS, .way = SCOUT_SNPRINTF_IP)
SCOUT(tasks, registers, scout_read, TASKS, .way = SCOUT_LISTED_REGISTERS)
SCOUT(tasks_late, registers, iterate_now, TASKS, .way = SCOUT_LISTED_REGISTERS)
SCOUT(tasks_memory, memory, scout_read, SLEEPING, .way = SCOUT_LISTED_MEMORY)
SCOUT(access, registers, ask_access, ACCESS, .way = SCOUT_GIVEN_REGISTERS)
SCOUT(changes, registers, change, CHANGES, .way = SCOUT_GIVEN_REGISTERS)

#define NOW(title, way, error)								\
	{ .name = title, .hold = learn, .run = way##_now, .refusal = error,		\
	  .whole_machine = true, .config = "DEBUG_INFO_BTF" }
#define BEFORE(title, way, says)							\
	{ .name = title ", loaded before", .hold = hold_##way, .run = use_##way,	\
	  .let_go = let_go, .stated = says, .config = "DEBUG_INFO_BTF" }
#define BOTH(title, way, error, says)	NOW(title, way, error), BEFORE(title, way, says)
/* By helpers that lockdown takes away: no program that calls one is loaded then. */
#define COPIES(title, way, error)							\
	{ .name = title, .hold = learn, .run = way##_now, .refusal = error,		\
	  .whole_machine = true, .config = "DEBUG_INFO_BTF", .locked = -EINVAL },	\
	{ .name = title ", loaded before", .hold = hold_##way, .run = use_##way,	\
	  .let_go = let_go, .config = "DEBUG_INFO_BTF", .locked = -EINVAL }

static const struct attack attacks[] = {
	BOTH("a socket filter prints the page where the kernel has it", filter_frame, -EINVAL,
	     false),
	BOTH("a socket filter prints registers that the kernel has saved", filter_registers,
	     -EINVAL, false),
	COPIES("a socket filter copies registers that the kernel has saved", filter_probe,
	       -EINVAL),
	COPIES("a socket filter copies the page where the kernel has it, as a string",
	       filter_probe_string, -EINVAL),
	BOTH("a classifier prints the page where the kernel has it", classifier_frame, -EINVAL,
	     false),
	{ .name = "a classifier finds the process and reads a vector register by type",
	  .run = classifier_list_now, .refusal = -EACCES, .whole_machine = true,
	  .symbol = "bpf_iter_task_new" },
	{ .name = "a classifier that finds the process, loaded before",
	  .hold = hold_classifier_list, .run = use_classifier_list, .let_go = let_go,
	  .stated = true,
	  .symbol = "bpf_iter_task_new" },
	COPIES("BPF on root's own system calls copies saved registers", call_registers, -EPERM),
	COPIES("BPF on root's own system calls copies the page", call_frame, -EPERM),
	COPIES("BPF on root's own system calls copies the page as a string", call_string, -EPERM),
	BOTH("BPF on root's own system calls prints saved registers", call_print, -EPERM, false),
	BOTH("an iterator over tasks reads registers by type", tasks, -EPERM, true),
	BOTH("an iterator over tasks that begins late", tasks_late, -EPERM, false),
	BOTH("an iterator over tasks reads memory", tasks_memory, -EPERM, false),
	BOTH("BPF on questions for access reads registers by type", access, -EPERM, true),
	BOTH("BPF on root's changes of the process reads registers by type", changes, -EPERM,
	     true),
};

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	return tap_end();
}
