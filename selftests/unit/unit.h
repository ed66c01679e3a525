/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the monitor's unit tests share: a machine, regions, and a way to say that a
 * refused call has changed nothing.
 *
 * Checks end the test, so they are for the test's own thread; in hooks and in other
 * threads use expect().
 */
#ifndef CLOISTER_UNIT_H
#define CLOISTER_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host_platform.h"
#include "monitor_internal.h"

#define PAGE	MON_GRANULE_SIZE
#define RW	(MON_PERM_READ | MON_PERM_WRITE)

/* TAP on standard output; the process fails when a test does. */
#define RUN_TESTS(tests)							\
	(cmocka_set_message_output(CM_OUTPUT_TAP),				\
	 cmocka_run_group_tests_name("monitor", tests, NULL, NULL))

/* The machine ---------------------------------------------------------------- */

extern struct mon_root *root;

/* Start a machine with @granules of memory and a monitor on it. */
void machine_start(size_t granules);

/*
 * Stop the monitor and check that all memory is the host's again: in state HOST, shown,
 * and all zero; and that no key is left in the platform.
 */
void machine_stop(void);

/* cmocka setup and teardown, with 96 granules. */
int machine_setup(void **state);
int machine_teardown(void **state);

#define MACHINE_TEST(fn) cmocka_unit_test_setup_teardown(fn, machine_setup, machine_teardown)

/* A granule of the host's that nobody uses; and back. Both may be called by several threads. */
u64 granule_take(void);
void granule_put(u64 pa);

/* The same, DELEGATED. */
u64 granule_take_delegated(void);
void granule_put_delegated(u64 pa);

enum granule_state state_of(u64 pa);

/* Status ---------------------------------------------------------------------- */

const char *status_name(enum mon_status status);

/* Check the status of a call, with both names where it is another one. */
#define assert_status(call, wanted) check_status(call, wanted, #call, __FILE__, __LINE__)
#define assert_ok(call) assert_status(call, MON_OK)

void check_status(enum mon_status got, enum mon_status wanted, const char *call,
		  const char *file, int line);

/* For threads and hooks: end the process where @condition does not hold. */
#define expect(condition)							\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__,	\
				#condition);					\
			abort();						\
		}								\
	} while (0)

/* Check that @fn ends the process by SIGABRT, with @text in its last words. */
void assert_dies(void (*fn)(void), const char *text);

/* Nothing changed --------------------------------------------------------------- */

/* What may differ all the same. */
#define MAY_USE_NONCES		1u	/* counters: a nonce that was tried is used up */
#define MAY_COUNT_FAILURES	2u	/* integrity_failures */

/* All there is: memory, granule words, what is hidden. */
struct snapshot;

struct snapshot *snapshot_take(void);
/* Check that all is as it was, and free @s. */
void snapshot_same(struct snapshot *s, u32 may);
void snapshot_drop(struct snapshot *s);

/* Check that a call is refused with @wanted and changes nothing. */
#define assert_refused(call, wanted) assert_refused_but(call, wanted, 0)
#define assert_refused_but(call, wanted, may)					\
	do {									\
		struct snapshot *before = snapshot_take();			\
										\
		assert_status(call, wanted);					\
		snapshot_same(before, may);					\
	} while (0)

/* Regions ---------------------------------------------------------------------- */

/* A region in state BUILDING, without tables. */
u64 region_new(u64 pages, u32 flags);

/* Donate @count granules. */
void region_give(u64 region, u32 count);

/* Add a page, donating as needed; @source NULL with MON_PAGE_ZERO. The frame, or 0. */
u64 region_add(u64 region, u64 page, u32 permissions, enum mon_page_kind kind,
	       const void *source);

/* Finish building: LIVE. */
void region_live(u64 region);

/* A LIVE region of @pages, the first @added of them added as data and holding pattern(n). */
u64 region_with_pages(u64 pages, u64 added);

/* In whatever state: kill, reclaim, destroy, and give every granule back to the host. */
void region_end(u64 region);

struct mon_region_stats stats_of(u64 region);
struct mon_region *region_of(u64 region);
struct page_entry entry_of(u64 region, u64 page);
enum page_state page_state_of(u64 region, u64 page);

/* Evict to @cipher and undelegate the frame; load into a fresh granule. Both must work. */
void page_out(u64 region, u64 page, void *cipher);
u64 page_in(u64 region, u64 page, const void *cipher);

/* The contents of a resident page. */
void *page_contents(u64 region, u64 page);

/* Data -------------------------------------------------------------------------- */

/* A granule-sized, granule-aligned buffer outside the machine; free() it. */
void *buffer_new(void);

/* Contents that differ for each @seed, in one static buffer per thread. */
const void *pattern(u64 seed);

/* "0a1b..." to bytes. */
void unhex(const char *hex, u8 *out, size_t len);

#define assert_bytes(got, wanted_hex)						\
	do {									\
		u8 wanted_bytes[sizeof(wanted_hex) / 2];			\
										\
		unhex(wanted_hex, wanted_bytes, sizeof(wanted_bytes));		\
		assert_memory_equal(got, wanted_bytes, sizeof(wanted_bytes));	\
	} while (0)

#endif /* CLOISTER_UNIT_H */
