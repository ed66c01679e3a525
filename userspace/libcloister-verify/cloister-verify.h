/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcloister-verify: verify the quotes of Cloister regions, and compute their
 * measurements, on any machine. No device is needed.
 *
 * A verification takes three steps:
 *  1. a verifier (&struct cloister_verifier) holds the roots that are trusted and
 *     remembers the certificate chains it has verified; keep it;
 *  2. a policy (&struct cloister_policy) holds the nonce and what is expected;
 *  3. cloister_verify() gives a result (&struct cloister_result): the claims, or
 *     what failed, with the value expected and the value got.
 *
 * The library has no global state. A handle may be used by one thread at a time;
 * different handles may be used by different threads at once. A verifier and a
 * policy can be used for any number of quotes; a result belongs to the caller and
 * does not depend on the other handles.
 */
#ifndef CLOISTER_VERIFY_H
#define CLOISTER_VERIFY_H

#include <linux/cloister_quote.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum cloister_verify_code - which check failed
 * @CLOISTER_VERIFY_OK: none
 * @CLOISTER_VERIFY_EARGUMENT: the caller's argument is wrong
 * @CLOISTER_VERIFY_EMEMORY: out of memory
 * @CLOISTER_VERIFY_EFILE: a file could not be read
 * @CLOISTER_VERIFY_ECRYPTO: OpenSSL failed at something that can't depend on the quote
 * @CLOISTER_VERIFY_EENCODING: the quote is not deterministic CBOR, or not of the
 *	form that linux/cloister_quote.h describes
 * @CLOISTER_VERIFY_EHEADER: a COSE header is wrong: algorithm, content type, x5chain
 * @CLOISTER_VERIFY_ECLAIM: a claim is missing, unknown, or of the wrong type, length
 *	or value
 * @CLOISTER_VERIFY_ECHAIN: the certificates do not lead to a trusted root
 * @CLOISTER_VERIFY_EVALIDITY: a certificate of the chain has expired or is not yet valid
 * @CLOISTER_VERIFY_EKEY: the leaf certificate is no attestation key's, or its curve
 *	does not fit the algorithm
 * @CLOISTER_VERIFY_ESIGNATURE: the quote's signature does not verify
 * @CLOISTER_VERIFY_EBINDING: the leaf certificate speaks of another monitor or device
 *	than the claims do
 * @CLOISTER_VERIFY_ENONCE: the nonce is another one
 * @CLOISTER_VERIFY_EPOLICY: a claim is not what the policy expects
 * @CLOISTER_VERIFY_EUNVERIFIED: the result has no claims to give
 *
 * Values are part of the ABI: they never change, and new ones are added at the end.
 */
enum cloister_verify_code {
	CLOISTER_VERIFY_OK		= 0,
	CLOISTER_VERIFY_EARGUMENT	= -1,
	CLOISTER_VERIFY_EMEMORY		= -2,
	CLOISTER_VERIFY_EFILE		= -3,
	CLOISTER_VERIFY_ECRYPTO		= -4,
	CLOISTER_VERIFY_EENCODING	= -5,
	CLOISTER_VERIFY_EHEADER		= -6,
	CLOISTER_VERIFY_ECLAIM		= -7,
	CLOISTER_VERIFY_ECHAIN		= -8,
	CLOISTER_VERIFY_EVALIDITY	= -9,
	CLOISTER_VERIFY_EKEY		= -10,
	CLOISTER_VERIFY_ESIGNATURE	= -11,
	CLOISTER_VERIFY_EBINDING	= -12,
	CLOISTER_VERIFY_ENONCE		= -13,
	CLOISTER_VERIFY_EPOLICY		= -14,
	CLOISTER_VERIFY_EUNVERIFIED	= -15,
};

#define CLOISTER_VERIFY_SENTENCE_MAX	1024

/**
 * struct cloister_verify_error - why a call failed
 * @code: one of &enum cloister_verify_code; 0 after a call that succeeded
 * @sentence: what was wrong, with what, and what to do
 *
 * The caller's memory, filled by the calls that take it. It may be NULL there.
 */
struct cloister_verify_error {
	int code;
	char sentence[CLOISTER_VERIFY_SENTENCE_MAX];
};

/**
 * cloister_verify_strerror() - the name of a check, for any code
 * @code: what a call of this library returned
 *
 * Return: a static string, never NULL; "unknown error" for a code it doesn't know
 */
const char *cloister_verify_strerror(int code);

