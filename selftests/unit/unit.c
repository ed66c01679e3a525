// SPDX-License-Identifier: Apache-2.0
/* See unit.h. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

struct mon_root *root;

static struct {
	pthread_mutex_t lock;
	u64 *free;		/* a stack of granules that nobody uses */
	size_t count;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* The machine ---------------------------------------------------------------- */

static long keys_before;

void machine_start(size_t granules)
{
	size_t i;

	keys_before = host_keys_live();
	host_platform_init(granules);
	pool.free = calloc(granules, sizeof(*pool.free));
	expect(pool.free);
	pool.count = 0;
	for (i = granules - 1; i > 0; i--)
		pool.free[pool.count++] = host_granule_pa(i);
	expect(mon_start(host_granule_pa(0), &root) == MON_OK);
}

void machine_stop(void)
{
	size_t i;

	assert_ok(mon_stop(root));
	root = NULL;
	assert_int_equal(host_hidden_count(), 0);
	assert_int_equal(host_keys_live(), keys_before);
	for (i = 0; i < host_granules(); i++) {
		assert_int_equal(*plat_granule_word(host_granule_pa(i)), 0);
		assert_true(all_zero(host_granule_peek(host_granule_pa(i)), PAGE));
	}
	free(pool.free);
	host_platform_exit();
}

/* A test that failed halfway has left its machine behind. */
static void machine_drop(void)
{
	if (!host_granules())
		return;
	free(pool.free);
	host_platform_exit();
}

int machine_setup(void **state)
{
	(void)state;
	machine_drop();
	machine_start(96);
	return 0;
}

int machine_teardown(void **state)
{
	(void)state;
	machine_stop();
	return 0;
}

u64 granule_take(void)
{
	u64 pa;

	pthread_mutex_lock(&pool.lock);
	expect(pool.count);
	pa = pool.free[--pool.count];
	pthread_mutex_unlock(&pool.lock);
	return pa;
}

void granule_put(u64 pa)
{
	pthread_mutex_lock(&pool.lock);
	pool.free[pool.count++] = pa;
	pthread_mutex_unlock(&pool.lock);
}

u64 granule_take_delegated(void)
{
	u64 pa = granule_take();

	expect(mon_granule_delegate(root, pa) == MON_OK);
	return pa;
}

void granule_put_delegated(u64 pa)
{
	expect(mon_granule_undelegate(root, pa) == MON_OK);
	granule_put(pa);
}

enum granule_state state_of(u64 pa)
{
	return granule_state(pa);
}

/* Status ---------------------------------------------------------------------- */

const char *status_name(enum mon_status status)
{
	static const char * const names[] = {
		"MON_OK", "MON_E_CALL", "MON_E_ARGUMENT", "MON_E_GRANULE", "MON_E_STATE",
		"MON_E_EXISTS", "MON_E_ABSENT", "MON_E_RESIDENT", "MON_E_SEALED", "MON_E_BUSY",
		"MON_E_PERMISSION", "MON_E_NEED_TABLES", "MON_E_INTEGRITY", "MON_E_EXHAUSTED",
		"MON_E_NO_MEMORY", "MON_E_CRYPTO", "MON_E_RANGE", "MON_E_SPACE",
		"MON_E_UNPROVISIONED", "MON_E_PROVISIONED", "MON_E_PINNED",
	};

	return (size_t)status < sizeof(names) / sizeof(*names) ? names[status] : "no status";
}

void check_status(enum mon_status got, enum mon_status wanted, const char *call,
		  const char *file, int line)
{
	if (got == wanted)
		return;
	print_error("%s: %s, expected %s\n", call, status_name(got), status_name(wanted));
	_fail(file, line);
}

/* In a build with gcov's counters: what a process that aborts has counted would be lost. */
void __gcov_dump(void) __attribute__((weak));

static void keep_counters(int sig)
{
	(void)sig;
	if (__gcov_dump)
		__gcov_dump();
}

