// SPDX-License-Identifier: Apache-2.0
/* See model.h: what there is, and what the host may do with it. The calls are in model_calls.c. */
#include <stdio.h>
#include <stdlib.h>

#include "model_parts.h"

/* Granules ----------------------------------------------------------------- */

void model_start(struct model *m, u64 base, u32 granules)
{
	u32 i;

	memset(m, 0, sizeof(*m));
	m->base = base;
	m->granule_count = granules;
	for (i = 0; i < granules; i++)
		m->granules[i].region = -1;
}

void model_drop(struct model *m)
{
	u32 i;

	for (i = 0; i < m->granule_count; i++)
		EVP_MD_CTX_free(m->regions[i].records);
	memset(m, 0, sizeof(*m));
}

int model_granule(const struct model *m, u64 pa)
{
	if (pa % GRANULE || pa < m->base || (pa - m->base) / GRANULE >= m->granule_count)
		return -1;
	return (int)((pa - m->base) / GRANULE);
}

u64 model_pa(const struct model *m, int granule)
{
	return m->base + (u64)granule * GRANULE;
}

bool owned(const struct model *m, u64 pa, enum model_owner owner)
{
	int g = model_granule(m, pa);

	return g >= 0 && m->granules[g].owner == owner;
}

void give(struct model *m, int granule, enum model_owner owner, int region)
{
	m->granules[granule].owner = owner;
	m->granules[granule].region = region;
	m->granules[granule].contents = CONTENTS_UNKNOWN;
}

/* Nothing comes back with anything in it. */
void take_back(struct model *m, int granule)
{
	m->granules[granule].owner = IDLE;
	m->granules[granule].region = -1;
	m->granules[granule].contents = CONTENTS_ZERO;
	m->granules[granule].pins = 0;
}

bool claim_frame(struct model *m, struct model_call *c, u64 pa)
{
	if (!owned(m, pa, IDLE))
		return false;
	c->granule = model_granule(m, pa);
	give(m, c->granule, IS_FRAME, c->region);
	m->frame_count++;
	return true;
}

void drop_frame(struct model *m, int granule)
{
	take_back(m, granule);
	m->frame_count--;
}

void model_store(struct model *m, int granule, u32 contents)
{
	m->granules[granule].contents = contents;
}

/* Pages -------------------------------------------------------------------- */

struct model_page *model_page(struct model *m, int region, u64 number)
{
	struct model_region *r = &m->regions[region];
	u32 i;

	for (i = 0; i < r->page_count; i++)
		if (r->pages[i].number == number)
			return &r->pages[i];
	return NULL;
}

enum model_where where(const struct model_page *page)
{
	return page ? page->where : NEVER_ADDED;
}

struct model_page *page_for_add(struct model *m, int region, u64 number)
{
	struct model_region *r = &m->regions[region];
	struct model_page *page = model_page(m, region, number);

	if (page)
		return page;
	if (r->page_count == MODEL_PAGES) {
		fputs("model: more pages than it has room for\n", stderr);
		abort();
	}
	page = &r->pages[r->page_count++];
	memset(page, 0, sizeof(*page));
	page->number = number;
	page->frame = -1;
	return page;
}

/*
 * Metadata is a tree: 170 pages to a leaf, 512 below each node, as many levels as the region's
 * size asks for. A page needs each node on its way.
 */
static u64 node_index(u64 page, u32 level)
{
	return (page / 170) >> (9 * level);
}

static u32 top_level(u64 size)
{
	u32 level = 0;

	while (node_index(size - 1, level))
		level++;
	return level;
}

static bool has_node(const struct model_region *r, u32 level, u64 index)
{
	u32 i;

	for (i = 0; i < r->node_count; i++)
		if (r->nodes[i].level == level && r->nodes[i].index == index)
			return true;
	return false;
}

u32 missing_nodes(const struct model_region *r, u64 page)
{
	u32 missing = 0, level;

	for (level = 0; level <= top_level(r->size); level++)
		missing += !has_node(r, level, node_index(page, level));
	return missing;
}

