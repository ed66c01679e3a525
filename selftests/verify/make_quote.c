// SPDX-License-Identifier: Apache-2.0
/* Quotes for tests; see make_quote.h. */
#include "make_quote.h"
#include "tap.h"

#include <openssl/ec.h>
#include <string.h>

const uint8_t test_nonce[16] = "a fresh nonce, 1";
const uint8_t test_ueid[CLOISTER_UEID_LEN] = "\1" "the device of nobody but a test";
const uint8_t test_measurement[CLOISTER_DIGEST_LEN] =
	"measurement of a region that nobody ever made, M";
const uint8_t test_monitor_digest[CLOISTER_DIGEST_LEN] =
	"digest of a monitor that runs nowhere, SHA-384 D";
const uint8_t test_report_data[CLOISTER_REPORT_DATA_LEN] = "report data of the test";
const uint8_t test_instance_id[16] = "instance of test";

void put(struct test_bytes *bytes, const void *data, size_t len)
{
	if (len > sizeof(bytes->data) - bytes->len)
		tap_bail("the test's quote is longer than %d bytes", TEST_QUOTE_MAX);
	memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

/* A head whose number takes @width bytes; 0: it is part of the first byte. */
void put_head_wide(struct test_bytes *bytes, unsigned int major, uint64_t number,
		   unsigned int width)
{
	static const uint8_t info[] = { [1] = 24, [2] = 25, [4] = 26, [8] = 27 };
	uint8_t head[9] = { major << 5 | (width ? info[width] : number) };
	unsigned int i;

	for (i = 0; i < width; i++)
		head[1 + i] = number >> (8 * (width - 1 - i));
	put(bytes, head, 1 + width);
}

void put_head(struct test_bytes *bytes, unsigned int major, uint64_t number)
{
	unsigned int width = 0;

	if (number > UINT32_MAX)
		width = 8;
	else if (number > UINT16_MAX)
		width = 4;
	else if (number > UINT8_MAX)
		width = 2;
	else if (number > 23)
		width = 1;
	put_head_wide(bytes, major, number, width);
}

void put_int(struct test_bytes *bytes, int64_t value)
{
	if (value < 0)
		put_head(bytes, 1, -1 - value);
	else
		put_head(bytes, 0, value);
}

void put_string(struct test_bytes *bytes, unsigned int major, const void *data, size_t len)
{
	put_head(bytes, major, len);
	put(bytes, data, len);
}

struct test_claim *test_claim_find(struct test_quote *quote, int64_t label)
{
	unsigned int i;

	for (i = 0; i < quote->claims; i++) {
		if (quote->claim[i].label == label)
			return &quote->claim[i];
	}
	return NULL;
}

/* Sets the claim, or appends it. */
void test_claim_raw(struct test_quote *quote, int64_t label, const void *value, size_t len)
{
	struct test_claim *claim = test_claim_find(quote, label);

	if (!claim)
		claim = &quote->claim[quote->claims++];
	if (quote->claims > TEST_CLAIMS_MAX || len > sizeof(claim->value))
		tap_bail("the test has too many claims or too long ones");
	claim->label = label;
	claim->len = len;
	memcpy(claim->value, value, len);
}

void test_claim_bytes(struct test_quote *quote, int64_t label, const void *data, size_t len)
{
	struct test_bytes value = { 0 };

	put_string(&value, 2, data, len);
	test_claim_raw(quote, label, value.data, value.len);
}

void test_claim_text(struct test_quote *quote, int64_t label, const char *text)
{
	struct test_bytes value = { 0 };

	put_string(&value, 3, text, strlen(text));
	test_claim_raw(quote, label, value.data, value.len);
}

void test_claim_uint(struct test_quote *quote, int64_t label, uint64_t number)
{
	struct test_bytes value = { 0 };

	put_head(&value, 0, number);
	test_claim_raw(quote, label, value.data, value.len);
}

void test_claim_bool(struct test_quote *quote, int64_t label, bool truth)
{
	test_claim_raw(quote, label, truth ? "\xf5" : "\xf4", 1);
}

void test_claim_remove(struct test_quote *quote, int64_t label)
{
	struct test_claim *claim = test_claim_find(quote, label);

	memmove(claim, claim + 1, (quote->claim + quote->claims - claim - 1) * sizeof(*claim));
	quote->claims--;
}

/* A quote that the default policy takes. */
void test_quote_default(struct test_quote *quote, const struct test_world *world, int alg)
{
	bool es256 = alg == CLOISTER_COSE_ALG_ES256;

	memset(quote, 0, sizeof(*quote));
	quote->algorithm = alg;
	quote->content_type = CLOISTER_QUOTE_CONTENT_TYPE;
	quote->key = es256 ? world->ak256 : world->ak384;
	quote->certs = 1;
	quote->cert[0] = es256 ? world->leaf256 : world->leaf384;
	test_claim_bytes(quote, CLOISTER_CLAIM_NONCE, test_nonce, sizeof(test_nonce));
	test_claim_bytes(quote, CLOISTER_CLAIM_UEID, test_ueid, sizeof(test_ueid));
	test_claim_text(quote, CLOISTER_CLAIM_PROFILE, CLOISTER_QUOTE_PROFILE);
	test_claim_text(quote, CLOISTER_CLAIM_SUBJECT, "region");
	test_claim_bytes(quote, CLOISTER_CLAIM_MEASUREMENT, test_measurement,
			 sizeof(test_measurement));
	test_claim_uint(quote, CLOISTER_CLAIM_REGION_SIZE, 1ULL << 20);
	test_claim_uint(quote, CLOISTER_CLAIM_REGION_FLAGS, CLOISTER_CREATE_SHAREABLE);
	test_claim_bytes(quote, CLOISTER_CLAIM_REPORT_DATA, test_report_data,
			 sizeof(test_report_data));
	test_claim_text(quote, CLOISTER_CLAIM_REPORT_DATA_BY, "host");
	test_claim_bool(quote, CLOISTER_CLAIM_DEBUG_EVER, false);
	test_claim_text(quote, CLOISTER_CLAIM_MODE, "kernel");
	test_claim_bytes(quote, CLOISTER_CLAIM_MONITOR_DIGEST, test_monitor_digest,
			 sizeof(test_monitor_digest));
	test_claim_text(quote, CLOISTER_CLAIM_DIGEST_KIND, "measured");
	test_claim_text(quote, CLOISTER_CLAIM_ROOT, "tpm");
	test_claim_bytes(quote, CLOISTER_CLAIM_INSTANCE_ID, test_instance_id,
			 sizeof(test_instance_id));
	test_claim_text(quote, CLOISTER_CLAIM_KERNEL_RELEASE, "6.1.0-0-test");
	test_claim_text(quote, CLOISTER_CLAIM_LOCKDOWN, "confidentiality");
	test_claim_bool(quote, CLOISTER_CLAIM_MODULE_SIGNATURES, true);
	test_claim_bool(quote, CLOISTER_CLAIM_CRASH_KERNEL, false);
	test_claim_text(quote, CLOISTER_CLAIM_GUARDS, "armed");
	test_claim_text(quote, CLOISTER_CLAIM_IOMMU, "translating");
}

/* The weakest value of every claim that has one. */
void test_quote_weaken(struct test_quote *quote)
{
	test_claim_bool(quote, CLOISTER_CLAIM_DEBUG_EVER, true);
	test_claim_text(quote, CLOISTER_CLAIM_MODE, "host");
	test_claim_text(quote, CLOISTER_CLAIM_DIGEST_KIND, "asserted");
	test_claim_text(quote, CLOISTER_CLAIM_ROOT, "software");
	test_claim_text(quote, CLOISTER_CLAIM_LOCKDOWN, "none");
	test_claim_bool(quote, CLOISTER_CLAIM_MODULE_SIGNATURES, false);
	test_claim_bool(quote, CLOISTER_CLAIM_CRASH_KERNEL, true);
	test_claim_text(quote, CLOISTER_CLAIM_GUARDS, "off");
	test_claim_text(quote, CLOISTER_CLAIM_IOMMU, "none");
}

static void put_payload(const struct test_quote *quote, struct test_bytes *out)
{
	unsigned int i;

	if (quote->map_indefinite)
		put(out, "\xbf", 1);
	else
		put_head_wide(out, 5, quote->claims,
			      quote->map_wide ? 2 : quote->claims > 23 ? 1 : 0);
	for (i = 0; i < quote->claims; i++) {
		put_int(out, quote->claim[i].label);
		put(out, quote->claim[i].value, quote->claim[i].len);
	}
	if (quote->map_indefinite)
		put(out, "\xff", 1);
	if (quote->payload_tail)
		put(out, "", 1);
}

static void put_protected(const struct test_quote *quote, struct test_bytes *out)
{
	if (quote->protected_header) {
		put(out, quote->protected_header->data, quote->protected_header->len);
		return;
	}
	put_head(out, 5, 2);
	put_int(out, CLOISTER_COSE_HEADER_ALG);
	put_int(out, quote->algorithm);
	put_int(out, CLOISTER_COSE_HEADER_CONTENT_TYPE);
	put_string(out, 3, quote->content_type, strlen(quote->content_type));
}

static void put_unprotected(const struct test_quote *quote, struct test_bytes *out)
{
	unsigned int i;
	uint8_t *der;
	size_t len;

	if (quote->unprotected) {
		put(out, quote->unprotected->data, quote->unprotected->len);
		return;
	}
	put_head(out, 5, quote->certs ? 1 : 0);
	if (!quote->certs)
		return;
	put_int(out, CLOISTER_COSE_HEADER_X5CHAIN);
	if (quote->certs > 1 || quote->cert_array)
		put_head(out, 4, quote->certs);
	for (i = 0; i < quote->certs; i++) {
		len = test_cert_der(quote->cert[i], &der);
		put_string(out, 2, der, len);
		OPENSSL_free(der);
	}
}

/* ECDSA over the Sig_structure, as r and s of fixed length. */
static void put_signature(const struct test_quote *quote, const struct test_bytes *protected,
			  const struct test_bytes *payload, struct test_bytes *out)
{
	static struct test_bytes signed_bytes;
	int half = EVP_PKEY_get_bits(quote->key) == 256 ? 32 : 48;
	const EVP_MD *md = quote->algorithm == CLOISTER_COSE_ALG_ES256 ? EVP_sha256() :
									 EVP_sha384();
	const uint8_t *p;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	ECDSA_SIG *signature;
	uint8_t der[160];
	size_t der_len = sizeof(der);
	uint8_t raw[96];

	if (quote->hash_nid)
		md = EVP_get_digestbynid(quote->hash_nid);
	signed_bytes.len = 0;
	put_head(&signed_bytes, 4, 4);
	put_string(&signed_bytes, 3, "Signature1", 10);
	put_string(&signed_bytes, 2, protected->data, protected->len);
	put_string(&signed_bytes, 2, quote->aad ? quote->aad : "",
		   quote->aad ? strlen(quote->aad) : 0);
	put_string(&signed_bytes, 2, payload->data, payload->len);
	if (!context || !EVP_DigestSignInit(context, NULL, md, NULL, quote->key) ||
	    !EVP_DigestSign(context, der, &der_len, signed_bytes.data, signed_bytes.len))
		tap_bail("OpenSSL could not sign");
	EVP_MD_CTX_free(context);
	p = der;
	signature = d2i_ECDSA_SIG(NULL, &p, der_len);
	if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, half) != half ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + half, half) != half)
		tap_bail("OpenSSL gave a signature that can't be read");
	ECDSA_SIG_free(signature);
	put_string(out, 2, raw, 2 * half);
}

void test_quote_build(const struct test_quote *quote, struct test_bytes *out)
{
	static struct test_bytes protected, payload;

	protected.len = 0;
	payload.len = 0;
	out->len = 0;
	put_protected(quote, &protected);
	put_payload(quote, &payload);
	if (quote->begin) {
		put(out, quote->begin->data, quote->begin->len);
	} else {
		put_head(out, 6, CLOISTER_COSE_TAG_SIGN1);
		put_head(out, 4, 4);
	}
	put_string(out, 2, protected.data, protected.len);
	put_unprotected(quote, out);
	put_string(out, 2, payload.data, payload.len);
	put_signature(quote, &protected, &payload, out);
	if (quote->tail)
		put(out, "", 1);
}
