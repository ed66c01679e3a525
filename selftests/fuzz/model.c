// SPDX-License-Identifier: Apache-2.0
/* See model.h. */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

#define GRANULE		4096
#define READ		MON_PERM_READ
#define WRITE		MON_PERM_WRITE
#define EXEC		MON_PERM_EXEC
#define GENERATIONS	4	/* that may have sealed pages at a time */

#define IN(state)	(1u << MON_REGION_##state)
#define ALL_STATES	(IN(BUILDING) | IN(LIVE) | IN(PARKED) | IN(DEAD))

static const struct rule {
	u8 args;
	u8 states;	/* of the region named by the first argument; 0: it names none */
} rules[MON_CALL_COUNT] = {
	[MON_CALL_GRANULE_DELEGATE] = { 1, 0 },
	[MON_CALL_GRANULE_UNDELEGATE] = { 1, 0 },
	[MON_CALL_REGION_CREATE] = { 4, 0 },
	[MON_CALL_REGION_DONATE] = { 2, IN(BUILDING) | IN(LIVE) },
	[MON_CALL_REGION_INIT] = { 2, IN(BUILDING) },
	[MON_CALL_REGION_REKEY] = { 1, IN(BUILDING) | IN(LIVE) | IN(PARKED) },
	[MON_CALL_REGION_KILL] = { 1, ALL_STATES },
	[MON_CALL_REGION_RECLAIM] = { 3, IN(DEAD) },
	[MON_CALL_REGION_DESTROY] = { 1, 0 },
	[MON_CALL_REGION_STATS] = { 2, ALL_STATES },
	[MON_CALL_PAGE_ADD] = { 6, IN(BUILDING) },
	[MON_CALL_PAGE_MAP] = { 3, IN(LIVE) },
	[MON_CALL_PAGE_UNPIN] = { 1, 0 },
	[MON_CALL_PAGE_LOAD] = { 5, IN(LIVE) },
	[MON_CALL_PAGE_EVICT] = { 3, IN(BUILDING) | IN(LIVE) | IN(PARKED) },
	[MON_CALL_PAGE_NEXT_RESIDENT] = { 2, ALL_STATES },
	[MON_CALL_PAGE_REMOVE] = { 2, IN(LIVE) },
	[MON_CALL_REPORT] = { 3, IN(LIVE) },
	[MON_CALL_REPORT_VERIFY] = { 1, 0 },
	[MON_CALL_QUOTE] = { 3, IN(LIVE) },
	[MON_CALL_PROVISION] = { 1, 0 },
	[MON_CALL_GET_INFO] = { 1, 0 },
};

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

static bool owned(const struct model *m, u64 pa, enum model_owner owner)
{
	int g = model_granule(m, pa);

	return g >= 0 && m->granules[g].owner == owner;
}

static void give(struct model *m, int granule, enum model_owner owner, int region)
{
	m->granules[granule].owner = owner;
	m->granules[granule].region = region;
	m->granules[granule].contents = CONTENTS_UNKNOWN;
}

/* Nothing comes back with anything in it. */
static void take_back(struct model *m, int granule)
{
	m->granules[granule].owner = IDLE;
	m->granules[granule].region = -1;
	m->granules[granule].contents = CONTENTS_ZERO;
	m->granules[granule].pins = 0;
}

static bool claim_frame(struct model *m, struct model_call *c, u64 pa)
{
	if (!owned(m, pa, IDLE))
		return false;
	c->granule = model_granule(m, pa);
	give(m, c->granule, IS_FRAME, c->region);
	m->frame_count++;
	return true;
}

static void drop_frame(struct model *m, int granule)
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

static enum model_where where(const struct model_page *page)
{
	return page ? page->where : NEVER_ADDED;
}

static struct model_page *page_for_add(struct model *m, int region, u64 number)
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

static u32 missing_nodes(const struct model_region *r, u64 page)
{
	u32 missing = 0, level;

	for (level = 0; level <= top_level(r->size); level++)
		missing += !has_node(r, level, node_index(page, level));
	return missing;
}

static void make_nodes(struct model_region *r, u64 page)
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

static void hold(struct model *m, struct model_page *page, int frame, u32 contents)
{
	page->where = HELD;
	page->frame = frame;
	m->granules[frame].contents = contents;
}

