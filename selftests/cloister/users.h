/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unprivileged users, and a module that is loaded with limits they can reach. A child inherits the
 * open device and gives up root: it can do what a user in the device's group can.
 */
#ifndef CLOISTER_SELFTEST_USERS_H
#define CLOISTER_SELFTEST_USERS_H

#include <grp.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include "checks.h"
#include "keys.h"
#include "reload.h"

/* Users that no system has. */
#define ALICE	61001
#define MALLORY	61002
#define BOB	61003

/* In a child: end it with what was not as it should be, and where. */
#define NEED(condition)								\
	do {									\
		if (!(condition)) {						\
			printf("# %s:%d: not so: %s (errno %d)\n", __FILE__,	\
			       __LINE__, #condition, errno);			\
			fflush(stdout);						\
			return -EPROTO;						\
		}								\
	} while (0)

HELPER int become(uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		return -errno;
	return 0;
}

HELPER pid_t start_as(uid_t uid, int (*work)(void *), void *argument)
{
	pid_t pid = fork();
	int result;

	if (pid)
		return pid;
	no_core();
	result = become(uid);
	_exit(-(result ? result : work(argument)));
}

HELPER int as_user(uid_t uid, int (*work)(void *), void *argument)
{
	return child_result(start_as(uid, work, argument));
}

/* What a user without regions has left behind, once the last of its processes is gone. */
HELPER int nothing_charged(void *device)
{
	uint64_t until = now_ms() + 10000;
	struct cloister_get_info info;

	do {
		if (get_info(*(int *)device, &info))
			return -EIO;
		if (!info.user_regions && !info.user_resident)
			return 0;
		sched_yield();
	} while (now_ms() < until);
	return -EBUSY;
}

/* The program runs with the module loaded anew with its limits, and leaves it with the defaults. */
static pid_t module_reloader;

HELPER void load_with(const char *parameters)
{
	int result;

	if (access(CLOISTER_DEVICE, F_OK))
		return;
	result = unload_module();
	if (!result)
		result = load_module(parameters);
	if (result) {
		printf("TAP version 13\nBail out! %s can't be loaded with '%s': %s\n",
		       module_file(), parameters, strerror(-result));
		fflush(stdout);
		_exit(1);
	}
	module_reloader = getpid();
}

static __attribute__((destructor)) void load_with_defaults(void)
{
	if (module_reloader == getpid()) {
		unload_module();
		load_module("");
	}
}

#define MODULE_PARAMETERS(text)							\
	static __attribute__((constructor)) void load_with_limits(void)		\
	{									\
		load_with(text);						\
	}

#endif
