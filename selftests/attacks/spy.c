// SPDX-License-Identifier: Apache-2.0
/* BPF programs that spy, see spy.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sampler.h"
#include "spy.h"
#include "tracefs.h"

#define LOAD(to, from, offset)	{ BPF_LDX | BPF_MEM | BPF_DW, to, from, offset, 0 }
#define STORE(to, offset, from)	{ BPF_STX | BPF_MEM | BPF_DW, to, from, offset, 0 }
#define STORE_ZERO(to, offset)	{ BPF_ST | BPF_MEM | BPF_DW, to, 0, offset, 0 }
#define MOVE(to, from)		{ BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0 }
#define SET(to, value)		{ BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value }
#define ADD(to, value)		{ BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value }
#define SHIFT_RIGHT(to, bits)	{ BPF_ALU64 | BPF_RSH | BPF_K, to, 0, 0, bits }
#define CALL(function)		{ BPF_JMP | BPF_CALL, 0, 0, 0, function }
#define SKIP_IF_SET(reg)	{ BPF_JMP | BPF_JNE | BPF_K, reg, 0, 2, 0 }
#define SKIP_IF_SAME(a, b)	{ BPF_JMP | BPF_JEQ | BPF_X, a, b, 2, 0 }
#define SKIP_ONE_UNLESS_SAME(a, b) { BPF_JMP | BPF_JNE | BPF_X, a, b, 1, 0 }
#define LEAVE			SET(BPF_REG_0, 0), { BPF_JMP | BPF_EXIT, 0, 0, 0, 0 }
#define MAP(to, fd)							\
	{ BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, fd },	\
	{ 0, 0, 0, 0, 0 }

#define FIELD(name)	((int)offsetof(struct spy_report, name))

/* Places of registers in the kernel's struct pt_regs of x86-64. */
#define PT_R12		24
#define PT_SI		104
#define PT_DI		112

#define LICENSE		"GPL"
#define MAX_CODE	64

struct code {
	struct bpf_insn at[MAX_CODE];
	size_t count;
};

static void add(struct code *code, const struct bpf_insn *from, size_t count)
{
	memcpy(&code->at[code->count], from, count * sizeof(*from));
	code->count += count;
}

#define ADD_CODE(code, ...) do {						\
	const struct bpf_insn list[] = { __VA_ARGS__ };				\
	add(code, list, sizeof(list) / sizeof(list[0]));			\
} while (0)

/* Finds the report (register 8) and leaves unless the process is the one; 6 is the context. */
static void add_beginning(struct code *code, int map)
{
	ADD_CODE(code,
		 MOVE(BPF_REG_6, BPF_REG_1),
		 STORE_ZERO(BPF_REG_10, -8),
		 MAP(BPF_REG_1, map),
		 MOVE(BPF_REG_2, BPF_REG_10),
		 ADD(BPF_REG_2, -8),
		 CALL(BPF_FUNC_map_lookup_elem),
		 SKIP_IF_SET(BPF_REG_0),
		 LEAVE,
		 MOVE(BPF_REG_8, BPF_REG_0),
		 CALL(BPF_FUNC_get_current_pid_tgid),
		 SHIFT_RIGHT(BPF_REG_0, 32),
		 LOAD(BPF_REG_1, BPF_REG_8, FIELD(process)),
		 SKIP_IF_SAME(BPF_REG_0, BPF_REG_1),
		 LEAVE,
		 LOAD(BPF_REG_1, BPF_REG_8, FIELD(runs)),
		 ADD(BPF_REG_1, 1),
		 STORE(BPF_REG_8, FIELD(runs), BPF_REG_1));
}

static void add_reads(struct code *code)
{
	ADD_CODE(code,
		 MOVE(BPF_REG_1, BPF_REG_8),
		 ADD(BPF_REG_1, FIELD(user_word)),
		 SET(BPF_REG_2, 8),
		 LOAD(BPF_REG_3, BPF_REG_8, FIELD(user_address)),
		 CALL(BPF_FUNC_probe_read_user),
		 MOVE(BPF_REG_1, BPF_REG_8),
		 ADD(BPF_REG_1, FIELD(kernel_word)),
		 SET(BPF_REG_2, 8),
		 LOAD(BPF_REG_3, BPF_REG_8, FIELD(kernel_address)),
		 CALL(BPF_FUNC_probe_read_kernel));
}

/* Register 3 points at the saved registers, from which the second argument goes to register 1. */
static void add_register_read(struct code *code)
{
	ADD_CODE(code,
		 ADD(BPF_REG_3, PT_SI),
		 STORE_ZERO(BPF_REG_10, -16),
		 MOVE(BPF_REG_1, BPF_REG_10),
		 ADD(BPF_REG_1, -16),
		 SET(BPF_REG_2, 8),
		 CALL(BPF_FUNC_probe_read_kernel),
		 LOAD(BPF_REG_1, BPF_REG_10, -16));
}

