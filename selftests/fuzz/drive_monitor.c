// SPDX-License-Identifier: Apache-2.0
/*
 * Random sequences of monitor calls without libFuzzer: a bounded run for `make check`, a long one
 * by time, and one of several threads that share a device. The same seed makes the same sequences.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sequence.h"

#define LENGTH_MAX	4096
#define THREADS_MAX	8
#define SHARE		48	/* granules of a thread */

struct run {
	u64 seed;
	u64 sequences;		/* 0: as time allows */
	time_t until;		/* 0: as many as asked for */
	u32 threads;
};

struct worker {
	const struct run *run;
	pthread_t thread;
	u32 number;
	struct mon_root *root;
	struct sequence s;
	u64 sequences;
};

/* Sanitizers have it: called before they end the process. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static u64 next(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t fill(u8 *bytes, u64 seed)
{
	u64 state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	size_t length, i;

	for (i = 0; i < 8; i++)
		next(&state);
	length = (64u << next(&state) % 6) + next(&state) % 64;
	for (i = 0; i < length; i++)
		bytes[i] = (u8)(next(&state) >> 32);
	return length;
}

static bool goes_on(const struct run *run, u64 done)
{
	if (run->sequences && done >= run->sequences)
		return false;
	return !run->until || time(NULL) < run->until;
}

static void one_sequence(struct worker *w, u64 seed)
{
	u8 bytes[LENGTH_MAX];
	size_t length = fill(bytes, seed);
	char name[80];

	snprintf(name, sizeof(name), "drive_monitor --seed %llu --sequences 1%s", seed,
		 w->root ? " (of several threads)" : "");
	if (!w->root) {
		sequence_run(&w->s, name, bytes, length);
		return;
	}
	sequence_begin(&w->s, w->root, name, host_granule_pa(1 + (size_t)w->number * SHARE), SHARE,
		       bytes, length);
	sequence_steps(&w->s);
	sequence_end(&w->s);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (w->sequences = 0; goes_on(w->run, w->sequences); w->sequences++)
		one_sequence(w, w->run->seed + w->sequences * w->run->threads + w->number);
	return NULL;
}

static void die(const char *what)
{
	fprintf(stderr, "drive_monitor: %s\n", what);
	exit(1);
}

static struct mon_root *shared_machine(const struct run *run)
{
	struct mon_provision provision = { .cdi_attest = { 1 }, .cdi_seal = { 2 } };
	struct mon_root *root;

	host_platform_init(1 + (size_t)run->threads * SHARE);
	sequence_on_platform();
	if (mon_start(host_granule_pa(0), &root) != MON_OK ||
	    mon_provision(root, &provision) != MON_OK)
		die("the monitor of all threads does not start");
	return root;
}

static void run_threads(const struct run *run, struct worker *workers)
{
	struct mon_root *root = shared_machine(run);
	u32 i;

	for (i = 0; i < run->threads; i++) {
		workers[i].root = root;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("a thread can't be started");
	}
	for (i = 0; i < run->threads; i++)
		pthread_join(workers[i].thread, NULL);
	if (mon_stop(root) != MON_OK || host_hidden_count())
		die("something is left when all threads are through");
	host_platform_exit();
}

static u64 number(const char *text)
{
	char *end;
	u64 value = strtoull(text, &end, 0);

	if (!*text || *end)
		die("an option needs a number");
	return value;
}

static void parse(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "sequences", required_argument, NULL, 'n' },
		{ "threads", required_argument, NULL, 'j' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			run->seed = number(optarg);
		else if (option == 't')
			run->until = time(NULL) + (time_t)number(optarg);
		else if (option == 'n')
			run->sequences = number(optarg);
		else if (option == 'j')
			run->threads = (u32)number(optarg);
		else
			die("usage: drive_monitor [--seed N] [--seconds S | --sequences N] [--threads N]");
	}
	if (!run->until && !run->sequences)
		run->sequences = 600;
	if (run->threads < 1 || run->threads > THREADS_MAX)
		die("from 1 to 8 threads");
}

static void report(const struct run *run, const struct worker *workers)
{
	u64 sequences = 0, calls = 0, refused = 0, failures = 0, interruptions = 0;
	u32 i;

	for (i = 0; i < run->threads; i++) {
		sequences += workers[i].sequences;
		calls += workers[i].s.calls;
		refused += workers[i].s.refused;
		failures += workers[i].s.failures;
		interruptions += workers[i].s.interruptions;
	}
	printf("# %llu calls, %llu refused, %llu failures of the platform, %llu calls in the middle of others\n",
	       calls, refused, failures, interruptions);
	printf("ok 1 - drive_monitor: %llu sequences of %u thread%s from seed %llu\n1..1\n",
	       sequences, run->threads, run->threads > 1 ? "s" : "", run->seed);
}

int main(int argc, char **argv)
{
	struct run run = { .seed = 1, .threads = 1 };
	static struct worker workers[THREADS_MAX];
	u32 i;

	parse(&run, argc, argv);
	sequence_prepare();
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(sequence_tell);
	for (i = 0; i < run.threads; i++) {
		workers[i].run = &run;
		workers[i].number = i;
	}
	/* Before it may fail, so that what it was is known. */
	printf("# seed %llu\n", run.seed);
	fflush(stdout);
	if (run.threads == 1)
		work(&workers[0]);
	else
		run_threads(&run, workers);
	report(&run, workers);
	for (i = 0; i < run.threads; i++)
		sequence_free(&workers[i].s);
	return 0;
}
