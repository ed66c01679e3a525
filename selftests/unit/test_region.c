// SPDX-License-Identifier: Apache-2.0
/* Life of a region: states, generations of keys, end. */
#include "unit.h"

static void create_arguments(void **state)
{
	static const struct {
		u64 pages, flags;
	} bad[] = {
		{ 0, 0 }, { MON_REGION_PAGES_MAX + 1, 0 }, { ~0ull, 0 }, { 1ull << 63, 0 },
		{ 1ull << 52, 0 }, { 1, MON_REGION_FLAGS + 1 }, { 1, ~0u },
	};
	u64 pa = granule_take_delegated();
	struct mon_args args;
	u32 bit;
	size_t i;
	u64 id;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_refused(mon_region_create(root, pa, bad[i].pages, (u32)bad[i].flags, 0,
						 &id), MON_E_ARGUMENT);
	for (bit = 0; bit < 64; bit++) {
		if (MON_REGION_FLAGS & 1ull << bit)
			continue;
		args = (struct mon_args){ .arg = { pa, 1, 1ull << bit } };
		assert_refused(mon_host_call(root, MON_CALL_REGION_CREATE, &args),
			       MON_E_ARGUMENT);
	}
	granule_put_delegated(pa);
}

static void create_makes_an_empty_region(void **state)
{
	struct mon_region_stats stats;
	struct mon_info info;
	u64 a, b;

	(void)state;
	a = region_new(MON_REGION_PAGES_MAX, MON_REGION_FLAGS);
	b = region_new(1, 0);
	stats = stats_of(a);
	assert_int_equal(stats.state, MON_REGION_BUILDING);
	assert_true(stats.pages == MON_REGION_PAGES_MAX);
	assert_int_equal(stats.flags, MON_REGION_FLAGS);
	assert_int_equal(stats.granules, 1);
	assert_int_equal(stats.generation, 1);
	assert_int_equal(stats.added + stats.resident + stats.sealed + stats.zero, 0);
	assert_true(all_zero(stats.measurement, sizeof(stats.measurement)));
	assert_true(stats.id != stats_of(b).id);
	assert_memory_not_equal(region_of(a)->uid, region_of(b)->uid, sizeof(region_of(a)->uid));
	assert_ok(mon_get_info(root, &info));
	assert_int_equal(info.regions, 2);
	/* Nothing has to be given back first, and yet it must have died. */
	assert_refused(mon_region_destroy(root, b), MON_E_STATE);
	region_end(a);
	assert_ok(mon_get_info(root, &info));
	assert_int_equal(info.regions, 1);
	/* An id is never used again. */
	a = region_new(1, 0);
	assert_true(stats_of(a).id > stats_of(b).id);
	region_end(a);
	region_end(b);
}

/* Whichever crypto call fails: the granule stays DELEGATED, and holds nothing. */
static void create_fails_cleanly(void **state)
{
	u64 pa = granule_take_delegated();
	struct mon_info info;
	u64 calls, n, id;

	(void)state;
	calls = host_op_count(HOST_OPS_FALLIBLE);
	region_end(region_new(1, 0));
	calls = host_op_count(HOST_OPS_FALLIBLE) - calls;
	assert_true(calls >= 4);
	for (n = 1; n <= calls; n++) {
		struct snapshot *before = snapshot_take();

		host_fail(HOST_OPS_FALLIBLE, n, MON_E_CRYPTO);
		assert_status(mon_region_create(root, pa, 1, 0, 0, &id), MON_E_CRYPTO);
		assert_true(host_failed());
		snapshot_same(before, 0);
		assert_ok(mon_get_info(root, &info));
		assert_int_equal(info.regions, 0);
	}
	granule_put_delegated(pa);
}

/* Every call on a region, in every state. */
struct subject {
	u64 region;
	void *cipher;
	u64 spare;	/* DELEGATED */
};

static enum mon_status do_donate(struct subject *s)
{
	return mon_region_donate(root, s->region, s->spare);
}

static enum mon_status do_init(struct subject *s)
{
	u8 digest[MON_DIGEST_LEN];

	return mon_region_init(root, s->region, digest);
}

static enum mon_status do_rekey(struct subject *s)
{
	return mon_region_rekey(root, s->region);
}

static enum mon_status do_reclaim(struct subject *s)
{
	u64 pas[MON_RECLAIM_BATCH];
	u32 count;

	return mon_region_reclaim(root, s->region, pas, MON_RECLAIM_BATCH, &count);
}

