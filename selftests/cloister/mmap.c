// SPDX-License-Identifier: GPL-2.0-only
/* Mappings of a region: which are made, what may be done with them, and what a touch meets. */
#include "checks.h"

#define PAGES	16
#define SIZE	(PAGES * PAGE)

/* Pages of the fixture's region, one of each kind; the rest is never added. */
enum { READ_PAGE, WRITE_PAGE, EXEC_PAGE, ZERO_PAGE, CODE_IN_DATA_PAGE, ADDED_PAGES };

FIXTURE(mmap) {
	int device;
	int region;
	uint8_t *at;
};

FIXTURE_SETUP(mmap)
{
	uint8_t *page = pattern_buffer(5, PAGE);

	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->region = create_region(self->device, SIZE, 0, 0);
	ASSERT_GE(self->region, 0);
	ASSERT_EQ(0, add_pages(self->region, MEASURED, READ_PAGE * PAGE, PAGE, page, READ));
	ASSERT_EQ(0, add_pages(self->region, MEASURED, WRITE_PAGE * PAGE, PAGE, page,
			       READ | WRITE));
	code_fill(page, 42);
	ASSERT_EQ(0, add_pages(self->region, MEASURED, EXEC_PAGE * PAGE, PAGE, page, READ | EXEC));
	ASSERT_EQ(0, add_pages(self->region, ZERO, ZERO_PAGE * PAGE, PAGE, NULL, READ | WRITE));
	ASSERT_EQ(0, add_pages(self->region, MEASURED, CODE_IN_DATA_PAGE * PAGE, PAGE, page, READ));
	free(page);
	ASSERT_EQ(0, init_region(self->region, NULL));
	self->at = map_region(self->region, 0, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
	ASSERT_NE(MAP_FAILED, self->at) TH_LOG("mmap: %s", strerror(errno));
}

FIXTURE_TEARDOWN(mmap)
{
	munmap(self->at, SIZE);
	close(self->region);
	close(self->device);
}

TEST_F(mmap, not_before_init)
{
	int region = create_region(self->device, SIZE, 0, 0);

	ASSERT_GE(region, 0);
	EXPECT_EQ(-EBADFD, map_errno(region, 0, PAGE, PROT_READ, MAP_SHARED));
	ASSERT_EQ(0, init_region(region, NULL));
	EXPECT_EQ(0, map_errno(region, 0, PAGE, PROT_READ, MAP_SHARED));
}

TEST_F(mmap, private_is_refused)
{
	static const int protections[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC,
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(protections); i++) {
		EXPECT_EQ(-EINVAL, map_errno(self->region, 0, PAGE, protections[i], MAP_PRIVATE));
	}
}

struct bad_mapping {
	const char *what;
	uint64_t offset;
	size_t length;
};

static const struct bad_mapping bad_mappings[] = {
	{ "a page too long", 0, SIZE + PAGE },
	{ "across the end", SIZE - PAGE, 2 * PAGE },
	{ "behind the end", SIZE, PAGE },
	{ "far behind the end", REGION_MAX, PAGE },
	{ "highest offset", (1ULL << 63) - PAGE, PAGE },
};

TEST_F(mmap, beyond_the_region)
{
	size_t i;
	int result;

	for (i = 0; i < ARRAY_LEN(bad_mappings); i++) {
		result = map_errno(self->region, bad_mappings[i].offset, bad_mappings[i].length,
				   PROT_READ, MAP_SHARED);
		/* What wraps the page offset is refused before the driver is asked. */
		EXPECT_TRUE(result == -EINVAL || result == -EOVERFLOW)
			TH_LOG("%s: %s", bad_mappings[i].what, strerror(-result));
	}
}

TEST_F(mmap, any_part_of_the_region)
{
	uint8_t *at = map_region(self->region, WRITE_PAGE * PAGE, PAGE, PROT_READ);

	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, check_pattern(at, 5, 0, PAGE));
	munmap(at, PAGE);
	at = map_region(self->region, SIZE - PAGE, PAGE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	munmap(at, PAGE);
}

TEST_F(mmap, two_mappings_show_one_page)
{
	uint8_t *other = map_region(self->region, 0, SIZE, PROT_READ);

	ASSERT_NE(MAP_FAILED, other);
	self->at[WRITE_PAGE * PAGE] = 0x11;
	EXPECT_EQ(0x11, other[WRITE_PAGE * PAGE]);
	ASSERT_EQ(0, seal_all(self->region));
	EXPECT_EQ(0x11, other[WRITE_PAGE * PAGE]);
	self->at[WRITE_PAGE * PAGE] = 0x22;
	EXPECT_EQ(0x22, other[WRITE_PAGE * PAGE]);
	munmap(other, SIZE);
}

TEST_F(mmap, reads_what_was_added)
{
	uint8_t zeros[PAGE] = { 0 };

	EXPECT_EQ(0, check_pattern(self->at + READ_PAGE * PAGE, 5, 0, PAGE));
	EXPECT_EQ(0, check_pattern(self->at + WRITE_PAGE * PAGE, 5, 0, PAGE));
	EXPECT_EQ(0, memcmp(self->at + ZERO_PAGE * PAGE, zeros, PAGE));
}

TEST_F(mmap, writes_last)
{
	pattern_fill(self->at + WRITE_PAGE * PAGE, 6, 0, PAGE);
	pattern_fill(self->at + ZERO_PAGE * PAGE, 7, 0, PAGE);
	ASSERT_EQ(0, seal_all(self->region));
	EXPECT_EQ(0, check_pattern(self->at + WRITE_PAGE * PAGE, 6, 0, PAGE));
	EXPECT_EQ(0, check_pattern(self->at + ZERO_PAGE * PAGE, 7, 0, PAGE));
}

/* Once untouched, once resident and mapped for reading: both ways to a write fault. */
TEST_F(mmap, write_to_a_page_without_write)
{
	uint8_t *page = self->at + READ_PAGE * PAGE;

	EXPECT_EQ(SIGSEGV, touch_write(page));
	EXPECT_EQ(page, (uint8_t *)touch_fault.si_addr);
	EXPECT_EQ(0, touch_read(page));
	EXPECT_EQ(SIGSEGV, touch_write(page));
	EXPECT_EQ(SIGSEGV, touch_write(self->at + EXEC_PAGE * PAGE));
	EXPECT_EQ(0, check_pattern(page, 5, 0, PAGE));
	ASSERT_EQ(0, seal_all(self->region));
	EXPECT_EQ(SIGSEGV, touch_write(page));
	EXPECT_EQ(0, check_pattern(page, 5, 0, PAGE));
}

TEST_F(mmap, executes_a_page_with_exec)
{
	uint32_t value = 0;

	EXPECT_EQ(0, touch_exec(self->at + EXEC_PAGE * PAGE, &value));
	EXPECT_EQ(42, value);
	ASSERT_EQ(0, seal_all(self->region));
	value = 0;
	EXPECT_EQ(0, touch_exec(self->at + EXEC_PAGE * PAGE, &value));
	EXPECT_EQ(42, value);
}

TEST_F(mmap, does_not_execute_a_page_without_exec)
{
	uint8_t *page = self->at + CODE_IN_DATA_PAGE * PAGE;
	uint32_t value = 0;

	EXPECT_EQ(SIGSEGV, touch_exec(page, &value));
	EXPECT_EQ(page, (uint8_t *)touch_fault.si_addr);
	EXPECT_EQ(0, touch_read(page));
	EXPECT_EQ(SIGSEGV, touch_exec(page, &value));
	code_fill(self->at + WRITE_PAGE * PAGE, 43);
	EXPECT_EQ(SIGSEGV, touch_exec(self->at + WRITE_PAGE * PAGE, &value));
	EXPECT_EQ(0, value);
}

TEST_F(mmap, mapping_narrows_what_the_page_allows)
{
	uint8_t *at = map_region(self->region, 0, SIZE, PROT_READ);
	uint32_t value = 0;

	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(SIGSEGV, touch_write(at + WRITE_PAGE * PAGE));
	EXPECT_EQ(SIGSEGV, touch_exec(at + EXEC_PAGE * PAGE, &value));
	munmap(at, SIZE);
	at = map_region(self->region, 0, SIZE, PROT_NONE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(SIGSEGV, touch_read(at + READ_PAGE * PAGE));
	munmap(at, SIZE);
}

TEST_F(mmap, page_never_added)
{
	uint8_t *page = self->at + ADDED_PAGES * PAGE;

	EXPECT_EQ(SIGBUS, touch_read(page));
	EXPECT_EQ(page, (uint8_t *)touch_fault.si_addr);
	EXPECT_EQ(SIGBUS, touch_write(page));
	EXPECT_EQ(SIGBUS, touch_read(self->at + SIZE - 1));
	EXPECT_EQ(0, touch_read(self->at));
}

TEST_F(mmap, mprotect_is_refused)
{
	static const int protections[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_EXEC | PROT_READ,
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(protections); i++) {
		EXPECT_EQ(-1, mprotect(self->at, SIZE, protections[i]));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(-1, mprotect(self->at, PAGE, protections[i]));
		EXPECT_TRUE(errno == EACCES || errno == EINVAL);
	}
	EXPECT_EQ(0, touch_write(self->at + WRITE_PAGE * PAGE));
}

TEST_F(mmap, mremap_is_refused)
{
	uint8_t *elsewhere = mmap(NULL, 4 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, elsewhere);
	EXPECT_EQ(MAP_FAILED, mremap(self->at, SIZE, 2 * SIZE, MREMAP_MAYMOVE));
	EXPECT_EQ(MAP_FAILED, mremap(self->at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				     elsewhere));
	EXPECT_EQ(MAP_FAILED, mremap(self->at, SIZE, SIZE / 2, 0));
	EXPECT_EQ(MAP_FAILED, mremap(self->at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
	EXPECT_EQ(0, check_pattern(self->at, 5, 0, PAGE));
}

TEST_F(mmap, partial_munmap_is_refused)
{
	EXPECT_EQ(-1, munmap(self->at, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, munmap(self->at + SIZE - PAGE, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, munmap(self->at + PAGE, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, check_pattern(self->at, 5, 0, PAGE));
	EXPECT_EQ(0, munmap(self->at, SIZE));
	EXPECT_EQ(SIGSEGV, touch_read(self->at));
}

/* A fixed mapping over a part is an unmapping of that part. */
TEST_F(mmap, mapping_over_a_part_is_refused)
{
	EXPECT_EQ(MAP_FAILED, mmap(self->at + PAGE, PAGE, PROT_READ,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(0, check_pattern(self->at, 5, 0, PAGE));
}

TEST_F(mmap, mlock_does_no_harm)
{
	mlock(self->at, SIZE);
	munlock(self->at, SIZE);
	EXPECT_EQ(0, check_pattern(self->at, 5, 0, PAGE));
	ASSERT_EQ(0, seal_all(self->region));
	EXPECT_EQ(0, check_pattern(self->at, 5, 0, PAGE));
}

/* The kernel's own copies go through the page tables like anyone's. */
TEST_F(mmap, system_calls_take_it_as_a_buffer)
{
	uint8_t copy[PAGE];
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, seal_all(self->region));
	ASSERT_EQ(PAGE, write(pipes[1], self->at + READ_PAGE * PAGE, PAGE));
	ASSERT_EQ(0, seal_all(self->region));
	ASSERT_EQ(PAGE, read(pipes[0], self->at + WRITE_PAGE * PAGE, PAGE));
	memcpy(copy, self->at + WRITE_PAGE * PAGE, PAGE);
	EXPECT_TRUE(pattern_holds(copy, 5, 0, PAGE));
	ASSERT_EQ(PAGE, write(pipes[1], self->at + READ_PAGE * PAGE, PAGE));
	EXPECT_EQ(-1, read(pipes[0], self->at + READ_PAGE * PAGE, PAGE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, write(pipes[1], self->at + ADDED_PAGES * PAGE, PAGE));
	EXPECT_EQ(EFAULT, errno);
}

TEST_HARNESS_MAIN
