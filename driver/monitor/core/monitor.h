/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The monitor as its host sees it: one entry point, mon_call(), and a typed
 * wrapper for each call.
 *
 * Granules and regions are named by physical address, pages of a region by their
 * number. Host buffers are named by address, are read or written only during the
 * call, and are copied once.
 */
#ifndef CLOISTER_MONITOR_H
#define CLOISTER_MONITOR_H

#include "platform.h"

#define MON_REGION_PAGES_MAX	(1ull << 28)	/* 1 TiB */
#define MON_REGION_FLAGS	3u		/* CLOISTER_CREATE_SHAREABLE, DEBUG */
#define MON_TABLES_PER_PAGE	4		/* most that adding one page can need */
#define MON_RECLAIM_BATCH	64
#define MON_REPORT_DATA_LEN	64
#define MON_QUOTE_NONCE_MIN	8
#define MON_QUOTE_NONCE_MAX	64
#define MON_UEID_LEN		33
#define MON_INSTANCE_LEN	16
#define MON_CDI_LEN		48
#define MON_CHAIN_CERTS		4

enum mon_caller {
	MON_CALLER_HOST = 1,
	MON_CALLER_ENCLAVE = 2,
};

/* Numbers as in linux/cloister.h. */
enum mon_region_state {
	MON_REGION_BUILDING = 1,
	MON_REGION_LIVE = 2,
	MON_REGION_PARKED = 3,
	MON_REGION_DEAD = 4,
};

enum mon_permission {
	MON_PERM_READ = 1,
	MON_PERM_WRITE = 2,
	MON_PERM_EXEC = 4,
};

enum mon_page_kind {
	MON_PAGE_DATA,		/* contents measured */
	MON_PAGE_ATTR,		/* contents not measured */
	MON_PAGE_ZERO,		/* zero, and measured as such; takes no frame unless pinned */
};

/* Numbers as in the measurement. */
enum mon_page_class {
	MON_CLASS_DEMAND,	/* evicted and loaded as the host likes */
	MON_CLASS_PINNED,	/* resident as long as the region lives */
};

enum mon_call_id {
	MON_CALL_GRANULE_DELEGATE,
	MON_CALL_GRANULE_UNDELEGATE,
	MON_CALL_REGION_CREATE,
	MON_CALL_REGION_DONATE,
	MON_CALL_REGION_INIT,
	MON_CALL_REGION_REKEY,
	MON_CALL_REGION_KILL,
	MON_CALL_REGION_RECLAIM,
	MON_CALL_REGION_DESTROY,
	MON_CALL_REGION_STATS,
	MON_CALL_PAGE_ADD,
	MON_CALL_PAGE_MAP,
	MON_CALL_PAGE_UNPIN,
	MON_CALL_PAGE_LOAD,
	MON_CALL_PAGE_EVICT,
	MON_CALL_PAGE_NEXT_RESIDENT,
	MON_CALL_PAGE_REMOVE,
	MON_CALL_REPORT,
	MON_CALL_REPORT_VERIFY,
	MON_CALL_QUOTE,
	MON_CALL_PROVISION,
	MON_CALL_GET_INFO,
	MON_CALL_COUNT,
};

#define MON_ARGS	6
#define MON_RESULTS	2

struct mon_args {
	u64 arg[MON_ARGS];
	u64 result[MON_RESULTS];
};

struct mon_region_stats {
	u64 id;
	u32 state;
	u32 flags;
	u64 pages;		/* region size */
	u64 added;
	u64 resident;
	u64 sealed;
	u64 zero;
	u64 pinned;		/* of those resident, the ones of class PINNED */
	u64 granules;		/* descriptor, tables and donated spares */
	u64 loads;
	u64 evictions;
	u64 integrity_failures;
	u64 quotes;
	u32 generation;
	u8 measurement[MON_DIGEST_LEN];
};

struct mon_info {
	u64 regions;
	u64 frames;		/* granules in state FRAME */
	u64 delegated;		/* granules that the monitor owns, whatever their state */
	bool provisioned;
	u8 instance[MON_INSTANCE_LEN];
	u8 monitor_digest[MON_DIGEST_LEN];
};