/* The child: its messages go to @out, and it leaves no core file of a sanitizer's size. */
static void die_in_child(void (*fn)(void), int out)
{
	/* Whoever aborts dies of it even if a handler returns. */
	signal(SIGABRT, keep_counters);
	dup2(out, STDERR_FILENO);
	fn();
	_exit(0);
}

void assert_dies(void (*fn)(void), const char *text)
{
	char words[4096];
	size_t len = 0;
	int pipes[2];
	ssize_t n;
	int status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		die_in_child(fn, pipes[1]);
	close(pipes[1]);
	while (len < sizeof(words) - 1) {
		n = read(pipes[0], words + len, sizeof(words) - 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	words[len] = 0;
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !strstr(words, text))
		fail_msg("expected to die saying '%s'; wait status %#x, words '%s'", text, status,
			 words);
}

/* Nothing changed --------------------------------------------------------------- */

struct snapshot {
	size_t granules;
	u8 *memory;
	u16 *words;
	bool *hidden;
};

struct snapshot *snapshot_take(void)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	size_t n = host_granules();
	size_t i;

	assert_non_null(s);
	s->granules = n;
	s->memory = malloc(n * PAGE);
	s->words = calloc(n, sizeof(*s->words));
	s->hidden = calloc(n, sizeof(*s->hidden));
	assert_true(s->memory && s->words && s->hidden);
	memcpy(s->memory, host_granule_peek(host_granule_pa(0)), n * PAGE);
	for (i = 0; i < n; i++) {
		s->words[i] = *plat_granule_word(host_granule_pa(i));
		s->hidden[i] = host_granule_hidden(host_granule_pa(i));
	}
	return s;
}

void snapshot_drop(struct snapshot *s)
{
	free(s->memory);
	free(s->words);
	free(s->hidden);
	free(s);
}

/* Take over from @now what may differ from @then. */
static void excuse(struct mon_region *then, const struct mon_region *now, u32 may)
{
	int i;

	for (i = 0; may & MAY_USE_NONCES && i < KEY_SLOTS; i++)
		if (now->key[i].counter > then->key[i].counter)
			then->key[i].counter = now->key[i].counter;
	if (may & MAY_COUNT_FAILURES)
		then->integrity_failures = now->integrity_failures;
}

void snapshot_same(struct snapshot *s, u32 may)
{
	size_t i, at;
	u8 *then;
	u8 *now;
	u64 pa;

	assert_int_equal(s->granules, host_granules());
	for (i = 0; i < s->granules; i++) {
		pa = host_granule_pa(i);
		then = s->memory + i * PAGE;
		now = host_granule_peek(pa);
		if (s->words[i] != *plat_granule_word(pa))
			fail_msg("granule %zu: word %#x became %#x", i, s->words[i],
				 *plat_granule_word(pa));
		if (s->hidden[i] != host_granule_hidden(pa))
			fail_msg("granule %zu: hidden %d became %d", i, s->hidden[i],
				 host_granule_hidden(pa));
		if (granule_state(pa) == GRANULE_REGION)
			excuse((void *)then, (void *)now, may);
		for (at = 0; at < PAGE; at++)
			if (then[at] != now[at])
				fail_msg("granule %zu in state %d: byte %zu was %#x, is %#x", i,
					 granule_state(pa), at, then[at], now[at]);
	}
	snapshot_drop(s);
}

/* Regions ---------------------------------------------------------------------- */

u64 region_new(u64 pages, u32 flags)
{
	u64 pa = granule_take_delegated();
	u64 id;

	expect(mon_region_create(root, pa, pages, flags, pa, &id) == MON_OK);
	return pa;
}

void region_give(u64 region, u32 count)
{
	while (count--)
		expect(mon_region_donate(root, region, granule_take_delegated()) == MON_OK);
}

