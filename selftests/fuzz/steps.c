// SPDX-License-Identifier: Apache-2.0
/* Bytes into calls. See sequence.h. */
#include "steps.h"

/* Calls: each makes one from the bytes to come ---------------------------------- */

enum mon_status plain(struct sequence *s, struct model_call *c)
{
	c->caller = MON_CALLER_HOST;
	return make_call(s, c, NO_FAILURE);
}

/* What a call may ask of the platform: any other operation would not come, and so not fail. */
static const u32 operations[MON_CALL_COUNT] = {
#define OP(name) (1u << HOST_OP_##name)
	[MON_CALL_REGION_CREATE] = OP(RANDOM) | OP(AEAD_SET) | OP(HASH_INIT) | OP(HASH_UPDATE),
	[MON_CALL_REGION_INIT] = OP(HASH_UPDATE) | OP(HASH_FINAL),
	[MON_CALL_REGION_REKEY] = OP(RANDOM) | OP(AEAD_SET),
	[MON_CALL_PAGE_ADD] = OP(HASH_UPDATE),
	[MON_CALL_PAGE_LOAD] = OP(OPEN),
	[MON_CALL_PAGE_EVICT] = OP(SEAL),
	[MON_CALL_REPORT] = OP(HMAC),
	[MON_CALL_REPORT_VERIFY] = OP(HMAC),
	[MON_CALL_QUOTE] = OP(HASH_INIT) | OP(HASH_UPDATE) | OP(HASH_FINAL) | OP(ECDSA_SIGN),
	[MON_CALL_PROVISION] = OP(HMAC) | OP(ECDSA_PUBLIC),
#undef OP
};

static enum host_op choose_operation(struct sequence *s, u32 call)
{
	enum host_op op = (enum host_op)(take(s) % HOST_OP_UNMAP);

	while (operations[call] && !(operations[call] & 1u << op))
		op = (enum host_op)((op + 1) % HOST_OP_UNMAP);
	return op;
}

/* With what the platform is to do to it: fail, or be interrupted by another call. */
static enum mon_status tried(struct sequence *s, struct model_call *c)
{
	static const enum mon_status statuses[] = { MON_E_NO_MEMORY, MON_E_CRYPTO };
	enum mon_status status;
	enum host_op op;
	u32 how = take(s);

	c->caller = MON_CALLER_HOST;
	if (s->outer || how < 192)
		return make_call(s, c, NO_FAILURE);
	if (how < 228 || !s->alone) {
		s->interrupt_in = 1 + how % 4;
		status = make_call(s, c, NO_FAILURE);
		s->interrupt_in = 0;
		return status;
	}
	op = choose_operation(s, c->id);
	status = statuses[how % 2];
	if (op == HOST_OP_OPEN && how % 3 == 0)
		status = MON_E_INTEGRITY;
	if (op == HOST_OP_ECDSA_PUBLIC && how % 3 == 0)
		status = MON_E_RANGE;
	return make_call(s, c, op, 1 + how / 4 % 2, status);
}

static void step_delegate(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_GRANULE_DELEGATE };

	c.arg[0] = choose_granule(s, WITH_HOST);
	plain(s, &c);
}

static void step_undelegate(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_GRANULE_UNDELEGATE };

	c.arg[0] = choose_granule(s, IDLE);
	plain(s, &c);
}

static void step_create(struct sequence *s)
{
	static const u64 sizes[] = { 1, 4, 16, 170, 171, 1000, 87040, 87041, 1ull << 28,
				     0, (1ull << 28) + 1, ~0ull };
	struct model_call c = { .id = MON_CALL_REGION_CREATE };
	u32 how = take(s);

	c.arg[0] = choose_granule(s, IDLE);
	c.arg[1] = sizes[how >= 250 ? 9 + how % 3 : how % 9];
	c.arg[2] = take(s) >= 252 ? 1ull << (how % 64) : how & MON_REGION_FLAGS;
	c.arg[3] = c.arg[0];
	tried(s, &c);
}

static void step_donate(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_REGION_DONATE };

	c.arg[0] = choose_region(s);
	c.arg[1] = choose_granule(s, IDLE);
	plain(s, &c);
}