/* Local evidence: what the monitor says of a region, to whoever asks the monitor. */
struct mon_report {
	u8 magic[8];		/* "cl-rpt-1" */
	u8 instance[MON_INSTANCE_LEN];
	u8 measurement[MON_DIGEST_LEN];
	u64 region_id;
	u64 region_bytes;
	u64 region_flags;
	u8 report_data[MON_REPORT_DATA_LEN];
	u8 mac[MON_DIGEST_LEN];
};

struct mon_provision {
	u8 cdi_attest[MON_CDI_LEN];
	u8 cdi_seal[MON_CDI_LEN];
	u8 monitor_digest[MON_DIGEST_LEN];
	u8 ueid[MON_UEID_LEN];
	/* results */
	u8 public_es256[MON_PUBLIC_KEY_MAX];
	u8 public_es384[MON_PUBLIC_KEY_MAX];
};

struct mon_quote {
	enum mon_sign_alg alg;
	u32 nonce_len;
	u8 nonce[MON_QUOTE_NONCE_MAX];
	u8 report_data[MON_REPORT_DATA_LEN];
	u32 cert_count;		/* 0: no x5chain */
	u32 cert_len[MON_CHAIN_CERTS];
	const u8 *certs;	/* end to end, leaf first */
	u8 *out;
	size_t out_len;
	size_t quote_len;	/* result, also with MON_E_SPACE */
};

struct mon_root;

/*
 * mon_start() makes the root object in the granule at @root_pa, which is hidden
 * until mon_stop(). It fails with MON_E_CRYPTO where no random bytes are to be
 * had. mon_stop() fails with MON_E_STATE while any other granule is delegated.
 */
enum mon_status mon_start(u64 root_pa, struct mon_root **root);
enum mon_status mon_stop(struct mon_root *root);

enum mon_status mon_call(struct mon_root *root, enum mon_caller caller, u32 id,
			 struct mon_args *args);

/* The name of a call, for logs and tests; NULL past the last. */
const char *mon_call_name(u32 id);

#define mon_host_call(root, id, args) mon_call(root, MON_CALLER_HOST, id, args)

/* The host gives the granule at @pa to the monitor: HOST -> DELEGATED. */
static inline enum mon_status mon_granule_delegate(struct mon_root *root, u64 pa)
{
	struct mon_args a = { .arg = { pa } };

	return mon_host_call(root, MON_CALL_GRANULE_DELEGATE, &a);
}

/* The host takes it back, scrubbed: DELEGATED -> HOST. */
static inline enum mon_status mon_granule_undelegate(struct mon_root *root, u64 pa)
{
	struct mon_args a = { .arg = { pa } };

	return mon_host_call(root, MON_CALL_GRANULE_UNDELEGATE, &a);
}

/* Make a region of @pages in the delegated granule @pa, which names it from then on. */
static inline enum mon_status mon_region_create(struct mon_root *root, u64 pa, u64 pages,
						u32 flags, u64 cookie, u64 *id)
{
	struct mon_args a = { .arg = { pa, pages, flags, cookie } };
	enum mon_status s = mon_host_call(root, MON_CALL_REGION_CREATE, &a);

	*id = a.result[0];
	return s;
}

/* Give the region a delegated granule for its tables. */
static inline enum mon_status mon_region_donate(struct mon_root *root, u64 region, u64 pa)
{
	struct mon_args a = { .arg = { region, pa } };

	return mon_host_call(root, MON_CALL_REGION_DONATE, &a);
}

/* Finish the measurement: BUILDING -> LIVE. */
static inline enum mon_status mon_region_init(struct mon_root *root, u64 region,
					      u8 measurement[MON_DIGEST_LEN])
{
	struct mon_args a = { .arg = { region, (u64)(size_t)measurement } };

	return mon_host_call(root, MON_CALL_REGION_INIT, &a);
}

/*
 * Start a new key generation: older keys only decrypt. A region keeps four: MON_E_BUSY while pages
 * are still sealed under the one that would go (load and seal them again, then retry), or while
 * another call does the same.
 */
