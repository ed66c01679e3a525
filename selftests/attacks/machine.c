// SPDX-License-Identifier: Apache-2.0
/*
 * Root goes for the kernel instead of the process: reads all memory, forces the module out, loads
 * another kernel, switches off what guards are made of.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"
#include "bpf_code.h"
#include "scout.h"

#define KCORE		"/proc/kcore"
#define KPROBES		"/sys/kernel/debug/kprobes/enabled"
#define FTRACE		"/proc/sys/kernel/ftrace_enabled"
#define INT3		0xcc
/* The process's own time, in which the processor's clock has interrupted it. */
#define SPIN_MS		40
#define TAMPER_FILE	"/lib/modules/cloister/cloister_tamper.ko"
/* The entries that calls of 32-bit programs come by; a kernel may be built without. */
#define DELETE_MODULE_32	"__ia32_sys_delete_module"
#define KEXEC_LOAD_32		"__ia32_compat_sys_kexec_load"
/* Numbers of the 32-bit calls. */
#define NR32_DELETE_MODULE	129
#define NR32_KEXEC_LOAD		283

static int held = -1;
/* Where the kernel keeps what the process had in its registers. */
static uint64_t registers;

/*
 * A call as 32-bit programs make it, which a 64-bit one may make as well. Pointers must lie in the
 * first 4 GiB. 0 or more, or -errno.
 */
static int call_32(unsigned int number, uint32_t first, uint32_t second, uint32_t third,
		   uint32_t fourth)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second), "d"(third), "S"(fourth)
			 : "r8", "r9", "r10", "r11", "memory");
	return (int)result;
}

/* Memory that such a call may point at. */
static void *low_page(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

static uint32_t low(const void *page)
{
	return (uint32_t)(uintptr_t)page;
}

static int hold_kcore(struct prey *prey)
{
	(void)prey;
	held = open(KCORE, O_RDONLY | O_CLOEXEC);
	return held < 0 ? -errno : 0;
}

static int hold_kcore_for_registers(struct prey *prey)
{
	int result = scout_learn(prey, &registers);

	return result ? result : hold_kcore(prey);
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
static int find_in_kcore(int fd, uint64_t address, uint64_t wanted)
{
	off_t place;
	uint64_t word = 0;

	errno = 0;
	place = place_of(fd, address);
	if (!place || pread(fd, &word, sizeof(word), place) != sizeof(word))
		return errno ? -errno : NOTHING_GOT;
	return word == wanted ? 0 : NOTHING_GOT;
}

static int read_kcore(int fd, struct prey *prey)
{
	return find_in_kcore(fd, prey_secret_frame(prey), prey->value);
}

static int use_kcore(struct prey *prey)
{
	return read_kcore(held, prey);
}

/* On its stack in the kernel, which the file reads in another way than memory by its address. */
static int use_kcore_for_registers(struct prey *prey)
{
	uint64_t start;
	int result;

	prey_spin(prey);
	for (start = prey_time(prey); prey_time(prey) - start < SPIN_MS;)
		;
	result = find_in_kcore(held, registers + PT_R12, prey->marker);
	prey_rest(prey);
	return result;
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

/* Where kernels are put that a reset does not come before, and those that run after a crash. */
struct kernel_place {
	unsigned long flags;
	const char *state;
	uint64_t address;
};

static struct kernel_place next_kernel = {
	.state = "/sys/kernel/kexec_loaded",
	/* It is copied there when it is started, so whoever has the page now does not matter. */
	.address = 256UL << 20,
};

static struct kernel_place crash_kernel = {
	.flags = KEXEC_ON_CRASH,
	.state = "/sys/kernel/kexec_crash_loaded",
};

static bool is_loaded(const struct kernel_place *place)
{
	FILE *file = fopen(place->state, "re");
	bool loaded = file && fgetc(file) == '1';

	if (file)
		fclose(file);
	return loaded;
}

/*
 * A page that is no kernel: nobody looks before it is started. Should it be, it is all breakpoints,
 * which nobody handles then: the machine resets, and the test does not hang.
 */
static int load_image(const struct kernel_place *place)
{
	static uint8_t page[4096];
	struct kexec_segment segment = {
		.buf = page,
		.bufsz = sizeof(page),
		.mem = (void *)place->address,
		.memsz = sizeof(page),
	};

	memset(page, INT3, sizeof(page));
	if (syscall(SYS_kexec_load, place->address, 1, &segment, place->flags))
		return -errno;
	return is_loaded(place) ? 0 : NOTHING_GOT;
}

static int unload_image(const struct kernel_place *place)
{
	if (syscall(SYS_kexec_load, 0, 0, NULL, place->flags))
		return -errno;
	return is_loaded(place) ? -EBUSY : 0;
}

static int load_and_unload(const struct kernel_place *place)
{
	int result = load_image(place);

	return result ? result : unload_image(place);
}

/* The memory that was reserved at boot. */
static int find_crash_kernel(struct prey *prey)
{
	unsigned long from, to;
	char line[256];
	FILE *file = fopen("/proc/iomem", "re");

	(void)prey;
	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, " : Crash kernel") && sscanf(line, " %lx-%lx", &from, &to) == 2)
			crash_kernel.address = from;
	if (file)
		fclose(file);
	if (!crash_kernel.address)
		printf("# no memory is reserved for a crash kernel: boot with crashkernel=16M\n");
	return crash_kernel.address ? 0 : -ENOMEM;
}

static int load_crash_kernel(struct prey *prey)
{
	(void)prey;
	return load_and_unload(&crash_kernel);
}

static int load_kernel(struct prey *prey)
{
	(void)prey;
	return load_and_unload(&next_kernel);
}

/* A segment as a 32-bit program describes it. */
struct segment_32 {
	uint32_t buf;
	uint32_t bufsz;
	uint32_t mem;
	uint32_t memsz;
};

/* The memory at @page is both: the segment, and the breakpoints behind it that are loaded. */
static int load_image_32(const struct kernel_place *place, uint8_t *page)
{
	const uint32_t flags = (uint32_t)place->flags | KEXEC_ARCH_X86_64;
	struct segment_32 segment = {
		.buf = low(page + sizeof(segment)),
		.bufsz = 1024,
		.mem = (uint32_t)place->address,
		.memsz = 4096,
	};
	int result;

	memcpy(page, &segment, sizeof(segment));
	memset(page + sizeof(segment), INT3, segment.bufsz);
	result = call_32(NR32_KEXEC_LOAD, segment.mem, 1, low(page), flags);
	if (result)
		return result;
	if (!is_loaded(place))
		return NOTHING_GOT;
	result = call_32(NR32_KEXEC_LOAD, 0, 0, 0, flags);
	return result ? result : is_loaded(place) ? -EBUSY : 0;
}

static int load_and_unload_32(const struct kernel_place *place)
{
	uint8_t *page = low_page();
	int result;

	if (!page)
		return -ENOMEM;
	result = load_image_32(place, page);
	munmap(page, 4096);
	return result;
}

static int load_crash_kernel_32(struct prey *prey)
{
	(void)prey;
	return load_and_unload_32(&crash_kernel);
}

static int load_kernel_32(struct prey *prey)
{
	(void)prey;
	return load_and_unload_32(&next_kernel);
}

/* Nothing is loaded, and the call that takes that away goes all its way. */
static int unload_crash_kernel_file(struct prey *prey)
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

static int delete_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK | O_TRUNC) ? -errno : 0;
}

