// SPDX-License-Identifier: Apache-2.0
/* Pages: add, map, load, evict; tampering; what happens in the middle of another call. */
#include "unit.h"

/* Add ------------------------------------------------------------------------------- */

static void add_arguments(void **state)
{
	u64 region = region_new(16, 0);
	u64 frame = granule_take_delegated();
	u8 *source = buffer_new();
	struct mon_args args;
	u64 permissions;
	bool legal;

	(void)state;
	region_give(region, 1);
	for (permissions = 0; permissions < 16; permissions++) {
		legal = permissions < 8 && (permissions & MON_PERM_READ) &&
			(permissions & (MON_PERM_WRITE | MON_PERM_EXEC)) !=
			(MON_PERM_WRITE | MON_PERM_EXEC);
		if (!legal)
			assert_refused(mon_page_add(root, region, 0, (u32)permissions,
						    MON_PAGE_DATA, frame, source),
				       MON_E_ARGUMENT);
	}
	for (permissions = 8; permissions; permissions <<= 1) {	/* each bit up to the 63rd */
		if (permissions == 1ull << 32)		/* class PINNED */
			continue;
		args = (struct mon_args){ .arg = { region, 0, 1 | permissions, MON_PAGE_DATA, frame,
						   (u64)(size_t)source } };
		assert_refused(mon_host_call(root, MON_CALL_PAGE_ADD, &args), MON_E_ARGUMENT);
	}
	assert_refused(mon_page_add(root, region, 16, 1, MON_PAGE_DATA, frame, source),
		       MON_E_ARGUMENT);
	assert_refused(mon_page_add(root, region, ~0ull, 1, MON_PAGE_DATA, frame, source),
		       MON_E_ARGUMENT);
	assert_refused(mon_page_add(root, region, 0, 1, MON_PAGE_ZERO + 1, frame, source),
		       MON_E_ARGUMENT);
	assert_refused(mon_page_add(root, region, 0, 1, MON_PAGE_DATA, frame, NULL),
		       MON_E_ARGUMENT);
	assert_refused(mon_page_add(root, region, 0, 1, MON_PAGE_ATTR, frame, NULL),
		       MON_E_ARGUMENT);
	assert_refused(mon_page_add(root, region, 0, 1, MON_PAGE_DATA, 0, source),
		       MON_E_GRANULE);
	assert_refused(mon_page_add(root, region, 0, 1, MON_PAGE_ZERO, frame, NULL),
		       MON_E_ARGUMENT);
	assert_refused(mon_page_add(root, region, 0, 1, MON_PAGE_ZERO, 0, source),
		       MON_E_ARGUMENT);
	args = (struct mon_args){ .arg = { region, 0, 3ull << 32 | 1, MON_PAGE_DATA, frame,
					   (u64)(size_t)source } };
	assert_refused(mon_host_call(root, MON_CALL_PAGE_ADD, &args), MON_E_ARGUMENT);
	assert_refused(mon_page_add(root, frame, 0, 1, MON_PAGE_DATA, frame, source),
		       MON_E_GRANULE);
	granule_put_delegated(frame);
	free(source);
	region_end(region);
}

static void add_copies(void **state)
{
	u64 region = region_new(16, 0), frame;
	struct mon_region_stats stats;
	struct mon_info info;

	(void)state;
	frame = region_add(region, 3, MON_PERM_READ | MON_PERM_EXEC, MON_PAGE_DATA, pattern(3));
	assert_int_equal(state_of(frame), GRANULE_FRAME);
	assert_memory_equal(host_granule_peek(frame), pattern(3), PAGE);
	frame = region_add(region, 4, RW, MON_PAGE_ATTR, pattern(4));
	assert_memory_equal(host_granule_peek(frame), pattern(4), PAGE);
	assert_int_equal(region_add(region, 5, RW, MON_PAGE_ZERO, NULL), 0);
	assert_int_equal(page_state_of(region, 3), PAGE_RESIDENT);
	assert_int_equal(page_state_of(region, 5), PAGE_ZERO);
	assert_int_equal(ENTRY_PERMISSIONS(entry_of(region, 3).word), 5);
	stats = stats_of(region);
	assert_int_equal(stats.added, 3);
	assert_int_equal(stats.resident, 2);
	assert_int_equal(stats.zero, 1);
	assert_ok(mon_get_info(root, &info));
	assert_int_equal(info.frames, 2);
	region_end(region);
}

