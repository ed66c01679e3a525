// SPDX-License-Identifier: Apache-2.0
/*
 * Root reads the memory of another process, in every way there is or in the one
 * that an argument names: memory_read [/proc/PID/mem|process_vm_readv|ptrace]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

static size_t read_all(struct victim *victim, uint64_t address, struct prints *prints, int mem,
		       read_page_fn read_page, size_t step)
{
	uint8_t page[PAGE];
	size_t offset, refused = 0;

	for (offset = 0; offset < victim->size; offset += step) {
		if (read_page(mem, victim->pid, address + offset, page))
			prints_look(prints, page, 1);
		else
			refused++;
	}
	return refused;
}

static void forget(struct prints *prints)
{
	size_t i;

	for (i = 0; i < prints->count; i++)
		prints->print[i].found = false;
}

static void attack(struct victim *victim, const char *name, int mem, read_page_fn read_page,
		   size_t step)
{
	const size_t tried = (victim->size + step - 1) / step;
	size_t refused;

	read_all(victim, victim->control, &victim->control_prints, mem, read_page, step);
	tap_check(prints_found(&victim->control_prints) > 0 &&
		  (step != PAGE ||
		   prints_found(&victim->control_prints) == victim->control_prints.count),
		  "%s reads ordinary memory: %zu pages", name,
		  prints_found(&victim->control_prints));
	refused = read_all(victim, victim->region, &victim->region_prints, mem, read_page, step);
	tap_check(refused == tried && !prints_found(&victim->region_prints),
		  "%s reads none of the region: %zu of %zu pages refused", name, refused, tried);
	forget(&victim->control_prints);
	forget(&victim->region_prints);
}

static void through_proc_mem(struct victim *victim)
{
	char path[64];
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", victim->pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem < 0) {
		tap_check(false, "open %s: %s", path, strerror(errno));
		return;
	}
	attack(victim, "/proc/PID/mem", mem, by_proc_mem, PAGE);
	close(mem);
}

static void through_process_vm(struct victim *victim)
{
	attack(victim, "process_vm_readv", -1, by_process_vm, PAGE);
}

static void through_ptrace(struct victim *victim)
{
	if (ptrace(PTRACE_ATTACH, victim->pid, NULL, NULL) ||
	    waitpid(victim->pid, NULL, 0) != victim->pid) {
		tap_check(false, "ptrace attach: %s", strerror(errno));
		return;
	}
	/* A system call for each word: sixteen pages tell enough. */
	attack(victim, "ptrace", -1, by_ptrace, victim->size / 16 / PAGE * PAGE ? : PAGE);
	ptrace(PTRACE_DETACH, victim->pid, NULL, NULL);
}

static const struct {
	const char *name;
	void (*attack)(struct victim *victim);
} ways[] = {
	{ "/proc/PID/mem", through_proc_mem },
	{ "process_vm_readv", through_process_vm },
	{ "ptrace", through_ptrace },
};

int main(int argc, char **argv)
{
	struct victim victim;
	size_t i;

	victim_start(&victim);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (argc < 2 || !strcmp(argv[1], ways[i].name))
			ways[i].attack(&victim);
	tap_check(victim_order(&victim, VICTIM_CHECK), "the region is whole after it");
	victim_end(&victim);
	return tap_end();
}
