// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading /proc/kcore into a region: kcore's reader holds a lock that giving frames to the monitor
 * needs, and its faults on the region want frames. Neither may wait for the other.
 */
#include <elf.h>

#include "checks.h"

#define PAGES	2048UL
#define SIZE	(PAGES * PAGE)

FIXTURE(kcore) {
	int device;
	int kcore;
	off_t offset;
};

/* Where in the file a stretch of ordinary memory of at least SIZE lies; 0: nowhere. */
static off_t find_memory(int kcore)
{
	Elf64_Phdr segment;
	Elf64_Ehdr header;
	size_t i;

	if (pread(kcore, &header, sizeof(header), 0) != sizeof(header))
		return 0;
	for (i = 0; i < header.e_phnum; i++) {
		off_t at = header.e_phoff + i * sizeof(segment);

		if (pread(kcore, &segment, sizeof(segment), at) != sizeof(segment))
			return 0;
		/* Longer ones are address space, not memory. */
		if (segment.p_type == PT_LOAD && segment.p_filesz >= SIZE &&
		    segment.p_filesz < (1ULL << 40))
			return segment.p_offset;
	}
	return 0;
}

static __attribute__((constructor)) void need_kcore(void)
{
	need("/proc/kcore", "needs CONFIG_PROC_KCORE");
}

FIXTURE_SETUP(kcore)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->kcore = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	ASSERT_GE(self->kcore, 0) TH_LOG("/proc/kcore: %s", strerror(errno));
	self->offset = find_memory(self->kcore);
	ASSERT_NE(0, self->offset);
}

FIXTURE_TEARDOWN(kcore)
{
	close(self->kcore);
	close(self->device);
}

static ssize_t read_into(struct __test_metadata *_metadata, FIXTURE_DATA(kcore) *self,
			 uint64_t limit, struct cloister_stats *stats)
{
	int region = create_region(self->device, SIZE, limit, CLOISTER_CREATE_DEBUG);
	ssize_t got;
	uint8_t *at;

	ASSERT_GE(region, 0);
	ASSERT_EQ(0, add_pages(region, ZERO, 0, SIZE, NULL, READ | WRITE));
	ASSERT_EQ(0, init_region(region, NULL));
	at = map_region(region, 0, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	got = pread(self->kcore, at, SIZE, self->offset);
	EXPECT_EQ(0, get_stats(region, stats));
	munmap(at, SIZE);
	close(region);
	return got;
}

/* The harness's timeout ends a reader that hangs. */
TEST_F(kcore, read_into_an_empty_region)
{
	struct cloister_stats stats;

	EXPECT_EQ((long)SIZE, read_into(_metadata, self, 0, &stats));
	EXPECT_EQ(PAGES, stats.resident);
}

TEST_F(kcore, read_into_a_region_at_its_limit)
{
	struct cloister_stats stats;

	EXPECT_EQ((long)SIZE, read_into(_metadata, self, SIZE / 8, &stats));
	EXPECT_LE(stats.resident, PAGES / 8);
	EXPECT_EQ(PAGES, stats.resident + stats.sealed);
}

TEST_HARNESS_MAIN