static void add_once(void **state)
{
	u64 region = region_new(16, 0), frame, spare;
	void *cipher = buffer_new();

	(void)state;
	region_add(region, 0, RW, MON_PAGE_DATA, pattern(0));
	region_add(region, 1, RW, MON_PAGE_ZERO, NULL);
	region_add(region, 2, RW, MON_PAGE_DATA, pattern(2));
	page_out(region, 2, cipher);
	spare = granule_take_delegated();
	for (frame = 0; frame < 3; frame++) {
		assert_refused(mon_page_add(root, region, frame, RW, MON_PAGE_DATA, spare,
					    pattern(9)), MON_E_EXISTS);
		assert_refused(mon_page_add(root, region, frame, RW, MON_PAGE_ZERO, 0, NULL),
			       MON_E_EXISTS);
	}
	granule_put_delegated(spare);
	free(cipher);
	region_end(region);
}

static void add_that_fails_kills_the_region(void **state)
{
	u64 region, frame, n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		region = region_new(16, 0);
		region_give(region, 1);
		frame = granule_take_delegated();
		host_fail(HOST_OPS_FALLIBLE, n, MON_E_CRYPTO);
		assert_status(mon_page_add(root, region, 0, RW, MON_PAGE_DATA, frame, pattern(0)),
			      MON_E_CRYPTO);
		assert_true(host_failed());
		assert_int_equal(state_of(frame), GRANULE_DELEGATED);
		assert_true(all_zero(host_granule_peek(frame), PAGE));
		assert_int_equal(stats_of(region).state, MON_REGION_DEAD);
		assert_int_equal(stats_of(region).added, 0);
		granule_put_delegated(frame);
		region_end(region);
	}
}

/* Map ------------------------------------------------------------------------------- */

static void map_bounds_access(void **state)
{
	static const u32 added[] = { 1, 3, 5 };
	u64 region = region_new(16, 0), frame, wanted;
	u32 access, permissions, i;
	struct mon_args args;

	(void)state;
	for (i = 0; i < 3; i++)
		region_add(region, i, added[i], MON_PAGE_DATA, pattern(i));
	region_live(region);
	for (i = 0; i < 3; i++)
		for (access = 0; access < 8; access++) {
			if (access & ~added[i]) {
				assert_refused(mon_page_map(root, region, i, access, &frame,
							    &permissions), MON_E_PERMISSION);
				continue;
			}
			wanted = entry_of(region, i).frame;
			assert_ok(mon_page_map(root, region, i, access, &frame, &permissions));
			assert_int_equal(permissions, added[i]);
			assert_true(frame == wanted);
			assert_int_equal(granule_refs(frame), 1);
			assert_ok(mon_page_unpin(root, frame));
			assert_refused(mon_page_unpin(root, frame), MON_E_GRANULE);
		}
	for (i = 3; i < 64; i++) {
		args = (struct mon_args){ .arg = { region, 0, 1ull << i } };
		assert_refused(mon_host_call(root, MON_CALL_PAGE_MAP, &args), MON_E_ARGUMENT);
	}
	assert_refused(mon_page_map(root, region, 16, 1, &frame, &permissions), MON_E_ARGUMENT);
	assert_refused(mon_page_map(root, region, 15, 1, &frame, &permissions), MON_E_ABSENT);
	region_end(region);
}

static void map_says_what_is_missing(void **state)
{
	u64 region = region_new(16, 0), frame, next;
	void *cipher = buffer_new();
	u32 permissions;

	(void)state;
	region_add(region, 0, MON_PERM_READ, MON_PAGE_DATA, pattern(0));
	region_add(region, 1, RW, MON_PAGE_ZERO, NULL);
	region_add(region, 2, RW, MON_PAGE_DATA, pattern(2));
	region_live(region);
	page_out(region, 0, cipher);
	assert_refused(mon_page_map(root, region, 0, 1, &frame, &permissions), MON_E_SEALED);
	assert_int_equal(frame, 1);	/* a ciphertext is needed */
	assert_int_equal(permissions, 0);
	assert_refused(mon_page_map(root, region, 1, 1, &frame, &permissions), MON_E_SEALED);
	assert_int_equal(frame, 0);	/* none is */
	assert_int_equal(permissions, 0);
	/* What it allows holds while it is sealed. */
	assert_refused(mon_page_map(root, region, 0, 2, &frame, &permissions), MON_E_PERMISSION);
	assert_int_equal(frame, 0);
	assert_ok(mon_page_remove(root, region, 2, &frame, &next));
	granule_put_delegated(frame);
	assert_refused(mon_page_map(root, region, 2, 1, &frame, &permissions), MON_E_ABSENT);
	free(cipher);
	region_end(region);
}

