// SPDX-License-Identifier: Apache-2.0
/*
 * Root reads a process's memory and registers with BPF programs: loaded while the process has a
 * region, or before. Each program runs while the process makes system calls or spins.
 */
#include <errno.h>

#include "attack.h"
#include "spy.h"

#define STEPS		20
#define SPIN_MS		60

static struct spy held;

enum wanted { USER_WORD, REGION_WORD, FRAME_WORD, REGISTER_WORD, FAULT_ADDRESS, RUNS };

static bool found(const struct prey *prey, const struct spy_report *report, enum wanted wanted)
{
	switch (wanted) {
	case USER_WORD:
		return report->user_word == prey->value;
	case REGION_WORD:
		return report->user_word == (prey->region ? prey->region_value : prey->value);
	case FRAME_WORD:
		return report->kernel_word == (prey->region ? prey->region_value : prey->value);
	case REGISTER_WORD:
	case FAULT_ADDRESS:
		return report->register_word == report->register_sought;
	case RUNS:
		return report->runs > 0;
	}
	return false;
}

static int use(struct spy *spy, struct prey *prey, enum wanted wanted)
{
	struct spy_report report = {
		.process = (uint64_t)prey->pid,
		.user_address = wanted == REGION_WORD && prey->region ? prey->region : prey->secret,
		.kernel_address = wanted == FRAME_WORD ? prey_frame(prey) : 0,
		.register_sought = wanted == FAULT_ADDRESS ? prey_fault_address(prey) :
			prey->marker,
	};
	int result = spy_aim(spy, &report);

	if (result)
		return result;
	if (spy->kind == SPY_PERF_EVENT)
		prey_spin_for(prey, SPIN_MS);
	else if (prey_work(prey, STEPS, 0))
		return NOTHING_GOT;
	result = spy_report(spy, &report);
	if (result)
		return result;
	return found(prey, &report, wanted) ? 0 : NOTHING_GOT;
}

static int spy_now(struct prey *prey, enum spy_kind kind, enum wanted wanted)
{
	struct spy spy;
	int result = spy_start(&spy, kind, prey->pid);

	if (result)
		return result;
	result = use(&spy, prey, wanted);
	spy_stop(&spy);
	return result;
}

static void let_go(void)
{
	spy_stop(&held);
}

#define SPY(name, kind)							\
	static int name##_user(struct prey *prey)			\
	{								\
		return spy_now(prey, kind, USER_WORD);			\
	}								\
	static int hold_##name(struct prey *prey)			\
	{								\
		return spy_start(&held, kind, prey->pid);		\
	}

SPY(raw_tracepoint, SPY_RAW_TRACEPOINT)
SPY(tracepoint, SPY_TRACEPOINT)
SPY(kprobe, SPY_KPROBE)
SPY(perf_event, SPY_PERF_EVENT)

static int use_user(struct prey *prey)
{
	return use(&held, prey, USER_WORD);
}

static int use_region(struct prey *prey)
{
	return use(&held, prey, REGION_WORD);
}

static int use_frame(struct prey *prey)
{
	return use(&held, prey, FRAME_WORD);
}

static int frame_now(struct prey *prey)
{
	return spy_now(prey, SPY_RAW_TRACEPOINT, FRAME_WORD);
}

static int use_register(struct prey *prey)
{
	return use(&held, prey, REGISTER_WORD);
}

static int use_fault(struct prey *prey)
{
	return use(&held, prey, FAULT_ADDRESS);
}

/*
 * What a program is called with it sees without asking anybody, so it must not even run. In a
 * kprobe's handler it can't be kept from that.
 */
static int use_runs(struct prey *prey)
{
	return use(&held, prey, RUNS);
}

static int page_fault_now(struct prey *prey)
{
	return spy_now(prey, SPY_PAGE_FAULT, FAULT_ADDRESS);
}

static int hold_page_fault(struct prey *prey)
{
	return spy_start(&held, SPY_PAGE_FAULT, prey->pid);
}

static int task_registers_now(struct prey *prey)
{
	return spy_now(prey, SPY_TASK_REGISTERS, REGISTER_WORD);
}

static int hold_task_registers(struct prey *prey)
{
	return spy_start(&held, SPY_TASK_REGISTERS, prey->pid);
}

#define KINDS(title, way)								\
	{ .name = "BPF on " title " reads memory", .run = way##_user, .refusal = -EPERM,	\
	  .whole_machine = true, .config = "BPF_EVENTS" },				\
	{ .name = "BPF on " title ", loaded before, reads memory", .hold = hold_##way,	\
	  .run = use_user, .let_go = let_go, .config = "BPF_EVENTS" },			\
	{ .name = "BPF on " title ", loaded before, reads the region", .hold = hold_##way,	\
	  .run = use_region, .let_go = let_go, .config = "BPF_EVENTS" }

#define REGISTERS(title, way)								\
	{ .name = "BPF on " title ", loaded before, reads registers", .hold = hold_##way,	\
	  .run = use_register, .let_go = let_go, .config = "BPF_EVENTS" }

#define RUNS_AT(title, way, says)							\
	{ .name = "BPF on " title ", loaded before, runs", .hold = hold_##way,		\
	  .run = use_runs, .let_go = let_go, .stated = says, .config = "BPF_EVENTS" }

static const struct attack attacks[] = {
	KINDS("a raw tracepoint", raw_tracepoint),
	REGISTERS("a raw tracepoint", raw_tracepoint),
	{ .name = "BPF reads the page where the kernel has it", .run = frame_now,
	  .refusal = -EPERM, .whole_machine = true, .config = "BPF_EVENTS" },
	{ .name = "BPF, loaded before, reads the page where the kernel has it",
	  .hold = hold_raw_tracepoint, .run = use_frame, .let_go = let_go,
	  .config = "BPF_EVENTS" },
	KINDS("a tracepoint", tracepoint),
	RUNS_AT("a tracepoint", tracepoint, false),
	KINDS("a kprobe", kprobe),
	REGISTERS("a kprobe", kprobe),
	RUNS_AT("a kprobe", kprobe, true),
	KINDS("the processor clock", perf_event),
	REGISTERS("the processor clock", perf_event),
	{ .name = "BPF reads a task's registers by type", .run = task_registers_now,
	  .refusal = -EPERM, .whole_machine = true, .config = "DEBUG_INFO_BTF" },
	{ .name = "BPF, loaded before, reads a task's registers by type",
	  .hold = hold_task_registers, .run = use_register, .let_go = let_go,
	  .config = "DEBUG_INFO_BTF" },
	{ .name = "BPF on page faults", .run = page_fault_now, .refusal = -EPERM,
	  .whole_machine = true, .config = "BPF_EVENTS" },
	{ .name = "BPF on page faults, loaded before", .hold = hold_page_fault, .run = use_fault,
	  .let_go = let_go, .stated = true, .config = "BPF_EVENTS" },
};

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	return tap_end();
}
