// SPDX-License-Identifier: Apache-2.0
/* The root object, provisioning, and the attestation keys, derived again with OpenSSL. */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/obj_mac.h>

#include "unit.h"

static struct mon_provision sample(void)
{
	struct mon_provision p;

	memset(&p, 0, sizeof(p));
	memset(p.cdi_attest, 0x11, sizeof(p.cdi_attest));
	memset(p.cdi_seal, 0x22, sizeof(p.cdi_seal));
	memset(p.monitor_digest, 0x33, sizeof(p.monitor_digest));
	memset(p.ueid, 0x44, sizeof(p.ueid));
	p.ueid[0] = 1;
	return p;
}

static void public_of_scalar(int nid, const u8 *scalar, int len, u8 *public_key)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *k = BN_bin2bn(scalar, len, NULL);

	assert_int_equal(EC_POINT_mul(group, point, k, NULL, NULL, NULL), 1);
	assert_int_equal(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, public_key,
					    2 * len + 1, NULL), 2 * len + 1);
	BN_free(k);
	EC_POINT_free(point);
	EC_GROUP_free(group);
}

/* HKDF-Expand with SHA-384: T(1) = HMAC(CDI, "cloister AK <alg> v1" attempt 0x01). */
static void derive(const u8 *cdi, const char *alg, u8 attempt, u8 okm[48])
{
	char info[32];

	assert_int_equal(snprintf(info, sizeof(info), "cloister AK %s v1", alg), 20);
	info[20] = (char)attempt;
	info[21] = 1;
	assert_non_null(HMAC(EVP_sha384(), cdi, MON_CDI_LEN, (u8 *)info, 22, okm, NULL));
}

static void assert_keys(const struct mon_provision *p, u8 attempt)
{
	u8 okm[48], public_key[MON_PUBLIC_KEY_MAX];

	derive(p->cdi_attest, "ES256", attempt, okm);
	public_of_scalar(NID_X9_62_prime256v1, okm, 32, public_key);
	assert_memory_equal(p->public_es256, public_key, 65);
	assert_true(all_zero(p->public_es256 + 65, MON_PUBLIC_KEY_MAX - 65));
	derive(p->cdi_attest, "ES384", 0, okm);
	public_of_scalar(NID_secp384r1, okm, 48, public_key);
	assert_memory_equal(p->public_es384, public_key, 97);
}

static void derivation(void **state)
{
	struct mon_provision p = sample();
	struct mon_info info;

	(void)state;
	assert_ok(mon_get_info(root, &info));
	assert_false(info.provisioned);
	assert_true(all_zero(info.monitor_digest, sizeof(info.monitor_digest)));
	assert_ok(mon_provision(root, &p));
	assert_keys(&p, 0);
	assert_ok(mon_get_info(root, &info));
	assert_true(info.provisioned);
	assert_memory_equal(info.monitor_digest, p.monitor_digest, MON_DIGEST_LEN);
	assert_memory_equal(root->ueid, p.ueid, MON_UEID_LEN);
	assert_memory_equal(root->cdi_seal, p.cdi_seal, MON_CDI_LEN);
}

/* A candidate that is no scalar of the group: the next one is taken. */
static void next_candidate(void **state)
{
	struct mon_provision p = sample();

	(void)state;
	host_fail(1u << HOST_OP_ECDSA_PUBLIC, 1, MON_E_RANGE);
	assert_ok(mon_provision(root, &p));
	assert_true(host_failed());
	assert_keys(&p, 1);
}

static void candidates_run_out(void **state)
{
	struct mon_provision p = sample();

	(void)state;
	host_fail_from(1u << HOST_OP_ECDSA_PUBLIC, 1, MON_E_RANGE);
	assert_refused(mon_provision(root, &p), MON_E_CRYPTO);
	host_fail(0, 0, MON_OK);
	assert_ok(mon_provision(root, &p));
}

static void once(void **state)
{
	struct mon_provision p = sample(), other = sample();

	(void)state;
	assert_ok(mon_provision(root, &p));
	other.cdi_attest[0] ^= 1;
	assert_refused(mon_provision(root, &other), MON_E_PROVISIONED);
	assert_true(all_zero(other.public_es256, MON_PUBLIC_KEY_MAX));
	assert_refused(mon_provision(root, &p), MON_E_PROVISIONED);
}

struct second {
	enum mon_status status;
	bool provisioned;
	int runs;
};