static int delete_module_32(const char *name)
{
	char *page = low_page();
	int result;

	if (!page)
		return -ENOMEM;
	strcpy(page, name);
	result = call_32(NR32_DELETE_MODULE, low(page), O_NONBLOCK | O_TRUNC, 0, 0);
	munmap(page, 4096);
	return result;
}

/* A way to force out a module. */
struct removal {
	const char *name;
	int (*call)(const char *module);
	const char *symbol;
};

static const struct removal removals[] = {
	{ .name = "forced removal", .call = delete_module },
	{ .name = "forced removal by the 32-bit call", .call = delete_module_32,
	  .symbol = DELETE_MODULE_32 },
};

/* A module that nobody uses: to force out one in use crashes the kernel, sooner or later. */
static int force_out(const struct removal *removal)
{
	int result = removal->call("cloister_tamper");

	return result ? result : load_tamper();
}

static int set_switch(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC), result = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, 1) != 1)
		result = -errno;
	close(fd);
	return result;
}

static int set_ftrace(const char *value)
{
	return set_switch(FTRACE, value);
}

static int set_kprobes(const char *value)
{
	return set_switch(KPROBES, value);
}

/* All at once, those of guards too; and on again, so that what follows has them. */
static int switch_off_kprobes(struct prey *prey)
{
	int result = set_kprobes("0");

	(void)prey;
	return result ? result : set_kprobes("1");
}

static const struct attack attacks[] = {
	{ .name = KCORE, .run = open_kcore, .refusal = -EPERM, .whole_machine = true },
	{ .name = KCORE " opened before", .hold = hold_kcore, .run = use_kcore,
	  .let_go = close_held },
	{ .name = KCORE " opened before, of registers that the kernel has saved",
	  .hold = hold_kcore_for_registers, .run = use_kcore_for_registers,
	  .let_go = close_held, .config = "BPF_EVENTS" },
	{ .name = "/dev/mem", .run = open_dev_mem, .refusal = -EPERM, .whole_machine = true,
	  .config = "DEVMEM" },
	{ .name = "loading a crash kernel", .hold = find_crash_kernel, .run = load_crash_kernel,
	  .refusal = -EPERM, .whole_machine = true, .config = "KEXEC" },
	{ .name = "loading another kernel", .run = load_kernel, .refusal = -EPERM,
	  .whole_machine = true, .config = "KEXEC" },
	{ .name = "loading a crash kernel by the 32-bit call", .hold = find_crash_kernel,
	  .run = load_crash_kernel_32, .refusal = -EPERM, .whole_machine = true,
	  .config = "KEXEC", .symbol = KEXEC_LOAD_32 },
	{ .name = "loading another kernel by the 32-bit call", .run = load_kernel_32,
	  .refusal = -EPERM, .whole_machine = true, .config = "KEXEC", .symbol = KEXEC_LOAD_32 },
	{ .name = "kexec_file_load of a crash kernel", .run = unload_crash_kernel_file,
	  .refusal = -EPERM, .whole_machine = true, .config = "KEXEC_FILE" },
	{ .name = "switching kprobes off", .run = switch_off_kprobes, .refusal = -EPERM,
	  .whole_machine = true, .config = "DEBUG_FS" },
};

