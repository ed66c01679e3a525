// SPDX-License-Identifier: Apache-2.0
/* Quotes of the fake device, written from linux/cloister_quote.h and RFC 9052. */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include <linux/cloister_quote.h>

#include "fake_device.h"

#define QUOTE_ROOM	16384

/* CBOR that is being written; what does not fit is dropped, and @used shows it. */
struct cbor {
	uint8_t bytes[QUOTE_ROOM];
	size_t used;
};

static void put(struct cbor *cbor, const void *bytes, size_t length)
{
	if (length && cbor->used + length <= sizeof(cbor->bytes))
		memcpy(cbor->bytes + cbor->used, bytes, length);
	cbor->used += length;
}

static void head(struct cbor *cbor, uint8_t major, uint64_t value)
{
	uint8_t bytes[9];
	int width = value < 24 ? 0 : value < 256 ? 1 : value < 65536 ? 2 :
		    value < 1ULL << 32 ? 4 : 8;
	uint8_t detail = width == 0 ? (uint8_t)value : width == 1 ? 24 : width == 2 ? 25 :
			 width == 4 ? 26 : 27;
	int i;

	bytes[0] = (uint8_t)(major << 5 | detail);
	for (i = 0; i < width; i++)
		bytes[1 + i] = (uint8_t)(value >> 8 * (width - 1 - i));
	put(cbor, bytes, 1 + (size_t)width);
}

static void integer(struct cbor *cbor, int64_t value)
{
	if (value < 0)
		head(cbor, 1, (uint64_t)(-1 - value));
	else
		head(cbor, 0, (uint64_t)value);
}

static void octets(struct cbor *cbor, const void *bytes, size_t length)
{
	head(cbor, 2, length);
	put(cbor, bytes, length);
}

static void text(struct cbor *cbor, const char *string)
{
	head(cbor, 3, strlen(string));
	put(cbor, string, strlen(string));
}

static void boolean(struct cbor *cbor, int value)
{
	uint8_t byte = value ? 0xf5 : 0xf4;

	put(cbor, &byte, 1);
}

static void claim_octets(struct cbor *cbor, int64_t key, const void *bytes, size_t length)
{
	integer(cbor, key);
	octets(cbor, bytes, length);
}

static void claim_text(struct cbor *cbor, int64_t key, const char *string)
{
	integer(cbor, key);
	text(cbor, string);
}

static void claim_bool(struct cbor *cbor, int64_t key, int value)
{
	integer(cbor, key);
	boolean(cbor, value);
}

static void claims(struct cbor *cbor, const struct fake_identity *identity,
		   const struct fake_region *region, const struct cloister_quote *request)
{
	head(cbor, 5, 21);
	claim_octets(cbor, CLOISTER_CLAIM_NONCE, request->nonce, request->nonce_len);
	claim_octets(cbor, CLOISTER_CLAIM_UEID, identity->ueid, CLOISTER_UEID_LEN);
	claim_text(cbor, CLOISTER_CLAIM_PROFILE, CLOISTER_QUOTE_PROFILE);
	claim_text(cbor, CLOISTER_CLAIM_SUBJECT, "region");
	claim_octets(cbor, CLOISTER_CLAIM_MEASUREMENT, region->measurement, CLOISTER_DIGEST_LEN);
	integer(cbor, CLOISTER_CLAIM_REGION_SIZE);
	integer(cbor, (int64_t)region->size);
	integer(cbor, CLOISTER_CLAIM_REGION_FLAGS);
	integer(cbor, region->flags);
	claim_octets(cbor, CLOISTER_CLAIM_REPORT_DATA, request->report_data,
		     CLOISTER_REPORT_DATA_LEN);
	claim_text(cbor, CLOISTER_CLAIM_REPORT_DATA_BY, "host");
	claim_bool(cbor, CLOISTER_CLAIM_DEBUG_EVER, !!(region->flags & CLOISTER_CREATE_DEBUG));
	claim_text(cbor, CLOISTER_CLAIM_MODE, "kernel");
	claim_octets(cbor, CLOISTER_CLAIM_MONITOR_DIGEST, identity->monitor_digest,
		     CLOISTER_DIGEST_LEN);
	claim_text(cbor, CLOISTER_CLAIM_DIGEST_KIND, "asserted");
	claim_text(cbor, CLOISTER_CLAIM_ROOT, "software");
	claim_octets(cbor, CLOISTER_CLAIM_INSTANCE_ID, identity->instance_id, 16);
	claim_text(cbor, CLOISTER_CLAIM_KERNEL_RELEASE, "6.1.0-fake");
	claim_text(cbor, CLOISTER_CLAIM_LOCKDOWN, "none");
	claim_bool(cbor, CLOISTER_CLAIM_MODULE_SIGNATURES, 0);
	claim_bool(cbor, CLOISTER_CLAIM_CRASH_KERNEL, 0);
	claim_text(cbor, CLOISTER_CLAIM_GUARDS, "off");
	claim_text(cbor, CLOISTER_CLAIM_IOMMU, "none");
}

