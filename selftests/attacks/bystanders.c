// SPDX-License-Identifier: Apache-2.0
/*
 * The other side: what guards must leave alone. Each of these is done before there is a production
 * region, while there is one, and when it is gone, and must work each time. What can be
 * done to single processes is tried on another process by each table of attacks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "bpf_code.h"
#include "sampler.h"

#define CGROUP		"/sys/fs/cgroup/cloister-bystander"

/* A child's work, in a cgroup if one is named; 0 or the errno that it met. */
static int in_child(int (*work)(void), const char *cgroup)
{
	char path[128];
	int status, fd;
	pid_t pid = fork();

	if (!pid) {
		if (cgroup) {
			snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
			fd = open(path, O_WRONLY | O_CLOEXEC);
			if (fd < 0 || write(fd, "0", 1) != 1)
				_exit(ESRCH);
		}
		_exit(work());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return ECHILD;
	return WEXITSTATUS(status);
}

/* ---- perf ---- */

static int count_everywhere(void)
{
	struct perf_event_attr attr = sampler_clock(0);
	struct sampler sampler;
	uint64_t before;
	int result;

	attr.sample_period = 0;
	result = sampler_open(&sampler, &attr, -1);
	if (result)
		return -result;
	for (before = sampler_counted(&sampler); sampler_counted(&sampler) == before;)
		;
	sampler_close(&sampler);
	return 0;
}

/* ---- BPF of cgroups and the network ---- */

static int send_datagram(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	return sendto(fd, "", 1, 0, (const struct sockaddr *)&to, sizeof(to)) == 1 ? 0 : errno;
}

static int open_null(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC) < 0 ? errno : 0;
}

/* A program that says no to everything: with it the cgroup's work is refused, without it not. */
static int cgroup_program(uint32_t type, uint32_t attach_type, int (*work)(void))
{
	const struct bpf_insn refuse[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	union bpf_attr attr = { .attach_type = attach_type };
	int cgroup, program, result, refused = 0;

	if (mkdir(CGROUP, 0700) && errno != EEXIST)
		return errno;
	result = in_child(work, CGROUP);
	cgroup = open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	program = bpf_program(type, attach_type, refuse, 2);
	if (program < 0)
		result = -program;
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	if (!result && syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)))
		result = errno;
	if (!result) {
		refused = in_child(work, CGROUP);
		if (syscall(SYS_bpf, BPF_PROG_DETACH, &attr, sizeof(attr)))
			result = errno;
	}
	if (!result && refused != EPERM)
		result = EPROTO;
	if (!result)
		result = in_child(work, CGROUP);
	close(program);
	close(cgroup);
	rmdir(CGROUP);
	return result;
}

static int filter_of_cgroup_packets(void)
{
	return cgroup_program(BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, send_datagram);
}

static int filter_of_cgroup_devices(void)
{
	return cgroup_program(BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, open_null);
}

/* A filter that drops all; the packet that comes before it arrives, the one after does not. */
static int filter_of_socket(void)
{
	const struct bpf_insn drop[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	int program = bpf_program(BPF_PROG_TYPE_SOCKET_FILTER, 0, drop, 2), pair[2], result = 0;
	char byte = 'a';

	if (program < 0)
		return -program;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
		return errno;
	if (write(pair[0], &byte, 1) != 1 || read(pair[1], &byte, 1) != 1 ||
	    setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)))
		result = errno;
	else if ((write(pair[0], &byte, 1) == 1 || errno == EPERM) && read(pair[1], &byte, 1) == 1)
		result = EPROTO;
	close(pair[0]);
	close(pair[1]);
	close(program);
	return result;
}

/* ---- What strace and ps do ---- */

static int be_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		return errno;
	raise(SIGSTOP);
	syscall(SYS_getpgid, 0x1234);
	return 0;
}

