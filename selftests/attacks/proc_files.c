// SPDX-License-Identifier: Apache-2.0
/*
 * Root looks at a process through /proc, and through the calls that need no more
 * right than that: process_vm_readv, pidfd_getfd, kcmp and others.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attack.h"

static int open_proc(const struct prey *prey, const char *name, int flags)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", prey->pid, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Anything that can be read at all is a find. */
static int read_proc(const struct prey *prey, const char *name)
{
	int fd = open_proc(prey, name, O_RDONLY), result = NOTHING_GOT;
	char text[4096];
	ssize_t got;

	if (fd < 0)
		return fd;
	got = read(fd, text, sizeof(text));
	if (got < 0)
		result = -errno;
	else if (got > 0)
		result = 0;
	close(fd);
	return result;
}

#define READS(name)					\
	static int read_##name(struct prey *prey)	\
	{						\
		return read_proc(prey, #name);		\
	}

READS(maps)
READS(smaps)
READS(smaps_rollup)
READS(numa_maps)
READS(syscall)
READS(environ)
READS(auxv)
READS(personality)
READS(pagemap)
READS(io)

/* A task that runs just now has none to show: it will sleep again. */
static int read_stack(struct prey *prey)
{
	int tries = 10000, result;

	do {
		result = read_proc(prey, "stack");
	} while (result == NOTHING_GOT && --tries && !sched_yield());
	return result;
}

static int read_task_mem(struct prey *prey)
{
	char name[64];
	uint64_t word = 0;
	int fd, result = 0;

	snprintf(name, sizeof(name), "task/%d/mem", prey->pid);
	fd = open_proc(prey, name, O_RDONLY);
	if (fd < 0)
		return fd;
	if (pread(fd, &word, sizeof(word), (off_t)prey->secret) != sizeof(word))
		result = errno ? -errno : NOTHING_GOT;
	close(fd);
	return result ? result : word == prey->value ? 0 : NOTHING_GOT;
}

/* Zero bytes read is what a file of a process that is gone gives. */
static int use_mem(int mem, const struct prey *prey, bool write_it)
{
	uint64_t word = prey->value;
	ssize_t done = write_it ? pwrite(mem, &word, sizeof(word), (off_t)prey->secret) :
		pread(mem, &word, sizeof(word), (off_t)prey->secret);

	if (done < 0)
		return -errno;
	return done == sizeof(word) && word == prey->value ? 0 : NOTHING_GOT;
}

static int use_new_mem(struct prey *prey, bool write_it)
{
	int mem = open_proc(prey, "mem", O_RDWR), result;

	if (mem < 0)
		return mem;
	result = use_mem(mem, prey, write_it);
	close(mem);
	return result;
}

static int read_mem(struct prey *prey)
{
	return use_new_mem(prey, false);
}

static int write_mem(struct prey *prey)
{
	return use_new_mem(prey, true);
}

/* One descriptor that was opened before there was a region. */
static int held = -1;

static void close_held(void)
{
	close(held);
	held = -1;
}

static int hold_mem(struct prey *prey)
{
	held = open_proc(prey, "mem", O_RDWR);
	return held < 0 ? held : 0;
}

static int read_held_mem(struct prey *prey)
{
	return use_mem(held, prey, false);
}

/* The code of prey_step() is changed: what the process runs is then the attacker's choice. */
static int inject_by_held_mem(struct prey *prey)
{
	static const uint8_t trap[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xc3 };
	const off_t at = (off_t)(uintptr_t)prey_step;
	uint8_t original[sizeof(trap)];
	int result = 0;

	memcpy(original, (const void *)(uintptr_t)prey_step, sizeof(original));
	if (pwrite(held, trap, sizeof(trap), at) != (ssize_t)sizeof(trap))
		return errno ? -errno : NOTHING_GOT;
	if (prey_work(prey, 1, 0))
		result = NOTHING_GOT;
	if (pwrite(held, original, sizeof(original), at) != (ssize_t)sizeof(original))
		result = -errno;
	return result;
}

#define HOLDS(name)						\
	static int hold_##name(struct prey *prey)		\
	{							\
		held = open_proc(prey, #name, O_RDONLY);	\
		return held < 0 ? held : 0;			\
	}

HOLDS(maps)
HOLDS(smaps)
HOLDS(numa_maps)
HOLDS(pagemap)
HOLDS(syscall)

static int read_held(struct prey *prey)
{
	char text[4096];
	ssize_t got = pread(held, text, sizeof(text), 0);

	(void)prey;
	return got < 0 ? -errno : got ? 0 : NOTHING_GOT;
}

static int read_held_pagemap(struct prey *prey)
{
	uint64_t word = 0;
	ssize_t got = pread(held, &word, sizeof(word),
			    (off_t)(prey->secret / PAGE * sizeof(word)));

	return got < 0 ? -errno : got == sizeof(word) && word >> 63 ? 0 : NOTHING_GOT;
}

/* Numbers and layout as in linux/fs.h of Linux 6.11; older headers have neither. */
struct procmap_query {
	uint64_t size;
	uint64_t flags;
	uint64_t address;
	uint64_t start;
	uint64_t end;
	uint64_t more[8];
};

#define PROCMAP_QUERY	_IOWR('f', 17, struct procmap_query)

static int query_held_maps(struct prey *prey)
{
	struct procmap_query query = { .size = sizeof(query), .address = prey->secret };

	if (ioctl(held, PROCMAP_QUERY, &query))
		return -errno;
	return query.start <= prey->secret && prey->secret < query.end ? 0 : NOTHING_GOT;
}

/* The same, of Linux 6.7. */
struct pagemap_scan {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t found;
	uint64_t found_count;
	uint64_t max_pages;
	uint64_t inverted;
	uint64_t mask;
	uint64_t any_mask;
	uint64_t returned;
};

#define PAGEMAP_SCAN	_IOWR('f', 16, struct pagemap_scan)
#define PAGE_IS_PRESENT	(1 << 3)

static int scan_held_pagemap(struct prey *prey)
{
	uint64_t found[3];
	struct pagemap_scan scan = {
		.size = sizeof(scan), .start = prey->secret, .end = prey->secret + PAGE,
		.found = (uintptr_t)found, .found_count = 1, .mask = PAGE_IS_PRESENT,
		.returned = PAGE_IS_PRESENT,
	};
	int count = ioctl(held, PAGEMAP_SCAN, &scan);

	return count < 0 ? -errno : count ? 0 : NOTHING_GOT;
}

static int read_exe(struct prey *prey)
{
	char path[64], target[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/exe", prey->pid);
	length = readlink(path, target, sizeof(target));
	return length < 0 ? -errno : 0;
}

/* /proc/PID/fd/N opens what the process holds, here the end of a pipe. */
static int open_its_descriptor(struct prey *prey)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "fd/%d", prey->loot_in);
	fd = open_proc(prey, name, O_WRONLY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int by_process_vm(struct prey *prey, bool write_it)
{
	uint64_t word = prey->value;
	struct iovec local = { &word, sizeof(word) };
	struct iovec remote = { (void *)(uintptr_t)prey->secret, sizeof(word) };
	ssize_t done = write_it ? process_vm_writev(prey->pid, &local, 1, &remote, 1, 0) :
		process_vm_readv(prey->pid, &local, 1, &remote, 1, 0);

	if (done < 0)
		return -errno;
	return done == sizeof(word) && word == prey->value ? 0 : NOTHING_GOT;
}

static int process_vm_read(struct prey *prey)
{
	return by_process_vm(prey, false);
}

static int process_vm_write(struct prey *prey)
{
	return by_process_vm(prey, true);
}

static int compare_kernel_objects(struct prey *prey)
{
	long result = syscall(SYS_kcmp, prey->pid, getpid(), KCMP_VM, 0, 0);

	return result < 0 ? -errno : 0;
}

static int steal_pipe(struct prey *prey)
{
	int fd = steal_descriptor(prey->pid, prey->loot_in);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Tells which of another process's pages are in memory. */
static int query_pages(struct prey *prey)
{
	void *page = (void *)(uintptr_t)prey->secret;
	int status = -ENOENT;

	if (syscall(SYS_move_pages, prey->pid, 1UL, &page, NULL, &status, 0))
		return -errno;
	return status >= 0 ? 0 : NOTHING_GOT;
}

static int advise(struct prey *prey)
{
	struct iovec page = { (void *)(uintptr_t)prey->secret, PAGE };
	int pidfd = (int)syscall(SYS_pidfd_open, prey->pid, 0);
	long done = syscall(SYS_process_madvise, pidfd, &page, 1UL, MADV_COLD, 0);
	int result = done < 0 ? -errno : 0;

	close(pidfd);
	return result;
}

static int robust_list(struct prey *prey)
{
	void *head;
	size_t length;

	return syscall(SYS_get_robust_list, prey->pid, &head, &length) ? -errno : 0;
}

#define REFUSED(title, function) \
	{ .name = title, .run = function, .refusal = -EPERM }
/* Which errno depends on the file and on whether it opens. */
#define FILE_REFUSED(file) \
	{ .name = "/proc/PID/" #file, .run = read_##file }
#define OPENED_BEFORE(file) \
	{ .name = "/proc/PID/" #file " opened before", .hold = hold_##file, .run = read_held, \
	  .refusal = -EPERM, .let_go = close_held }

static const struct attack attacks[] = {
	{ .name = "/proc/PID/mem", .run = read_mem, .refusal = -EACCES },
	{ .name = "/proc/PID/mem, written", .run = write_mem, .refusal = -EACCES },
	{ .name = "/proc/PID/task/TID/mem", .run = read_task_mem, .refusal = -EACCES },
	{ .name = "/proc/PID/mem opened before", .hold = hold_mem, .run = read_held_mem,
	  .let_go = close_held },
	{ .name = "code written through /proc/PID/mem opened before", .hold = hold_mem,
	  .run = inject_by_held_mem, .let_go = close_held },
	FILE_REFUSED(maps),
	OPENED_BEFORE(maps),
	FILE_REFUSED(smaps),
	OPENED_BEFORE(smaps),
	FILE_REFUSED(smaps_rollup),
	{ .name = "/proc/PID/numa_maps", .run = read_numa_maps, .config = "NUMA" },
	{ .name = "/proc/PID/numa_maps opened before", .hold = hold_numa_maps, .run = read_held,
	  .refusal = -EPERM, .let_go = close_held, .config = "NUMA" },
	FILE_REFUSED(pagemap),
	{ .name = "/proc/PID/pagemap opened before", .hold = hold_pagemap,
	  .run = read_held_pagemap, .let_go = close_held },
	{ .name = "/proc/PID/pagemap opened before, scanned", .hold = hold_pagemap,
	  .run = scan_held_pagemap, .refusal = -EPERM, .let_go = close_held,
	  .symbol = "do_pagemap_cmd" },
	{ .name = "/proc/PID/maps opened before, asked for a mapping", .hold = hold_maps,
	  .run = query_held_maps, .refusal = -ENOTTY, .let_go = close_held,
	  .symbol = "procfs_procmap_ioctl" },
	{ .name = "/proc/PID/syscall", .run = read_syscall, .config = "HAVE_ARCH_TRACEHOOK" },
	{ .name = "/proc/PID/syscall opened before", .hold = hold_syscall, .run = read_held,
	  .let_go = close_held },
	{ .name = "/proc/PID/stack", .run = read_stack, .config = "STACKTRACE" },
	FILE_REFUSED(environ),
	FILE_REFUSED(auxv),
	FILE_REFUSED(personality),
	{ .name = "/proc/PID/io", .run = read_io, .config = "TASK_IO_ACCOUNTING" },
	{ .name = "/proc/PID/exe", .run = read_exe, .refusal = -EACCES },
	{ .name = "/proc/PID/fd/N opened", .run = open_its_descriptor, .refusal = -EACCES },
	REFUSED("process_vm_readv", process_vm_read),
	REFUSED("process_vm_writev", process_vm_write),
	{ .name = "kcmp", .run = compare_kernel_objects, .refusal = -EPERM, .config = "KCMP" },
	REFUSED("pidfd_getfd", steal_pipe),
	{ .name = "move_pages", .run = query_pages, .refusal = -EPERM, .config = "NUMA" },
	{ .name = "process_madvise", .run = advise },
	REFUSED("get_robust_list", robust_list),
};

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	return tap_end();
}
