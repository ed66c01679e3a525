// SPDX-License-Identifier: Apache-2.0
/*
 * Root traces a process: probes in the kernel that fetch its memory and registers; stack traces.
 * The arguments of system calls are the kernel's to see; guards leave them to who traces these.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"
#include "bpf_code.h"
#include "scout.h"
#include "tracefs.h"

#define STEPS		5
/* The process's own time, in which the processor's clock has interrupted it. */
#define SPIN_MS		40
#define GROUP		"cloister_attack"
#define SYSTEM_CALLS	"raw_syscalls/sys_enter"

/* On the function of a system call: its one argument points at the registers of the caller. */
#define KPROBE_EVENT	GROUP "/call"
#define PROBE_OF_KERNEL(fetch)						\
	{ "/kprobe_events", KPROBE_EVENT, "p:" KPROBE_EVENT " __x64_sys_getpgid " fetch }

static const struct trace_probe kernel_memory = PROBE_OF_KERNEL("got=+u0(+112(%di)):x64");
static const struct trace_probe kernel_registers = PROBE_OF_KERNEL("got=+104(%di):x64");
static const struct trace_probe kernel_frame = PROBE_OF_KERNEL("got=+0(+112(%di)):x64");
static const struct trace_probe kernel_string = PROBE_OF_KERNEL("got=+0(+112(%di)):string");

/* On the event of the same system call: its argument is the address. */
#define EPROBE_EVENT	GROUP "/event"
#define PROBE_OF_EVENT(fetch)						\
	{ "/dynamic_events", EPROBE_EVENT, "e:" EPROBE_EVENT " syscalls.sys_enter_getpgid " fetch }

static const struct trace_probe event_frame = PROBE_OF_EVENT("got=+0($pid):x64");
static const struct trace_probe event_string = PROBE_OF_EVENT("got=+0($pid):string");
static const struct trace_probe event_user = PROBE_OF_EVENT("got=+u0($pid):x64");
/* Room is made for all strings together: one of the kernel's, which may be read, gives it. */
static const struct trace_probe event_user_string =
	PROBE_OF_EVENT("got=+u0($pid):ustring room=@linux_banner:string");

/* Where the kernel keeps what the process had in its registers. */
static uint64_t registers;

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

static int see_bytes(struct prey *prey, uint64_t from)
{
	const uint64_t wanted = prey->region ? prey->region_value : prey->value;

	trace_clear();
	if (prey_work(prey, STEPS, from))
		return -EPIPE;
	return trace_shows_bytes(prey->pid, &wanted, sizeof(wanted)) ? 0 : NOTHING_GOT;
}

static int see_string(struct prey *prey)
{
	return see_bytes(prey, prey_frame(prey));
}

static int see_user_string(struct prey *prey)
{
	return see_bytes(prey, prey->region ? prey->region : prey->secret);
}

/* A system call of this task, while the kernel has the process's registers saved elsewhere. */
static int see_saved(struct prey *prey)
{
	uint64_t start;

	trace_clear();
	prey_spin(prey);
	for (start = prey_time(prey); prey_time(prey) - start < SPIN_MS;)
		;
	syscall(SYS_getpgid, registers + PT_R12);
	prey_rest(prey);
	return trace_shows(getpid(), prey->marker) ? 0 : NOTHING_GOT;
}

static int learn(struct prey *prey)
{
	return scout_learn(prey, &registers);
}

static void end_kernel_probe(void)
{
	trace_probe_end("/kprobe_events", KPROBE_EVENT);
}

static void end_event_probe(void)
{
	trace_probe_end("/dynamic_events", EPROBE_EVENT);
}

#define PROBE(name, probe, ready, look, end)			\
	static int hold_##name(struct prey *prey)		\
	{							\
		int result = ready;				\
								\
		(void)prey;					\
		return result ? result : trace_probe_begin(&(probe));	\
	}							\
	static int use_##name(struct prey *prey)		\
	{							\
		int result = trace_probe_begin(&(probe));	\
								\
		if (!result)					\
			result = look(prey);			\
		end();						\
		return result;					\
	}

PROBE(kernel_memory, kernel_memory, 0, see_value, end_kernel_probe)
PROBE(kernel_registers, kernel_registers, 0, see_marker, end_kernel_probe)
PROBE(kernel_frame, kernel_frame, 0, see_frame, end_kernel_probe)
PROBE(kernel_string, kernel_string, 0, see_string, end_kernel_probe)
PROBE(kernel_saved, kernel_frame, learn(prey), see_saved, end_kernel_probe)
PROBE(event_frame, event_frame, 0, see_frame, end_event_probe)
PROBE(event_string, event_string, 0, see_string, end_event_probe)
PROBE(event_user, event_user, 0, see_value, end_event_probe)
PROBE(event_user_string, event_user_string, 0, see_user_string, end_event_probe)
PROBE(event_saved, event_frame, learn(prey), see_saved, end_event_probe)

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

/* Here both get ready before: where the registers are. */
#define SAVED(title, way, end, option)						\
	{ .name = title, .hold = learn, .run = use_##way, .whole_machine = true,	\
	  .config = option },							\
	{ .name = title ", made before", .hold = hold_##way, .run = see_saved,	\
	  .let_go = end, .config = option }

static const struct attack attacks[] = {
	BOTH("a kprobe that fetches user memory", kernel_memory, see_value, end_kernel_probe,
	     "KPROBE_EVENTS"),
	BOTH("a kprobe that fetches user registers", kernel_registers, see_marker,
	     end_kernel_probe, "KPROBE_EVENTS"),
	BOTH("a kprobe that fetches a page where the kernel has it", kernel_frame, see_frame,
	     end_kernel_probe, "KPROBE_EVENTS"),
	BOTH("a kprobe that fetches a string where the kernel has the page", kernel_string,
	     see_string, end_kernel_probe, "KPROBE_EVENTS"),
	SAVED("a kprobe of root's own system call that fetches saved registers", kernel_saved,
	      end_kernel_probe, "KPROBE_EVENTS"),
	BOTH("an event's probe that fetches a page where the kernel has it", event_frame,
	     see_frame, end_event_probe, "PROBE_EVENTS"),
	BOTH("an event's probe that fetches a string where the kernel has the page",
	     event_string, see_string, end_event_probe, "PROBE_EVENTS"),
	BOTH("an event's probe that fetches user memory", event_user, see_value, end_event_probe,
	     "PROBE_EVENTS"),
	BOTH("an event's probe that fetches a string of user memory, whose length another gives",
	     event_user_string, see_user_string, end_event_probe, "PROBE_EVENTS"),
	SAVED("an event's probe of root's own system call that fetches saved registers",
	      event_saved, end_event_probe, "PROBE_EVENTS"),
	BOTH("user stack traces", stack_trace, see_stack, end_system_calls,
	     "USER_STACKTRACE_SUPPORT"),
};

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	return tap_end();
}
