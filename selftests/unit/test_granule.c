// SPDX-License-Identifier: Apache-2.0
/* Ownership of granules: which state allows which call, references, the lock. */
#include "unit.h"

/* One granule in each state, and what the calls need besides the granule in question. */
struct zoo {
	u64 granule[GRANULE_STATES];
	u64 building;
	u64 live;		/* its page 0 is sealed as cipher, page 1 resident */
	void *cipher;
};

static void zoo_open(struct zoo *z)
{
	z->cipher = buffer_new();
	z->building = region_new(16, 0);
	region_give(z->building, 1);
	z->live = region_with_pages(16, 2);
	page_out(z->live, 0, z->cipher);
	z->granule[GRANULE_HOST] = granule_take();
	z->granule[GRANULE_DELEGATED] = granule_take_delegated();
	z->granule[GRANULE_ROOT] = host_granule_pa(0);
	z->granule[GRANULE_REGION] = region_new(1, 0);
	z->granule[GRANULE_TABLE] = granule_take_delegated();
	assert_ok(mon_region_donate(root, z->building, z->granule[GRANULE_TABLE]));
	z->granule[GRANULE_FRAME] = entry_of(z->live, 1).frame;
	z->granule[GRANULE_SCRATCH] = granule_take_delegated();
	assert_true(granule_transition(z->granule[GRANULE_SCRATCH], GRANULE_DELEGATED,
				       GRANULE_SCRATCH));
}

static void zoo_close(struct zoo *z)
{
	granule_release(z->granule[GRANULE_SCRATCH], GRANULE_SCRATCH);
	granule_put_delegated(z->granule[GRANULE_SCRATCH]);
	granule_put_delegated(z->granule[GRANULE_DELEGATED]);
	granule_put(z->granule[GRANULE_HOST]);
	region_end(z->granule[GRANULE_REGION]);
	region_end(z->building);
	region_end(z->live);
	free(z->cipher);
}

/* Every call that takes a granule, with that granule. */
static enum mon_status use_delegate(struct zoo *z, u64 pa)
{
	(void)z;
	return mon_granule_delegate(root, pa);
}

static enum mon_status use_undelegate(struct zoo *z, u64 pa)
{
	(void)z;
	return mon_granule_undelegate(root, pa);
}

static enum mon_status use_create(struct zoo *z, u64 pa)
{
	u64 id;

	(void)z;
	return mon_region_create(root, pa, 1, 0, 0, &id);
}

static enum mon_status use_donate(struct zoo *z, u64 pa)
{
	return mon_region_donate(root, z->building, pa);
}

static enum mon_status use_add(struct zoo *z, u64 pa)
{
	return mon_page_add(root, z->building, 0, MON_PERM_READ, MON_PAGE_DATA, pa, pattern(0));
}

static enum mon_status use_load(struct zoo *z, u64 pa)
{
	return mon_page_load(root, z->live, 0, pa, z->cipher);
}

static enum mon_status use_quote(struct zoo *z, u64 pa)
{
	struct mon_quote q = { .alg = MON_SIGN_ES256, .nonce_len = 8 };

	return mon_quote(root, z->live, &q, pa);
}

static enum mon_status use_unpin(struct zoo *z, u64 pa)
{
	(void)z;
	return mon_page_unpin(root, pa);
}

static enum mon_status use_region(struct zoo *z, u64 pa)
{
	struct mon_region_stats stats;

	(void)z;
	return mon_region_stats(root, pa, &stats);
}

static enum mon_status use_destroy(struct zoo *z, u64 pa)
{
	(void)z;
	return mon_region_destroy(root, pa);
}

static enum mon_status use_start(struct zoo *z, u64 pa)
{
	struct mon_root *other;

	(void)z;
	return mon_start(pa, &other);
}

static const struct {
	const char *name;
	enum mon_status (*use)(struct zoo *z, u64 pa);
	u32 legal;	/* states that are not MON_E_GRANULE: covered by the tests of those calls */
} uses[] = {
	{ "delegate", use_delegate, 1u << GRANULE_HOST },
	{ "undelegate", use_undelegate, 1u << GRANULE_DELEGATED },
	{ "create", use_create, 1u << GRANULE_DELEGATED },
	{ "donate", use_donate, 1u << GRANULE_DELEGATED },
	{ "add", use_add, 1u << GRANULE_DELEGATED },
	{ "load", use_load, 1u << GRANULE_DELEGATED },
	{ "quote", use_quote, 1u << GRANULE_DELEGATED },
	{ "unpin", use_unpin, 0 },	/* a frame without pins included */
	{ "region", use_region, 1u << GRANULE_REGION },
	{ "destroy", use_destroy, 1u << GRANULE_REGION },
	{ "start", use_start, 1u << GRANULE_HOST },
};

