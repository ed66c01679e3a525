// SPDX-License-Identifier: Apache-2.0
/* Pages of class PINNED: resident from the start, never evicted, and measured as what they are. */
#include "unit.h"

#define PINNED_WORD(permissions)	((permissions) | (u64)MON_CLASS_PINNED << 32)

static u64 add_pinned(u64 region, u64 page, u32 permissions, enum mon_page_kind kind,
		      const void *source)
{
	u64 frame = granule_take_delegated();

	region_give(region, MON_TABLES_PER_PAGE);
	assert_ok(mon_page_add_class(root, region, page, permissions, MON_CLASS_PINNED, kind,
				     frame, source));
	return frame;
}

static void resident_from_the_start(void **state)
{
	u64 region = region_new(16, 0), frame, zero;
	struct mon_region_stats stats;

	(void)state;
	frame = add_pinned(region, 3, RW, MON_PAGE_DATA, pattern(3));
	assert_memory_equal(host_granule_peek(frame), pattern(3), PAGE);
	assert_true(entry_of(region, 3).frame == frame);
	assert_int_equal(ENTRY_CLASS(entry_of(region, 3).word), MON_CLASS_PINNED);
	assert_int_equal(ENTRY_PERMISSIONS(entry_of(region, 3).word), RW);
	/* Zero, whatever the host left in the frame. */
	zero = granule_take();
	memset(host_granule_peek(zero), 0xa5, PAGE);
	assert_ok(mon_granule_delegate(root, zero));
	assert_ok(mon_page_add_class(root, region, 4, RW, MON_CLASS_PINNED, MON_PAGE_ZERO, zero,
				     NULL));
	assert_int_equal(page_state_of(region, 4), PAGE_RESIDENT);
	assert_true(all_zero(host_granule_peek(zero), PAGE));
	stats = stats_of(region);
	assert_int_equal(stats.added, 2);
	assert_int_equal(stats.resident, 2);
	assert_int_equal(stats.pinned, 2);
	assert_int_equal(stats.zero, 0);
	region_end(region);
}

static void a_frame_is_needed(void **state)
{
	u64 region = region_new(16, 0);

	(void)state;
	region_give(region, 1);
	assert_refused(mon_page_add_class(root, region, 0, RW, MON_CLASS_PINNED, MON_PAGE_ZERO, 0,
					  NULL), MON_E_GRANULE);
	assert_refused(mon_page_add_class(root, region, 0, RW, MON_CLASS_PINNED, MON_PAGE_DATA, 0,
					  pattern(0)), MON_E_GRANULE);
	region_end(region);
}

/* The control is a page of the other class: the same call takes it away. */
static void never_evicted(void **state)
{
	u64 region = region_new(16, 0), frame, gone;
	void *cipher = buffer_new();
	u32 permissions;

	(void)state;
	region_add(region, 0, RW, MON_PAGE_DATA, pattern(0));
	frame = add_pinned(region, 1, RW, MON_PAGE_DATA, pattern(1));
	add_pinned(region, 2, RW, MON_PAGE_ZERO, NULL);
	page_out(region, 0, cipher);
	assert_refused(mon_page_evict(root, region, 1, cipher, &gone), MON_E_PINNED);
	assert_refused(mon_page_evict(root, region, 2, cipher, &gone), MON_E_PINNED);
	region_live(region);
	page_in(region, 0, cipher);
	page_out(region, 0, cipher);
	assert_refused(mon_page_evict(root, region, 1, cipher, &gone), MON_E_PINNED);
	/* Also while a mapping is being made. */
	assert_ok(mon_page_map(root, region, 1, RW, &gone, &permissions));
	assert_true(gone == frame);
	assert_refused(mon_page_evict(root, region, 1, cipher, &gone), MON_E_PINNED);
	assert_ok(mon_page_unpin(root, frame));
	assert_memory_equal(host_granule_peek(frame), pattern(1), PAGE);
	free(cipher);
	region_end(region);
}

static void passed_over_by_who_looks_for_pages_to_seal(void **state)
{
	u64 region = region_new(16, 0), page = 0;
	bool found;

	(void)state;
	add_pinned(region, 0, RW, MON_PAGE_DATA, pattern(0));
	add_pinned(region, 1, RW, MON_PAGE_ZERO, NULL);
	assert_ok(mon_page_next_resident(root, region, &page, &found));
	assert_false(found);
	assert_int_equal(page, 16);
	region_add(region, 2, RW, MON_PAGE_DATA, pattern(2));
	page = 0;
	assert_ok(mon_page_next_resident(root, region, &page, &found));
	assert_true(found);
	assert_int_equal(page, 2);
	region_end(region);
}

