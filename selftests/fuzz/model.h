/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the monitor is to do, told once more in plain arrays: a reference for the fuzzer of the
 * monitor. It knows the monitor's published interface and the pages of Documentation, and shares
 * no code with it.
 *
 * A call is foretold in two steps, because others may come in the middle of it: model_begin() says
 * whether it is refused, and notes what it has in hands; model_end() settles it.
 */
#ifndef CLOISTER_FUZZ_MODEL_H
#define CLOISTER_FUZZ_MODEL_H

#include <openssl/evp.h>

#include "monitor.h"

#define MODEL_GRANULES	64
#define MODEL_REGIONS	4
#define MODEL_PAGES	32
#define MODEL_NODES	96
#define MODEL_PINS_MAX	2047	/* of one frame: the references that a granule's word can count */

/* Contents are named by number: 0 is all zero; what a number stands for is the fuzzer's affair. */
#define CONTENTS_ZERO		0u
#define CONTENTS_UNKNOWN	(~0u)

enum model_owner {
	WITH_HOST,
	IDLE,			/* delegated, and nothing yet */
	IS_ROOT,
	IS_REGION,
	IS_TABLE,
	IS_FRAME,
	AT_WORK,		/* a call works in it */
};

struct model_granule {
	enum model_owner owner;
	int region;		/* whose, where it is a table or frame */
	u32 contents;
	u32 pins;
};

enum model_where {
	NEVER_ADDED,
	STILL_ZERO,
	STORED,			/* as ciphertext, outside */
	HELD,			/* in a frame */
	MOVING,			/* a call has it in hands */
	TAKEN_OUT,
};

struct model_page {
	u64 number;
	enum model_where where;
	u32 permissions;
	u32 contents;		/* of what is stored */
	int frame;
	u64 sealing;		/* which sealing made what is stored */
	u32 generation;		/* of the key that it was sealed with */
	bool pinned;		/* for good, by its class */
	bool needs_key;		/* stored, or on its way to or from there */
	bool mapped;		/* the host has a translation to the frame */
};

struct model_node {
	u32 level;
	u64 index;
};

struct model_region {
	bool alive;
	u64 id;
	u64 size;		/* pages */
	u64 cookie;
	u32 flags;
	enum mon_region_state state;
	u32 calls;		/* in the region just now */
	bool measuring;
	bool rekeying;
	u32 generation;
	u32 spares;
	u64 granules;
	u64 added, resident, sealed, zero, pinned;
	u64 loads, evictions, integrity_failures, quotes;
	u8 measurement[MON_DIGEST_LEN];
	EVP_MD_CTX *records;	/* the measurement so far */
	struct model_node nodes[MODEL_NODES];
	u32 node_count;
	struct model_page pages[MODEL_PAGES];
	u32 page_count;
};

struct model {
	u64 base;		/* physical address of granule 0 */
	u32 granule_count;
	struct model_granule granules[MODEL_GRANULES];
	struct model_region regions[MODEL_GRANULES];	/* by the granule that holds it */
	u64 region_count;
	u64 frame_count;
	u64 delegated;
	u64 last_id;
	u64 last_sealing;
	bool provisioned;
	bool provisioning;
};

/* One call: arguments as the monitor gets them, and what stands behind the addresses in them. */
struct model_call {
	u32 caller;
	u32 id;
	u64 arg[MON_ARGS];
	const u8 *bytes;		/* page_add: what is at the source */
	u32 contents;			/* the number of it */
	u64 sealing;			/* page_load: which sealing the ciphertext is, 0 for none */
	const struct mon_quote *quote;
	const struct mon_provision *provision;
	bool good_report;		/* report_verify */
	/* the model's own notes, and what it expects of the results */
	int region;
	int granule;
	struct model_page *page;
	struct model_page was;
	u64 result[MON_RESULTS];
};

void model_start(struct model *m, u64 base, u32 granules);
void model_drop(struct model *m);

/* What the call comes to if it is refused; MON_OK: it is under way, and model_end() follows. */
enum mon_status model_begin(struct model *m, struct model_call *c);

/* @failure: what an operation of the platform failed with in the middle of it, or MON_OK. */
enum mon_status model_end(struct model *m, struct model_call *c, enum mon_status failure);

/*
 * Answers that the interface leaves open. They take over what the monitor chose, and return what
 * is wrong with it, or NULL.
 */
const char *model_reclaimed(struct model *m, struct model_call *c, enum mon_status status,
			    const u64 *pas, u64 count);
const char *model_next_resident(struct model *m, const struct model_call *c, u64 page, u64 found);
const char *model_next_after_remove(struct model *m, const struct model_call *c, u64 next);
const char *model_quoted(struct model *m, struct model_call *c, enum mon_status status,
			 u64 quote_len);

/* The host's own doing: it stores to its memory, or to a page that it has mapped. */
void model_store(struct model *m, int granule, u32 contents);
void model_unmapped(struct model *m, u64 cookie, u64 first, u64 count);
/* What must hold between calls, whatever they were; what does not, or NULL. */
const char *model_broken(const struct model *m);

int model_granule(const struct model *m, u64 pa);	/* -1: none */
u64 model_pa(const struct model *m, int granule);
struct model_page *model_page(struct model *m, int region, u64 number);	/* NULL: never heard of */

#endif /* CLOISTER_FUZZ_MODEL_H */