#define USES (sizeof(uses) / sizeof(*uses))

static void provision(void)
{
	struct mon_provision p = { .cdi_attest = { 1 }, .cdi_seal = { 2 } };

	assert_ok(mon_provision(root, &p));
}

static void illegal_states_are_refused(void **state)
{
	struct zoo z;
	int s;
	size_t i;

	(void)state;
	provision();
	zoo_open(&z);
	for (i = 0; i < USES; i++)
		for (s = 0; s < GRANULE_STATES; s++) {
			assert_int_equal(state_of(z.granule[s]), s);
			if (!(uses[i].legal & 1u << s))
				assert_refused(uses[i].use(&z, z.granule[s]), MON_E_GRANULE);
		}
	zoo_close(&z);
}

static void bad_addresses_are_refused(void **state)
{
	u64 base = host_granule_pa(0);
	u64 end = base + host_granules() * PAGE;
	struct zoo z;
	size_t i, j;

	(void)state;
	provision();
	zoo_open(&z);

	u64 bad[] = {
		0, 1, PAGE, base - PAGE, base - 1, end, end + PAGE, ~0ull, ~0ull << 12, 1ull << 63,
		z.granule[GRANULE_HOST] + 1, z.granule[GRANULE_HOST] + 2048,
		z.granule[GRANULE_DELEGATED] + 8, z.granule[GRANULE_DELEGATED] + 4095,
		z.granule[GRANULE_REGION] + 16, z.granule[GRANULE_FRAME] + 1,
	};

	for (i = 0; i < USES; i++)
		for (j = 0; j < sizeof(bad) / sizeof(*bad); j++)
			assert_refused(uses[i].use(&z, bad[j]), MON_E_GRANULE);
	zoo_close(&z);
}

static void delegate_and_back(void **state)
{
	struct mon_info info;
	u64 pa = granule_take();

	(void)state;
	memset(host_granule_peek(pa), 0x5a, PAGE);
	assert_ok(mon_granule_delegate(root, pa));
	assert_int_equal(state_of(pa), GRANULE_DELEGATED);
	assert_true(host_granule_hidden(pa));
	assert_ok(mon_get_info(root, &info));
	assert_int_equal(info.delegated, 1);
	assert_refused(mon_granule_delegate(root, pa), MON_E_GRANULE);
	assert_ok(mon_granule_undelegate(root, pa));
	assert_int_equal(state_of(pa), GRANULE_HOST);
	assert_false(host_granule_hidden(pa));
	assert_ok(mon_get_info(root, &info));
	assert_int_equal(info.delegated, 0);
	assert_refused(mon_granule_undelegate(root, pa), MON_E_GRANULE);
	memset(host_granule_peek(pa), 0, PAGE);
	granule_put(pa);
}

/* The same granule twice in one region, and in two. */
static void one_frame_belongs_to_one_page(void **state)
{
	u64 a = region_new(8, 0), b = region_new(8, 0);
	u64 frame;

	(void)state;
	frame = region_add(a, 0, RW, MON_PAGE_DATA, pattern(0));
	region_give(b, 1);
	assert_refused(mon_page_add(root, a, 1, RW, MON_PAGE_DATA, frame, pattern(1)),
		       MON_E_GRANULE);
	assert_refused(mon_page_add(root, b, 0, RW, MON_PAGE_DATA, frame, pattern(1)),
		       MON_E_GRANULE);
	assert_refused(mon_region_donate(root, b, frame), MON_E_GRANULE);
	region_end(a);
	region_end(b);
}

static void word_validity(void **state)
{
	u32 word, refs, s;
	bool valid;

	(void)state;
	for (word = 0; word <= 0xffff; word++) {
		s = word >> 11 & 0xf;
		refs = word & 0x7ff;
		valid = s <= 6 && (!refs || s == GRANULE_REGION || s == GRANULE_FRAME);
		assert_int_equal(granule_word_valid((u16)word), valid);
	}
}

