/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of libcloister-verify share. */
#ifndef CLOISTER_VERIFY_INTERNAL_H
#define CLOISTER_VERIFY_INTERNAL_H

#include "cloister-verify.h"

#include <linux/cloister.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

/* The symbol map hides everything but the public calls; this helps the compiler too. */
#define PUBLIC	__attribute__((visibility("default")))

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define REGION_SIZE_MAX	(1ULL << 40)
#define KNOWN_CREATE_FLAGS	((uint64_t)(CLOISTER_CREATE_SHAREABLE | CLOISTER_CREATE_DEBUG))

/*
 * Errors of the calls that are not about a quote
 */
int error_set(struct cloister_verify_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int error_clear(struct cloister_verify_error *error);

/* A formatted string by value, so that a call can be given two of them. */
struct phrase {
	char text[256];
};

struct phrase phrase(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct phrase phrase_hex(const uint8_t *bytes, size_t len);
struct phrase phrase_time(int64_t when);

/*
 * Claims
 */
enum claim_type {
	CLAIM_BYTES,
	CLAIM_TEXT,
	CLAIM_UINT,
	CLAIM_BOOL,
};

enum claim_index {
	NONCE,
	UEID,
	PROFILE,
	SUBJECT,
	MEASUREMENT,
	REGION_SIZE,
	REGION_FLAGS,
	REPORT_DATA,
	REPORT_DATA_BY,
	DEBUG_EVER,
	MODE,
	MONITOR_DIGEST,
	DIGEST_KIND,
	ROOT,
	INSTANCE_ID,
	KERNEL_RELEASE,
	LOCKDOWN,
	MODULE_SIGNATURES,
	CRASH_KERNEL,
	GUARDS,
	IOMMU,
	CLAIM_COUNT
};

/**
 * struct claim_spec - what is known of a claim
 * @label: CLOISTER_CLAIM_*
 * @name: its name in text
 * @type: type of its value
 * @min: shortest length of bytes or text
 * @max: longest
 * @values: where only certain values are known: these, the weakest first, NULL at the end
 * @strong: index in @values of the weakest value that the default policy takes
 */
struct claim_spec {
	int label;
	const char *name;
	enum claim_type type;
	size_t min;
	size_t max;
	const char *const *values;
	unsigned int strong;
};

/**
 * struct claim_value - the value of a claim in a quote
 * @bytes: of bytes and text: where they are in the result's copy of the quote
 * @len: their number
 * @number: of an integer: its value; of a bool: 0 or 1
 * @rank: index in the values of the claim's specification
 */
struct claim_value {
	const uint8_t *bytes;
	size_t len;
	uint64_t number;
	unsigned int rank;
};

/* In the order of the map, which is the order of enum claim_index. */
extern const struct claim_spec claim_specs[CLAIM_COUNT];

int claim_by_label(int64_t label);
int claim_by_name(const char *name, size_t len);
int claim_rank(const struct claim_spec *spec, const void *text, size_t len);
struct phrase claim_values_phrase(const struct claim_spec *spec);
struct phrase claim_phrase(const struct claim_spec *spec, const struct claim_value *value);
struct cloister_result;
int claims_read(struct cloister_result *result);

/*
 * Results
 */
struct span {
	const uint8_t *bytes;
	size_t len;
};

struct cert_list {
	unsigned int count;
	struct span cert[CLOISTER_CHAIN_MAX_CERTS];
};

struct failure;

/**
 * struct cloister_result - what is known of one quote
 * @status: 0, or the first failure's code
 * @verified: cloister_verify() found nothing wrong
 * @inspected: made by cloister_inspect()
 * @parsed: the claims were read
 * @failures: number of checks that failed
 * @failure: the failures
 * @claims: the claims' values
 * @kernel_release: terminated copy of the claim
 * @weaker: mask of claims whose weaker value was accepted, by enum claim_index
 * @expected: mask of claims that were compared with a value of the policy's
 * @algorithm: CLOISTER_COSE_ALG_*
 * @certs: the chain, in @quote or in @chain
 * @chain: copy of the chain that the caller gave
 * @protected_header: contents of that byte string
 * @payload: contents of that byte string
 * @signature: contents of that byte string
 * @weaker_text: "NAME=VALUE" of each claim of @weaker
 * @quote_len: length of @quote
 * @quote: the quote itself
 */
struct cloister_result {
	int status;
	bool verified;
	bool inspected;
	bool parsed;
	size_t failures;
	struct failure **failure;
	struct claim_value claims[CLAIM_COUNT];
	char kernel_release[65];
	uint32_t weaker;
	uint32_t expected;
	int algorithm;
	struct cert_list certs;
	uint8_t *chain;
	struct span protected_header;
	struct span payload;
	struct span signature;
	char weaker_text[CLAIM_COUNT][48];
	size_t quote_len;
	uint8_t quote[];
};

struct cloister_result *result_new(const void *quote, size_t len);
int result_fail(struct cloister_result *result, int code, const char *check, const char *expected,
		const char *got, const char *hint);
const char *result_claim_text(const struct cloister_result *result, unsigned int claim);
bool result_has_claims(const struct cloister_result *result);

int quote_read(struct cloister_result *result);

/*
 * The policy
 */
int policy_check_usable(const struct cloister_policy *policy, struct cloister_result *result);
void policy_check(const struct cloister_policy *policy, struct cloister_result *result);

/*
 * Certificates
 */

/**
 * struct dice_identity - what the leaf certificate says of the machine
 * @monitor_digest: the firmware identity of TcbInfo
 * @ueid: tcg-dice-Ueid
 */
struct dice_identity {
	uint8_t monitor_digest[CLOISTER_DIGEST_LEN];
	uint8_t ueid[CLOISTER_UEID_LEN];
};

int dice_read(struct cloister_result *result, X509 *leaf, struct dice_identity *identity);

/**
 * struct chain_entry - a chain that was verified
 * @algorithm: what the leaf's key can have signed, CLOISTER_COSE_ALG_*
 * @verify: ready to verify with the leaf's key
 * @identity: from the leaf
 * @not_before: first second of the chain's validity
 * @not_after: last second of it
 * @certs: the certificates, in @bytes
 * @bytes: their DER, end to end
 */
struct chain_entry {
	int algorithm;
	EVP_PKEY_CTX *verify;
	struct dice_identity identity;
	int64_t not_before;
	int64_t not_after;
	struct cert_list certs;
	uint8_t bytes[];
};

/**
 * struct cloister_verifier - what lasts from quote to quote
 * @roots: number of trust anchors
 * @store: the trust anchors
 * @when: the time to verify at; negative: now
 * @sha256: fetched once: a fetch costs as much as the hash
 * @sha384: likewise
 * @digest: context, used again and again
 * @certs: chain for quotes without one, in @chain
 * @chain: its DER, end to end
 * @sets: number of sets in @cache
 * @turn: next way to replace
 * @cache: chains verified before, %CACHE_WAYS to a set
 * @uncached: the last chain, when it is in no cache
 */
struct cloister_verifier {
	unsigned int roots;
	X509_STORE *store;
	int64_t when;
	EVP_MD *sha256;
	EVP_MD *sha384;
	EVP_MD_CTX *digest;
	struct cert_list certs;
	uint8_t *chain;
	unsigned int sets;
	unsigned int turn;
	struct chain_entry **cache;
	struct chain_entry *uncached;
};

int64_t verifier_time(const struct cloister_verifier *verifier);
int chain_get(struct cloister_verifier *verifier, struct cloister_result *result,
	      const struct chain_entry **entry);
int chain_verify(struct cloister_verifier *verifier, struct cloister_result *result,
		 struct chain_entry **entry);
void chain_entry_free(struct chain_entry *entry);
int cache_set_size(struct cloister_verifier *verifier, unsigned int chains);
void cache_clear(struct cloister_verifier *verifier);
int signature_check(struct cloister_verifier *verifier, const struct chain_entry *entry,
		    struct cloister_result *result);
int certs_from_file(const char *path, uint8_t **data, size_t *len,
		    struct cloister_verify_error *error);
STACK_OF(X509) *certs_parse(const void *data, size_t len, struct cloister_verify_error *error);
struct phrase name_phrase(const X509_NAME *name);
int64_t asn1_time_seconds(const ASN1_TIME *time);

#endif /* CLOISTER_VERIFY_INTERNAL_H */
