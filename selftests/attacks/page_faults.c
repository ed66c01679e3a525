// SPDX-License-Identifier: Apache-2.0
/*
 * Root watches which pages a process touches: by page-fault events of perf, by hardware
 * breakpoints, by the page-fault tracepoint as text and through perf.
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <stdio.h>

#include "attack.h"
#include "sampler.h"
#include "tracefs.h"

#define STEPS		20
#define TRACEPOINT	"exceptions/page_fault_user"

static struct sampler held;

static int look(struct sampler *sampler, struct prey *prey)
{
	sampler_take(sampler, prey->pid, sample_holds, 0);
	if (prey_work(prey, STEPS, 0))
		return -EPIPE;
	return sampler_take(sampler, prey->pid, sample_holds, prey_fault_address(prey)) ? 0 :
		NOTHING_GOT;
}

static int watch(struct prey *prey, const struct perf_event_attr *attr, pid_t pid)
{
	struct sampler sampler;
	int result = sampler_open(&sampler, attr, pid);

	if (result)
		return result;
	result = look(&sampler, prey);
	sampler_close(&sampler);
	return result;
}

static int use_held(struct prey *prey)
{
	return look(&held, prey);
}

static void let_go(void)
{
	sampler_close(&held);
}

/* Every page fault, with its address. */
static struct perf_event_attr faults(const struct prey *prey)
{
	struct perf_event_attr attr = sampler_clock(PERF_SAMPLE_ADDR);

	(void)prey;
	attr.config = PERF_COUNT_SW_PAGE_FAULTS;
	attr.sample_period = 1;
	return attr;
}

/* Every touch of one address; it is the same in all processes that there are. */
static struct perf_event_attr breakpoint(const struct prey *prey)
{
	struct perf_event_attr attr = sampler_clock(PERF_SAMPLE_ADDR);

	attr.type = PERF_TYPE_BREAKPOINT;
	attr.config = 0;
	attr.bp_type = HW_BREAKPOINT_RW;
	attr.bp_addr = prey_fault_address(prey);
	attr.bp_len = HW_BREAKPOINT_LEN_1;
	attr.sample_period = 1;
	return attr;
}

/* The tracepoint's record, in which the address is a word. */
static struct perf_event_attr tracepoint(const struct prey *prey)
{
	struct perf_event_attr attr = sampler_clock(PERF_SAMPLE_RAW);

	(void)prey;
	attr.type = PERF_TYPE_TRACEPOINT;
	attr.config = (uint64_t)trace_event_id(TRACEPOINT);
	attr.sample_period = 1;
	return attr;
}

/* For each kind of event: on the process, on all processors, both now and opened before. */
#define KIND(event)								\
	static int event##_now(struct prey *prey)				\
	{									\
		struct perf_event_attr attr = event(prey);			\
										\
		return watch(prey, &attr, prey->pid);				\
	}									\
	static int event##_everywhere(struct prey *prey)			\
	{									\
		struct perf_event_attr attr = event(prey);			\
										\
		return watch(prey, &attr, -1);					\
	}									\
	static int hold_##event(struct prey *prey)				\
	{									\
		struct perf_event_attr attr = event(prey);			\
										\
		return sampler_open(&held, &attr, prey->pid);			\
	}									\
	static int hold_##event##_everywhere(struct prey *prey)			\
	{									\
		struct perf_event_attr attr = event(prey);			\
										\
		return sampler_open(&held, &attr, -1);				\
	}

KIND(faults)
KIND(breakpoint)
KIND(tracepoint)

/* A breakpoint that takes no samples still counts: whether a page was touched is one bit. */
static int count_held(struct prey *prey)
{
	uint64_t before = sampler_counted(&held);

	if (prey_work(prey, STEPS, 0))
		return -EPIPE;
	return sampler_counted(&held) > before ? 0 : NOTHING_GOT;
}

static int hold_trace(struct prey *prey)
{
	int result = trace_begin();

	(void)prey;
	return result ? result : trace_enable(TRACEPOINT, true);
}

static int read_trace(struct prey *prey)
{
	trace_clear();
	if (prey_work(prey, STEPS, 0))
		return -EPIPE;
	return trace_shows(prey->pid, prey_fault_address(prey)) ? 0 : NOTHING_GOT;
}

static void end_trace(void)
{
	trace_enable(TRACEPOINT, false);
	trace_end();
}

static int trace(struct prey *prey)
{
	int result = hold_trace(prey);

	if (!result)
		result = read_trace(prey);
	end_trace();
	return result;
}

#define WAYS(title, event, all)								\
	{ .name = title " of the process", .run = event##_now, .whole_machine = all },	\
	{ .name = title " on all processors", .run = event##_everywhere,		\
	  .whole_machine = all },							\
	{ .name = title " of the process, opened before", .hold = hold_##event,		\
	  .run = use_held, .let_go = let_go },						\
	{ .name = title " on all processors, opened before",				\
	  .hold = hold_##event##_everywhere, .run = use_held, .let_go = let_go }

static const struct attack attacks[] = {
	WAYS("page-fault events", faults, false),
	WAYS("a breakpoint", breakpoint, false),
	{ .name = "a breakpoint that counts on all processors, opened before",
	  .hold = hold_breakpoint_everywhere, .run = count_held, .let_go = let_go },
	WAYS("the page-fault tracepoint", tracepoint, true),
	{ .name = "the page-fault tracepoint as text", .run = trace, .refusal = -EPERM,
	  .whole_machine = true },
	{ .name = "the page-fault tracepoint as text, switched on before", .hold = hold_trace,
	  .run = read_trace, .let_go = end_trace, .stated = true },
};

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	return tap_end();
}
