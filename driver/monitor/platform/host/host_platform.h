/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The host platform: the monitor as a library in a process, over BearSSL.
 *
 * It is for tests, fuzzing and benchmarks. Beyond what platform.h asks for, it lets
 * a test look at the platform, make it fail, and run code in the middle of a
 * call. What breaks a rule of platform.h ends the process with a message: crypto
 * under a lock, a granule that is hidden twice, a lock released by who does not hold it.
 */
#ifndef CLOISTER_HOST_PLATFORM_H
#define CLOISTER_HOST_PLATFORM_H

#include "platform.h"

/*
 * Physical addresses begin here, far from any address of a process: who takes one
 * for the other crashes at once.
 */
#define HOST_PA_BASE	0x5a0000000000ull

/**
 * host_platform_init() - make a machine with memory
 * @granules: number of granules, all of them the host's
 *
 * Memory is taken from the system when it is first touched. Ends the process when
 * there is none.
 */
void host_platform_init(size_t granules);

/**
 * host_platform_exit() - drop memory, hooks, callbacks, failures and counters
 */
void host_platform_exit(void);

/* Memory */

/* Physical address of the granule with number @index. */
u64 host_granule_pa(size_t index);

/* Number of granules. */
size_t host_granules(void);

/* Where anyone sees the granule at @pa, whoever owns it. */
void *host_granule_peek(u64 pa);

/* Is the granule at @pa hidden from the host? */
bool host_granule_hidden(u64 pa);

/* Number of granules that are hidden. */
size_t host_hidden_count(void);

/* Bytes that plat_scrub() has zeroed. */
u64 host_scrubbed_bytes(void);

/* Unmapping */

typedef void host_unmap_fn(u64 cookie, u64 first, u64 count, void *arg);

/**
 * host_set_unmap() - be told of what plat_unmap() is asked for
 * @fn: called with no lock held; NULL for none
 * @arg: passed on
 */
void host_set_unmap(host_unmap_fn *fn, void *arg);

/* Operations that are counted, can be made to fail, and can be hooked */

enum host_op {
	HOST_OP_RANDOM,
	HOST_OP_AEAD_SET,
	HOST_OP_SEAL,
	HOST_OP_OPEN,
	HOST_OP_HASH_INIT,
	HOST_OP_HASH_UPDATE,
	HOST_OP_HASH_FINAL,
	HOST_OP_HMAC,
	HOST_OP_ECDSA_PUBLIC,
	HOST_OP_ECDSA_SIGN,
	HOST_OP_UNMAP,
	HOST_OP_COUNT,
};

#define HOST_OPS_ALL		((1u << HOST_OP_COUNT) - 1)
/* What can answer with a failure: all but the unmapping. */
#define HOST_OPS_FALLIBLE	(HOST_OPS_ALL & ~(1u << HOST_OP_UNMAP))

const char *host_op_name(enum host_op op);

/* Keys that were set and not cleared: each would be a leak of the platform's memory. */
long host_keys_live(void);

/* Number of operations of the kinds in @ops since host_platform_init(). */
u64 host_op_count(u32 ops);

/**
 * host_fail() - make one operation fail
 * @ops: kinds of operations that count
 * @nth: which of them, from now: 1 is the next; 0 takes an earlier host_fail() back
 * @status: what it answers (random bytes: false, whatever the status)
 *
 * One operation fails; later ones work. Outputs are as platform.h has them for a failure.
 */
void host_fail(u32 ops, u64 nth, enum mon_status status);

/* The same, and all later ones of these kinds, until host_fail(0, 0, MON_OK). */
void host_fail_from(u32 ops, u64 nth, enum mon_status status);

/* Has the operation that host_fail() chose come? */
bool host_failed(void);

enum host_moment {
	HOST_BEFORE,
	HOST_AFTER,
};

typedef void host_hook_fn(enum host_op op, enum host_moment moment, void *arg);

/**
 * host_set_hook() - run code in the middle of monitor calls
 * @ops: kinds of operations; 0 for none
 * @fn: called before and after each of them, in the thread of the call, with no lock of the
 *	monitor held. It may call the monitor; its own operations are not hooked
 * @arg: passed on
 */
void host_set_hook(u32 ops, host_hook_fn *fn, void *arg);

/* Random bytes */

typedef bool host_random_fn(void *out, size_t len, void *arg);

/* Take random bytes from @fn instead of the system; NULL for the system. */
void host_set_random(host_random_fn *fn, void *arg);

/* Posture */

/* What plat_posture() says from now on; NULL for the default. */
void host_set_posture(const struct mon_posture *posture);

/*
 * Between the files of this platform
 */

/* Ends the process with "host platform: " and the message. */
void host_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Ends the process where the thread holds a lock or is in a critical section. */
void host_assert_unlocked(const char *what);

/* Ends the process where the thread is in no critical section. */
void host_assert_critical(const char *what);

/* Counts @op and runs the hook; false where it is to fail, with *@status as asked for. */
bool host_op_begin(enum host_op op, enum mon_status *status);
void host_op_end(enum host_op op);

/*
 * What is counted, each thread in a line of the cache of its own, as far as there are lines: what a
 * second thread brings is measured on this platform. Threads that share one may lose counts.
 */
struct host_counters {
	u64 ops[HOST_OP_COUNT];
	u64 scrubbed;		/* bytes */
} __attribute__((aligned(128)));

/* The calling thread's. */
struct host_counters *host_counters(void);

static inline void host_count(u64 *counter, u64 n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n,
			 __ATOMIC_RELAXED);
}

void host_control_reset(void);

#endif /* CLOISTER_HOST_PLATFORM_H */
