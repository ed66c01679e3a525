/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the monitor's own files share. Nothing outside core/ and its tests includes this. */
#ifndef CLOISTER_MONITOR_INTERNAL_H
#define CLOISTER_MONITOR_INTERNAL_H

#include "monitor.h"

/* Granules ---------------------------------------------------------------- */

enum granule_state {
	GRANULE_HOST,
	GRANULE_DELEGATED,
	GRANULE_ROOT,
	GRANULE_REGION,		/* references: calls in flight */
	GRANULE_TABLE,
	GRANULE_FRAME,		/* references: pins by mappings being made */
	GRANULE_SCRATCH,
	GRANULE_STATES,
};

/* The word of the ownership table: lock, state, references. */
#define GRANULE_REFS_MAX	0x07ffu
#define GRANULE_STATE_SHIFT	11
#define GRANULE_STATE_MASK	0x7800u
#define GRANULE_LOCK		0x8000u

struct granule {
	u16 *word;
	u64 pa;
	u16 value;	/* without the lock bit */
};

bool granule_word_valid(u16 word);
enum granule_state granule_state(u64 pa);

/*
 * Find the granule at @pa in state @expected without references and lock it. Nothing that
 * sleeps until granule_unlock_as(), which gives it its next state.
 */
bool granule_find_lock(u64 pa, enum granule_state expected, struct granule *g);
void granule_unlock_as(struct granule *g, enum granule_state next);

/* A transition in one step; false where the granule is not in @from or is referenced. */
bool granule_transition(u64 pa, enum granule_state from, enum granule_state to);
/* The way back: scrub, then DELEGATED. A failure is a broken invariant. */
void granule_release(u64 pa, enum granule_state from);

/* References: false where the granule is not in @state, or has too many. */
bool granule_ref(u64 pa, enum granule_state state);
bool granule_unref(u64 pa, enum granule_state state);
u32 granule_refs(u64 pa);

/* Page metadata ----------------------------------------------------------- */

enum page_state {
	PAGE_ABSENT,
	PAGE_ZERO,		/* added as zero, never touched: nothing stored */
	PAGE_SEALED,
	PAGE_RESIDENT,
	PAGE_BUSY,		/* a call works on it with no lock held */
	PAGE_REMOVED,		/* tombstone */
};

/*
 * One page of a region. @word packs, from bit 0: state (4), permissions (3),
 * key slot (2), class (2), reserved (5), nonce counter (48).
 */
struct page_entry {
	u64 word;
	union {
		u8 tag[MON_TAG_LEN];	/* PAGE_SEALED */
		u64 frame;		/* PAGE_RESIDENT, and PAGE_BUSY while being evicted */
	};
};

MON_STATIC_ASSERT(sizeof(struct page_entry) == 24, "metadata of a page is 24 bytes");

#define ENTRY_STATE(word)	((enum page_state)((word) & 0xf))
#define ENTRY_PERMISSIONS(word)	((u32)((word) >> 4) & 7)
#define ENTRY_SLOT(word)	((u32)((word) >> 7) & 3)
#define ENTRY_CLASS(word)	((enum mon_page_class)((word) >> 9 & 3))
#define ENTRY_COUNTER(word)	((word) >> 16)
#define ENTRY_COUNTER_MAX	((1ull << 48) - 1)

static inline u64 entry_word(enum page_state state, u32 permissions, u32 slot, u64 counter)
{
	return (u64)state | (u64)permissions << 4 | (u64)slot << 7 | counter << 16;
}

/* A page that is evicted needs room for slot and counter, and is never of another class. */
static inline u64 entry_word_pinned(enum page_state state, u32 permissions)
{
	return entry_word(state, permissions, 0, 0) | (u64)MON_CLASS_PINNED << 9;
}

#define TABLE_LEAF_ENTRIES	(MON_GRANULE_SIZE / sizeof(struct page_entry))
#define TABLE_NODE_SHIFT	9
#define TABLE_NODE_ENTRIES	(1u << TABLE_NODE_SHIFT)

/* Regions ----------------------------------------------------------------- */

#define KEY_SLOTS	4

/* A key generation: one random key, one salt, one counter. */
struct key_generation {
	struct plat_aead aead;
	u64 counter;		/* of the last nonce used */
	u64 sealed;		/* pages that need this key, those in passing included */
	u32 number;		/* 0: the slot is empty */
	u8 salt[4];
};