static bool good_permissions(u64 permissions)
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

static void measure_begin(struct model_region *r)
{
	r->records = EVP_MD_CTX_new();
	must(r->records && EVP_DigestInit_ex(r->records, EVP_sha384(), NULL));
	record(r, "cloister-meas-v1", 64, r->size * GRANULE, r->flags);
}

static void measure_page_added(struct model_region *r, const struct model_call *c)
{
	static const char * const tags[] = { "pagedata", "pageattr", "pagezero" };

	record(r, tags[c->arg[3]], 32, c->arg[1] * GRANULE, c->arg[2]);
	if (c->arg[3] == MON_PAGE_DATA)
		must(EVP_DigestUpdate(r->records, c->bytes, GRANULE));
}

static void measure_end(struct model_region *r)
{
	unsigned int len;

	record(r, "finalize", 32, r->added, 0);
	must(EVP_DigestFinal_ex(r->records, r->measurement, &len) && len == MON_DIGEST_LEN);
}

/* Calls -------------------------------------------------------------------- */

static enum mon_status begin_create(struct model *m, struct model_call *c)
{
	if (c->arg[1] < 1 || c->arg[1] > MON_REGION_PAGES_MAX ||
	    (c->arg[2] & ~(u64)MON_REGION_FLAGS))
		return MON_E_ARGUMENT;
	if (!owned(m, c->arg[0], IDLE))
		return MON_E_GRANULE;
	c->granule = model_granule(m, c->arg[0]);
	give(m, c->granule, AT_WORK, -1);
	return MON_OK;
}

static enum mon_status end_create(struct model *m, struct model_call *c, enum mon_status failure)
{
	struct model_region *r = &m->regions[c->granule];

	if (failure != MON_OK) {
		take_back(m, c->granule);
		return failure;
	}
	give(m, c->granule, IS_REGION, c->granule);
	EVP_MD_CTX_free(r->records);
	memset(r, 0, sizeof(*r));
	r->alive = true;
	r->id = ++m->last_id;
	r->size = c->arg[1];
	r->flags = (u32)c->arg[2];
	r->cookie = c->arg[3];
	r->state = MON_REGION_BUILDING;
	r->generation = 1;
	r->granules = 1;
	measure_begin(r);
	m->region_count++;
	c->result[0] = r->id;
	return MON_OK;
}

static enum mon_status begin_init(struct model_region *r, const struct model_call *c)
{
	if (!c->arg[1])
		return MON_E_ARGUMENT;
	if (r->measuring)
		return MON_E_BUSY;
	r->measuring = true;
	return MON_OK;
}

static enum mon_status end_init(struct model_region *r, enum mon_status failure)
{
	r->measuring = false;
	if (failure != MON_OK) {
		r->state = MON_REGION_DEAD;
		return failure;
	}
	if (r->state != MON_REGION_BUILDING)
		return MON_E_STATE;
	measure_end(r);
	r->state = MON_REGION_LIVE;
	return MON_OK;
}

/* A new key takes the place of the one four generations back: no page may need that. */
static enum mon_status begin_rekey(struct model_region *r)
{
	u32 i;

	if (r->rekeying)
		return MON_E_BUSY;
	for (i = 0; i < r->page_count; i++)
		if (r->pages[i].needs_key &&
		    r->pages[i].generation + GENERATIONS == r->generation + 1)
			return MON_E_BUSY;
	r->rekeying = true;
	return MON_OK;
}

static enum mon_status end_rekey(struct model_region *r, enum mon_status failure)
{
	r->rekeying = false;
	r->generation += failure == MON_OK;
	return failure;
}

static enum mon_status begin_donate(struct model *m, struct model_call *c)
{
	struct model_region *r = &m->regions[c->region];

	if (!owned(m, c->arg[1], IDLE))
		return MON_E_GRANULE;
	give(m, model_granule(m, c->arg[1]), IS_TABLE, c->region);
	r->spares++;
	r->granules++;
	return MON_OK;
}

