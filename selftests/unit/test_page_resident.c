// SPDX-License-Identifier: Apache-2.0
/* The search for resident pages: what it finds, what it passes over, where it stops. */
#include "unit.h"

/* Pages below a leaf, a node above leaves, a node above those. */
#define LEAF	((u64)TABLE_LEAF_ENTRIES)
#define NODE	(LEAF * TABLE_NODE_ENTRIES)
#define NODE2	(NODE * TABLE_NODE_ENTRIES)
#define MAX	MON_REGION_PAGES_MAX

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

/*
 * A walk through 1 TiB with a few pages takes some hundred steps at each level, and so some ten
 * calls; a walk leaf by leaf would take fifty thousand.
 */
#define CALLS_MAX	128

/* One call, with what holds for every answer. */
static u64 look(u64 region, u64 from, bool *found)
{
	u64 page = from, size = region_of(region)->pages;

	assert_ok(mon_page_next_resident(root, region, &page, found));
	if (*found)
		assert_true(page >= from && page < size);
	else
		assert_true(page <= size && (page > from || from == size));
	return page;
}

/* Calls until a page is found or the region ends: its size. */
static u64 seek(u64 region, u64 from)
{
	u64 page = from, size = region_of(region)->pages;
	bool found = false;
	u32 calls;

	for (calls = 0; calls < CALLS_MAX; calls++) {
		page = look(region, page, &found);
		if (found || page == size)
			return page;
	}
	fail_msg("%u calls from page %llu came to page %llu", calls, from, page);
	return size;
}

/* The answer of one call alone. */
#define assert_found(region, from, page) check_look(region, from, true, page)
#define assert_none(region, from) check_look(region, from, false, region_of(region)->pages)

static void check_look(u64 region, u64 from, bool wanted, u64 page)
{
	bool found;
	u64 got = look(region, from, &found);

	if (found != wanted || got != page)
		fail_msg("from %llu: %s %llu, expected %s %llu", from, found ? "found" : "none to",
			 got, wanted ? "found" : "none to", page);
}

static void add_data(u64 region, u64 page)
{
	region_add(region, page, RW, MON_PAGE_DATA, pattern(page));
}

static void add_zero(u64 region, u64 page)
{
	region_add(region, page, RW, MON_PAGE_ZERO, NULL);
}

static void arguments(void **state)
{
	static const u64 beyond[] = { 9, LEAF, 1ull << 32, 1ull << 63, ~0ull };
	u64 region = region_with_pages(8, 8), host = granule_take(), page;
	bool found;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(beyond); i++) {
		page = beyond[i];
		found = true;
		assert_refused(mon_page_next_resident(root, region, &page, &found), MON_E_ARGUMENT);
		assert_true(page == 0 && !found);
	}
	page = 0;
	assert_refused(mon_page_next_resident(root, host, &page, &found), MON_E_GRANULE);
	assert_refused(mon_page_next_resident(root, entry_of(region, 0).frame, &page, &found),
		       MON_E_GRANULE);
	/* The end is where a walk arrives: no mistake. */
	assert_none(region, 8);
	granule_put(host);
	region_end(region);
}

static void it_changes_nothing(void **state)
{
	u64 region = region_with_pages(LEAF + 1, 3), page;
	struct snapshot *before = snapshot_take();

	(void)state;
	for (page = 0; page <= LEAF + 1; page++)
		seek(region, page);
	snapshot_same(before, 0);
	assert_int_equal(granule_refs(region), 0);
	region_end(region);
}

/* Sizes on both sides of where a level is added: the last page, and no page past it. */
static void sizes(void **state)
{
	static const u64 cases[] = {
		1, 2, LEAF - 1, LEAF, LEAF + 1, NODE - 1, NODE, NODE + 1, NODE2, NODE2 + 1, MAX,
	};
	u64 region, size;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		size = cases[i];
		region = region_new(size, 0);
		/* No table at all. */
		assert_none(region, 0);
		assert_none(region, size - 1);
		assert_none(region, size);
		add_data(region, size - 1);
		assert_found(region, size - 1, size - 1);
		assert_int_equal(seek(region, 0), size - 1);
		assert_none(region, size);
		region_end(region);

		/* A table that nothing is resident in. */
		region = region_new(size, 0);
		add_zero(region, size - 1);
		assert_none(region, size - 1);
		assert_int_equal(seek(region, 0), size);
		region_end(region);
	}
}

