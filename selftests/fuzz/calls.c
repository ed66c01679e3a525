// SPDX-License-Identifier: Apache-2.0
/* One call, on the monitor and on the model. See sequence.h. */
#include <stdio.h>

#include "sequence.h"

/* Which argument names a granule, which a page: to print them in words. */
static void print_argument(struct sequence *s, u64 value)
{
	int g = model_granule(&s->model, value);

	if (g >= 0)
		note(s, " granule %d", g);
	else if (value < 1 << 28)
		note(s, " %llu", value);
	else
		note(s, " %#llx", value);
}

static void print_call(struct sequence *s, const struct model_call *c)
{
	const char *name = mon_call_name(c->id);
	int last = MON_ARGS - 1, i;

	note(s, "%s%s", s->outer ? "    in the middle: " : "", name ? name : "no such call");
	if (c->caller != MON_CALLER_HOST)
		note(s, " (caller %u)", c->caller);
	while (last >= 0 && !c->arg[last])
		last--;
	for (i = 0; i <= last; i++)
		print_argument(s, c->arg[i]);
	if (c->id == MON_CALL_PAGE_LOAD)
		note(s, " (sealing %llu)", c->sealing);
	if (c->id == MON_CALL_PAGE_ADD)
		note(s, " (contents %u)", c->contents);
}

/* What the host does with its answers: translations, and what it stored. */
static void after_evict(struct sequence *s, struct model_call *c)
{
	const u8 *plain = pattern_of(c->page->contents);
	const u8 *cipher = host_pointer(c->arg[2]);
	struct slot *slot = NULL;
	u64 stream[2], p[2];
	u32 i;

	for (i = 0; i < SLOTS; i++)
		if (s->slots[i].bytes == cipher)
			slot = &s->slots[i];
	if (!slot)
		differ(s, "evicted to an address that is no slot");
	slot->sealing = c->page->sealing;
	slot->whole = true;
	memcpy(stream, cipher, sizeof(stream));
	memcpy(p, plain, sizeof(p));
	stream[0] ^= p[0];
	stream[1] ^= p[1];
	if (!stream[0] && !stream[1])
		differ(s, "the page was stored as it is");
	for (i = 0; i < s->keystream_count; i++)
		if (stream[0] == s->keystreams[i][0] && stream[1] == s->keystreams[i][1])
			differ(s, "two pages were encrypted with the same key and nonce");
	if (s->keystream_count < KEYSTREAMS)
		memcpy(s->keystreams[s->keystream_count++], stream, sizeof(stream));
}

static void after_report(struct sequence *s, const struct model_call *c)
{
	const struct mon_report *report = host_pointer(c->arg[2]);
	const struct model_region *r = &s->model.regions[c->region];

	if (memcmp(report->measurement, r->measurement, MON_DIGEST_LEN) ||
	    (s->alone && report->region_id != r->id) || report->region_bytes != r->size * 4096 ||
	    report->region_flags != r->flags ||
	    memcmp(report->report_data, host_pointer(c->arg[1]), MON_REPORT_DATA_LEN))
		differ(s, "the report does not say what is");
	s->report = *report;
	s->have_report = true;
}

static void must_contain(struct sequence *s, const struct mon_quote *q, const void *what,
			 size_t len, const char *name)
{
	if (!memmem(q->out, q->quote_len, what, len))
		differ(s, "the quote does not have the %s", name);
}

static void after_quote(struct sequence *s, const struct model_call *c)
{
	const struct mon_quote *q = c->quote;

	must_contain(s, q, q->nonce, q->nonce_len, "nonce");
	must_contain(s, q, s->model.regions[c->region].measurement, MON_DIGEST_LEN, "measurement");
	must_contain(s, q, q->report_data, MON_REPORT_DATA_LEN, "report data");
}

static void check_answers(struct sequence *s, struct model_call *c, const struct mon_args *args,
			  enum mon_status status)
{
	const u64 *result = args->result;
	const char *wrong = NULL;