static enum mon_status do_destroy(struct subject *s)
{
	return mon_region_destroy(root, s->region);
}

static enum mon_status do_add(struct subject *s)
{
	return mon_page_add(root, s->region, 5, RW, MON_PAGE_DATA, s->spare, pattern(5));
}

static enum mon_status do_map(struct subject *s)
{
	u64 frame;
	u32 permissions;

	return mon_page_map(root, s->region, 1, RW, &frame, &permissions);
}

static enum mon_status do_load(struct subject *s)
{
	return mon_page_load(root, s->region, 0, s->spare, s->cipher);
}

static enum mon_status do_evict(struct subject *s)
{
	u64 frame;
	void *cipher = buffer_new();
	enum mon_status status = mon_page_evict(root, s->region, 1, cipher, &frame);

	free(cipher);
	return status;
}

static enum mon_status do_remove(struct subject *s)
{
	u64 frame, next;

	return mon_page_remove(root, s->region, 1, &frame, &next);
}

static enum mon_status do_report(struct subject *s)
{
	u8 data[MON_REPORT_DATA_LEN] = { 0 };
	struct mon_report report;

	return mon_report(root, s->region, data, &report);
}

static enum mon_status do_quote(struct subject *s)
{
	struct mon_quote q = { .alg = MON_SIGN_ES256, .nonce_len = 8 };

	return mon_quote(root, s->region, &q, s->spare);
}

#define B STATE_BIT(MON_REGION_BUILDING)
#define L STATE_BIT(MON_REGION_LIVE)
#define P STATE_BIT(MON_REGION_PARKED)
#define D STATE_BIT(MON_REGION_DEAD)

static const struct {
	enum mon_status (*call)(struct subject *s);
	u32 legal;
} calls[] = {
	{ do_donate, B | L },
	{ do_init, B },
	{ do_rekey, B | L | P },
	{ do_reclaim, D },
	{ do_destroy, D },
	{ do_add, B },
	{ do_map, L },
	{ do_load, L },
	{ do_evict, B | L | P },
	{ do_remove, L },
	{ do_report, L },
	{ do_quote, L },
};

static void illegal_states_are_refused(void **state)
{
	struct subject s = { .region = region_new(16, 0), .cipher = buffer_new() };
	struct mon_provision p = { .cdi_attest = { 1 }, .cdi_seal = { 2 } };
	enum mon_region_state st;
	size_t i;

	(void)state;
	assert_ok(mon_provision(root, &p));
	region_add(s.region, 0, RW, MON_PAGE_DATA, pattern(0));
	region_add(s.region, 1, RW, MON_PAGE_DATA, pattern(1));
	page_out(s.region, 0, s.cipher);
	s.spare = granule_take_delegated();
	for (st = MON_REGION_BUILDING; st <= MON_REGION_DEAD; st++) {
		region_of(s.region)->state = st;
		for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
			if (!(calls[i].legal & STATE_BIT(st)))
				assert_refused(calls[i].call(&s), MON_E_STATE);
		assert_int_equal(stats_of(s.region).state, st);
		/* A legal call is not refused for the state; it may be for other reasons. */
		if (st == MON_REGION_PARKED) {
			assert_ok(do_evict(&s));
			assert_ok(do_rekey(&s));
		}
	}
	granule_put_delegated(s.spare);
	/* The frame that do_evict() got back. */
	for (i = 0; i < host_granules(); i++)
		if (state_of(host_granule_pa(i)) == GRANULE_DELEGATED)
			granule_put_delegated(host_granule_pa(i));
	region_end(s.region);
	free(s.cipher);
}

static void init_makes_it_live(void **state)
{
	u64 region = region_new(4, 0);
	u8 digest[MON_DIGEST_LEN] = { 0 }, zero[MON_DIGEST_LEN] = { 0 };
	struct mon_region_stats stats;

	(void)state;
	assert_refused(mon_region_init(root, region, NULL), MON_E_ARGUMENT);
	assert_ok(mon_region_init(root, region, digest));
	assert_memory_not_equal(digest, zero, sizeof(digest));
	stats = stats_of(region);
	assert_int_equal(stats.state, MON_REGION_LIVE);
	assert_memory_equal(stats.measurement, digest, sizeof(digest));
	assert_refused(mon_region_init(root, region, digest), MON_E_STATE);
	region_end(region);
}

