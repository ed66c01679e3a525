// SPDX-License-Identifier: Apache-2.0
/* Root debugs a process: looks at its memory and registers, and has it run code. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

static int attach(struct prey *prey)
{
	if (ptrace(PTRACE_ATTACH, prey->pid, NULL, NULL))
		return -errno;
	return waitpid(prey->pid, NULL, 0) == prey->pid ? 0 : -ECHILD;
}

static int detach(struct prey *prey, int result)
{
	if (ptrace(PTRACE_DETACH, prey->pid, NULL, NULL) && !result)
		return -errno;
	return result;
}

static int peek(struct prey *prey, uint64_t from, uint64_t expected)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, prey->pid, (void *)(uintptr_t)from, NULL);
	if (errno)
		return -errno;
	return (uint64_t)word == expected ? 0 : NOTHING_GOT;
}

static int by_attach(struct prey *prey)
{
	int result = attach(prey);

	return result ? result : detach(prey, peek(prey, prey->secret, prey->value));
}

static int by_seize(struct prey *prey)
{
	if (ptrace(PTRACE_SEIZE, prey->pid, NULL, NULL))
		return -errno;
	if (ptrace(PTRACE_INTERRUPT, prey->pid, NULL, NULL) ||
	    waitpid(prey->pid, NULL, 0) != prey->pid)
		return -ECHILD;
	return detach(prey, peek(prey, prey->secret, prey->value));
}

static int by_registers(struct prey *prey)
{
	struct user_regs_struct registers = { 0 };
	int result;

	prey_spin(prey);
	result = attach(prey);
	if (!result) {
		if (ptrace(PTRACE_GETREGS, prey->pid, NULL, &registers))
			result = -errno;
		else if (registers.r12 != prey->marker || registers.r15 != prey->marker)
			result = NOTHING_GOT;
		result = detach(prey, result);
	}
	prey_rest(prey);
	return result;
}

/* The stopped process makes one system call of ours and stops at the trap behind it. */
static int make_it_call(struct prey *prey, struct user_regs_struct *registers)
{
	int status;

	if (ptrace(PTRACE_SETREGS, prey->pid, NULL, registers) ||
	    ptrace(PTRACE_CONT, prey->pid, NULL, NULL) ||
	    waitpid(prey->pid, &status, 0) != prey->pid)
		return -errno;
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP ? 0 : -EPROTO;
}

/* The owner itself reads its memory, which no mapping can refuse it, and hands it out. */
static int by_injection(struct prey *prey)
{
	const uint64_t from = prey->region ? prey->region : prey->secret;
	const uint64_t expected = prey->region ? prey->region_value : prey->value;
	struct user_regs_struct before, changed;
	uint64_t word = 0;
	int result;

	prey_spin(prey);
	result = attach(prey);
	if (!result && ptrace(PTRACE_GETREGS, prey->pid, NULL, &before)) {
		result = detach(prey, -errno);
	} else if (!result) {
		changed = before;
		changed.rax = SYS_write;
		changed.orig_rax = -1ULL;
		changed.rdi = (uint64_t)prey->loot_in;
		changed.rsi = from;
		changed.rdx = sizeof(word);
		changed.rip = (uintptr_t)prey_syscall_gadget;
		result = make_it_call(prey, &changed);
		if (ptrace(PTRACE_SETREGS, prey->pid, NULL, &before) && !result)
			result = -errno;
		result = detach(prey, result);
	}
	prey_rest(prey);
	if (read(prey->loot, &word, sizeof(word)) == sizeof(word) && word == expected)
		return 0;
	return result ? result : NOTHING_GOT;
}

static const struct attack attacks[] = {
	{ .name = "PTRACE_ATTACH and PEEK", .run = by_attach, .refusal = -EPERM },
	{ .name = "PTRACE_SEIZE and PEEK", .run = by_seize, .refusal = -EPERM },
	{ .name = "PTRACE_GETREGS", .run = by_registers, .refusal = -EPERM },
	{ .name = "a system call injected by PTRACE_SETREGS", .run = by_injection,
	  .refusal = -EPERM },
};

static void check_region(struct prey *prey, uint32_t flags, int expected, const char *when)
{
	int result = prey_make_region(prey, flags);

	tap_check(result == expected, "making a %s region %s: %s",
		  flags & CLOISTER_CREATE_DEBUG ? "debug" : "production", when,
		  result ? strerror(-result) : "done");
	if (!result)
		prey_drop_region(prey);
}

/* A debugger that came before the region: then there is no region. */
static void attached_before(void)
{
	struct prey prey;

	prey_start(&prey);
	check_region(&prey, 0, 0, "before a debugger comes");
	tap_check(!ptrace(PTRACE_SEIZE, prey.pid, NULL, NULL), "a debugger comes");
	check_region(&prey, 0, -EPERM, "under a debugger");
	check_region(&prey, CLOISTER_CREATE_DEBUG, 0, "under a debugger");
	ptrace(PTRACE_INTERRUPT, prey.pid, NULL, NULL);
	tap_check(waitpid(prey.pid, NULL, 0) == prey.pid && !detach(&prey, 0),
		  "the debugger goes");
	check_region(&prey, 0, 0, "when the debugger has gone");
	prey_end(&prey);
}

/* The owner of a region is made to ask for a debugger. */
static void asks_for_it(void)
{
	struct prey ordinary, prey;
	int result;

	prey_start(&ordinary);
	prey_start(&prey);
	tap_check(!prey_traceme(&ordinary), "PTRACE_TRACEME by an ordinary process");
	result = prey_make_region(&prey, 0);
	tap_check(!result, "a production region is made");
	result = prey_traceme(&prey);
	tap_check(result == -EPERM, "PTRACE_TRACEME by the owner of a production region: %s",
		  strerror(-result));
	tap_check(!prey_harm(&prey), "the process is as it was");
	prey_end(&prey);
	prey_end(&ordinary);
}

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	attached_before();
	asks_for_it();
	return tap_end();
}
