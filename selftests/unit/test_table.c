// SPDX-License-Identifier: Apache-2.0
/* Page metadata: sizes, donation, sparse regions, reclaim down to nothing. */
#include "unit.h"

#define LEAF	170ull
#define NODE	512ull

static void levels(void **state)
{
	static const struct {
		u64 pages;
		u32 levels;
	} cases[] = {
		{ 1, 0 }, { LEAF - 1, 0 }, { LEAF, 0 }, { LEAF + 1, 1 },
		{ LEAF * NODE - 1, 1 }, { LEAF * NODE, 1 }, { LEAF * NODE + 1, 2 },
		{ LEAF * NODE * NODE, 2 }, { LEAF * NODE * NODE + 1, 3 },
		{ MON_REGION_PAGES_MAX, 3 },
	};
	size_t i;

	(void)state;
	assert_int_equal(TABLE_LEAF_ENTRIES, LEAF);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(table_levels(cases[i].pages), cases[i].levels);
	assert_true(table_levels(MON_REGION_PAGES_MAX) + 1 <= MON_TABLES_PER_PAGE);
}

static enum mon_status add_zero(u64 region, u64 page)
{
	return mon_page_add(root, region, page, RW, MON_PAGE_ZERO, 0, NULL);
}

/* How many granules adding @page takes; with each one too few it is refused and changes nothing. */
static u32 tables_for(u64 region, u64 page)
{
	u32 given = 0;

	for (;;) {
		struct snapshot *before = snapshot_take();
		enum mon_status status = add_zero(region, page);

		if (status != MON_E_NEED_TABLES) {
			assert_ok(status);
			/* Only what was asked for and given was used. */
			assert_int_equal(region_of(region)->spares, 0);
			snapshot_drop(before);
			return given;
		}
		snapshot_same(before, 0);
		region_give(region, 1);
		given++;
		assert_true(given <= MON_TABLES_PER_PAGE);
	}
}

static void donation(void **state)
{
	static const struct {
		u64 pages, page;
		u32 tables;
	} steps[] = {
		/* first page of a region: the whole path */
		{ 1, 0, 1 }, { LEAF, LEAF - 1, 1 }, { LEAF + 1, 0, 2 }, { LEAF + 1, LEAF, 2 },
		{ LEAF * NODE, LEAF * NODE - 1, 2 }, { LEAF * NODE + 1, 0, 3 },
		{ LEAF * NODE * NODE, 5, 3 }, { LEAF * NODE * NODE + 1, 5, 4 },
		{ MON_REGION_PAGES_MAX, MON_REGION_PAGES_MAX - 1, 4 },
	};
	struct mon_region_stats stats;
	size_t i;
	u64 region;

	(void)state;
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		region = region_new(steps[i].pages, 0);
		assert_int_equal(tables_for(region, steps[i].page), steps[i].tables);
		stats = stats_of(region);
		assert_int_equal(stats.granules, 1 + steps[i].tables);
		assert_int_equal(stats.zero, 1);
		region_end(region);
	}
}

/* Neighbours across each boundary share what they can. */
static void paths_are_shared(void **state)
{
	u64 region = region_new(MON_REGION_PAGES_MAX, 0);

	(void)state;
	assert_int_equal(tables_for(region, 0), 4);
	assert_int_equal(tables_for(region, 1), 0);
	assert_int_equal(tables_for(region, LEAF - 1), 0);
	assert_int_equal(tables_for(region, LEAF), 1);
	assert_int_equal(tables_for(region, LEAF * NODE - 1), 1);
	assert_int_equal(tables_for(region, LEAF * NODE), 2);
	assert_int_equal(tables_for(region, LEAF * NODE * NODE - 1), 2);
	assert_int_equal(tables_for(region, LEAF * NODE * NODE), 3);
	assert_int_equal(tables_for(region, MON_REGION_PAGES_MAX - 1), 3);
	assert_int_equal(stats_of(region).granules, 1 + 4 + 1 + 1 + 2 + 2 + 3 + 3);
	region_end(region);
}

static void beyond_the_end(void **state)
{
	static const u64 sizes[] = { 1, LEAF, LEAF + 1, LEAF * NODE, MON_REGION_PAGES_MAX };
	size_t i;
	u64 region;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		region = region_new(sizes[i], 0);
		region_give(region, 4);
		assert_refused(add_zero(region, sizes[i]), MON_E_ARGUMENT);
		assert_refused(add_zero(region, ~0ull), MON_E_ARGUMENT);
		assert_refused(add_zero(region, 1ull << 63), MON_E_ARGUMENT);
		region_end(region);
	}
}

