/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The types that platform.h asks for, as a user-space process has them. */
#ifndef CLOISTER_HOST_PLAT_TYPES_H
#define CLOISTER_HOST_PLAT_TYPES_H

#include <bearssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* As the kernel has them, so that one format string fits both. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define MON_STATIC_ASSERT(condition, text) _Static_assert(condition, text)

_Noreturn void plat_fatal(const char *what);

struct plat_lock {
	u32 taken;
};

/*
 * The key schedule, and a GCM context that holds the hash key. Each operation works
 * on a copy of the context, so several can run at once. The context points to
 * the schedule: the structure must stay where plat_aead_set() found it.
 */
struct plat_aead {
	br_aes_gen_ctr_keys keys;
	br_gcm_context gcm;
};

struct plat_hash {
	const br_hash_class *class;
	br_hash_compat_context context;
};

/* A region's descriptor holds four keys and a hash, and is one granule. */
MON_STATIC_ASSERT(sizeof(struct plat_aead) <= 400, "an AEAD key takes too much of a descriptor");
MON_STATIC_ASSERT(sizeof(struct plat_hash) <= 400, "a hash takes too much of a descriptor");

#endif /* CLOISTER_HOST_PLAT_TYPES_H */