/**
 * cloister_verify_version() - version of the library that runs
 *
 * Return: a static string such as "0.1.0"
 */
const char *cloister_verify_version(void);

/*
 * The verifier
 */
struct cloister_verifier;

/**
 * cloister_verifier_new() - make a verifier that trusts nobody yet
 * @verifier: out: the handle; free it with cloister_verifier_free()
 * @error: out: why the call failed; may be NULL
 *
 * Return: 0 or a negative &enum cloister_verify_code
 */
int cloister_verifier_new(struct cloister_verifier **verifier,
			  struct cloister_verify_error *error);

/**
 * cloister_verifier_free() - free a verifier
 * @verifier: the handle, or NULL
 */
void cloister_verifier_free(struct cloister_verifier *verifier);

/**
 * cloister_verifier_add_root() - trust a root certificate
 * @verifier: the handle
 * @data: one certificate in DER, or one or more in PEM
 * @len: bytes of @data
 * @error: out: why the call failed; may be NULL
 *
 * A root must be a CA certificate. It is a trust anchor: chains may end at it whether
 * it is self-signed or not. A root can't be taken back: make another verifier.
 *
 * Return: 0 or a negative &enum cloister_verify_code; on failure no root was added
 */
int cloister_verifier_add_root(struct cloister_verifier *verifier, const void *data, size_t len,
			       struct cloister_verify_error *error);

/**
 * cloister_verifier_add_root_file() - trust the root certificates of a file
 * @verifier: the handle
 * @path: file with one certificate in DER, or one or more in PEM
 * @error: out: why the call failed; may be NULL
 *
 * Return: 0 or a negative &enum cloister_verify_code; on failure no root was added
 */
int cloister_verifier_add_root_file(struct cloister_verifier *verifier, const char *path,
				    struct cloister_verify_error *error);

/**
 * cloister_verifier_set_chain() - certificates for quotes that carry none
 * @verifier: the handle
 * @data: certificates in DER, end to end, or in PEM; leaf first. NULL: none any more
 * @len: bytes of @data
 * @error: out: why the call failed; may be NULL
 *
 * They are used only for a quote without x5chain, and trusted no more than a
 * chain that the quote carries.
 *
 * Return: 0 or a negative &enum cloister_verify_code; on failure nothing has changed
 */
int cloister_verifier_set_chain(struct cloister_verifier *verifier, const void *data, size_t len,
				struct cloister_verify_error *error);

/**
 * cloister_verifier_set_time() - verify as of a given time
 * @verifier: the handle
 * @when: seconds since 1970-01-01 UTC; negative: the time of each call (the default)
 */
void cloister_verifier_set_time(struct cloister_verifier *verifier, int64_t when);

/**
 * cloister_verifier_set_cache() - bound the number of chains remembered
 * @verifier: the handle
 * @chains: number of chains, at most 1048576; 0: none. The default is 256
 * @error: out: why the call failed; may be NULL
 *
 * Chains remembered now are forgotten. A remembered chain is the very same bytes, and
 * is used only within its validity.
 *
 * Return: 0 or a negative &enum cloister_verify_code; on failure nothing has changed
 */
int cloister_verifier_set_cache(struct cloister_verifier *verifier, unsigned int chains,
				struct cloister_verify_error *error);

/*
 * The policy
 *
 * Claims have names, in text, in JSON and in sentences:
 *	nonce ueid profile subject measurement region-size region-flags report-data
 *	report-data-by debug-ever mode monitor-digest digest-kind root instance-id
 *	kernel-release lockdown module-signatures crash-kernel guards iommu
 */
struct cloister_policy;

/**
 * cloister_policy_new() - make the default policy
 * @policy: out: the handle; free it with cloister_policy_free()
 * @error: out: why the call failed; may be NULL
 *
 * The default demands the strong value of every claim that has one:
 * lockdown=confidentiality, module-signatures=true, crash-kernel=false, guards=armed,
 * root=tpm, digest-kind=measured, debug-ever=false, iommu=translating, and mode=kernel or
 * better. It has no nonce: cloister_policy_set_nonce() must be called.
 *
 * Return: 0 or a negative &enum cloister_verify_code
 */
int cloister_policy_new(struct cloister_policy **policy, struct cloister_verify_error *error);

/**
 * cloister_policy_free() - free a policy
 * @policy: the handle, or NULL
 */
void cloister_policy_free(struct cloister_policy *policy);

