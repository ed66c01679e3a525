// SPDX-License-Identifier: Apache-2.0
/* Reports: what they say, and that only this monitor can say it. */
#include "unit.h"

static const u8 data[MON_REPORT_DATA_LEN] = "whatever the caller wants to be said";

static void contents(void **state)
{
	u64 region = region_new(300, MON_REGION_FLAGS);
	struct mon_region_stats stats;
	struct mon_report report;
	struct mon_info info;

	(void)state;
	region_add(region, 0, RW, MON_PAGE_DATA, pattern(0));
	region_live(region);
	stats = stats_of(region);
	assert_ok(mon_get_info(root, &info));
	assert_ok(mon_report(root, region, data, &report));
	assert_memory_equal(report.magic, "cl-rpt-1", 8);
	assert_memory_equal(report.instance, info.instance, sizeof(info.instance));
	assert_memory_equal(report.measurement, stats.measurement, MON_DIGEST_LEN);
	assert_true(report.region_id == stats.id);
	assert_int_equal(report.region_bytes, 300 * PAGE);
	assert_int_equal(report.region_flags, MON_REGION_FLAGS);
	assert_memory_equal(report.report_data, data, sizeof(data));
	assert_ok(mon_report_verify(root, &report));
	region_end(region);
	/* It outlives its region. */
	assert_ok(mon_report_verify(root, &report));
}

static void any_bit(void **state)
{
	u64 region = region_with_pages(4, 1);
	struct mon_report report;
	size_t bit;

	(void)state;
	assert_ok(mon_report(root, region, data, &report));
	for (bit = 0; bit < 8 * sizeof(report); bit++) {
		((u8 *)&report)[bit / 8] ^= 1u << bit % 8;
		if (mon_report_verify(root, &report) != MON_E_INTEGRITY)
			fail_msg("bit %zu was flipped unnoticed", bit);
		((u8 *)&report)[bit / 8] ^= 1u << bit % 8;
	}
	assert_ok(mon_report_verify(root, &report));
	memset(&report, 0, sizeof(report));
	assert_refused(mon_report_verify(root, &report), MON_E_INTEGRITY);
	region_end(region);
}

static void other_instance(void **state)
{
	u64 region = region_with_pages(4, 1);
	struct mon_report report;
	struct mon_root *other;

	(void)state;
	assert_ok(mon_start(host_granule_pa(90), &other));
	assert_ok(mon_report(root, region, data, &report));
	assert_refused(mon_report_verify(other, &report), MON_E_INTEGRITY);
	memcpy(report.instance, other->instance, sizeof(report.instance));
	assert_refused(mon_report_verify(other, &report), MON_E_INTEGRITY);
	assert_ok(mon_stop(other));
	region_end(region);
}

static void refusals(void **state)
{
	u64 region = region_with_pages(4, 1);
	struct mon_report report, untouched;

	(void)state;
	memset(&report, 0xee, sizeof(report));
	untouched = report;
	assert_refused(mon_report(root, region, NULL, &report), MON_E_ARGUMENT);
	assert_refused(mon_report(root, region, data, NULL), MON_E_ARGUMENT);
	assert_refused(mon_report_verify(root, NULL), MON_E_ARGUMENT);
	host_fail(1u << HOST_OP_HMAC, 1, MON_E_CRYPTO);
	assert_refused(mon_report(root, region, data, &report), MON_E_CRYPTO);
	assert_memory_equal(&report, &untouched, sizeof(report));
	assert_ok(mon_report(root, region, data, &report));
	host_fail(1u << HOST_OP_HMAC, 1, MON_E_NO_MEMORY);
	assert_refused(mon_report_verify(root, &report), MON_E_NO_MEMORY);
	region_end(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(contents),
		MACHINE_TEST(any_bit),
		MACHINE_TEST(other_instance),
		MACHINE_TEST(refusals),
	};

	return RUN_TESTS(tests);
}
