/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotes and certificates for tests, right ones and wrong ones. The encoder is written for
 * tests alone, and shares nothing with the one of the monitor or with the verifier.
 */
#ifndef VERIFY_MAKE_QUOTE_H
#define VERIFY_MAKE_QUOTE_H

#include <linux/cloister.h>
#include <linux/cloister_quote.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All tests look at the clock of this second, but where time is what they test. */
#define TEST_NOW	1800000000LL
#define TEST_DAY	86400LL

#define TEST_QUOTE_MAX	32768
#define TEST_CLAIMS_MAX	48

/**
 * struct test_bytes - bytes that grow
 * @len: number of bytes
 * @data: the bytes
 */
struct test_bytes {
	size_t len;
	uint8_t data[TEST_QUOTE_MAX];
};

void put(struct test_bytes *bytes, const void *data, size_t len);
void put_head(struct test_bytes *bytes, unsigned int major, uint64_t number);
void put_head_wide(struct test_bytes *bytes, unsigned int major, uint64_t number,
		   unsigned int width);
void put_int(struct test_bytes *bytes, int64_t value);
void put_string(struct test_bytes *bytes, unsigned int major, const void *data, size_t len);

/**
 * struct test_cert - what a certificate is to be like
 * @name: common name of the subject
 * @issuer: certificate of the issuer; NULL: self-signed
 * @issuer_key: key of the issuer; NULL: self-signed
 * @key: the key it certifies
 * @not_before: seconds since 1970
 * @not_after: seconds since 1970
 * @constraints: basicConstraints as OpenSSL's configuration has it; NULL: none
 * @usage: keyUsage likewise; NULL: none
 * @fwids: number of fwids in TcbInfo; 0: no TcbInfo
 * @fwid_nid: hash algorithm of the fwids
 * @fwid: the digest
 * @fwid_len: its length
 * @ueid: for tcg-dice-Ueid; NULL: none
 * @ueid_len: its length
 * @dice_critical: mark the DICE extensions as critical
 * @tcb_info_tail: append a byte to TcbInfo
 * @digest: hash of the signature; NULL: SHA-384
 */
struct test_cert {
	const char *name;
	X509 *issuer;
	EVP_PKEY *issuer_key;
	EVP_PKEY *key;
	int64_t not_before;
	int64_t not_after;
	const char *constraints;
	const char *usage;
	unsigned int fwids;
	int fwid_nid;
	const uint8_t *fwid;
	size_t fwid_len;
	const uint8_t *ueid;
	size_t ueid_len;
	bool dice_critical;
	bool tcb_info_tail;
	const EVP_MD *digest;
};

EVP_PKEY *test_key(const char *curve);
X509 *test_cert_make(const struct test_cert *spec);
size_t test_cert_der(X509 *cert, uint8_t **der);
size_t test_cert_pem(X509 *cert, uint8_t **pem);

/**
 * struct test_world - a CA, an intermediate CA and attestation keys
 * @root_key: key of the root
 * @root: self-signed
 * @other_root: another root of the same name
 * @middle_key: key of the intermediate CA
 * @middle: signed by @root
 * @ak256: attestation key on P-256
 * @ak384: attestation key on P-384
 * @leaf256: certificate of @ak256, signed by @root
 * @leaf384: certificate of @ak384, signed by @root
 * @middle_leaf: certificate of @ak256, signed by @middle
 */
struct test_world {
	EVP_PKEY *root_key;
	X509 *root;
	X509 *other_root;
	EVP_PKEY *middle_key;
	X509 *middle;
	EVP_PKEY *ak256;
	EVP_PKEY *ak384;
	X509 *leaf256;
	X509 *leaf384;
	X509 *middle_leaf;
};

void test_world_make(struct test_world *world);
void test_world_free(struct test_world *world);
struct test_cert test_leaf_spec(const struct test_world *world);

/**
 * struct test_claim - a claim, encoded
 * @label: its label
 * @len: bytes of @value
 * @value: the encoding of its value
 */
struct test_claim {
	int64_t label;
	size_t len;
	uint8_t value[160];
};

/**
 * struct test_quote - what a quote is to be like
 * @algorithm: of the protected header
 * @content_type: of the protected header
 * @key: signs
 * @hash_nid: hash that is signed; 0: the algorithm's
 * @certs: number of certificates in x5chain
 * @cert: the certificates
 * @cert_array: encode one certificate as an array, against RFC 9360
 * @claims: number of claims
 * @claim: in the order of the map
 * @map_indefinite: encode the claims as a map of indefinite length
 * @map_wide: encode the number of claims in two bytes
 * @payload_tail: append a byte to the payload's map
 * @protected_header: contents of the protected header instead of the right ones
 * @unprotected: encoding of the unprotected header instead of the right one
 * @begin: what comes before the protected header, instead of tag and array
 * @tail: append a byte to the quote
 * @aad: external additional data of the Sig_structure; a right quote has none
 */
struct test_quote {
	int64_t algorithm;
	const char *content_type;
	EVP_PKEY *key;
	int hash_nid;
	unsigned int certs;
	X509 *cert[8];
	bool cert_array;
	unsigned int claims;
	struct test_claim claim[TEST_CLAIMS_MAX];
	bool map_indefinite;
	bool map_wide;
	bool payload_tail;
	const struct test_bytes *protected_header;
	const struct test_bytes *unprotected;
	const struct test_bytes *begin;
	bool tail;
	const char *aad;
};

/* Values of the claims of test_quote_default(). */
extern const uint8_t test_nonce[16];
extern const uint8_t test_ueid[CLOISTER_UEID_LEN];
extern const uint8_t test_measurement[CLOISTER_DIGEST_LEN];
extern const uint8_t test_monitor_digest[CLOISTER_DIGEST_LEN];
extern const uint8_t test_report_data[CLOISTER_REPORT_DATA_LEN];
extern const uint8_t test_instance_id[16];

void test_quote_default(struct test_quote *quote, const struct test_world *world, int alg);
struct test_claim *test_claim_find(struct test_quote *quote, int64_t label);
void test_claim_bytes(struct test_quote *quote, int64_t label, const void *data, size_t len);
void test_claim_text(struct test_quote *quote, int64_t label, const char *text);
void test_claim_uint(struct test_quote *quote, int64_t label, uint64_t value);
void test_claim_bool(struct test_quote *quote, int64_t label, bool value);
void test_claim_raw(struct test_quote *quote, int64_t label, const void *value, size_t len);
void test_claim_remove(struct test_quote *quote, int64_t label);
void test_quote_weaken(struct test_quote *quote);
void test_quote_build(const struct test_quote *quote, struct test_bytes *out);

#endif /* VERIFY_MAKE_QUOTE_H */
