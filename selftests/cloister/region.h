/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every test needs to work with a region: the calls as functions that
 * return -errno, regions filled with a pattern that can be checked, touches
 * that survive SIGSEGV and SIGBUS, and children that report what they met.
 */
#ifndef CLOISTER_SELFTEST_REGION_H
#define CLOISTER_SELFTEST_REGION_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <linux/cloister.h>

#define PAGE		((size_t)CLOISTER_PAGE_SIZE)
#define READ		CLOISTER_PERM_READ
#define WRITE		CLOISTER_PERM_WRITE
#define EXEC		CLOISTER_PERM_EXEC
#define MEASURED	CLOISTER_ADD_MEASURED
#define ZERO		CLOISTER_ADD_ZERO
#define PINNED		CLOISTER_ADD_PINNED
#define SHAREABLE	CLOISTER_CREATE_SHAREABLE
#define RESIDENT_MIN	(64UL << 10)
#define REGION_MAX	(1ULL << 40)

#define HELPER		static __attribute__((unused))
#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* Calls: 0 or a descriptor when they succeed, -errno when they fail. */

HELPER int call(int fd, unsigned long request, void *argument)
{
	int result = ioctl(fd, request, argument);

	return result < 0 ? -errno : result;
}

HELPER int open_device(void)
{
	int fd = open(CLOISTER_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

HELPER int get_info(int fd, struct cloister_get_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return call(fd, CLOISTER_GET_INFO, info);
}

HELPER int create_region(int device, uint64_t size, uint64_t limit, uint32_t flags)
{
	struct cloister_create create = {
		.size = sizeof(create),
		.flags = flags,
		.region_size = size,
		.resident_limit = limit,
	};

	return call(device, CLOISTER_CREATE, &create);
}

/* One call, as it is: @done says how far it got. */
HELPER int add_once(int region, uint32_t flags, uint64_t offset, uint64_t length,
		    const void *source, uint32_t permissions, uint64_t *done)
{
	struct cloister_add_pages add = {
		.size = sizeof(add),
		.flags = flags,
		.offset = offset,
		.length = length,
		.source = (uintptr_t)source,
		.permissions = permissions,
	};
	int result = call(region, CLOISTER_ADD_PAGES, &add);

	if (done)
		*done = add.done;
	return result;
}

/* The whole range, however often a signal comes in between. */
HELPER int add_pages(int region, uint32_t flags, uint64_t offset, uint64_t length,
		     const void *source, uint32_t permissions)
{
	const uint8_t *from = source;
	uint64_t done;
	int result;

	for (;;) {
		result = add_once(region, flags, offset, length, from, permissions, &done);
		if (result != -EINTR)
			return result;
		offset += done;
		length -= done;
		if (from)
			from += done;
		if (!length)
			return 0;
	}
}

HELPER int init_region(int region, uint8_t measurement[CLOISTER_DIGEST_LEN])
{
	struct cloister_init init = { .size = sizeof(init) };
	int result = call(region, CLOISTER_INIT, &init);

	if (measurement)
		memcpy(measurement, init.measurement, sizeof(init.measurement));
	return result;
}

HELPER int range_call(int region, unsigned long request, uint64_t offset, uint64_t length,
		      uint64_t *done)
{
	struct cloister_range range = {
		.size = sizeof(range),
		.offset = offset,
		.length = length,
	};
	int result = call(region, request, &range);

	if (done)
		*done = range.done;
	return result;
}

HELPER int seal(int region, uint64_t offset, uint64_t length)
{
	return range_call(region, CLOISTER_SEAL, offset, length, NULL);
}

HELPER int seal_all(int region)
{
	return seal(region, 0, 0);
}

HELPER int remove_pages(int region, uint64_t offset, uint64_t length)
{
	return range_call(region, CLOISTER_REMOVE_PAGES, offset, length, NULL);
}

HELPER int get_stats(int region, struct cloister_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	return call(region, CLOISTER_STATS, stats);
}

HELPER void *map_region(int region, uint64_t offset, size_t length, int protection)
{
	return mmap(NULL, length, protection, MAP_SHARED, region, (off_t)offset);
}

HELPER int map_errno(int region, uint64_t offset, size_t length, int protection, int flags)
{
	void *at = mmap(NULL, length, protection, flags, region, (off_t)offset);

	if (at == MAP_FAILED)
		return -errno;
	munmap(at, length);
	return 0;
}

/* Contents that can be checked at any place: a mix of seed and offset (splitmix64). */
HELPER uint64_t pattern_word(uint64_t seed, uint64_t offset)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ULL + offset;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

HELPER void pattern_fill(void *to, uint64_t seed, uint64_t offset, size_t length)
{
	uint64_t *word = to;
	size_t i;

	for (i = 0; i < length / sizeof(*word); i++)
		word[i] = pattern_word(seed, offset + i * sizeof(*word));
}

HELPER bool pattern_holds(const volatile void *at, uint64_t seed, uint64_t offset, size_t length)
{
	const volatile uint64_t *word = at;
	size_t i;

	for (i = 0; i < length / sizeof(*word); i++)
		if (word[i] != pattern_word(seed, offset + i * sizeof(*word)))
			return false;
	return true;
}

HELPER uint8_t *pattern_buffer(uint64_t seed, size_t length)
{
	uint8_t *buffer = aligned_alloc(PAGE, length);

	if (buffer)
		pattern_fill(buffer, seed, 0, length);
	return buffer;
}

/* A LIVE region filled with the pattern of @seed, or -errno. */
HELPER int pattern_region(int device, uint64_t size, uint64_t limit, uint32_t flags,
			  uint32_t permissions, uint64_t seed)
{
	size_t chunk = size < 64 * PAGE ? size : 64 * PAGE;
	uint8_t *buffer = aligned_alloc(PAGE, chunk);
	uint64_t offset;
	int region, result = 0;

	if (!buffer)
		return -ENOMEM;
	region = create_region(device, size, limit, flags);
	for (offset = 0; region >= 0 && !result && offset < size; offset += chunk) {
		if (chunk > size - offset)
			chunk = size - offset;
		pattern_fill(buffer, seed, offset, chunk);
		result = add_pages(region, MEASURED, offset, chunk, buffer, permissions);
	}
	free(buffer);
	if (region < 0)
		return region;
	if (!result)
		result = init_region(region, NULL);
	if (result) {
		close(region);
		return result;
	}
	return region;
}

/* Touches: 0 when they succeed, else the signal; touch_fault says where and why. */

static __thread sigjmp_buf touch_escape;
static __thread siginfo_t touch_fault;

HELPER void touch_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	touch_fault = *info;
	siglongjmp(touch_escape, 1);
}

HELPER void catch_faults(void)
{
	struct sigaction action = {
		.sa_sigaction = touch_handler,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

HELPER int touch_read(const volatile void *at)
{
	catch_faults();
	if (sigsetjmp(touch_escape, 1))
		return touch_fault.si_signo;
	(void)*(const volatile uint8_t *)at;
	return 0;
}

HELPER int touch_write(volatile void *at)
{
	catch_faults();
	if (sigsetjmp(touch_escape, 1))
		return touch_fault.si_signo;
	*(volatile uint8_t *)at = 0xa5;
	return 0;
}

/* Code that returns @value: mov $value, %eax; ret. */
HELPER void code_fill(uint8_t *to, uint32_t value)
{
	to[0] = 0xb8;
	memcpy(to + 1, &value, sizeof(value));
	to[5] = 0xc3;
}

HELPER int touch_exec(const void *at, uint32_t *value)
{
	uint32_t (*code)(void);

	memcpy(&code, &at, sizeof(code));
	catch_faults();
	if (sigsetjmp(touch_escape, 1))
		return touch_fault.si_signo;
	*value = code();
	return 0;
}

/* Compares a range with the pattern: 0, -EILSEQ on other contents, or the signal met. */
HELPER int check_pattern(const volatile void *at, uint64_t seed, uint64_t offset, size_t length)
{
	catch_faults();
	if (sigsetjmp(touch_escape, 1))
		return touch_fault.si_signo;
	return pattern_holds(at, seed, offset, length) ? 0 : -EILSEQ;
}

/*
 * Children. The work returns 0 or -errno and so does in_child(); death by a
 * signal is SIGNALLED(signal).
 */
#define SIGNALLED(signal)	(-1000 - (signal))

HELPER int child_result(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	if (WIFSIGNALED(status))
		return SIGNALLED(WTERMSIG(status));
	return -WEXITSTATUS(status);
}

HELPER void no_core(void)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
}

HELPER int in_child(int (*work)(void *), void *argument)
{
	pid_t pid = fork();

	if (pid == 0) {
		no_core();
		_exit(-work(argument));
	}
	return child_result(pid);
}

/* Memory without access after its end, to catch reads past a structure. */
HELPER uint8_t *guarded(size_t length)
{
	size_t whole = (length + PAGE - 1) / PAGE * PAGE;
	uint8_t *at = mmap(NULL, whole + PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at + whole, PAGE, PROT_NONE))
		return NULL;
	return at + whole - length;
}

/*
 * A call whose structure claims to be @size bytes long: the caller's words,
 * then zeros, then @tail in the last byte. The memory behind it can't be read.
 */
HELPER int call_sized(int fd, unsigned long request, const void *argument, size_t known,
		      uint32_t size, uint8_t tail)
{
	size_t length = size > known ? size : known;
	uint8_t *memory = guarded(length);
	int result;

	if (!memory)
		return -ENOMEM;
	memset(memory, 0, length);
	memcpy(memory, argument, known);
	memcpy(memory, &size, sizeof(size));
	if (size > known)
		memory[size - 1] = tail;
	result = call(fd, request, memory);
	munmap((void *)((uintptr_t)memory & ~(PAGE - 1)), (length + PAGE - 1) / PAGE * PAGE + PAGE);
	return result;
}

HELPER uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A small generator, for places and orders that each run can repeat. */
HELPER uint64_t random_next(uint64_t *state)
{
	return pattern_word(0x5eed, (*state)++);
}

/* Where it starts: CLOISTER_SEED of the environment, or another place each time. */
HELPER uint64_t seed_of_run(void)
{
	const char *seed = getenv("CLOISTER_SEED");

	return seed ? strtoull(seed, NULL, 0) : now_ms();
}

/* The state that a generator starts with: neighbouring seeds are far apart. */
HELPER uint64_t random_start(uint64_t seed)
{
	return pattern_word(seed, 0);
}

HELPER int read_text(const char *path, char *text, size_t length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = read(fd, text, length - 1);
	close(fd);
	if (got < 0)
		return -EIO;
	text[got] = 0;
	return 0;
}

HELPER int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int result = 0;
	ssize_t put;

	if (fd < 0)
		return -errno;
	put = write(fd, text, strlen(text));
	if (put < 0)
		result = -errno;
	else if (put != (ssize_t)strlen(text))
		result = -EIO;
	close(fd);
	return result;
}

#endif
