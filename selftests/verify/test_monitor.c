// SPDX-License-Identifier: Apache-2.0
/* Quotes that the monitor itself makes, as the verifier takes them. */
#include <openssl/core_names.h>
#include <string.h>

#include "unit.h"

#include "cloister-verify.h"
#include "make_quote.h"

/* All that the host build of the monitor can't claim. */
static const char *const accepted[] = {
	"mode=host", "digest-kind=asserted", "root=software", "guards=off",
};

static struct test_world world;
static struct mon_provision device;

static int setup(void **state)
{
	test_world_make(&world);
	return machine_setup(state);
}

static int teardown(void **state)
{
	test_world_free(&world);
	return machine_teardown(state);
}

static EVP_PKEY *public_key(const char *curve, const u8 *point, size_t len)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(context);
	return key;
}

static void provision(void)
{
	const struct mon_posture posture = {
		.kernel_release = "6.1.0-test",
		.lockdown = MON_LOCKDOWN_CONFIDENTIALITY,
		.iommu = MON_IOMMU_TRANSLATING,
		.module_signatures = true,
	};

	memset(&device, 0, sizeof(device));
	memset(device.cdi_attest, 0x11, sizeof(device.cdi_attest));
	memset(device.cdi_seal, 0x22, sizeof(device.cdi_seal));
	memset(device.monitor_digest, 0x33, sizeof(device.monitor_digest));
	memcpy(device.ueid, test_ueid, sizeof(device.ueid));
	assert_ok(mon_provision(root, &device));
	host_set_posture(&posture);
}

/* A certificate of the monitor's key for @alg, issued by the root of the test. */
static X509 *certify(enum mon_sign_alg alg)
{
	struct test_cert spec = test_leaf_spec(&world);
	bool p256 = alg == MON_SIGN_ES256;
	X509 *cert;

	spec.key = p256 ? public_key("P-256", device.public_es256, 65) :
			  public_key("P-384", device.public_es384, 97);
	spec.fwid = device.monitor_digest;
	cert = test_cert_make(&spec);
	EVP_PKEY_free(spec.key);
	return cert;
}

static size_t make_quote(u64 region, enum mon_sign_alg alg, bool chain, u8 *out)
{
	struct mon_quote quote = { .alg = alg, .nonce_len = sizeof(test_nonce), .out = out,
				   .out_len = CLOISTER_QUOTE_MAX_LEN };
	u64 scratch = granule_take_delegated();
	X509 *cert = certify(alg);
	u8 *der;

	memcpy(quote.nonce, test_nonce, sizeof(test_nonce));
	memcpy(quote.report_data, test_report_data, sizeof(test_report_data));
	quote.cert_count = chain;
	quote.cert_len[0] = test_cert_der(cert, &der);
	quote.certs = der;
	assert_ok(mon_quote(root, region, &quote, scratch));
	granule_put_delegated(scratch);
	OPENSSL_free(der);
	X509_free(cert);
	return quote.quote_len;
}

/* The measurement of region_with_pages(2, 2), by the library alone. */
static void measure(uint8_t *digest)
{
	struct cloister_verify_error error;
	struct cloister_measure *measure;
	u64 page;

	assert_int_equal(cloister_measure_begin(&measure, 2 * PAGE, 0, &error), 0);
	for (page = 0; page < 2; page++)
		assert_int_equal(cloister_measure_page(measure, CLOISTER_MEASURE_DATA, page * PAGE,
						       RW, pattern(page), &error), 0);
	assert_int_equal(cloister_measure_final(measure, digest, &error), 0);
	cloister_measure_free(measure);
}

static struct cloister_policy *make_policy(bool accept)
{
	uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN];
	struct cloister_policy *policy;
	unsigned int i;

	measure(digest);
	assert_int_equal(cloister_policy_new(&policy, NULL), 0);
	assert_int_equal(cloister_policy_set_nonce(policy, test_nonce, sizeof(test_nonce), NULL),
			 0);
	assert_int_equal(cloister_policy_expect_bytes(policy, CLOISTER_CLAIM_MEASUREMENT, digest,
						      sizeof(digest), NULL), 0);
	assert_int_equal(cloister_policy_expect_bytes(policy, CLOISTER_CLAIM_REPORT_DATA,
						      test_report_data, sizeof(test_report_data),
						      NULL), 0);
	for (i = 0; accept && i < sizeof(accepted) / sizeof(accepted[0]); i++)
		assert_int_equal(cloister_policy_accept(policy, accepted[i], NULL), 0);
	return policy;
}

/* Verifies, and checks how many failures there are. */
static void verify(enum mon_sign_alg alg, bool chain, bool accept, size_t failures)
{
	static u8 quote[CLOISTER_QUOTE_MAX_LEN];
	u64 region = region_with_pages(2, 2);
	size_t len = make_quote(region, alg, chain, quote);
	struct cloister_policy *policy = make_policy(accept);
	struct cloister_verifier *verifier;
	struct cloister_result *result;
	X509 *cert;
	u8 *der;
	size_t i;

	assert_int_equal(cloister_verifier_new(&verifier, NULL), 0);
	cloister_verifier_set_time(verifier, TEST_NOW);
	i = test_cert_der(world.root, &der);
	assert_int_equal(cloister_verifier_add_root(verifier, der, i, NULL), 0);
	OPENSSL_free(der);
	if (!chain) {
		cert = certify(alg);
		i = test_cert_der(cert, &der);
		assert_int_equal(cloister_verifier_set_chain(verifier, der, i, NULL), 0);
		OPENSSL_free(der);
		X509_free(cert);
	}
	cloister_verify(verifier, policy, quote, len, &result);
	for (i = 0; failures != cloister_result_failures(result) &&
	     i < cloister_result_failures(result); i++)
		print_message("%s\n", cloister_result_failure(result, i)->sentence);
	assert_int_equal(cloister_result_failures(result), failures);
	assert_int_equal(cloister_result_verified(result), !failures);
	cloister_result_free(result);
	cloister_verifier_free(verifier);
	cloister_policy_free(policy);
	region_end(region);
}

static void test_es256(void **state)
{
	(void)state;
	provision();
	verify(MON_SIGN_ES256, true, true, 0);
}

static void test_es384(void **state)
{
	(void)state;
	provision();
	verify(MON_SIGN_ES384, true, true, 0);
}

static void test_without_chain(void **state)
{
	(void)state;
	provision();
	verify(MON_SIGN_ES256, false, true, 0);
}

/* The host build is not taken for the real one: each weak value is a failure. */
static void test_refused_by_default(void **state)
{
	(void)state;
	provision();
	verify(MON_SIGN_ES256, true, false, sizeof(accepted) / sizeof(accepted[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_es256, setup, teardown),
		cmocka_unit_test_setup_teardown(test_es384, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_by_default, setup, teardown),
	};

	return RUN_TESTS(tests);
}
