// SPDX-License-Identifier: Apache-2.0
/* BPF programs that spy, see spy.h. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "bpf_code.h"
#include "sampler.h"
#include "spy.h"
#include "tracefs.h"

#define FIELD(name)	((int)offsetof(struct spy_report, name))

/* Finds the report (register 8) and leaves unless the process is the one; 6 is the context. */
static void add_beginning(struct bpf_code *code, int map)
{
	bpf_code_find_report(code, map);
	ADD_CODE(code,
		 CALL(BPF_FUNC_get_current_pid_tgid),
		 SHIFT_RIGHT(BPF_REG_0, 32),
		 LOAD(BPF_REG_1, BPF_REG_8, FIELD(process)),
		 SKIP_IF_SAME(BPF_REG_0, BPF_REG_1),
		 LEAVE,
		 LOAD(BPF_REG_1, BPF_REG_8, FIELD(runs)),
		 ADD(BPF_REG_1, 1),
		 STORE(BPF_REG_8, FIELD(runs), BPF_REG_1));
}

static void add_reads(struct bpf_code *code)
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
static void add_register_read(struct bpf_code *code)
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

static void add_registers(struct bpf_code *code, enum spy_kind kind)
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

int spy_aim(struct spy *spy, const struct spy_report *report)
{
	struct spy_report copy = *report;

	return bpf_map_access(BPF_MAP_UPDATE_ELEM, spy->map, &copy);
}

int spy_report(const struct spy *spy, struct spy_report *report)
{
	return bpf_map_access(BPF_MAP_LOOKUP_ELEM, spy->map, report);
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
		return bpf_attach_raw(spy->program, "sys_enter");
	case SPY_PAGE_FAULT:
		return bpf_attach_raw(spy->program, "page_fault_user");
	case SPY_TRACEPOINT:
		attr.type = PERF_TYPE_TRACEPOINT;
		attr.config = (uint64_t)trace_event_id("syscalls/sys_enter_getpgid");
		return bpf_attach_event(spy->program, &attr, -1);
	case SPY_KPROBE:
		return bpf_attach_kprobe(spy->program, "__x64_sys_getpgid");
	case SPY_PERF_EVENT:
		attr = sampler_clock(0);
		attr.disabled = 1;
		return bpf_attach_event(spy->program, &attr, pid);
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
	struct bpf_code code = { .count = 0 };
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
