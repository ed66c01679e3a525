// SPDX-License-Identifier: Apache-2.0
/* BPF programs as instructions, see bpf_code.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf_code.h"

#define LICENSE		"GPL"
#define KERNEL_TYPES	"/sys/kernel/btf/vmlinux"

void bpf_code_add(struct bpf_code *code, const struct bpf_insn *from, size_t count)
{
	memcpy(&code->at[code->count], from, count * sizeof(*from));
	code->count += count;
}

void bpf_code_find_report(struct bpf_code *code, int map)
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
		 MOVE(BPF_REG_8, BPF_REG_0));
}

int bpf_call(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

/* ---- Maps ---- */

static int make_map(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t entries,
		    uint32_t flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = key_size;
	attr.value_size = value_size;
	attr.max_entries = entries;
	attr.map_flags = flags;
	return bpf_call(BPF_MAP_CREATE, &attr);
}

int bpf_map(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t entries)
{
	return make_map(type, key_size, value_size, entries, 0);
}

int bpf_map_access(enum bpf_cmd command, int map, void *value)
{
	uint64_t key = 0;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)value;
	return bpf_call(command, &attr);
}

int bpf_string(const char *text)
{
	char value[16] = "";
	union bpf_attr attr;
	int map = make_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(value), 1, BPF_F_RDONLY_PROG);
	int result;

	if (map < 0)
		return map;
	snprintf(value, sizeof(value), "%s", text);
	result = bpf_map_access(BPF_MAP_UPDATE_ELEM, map, value);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	if (!result)
		result = bpf_call(BPF_MAP_FREEZE, &attr);
	if (result)
		close(map);
	return result ? result : map;
}

/* ---- Programs ---- */

int bpf_load(union bpf_attr *attr, const struct bpf_insn *code, size_t count)
{
	static char log[16384];
	int result;

	attr->insns = (uintptr_t)code;
	attr->insn_cnt = (uint32_t)count;
	attr->license = (uintptr_t)LICENSE;
	attr->log_buf = (uintptr_t)log;
	attr->log_size = sizeof(log);
	attr->log_level = 1;
	log[0] = '\0';
	result = bpf_call(BPF_PROG_LOAD, attr);
	/* The verifier says what it does not like; a guard says nothing. */
	if (result == -EINVAL || result == -EACCES)
		printf("# %s\n", log);
	return result;
}

int bpf_program(uint32_t type, uint32_t attach_type, const struct bpf_insn *code, size_t count)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.expected_attach_type = attach_type;
	return bpf_load(&attr, code, count);
}

int bpf_attach_raw(int program, const char *tracepoint)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (uintptr_t)tracepoint;
	attr.raw_tracepoint.prog_fd = (uint32_t)program;
	return bpf_call(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

int bpf_attach_event(int program, struct perf_event_attr *attr, pid_t pid)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, pid, pid < 0 ? 0 : -1, -1,
			      PERF_FLAG_FD_CLOEXEC);
	int result;

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) && !ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return fd;
	result = -errno;
	close(fd);
	return result;
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

int bpf_attach_kprobe(int program, const char *function)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = kprobe_type(),
		.kprobe_func = (uintptr_t)function,
		.sample_period = 1,
		.disabled = 1,
	};

	return bpf_attach_event(program, &attr, -1);
}

/* ---- The kernel's types ---- */

/* How much follows a type's beginning; all is in words of four bytes. */
static size_t more_of(uint32_t info)
{
	uint32_t members = BTF_INFO_VLEN(info);

	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return members * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return members * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return members * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return members * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return members * sizeof(struct btf_var_secinfo);
	default:
		return 0;
	}
}

/* What the kernel tells of its types, to be freed; or NULL. */
static uint8_t *read_types(void)
{
	int fd = open(KERNEL_TYPES, O_RDONLY | O_CLOEXEC);
	struct stat status;
	uint8_t *types = NULL;
	ssize_t part = 1;
	size_t got = 0;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &status))
		types = malloc((size_t)status.st_size);
	while (types && part > 0 && got < (size_t)status.st_size) {
		part = read(fd, types + got, (size_t)status.st_size - got);
		got += part > 0 ? (size_t)part : 0;
	}
	close(fd);
	if (types && got == (size_t)status.st_size)
		return types;
	free(types);
	return NULL;
}

static const char *name_in(const uint8_t *types, uint32_t offset)
{
	const struct btf_header *header = (const void *)types;

	return (const char *)types + header->hdr_len + header->str_off + offset;
}

static bool is_called(const uint8_t *types, const struct btf_type *type, const char *name,
		      uint32_t kind)
{
	return BTF_INFO_KIND(type->info) == kind && !strcmp(name_in(types, type->name_off), name);
}

/* The type of that number, or the first of that name and kind, whose number is *@id. */
static const struct btf_type *find_type(const uint8_t *types, uint32_t *id, const char *name,
					uint32_t kind)
{
	const struct btf_header *header = (const void *)types;
	const uint8_t *at = types + header->hdr_len + header->type_off;
	const uint8_t *end = at + header->type_len;
	uint32_t number;

	for (number = 1; at < end; number++) {
		const struct btf_type *type = (const void *)at;

		if (name ? is_called(types, type, name, kind) : number == *id) {
			*id = number;
			return type;
		}
		at += sizeof(*type) + more_of(type->info);
	}
	*id = 0;
	return NULL;
}

uint32_t bpf_type_id(const char *name, uint32_t kind)
{
	uint8_t *types = read_types();
	uint32_t id = 0;

	if (types)
		find_type(types, &id, name, kind);
	free(types);
	return id;
}

static const struct btf_member *find_member(const uint8_t *types, const struct btf_type *type,
					    const char *name, size_t length)
{
	const struct btf_member *members = (const void *)(type + 1);
	const char *its;
	uint32_t i;

	for (i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		its = name_in(types, members[i].name_off);
		if (!strncmp(its, name, length) && !its[length])
			return &members[i];
	}
	return NULL;
}

int bpf_member_offset(const char *structure, const char *path)
{
	uint8_t *types = read_types();
	const struct btf_type *type;
	const struct btf_member *member;
	int offset = 0;
	uint32_t id = 0;
	size_t length;

	if (!types)
		return -ENOENT;
	type = find_type(types, &id, structure, BTF_KIND_STRUCT);
	while (type && *path) {
		length = strcspn(path, ".");
		member = find_member(types, type, path, length);
		if (!member) {
			type = NULL;
			break;
		}
		/* The lower 24 bits where a structure has fields of bits. */
		offset += (int)(member->offset & 0xffffff) / 8;
		id = member->type;
		type = find_type(types, &id, NULL, 0);
		path += length + (path[length] == '.');
	}
	free(types);
	return type ? offset : -ENOENT;
}