	switch (c->id) {
	case MON_CALL_REGION_RECLAIM:
		wrong = model_reclaimed(&s->model, c, status, host_pointer(c->arg[1]), result[0]);
		break;
	case MON_CALL_PAGE_NEXT_RESIDENT:
		wrong = model_next_resident(&s->model, c, result[0], result[1]);
		break;
	case MON_CALL_PAGE_REMOVE:
		wrong = model_next_after_remove(&s->model, c, result[1]);
		if (result[0] != c->result[0])
			wrong = "the frame of a removed page is another one";
		break;
	case MON_CALL_QUOTE:
		wrong = model_quoted(&s->model, c, status, c->quote->quote_len);
		break;
	case MON_CALL_REGION_CREATE:
		if (s->alone && result[0] != c->result[0])
			wrong = "the region's id is another one";
		break;
	case MON_CALL_REGION_INIT:
		if (memcmp(host_pointer(c->arg[1]), s->model.regions[c->region].measurement,
			   MON_DIGEST_LEN))
			wrong = "the measurement is another one";
		break;
	default:
		if (memcmp(result, c->result, sizeof(c->result)))
			wrong = "the results are other ones";
	}
	if (wrong)
		differ(s, "%s: %s; results %#llx %#llx, expected %#llx %#llx",
		       mon_call_name(c->id), wrong, result[0], result[1], c->result[0],
		       c->result[1]);
}

static void after_success(struct sequence *s, struct model_call *c)
{
	switch (c->id) {
	case MON_CALL_PAGE_MAP:
		c->page->mapped = true;
		break;
	case MON_CALL_PAGE_LOAD:
		c->page->mapped = c->arg[4];
		break;
	case MON_CALL_PAGE_EVICT:
		after_evict(s, c);
		break;
	case MON_CALL_REPORT:
		after_report(s, c);
		break;
	case MON_CALL_QUOTE:
		after_quote(s, c);
		break;
	}
}

/* A status that only the answer settles: the model checks it with the results. */
static bool left_open(const struct model_call *c, enum mon_status wanted, enum mon_status got)
{
	if (c->id == MON_CALL_QUOTE)
		return wanted == MON_OK && got == MON_E_SPACE;
	return c->id == MON_CALL_REGION_RECLAIM && wanted == MON_OK && got == MON_E_BUSY;
}

enum mon_status make_call(struct sequence *s, struct model_call *c, enum host_op fail_op,
			  u64 fail_nth, enum mon_status fail_with)
{
	const struct model_call *outer = s->outer;
	struct mon_args args = { .result = { 0x5eed, 0x5eed } };
	enum mon_status wanted, got, failure = MON_OK;
	bool begun;

	memcpy(args.arg, c->arg, sizeof(args.arg));
	print_call(s, c);
	if (fail_nth)
		note(s, ", %s %llu fails with %s", host_op_name(fail_op), fail_nth,
		     status_text(fail_with));
	if (s->interrupt_in && !outer)
		note(s, ", interrupted at operation %u\n", s->interrupt_in);

	wanted = model_begin(&s->model, c);
	begun = wanted == MON_OK;
	if (!outer)
		s->outer = c;
	if (fail_nth)
		host_fail(1u << fail_op, fail_nth, fail_with);
	got = mon_call(s->root, c->caller, c->id, &args);
	if (fail_nth && host_failed())
		failure = fail_op == HOST_OP_RANDOM ? MON_E_CRYPTO : fail_with;
	if (fail_nth)
		host_fail(0, 0, MON_OK);
	s->outer = outer;
	if (failure != MON_OK && !begun)
		differ(s, "a refused call had already begun to work");
	if (begun)
		wanted = model_end(&s->model, c, failure);
	note(s, " = %s\n", status_text(got));
	s->calls++;
	s->refused += got != MON_OK;
	s->failures += failure != MON_OK;
	if (got != wanted && !left_open(c, wanted, got))
		differ(s, "%s answers %s, expected %s", mon_call_name(c->id), status_text(got),
		       status_text(wanted));
	if (begun && wanted == MON_OK)
		check_answers(s, c, &args, got);
	else if (c->id == MON_CALL_PAGE_MAP && got == MON_E_SEALED)
		check_answers(s, c, &args, got);
	if (got == MON_OK)
		after_success(s, c);
	compare_all(s);
	return got;
}
