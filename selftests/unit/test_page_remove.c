// SPDX-License-Identifier: Apache-2.0
/* Removing pages, and where to go on from each. */
#include "unit.h"

#define LEAF	((u64)TABLE_LEAF_ENTRIES)

static void remove_leaves_a_tombstone(void **state)
{
	u64 region = region_new(200, 0), frame, next, held, spare;
	void *cipher = buffer_new();
	struct mon_region_stats stats;

	(void)state;
	held = region_add(region, 0, RW, MON_PAGE_DATA, pattern(0));
	region_add(region, 1, RW, MON_PAGE_ZERO, NULL);
	region_add(region, 2, RW, MON_PAGE_DATA, pattern(2));
	region_live(region);
	page_out(region, 2, cipher);
	assert_refused(mon_page_remove(root, region, 200, &frame, &next), MON_E_ARGUMENT);
	assert_ok(mon_page_remove(root, region, 0, &frame, &next));
	assert_true(frame == held);
	assert_int_equal(next, 1);
	assert_int_equal(state_of(frame), GRANULE_DELEGATED);
	assert_true(all_zero(host_granule_peek(frame), PAGE));
	granule_put_delegated(frame);
	assert_ok(mon_page_remove(root, region, 1, &frame, &next));
	assert_int_equal(frame, 0);
	assert_ok(mon_page_remove(root, region, 2, &frame, &next));
	assert_int_equal(frame, 0);
	assert_int_equal(next, 3);
	for (spare = 0; spare < 3; spare++)
		assert_int_equal(page_state_of(region, spare), PAGE_REMOVED);
	stats = stats_of(region);
	assert_int_equal(stats.added + stats.resident + stats.sealed + stats.zero, 0);
	for (spare = 0; spare < 4; spare++) {
		assert_refused(mon_page_remove(root, region, spare, &frame, &next), MON_E_ABSENT);
		assert_int_equal(next, spare + 1);
	}
	/* Where there is no table, on to the next one. */
	assert_refused(mon_page_remove(root, region, 199, &frame, &next), MON_E_ABSENT);
	assert_true(next >= 200);
	spare = granule_take_delegated();
	assert_refused(mon_page_load(root, region, 2, spare, cipher), MON_E_ABSENT);
	granule_put_delegated(spare);
	free(cipher);
	region_end(region);
}

/* @next is where the next page may be: the next one, or what the next table holds. */
static void next_with_each_answer(void **state)
{
	u64 size = 3 * LEAF + 5, region = region_new(size, 0), frame, pinned, next;
	u32 permissions;

	(void)state;
	region_add(region, LEAF - 1, RW, MON_PAGE_ZERO, NULL);
	region_add(region, 2 * LEAF, RW, MON_PAGE_DATA, pattern(0));
	next = 7;
	assert_refused(mon_page_remove(root, region, 0, &frame, &next), MON_E_STATE);
	assert_int_equal(next, 0);
	region_live(region);
	next = 7;
	assert_refused(mon_page_remove(root, region, size, &frame, &next), MON_E_ARGUMENT);
	assert_int_equal(next, 0);

	/* A table is there, the page is not. */
	assert_refused(mon_page_remove(root, region, 0, &frame, &next), MON_E_ABSENT);
	assert_int_equal(next, 1);
	assert_ok(mon_page_remove(root, region, LEAF - 1, &frame, &next));
	assert_int_equal(next, LEAF);
	/* Not even a table: from its first page, from within, from its last. */
	assert_refused(mon_page_remove(root, region, LEAF, &frame, &next), MON_E_ABSENT);
	assert_int_equal(next, 2 * LEAF);
	assert_refused(mon_page_remove(root, region, LEAF + 7, &frame, &next), MON_E_ABSENT);
	assert_int_equal(next, 2 * LEAF);
	assert_refused(mon_page_remove(root, region, 2 * LEAF - 1, &frame, &next), MON_E_ABSENT);
	assert_int_equal(next, 2 * LEAF);
	/* The page is there and stays. */
	assert_ok(mon_page_map(root, region, 2 * LEAF, 1, &pinned, &permissions));
	assert_refused(mon_page_remove(root, region, 2 * LEAF, &frame, &next), MON_E_BUSY);
	assert_int_equal(next, 2 * LEAF + 1);
	assert_ok(mon_page_unpin(root, pinned));
	assert_ok(mon_page_remove(root, region, 2 * LEAF, &frame, &next));
	assert_int_equal(next, 2 * LEAF + 1);
	granule_put_delegated(frame);
	assert_refused(mon_page_remove(root, region, 3 * LEAF, &frame, &next), MON_E_ABSENT);
	assert_true(next >= size);
	region_end(region);
}

/* Who goes by @next meets every page, and no missing table twice. */
static void next_leads_to_every_page(void **state)
{
	static const u64 pages[] = {
		3, LEAF - 1, LEAF, 5 * LEAF + 7, 5 * LEAF + 8, 18 * LEAF, 20 * LEAF - 1,
	};
	static const u64 tables = 5, size = 20 * LEAF;
	u64 count = sizeof(pages) / sizeof(*pages), region = region_new(size, 0);
	u64 page, next, frame, i, removed = 0, calls = 0;
	enum mon_status status;

	(void)state;
	for (i = 0; i < count; i++)
		region_add(region, pages[i], RW, i % 2 ? MON_PAGE_ZERO : MON_PAGE_DATA,
			   i % 2 ? NULL : pattern(i));
	region_live(region);
	for (page = 0; page < size; page = next, calls++) {
		status = mon_page_remove(root, region, page, &frame, &next);
		assert_true(next > page);
		if (status == MON_E_ABSENT)
			continue;
		assert_ok(status);
		assert_true(removed < count && page == pages[removed]);
		removed++;
		if (frame)
			granule_put_delegated(frame);
	}
	assert_int_equal(removed, count);
	assert_int_equal(stats_of(region).added, 0);
	assert_int_equal(calls, tables * LEAF + 20 - tables);
	region_end(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(remove_leaves_a_tombstone),
		MACHINE_TEST(next_with_each_answer),
		MACHINE_TEST(next_leads_to_every_page),
	};

	return RUN_TESTS(tests);
}
