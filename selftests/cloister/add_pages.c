// SPDX-License-Identifier: GPL-2.0-only
/* CLOISTER_ADD_PAGES: arguments, sources, and how far a call says it got. */
#include "checks.h"

#define PAGES	16
#define SIZE	(PAGES * PAGE)

FIXTURE(add) {
	int device;
	int region;
	uint8_t *source;
};

FIXTURE_SETUP(add)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->region = create_region(self->device, SIZE, 0, 0);
	ASSERT_GE(self->region, 0);
	self->source = pattern_buffer(7, SIZE);
	ASSERT_NE(NULL, self->source);
}

FIXTURE_TEARDOWN(add)
{
	free(self->source);
	close(self->region);
	close(self->device);
}

static struct cloister_add_pages plain_add(const void *source)
{
	return (struct cloister_add_pages) {
		.size = sizeof(struct cloister_add_pages),
		.length = PAGE,
		.source = (uintptr_t)source,
		.permissions = READ,
	};
}

struct bad_range {
	const char *what;
	uint64_t offset;
	uint64_t length;
};

static const struct bad_range bad_ranges[] = {
	{ "empty", 0, 0 },
	{ "empty at the end", SIZE, 0 },
	{ "a byte", 0, 1 },
	{ "a page less a byte", 0, PAGE - 1 },
	{ "a page and a byte", 0, PAGE + 1 },
	{ "offset of a byte", 1, PAGE },
	{ "offset inside a page", PAGE / 2, PAGE },
	{ "behind the end", SIZE, PAGE },
	{ "across the end", SIZE - PAGE, 2 * PAGE },
	{ "longer than the region", 0, SIZE + PAGE },
	{ "far behind the end", REGION_MAX, PAGE },
	{ "last page of a word", -PAGE, PAGE },
	{ "wraps to zero", -PAGE, 2 * PAGE },
	{ "wraps into the region", PAGE, -PAGE },
	{ "wraps to its beginning", PAGE, -2 * PAGE },
	{ "longest", 0, -PAGE },
	{ "sign bit", 1ULL << 63, PAGE },
	{ "sign bit of the length", 0, 1ULL << 63 },
	{ "all ones", -1ULL, -1ULL },
};

TEST_F(add, bad_ranges)
{
	struct cloister_stats before;
	size_t i;

	ASSERT_EQ(0, get_stats(self->region, &before));
	for (i = 0; i < ARRAY_LEN(bad_ranges); i++) {
		EXPECT_EQ(-EINVAL, add_once(self->region, MEASURED, bad_ranges[i].offset,
					    bad_ranges[i].length, self->source, READ, NULL))
			TH_LOG("%s", bad_ranges[i].what);
		EXPECT_EQ(-EINVAL, add_once(self->region, ZERO, bad_ranges[i].offset,
					    bad_ranges[i].length, NULL, READ, NULL))
			TH_LOG("%s, zero pages", bad_ranges[i].what);
	}
	expect_unchanged(_metadata, self->region, &before);
}

TEST_F(add, only_advertised_flags_pass)
{
	struct cloister_add_pages add = plain_add(self->source);
	struct cloister_get_info info;
	int bit;

	ASSERT_EQ(0, get_info(self->device, &info));
	check_bad_flags(_metadata, self->region, CLOISTER_ADD_PAGES, &add, sizeof(add),
			info.add_flags);
	for (bit = 0; bit < 32; bit++)
		if (info.add_flags & (1ULL << bit)) {
			EXPECT_EQ(0, add_once(self->region, 1U << bit, bit * PAGE, PAGE,
					      1U << bit == ZERO ? NULL : self->source, READ, NULL))
				TH_LOG("flag bit %d", bit);
		}
}

