// SPDX-License-Identifier: Apache-2.0
/*
 * A region of four times its resident limit, against an ordinary process that has as much memory
 * and swaps the rest to an encrypted ram disk. Both walk the same pages in the same order.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "swap_device.h"
#include "vm_region.h"

#define LIMIT		((size_t)1024)	/* pages resident on both sides */
#define PAGES		(4 * LIMIT)
/* Swap of which less than half is used leaves clean pages their place in it. */
#define SWAP_PAGES	(10 * LIMIT)
#define STEPS		256u		/* touches of one turn */
#define SAMPLES		11
#define CIPHER_PAGES	4u

#define GROUP		"/sys/fs/cgroup/cloister-bench"
#define CLUSTER		"/proc/sys/vm/page-cluster"
#define SECOND_CPU	"/sys/devices/system/cpu/cpu1/online"

/* Which page is next, and whether it is written to: the same on both sides. */
struct walk {
	bool random;
	bool alone;			/* there is one processor, and all work is to be seen */
	unsigned int writes;		/* of 100 touches */
	uint64_t seed;
	size_t page;
};

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* What was left to other threads is done first: this one goes last. */
static void let_others_finish(void)
{
	struct sched_param none = { 0 };
	int i;

	if (sched_setscheduler(0, SCHED_IDLE, &none))
		bench_die("SCHED_IDLE: %s", strerror(errno));
	for (i = 0; i < 4; i++)
		sched_yield();
	if (sched_setscheduler(0, SCHED_OTHER, &none))
		bench_die("SCHED_OTHER: %s", strerror(errno));
}

static uint64_t walk(volatile uint64_t *p, struct walk *w)
{
	uint64_t start = bench_now(), random;
	unsigned int i;

	for (i = 0; i < STEPS; i++) {
		random = next_random(&w->seed);
		w->page = (w->random ? random >> 8 : w->page + 1) % PAGES;
		if ((random & 0xff) * 100 < w->writes * 256)
			p[w->page * PAGE / 8]++;
		else
			(void)p[w->page * PAGE / 8];
	}
	if (w->alone)
		let_others_finish();
	return bench_now() - start;
}

/* The process that swaps --------------------------------------------------------------------- */

enum order { FILL, WALK, DROP };

struct peer {
	pid_t pid;
	int orders, answers;
	struct shared {		/* between it and us */
		struct walk walk;
		uint64_t took;
		size_t resident;
		long faults;	/* that read */
		int error;
	} *shared;
};

/* Pages whose contents are in memory, those on their way out or read ahead included. */
static size_t in_memory(void *p)
{
	static unsigned char pages[PAGES];
	size_t i, n = 0;

	if (mincore(p, PAGES * PAGE, pages))
		bench_die("mincore: %s", strerror(errno));
	for (i = 0; i < PAGES; i++)
		n += pages[i] & 1;
	return n;
}

/* Zeros would not be written to swap at all. */
static uint64_t *fill(void)
{
	uint64_t *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	size_t i;

	if (p == MAP_FAILED || madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE))
		bench_die("memory of the peer: %s", strerror(errno));
	for (i = 0; i < PAGES; i++) {
		memset(p + i * PAGE / 8, 0x5a, PAGE);
		p[i * PAGE / 8] = i;
	}
	return p;
}

static void peer_walk(uint64_t *p, struct shared *shared)
{
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	shared->took = walk(p, &shared->walk);
	getrusage(RUSAGE_SELF, &after);
	shared->faults = after.ru_majflt - before.ru_majflt;
	shared->resident = in_memory(p);
}

static void peer_main(int orders, int answers, struct shared *shared)
{
	uint64_t *p = NULL;
	enum order order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	write_value(GROUP "/cgroup.procs", "0");
	while (read(orders, &order, sizeof(order)) == sizeof(order)) {
		if (order == FILL)
			p = fill();
		else if (order == WALK)
			peer_walk(p, shared);
		else
			munmap(p, PAGES * PAGE);
		if (write(answers, &order, sizeof(order)) != sizeof(order))
			break;
	}
	_exit(0);
}

static void peer_do(struct peer *peer, enum order order)
{
	if (write(peer->orders, &order, sizeof(order)) != sizeof(order) ||
	    read(peer->answers, &order, sizeof(order)) != sizeof(order))
		bench_die("the process that swaps is gone");
}

