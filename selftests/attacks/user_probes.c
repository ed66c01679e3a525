// SPDX-License-Identifier: Apache-2.0
/*
 * Root puts probes into the program that a process runs: uprobe events, which fetch memory and
 * registers. Such a probe changes the program, and a process in which there has been one
 * gets no production region any more; so these do not go by the table of the other attacks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "tracefs.h"

#define STEPS		5
#define EVENT		"cloister_attack/step"
#define FILE_OF_EVENTS	"/uprobe_events"

/* Where prey_step() is in the file of this program, which is the process's, too. */
static uint64_t step_offset(void)
{
	const uint64_t at = (uintptr_t)prey_step;
	uint64_t from, to, offset, found = 0;
	FILE *file = fopen("/proc/self/maps", "re");
	char line[512];

	while (file && !found && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx %*s %lx", &from, &to, &offset) == 3 &&
		    at >= from && at < to)
			found = at - from + offset;
	if (file)
		fclose(file);
	return found;
}

/* What is fetched when prey_step() begins: the word at its first argument, and its second one. */
static int begin(void)
{
	struct trace_probe probe = { .file = FILE_OF_EVENTS, .event = EVENT };
	char line[320], program[160];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (length < 0)
		return -errno;
	program[length] = '\0';
	snprintf(line, sizeof(line), "p:" EVENT " %s:0x%lx memory=+0(%%di):x64 register=%%si:x64",
		 program, step_offset());
	probe.line = line;
	return trace_probe_begin(&probe);
}

static void end(void)
{
	trace_probe_end(FILE_OF_EVENTS, EVENT);
}

static void expect(struct prey *prey, bool success, const char *against)
{
	bool memory, marker;

	trace_clear();
	if (prey_work(prey, STEPS, prey->region ? prey->region : prey->secret))
		tap_check(false, "%s does not work", against);
	memory = trace_shows(prey->pid, prey->region ? prey->region_value : prey->value);
	marker = trace_shows(prey->pid, prey->marker);
	tap_check(memory == success, "a uprobe %s memory of %s", memory ? "fetches" : "fetches no",
		  against);
	tap_check(marker == success, "a uprobe %s registers of %s",
		  marker ? "fetches" : "fetches no", against);
}

/* The probe comes while there are regions. */
static void afterwards(struct prey *ordinary, struct prey *debug, struct prey *production)
{
	int result;

	tap_check(!prey_make_region(debug, CLOISTER_CREATE_DEBUG), "a debug region is made");
	tap_check(!prey_make_region(production, 0), "a production region is made");
	result = begin();
	tap_check(!result, "a uprobe is made: %s", strerror(-result));
	expect(ordinary, true, "an ordinary process");
	expect(debug, true, "a process with a debug region");
	expect(production, false, "a process with a production region");
	tap_check(!prey_harm(production), "the process is as it was, and its quote verifies");
	end();
	/* The debug region goes first: the second call waits until there is none. */
	prey_drop_region(debug);
	tap_check(!prey_drop_region(production), "the regions go");
}

/* The probe is there already. */
static void before(struct prey *production)
{
	int result = begin();

	tap_check(!result, "a uprobe is made: %s", strerror(-result));
	expect(production, true, "a process whose region is gone");
	result = prey_make_region(production, 0);
	tap_check(result == -EPERM, "making a production region under a uprobe: %s",
		  strerror(-result));
	result = prey_make_region(production, CLOISTER_CREATE_DEBUG);
	tap_check(!result, "making a debug region under a uprobe: %s", strerror(-result));
	prey_drop_region(production);
	end();
	result = prey_make_region(production, 0);
	tap_check(result == -EPERM, "making one when the uprobe is gone: %s", strerror(-result));
}

int main(void)
{
	struct prey ordinary, debug, production;

	if (kernel_lacks("UPROBE_EVENTS")) {
		tap_check(true, "this kernel was built without UPROBE_EVENTS");
		return tap_end();
	}
	prey_start(&ordinary);
	prey_start(&debug);
	prey_start(&production);
	afterwards(&ordinary, &debug, &production);
	before(&production);
	prey_end(&production);
	prey_end(&debug);
	prey_end(&ordinary);
	return tap_end();
}
