// SPDX-License-Identifier: Apache-2.0
/*
 * Root goes for the kernel instead of the process: reads all memory, forces the module out, loads
 * another kernel, switches off what guards are made of.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

#define KCORE		"/proc/kcore"
#define FTRACE		"/proc/sys/kernel/ftrace_enabled"
#define TAMPER_FILE	"/lib/modules/cloister/cloister_tamper.ko"

static int held = -1;

static int hold_kcore(struct prey *prey)
{
	(void)prey;
	held = open(KCORE, O_RDONLY | O_CLOEXEC);
	return held < 0 ? -errno : 0;
}

static void close_held(void)
{
	close(held);
	held = -1;
}

/* Where in the file an address of the kernel's is; 0: nowhere. */
static off_t place_of(int fd, uint64_t address)
{
	Elf64_Phdr header;
	Elf64_Ehdr elf;
	off_t place = 0;
	size_t i;

	if (pread(fd, &elf, sizeof(elf), 0) != sizeof(elf))
		return 0;
	for (i = 0; !place && i < elf.e_phnum; i++) {
		if (pread(fd, &header, sizeof(header),
			  (off_t)(elf.e_phoff + i * sizeof(header))) != sizeof(header))
			return 0;
		if (header.p_type == PT_LOAD && address >= header.p_vaddr &&
		    address - header.p_vaddr < header.p_memsz)
			place = (off_t)(address - header.p_vaddr + header.p_offset);
	}
	return place;
}

/* Of the file's layout too: with it all of memory can be searched. */
static int read_kcore(int fd, struct prey *prey)
{
	off_t place;
	uint64_t word = 0;

	errno = 0;
	place = place_of(fd, prey_secret_frame(prey));
	if (!place || pread(fd, &word, sizeof(word), place) != sizeof(word))
		return errno ? -errno : NOTHING_GOT;
	return word == prey->value ? 0 : NOTHING_GOT;
}

static int use_kcore(struct prey *prey)
{
	return read_kcore(held, prey);
}

static int open_kcore(struct prey *prey)
{
	int fd = open(KCORE, O_RDONLY | O_CLOEXEC), result;

	if (fd < 0)
		return -errno;
	result = read_kcore(fd, prey);
	close(fd);
	return result;
}

static int open_dev_mem(struct prey *prey)
{
	int fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);

	(void)prey;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* No segments: what is loaded is taken away. It is nothing, and the call goes all its way. */
static int load_crash_kernel(struct prey *prey)
{
	(void)prey;
	return syscall(SYS_kexec_load, 0, 0, NULL, KEXEC_ON_CRASH) ? -errno : 0;
}

static int load_kernel(struct prey *prey)
{
	(void)prey;
	return syscall(SYS_kexec_load, 0, 0, NULL, 0) ? -errno : 0;
}

static int load_crash_kernel_file(struct prey *prey)
{
	(void)prey;
	return syscall(SYS_kexec_file_load, -1, -1, 0, NULL,
		       KEXEC_FILE_UNLOAD | KEXEC_FILE_ON_CRASH) ? -errno : 0;
}

static int load_tamper(void)
{
	int file = open(TAMPER_FILE, O_RDONLY | O_CLOEXEC), result = 0;

	if (file < 0)
		return -errno;
	if (syscall(SYS_finit_module, file, "", 0))
		result = -errno;
	close(file);
	return result;
}

/* A module that nobody uses: to force out one in use crashes the kernel, sooner or later. */
static int force_out(struct prey *prey)
{
	(void)prey;
	if (syscall(SYS_delete_module, "cloister_tamper", O_NONBLOCK | O_TRUNC))
		return -errno;
	return load_tamper();
}

static const struct attack attacks[] = {
	{ .name = KCORE, .run = open_kcore, .refusal = -EPERM, .whole_machine = true },
	{ .name = KCORE " opened before", .hold = hold_kcore, .run = use_kcore,
	  .let_go = close_held },
	{ .name = "/dev/mem", .run = open_dev_mem, .refusal = -EPERM, .whole_machine = true,
	  .config = "DEVMEM" },
	{ .name = "loading a crash kernel", .run = load_crash_kernel, .refusal = -EPERM,
	  .whole_machine = true, .config = "KEXEC" },
	{ .name = "loading another kernel", .run = load_kernel, .refusal = -EPERM,
	  .whole_machine = true, .config = "KEXEC" },
	{ .name = "loading a crash kernel from a file", .run = load_crash_kernel_file,
	  .refusal = -EPERM, .whole_machine = true, .config = "KEXEC_FILE" },
};

/* Any region counts here, debug ones too: what is forced out leaves their pages behind. */
static void forced_removal(uint32_t flags)
{
	const char *kind = flags & CLOISTER_CREATE_DEBUG ? "debug" : "production";
	struct prey prey;
	int result;

	prey_start(&prey);
	result = force_out(&prey);
	tap_check(!result, "forced removal of a module: %s", strerror(-result));
	tap_check(!prey_make_region(&prey, flags), "a %s region is made", kind);
	result = syscall(SYS_delete_module, "cloister", O_NONBLOCK | O_TRUNC) ? -errno : 0;
	tap_check(result == -EPERM, "forced removal while a %s region lives: %s", kind,
		  strerror(-result));
	result = force_out(&prey);
	tap_check(result == -EPERM, "forced removal of another module meanwhile: %s",
		  strerror(-result));
	tap_check(!prey_harm(&prey), "the process is as it was");
	tap_check(!prey_drop_region(&prey), "the region goes");
	result = force_out(&prey);
	tap_check(!result, "forced removal when the region is gone: %s", strerror(-result));
	prey_end(&prey);
}

static int set_ftrace(const char *value)
{
	int fd = open(FTRACE, O_WRONLY | O_CLOEXEC), result = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, 1) != 1)
		result = -errno;
	close(fd);
	return result;
}

/* Guards stand from the loading of the module on, so there is no moment to try this before. */
static void switch_off_ftrace(void)
{
	struct prey prey;
	int result = set_ftrace("1");

	tap_check(!result, FTRACE " can be written: %s", strerror(-result));
	prey_start(&prey);
	tap_check(!prey_make_region(&prey, 0), "a production region is made");
	result = set_ftrace("0");
	tap_check(result == -EBUSY, "switching ftrace off: %s", strerror(-result));
	tap_check(!strcmp(prey_guards(&prey), "armed"), "guards are %s after it",
		  prey_guards(&prey));
	result = open_kcore(&prey);
	tap_check(result == -EPERM, "and do their work: %s", strerror(-result));
	prey_end(&prey);
}

int main(void)
{
	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	forced_removal(0);
	forced_removal(CLOISTER_CREATE_DEBUG);
	switch_off_ftrace();
	return tap_end();
}
