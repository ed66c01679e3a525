// SPDX-License-Identifier: Apache-2.0
/*
 * BPF programs that trace and were loaded before. Quotes say that guards are partial while the
 * module knows of one; of those from before the module it knows nothing.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "doctor.h"

#define NAMES_MAX	160

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static bool traces(unsigned int type)
{
	switch (type) {
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
	case BPF_PROG_TYPE_TRACING:
	case BPF_PROG_TYPE_STRUCT_OPS:
	case BPF_PROG_TYPE_EXT:
	case BPF_PROG_TYPE_LSM:
	case BPF_PROG_TYPE_SYSCALL:
		return true;
	default:
		return false;
	}
}

/* False when the program is gone again, or can't be looked at. */
static bool describe(unsigned int id, struct bpf_prog_info *info)
{
	union bpf_attr attr;
	int result;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	if (fd < 0)
		return false;
	memset(info, 0, sizeof(*info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (unsigned int)fd;
	attr.info.info_len = sizeof(*info);
	attr.info.info = (uintptr_t)info;
	result = bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
	close(fd);
	return !result;
}

/* How many; their names in @names. Or -1, with errno. */
static int count_tracers(char names[NAMES_MAX])
{
	struct bpf_prog_info info;
	union bpf_attr attr;
	unsigned int id = 0;
	size_t used = 0;
	int count = 0;

	names[0] = '\0';
	for (;;) {
		memset(&attr, 0, sizeof(attr));
		attr.start_id = id;
		if (bpf(BPF_PROG_GET_NEXT_ID, &attr))
			return errno == ENOENT ? count : -1;
		id = attr.next_id;
		if (!describe(id, &info) || !traces(info.type))
			continue;
		count++;
		if (used < NAMES_MAX)
			used += (size_t)snprintf(names + used, NAMES_MAX - used, "%s%.*s",
						 used ? ", " : "", (int)sizeof(info.name),
						 info.name[0] ? info.name : "unnamed");
	}
}

void doctor_look_tracers(const struct doctor *doctor, struct doctor_finding *finding)
{
	char names[NAMES_MAX];
	int count;

	if (doctor->foreign) {
		doctor_found(finding, DOCTOR_UNKNOWN, "another machine's programs can't be listed");
		return;
	}
	count = count_tracers(names);
	if (count < 0 && errno == ENOSYS) {
		doctor_found(finding, DOCTOR_OK, "this kernel has no BPF");
	} else if (count < 0) {
		doctor_found(finding, DOCTOR_UNKNOWN, "BPF programs can't be listed: %s",
			     strerror(errno));
		finding->fix = "run this as root";
	} else if (count) {
		doctor_found(finding, DOCTOR_NOTE, "%d loaded: %s", count, names);
		finding->means = "programs that trace may see registers of processes that hold a "
				 "region; quotes say guards=partial, or say nothing of those that "
				 "were there before the module";
		finding->fix = "know who loaded them (bpftool prog show) and end what you can do "
			       "without; load the module before whoever is not trusted with that";
	} else {
		doctor_found(finding, DOCTOR_OK, "none loaded");
	}
}
