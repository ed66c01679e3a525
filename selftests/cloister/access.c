// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who can read a region: every way by which root reads another process's memory
 * is tried on anonymous memory first, where it works, and then on a region.
 * The region is a debug one: guards would refuse most of this before the mapping could.
 * Searches of whole memory and of swap are in ../attacks.
 */
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "checks.h"

#define SIZE		(4 * PAGE)
#define REGION_SEED	0x10c4ed
#define CONTROL_SEED	0x09e4ed

FIXTURE(access) {
	uint8_t *at;
	uint8_t *control;
	pid_t victim;
	int pipe[2];
};

/* The victim inherits nothing of a region, so it makes its own. */
struct victim_memory {
	uint8_t *at;
	uint8_t *control;
};

/* Contents are computed in place: no buffer that could be found instead of the pages. */
static int make_memory(struct victim_memory *memory, int *region)
{
	int device = open_device();

	*region = create_region(device, SIZE, 0, CLOISTER_CREATE_DEBUG);
	close(device);
	if (*region < 0 || add_pages(*region, ZERO, 0, SIZE, NULL, READ | WRITE) ||
	    init_region(*region, NULL))
		return -EIO;
	memory->at = map_region(*region, 0, SIZE, PROT_READ | PROT_WRITE);
	memory->control = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);
	if (memory->at == MAP_FAILED || memory->control == MAP_FAILED)
		return -ENOMEM;
	pattern_fill(memory->at, REGION_SEED, 0, SIZE);
	pattern_fill(memory->control, CONTROL_SEED, 0, SIZE);
	return 0;
}

FIXTURE_SETUP(access)
{
	struct victim_memory memory;
	int to_parent[2], region;
	char byte;

	ASSERT_EQ(0, pipe(to_parent));
	ASSERT_EQ(0, pipe(self->pipe));
	self->victim = fork();
	ASSERT_GE(self->victim, 0);
	if (self->victim == 0) {
		close(self->pipe[1]);
		if (make_memory(&memory, &region) ||
		    write(to_parent[1], &memory, sizeof(memory)) != sizeof(memory))
			_exit(1);
		/* Lives until the test closes its end; then says whether its pages are whole. */
		while (read(self->pipe[0], &byte, 1) > 0)
			;
		_exit(check_pattern(memory.at, REGION_SEED, 0, SIZE) ? 2 : 0);
	}
	close(self->pipe[0]);
	close(to_parent[1]);
	ASSERT_EQ(sizeof(memory), read(to_parent[0], &memory, sizeof(memory)));
	close(to_parent[0]);
	self->at = memory.at;
	self->control = memory.control;
}

FIXTURE_TEARDOWN(access)
{
	close(self->pipe[1]);
	EXPECT_EQ(0, child_result(self->victim)) TH_LOG("the victim's pages are not whole");
}

static int open_mem(pid_t victim)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	return open(path, O_RDWR | O_CLOEXEC);
}

TEST_F(access, proc_mem)
{
	int mem = open_mem(self->victim);
	uint64_t word = 0;

	ASSERT_GE(mem, 0);
	EXPECT_EQ(8, pread(mem, &word, 8, (off_t)self->control));
	EXPECT_EQ(pattern_word(CONTROL_SEED, 0), word);
	EXPECT_EQ(8, pwrite(mem, &word, 8, (off_t)self->control));
	EXPECT_EQ(-1, pread(mem, &word, 8, (off_t)self->at));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, pwrite(mem, &word, 8, (off_t)self->at));
	EXPECT_EQ(EIO, errno);
	close(mem);
}

