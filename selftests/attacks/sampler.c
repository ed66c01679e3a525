// SPDX-License-Identifier: Apache-2.0
/* Samples of perf_event_open(2), see sampler.h. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sampler.h"

#define RING_PAGES	64
#define PAGE		4096UL
#define RING_SIZE	(RING_PAGES * PAGE)
#define MILLISECOND	1000000

struct perf_event_attr sampler_clock(uint64_t more_sample_type)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = MILLISECOND,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | more_sample_type,
	};

	if (more_sample_type & PERF_SAMPLE_REGS_USER)
		attr.sample_regs_user = SAMPLER_REGISTERS;
	if (more_sample_type & PERF_SAMPLE_REGS_INTR)
		attr.sample_regs_intr = SAMPLER_REGISTERS;
	if (more_sample_type & PERF_SAMPLE_STACK_USER)
		attr.sample_stack_user = SAMPLER_STACK;
	return attr;
}

static int open_one(struct sampler *sampler, const struct perf_event_attr *attr, pid_t pid, int cpu)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	void *ring;
	int result;

	if (fd < 0)
		return -errno;
	ring = mmap(NULL, PAGE + RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED) {
		result = -errno;
		close(fd);
		return result;
	}
	sampler->fd[sampler->count] = fd;
	sampler->ring[sampler->count++] = ring;
	return 0;
}

int sampler_open(struct sampler *sampler, const struct perf_event_attr *attr, pid_t pid)
{
	const int cpus = pid < 0 ? (int)sysconf(_SC_NPROCESSORS_ONLN) : 1;
	int cpu, result = 0;

	memset(sampler, 0, sizeof(*sampler));
	for (cpu = 0; !result && cpu < cpus && cpu < SAMPLER_CPUS; cpu++)
		result = open_one(sampler, attr, pid, pid < 0 ? cpu : -1);
	if (result)
		sampler_close(sampler);
	return result;
}

void sampler_close(struct sampler *sampler)
{
	while (sampler->count) {
		sampler->count--;
		munmap(sampler->ring[sampler->count], PAGE + RING_SIZE);
		close(sampler->fd[sampler->count]);
	}
}

/* Out of the ring, which may wrap within a record. */
static void copy_out(uint8_t *to, const uint8_t *ring, uint64_t from, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		to[i] = ring[PAGE + (from + i) % RING_SIZE];
}

/* Layout of what sampler_clock() asks for: instruction pointer, process, thread, the rest. */
static bool is_of(const uint8_t *sample, size_t length, pid_t pid)
{
	uint32_t process;

	if (length < 16)
		return false;
	memcpy(&process, sample + 8, sizeof(process));
	return pid == SAMPLER_ANY || (pid_t)process == pid;
}

static size_t take_one(uint8_t *ring, pid_t pid, sample_fn match, uint64_t wanted)
{
	struct perf_event_mmap_page *control = (void *)ring;
	uint64_t head = __atomic_load_n(&control->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = control->data_tail;
	struct perf_event_header header;
	uint8_t record[16384];
	size_t found = 0, length;

	while (tail < head) {
		copy_out((uint8_t *)&header, ring, tail, sizeof(header));
		length = header.size - sizeof(header);
		if (header.size < sizeof(header) || length > sizeof(record))
			break;
		copy_out(record, ring, tail + sizeof(header), length);
		if (header.type == PERF_RECORD_SAMPLE && is_of(record, length, pid))
			found += match(record, length, wanted);
		tail += header.size;
	}
	__atomic_store_n(&control->data_tail, head, __ATOMIC_RELEASE);
	return found;
}

size_t sampler_take(struct sampler *sampler, pid_t pid, sample_fn match, uint64_t wanted)
{
	size_t found = 0;
	unsigned int i;

	for (i = 0; i < sampler->count; i++)
		found += take_one(sampler->ring[i], pid, match, wanted);
	return found;
}

bool sample_holds(const uint8_t *sample, size_t length, uint64_t wanted)
{
	return memmem(sample, length, &wanted, sizeof(wanted));
}

bool sample_is_at(const uint8_t *sample, size_t length, uint64_t wanted)
{
	uint64_t pointer;

	(void)length;
	memcpy(&pointer, sample, sizeof(pointer));
	return pointer >= wanted && pointer < wanted + 256;
}

uint64_t sampler_counted(const struct sampler *sampler)
{
	uint64_t sum = 0, value;
	unsigned int i;

	for (i = 0; i < sampler->count; i++)
		if (read(sampler->fd[i], &value, sizeof(value)) == sizeof(value))
			sum += value;
	return sum;
}