/**
 * cloister_policy_set_nonce() - the fresh value that the quote was asked for with
 * @policy: the handle
 * @nonce: the bytes; compared in constant time
 * @len: 8 to 64
 * @error: out: why the call failed; may be NULL
 *
 * Replaces the nonce set before.
 *
 * Return: 0 or a negative &enum cloister_verify_code
 */
int cloister_policy_set_nonce(struct cloister_policy *policy, const void *nonce, size_t len,
			      struct cloister_verify_error *error);

/**
 * cloister_policy_accept() - accept a weaker value of one claim
 * @policy: the handle
 * @what: "NAME=VALUE", one of: lockdown=integrity, lockdown=none,
 *	module-signatures=false, crash-kernel=true, guards=partial, guards=off, root=software,
 *	digest-kind=asserted, debug-ever=true, iommu=partial, iommu=none, mode=host
 * @error: out: why the call failed; may be NULL
 *
 * The value and everything stronger is accepted from then on. The result lists each
 * claim that was let through only because of this call.
 *
 * Return: 0 or a negative &enum cloister_verify_code
 */
int cloister_policy_accept(struct cloister_policy *policy, const char *what,
			   struct cloister_verify_error *error);

/**
 * cloister_policy_expect() - expect a value of a claim, in text
 * @policy: the handle
 * @what: "NAME=VALUE"; VALUE is text for a text claim, true or false for a bool,
 *	decimal or 0x and hexadecimal for an integer, hexadecimal digits for bytes
 * @error: out: why the call failed; may be NULL
 *
 * Called more than once for one claim, the claim must have one of the values. That
 * does not make a weak value acceptable: cloister_policy_accept() does.
 *
 * Return: 0 or a negative &enum cloister_verify_code
 */
int cloister_policy_expect(struct cloister_policy *policy, const char *what,
			   struct cloister_verify_error *error);

/**
 * cloister_policy_expect_bytes() - expect a value of a claim of bytes
 * @policy: the handle
 * @claim: %CLOISTER_CLAIM_MEASUREMENT, %CLOISTER_CLAIM_REPORT_DATA, %CLOISTER_CLAIM_UEID,
 *	%CLOISTER_CLAIM_MONITOR_DIGEST or %CLOISTER_CLAIM_INSTANCE_ID
 * @value: the bytes
 * @len: their number, which must be the claim's
 * @error: out: why the call failed; may be NULL
 *
 * As cloister_policy_expect().
 *
 * Return: 0 or a negative &enum cloister_verify_code
 */
int cloister_policy_expect_bytes(struct cloister_policy *policy, int claim, const void *value,
				 size_t len, struct cloister_verify_error *error);

/**
 * cloister_policy_expect_uint() - expect a value of an integer claim
 * @policy: the handle
 * @claim: %CLOISTER_CLAIM_REGION_SIZE or %CLOISTER_CLAIM_REGION_FLAGS
 * @value: the value
 * @error: out: why the call failed; may be NULL
 *
 * As cloister_policy_expect().
 *
 * Return: 0 or a negative &enum cloister_verify_code
 */
int cloister_policy_expect_uint(struct cloister_policy *policy, int claim, uint64_t value,
				struct cloister_verify_error *error);

/*
 * The result
 */
struct cloister_result;

/**
 * cloister_verify() - verify a quote
 * @verifier: the handle, with at least one root
 * @policy: the handle, with a nonce
 * @quote: the bytes of the quote
 * @len: their number
 * @result: out: what was found; free it with cloister_result_free(). NULL only when
 *	there was no memory for it
 *
 * Encoding, headers, claims, chain and signature are checked in this order, and the
 * first failure ends it. After that, what the certificate binds, the nonce and
 * the policy are all checked, and the result lists every failure.
 *
 * Return: 0 when the quote is good in every respect, else the first failure's
 * negative &enum cloister_verify_code
 */
int cloister_verify(struct cloister_verifier *verifier, const struct cloister_policy *policy,
		    const void *quote, size_t len, struct cloister_result **result);

/**
 * cloister_inspect() - read a quote without verifying it
 * @quote: the bytes of the quote
 * @len: their number
 * @result: out: what the quote says; free it with cloister_result_free()
 *
 * Encoding, headers and claims are checked for their form. Nothing in the result
 * may be relied on, and its text and JSON say so.
 *
 * Return: 0 when the quote could be read, else a negative &enum cloister_verify_code
 */
int cloister_inspect(const void *quote, size_t len, struct cloister_result **result);