static void removed_as_any_page(void **state)
{
	u64 region = region_new(16, 0), frame, held, next;
	void *cipher = buffer_new();

	(void)state;
	held = add_pinned(region, 5, RW, MON_PAGE_DATA, pattern(5));
	add_pinned(region, 6, RW, MON_PAGE_DATA, pattern(6));
	region_live(region);
	assert_ok(mon_page_remove(root, region, 5, &frame, &next));
	assert_true(frame == held);
	assert_true(all_zero(host_granule_peek(frame), PAGE));
	granule_put_delegated(frame);
	assert_int_equal(stats_of(region).pinned, 1);
	assert_int_equal(stats_of(region).resident, 1);
	assert_refused(mon_page_evict(root, region, 5, cipher, &frame), MON_E_ABSENT);
	/* A dead region's frames go back, pinned or not: region_end() checks it. */
	free(cipher);
	region_end(region);
}

static void hook_evict(enum host_op op, enum host_moment moment, void *arg)
{
	u64 region = *(u64 *)arg, frame;
	static u8 cipher[PAGE] __attribute__((aligned(PAGE)));

	(void)op;
	if (moment == HOST_BEFORE)
		expect(mon_page_evict(root, region, 0, cipher, &frame) == MON_E_PINNED);
}

static void not_even_while_it_is_added(void **state)
{
	u64 region = region_new(16, 0);

	(void)state;
	region_give(region, MON_TABLES_PER_PAGE);
	host_set_hook(1u << HOST_OP_HASH_UPDATE, hook_evict, &region);
	add_pinned(region, 0, RW, MON_PAGE_DATA, pattern(0));
	host_set_hook(0, NULL, NULL);
	assert_int_equal(page_state_of(region, 0), PAGE_RESIDENT);
	region_end(region);
}

static void digest_of(u8 digest[MON_DIGEST_LEN], enum mon_page_class class,
		      enum mon_page_kind kind)
{
	u64 region = region_new(4, 0);

	if (class == MON_CLASS_PINNED)
		add_pinned(region, 0, RW, kind, kind == MON_PAGE_ZERO ? NULL : pattern(0));
	else
		region_add(region, 0, RW, kind, kind == MON_PAGE_ZERO ? NULL : pattern(0));
	assert_ok(mon_region_init(root, region, digest));
	region_end(region);
}

static void the_class_is_measured(void **state)
{
	u8 demand[MON_DIGEST_LEN], pinned[MON_DIGEST_LEN];
	u32 kind;

	(void)state;
	for (kind = MON_PAGE_DATA; kind <= MON_PAGE_ZERO; kind++) {
		digest_of(demand, MON_CLASS_DEMAND, (enum mon_page_kind)kind);
		digest_of(pinned, MON_CLASS_PINNED, (enum mon_page_kind)kind);
		assert_memory_not_equal(demand, pinned, sizeof(demand));
	}
}

/* There is no class but these two. */
static void other_classes(void **state)
{
	u64 region = region_new(16, 0), frame = granule_take_delegated(), class;
	struct mon_args args;

	(void)state;
	region_give(region, MON_TABLES_PER_PAGE);
	for (class = 2; class < 1ull << 32; class <<= 1) {
		args = (struct mon_args){ .arg = { region, 0, 1 | class << 32, MON_PAGE_ATTR, frame,
						   (u64)(size_t)pattern(0) } };
		assert_refused(mon_host_call(root, MON_CALL_PAGE_ADD, &args), MON_E_ARGUMENT);
	}
	args.arg[2] = PINNED_WORD(1);
	assert_ok(mon_host_call(root, MON_CALL_PAGE_ADD, &args));
	region_end(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(resident_from_the_start),
		MACHINE_TEST(a_frame_is_needed),
		MACHINE_TEST(never_evicted),
		MACHINE_TEST(passed_over_by_who_looks_for_pages_to_seal),
		MACHINE_TEST(removed_as_any_page),
		MACHINE_TEST(not_even_while_it_is_added),
		MACHINE_TEST(the_class_is_measured),
		MACHINE_TEST(other_classes),
	};

	return RUN_TESTS(tests);
}
