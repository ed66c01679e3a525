// SPDX-License-Identifier: Apache-2.0
/*
 * What only a race or a broken invariant reaches. The dispatcher looks at a region's state, and a
 * handler looks again under the lock; between the two the region may have gone on. Here the handler
 * is called as if it just had.
 */
#include "unit.h"

static void refused_by_handler(mon_handler handler, u64 region, struct mon_args args)
{
	struct snapshot *before = snapshot_take();

	args.arg[0] = region;
	assert_status(handler(root, region_of(region), &args), MON_E_STATE);
	snapshot_same(before, 0);
}

static void region_that_is_not_alive_any_more(void **state)
{
	u64 region = region_with_pages(8, 2), granule = granule_take_delegated(), pas[1];
	void *buffer = buffer_new();
	u64 address = (u64)(size_t)buffer;

	(void)state;
	assert_ok(mon_region_kill(root, region));
#define ARGS(...) ((struct mon_args){ .arg = { 0, __VA_ARGS__ } })
	refused_by_handler(call_region_donate, region, ARGS(granule));
	refused_by_handler(call_region_init, region, ARGS(address));
	refused_by_handler(call_region_rekey, region, ARGS(0));
	refused_by_handler(call_page_add, region, ARGS(5, 3, MON_PAGE_DATA, granule, address));
	refused_by_handler(call_page_add, region, ARGS(5, 3, MON_PAGE_ZERO, 0, 0));
	refused_by_handler(call_page_map, region, ARGS(0, 1));
	refused_by_handler(call_page_load, region, ARGS(0, granule, address));
	refused_by_handler(call_page_evict, region, ARGS(0, address));
	refused_by_handler(call_page_remove, region, ARGS(0));
	granule_put_delegated(granule);
	region_end(region);

	region = region_with_pages(8, 1);
	refused_by_handler(call_region_reclaim, region, ARGS((u64)(size_t)pas, 1));
#undef ARGS
	region_end(region);
	free(buffer);
}

/* So many calls at once that their references can't be counted. */
static void region_with_too_many_calls(void **state)
{
	u64 region = region_with_pages(8, 1);
	u16 *word = plat_granule_word(region);
	struct mon_region_stats stats;

	(void)state;
	*word |= GRANULE_REFS_MAX;
	assert_status(mon_region_stats(root, region, &stats), MON_E_BUSY);
	assert_int_equal(granule_refs(region), GRANULE_REFS_MAX);
	*word &= (u16)~GRANULE_REFS_MAX;
	assert_ok(mon_region_stats(root, region, &stats));
	region_end(region);
}

static void root_that_is_none(void **state)
{
	u64 was = root->pa;

	(void)state;
	root->pa = host_granule_pa(1);
	assert_status(mon_stop(root), MON_E_GRANULE);
	root->pa = was;
}

/* Broken invariants: the monitor stops before anything leaks. */

static u64 victim;

static void hook_break(enum host_op op, enum host_moment moment, void *arg)
{
	(void)op;
	(void)moment;
	*plat_granule_word(victim) = *(u16 *)arg;
}

static void lose_reference(void)
{
	u8 data[MON_REPORT_DATA_LEN] = { 0 };
	struct mon_report report;
	u16 word;

	victim = region_with_pages(8, 1);
	word = *plat_granule_word(victim);
	host_set_hook(1u << HOST_OP_HMAC, hook_break, &word);
	mon_report(root, victim, data, &report);
}

static void lose_region_being_made(void)
{
	u16 word = GRANULE_TABLE << GRANULE_STATE_SHIFT;
	u64 id;

	victim = granule_take_delegated();
	host_set_hook(1u << HOST_OP_HASH_UPDATE, hook_break, &word);
	mon_region_create(root, victim, 8, 0, 0, &id);
}

static void lose_new_frame(void)
{
	u16 word = GRANULE_FRAME << GRANULE_STATE_SHIFT | GRANULE_REFS_MAX;
	u64 region = region_with_pages(8, 1);
	void *cipher = buffer_new();
	u32 permissions;

	page_out(region, 0, cipher);
	victim = granule_take_delegated();
	host_set_hook(1u << HOST_OP_OPEN, hook_break, &word);
	mon_page_load_pinned(root, region, 0, victim, cipher, &permissions);
}

static void unlock_as_nothing(void)
{
	struct granule g;

	if (granule_find_lock(granule_take_delegated(), GRANULE_DELEGATED, &g))
		granule_unlock_as(&g, GRANULE_STATES);
}

static void broken_invariants_stop_it(void **state)
{
	(void)state;
	assert_dies(lose_reference, "region reference lost");
	assert_dies(lose_region_being_made, "region being made changed hands");
	assert_dies(lose_new_frame, "new frame can't be pinned");
	assert_dies(unlock_as_nothing, "granule word at unlock");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(region_that_is_not_alive_any_more),
		MACHINE_TEST(region_with_too_many_calls),
		MACHINE_TEST(root_that_is_none),
		MACHINE_TEST(broken_invariants_stop_it),
	};

	return RUN_TESTS(tests);
}
