/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of libcloister-verify share. */
#ifndef VERIFY_CHECK_H
#define VERIFY_CHECK_H

#include "cloister-verify.h"
#include "make_quote.h"
#include "tap.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/**
 * struct check - a verifier that trusts the root of the test, and a policy
 * @world: keys and certificates
 * @verifier: trusts the root, looks at the clock of TEST_NOW
 * @policy: default policy with the nonce of the test
 */
struct check {
	struct test_world world;
	struct cloister_verifier *verifier;
	struct cloister_policy *policy;
};

/**
 * struct refusal - how a quote must be refused
 * @code: code of the first failure
 * @check: its name
 * @expected: part of its expected value
 * @got: part of its value got
 */
struct refusal {
	int code;
	const char *check;
	const char *expected;
	const char *got;
};

void check_setup(struct check *check);
void check_teardown(struct check *check);
struct cloister_verifier *check_verifier(X509 *root);
struct cloister_policy *check_policy(void);
void check_trust(struct cloister_verifier *verifier, X509 *root);

/* Each is one line of TAP. */
bool check_accepted(struct check *check, const struct test_quote *quote, const char *name);
bool check_refused(struct check *check, const struct test_quote *quote,
		   const struct refusal *refusal, const char *name);
bool check_bytes_refused(struct check *check, const struct test_bytes *bytes,
			 const struct refusal *refusal, const char *name);

/* Whether a failure is the one wanted, in its parts and in its sentence; says why not. */
bool check_failure(const struct cloister_failure *failure, const struct refusal *refusal);

#endif /* VERIFY_CHECK_H */