u64 region_add(u64 region, u64 page, u32 permissions, enum mon_page_kind kind,
	       const void *source)
{
	u64 frame = kind == MON_PAGE_ZERO ? 0 : granule_take_delegated();
	enum mon_status status;

	do {
		status = mon_page_add(root, region, page, permissions, kind, frame, source);
		if (status == MON_E_NEED_TABLES)
			region_give(region, 1);
	} while (status == MON_E_NEED_TABLES);
	expect(status == MON_OK);
	return frame;
}

void region_live(u64 region)
{
	u8 measurement[MON_DIGEST_LEN];

	expect(mon_region_init(root, region, measurement) == MON_OK);
}

u64 region_with_pages(u64 pages, u64 added)
{
	u64 region = region_new(pages, 0);
	u64 i;

	for (i = 0; i < added; i++)
		region_add(region, i, RW, MON_PAGE_DATA, pattern(i));
	region_live(region);
	return region;
}

void region_end(u64 region)
{
	u64 pas[MON_RECLAIM_BATCH];
	u32 count, i;

	expect(mon_region_kill(root, region) == MON_OK);
	do {
		expect(mon_region_reclaim(root, region, pas, MON_RECLAIM_BATCH, &count) == MON_OK);
		for (i = 0; i < count; i++) {
			expect(all_zero(host_granule_peek(pas[i]), PAGE));
			granule_put_delegated(pas[i]);
		}
	} while (count);
	expect(mon_region_destroy(root, region) == MON_OK);
	expect(all_zero(host_granule_peek(region), PAGE));
	granule_put_delegated(region);
}

struct mon_region_stats stats_of(u64 region)
{
	struct mon_region_stats stats;

	expect(mon_region_stats(root, region, &stats) == MON_OK);
	return stats;
}

struct mon_region *region_of(u64 region)
{
	return plat_granule_address(region);
}

struct page_entry entry_of(u64 region, u64 page)
{
	struct mon_region *r = region_of(region);
	struct page_entry *found, entry = { 0 };

	plat_lock(&r->lock);
	found = table_find(r, page);
	if (found)
		entry = *found;
	plat_unlock(&r->lock);
	return entry;
}

enum page_state page_state_of(u64 region, u64 page)
{
	return ENTRY_STATE(entry_of(region, page).word);
}

void page_out(u64 region, u64 page, void *cipher)
{
	u64 frame;

	expect(mon_page_evict(root, region, page, cipher, &frame) == MON_OK);
	granule_put_delegated(frame);
}

u64 page_in(u64 region, u64 page, const void *cipher)
{
	u64 frame = granule_take_delegated();

	expect(mon_page_load(root, region, page, frame, cipher) == MON_OK);
	return frame;
}

void *page_contents(u64 region, u64 page)
{
	struct page_entry entry = entry_of(region, page);

	expect(ENTRY_STATE(entry.word) == PAGE_RESIDENT);
	return host_granule_peek(entry.frame);
}

/* Data -------------------------------------------------------------------------- */

void *buffer_new(void)
{
	void *buffer = aligned_alloc(PAGE, PAGE);

	expect(buffer);
	memset(buffer, 0, PAGE);
	return buffer;
}

const void *pattern(u64 seed)
{
	static __thread u64 words[PAGE / sizeof(u64)] __attribute__((aligned(PAGE)));
	size_t i;

	for (i = 0; i < PAGE / sizeof(u64); i++)
		words[i] = (seed + 1) * 0x9e3779b97f4a7c15ull ^ (i + 1) * 0xc2b2ae3d27d4eb4full;
	return words;
}

void unhex(const char *hex, u8 *out, size_t len)
{
	unsigned int byte;
	size_t i;

	expect(strlen(hex) == 2 * len);
	for (i = 0; i < len; i++) {
		expect(sscanf(hex + 2 * i, "%2x", &byte) == 1);
		out[i] = (u8)byte;
	}
}