/**
 * cloister_result_free() - free a result
 * @result: the handle, or NULL
 */
void cloister_result_free(struct cloister_result *result);

/**
 * cloister_result_verified() - was the quote verified?
 * @result: the handle
 *
 * Return: true only for a result of cloister_verify() that found nothing wrong
 */
bool cloister_result_verified(const struct cloister_result *result);

/**
 * cloister_result_sentence() - the outcome in one sentence
 * @result: the handle
 *
 * Return: the first failure's sentence, or one that says that there is none; valid
 * while @result is
 */
const char *cloister_result_sentence(const struct cloister_result *result);

/**
 * struct cloister_failure - one check that failed
 * @code: one of &enum cloister_verify_code
 * @check: name of the check: a claim's name, or such as "signature"
 * @expected: what would have been right
 * @got: what there was
 * @sentence: all of it in one sentence
 */
struct cloister_failure {
	int code;
	const char *check;
	const char *expected;
	const char *got;
	const char *sentence;
};

/**
 * cloister_result_failures() - number of checks that failed
 * @result: the handle
 *
 * Return: the number
 */
size_t cloister_result_failures(const struct cloister_result *result);

/**
 * cloister_result_failure() - one of the checks that failed
 * @result: the handle
 * @index: from 0, in the order of the checks
 *
 * Return: the failure, valid while @result is; NULL past the last
 */
const struct cloister_failure *cloister_result_failure(const struct cloister_result *result,
						       size_t index);

/**
 * cloister_result_weaker() - a weaker value that the policy let through
 * @result: the handle
 * @index: from 0
 *
 * Return: "NAME=VALUE" as cloister_policy_accept() takes it, valid while @result is;
 * NULL past the last
 */
const char *cloister_result_weaker(const struct cloister_result *result, size_t index);

/**
 * cloister_result_algorithm() - the algorithm that signed the quote
 * @result: the handle
 *
 * Return: %CLOISTER_COSE_ALG_ES256 or %CLOISTER_COSE_ALG_ES384; 0 when the result has no claims
 */
int cloister_result_algorithm(const struct cloister_result *result);

/**
 * cloister_result_bytes() - the value of a claim of bytes
 * @result: the handle
 * @claim: CLOISTER_CLAIM_*
 * @value: out: the bytes, valid while @result is
 * @len: out: their number
 *
 * Only a result of cloister_inspect(), or of a cloister_verify() that found nothing wrong,
 * has claims: what a failed verification read can't be taken for the truth by mistake.
 *
 * Return: 0, or %CLOISTER_VERIFY_EUNVERIFIED when there are no claims, or
 * %CLOISTER_VERIFY_EARGUMENT when no claim of bytes has this label
 */
int cloister_result_bytes(const struct cloister_result *result, int claim, const uint8_t **value,
			  size_t *len);

/**
 * cloister_result_text() - the value of a text claim
 * @result: the handle
 * @claim: CLOISTER_CLAIM_*
 * @value: out: the text, terminated, valid while @result is
 *
 * Return: as cloister_result_bytes()
 */
int cloister_result_text(const struct cloister_result *result, int claim, const char **value);

/**
 * cloister_result_uint() - the value of an integer claim
 * @result: the handle
 * @claim: CLOISTER_CLAIM_*
 * @value: out: the value
 *
 * Return: as cloister_result_bytes()
 */
int cloister_result_uint(const struct cloister_result *result, int claim, uint64_t *value);

/**
 * cloister_result_bool() - the value of a bool claim
 * @result: the handle
 * @claim: CLOISTER_CLAIM_*
 * @value: out: the value
 *
 * Return: as cloister_result_bytes()
 */
int cloister_result_bool(const struct cloister_result *result, int claim, bool *value);

/**
 * cloister_result_to_text() - all of a result, to be read by people
 * @result: the handle
 *
 * Return: lines of text, to be freed with free(); NULL when out of memory
 */
char *cloister_result_to_text(const struct cloister_result *result);

/**
 * cloister_result_to_json() - all of a result, to be read by programs
 * @result: the handle
 *
 * One object with: "verified" (bool), "status" ("verified", "refused", "unverified" for
 * an inspected quote, "malformed" for one that can't be read), "sentence", "failures"
 * (array of {"check", "code", "expected", "got", "sentence"}), "weaker" (array of
 * "NAME=VALUE"), "expected" (names of the claims compared with a value of the policy's);
 * where there are claims, "algorithm", "claims" (by name; bytes in hexadecimal digits) and
 * "chain" (array of {"subject", "issuer", "not-before", "not-after", "sha256"}).
 *
 * Return: JSON text without a newline at its end, to be freed with free(); NULL when out of memory
 */
