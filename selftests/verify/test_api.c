// SPDX-License-Identifier: Apache-2.0
/* The rest of the interface: roots, results, text, JSON, wrong arguments. */
#include "check.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENT	CLOISTER_VERIFY_EARGUMENT

static struct cloister_result *verify(struct check *check, const struct test_quote *quote)
{
	static struct test_bytes bytes;
	struct cloister_result *result;

	test_quote_build(quote, &bytes);
	cloister_verify(check->verifier, check->policy, bytes.data, bytes.len, &result);
	return result;
}

static void test_codes(void)
{
	int code;
	bool good = true;

	for (code = CLOISTER_VERIFY_OK; code >= CLOISTER_VERIFY_EUNVERIFIED; code--)
		good &= strcmp(cloister_verify_strerror(code), "unknown error") != 0;
	tap_ok(good, "every code has a name");
	tap_ok(!strcmp(cloister_verify_strerror(1), "unknown error") &&
	       !strcmp(cloister_verify_strerror(-16), "unknown error") &&
	       !strcmp(cloister_verify_strerror(-2147483647 - 1), "unknown error"),
	       "other codes have none");
	tap_ok(strchr(cloister_verify_version(), '.') != NULL, "the library has a version");
}

static void test_roots(struct check *check)
{
	static const char garbage[] = "-----BEGIN CERTIFICATE-----\nMII=\n"
				      "-----END CERTIFICATE-----\n";
	struct cloister_verify_error error;
	struct cloister_verifier *verifier;
	struct check other = *check;
	struct test_quote quote;
	uint8_t *bytes, *both;
	size_t len, second;

	cloister_verifier_new(&verifier, &error);
	cloister_verifier_set_time(verifier, TEST_NOW);
	tap_ok(cloister_verifier_add_root(verifier, garbage, sizeof(garbage) - 1, &error) ==
	       ARGUMENT && strstr(error.sentence, "not X.509 certificates"),
	       "PEM that holds no certificate is no root");
	tap_ok(cloister_verifier_add_root(verifier, "abc", 3, &error) == ARGUMENT,
	       "three letters are no root");
	tap_ok(cloister_verifier_add_root(verifier, "", 0, &error) == ARGUMENT,
	       "nothing is no root");
	len = test_cert_der(check->world.leaf256, &bytes);
	tap_ok(cloister_verifier_add_root(verifier, bytes, len, &error) == ARGUMENT &&
	       strstr(error.sentence, "\"CN=test attestation key\" is no CA certificate"),
	       "a leaf is no root: %s", error.sentence);
	OPENSSL_free(bytes);
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	other.verifier = verifier;
	check_refused(&other, &quote,
		      &(struct refusal){ ARGUMENT, "verifier", "a trusted root", "none" },
		      "any quote by a verifier without roots");

	len = test_cert_pem(check->world.other_root, &bytes);
	second = test_cert_pem(check->world.root, &both);
	bytes = OPENSSL_realloc(bytes, len + second);
	memcpy(bytes + len, both, second);
	OPENSSL_free(both);
	tap_ok(!cloister_verifier_add_root(verifier, bytes, len + second, &error) && !error.code,
	       "two roots in PEM are taken");
	OPENSSL_free(bytes);
	check_accepted(&other, &quote, "a quote to the second root");
	cloister_verifier_free(verifier);
}

static void test_root_file(struct check *check)
{
	struct cloister_verify_error error;
	struct cloister_verifier *verifier;
	char path[] = "/tmp/cloister-root-XXXXXX";
	int file = mkstemp(path);
	FILE *stream = fdopen(file, "w");
	uint8_t *bytes;
	size_t len = test_cert_pem(check->world.root, &bytes);

	fwrite(bytes, 1, len, stream);
	fflush(stream);
	OPENSSL_free(bytes);
	cloister_verifier_new(&verifier, &error);
	tap_ok(!cloister_verifier_add_root_file(verifier, path, &error), "a file of roots is read");
	tap_ok(cloister_verifier_add_root_file(verifier, "/nonexistent/root.pem", &error) ==
	       CLOISTER_VERIFY_EFILE && strstr(error.sentence, "/nonexistent/root.pem: No such"),
	       "a file that is not there is named: %s", error.sentence);
	tap_ok(cloister_verifier_add_root_file(verifier, "/", &error) == CLOISTER_VERIFY_EFILE &&
	       strstr(error.sentence, "directory"), "a directory is no file of roots");
	tap_ok(cloister_verifier_add_root_file(verifier, "/dev/null", &error) == ARGUMENT &&
	       strstr(error.sentence, "/dev/null: "), "an empty file is no file of roots");
	fclose(stream);
	remove(path);
	cloister_verifier_free(verifier);
}

