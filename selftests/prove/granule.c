// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The granule state machine, for every address, every state asked for and every word of the ownership
 * table: what a word holds is arbitrary at each look, as if other processors wrote it in between.
 */
#include "monitor_internal.h"

#include "__fc_builtin.h"

static u16 words[4];
static u8 memory[4][MON_GRANULE_SIZE];
static struct mon_root root;

/* An address that the host may donate has a word; all others have none. */
u16 *plat_granule_word(u64 pa)
{
	u64 number = pa >> MON_GRANULE_SHIFT;

	return number < 4 ? &words[number] : NULL;
}

void *plat_granule_address(u64 pa)
{
	/*@ assert owned: pa / 4096 < 4; */
	return memory[pa >> MON_GRANULE_SHIFT];
}

void plat_scrub(void *address, size_t len)
{
	u8 *bytes = address;
	size_t i;

	/*@ loop unroll 4096; */
	for (i = 0; i < len; i++)
		bytes[i] = 0;
}

void plat_granule_hide(u64 pa)
{
	(void)pa;
}

void plat_granule_show(u64 pa)
{
	(void)pa;
}

void plat_critical_enter(void)
{
}

void plat_critical_exit(void)
{
}

void plat_relax(void)
{
}

static void every_function(u64 pa, enum granule_state from, enum granule_state to)
{
	struct mon_args args;
	struct granule g;

	args.arg[0] = pa;
	granule_state(pa);
	granule_refs(pa);
	granule_ref(pa, from);
	granule_unref(pa, from);
	granule_transition(pa, from, to);
	if (granule_find_lock(pa, from, &g))
		granule_unlock_as(&g, to);
	/* Of a granule that is not held this ends everything; what follows is reached without it. */
	if (Frama_C_interval(0, 1))
		granule_release(pa, from);
	call_granule_delegate(&root, NULL, &args);
	call_granule_undelegate(&root, NULL, &args);
}

/* Every function with every argument; what one leaves is what the next may meet. */
void main(void)
{
	enum granule_state from = Frama_C_interval(GRANULE_HOST, GRANULE_SCRATCH);
	enum granule_state to = Frama_C_interval(GRANULE_HOST, GRANULE_SCRATCH);
	unsigned int i;

	granule_word_valid((u16)Frama_C_interval(0, 0xffff));
	/* The granules, addresses inside of them, and all addresses that are nobody's. */
	/*@ loop unroll 4; */
	for (i = 0; i < 4; i++) {
		every_function((u64)i * 4096, from, to);
		every_function(Frama_C_unsigned_long_long_interval((u64)i * 4096 + 1,
								   (u64)i * 4096 + 4095), from, to);
	}
	every_function(Frama_C_unsigned_long_long_interval(4 * 4096, ~0ull), from, to);
}

#include "../../driver/monitor/core/granule.c"
