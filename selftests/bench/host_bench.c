// SPDX-License-Identifier: Apache-2.0
/* Figures of the monitor on the host platform. */
#include <stdlib.h>

#include "bench.h"
#include "host_platform.h"
#include "monitor.h"

#define PAGE		MON_GRANULE_SIZE
#define PAGES		16u	/* of the regions timed: few, so that caches hold both sides */
#define METADATA_PAGES	(1u << 18)	/* 1 GiB */
#define SAMPLES		501

static struct mon_root *root;
static u8 *data;		/* PAGES pages of the host's */
static u8 *ciphertext;
static u8 *buffer;
static size_t next_granule = 1;

static u64 granule(void)
{
	u64 pa = host_granule_pa(next_granule++);

	if (mon_granule_delegate(root, pa) != MON_OK)
		bench_die("a granule could not be delegated");
	return pa;
}

static void must(enum mon_status status, const char *what)
{
	if (status != MON_OK)
		bench_die("%s: status %d", what, status);
}

/* Tables for as many pages as a region can have here: one leaf each 170, and what is above. */
static void donate_for(u64 region, u64 pages)
{
	u64 leaves = (pages + 169) / 170;
	u64 i;

	for (i = 0; i < leaves + leaves / 512 + 2; i++)
		must(mon_region_donate(root, region, granule()), "donate");
}

static void *pages_new(size_t count)
{
	void *p = aligned_alloc(PAGE, count * PAGE);

	if (!p || !plat_random(p, count * PAGE))
		bench_die("no memory or no random bytes for %zu pages", count);
	return p;
}

/* page_evict_load ------------------------------------------------------------------------ */

struct evict_load {
	u64 region;
	br_aes_gen_ctr_keys keys;
	br_gcm_context gcm;
	u8 nonce[MON_NONCE_LEN];
	u8 tags[PAGES][MON_TAG_LEN];
};

static uint64_t monitor_evict_load(void *arg)
{
	struct evict_load *e = arg;
	uint64_t start = bench_now();
	u64 frame, i;

	for (i = 0; i < PAGES; i++) {
		must(mon_page_evict(root, e->region, i, ciphertext + i * PAGE, &frame), "evict");
		must(mon_page_load(root, e->region, i, frame, ciphertext + i * PAGE), "load");
	}
	return bench_now() - start;
}

static void gcm_begin(struct evict_load *e, br_gcm_context *gcm, u64 page)
{
	u8 aad[32] = { (u8)page };

	*gcm = e->gcm;
	e->nonce[4] = (u8)page;
	br_gcm_reset(gcm, e->nonce, sizeof(e->nonce));
	br_gcm_aad_inject(gcm, aad, sizeof(aad));
	br_gcm_flip(gcm);
}

/*
 * The calls alone: from one buffer to the other and back, as eviction and loading have to go
 * (BearSSL works in place, so that takes a copy). No lock, no state, no scrubbing.
 */
static uint64_t gcm_alone(void *arg)
{
	struct evict_load *e = arg;
	uint64_t start = bench_now();
	br_gcm_context gcm;
	u64 i;

	for (i = 0; i < PAGES; i++) {
		gcm_begin(e, &gcm, i);
		memcpy(buffer + i * PAGE, data + i * PAGE, PAGE);
		br_gcm_run(&gcm, 1, buffer + i * PAGE, PAGE);
		br_gcm_get_tag(&gcm, e->tags[i]);
		gcm_begin(e, &gcm, i);
		memcpy(data + i * PAGE, buffer + i * PAGE, PAGE);
		br_gcm_run(&gcm, 0, data + i * PAGE, PAGE);
		if (!br_gcm_check_tag(&gcm, e->tags[i]))
			bench_die("the peer's tag is wrong");
	}
	return bench_now() - start;
}

static void bench_evict_load(void)
{
	static struct evict_load e;
	const br_block_ctr_class *aes = br_aes_x86ni_ctr_get_vtable();
	br_ghash ghash = br_ghash_pclmul_get();
	u8 key[MON_KEY_LEN], digest[MON_DIGEST_LEN];
	u64 id, i;

	if (!aes)
		aes = &br_aes_ct64_ctr_vtable;
	if (!ghash)
		ghash = br_ghash_ctmul64;
	if (!plat_random(key, sizeof(key)))
		bench_die("no random bytes");
	aes->init(&e.keys.vtable, key, sizeof(key));
	br_gcm_init(&e.gcm, &e.keys.vtable, ghash);

	e.region = granule();
	must(mon_region_create(root, e.region, PAGES, 0, 0, &id), "create");
	donate_for(e.region, PAGES);
	for (i = 0; i < PAGES; i++)
		must(mon_page_add(root, e.region, i, MON_PERM_READ, MON_PAGE_ATTR, granule(),
				  data + i * PAGE), "add");
	must(mon_region_init(root, e.region, digest), "init");

	const struct bench bench = {
		.name = "page_evict_load", .bar = 0.9, .unit = "us/page",
		.peer = "BearSSL AES-256-GCM", .ours = monitor_evict_load, .theirs = gcm_alone,
		.arg = &e, .operations = PAGES, .samples = SAMPLES,
	};

	bench_run(&bench);
}

