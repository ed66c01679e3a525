// SPDX-License-Identifier: Apache-2.0
/* See bench.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

#define WARM_UP	5

uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void bench_die(const char *format, ...)
{
	va_list args;

	fputs("bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* One turn; who goes first changes from turn to turn. */
static void take(const struct bench *bench, unsigned int turn, double *ours, double *theirs)
{
	if (turn % 2)
		*theirs = (double)bench->theirs(bench->arg);
	*ours = (double)bench->ours(bench->arg);
	if (turn % 2 == 0)
		*theirs = (double)bench->theirs(bench->arg);
	if (*ours <= 0 || *theirs <= 0)
		bench_die("%s: the clock stands still", bench->name);
}

/* The row for people, and the same for bench.sh, which puts it into build/bench.json. */
static void print_row(const struct bench *bench, double ratio, double ours, double theirs)
{
	const char *verdict = ratio >= bench->bar ? "ok" : "short";

	printf("bench: %s ratio=%.3f bar=%.2f %s (%s: %.2f, peer %.2f: %s, %u samples)\n",
	       bench->name, ratio, bench->bar, verdict, bench->unit, ours, theirs, bench->peer,
	       bench->samples);
	printf("bench-json: {\"name\": \"%s\", \"ratio\": %.4f, \"bar\": %.2f, "
	       "\"verdict\": \"%s\", \"unit\": \"%s\", \"ours\": %.3f, \"theirs\": %.3f, \"peer\": \"%s\", "
	       "\"samples\": %u}\n", bench->name, ratio, bench->bar, verdict, bench->unit, ours,
	       theirs, bench->peer, bench->samples);
	fflush(stdout);
}

void bench_report(const struct bench *bench, double *ours, double *theirs)
{
	double scale = 1000.0 * bench->operations;	/* nanoseconds of all to us of one */
	double *ratios = calloc(bench->samples, sizeof(*ratios));
	unsigned int i;

	if (!ratios)
		bench_die("%s: out of memory", bench->name);
	for (i = 0; i < bench->samples; i++)
		ratios[i] = theirs[i] / ours[i];
	print_row(bench, bench_median(ratios, bench->samples),
		  bench_median(ours, bench->samples) / scale,
		  bench_median(theirs, bench->samples) / scale);
	free(ratios);
}

void bench_run(const struct bench *bench)
{
	double *ours = calloc(bench->samples, sizeof(*ours));
	double *theirs = calloc(bench->samples, sizeof(*theirs));
	unsigned int i;

	if (!ours || !theirs)
		bench_die("%s: out of memory", bench->name);
	for (i = 0; i < WARM_UP; i++)
		take(bench, i, &ours[0], &theirs[0]);
	for (i = 0; i < bench->samples; i++)
		take(bench, i, &ours[i], &theirs[i]);
	bench_report(bench, ours, theirs);
	free(ours);
	free(theirs);
}

void bench_value(const char *name, double value, double limit, const char *unit)
{
	const char *verdict = value <= limit ? "ok" : "short";

	printf("bench: %s value=%.2f limit=%.2f %s (%s)\n", name, value, limit, verdict, unit);
	printf("bench-json: {\"name\": \"%s\", \"value\": %.3f, \"limit\": %.2f, "
	       "\"verdict\": \"%s\", \"unit\": \"%s\"}\n", name, value, limit, verdict, unit);
	fflush(stdout);
}
