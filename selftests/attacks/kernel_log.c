// SPDX-License-Identifier: Apache-2.0
/*
 * Root has the kernel log the registers of tasks: of those that run, those that sleep, and those
 * that a signal kills.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

#define SYSRQ		"/proc/sysrq-trigger"
#define FATAL_SIGNALS	"/proc/sys/kernel/print-fatal-signals"
/* A processor may be about something else when it is asked. */
#define TRIES		10

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), result = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		result = -errno;
	close(fd);
	return result;
}

static int log_end(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
		err(1, "/dev/kmsg");
	return fd;
}

/* Whether what was logged since tells the value of a register. EPIPE: records were overwritten. */
static bool logged(int fd, uint64_t value)
{
	char record[8192], wanted[20];
	bool found = false;
	ssize_t got;

	snprintf(wanted, sizeof(wanted), "%016llx", (unsigned long long)value);
	while ((got = read(fd, record, sizeof(record) - 1)) > 0 || (got < 0 && errno == EPIPE)) {
		record[got > 0 ? got : 0] = '\0';
		found |= strstr(record, wanted) != NULL;
	}
	return found;
}

static int ask_for_tasks(const struct prey *prey, const char *request, int tries)
{
	int log = log_end(), result = NOTHING_GOT;

	while (result == NOTHING_GOT && tries--) {
		result = put(SYSRQ, request);
		if (!result && !logged(log, prey->marker))
			result = NOTHING_GOT;
	}
	close(log);
	return result;
}

static int ask_for_running(struct prey *prey)
{
	int result;

	prey_spin(prey);
	result = ask_for_tasks(prey, "l", TRIES);
	prey_rest(prey);
	return result;
}

/* Its registers lie on its stack while it is stopped. */
static int ask_for_all(struct prey *prey)
{
	int result;

	prey_spin(prey);
	if (kill(prey->pid, SIGSTOP) || waitpid(prey->pid, NULL, WUNTRACED) != prey->pid)
		return -errno;
	result = ask_for_tasks(prey, "t", 1);
	if (kill(prey->pid, SIGCONT) || waitpid(prey->pid, NULL, WCONTINUED) != prey->pid)
		return -errno;
	prey_rest(prey);
	return result;
}

static const struct attack attacks[] = {
	{ .name = "sysrq-l: tasks that run", .run = ask_for_running, .config = "MAGIC_SYSRQ" },
	{ .name = "sysrq-t: all tasks", .run = ask_for_all, .whole_machine = true,
	  .config = "MAGIC_SYSRQ" },
};

/* @flags: of its region; < 0: it has none. */
static bool logged_at_death(int flags)
{
	struct prey prey;
	bool found;
	int log;

	prey_start(&prey);
	if (flags >= 0 && prey_make_region(&prey, (uint32_t)flags))
		tap_check(false, "a region with flags %d can't be made", flags);
	log = log_end();
	prey_crash(&prey);
	found = logged(log, prey.marker);
	close(log);
	prey_end(&prey);
	return found;
}

static void die_of_signals(void)
{
	tap_check(!put(FATAL_SIGNALS, "1"), "fatal signals are logged");
	tap_check(logged_at_death(-1), "an ordinary process that dies is logged with its registers");
	tap_check(logged_at_death(CLOISTER_CREATE_DEBUG),
		  "a process with a debug region that dies is logged with its registers");
	tap_check(!logged_at_death(0),
		  "a process with a production region that dies is logged without its registers");
	tap_check(logged_at_death(-1), "and another after it with them");
	put(FATAL_SIGNALS, "0");
}

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	die_of_signals();
	return tap_end();
}
