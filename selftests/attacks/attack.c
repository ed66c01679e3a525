// SPDX-License-Identifier: Apache-2.0
/* Runs tables of attacks, see attack.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

#define GUARDS		"/sys/class/misc/tee/guards"
#define LOCKDOWN	"/sys/kernel/security/lockdown"

bool kernel_lacks(const char *config)
{
	char line[256], wanted[80];
	bool any = false, found = false;
	FILE *file = popen("zcat /proc/config.gz 2>/dev/null", "r");

	snprintf(wanted, sizeof(wanted), "CONFIG_%s=y\n", config);
	while (file && fgets(line, sizeof(line), file)) {
		any = true;
		found |= !strcmp(line, wanted);
	}
	if (file)
		pclose(file);
	return any && !found;
}

bool kernel_lacks_symbol(const char *symbol)
{
	char line[512], name[256];
	bool any = false, found = false;
	FILE *file = fopen("/proc/kallsyms", "re");

	while (file && !found && fgets(line, sizeof(line), file)) {
		any = true;
		found = sscanf(line, "%*s %*s %255s", name) == 1 && !strcmp(name, symbol);
	}
	if (file)
		fclose(file);
	return any && !found;
}

/* What it lacks of what an attack needs, or NULL. */
static const char *lack(const struct attack *attack)
{
	if (attack->config && kernel_lacks(attack->config))
		return attack->config;
	if (attack->symbol && kernel_lacks_symbol(attack->symbol))
		return attack->symbol;
	return NULL;
}

/* A line for each hook: name, state, times refused. */
long guards_refusals(const char *hook)
{
	char name[64], state[32];
	long times, sum = -1;
	FILE *file = fopen(GUARDS, "re");

	while (file && fscanf(file, "%63s %31s %ld%*[^\n]", name, state, &times) == 3)
		if (!hook || !strcmp(hook, name))
			sum = (sum < 0 ? 0 : sum) + times;
	if (file)
		fclose(file);
	return sum;
}

int steal_descriptor(pid_t pid, int descriptor)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, descriptor, 0);
	int result = fd < 0 ? -errno : fd;

	if (pidfd >= 0)
		close(pidfd);
	return result;
}

/* Without the file, which init need not have mounted, nobody has locked anything down. */
bool machine_is_locked_down(void)
{
	char line[128] = "";
	FILE *file = fopen(LOCKDOWN, "re");
	bool locked;

	locked = file && fgets(line, sizeof(line), file) && strstr(line, "[confidentiality]");
	if (file)
		fclose(file);
	return locked;
}

/* A program that was let go is counted until the kernel has freed it. */
static bool guards_are_whole(void)
{
	char name[64], state[32];
	int tries = 1000;
	bool whole;
	FILE *file;

	do {
		file = fopen(GUARDS, "re");
		whole = file;
		while (file && fscanf(file, "%63s %31s%*[^\n]", name, state) == 2)
			whole &= strcmp(state, "missing") != 0;
		if (file)
			fclose(file);
	} while (!whole && --tries && !usleep(10000));
	return whole;
}

static const char *outcome(int result)
{
	return !result ? "it succeeds" : result == NOTHING_GOT ? "it gets nothing" :
		strerror(-result);
}

static void expect_success(const struct attack *attack, struct prey *prey, const char *against)
{
	int result = attack->run(prey);

	tap_check(!result, "%s, %s: %s", attack->name, against, outcome(result));
}

static bool region(const struct attack *attack, struct prey *prey, uint32_t flags)
{
	int result = prey_make_region(prey, flags);

	if (result)
		tap_check(false, "%s: making a region with flags %u: %s", attack->name, flags,
			  strerror(-result));
	return !result;
}

/* Refused with what is expected; or let through, and the quote says so. */
static bool is_stopped(const struct attack *attack, struct prey *prey, int result)
{
	if (!result)
		return attack->stated && !strcmp(prey_guards(prey), "partial");
	return !attack->refusal || result == attack->refusal;
}

static void against_production(const struct attack *attack, struct prey *prey, struct prey *other)
{
	const char *harm;
	int result;

	if (!region(attack, prey, 0))
		return;
	result = attack->run(prey);
	tap_check(is_stopped(attack, prey, result),
		  "%s, a process with a production region: %s (guards: %s)", attack->name,
		  outcome(result), prey_guards(prey));
	harm = prey_harm(prey);
	tap_check(!harm, "%s: %s after it", attack->name,
		  harm ? harm : "the process is as it was, and its quote verifies");
	if (!attack->hold && !attack->whole_machine)
		expect_success(attack, other, "another process at that time");
	if (prey_drop_region(prey))
		tap_check(false, "%s: the region does not go", attack->name);
}

static void try_on(const struct attack *attack, struct prey *prey, struct prey *other)
{
	long refusals;

	expect_success(attack, prey, "an ordinary process");
	if (region(attack, prey, CLOISTER_CREATE_DEBUG)) {
		expect_success(attack, prey, "a process with a debug region");
		prey_drop_region(prey);
	}
	against_production(attack, prey, other);
	refusals = guards_refusals(NULL);
	expect_success(attack, prey, "when the region is gone");
	tap_check(guards_refusals(NULL) == refusals, "%s: then guards have nothing to refuse",
		  attack->name);
}

static void try_attack(const struct attack *attack)
{
	const char *lacking = lack(attack);
	struct prey prey, other;
	bool locked;
	int result = 0;

	if (lacking) {
		tap_check(true, "%s: this kernel was built without %s", attack->name, lacking);
		return;
	}
	prey_start(&prey);
	prey_start(&other);
	locked = attack->locked && machine_is_locked_down();
	if (attack->stated)
		tap_check(guards_are_whole(), "%s: guards are whole before it", attack->name);
	if (attack->hold)
		result = attack->hold(&prey);
	if (locked && !result)
		result = attack->run(&prey);
	if (locked)
		tap_check(result == attack->locked, "%s, on a machine that is locked down: %s",
			  attack->name, outcome(result));
	else if (result)
		tap_check(false, "%s: getting ready: %s", attack->name, strerror(-result));
	else
		try_on(attack, &prey, &other);
	if (attack->let_go)
		attack->let_go();
	prey_end(&other);
	prey_end(&prey);
}

void attack_all(const struct attack *attacks, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		try_attack(&attacks[i]);
}