/* A hash that failed can't be trusted again: the region is dead, and can be reclaimed. */
static void init_that_fails_kills(void **state)
{
	u8 digest[MON_DIGEST_LEN], untouched[MON_DIGEST_LEN];
	u64 region, n;

	(void)state;
	memset(digest, 0xee, sizeof(digest));
	memset(untouched, 0xee, sizeof(untouched));
	for (n = 1; n <= 2; n++) {
		region = region_new(4, 0);
		region_add(region, 0, RW, MON_PAGE_DATA, pattern(0));
		host_fail(HOST_OPS_FALLIBLE, n, MON_E_CRYPTO);
		assert_status(mon_region_init(root, region, digest), MON_E_CRYPTO);
		assert_true(host_failed());
		assert_memory_equal(digest, untouched, sizeof(digest));
		assert_int_equal(stats_of(region).state, MON_REGION_DEAD);
		region_end(region);
	}
}

struct meanwhile {
	u64 region;
	enum mon_status status[4];
	int runs;
};

static void hook_kill(enum host_op op, enum host_moment moment, void *arg)
{
	struct meanwhile *m = arg;

	(void)op;
	if (moment == HOST_BEFORE && !m->runs++)
		m->status[0] = mon_region_kill(root, m->region);
}

static void killed_while_init_runs(void **state)
{
	struct meanwhile m = { .region = region_new(4, 0) };
	u8 digest[MON_DIGEST_LEN] = { 0 };

	(void)state;
	host_set_hook(1u << HOST_OP_HASH_FINAL, hook_kill, &m);
	assert_status(mon_region_init(root, m.region, digest), MON_E_STATE);
	host_set_hook(0, NULL, NULL);
	assert_int_equal(m.runs, 1);
	assert_int_equal(m.status[0], MON_OK);
	assert_true(all_zero(digest, sizeof(digest)));
	assert_int_equal(stats_of(m.region).state, MON_REGION_DEAD);
	region_end(m.region);
}

static void hook_measuring(enum host_op op, enum host_moment moment, void *arg)
{
	struct meanwhile *m = arg;
	u8 digest[MON_DIGEST_LEN];

	(void)op;
	if (moment != HOST_BEFORE || m->runs++)
		return;
	m->status[0] = mon_region_init(root, m->region, digest);
	m->status[1] = mon_page_add(root, m->region, 3, RW, MON_PAGE_ZERO, 0, NULL);
	m->status[2] = mon_region_destroy(root, m->region);
}

static void measuring_is_serialised(void **state)
{
	struct meanwhile m = { .region = region_new(4, 0) };
	u8 digest[MON_DIGEST_LEN];

	(void)state;
	region_give(m.region, 1);
	host_set_hook(1u << HOST_OP_HASH_UPDATE, hook_measuring, &m);
	assert_ok(mon_page_add(root, m.region, 0, RW, MON_PAGE_ZERO, 0, NULL));
	assert_int_equal(m.status[0], MON_E_BUSY);
	assert_int_equal(m.status[1], MON_E_BUSY);
	assert_int_equal(m.status[2], MON_E_BUSY);
	m = (struct meanwhile){ .region = m.region };
	assert_ok(mon_region_init(root, m.region, digest));
	host_set_hook(0, NULL, NULL);
	assert_int_equal(m.status[0], MON_E_BUSY);
	assert_int_equal(m.status[1], MON_E_BUSY);
	assert_int_equal(stats_of(m.region).added, 1);
	region_end(m.region);
}

struct unmapped {
	u64 cookie, first, count;
	int calls;
};

static void note_unmap(u64 cookie, u64 first, u64 count, void *arg)
{
	struct unmapped *u = arg;

	*u = (struct unmapped){ cookie, first, count, u->calls + 1 };
}

static void kill_unmaps_everything(void **state)
{
	u64 region = region_with_pages(8, 2), frame;
	struct unmapped u = { 0 };
	u32 permissions;

	(void)state;
	host_set_unmap(note_unmap, &u);
	assert_ok(mon_region_kill(root, region));
	assert_int_equal(u.calls, 1);
	assert_int_equal(u.cookie, region);
	assert_int_equal(u.first, 0);
	assert_int_equal(u.count, 8);
	assert_refused(mon_page_map(root, region, 0, 0, &frame, &permissions), MON_E_STATE);
	assert_ok(mon_region_kill(root, region));	/* again is harmless */
	region_end(region);
}