static inline enum mon_status mon_region_rekey(struct mon_root *root, u64 region)
{
	struct mon_args a = { .arg = { region } };

	return mon_host_call(root, MON_CALL_REGION_REKEY, &a);
}

/* Any state -> DEAD: no page can be mapped or loaded any more. */
static inline enum mon_status mon_region_kill(struct mon_root *root, u64 region)
{
	struct mon_args a = { .arg = { region } };

	return mon_host_call(root, MON_CALL_REGION_KILL, &a);
}

/*
 * Take granules back from a DEAD region, scrubbed and DELEGATED: at most @max (up to
 * MON_RECLAIM_BATCH) addresses go to @pas. @count 0: nothing is left but the region itself.
 */
static inline enum mon_status mon_region_reclaim(struct mon_root *root, u64 region, u64 *pas,
						 u32 max, u32 *count)
{
	struct mon_args a = { .arg = { region, (u64)(size_t)pas, max } };
	enum mon_status s = mon_host_call(root, MON_CALL_REGION_RECLAIM, &a);

	*count = (u32)a.result[0];
	return s;
}

/* The descriptor of a DEAD region from which all was reclaimed becomes DELEGATED. */
static inline enum mon_status mon_region_destroy(struct mon_root *root, u64 region)
{
	struct mon_args a = { .arg = { region } };

	return mon_host_call(root, MON_CALL_REGION_DESTROY, &a);
}

static inline enum mon_status mon_region_stats(struct mon_root *root, u64 region,
					       struct mon_region_stats *stats)
{
	struct mon_args a = { .arg = { region, (u64)(size_t)stats } };

	return mon_host_call(root, MON_CALL_REGION_STATS, &a);
}

/*
 * Add page @page of class @class: contents are copied from @source (a host granule) into @frame
 * (delegated). MON_PAGE_ZERO takes no @source, and a @frame only where it is pinned. A refused call
 * leaves @frame DELEGATED. Permissions and class travel as they are measured: the one in the
 * lower, the other in the upper 32 bits.
 */
static inline enum mon_status mon_page_add_class(struct mon_root *root, u64 region, u64 page,
						 u32 permissions, enum mon_page_class class,
						 enum mon_page_kind kind, u64 frame,
						 const void *source)
{
	struct mon_args a = {
		.arg = { region, page, permissions | (u64)class << 32, kind, frame,
			 (u64)(size_t)source }
	};

	return mon_host_call(root, MON_CALL_PAGE_ADD, &a);
}

static inline enum mon_status mon_page_add(struct mon_root *root, u64 region, u64 page,
					   u32 permissions, enum mon_page_kind kind, u64 frame,
					   const void *source)
{
	return mon_page_add_class(root, region, page, permissions, MON_CLASS_DEMAND, kind, frame,
				  source);
}

/*
 * Ask for page @page of a LIVE region for @access (mask of MON_PERM_*). MON_OK: resident, @frame
 * is pinned until mon_page_unpin(), and @permissions bound what may be mapped. MON_E_SEALED: @frame
 * is 1 where mon_page_load() needs the ciphertext, 0 where the page is zero.
 */
static inline enum mon_status mon_page_map(struct mon_root *root, u64 region, u64 page,
					   u32 access, u64 *frame, u32 *permissions)
{
	struct mon_args a = { .arg = { region, page, access } };
	enum mon_status s = mon_host_call(root, MON_CALL_PAGE_MAP, &a);

	*frame = a.result[0];
	*permissions = (u32)a.result[1];
	return s;
}

static inline enum mon_status mon_page_unpin(struct mon_root *root, u64 frame)
{
	struct mon_args a = { .arg = { frame } };

	return mon_host_call(root, MON_CALL_PAGE_UNPIN, &a);
}

/*
 * Decrypt @cipher into the delegated granule @frame. The page is then resident and not pinned.
 * A refused call, MON_E_INTEGRITY included, leaves @frame DELEGATED and the page sealed.
 */