static void peer_start(struct peer *peer)
{
	int orders[2], answers[2];

	peer->shared = map(-1, 1, "shared memory");
	rmdir(GROUP);
	if (mkdir(GROUP, 0755) || pipe(orders) || pipe(answers))
		bench_die(GROUP ": %s", strerror(errno));
	peer->pid = fork();
	if (peer->pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (!peer->pid) {
		close(orders[1]);
		close(answers[0]);
		peer_main(orders[0], answers[1], peer->shared);
	}
	close(orders[0]);
	close(answers[1]);
	peer->orders = orders[1];
	peer->answers = answers[0];
}

static void peer_end(struct peer *peer)
{
	close(peer->orders);
	waitpid(peer->pid, NULL, 0);
	close(peer->answers);
	while (rmdir(GROUP) && errno == EBUSY)
		sched_yield();
}

/* Both ----------------------------------------------------------------------------------------- */

/* What a side did in the turns of one figure. */
struct tally {
	uint64_t touches, loads, stores, faults, resident;
	unsigned int turns;
};

struct side_by_side {
	bool net;		/* of the ciphers' own time */
	int region, module;
	volatile uint64_t *map;
	struct walk walk;
	struct peer peer;
	struct tally ours, theirs;
	long resident;		/* of the region, after its last turn */
	long memory;		/* that the peer may have, in pages */
};

static void count(struct tally *t, uint64_t loads, uint64_t stores, uint64_t faults,
		  uint64_t resident)
{
	t->touches += STEPS;
	t->loads += loads;
	t->stores += stores;
	t->faults += faults;
	t->resident += resident;
	t->turns++;
}

/* The least that a page takes by a cipher, one way, here and now. */
static double cipher_page(int module, unsigned long request)
{
	double best = 0;
	int i;

	for (i = 0; i < 16; i++) {
		double took = (double)cipher_alone(module, request, CIPHER_PAGES);

		took /= 2 * CIPHER_PAGES;

		if (!i || took < best)
			best = took;
	}
	return best;
}

/* @took less what @operations of a cipher take by themselves. */
static uint64_t without_cipher(const struct side_by_side *s, uint64_t took, unsigned long request,
			       uint64_t operations)
{
	double net = (double)took;

	if (s->net)
		net -= cipher_page(s->module, request) * (double)operations;
	return net > 0 ? (uint64_t)net : 0;
}

static uint64_t walk_region(void *arg)
{
	struct side_by_side *s = arg;
	struct cloister_stats before, after;
	uint64_t took;

	region_stats(s->region, &before);
	took = walk(s->map, &s->walk);
	region_stats(s->region, &after);
	count(&s->ours, after.loads - before.loads, after.evictions - before.evictions,
	      after.faults - before.faults, after.resident);
	s->resident = (long)after.resident;
	return without_cipher(s, took, BENCH_PEER_GCM, after.loads - before.loads +
			      after.evictions - before.evictions);
}

/* So much memory for the peer that as many of its pages are resident as of the region. */
static void adjust_memory(struct side_by_side *s)
{
	s->memory += (s->resident - (long)s->peer.shared->resident) / 2;
	write_value(GROUP "/memory.max", "%ld", s->memory * (long)PAGE);
}

static uint64_t walk_swap(void *arg)
{
	struct side_by_side *s = arg;
	struct shared *shared = s->peer.shared;
	uint64_t in = (uint64_t)read_value("/proc/vmstat", "pswpin");
	uint64_t out = (uint64_t)read_value("/proc/vmstat", "pswpout");

	peer_do(&s->peer, WALK);
	in = (uint64_t)read_value("/proc/vmstat", "pswpin") - in;
	out = (uint64_t)read_value("/proc/vmstat", "pswpout") - out;
	count(&s->theirs, in, out, (uint64_t)shared->faults, shared->resident);
	adjust_memory(s);
	return without_cipher(s, shared->took, BENCH_PEER_XTS, in + out);
}

/* Until as many pages are resident on both sides; walk_swap() sees to it that they stay so. */
static void give_equal_memory(struct side_by_side *s)
{
	int turn;

	for (turn = 0; turn < 6; turn++) {
		walk_region(s);
		walk_swap(s);
		walk_swap(s);
	}
}

/* The readahead of swap, of the default and none, that suits the peer better. */
static void choose_readahead(struct side_by_side *s, const char *name)
{
	static const int choices[] = { 0, 3 };
	uint64_t best = UINT64_MAX, took[2];
	int i, turn, chosen = 0;

	for (i = 0; i < 2; i++) {
		write_value(CLUSTER, "%d", choices[i]);
		give_equal_memory(s);
		for (took[i] = 0, turn = 0; turn < 4; turn++)
			took[i] += walk_swap(s);
		if (took[i] < best) {
			best = took[i];
			chosen = i;
		}
	}
	printf("# %s: peer with page-cluster=%d: %.1f us a touch, %d: %.1f\n", name, choices[0],
	       (double)took[0] / (4e3 * STEPS), choices[1], (double)took[1] / (4e3 * STEPS));
	if (chosen != 1) {
		write_value(CLUSTER, "%d", choices[chosen]);
		give_equal_memory(s);
	}
}

static void print_tally(const char *name, const char *whose, const struct tally *t)
{
	printf("# %s: %s: of %llu touches %llu faulted, %llu pages came in, %llu went out, "
	       "%llu resident\n", name, whose, (unsigned long long)t->touches,
	       (unsigned long long)t->faults, (unsigned long long)t->loads,
	       (unsigned long long)t->stores, (unsigned long long)(t->resident / t->turns));
}

static bool about_equal(uint64_t a, uint64_t b)
{
	return a <= b + b / 10 && b <= a + a / 10;
}

/* As much memory on both sides, and as much to do. */
static void check_fair(const char *name, const struct tally *ours, const struct tally *theirs)
{
	if (!about_equal(ours->resident, theirs->resident))
		bench_die("%s: the sides have different memory; run it again", name);
	if (!about_equal(ours->loads, theirs->loads))
		bench_die("%s: the sides read in different numbers of pages; run it again", name);
}

static void compare(struct side_by_side *s, const char *name, double bar, bool random,
		    unsigned int writes)
{
	const struct bench bench = {
		.name = name, .bar = bar, .unit = "us/touch",
		.peer = s->net ? "dm-crypt xts swap, ciphers' time subtracted" :
				 "dm-crypt gcm swap over dm-integrity",
		.ours = walk_region, .theirs = walk_swap, .arg = s, .operations = STEPS,
		.samples = SAMPLES,
	};

	s->walk = (struct walk){ .random = random, .alone = s->net, .writes = writes,
			     .seed = 88172645463325252u };
	s->peer.shared->walk = s->walk;
	choose_readahead(s, name);
	memset(&s->ours, 0, sizeof(s->ours));
	memset(&s->theirs, 0, sizeof(s->theirs));
	bench_run(&bench);
	print_tally(name, "region", &s->ours);
	print_tally(name, "swap", &s->theirs);
	check_fair(name, &s->ours, &s->theirs);
}

static void phase(struct side_by_side *s, enum swap_cipher cipher, const char *ram_disk)
{
	swap_on(cipher, ram_disk, SWAP_PAGES);
	s->memory = LIMIT + 256;
	write_value(GROUP "/memory.max", "%ld", s->memory * (long)PAGE);
	peer_do(&s->peer, FILL);
	s->net = cipher == SWAP_XTS;
	if (s->net) {
		compare(s, "swap_net_scan_read", 1, false, 0);
		compare(s, "swap_net_scan_write", 1, false, 100);
		compare(s, "swap_net_random_read", 1, true, 0);
		compare(s, "swap_net_random_mixed", 1, true, 50);
	} else {
		compare(s, "swap_scan_read", 1, false, 0);
		compare(s, "swap_scan_write", 1, false, 100);
		compare(s, "swap_random_read", 1, true, 0);
		compare(s, "swap_random_mixed", 1, true, 50);
	}
	peer_do(&s->peer, DROP);
	swap_off();
}

int main(void)
{
	struct side_by_side s = { .module = peer_open() };

	printf("# a page: gcm %.1f us, xts %.1f us\n", cipher_page(s.module, BENCH_PEER_GCM) / 1e3,
	       cipher_page(s.module, BENCH_PEER_XTS) / 1e3);
	s.region = region_new(PAGES, LIMIT);
	s.map = map(s.region, PAGES, "the region");
	peer_start(&s.peer);
	phase(&s, SWAP_GCM, "/dev/ram0");
	/* On one processor the clock sees all work, on whichever thread it is done. */
	write_value(SECOND_CPU, "0");
	phase(&s, SWAP_XTS, "/dev/ram1");
	write_value(SECOND_CPU, "1");
	peer_end(&s.peer);
	return 0;
}
