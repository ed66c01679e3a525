// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Life of a region:
 *
 *	BUILDING -> LIVE -> DEAD, and BUILDING -> DEAD
 *
 * PARKED is reached by the fault shim's verdicts and has no call that leads to it yet.
 */
#include "monitor_internal.h"

bool region_lock_in(struct mon_region *r, u32 states)
{
	plat_lock(&r->lock);
	if (STATE_BIT(r->state) & states)
		return true;
	plat_unlock(&r->lock);
	return false;
}

static enum mon_status region_setup(struct mon_region *r, u64 pages, u32 flags, u64 cookie)
{
	enum mon_status status;

	memset(r, 0, sizeof(*r));
	plat_lock_init(&r->lock);
	r->pages = pages;
	r->flags = flags;
	r->cookie = cookie;
	r->levels = table_levels(pages);
	r->granules = 1;
	r->generation = 1;
	region_set_state(r, MON_REGION_BUILDING);
	if (!plat_random(r->uid, sizeof(r->uid)))
		return MON_E_CRYPTO;
	status = page_key_new(&r->key[r->generation % KEY_SLOTS], r->generation);
	if (status != MON_OK)
		return status;
	return measure_create(r);
}

static void clear_keys(struct mon_region *r)
{
	u32 i;

	for (i = 0; i < KEY_SLOTS; i++)
		page_key_clear(&r->key[i]);
}

enum mon_status call_region_create(struct mon_root *root, struct mon_region *unused,
				   struct mon_args *args)
{
	u64 pa = args->arg[0], pages = args->arg[1], flags = args->arg[2];
	struct mon_region *r;
	enum mon_status status;

	(void)unused;
	if (!pages || pages > MON_REGION_PAGES_MAX || (flags & ~(u64)MON_REGION_FLAGS))
		return MON_E_ARGUMENT;
	/* SCRATCH while it is being set up: no other call can find it. */
	if (!granule_transition(pa, GRANULE_DELEGATED, GRANULE_SCRATCH))
		return MON_E_GRANULE;
	r = plat_granule_address(pa);
	status = region_setup(r, pages, (u32)flags, args->arg[3]);
	if (status != MON_OK) {
		clear_keys(r);
		granule_release(pa, GRANULE_SCRATCH);
		return status;
	}
	r->id = counter_add(&root->next_region_id, 1);
	args->result[0] = r->id;
	counter_add(&root->regions, 1);
	if (!granule_transition(pa, GRANULE_SCRATCH, GRANULE_REGION))
		plat_fatal("region being made changed hands");
	return MON_OK;
}

enum mon_status call_region_donate(struct mon_root *root, struct mon_region *r,
				   struct mon_args *args)
{
	u64 pa = args->arg[1];

	(void)root;
	if (!granule_transition(pa, GRANULE_DELEGATED, GRANULE_TABLE))
		return MON_E_GRANULE;
	/* What the host left in it must not read as page metadata. */
	plat_scrub(plat_granule_address(pa), MON_GRANULE_SIZE);
	if (!region_lock_in(r, STATE_BIT(MON_REGION_BUILDING) | STATE_BIT(MON_REGION_LIVE))) {
		granule_release(pa, GRANULE_TABLE);
		return MON_E_STATE;
	}
	table_donate(r, pa);
	plat_unlock(&r->lock);
	return MON_OK;
}

enum mon_status call_region_init(struct mon_root *root, struct mon_region *r,
				 struct mon_args *args)
{
	u8 *out = host_pointer(args->arg[1]);
	u8 digest[MON_DIGEST_LEN];
	enum mon_status status;

	(void)root;
	if (!out)
		return MON_E_ARGUMENT;
	if (!region_lock_in(r, STATE_BIT(MON_REGION_BUILDING)))
		return MON_E_STATE;
	if (r->measuring) {
		plat_unlock(&r->lock);
		return MON_E_BUSY;
	}
	r->measuring = true;
	plat_unlock(&r->lock);

	status = measure_finalize(r, digest);

	plat_lock(&r->lock);
	r->measuring = false;
	/* A hash that failed half-way is of no more use: fail closed. */
	if (status != MON_OK) {
		region_set_state(r, MON_REGION_DEAD);
	} else if (r->state != MON_REGION_BUILDING) {
		status = MON_E_STATE;
	} else {
		memcpy(r->measurement, digest, sizeof(digest));
		region_set_state(r, MON_REGION_LIVE);
		memcpy(out, digest, sizeof(digest));
	}
	plat_unlock(&r->lock);
	return status;
}