void make_nodes(struct model_region *r, u64 page)
{
	u32 level;

	for (level = 0; level <= top_level(r->size); level++) {
		if (has_node(r, level, node_index(page, level)))
			continue;
		if (r->node_count == MODEL_NODES) {
			fputs("model: more tables than it has room for\n", stderr);
			abort();
		}
		r->nodes[r->node_count++] = (struct model_node){ level, node_index(page, level) };
		r->spares--;
	}
}

void hold(struct model *m, struct model_page *page, int frame, u32 contents)
{
	page->where = HELD;
	page->frame = frame;
	m->granules[frame].contents = contents;
}

bool good_permissions(u64 permissions)
{
	return permissions == READ || permissions == (READ | WRITE) ||
	       permissions == (READ | EXEC);
}

/* Measurement: Documentation/measurement.rst --------------------------------- */

static void little_endian(u8 *to, u64 value)
{
	int i;

	for (i = 0; i < 8; i++, value >>= 8)
		to[i] = (u8)value;
}

static void must(int good)
{
	if (good)
		return;
	fputs("model: libcrypto failed\n", stderr);
	abort();
}

static void record(struct model_region *r, const char *tag, size_t len, u64 first, u64 second)
{
	u8 bytes[64] = { 0 };
	size_t tag_len = strlen(tag);

	memcpy(bytes, tag, tag_len);
	little_endian(bytes + tag_len, first);
	little_endian(bytes + tag_len + 8, second);
	must(EVP_DigestUpdate(r->records, bytes, len));
}

void measure_begin(struct model_region *r)
{
	r->records = EVP_MD_CTX_new();
	must(r->records && EVP_DigestInit_ex(r->records, EVP_sha384(), NULL));
	record(r, "cloister-meas-v1", 64, r->size * GRANULE, r->flags);
}

void measure_page_added(struct model_region *r, const struct model_call *c)
{
	static const char * const tags[] = { "pagedata", "pageattr", "pagezero" };

	record(r, tags[c->arg[3]], 32, c->arg[1] * GRANULE, c->arg[2]);
	if (c->arg[3] == MON_PAGE_DATA)
		must(EVP_DigestUpdate(r->records, c->bytes, GRANULE));
}

void measure_end(struct model_region *r)
{
	unsigned int len;

	record(r, "finalize", 32, r->added, 0);
	must(EVP_DigestFinal_ex(r->records, r->measurement, &len) && len == MON_DIGEST_LEN);
}

/* What the interface leaves to the monitor ----------------------------------- */

/* What there is to seal. */
static bool is_resident(const struct model_page *page)
{
	return (page->where == HELD || page->where == MOVING) && !page->pinned;
}

/* The lowest page that is in use, and how many frames there are before it. */
static const struct model_page *first_pinned(const struct model *m, const struct model_region *r)
{
	const struct model_page *first = NULL;
	u32 i;

	for (i = 0; i < r->page_count; i++)
		if (r->pages[i].where == HELD && m->granules[r->pages[i].frame].pins &&
		    (!first || r->pages[i].number < first->number))
			first = &r->pages[i];
	return first;
}

static u64 frames_before(const struct model_region *r, u64 number)
{
	u64 count = 0;
	u32 i;

	for (i = 0; i < r->page_count; i++)
		count += r->pages[i].where == HELD && r->pages[i].number < number;
	return count;
}

static const char *take_reclaimed(struct model *m, int region, u64 pa)
{
	struct model_region *r = &m->regions[region];
	int g = model_granule(m, pa);
	u32 i;

	if (g < 0 || m->granules[g].region != region)
		return "a granule came back that was not the region's";
	if (m->granules[g].pins)
		return "a frame came back that is in use";
	if (m->granules[g].owner == IS_TABLE) {
		r->granules--;
		take_back(m, g);
		return NULL;
	}
	if (m->granules[g].owner != IS_FRAME)
		return "a granule came back that was neither table nor frame";
	for (i = 0; i < r->page_count; i++) {
		if (r->pages[i].where != HELD || r->pages[i].frame != g)
			continue;
		r->pages[i].where = TAKEN_OUT;
		r->pages[i].mapped = false;
		r->resident--;
		r->pinned -= r->pages[i].pinned;
		drop_frame(m, g);
		return NULL;
	}
	return "a frame came back that no page had";
}