TEST_F(add, permissions)
{
	static const uint32_t good[] = { READ, READ | WRITE, READ | EXEC };
	uint32_t permissions;
	size_t i, bit;

	for (permissions = 0; permissions < 8; permissions++) {
		for (i = 0; i < ARRAY_LEN(good) && good[i] != permissions; i++)
			;
		if (i == ARRAY_LEN(good)) {
			EXPECT_EQ(-EINVAL, add_once(self->region, MEASURED, 0, PAGE, self->source,
						    permissions, NULL))
				TH_LOG("permissions %u", permissions);
		}
	}
	for (bit = 3; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL, add_once(self->region, MEASURED, 0, PAGE, self->source,
					    READ | 1U << bit, NULL))
			TH_LOG("permission bit %zu", bit);
	}
	for (i = 0; i < ARRAY_LEN(good); i++) {
		EXPECT_EQ(0, add_once(self->region, MEASURED, i * PAGE, PAGE, self->source,
				      good[i], NULL))
			TH_LOG("permissions %u", good[i]);
	}
}

TEST_F(add, reserved_word)
{
	struct cloister_add_pages add = plain_add(self->source);

	check_reserved(_metadata, self->region, CLOISTER_ADD_PAGES, &add, sizeof(add),
		       offsetof(struct cloister_add_pages, reserved),
		       offsetof(struct cloister_add_pages, done));
}

TEST_F(add, sizes)
{
	struct cloister_add_pages add = plain_add(self->source);

	check_bad_sizes(_metadata, self->region, CLOISTER_ADD_PAGES, &add, sizeof(add));
	EXPECT_EQ(0, call_sized(self->region, CLOISTER_ADD_PAGES, &add, sizeof(add),
				sizeof(add) + 8, 0));
}

TEST_F(add, addresses)
{
	struct cloister_add_pages add = plain_add(self->source);
	struct cloister_stats before;

	ASSERT_EQ(0, get_stats(self->region, &before));
	check_bad_addresses(_metadata, self->region, CLOISTER_ADD_PAGES, &add, sizeof(add));
	expect_unchanged(_metadata, self->region, &before);
}

TEST_F(add, bad_sources)
{
	static const uint64_t sources[] = {
		0, 8, PAGE, 0xffff888000000000ULL, 0x8000000000000000ULL, -2 * PAGE,
		-PAGE, -1ULL,
	};
	struct cloister_stats before;
	uint64_t done;
	size_t i;

	ASSERT_EQ(0, get_stats(self->region, &before));
	for (i = 0; i < ARRAY_LEN(sources); i++) {
		EXPECT_EQ(-EFAULT, add_once(self->region, MEASURED, 0, PAGE,
					    (void *)sources[i], READ, &done))
			TH_LOG("source %#llx", (unsigned long long)sources[i]);
		EXPECT_EQ(0, done);
	}
	expect_unchanged(_metadata, self->region, &before);
	EXPECT_EQ(0, add_once(self->region, MEASURED, 0, PAGE, self->source, READ, NULL));
}

TEST_F(add, zero_pages_have_no_source)
{
	EXPECT_EQ(-EINVAL, add_once(self->region, ZERO, 0, PAGE, self->source, READ, NULL));
	EXPECT_EQ(0, add_once(self->region, ZERO, 0, PAGE, NULL, READ, NULL));
}

TEST_F(add, counts_and_done)
{
	struct cloister_stats stats;
	uint64_t done = 1;

	ASSERT_EQ(0, add_once(self->region, MEASURED, 0, 4 * PAGE, self->source, READ, &done));
	EXPECT_EQ(4 * PAGE, done);
	ASSERT_EQ(0, add_once(self->region, ZERO, 4 * PAGE, 3 * PAGE, NULL, READ, &done));
	EXPECT_EQ(3 * PAGE, done);
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(7, stats.pages);
	EXPECT_EQ(3, stats.zero);
	EXPECT_EQ(4, stats.resident + stats.sealed);
}

