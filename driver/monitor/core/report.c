// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Reports: local evidence of a region, with an HMAC-SHA384 under a key that lives as long as this
 * monitor does. A quote states what a report states.
 */
#include "monitor_internal.h"

static const u8 report_magic[8] = { 'c', 'l', '-', 'r', 'p', 't', '-', '1' };

#define REPORT_BODY_LEN	__builtin_offsetof(struct mon_report, mac)

void report_fill(struct mon_root *root, struct mon_region *r,
		 const u8 report_data[MON_REPORT_DATA_LEN], struct mon_report *report)
{
	memset(report, 0, sizeof(*report));
	memcpy(report->magic, report_magic, sizeof(report->magic));
	memcpy(report->instance, root->instance, sizeof(report->instance));
	memcpy(report->measurement, r->measurement, sizeof(report->measurement));
	memcpy(report->report_data, report_data, sizeof(report->report_data));
	report->region_id = r->id;
	report->region_bytes = r->pages << MON_GRANULE_SHIFT;
	report->region_flags = r->flags;
}

enum mon_status call_report(struct mon_root *root, struct mon_region *r, struct mon_args *args)
{
	const u8 *report_data = host_pointer(args->arg[1]);
	struct mon_report *out = host_pointer(args->arg[2]);
	struct mon_report report;
	enum mon_status status;

	if (!report_data || !out)
		return MON_E_ARGUMENT;
	report_fill(root, r, report_data, &report);
	status = plat_hmac_sha384(root->report_key, sizeof(root->report_key), &report,
				  REPORT_BODY_LEN, NULL, 0, report.mac);
	if (status == MON_OK)
		*out = report;
	return status;
}

enum mon_status call_report_verify(struct mon_root *root, struct mon_region *r,
				   struct mon_args *args)
{
	const struct mon_report *in = host_pointer(args->arg[0]);
	struct mon_report report;
	u8 mac[MON_DIGEST_LEN];
	enum mon_status status;

	(void)r;
	if (!in)
		return MON_E_ARGUMENT;
	report = *in;
	status = plat_hmac_sha384(root->report_key, sizeof(root->report_key), &report,
				  REPORT_BODY_LEN, NULL, 0, mac);
	if (status == MON_OK && !equal_constant_time(mac, report.mac, sizeof(mac)))
		status = MON_E_INTEGRITY;
	plat_scrub(mac, sizeof(mac));
	return status;
}