/* Reclaiming and destroying wait for calls that are still in the region. */
static void hook_end(enum host_op op, enum host_moment moment, void *arg)
{
	struct meanwhile *m = arg;
	u64 pas[MON_RECLAIM_BATCH];
	u32 count;

	(void)op;
	if (moment != HOST_BEFORE || m->runs++)
		return;
	m->status[0] = mon_region_kill(root, m->region);
	m->status[1] = mon_region_reclaim(root, m->region, pas, MON_RECLAIM_BATCH, &count);
	expect(count == 0);
	m->status[2] = mon_region_destroy(root, m->region);
}

static void end_waits_for_calls_in_flight(void **state)
{
	static const u32 ops[] = { 1u << HOST_OP_SEAL, 1u << HOST_OP_UNMAP };
	void *cipher = buffer_new();
	struct meanwhile m;
	u64 frame;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		m = (struct meanwhile){ .region = region_with_pages(4, 2) };
		host_set_hook(ops[i], hook_end, &m);
		assert_ok(mon_page_evict(root, m.region, 1, cipher, &frame));
		host_set_hook(0, NULL, NULL);
		granule_put_delegated(frame);
		assert_int_equal(m.status[0], MON_OK);
		assert_int_equal(m.status[1], MON_E_BUSY);
		assert_int_equal(m.status[2], MON_E_BUSY);
		assert_int_equal(stats_of(m.region).sealed, 1);
		region_end(m.region);
	}
	free(cipher);
}

/* Key generations ----------------------------------------------------------------- */

static void old_generations_still_load(void **state)
{
	u64 region = region_with_pages(8, KEY_SLOTS);
	void *cipher[KEY_SLOTS];
	u64 i;

	(void)state;
	for (i = 0; i < KEY_SLOTS; i++) {
		cipher[i] = buffer_new();
		page_out(region, i, cipher[i]);
		assert_int_equal(ENTRY_SLOT(entry_of(region, i).word), (i + 1) % KEY_SLOTS);
		if (i < KEY_SLOTS - 1)
			assert_ok(mon_region_rekey(root, region));
		assert_int_equal(stats_of(region).generation, i < KEY_SLOTS - 1 ? i + 2 : i + 1);
	}
	/* Every slot is needed by a sealed page. */
	assert_refused(mon_region_rekey(root, region), MON_E_BUSY);
	for (i = 0; i < KEY_SLOTS; i++) {
		page_in(region, i, cipher[i]);
		assert_memory_equal(page_contents(region, i), pattern(i), PAGE);
	}
	/* Sealed anew they leave their slots, and the next generation has room. */
	assert_ok(mon_region_rekey(root, region));
	assert_int_equal(stats_of(region).generation, KEY_SLOTS + 1);
	for (i = 0; i < KEY_SLOTS; i++)
		free(cipher[i]);
	region_end(region);
}

static void resealing_frees_a_slot(void **state)
{
	u64 region = region_with_pages(8, 2), frame;
	void *old = buffer_new(), *new = buffer_new();
	int i;

	(void)state;
	page_out(region, 0, old);
	for (i = 0; i < KEY_SLOTS - 1; i++)
		assert_ok(mon_region_rekey(root, region));
	assert_refused(mon_region_rekey(root, region), MON_E_BUSY);
	page_in(region, 0, old);
	page_out(region, 0, new);
	assert_ok(mon_region_rekey(root, region));
	/* The old ciphertext is of a generation that is gone. */
	frame = granule_take_delegated();
	assert_refused_but(mon_page_load(root, region, 0, frame, old), MON_E_INTEGRITY,
			   MAY_COUNT_FAILURES);
	assert_ok(mon_page_load(root, region, 0, frame, new));
	free(old);
	free(new);
	region_end(region);
}

static void removing_frees_a_slot(void **state)
{
	u64 region = region_with_pages(8, 1), frame, next;
	void *cipher = buffer_new();
	int i;

	(void)state;
	page_out(region, 0, cipher);
	for (i = 0; i < KEY_SLOTS - 1; i++)
		assert_ok(mon_region_rekey(root, region));
	assert_refused(mon_region_rekey(root, region), MON_E_BUSY);
	assert_ok(mon_page_remove(root, region, 0, &frame, &next));
	assert_int_equal(frame, 0);
	assert_ok(mon_region_rekey(root, region));
	free(cipher);
	region_end(region);
}