static void protected_header(struct cbor *cbor, uint32_t algorithm)
{
	head(cbor, 5, 2);
	integer(cbor, CLOISTER_COSE_HEADER_ALG);
	integer(cbor, algorithm == CLOISTER_ALG_ES256 ? CLOISTER_COSE_ALG_ES256 :
		CLOISTER_COSE_ALG_ES384);
	integer(cbor, CLOISTER_COSE_HEADER_CONTENT_TYPE);
	text(cbor, CLOISTER_QUOTE_CONTENT_TYPE);
}

static const char *key_name(uint32_t algorithm)
{
	return algorithm == CLOISTER_ALG_ES256 ? "key-1" : "key-2";
}

int fake_key_make(int dir, uint32_t algorithm, uint8_t *point, size_t length)
{
	EVP_PKEY *key = EVP_EC_gen(algorithm == CLOISTER_ALG_ES256 ? "P-256" : "P-384");
	uint8_t *der = NULL;
	size_t got = 0;
	int der_length;
	int result;

	EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, length, &got);
	der_length = i2d_PrivateKey(key, &der);
	result = got == length && der_length > 0 ?
		fake_write(dir, key_name(algorithm), der, (size_t)der_length) : -EIO;
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	return result;
}

/* r then s, each @half bytes. */
static int sign(int dir, uint32_t algorithm, const struct cbor *message, uint8_t *raw, int half)
{
	const EVP_MD *md = algorithm == CLOISTER_ALG_ES256 ? EVP_sha256() : EVP_sha384();
	uint8_t key_der[1024], signature[160];
	const uint8_t *at = key_der;
	size_t length = sizeof(signature);
	long key_length = fake_read(dir, key_name(algorithm), key_der, sizeof(key_der));
	EVP_PKEY *key = key_length > 0 ? d2i_AutoPrivateKey(NULL, &at, key_length) : NULL;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	ECDSA_SIG *pair = NULL;

	if (key && EVP_DigestSignInit(context, NULL, md, NULL, key) == 1 &&
	    EVP_DigestSign(context, signature, &length, message->bytes, message->used) == 1) {
		at = signature;
		pair = d2i_ECDSA_SIG(NULL, &at, (long)length);
	}
	if (pair) {
		BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, half);
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + half, half);
	}
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	if (!pair)
		return -EIO;
	ECDSA_SIG_free(pair);
	return 0;
}

int fake_quote_make(int dir, const struct fake_identity *identity,
		    const struct fake_region *region, const struct cloister_quote *request,
		    uint8_t *quote, size_t room, size_t *length)
{
	static struct cbor header, payload, message, out;
	int half = request->algorithm == CLOISTER_ALG_ES256 ? 32 : 48;
	uint8_t raw[96], chain[CLOISTER_CHAIN_MAX_LEN];
	char chain_name[16];
	long chain_length;
	int result;

	header.used = payload.used = message.used = out.used = 0;
	protected_header(&header, request->algorithm);
	claims(&payload, identity, region, request);
	head(&message, 4, 4);
	text(&message, "Signature1");
	octets(&message, header.bytes, header.used);
	octets(&message, "", 0);
	octets(&message, payload.bytes, payload.used);
	result = sign(dir, request->algorithm, &message, raw, half);
	if (result)
		return result;
	snprintf(chain_name, sizeof(chain_name), "chain-%u", request->algorithm);
	chain_length = fake_read(dir, chain_name, chain, sizeof(chain));

	head(&out, 6, CLOISTER_COSE_TAG_SIGN1);
	head(&out, 4, 4);
	octets(&out, header.bytes, header.used);
	head(&out, 5, chain_length > 0);
	if (chain_length > 0)
		claim_octets(&out, CLOISTER_COSE_HEADER_X5CHAIN, chain, (size_t)chain_length);
	octets(&out, payload.bytes, payload.used);
	octets(&out, raw, 2 * (size_t)half);
	*length = out.used;
	if (out.used > room)
		return -ENOSPC;
	memcpy(quote, out.bytes, out.used);
	return 0;
}
