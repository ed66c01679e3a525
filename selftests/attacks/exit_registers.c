// SPDX-License-Identifier: Apache-2.0
/*
 * Root samples all processors while a process dies, or becomes another program, with a known value
 * in its registers. Its address space goes first, and with that what guards know it by; the
 * kernel keeps its registers a while longer.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attack.h"
#include "bpf_code.h"
#include "evidence.h"
#include "sampler.h"
#include "scout.h"
#include "tracefs.h"

/* So much takes the kernel long to unmap: the clock ticks meanwhile. */
#define BALLAST		(96UL << 20)
/* A sample may fall beside that time: so often, at most, an ordinary process dies. */
#define TRIES		20

#define KERNEL_HALF	(1ULL << 63)

/**
 * struct way - how to look at a process that ends
 * @name: in words
 * @event: a tracepoint, or NULL for the processor clock
 * @plan: a program that looks instead of samples, or NULL
 * @end: has it end
 */
struct way {
	const char *name;
	const char *event;
	const struct scout_plan *plan;
	void (*end)(struct prey *prey);
};

struct watch {
	struct sampler sampler;
	struct scout scout;
	bool open;
};

static struct perf_event_attr event_attr(const struct way *way)
{
	struct perf_event_attr attr = sampler_clock(PERF_SAMPLE_REGS_USER);

	if (way->event) {
		attr.type = PERF_TYPE_TRACEPOINT;
		attr.config = (uint64_t)trace_event_id(way->event);
		attr.sample_period = 1;
	} else {
		attr.sample_period /= 10;
	}
	return attr;
}

static int watch_begin(struct watch *watch, const struct way *way)
{
	struct perf_event_attr attr;
	int result;

	if (way->plan) {
		result = scout_start(&watch->scout, way->plan);
	} else {
		attr = event_attr(way);
		result = sampler_open(&watch->sampler, &attr, -1);
	}
	watch->open = !result;
	return result;
}

static void watch_end(struct watch *watch, const struct way *way)
{
	if (!watch->open)
		return;
	if (way->plan)
		scout_stop(&watch->scout);
	else
		sampler_close(&watch->sampler);
}

/* What samples of the process showed while it ended. */
static struct {
	pid_t pid;
	bool user_mode_counts;
	bool seen;
	bool withheld;
} shown;

/*
 * Of samples in user mode others tell (perf_registers); here it is what the kernel shows. When the
 * task has lost its number it may go by another; this process has the marker itself.
 */
static bool note_sample(const uint8_t *sample, size_t length, uint64_t marker)
{
	uint64_t pointer, abi;
	uint32_t process;

	if (length < 24)
		return false;
	memcpy(&pointer, sample, sizeof(pointer));
	memcpy(&process, sample + 8, sizeof(process));
	memcpy(&abi, sample + 16, sizeof(abi));
	if ((pid_t)process == getpid() || (pointer < KERNEL_HALF && !shown.user_mode_counts))
		return false;
	shown.seen |= sample_holds(sample, length, marker);
	shown.withheld |= (pid_t)process == shown.pid && abi == PERF_SAMPLE_REGS_ABI_NONE;
	return true;
}

enum result { NOTHING, SEEN, WITHHELD };

/* It ends; whether its marker was seen meanwhile, by whatever name the task had then. */
static int seen_ending(struct watch *watch, const struct way *way, struct prey *prey)
{
	if (!watch->open) {
		way->end(prey);
		return NOTHING;
	}
	if (way->plan) {
		if (scout_aim(&watch->scout, prey->pid, 0, prey->marker))
			return -EIO;
		way->end(prey);
		return scout_found(&watch->scout) ? SEEN : NOTHING;
	}
	sampler_take(&watch->sampler, SAMPLER_ANY, note_sample, prey->marker);
	memset(&shown, 0, sizeof(shown));
	shown.pid = prey->pid;
	shown.user_mode_counts = prey->region;
	way->end(prey);
	sampler_take(&watch->sampler, SAMPLER_ANY, note_sample, prey->marker);
	if (shown.seen)
		return SEEN;
	return shown.withheld ? WITHHELD : NOTHING;
}