static inline enum mon_status mon_page_load(struct mon_root *root, u64 region, u64 page,
					    u64 frame, const void *cipher)
{
	struct mon_args a = { .arg = { region, page, frame, (u64)(size_t)cipher } };

	return mon_host_call(root, MON_CALL_PAGE_LOAD, &a);
}

/* The same, and the page is pinned as by mon_page_map(): one call less for a fault. */
static inline enum mon_status mon_page_load_pinned(struct mon_root *root, u64 region, u64 page,
						   u64 frame, const void *cipher,
						   u32 *permissions)
{
	struct mon_args a = { .arg = { region, page, frame, (u64)(size_t)cipher, 1 } };
	enum mon_status s = mon_host_call(root, MON_CALL_PAGE_LOAD, &a);

	*permissions = (u32)a.result[0];
	return s;
}

/*
 * Encrypt a resident page that no mapping pins into @cipher; its frame comes back scrubbed and
 * DELEGATED. MON_E_PINNED: the page's class forbids it.
 */
static inline enum mon_status mon_page_evict(struct mon_root *root, u64 region, u64 page,
					     void *cipher, u64 *frame)
{
	struct mon_args a = { .arg = { region, page, (u64)(size_t)cipher } };
	enum mon_status s = mon_host_call(root, MON_CALL_PAGE_EVICT, &a);

	*frame = a.result[0];
	return s;
}

/*
 * The first page from *@page on that is resident, or busy on its way to or from there, and not of
 * class PINNED: *@found.
 * A search that has gone on for long stops, not *@found, with *@page where to go on; at the end
 * *@page is the size of the region.
 */
static inline enum mon_status mon_page_next_resident(struct mon_root *root, u64 region, u64 *page,
						     bool *found)
{
	struct mon_args a = { .arg = { region, *page } };
	enum mon_status s = mon_host_call(root, MON_CALL_PAGE_NEXT_RESIDENT, &a);

	*page = a.result[0];
	*found = a.result[1];
	return s;
}

/*
 * Drop a page for good. @frame: the frame it held, scrubbed and DELEGATED, or 0. @next: also with
 * MON_E_ABSENT, the next page that may be there; the pages between are absent.
 */
static inline enum mon_status mon_page_remove(struct mon_root *root, u64 region, u64 page,
					      u64 *frame, u64 *next)
{
	struct mon_args a = { .arg = { region, page } };
	enum mon_status s = mon_host_call(root, MON_CALL_PAGE_REMOVE, &a);

	*frame = a.result[0];
	*next = a.result[1];
	return s;
}

static inline enum mon_status mon_report(struct mon_root *root, u64 region,
					 const u8 report_data[MON_REPORT_DATA_LEN],
					 struct mon_report *report)
{
	struct mon_args a = {
		.arg = { region, (u64)(size_t)report_data, (u64)(size_t)report }
	};

	return mon_host_call(root, MON_CALL_REPORT, &a);
}

/* MON_E_INTEGRITY where this monitor did not make @report, or it was changed. */
static inline enum mon_status mon_report_verify(struct mon_root *root,
						const struct mon_report *report)
{
	struct mon_args a = { .arg = { (u64)(size_t)report } };

	return mon_host_call(root, MON_CALL_REPORT_VERIFY, &a);
}

/* Make a quote; @scratch is a delegated granule to work in, returned DELEGATED. */
static inline enum mon_status mon_quote(struct mon_root *root, u64 region,
					struct mon_quote *quote, u64 scratch)
{
	struct mon_args a = { .arg = { region, (u64)(size_t)quote, scratch } };

	return mon_host_call(root, MON_CALL_QUOTE, &a);
}

/* Take the device's derived secrets, once; answers with its public keys. */
static inline enum mon_status mon_provision(struct mon_root *root,
					    struct mon_provision *provision)
{
	struct mon_args a = { .arg = { (u64)(size_t)provision } };

	return mon_host_call(root, MON_CALL_PROVISION, &a);
}

static inline enum mon_status mon_get_info(struct mon_root *root, struct mon_info *info)
{
	struct mon_args a = { .arg = { (u64)(size_t)info } };

	return mon_host_call(root, MON_CALL_GET_INFO, &a);
}

#endif /* CLOISTER_MONITOR_H */