TEST_F(access, ptrace)
{
	long word;
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_ATTACH, self->victim, NULL, NULL));
	ASSERT_EQ(self->victim, waitpid(self->victim, &status, 0));
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, self->victim, self->control, NULL);
	EXPECT_EQ(0, errno);
	EXPECT_EQ((long)pattern_word(CONTROL_SEED, 0), word);
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, self->victim, self->control, word));
	errno = 0;
	EXPECT_EQ(-1, ptrace(PTRACE_PEEKDATA, self->victim, self->at, NULL));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, ptrace(PTRACE_POKEDATA, self->victim, self->at, 0));
	EXPECT_EQ(EIO, errno);
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->victim, NULL, NULL));
}

TEST_F(access, process_vm)
{
	uint64_t word = 0;
	struct iovec local = { &word, sizeof(word) };
	struct iovec control = { self->control, sizeof(word) };
	struct iovec secret = { self->at, sizeof(word) };

	EXPECT_EQ(8, process_vm_readv(self->victim, &local, 1, &control, 1, 0));
	EXPECT_EQ(pattern_word(CONTROL_SEED, 0), word);
	EXPECT_EQ(8, process_vm_writev(self->victim, &local, 1, &control, 1, 0));
	EXPECT_EQ(-1, process_vm_readv(self->victim, &local, 1, &secret, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, process_vm_writev(self->victim, &local, 1, &secret, 1, 0));
	EXPECT_EQ(EFAULT, errno);
}

/* A page frame number: bits 0 to 54 of a page's word in pagemap; 0 when the kernel tells none. */
static uint64_t pagemap_frame(pid_t victim, const void *at)
{
	char path[64];
	uint64_t word = -1ULL;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", victim);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &word, 8, (off_t)((uintptr_t)at / PAGE * 8)) != 8)
		word = -1ULL;
	close(fd);
	return word & ((1ULL << 55) - 1);
}

TEST_F(access, pagemap)
{
	EXPECT_NE(0, pagemap_frame(self->victim, self->control));
	EXPECT_EQ(0, pagemap_frame(self->victim, self->at));
}

/* What can only be done to one's own memory: the creator tries it on itself. */
FIXTURE(own) {
	int region;
	struct victim_memory memory;
};

FIXTURE_SETUP(own)
{
	ASSERT_EQ(0, make_memory(&self->memory, &self->region));
}

FIXTURE_TEARDOWN(own)
{
	EXPECT_EQ(0, check_pattern(self->memory.at, REGION_SEED, 0, SIZE));
	munmap(self->memory.at, SIZE);
	close(self->region);
}

TEST_F(own, vmsplice)
{
	struct iovec control = { self->memory.control, PAGE };
	struct iovec secret = { self->memory.at, PAGE };
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(PAGE, vmsplice(pipes[1], &control, 1, 0));
	EXPECT_EQ(-1, vmsplice(pipes[1], &secret, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, vmsplice(pipes[1], &secret, 1, SPLICE_F_GIFT));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(own, shared_futex)
{
	EXPECT_EQ(0, syscall(SYS_futex, self->memory.control, FUTEX_WAKE, 1, NULL, NULL, 0));
	EXPECT_EQ(-1, syscall(SYS_futex, self->memory.at, FUTEX_WAKE, 1, NULL, NULL, 0));
	EXPECT_EQ(EFAULT, errno);
}

static int read_word(void *at)
{
	return *(volatile uint64_t *)at == pattern_word(CONTROL_SEED, 0) ? 0 : -EILSEQ;
}

TEST_F(own, forked_child)
{
	EXPECT_EQ(0, in_child(read_word, self->memory.control));
	EXPECT_EQ(SIGNALLED(SIGSEGV), in_child(read_word, self->memory.at));
}

static const struct {
	const char *name;
	int advice;
} advices[] = {
	{ "MADV_DONTNEED", MADV_DONTNEED },
	{ "MADV_FREE", MADV_FREE },
	{ "MADV_DOFORK", MADV_DOFORK },
	{ "MADV_DODUMP", MADV_DODUMP },
	{ "MADV_WIPEONFORK", MADV_WIPEONFORK },
	{ "MADV_COLD", MADV_COLD },
	{ "MADV_PAGEOUT", MADV_PAGEOUT },
	{ "MADV_POPULATE_READ", MADV_POPULATE_READ },
	{ "MADV_POPULATE_WRITE", MADV_POPULATE_WRITE },
};

TEST_F(own, madvise)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(advices); i++) {
		EXPECT_EQ(0, madvise(self->memory.control, SIZE, advices[i].advice))
			TH_LOG("%s of the control: %s", advices[i].name, strerror(errno));
		EXPECT_EQ(-1, madvise(self->memory.at, SIZE, advices[i].advice))
			TH_LOG("%s", advices[i].name);
		EXPECT_EQ(EINVAL, errno) TH_LOG("%s: %s", advices[i].name, strerror(errno));
	}
}

static int watch(int uffd, void *at, uint64_t mode)
{
	struct uffdio_register watch = {
		.range = { (uintptr_t)at, SIZE },
		.mode = mode,
	};

	return ioctl(uffd, UFFDIO_REGISTER, &watch) ? -errno : 0;
}

TEST_F(own, userfaultfd)
{
	struct uffdio_api api = { .api = UFFD_API };
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (uffd < 0)
		SKIP(return, "own.userfaultfd: no userfaultfd: %s", strerror(errno));
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_API, &api));
	EXPECT_EQ(0, watch(uffd, self->memory.control, UFFDIO_REGISTER_MODE_MISSING));
	EXPECT_EQ(-EINVAL, watch(uffd, self->memory.at, UFFDIO_REGISTER_MODE_MISSING));
	EXPECT_EQ(-EINVAL, watch(uffd, self->memory.at, UFFDIO_REGISTER_MODE_WP));
	EXPECT_EQ(-EINVAL, watch(uffd, self->memory.at, UFFDIO_REGISTER_MODE_MINOR));
	close(uffd);
}