struct mon_region {
	struct plat_lock lock;	/* all below; not held over crypto */
	u64 id;
	u64 pages;
	u64 cookie;
	u32 flags;
	enum mon_region_state state;
	bool measuring;		/* the hash is in use by a call */
	bool rekeying;
	u32 levels;		/* of nodes above the leaves */
	u64 table;		/* top granule, or 0 */
	u64 spare;		/* first of a list of donated granules, or 0 */
	u64 spares;
	u64 granules;
	u64 added;
	u64 resident;
	u64 sealed;
	u64 zero;
	u64 pinned;
	u64 loads;
	u64 evictions;
	u64 integrity_failures;
	u64 quotes;
	u8 uid[16];		/* random: binds ciphertext to this region */
	u32 generation;		/* current */
	struct key_generation key[KEY_SLOTS];
	struct plat_hash hash;
	u8 measurement[MON_DIGEST_LEN];
};

MON_STATIC_ASSERT(sizeof(struct mon_region) <= MON_GRANULE_SIZE, "a region fits a granule");

/* The one root object. Device secrets live here, in a hidden granule. */
struct attestation_key {
	u8 scalar[MON_SCALAR_MAX];
	u8 public_key[MON_PUBLIC_KEY_MAX];
};

enum provisioning {
	PROVISION_NONE,
	PROVISION_RUNNING,
	PROVISION_DONE,
};

struct mon_root {
	struct plat_lock lock;	/* provisioning */
	u64 pa;
	u64 next_region_id;
	u64 regions;
	u64 frames;
	u64 delegated;
	enum provisioning provisioning;
	struct attestation_key ak_es256;
	struct attestation_key ak_es384;
	u8 report_key[MON_DIGEST_LEN];
	u8 cdi_seal[MON_CDI_LEN];
	u8 monitor_digest[MON_DIGEST_LEN];
	u8 ueid[MON_UEID_LEN];
	u8 instance[MON_INSTANCE_LEN];
};

MON_STATIC_ASSERT(sizeof(struct mon_root) <= MON_GRANULE_SIZE, "the root fits a granule");

/* Lock a region whose state is in the mask @states; false, unlocked, where it is not. */
#define STATE_BIT(state)	(1u << (state))
bool region_lock_in(struct mon_region *r, u32 states);

/* Under the region lock; the dispatcher looks at the state without it. */
static inline void region_set_state(struct mon_region *r, enum mon_region_state state)
{
	/* What made the state, the measurement say, is to be seen by who sees the state. */
	__atomic_store_n(&r->state, state, __ATOMIC_RELEASE);
}

/* table.c: under the region lock. Entries stay where they are while the region is referenced. */
u32 table_levels(u64 pages);
struct page_entry *table_find(struct mon_region *r, u64 page);
struct page_entry *table_make(struct mon_region *r, u64 page);	/* NULL: donate more */
u64 table_next(u64 page);
/*
 * The first page from @page on that is resident or in a call's hands and not pinned, and *@found;
 * or how far a bounded search came.
 */
u64 table_next_resident(struct mon_region *r, u64 page, bool *found);
void table_donate(struct mon_region *r, u64 pa);
/* Give back up to @max granules; the frames among them count down root->frames. */
enum mon_status table_reclaim(struct mon_root *root, struct mon_region *r, u64 *pas, u32 max,
			      u32 *count);

/* measure.c: Documentation/measurement.rst */
enum mon_status measure_create(struct mon_region *r);
enum mon_status measure_page(struct mon_region *r, u64 page, u64 attributes,
			     enum mon_page_kind kind, const void *contents);
enum mon_status measure_finalize(struct mon_region *r, u8 digest[MON_DIGEST_LEN]);

/* page_crypto.c */
struct page_nonce {
	u32 slot;
	u64 counter;
};

enum mon_status page_key_new(struct key_generation *key, u32 number);
void page_key_clear(struct key_generation *key);
/* Under the region lock: the next nonce of the current generation, counted as used. */
enum mon_status page_nonce_next(struct mon_region *r, struct page_nonce *nonce);
enum mon_status page_seal(struct mon_region *r, u64 page, const struct page_nonce *nonce,
			  const void *plain, void *cipher, u8 tag[MON_TAG_LEN]);
enum mon_status page_open(struct mon_region *r, u64 page, const struct page_nonce *nonce,
			  const void *cipher, void *plain, const u8 tag[MON_TAG_LEN]);