static void step_init(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_REGION_INIT };
	u8 measurement[MON_DIGEST_LEN];

	c.arg[0] = choose_region(s);
	c.arg[1] = take(s) >= 250 ? 0 : (u64)(size_t)measurement;
	tried(s, &c);
}

static void step_rekey(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_REGION_REKEY };

	c.arg[0] = choose_region(s);
	tried(s, &c);
}

static void step_kill(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_REGION_KILL };

	c.arg[0] = choose_region(s);
	/* Rather the region whose call this comes into the middle of. */
	if (s->outer && s->outer->region >= 0)
		c.arg[0] = s->outer->arg[0];
	tried(s, &c);
}

static void step_reclaim(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_REGION_RECLAIM };
	u64 pas[MON_RECLAIM_BATCH];
	u32 how = take(s);

	c.arg[0] = choose_region(s);
	c.arg[1] = how == 255 ? 0 : (u64)(size_t)pas;
	c.arg[2] = how >= 250 ? (how % 2 ? 0 : 65) : 1 + how % 9;
	plain(s, &c);
}

static void step_destroy(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_REGION_DESTROY };

	c.arg[0] = choose_region(s);
	plain(s, &c);
}

static void step_stats(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_REGION_STATS };
	struct mon_region_stats stats;

	c.arg[0] = choose_region(s);
	c.arg[1] = take(s) >= 192 ? 0 : (u64)(size_t)&stats;
	plain(s, &c);
}

static void step_add(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_PAGE_ADD };
	u32 how = take(s);

	c.arg[0] = choose_region(s);
	c.arg[1] = choose_page(s, c.arg[0]);
	c.arg[2] = choose_permissions(s) | choose_class(s) << 32;
	c.arg[3] = how % 4 == 3 ? 0 : how % 4;
	if (how >= 252)
		c.arg[3] = how;
	if (c.arg[3] != MON_PAGE_ZERO || c.arg[2] >> 32 || how >= 240)
		c.arg[4] = choose_granule(s, IDLE);
	if (c.arg[3] != MON_PAGE_ZERO || how >= 248) {
		c.arg[5] = (u64)(size_t)s->source + (how == 239 ? 8 : 0);
		c.contents = choose_contents(s);
		memcpy(s->source, pattern_of(c.contents), PAGE);
		c.bytes = pattern_of(c.contents);
	}
	if (how == 238)
		c.arg[5] = 0;
	tried(s, &c);
}

static void step_map(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_PAGE_MAP };
	u32 how = take(s);

	c.arg[0] = choose_region(s);
	c.arg[1] = choose_page_in(s, c.arg[0], HELD);
	c.arg[2] = how >= 250 ? how : how % 4;
	plain(s, &c);
}

static void step_unpin(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_PAGE_UNPIN };
	u32 how = take(s), g;

	c.arg[0] = choose_granule(s, IS_FRAME);
	for (g = 0; how < 240 && g < s->model.granule_count; g++)
		if (s->model.granules[g].pins)
			c.arg[0] = model_pa(&s->model, (int)g);
	plain(s, &c);
}

void unpin(struct sequence *s, u64 frame)
{
	struct model_call c = { .id = MON_CALL_PAGE_UNPIN, .arg = { frame } };

	plain(s, &c);
}

/* What a program does to a page that it may write: through the mapping, no call is made. */
static void step_touch(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_PAGE_MAP };
	struct model_page *page;
	u32 contents = choose_contents(s);

	c.arg[0] = choose_region(s);
	c.arg[1] = choose_page_in(s, c.arg[0], HELD);
	c.arg[2] = MON_PERM_WRITE;
	if (plain(s, &c) != MON_OK)
		return;
	page = c.page;
	unpin(s, model_pa(&s->model, page->frame));
	memcpy(host_granule_peek(model_pa(&s->model, page->frame)), pattern_of(contents), PAGE);
	model_store(&s->model, page->frame, contents);
	note(s, "  the host writes contents %u\n", contents);
}

