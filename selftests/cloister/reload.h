/* SPDX-License-Identifier: GPL-2.0-only */
/* The module taken away and loaded again, for the tests that need a device nobody has used. */
#ifndef CLOISTER_SELFTEST_RELOAD_H
#define CLOISTER_SELFTEST_RELOAD_H

#include <sched.h>
#include <sys/syscall.h>
#include "region.h"
#include "keys.h"

/* Where a kselftest run puts it; another place is named by the environment. */
#define MODULE_FILE	"/lib/modules/cloister/cloister.ko"

HELPER const char *module_file(void)
{
	const char *path = getenv("CLOISTER_MODULE");

	return path ? path : MODULE_FILE;
}

HELPER int load_module(const char *parameters)
{
	int file = open(module_file(), O_RDONLY | O_CLOEXEC);
	int result = 0;

	if (file < 0)
		return -errno;
	if (syscall(SYS_finit_module, file, parameters, 0))
		result = -errno;
	close(file);
	return result;
}

/* The last reference to a region may go a moment after the process that held it was reaped. */
HELPER int unload_module(void)
{
	uint64_t until = now_ms() + 5000;

	while (syscall(SYS_delete_module, "cloister", O_NONBLOCK)) {
		if (errno != EWOULDBLOCK || now_ms() >= until)
			return -errno;
		sched_yield();
	}
	return 0;
}

/* Opens a device without keys: the module is loaded anew where an earlier test gave it some. */
HELPER int open_without_keys(void)
{
	int device = open_device(), result;

	if (device < 0 || !provisioned(device))
		return device;
	close(device);
	if (access(module_file(), R_OK))
		return -errno;
	result = unload_module();
	if (!result)
		result = load_module("");
	return result ? result : open_device();
}

#endif
