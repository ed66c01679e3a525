// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Quotes: an EAT (RFC 9711) in a COSE_Sign1 (RFC 9052), as linux/cloister_quote.h lays down. The
 * payload is made and signed in a granule of the monitor's, and copied out when it is signed: the
 * host has no moment in which to change it.
 */
#include "monitor_internal.h"

#include <linux/cloister.h>
#include <linux/cloister_quote.h>

#define PROTECTED_MAX	40
#define CLAIMS		21

struct quote_parts {
	u8 protected_header[PROTECTED_MAX];
	size_t protected_len;
	const u8 *payload;
	size_t payload_len;
	u8 signature[MON_SIGNATURE_MAX];
	size_t signature_len;
};

static const char * const lockdown_names[] = {
	[MON_LOCKDOWN_NONE] = "none",
	[MON_LOCKDOWN_INTEGRITY] = "integrity",
	[MON_LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
};

static const char * const iommu_names[] = {
	[MON_IOMMU_NONE] = "none",
	[MON_IOMMU_PARTIAL] = "partial",
	[MON_IOMMU_TRANSLATING] = "translating",
};

static const char * const guard_names[] = {
	[MON_GUARDS_OFF] = "off",
	[MON_GUARDS_PARTIAL] = "partial",
	[MON_GUARDS_ARMED] = "armed",
};

static void claim_bytes(struct cbor_writer *w, int label, const u8 *data, size_t len)
{
	cbor_int(w, label);
	cbor_bytes(w, data, len);
}

static void claim_text(struct cbor_writer *w, int label, const char *text)
{
	cbor_int(w, label);
	cbor_text(w, text);
}

static void claim_uint(struct cbor_writer *w, int label, u64 value)
{
	cbor_int(w, label);
	cbor_uint(w, value);
}

static void claim_bool(struct cbor_writer *w, int label, bool value)
{
	cbor_int(w, label);
	cbor_bool(w, value);
}

/* Keys in the bytewise order of their encoding, as deterministic CBOR has it. */
static void write_claims(struct cbor_writer *w, const struct mon_root *root,
			 const struct mon_quote *q, const struct mon_report *report,
			 const struct mon_posture *posture)
{
	bool debug = report->region_flags & CLOISTER_CREATE_DEBUG;
	/* They pass over a debug region, however they stand. */
	enum mon_guards guards = debug ? MON_GUARDS_OFF : posture->guards;

	cbor_map(w, CLAIMS);
	claim_bytes(w, CLOISTER_CLAIM_NONCE, q->nonce, q->nonce_len);
	claim_bytes(w, CLOISTER_CLAIM_UEID, root->ueid, sizeof(root->ueid));
	claim_text(w, CLOISTER_CLAIM_PROFILE, CLOISTER_QUOTE_PROFILE);
	claim_text(w, CLOISTER_CLAIM_SUBJECT, "region");
	claim_bytes(w, CLOISTER_CLAIM_MEASUREMENT, report->measurement, MON_DIGEST_LEN);
	claim_uint(w, CLOISTER_CLAIM_REGION_SIZE, report->region_bytes);
	claim_uint(w, CLOISTER_CLAIM_REGION_FLAGS, report->region_flags);
	claim_bytes(w, CLOISTER_CLAIM_REPORT_DATA, report->report_data, MON_REPORT_DATA_LEN);
	claim_text(w, CLOISTER_CLAIM_REPORT_DATA_BY, "host");
	claim_bool(w, CLOISTER_CLAIM_DEBUG_EVER, debug);
	claim_text(w, CLOISTER_CLAIM_MODE, plat_mode_name);
	claim_bytes(w, CLOISTER_CLAIM_MONITOR_DIGEST, root->monitor_digest, MON_DIGEST_LEN);
	claim_text(w, CLOISTER_CLAIM_DIGEST_KIND, "asserted");
	claim_text(w, CLOISTER_CLAIM_ROOT, "software");
	claim_bytes(w, CLOISTER_CLAIM_INSTANCE_ID, report->instance, MON_INSTANCE_LEN);
	claim_text(w, CLOISTER_CLAIM_KERNEL_RELEASE, posture->kernel_release);
	claim_text(w, CLOISTER_CLAIM_LOCKDOWN, lockdown_names[posture->lockdown]);
	claim_bool(w, CLOISTER_CLAIM_MODULE_SIGNATURES, posture->module_signatures);
	claim_bool(w, CLOISTER_CLAIM_CRASH_KERNEL, posture->crash_kernel);
	claim_text(w, CLOISTER_CLAIM_GUARDS, guard_names[guards]);
	claim_text(w, CLOISTER_CLAIM_IOMMU, iommu_names[posture->iommu]);
}

static size_t write_protected(u8 *out, enum mon_sign_alg alg)
{
	struct cbor_writer w;

	cbor_begin(&w, out, PROTECTED_MAX);
	cbor_map(&w, 2);
	cbor_int(&w, CLOISTER_COSE_HEADER_ALG);
	cbor_int(&w, alg == MON_SIGN_ES256 ? CLOISTER_COSE_ALG_ES256 : CLOISTER_COSE_ALG_ES384);
	cbor_int(&w, CLOISTER_COSE_HEADER_CONTENT_TYPE);
	cbor_text(&w, CLOISTER_QUOTE_CONTENT_TYPE);
	if (!cbor_fits(&w))
		plat_fatal("protected header outgrew its buffer");
	return w.length;
}

static void write_chain(struct cbor_writer *w, const struct mon_quote *q)
{
	const u8 *cert = q->certs;
	u32 i;

	if (!q->cert_count) {
		cbor_map(w, 0);
		return;
	}
	cbor_map(w, 1);
	cbor_int(w, CLOISTER_COSE_HEADER_X5CHAIN);
	if (q->cert_count > 1)
		cbor_array(w, q->cert_count);
	for (i = 0; i < q->cert_count; i++) {
		cbor_bytes(w, cert, q->cert_len[i]);
		cert += q->cert_len[i];
	}
}

static void write_sign1(struct cbor_writer *w, const struct mon_quote *q,
			const struct quote_parts *parts)
{
	cbor_tag(w, CLOISTER_COSE_TAG_SIGN1);
	cbor_array(w, 4);
	cbor_bytes(w, parts->protected_header, parts->protected_len);
	write_chain(w, q);
	cbor_bytes(w, parts->payload, parts->payload_len);
	cbor_bytes(w, parts->signature, parts->signature_len);
}

/* Sig_structure (RFC 9052, section 4.4), hashed as it is written. */
static enum mon_status hash_to_sign(enum mon_sign_alg alg, const struct quote_parts *parts,
				    u8 *digest)
{
	enum mon_hash_alg hash_alg = alg == MON_SIGN_ES256 ? MON_HASH_SHA256 : MON_HASH_SHA384;
	u8 before[PROTECTED_MAX + 32];
	struct plat_hash hash;
	struct cbor_writer w;
	enum mon_status status;
	u8 head[9];
	size_t head_len;

	cbor_begin(&w, before, sizeof(before));
	cbor_array(&w, 4);
	cbor_text(&w, "Signature1");
	cbor_bytes(&w, parts->protected_header, parts->protected_len);
	cbor_bytes(&w, NULL, 0);
	if (!cbor_fits(&w))
		plat_fatal("Sig_structure outgrew its buffer");

	status = plat_hash_init(&hash, hash_alg);
	if (status == MON_OK)
		status = plat_hash_update(&hash, before, w.length);
	/* The payload's own head, then the payload: a byte string needs both. */
	head_len = cbor_bytes_head(head, parts->payload_len);
	if (status == MON_OK)
		status = plat_hash_update(&hash, head, head_len);
	if (status == MON_OK)
		status = plat_hash_update(&hash, parts->payload, parts->payload_len);
	if (status == MON_OK)
		status = plat_hash_final(&hash, digest);
	return status;
}

static bool request_valid(const struct mon_quote *q)
{
	u32 i;

	if (q->alg != MON_SIGN_ES256 && q->alg != MON_SIGN_ES384)
		return false;
	if (q->nonce_len < MON_QUOTE_NONCE_MIN || q->nonce_len > MON_QUOTE_NONCE_MAX)
		return false;
	if (q->cert_count > MON_CHAIN_CERTS || (q->cert_count && !q->certs))
		return false;
	for (i = 0; i < q->cert_count; i++)
		if (!q->cert_len[i] || q->cert_len[i] > CLOISTER_QUOTE_MAX_LEN)
			return false;
	return q->out || !q->out_len;
}

static enum mon_status sign_payload(struct mon_root *root, const struct mon_quote *q,
				    struct quote_parts *parts)
{
	const struct attestation_key *key =
		q->alg == MON_SIGN_ES256 ? &root->ak_es256 : &root->ak_es384;
	u8 digest[MON_DIGEST_LEN];
	enum mon_status status;

	status = hash_to_sign(q->alg, parts, digest);
	if (status != MON_OK)
		return status;
	return plat_ecdsa_sign(q->alg, key->scalar, key->public_key, digest, parts->signature);
}

/* With the payload in @scratch, which is the monitor's: measure, sign, hand out. */
static enum mon_status make_quote(struct mon_root *root, struct mon_region *r,
				  struct mon_quote *q, u8 *scratch)
{
	struct quote_parts parts = { .payload = scratch };
	struct mon_posture posture;
	struct mon_report report;
	struct cbor_writer w;
	enum mon_status status;

	plat_posture(&posture);
	report_fill(root, r, q->report_data, &report);
	cbor_begin(&w, scratch, MON_GRANULE_SIZE);
	write_claims(&w, root, q, &report, &posture);
	if (!cbor_fits(&w))
		plat_fatal("claims outgrew their granule");
	parts.payload_len = w.length;
	parts.protected_len = write_protected(parts.protected_header, q->alg);
	parts.signature_len = q->alg == MON_SIGN_ES256 ? 64 : 96;

	/* Learn the length first: nothing is signed that can't be handed out. */
	cbor_begin(&w, NULL, 0);
	write_sign1(&w, q, &parts);
	q->quote_len = w.length;
	if (w.length > q->out_len)
		return MON_E_SPACE;

	status = sign_payload(root, q, &parts);
	if (status != MON_OK)
		return status;
	cbor_begin(&w, q->out, q->out_len);
	write_sign1(&w, q, &parts);
	return MON_OK;
}

static bool provisioned(struct mon_root *root)
{
	bool done;

	plat_lock(&root->lock);
	done = root->provisioning == PROVISION_DONE;
	plat_unlock(&root->lock);
	return done;
}

enum mon_status call_quote(struct mon_root *root, struct mon_region *r, struct mon_args *args)
{
	struct mon_quote *host_quote = host_pointer(args->arg[1]);
	u64 scratch = args->arg[2];
	struct mon_quote q;
	enum mon_status status;

	if (!host_quote)
		return MON_E_ARGUMENT;
	q = *host_quote;
	if (!request_valid(&q))
		return MON_E_ARGUMENT;
	if (!provisioned(root))
		return MON_E_UNPROVISIONED;
	if (!granule_transition(scratch, GRANULE_DELEGATED, GRANULE_SCRATCH))
		return MON_E_GRANULE;
	status = make_quote(root, r, &q, plat_granule_address(scratch));
	granule_release(scratch, GRANULE_SCRATCH);
	host_quote->quote_len = q.quote_len;
	if (status == MON_OK) {
		plat_lock(&r->lock);
		r->quotes++;
		plat_unlock(&r->lock);
	}
	return status;
}