/* cbor.c: writes deterministic CBOR; nothing is parsed here. */
struct cbor_writer {
	u8 *buffer;
	size_t capacity;
	size_t length;		/* what was asked for: past capacity nothing was written */
};

void cbor_begin(struct cbor_writer *w, u8 *buffer, size_t capacity);
bool cbor_fits(const struct cbor_writer *w);
void cbor_int(struct cbor_writer *w, long long value);
void cbor_uint(struct cbor_writer *w, u64 value);
void cbor_bytes(struct cbor_writer *w, const u8 *data, size_t len);
/* Only the head of a byte string of @len bytes; its length. */
size_t cbor_bytes_head(u8 out[9], size_t len);
void cbor_text(struct cbor_writer *w, const char *text);
void cbor_array(struct cbor_writer *w, size_t items);
void cbor_map(struct cbor_writer *w, size_t pairs);
void cbor_tag(struct cbor_writer *w, u64 tag);
void cbor_bool(struct cbor_writer *w, bool value);

/* util.c */
void put_le32(u8 *out, u32 value);
void put_le64(u8 *out, u64 value);
bool equal_constant_time(const void *a, const void *b, size_t len);
bool all_zero(const void *data, size_t len);

/* Handlers: arguments checked for number and caller, region referenced and in a legal state. */
typedef enum mon_status (*mon_handler)(struct mon_root *root, struct mon_region *r,
				       struct mon_args *args);

enum mon_status call_granule_delegate(struct mon_root *root, struct mon_region *r,
				      struct mon_args *args);
enum mon_status call_granule_undelegate(struct mon_root *root, struct mon_region *r,
					struct mon_args *args);
enum mon_status call_region_create(struct mon_root *root, struct mon_region *r,
				   struct mon_args *args);
enum mon_status call_region_donate(struct mon_root *root, struct mon_region *r,
				   struct mon_args *args);
enum mon_status call_region_init(struct mon_root *root, struct mon_region *r,
				 struct mon_args *args);
enum mon_status call_region_rekey(struct mon_root *root, struct mon_region *r,
				  struct mon_args *args);
enum mon_status call_region_kill(struct mon_root *root, struct mon_region *r,
				 struct mon_args *args);
enum mon_status call_region_reclaim(struct mon_root *root, struct mon_region *r,
				    struct mon_args *args);
enum mon_status call_region_stats(struct mon_root *root, struct mon_region *r,
				  struct mon_args *args);
enum mon_status call_region_destroy(struct mon_root *root, struct mon_region *r,
				    struct mon_args *args);
enum mon_status call_page_add(struct mon_root *root, struct mon_region *r,
			      struct mon_args *args);
enum mon_status call_page_map(struct mon_root *root, struct mon_region *r,
			      struct mon_args *args);
enum mon_status call_page_unpin(struct mon_root *root, struct mon_region *r,
				struct mon_args *args);
enum mon_status call_page_load(struct mon_root *root, struct mon_region *r,
			       struct mon_args *args);
enum mon_status call_page_evict(struct mon_root *root, struct mon_region *r,
				struct mon_args *args);
enum mon_status call_page_next_resident(struct mon_root *root, struct mon_region *r,
					struct mon_args *args);
enum mon_status call_page_remove(struct mon_root *root, struct mon_region *r,
				 struct mon_args *args);
enum mon_status call_report(struct mon_root *root, struct mon_region *r, struct mon_args *args);
enum mon_status call_report_verify(struct mon_root *root, struct mon_region *r,
				   struct mon_args *args);
enum mon_status call_quote(struct mon_root *root, struct mon_region *r, struct mon_args *args);
enum mon_status call_provision(struct mon_root *root, struct mon_region *r,
			       struct mon_args *args);
enum mon_status call_get_info(struct mon_root *root, struct mon_region *r,
			      struct mon_args *args);

/* report.c */
void report_fill(struct mon_root *root, struct mon_region *r,
		 const u8 report_data[MON_REPORT_DATA_LEN], struct mon_report *report);

/* A host buffer named in an argument. Kernel and host platforms share one address space. */
static inline void *host_pointer(u64 address)
{
	return (void *)(size_t)address;
}

static inline u64 counter_add(u64 *counter, long long n)
{
	return __atomic_add_fetch(counter, (u64)n, __ATOMIC_RELAXED);
}

static inline u64 counter_read(const u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif /* CLOISTER_MONITOR_INTERNAL_H */