static enum mon_status begin_reclaim(struct model_region *r, const struct model_call *c)
{
	if (!c->arg[1] || c->arg[2] < 1 || c->arg[2] > MON_RECLAIM_BATCH)
		return MON_E_ARGUMENT;
	return r->calls > 1 ? MON_E_BUSY : MON_OK;
}

static enum mon_status begin_destroy(struct model *m, struct model_call *c)
{
	struct model_region *r;
	int g = model_granule(m, c->arg[0]);

	if (!owned(m, c->arg[0], IS_REGION))
		return MON_E_GRANULE;
	r = &m->regions[g];
	if (r->calls)
		return MON_E_BUSY;
	if (r->state != MON_REGION_DEAD || r->granules > 1)
		return MON_E_STATE;
	take_back(m, g);
	m->region_count--;
	EVP_MD_CTX_free(r->records);
	memset(r, 0, sizeof(*r));
	return MON_OK;
}

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

static enum mon_status begin_add(struct model *m, struct model_call *c)
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

static enum mon_status end_add(struct model *m, struct model_call *c, enum mon_status failure)
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

static enum mon_status begin_map(struct model *m, struct model_call *c)
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

static enum mon_status begin_unpin(struct model *m, struct model_call *c)
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

static enum mon_status begin_load(struct model *m, struct model_call *c)
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

static enum mon_status end_load(struct model *m, struct model_call *c, enum mon_status failure)
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

static enum mon_status begin_evict(struct model *m, struct model_call *c)
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

static enum mon_status end_evict(struct model *m, struct model_call *c, enum mon_status failure)
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

static enum mon_status begin_remove(struct model *m, struct model_call *c)
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

static enum mon_status end_remove(struct model *m, struct model_call *c)
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

static bool good_quote(const struct mon_quote *q)
{
	u32 i;

	if ((q->alg != MON_SIGN_ES256 && q->alg != MON_SIGN_ES384) || q->nonce_len < 8 ||
	    q->nonce_len > 64 || q->cert_count > 4 || (q->cert_count && !q->certs))
		return false;
	for (i = 0; i < q->cert_count; i++)
		if (q->cert_len[i] < 1 || q->cert_len[i] > 16384)
			return false;
	return q->out || !q->out_len;
}

static enum mon_status begin_quote(struct model *m, struct model_call *c)
{
	if (!c->arg[1] || !good_quote(c->quote))
		return MON_E_ARGUMENT;
	if (!m->provisioned)
		return MON_E_UNPROVISIONED;
	if (!owned(m, c->arg[2], IDLE))
		return MON_E_GRANULE;
	c->granule = model_granule(m, c->arg[2]);
	give(m, c->granule, AT_WORK, -1);
	return MON_OK;
}

static bool any_byte(const u8 *bytes, size_t len)
{
	while (len--)
		if (bytes[len])
			return true;
	return false;
}

static enum mon_status begin_provision(struct model *m, struct model_call *c)
{
	if (!c->arg[0] || !any_byte(c->provision->cdi_attest, MON_CDI_LEN) ||
	    !any_byte(c->provision->cdi_seal, MON_CDI_LEN))
		return MON_E_ARGUMENT;
	if (m->provisioned || m->provisioning)
		return MON_E_PROVISIONED;
	m->provisioning = true;
	return MON_OK;
}

static enum mon_status end_provision(struct model *m, enum mon_status failure)
{
	/* A scalar out of range is no failure: the next one is tried. */
	if (failure == MON_E_RANGE)
		failure = MON_OK;
	m->provisioning = false;
	m->provisioned = failure == MON_OK;
	return failure;
}

static enum mon_status begin_delegate(struct model *m, u64 pa, enum model_owner from,
				      enum model_owner to)
{
	if (!owned(m, pa, from))
		return MON_E_GRANULE;
	m->granules[model_granule(m, pa)].owner = to;
	m->delegated += to == IDLE ? 1 : -1;
	return MON_OK;
}

static enum mon_status begin_call(struct model *m, struct model_call *c)
{
	struct model_region *r = c->region >= 0 ? &m->regions[c->region] : NULL;