/* Evict and load ----------------------------------------------------------------------- */

static void round_trip(void **state)
{
	u64 region = region_with_pages(300, 4), frame;
	u8 *cipher = buffer_new(), *again = buffer_new();
	struct mon_region_stats stats;
	struct mon_info info;

	(void)state;
	frame = entry_of(region, 2).frame;
	memcpy(host_granule_peek(frame), pattern(77), PAGE);	/* the enclave writes */
	page_out(region, 2, cipher);
	assert_int_equal(state_of(frame), GRANULE_HOST);
	assert_true(all_zero(host_granule_peek(frame), PAGE));
	assert_memory_not_equal(cipher, pattern(77), PAGE);
	stats = stats_of(region);
	assert_int_equal(stats.added, 4);
	assert_int_equal(stats.resident, 3);
	assert_int_equal(stats.sealed, 1);
	assert_int_equal(stats.evictions, 1);
	frame = page_in(region, 2, cipher);
	assert_memory_equal(host_granule_peek(frame), pattern(77), PAGE);
	assert_int_equal(entry_of(region, 2).frame, frame);
	assert_int_equal(ENTRY_PERMISSIONS(entry_of(region, 2).word), RW);
	stats = stats_of(region);
	assert_int_equal(stats.resident, 4);
	assert_int_equal(stats.sealed, 0);
	assert_int_equal(stats.loads, 1);
	assert_ok(mon_get_info(root, &info));
	assert_int_equal(info.frames, 4);
	/* The same contents never look the same twice. */
	page_out(region, 2, again);
	assert_memory_not_equal(cipher, again, PAGE);
	free(cipher);
	free(again);
	region_end(region);
}

static void zero_pages_load_without_ciphertext(void **state)
{
	u64 region = region_new(8, 0), frame = granule_take();
	void *cipher = buffer_new();

	(void)state;
	region_add(region, 0, RW, MON_PAGE_ZERO, NULL);
	region_live(region);
	/* What the host left in the granule must not show. */
	memset(host_granule_peek(frame), 0xff, PAGE);
	assert_ok(mon_granule_delegate(root, frame));
	assert_refused(mon_page_evict(root, region, 0, cipher, &(u64){ 0 }), MON_E_SEALED);
	assert_ok(mon_page_load(root, region, 0, frame, NULL));
	assert_true(all_zero(host_granule_peek(frame), PAGE));
	assert_int_equal(stats_of(region).zero, 0);
	assert_int_equal(stats_of(region).resident, 1);
	assert_int_equal(stats_of(region).loads, 1);
	memcpy(host_granule_peek(frame), pattern(5), PAGE);
	page_out(region, 0, cipher);
	page_in(region, 0, cipher);
	assert_memory_equal(page_contents(region, 0), pattern(5), PAGE);
	free(cipher);
	region_end(region);
}