/* A frame can be pinned so often and no more. */
static void step_pin_often(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_PAGE_MAP, .caller = MON_CALLER_HOST };
	size_t log;
	u32 pins = 0;
	u64 frame = 0;

	if (!s->alone || s->outer || take(s) < 250)
		return;
	c.arg[0] = choose_region(s);
	c.arg[1] = choose_page_in(s, c.arg[0], HELD);
	for (log = s->log_length; plain(s, &c) == MON_OK; s->log_length = log, pins++)
		frame = c.result[0];
	note(s, "  after %u pins, and back\n", pins);
	for (log = s->log_length; pins--; s->log_length = log)
		unpin(s, frame);
}

/* Which sealing lies at @address now. */
static u64 sealing_at(struct sequence *s, u64 address)
{
	u32 i;

	for (i = 0; i < SLOTS; i++)
		if (address == (u64)(size_t)s->slots[i].bytes && s->slots[i].whole)
			return s->slots[i].sealing;
	return 0;
}

static u64 choose_cipher(struct sequence *s, u64 region, u64 page)
{
	int g = region_of_pa(s, region);
	struct model_page *p = g < 0 ? NULL : model_page(&s->model, g, page);
	u32 how = take(s), i;

	if (how >= 252)
		return how % 2 ? 0 : (u64)(size_t)s->slots[0].bytes + 16;
	for (i = 0; how < 208 && p && i < SLOTS; i++)
		if (s->slots[i].sealing == p->sealing)
			return (u64)(size_t)s->slots[i].bytes;
	return (u64)(size_t)s->slots[how % SLOTS].bytes;
}

/* Two calls at once that work on one ciphertext are the host's own mistake. */
static bool cipher_in_use(const struct sequence *s, u64 cipher)
{
	if (!s->outer)
		return false;
	return (s->outer->id == MON_CALL_PAGE_LOAD && s->outer->arg[3] == cipher) ||
	       (s->outer->id == MON_CALL_PAGE_EVICT && s->outer->arg[2] == cipher);
}

static void step_load(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_PAGE_LOAD };
	u32 how = take(s);

	c.arg[0] = choose_region(s);
	c.arg[1] = choose_page_in(s, c.arg[0], how % 4 ? STORED : STILL_ZERO);
	c.arg[2] = choose_granule(s, IDLE);
	c.arg[3] = choose_cipher(s, c.arg[0], c.arg[1]);
	c.arg[4] = how >= 250 ? how : how / 4 % 2;
	c.sealing = sealing_at(s, c.arg[3]);
	if (!cipher_in_use(s, c.arg[3]))
		tried(s, &c);
}

static void step_evict(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_PAGE_EVICT };
	struct slot *slot;
	u32 how = take(s);

	c.arg[0] = choose_region(s);
	c.arg[1] = choose_page_in(s, c.arg[0], HELD);
	slot = &s->slots[take(s) % SLOTS];
	c.arg[2] = (u64)(size_t)slot->bytes;
	if (how >= 252)
		c.arg[2] = how % 2 ? 0 : c.arg[2] + 32;
	if (cipher_in_use(s, c.arg[2]) || tried(s, &c) == MON_OK || !c.page)
		return;
	/* A sealing that fails may leave anything there. */
	memset(slot->bytes, 0, PAGE);
	slot->sealing = 0;
	slot->whole = false;
}

static void step_next_resident(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_PAGE_NEXT_RESIDENT };

	c.arg[0] = choose_region(s);
	c.arg[1] = choose_page(s, c.arg[0]);
	plain(s, &c);
}

static void step_remove(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_PAGE_REMOVE };
	u32 how = take(s);

	c.arg[0] = choose_region(s);
	c.arg[1] = how % 4 ? choose_page(s, c.arg[0]) :
			     choose_page_in(s, c.arg[0], how % 8 ? HELD : STORED);
	tried(s, &c);
}

static void step_report(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_REPORT };
	u8 data[MON_REPORT_DATA_LEN];
	struct mon_report report;
	u32 how = take(s);

	memset(data, (int)how, sizeof(data));
	c.arg[0] = choose_region(s);
	c.arg[1] = how == 255 ? 0 : (u64)(size_t)data;
	c.arg[2] = how == 254 ? 0 : (u64)(size_t)&report;
	tried(s, &c);
}

