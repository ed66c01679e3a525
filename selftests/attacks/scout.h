/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BPF programs that get at kernel memory and registers in ways other than a spy's (spy.h): by the
 * helpers that every program type has, and by typed pointers, which ask no helper.
 */
#ifndef CLOISTER_ATTACKS_SCOUT_H
#define CLOISTER_ATTACKS_SCOUT_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "prey.h"

enum scout_way {
	SCOUT_NOTHING,
	SCOUT_CONTEXT,		/* the first argument that it is called with, as a number */
	SCOUT_SNPRINTF,		/* snprintf("%s") of the address */
	SCOUT_SNPRINTF_IP,	/* snprintf("%pI6") of it */
	SCOUT_PROBE,		/* probe_read_kernel */
	SCOUT_PROBE_STRING,	/* probe_read_kernel_str */
	SCOUT_COPY,		/* copy_from_user */
	SCOUT_STACK,		/* get_stack: where the program was */
	SCOUT_CALLER,		/* of a kprobe: the registers that its function is given */
	SCOUT_OWN_REGISTERS,	/* typed: of the task that it runs in */
	SCOUT_GIVEN_REGISTERS,	/* typed: of the task that is the first argument */
	SCOUT_SOCKET,		/* typed: the family of the socket that a packet comes from */
	SCOUT_LISTED_REGISTERS,	/* typed: of each task of an iterator */
	SCOUT_FOUND_VECTOR,	/* typed: a vector register of the process, out of all */
	SCOUT_LISTED_MEMORY,	/* copy_from_user_task, of each task of an iterator */
};

/**
 * struct scout_plan - a program
 * @type: its type
 * @attach_type: what it is loaded for
 * @target: what it runs on: function, tracepoint; NULL: packets
 * @flags: for loading it
 * @way: how it gets what it is after
 */
struct scout_plan {
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
	const char *target;
	uint32_t flags;
	enum scout_way way;
};

/* Each read takes one, as it can be read but once. */
#define SCOUT_ITERATORS	6

/**
 * struct scout - such a program, loaded and attached
 * @plan: what it is
 * @map: holds what it is told and what it finds
 * @format: holds the format of snprintf, or -1
 * @program: the program
 * @link: what attaches it, or -1
 * @iterators: of an iterator, not yet read
 * @iterator: the next of them
 */
struct scout {
	const struct scout_plan *plan;
	int map;
	int format;
	int program;
	int link;
	int iterators[SCOUT_ITERATORS];
	unsigned int iterator;
};

/* 0 or -errno. */
int scout_start(struct scout *scout, const struct scout_plan *plan);
void scout_stop(struct scout *scout);

/*
 * Tells it what to look for (@sought), where that is (@address), and in which process it is to do
 * so; packet programs look in all.
 */
int scout_aim(struct scout *scout, pid_t process, uint64_t address, uint64_t sought);
/* Whether it found what it was told to look for. */
bool scout_found(struct scout *scout);
/* What it read last, whether that was what is sought or not. */
uint64_t scout_word(struct scout *scout);

/*
 * Where the kernel keeps what a process had in its registers when it was interrupted: its struct
 * pt_regs. Such a program tells. 0 or -errno.
 */
int scout_learn(struct prey *prey, uint64_t *registers);

/* Runs a packet program once, here. */
int scout_test_run(struct scout *scout);
/* Begins an iterator over tasks: a descriptor or -errno. */
int scout_iterate(struct scout *scout);
/* Has the next of the iterators, or that of a descriptor, look at all tasks. */
int scout_read(struct scout *scout);
int scout_read_all(int fd);

#endif