/* A page that was zero when the host looked, and was used and sealed before it came to load it. */
static void zero_no_more(void **state)
{
	u64 region = region_new(8, 0), frame, ignored, opened;
	u32 permissions = 7;
	void *cipher = buffer_new();

	(void)state;
	region_add(region, 0, RW, MON_PAGE_ZERO, NULL);
	region_live(region);
	assert_refused(mon_page_map(root, region, 0, 1, &ignored, &permissions), MON_E_SEALED);
	assert_int_equal(ignored, 0);
	page_in(region, 0, NULL);
	memcpy(page_contents(region, 0), pattern(8), PAGE);
	page_out(region, 0, cipher);

	frame = granule_take_delegated();
	opened = host_op_count(1u << HOST_OP_OPEN);
	assert_refused(mon_page_load(root, region, 0, frame, NULL), MON_E_SEALED);
	assert_refused(mon_page_load_pinned(root, region, 0, frame, NULL, &permissions),
		       MON_E_SEALED);
	assert_int_equal(permissions, 0);
	assert_int_equal(host_op_count(1u << HOST_OP_OPEN), opened);
	assert_refused(mon_page_map(root, region, 0, 1, &ignored, &permissions), MON_E_SEALED);
	assert_int_equal(ignored, 1);
	assert_ok(mon_page_load(root, region, 0, frame, cipher));
	assert_memory_equal(page_contents(region, 0), pattern(8), PAGE);
	free(cipher);
	region_end(region);
}

static void load_and_evict_refusals(void **state)
{
	u64 region = region_with_pages(200, 2), frame = granule_take_delegated(), ignored, next;
	u8 *cipher = buffer_new(), *other = buffer_new();

	(void)state;
	assert_refused(mon_page_load(root, region, 200, frame, cipher), MON_E_ARGUMENT);
	assert_refused(mon_page_load(root, region, 1, frame, cipher), MON_E_RESIDENT);
	assert_refused(mon_page_load(root, region, 5, frame, cipher), MON_E_ABSENT);
	assert_refused(mon_page_load(root, region, 199, frame, cipher), MON_E_ABSENT);
	assert_refused(mon_page_evict(root, region, 200, cipher, &ignored), MON_E_ARGUMENT);
	assert_refused(mon_page_evict(root, region, 1, NULL, &ignored), MON_E_ARGUMENT);
	assert_refused(mon_page_evict(root, region, 5, cipher, &ignored), MON_E_ABSENT);
	assert_refused(mon_page_evict(root, region, 199, cipher, &ignored), MON_E_ABSENT);
	page_out(region, 0, cipher);
	assert_refused(mon_page_evict(root, region, 0, other, &ignored), MON_E_SEALED);
	assert_refused(mon_page_load(root, region, 0, frame, NULL), MON_E_SEALED);
	assert_refused(mon_page_load(root, region, 1, frame, NULL), MON_E_RESIDENT);
	assert_refused(mon_page_load(root, region, 5, frame, NULL), MON_E_ABSENT);
	assert_refused(mon_page_load(root, region, 0, entry_of(region, 1).frame, cipher),
		       MON_E_GRANULE);
	assert_ok(mon_page_remove(root, region, 0, &ignored, &next));
	assert_refused(mon_page_load(root, region, 0, frame, cipher), MON_E_ABSENT);
	assert_refused(mon_page_evict(root, region, 0, other, &ignored), MON_E_ABSENT);
	granule_put_delegated(frame);
	free(cipher);
	free(other);
	region_end(region);
}

/* Buffers of the host's are granules: a half one would spill into what lies beside it. */
static void misaligned_buffers_are_refused(void **state)
{
	u64 region = region_new(8, 0), frame, ignored;
	u8 *buffer = aligned_alloc(PAGE, 2 * PAGE);
	u32 off;

	(void)state;
	assert_non_null(buffer);
	memset(buffer, 0, 2 * PAGE);
	region_add(region, 0, RW, MON_PAGE_DATA, pattern(0));
	region_add(region, 1, RW, MON_PAGE_DATA, pattern(1));
	frame = granule_take_delegated();
	for (off = 1; off < PAGE; off <<= 1)
		assert_refused(mon_page_add(root, region, 2, RW, MON_PAGE_DATA, frame,
					    buffer + off), MON_E_ARGUMENT);
	region_live(region);
	page_out(region, 0, buffer);
	for (off = 1; off < PAGE; off <<= 1) {
		assert_refused(mon_page_load(root, region, 0, frame, buffer + off),
			       MON_E_ARGUMENT);
		assert_refused(mon_page_evict(root, region, 1, buffer + off, &ignored),
			       MON_E_ARGUMENT);
	}
	granule_put_delegated(frame);
	free(buffer);
	region_end(region);
}

