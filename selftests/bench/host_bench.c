// SPDX-License-Identifier: Apache-2.0
/* Figures of the monitor on the host platform. */
#include <stdlib.h>

#include "bench.h"
#include "host_gcm.h"
#include "host_platform.h"
#include "monitor.h"
#include "team.h"

#define PAGE		MON_GRANULE_SIZE
#define PAGES		16u	/* of the regions timed: few, so that caches hold both sides */
#define METADATA_PAGES	(1u << 18)	/* 1 GiB */
#define SAMPLES		501

static struct mon_root *root;
static u8 *data;		/* PAGES pages of the host's */
static u8 *ciphertext;
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

/* A LIVE region of @pages, all with the contents of @from, or some. */
static u64 region_of_pages(u64 pages, const u8 *from)
{
	u64 region = granule(), id, i;
	u8 digest[MON_DIGEST_LEN];

	must(mon_region_create(root, region, pages, 0, 0, &id), "create");
	donate_for(region, pages);
	for (i = 0; i < pages; i++)
		must(mon_page_add(root, region, i, MON_PERM_READ, MON_PAGE_ATTR, granule(),
				  from ? from + i * PAGE : data), "add");
	must(mon_region_init(root, region, digest), "init");
	return region;
}

/* page_evict_load ------------------------------------------------------------------------ */

struct evict_load {
	u64 region;
	struct gcm_peer gcm;
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

static uint64_t gcm_alone(void *arg)
{
	struct evict_load *e = arg;
	uint64_t start = bench_now();

	gcm_peer_round(&e->gcm);
	return bench_now() - start;
}

static void bench_evict_load(void)
{
	static struct evict_load e;
	const struct bench bench = {
		.name = "page_evict_load", .bar = 0.9, .unit = "us/page",
		.peer = "BearSSL AES-256-GCM", .ours = monitor_evict_load, .theirs = gcm_alone,
		.arg = &e, .operations = PAGES, .samples = SAMPLES,
	};

	gcm_peer_init(&e.gcm, PAGES);
	e.region = region_of_pages(PAGES, data);
	bench_run(&bench);
}

/* page_evict_load, by two threads ------------------------------------------------------------ */

struct share {
	u64 region;
	u64 first;		/* page of the region */
	u8 *ciphertext;
	struct gcm_peer gcm;
};

/*
 * Of each thread: so many that a turn takes far longer than starting both threads does, and that
 * the words of their granules, of which 32 share a line of the cache, are mostly in different ones.
 */
#define SHARE_PAGES	128u

static void share_evict_load(void *arg, int thread)
{
	struct share *s = (struct share *)arg + thread;
	u64 frame, i;

	for (i = 0; i < SHARE_PAGES; i++) {
		must(mon_page_evict(root, s->region, s->first + i, s->ciphertext + i * PAGE,
				    &frame), "evict");
		must(mon_page_load(root, s->region, s->first + i, frame, s->ciphertext + i * PAGE),
		     "load");
	}
}

static void share_gcm(void *arg, int thread)
{
	struct share *s = (struct share *)arg + thread;

	gcm_peer_round(&s->gcm);
}

static void bench_threads(const char *name, bool one_region)
{
	struct share *shares = calloc(TEAM_THREADS, sizeof(*shares));
	const struct team_bench bench = {
		.name = name, .peer = "BearSSL AES-256-GCM on two threads",
		.ours = share_evict_load, .theirs = share_gcm, .arg = shares, .samples = SAMPLES,
	};
	u64 region = region_of_pages(TEAM_THREADS * SHARE_PAGES, NULL);
	int i;

	if (!shares)
		bench_die("out of memory");
	for (i = 0; i < TEAM_THREADS; i++) {
		gcm_peer_init(&shares[i].gcm, SHARE_PAGES);
		shares[i].region = region;
		if (i && !one_region)
			shares[i].region = region_of_pages(TEAM_THREADS * SHARE_PAGES, NULL);
		shares[i].first = (u64)i * SHARE_PAGES;
		shares[i].ciphertext = pages_new(SHARE_PAGES);
	}
	team_bench_run(&bench);
	free(shares);
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
	bench_evict_load();
	bench_threads("host_threads_one_region", true);
	bench_threads("host_threads_two_regions", false);
	bench_measured_add();
	bench_metadata();
	return 0;
}
