// SPDX-License-Identifier: Apache-2.0
/* The beginning and the end of a sequence, and the platform in between. See sequence.h. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "steps.h"

#define ALONE_GRANULES	56
#define SIGNATURES	2	/* in one sequence */

static u8 patterns[PATTERNS][MON_GRANULE_SIZE] __attribute__((aligned(MON_GRANULE_SIZE)));

/* Whose call it is that the platform is told about. */
static __thread struct sequence *current;

static u64 mix(u64 *state)
{
	u64 x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	return x ^ (x >> 32);
}

const u8 *pattern_of(u32 contents)
{
	return patterns[contents % PATTERNS];
}

/* Platform ----------------------------------------------------------------------- */

static void on_operation(enum host_op op, enum host_moment moment, void *unused)
{
	struct sequence *s = current;

	(void)unused;
	if (!s || !s->outer)
		return;
	if (op == HOST_OP_SEAL && moment == HOST_BEFORE && s->outer->page &&
	    s->outer->page->mapped)
		differ(s, "a page is being encrypted that the host can still write to");
	if (!s->interrupt_in || --s->interrupt_in)
		return;
	s->interruptions++;
	step(s);
}

static void on_unmap(u64 cookie, u64 first, u64 count, void *unused)
{
	(void)unused;
	if (current)
		model_unmapped(&current->model, cookie, first, count);
}

static bool on_random(void *out, size_t len, void *unused)
{
	static u64 shared = 1;
	u64 *state = current ? &current->random : &shared;
	u8 *bytes = out;
	size_t i;

	(void)unused;
	for (i = 0; i < len; i++)
		bytes[i] = (u8)mix(state);
	return true;
}

/* Beginning and end ---------------------------------------------------------------- */

void sequence_tell(void)
{
	if (current)
		tell(current);
}

/* Of a monitor or platform that finds itself broken. libFuzzer has a handler of its own. */
static struct sigaction before_us;

static void on_abort(int sig, siginfo_t *info, void *context)
{
	sequence_tell();
	if ((before_us.sa_flags & SA_SIGINFO) && before_us.sa_sigaction)
		before_us.sa_sigaction(sig, info, context);
}

void sequence_prepare(void)
{
	struct sigaction ours = { .sa_sigaction = on_abort, .sa_flags = SA_SIGINFO };
	u64 state = 0xc0ffee;
	u32 i, k;

	sigaction(SIGABRT, &ours, &before_us);
	for (i = 1; i < PATTERNS; i++)
		for (k = 0; k < PAGE; k++)
			patterns[i][k] = (u8)mix(&state);
}

void sequence_on_platform(void)
{
	host_set_random(on_random, NULL);
	host_set_hook(HOST_OPS_ALL, on_operation, NULL);
	host_set_unmap(on_unmap, NULL);
}

static void *granule_buffer(void)
{
	void *buffer = aligned_alloc(PAGE, PAGE);

	if (!buffer) {
		fputs("no memory for the fuzzer's buffers\n", stderr);
		exit(1);
	}
	memset(buffer, 0, PAGE);
	return buffer;
}

static void get_buffers(struct sequence *s)
{
	u32 i;

	if (s->log)
		return;
	s->log = malloc(LOG_SIZE);
	if (!s->log) {
		fputs("no memory for the fuzzer's log\n", stderr);
		exit(1);
	}
	s->source = granule_buffer();
	for (i = 0; i < SLOTS; i++)
		s->slots[i].bytes = granule_buffer();
}

void sequence_free(struct sequence *s)
{
	u32 i;

	free(s->log);
	free(s->source);
	for (i = 0; i < SLOTS; i++)
		free(s->slots[i].bytes);
	memset(s, 0, sizeof(*s));
}

void sequence_begin(struct sequence *s, struct mon_root *root, const char *name, u64 base,
		    u32 granules, const u8 *bytes, size_t length)
{
	u32 i;

	get_buffers(s);
	current = s;
	s->root = root;
	s->name = name;
	s->bytes = bytes;
	s->length = length;
	s->at = 0;
	s->random = 7;
	s->log_length = 0;
	s->told = false;
	s->keystream_count = 0;
	s->signatures = SIGNATURES;
	s->have_report = false;
	memset(&s->report, 0, sizeof(s->report));
	for (i = 0; i < SLOTS; i++) {
		s->slots[i].sealing = 0;
		s->slots[i].whole = false;
		s->slots[i].flipped = 0;
		memset(s->slots[i].bytes, 0, PAGE);
	}
	/* What an earlier sequence of the thread left in them. */
	for (i = 0; i < granules; i++)
		memset(host_granule_peek(base + (u64)i * PAGE), 0, PAGE);
	model_start(&s->model, base, granules);
	s->model.provisioned = !s->alone;
}

void sequence_steps(struct sequence *s)
{
	while (!at_end(s))
		step(s);
}

static void end_region(struct sequence *s, u64 region)
{
	struct model_call kill = { .id = MON_CALL_REGION_KILL, .arg = { region } };
	struct model_call destroy = { .id = MON_CALL_REGION_DESTROY, .arg = { region } };
	struct model_call c = { .id = MON_CALL_REGION_RECLAIM };
	u64 pas[MON_RECLAIM_BATCH];

	plain(s, &kill);
	c.arg[0] = region;
	c.arg[1] = (u64)(size_t)pas;
	c.arg[2] = MON_RECLAIM_BATCH;
	plain(s, &c);
	plain(s, &destroy);
}

/* All pins, regions and granules go back, and nothing is left in any of them. */
void sequence_end(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_GRANULE_UNDELEGATE };
	u32 g;

	note(s, "the end:\n");
	for (g = 0; g < s->model.granule_count; g++)
		while (s->model.granules[g].pins)
			unpin(s, model_pa(&s->model, (int)g));
	for (g = 0; g < s->model.granule_count; g++)
		if (s->model.granules[g].owner == IS_REGION)
			end_region(s, model_pa(&s->model, (int)g));
	for (g = 0; g < s->model.granule_count; g++) {
		if (s->model.granules[g].owner == WITH_HOST)
			continue;
		c.arg[0] = model_pa(&s->model, (int)g);
		if (plain(s, &c) != MON_OK)
			differ(s, "granule %u does not come back", g);
	}
	current = NULL;
	model_drop(&s->model);
}

void sequence_run(struct sequence *s, const char *name, const u8 *bytes, size_t length)
{
	long keys = host_keys_live();
	struct mon_root *root;

	host_platform_init(ALONE_GRANULES + 1);
	sequence_on_platform();
	s->alone = true;
	if (mon_start(host_granule_pa(0), &root) != MON_OK)
		differ(s, "the monitor does not start");
	sequence_begin(s, root, name, host_granule_pa(1), ALONE_GRANULES, bytes, length);
	sequence_steps(s);
	sequence_end(s);
	if (mon_stop(root) != MON_OK || host_hidden_count() || host_keys_live() != keys)
		differ(s, "something is left when the monitor stops");
	host_platform_exit();
}
