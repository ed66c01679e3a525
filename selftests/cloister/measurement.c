// SPDX-License-Identifier: GPL-2.0-only
/* The measurement, compared with one computed here from its specification. */
#include "checks.h"
#include "sha384.h"

#define PAGES	8
#define SIZE	(PAGES * PAGE)
#define LAST_PAGE	(REGION_MAX / PAGE - 1)

FIXTURE(measurement) {
	int device;
	uint8_t *source;
};

FIXTURE_SETUP(measurement)
{
	uint8_t digest[CLOISTER_DIGEST_LEN];
	int result = sha384("", 0, digest);

	ASSERT_EQ(0, result) TH_LOG("AF_ALG's sha384 (CONFIG_CRYPTO_USER_API_HASH): %s",
				    strerror(-result));
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->source = pattern_buffer(11, SIZE);
	ASSERT_NE(NULL, self->source);
}

FIXTURE_TEARDOWN(measurement)
{
	free(self->source);
	close(self->device);
}

/* One step of building, for the device and for the computation alike. */
struct step {
	uint32_t flags;
	uint64_t page;
	uint64_t pages;
	uint32_t permissions;
};

static int build(int device, const uint8_t *source, uint64_t size, uint32_t create_flags,
		 const struct step *steps, size_t count, uint8_t digest[CLOISTER_DIGEST_LEN])
{
	int region = create_region(device, size, 0, create_flags);
	int result = region < 0 ? region : 0;
	size_t i;

	for (i = 0; !result && i < count; i++)
		result = add_pages(region, steps[i].flags, steps[i].page * PAGE,
				   steps[i].pages * PAGE,
				   steps[i].flags & ZERO ? NULL : source + steps[i].page * PAGE,
				   steps[i].permissions);
	if (!result)
		result = init_region(region, digest);
	if (region >= 0)
		close(region);
	return result;
}

static int compute(const uint8_t *source, uint64_t size, uint32_t create_flags,
		   const struct step *steps, size_t count, uint8_t digest[CLOISTER_DIGEST_LEN])
{
	struct measuring measuring;
	int result = measuring_begin(&measuring, size, create_flags);
	const char *tag;
	uint64_t page;
	size_t i;

	for (i = 0; !result && i < count; i++) {
		tag = steps[i].flags & ZERO ? "pagezero" :
			steps[i].flags & MEASURED ? "pagedata" : "pageattr";
		for (page = steps[i].page; !result && page < steps[i].page + steps[i].pages; page++)
			result = measuring_page(&measuring, tag, page * PAGE, steps[i].permissions,
						!!(steps[i].flags & PINNED),
						strcmp(tag, "pagedata") ? NULL :
						source + page * PAGE);
	}
	return result ? result : measuring_end(&measuring, digest);
}

struct recipe {
	const char *what;
	uint64_t size;
	uint32_t create_flags;
	size_t count;
	struct step steps[4];
};

static const struct recipe recipes[] = {
	{ "no page", SIZE, 0, 0, { } },
	{ "all measured", SIZE, 0, 1, { { MEASURED, 0, PAGES, READ } } },
	{ "shareable", SIZE, SHAREABLE, 1, { { MEASURED, 0, PAGES, READ } } },
	{ "writable", SIZE, 0, 1, { { MEASURED, 0, PAGES, READ | WRITE } } },
	{ "executable", SIZE, 0, 1, { { MEASURED, 0, PAGES, READ | EXEC } } },
	{ "not measured", SIZE, 0, 1, { { 0, 0, PAGES, READ } } },
	{ "zero", SIZE, 0, 1, { { ZERO, 0, PAGES, READ | WRITE } } },
	{ "backwards", SIZE, 0, 2, { { MEASURED, 4, 4, READ }, { MEASURED, 0, 4, READ } } },
	{ "mixed", SIZE, SHAREABLE, 4, {
		{ MEASURED, 0, 2, READ | EXEC }, { ZERO, 6, 2, READ | WRITE },
		{ 0, 3, 1, READ }, { MEASURED, 4, 1, READ | WRITE } } },
	{ "pinned", SIZE, 0, 3, {
		{ MEASURED | PINNED, 0, 2, READ }, { PINNED, 2, 2, READ },
		{ ZERO | PINNED, 4, 4, READ | WRITE } } },
	{ "largest", REGION_MAX, 0, 2, { { MEASURED, 1, 2, READ }, { ZERO, LAST_PAGE, 1, READ } } },
};

TEST_F(measurement, agrees_with_the_specification)
{
	uint8_t expected[CLOISTER_DIGEST_LEN], seen[CLOISTER_DIGEST_LEN];
	const struct recipe *recipe;
	size_t i;

	for (i = 0; i < ARRAY_LEN(recipes); i++) {
		recipe = &recipes[i];
		ASSERT_EQ(0, compute(self->source, recipe->size, recipe->create_flags,
				     recipe->steps, recipe->count, expected));
		ASSERT_EQ(0, build(self->device, self->source, recipe->size, recipe->create_flags,
				   recipe->steps, recipe->count, seen));
		EXPECT_EQ(0, memcmp(expected, seen, sizeof(seen))) TH_LOG("%s", recipe->what);
	}
}