static bool entry_is_inside(const struct page_entry *entry)
{
	const u8 *first = host_granule_peek(host_granule_pa(0));
	size_t offset = (size_t)((const u8 *)entry - first) % PAGE;

	return offset + sizeof(*entry) <= PAGE;
}

/* No two pages share an entry, and each finds its own again. */
static void entries_are_distinct(void **state)
{
	u64 pages = 3 * LEAF + 1, page;
	u64 region = region_new(pages, 0);
	struct mon_region *r = region_of(region);
	struct page_entry *entry;

	(void)state;
	region_give(region, 5);
	plat_lock(&r->lock);
	for (page = 0; page < pages; page++) {
		entry = table_make(r, page);
		assert_non_null(entry);
		assert_true(entry_is_inside(entry));
		assert_int_equal(entry->word, 0);
		entry->word = entry_word(PAGE_REMOVED, 0, 0, page + 1);
	}
	for (page = 0; page < pages; page++) {
		entry = table_find(r, page);
		assert_int_equal(ENTRY_COUNTER(entry->word), page + 1);
		assert_ptr_equal(entry, table_make(r, page));
	}
	plat_unlock(&r->lock);
	region_end(region);
}

static void find_in_holes(void **state)
{
	u64 region = region_new(MON_REGION_PAGES_MAX, 0);
	struct mon_region *r = region_of(region);
	u64 frame;
	u32 permissions;

	(void)state;
	plat_lock(&r->lock);
	assert_null(table_find(r, 0));
	plat_unlock(&r->lock);
	tables_for(region, 7);
	plat_lock(&r->lock);
	assert_non_null(table_find(r, 7));
	assert_int_equal(table_find(r, 8)->word, 0);
	assert_null(table_find(r, LEAF));
	assert_null(table_find(r, LEAF * NODE));
	assert_null(table_find(r, MON_REGION_PAGES_MAX - 1));
	plat_unlock(&r->lock);
	region_live(region);
	assert_refused(mon_page_map(root, region, LEAF * NODE, 0, &frame, &permissions),
		       MON_E_ABSENT);
	assert_refused(mon_page_map(root, region, 8, 0, &frame, &permissions), MON_E_ABSENT);
	region_end(region);
}

/* The answer is the search's own, whatever the caller had there before. */
static void next_resident_in_holes(void **state)
{
	u64 region = region_new(MON_REGION_PAGES_MAX, 0);
	struct mon_region *r = region_of(region);
	bool found = true;

	(void)state;
	plat_lock(&r->lock);
	assert_int_equal(table_next_resident(r, 0, &found), MON_REGION_PAGES_MAX);
	assert_false(found);
	found = true;
	assert_int_equal(table_next_resident(r, MON_REGION_PAGES_MAX, &found),
			 MON_REGION_PAGES_MAX);
	assert_false(found);
	plat_unlock(&r->lock);
	tables_for(region, LEAF * NODE);
	region_add(region, LEAF * NODE + 1, RW, MON_PAGE_DATA, pattern(0));
	plat_lock(&r->lock);
	assert_int_equal(table_next_resident(r, 0, &found), LEAF * NODE + 1);
	assert_true(found);
	/* A gap below the node ends with one leaf, not with the node. */
	assert_true(table_next_resident(r, LEAF * NODE + LEAF, &found) < 2 * LEAF * NODE);
	assert_false(found);
	plat_unlock(&r->lock);
	region_end(region);
}

static void entry_words(void **state)
{
	u64 word = entry_word(PAGE_SEALED, 5, 3, ENTRY_COUNTER_MAX);

	(void)state;
	assert_int_equal(ENTRY_STATE(word), PAGE_SEALED);
	assert_int_equal(ENTRY_PERMISSIONS(word), 5);
	assert_int_equal(ENTRY_SLOT(word), 3);
	assert_true(ENTRY_COUNTER(word) == ENTRY_COUNTER_MAX);
	assert_true(sizeof(struct page_entry) <= 32);
}