static void crypto_failures_change_nothing(void **state)
{
	static const enum mon_status failures[] = { MON_E_NO_MEMORY, MON_E_CRYPTO };
	u64 region = region_with_pages(8, 2), frame = granule_take_delegated(), ignored;
	u8 *cipher = buffer_new();
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		host_fail(1u << HOST_OP_SEAL, 1, failures[i]);
		assert_refused_but(mon_page_evict(root, region, 0, cipher, &ignored), failures[i],
				   MAY_USE_NONCES);
		assert_true(host_failed());
	}
	/* No nonce is used twice, not even that of a seal that failed. */
	assert_true(region_of(region)->key[1].counter == 2);
	page_out(region, 0, cipher);
	for (i = 0; i < 2; i++) {
		host_fail(1u << HOST_OP_OPEN, 1, failures[i]);
		assert_refused(mon_page_load(root, region, 0, frame, cipher), failures[i]);
		assert_true(host_failed());
	}
	assert_ok(mon_page_load(root, region, 0, frame, cipher));
	assert_memory_equal(host_granule_peek(frame), pattern(0), PAGE);
	free(cipher);
	region_end(region);
}

struct unmapped {
	u64 cookie, first, count;
};

static void note_all(u64 cookie, u64 first, u64 count, void *arg)
{
	*(struct unmapped *)arg = (struct unmapped){ cookie, first, count };
}

static void the_last_nonce_stops_the_region(void **state)
{
	u64 region = region_with_pages(8, 3), ignored;
	struct unmapped u = { 0 };
	u8 *cipher = buffer_new();

	(void)state;
	region_of(region)->key[1].counter = ENTRY_COUNTER_MAX - 1;
	page_out(region, 0, cipher);
	assert_true(ENTRY_COUNTER(entry_of(region, 0).word) == ENTRY_COUNTER_MAX);
	page_in(region, 0, cipher);
	assert_memory_equal(page_contents(region, 0), pattern(0), PAGE);
	host_set_unmap(note_all, &u);
	assert_status(mon_page_evict(root, region, 1, cipher, &ignored), MON_E_EXHAUSTED);
	host_set_unmap(NULL, NULL);
	/* Nobody goes on using what can't be sealed any more. */
	assert_true(u.cookie == region && u.first == 0 && u.count == 8);
	assert_int_equal(page_state_of(region, 1), PAGE_RESIDENT);
	assert_int_equal(stats_of(region).state, MON_REGION_DEAD);
	assert_int_equal(stats_of(region).resident, 3);
	free(cipher);
	region_end(region);
}

/* Tampering ------------------------------------------------------------------------------- */

static void any_bit_of_the_ciphertext(void **state)
{
	u64 region = region_with_pages(8, 1), frame = granule_take_delegated();
	struct mon_region_stats stats;
	u8 *cipher = buffer_new();
	u32 bit, tries = 0;

	(void)state;
	page_out(region, 0, cipher);
	for (bit = 0; bit < 8 * PAGE; bit++) {
		cipher[bit / 8] ^= 1u << bit % 8;
		if (mon_page_load(root, region, 0, frame, cipher) != MON_E_INTEGRITY)
			fail_msg("bit %u was flipped unnoticed", bit);
		cipher[bit / 8] ^= 1u << bit % 8;
		tries++;
	}
	assert_int_equal(state_of(frame), GRANULE_DELEGATED);
	assert_true(all_zero(host_granule_peek(frame), PAGE));
	stats = stats_of(region);
	assert_int_equal(stats.integrity_failures, tries);
	assert_int_equal(stats.sealed, 1);
	assert_int_equal(stats.loads, 0);
	/* The region still works. */
	assert_ok(mon_page_load(root, region, 0, frame, cipher));
	assert_memory_equal(host_granule_peek(frame), pattern(0), PAGE);
	free(cipher);
	region_end(region);
}

static void assert_not_loadable(u64 region, u64 page, const void *cipher)
{
	u64 frame = granule_take_delegated();

	assert_refused_but(mon_page_load(root, region, page, frame, cipher), MON_E_INTEGRITY,
			   MAY_COUNT_FAILURES);
	granule_put_delegated(frame);
}