/* measured_add ------------------------------------------------------------------------------ */

struct measured_add {
	u64 region;
	u64 frames[PAGES];
	u64 tables[MON_RECLAIM_BATCH];
	u32 table_count;
};

/* Back to a region without pages, with the granules that it had. */
static void start_over(struct measured_add *m)
{
	u64 pas[MON_RECLAIM_BATCH];
	u32 count, n = 0;
	u64 id;

	must(mon_region_kill(root, m->region), "kill");
	do {
		must(mon_region_reclaim(root, m->region, pas, MON_RECLAIM_BATCH, &count),
		     "reclaim");
		for (u32 i = 0; i < count; i++) {
			if (n < PAGES)
				m->frames[n++] = pas[i];
			else
				m->tables[m->table_count++] = pas[i];
		}
	} while (count);
	must(mon_region_destroy(root, m->region), "destroy");
	must(mon_region_create(root, m->region, PAGES, 0, 0, &id), "create");
	while (m->table_count)
		must(mon_region_donate(root, m->region, m->tables[--m->table_count]), "donate");
}

static uint64_t monitor_add(void *arg)
{
	struct measured_add *m = arg;
	uint64_t start, took;
	u64 i;

	start = bench_now();
	for (i = 0; i < PAGES; i++)
		must(mon_page_add(root, m->region, i, MON_PERM_READ, MON_PAGE_DATA, m->frames[i],
				  data + i * PAGE), "add");
	took = bench_now() - start;
	start_over(m);
	return took;
}

static uint64_t sha384_alone(void *arg)
{
	br_sha384_context hash;
	u8 digest[MON_DIGEST_LEN];
	uint64_t start = bench_now();

	(void)arg;
	br_sha384_init(&hash);
	br_sha384_update(&hash, data, (size_t)PAGES * PAGE);
	br_sha384_out(&hash, digest);
	return bench_now() - start;
}

static void bench_measured_add(void)
{
	static struct measured_add m;
	const struct bench bench = {
		.name = "measured_add", .bar = 0.9, .unit = "us/page", .peer = "BearSSL SHA-384",
		.ours = monitor_add, .theirs = sha384_alone, .arg = &m, .operations = PAGES,
		.samples = SAMPLES,
	};
	u64 id;
	u32 i;

	m.region = granule();
	must(mon_region_create(root, m.region, PAGES, 0, 0, &id), "create");
	donate_for(m.region, PAGES);
	for (i = 0; i < PAGES; i++)
		m.frames[i] = granule();
	bench_run(&bench);
}

/* metadata_bytes_per_page ------------------------------------------------------------------- */

/*
 * A region of 1 GiB of which every page was added and then sealed: the entry is in use to its last
 * byte. A resident page has the word of its granule on top.
 */
static void bench_metadata(void)
{
	struct mon_region_stats stats;
	u64 region = granule(), frame = granule(), tables = 0, id, i;
	enum mon_status status;
	double bytes;

	must(mon_region_create(root, region, METADATA_PAGES, 0, 0, &id), "create");
	for (i = 0; i < METADATA_PAGES; i++) {
		do {
			status = mon_page_add(root, region, i, MON_PERM_READ, MON_PAGE_ATTR, frame,
					      data);
			if (status != MON_E_NEED_TABLES)
				break;
			must(mon_region_donate(root, region, granule()), "donate");
			tables++;
		} while (1);
		must(status, "add");
		must(mon_page_evict(root, region, i, ciphertext, &frame), "evict");
	}
	must(mon_region_stats(root, region, &stats), "stats");
	if (stats.sealed != METADATA_PAGES || stats.granules != tables + 1)
		bench_die("the region counts %llu granules; %llu were given", stats.granules,
			  tables + 1);
	bytes = (double)stats.granules * PAGE / METADATA_PAGES + sizeof(u16);
	bench_value("metadata_bytes_per_page", bytes, 32,
		    "bytes/page, 1 GiB region: descriptor, tables, granule words");
}

int main(void)
{
	host_platform_init(16384);
	must(mon_start(host_granule_pa(0), &root), "start");
	data = pages_new(PAGES);
	ciphertext = pages_new(PAGES);
	buffer = pages_new(PAGES);
	bench_evict_load();
	bench_measured_add();
	bench_metadata();
	return 0;
}