static void generations_differ_in_key_and_salt(void **state)
{
	u64 region = region_with_pages(8, 1);
	struct mon_region *r = region_of(region);

	(void)state;
	assert_ok(mon_region_rekey(root, region));
	assert_memory_not_equal(&r->key[1].aead, &r->key[2].aead, sizeof(r->key[1].aead));
	assert_memory_not_equal(r->key[1].salt, r->key[2].salt, sizeof(r->key[1].salt));
	assert_int_equal(r->key[2].number, 2);
	assert_true(r->key[2].counter == 0);
	region_end(region);
}

static void rekey_that_fails_keeps_the_old_key(void **state)
{
	u64 region = region_with_pages(8, 1), n;
	void *cipher = buffer_new();

	(void)state;
	page_out(region, 0, cipher);
	for (n = 1; n <= 3; n++) {
		host_fail(HOST_OPS_FALLIBLE, n, MON_E_CRYPTO);
		assert_status(mon_region_rekey(root, region), MON_E_CRYPTO);
		assert_true(host_failed());
		assert_int_equal(stats_of(region).generation, 1);
	}
	page_in(region, 0, cipher);
	page_out(region, 0, cipher);
	assert_ok(mon_region_rekey(root, region));
	page_in(region, 0, cipher);
	assert_memory_equal(page_contents(region, 0), pattern(0), PAGE);
	free(cipher);
	region_end(region);
}

static void generation_numbers_run_out(void **state)
{
	u64 region = region_with_pages(8, 1);
	struct mon_region *r = region_of(region);

	(void)state;
	r->generation = ~0u;
	assert_refused(mon_region_rekey(root, region), MON_E_EXHAUSTED);
	r->generation = 1;
	region_end(region);
}

static void hook_rekey(enum host_op op, enum host_moment moment, void *arg)
{
	struct meanwhile *m = arg;

	(void)op;
	if (moment == HOST_BEFORE && !m->runs++)
		m->status[0] = mon_region_rekey(root, m->region);
}

static void one_rekey_at_a_time(void **state)
{
	struct meanwhile m = { .region = region_with_pages(8, 1) };

	(void)state;
	host_set_hook(1u << HOST_OP_AEAD_SET, hook_rekey, &m);
	assert_ok(mon_region_rekey(root, m.region));
	host_set_hook(0, NULL, NULL);
	assert_int_equal(m.status[0], MON_E_BUSY);
	assert_int_equal(stats_of(m.region).generation, 2);
	region_end(m.region);
}

/* A page that is being sealed or loaded needs its key, whatever generation comes meanwhile. */
static void rekey_while_a_page_is_sealed(void **state)
{
	struct meanwhile m = { .region = region_with_pages(8, 1) };
	void *cipher = buffer_new();
	u64 frame;

	(void)state;
	host_set_hook(1u << HOST_OP_SEAL, hook_rekey, &m);
	assert_ok(mon_page_evict(root, m.region, 0, cipher, &frame));
	assert_int_equal(m.status[0], MON_OK);
	assert_int_equal(ENTRY_SLOT(entry_of(m.region, 0).word), 1);
	m.runs = 0;
	host_set_hook(1u << HOST_OP_OPEN, hook_rekey, &m);
	assert_ok(mon_page_load(root, m.region, 0, frame, cipher));
	host_set_hook(0, NULL, NULL);
	assert_int_equal(m.status[0], MON_OK);
	assert_int_equal(stats_of(m.region).generation, 3);
	assert_memory_equal(page_contents(m.region, 0), pattern(0), PAGE);
	free(cipher);
	region_end(m.region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(create_arguments),
		MACHINE_TEST(create_makes_an_empty_region),
		MACHINE_TEST(create_fails_cleanly),
		MACHINE_TEST(illegal_states_are_refused),
		MACHINE_TEST(init_makes_it_live),
		MACHINE_TEST(init_that_fails_kills),
		MACHINE_TEST(killed_while_init_runs),
		MACHINE_TEST(measuring_is_serialised),
		MACHINE_TEST(kill_unmaps_everything),
		MACHINE_TEST(end_waits_for_calls_in_flight),
		MACHINE_TEST(old_generations_still_load),
		MACHINE_TEST(resealing_frees_a_slot),
		MACHINE_TEST(removing_frees_a_slot),
		MACHINE_TEST(generations_differ_in_key_and_salt),
		MACHINE_TEST(rekey_that_fails_keeps_the_old_key),
		MACHINE_TEST(generation_numbers_run_out),
		MACHINE_TEST(one_rekey_at_a_time),
		MACHINE_TEST(rekey_while_a_page_is_sealed),
	};

	return RUN_TESTS(tests);
}
