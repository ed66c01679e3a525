// SPDX-License-Identifier: Apache-2.0
/*
 * Root reads a process with BPF programs that run in its own task: by typed pointers, which ask no
 * helper that could be refused, and on trampolines, which guards can't keep from running. Where
 * one of these was there before a region, a quote says so. And with such a program on the
 * functions that guards refuse, a refusal stays one.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attack.h"
#include "bpf_code.h"
#include "scout.h"

#define STEPS		5
/* So many are asked for, at most, until they say that a program is gone. */
#define QUOTES		2000
#define GETPGID		"__x64_sys_getpgid"

static struct scout held;

/* ---- What has the program run ---- */

static int step(struct prey *prey)
{
	return prey_work(prey, STEPS, 0);
}

static int write_packets(struct prey *prey)
{
	return prey_send(prey, STEPS);
}

static int open_file(struct prey *prey)
{
	prey_frame(prey);
	return 0;
}

static int use(struct scout *scout, struct prey *prey, uint64_t address, uint64_t sought,
	       int (*run)(struct prey *))
{
	int result = scout_aim(scout, prey->pid, address, sought);

	if (!result && run(prey))
		result = NOTHING_GOT;
	if (result)
		return result;
	return scout_found(scout) ? 0 : NOTHING_GOT;
}

static int use_registers(struct scout *scout, struct prey *prey, int (*run)(struct prey *))
{
	return use(scout, prey, 0, prey->marker, run);
}

static int use_memory(struct scout *scout, struct prey *prey, int (*run)(struct prey *))
{
	return use(scout, prey, prey->secret, prey->value, run);
}

static int use_family(struct scout *scout, struct prey *prey, int (*run)(struct prey *))
{
	return use(scout, prey, 0, AF_UNIX, run);
}

static int use_region(struct scout *scout, struct prey *prey, int (*run)(struct prey *))
{
	if (!prey->region)
		return use_memory(scout, prey, run);
	return use(scout, prey, prey->region, prey->region_value, run);
}

/* Where it was: the instruction behind that of the system call. */
static int use_stack(struct scout *scout, struct prey *prey, int (*run)(struct prey *))
{
	const uint64_t from = (uintptr_t)prey_step;
	int result = use(scout, prey, 0, 0, run);
	uint64_t word = scout_word(scout);

	if (result && result != NOTHING_GOT)
		return result;
	return word >= from && word < from + 256 ? 0 : NOTHING_GOT;
}

static void let_go(void)
{
	scout_stop(&held);
}

/* The filter sees each packet in the task that sends it. */
static int filter_packets(const struct scout *scout, const struct prey *prey)
{
	return setsockopt(prey->packets, SOL_SOCKET, SO_ATTACH_BPF, &scout->program,
			  sizeof(scout->program)) ? -errno : 0;
}

static int start(struct scout *scout, const struct scout_plan *plan, const struct prey *prey)
{
	int result = scout_start(scout, plan);

	if (!result && plan->type == BPF_PROG_TYPE_SOCKET_FILTER) {
		result = filter_packets(scout, prey);
		if (result)
			scout_stop(scout);
	}
	return result;
}

static void stop(struct scout *scout, const struct prey *prey)
{
	if (scout->plan->type == BPF_PROG_TYPE_SOCKET_FILTER)
		setsockopt(prey->packets, SOL_SOCKET, SO_DETACH_BPF, &(int){ 0 }, sizeof(int));
	scout_stop(scout);
}