TEST_F(add, page_twice)
{
	uint64_t done = 1;

	ASSERT_EQ(0, add_once(self->region, MEASURED, 2 * PAGE, PAGE, self->source, READ, NULL));
	EXPECT_EQ(-EEXIST, add_once(self->region, MEASURED, 2 * PAGE, PAGE, self->source, READ,
				    &done));
	EXPECT_EQ(0, done);
	EXPECT_EQ(-EEXIST, add_once(self->region, ZERO, 2 * PAGE, PAGE, NULL, READ, &done));
	EXPECT_EQ(0, done);
	/* What lies before the page that exists is added, and done says so. */
	EXPECT_EQ(-EEXIST, add_once(self->region, MEASURED, 0, 4 * PAGE, self->source, READ,
				    &done));
	EXPECT_EQ(2 * PAGE, done);
	EXPECT_EQ(0, add_once(self->region, MEASURED, 3 * PAGE, PAGE, self->source, READ, NULL));
}

TEST_F(add, source_at_any_alignment)
{
	uint8_t *copy = malloc(SIZE + 64);
	uint8_t *at;
	size_t shift;

	ASSERT_NE(NULL, copy);
	for (shift = 0; shift < PAGES; shift++) {
		memcpy(copy + shift * 3 + 1, self->source + shift * PAGE, PAGE);
		ASSERT_EQ(0, add_once(self->region, 0, shift * PAGE, PAGE, copy + shift * 3 + 1,
				      READ, NULL));
	}
	ASSERT_EQ(0, init_region(self->region, NULL));
	at = map_region(self->region, 0, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, check_pattern(at, 7, 0, SIZE));
	free(copy);
}

TEST_F(add, source_faults_half_way)
{
	uint8_t *half = guarded(5 * PAGE);
	struct cloister_stats stats;
	uint8_t *at;
	uint64_t done;

	ASSERT_NE(NULL, half);
	memcpy(half, self->source, 5 * PAGE);
	EXPECT_EQ(-EFAULT, add_once(self->region, MEASURED, 0, 8 * PAGE, half, READ, &done));
	EXPECT_EQ(5 * PAGE, done);
	ASSERT_EQ(0, get_stats(self->region, &stats));
	EXPECT_EQ(5, stats.pages);
	/* The caller goes on from there with a good source. */
	EXPECT_EQ(0, add_once(self->region, MEASURED, done, SIZE - done, self->source + done,
			      READ, NULL));
	ASSERT_EQ(0, init_region(self->region, NULL));
	at = map_region(self->region, 0, SIZE, PROT_READ);
	EXPECT_EQ(0, check_pattern(at, 7, 0, SIZE));
}

TEST_F(add, source_faults_inside_a_page)
{
	uint8_t *half = guarded(PAGE + PAGE / 2);
	uint64_t done;

	ASSERT_NE(NULL, half);
	EXPECT_EQ(-EFAULT, add_once(self->region, MEASURED, 0, 2 * PAGE, half, READ, &done));
	EXPECT_EQ(PAGE, done);
	EXPECT_EQ(0, add_once(self->region, MEASURED, PAGE, PAGE, self->source, READ, NULL));
}

/* A file that ends before its mapping: the kernel meets SIGBUS ground while it copies. */
TEST_F(add, source_behind_the_end_of_a_file)
{
	int file = memfd_create("short", MFD_CLOEXEC);
	uint8_t *at;
	uint64_t done;

	ASSERT_GE(file, 0);
	ASSERT_EQ(0, ftruncate(file, 3 * PAGE));
	at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-EFAULT, add_once(self->region, MEASURED, 0, SIZE, at, READ, &done));
	EXPECT_EQ(3 * PAGE, done);
}

TEST_F(add, source_is_another_region)
{
	int other = pattern_region(self->device, SIZE, 0, 0, READ, 7);
	uint8_t *from, *to;

	ASSERT_GE(other, 0);
	from = map_region(other, 0, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, from);
	ASSERT_EQ(0, seal_all(other));
	ASSERT_EQ(0, add_pages(self->region, MEASURED, 0, SIZE, from, READ));
	ASSERT_EQ(0, init_region(self->region, NULL));
	to = map_region(self->region, 0, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, to);
	EXPECT_EQ(0, check_pattern(to, 7, 0, SIZE));
}