/* In 1 TiB: from each page to itself, and from the one after it to the next. */
static void boundaries(void **state)
{
	static const u64 pages[] = {
		0, 1, LEAF - 1, LEAF, LEAF + 1, 2 * LEAF, NODE - 1, NODE, NODE + LEAF - 1,
		NODE2 - 1, NODE2, MAX - 1,
	};
	u64 region = region_new(MAX, 0);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(pages); i++)
		add_data(region, pages[i]);
	for (i = 0; i < COUNT(pages); i++) {
		assert_found(region, pages[i], pages[i]);
		assert_int_equal(seek(region, pages[i] + 1),
				 i + 1 < COUNT(pages) ? pages[i + 1] : MAX);
	}
	region_end(region);
}

/* Whatever is missing is passed over in one step, and not a page more. */
static void gaps(void **state)
{
	static const struct {
		u64 from, to;
	} cases[] = {
		/* a leaf */
		{ LEAF, 2 * LEAF }, { LEAF + 1, 2 * LEAF }, { 2 * LEAF - 1, 2 * LEAF },
		/* a node above leaves */
		{ NODE, 2 * NODE }, { NODE + LEAF + 3, 2 * NODE }, { 2 * NODE - 1, 2 * NODE },
		/* a node above those */
		{ NODE2, 2 * NODE2 }, { NODE2 + NODE, 2 * NODE2 },
		{ NODE2 + 5 * NODE + 7 * LEAF + 9, 2 * NODE2 }, { 2 * NODE2 - 1, 2 * NODE2 },
		/* one of each, one after the other */
		{ NODE2 - NODE - LEAF, 2 * NODE2 },
	};
	u64 region = region_new(MAX, 0);
	size_t i;

	(void)state;
	add_zero(region, 0);
	add_data(region, 2 * LEAF);
	add_data(region, 2 * NODE);
	add_zero(region, NODE2 - NODE - 2 * LEAF);
	add_data(region, 2 * NODE2);
	for (i = 0; i < COUNT(cases); i++)
		assert_found(region, cases[i].from, cases[i].to);
	region_end(region);

	/* A gap that would end past the region ends with it. */
	region = region_new(NODE2 + NODE + 3 * LEAF + 7, 0);
	add_zero(region, 0);
	assert_none(region, NODE2);
	add_zero(region, NODE2);
	assert_none(region, NODE2 + NODE + 1);
	add_zero(region, NODE2 + NODE);
	assert_none(region, NODE2 + NODE + 3 * LEAF);
	region_end(region);
}

/* No call searches for long under the lock; what it leaves is where the next one begins. */
static void long_searches_stop(void **state)
{
	u64 leaves = 40, region = region_new(leaves * LEAF, 0), stop, page;
	bool found;

	(void)state;
	for (page = 0; page < leaves; page++)
		add_zero(region, page * LEAF + page);
	stop = look(region, 0, &found);
	assert_false(found);
	assert_true(stop < leaves * LEAF);
	assert_int_equal(seek(region, 0), leaves * LEAF);
	/* It has not looked at where it stopped, and has looked at the page before. */
	add_data(region, stop);
	assert_int_equal(look(region, 0, &found), stop);
	assert_false(found);
	assert_found(region, stop, stop);
	assert_int_equal(seek(region, 0), stop);
	add_data(region, stop - 1);
	assert_found(region, 0, stop - 1);
	region_end(region);
}

static void long_gaps_stop(void **state)
{
	u64 region = region_new(MAX, 0), stop;
	bool found;

	(void)state;
	add_zero(region, 0);
	stop = look(region, 0, &found);
	assert_false(found);
	/* Each missing leaf of the first node is a gap of its own. */
	assert_true(stop < NODE);
	assert_int_equal(seek(region, 0), MAX);
	add_data(region, MAX - 1);
	assert_int_equal(seek(region, 0), MAX - 1);
	region_end(region);
}

