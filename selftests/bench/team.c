// SPDX-License-Identifier: Apache-2.0
/* See team.h. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bench.h"
#include "team.h"

#define BAR	0.9

struct member {
	struct team *team;
	pthread_t thread;
	int number;
	uint64_t begin, end;
};

struct team {
	const struct team_bench *bench;
	struct member members[TEAM_THREADS];
	pthread_barrier_t start, done;
	team_work work;
	int active;		/* so many work in this turn; 0: all end */
};

/* Each has a processor of its own. */
static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_die("processor %d: %s; two are needed", cpu, strerror(errno));
}

static void *member_main(void *arg)
{
	struct member *m = arg;
	struct team *team = m->team;

	pin_to(m->number);
	for (;;) {
		pthread_barrier_wait(&team->start);
		if (!team->active)
			return NULL;
		if (m->number < team->active) {
			m->begin = bench_now();
			team->work(team->bench->arg, m->number);
			m->end = bench_now();
		}
		pthread_barrier_wait(&team->done);
	}
}

/* From the first to begin to the last to end. */
static double turn(struct team *team, team_work work, int active)
{
	uint64_t begin = UINT64_MAX, end = 0;
	int i;

	team->work = work;
	team->active = active;
	pthread_barrier_wait(&team->start);
	pthread_barrier_wait(&team->done);
	for (i = 0; i < active; i++) {
		const struct member *m = &team->members[i];

		begin = m->begin < begin ? m->begin : begin;
		end = m->end > end ? m->end : end;
	}
	return (double)(end - begin);
}

/* The time of two over that of one, in billionths: a billion is a perfect gain, two are none. */
static uint64_t two_over_one(struct team *team, team_work work)
{
	double one = turn(team, work, 1);

	return (uint64_t)(turn(team, work, TEAM_THREADS) / one * 1e9);
}

static uint64_t ours(void *arg)
{
	struct team *team = arg;

	return two_over_one(team, team->bench->ours);
}

static uint64_t theirs(void *arg)
{
	struct team *team = arg;

	return two_over_one(team, team->bench->theirs);
}

static void team_start(struct team *team)
{
	int i;

	if (pthread_barrier_init(&team->start, NULL, TEAM_THREADS + 1) ||
	    pthread_barrier_init(&team->done, NULL, TEAM_THREADS + 1))
		bench_die("%s: no barrier", team->bench->name);
	for (i = 0; i < TEAM_THREADS; i++) {
		struct member *m = &team->members[i];

		m->team = team;
		m->number = i;
		if (pthread_create(&m->thread, NULL, member_main, m))
			bench_die("%s: no thread", team->bench->name);
	}
}

static void team_end(struct team *team)
{
	int i;

	team->active = 0;
	pthread_barrier_wait(&team->start);
	for (i = 0; i < TEAM_THREADS; i++)
		pthread_join(team->members[i].thread, NULL);
	pthread_barrier_destroy(&team->start);
	pthread_barrier_destroy(&team->done);
}

void team_bench_run(const struct team_bench *team_bench)
{
	struct team team = { .bench = team_bench };
	const struct bench bench = {
		.name = team_bench->name, .bar = BAR, .unit = "time of two threads over one's",
		.peer = team_bench->peer, .ours = ours, .theirs = theirs, .arg = &team,
		.operations = 1000000, .samples = team_bench->samples,
	};

	team_start(&team);
	bench_run(&bench);
	team_end(&team);
}
