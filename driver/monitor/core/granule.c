// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who owns each granule, and as what. The state machine:
 *
 *	HOST -> DELEGATED -> { REGION, TABLE, FRAME, SCRATCH } -> DELEGATED -> HOST
 *
 * and HOST -> ROOT -> HOST for the root object. Every way back scrubs. One 16-bit word holds
 * lock, state and references (after Arm's TF-RMM).
 */
#include "monitor_internal.h"

static enum granule_state word_state(u16 word)
{
	return (enum granule_state)((word & GRANULE_STATE_MASK) >> GRANULE_STATE_SHIFT);
}

static u16 make_word(enum granule_state state)
{
	return (u16)((u16)state << GRANULE_STATE_SHIFT);
}

/* Only regions and frames are ever referenced. */
bool granule_word_valid(u16 word)
{
	enum granule_state state = word_state(word);

	if (state >= GRANULE_STATES)
		return false;
	if (state == GRANULE_REGION || state == GRANULE_FRAME)
		return true;
	return (word & GRANULE_REFS_MAX) == 0;
}

static u16 *find_word(u64 pa)
{
	if (pa & (MON_GRANULE_SIZE - 1))
		return NULL;
	return plat_granule_word(pa);
}

static u16 load_word(const u16 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static bool replace_word(u16 *word, u16 from, u16 to)
{
	return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

enum granule_state granule_state(u64 pa)
{
	u16 *word = find_word(pa);

	return word ? word_state(load_word(word)) : GRANULE_HOST;
}

bool granule_find_lock(u64 pa, enum granule_state expected, struct granule *g)
{
	u16 *word = find_word(pa);
	u16 value;

	if (!word)
		return false;

	plat_critical_enter();
	for (;;) {
		value = load_word(word);
		if (value & GRANULE_LOCK) {
			plat_relax();
			continue;
		}
		if (!granule_word_valid(value))
			plat_fatal("granule word at lock");
		if (value != make_word(expected)) {
			plat_critical_exit();
			return false;
		}
		if (replace_word(word, value, value | GRANULE_LOCK))
			break;
	}
	g->word = word;
	g->pa = pa;
	g->value = value;
	return true;
}

void granule_unlock_as(struct granule *g, enum granule_state next)
{
	u16 value = make_word(next);

	if (!granule_word_valid(value) ||
	    !replace_word(g->word, g->value | GRANULE_LOCK, value))
		plat_fatal("granule word at unlock");
	plat_critical_exit();
}

bool granule_transition(u64 pa, enum granule_state from, enum granule_state to)
{
	struct granule g;

	if (!granule_find_lock(pa, from, &g))
		return false;
	granule_unlock_as(&g, to);
	return true;
}

void granule_release(u64 pa, enum granule_state from)
{
	struct granule g;

	if (!granule_find_lock(pa, from, &g))
		plat_fatal("release of a granule that is not held");
	plat_scrub(plat_granule_address(pa), MON_GRANULE_SIZE);
	granule_unlock_as(&g, GRANULE_DELEGATED);
}

bool granule_ref(u64 pa, enum granule_state state)
{
	u16 *word = find_word(pa);
	u16 value;

	if (!word)
		return false;
	for (;;) {
		value = load_word(word);
		if (value & GRANULE_LOCK) {
			plat_relax();
			continue;
		}
		if (word_state(value) != state || (value & GRANULE_REFS_MAX) == GRANULE_REFS_MAX)
			return false;
		if (replace_word(word, value, value + 1))
			return true;
	}
}

bool granule_unref(u64 pa, enum granule_state state)
{
	u16 *word = find_word(pa);
	u16 value;

	if (!word)
		return false;
	for (;;) {
		/* Never locked here: only granules without references can be. */
		value = load_word(word);
		if ((value & GRANULE_LOCK) || word_state(value) != state ||
		    (value & GRANULE_REFS_MAX) == 0)
			return false;
		if (replace_word(word, value, value - 1))
			return true;
	}
}

u32 granule_refs(u64 pa)
{
	u16 *word = find_word(pa);

	return word ? load_word(word) & GRANULE_REFS_MAX : 0;
}

enum mon_status call_granule_delegate(struct mon_root *root, struct mon_region *r,
				      struct mon_args *args)
{
	u64 pa = args->arg[0];
	struct granule g;

	(void)r;
	if (!granule_find_lock(pa, GRANULE_HOST, &g))
		return MON_E_GRANULE;
	plat_granule_hide(pa);
	granule_unlock_as(&g, GRANULE_DELEGATED);
	counter_add(&root->delegated, 1);
	return MON_OK;
}

/* A DELEGATED granule holds nothing: it was scrubbed on its way back to that state. */
enum mon_status call_granule_undelegate(struct mon_root *root, struct mon_region *r,
					struct mon_args *args)
{
	u64 pa = args->arg[0];
	struct granule g;

	(void)r;
	if (!granule_find_lock(pa, GRANULE_DELEGATED, &g))
		return MON_E_GRANULE;
	plat_granule_show(pa);
	granule_unlock_as(&g, GRANULE_HOST);
	counter_add(&root->delegated, -1);
	return MON_OK;
}