/* Both: loaded in time for a region, and loaded when it is there. */
#define SCOUT(name, what, trigger, ...)						\
	static const struct scout_plan name##_plan = { __VA_ARGS__ };		\
	static int hold_##name(struct prey *prey)				\
	{									\
		return start(&held, &name##_plan, prey);			\
	}									\
	static int use_##name(struct prey *prey)				\
	{									\
		return use_##what(&held, prey, trigger);			\
	}									\
	static int name##_now(struct prey *prey)				\
	{									\
		struct scout scout;						\
		int result = start(&scout, &name##_plan, prey);			\
										\
		if (result)							\
			return result;						\
		result = use_##what(&scout, prey, trigger);			\
		stop(&scout, prey);						\
		return result;							\
	}

#define FILTER		.type = BPF_PROG_TYPE_SOCKET_FILTER
#define KPROBE		.type = BPF_PROG_TYPE_KPROBE, .target = GETPGID
#define KPROBES		KPROBE, .attach_type = BPF_TRACE_KPROBE_MULTI
#define FENTRY		.type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_FENTRY,		\
			.target = GETPGID
#define FEXIT		.type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_FEXIT,		\
			.target = GETPGID
#define TYPED_POINT	.type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_RAW_TP,		\
			.target = "sys_enter"
#define SECURITY	.type = BPF_PROG_TYPE_LSM, .attach_type = BPF_LSM_MAC,			\
			.target = "file_open", .flags = BPF_F_SLEEPABLE

SCOUT(filter, registers, write_packets, FILTER, .way = SCOUT_OWN_REGISTERS)
SCOUT(filter_socket, family, write_packets, FILTER, .way = SCOUT_SOCKET)
SCOUT(kprobe, registers, step, KPROBE, .way = SCOUT_OWN_REGISTERS)
SCOUT(kprobes, registers, step, KPROBES, .way = SCOUT_OWN_REGISTERS)
SCOUT(kprobes_copy, registers, step, KPROBES, .way = SCOUT_CALLER)
SCOUT(fentry, registers, step, FENTRY, .way = SCOUT_OWN_REGISTERS)
SCOUT(fexit, registers, step, FEXIT, .way = SCOUT_OWN_REGISTERS)
SCOUT(typed_point, registers, step, TYPED_POINT, .way = SCOUT_OWN_REGISTERS)
SCOUT(trace, stack, step, FENTRY, .way = SCOUT_STACK)
SCOUT(copy, memory, open_file, SECURITY, .way = SCOUT_COPY)
SCOUT(copy_region, region, open_file, SECURITY, .way = SCOUT_COPY)

/* ---- Refusals that a program may not undo ---- */

#define ON(kind, function)								\
	{ .type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_##kind, .target = function }

static const struct scout_plan on_access = ON(TRACE_FENTRY, "security_ptrace_access_check");
static const struct scout_plan after_access = ON(TRACE_FEXIT, "security_ptrace_access_check");
static const struct scout_plan with_access = ON(MODIFY_RETURN, "security_ptrace_access_check");
static const struct scout_plan on_bpf = ON(TRACE_FENTRY, "security_bpf");
static const struct scout_plan after_bpf = ON(TRACE_FEXIT, "security_bpf");
static const struct scout_plan with_bpf = ON(MODIFY_RETURN, "security_bpf");

#define HOLD(plan)						\
	static int hold_##plan(struct prey *prey)		\
	{							\
		(void)prey;					\
		return scout_start(&held, &(plan));		\
	}

HOLD(on_access)
HOLD(after_access)
HOLD(with_access)
HOLD(on_bpf)
HOLD(after_bpf)
HOLD(with_bpf)

static int read_memory(struct prey *prey)
{
	uint64_t word = 0;
	struct iovec to = { &word, sizeof(word) };
	struct iovec from = { (void *)(uintptr_t)prey->secret, sizeof(word) };

	if (process_vm_readv(prey->pid, &to, 1, &from, 1, 0) != sizeof(word))
		return -errno;
	return word == prey->value ? 0 : NOTHING_GOT;
}

static int load_another(struct prey *prey)
{
	return typed_point_now(prey);
}

#define NOW(title, way)									\
	{ .name = title, .run = way##_now, .refusal = -EPERM, .whole_machine = true,	\
	  .config = "DEBUG_INFO_BTF" }
#define BEFORE(title, way, says)							\
	{ .name = title ", loaded before", .hold = hold_##way, .run = use_##way,	\
	  .let_go = let_go, .stated = says, .config = "DEBUG_INFO_BTF" }
#define BOTH(title, way, says)	NOW(title, way), BEFORE(title, way, says)
#define KPROBES_BEFORE(title, way, says, lockdown)					\
	{ .name = title ", loaded before", .hold = hold_##way, .run = use_##way,	\
	  .let_go = let_go, .stated = says, .config = "DEBUG_INFO_BTF",		\
	  .symbol = "register_fprobe_syms", .locked = lockdown }
#define KPROBES_NOW(title, way, lockdown)						\
	{ .name = title, .run = way##_now, .refusal = -EPERM, .whole_machine = true,	\
	  .config = "DEBUG_INFO_BTF", .symbol = "register_fprobe_syms", .locked = lockdown }
#define STAYS_REFUSED(title, way, try)							\
	{ .name = title, .hold = hold_##way, .run = try, .let_go = let_go,		\
	  .refusal = -EPERM, .config = "DEBUG_INFO_BTF" }

static const struct attack attacks[] = {
	{ .name = "a socket filter reads the sender's registers by type", .run = filter_now,
	  .refusal = -EINVAL, .whole_machine = true, .config = "DEBUG_INFO_BTF" },
	BEFORE("a socket filter reads the sender's registers by type", filter, true),
	{ .name = "a socket filter reads the sender's socket by type", .run = filter_socket_now,
	  .refusal = -EACCES, .whole_machine = true, .config = "DEBUG_INFO_BTF" },
	BEFORE("a socket filter reads the sender's socket by type", filter_socket, true),
	{ .name = "BPF on a kprobe reads registers by type", .run = kprobe_now, .refusal = -EPERM,
	  .whole_machine = true, .config = "DEBUG_INFO_BTF", .locked = -EPERM },
	{ .name = "BPF on a kprobe reads registers by type, loaded before", .hold = hold_kprobe,
	  .run = use_kprobe, .let_go = let_go, .stated = true, .config = "DEBUG_INFO_BTF",
	  .locked = -EPERM },
	KPROBES_NOW("BPF on many kprobes reads registers by type", kprobes, 0),
	KPROBES_BEFORE("BPF on many kprobes reads registers by type", kprobes, true, 0),
	KPROBES_NOW("BPF on many kprobes copies registers", kprobes_copy, -EINVAL),
	KPROBES_BEFORE("BPF on many kprobes copies registers", kprobes_copy, false, -EINVAL),
	BOTH("BPF on a function reads registers by type", fentry, true),
	BOTH("BPF behind a function reads registers by type", fexit, true),
	BOTH("BPF on a typed tracepoint reads registers by type", typed_point, false),
	BOTH("BPF on a function takes the user stack", trace, false),
	BOTH("BPF of a security module copies memory", copy, false),
	BOTH("BPF of a security module copies the region", copy_region, false),
	STAYS_REFUSED("BPF on questions for access, and memory is read", on_access, read_memory),
	STAYS_REFUSED("BPF behind questions for access, and memory is read", after_access,
		      read_memory),
	STAYS_REFUSED("BPF that may answer questions for access, and memory is read", with_access,
		      read_memory),
	STAYS_REFUSED("BPF on bpf(2), and a program is loaded", on_bpf, load_another),
	STAYS_REFUSED("BPF behind bpf(2), and a program is loaded", after_bpf, load_another),
	STAYS_REFUSED("BPF that may answer for bpf(2), and a program is loaded", with_bpf,
		      load_another),
};

/* ---- What a quote says of a program that can't be stopped ---- */

/* The state comes with the program's last reference, which goes a moment after it is closed. */
static bool becomes_armed(struct prey *prey)
{
	unsigned int quotes = 0;

	while (strcmp(prey_guards(prey), "armed") && ++quotes < QUOTES)
		sched_yield();
	return quotes < QUOTES;
}

static void try_statement(const struct scout_plan *plan, const char *what)
{
	struct scout scout;
	struct prey prey;

	prey_start(&prey);
	tap_check(!start(&scout, plan, &prey), "%s: loaded before a region", what);
	tap_check(!prey_make_region(&prey, 0), "%s: a production region is made", what);
	tap_check(!strcmp(prey_guards(&prey), "partial"), "%s: guards are %s", what,
		  prey_guards(&prey));
	stop(&scout, &prey);
	tap_check(becomes_armed(&prey), "%s: when it is gone, guards are %s", what,
		  prey_guards(&prey));
	prey_end(&prey);
}

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	if (!kernel_lacks("DEBUG_INFO_BTF")) {
		/* Which lockdown refuses. */
		if (!machine_is_locked_down())
			try_statement(&kprobe_plan, "BPF on a kprobe");
		try_statement(&fentry_plan, "BPF on a function");
		try_statement(&fexit_plan, "BPF behind a function");
		try_statement(&filter_plan, "a socket filter with typed pointers");
	}
	return tap_end();
}
