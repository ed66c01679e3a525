/* SPDX-License-Identifier: Apache-2.0 */
/* What a second thread on a second processor brings, to us and to a peer. */
#ifndef CLOISTER_BENCH_TEAM_H
#define CLOISTER_BENCH_TEAM_H

#define TEAM_THREADS	2

/* One thread's share of the work; @thread counts from 0. */
typedef void (*team_work)(void *arg, int thread);

/**
 * struct team_bench - one figure
 * @name: its name
 * @peer: what the other side does
 * @ours: our work
 * @theirs: the peer's
 * @arg: passed to both
 * @samples: number of turns
 *
 * In each turn one thread works alone, then both, each as much as the one; so for both sides.
 */
struct team_bench {
	const char *name;
	const char *peer;
	team_work ours;
	team_work theirs;
	void *arg;
	unsigned int samples;
};

/* Our speed-up over the peer's: at least 0.9 of it, or the figure is short. */
void team_bench_run(const struct team_bench *bench);

#endif /* CLOISTER_BENCH_TEAM_H */