static void older_ciphertext(void **state)
{
	u64 region = region_with_pages(8, 1);
	u8 *old = buffer_new(), *new = buffer_new();

	(void)state;
	page_out(region, 0, old);
	page_in(region, 0, old);
	page_out(region, 0, new);	/* same contents, later nonce */
	assert_not_loadable(region, 0, old);
	page_in(region, 0, new);
	assert_memory_equal(page_contents(region, 0), pattern(0), PAGE);
	free(old);
	free(new);
	region_end(region);
}

static void ciphertext_of_another_page(void **state)
{
	u64 region = region_with_pages(8, 2);
	u8 *a = buffer_new(), *b = buffer_new();

	(void)state;
	page_out(region, 0, a);
	page_out(region, 1, b);
	assert_not_loadable(region, 0, b);
	assert_not_loadable(region, 1, a);
	page_in(region, 0, a);
	page_in(region, 1, b);
	free(a);
	free(b);
	region_end(region);
}

static void ciphertext_of_another_region(void **state)
{
	u64 r1 = region_with_pages(8, 1), r2 = region_with_pages(8, 1);
	u8 *a = buffer_new(), *b = buffer_new();

	(void)state;
	page_out(r1, 0, a);
	page_out(r2, 0, b);
	assert_not_loadable(r1, 0, b);
	assert_not_loadable(r2, 0, a);
	page_in(r1, 0, a);
	page_in(r2, 0, b);
	free(a);
	free(b);
	region_end(r1);
	region_end(r2);
}

/* Even with key, nonce and tag of another page's entry: place and region are bound as well. */
static void metadata_does_not_travel(void **state)
{
	u64 r1 = region_with_pages(8, 2), r2 = region_with_pages(8, 1);
	u8 *a = buffer_new(), *b = buffer_new(), *c = buffer_new();
	struct page_entry entry, own;
	struct mon_region *r = region_of(r1);

	(void)state;
	page_out(r1, 0, a);
	page_out(r1, 1, b);
	page_out(r2, 0, c);
	entry = entry_of(r1, 0);
	plat_lock(&r->lock);
	own = *table_find(r, 1);
	*table_find(r, 1) = entry;
	plat_unlock(&r->lock);
	assert_not_loadable(r1, 1, a);
	plat_lock(&r->lock);
	*table_find(r, 1) = own;
	plat_unlock(&r->lock);
	page_in(r1, 1, b);

	r = region_of(r2);
	plat_lock(&r->lock);
	*table_find(r, 0) = entry;
	plat_unlock(&r->lock);
	r->key[1] = region_of(r1)->key[1];
	r->key[1].aead.gcm.bctx = &r->key[1].aead.keys.vtable;
	assert_not_loadable(r2, 0, a);
	memcpy(r->uid, region_of(r1)->uid, sizeof(r->uid));
	page_in(r2, 0, a);	/* the uid was all that was missing */
	free(a);
	free(b);
	free(c);
	region_end(r1);
	region_end(r2);
}

/* In the middle of another call -------------------------------------------------------------- */

/* What each call answers about a page that is BUSY. */
struct busy {
	u64 region, page;
	void *cipher;
	int runs;
	enum mon_status map, load, load_zero, evict, remove, undelegate;
	u64 frame;
};

static void hook_busy(enum host_op op, enum host_moment moment, void *arg)
{
	struct busy *b = arg;
	u64 spare, ignored, next;
	u32 permissions;

	(void)op;
	if (moment != HOST_BEFORE || b->runs++)
		return;
	expect(page_state_of(b->region, b->page) == PAGE_BUSY);
	spare = granule_take_delegated();
	b->map = mon_page_map(root, b->region, b->page, 1, &ignored, &permissions);
	b->load = mon_page_load(root, b->region, b->page, spare, b->cipher);
	b->load_zero = mon_page_load(root, b->region, b->page, spare, NULL);
	b->evict = mon_page_evict(root, b->region, b->page, b->cipher, &ignored);
	b->remove = mon_page_remove(root, b->region, b->page, &ignored, &next);
	expect(next == b->page + 1);
	b->undelegate = mon_granule_undelegate(root, b->frame);
	granule_put_delegated(spare);
}

static void assert_all_busy(const struct busy *b)
{
	assert_int_equal(b->runs, 1);
	assert_status(b->map, MON_E_BUSY);
	assert_status(b->load, MON_E_BUSY);
	assert_status(b->load_zero, MON_E_BUSY);
	assert_status(b->evict, MON_E_BUSY);
	assert_status(b->remove, MON_E_BUSY);
	assert_status(b->undelegate, MON_E_GRANULE);
}