static void references(void **state)
{
	u64 pa = granule_take_delegated();
	struct granule g;
	u32 i;

	(void)state;
	assert_false(granule_ref(pa, GRANULE_FRAME));
	assert_false(granule_unref(pa, GRANULE_DELEGATED));
	assert_true(granule_transition(pa, GRANULE_DELEGATED, GRANULE_FRAME));
	assert_false(granule_ref(pa, GRANULE_REGION));
	assert_false(granule_ref(pa + 1, GRANULE_FRAME));
	assert_false(granule_ref(0, GRANULE_FRAME));
	for (i = 0; i < GRANULE_REFS_MAX; i++)
		assert_true(granule_ref(pa, GRANULE_FRAME));
	assert_false(granule_ref(pa, GRANULE_FRAME));
	assert_int_equal(granule_refs(pa), GRANULE_REFS_MAX);
	assert_int_equal(state_of(pa), GRANULE_FRAME);
	assert_false(granule_find_lock(pa, GRANULE_FRAME, &g));
	assert_false(granule_transition(pa, GRANULE_FRAME, GRANULE_DELEGATED));
	for (i = 0; i < GRANULE_REFS_MAX; i++)
		assert_true(granule_unref(pa, GRANULE_FRAME));
	assert_false(granule_unref(pa, GRANULE_FRAME));
	assert_false(granule_unref(pa + 1, GRANULE_FRAME));
	assert_int_equal(granule_refs(pa), 0);
	assert_int_equal(granule_refs(1), 0);
	memset(host_granule_peek(pa), 1, PAGE);
	granule_release(pa, GRANULE_FRAME);
	assert_true(all_zero(host_granule_peek(pa), PAGE));
	assert_int_equal(state_of(pa), GRANULE_DELEGATED);
	granule_put_delegated(pa);
}

struct waiter {
	u64 pa;
	bool started, done;
	int seen, shared;	/* plain: the granule's lock orders them */
};

static void *wait_for_granule(void *arg)
{
	struct waiter *w = arg;

	__atomic_store_n(&w->started, true, __ATOMIC_RELEASE);
	expect(granule_transition(w->pa, GRANULE_DELEGATED, GRANULE_TABLE));
	w->seen = w->shared;
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void lock_keeps_others_out(void **state)
{
	struct waiter w = { .pa = granule_take_delegated() };
	pthread_t thread;
	struct granule g;

	(void)state;
	assert_true(granule_find_lock(w.pa, GRANULE_DELEGATED, &g));
	assert_int_equal(pthread_create(&thread, NULL, wait_for_granule, &w), 0);
	while (!__atomic_load_n(&w.started, __ATOMIC_ACQUIRE))
		plat_relax();
	w.shared = 1;
	assert_false(__atomic_load_n(&w.done, __ATOMIC_ACQUIRE));
	granule_unlock_as(&g, GRANULE_DELEGATED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(w.seen, 1);
	granule_release(w.pa, GRANULE_TABLE);
	granule_put_delegated(w.pa);
}

#define RACERS 4

struct race {
	u64 pa;
	unsigned int wins;
	pthread_barrier_t barrier;
};

#define RACE_ROUNDS 500

static void *race_delegate(void *arg)
{
	struct race *race = arg;
	int i;

	for (i = 0; i < RACE_ROUNDS; i++) {
		pthread_barrier_wait(&race->barrier);
		if (mon_granule_delegate(root, race->pa) == MON_OK)
			__atomic_add_fetch(&race->wins, 1, __ATOMIC_RELAXED);
		if (pthread_barrier_wait(&race->barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			expect(mon_granule_undelegate(root, race->pa) == MON_OK);
	}
	return NULL;
}

static void one_of_many_wins(void **state)
{
	struct race race = { .pa = granule_take() };
	pthread_t threads[RACERS];
	int i;

	(void)state;
	pthread_barrier_init(&race.barrier, NULL, RACERS);
	for (i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race_delegate, &race), 0);
	for (i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(race.wins, RACE_ROUNDS);
	pthread_barrier_destroy(&race.barrier);
	granule_put(race.pa);
}

static void die_release(void)
{
	granule_release(host_granule_pa(5), GRANULE_FRAME);
}

static void die_corrupt_word(void)
{
	*plat_granule_word(host_granule_pa(5)) = 0x7800;
	mon_granule_delegate(root, host_granule_pa(5));
}

static void die_unlock(void)
{
	struct granule g;

	granule_find_lock(host_granule_pa(5), GRANULE_HOST, &g);
	*g.word = 0;	/* somebody wrote the word under the lock */
	granule_unlock_as(&g, GRANULE_DELEGATED);
}

static void broken_invariants_stop_the_monitor(void **state)
{
	(void)state;
	assert_dies(die_release, "not held");
	assert_dies(die_corrupt_word, "word at lock");
	assert_dies(die_unlock, "word at unlock");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(illegal_states_are_refused),
		MACHINE_TEST(bad_addresses_are_refused),
		MACHINE_TEST(delegate_and_back),
		MACHINE_TEST(one_frame_belongs_to_one_page),
		MACHINE_TEST(word_validity),
		MACHINE_TEST(references),
		MACHINE_TEST(lock_keeps_others_out),
		MACHINE_TEST(one_of_many_wins),
		MACHINE_TEST(broken_invariants_stop_the_monitor),
	};

	return RUN_TESTS(tests);
}
