// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The one table of monitor calls. Whether a call is legal is decided from it before a handler
 * runs; a handler that takes the region's lock looks at the state again.
 */
#include "monitor_internal.h"

#define BUILDING	STATE_BIT(MON_REGION_BUILDING)
#define LIVE		STATE_BIT(MON_REGION_LIVE)
#define PARKED		STATE_BIT(MON_REGION_PARKED)
#define DEAD		STATE_BIT(MON_REGION_DEAD)
#define ANY_STATE	(BUILDING | LIVE | PARKED | DEAD)

struct call {
	const char *name;
	mon_handler handler;
	u8 args;	/* how many; the rest must be 0 */
	u8 callers;	/* mask of enum mon_caller */
	u8 states;	/* argument 0 is a region in one of these; 0: no region */
};

static const struct call calls[] = {
#define CALL(id, fn, args, callers, states) \
	[MON_CALL_##id] = { #fn, call_##fn, args, callers, states }
	CALL(GRANULE_DELEGATE, granule_delegate, 1, MON_CALLER_HOST, 0),
	CALL(GRANULE_UNDELEGATE, granule_undelegate, 1, MON_CALLER_HOST, 0),
	CALL(REGION_CREATE, region_create, 4, MON_CALLER_HOST, 0),
	CALL(REGION_DONATE, region_donate, 2, MON_CALLER_HOST, BUILDING | LIVE),
	CALL(REGION_INIT, region_init, 2, MON_CALLER_HOST, BUILDING),
	CALL(REGION_REKEY, region_rekey, 1, MON_CALLER_HOST, BUILDING | LIVE | PARKED),
	CALL(REGION_KILL, region_kill, 1, MON_CALLER_HOST, ANY_STATE),
	CALL(REGION_RECLAIM, region_reclaim, 3, MON_CALLER_HOST, DEAD),
	CALL(REGION_DESTROY, region_destroy, 1, MON_CALLER_HOST, 0),
	CALL(REGION_STATS, region_stats, 2, MON_CALLER_HOST, ANY_STATE),
	CALL(PAGE_ADD, page_add, 6, MON_CALLER_HOST, BUILDING),
	CALL(PAGE_MAP, page_map, 3, MON_CALLER_HOST, LIVE),
	CALL(PAGE_UNPIN, page_unpin, 1, MON_CALLER_HOST, 0),
	CALL(PAGE_LOAD, page_load, 5, MON_CALLER_HOST, LIVE),
	CALL(PAGE_EVICT, page_evict, 3, MON_CALLER_HOST, BUILDING | LIVE | PARKED),
	CALL(PAGE_NEXT_RESIDENT, page_next_resident, 2, MON_CALLER_HOST, ANY_STATE),
	CALL(PAGE_REMOVE, page_remove, 2, MON_CALLER_HOST, LIVE),
	CALL(REPORT, report, 3, MON_CALLER_HOST, LIVE),
	CALL(REPORT_VERIFY, report_verify, 1, MON_CALLER_HOST, 0),
	CALL(QUOTE, quote, 3, MON_CALLER_HOST, LIVE),
	CALL(PROVISION, provision, 1, MON_CALLER_HOST, 0),
	CALL(GET_INFO, get_info, 1, MON_CALLER_HOST, 0),
#undef CALL
};

MON_STATIC_ASSERT(sizeof(calls) / sizeof(calls[0]) == MON_CALL_COUNT, "a row for every call");

const char *mon_call_name(u32 id)
{
	return id < MON_CALL_COUNT ? calls[id].name : NULL;
}

static bool args_valid(const struct call *call, const struct mon_args *args)
{
	u32 i;

	for (i = call->args; i < MON_ARGS; i++)
		if (args->arg[i])
			return false;
	return true;
}

static enum mon_status call_with_region(struct mon_root *root, const struct call *call,
					struct mon_args *args)
{
	u64 pa = args->arg[0];
	struct mon_region *r;
	enum mon_status status;

	if (!granule_ref(pa, GRANULE_REGION))
		return granule_state(pa) == GRANULE_REGION ? MON_E_BUSY : MON_E_GRANULE;
	r = plat_granule_address(pa);
	if (STATE_BIT(__atomic_load_n(&r->state, __ATOMIC_ACQUIRE)) & call->states)
		status = call->handler(root, r, args);
	else
		status = MON_E_STATE;
	if (!granule_unref(pa, GRANULE_REGION))
		plat_fatal("region reference lost");
	return status;
}

enum mon_status mon_call(struct mon_root *root, enum mon_caller caller, u32 id,
			 struct mon_args *host_args)
{
	struct mon_args args = *host_args;
	const struct call *call;
	enum mon_status status;

	if (id >= MON_CALL_COUNT)
		return MON_E_CALL;
	call = &calls[id];
	if ((caller != MON_CALLER_HOST && caller != MON_CALLER_ENCLAVE) ||
	    !(call->callers & caller))
		return MON_E_CALL;
	if (!args_valid(call, &args))
		return MON_E_ARGUMENT;
	memset(args.result, 0, sizeof(args.result));
	status = call->states ? call_with_region(root, call, &args) :
				call->handler(root, NULL, &args);
	memcpy(host_args->result, args.result, sizeof(args.result));
	return status;
}