static void hook_second(enum host_op op, enum host_moment moment, void *arg)
{
	struct mon_provision p = sample();
	struct second *s = arg;
	struct mon_info info;

	(void)op;
	if (moment != HOST_BEFORE)
		return;
	s->runs++;
	p.cdi_attest[0] ^= 1;
	s->status = mon_provision(root, &p);
	expect(mon_get_info(root, &info) == MON_OK);
	s->provisioned = info.provisioned;
}

static void not_in_the_middle_of_another(void **state)
{
	struct mon_provision p = sample();
	struct second s = { 0 };

	(void)state;
	host_set_hook(1u << HOST_OP_ECDSA_PUBLIC, hook_second, &s);
	assert_ok(mon_provision(root, &p));
	host_set_hook(0, NULL, NULL);
	assert_int_equal(s.runs, 2);	/* once for each key */
	assert_status(s.status, MON_E_PROVISIONED);
	assert_false(s.provisioned);
	assert_keys(&p, 0);
}

static void bad_secrets(void **state)
{
	struct mon_provision p = sample();

	(void)state;
	assert_refused(mon_provision(root, NULL), MON_E_ARGUMENT);
	memset(p.cdi_attest, 0, sizeof(p.cdi_attest));
	assert_refused(mon_provision(root, &p), MON_E_ARGUMENT);
	p = sample();
	memset(p.cdi_seal, 0, sizeof(p.cdi_seal));
	assert_refused(mon_provision(root, &p), MON_E_ARGUMENT);
	p = sample();
	assert_ok(mon_provision(root, &p));
}

/* A failure leaves no key, no remains of one, and a device ready for another try. */
static void failures(void **state)
{
	struct mon_provision p = sample();
	u64 calls, n;

	(void)state;
	calls = host_op_count(HOST_OPS_FALLIBLE);
	assert_ok(mon_provision(root, &p));
	calls = host_op_count(HOST_OPS_FALLIBLE) - calls;
	assert_true(calls >= 4);
	machine_stop();
	machine_start(16);
	for (n = 1; n <= calls; n++) {
		p = sample();
		host_fail(HOST_OPS_FALLIBLE, n, MON_E_CRYPTO);
		assert_refused(mon_provision(root, &p), MON_E_CRYPTO);
		assert_true(host_failed());
		assert_true(all_zero(p.public_es256, MON_PUBLIC_KEY_MAX));
		assert_true(all_zero(&root->ak_es256, sizeof(root->ak_es256)));
		assert_true(all_zero(root->cdi_seal, sizeof(root->cdi_seal)));
	}
	assert_ok(mon_provision(root, &p));
	assert_keys(&p, 0);
}

/* Start and stop */

static void start_hides_the_root(void **state)
{
	struct mon_info info;

	(void)state;
	assert_int_equal(state_of(host_granule_pa(0)), GRANULE_ROOT);
	assert_true(host_granule_hidden(host_granule_pa(0)));
	assert_ok(mon_get_info(root, &info));
	assert_int_equal(info.delegated + info.frames + info.regions, 0);
	assert_false(all_zero(info.instance, sizeof(info.instance)));
	assert_refused(mon_get_info(root, NULL), MON_E_ARGUMENT);
}

static void start_needs_random_bytes(void **state)
{
	struct mon_root *other = NULL;
	u64 n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		host_fail(1u << HOST_OP_RANDOM, n, MON_E_CRYPTO);
		assert_refused(mon_start(host_granule_pa(5), &other), MON_E_CRYPTO);
		assert_true(host_failed());
		assert_null(other);
	}
}

static void stop_needs_all_granules_back(void **state)
{
	u64 pa = granule_take_delegated();

	(void)state;
	assert_refused(mon_stop(root), MON_E_STATE);
	granule_put_delegated(pa);
}

static void instances_differ(void **state)
{
	struct mon_root *other;
	struct mon_info a, b;

	(void)state;
	assert_ok(mon_start(host_granule_pa(9), &other));
	assert_ok(mon_get_info(root, &a));
	assert_ok(mon_get_info(other, &b));
	assert_memory_not_equal(a.instance, b.instance, sizeof(a.instance));
	assert_memory_not_equal(root->report_key, other->report_key, MON_DIGEST_LEN);
	assert_ok(mon_stop(other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(derivation),
		MACHINE_TEST(next_candidate),
		MACHINE_TEST(candidates_run_out),
		MACHINE_TEST(once),
		MACHINE_TEST(not_in_the_middle_of_another),
		MACHINE_TEST(bad_secrets),
		MACHINE_TEST(failures),
		MACHINE_TEST(start_hides_the_root),
		MACHINE_TEST(start_needs_random_bytes),
		MACHINE_TEST(stop_needs_all_granules_back),
		MACHINE_TEST(instances_differ),
	};

	return RUN_TESTS(tests);
}