enum mon_status call_region_rekey(struct mon_root *root, struct mon_region *r,
				  struct mon_args *args)
{
	struct key_generation *slot;
	enum mon_status status;
	u32 number;

	(void)root;
	(void)args;
	if (!region_lock_in(r, STATE_BIT(MON_REGION_BUILDING) | STATE_BIT(MON_REGION_LIVE) |
			       STATE_BIT(MON_REGION_PARKED)))
		return MON_E_STATE;
	number = r->generation + 1;
	slot = &r->key[number % KEY_SLOTS];
	if (r->rekeying || slot->sealed)
		status = MON_E_BUSY;
	else if (!number)
		status = MON_E_EXHAUSTED;
	else
		status = MON_OK;
	r->rekeying = r->rekeying || status == MON_OK;
	plat_unlock(&r->lock);
	if (status != MON_OK)
		return status;

	/* Nobody uses the slot: no page needs its key, and new pages take the current one. */
	page_key_clear(slot);
	status = page_key_new(slot, number);

	plat_lock(&r->lock);
	if (status == MON_OK)
		r->generation = number;
	r->rekeying = false;
	plat_unlock(&r->lock);
	return status;
}

enum mon_status call_region_kill(struct mon_root *root, struct mon_region *r,
				 struct mon_args *args)
{
	(void)root;
	(void)args;
	plat_lock(&r->lock);
	region_set_state(r, MON_REGION_DEAD);
	plat_unlock(&r->lock);
	plat_unmap(r->cookie, 0, r->pages);
	return MON_OK;
}

enum mon_status call_region_reclaim(struct mon_root *root, struct mon_region *r,
				    struct mon_args *args)
{
	u64 *pas = host_pointer(args->arg[1]);
	u64 max = args->arg[2];
	enum mon_status status;
	u32 count = 0;

	if (!pas || !max || max > MON_RECLAIM_BATCH)
		return MON_E_ARGUMENT;
	if (!region_lock_in(r, STATE_BIT(MON_REGION_DEAD)))
		return MON_E_STATE;
	/* Calls that began before it died may hold pages BUSY; this one's reference is the last. */
	if (granule_refs(args->arg[0]) != 1)
		status = MON_E_BUSY;
	else
		status = table_reclaim(root, r, pas, (u32)max, &count);
	plat_unlock(&r->lock);
	args->result[0] = count;
	return status;
}

/* Not referenced by the dispatcher: nobody else may be in a region that ends. */
enum mon_status call_region_destroy(struct mon_root *root, struct mon_region *unused,
				    struct mon_args *args)
{
	u64 pa = args->arg[0];
	struct mon_region *r;
	struct granule g;

	(void)unused;
	if (granule_state(pa) != GRANULE_REGION)
		return MON_E_GRANULE;
	if (!granule_find_lock(pa, GRANULE_REGION, &g))
		return MON_E_BUSY;
	r = plat_granule_address(pa);
	if (r->state != MON_REGION_DEAD || r->table || r->spare) {
		granule_unlock_as(&g, GRANULE_REGION);
		return MON_E_STATE;
	}
	granule_unlock_as(&g, GRANULE_SCRATCH);
	clear_keys(r);
	granule_release(pa, GRANULE_SCRATCH);
	counter_add(&root->regions, -1);
	return MON_OK;
}

enum mon_status call_region_stats(struct mon_root *root, struct mon_region *r,
				  struct mon_args *args)
{
	struct mon_region_stats *out = host_pointer(args->arg[1]);

	(void)root;
	if (!out)
		return MON_E_ARGUMENT;
	memset(out, 0, sizeof(*out));
	plat_lock(&r->lock);
	out->id = r->id;
	out->state = r->state;
	out->flags = r->flags;
	out->pages = r->pages;
	out->added = r->added;
	out->resident = r->resident;
	out->sealed = r->sealed;
	out->zero = r->zero;
	out->pinned = r->pinned;
	out->granules = r->granules;
	out->loads = r->loads;
	out->evictions = r->evictions;
	out->integrity_failures = r->integrity_failures;
	out->quotes = r->quotes;
	out->generation = r->generation;
	memcpy(out->measurement, r->measurement, sizeof(out->measurement));
	plat_unlock(&r->lock);
	return MON_OK;
}
