/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of perf_event_open(2), of one process or of all that a processor runs. */
#ifndef CLOISTER_ATTACKS_SAMPLER_H
#define CLOISTER_ATTACKS_SAMPLER_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SAMPLER_CPUS	16
/* All general registers of x86-64, without segment registers. */
#define SAMPLER_REGISTERS	0xff0fffULL
#define SAMPLER_STACK		512

/**
 * struct sampler - events, each with the buffer of its samples
 * @count: one for a process, or one for each processor
 * @fd: of the events
 * @ring: their buffers
 */
struct sampler {
	unsigned int count;
	int fd[SAMPLER_CPUS];
	uint8_t *ring[SAMPLER_CPUS];
};

/* An event of the processor clock, every millisecond, with instruction pointer and process id. */
struct perf_event_attr sampler_clock(uint64_t more_sample_type);

/* @pid: the process, or -1 for whatever the processors run. 0 or -errno. */
int sampler_open(struct sampler *sampler, const struct perf_event_attr *attr, pid_t pid);
void sampler_close(struct sampler *sampler);

/* Says of one sample of the process whether it is what is looked for. */
typedef bool (*sample_fn)(const uint8_t *sample, size_t length, uint64_t wanted);

#define SAMPLER_ANY	(-1)

/* How many samples of the process (or any) are such; takes all samples out of the buffers. */
size_t sampler_take(struct sampler *sampler, pid_t pid, sample_fn match, uint64_t wanted);

/* The value stands somewhere in the sample. */
bool sample_holds(const uint8_t *sample, size_t length, uint64_t wanted);
/* The instruction pointer is within 256 bytes from there on. */
bool sample_is_at(const uint8_t *sample, size_t length, uint64_t wanted);

/* What the events have counted, together. */
uint64_t sampler_counted(const struct sampler *sampler);

#endif