/* One granule a call: each comes back zero and DELEGATED, and the count goes to nothing. */
static void reclaim_one_by_one(void **state)
{
	u64 region = region_new(MON_REGION_PAGES_MAX, 0);
	u64 pa, left, frames = 0;
	struct mon_info info;
	u32 count, i;

	(void)state;
	for (i = 0; i < 3; i++, frames++)
		region_add(region, i * LEAF * NODE + i, RW, MON_PAGE_DATA, pattern(i));
	region_add(region, 9, RW, MON_PAGE_ZERO, NULL);
	region_give(region, 3);
	assert_ok(mon_region_kill(root, region));
	left = stats_of(region).granules - 1 + frames;
	while (left) {
		assert_refused(mon_region_destroy(root, region), MON_E_STATE);
		assert_ok(mon_region_reclaim(root, region, &pa, 1, &count));
		assert_int_equal(count, 1);
		assert_int_equal(state_of(pa), GRANULE_DELEGATED);
		assert_true(all_zero(host_granule_peek(pa), PAGE));
		granule_put_delegated(pa);
		left--;
	}
	assert_int_equal(stats_of(region).granules, 1);
	assert_int_equal(stats_of(region).resident, 0);
	assert_ok(mon_get_info(root, &info));
	assert_int_equal(info.frames, 0);
	assert_int_equal(info.delegated, 1);
	assert_ok(mon_region_reclaim(root, region, &pa, 1, &count));
	assert_int_equal(count, 0);
	region_end(region);
}

/* Tables alone hold a region back, too. */
static void no_end_with_tables_left(void **state)
{
	u64 region = region_new(LEAF + 1, 0), pa;
	u32 count;

	(void)state;
	assert_int_equal(tables_for(region, 0), 2);
	assert_ok(mon_region_kill(root, region));
	assert_refused(mon_region_destroy(root, region), MON_E_STATE);
	assert_ok(mon_region_reclaim(root, region, &pa, 1, &count));
	assert_int_equal(count, 1);
	granule_put_delegated(pa);
	assert_refused(mon_region_destroy(root, region), MON_E_STATE);
	region_end(region);
}

/* What the host left in a granule is not taken for metadata. */
static void donated_garbage_is_scrubbed(void **state)
{
	u64 region = region_new(LEAF * NODE, 0), pa;
	struct mon_region *r = region_of(region);
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		pa = granule_take();
		memset(host_granule_peek(pa), 0xff, PAGE);
		assert_ok(mon_granule_delegate(root, pa));
		assert_ok(mon_region_donate(root, region, pa));
	}
	assert_ok(add_zero(region, 5));
	plat_lock(&r->lock);
	assert_int_equal(table_find(r, 4)->word, 0);
	assert_int_equal(table_find(r, LEAF - 1)->word, 0);
	assert_null(table_find(r, LEAF));
	assert_null(table_find(r, LEAF * NODE - 1));
	plat_unlock(&r->lock);
	region_end(region);
}

/* A pinned frame stays; what could be taken before it was taken. */
static void reclaim_waits_for_pins(void **state)
{
	u64 region = region_with_pages(8, 3);
	u64 pas[MON_RECLAIM_BATCH], frame;
	u32 permissions, count, i;

	(void)state;
	assert_ok(mon_page_map(root, region, 1, MON_PERM_READ, &frame, &permissions));
	assert_ok(mon_region_kill(root, region));
	assert_ok(mon_region_reclaim(root, region, pas, MON_RECLAIM_BATCH, &count));
	assert_int_equal(count, 1);
	for (i = 0; i < count; i++)
		granule_put_delegated(pas[i]);
	assert_refused(mon_region_reclaim(root, region, pas, MON_RECLAIM_BATCH, &count),
		       MON_E_BUSY);
	assert_int_equal(count, 0);
	assert_memory_equal(host_granule_peek(frame), pattern(1), PAGE);
	assert_ok(mon_page_unpin(root, frame));
	region_end(region);
}

static void reclaim_arguments(void **state)
{
	u64 region = region_with_pages(8, 1);
	u64 pas[MON_RECLAIM_BATCH + 1];
	u32 count;

	(void)state;
	assert_refused(mon_region_reclaim(root, region, pas, 1, &count), MON_E_STATE);
	assert_ok(mon_region_kill(root, region));
	assert_refused(mon_region_reclaim(root, region, NULL, 1, &count), MON_E_ARGUMENT);
	assert_refused(mon_region_reclaim(root, region, pas, 0, &count), MON_E_ARGUMENT);
	assert_refused(mon_region_reclaim(root, region, pas, MON_RECLAIM_BATCH + 1, &count),
		       MON_E_ARGUMENT);
	region_end(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(levels),
		MACHINE_TEST(entry_words),
		MACHINE_TEST(donation),
		MACHINE_TEST(paths_are_shared),
		MACHINE_TEST(beyond_the_end),
		MACHINE_TEST(entries_are_distinct),
		MACHINE_TEST(find_in_holes),
		MACHINE_TEST(next_resident_in_holes),
		MACHINE_TEST(reclaim_one_by_one),
		MACHINE_TEST(no_end_with_tables_left),
		MACHINE_TEST(donated_garbage_is_scrubbed),
		MACHINE_TEST(reclaim_waits_for_pins),
		MACHINE_TEST(reclaim_arguments),
	};

	return RUN_TESTS(tests);
}
