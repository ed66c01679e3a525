/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BPF programs that read user memory, kernel memory and registers of one process, written as
 * instructions. What they read goes into a map, which also tells them what to read.
 */
#ifndef CLOISTER_ATTACKS_SPY_H
#define CLOISTER_ATTACKS_SPY_H

#include <stdint.h>
#include <sys/types.h>

#include "prey.h"

enum spy_kind {
	SPY_RAW_TRACEPOINT,	/* on entry of any system call; sees the registers */
	SPY_TRACEPOINT,		/* on entry of getpgid */
	SPY_KPROBE,		/* on the function that does getpgid; sees the registers */
	SPY_PERF_EVENT,		/* on every tick of the processor clock; sees the registers */
	SPY_PAGE_FAULT,		/* raw tracepoint exceptions:page_fault_user; sees the address */
	SPY_TASK_REGISTERS,	/* as the first; takes the registers of the task, by its BTF type */
};

/* What a spy is told and what it finds; the layout is known to the programs. */
struct spy_report {
	uint64_t process;
	uint64_t user_address;
	uint64_t user_word;
	uint64_t kernel_address;
	uint64_t kernel_word;
	uint64_t register_sought;
	uint64_t register_word;
	uint64_t runs;
};

struct spy {
	enum spy_kind kind;
	int map;
	int program;
	int link;
};

/* Loads and attaches a program that spies on a process. 0 or -errno. */
int spy_start(struct spy *spy, enum spy_kind kind, pid_t pid);
void spy_stop(struct spy *spy);
/* Tells it what to read and forgets what it found. */
int spy_aim(struct spy *spy, const struct spy_report *report);
int spy_report(const struct spy *spy, struct spy_report *report);

#endif