	switch (c->id) {
	case MON_CALL_GRANULE_DELEGATE:
		return begin_delegate(m, c->arg[0], WITH_HOST, IDLE);
	case MON_CALL_GRANULE_UNDELEGATE:
		return begin_delegate(m, c->arg[0], IDLE, WITH_HOST);
	case MON_CALL_REGION_CREATE:
		return begin_create(m, c);
	case MON_CALL_REGION_DONATE:
		return begin_donate(m, c);
	case MON_CALL_REGION_INIT:
		return begin_init(r, c);
	case MON_CALL_REGION_REKEY:
		return begin_rekey(r);
	case MON_CALL_REGION_KILL:
		r->state = MON_REGION_DEAD;
		return MON_OK;
	case MON_CALL_REGION_RECLAIM:
		return begin_reclaim(r, c);
	case MON_CALL_REGION_DESTROY:
		return begin_destroy(m, c);
	case MON_CALL_PAGE_ADD:
		return begin_add(m, c);
	case MON_CALL_PAGE_MAP:
		return begin_map(m, c);
	case MON_CALL_PAGE_UNPIN:
		return begin_unpin(m, c);
	case MON_CALL_PAGE_LOAD:
		return begin_load(m, c);
	case MON_CALL_PAGE_EVICT:
		return begin_evict(m, c);
	case MON_CALL_PAGE_NEXT_RESIDENT:
		return c->arg[1] > r->size ? MON_E_ARGUMENT : MON_OK;
	case MON_CALL_PAGE_REMOVE:
		return begin_remove(m, c);
	case MON_CALL_REPORT:
		return c->arg[1] && c->arg[2] ? MON_OK : MON_E_ARGUMENT;
	case MON_CALL_REGION_STATS:
		return c->arg[1] ? MON_OK : MON_E_ARGUMENT;
	case MON_CALL_QUOTE:
		return begin_quote(m, c);
	case MON_CALL_PROVISION:
		return begin_provision(m, c);
	default:	/* REPORT_VERIFY, GET_INFO */
		return c->arg[0] ? MON_OK : MON_E_ARGUMENT;
	}
}

enum mon_status model_begin(struct model *m, struct model_call *c)
{
	enum mon_status status;
	u32 i;

	c->region = -1;
	c->granule = -1;
	c->page = NULL;
	memset(c->result, 0, sizeof(c->result));
	if (c->id >= MON_CALL_COUNT || c->caller != MON_CALLER_HOST)
		return MON_E_CALL;
	for (i = rules[c->id].args; i < MON_ARGS; i++)
		if (c->arg[i])
			return MON_E_ARGUMENT;
	if (rules[c->id].states) {
		if (!owned(m, c->arg[0], IS_REGION))
			return MON_E_GRANULE;
		c->region = model_granule(m, c->arg[0]);
		if (!(rules[c->id].states & 1u << m->regions[c->region].state))
			return MON_E_STATE;
		m->regions[c->region].calls++;
	}
	status = begin_call(m, c);
	if (c->region >= 0 && status != MON_OK)
		m->regions[c->region].calls--;
	return status;
}

static enum mon_status end_call(struct model *m, struct model_call *c, enum mon_status failure)
{
	struct model_region *r = c->region >= 0 ? &m->regions[c->region] : NULL;

	switch (c->id) {
	case MON_CALL_REGION_CREATE:
		return end_create(m, c, failure);
	case MON_CALL_REGION_INIT:
		return end_init(r, failure);
	case MON_CALL_REGION_REKEY:
		return end_rekey(r, failure);
	case MON_CALL_PAGE_ADD:
		return end_add(m, c, failure);
	case MON_CALL_PAGE_LOAD:
		return end_load(m, c, failure);
	case MON_CALL_PAGE_EVICT:
		return end_evict(m, c, failure);
	case MON_CALL_PAGE_REMOVE:
		return end_remove(m, c);
	case MON_CALL_PROVISION:
		return end_provision(m, failure);
	case MON_CALL_REPORT_VERIFY:
		return failure != MON_OK || c->good_report ? failure : MON_E_INTEGRITY;
	case MON_CALL_QUOTE:
		take_back(m, c->granule);
		return failure;
	default:
		return failure;
	}
}

enum mon_status model_end(struct model *m, struct model_call *c, enum mon_status failure)
{
	if (c->region >= 0)
		m->regions[c->region].calls--;
	return end_call(m, c, failure);
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
