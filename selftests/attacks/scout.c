// SPDX-License-Identifier: Apache-2.0
/* BPF programs that get at kernel memory and registers, see scout.h. */
#include <errno.h>
#include <linux/btf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf_code.h"
#include "scout.h"

#define TEXT	48

/* Where the kernel's struct sock, and so each kind of socket, begins with its family. */
#define SOCKET_FAMILY	16

/* What a scout is told and what it finds; the layout is known to the programs. */
struct report {
	uint64_t process;
	uint64_t address;
	uint64_t sought;
	uint64_t word;
	char text[TEXT];
};

#define FIELD(name)	((int)offsetof(struct report, name))

static bool sees_packets(const struct scout_plan *plan)
{
	return !plan->target;
}

/* Leaves in any process but the one. */
static void add_choice(struct bpf_code *code)
{
	ADD_CODE(code,
		 CALL(BPF_FUNC_get_current_pid_tgid),
		 SHIFT_RIGHT(BPF_REG_0, 32),
		 LOAD(BPF_REG_1, BPF_REG_8, FIELD(process)),
		 SKIP_IF_SAME(BPF_REG_0, BPF_REG_1),
		 LEAVE);
}

static void add_snprintf(struct bpf_code *code, int format)
{
	ADD_CODE(code,
		 LOAD(BPF_REG_1, BPF_REG_8, FIELD(address)),
		 STORE(BPF_REG_10, -16, BPF_REG_1),
		 MOVE(BPF_REG_1, BPF_REG_8),
		 ADD(BPF_REG_1, FIELD(text)),
		 SET(BPF_REG_2, TEXT),
		 MAP_VALUE(BPF_REG_3, format),
		 MOVE(BPF_REG_4, BPF_REG_10),
		 ADD(BPF_REG_4, -16),
		 SET(BPF_REG_5, 8),
		 CALL(BPF_FUNC_snprintf));
}

/* From an address in register 3. */
static void add_copy(struct bpf_code *code, int field, int size, int helper)
{
	ADD_CODE(code,
		 MOVE(BPF_REG_1, BPF_REG_8),
		 ADD(BPF_REG_1, field),
		 SET(BPF_REG_2, size),
		 CALL(helper));
}

static void add_stack(struct bpf_code *code)
{
	ADD_CODE(code,
		 MOVE(BPF_REG_1, BPF_REG_6),
		 MOVE(BPF_REG_2, BPF_REG_8),
		 ADD(BPF_REG_2, FIELD(word)),
		 SET(BPF_REG_3, 8),
		 SET(BPF_REG_4, BPF_F_USER_STACK),
		 CALL(BPF_FUNC_get_stack));
}

/* Keeps what register 1 has only if that is sought: the program may see many tasks. */
static void add_keep(struct bpf_code *code)
{
	ADD_CODE(code,
		 LOAD(BPF_REG_2, BPF_REG_8, FIELD(sought)),
		 SKIP_ONE_UNLESS_SAME(BPF_REG_1, BPF_REG_2),
		 STORE(BPF_REG_8, FIELD(word), BPF_REG_1));
}

/* Register 1 points at a task, by its type. */
static void add_registers(struct bpf_code *code)
{
	ADD_CODE(code,
		 CALL(BPF_FUNC_task_pt_regs),
		 MOVE(BPF_REG_9, BPF_REG_0),
		 LOAD(BPF_REG_1, BPF_REG_9, PT_SI));
	add_keep(code);
	ADD_CODE(code, LOAD(BPF_REG_1, BPF_REG_9, PT_R12));
	add_keep(code);
}

/* A packet has its sender's socket; no helper of tracing is in this, only types. */
static void add_socket(struct bpf_code *code)
{
	ADD_CODE(code,
		 LOAD(BPF_REG_1, BPF_REG_6, (int)offsetof(struct __sk_buff, sk)),
		 SKIP_IF_SET(BPF_REG_1),
		 LEAVE,
		 CALL(BPF_FUNC_skc_to_unix_sock),
		 SKIP_IF_SET(BPF_REG_0),
		 LEAVE,
		 LOAD_HALF(BPF_REG_1, BPF_REG_0, SOCKET_FAMILY),
		 STORE(BPF_REG_8, FIELD(word), BPF_REG_1));
}

