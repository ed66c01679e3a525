// SPDX-License-Identifier: Apache-2.0
/* Is the monitor as the model has it? See sequence.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sequence.h"

void note(struct sequence *s, const char *format, ...)
{
	size_t room = LOG_SIZE - s->log_length;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(s->log + s->log_length, room, format, args);
	va_end(args);
	/* What no longer fits is not worth a larger log: what went before is there. */
	if (len > 0 && (size_t)len < room)
		s->log_length += (size_t)len;
}

void tell(struct sequence *s)
{
	if (s->told)
		return;
	s->told = true;
	fprintf(stderr, "\n%s: the calls up to here:\n", s->name);
	fwrite(s->log, 1, s->log_length, stderr);
}

void differ(struct sequence *s, const char *format, ...)
{
	va_list args;

	tell(s);
	fputs("DIFFERENT: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

const char *status_text(enum mon_status status)
{
	static const char * const names[] = {
		[MON_OK] = "OK", [MON_E_CALL] = "CALL", [MON_E_ARGUMENT] = "ARGUMENT",
		[MON_E_GRANULE] = "GRANULE", [MON_E_STATE] = "STATE", [MON_E_EXISTS] = "EXISTS",
		[MON_E_ABSENT] = "ABSENT", [MON_E_RESIDENT] = "RESIDENT",
		[MON_E_SEALED] = "SEALED", [MON_E_BUSY] = "BUSY",
		[MON_E_PERMISSION] = "PERMISSION", [MON_E_NEED_TABLES] = "NEED_TABLES",
		[MON_E_INTEGRITY] = "INTEGRITY", [MON_E_EXHAUSTED] = "EXHAUSTED",
		[MON_E_NO_MEMORY] = "NO_MEMORY", [MON_E_CRYPTO] = "CRYPTO",
		[MON_E_RANGE] = "RANGE", [MON_E_SPACE] = "SPACE",
		[MON_E_UNPROVISIONED] = "UNPROVISIONED", [MON_E_PROVISIONED] = "PROVISIONED",
		[MON_E_PINNED] = "PINNED",
	};

	return (size_t)status < sizeof(names) / sizeof(*names) ? names[status] : "no status";
}

static const enum granule_state states[] = {
	[WITH_HOST] = GRANULE_HOST, [IDLE] = GRANULE_DELEGATED, [IS_ROOT] = GRANULE_ROOT,
	[IS_REGION] = GRANULE_REGION, [IS_TABLE] = GRANULE_TABLE, [IS_FRAME] = GRANULE_FRAME,
	[AT_WORK] = GRANULE_SCRATCH,
};

static void compare_granule(struct sequence *s, int g)
{
	const struct model_granule *granule = &s->model.granules[g];
	u64 pa = model_pa(&s->model, g);
	u32 refs = granule->pins;

	if (granule->owner == IS_REGION)
		refs = s->model.regions[g].calls;
	if (granule_state(pa) != states[granule->owner])
		differ(s, "granule %d is in state %d, expected %d", g, granule_state(pa),
		       states[granule->owner]);
	if (granule_refs(pa) != refs)
		differ(s, "granule %d has %u references, expected %u", g, granule_refs(pa), refs);
	if (host_granule_hidden(pa) != (granule->owner != WITH_HOST))
		differ(s, "granule %d is %s from the host", g,
		       host_granule_hidden(pa) ? "hidden" : "not hidden");
	if (granule->contents != CONTENTS_UNKNOWN &&
	    memcmp(host_granule_peek(pa), pattern_of(granule->contents), MON_GRANULE_SIZE))
		differ(s, "granule %d does not hold contents %u", g, granule->contents);
}

static void compare_number(struct sequence *s, int region, const char *what, u64 got, u64 wanted)
{
	if (got != wanted)
		differ(s, "region %d: %s is %llu, expected %llu", region, what, got, wanted);
}

static void compare_region(struct sequence *s, int g)
{
	const struct model_region *r = &s->model.regions[g];
	struct mon_region_stats stats;

	if (mon_region_stats(s->root, model_pa(&s->model, g), &stats) != MON_OK)
		differ(s, "region %d has no stats", g);
#define SAME(field, wanted) compare_number(s, g, #field, stats.field, wanted)
	if (s->alone)
		SAME(id, r->id);
	SAME(state, (u64)r->state);
	SAME(flags, r->flags);
	SAME(pages, r->size);
	SAME(added, r->added);
	SAME(resident, r->resident);
	SAME(sealed, r->sealed);
	SAME(zero, r->zero);
	SAME(pinned, r->pinned);
	SAME(granules, r->granules);
	SAME(loads, r->loads);
	SAME(evictions, r->evictions);
	SAME(integrity_failures, r->integrity_failures);
	SAME(quotes, r->quotes);
	SAME(generation, r->generation);
#undef SAME
	if (memcmp(stats.measurement, r->measurement, MON_DIGEST_LEN))
		differ(s, "region %d: the measurement is another one", g);
}

static void compare_info(struct sequence *s)
{
	const struct model *m = &s->model;
	struct mon_info info;

	if (mon_get_info(s->root, &info) != MON_OK)
		differ(s, "no info");
	if (info.provisioned != m->provisioned)
		differ(s, "the device says it is %sprovisioned", info.provisioned ? "" : "not ");
	if (info.regions < m->region_count || info.frames < m->frame_count ||
	    info.delegated < m->delegated)
		differ(s, "the device counts less than one thread has");
	if (!s->alone)
		return;
	if (info.regions != m->region_count || info.frames != m->frame_count ||
	    info.delegated != m->delegated)
		differ(s, "the device counts %llu regions, %llu frames, %llu granules; expected %llu, %llu, %llu",
		       info.regions, info.frames, info.delegated, m->region_count, m->frame_count,
		       m->delegated);
}

void compare_all(struct sequence *s)
{
	/* In the middle of a call its own page may be on its way out. */
	const char *broken = s->outer ? NULL : model_broken(&s->model);
	u32 g;

	if (broken)
		differ(s, "%s", broken);
	for (g = 0; g < s->model.granule_count; g++)
		compare_granule(s, (int)g);
	for (g = 0; g < s->model.granule_count; g++)
		if (s->model.regions[g].alive)
			compare_region(s, (int)g);
	compare_info(s);
}
