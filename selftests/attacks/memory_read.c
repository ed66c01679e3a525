// SPDX-License-Identifier: Apache-2.0
/*
 * Root reads the memory of another process, in every way there is or in the one
 * that an argument names: memory_read [/proc/PID/mem|process_vm_readv|ptrace]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

/* Reads one page of the victim at an address; true when it could. */
typedef bool (*read_page_fn)(int mem, pid_t pid, uint64_t address, uint8_t page[PAGE]);

static bool by_proc_mem(int mem, pid_t pid, uint64_t address, uint8_t page[PAGE])
{
	(void)pid;
	return pread(mem, page, PAGE, (off_t)address) == (ssize_t)PAGE;
}

static bool by_process_vm(int mem, pid_t pid, uint64_t address, uint8_t page[PAGE])
{
	struct iovec local = { page, PAGE };
	struct iovec remote = { (void *)(uintptr_t)address, PAGE };

	(void)mem;
	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)PAGE;
}

/* A word at a time; a page is given up at the first word that is refused. */
static bool by_ptrace(int mem, pid_t pid, uint64_t address, uint8_t page[PAGE])
{
	size_t i;
	long word;

	(void)mem;
	for (i = 0; i < PAGE; i += sizeof(word)) {
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, (void *)(uintptr_t)(address + i), NULL);
		if (errno)
			return false;
		memcpy(page + i, &word, sizeof(word));
	}
	return true;
}

/**
 * struct way - how memory is read
 * @name: as in arguments of this program
 * @begin: gets ready for a process; a descriptor, or -errno
 * @read_page: reads one page
 * @end: undoes @begin
 * @few: of sixteen pages only: a call for each word takes its time
 */
struct way {
	const char *name;
	int (*begin)(pid_t pid);
	read_page_fn read_page;
	void (*end)(pid_t pid, int mem);
	bool few;
};

/* Returns how many pages could not be read. Who can't even begin reads none. */
static size_t read_all(const struct way *way, pid_t pid, uint64_t address, struct prints *prints,
		       size_t size, size_t step)
{
	uint8_t page[PAGE];
	size_t offset, refused = 0;
	int mem = way->begin(pid);

	for (offset = 0; offset < size; offset += step) {
		if (mem >= 0 && way->read_page(mem, pid, address + offset, page))
			prints_look(prints, page, 1);
		else
			refused++;
	}
	if (mem >= 0)
		way->end(pid, mem);
	return refused;
}

static void forget(struct prints *prints)
{
	size_t i;

	for (i = 0; i < prints->count; i++)
		prints->print[i].found = false;
}

static void attack(struct victim *victim, const struct way *way, const char *kind)
{
	const size_t step = way->few ? victim->size / 16 / PAGE * PAGE ? : PAGE : PAGE;
	const size_t tried = (victim->size + step - 1) / step;
	size_t refused;

	read_all(way, victim->control_pid, victim->control, &victim->control_prints, victim->size,
		 step);
	tap_check(prints_found(&victim->control_prints) > 0 &&
		  (step != PAGE ||
		   prints_found(&victim->control_prints) == victim->control_prints.count),
		  "%s reads ordinary memory: %zu pages", way->name,
		  prints_found(&victim->control_prints));
	refused = read_all(way, victim->pid, victim->region, &victim->region_prints, victim->size,
			   step);
	tap_check(refused == tried && !prints_found(&victim->region_prints),
		  "%s reads none of the %s region: %zu of %zu pages refused", way->name, kind,
		  refused, tried);
	forget(&victim->control_prints);
	forget(&victim->region_prints);
}

static int open_mem(pid_t pid)
{
	char path[64];
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	return mem < 0 ? -errno : mem;
}

static void close_mem(pid_t pid, int mem)
{
	(void)pid;
	close(mem);
}

static int need_nothing(pid_t pid)
{
	(void)pid;
	return 0;
}

static void leave_nothing(pid_t pid, int mem)
{
	(void)pid;
	(void)mem;
}

static int attach(pid_t pid)
{
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) || waitpid(pid, NULL, __WALL) != pid)
		return -errno;
	return 0;
}

static void detach(pid_t pid, int mem)
{
	(void)mem;
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static const struct way ways[] = {
	{ "/proc/PID/mem", open_mem, by_proc_mem, close_mem, false },
	{ "process_vm_readv", need_nothing, by_process_vm, leave_nothing, false },
	{ "ptrace", attach, by_ptrace, detach, true },
};

static void attack_victim(uint32_t flags, const char *kind, const char *chosen)
{
	struct victim victim;
	size_t i;

	victim_start(&victim, flags);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!chosen || !strcmp(chosen, ways[i].name))
			attack(&victim, &ways[i], kind);
	tap_check(victim_order(&victim, VICTIM_CHECK), "the region is whole after it");
	victim_end(&victim);
}

/* A debug region is kept from others by its mapping alone, any other by guards before that. */
int main(int argc, char **argv)
{
	const char *chosen = argc > 1 ? argv[1] : NULL;

	if (!getenv("CLOISTER_REGION_FD"))
		attack_victim(CLOISTER_CREATE_DEBUG, "debug", chosen);
	attack_victim(0, "production", chosen);
	return tap_end();
}
