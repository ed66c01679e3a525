/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef CLOISTER_PROVE_PLAT_TYPES_H
#define CLOISTER_PROVE_PLAT_TYPES_H

/* The types that platform.h asks for, where something is proved. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long size_t;
#define bool _Bool
#define true 1
#define false 0
#define NULL ((void *)0)

#define MON_STATIC_ASSERT(condition, text) _Static_assert(condition, text)

struct plat_lock {
	u32 taken;
};

struct plat_aead {
	u64 state[40];
};

struct plat_hash {
	u64 state[40];
};

/* Does not come back. */
/*@ assigns \nothing;
    ensures \false; */
void plat_fatal(const char *what);

/*@ requires len == 0 || \valid(to + (0 .. len - 1));
    requires len == 0 || \valid_read(from + (0 .. len - 1));
    requires len == 0 || \separated(to + (0 .. len - 1), from + (0 .. len - 1));
    assigns to[0 .. len - 1] \from from[0 .. len - 1]; */
void prove_memcpy(u8 *to, const u8 *from, size_t len);
#define memcpy prove_memcpy

/* Solvers keep bytes and characters apart; where text is copied as bytes they must be one type. */
#ifdef PROVE_TEXT_AS_BYTES
#define char u8
#endif

#endif