char *cloister_result_to_json(const struct cloister_result *result);

/*
 * Measurements, as Documentation/measurement.rst specifies them
 */
struct cloister_measure;

#define CLOISTER_MEASURE_DIGEST_LEN	48

/**
 * enum cloister_measure_kind - how a page was added
 * @CLOISTER_MEASURE_DATA: with CLOISTER_ADD_MEASURED: contents are measured
 * @CLOISTER_MEASURE_ATTRIBUTES: without: place and permissions only
 * @CLOISTER_MEASURE_ZERO: with CLOISTER_ADD_ZERO
 * @CLOISTER_MEASURE_PINNED: or'ed to one of the above: with CLOISTER_ADD_PINNED as well
 */
enum cloister_measure_kind {
	CLOISTER_MEASURE_DATA		= 1,
	CLOISTER_MEASURE_ATTRIBUTES	= 2,
	CLOISTER_MEASURE_ZERO		= 3,
	CLOISTER_MEASURE_PINNED		= 0x100,
};

/**
 * cloister_measure_begin() - begin to measure a region
 * @measure: out: the handle; free it with cloister_measure_free()
 * @region_size: as given to CLOISTER_CREATE, in bytes
 * @flags: mask of CLOISTER_CREATE_*
 * @error: out: why the call failed; may be NULL
 *
 * Return: 0 or a negative &enum cloister_verify_code
 */
int cloister_measure_begin(struct cloister_measure **measure, uint64_t region_size, uint64_t flags,
			   struct cloister_verify_error *error);

/**
 * cloister_measure_page() - add a page to the measurement
 * @measure: the handle
 * @kind: how it is added
 * @offset: its first byte in the region
 * @permissions: mask of CLOISTER_PERM_*
 * @data: its 4096 bytes with %CLOISTER_MEASURE_DATA, else NULL
 * @error: out: why the call failed; may be NULL
 *
 * Refuses what CLOISTER_ADD_PAGES would refuse, save that it does not remember which
 * pages were added before.
 *
 * Return: 0 or a negative &enum cloister_verify_code; on failure nothing was added
 */
int cloister_measure_page(struct cloister_measure *measure, enum cloister_measure_kind kind,
			  uint64_t offset, uint32_t permissions, const void *data,
			  struct cloister_verify_error *error);

/**
 * cloister_measure_final() - finish the measurement
 * @measure: the handle; nothing but cloister_measure_free() may follow
 * @digest: out: the measurement
 * @error: out: why the call failed; may be NULL
 *
 * Return: 0 or a negative &enum cloister_verify_code
 */
int cloister_measure_final(struct cloister_measure *measure,
			   uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN],
			   struct cloister_verify_error *error);

/**
 * cloister_measure_free() - free a measurement
 * @measure: the handle, or NULL
 */
void cloister_measure_free(struct cloister_measure *measure);

/**
 * typedef cloister_measure_progress - told how far a file's measurement is
 * @done: bytes measured
 * @total: bytes in all
 * @arg: as given to cloister_measure_file()
 *
 * Return: 0 to go on, anything else to stop
 */
typedef int (*cloister_measure_progress)(uint64_t done, uint64_t total, void *arg);

/* How the file is protected, which is measured. */
#define CLOISTER_MEASURE_WRITABLE	(1U << 0)	/* its pages may be written */
#define CLOISTER_MEASURE_DEBUG		(1U << 1)	/* in a debug region */

/**
 * cloister_measure_file() - measure a protected file
 * @path: the file, as ``cloister run --protect`` takes it
 * @flags: mask of CLOISTER_MEASURE_*
 * @progress: called now and then, and once at the end; may be NULL
 * @arg: for @progress
 * @digest: out: the measurement
 * @region_size: out: size of the region; may be NULL
 * @error: out: why the call failed; may be NULL
 *
 * Return: 0 or a negative &enum cloister_verify_code
 */
int cloister_measure_file(const char *path, unsigned int flags, cloister_measure_progress progress,
			  void *arg, uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN],
			  uint64_t *region_size, struct cloister_verify_error *error);

#ifdef __cplusplus
}
#endif

#endif /* CLOISTER_VERIFY_H */