enum kind { ORDINARY, DEBUG, PRODUCTION };

static const char *const kinds[] = {
	[ORDINARY] = "an ordinary process", [DEBUG] = "a process with a debug region",
	[PRODUCTION] = "a process with a production region",
};

static int make_region(struct prey *prey, enum kind kind)
{
	if (kind == ORDINARY)
		return 0;
	return prey_make_region(prey, kind == DEBUG ? CLOISTER_CREATE_DEBUG : 0);
}

/* An enum result, or -errno: it could not be tried. */
static int try_once(const struct way *way, enum kind kind, bool before)
{
	struct watch watch = { .open = false };
	struct prey prey;
	int result = 0;

	prey_start(&prey);
	if (before)
		result = watch_begin(&watch, way);
	if (!result)
		result = make_region(&prey, kind);
	/* Later it may be refused as well. */
	if (!result && !before && watch_begin(&watch, way) && kind != PRODUCTION)
		result = -EACCES;
	if (!result)
		result = seen_ending(&watch, way, &prey);
	watch_end(&watch, way);
	prey_end(&prey);
	return result < 0 || !evidence_wait_for_no_regions() ? result : -EBUSY;
}

static const char *outcome(int result)
{
	static const char *const outcomes[] = {
		[NOTHING] = "nothing is seen", [SEEN] = "its registers are seen",
		[WITHHELD] = "this kernel shows no registers of a task without memory",
	};

	return result < 0 ? strerror(-result) : outcomes[result];
}

/*
 * Later kernels of a series withhold by themselves what guards withhold. That counts only where a
 * sample of the process's end says so. Returns how often it was tried, @most times at most.
 */
static int try_kind(const struct way *way, enum kind kind, bool before, int most)
{
	int tries, result = NOTHING;
	bool good;

	for (tries = 0; tries < most && result == NOTHING; tries++)
		result = try_once(way, kind, before);
	good = result == WITHHELD || result == (kind == PRODUCTION ? NOTHING : SEEN);
	tap_check(good, "%s%s, %s: %s (%d times)", way->name,
		  before ? ", watched since before" : "", kinds[kind], outcome(result), tries);
	return tries;
}

/* What the control shows in so many tries is looked for three times as often, and more. */
static void try_way(const struct way *way, bool before)
{
	int tries = try_kind(way, ORDINARY, before, TRIES);

	try_kind(way, DEBUG, before, TRIES);
	try_kind(way, PRODUCTION, before, 3 * tries + 1);
}

static const struct scout_plan exit_program = {
	.type = BPF_PROG_TYPE_RAW_TRACEPOINT, .target = "sched_process_exit",
	.way = SCOUT_OWN_REGISTERS,
};

static const struct scout_plan exec_program = {
	.type = BPF_PROG_TYPE_RAW_TRACEPOINT, .target = "task_rename", .way = SCOUT_OWN_REGISTERS,
};

static const struct way ways[] = {
	{ .name = "killed, samples of its end", .event = "sched/sched_process_exit",
	  .end = prey_kill },
	{ .name = "killed, samples of the clock", .end = prey_kill },
	{ .name = "killed, BPF on its end", .plan = &exit_program, .end = prey_kill },
	{ .name = "becomes another program, samples of its new name", .event = "task/task_rename",
	  .end = prey_exec },
	{ .name = "becomes another program, BPF on its new name", .plan = &exec_program,
	  .end = prey_exec },
};

int main(void)
{
	void *ballast = mmap(NULL, BALLAST, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (ballast == MAP_FAILED || madvise(ballast, BALLAST, MADV_NOHUGEPAGE))
		err(1, "no memory that takes long to unmap");
	/* Each process to be attacked is a fork, so it has this, too. */
	memset(ballast, 1, BALLAST);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i].plan && kernel_lacks("DEBUG_INFO_BTF")) {
			tap_check(true, "%s: this kernel was built without DEBUG_INFO_BTF",
				  ways[i].name);
			continue;
		}
		try_way(&ways[i], true);
		try_way(&ways[i], false);
	}
	return tap_end();
}