static void test_set_chain_arguments(struct check *check)
{
	struct cloister_verify_error error;
	struct test_bytes *many = calloc(1, sizeof(*many));
	uint8_t *bytes;
	size_t len = test_cert_der(check->world.root, &bytes);
	int i;

	for (i = 0; many && i < 5; i++)
		put(many, bytes, len);
	if (!many)
		tap_bail("no memory");
	tap_ok(cloister_verifier_set_chain(check->verifier, many->data, many->len, &error) ==
	       ARGUMENT && strstr(error.sentence, "at most 4 certificates, and this one has 5"),
	       "a chain of five certificates can't be given");
	tap_ok(cloister_verifier_set_chain(check->verifier, bytes, len - 1, &error) == ARGUMENT,
	       "a chain cut short can't be given");
	OPENSSL_free(bytes);
	free(many);
}

static bool has_bytes(const struct cloister_result *result, int claim, const void *wanted,
		      size_t wanted_len)
{
	const uint8_t *value;
	size_t len;

	return !cloister_result_bytes(result, claim, &value, &len) && len == wanted_len &&
	       !memcmp(value, wanted, len);
}

static bool has_text(const struct cloister_result *result, int claim, const char *wanted)
{
	const char *value;

	return !cloister_result_text(result, claim, &value) && !strcmp(value, wanted);
}

static bool has_bool(const struct cloister_result *result, int claim, bool wanted)
{
	bool value;

	return !cloister_result_bool(result, claim, &value) && value == wanted;
}

static bool has_uint(const struct cloister_result *result, int claim, uint64_t wanted)
{
	uint64_t value;

	return !cloister_result_uint(result, claim, &value) && value == wanted;
}

static void check_getters(const struct cloister_result *result, const char *of)
{
	bool good = true;

	good &= has_bytes(result, CLOISTER_CLAIM_NONCE, test_nonce, 16);
	good &= has_bytes(result, CLOISTER_CLAIM_UEID, test_ueid, 33);
	good &= has_bytes(result, CLOISTER_CLAIM_MEASUREMENT, test_measurement, 48);
	good &= has_bytes(result, CLOISTER_CLAIM_REPORT_DATA, test_report_data, 64);
	good &= has_bytes(result, CLOISTER_CLAIM_MONITOR_DIGEST, test_monitor_digest, 48);
	good &= has_bytes(result, CLOISTER_CLAIM_INSTANCE_ID, test_instance_id, 16);
	tap_ok(good, "claims of bytes can be had of %s", of);
	good = has_text(result, CLOISTER_CLAIM_PROFILE, CLOISTER_QUOTE_PROFILE);
	good &= has_text(result, CLOISTER_CLAIM_SUBJECT, "region");
	good &= has_text(result, CLOISTER_CLAIM_REPORT_DATA_BY, "host");
	good &= has_text(result, CLOISTER_CLAIM_MODE, "kernel");
	good &= has_text(result, CLOISTER_CLAIM_DIGEST_KIND, "measured");
	good &= has_text(result, CLOISTER_CLAIM_ROOT, "tpm");
	good &= has_text(result, CLOISTER_CLAIM_KERNEL_RELEASE, "6.1.0-0-test");
	good &= has_text(result, CLOISTER_CLAIM_LOCKDOWN, "confidentiality");
	good &= has_text(result, CLOISTER_CLAIM_GUARDS, "armed");
	good &= has_text(result, CLOISTER_CLAIM_IOMMU, "translating");
	tap_ok(good, "text claims can be had of %s", of);
	good = has_uint(result, CLOISTER_CLAIM_REGION_SIZE, 1ULL << 20);
	good &= has_uint(result, CLOISTER_CLAIM_REGION_FLAGS, 1);
	good &= has_bool(result, CLOISTER_CLAIM_DEBUG_EVER, false);
	good &= has_bool(result, CLOISTER_CLAIM_MODULE_SIGNATURES, true);
	good &= has_bool(result, CLOISTER_CLAIM_CRASH_KERNEL, false);
	tap_ok(good, "integers and bools can be had of %s", of);
	tap_ok(!has_text(result, CLOISTER_CLAIM_NONCE, "") && !has_uint(result, 4711, 0) &&
	       !has_bool(result, CLOISTER_CLAIM_MODE, true) &&
	       !has_bytes(result, CLOISTER_CLAIM_MODE, "kernel", 6),
	       "claims can't be had of %s as another type", of);
	tap_ok(cloister_result_algorithm(result) == CLOISTER_COSE_ALG_ES384,
	       "the algorithm can be had of %s", of);
}

