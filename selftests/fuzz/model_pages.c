// SPDX-License-Identifier: Apache-2.0
/* See model.h: calls on pages. */
#include "model_parts.h"

static enum mon_status add_allowed(struct model *m, struct model_call *c)
{
	struct model_region *r = &m->regions[c->region];

	if (r->measuring)
		return MON_E_BUSY;
	if (missing_nodes(r, c->arg[1]) > r->spares)
		return MON_E_NEED_TABLES;
	if (where(model_page(m, c->region, c->arg[1])) != NEVER_ADDED)
		return MON_E_EXISTS;
	return MON_OK;
}

/* Permissions in the lower half of an argument, the page's class in the upper one. */
static u64 class_of(const struct model_call *c)
{
	return c->arg[2] >> 32;
}

/* A zero page has no frame until it is touched, unless it is to have one for good. */
static bool needs_frame(const struct model_call *c)
{
	return c->arg[3] != MON_PAGE_ZERO || class_of(c) == MON_CLASS_PINNED;
}

static bool good_add(const struct model_region *r, const struct model_call *c)
{
	if (c->arg[1] >= r->size || !good_permissions((u32)c->arg[2]) ||
	    class_of(c) > MON_CLASS_PINNED || c->arg[3] > MON_PAGE_ZERO)
		return false;
	if (!needs_frame(c) && c->arg[4])
		return false;
	if (c->arg[3] == MON_PAGE_ZERO)
		return !c->arg[5];
	return c->arg[5] && !(c->arg[5] % GRANULE);
}

enum mon_status begin_add(struct model *m, struct model_call *c)
{
	struct model_region *r = &m->regions[c->region];
	enum mon_status status;

	if (!good_add(r, c))
		return MON_E_ARGUMENT;
	if (needs_frame(c) && !claim_frame(m, c, c->arg[4]))
		return MON_E_GRANULE;
	status = add_allowed(m, c);
	if (status != MON_OK) {
		if (needs_frame(c))
			drop_frame(m, c->granule);
		return status;
	}
	make_nodes(r, c->arg[1]);
	r->measuring = true;
	c->page = page_for_add(m, c->region, c->arg[1]);
	c->page->permissions = (u32)c->arg[2];
	c->page->pinned = class_of(c) == MON_CLASS_PINNED;
	c->page->where = MOVING;
	return MON_OK;
}

enum mon_status end_add(struct model *m, struct model_call *c, enum mon_status failure)
{
	struct model_region *r = &m->regions[c->region];

	r->measuring = false;
	if (failure != MON_OK) {
		/* What was hashed is not known: a region may not live on that. */
		r->state = MON_REGION_DEAD;
		c->page->where = NEVER_ADDED;
		if (c->granule >= 0)
			drop_frame(m, c->granule);
		return failure;
	}
	measure_page_added(r, c);
	r->added++;
	if (!needs_frame(c)) {
		c->page->where = STILL_ZERO;
		r->zero++;
		return MON_OK;
	}
	hold(m, c->page, c->granule, c->arg[3] == MON_PAGE_ZERO ? CONTENTS_ZERO : c->contents);
	r->resident++;
	r->pinned += c->page->pinned;
	return MON_OK;
}

enum mon_status begin_map(struct model *m, struct model_call *c)
{
	struct model_region *r = &m->regions[c->region];
	struct model_page *page;

	if (c->arg[1] >= r->size || c->arg[2] & ~(u64)(READ | WRITE | EXEC))
		return MON_E_ARGUMENT;
	page = model_page(m, c->region, c->arg[1]);
	if (where(page) == NEVER_ADDED || where(page) == TAKEN_OUT)
		return MON_E_ABSENT;
	if (c->arg[2] & ~(u64)page->permissions)
		return MON_E_PERMISSION;
	if (page->where == MOVING)
		return MON_E_BUSY;
	if (page->where != HELD) {
		c->result[0] = page->where == STORED;
		return MON_E_SEALED;
	}
	if (m->granules[page->frame].pins == MODEL_PINS_MAX)
		return MON_E_BUSY;
	m->granules[page->frame].pins++;
	c->page = page;
	c->result[0] = model_pa(m, page->frame);
	c->result[1] = page->permissions;
	return MON_OK;
}

enum mon_status begin_unpin(struct model *m, struct model_call *c)
{
	int g = model_granule(m, c->arg[0]);

	if (!owned(m, c->arg[0], IS_FRAME) || !m->granules[g].pins)
		return MON_E_GRANULE;
	m->granules[g].pins--;
	return MON_OK;
}

