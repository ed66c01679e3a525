/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A figure is a ratio: what a peer takes for the same work, over what we take. Both are timed in
 * one process, in turns, so that what else the machine does falls on both; the ratio is the
 * median of the ratios of the turns.
 */
#ifndef CLOISTER_BENCH_H
#define CLOISTER_BENCH_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct bench - one figure
 * @name: its name, as bars and results know it
 * @bar: the least ratio that will do
 * @unit: what is timed, such as "us/page"
 * @peer: what it is held against; peers.md has the code
 * @ours: our work, once; returns the nanoseconds it took
 * @theirs: the peer's, once
 * @arg: passed to both
 * @operations: pages, or quotes, that one call works on
 * @samples: number of turns
 */
struct bench {
	const char *name;
	double bar;
	const char *unit;
	const char *peer;
	uint64_t (*ours)(void *arg);
	uint64_t (*theirs)(void *arg);
	void *arg;
	unsigned int operations;
	unsigned int samples;
};

/* Runs it and prints its row. */
void bench_run(const struct bench *bench);

/* Prints the row of what was timed already: @samples nanoseconds of each side. Reorders both. */
void bench_report(const struct bench *bench, double *ours, double *theirs);

/* Of @count values, which it reorders. */
double bench_median(double *values, unsigned int count);

/* A figure that is a value with a limit, not a ratio. */
void bench_value(const char *name, double value, double limit, const char *unit);

/* Nanoseconds of a clock that only goes forward. */
uint64_t bench_now(void);

/* Ends the program with a message and 1. */
void bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif /* CLOISTER_BENCH_H */
