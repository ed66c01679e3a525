// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The measurement of a region: SHA-384 over the record stream that
 * Documentation/measurement.rst specifies. Callers hold the region's `measuring` flag.
 */
#include "monitor_internal.h"

#define CREATE_RECORD_LEN	64
#define PAGE_RECORD_LEN		32
#define FINALIZE_RECORD_LEN	32

enum mon_status measure_create(struct mon_region *r)
{
	u8 record[CREATE_RECORD_LEN] = "cloister-meas-v1";
	enum mon_status status;

	put_le64(record + 16, r->pages << MON_GRANULE_SHIFT);
	put_le64(record + 24, r->flags);
	status = plat_hash_init(&r->hash, MON_HASH_SHA384);
	if (status == MON_OK)
		status = plat_hash_update(&r->hash, record, sizeof(record));
	return status;
}

/* @attributes: permissions, and in the upper half the class. */
enum mon_status measure_page(struct mon_region *r, u64 page, u64 attributes,
			     enum mon_page_kind kind, const void *contents)
{
	static const char tags[][9] = {
		[MON_PAGE_DATA] = "pagedata",
		[MON_PAGE_ATTR] = "pageattr",
		[MON_PAGE_ZERO] = "pagezero",
	};
	u8 record[PAGE_RECORD_LEN] = { 0 };
	enum mon_status status;

	memcpy(record, tags[kind], 8);
	put_le64(record + 8, page << MON_GRANULE_SHIFT);
	put_le64(record + 16, attributes);
	status = plat_hash_update(&r->hash, record, sizeof(record));
	if (status == MON_OK && kind == MON_PAGE_DATA)
		status = plat_hash_update(&r->hash, contents, MON_GRANULE_SIZE);
	return status;
}

enum mon_status measure_finalize(struct mon_region *r, u8 digest[MON_DIGEST_LEN])
{
	u8 record[FINALIZE_RECORD_LEN] = "finalize";
	enum mon_status status;

	put_le64(record + 8, r->added);
	status = plat_hash_update(&r->hash, record, sizeof(record));
	if (status == MON_OK)
		status = plat_hash_final(&r->hash, digest);
	return status;
}
