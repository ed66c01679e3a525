/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Atomic accesses where something is proved: what is read is arbitrary, what is written must be legal. */
#ifndef CLOISTER_PROVE_ATOMICS_H
#define CLOISTER_PROVE_ATOMICS_H

#include "__fc_builtin.h"

static u16 prove_load(const u16 *word)
{
	/*@ assert readable: \valid_read(word); */
	return (u16)Frama_C_interval(0, 0xffff);
}

/* Between a look at the word and its exchange another may have written it: both ways are taken. */
static _Bool prove_exchange(u16 *word, u16 *from, u16 to)
{
	/*@ assert writable: \valid(word); */
	if (Frama_C_interval(0, 1)) {
		*word = to;
		return 1;
	}
	*from = (u16)Frama_C_interval(0, 0xffff);
	return 0;
}

static u64 prove_add(u64 *counter, u64 n)
{
	/*@ assert writable: \valid(counter); */
	*counter = Frama_C_unsigned_long_long_interval(0, ~0ull);
	return *counter;
}

#define __atomic_load_n(at, order) \
	(sizeof(*(at)) == sizeof(u16) ? prove_load((const u16 *)(at)) : *(at))
#define __atomic_add_fetch(at, n, order) prove_add(at, n)
#define __atomic_store_n(at, value, order) ((void)(*(at) = (value)))
#define __atomic_compare_exchange_n(at, from, to, weak, good, bad) prove_exchange(at, from, to)

#endif
