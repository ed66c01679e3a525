/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's fuzzer: what one thread has of regions, mappings and descriptors, and what each page
 * must hold. It lies in memory that children share, so that what they do to a page is known.
 */
#ifndef CLOISTER_FUZZ_WORLD_H
#define CLOISTER_FUZZ_WORLD_H

#include <sched.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "../cloister/keys.h"

#define WORLD_REGIONS	4
#define REGION_PAGES	48
#define REGION_MAPS	3
#define TRACE_LINES	96
#define TRACE_WIDTH	160

enum page_is {
	NEVER,
	HERE,
	REMOVED,
};

struct page {
	enum page_is is;
	uint32_t permissions;
	uint32_t version;	/* 0 and zero: all zero */
	bool zero;		/* added as zero, and never written since */
	bool touched;		/* no longer counted as zero */
	bool code;
	bool pinned;
};

struct map {
	uint8_t *at;		/* NULL: none */
	uint32_t first, count;
	int protection;
};

struct region {
	int fd;			/* -1: none */
	int copy;		/* of the descriptor, or -1 */
	uint64_t serial;
	uint32_t pages;
	uint64_t limit;
	uint32_t flags;
	bool live;
	uint8_t measurement[CLOISTER_DIGEST_LEN];
	struct page page[REGION_PAGES];
	struct map map[REGION_MAPS];
};

/* A region that all threads and processes of a run work on at once. */
struct common {
	int fd;
	uint32_t pages;		/* those from @removable on may be removed by anybody */
	uint32_t removable;
};

struct world {
	uint32_t number;
	uint64_t seed;
	uint64_t random;
	int device;
	bool alone;		/* the only thread: timers may be used */
	uint64_t steps;
	uint64_t serials;
	uint64_t add_flags, create_flags;	/* that the device knows */
	uint64_t signals;
	struct region region[WORLD_REGIONS];
	const struct common *common;
	uint8_t *common_at;
	uint64_t common_count[REGION_PAGES];	/* what this thread stored last in each page */
	bool common_gone[REGION_PAGES];
	uint64_t beat;		/* of a child that is to be killed */
	char trace[TRACE_LINES][TRACE_WIDTH];
	uint64_t traced;
};

/* fuzz_device.c */
void trace(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void differ(struct world *w, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

static inline uint64_t pick(struct world *w, uint64_t count)
{
	return random_next(&w->random) % count;
}

static inline bool one_in(struct world *w, uint64_t count)
{
	return !pick(w, count);
}

/* An errno that must be as foretold. */
#define expect(w, got, wanted, ...)						\
	do {									\
		int got_ = (got), wanted_ = (wanted);				\
										\
		if (got_ != wanted_) {						\
			trace(w, __VA_ARGS__);					\
			differ(w, "%s:%d: %d, expected %d", __FILE__, __LINE__, got_, wanted_); \
		}								\
	} while (0)

/* world_pages.c: contents and touches */
void fill_page(uint8_t *to, const struct region *r, uint32_t page, uint32_t version);
void check_page(struct world *w, const struct region *r, const struct map *map, uint32_t page);
void step_touch(struct world *w, struct region *r);
void step_pipe(struct world *w, struct region *r);
void step_check_all(struct world *w, struct region *r);
void step_fork(struct world *w, struct region *r);
void step_kill(struct world *w);
void step_common(struct world *w);

/* world_calls.c: calls */
void step_create(struct world *w);
void step_add(struct world *w, struct region *r);
void step_init(struct world *w, struct region *r);
void step_seal(struct world *w, struct region *r);
void step_remove(struct world *w, struct region *r);
void step_map(struct world *w, struct region *r);
void step_unmap(struct world *w, struct region *r);
void step_stats(struct world *w, struct region *r);
void step_quote(struct world *w, struct region *r);
void step_odd(struct world *w, struct region *r);
void step_dup(struct world *w, struct region *r);
void end_region(struct world *w, struct region *r);

int usable_fd(struct world *w, const struct region *r);
void timer_on(struct world *w);
void timer_off(struct world *w);

#endif /* CLOISTER_FUZZ_WORLD_H */
