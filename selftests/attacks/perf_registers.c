// SPDX-License-Identifier: Apache-2.0
/*
 * Root samples a process with perf while a known value is in its registers and on its
 * stack: by events on the process or on all processors, opened before or after
 * it has a region.
 */
#include <errno.h>

#include "attack.h"
#include "sampler.h"

/* Long enough, in the process's own time, for dozens of samples. */
#define SPIN_MS		60

static struct sampler held;

static int look(struct sampler *sampler, struct prey *prey, sample_fn match, uint64_t wanted)
{
	sampler_take(sampler, prey->pid, match, wanted);
	prey_spin_for(prey, SPIN_MS);
	return sampler_take(sampler, prey->pid, match, wanted) ? 0 : NOTHING_GOT;
}

static int sample(struct prey *prey, pid_t pid, uint64_t sample_type)
{
	struct perf_event_attr attr = sampler_clock(sample_type);
	struct sampler sampler;
	int result = sampler_open(&sampler, &attr, pid);

	if (result)
		return result;
	result = look(&sampler, prey, sample_holds, prey->marker);
	sampler_close(&sampler);
	return result;
}

static int hold(pid_t pid, uint64_t sample_type)
{
	struct perf_event_attr attr = sampler_clock(sample_type);

	return sampler_open(&held, &attr, pid);
}

static void let_go(void)
{
	sampler_close(&held);
}

static int use_held(struct prey *prey)
{
	return look(&held, prey, sample_holds, prey->marker);
}

/* Where the program is at each moment: the path that it takes tells what it works on. */
static int follow(struct prey *prey, pid_t pid, uint64_t sample_type)
{
	struct perf_event_attr attr = sampler_clock(sample_type);
	struct sampler sampler;
	int result = sampler_open(&sampler, &attr, pid);

	if (result)
		return result;
	result = look(&sampler, prey, sample_is_at, prey_spin_address());
	sampler_close(&sampler);
	return result;
}

static int follow_held(struct prey *prey)
{
	return look(&held, prey, sample_is_at, prey_spin_address());
}

/* For each kind of sample: on the process, on all processors, both now and opened before. */
#define KIND(name, type)							\
	static int name(struct prey *prey)					\
	{									\
		return sample(prey, prey->pid, type);				\
	}									\
	static int name##_everywhere(struct prey *prey)				\
	{									\
		return sample(prey, -1, type);					\
	}									\
	static int hold_##name(struct prey *prey)				\
	{									\
		return hold(prey->pid, type);					\
	}									\
	static int hold_##name##_everywhere(struct prey *prey)			\
	{									\
		(void)prey;							\
		return hold(-1, type);						\
	}

KIND(registers, PERF_SAMPLE_REGS_USER)
KIND(stack, PERF_SAMPLE_STACK_USER)
KIND(interrupted, PERF_SAMPLE_REGS_INTR)

static int path(struct prey *prey)
{
	return follow(prey, prey->pid, 0);
}

static int path_everywhere(struct prey *prey)
{
	return follow(prey, -1, 0);
}

static int hold_path(struct prey *prey)
{
	return hold(prey->pid, 0);
}

static int hold_path_everywhere(struct prey *prey)
{
	(void)prey;
	return hold(-1, 0);
}

/* @when_locked: what lockdown itself answers, or 0. */
#define WAYS(title, way, use, when_locked)						\
	{ .name = title " of the process", .run = way, .locked = when_locked },		\
	{ .name = title " of all processors", .run = way##_everywhere,			\
	  .locked = when_locked },							\
	{ .name = title " of the process, opened before", .hold = hold_##way,		\
	  .run = use, .let_go = let_go, .locked = when_locked },			\
	{ .name = title " of all processors, opened before",				\
	  .hold = hold_##way##_everywhere, .run = use, .let_go = let_go,		\
	  .locked = when_locked }

static const struct attack attacks[] = {
	WAYS("user registers", registers, use_held, 0),
	WAYS("user stack", stack, use_held, 0),
	WAYS("interrupted registers", interrupted, use_held, -EPERM),
	WAYS("instruction pointers", path, follow_held, 0),
};

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	return tap_end();
}
