// SPDX-License-Identifier: Apache-2.0
/*
 * Several threads over several regions at once: pages are written, evicted, loaded, moved to new
 * key generations, while regions come and go. Contents are checked at every look. Built twice, for
 * the address and for the thread sanitizer.
 */
#include "unit.h"

#define THREADS		4
#define REGIONS		3
#define PAGES		24
#define ROUNDS		4000

struct page {
	pthread_mutex_t lock;	/* of writers among themselves; eviction does not take it */
	u64 version;
	void *cipher;
};

static struct {
	u64 pa;
	struct page pages[PAGES];
} regions[REGIONS];

static struct {
	u64 written, evicted, loaded, busy, rekeyed, made, fired;
} done;

#define COUNT(what) __atomic_add_fetch(&done.what, 1, __ATOMIC_RELAXED)

/* xorshift: the same schedule of each thread in each run, as far as threads have one */
static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static u64 stamp(u32 region, u32 page, u64 version)
{
	return (u64)region << 56 | (u64)page << 40 | version;
}

static bool load(u32 region, u32 page)
{
	u64 frame = granule_take_delegated();
	enum mon_status status = mon_page_load(root, regions[region].pa, page, frame,
					       regions[region].pages[page].cipher);

	if (status == MON_OK) {
		COUNT(loaded);
		return true;
	}
	expect(status == MON_E_BUSY || status == MON_E_RESIDENT);
	granule_put_delegated(frame);
	return false;
}

/* The frame of a page, pinned; whatever it takes. */
static u64 pin(u32 region, u32 page)
{
	enum mon_status status;
	u32 permissions;
	u64 frame;

	for (;;) {
		status = mon_page_map(root, regions[region].pa, page, RW, &frame, &permissions);
		if (status == MON_OK)
			return frame;
		if (status == MON_E_SEALED) {
			load(region, page);
		} else {
			expect(status == MON_E_BUSY);
			COUNT(busy);
			plat_relax();
		}
	}
}

static void check_and_write(u32 region, u32 page)
{
	struct page *p = &regions[region].pages[page];
	u64 frame;

	pthread_mutex_lock(&p->lock);
	frame = pin(region, page);
	expect(!memcmp(host_granule_peek(frame), pattern(stamp(region, page, p->version)), PAGE));
	p->version++;
	memcpy(host_granule_peek(frame), pattern(stamp(region, page, p->version)), PAGE);
	expect(mon_page_unpin(root, frame) == MON_OK);
	pthread_mutex_unlock(&p->lock);
	COUNT(written);
}

/* The monitor alone keeps evictions and loads of a page, and so its ciphertext, in order. */
static void evict(u32 region, u32 page)
{
	enum mon_status status;
	u64 frame;

	status = mon_page_evict(root, regions[region].pa, page, regions[region].pages[page].cipher,
				&frame);
	if (status == MON_OK) {
		expect(all_zero(host_granule_peek(frame), PAGE));
		granule_put_delegated(frame);
		COUNT(evicted);
	} else {
		expect(status == MON_E_BUSY || status == MON_E_SEALED);
	}
}

static void rekey(u32 region)
{
	enum mon_status status = mon_region_rekey(root, regions[region].pa);

	expect(status == MON_OK || status == MON_E_BUSY);
	if (status == MON_OK)
		COUNT(rekeyed);
}

static void look(u32 region)
{
	struct mon_region_stats stats = stats_of(regions[region].pa);
	struct mon_info info;

	expect(stats.added == PAGES);
	expect(stats.resident + stats.sealed <= PAGES);
	expect(mon_get_info(root, &info) == MON_OK);
	expect(info.frames <= info.delegated);
}

/* A region that ends while others, who know its address, go on calling. */
static u64 victim;

static void end_under_fire(u64 region)
{
	u64 pas[MON_RECLAIM_BATCH];
	enum mon_status status;
	u32 count, i;

	expect(mon_region_kill(root, region) == MON_OK);
	do {
		status = mon_region_reclaim(root, region, pas, MON_RECLAIM_BATCH, &count);
		expect(status == MON_OK || (status == MON_E_BUSY && !count));
		for (i = 0; i < count; i++)
			granule_put_delegated(pas[i]);
	} while (status != MON_OK || count);
	do {
		status = mon_region_destroy(root, region);
		expect(status == MON_OK || status == MON_E_BUSY);
	} while (status != MON_OK);
	granule_put_delegated(region);
}