/* Core dumps: the control's contents are in the file, the region's are not. */
#define CORE_PATTERN	"/proc/sys/kernel/core_pattern"
#define CORE_FILE	"/tmp/cloister-test-core"

static int crash(void *unused)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct victim_memory memory;
	int region;

	(void)unused;
	signal(SIGABRT, SIG_DFL);
	if (setrlimit(RLIMIT_CORE, &unlimited) || make_memory(&memory, &region))
		return -EIO;
	abort();
}

/* Counts places of a file where the first two words of a page of the pattern stand. */
static size_t count_pages(int file, uint64_t seed)
{
	uint64_t words[PAGE / 8];
	size_t found = 0, i, page;

	while (read(file, words, sizeof(words)) > 0) {
		for (i = 0; i + 1 < ARRAY_LEN(words); i++) {
			for (page = 0; page < SIZE; page += PAGE)
				found += words[i] == pattern_word(seed, page) &&
					words[i + 1] == pattern_word(seed, page + 8);
		}
	}
	return found;
}

TEST_F(own, core_dump)
{
	char original[256];
	int core;

	ASSERT_EQ(0, read_text(CORE_PATTERN, original, sizeof(original)));
	ASSERT_EQ(0, write_text(CORE_PATTERN, CORE_FILE));
	ASSERT_EQ(0, write_text("/proc/sys/kernel/core_uses_pid", "0"));
	unlink(CORE_FILE);
	EXPECT_EQ(SIGNALLED(SIGABRT), in_child(crash, NULL));
	write_text(CORE_PATTERN, original);
	core = open(CORE_FILE, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(core, 0) TH_LOG("no core file: %s", strerror(errno));
	EXPECT_GE(count_pages(core, CONTROL_SEED), SIZE / PAGE);
	ASSERT_EQ(0, lseek(core, 0, SEEK_SET));
	EXPECT_EQ(0, count_pages(core, REGION_SEED));
	close(core);
	unlink(CORE_FILE);
}

TEST_HARNESS_MAIN
