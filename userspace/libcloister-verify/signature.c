// SPDX-License-Identifier: Apache-2.0
/* The signature of a COSE_Sign1 (RFC 9052, section 4.4). */
#include "internal.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

/* An ECDSA-Sig-Value of two integers of 48 bytes: 2 * (2 + 1 + 48) and its own head. */
#define DER_MAX		112

/* The head of a byte string; quotes are far shorter than 64 KiB. */
static uint8_t *put_bytes_head(uint8_t *p, size_t len)
{
	if (len < 24) {
		*p++ = (uint8_t)(0x40 | len);
	} else if (len <= UINT8_MAX) {
		*p++ = 0x58;
		*p++ = (uint8_t)len;
	} else {
		*p++ = 0x59;
		*p++ = (uint8_t)(len >> 8);
		*p++ = len & 0xff;
	}
	return p;
}

/*
 * What comes before the payload's bytes in the Sig_structure:
 * [ "Signature1", protected, external_aad = h'', payload ]
 */
static size_t sig_structure_head(const struct cloister_result *result, uint8_t *head)
{
	static const uint8_t begin[] = { 0x84, 0x6a, 'S', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e',
					 '1' };
	uint8_t *p = head;

	memcpy(p, begin, sizeof(begin));
	p = put_bytes_head(p + sizeof(begin), result->protected_header.len);
	memcpy(p, result->protected_header.bytes, result->protected_header.len);
	p = put_bytes_head(p + result->protected_header.len, 0);
	p = put_bytes_head(p, result->payload.len);
	return p - head;
}

static bool digest_sig_structure(struct cloister_verifier *verifier,
				 const struct cloister_result *result, uint8_t *digest,
				 unsigned int *len)
{
	EVP_MD *md = result->algorithm == CLOISTER_COSE_ALG_ES256 ? verifier->sha256 :
								    verifier->sha384;
	uint8_t head[96];
	size_t head_len = sig_structure_head(result, head);

	return EVP_DigestInit_ex2(verifier->digest, md, NULL) &&
	       EVP_DigestUpdate(verifier->digest, head, head_len) &&
	       EVP_DigestUpdate(verifier->digest, result->payload.bytes, result->payload.len) &&
	       EVP_DigestFinal_ex(verifier->digest, digest, len);
}

/* COSE has r and s end to end; OpenSSL takes the DER of X9.62. Returns 0 on failure. */
static int signature_to_der(const struct span *raw, uint8_t *der)
{
	int half = (int)(raw->len / 2);
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw->bytes, half, NULL);
	BIGNUM *s = BN_bin2bn(raw->bytes + half, half, NULL);
	int len = 0;

	if (signature && r && s && ECDSA_SIG_set0(signature, r, s)) {
		r = NULL;
		s = NULL;
		len = i2d_ECDSA_SIG(signature, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(signature);
	return len > 0 ? len : 0;
}

int signature_check(struct cloister_verifier *verifier, const struct chain_entry *entry,
		    struct cloister_result *result)
{
	const char *name = result->algorithm == CLOISTER_COSE_ALG_ES256 ? "ES256" : "ES384";
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int digest_len;
	uint8_t der[DER_MAX];
	int der_len;
	int valid;

	der_len = signature_to_der(&result->signature, der);
	if (!der_len || !digest_sig_structure(verifier, result, digest, &digest_len))
		return result_fail(result, CLOISTER_VERIFY_ECRYPTO, "signature",
				   "OpenSSL to hash the quote", "an error", NULL);
	ERR_set_mark();
	valid = EVP_PKEY_verify(entry->verify, der, der_len, digest, digest_len);
	ERR_pop_to_mark();
	if (valid == 1)
		return 0;
	return result_fail(result, CLOISTER_VERIFY_ESIGNATURE, "signature",
			   phrase("an %s signature by the key of the leaf certificate", name).text,
			   "one that does not verify", NULL);
}