static void step_report_verify(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_REPORT_VERIFY };
	struct mon_report report = s->report;
	u32 how = take(s);

	c.good_report = s->have_report;
	c.arg[0] = how == 255 ? 0 : (u64)(size_t)&report;
	if (how % 2) {
		((u8 *)&report)[take(s) * 7 % sizeof(report)] ^= (u8)(1u << how % 8);
		c.good_report = false;
	}
	tried(s, &c);
}

static void step_quote(struct sequence *s)
{
	static const u8 certs[256] = { 0x30, 0x82 };
	struct model_call c = { .id = MON_CALL_QUOTE };
	struct mon_quote q = { .nonce_len = 32 };
	u8 out[2048];
	u32 how = take(s);

	q.alg = how >= 250 ? (enum mon_sign_alg)(how % 4) : (enum mon_sign_alg)(1 + how % 2);
	if (take(s) >= 240)
		q.nonce_len = how % 2 ? 7 : 65;
	memset(q.nonce, (int)(how | 1), q.nonce_len % 65);
	memset(q.report_data, (int)(how + 3), sizeof(q.report_data));
	q.cert_count = how / 8 % 6;
	q.cert_len[0] = how % 128;
	q.cert_len[1] = 1;
	q.cert_len[2] = how == 77 ? 20000 : 3;
	q.cert_len[3] = 4;
	q.certs = how == 99 ? NULL : certs;
	/* To sign takes longer than all the rest. */
	q.out_len = s->signatures ? sizeof(out) - how * 4 : 0;
	q.out = how == 98 ? NULL : out;
	c.arg[0] = choose_region(s);
	c.arg[1] = how == 97 ? 0 : (u64)(size_t)&q;
	c.arg[2] = choose_granule(s, IDLE);
	c.quote = &q;
	if (tried(s, &c) == MON_OK && s->signatures)
		s->signatures--;
}

static void step_provision(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_PROVISION };
	struct mon_provision provision = { 0 };
	u32 how = take(s);

	/* It costs two public keys. */
	if (how < 128 && !s->model.provisioned)
		return;
	memset(provision.cdi_attest, how == 255 ? 0 : 1, sizeof(provision.cdi_attest));
	memset(provision.cdi_seal, how == 254 ? 0 : 2, sizeof(provision.cdi_seal));
	c.arg[0] = how == 253 ? 0 : (u64)(size_t)&provision;
	c.provision = &provision;
	tried(s, &c);
}

static void step_get_info(struct sequence *s)
{
	struct model_call c = { .id = MON_CALL_GET_INFO };
	struct mon_info info;

	c.arg[0] = take(s) >= 192 ? 0 : (u64)(size_t)&info;
	plain(s, &c);
}

/* A call that does not exist, that the caller may not make, or with an argument too many. */
static void step_odd(struct sequence *s)
{
	struct model_call c = { .caller = MON_CALLER_HOST, .id = take(s) % MON_CALL_COUNT };
	u32 how = take(s);

	c.arg[0] = choose_region(s);
	if (how % 3 == 0)
		c.id = how % 2 ? MON_CALL_COUNT + how : ~0u - how;
	else if (how % 3 == 1)
		c.caller = how == 1 ? MON_CALLER_ENCLAVE : how;
	else
		c.arg[5] = how;
	if (how % 3 == 2 && c.id == MON_CALL_PAGE_ADD)
		return;
	make_call(s, &c, NO_FAILURE);
}

/* The host's own doing ----------------------------------------------------------- */

static void step_host_store(struct sequence *s)
{
	int g = model_granule(&s->model, choose_granule(s, WITH_HOST));
	u32 contents = choose_contents(s);

	if (g < 0 || s->model.granules[g].owner != WITH_HOST)
		return;
	memcpy(host_granule_peek(model_pa(&s->model, g)), pattern_of(contents), PAGE);
	model_store(&s->model, g, contents);
	note(s, "the host writes contents %u to granule %d\n", contents, g);
}