static void busy_while_evicted(void **state)
{
	static const u32 ops[] = { 1u << HOST_OP_UNMAP, 1u << HOST_OP_SEAL };
	void *cipher = buffer_new(), *scratch = buffer_new();
	struct busy b;
	u64 frame;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		b = (struct busy){ .region = region_with_pages(8, 1), .cipher = scratch };
		b.frame = entry_of(b.region, 0).frame;
		host_set_hook(ops[i], hook_busy, &b);
		assert_ok(mon_page_evict(root, b.region, 0, cipher, &frame));
		host_set_hook(0, NULL, NULL);
		assert_all_busy(&b);
		granule_put_delegated(frame);
		page_in(b.region, 0, cipher);
		assert_memory_equal(page_contents(b.region, 0), pattern(0), PAGE);
		region_end(b.region);
	}
	free(cipher);
	free(scratch);
}

static void busy_while_loaded(void **state)
{
	struct busy b = { .region = region_with_pages(8, 1), .cipher = buffer_new() };
	void *cipher = buffer_new();

	(void)state;
	page_out(b.region, 0, cipher);
	b.frame = granule_take_delegated();
	host_set_hook(1u << HOST_OP_OPEN, hook_busy, &b);
	assert_ok(mon_page_load(root, b.region, 0, b.frame, cipher));
	host_set_hook(0, NULL, NULL);
	assert_all_busy(&b);
	assert_memory_equal(page_contents(b.region, 0), pattern(0), PAGE);
	free(cipher);
	free(b.cipher);
	region_end(b.region);
}

static void busy_while_removed(void **state)
{
	struct busy b = { .region = region_with_pages(8, 1), .cipher = buffer_new() };
	u64 frame, next;

	(void)state;
	b.frame = entry_of(b.region, 0).frame;
	host_set_hook(1u << HOST_OP_UNMAP, hook_busy, &b);
	assert_ok(mon_page_remove(root, b.region, 0, &frame, &next));
	host_set_hook(0, NULL, NULL);
	assert_all_busy(&b);
	granule_put_delegated(frame);
	free(b.cipher);
	region_end(b.region);
}

/* The unmapping is asked for before the page is read, and for that page alone. */
struct order {
	u64 cookie;
	int unmapped;
};

static void note_unmap(u64 cookie, u64 first, u64 count, void *arg)
{
	struct order *o = arg;

	expect(cookie == o->cookie && first == 3 && count == 1);
	o->unmapped++;
}

static void hook_seal_after_unmap(enum host_op op, enum host_moment moment, void *arg)
{
	struct order *o = arg;

	(void)op;
	expect(moment != HOST_BEFORE || o->unmapped == 1);
}

static void unmapped_before_sealed(void **state)
{
	struct order o = { .cookie = region_with_pages(8, 4) };
	void *cipher = buffer_new();
	u64 next, frame;

	(void)state;
	host_set_unmap(note_unmap, &o);
	host_set_hook(1u << HOST_OP_SEAL, hook_seal_after_unmap, &o);
	page_out(o.cookie, 3, cipher);
	assert_int_equal(o.unmapped, 1);
	page_in(o.cookie, 3, cipher);
	assert_int_equal(o.unmapped, 1);
	assert_ok(mon_page_remove(root, o.cookie, 3, &frame, &next));
	assert_int_equal(o.unmapped, 2);
	granule_put_delegated(frame);
	host_set_hook(0, NULL, NULL);
	host_set_unmap(NULL, NULL);
	free(cipher);
	region_end(o.cookie);
}

/* Other pages of the region go on while one is BUSY. */
struct others {
	u64 region;
	int runs;
};

static void hook_others(enum host_op op, enum host_moment moment, void *arg)
{
	struct others *o = arg;
	void *cipher;
	u64 frame;
	u32 permissions;

	(void)op;
	if (moment != HOST_BEFORE || o->runs++)
		return;
	cipher = buffer_new();
	page_out(o->region, 1, cipher);
	page_in(o->region, 1, cipher);
	expect(mon_page_map(root, o->region, 2, 1, &frame, &permissions) == MON_OK);
	expect(mon_page_unpin(root, frame) == MON_OK);
	free(cipher);
}

