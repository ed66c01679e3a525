// SPDX-License-Identifier: Apache-2.0
/* Pins: by mapping, and by loading a page for a mapping. */
#include "unit.h"

static void pins_hold_a_page(void **state)
{
	u64 region = region_with_pages(8, 2), frame, ignored, next;
	void *cipher = buffer_new();
	u32 permissions, i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_ok(mon_page_map(root, region, 0, 1, &frame, &permissions));
	for (i = 3; i > 0; i--) {
		assert_refused(mon_page_evict(root, region, 0, cipher, &ignored), MON_E_BUSY);
		assert_refused(mon_page_remove(root, region, 0, &ignored, &next), MON_E_BUSY);
		assert_refused(mon_granule_undelegate(root, frame), MON_E_GRANULE);
		assert_ok(mon_page_unpin(root, frame));
	}
	/* A pin is for one page alone. */
	assert_ok(mon_page_map(root, region, 0, 1, &frame, &permissions));
	page_out(region, 1, cipher);
	assert_ok(mon_page_unpin(root, frame));
	page_out(region, 0, cipher);
	free(cipher);
	region_end(region);
}

static void pins_are_bounded(void **state)
{
	u64 region = region_with_pages(8, 1), frame;
	u32 permissions, i;

	(void)state;
	for (i = 0; i < GRANULE_REFS_MAX; i++)
		assert_ok(mon_page_map(root, region, 0, 1, &frame, &permissions));
	assert_refused(mon_page_map(root, region, 0, 1, &frame, &permissions), MON_E_BUSY);
	frame = entry_of(region, 0).frame;
	for (i = 0; i < GRANULE_REFS_MAX; i++)
		assert_ok(mon_page_unpin(root, frame));
	region_end(region);
}

/* Not to be had by anyone, nor taken apart, until the one pin is gone. */
static void assert_pinned_once(u64 region, u64 page, u64 frame)
{
	void *cipher = buffer_new();
	u64 ignored, next;

	assert_int_equal(granule_refs(frame), 1);
	assert_int_equal(page_state_of(region, page), PAGE_RESIDENT);
	assert_true(entry_of(region, page).frame == frame);
	assert_refused(mon_page_evict(root, region, page, cipher, &ignored), MON_E_BUSY);
	assert_refused(mon_page_remove(root, region, page, &ignored, &next), MON_E_BUSY);
	assert_refused(mon_granule_undelegate(root, frame), MON_E_GRANULE);
	assert_ok(mon_page_unpin(root, frame));
	assert_refused(mon_page_unpin(root, frame), MON_E_GRANULE);
	page_out(region, page, cipher);
	free(cipher);
}

static void loaded_and_pinned(void **state)
{
	u64 region = region_new(8, 0), frame;
	struct mon_region_stats stats;
	void *cipher = buffer_new();
	u32 permissions = 0;

	(void)state;
	region_add(region, 0, MON_PERM_READ | MON_PERM_EXEC, MON_PAGE_DATA, pattern(0));
	region_add(region, 1, RW, MON_PAGE_ZERO, NULL);
	region_live(region);
	page_out(region, 0, cipher);

	frame = granule_take_delegated();
	assert_ok(mon_page_load_pinned(root, region, 0, frame, cipher, &permissions));
	assert_int_equal(permissions, MON_PERM_READ | MON_PERM_EXEC);
	assert_memory_equal(host_granule_peek(frame), pattern(0), PAGE);
	stats = stats_of(region);
	assert_int_equal(stats.resident, 1);
	assert_int_equal(stats.sealed, 0);
	assert_int_equal(stats.loads, 1);
	assert_pinned_once(region, 0, frame);

	frame = granule_take_delegated();
	assert_ok(mon_page_load_pinned(root, region, 1, frame, NULL, &permissions));
	assert_int_equal(permissions, RW);
	assert_true(all_zero(host_granule_peek(frame), PAGE));
	assert_pinned_once(region, 1, frame);
	free(cipher);
	region_end(region);
}

static void loaded_without_a_pin(void **state)
{
	u64 region = region_with_pages(8, 1), frame;
	void *cipher = buffer_new();

	(void)state;
	page_out(region, 0, cipher);
	frame = page_in(region, 0, cipher);
	assert_int_equal(granule_refs(frame), 0);
	assert_refused(mon_page_unpin(root, frame), MON_E_GRANULE);
	page_out(region, 0, cipher);
	free(cipher);
	region_end(region);
}

