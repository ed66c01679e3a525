/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The types of platform.h, as the kernel has them. */
#ifndef CLOISTER_PLAT_TYPES_H
#define CLOISTER_PLAT_TYPES_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/panic.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <crypto/hash.h>

#define MON_STATIC_ASSERT(condition, text) static_assert(condition, text)

/* Inline, so that objtool sees that control does not come back. */
static inline __noreturn void plat_fatal(const char *what)
{
	panic("cloister: monitor invariant broken: %s", what);
}

struct crypto_aead;

/* Protects a region's state; which of it, the core says. */
struct plat_lock {
	spinlock_t spinlock;
};

struct plat_aead {
	struct crypto_aead *tfm;	/* NULL: holds no key */
};

/*
 * A shash_desc with room for any algorithm's state, so that a running hash lives in
 * a granule and not in the slab: the crypto API refuses algorithms with more.
 */
struct plat_hash {
	u8 desc[sizeof(struct shash_desc) + HASH_MAX_DESCSIZE] __aligned(ARCH_SLAB_MINALIGN);
};

/* A region's descriptor is one granule and holds a hash and several keys. */
MON_STATIC_ASSERT(sizeof(struct plat_hash) <= 512, "a region has no room for its hash");

#endif /* CLOISTER_PLAT_TYPES_H */