static void come_and_go(void)
{
	u64 region = region_with_pages(8, 3);

	__atomic_store_n(&victim, region, __ATOMIC_RELAXED);
	plat_relax();
	end_under_fire(region);
	COUNT(made);
}

/* The granule may be anything by now, and every answer is right; nothing may break. */
static void fire(void *cipher, u64 *random)
{
	u64 region = __atomic_load_n(&victim, __ATOMIC_RELAXED), frame, page = *random % 8;
	struct mon_region_stats stats;
	enum mon_status status;
	u32 permissions;

	switch (*random / 8 % 5) {
	case 0:
		status = mon_page_evict(root, region, page, cipher, &frame);
		if (status == MON_OK)
			granule_put_delegated(frame);
		break;
	case 1:
		status = mon_page_map(root, region, page, RW, &frame, &permissions);
		if (status == MON_OK)
			expect(mon_page_unpin(root, frame) == MON_OK);
		break;
	case 2:
		frame = granule_take_delegated();
		status = mon_page_load(root, region, page, frame, cipher);
		if (status != MON_OK)
			granule_put_delegated(frame);
		break;
	case 3:
		status = mon_region_rekey(root, region);
		break;
	default:
		status = mon_region_stats(root, region, &stats);
	}
	expect(status != MON_E_CRYPTO && status != MON_E_CALL && status != MON_E_ARGUMENT);
	COUNT(fired);
}

static void *work(void *arg)
{
	u64 state = 0x9e3779b97f4a7c15ull * (u64)(1 + (size_t)arg);
	u32 i, what, region, page;
	void *cipher = buffer_new();

	for (i = 0; i < ROUNDS; i++) {
		what = next_random(&state) % 100;
		region = next_random(&state) % REGIONS;
		page = next_random(&state) % PAGES;
		if (what < 40)
			check_and_write(region, page);
		else if (what < 70)
			fire(cipher, &state);
		else if (what < 90)
			evict(region, page);
		else if (what < 93)
			rekey(region);
		else if (what < 97)
			look(region);
		else
			come_and_go();
	}
	free(cipher);
	return NULL;
}

/* In the middle of a call is where others should come. */
static void hook_yield(enum host_op op, enum host_moment moment, void *arg)
{
	(void)op;
	(void)moment;
	(void)arg;
	plat_relax();
}

static void start(u32 region)
{
	u32 i;

	regions[region].pa = region_new(PAGES, 0);
	for (i = 0; i < PAGES; i++) {
		pthread_mutex_init(&regions[region].pages[i].lock, NULL);
		regions[region].pages[i].cipher = buffer_new();
		regions[region].pages[i].version = 0;
		region_add(regions[region].pa, i, RW, MON_PAGE_DATA, pattern(stamp(region, i, 0)));
	}
	region_live(regions[region].pa);
}

static void finish(u32 region)
{
	u32 i;

	for (i = 0; i < PAGES; i++) {
		check_and_write(region, i);
		free(regions[region].pages[i].cipher);
	}
	region_end(regions[region].pa);
}

static void many_threads(void **state)
{
	pthread_t threads[THREADS];
	u32 i;

	(void)state;
	machine_start(512);
	for (i = 0; i < REGIONS; i++)
		start(i);
	host_set_hook(HOST_OPS_ALL, hook_yield, NULL);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(size_t)i), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	printf("# written %llu, evicted %llu, loaded %llu, busy %llu, rekeyed %llu, regions %llu, ",
	       done.written, done.evicted, done.loaded, done.busy, done.rekeyed, done.made);
	printf("calls on the dying %llu\n", done.fired);
	assert_true(done.evicted && done.loaded && done.rekeyed && done.made);
	for (i = 0; i < REGIONS; i++)
		finish(i);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_threads),
	};

	return RUN_TESTS(tests);
}
