// SPDX-License-Identifier: Apache-2.0
/* See model.h: which calls are legal, and what comes of those that are not on pages. */
#include "model_parts.h"

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

/* Calls on granules, regions and the device ---------------------------------- */

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