static void states_of_pages(void **state)
{
	u64 region = region_new(LEAF + 9, 0), frame, next;
	void *first = buffer_new(), *second = buffer_new();

	(void)state;
	add_zero(region, 0);
	add_data(region, 1);
	add_data(region, 2);
	add_data(region, 4);
	add_data(region, LEAF);
	add_zero(region, LEAF + 1);
	assert_found(region, 0, 1);
	page_out(region, 1, first);
	assert_found(region, 0, 2);
	region_live(region);
	assert_ok(mon_page_remove(root, region, 2, &frame, &next));
	granule_put_delegated(frame);
	/* Zero, sealed, removed, absent. */
	assert_found(region, 0, 4);
	page_out(region, 4, second);
	assert_found(region, 0, LEAF);
	assert_none(region, LEAF + 1);
	page_in(region, 0, NULL);
	assert_found(region, 0, 0);
	assert_found(region, 1, LEAF);
	page_in(region, 1, first);
	assert_found(region, 1, 1);
	assert_found(region, 2, LEAF);
	free(first);
	free(second);
	region_end(region);
}

static u64 count_resident(u64 region)
{
	u64 page, count = 0, size = region_of(region)->pages;

	for (page = seek(region, 0); page < size; page = seek(region, page + 1))
		count++;
	return count;
}

/* In every state of the region, and while it is taken apart. */
static void states_of_regions(void **state)
{
	u64 region = region_new(NODE + 9, 0), pa;
	enum mon_region_state st;
	u32 count;

	(void)state;
	add_data(region, 3);
	add_data(region, LEAF);
	add_data(region, 5 * LEAF + 1);
	add_data(region, NODE + 8);
	for (st = MON_REGION_BUILDING; st <= MON_REGION_DEAD; st++) {
		region_of(region)->state = st;
		assert_int_equal(count_resident(region), 4);
	}
	do {
		assert_ok(mon_region_reclaim(root, region, &pa, 1, &count));
		if (count)
			granule_put_delegated(pa);
		assert_int_equal(count_resident(region), stats_of(region).resident);
	} while (count);
	assert_int_equal(stats_of(region).resident, 0);
	assert_none(region, 0);
	region_end(region);
}

/* A page in the hands of another call may be resident when that is done. */
struct busy {
	u64 region, page;
	int runs;
};

static void hook_busy(enum host_op op, enum host_moment moment, void *arg)
{
	struct busy *b = arg;
	u64 page = 0;
	bool found = false;

	(void)op;
	if (moment != HOST_BEFORE || b->runs++)
		return;
	expect(page_state_of(b->region, b->page) == PAGE_BUSY);
	expect(mon_page_next_resident(root, b->region, &page, &found) == MON_OK);
	expect(found && page == b->page);
	page = b->page + 1;
	expect(mon_page_next_resident(root, b->region, &page, &found) == MON_OK);
	expect(!found);
}

static void busy_begin(struct busy *b, u32 ops)
{
	b->runs = 0;
	host_set_hook(ops, hook_busy, b);
}

static void busy_end(struct busy *b)
{
	host_set_hook(0, NULL, NULL);
	assert_true(b->runs > 0);
}

static void busy_pages_are_found(void **state)
{
	struct busy b = { .region = region_new(LEAF + 9, 0), .page = LEAF + 2 };
	u64 frame = granule_take_delegated(), next;
	void *cipher = buffer_new();

	(void)state;
	region_give(b.region, 2);
	busy_begin(&b, 1u << HOST_OP_HASH_UPDATE);
	assert_ok(mon_page_add(root, b.region, b.page, RW, MON_PAGE_DATA, frame, pattern(0)));
	busy_end(&b);
	region_live(b.region);

	busy_begin(&b, 1u << HOST_OP_UNMAP);
	page_out(b.region, b.page, cipher);
	busy_end(&b);
	assert_none(b.region, b.page);
	busy_begin(&b, 1u << HOST_OP_OPEN);
	page_in(b.region, b.page, cipher);
	busy_end(&b);
	busy_begin(&b, 1u << HOST_OP_SEAL);
	page_out(b.region, b.page, cipher);
	busy_end(&b);
	page_in(b.region, b.page, cipher);
	assert_found(b.region, b.page, b.page);
	busy_begin(&b, 1u << HOST_OP_UNMAP);
	assert_ok(mon_page_remove(root, b.region, b.page, &frame, &next));
	busy_end(&b);
	granule_put_delegated(frame);
	assert_none(b.region, b.page);
	free(cipher);
	region_end(b.region);
}

/* A naive model ------------------------------------------------------------------------- */