/* Any region counts here, debug ones too: what is forced out leaves their pages behind. */
static void forced_removal(const struct removal *removal, uint32_t flags)
{
	const char *kind = flags & CLOISTER_CREATE_DEBUG ? "debug" : "production";
	struct prey prey;
	int result;

	if (removal->symbol && kernel_lacks_symbol(removal->symbol)) {
		tap_check(true, "%s: this kernel was built without %s", removal->name,
			  removal->symbol);
		return;
	}
	prey_start(&prey);
	result = force_out(removal);
	tap_check(!result, "%s of a module: %s", removal->name, strerror(-result));
	tap_check(!prey_make_region(&prey, flags), "a %s region is made", kind);
	result = removal->call("cloister");
	tap_check(result == -EPERM, "%s while a %s region lives: %s", removal->name, kind,
		  strerror(-result));
	result = force_out(removal);
	tap_check(result == -EPERM, "%s of another module meanwhile: %s", removal->name,
		  strerror(-result));
	tap_check(!prey_harm(&prey), "the process is as it was");
	tap_check(!prey_drop_region(&prey), "the region goes");
	result = force_out(removal);
	tap_check(!result, "%s when the region is gone: %s", removal->name, strerror(-result));
	prey_end(&prey);
}

/*
 * The control can't be to let it happen. It is the same call when no kernel is loaded: it gets to
 * where that is found out.
 */
static void start_kernel_loaded_before(void)
{
	struct prey prey;
	long refused;
	int result;

	if (kernel_lacks("KEXEC")) {
		tap_check(true, "a kernel loaded before: this kernel was built without KEXEC");
		return;
	}
	prey_start(&prey);
	result = load_image(&next_kernel);
	tap_check(!result, "another kernel is loaded before there is a region: %s",
		  strerror(-result));
	result = prey_make_region(&prey, 0);
	tap_check(!result && !strcmp(prey_guards(&prey), "armed"),
		  "a production region is made: guards are %s", prey_guards(&prey));
	refused = guards_refusals("kernel_kexec");
	/* Without guards this would be the end of this VM. */
	if (!result && refused >= 0) {
		result = reboot(LINUX_REBOOT_CMD_KEXEC) ? -errno : 0;
		tap_check(result == -EPERM, "starting it: %s", strerror(-result));
		tap_check(guards_refusals("kernel_kexec") == refused + 1,
			  "the hook of kernel_kexec has refused it");
		tap_check(is_loaded(&next_kernel), "it is still loaded");
	}
	tap_check(!prey_harm(&prey), "the process is as it was");
	tap_check(!prey_drop_region(&prey), "the region goes");
	result = unload_image(&next_kernel);
	tap_check(!result, "the other kernel is unloaded: %s", strerror(-result));
	refused = guards_refusals("kernel_kexec");
	result = reboot(LINUX_REBOOT_CMD_KEXEC) ? -errno : 0;
	tap_check(result == -EINVAL && guards_refusals("kernel_kexec") == refused,
		  "starting none: %s, and guards have not refused it", strerror(-result));
	prey_end(&prey);
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

/* What was switched off before can't be helped, but is said. */
static void kprobes_off_before(void)
{
	struct prey prey;
	int result = set_kprobes("0");

	tap_check(!result, KPROBES " can be switched off: %s", strerror(-result));
	prey_start(&prey);
	tap_check(!prey_make_region(&prey, 0), "a production region is made");
	tap_check(!strcmp(prey_guards(&prey), "partial"), "guards are %s without kprobes",
		  prey_guards(&prey));
	tap_check(!prey_drop_region(&prey), "the region goes");
	result = set_kprobes("1");
	tap_check(!result, KPROBES " can be switched on: %s", strerror(-result));
	tap_check(!prey_make_region(&prey, 0), "a production region is made");
	tap_check(!strcmp(prey_guards(&prey), "armed"), "guards are %s with them",
		  prey_guards(&prey));
	prey_end(&prey);
}

int main(void)
{
	size_t i;

	attack_all(attacks, sizeof(attacks) / sizeof(attacks[0]));
	for (i = 0; i < sizeof(removals) / sizeof(removals[0]); i++) {
		forced_removal(&removals[i], 0);
		forced_removal(&removals[i], CLOISTER_CREATE_DEBUG);
	}
	start_kernel_loaded_before();
	switch_off_ftrace();
	kprobes_off_before();
	return tap_end();
}
