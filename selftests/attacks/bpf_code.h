/* SPDX-License-Identifier: Apache-2.0 */
/* BPF programs as instructions; bpf(2) as it is. */
#ifndef CLOISTER_ATTACKS_BPF_CODE_H
#define CLOISTER_ATTACKS_BPF_CODE_H

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOAD(to, from, offset)	{ BPF_LDX | BPF_MEM | BPF_DW, to, from, offset, 0 }
#define LOAD_HALF(to, from, offset) { BPF_LDX | BPF_MEM | BPF_H, to, from, offset, 0 }
#define LOAD_WORD(to, from, offset) { BPF_LDX | BPF_MEM | BPF_W, to, from, offset, 0 }
#define STORE_WORD(to, offset, from) { BPF_STX | BPF_MEM | BPF_W, to, from, offset, 0 }
#define STORE(to, offset, from)	{ BPF_STX | BPF_MEM | BPF_DW, to, from, offset, 0 }
#define STORE_ZERO(to, offset)	{ BPF_ST | BPF_MEM | BPF_DW, to, 0, offset, 0 }
#define MOVE(to, from)		{ BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0 }
#define SET(to, value)		{ BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value }
#define ADD(to, value)		{ BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value }
#define SHIFT_RIGHT(to, bits)	{ BPF_ALU64 | BPF_RSH | BPF_K, to, 0, 0, bits }
#define CALL(function)		{ BPF_JMP | BPF_CALL, 0, 0, 0, function }
/* A function of the kernel's, by the number of its type. */
#define CALL_KERNEL(id)		{ BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (int)(id) }
#define JUMP_UNLESS_SET(reg, by) { BPF_JMP | BPF_JEQ | BPF_K, reg, 0, by, 0 }
#define JUMP_UNLESS_SAME(a, b, by) { BPF_JMP | BPF_JNE | BPF_X, a, b, by, 0 }
#define SKIP_IF_SET(reg)	{ BPF_JMP | BPF_JNE | BPF_K, reg, 0, 2, 0 }
#define SKIP_IF_SAME(a, b)	{ BPF_JMP | BPF_JEQ | BPF_X, a, b, 2, 0 }
#define SKIP_ONE_UNLESS_SAME(a, b) { BPF_JMP | BPF_JNE | BPF_X, a, b, 1, 0 }
#define LEAVE			SET(BPF_REG_0, 0), { BPF_JMP | BPF_EXIT, 0, 0, 0, 0 }
#define MAP(to, fd)							\
	{ BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, fd },	\
	{ 0, 0, 0, 0, 0 }
/* The address of a map's first value. */
#define MAP_VALUE(to, fd)						\
	{ BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_VALUE, 0, fd },	\
	{ 0, 0, 0, 0, 0 }

/* Places of registers in the kernel's struct pt_regs of x86-64. */
#define PT_R12		24
#define PT_SI		104
#define PT_DI		112

#define BPF_CODE_MAX	64

struct bpf_code {
	struct bpf_insn at[BPF_CODE_MAX];
	size_t count;
};

void bpf_code_add(struct bpf_code *code, const struct bpf_insn *from, size_t count);
/*
 * A program's beginning: value 0 of @map in register 8, or the program ends; the context in 6. What
 * stands on the stack at -8 is 0.
 */
void bpf_code_find_report(struct bpf_code *code, int map);

#define ADD_CODE(code, ...) do {						\
	const struct bpf_insn list[] = { __VA_ARGS__ };				\
	bpf_code_add(code, list, sizeof(list) / sizeof(list[0]));		\
} while (0)

/* Each returns a descriptor, or 0 where there is none, or -errno. */
int bpf_call(enum bpf_cmd command, union bpf_attr *attr);
int bpf_map(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t entries);
/* Value 0 of an array: BPF_MAP_UPDATE_ELEM, BPF_MAP_LOOKUP_ELEM. */
int bpf_map_access(enum bpf_cmd command, int map, void *value);
/* A string that programs can name, in a map that nobody can write to any more. */
int bpf_string(const char *text);
int bpf_program(uint32_t type, uint32_t attach_type, const struct bpf_insn *code, size_t count);
/* The same with more in @attr than type and attach type. */
int bpf_load(union bpf_attr *attr, const struct bpf_insn *code, size_t count);

/* @tracepoint: NULL for programs that were loaded for one place. */
int bpf_attach_raw(int program, const char *tracepoint);
int bpf_attach_event(int program, struct perf_event_attr *attr, pid_t pid);
int bpf_attach_kprobe(int program, const char *function);

/* The number of one of the kernel's types: BTF_KIND_FUNC, BTF_KIND_TYPEDEF; 0: there is none. */
uint32_t bpf_type_id(const char *name, uint32_t kind);
/* Where a member of a member ("a.b.c") of a structure is, in bytes; -ENOENT: there is none. */
int bpf_member_offset(const char *structure, const char *path);

#endif