TEST_F(measurement, every_recipe_has_its_own)
{
	uint8_t digests[ARRAY_LEN(recipes)][CLOISTER_DIGEST_LEN];
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(digests); i++) {
		ASSERT_EQ(0, build(self->device, self->source, recipes[i].size,
				   recipes[i].create_flags, recipes[i].steps, recipes[i].count,
				   digests[i]));
		for (j = 0; j < i; j++) {
			EXPECT_NE(0, memcmp(digests[i], digests[j], CLOISTER_DIGEST_LEN))
				TH_LOG("%s and %s", recipes[i].what, recipes[j].what);
		}
	}
}

TEST_F(measurement, split_of_a_range_leaves_no_trace)
{
	static const struct step whole[] = { { MEASURED, 0, PAGES, READ } };
	static const struct step parts[] = {
		{ MEASURED, 0, 1, READ }, { MEASURED, 1, 4, READ },
		{ MEASURED, 5, PAGES - 5, READ },
	};
	uint8_t first[CLOISTER_DIGEST_LEN], second[CLOISTER_DIGEST_LEN];

	ASSERT_EQ(0, build(self->device, self->source, SIZE, 0, whole, 1, first));
	ASSERT_EQ(0, build(self->device, self->source, SIZE, 0, parts, ARRAY_LEN(parts), second));
	EXPECT_EQ(0, memcmp(first, second, sizeof(first)));
}

TEST_F(measurement, refused_calls_leave_no_trace)
{
	static const struct step whole[] = { { MEASURED, 0, PAGES, READ } };
	uint8_t expected[CLOISTER_DIGEST_LEN], seen[CLOISTER_DIGEST_LEN];
	int region = create_region(self->device, SIZE, 0, 0);

	ASSERT_EQ(0, compute(self->source, SIZE, 0, whole, 1, expected));
	ASSERT_EQ(-EINVAL, add_once(region, MEASURED, 0, PAGE, self->source, WRITE, NULL));
	ASSERT_EQ(-EFAULT, add_once(region, MEASURED, 0, PAGE, NULL, READ, NULL));
	ASSERT_EQ(0, add_pages(region, MEASURED, 0, PAGE, self->source, READ));
	ASSERT_EQ(-EEXIST, add_once(region, MEASURED, 0, PAGE, self->source, READ, NULL));
	ASSERT_EQ(-EINVAL, add_once(region, MEASURED, SIZE, PAGE, self->source, READ, NULL));
	ASSERT_EQ(0, add_pages(region, MEASURED, PAGE, SIZE - PAGE, self->source + PAGE, READ));
	ASSERT_EQ(0, init_region(region, seen));
	EXPECT_EQ(0, memcmp(expected, seen, sizeof(seen)));
	close(region);
}

TEST_F(measurement, contents_count_only_when_measured)
{
	static const struct step measured[] = { { MEASURED, 0, 1, READ } };
	static const struct step unmeasured[] = { { 0, 0, 1, READ } };
	uint8_t first[CLOISTER_DIGEST_LEN], second[CLOISTER_DIGEST_LEN];

	ASSERT_EQ(0, build(self->device, self->source, SIZE, 0, measured, 1, first));
	self->source[PAGE - 1] ^= 1;
	ASSERT_EQ(0, build(self->device, self->source, SIZE, 0, measured, 1, second));
	EXPECT_NE(0, memcmp(first, second, sizeof(first)));

	ASSERT_EQ(0, build(self->device, self->source, SIZE, 0, unmeasured, 1, first));
	self->source[PAGE - 1] ^= 1;
	ASSERT_EQ(0, build(self->device, self->source, SIZE, 0, unmeasured, 1, second));
	EXPECT_EQ(0, memcmp(first, second, sizeof(first)));
}

TEST_F(measurement, resident_limit_and_sealing_leave_no_trace)
{
	static const struct step whole[] = { { MEASURED, 0, PAGES, READ } };
	uint8_t expected[CLOISTER_DIGEST_LEN], seen[CLOISTER_DIGEST_LEN];
	int region = create_region(self->device, SIZE, SIZE, 0);

	ASSERT_EQ(0, compute(self->source, SIZE, 0, whole, 1, expected));
	ASSERT_EQ(0, add_pages(region, MEASURED, 0, 4 * PAGE, self->source, READ));
	ASSERT_EQ(0, seal_all(region));
	ASSERT_EQ(0, add_pages(region, MEASURED, 4 * PAGE, SIZE - 4 * PAGE,
			       self->source + 4 * PAGE, READ));
	ASSERT_EQ(0, init_region(region, seen));
	EXPECT_EQ(0, memcmp(expected, seen, sizeof(seen)));
	close(region);
}

TEST_HARNESS_MAIN