static void others_go_on(void **state)
{
	struct others o = { .region = region_with_pages(8, 3) };
	void *cipher = buffer_new();

	(void)state;
	host_set_hook(1u << HOST_OP_SEAL | 1u << HOST_OP_OPEN, hook_others, &o);
	page_out(o.region, 0, cipher);
	assert_int_equal(o.runs, 1);
	o.runs = 0;
	page_in(o.region, 0, cipher);
	assert_int_equal(o.runs, 1);
	host_set_hook(0, NULL, NULL);
	assert_memory_equal(page_contents(o.region, 0), pattern(0), PAGE);
	assert_memory_equal(page_contents(o.region, 1), pattern(1), PAGE);
	free(cipher);
	region_end(o.region);
}

static void hook_kill(enum host_op op, enum host_moment moment, void *arg)
{
	(void)op;
	if (moment == HOST_BEFORE)
		expect(mon_region_kill(root, *(u64 *)arg) == MON_OK);
}

/* Whatever the answer, the books are right, and everything can be reclaimed. */
static void killed_in_the_middle(void **state)
{
	void *cipher = buffer_new();
	struct mon_region_stats stats;
	enum mon_status status;
	u64 region, frame;

	(void)state;
	region = region_with_pages(8, 2);
	page_out(region, 0, cipher);
	frame = granule_take_delegated();
	host_set_hook(1u << HOST_OP_OPEN, hook_kill, &region);
	/* A page of a dead region is not handed out. */
	assert_status(mon_page_load(root, region, 0, frame, cipher), MON_E_STATE);
	assert_int_equal(state_of(frame), GRANULE_DELEGATED);
	granule_put_delegated(frame);
	stats = stats_of(region);
	assert_int_equal(stats.resident, 1);
	assert_int_equal(stats.sealed, 1);
	region_end(region);

	region = region_with_pages(8, 1);
	host_set_hook(1u << HOST_OP_SEAL, hook_kill, &region);
	status = mon_page_evict(root, region, 0, cipher, &frame);
	if (status == MON_OK)
		granule_put_delegated(frame);
	region_end(region);

	region = region_new(8, 0);
	region_give(region, 1);
	frame = granule_take_delegated();
	host_set_hook(1u << HOST_OP_HASH_UPDATE, hook_kill, &region);
	status = mon_page_add(root, region, 0, RW, MON_PAGE_DATA, frame, pattern(0));
	host_set_hook(0, NULL, NULL);
	if (status != MON_OK) {
		assert_int_equal(state_of(frame), GRANULE_DELEGATED);
		granule_put_delegated(frame);
	}
	assert_int_equal(stats_of(region).state, MON_REGION_DEAD);
	region_end(region);
	free(cipher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(add_arguments),
		MACHINE_TEST(add_copies),
		MACHINE_TEST(add_once),
		MACHINE_TEST(add_that_fails_kills_the_region),
		MACHINE_TEST(map_bounds_access),
		MACHINE_TEST(map_says_what_is_missing),
		MACHINE_TEST(round_trip),
		MACHINE_TEST(zero_pages_load_without_ciphertext),
		MACHINE_TEST(zero_no_more),
		MACHINE_TEST(load_and_evict_refusals),
		MACHINE_TEST(misaligned_buffers_are_refused),
		MACHINE_TEST(crypto_failures_change_nothing),
		MACHINE_TEST(the_last_nonce_stops_the_region),
		MACHINE_TEST(any_bit_of_the_ciphertext),
		MACHINE_TEST(older_ciphertext),
		MACHINE_TEST(ciphertext_of_another_page),
		MACHINE_TEST(ciphertext_of_another_region),
		MACHINE_TEST(metadata_does_not_travel),
		MACHINE_TEST(busy_while_evicted),
		MACHINE_TEST(busy_while_loaded),
		MACHINE_TEST(busy_while_removed),
		MACHINE_TEST(unmapped_before_sealed),
		MACHINE_TEST(others_go_on),
		MACHINE_TEST(killed_in_the_middle),
	};

	return RUN_TESTS(tests);
}