static void flip(struct slot *slot)
{
	slot->bytes[slot->flipped / 8] ^= (u8)(1u << slot->flipped % 8);
	slot->whole = !slot->whole;
}

static void step_flip(struct sequence *s)
{
	struct slot *slot = &s->slots[take(s) % SLOTS];

	if (!slot->sealing || s->outer)
		return;
	if (slot->whole)
		slot->flipped = (take(s) << 8 | take(s)) % (PAGE * 8);
	flip(slot);
	note(s, "the host %s sealing %llu\n", slot->whole ? "mends" : "changes a bit of",
	     slot->sealing);
}

/* One page's ciphertext where another's belongs, or an old one kept to be played back. */
static void step_copy(struct sequence *s)
{
	struct slot *from = &s->slots[take(s) % SLOTS], *to = &s->slots[take(s) % SLOTS];

	if (from == to || s->outer)
		return;
	memcpy(to->bytes, from->bytes, PAGE);
	to->sealing = from->sealing;
	to->whole = from->whole;
	to->flipped = from->flipped;
	note(s, "the host copies sealing %llu\n", from->sealing);
}

/* Most sequences begin with what a sane host does: else few would get to a LIVE region. */
static void step_build(struct sequence *s)
{
	static const u64 sizes[] = { 4, 16, 171, 400 };
	struct model_call c = { .id = MON_CALL_GRANULE_DELEGATE };
	u32 how = take(s), pages = how % 7, i, g;
	u64 region;

	for (g = 0, i = 0; g < s->model.granule_count && i < 12; g++) {
		c.arg[0] = model_pa(&s->model, (int)g);
		if (s->model.granules[g].owner == WITH_HOST && plain(s, &c) == MON_OK)
			i++;
	}
	region = choose_granule(s, IDLE);
	c = (struct model_call){ .id = MON_CALL_REGION_CREATE,
				 .arg = { region, sizes[how % 4], how / 4 % 2, region } };
	if (plain(s, &c) != MON_OK)
		return;
	for (i = 0; i < 3; i++) {
		c = (struct model_call){ .id = MON_CALL_REGION_DONATE, .arg = { region } };
		c.arg[1] = choose_granule(s, IDLE);
		plain(s, &c);
	}
	for (i = 0; i < pages; i++) {
		u32 kind = take(s) % 3;

		c = (struct model_call){ .id = MON_CALL_PAGE_ADD, .arg = { region, i, 3, kind } };
		if (kind != MON_PAGE_ZERO) {
			c.contents = choose_contents(s);
			memcpy(s->source, pattern_of(c.contents), PAGE);
			c.bytes = pattern_of(c.contents);
			c.arg[4] = choose_granule(s, IDLE);
			c.arg[5] = (u64)(size_t)s->source;
		}
		if (kind == MON_PAGE_ATTR && how >= 192)
			c.arg[2] |= 1ull << 32;
		plain(s, &c);
	}
	if (how < 224) {
		u8 measurement[MON_DIGEST_LEN];

		c = (struct model_call){ .id = MON_CALL_REGION_INIT,
					 .arg = { region, (u64)(size_t)measurement } };
		plain(s, &c);
	}
}

typedef void step_fn(struct sequence *s);

/* As often as listed. */
static step_fn * const steps[] = {
	step_delegate, step_delegate, step_undelegate, step_create, step_donate, step_init,
	step_rekey, step_rekey, step_kill, step_reclaim, step_reclaim, step_destroy, step_stats,
	step_add, step_add, step_add, step_map, step_map, step_unpin, step_unpin, step_unpin,
	step_touch, step_touch, step_touch, step_pin_often, step_load, step_load, step_load,
	step_load, step_load, step_evict, step_evict, step_evict, step_evict, step_evict,
	step_next_resident, step_remove, step_report, step_report_verify, step_quote,
	step_provision, step_get_info, step_odd, step_host_store, step_flip, step_copy,
	step_build, step_build,
};

void step(struct sequence *s)
{
	steps[take(s) % (sizeof(steps) / sizeof(*steps))](s);
}
