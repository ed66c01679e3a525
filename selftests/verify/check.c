// SPDX-License-Identifier: Apache-2.0
/* What the tests of libcloister-verify share. */
#include "check.h"

#include <string.h>

void check_trust(struct cloister_verifier *verifier, X509 *root)
{
	struct cloister_verify_error error;
	uint8_t *der;
	size_t len = test_cert_der(root, &der);

	if (cloister_verifier_add_root(verifier, der, len, &error))
		tap_bail("%s", error.sentence);
	OPENSSL_free(der);
}

struct cloister_verifier *check_verifier(X509 *root)
{
	struct cloister_verify_error error;
	struct cloister_verifier *verifier;

	if (cloister_verifier_new(&verifier, &error))
		tap_bail("%s", error.sentence);
	check_trust(verifier, root);
	cloister_verifier_set_time(verifier, TEST_NOW);
	return verifier;
}

struct cloister_policy *check_policy(void)
{
	struct cloister_verify_error error;
	struct cloister_policy *policy;

	if (cloister_policy_new(&policy, &error) ||
	    cloister_policy_set_nonce(policy, test_nonce, sizeof(test_nonce), &error))
		tap_bail("%s", error.sentence);
	return policy;
}

void check_setup(struct check *check)
{
	test_world_make(&check->world);
	check->verifier = check_verifier(check->world.root);
	check->policy = check_policy();
}

void check_teardown(struct check *check)
{
	cloister_verifier_free(check->verifier);
	cloister_policy_free(check->policy);
	test_world_free(&check->world);
}

bool check_accepted(struct check *check, const struct test_quote *quote, const char *name)
{
	static struct test_bytes bytes;
	struct cloister_result *result;
	bool good;
	int code;

	test_quote_build(quote, &bytes);
	code = cloister_verify(check->verifier, check->policy, bytes.data, bytes.len, &result);
	good = tap_ok(!code && cloister_result_verified(result) &&
		      !cloister_result_failures(result), "%s is accepted", name);
	if (!good)
		tap_note("%s", cloister_result_sentence(result));
	cloister_result_free(result);
	return good;
}

static bool part(const char *what, const char *text, const char *wanted)
{
	if (strstr(text, wanted))
		return true;
	tap_note("%s is \"%s\" without \"%s\"", what, text, wanted);
	return false;
}

bool check_failure(const struct cloister_failure *failure, const struct refusal *refusal)
{
	bool good;

	if (!failure) {
		tap_note("there is no failure");
		return false;
	}
	good = failure->code == refusal->code && !strcmp(failure->check, refusal->check);
	if (!good)
		tap_note("code %d, check \"%s\"", failure->code, failure->check);
	good &= part("expected", failure->expected, refusal->expected);
	good &= part("got", failure->got, refusal->got);
	good &= part("the sentence", failure->sentence, failure->check);
	good &= part("the sentence", failure->sentence, failure->expected);
	good &= part("the sentence", failure->sentence, failure->got);
	return good;
}

bool check_bytes_refused(struct check *check, const struct test_bytes *bytes,
			 const struct refusal *refusal, const char *name)
{
	struct cloister_result *result;
	const uint8_t *value;
	size_t len;
	bool good;
	int code;

	code = cloister_verify(check->verifier, check->policy, bytes->data, bytes->len, &result);
	good = code == refusal->code && !cloister_result_verified(result);
	if (!good)
		tap_note("the call gave %d", code);
	good &= check_failure(cloister_result_failure(result, 0), refusal);
	if (cloister_result_bytes(result, CLOISTER_CLAIM_MEASUREMENT, &value, &len) !=
	    CLOISTER_VERIFY_EUNVERIFIED) {
		tap_note("a refused quote gives its claims away");
		good = false;
	}
	tap_ok(good, "%s is refused", name);
	if (!good)
		tap_note("%s", cloister_result_sentence(result));
	cloister_result_free(result);
	return good;
}

bool check_refused(struct check *check, const struct test_quote *quote,
		   const struct refusal *refusal, const char *name)
{
	static struct test_bytes bytes;

	test_quote_build(quote, &bytes);
	return check_bytes_refused(check, &bytes, refusal, name);
}