/* The second word of an iterator's context is a task, or NULL at the end. */
static void add_listed(struct bpf_code *code, int to)
{
	ADD_CODE(code,
		 LOAD(to, BPF_REG_6, 8),
		 SKIP_IF_SET(to),
		 LEAVE);
}

static void add_listed_memory(struct bpf_code *code)
{
	add_listed(code, BPF_REG_4);
	ADD_CODE(code,
		 MOVE(BPF_REG_1, BPF_REG_10),
		 ADD(BPF_REG_1, -16),
		 SET(BPF_REG_2, 8),
		 LOAD(BPF_REG_3, BPF_REG_8, FIELD(address)),
		 SET(BPF_REG_5, 0),
		 CALL(BPF_FUNC_copy_from_user_task),
		 LOAD(BPF_REG_1, BPF_REG_10, -16));
	add_keep(code);
}

/* What a task that does not run has in vector register 7, as the kernel saves it. */
#define SAVED_VECTORS	"thread.fpu.__fpstate.regs.fxsave.xmm_space"
#define VECTOR		(7 * 16)

/* By functions of the kernel's that any type of program may call, from Linux 6.7 on. */
static void add_found_vector(struct bpf_code *code)
{
	int vector = bpf_member_offset("task_struct", SAVED_VECTORS) + VECTOR;
	int process = bpf_member_offset("task_struct", "tgid");

	ADD_CODE(code,
		 MOVE(BPF_REG_1, BPF_REG_10),
		 ADD(BPF_REG_1, -24),
		 SET(BPF_REG_2, 0),
		 SET(BPF_REG_3, 0),
		 CALL_KERNEL(bpf_type_id("bpf_iter_task_new", BTF_KIND_FUNC)),
		 /* For each task: */
		 MOVE(BPF_REG_1, BPF_REG_10),
		 ADD(BPF_REG_1, -24),
		 CALL_KERNEL(bpf_type_id("bpf_iter_task_next", BTF_KIND_FUNC)),
		 JUMP_UNLESS_SET(BPF_REG_0, 7),
		 LOAD_WORD(BPF_REG_1, BPF_REG_0, process),
		 LOAD(BPF_REG_2, BPF_REG_8, FIELD(process)),
		 JUMP_UNLESS_SAME(BPF_REG_1, BPF_REG_2, -7),
		 LOAD_WORD(BPF_REG_1, BPF_REG_0, vector),
		 STORE_WORD(BPF_REG_8, FIELD(word), BPF_REG_1),
		 LOAD_WORD(BPF_REG_1, BPF_REG_0, vector + 4),
		 STORE_WORD(BPF_REG_8, FIELD(word) + 4, BPF_REG_1),
		 /* At the end: */
		 MOVE(BPF_REG_1, BPF_REG_10),
		 ADD(BPF_REG_1, -24),
		 CALL_KERNEL(bpf_type_id("bpf_iter_task_destroy", BTF_KIND_FUNC)));
}

static void add_way(struct bpf_code *code, enum scout_way way, int format)
{
	switch (way) {
	case SCOUT_NOTHING:
		break;
	case SCOUT_CONTEXT:
		ADD_CODE(code, LOAD(BPF_REG_1, BPF_REG_6, 0),
			 STORE(BPF_REG_8, FIELD(word), BPF_REG_1));
		break;
	case SCOUT_SNPRINTF:
	case SCOUT_SNPRINTF_IP:
		add_snprintf(code, format);
		break;
	case SCOUT_PROBE:
		ADD_CODE(code, LOAD(BPF_REG_3, BPF_REG_8, FIELD(address)));
		add_copy(code, FIELD(word), 8, BPF_FUNC_probe_read_kernel);
		break;
	case SCOUT_PROBE_STRING:
		ADD_CODE(code, LOAD(BPF_REG_3, BPF_REG_8, FIELD(address)));
		add_copy(code, FIELD(text), TEXT, BPF_FUNC_probe_read_kernel_str);
		break;
	case SCOUT_COPY:
		ADD_CODE(code, LOAD(BPF_REG_3, BPF_REG_8, FIELD(address)));
		add_copy(code, FIELD(word), 8, BPF_FUNC_copy_from_user);
		break;
	case SCOUT_STACK:
		add_stack(code);
		break;
	case SCOUT_CALLER:
		ADD_CODE(code, LOAD(BPF_REG_3, BPF_REG_6, PT_DI), ADD(BPF_REG_3, PT_SI));
		add_copy(code, FIELD(word), 8, BPF_FUNC_probe_read_kernel);
		break;
	case SCOUT_OWN_REGISTERS:
		ADD_CODE(code, CALL(BPF_FUNC_get_current_task_btf), MOVE(BPF_REG_1, BPF_REG_0));
		add_registers(code);
		break;
	case SCOUT_GIVEN_REGISTERS:
		ADD_CODE(code, LOAD(BPF_REG_1, BPF_REG_6, 0));
		add_registers(code);
		break;
	case SCOUT_SOCKET:
		add_socket(code);
		break;
	case SCOUT_LISTED_REGISTERS:
		add_listed(code, BPF_REG_1);
		add_registers(code);
		break;
	case SCOUT_FOUND_VECTOR:
		add_found_vector(code);
		break;
	case SCOUT_LISTED_MEMORY:
		add_listed_memory(code);
		break;
	}
}

