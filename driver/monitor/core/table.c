// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Page metadata of a region: a radix tree of donated granules. A leaf holds 170 entries of
 * 24 bytes, a node the addresses of 512 children. Everything here runs under the region lock.
 */
#include "monitor_internal.h"

/* Levels of nodes that a region of @pages needs above its leaves. */
u32 table_levels(u64 pages)
{
	u64 covered = TABLE_LEAF_ENTRIES;
	u32 levels = 0;

	while (covered < pages) {
		covered <<= TABLE_NODE_SHIFT;
		levels++;
	}
	return levels;
}

static u64 *child_slot(u64 node, u64 leaf, u32 level)
{
	u64 *children = plat_granule_address(node);

	return &children[(leaf >> (TABLE_NODE_SHIFT * (level - 1))) & (TABLE_NODE_ENTRIES - 1)];
}

static struct page_entry *leaf_entry(u64 leaf_pa, u64 page)
{
	struct page_entry *entries = plat_granule_address(leaf_pa);

	return &entries[page % TABLE_LEAF_ENTRIES];
}

struct page_entry *table_find(struct mon_region *r, u64 page)
{
	u64 leaf = page / TABLE_LEAF_ENTRIES;
	u64 pa = r->table;
	u32 level;

	plat_assert_locked(&r->lock);
	for (level = r->levels; pa && level; level--)
		pa = *child_slot(pa, leaf, level);
	return pa ? leaf_entry(pa, page) : NULL;
}

/* The first page whose entry is in another leaf than that of @page, and after it. */
u64 table_next(u64 page)
{
	return (page / TABLE_LEAF_ENTRIES + 1) * TABLE_LEAF_ENTRIES;
}

/* Leaves looked at, or gaps passed over, by one call under the lock. */
#define SEARCH_STEPS	32

/* The end of the gap that begins at @page: a missing node stands for all the pages below it. */
static u64 gap_end(struct mon_region *r, u64 page)
{
	u64 leaf = page / TABLE_LEAF_ENTRIES;
	u64 pa = r->table;
	u32 level = r->levels;
	u64 leaves;

	if (!pa)
		return r->pages;
	while (pa && level) {
		pa = *child_slot(pa, leaf, level);
		level--;
	}
	leaves = 1ull << (TABLE_NODE_SHIFT * level);
	return (leaf / leaves + 1) * leaves * TABLE_LEAF_ENTRIES;
}

u64 table_next_resident(struct mon_region *r, u64 page, bool *found)
{
	u32 steps;

	*found = false;
	for (steps = 0; steps < SEARCH_STEPS && page < r->pages; steps++) {
		struct page_entry *entry = table_find(r, page);
		u64 end = entry ? table_next(page) : gap_end(r, page);

		for (; entry && page < end && page < r->pages; page++, entry++) {
			enum page_state state = ENTRY_STATE(entry->word);

			*found = (state == PAGE_RESIDENT || state == PAGE_BUSY) &&
				 ENTRY_CLASS(entry->word) != MON_CLASS_PINNED;
			if (*found)
				return page;
		}
		page = end;
	}
	return page < r->pages ? page : r->pages;
}

void table_donate(struct mon_region *r, u64 pa)
{
	u64 *link = plat_granule_address(pa);

	plat_assert_locked(&r->lock);
	*link = r->spare;
	r->spare = pa;
	r->spares++;
	r->granules++;
}

static u64 take_spare(struct mon_region *r)
{
	u64 pa = r->spare;
	u64 *link = plat_granule_address(pa);

	r->spare = *link;
	r->spares--;
	*link = 0;
	return pa;
}

struct page_entry *table_make(struct mon_region *r, u64 page)
{
	u64 leaf = page / TABLE_LEAF_ENTRIES;
	u64 *slot = &r->table;
	u32 level = r->levels;

	plat_assert_locked(&r->lock);
	for (;;) {
		if (!*slot) {
			/* All or nothing: the rest of this path is missing as well. */
			if (r->spares < level + 1)
				return NULL;
			*slot = take_spare(r);
		}
		if (!level)
			return leaf_entry(*slot, page);
		slot = child_slot(*slot, leaf, level);
		level--;
	}
}

struct reclaim {
	struct mon_root *root;
	u64 *pas;
	u32 max;
	u32 count;
};

static void give_back(struct reclaim *rc, u64 pa, enum granule_state state)
{
	granule_release(pa, state);
	rc->pas[rc->count++] = pa;
}

/* True once the leaf is empty and given back. */
static enum mon_status reclaim_leaf(struct mon_region *r, struct reclaim *rc, u64 pa, bool *gone)
{
	struct page_entry *entries = plat_granule_address(pa);
	u32 i;

	for (i = 0; i < TABLE_LEAF_ENTRIES; i++) {
		if (ENTRY_STATE(entries[i].word) != PAGE_RESIDENT)
			continue;
		if (rc->count == rc->max)
			return MON_OK;
		if (granule_refs(entries[i].frame))
			return MON_E_BUSY;
		give_back(rc, entries[i].frame, GRANULE_FRAME);
		counter_add(&rc->root->frames, -1);
		r->resident--;
		r->pinned -= ENTRY_CLASS(entries[i].word) == MON_CLASS_PINNED;
		entries[i].word = PAGE_REMOVED;
	}
	if (rc->count == rc->max)
		return MON_OK;
	give_back(rc, pa, GRANULE_TABLE);
	r->granules--;
	*gone = true;
	return MON_OK;
}

/* Depth is bounded by the levels of a 1 TiB region. */
static enum mon_status reclaim_table(struct mon_region *r, struct reclaim *rc, u64 *slot,
				     u32 level)
{
	enum mon_status status = MON_OK;
	bool gone = false;
	u64 *children;
	u32 i;

	if (!level) {
		status = reclaim_leaf(r, rc, *slot, &gone);
		if (gone)
			*slot = 0;
		return status;
	}
	children = plat_granule_address(*slot);
	for (i = 0; i < TABLE_NODE_ENTRIES; i++) {
		if (!children[i])
			continue;
		status = reclaim_table(r, rc, &children[i], level - 1);
		if (status != MON_OK || children[i])
			return status;
	}
	if (rc->count == rc->max)
		return MON_OK;
	give_back(rc, *slot, GRANULE_TABLE);
	r->granules--;
	*slot = 0;
	return MON_OK;
}

enum mon_status table_reclaim(struct mon_root *root, struct mon_region *r, u64 *pas, u32 max,
			      u32 *count)
{
	struct reclaim rc = { .root = root, .pas = pas, .max = max };
	enum mon_status status = MON_OK;

	plat_assert_locked(&r->lock);
	if (r->table)
		status = reclaim_table(r, &rc, &r->table, r->levels);
	while (status == MON_OK && r->spare && rc.count < max) {
		give_back(&rc, take_spare(r), GRANULE_TABLE);
		r->granules--;
	}
	*count = rc.count;
	/* What was given back is not taken again: the rest waits for the next call. */
	return rc.count ? MON_OK : status;
}
