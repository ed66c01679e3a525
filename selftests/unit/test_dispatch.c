// SPDX-License-Identifier: Apache-2.0
/* The table of calls: numbers, callers, arguments. */
#include "unit.h"

/* How many arguments each call takes, and its name; written down here a second time. */
static const struct {
	const char *name;
	u32 args;
} calls[MON_CALL_COUNT] = {
	[MON_CALL_GRANULE_DELEGATE] = { "granule_delegate", 1 },
	[MON_CALL_GRANULE_UNDELEGATE] = { "granule_undelegate", 1 },
	[MON_CALL_REGION_CREATE] = { "region_create", 4 },
	[MON_CALL_REGION_DONATE] = { "region_donate", 2 },
	[MON_CALL_REGION_INIT] = { "region_init", 2 },
	[MON_CALL_REGION_REKEY] = { "region_rekey", 1 },
	[MON_CALL_REGION_KILL] = { "region_kill", 1 },
	[MON_CALL_REGION_RECLAIM] = { "region_reclaim", 3 },
	[MON_CALL_REGION_DESTROY] = { "region_destroy", 1 },
	[MON_CALL_REGION_STATS] = { "region_stats", 2 },
	[MON_CALL_PAGE_ADD] = { "page_add", 6 },
	[MON_CALL_PAGE_MAP] = { "page_map", 3 },
	[MON_CALL_PAGE_UNPIN] = { "page_unpin", 1 },
	[MON_CALL_PAGE_LOAD] = { "page_load", 5 },
	[MON_CALL_PAGE_EVICT] = { "page_evict", 3 },
	[MON_CALL_PAGE_NEXT_RESIDENT] = { "page_next_resident", 2 },
	[MON_CALL_PAGE_REMOVE] = { "page_remove", 2 },
	[MON_CALL_REPORT] = { "report", 3 },
	[MON_CALL_REPORT_VERIFY] = { "report_verify", 1 },
	[MON_CALL_QUOTE] = { "quote", 3 },
	[MON_CALL_PROVISION] = { "provision", 1 },
	[MON_CALL_GET_INFO] = { "get_info", 1 },
};

static void names(void **state)
{
	u32 id;

	(void)state;
	for (id = 0; id < MON_CALL_COUNT; id++)
		assert_string_equal(mon_call_name(id), calls[id].name);
	assert_null(mon_call_name(MON_CALL_COUNT));
	assert_null(mon_call_name(~0u));
}

static void unknown_calls(void **state)
{
	static const u32 ids[] = { MON_CALL_COUNT, MON_CALL_COUNT + 1, 0x7fffffff, 1u << 31, ~0u };
	struct mon_args args = { .arg = { 1, 2, 3, 4, 5, 6 } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		assert_refused(mon_host_call(root, ids[i], &args), MON_E_CALL);
}

/* Today every call is the host's. */
static void callers(void **state)
{
	static const u32 strangers[] = { 0, MON_CALLER_ENCLAVE, 3, 4, 5, 0x101, ~0u };
	struct mon_args args;
	size_t i;
	u32 id;

	(void)state;
	for (id = 0; id < MON_CALL_COUNT; id++)
		for (i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
			args = (struct mon_args){ .arg = { granule_take() } };
			assert_refused(mon_call(root, (enum mon_caller)strangers[i], id, &args),
				       MON_E_CALL);
			granule_put(args.arg[0]);
		}
}

/* An argument that a call does not take must be 0, whatever the others are. */
static void surplus_arguments(void **state)
{
	u64 region = region_with_pages(4, 1);
	struct mon_args args;
	u32 id, i;

	(void)state;
	for (id = 0; id < MON_CALL_COUNT; id++)
		for (i = calls[id].args; i < MON_ARGS; i++) {
			args = (struct mon_args){ .arg = { region } };
			args.arg[i] = 1ull << (8 * i);
			assert_refused(mon_host_call(root, id, &args), MON_E_ARGUMENT);
		}
	region_end(region);
}

/* Buffers of the host's that a call writes to can't be left out. */
static void missing_buffers(void **state)
{
	static const u32 ids[] = {
		MON_CALL_REGION_INIT, MON_CALL_REGION_STATS, MON_CALL_REPORT, MON_CALL_QUOTE,
		MON_CALL_PAGE_EVICT,
	};
	struct mon_args args;
	u64 live = region_with_pages(4, 1), building = region_new(4, 0);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		args = (struct mon_args){
			.arg = { ids[i] == MON_CALL_REGION_INIT ? building : live }
		};
		assert_refused(mon_host_call(root, ids[i], &args), MON_E_ARGUMENT);
	}
	region_end(live);
	region_end(building);
}

/* A refused call answers with results of 0, never with what the host put there. */
static void results_are_defined(void **state)
{
	struct mon_args args = { .arg = { 0 }, .result = { 7, 7 } };
	u64 pa = granule_take();

	(void)state;
	assert_status(mon_host_call(root, MON_CALL_REGION_CREATE, &args), MON_E_ARGUMENT);
	assert_int_equal(args.result[0] | args.result[1], 0);
	args = (struct mon_args){ .arg = { pa, 1 }, .result = { 7, 7 } };
	assert_status(mon_host_call(root, MON_CALL_REGION_CREATE, &args), MON_E_GRANULE);
	assert_int_equal(args.result[0] | args.result[1], 0);
	/* Arguments are the host's: they come back as they went. */
	assert_true(args.arg[0] == pa && args.arg[1] == 1);
	granule_put(pa);
}

/* The region's reference is dropped on every way out of a call. */
static void references_come_back(void **state)
{
	u64 region = region_with_pages(4, 1), frame;
	u32 permissions;

	(void)state;
	assert_status(mon_page_map(root, region, 9, 1, &frame, &permissions), MON_E_ARGUMENT);
	assert_int_equal(granule_refs(region), 0);
	assert_status(mon_page_map(root, region, 3, 1, &frame, &permissions), MON_E_ABSENT);
	assert_int_equal(granule_refs(region), 0);
	assert_status(mon_region_destroy(root, region), MON_E_STATE);
	assert_int_equal(granule_refs(region), 0);
	assert_ok(mon_page_map(root, region, 0, 1, &frame, &permissions));
	assert_int_equal(granule_refs(region), 0);
	assert_ok(mon_page_unpin(root, frame));
	region_end(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(names),
		MACHINE_TEST(unknown_calls),
		MACHINE_TEST(callers),
		MACHINE_TEST(surplus_arguments),
		MACHINE_TEST(missing_buffers),
		MACHINE_TEST(results_are_defined),
		MACHINE_TEST(references_come_back),
	};

	return RUN_TESTS(tests);
}