/* ---- Loading and attaching ---- */

/* The name that the kernel's types have for what a program of that kind is loaded for. */
static uint32_t target_type(const struct scout_plan *plan)
{
	char name[80];

	switch (plan->attach_type) {
	case BPF_TRACE_RAW_TP:
		snprintf(name, sizeof(name), "btf_trace_%s", plan->target);
		return bpf_type_id(name, BTF_KIND_TYPEDEF);
	case BPF_TRACE_ITER:
		snprintf(name, sizeof(name), "bpf_iter_%s", plan->target);
		return bpf_type_id(name, BTF_KIND_FUNC);
	case BPF_LSM_MAC:
		snprintf(name, sizeof(name), "bpf_lsm_%s", plan->target);
		return bpf_type_id(name, BTF_KIND_FUNC);
	default:
		return bpf_type_id(plan->target, BTF_KIND_FUNC);
	}
}

static int load(struct scout *scout)
{
	const struct scout_plan *plan = scout->plan;
	struct bpf_code code = { .count = 0 };
	union bpf_attr attr;

	bpf_code_find_report(&code, scout->map);
	if (!sees_packets(plan))
		add_choice(&code);
	add_way(&code, plan->way, scout->format);
	ADD_CODE(&code, LEAVE);
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = plan->type;
	attr.prog_flags = plan->flags;
	if (!sees_packets(plan))
		attr.expected_attach_type = plan->attach_type;
	if (plan->type == BPF_PROG_TYPE_TRACING || plan->type == BPF_PROG_TYPE_LSM) {
		attr.attach_btf_id = target_type(plan);
		if (!attr.attach_btf_id)
			return -ESRCH;
	}
	return bpf_load(&attr, code.at, code.count);
}

static int link_program(const struct scout *scout)
{
	const char *names[] = { scout->plan->target };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)scout->program;
	attr.link_create.attach_type = scout->plan->attach_type;
	if (scout->plan->attach_type == BPF_TRACE_KPROBE_MULTI) {
		attr.link_create.kprobe_multi.syms = (uintptr_t)names;
		attr.link_create.kprobe_multi.cnt = 1;
	}
	return bpf_call(BPF_LINK_CREATE, &attr);
}

/* -1: there is nothing to attach. */
static int attach(const struct scout *scout)
{
	const struct scout_plan *plan = scout->plan;

	if (sees_packets(plan))
		return -1;
	if (plan->attach_type == BPF_TRACE_ITER || plan->attach_type == BPF_TRACE_KPROBE_MULTI)
		return link_program(scout);
	if (plan->type == BPF_PROG_TYPE_KPROBE)
		return bpf_attach_kprobe(scout->program, plan->target);
	return bpf_attach_raw(scout->program, plan->type == BPF_PROG_TYPE_RAW_TRACEPOINT ?
			      plan->target : NULL);
}

int scout_iterate(struct scout *scout)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.iter_create.link_fd = (uint32_t)scout->link;
	return bpf_call(BPF_ITER_CREATE, &attr);
}

static int begin_iterators(struct scout *scout)
{
	unsigned int i;

	for (i = 0; i < SCOUT_ITERATORS; i++) {
		scout->iterators[i] = scout_iterate(scout);
		if (scout->iterators[i] < 0)
			return scout->iterators[i];
	}
	return 0;
}

