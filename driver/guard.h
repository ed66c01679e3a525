/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guards: what keeps root, and whoever may trace a process, out of one that holds a production
 * region. Documentation/guards.rst lists them, and what remains.
 */
#ifndef CLOISTER_GUARD_H
#define CLOISTER_GUARD_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/types.h>

#include "platform.h"

struct cloister_region;
struct mm_struct;
struct pt_regs;
struct task_struct;

/* Files of shareable production regions, and only those, have these operations. */
extern const struct file_operations region_shared_fops;

/* guard.c: who is guarded ------------------------------------------------- */

int guard_region_begin(struct cloister_region *region);
void guard_region_end(struct cloister_region *region);
int guard_map_begin(struct cloister_region *region, struct mm_struct *mm);
void guard_map_again(struct cloister_region *region, struct mm_struct *mm);
void guard_map_end(struct cloister_region *region, struct mm_struct *mm);

/* Regions of either kind; production regions; and reasons to run handlers at all. */
extern atomic_t guard_regions;
extern atomic_t guard_production;
extern atomic_t guard_awake;

/* While any production region lives. */
static inline bool guard_armed(void)
{
	return atomic_read(&guard_production) > 0;
}

/* Context: any, with preemption off, NMI too. */
bool guard_mm(const struct mm_struct *mm);
bool guard_task(struct task_struct *task);

/* guard_place.c: hooks placed, and how they stand -------------------------- */

void guard_place(void);
void guard_remove(void);
bool guard_enabled(void);
enum mon_guards guard_state(void);
ssize_t guard_show(char *text);
bool guard_faults_traced(void);

/* guard_hooks.c: the table ------------------------------------------------- */

/* Each is returned by a stub of its own: what runs between a handler and it keeps no result. */
enum guard_result {
	GUARD_ZERO,
	GUARD_EPERM,
	GUARD_EACCES,
	GUARD_EFAULT,
	GUARD_ENOTTY,
	GUARD_THIRD,		/* the third argument: bytes not copied */
	GUARD_PROBED,		/* %GUARD_PROBE_RESULT */
	GUARD_RESULTS,
};

/**
 * struct guard_hook - a function of the kernel's that is refused when it would harm a region
 * @name: its symbol
 * @stops: the attack, in a few words
 * @needed: this kernel is built with what makes the attack possible
 * @probe: the function tracer can't have it, so it is a kprobe's
 * @always: look at calls while no region lives, too
 * @refuse: whether to refuse a call, from its registers
 * @result: what a refused call returns
 * @ip: where the call to the handler stands; 0: not placed
 * @refusals: how often it was refused
 * @bypassed: whether the attack goes on from before the hook was placed; may be NULL
 *
 * A handler runs at the entry of the function, with preemption off, in any context
 * where that is called. It calls nothing that is hooked, and takes no lock but that by which
 * programs are counted, in the one function where they come and go.
 */
struct guard_hook {
	const char *name;
	const char *stops;
	bool needed;
	bool probe;
	bool always;
	bool (*refuse)(const struct pt_regs *regs);
	enum guard_result result;
	unsigned long ip;
	atomic64_t refusals;
	bool (*bypassed)(void);
};

#define GUARD_HOOKS_MAX		80
extern struct guard_hook guard_hooks[];
extern const unsigned int guard_hook_count;

/* The function that a probe of the hooks calls, what with, and what it gets where they work. */
extern char guard_probe[8];
#define GUARD_PROBE_RESULT	(-ECANCELED)

/* The one function that copies names of files for paths; size 0: not in this kernel. */
struct guard_function {
	unsigned long start;
	unsigned long size;
};

extern struct guard_function guard_prepend_copy;

/* guard_bpf.c: what the hooks in the way of BPF decide ----------------------- */

bool guard_bpf_call(const struct pt_regs *regs);
bool guard_bpf_helper(const struct pt_regs *regs);
bool guard_count_program(const struct pt_regs *regs);
bool guard_programs_trace(void);
void guard_forget_programs(void);

/* Addresses of the helpers by which programs come to tasks; 0: not in this kernel. */
#define GUARD_TASK_HELPERS	2
extern const char * const guard_task_helper_names[GUARD_TASK_HELPERS];
extern unsigned long guard_task_helpers[GUARD_TASK_HELPERS];

#endif /* CLOISTER_GUARD_H */