/* Each page that is copied out evicts another of the source, and does so of the target. */
TEST_F(add, source_is_another_region_with_a_tight_limit)
{
	const size_t size = 64 * PAGE;
	int other = pattern_region(self->device, size, RESIDENT_MIN, 0, READ, 8);
	int region = create_region(self->device, size, RESIDENT_MIN, 0);
	uint8_t *from, *to;

	ASSERT_GE(other, 0);
	ASSERT_GE(region, 0);
	from = map_region(other, 0, size, PROT_READ);
	ASSERT_NE(MAP_FAILED, from);
	ASSERT_EQ(0, add_pages(region, MEASURED, 0, size, from, READ));
	ASSERT_EQ(0, init_region(region, NULL));
	to = map_region(region, 0, size, PROT_READ);
	ASSERT_NE(MAP_FAILED, to);
	EXPECT_EQ(0, check_pattern(to, 8, 0, size));
}

/* A region that is LIVE takes no page, its own mapping as source included. */
TEST_F(add, source_is_the_region_itself)
{
	uint8_t *at;
	uint64_t done = 1;

	ASSERT_EQ(0, add_pages(self->region, MEASURED, 0, PAGE, self->source, READ));
	ASSERT_EQ(0, init_region(self->region, NULL));
	at = map_region(self->region, 0, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-EBADFD, add_once(self->region, MEASURED, PAGE, PAGE, at, READ, &done));
	EXPECT_EQ(-EBADFD, add_once(self->region, MEASURED, PAGE, PAGE, at + PAGE, READ, &done));
	EXPECT_EQ(0, check_pattern(at, 7, 0, PAGE));
}

TEST_F(add, not_after_init)
{
	struct cloister_stats before;

	ASSERT_EQ(0, add_pages(self->region, MEASURED, 0, PAGE, self->source, READ));
	ASSERT_EQ(0, init_region(self->region, NULL));
	ASSERT_EQ(0, get_stats(self->region, &before));
	EXPECT_EQ(-EBADFD, add_once(self->region, MEASURED, PAGE, PAGE, self->source, READ, NULL));
	EXPECT_EQ(-EBADFD, add_once(self->region, ZERO, PAGE, PAGE, NULL, READ, NULL));
	expect_unchanged(_metadata, self->region, &before);
}

TEST_F(add, ends_of_the_largest_region)
{
	static const uint64_t offsets[] = {
		0, PAGE, 511 * PAGE, 512 * PAGE, 1ULL << 30, (1ULL << 39) - PAGE, 1ULL << 39,
		REGION_MAX - PAGE,
	};
	int region = create_region(self->device, REGION_MAX, 0, 0);
	struct cloister_stats stats;
	uint8_t *at;
	size_t i;

	ASSERT_GE(region, 0);
	for (i = 0; i < ARRAY_LEN(offsets); i++) {
		pattern_fill(self->source, 9, offsets[i], PAGE);
		ASSERT_EQ(0, add_once(region, MEASURED, offsets[i], PAGE, self->source,
				      READ | WRITE, NULL))
			TH_LOG("offset %#llx", (unsigned long long)offsets[i]);
	}
	ASSERT_EQ(0, init_region(region, NULL));
	ASSERT_EQ(0, seal_all(region));
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(ARRAY_LEN(offsets), stats.pages);
	EXPECT_EQ(ARRAY_LEN(offsets), stats.sealed);
	EXPECT_LE(stats.metadata, 256 * PAGE);
	at = map_region(region, 0, REGION_MAX, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	for (i = 0; i < ARRAY_LEN(offsets); i++) {
		EXPECT_EQ(0, check_pattern(at + offsets[i], 9, offsets[i], PAGE));
		EXPECT_EQ(0, touch_write(at + offsets[i]));
	}
	EXPECT_EQ(SIGBUS, touch_read(at + (1ULL << 38)));
	ASSERT_EQ(0, munmap(at, REGION_MAX));
}

TEST_HARNESS_MAIN