static int begin(struct scout *scout)
{
	const enum scout_way way = scout->plan->way;

	scout->map = bpf_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct report), 1);
	if (scout->map < 0)
		return scout->map;
	if (way == SCOUT_SNPRINTF || way == SCOUT_SNPRINTF_IP) {
		scout->format = bpf_string(way == SCOUT_SNPRINTF ? "%s" : "%pI6");
		if (scout->format < 0)
			return scout->format;
	}
	scout->program = load(scout);
	if (scout->program < 0)
		return scout->program;
	scout->link = attach(scout);
	if (scout->link < 0)
		return sees_packets(scout->plan) ? 0 : scout->link;
	return scout->plan->attach_type == BPF_TRACE_ITER && !sees_packets(scout->plan) ?
		begin_iterators(scout) : 0;
}

int scout_start(struct scout *scout, const struct scout_plan *plan)
{
	unsigned int i;
	int result;

	*scout = (struct scout){ .plan = plan, .map = -1, .format = -1, .program = -1, .link = -1 };
	for (i = 0; i < SCOUT_ITERATORS; i++)
		scout->iterators[i] = -1;
	result = begin(scout);
	if (result)
		scout_stop(scout);
	return result;
}

static void let_go(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void scout_stop(struct scout *scout)
{
	unsigned int i;

	for (i = 0; i < SCOUT_ITERATORS; i++)
		let_go(&scout->iterators[i]);
	let_go(&scout->link);
	let_go(&scout->program);
	let_go(&scout->format);
	let_go(&scout->map);
}

/* ---- Use ---- */

int scout_aim(struct scout *scout, pid_t process, uint64_t address, uint64_t sought)
{
	struct report report = {
		.process = (uint64_t)process, .address = address, .sought = sought,
	};

	return bpf_map_access(BPF_MAP_UPDATE_ELEM, scout->map, &report);
}

/* The first eight of sixteen bytes that are written as an IPv6 address, in groups of digits. */
static uint64_t word_of_address(const char *text)
{
	unsigned int byte;
	uint64_t word = 0;
	int i;

	for (i = 0; i < 8; i++, text += 2) {
		text += *text == ':';
		if (sscanf(text, "%2x", &byte) != 1)
			return 0;
		word |= (uint64_t)byte << (8 * i);
	}
	return word;
}

static uint64_t word_of(const struct report *report, enum scout_way way)
{
	uint64_t word;

	if (way == SCOUT_SNPRINTF_IP)
		return word_of_address(report->text);
	if (way != SCOUT_SNPRINTF && way != SCOUT_PROBE_STRING)
		return report->word;
	memcpy(&word, report->text, sizeof(word));
	return word;
}

bool scout_found(struct scout *scout)
{
	struct report report;

	return !bpf_map_access(BPF_MAP_LOOKUP_ELEM, scout->map, &report) &&
		word_of(&report, scout->plan->way) == report.sought;
}

uint64_t scout_word(struct scout *scout)
{
	struct report report;

	if (bpf_map_access(BPF_MAP_LOOKUP_ELEM, scout->map, &report))
		return 0;
	return word_of(&report, scout->plan->way);
}

int scout_learn(struct prey *prey, uint64_t *registers)
{
	static const struct scout_plan learner = {
		.type = BPF_PROG_TYPE_RAW_TRACEPOINT, .target = "sys_enter", .way = SCOUT_CONTEXT,
	};
	struct scout scout;
	int result = scout_start(&scout, &learner);

	if (result)
		return result;
	result = scout_aim(&scout, prey->pid, 0, 0);
	if (!result)
		result = prey_work(prey, 1, 0);
	*registers = scout_word(&scout);
	scout_stop(&scout);
	return result || *registers ? result : -ENODATA;
}

int scout_test_run(struct scout *scout)
{
	uint8_t packet[64] = { 0 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)scout->program;
	attr.test.data_in = (uintptr_t)packet;
	attr.test.data_size_in = sizeof(packet);
	attr.test.repeat = 1;
	return bpf_call(BPF_PROG_TEST_RUN, &attr);
}

int scout_read_all(int fd)
{
	char text[64];
	ssize_t got;

	do {
		got = read(fd, text, sizeof(text));
	} while (got > 0);
	return got ? -errno : 0;
}

int scout_read(struct scout *scout)
{
	if (scout->iterator == SCOUT_ITERATORS)
		return -ENFILE;
	return scout_read_all(scout->iterators[scout->iterator++]);
}