static enum mon_status load_allowed(const struct model_page *page, const struct model_call *c)
{
	switch (where(page)) {
	case STORED:
		return c->arg[3] ? MON_OK : MON_E_SEALED;
	case STILL_ZERO:
		return MON_OK;
	case HELD:
		return MON_E_RESIDENT;
	case MOVING:
		return MON_E_BUSY;
	default:
		return MON_E_ABSENT;
	}
}

enum mon_status begin_load(struct model *m, struct model_call *c)
{
	struct model_region *r = &m->regions[c->region];
	enum mon_status status;

	if (c->arg[1] >= r->size || c->arg[3] % GRANULE || c->arg[4] > 1)
		return MON_E_ARGUMENT;
	if (!claim_frame(m, c, c->arg[2]))
		return MON_E_GRANULE;
	c->page = model_page(m, c->region, c->arg[1]);
	status = load_allowed(c->page, c);
	if (status != MON_OK) {
		drop_frame(m, c->granule);
		return status;
	}
	c->was = *c->page;
	c->page->where = MOVING;
	return MON_OK;
}

enum mon_status end_load(struct model *m, struct model_call *c, enum mon_status failure)
{
	struct model_region *r = &m->regions[c->region];
	bool stored = c->was.where == STORED;

	/* What was sealed last, whole: nothing else will do. */
	if (failure == MON_OK && stored && c->sealing != c->was.sealing)
		failure = MON_E_INTEGRITY;
	if (failure == MON_OK && r->state != MON_REGION_LIVE)
		failure = MON_E_STATE;
	if (failure != MON_OK) {
		c->page->where = c->was.where;
		r->integrity_failures += failure == MON_E_INTEGRITY;
		drop_frame(m, c->granule);
		return failure;
	}
	hold(m, c->page, c->granule, stored ? c->was.contents : CONTENTS_ZERO);
	c->page->needs_key = false;
	r->sealed -= stored;
	r->zero -= !stored;
	r->resident++;
	r->loads++;
	m->granules[c->granule].pins += c->arg[4];
	c->result[0] = c->page->permissions;
	return MON_OK;
}

enum mon_status begin_evict(struct model *m, struct model_call *c)
{
	struct model_region *r = &m->regions[c->region];
	struct model_page *page;

	if (c->arg[1] >= r->size || !c->arg[2] || c->arg[2] % GRANULE)
		return MON_E_ARGUMENT;
	page = model_page(m, c->region, c->arg[1]);
	if ((where(page) == HELD || where(page) == MOVING) && page->pinned)
		return MON_E_PINNED;
	switch (where(page)) {
	case HELD:
		break;
	case MOVING:
		return MON_E_BUSY;
	case STORED:
	case STILL_ZERO:
		return MON_E_SEALED;
	default:
		return MON_E_ABSENT;
	}
	if (m->granules[page->frame].pins)
		return MON_E_BUSY;
	c->page = page;
	page->where = MOVING;
	page->generation = r->generation;
	page->needs_key = true;
	return MON_OK;
}

enum mon_status end_evict(struct model *m, struct model_call *c, enum mon_status failure)
{
	struct model_region *r = &m->regions[c->region];
	struct model_page *page = c->page;

	if (failure != MON_OK) {
		page->where = HELD;
		page->needs_key = false;
		return failure;
	}
	page->where = STORED;
	page->contents = m->granules[page->frame].contents;
	page->sealing = ++m->last_sealing;
	c->result[0] = model_pa(m, page->frame);
	drop_frame(m, page->frame);
	page->frame = -1;
	r->resident--;
	r->sealed++;
	r->evictions++;
	return MON_OK;
}

enum mon_status begin_remove(struct model *m, struct model_call *c)
{
	struct model_region *r = &m->regions[c->region];

	if (c->arg[1] >= r->size)
		return MON_E_ARGUMENT;
	c->page = model_page(m, c->region, c->arg[1]);
	switch (where(c->page)) {
	case HELD:
		if (m->granules[c->page->frame].pins)
			return MON_E_BUSY;
		break;
	case STORED:
	case STILL_ZERO:
		break;
	case MOVING:
		return MON_E_BUSY;
	default:
		return MON_E_ABSENT;
	}
	c->was = *c->page;
	c->page->where = MOVING;
	return MON_OK;
}

enum mon_status end_remove(struct model *m, struct model_call *c)
{
	struct model_region *r = &m->regions[c->region];

	r->resident -= c->was.where == HELD;
	r->sealed -= c->was.where == STORED;
	r->zero -= c->was.where == STILL_ZERO;
	r->added--;
	if (c->was.where == HELD) {
		r->pinned -= c->page->pinned;
		c->result[0] = model_pa(m, c->page->frame);
		drop_frame(m, c->page->frame);
		c->page->frame = -1;
	}
	c->page->where = TAKEN_OUT;
	c->page->needs_key = false;
	return MON_OK;
}