#define LAYOUTS		48
#define LAYOUT_PAGES	12

struct layout {
	u64 random;
	u64 size;
	u32 count;
	struct {
		u64 page;
		bool resident;
	} at[LAYOUT_PAGES];
};

static u64 random_below(struct layout *l, u64 limit)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return l->random % limit;
}

/* Anywhere, next to an edge of a leaf or a node, or next to a page that is there. */
static u64 random_page(struct layout *l)
{
	static const u64 edges[] = { LEAF, NODE, NODE2 };
	u64 page = random_below(l, l->size), edge = edges[random_below(l, COUNT(edges))];

	switch (random_below(l, 4)) {
	case 0:
		break;
	case 1:
		if (l->count)
			page = l->at[random_below(l, l->count)].page + 1;
		break;
	default:
		page = page / edge * edge + random_below(l, 3);
		page -= page > 0;
	}
	return page % l->size;
}

static u64 model_next(const struct layout *l, u64 from)
{
	u64 next = l->size;
	u32 i;

	for (i = 0; i < l->count; i++)
		if (l->at[i].resident && l->at[i].page >= from && l->at[i].page < next)
			next = l->at[i].page;
	return next;
}

/* Resident, zero, sealed or removed. */
static void layout_add(struct layout *l, u64 region, u64 page, void *cipher)
{
	u64 kind = random_below(l, 5);
	u32 i;

	for (i = 0; i < l->count; i++)
		if (l->at[i].page == page)
			return;
	if (kind == 0)
		add_zero(region, page);
	else
		add_data(region, page);
	if (kind == 1)
		page_out(region, page, cipher);
	l->at[l->count].page = page;
	l->at[l->count++].resident = kind >= 2;
}

static void layout_remove_one(struct layout *l, u64 region)
{
	u64 frame, next;
	u32 i = (u32)random_below(l, l->count);

	assert_ok(mon_page_remove(root, region, l->at[i].page, &frame, &next));
	if (frame)
		granule_put_delegated(frame);
	l->at[i].resident = false;
}

static void layout_check(struct layout *l, u64 region, u64 from)
{
	u64 wanted = model_next(l, from), got;
	bool found;

	got = look(region, from, &found);
	if (found ? got != wanted : got > wanted)
		fail_msg("%u pages in %llu, from %llu: %s %llu, the model says %llu", l->count,
			 l->size, from, found ? "found" : "none to", got, wanted);
}

static void agrees_with_a_naive_model(void **state)
{
	static const u64 of[] = { LEAF, 3 * LEAF + 5, NODE + 1, 3 * NODE, NODE2 + LEAF, MAX };
	struct layout l = { .random = 0x9e3779b97f4a7c15ull };
	void *cipher = buffer_new();
	u64 region, page;
	u32 n, i;

	(void)state;
	for (n = 0; n < LAYOUTS; n++) {
		l.size = of[n % COUNT(of)];
		l.count = 0;
		region = region_new(l.size, 0);
		for (i = 0; i < LAYOUT_PAGES; i++)
			layout_add(&l, region, random_page(&l), cipher);
		region_live(region);
		layout_remove_one(&l, region);
		for (i = 0; i < l.count; i++) {
			layout_check(&l, region, l.at[i].page - (l.at[i].page > 0));
			layout_check(&l, region, l.at[i].page);
			layout_check(&l, region, l.at[i].page + 1);
		}
		for (i = 0; i < 64; i++)
			layout_check(&l, region, random_page(&l));
		page = 0;
		for (i = 0; i <= stats_of(region).resident; i++) {
			assert_int_equal(seek(region, page), model_next(&l, page));
			page = model_next(&l, page) + 1;
		}
		assert_int_equal(page, l.size + 1);
		region_end(region);
	}
	free(cipher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(arguments),
		MACHINE_TEST(it_changes_nothing),
		MACHINE_TEST(sizes),
		MACHINE_TEST(boundaries),
		MACHINE_TEST(gaps),
		MACHINE_TEST(long_searches_stop),
		MACHINE_TEST(long_gaps_stop),
		MACHINE_TEST(states_of_pages),
		MACHINE_TEST(states_of_regions),
		MACHINE_TEST(busy_pages_are_found),
		MACHINE_TEST(agrees_with_a_naive_model),
	};

	return RUN_TESTS(tests);
}