/* The pin of a load is one as any other. */
static void pins_add_up(void **state)
{
	u64 region = region_with_pages(8, 1), frame, mapped;
	void *cipher = buffer_new();
	u32 permissions;

	(void)state;
	page_out(region, 0, cipher);
	frame = granule_take_delegated();
	assert_ok(mon_page_load_pinned(root, region, 0, frame, cipher, &permissions));
	assert_ok(mon_page_map(root, region, 0, RW, &mapped, &permissions));
	assert_true(mapped == frame);
	assert_int_equal(granule_refs(frame), 2);
	assert_ok(mon_page_unpin(root, frame));
	assert_pinned_once(region, 0, frame);
	free(cipher);
	region_end(region);
}

/* A pin is asked for or not: nothing else that the host may have meant. */
static void pin_is_a_flag(void **state)
{
	u64 region = region_with_pages(8, 1), frame = granule_take_delegated();
	void *cipher = buffer_new();
	struct mon_args args;
	u32 bit;

	(void)state;
	page_out(region, 0, cipher);
	for (bit = 1; bit < 64; bit++) {
		args = (struct mon_args){
			.arg = { region, 0, frame, (u64)(size_t)cipher, 1ull << bit }
		};
		assert_refused(mon_host_call(root, MON_CALL_PAGE_LOAD, &args), MON_E_ARGUMENT);
		args.arg[4] |= 1;
		assert_refused(mon_host_call(root, MON_CALL_PAGE_LOAD, &args), MON_E_ARGUMENT);
		assert_int_equal(args.result[0], 0);
	}
	granule_put_delegated(frame);
	free(cipher);
	region_end(region);
}

/* A load that is refused pins nothing: not the frame, and not what is there already. */
static void refused_loads_pin_nothing(void **state)
{
	u64 region = region_with_pages(200, 2), frame = granule_take_delegated();
	u8 *cipher = buffer_new();
	u32 permissions = 7;

	(void)state;
	page_out(region, 0, cipher);
#define REFUSED(page, source, wanted, may) \
	do { \
		permissions = 7; \
		assert_refused_but(mon_page_load_pinned(root, region, page, frame, source, \
							&permissions), wanted, may); \
		assert_int_equal(permissions, 0); \
	} while (0)
	REFUSED(200, cipher, MON_E_ARGUMENT, 0);
	REFUSED(1, cipher, MON_E_RESIDENT, 0);
	REFUSED(5, cipher, MON_E_ABSENT, 0);
	REFUSED(199, cipher, MON_E_ABSENT, 0);
	REFUSED(0, NULL, MON_E_SEALED, 0);
	REFUSED(0, cipher + 8, MON_E_ARGUMENT, 0);
	host_fail(1u << HOST_OP_OPEN, 1, MON_E_CRYPTO);
	REFUSED(0, cipher, MON_E_CRYPTO, 0);
	cipher[9] ^= 1;
	REFUSED(0, cipher, MON_E_INTEGRITY, MAY_COUNT_FAILURES);
	cipher[9] ^= 1;
#undef REFUSED
	assert_ok(mon_page_load_pinned(root, region, 0, frame, cipher, &permissions));
	assert_pinned_once(region, 0, frame);
	free(cipher);
	region_end(region);
}

static void hook_kill(enum host_op op, enum host_moment moment, void *arg)
{
	(void)op;
	if (moment == HOST_BEFORE)
		expect(mon_region_kill(root, *(u64 *)arg) == MON_OK);
}

/* A region that dies meanwhile takes its mappings with it: nobody is given a page to map anew. */
static void not_pinned_as_the_region_dies(void **state)
{
	u64 region = region_with_pages(8, 1), frame = granule_take_delegated();
	void *cipher = buffer_new();
	u32 permissions;

	(void)state;
	page_out(region, 0, cipher);
	host_set_hook(1u << HOST_OP_OPEN, hook_kill, &region);
	assert_status(mon_page_load_pinned(root, region, 0, frame, cipher, &permissions),
		      MON_E_STATE);
	host_set_hook(0, NULL, NULL);
	assert_int_equal(permissions, 0);
	assert_int_equal(stats_of(region).state, MON_REGION_DEAD);
	assert_int_equal(page_state_of(region, 0), PAGE_SEALED);
	assert_int_equal(state_of(frame), GRANULE_DELEGATED);
	assert_true(all_zero(host_granule_peek(frame), PAGE));
	granule_put_delegated(frame);
	free(cipher);
	region_end(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(pins_hold_a_page),
		MACHINE_TEST(pins_are_bounded),
		MACHINE_TEST(loaded_and_pinned),
		MACHINE_TEST(loaded_without_a_pin),
		MACHINE_TEST(pins_add_up),
		MACHINE_TEST(pin_is_a_flag),
		MACHINE_TEST(refused_loads_pin_nothing),
		MACHINE_TEST(not_pinned_as_the_region_dies),
	};

	return RUN_TESTS(tests);
}