const char *model_reclaimed(struct model *m, struct model_call *c, enum mon_status status,
			    const u64 *pas, u64 count)
{
	struct model_region *r = &m->regions[c->region];
	const struct model_page *pinned = first_pinned(m, r);
	u64 all = r->granules - 1 + r->resident;
	u64 least = pinned ? frames_before(r, pinned->number) : all;
	const char *wrong = NULL;
	u64 i;

	if (count > c->arg[2])
		return "more came back than was asked for";
	if (status != (pinned && !count ? MON_E_BUSY : MON_OK))
		return "the status of a reclaim is another one";
	if (count < (least < c->arg[2] ? least : c->arg[2]))
		return "less came back than could";
	for (i = 0; i < count && !wrong; i++)
		wrong = take_reclaimed(m, c->region, pas[i]);
	return wrong;
}

const char *model_next_resident(struct model *m, const struct model_call *c, u64 page, u64 found)
{
	struct model_region *r = &m->regions[c->region];
	u64 start = c->arg[1];
	bool at_page = false;
	u32 i;

	if (found > 1 || page > r->size || page < start)
		return "the search for a resident page went astray";
	if (!found && page == start && start != r->size)
		return "the search for a resident page got nowhere";
	for (i = 0; i < r->page_count; i++) {
		if (!is_resident(&r->pages[i]))
			continue;
		if (r->pages[i].number >= start && r->pages[i].number < page)
			return "the search passed over a resident page";
		at_page = at_page || r->pages[i].number == page;
	}
	return !found == !at_page || !found ? NULL : "the page found is not resident";
}

const char *model_next_after_remove(struct model *m, const struct model_call *c, u64 next)
{
	struct model_region *r = &m->regions[c->region];
	u32 i;

	if (next <= c->arg[1])
		return "removal does not get on";
	for (i = 0; i < r->page_count; i++)
		if (r->pages[i].number > c->arg[1] && r->pages[i].number < next &&
		    r->pages[i].where != NEVER_ADDED && r->pages[i].where != TAKEN_OUT)
			return "removal would pass over a page";
	return NULL;
}

const char *model_quoted(struct model *m, struct model_call *c, enum mon_status status,
			 u64 quote_len)
{
	u64 chain = 0;
	u32 i;

	for (i = 0; i < c->quote->cert_count; i++)
		chain += c->quote->cert_len[i];
	/* A nonce, a measurement and report data alone are 120 bytes. */
	if (quote_len < chain + c->quote->nonce_len + 112)
		return "the quote is too short for what it has to hold";
	if ((status == MON_E_SPACE) != (c->quote->out_len < quote_len))
		return "room for the quote is not what decides";
	m->regions[c->region].quotes += status == MON_OK;
	return NULL;
}

/* The host's side ------------------------------------------------------------ */

void model_unmapped(struct model *m, u64 cookie, u64 first, u64 count)
{
	struct model_region *r;
	u32 i, k;

	for (i = 0; i < m->granule_count; i++) {
		r = &m->regions[i];
		for (k = 0; r->alive && r->cookie == cookie && k < r->page_count; k++)
			if (r->pages[k].number >= first && r->pages[k].number - first < count)
				r->pages[k].mapped = false;
	}
}

const char *model_broken(const struct model *m)
{
	const struct model_region *r;
	u32 i, k;

	for (i = 0; i < m->granule_count; i++) {
		r = &m->regions[i];
		for (k = 0; r->alive && k < r->page_count; k++) {
			if (!r->pages[k].mapped)
				continue;
			if (r->pages[k].where != HELD)
				return "the host can still reach a page that is not resident";
			if (r->state == MON_REGION_DEAD && !r->calls)
				return "the host can still reach a page of a dead region";
		}
	}
	return NULL;
}