/* Follows a child from system call to system call and finds the one that it made. */
static int trace_a_program(void)
{
	struct user_regs_struct registers;
	bool seen = false;
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(be_traced());
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (!ptrace(PTRACE_GETREGS, pid, NULL, &registers))
			seen |= registers.orig_rax == SYS_getpgid && registers.rdi == 0x1234;
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL))
			return errno;
	}
	return !WIFEXITED(status) || WEXITSTATUS(status) ? ECHILD : seen ? 0 : EPROTO;
}

/* ---- Paths, which the kernel puts together by a function that probes use, too ---- */

static int name_of_program(void)
{
	char link[PATH_MAX], line[PATH_MAX + 128];
	ssize_t length = readlink("/proc/self/exe", link, sizeof(link) - 1);
	bool named = false;
	FILE *maps;

	if (length < 0)
		return errno;
	link[length] = '\0';
	if (access(link, X_OK))
		return errno;
	maps = fopen("/proc/self/maps", "re");
	while (maps && !named && fgets(line, sizeof(line), maps))
		named = strstr(line, link);
	if (maps)
		fclose(maps);
	return named ? 0 : EPROTO;
}

static int name_of_directory(void)
{
	char before[PATH_MAX], path[PATH_MAX];
	int result = 0;

	/* Not getcwd() for the second: where the kernel gives no path, that searches for one. */

	if (!getcwd(before, sizeof(before)))
		return errno;
	if (chdir("/sys/kernel") || syscall(SYS_getcwd, path, sizeof(path)) < 0)
		result = errno;
	else if (strcmp(path, "/sys/kernel"))
		result = EPROTO;
	if (chdir(before))
		return errno;
	return result;
}

static const struct {
	const char *what;
	int (*work)(void);
	const char *config;
} works[] = {
	{ "perf counts on all processors", count_everywhere, NULL },
	{ "BPF filters a cgroup's packets", filter_of_cgroup_packets, "CGROUP_BPF" },
	{ "BPF filters a cgroup's devices", filter_of_cgroup_devices, "CGROUP_BPF" },
	{ "BPF filters a socket's packets", filter_of_socket, NULL },
	{ "an ordinary program is traced", trace_a_program, NULL },
	{ "a program finds its own path", name_of_program, NULL },
	{ "a directory has its name", name_of_directory, NULL },
};

static void try_works(const char *when)
{
	int result;
	size_t i;

	for (i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		if (works[i].config && kernel_lacks(works[i].config)) {
			tap_check(true, "%s: this kernel was built without %s", works[i].what,
				  works[i].config);
			continue;
		}
		result = works[i].work();
		tap_check(!result, "%s, %s: %s", works[i].what, when, strerror(result));
	}
}

/* What ps shows of any process. */
static void list(const struct prey *prey, const char *when)
{
	static const char *const files[] = {
		"cmdline", "comm", "stat", "statm", "status", "cgroup",
	};
	char path[64], text[256];
	ssize_t got;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", prey->pid, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		got = fd < 0 ? -1 : read(fd, text, sizeof(text));
		tap_check(got > 0, "%s of the process can be read, %s", files[i], when);
		if (fd >= 0)
			close(fd);
	}
}

int main(void)
{
	struct prey prey;
	long refusals;

	prey_start(&prey);
	try_works("before there is a region");
	list(&prey, "before there is a region");
	tap_check(!prey_make_region(&prey, 0), "a production region is made");
	tap_check(!strcmp(prey_guards(&prey), "armed"), "guards are %s", prey_guards(&prey));
	try_works("while there is a region");
	list(&prey, "while there is a region");
	tap_check(!prey_harm(&prey), "the process is as it was");
	tap_check(!prey_drop_region(&prey), "the region goes");
	refusals = guards_refusals(NULL);
	tap_check(refusals >= 0, "sysfs tells of guards");
	try_works("when the region is gone");
	tap_check(guards_refusals(NULL) == refusals, "then guards have nothing to refuse");
	prey_end(&prey);
	return tap_end();
}