static void add_registers(struct code *code, enum spy_kind kind)
{
	switch (kind) {
	case SPY_RAW_TRACEPOINT:
		ADD_CODE(code, LOAD(BPF_REG_3, BPF_REG_6, 0));
		add_register_read(code);
		break;
	case SPY_KPROBE:
		ADD_CODE(code, LOAD(BPF_REG_3, BPF_REG_6, PT_DI));
		add_register_read(code);
		break;
	case SPY_PERF_EVENT:
		ADD_CODE(code, LOAD(BPF_REG_1, BPF_REG_6, PT_R12));
		break;
	case SPY_PAGE_FAULT:
		ADD_CODE(code, LOAD(BPF_REG_1, BPF_REG_6, 0));
		break;
	case SPY_TASK_REGISTERS:
		ADD_CODE(code, CALL(BPF_FUNC_get_current_task_btf),
			 MOVE(BPF_REG_1, BPF_REG_0),
			 CALL(BPF_FUNC_task_pt_regs),
			 LOAD(BPF_REG_1, BPF_REG_0, PT_SI));
		break;
	case SPY_TRACEPOINT:
		return;
	}
	/* The program runs at many places: it keeps the word only if it is the one. */
	ADD_CODE(code,
		 LOAD(BPF_REG_2, BPF_REG_8, FIELD(register_sought)),
		 SKIP_ONE_UNLESS_SAME(BPF_REG_1, BPF_REG_2),
		 STORE(BPF_REG_8, FIELD(register_word), BPF_REG_1));
}

static int call_bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

int bpf_map(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t entries)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = key_size;
	attr.value_size = value_size;
	attr.max_entries = entries;
	return call_bpf(BPF_MAP_CREATE, &attr);
}

int bpf_program(uint32_t type, uint32_t attach_type, const struct bpf_insn *code, size_t count)
{
	static char log[16384];
	union bpf_attr attr;
	int result;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.expected_attach_type = attach_type;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = (uint32_t)count;
	attr.license = (uintptr_t)LICENSE;
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	log[0] = '\0';
	result = call_bpf(BPF_PROG_LOAD, &attr);
	/* The verifier says what it does not like; a guard says nothing. */
	if (result == -EINVAL || result == -EACCES)
		printf("# %s\n", log);
	return result;
}

static int access_map(enum bpf_cmd command, int map, struct spy_report *report)
{
	uint64_t key = 0;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)report;
	return call_bpf(command, &attr);
}

int spy_aim(struct spy *spy, const struct spy_report *report)
{
	struct spy_report copy = *report;

	return access_map(BPF_MAP_UPDATE_ELEM, spy->map, &copy);
}

int spy_report(const struct spy *spy, struct spy_report *report)
{
	return access_map(BPF_MAP_LOOKUP_ELEM, spy->map, report);
}

static int attach_raw(const struct spy *spy, const char *tracepoint)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (uintptr_t)tracepoint;
	attr.raw_tracepoint.prog_fd = (uint32_t)spy->program;
	return call_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

/* The type number of kprobes as perf knows them. */
static uint32_t kprobe_type(void)
{
	FILE *file = fopen("/sys/bus/event_source/devices/kprobe/type", "re");
	uint32_t type = 0;

	if (file && fscanf(file, "%u", &type) != 1)
		type = 0;
	if (file)
		fclose(file);
	return type;
}

static int attach_event(const struct spy *spy, struct perf_event_attr *attr, pid_t pid)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, pid, pid < 0 ? 0 : -1, -1,
			      PERF_FLAG_FD_CLOEXEC);
	int result;

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, PERF_EVENT_IOC_SET_BPF, spy->program) &&
	    !ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return fd;
	result = -errno;
	close(fd);
	return result;
}

/* Programs of tracepoints and kprobes run for all tasks, whatever the event is opened on. */
static int attach(const struct spy *spy, pid_t pid)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.sample_period = 1,
		.disabled = 1,
	};

	switch (spy->kind) {
	case SPY_RAW_TRACEPOINT:
	case SPY_TASK_REGISTERS:
		return attach_raw(spy, "sys_enter");
	case SPY_PAGE_FAULT:
		return attach_raw(spy, "page_fault_user");
	case SPY_TRACEPOINT:
		attr.type = PERF_TYPE_TRACEPOINT;
		attr.config = (uint64_t)trace_event_id("syscalls/sys_enter_getpgid");
		return attach_event(spy, &attr, -1);
	case SPY_KPROBE:
		attr.type = kprobe_type();
		attr.kprobe_func = (uintptr_t)"__x64_sys_getpgid";
		return attach_event(spy, &attr, -1);
	case SPY_PERF_EVENT:
		attr = sampler_clock(0);
		attr.disabled = 1;
		return attach_event(spy, &attr, pid);
	}
	return -EINVAL;
}

static uint32_t program_type(enum spy_kind kind)
{
	switch (kind) {
	case SPY_TRACEPOINT:
		return BPF_PROG_TYPE_TRACEPOINT;
	case SPY_KPROBE:
		return BPF_PROG_TYPE_KPROBE;
	case SPY_PERF_EVENT:
		return BPF_PROG_TYPE_PERF_EVENT;
	default:
		return BPF_PROG_TYPE_RAW_TRACEPOINT;
	}
}

int spy_start(struct spy *spy, enum spy_kind kind, pid_t pid)
{
	struct code code = { .count = 0 };
	int result;

	spy->kind = kind;
	spy->program = -1;
	spy->link = -1;
	spy->map = bpf_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct spy_report), 1);
	if (spy->map < 0)
		return spy->map;
	add_beginning(&code, spy->map);
	add_reads(&code);
	add_registers(&code, kind);
	ADD_CODE(&code, LEAVE);
	spy->program = bpf_program(program_type(kind), 0, code.at, code.count);
	result = spy->program;
	if (result >= 0) {
		spy->link = attach(spy, pid);
		result = spy->link;
	}
	if (result < 0)
		spy_stop(spy);
	return result < 0 ? result : 0;
}

void spy_stop(struct spy *spy)
{
	if (spy->link >= 0)
		close(spy->link);
	if (spy->program >= 0)
		close(spy->program);
	close(spy->map);
}
