// SPDX-License-Identifier: Apache-2.0
/*
 * Root traces a process: probes in the kernel that fetch its memory and registers; stack traces.
 * The arguments of system calls are the kernel's to see; guards leave them to who traces these.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "tracefs.h"

#define STEPS		5
#define GROUP		"cloister_attack"
#define SYSTEM_CALLS	"raw_syscalls/sys_enter"

/* On the function of a system call: its one argument points at the registers of the caller. */
#define KPROBE_EVENT	GROUP "/call"
#define PROBE_OF_KERNEL(fetch)						\
	{ "/kprobe_events", KPROBE_EVENT, "p:" KPROBE_EVENT " __x64_sys_getpgid " fetch }

static const struct trace_probe kernel_memory = PROBE_OF_KERNEL("got=+u0(+112(%di)):x64");
static const struct trace_probe kernel_registers = PROBE_OF_KERNEL("got=+104(%di):x64");
static const struct trace_probe kernel_frame = PROBE_OF_KERNEL("got=+0(+112(%di)):x64");

static int see(struct prey *prey, uint64_t from, uint64_t wanted)
{
	trace_clear();
	if (prey_work(prey, STEPS, from))
		return -EPIPE;
	return trace_shows(prey->pid, wanted) ? 0 : NOTHING_GOT;
}

static int see_value(struct prey *prey)
{
	return prey->region ? see(prey, prey->region, prey->region_value) :
		see(prey, prey->secret, prey->value);
}

static int see_marker(struct prey *prey)
{
	return see(prey, prey->secret, prey->marker);
}

static int see_frame(struct prey *prey)
{
	return see(prey, prey_frame(prey), prey->region ? prey->region_value : prey->value);
}

static void end_kernel_probe(void)
{
	trace_probe_end("/kprobe_events", KPROBE_EVENT);
}

#define KERNEL_PROBE(probe, look)				\
	static int hold_##probe(struct prey *prey)		\
	{							\
		(void)prey;					\
		return trace_probe_begin(&(probe));			\
	}							\
	static int use_##probe(struct prey *prey)		\
	{							\
		int result = trace_probe_begin(&(probe));		\
								\
		if (!result)					\
			result = look(prey);			\
		end_kernel_probe();				\
		return result;					\
	}

KERNEL_PROBE(kernel_memory, see_value)
KERNEL_PROBE(kernel_registers, see_marker)
KERNEL_PROBE(kernel_frame, see_frame)

/* ---- Events that the kernel has ---- */

static int hold_system_calls(struct prey *prey)
{
	int result = trace_begin();

	(void)prey;
	return result ? result : trace_enable(SYSTEM_CALLS, true);
}

static void end_system_calls(void)
{
	trace_enable(SYSTEM_CALLS, false);
	trace_end();
}

/* Where the program was: the first address is that of the instruction behind the call. */
static int see_stack(struct prey *prey)
{
	trace_clear();
	if (prey_work(prey, STEPS, 0))
		return -EPIPE;
	return trace_shows_address(prey->pid, (uintptr_t)prey_step, (uintptr_t)prey_step + 256) ?
		0 : NOTHING_GOT;
}

static int hold_stack_trace(struct prey *prey)
{
	int result = hold_system_calls(prey);

	return result ? result : trace_write("options/userstacktrace", "1");
}

static int use_stack_trace(struct prey *prey)
{
	int result = hold_stack_trace(prey);

	if (!result)
		result = see_stack(prey);
	end_system_calls();
	return result;
}

#define BOTH(title, way, look, end, option)					\
	{ .name = title, .run = use_##way, .whole_machine = true, .config = option },	\
	{ .name = title ", made before", .hold = hold_##way, .run = look, .let_go = end,	\
	  .config = option }

static const struct attack attacks[] = {
	BOTH("a kprobe that fetches user memory", kernel_memory, see_value, end_kernel_probe,
	     "KPROBE_EVENTS"),
	BOTH("a kprobe that fetches user registers", kernel_registers, see_marker,
	     end_kernel_probe, "KPROBE_EVENTS"),
	BOTH("a kprobe that fetches a page where the kernel has it", kernel_frame, see_frame,
	     end_kernel_probe, "KPROBE_EVENTS"),
	BOTH("user stack traces", stack_trace, see_stack, end_system_calls,
	     "USER_STACKTRACE_SUPPORT"),
};

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	return tap_end();
}
