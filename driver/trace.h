/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints. Loads and evictions name the region and the outcome, not the page: which pages a
 * program touches is what a fault policy is there to hide.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM cloister

#if !defined(CLOISTER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CLOISTER_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(cloister_region_create,
	TP_PROTO(u64 region, u64 size, u32 flags),
	TP_ARGS(region, size, flags),
	TP_STRUCT__entry(
		__field(u64, region)
		__field(u64, size)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->size = size;
		__entry->flags = flags;
	),
	TP_printk("region=%llu size=%llu flags=0x%x", __entry->region, __entry->size,
		  __entry->flags)
);

DECLARE_EVENT_CLASS(cloister_region_event,
	TP_PROTO(u64 region, int status),
	TP_ARGS(region, status),
	TP_STRUCT__entry(
		__field(u64, region)
		__field(int, status)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->status = status;
	),
	TP_printk("region=%llu status=%d", __entry->region, __entry->status)
);

/* @status: enum mon_status of driver/monitor/core/status.h; 0 is success. */
DEFINE_EVENT(cloister_region_event, cloister_region_init,
	TP_PROTO(u64 region, int status), TP_ARGS(region, status));
DEFINE_EVENT(cloister_region_event, cloister_region_destroy,
	TP_PROTO(u64 region, int status), TP_ARGS(region, status));
DEFINE_EVENT(cloister_region_event, cloister_page_load,
	TP_PROTO(u64 region, int status), TP_ARGS(region, status));
DEFINE_EVENT(cloister_region_event, cloister_page_evict,
	TP_PROTO(u64 region, int status), TP_ARGS(region, status));
DEFINE_EVENT(cloister_region_event, cloister_quote,
	TP_PROTO(u64 region, int status), TP_ARGS(region, status));

TRACE_EVENT(cloister_integrity_failure,
	TP_PROTO(u64 region, u64 page),
	TP_ARGS(region, page),
	TP_STRUCT__entry(
		__field(u64, region)
		__field(u64, page)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->page = page;
	),
	TP_printk("region=%llu page=%llu", __entry->region, __entry->page)
);

#endif /* CLOISTER_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