static void test_getters(struct check *check)
{
	static struct test_bytes bytes;
	struct cloister_result *result;
	struct test_quote quote;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES384);
	result = verify(check, &quote);
	check_getters(result, "a verified quote");
	tap_ok(strstr(cloister_result_sentence(result), "is verified") != NULL,
	       "a verified quote says so");
	cloister_result_free(result);

	/* Inspecting needs neither a root nor a right signature. */
	test_quote_build(&quote, &bytes);
	bytes.data[bytes.len - 1] ^= 1;
	tap_ok(!cloister_inspect(bytes.data, bytes.len, &result) &&
	       !cloister_result_verified(result), "a forged quote can be inspected");
	check_getters(result, "an inspected quote");
	tap_ok(strstr(cloister_result_sentence(result), "nothing of it was verified") != NULL,
	       "an inspected quote says that it was not verified");
	cloister_result_free(result);
}

static json_t *to_json(const struct cloister_result *result)
{
	char *text = cloister_result_to_json(result);
	json_error_t error;
	json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, &error) : NULL;

	if (!json)
		tap_bail("the JSON of a result can't be read: %s", text ? error.text : "none");
	free(text);
	return json;
}

static const char *json_text(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static void test_json(struct check *check)
{
	struct cloister_verify_error error;
	struct check other = *check;
	struct cloister_result *result;
	struct test_quote quote;
	json_t *json, *claims, *cert;

	other.policy = check_policy();
	cloister_policy_accept(other.policy, "root=software", &error);
	cloister_policy_expect(other.policy, "region-size=1048576", &error);
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	test_claim_text(&quote, CLOISTER_CLAIM_ROOT, "software");
	result = verify(&other, &quote);
	json = to_json(result);
	claims = json_object_get(json, "claims");
	cert = json_array_get(json_object_get(json, "chain"), 0);
	tap_ok(json_is_true(json_object_get(json, "verified")) &&
	       !strcmp(json_text(json, "status"), "verified") &&
	       !json_array_size(json_object_get(json, "failures")) &&
	       !strcmp(json_text(json, "algorithm"), "ES256"), "JSON tells the outcome");
	tap_ok(json_object_size(claims) == 21 &&
	       json_integer_value(json_object_get(claims, "region-size")) == 1048576 &&
	       json_is_false(json_object_get(claims, "debug-ever")) &&
	       !strcmp(json_text(claims, "nonce"), "61206672657368206e6f6e63652c2031") &&
	       !strcmp(json_text(claims, "kernel-release"), "6.1.0-0-test"),
	       "JSON has all 21 claims");
	tap_ok(!strcmp(json_string_value(json_array_get(json_object_get(json, "weaker"), 0)),
		       "root=software"), "JSON has what was accepted as weaker");
	tap_ok(json_array_size(json_object_get(json, "expected")) == 2,
	       "JSON has what was compared");
	tap_ok(!strcmp(json_text(cert, "subject"), "CN=test attestation key") &&
	       !strcmp(json_text(cert, "issuer"), "CN=test device CA") &&
	       !strcmp(json_text(cert, "not-after"), "2027-02-14T08:00:00Z") &&
	       strlen(json_text(cert, "sha256")) == 64, "JSON has the chain");
	json_decref(json);
	cloister_result_free(result);
	cloister_policy_free(other.policy);

	result = verify(check, &quote);
	json = to_json(result);
	tap_ok(!strcmp(json_text(json, "status"), "refused") &&
	       json_is_false(json_object_get(json, "verified")) &&
	       !json_object_get(json, "claims") && !json_object_get(json, "chain") &&
	       !strcmp(json_text(json_array_get(json_object_get(json, "failures"), 0), "check"),
		       "root") && strstr(json_text(json, "sentence"), "accept root=software"),
	       "JSON of a refused quote has failures and no claims");
	json_decref(json);
	cloister_result_free(result);
}

static void test_json_of_inspected(struct check *check)
{
	static struct test_bytes bytes;
	struct cloister_result *result;
	struct test_quote quote;
	json_t *json;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	test_quote_build(&quote, &bytes);
	cloister_inspect(bytes.data, bytes.len, &result);
	json = to_json(result);
	tap_ok(!strcmp(json_text(json, "status"), "unverified") &&
	       json_is_false(json_object_get(json, "verified")) &&
	       json_object_size(json_object_get(json, "claims")) == 21,
	       "JSON of an inspected quote has claims and says that they are unverified");
	json_decref(json);
	cloister_result_free(result);
	cloister_inspect("x", 1, &result);
	json = to_json(result);
	tap_ok(!strcmp(json_text(json, "status"), "malformed") && !json_object_get(json, "claims"),
	       "JSON of what is no quote says so");
	json_decref(json);
	cloister_result_free(result);
}

static void check_text(const struct cloister_result *result, const char *first, const char *part,
		       const char *name)
{
	char *text = cloister_result_to_text(result);

	tap_ok(text && !strncmp(text, first, strlen(first)) && strstr(text, part), "%s", name);
	free(text);
}

static void test_text(struct check *check)
{
	static struct test_bytes bytes;
	struct cloister_result *result;
	struct test_quote quote;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	result = verify(check, &quote);
	check_text(result, "Verified.\n", "  kernel-release     6.1.0-0-test\n",
		   "text of a verified quote");
	check_text(result, "Verified.\n", "expects no measurement",
		   "text says that no measurement was expected");
	cloister_result_free(result);
	test_claim_text(&quote, CLOISTER_CLAIM_ROOT, "software");
	result = verify(check, &quote);
	check_text(result, "Refused.\n", "  The check of root failed: expected tpm, got software.",
		   "text of a refused quote");
	cloister_result_free(result);
	test_quote_build(&quote, &bytes);
	cloister_inspect(bytes.data, bytes.len, &result);
	check_text(result, "NOT VERIFIED", "  root               software\n",
		   "text of an inspected quote");
	cloister_result_free(result);
}

static void test_null(struct check *check)
{
	struct cloister_result *result;
	int code;

	tap_ok(cloister_verifier_new(NULL, NULL) == ARGUMENT &&
	       cloister_policy_new(NULL, NULL) == ARGUMENT &&
	       cloister_verifier_add_root(NULL, "", 0, NULL) == ARGUMENT &&
	       cloister_verifier_add_root_file(check->verifier, NULL, NULL) == ARGUMENT &&
	       cloister_verifier_set_chain(NULL, NULL, 0, NULL) == ARGUMENT &&
	       cloister_verify(check->verifier, check->policy, "", 0, NULL) == ARGUMENT,
	       "NULL where a handle belongs is refused");
	code = cloister_verify(NULL, check->policy, "x", 1, &result);
	tap_ok(code == ARGUMENT &&
	       strstr(cloister_result_sentence(result), "The check of verifier failed"),
	       "no verifier: %s", cloister_result_sentence(result));
	cloister_result_free(result);
	code = cloister_verify(check->verifier, NULL, "x", 1, &result);
	tap_ok(code == ARGUMENT &&
	       strstr(cloister_result_sentence(result), "The check of policy failed"),
	       "no policy: %s", cloister_result_sentence(result));
	cloister_result_free(result);
	code = cloister_verify(check->verifier, check->policy, NULL, 5, &result);
	tap_ok(code == ARGUMENT &&
	       strstr(cloister_result_sentence(result), "The check of quote failed"),
	       "no quote: %s", cloister_result_sentence(result));
	cloister_result_free(result);
	cloister_result_free(NULL);
	cloister_verifier_free(NULL);
	cloister_policy_free(NULL);
	cloister_measure_free(NULL);
	tap_ok(!cloister_result_verified(NULL) && !cloister_result_failures(NULL) &&
	       !cloister_result_failure(NULL, 0) && !cloister_result_weaker(NULL, 0) &&
	       !cloister_result_to_json(NULL) && !cloister_result_to_text(NULL),
	       "a result that is NULL was not verified");
}

int main(void)
{
	struct check check;

	check_setup(&check);
	test_codes();
	test_roots(&check);
	test_root_file(&check);
	test_set_chain_arguments(&check);
	test_getters(&check);
	test_json(&check);
	test_json_of_inspected(&check);
	test_text(&check);
	test_null(&check);
	check_teardown(&check);
	return tap_done();
}
