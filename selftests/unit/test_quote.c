// SPDX-License-Identifier: Apache-2.0
/* Quotes: read with libcbor, verified with OpenSSL, claim by claim. */
#include <cbor.h>
#include <linux/cloister_quote.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "unit.h"

static struct mon_provision device;

static const struct mon_posture strong = {
	.kernel_release = "6.1.0-test",
	.lockdown = MON_LOCKDOWN_CONFIDENTIALITY,
	.iommu = MON_IOMMU_TRANSLATING,
	.guards = MON_GUARDS_ARMED,
	.module_signatures = true,
	.crash_kernel = true,
};

static void provision(void)
{
	memset(&device, 0, sizeof(device));
	memset(device.cdi_attest, 0x11, sizeof(device.cdi_attest));
	memset(device.cdi_seal, 0x22, sizeof(device.cdi_seal));
	memset(device.monitor_digest, 0x33, sizeof(device.monitor_digest));
	memset(device.ueid, 0x44, sizeof(device.ueid));
	assert_ok(mon_provision(root, &device));
}

static u8 out[CLOISTER_QUOTE_MAX_LEN];

static struct mon_quote request(enum mon_sign_alg alg, u32 nonce_len)
{
	struct mon_quote q = { .alg = alg, .nonce_len = nonce_len, .out = out,
			       .out_len = sizeof(out) };
	u32 i;

	for (i = 0; i < nonce_len && i < sizeof(q.nonce); i++)
		q.nonce[i] = (u8)(0xa0 + i);
	for (i = 0; i < sizeof(q.report_data); i++)
		q.report_data[i] = (u8)(3 * i);
	return q;
}

/* Deterministic encoding (RFC 8949, section 4.2.1) ----------------------------------------- */

static size_t serialize(cbor_item_t *item, u8 *buffer, size_t len)
{
	size_t n = cbor_serialize(item, buffer, len);

	assert_true(n > 0);
	return n;
}

static void assert_shortest(cbor_item_t *item)
{
	static const u64 most[] = { 0xff, 0xffff, 0xffffffff };
	cbor_int_width width = cbor_int_get_width(item);

	if (width > CBOR_INT_8)
		assert_true(cbor_get_int(item) > most[width - 1]);
}

static void assert_deterministic(cbor_item_t *item);

static void assert_deterministic_map(cbor_item_t *map)
{
	u8 key[64], previous[64];
	size_t i, len, previous_len = 0;
	struct cbor_pair *pairs = cbor_map_handle(map);

	assert_true(cbor_map_is_definite(map));
	for (i = 0; i < cbor_map_size(map); i++) {
		assert_deterministic(pairs[i].key);
		assert_deterministic(pairs[i].value);
		memset(key, 0, sizeof(key));
		len = serialize(pairs[i].key, key, sizeof(key));
		if (previous_len)
			assert_true(memcmp(previous, key, sizeof(key)) < 0);
		memcpy(previous, key, sizeof(key));
		previous_len = len;
	}
}

static void assert_deterministic(cbor_item_t *item)
{
	size_t i;

	switch (cbor_typeof(item)) {
	case CBOR_TYPE_UINT:
	case CBOR_TYPE_NEGINT:
		assert_shortest(item);
		break;
	case CBOR_TYPE_BYTESTRING:
		assert_true(cbor_bytestring_is_definite(item));
		break;
	case CBOR_TYPE_STRING:
		assert_true(cbor_string_is_definite(item));
		break;
	case CBOR_TYPE_ARRAY:
		assert_true(cbor_array_is_definite(item));
		for (i = 0; i < cbor_array_size(item); i++)
			assert_deterministic(cbor_array_handle(item)[i]);
		break;
	case CBOR_TYPE_MAP:
		assert_deterministic_map(item);
		break;
	case CBOR_TYPE_FLOAT_CTRL:
		assert_true(cbor_is_bool(item));
		break;
	default:
		fail_msg("a quote holds no item of type %d", cbor_typeof(item));
	}
}

/* Lengths of strings and containers are the shortest when libcbor, which writes those, agrees. */
static cbor_item_t *load(const u8 *data, size_t len)
{
	struct cbor_load_result result;
	cbor_item_t *item = cbor_load(data, len, &result);
	u8 *again = malloc(len + 16);

	if (!item)
		fail_msg("libcbor: error %d at byte %zu of %zu", result.error.code,
			 result.error.position, len);
	assert_non_null(again);
	assert_int_equal(result.read, len);
	assert_int_equal(serialize(item, again, len + 16), len);
	assert_memory_equal(again, data, len);
	free(again);
	return item;
}

/* The signature ----------------------------------------------------------------------------- */

static EVP_PKEY *public_key(enum mon_sign_alg alg)
{
	bool p256 = alg == MON_SIGN_ES256;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
					p256 ? "prime256v1" : "secp384r1", 0);
	OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
					 p256 ? device.public_es256 : device.public_es384,
					 p256 ? 65 : 97);
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static int to_der(const u8 *raw, int half, u8 **der)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int len;

	assert_int_equal(ECDSA_SIG_set0(sig, BN_bin2bn(raw, half, NULL),
					BN_bin2bn(raw + half, half, NULL)), 1);
	*der = NULL;
	len = i2d_ECDSA_SIG(sig, der);
	assert_true(len > 0);
	ECDSA_SIG_free(sig);
	return len;
}

/* Sig_structure (RFC 9052, section 4.4), built with libcbor. */
static size_t to_be_signed(cbor_item_t *header, cbor_item_t *payload, u8 *buffer, size_t len)
{
	cbor_item_t *array = cbor_new_definite_array(4);
	size_t n;

	assert_true(cbor_array_push(array, cbor_move(cbor_build_string("Signature1"))));
	assert_true(cbor_array_push(array, header));
	assert_true(cbor_array_push(array, cbor_move(cbor_build_bytestring(NULL, 0))));
	assert_true(cbor_array_push(array, payload));
	n = serialize(array, buffer, len);
	cbor_decref(&array);
	return n;
}

static bool signature_good(enum mon_sign_alg alg, cbor_item_t **parts)
{
	static u8 message[CLOISTER_QUOTE_MAX_LEN];
	EVP_PKEY *key = public_key(alg);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = to_be_signed(parts[0], parts[2], message, sizeof(message));
	int half = (int)cbor_bytestring_length(parts[3]) / 2;
	u8 *der;
	int der_len = to_der(cbor_bytestring_handle(parts[3]), half, &der);
	bool good;

	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL,
					      alg == MON_SIGN_ES256 ? EVP_sha256() : EVP_sha384(),
					      NULL, key), 1);
	good = EVP_DigestVerify(ctx, der, der_len, message, len) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good;
}

/* The claims -------------------------------------------------------------------------------- */

struct claims {
	struct cbor_pair *pair;	/* the next one */
	size_t left;
};

static cbor_item_t *next_claim(struct claims *c, long long label)
{
	cbor_item_t *key = c->pair->key;
	long long got = (long long)cbor_get_int(key);

	assert_true(c->left > 0);
	if (cbor_isa_negint(key))
		got = -1 - got;
	assert_int_equal(got, label);
	c->left--;
	return c->pair++->value;
}

static void claim_bytes(struct claims *c, long long label, const void *data, size_t len)
{
	cbor_item_t *value = next_claim(c, label);

	assert_true(cbor_isa_bytestring(value));
	assert_int_equal(cbor_bytestring_length(value), len);
	assert_memory_equal(cbor_bytestring_handle(value), data, len);
}

static void claim_text(struct claims *c, long long label, const char *text)
{
	cbor_item_t *value = next_claim(c, label);

	assert_true(cbor_isa_string(value));
	assert_int_equal(cbor_string_length(value), strlen(text));
	assert_memory_equal(cbor_string_handle(value), text, strlen(text));
}

static void claim_uint(struct claims *c, long long label, u64 number)
{
	cbor_item_t *value = next_claim(c, label);

	assert_true(cbor_isa_uint(value));
	assert_true(cbor_get_int(value) == number);
}

static void claim_bool(struct claims *c, long long label, bool wanted)
{
	cbor_item_t *value = next_claim(c, label);

	assert_true(cbor_is_bool(value));
	assert_int_equal(cbor_get_bool(value), wanted);
}

/* Labels as numbers: what goes over the wire must not follow a header that changes. */
static void assert_claims(cbor_item_t *map, u64 region, const struct mon_quote *q,
			  const struct mon_posture *posture)
{
	static const char * const lockdowns[] = { "none", "integrity", "confidentiality" };
	static const char * const iommus[] = { "none", "partial", "translating" };
	static const char * const guards[] = { "off", "partial", "armed" };
	struct mon_region_stats stats = stats_of(region);
	bool debug = stats.flags & 2;
	struct claims c = { cbor_map_handle(map), cbor_map_size(map) };
	struct mon_info info;

	assert_ok(mon_get_info(root, &info));
	claim_bytes(&c, 10, q->nonce, q->nonce_len);
	claim_bytes(&c, 256, device.ueid, sizeof(device.ueid));
	claim_text(&c, 265, "tag:cloister,2026:quote:1");
	claim_text(&c, -70001, "region");
	claim_bytes(&c, -70002, stats.measurement, 48);
	claim_uint(&c, -70003, stats.pages * PAGE);
	claim_uint(&c, -70004, stats.flags);
	claim_bytes(&c, -70005, q->report_data, 64);
	claim_text(&c, -70006, "host");
	claim_bool(&c, -70007, debug);
	claim_text(&c, -70008, "host");
	claim_bytes(&c, -70009, device.monitor_digest, 48);
	claim_text(&c, -70010, "asserted");
	claim_text(&c, -70011, "software");
	claim_bytes(&c, -70012, info.instance, 16);
	claim_text(&c, -70013, posture->kernel_release);
	claim_text(&c, -70014, lockdowns[posture->lockdown]);
	claim_bool(&c, -70015, posture->module_signatures);
	claim_bool(&c, -70016, posture->crash_kernel);
	claim_text(&c, -70017, guards[debug ? 0 : posture->guards]);
	claim_text(&c, -70018, iommus[posture->iommu]);
	assert_int_equal(c.left, 0);
}

static void assert_header(cbor_item_t *header, enum mon_sign_alg alg)
{
	cbor_item_t *map = load(cbor_bytestring_handle(header), cbor_bytestring_length(header));
	struct claims c = { cbor_map_handle(map), cbor_map_size(map) };
	cbor_item_t *value = next_claim(&c, 1);

	assert_deterministic(map);
	assert_true(cbor_isa_negint(value));
	assert_int_equal(cbor_get_int(value), alg == MON_SIGN_ES256 ? 6 : 34);
	claim_text(&c, 3, "application/eat-ucs+cbor");
	assert_int_equal(c.left, 0);
	cbor_decref(&map);
}

/* libcbor 0.8 takes tags without a meaning of their own, 18 among them, for malformed. */
static cbor_item_t *load_sign1(const struct mon_quote *q)
{
	cbor_item_t *array;

	assert_int_equal(q->out[0], 0xd2);	/* tag 18 */
	array = load(q->out + 1, q->quote_len - 1);
	assert_true(cbor_isa_array(array));
	assert_int_equal(cbor_array_size(array), 4);
	return array;
}

static void assert_quote(u64 region, const struct mon_quote *q, const struct mon_posture *posture)
{
	cbor_item_t *array = load_sign1(q);
	cbor_item_t **parts, *map;

	assert_deterministic(array);
	parts = cbor_array_handle(array);
	assert_header(parts[0], q->alg);
	map = load(cbor_bytestring_handle(parts[2]), cbor_bytestring_length(parts[2]));
	assert_deterministic(map);
	assert_claims(map, region, q, posture);
	assert_int_equal(cbor_bytestring_length(parts[3]), q->alg == MON_SIGN_ES256 ? 64 : 96);
	assert_true(signature_good(q->alg, parts));
	cbor_bytestring_handle(parts[2])[cbor_bytestring_length(parts[2]) / 2] ^= 1;
	assert_false(signature_good(q->alg, parts));
	cbor_decref(&map);
	cbor_decref(&array);
}

static void both_algorithms_and_all_nonces(void **state)
{
	static const u32 nonces[] = { MON_QUOTE_NONCE_MIN, 23, 24, MON_QUOTE_NONCE_MAX };
	u64 region = region_new(MON_REGION_PAGES_MAX, MON_REGION_FLAGS);
	u64 scratch;
	struct mon_posture weak;
	struct mon_quote q;
	size_t i;

	(void)state;
	provision();
	region_add(region, 0, RW, MON_PAGE_DATA, pattern(0));
	region_live(region);
	scratch = granule_take_delegated();
	plat_posture(&weak);
	for (i = 0; i < 4; i++) {
		q = request(MON_SIGN_ES256, nonces[i]);
		assert_ok(mon_quote(root, region, &q, scratch));
		assert_quote(region, &q, &weak);
		assert_int_equal(state_of(scratch), GRANULE_DELEGATED);
		assert_true(all_zero(host_granule_peek(scratch), PAGE));
	}
	host_set_posture(&strong);
	q = request(MON_SIGN_ES384, MON_QUOTE_NONCE_MAX);
	assert_ok(mon_quote(root, region, &q, scratch));
	assert_quote(region, &q, &strong);
	assert_int_equal(stats_of(region).quotes, 5);
	granule_put_delegated(scratch);
	region_end(region);
}

/* How guards stand, and that a debug region never says that they cover it. */
static void guards_and_debug(void **state)
{
	static const u32 flags[] = { 0, 1, 2, 3 };
	struct mon_posture posture = strong;
	struct mon_quote q;
	u64 region, scratch;
	size_t i;
	int guards;

	(void)state;
	provision();
	scratch = granule_take_delegated();
	for (i = 0; i < 4; i++) {
		region = region_new(1, flags[i]);
		region_add(region, 0, RW, MON_PAGE_DATA, pattern(0));
		region_live(region);
		for (guards = MON_GUARDS_OFF; guards <= MON_GUARDS_ARMED; guards++) {
			posture.guards = guards;
			host_set_posture(&posture);
			q = request(MON_SIGN_ES256, MON_QUOTE_NONCE_MIN);
			assert_ok(mon_quote(root, region, &q, scratch));
			assert_quote(region, &q, &posture);
		}
		region_end(region);
	}
	granule_put_delegated(scratch);
}

/* The whole of what can be as long as it can be fits the granule that it is made in. */
static void longest_claims(void **state)
{
	struct mon_posture posture = strong;
	u64 region = region_with_pages(1 << 20, 1), scratch;
	struct mon_quote q;

	(void)state;
	provision();
	memset(posture.kernel_release, 'k', sizeof(posture.kernel_release) - 1);
	posture.kernel_release[sizeof(posture.kernel_release) - 1] = 0;
	host_set_posture(&posture);
	scratch = granule_take_delegated();
	q = request(MON_SIGN_ES384, MON_QUOTE_NONCE_MAX);
	assert_ok(mon_quote(root, region, &q, scratch));
	assert_quote(region, &q, &posture);
	granule_put_delegated(scratch);
	region_end(region);
}

static void assert_chain(cbor_item_t *headers, const struct mon_quote *q)
{
	struct cbor_pair *pair = cbor_map_handle(headers);
	const u8 *cert = q->certs;
	cbor_item_t *item;
	u32 i;

	assert_int_equal(cbor_map_size(headers), q->cert_count ? 1 : 0);
	if (!q->cert_count)
		return;
	assert_int_equal(cbor_get_int(pair->key), 33);
	assert_int_equal(cbor_isa_bytestring(pair->value), q->cert_count == 1);
	for (i = 0; i < q->cert_count; i++) {
		item = q->cert_count == 1 ? pair->value : cbor_array_handle(pair->value)[i];
		assert_int_equal(cbor_bytestring_length(item), q->cert_len[i]);
		assert_memory_equal(cbor_bytestring_handle(item), cert, q->cert_len[i]);
		cert += q->cert_len[i];
	}
}

static void chains(void **state)
{
	static const u32 lens[MON_CHAIN_CERTS] = { 1, 300, 23, 2000 };
	u64 region = region_with_pages(4, 1), scratch;
	cbor_item_t *array;
	struct mon_posture weak;
	struct mon_quote q;
	u8 certs[4096];
	u32 count;
	size_t i;

	(void)state;
	provision();
	plat_posture(&weak);
	for (i = 0; i < sizeof(certs); i++)
		certs[i] = (u8)(i * 7);
	scratch = granule_take_delegated();
	for (count = 0; count <= MON_CHAIN_CERTS; count++) {
		q = request(MON_SIGN_ES256, 32);
		q.cert_count = count;
		q.certs = certs;
		memcpy(q.cert_len, lens, count * sizeof(u32));
		assert_ok(mon_quote(root, region, &q, scratch));
		assert_quote(region, &q, &weak);
		array = load_sign1(&q);
		assert_chain(cbor_array_handle(array)[1], &q);
		cbor_decref(&array);
	}
	granule_put_delegated(scratch);
	region_end(region);
}

static void too_small(void **state)
{
	u64 region = region_with_pages(4, 1), scratch;
	struct mon_quote q;
	size_t len, need;
	u8 *buffer;

	(void)state;
	provision();
	scratch = granule_take_delegated();
	q = request(MON_SIGN_ES256, 8);
	q.out = NULL;
	q.out_len = 0;
	assert_refused(mon_quote(root, region, &q, scratch), MON_E_SPACE);
	need = q.quote_len;
	for (len = need - 1; len > 61; len -= 61) {
		buffer = malloc(len);
		q.out = buffer;
		q.out_len = len;
		assert_refused(mon_quote(root, region, &q, scratch), MON_E_SPACE);
		assert_int_equal(q.quote_len, need);
		free(buffer);
	}
	assert_int_equal(host_op_count(1u << HOST_OP_ECDSA_SIGN), 0);
	buffer = malloc(need);
	q.out = buffer;
	q.out_len = need;
	assert_ok(mon_quote(root, region, &q, scratch));
	assert_int_equal(q.quote_len, need);
	free(buffer);
	granule_put_delegated(scratch);
	region_end(region);
}

static void bad_requests(void **state)
{
	static const u32 nonces[] = { 0, 1, MON_QUOTE_NONCE_MIN - 1, MON_QUOTE_NONCE_MAX + 1, ~0u };
	static const u32 algs[] = { 0, 3, 4, 0x100, ~0u };
	u64 region = region_with_pages(4, 1), scratch;
	struct mon_quote q;
	u8 cert = 0;
	size_t i;

	(void)state;
	provision();
	scratch = granule_take_delegated();
	assert_refused(mon_quote(root, region, NULL, scratch), MON_E_ARGUMENT);
	for (i = 0; i < 5; i++) {
		q = request(MON_SIGN_ES256, nonces[i]);
		assert_refused(mon_quote(root, region, &q, scratch), MON_E_ARGUMENT);
		q = request((enum mon_sign_alg)algs[i], 8);
		assert_refused(mon_quote(root, region, &q, scratch), MON_E_ARGUMENT);
	}
	q = request(MON_SIGN_ES256, 8);
	q.cert_count = MON_CHAIN_CERTS + 1;
	q.certs = &cert;
	assert_refused(mon_quote(root, region, &q, scratch), MON_E_ARGUMENT);
	q.cert_count = 1;
	assert_refused(mon_quote(root, region, &q, scratch), MON_E_ARGUMENT);
	q.cert_len[0] = ~0u;
	assert_refused(mon_quote(root, region, &q, scratch), MON_E_ARGUMENT);
	q.cert_len[0] = 1;
	q.certs = NULL;
	assert_refused(mon_quote(root, region, &q, scratch), MON_E_ARGUMENT);
	q = request(MON_SIGN_ES256, 8);
	q.out = NULL;
	assert_refused(mon_quote(root, region, &q, scratch), MON_E_ARGUMENT);
	granule_put_delegated(scratch);
	region_end(region);
}

static void needs_a_key(void **state)
{
	u64 region = region_with_pages(4, 1), scratch = granule_take_delegated();
	struct mon_quote q = request(MON_SIGN_ES256, 8);

	(void)state;
	assert_refused(mon_quote(root, region, &q, scratch), MON_E_UNPROVISIONED);
	granule_put_delegated(scratch);
	region_end(region);
}

static void failures(void **state)
{
	u64 region = region_with_pages(4, 1), scratch, calls, n;
	struct mon_quote q;

	(void)state;
	provision();
	scratch = granule_take_delegated();
	q = request(MON_SIGN_ES384, 8);
	calls = host_op_count(HOST_OPS_FALLIBLE);
	assert_ok(mon_quote(root, region, &q, scratch));
	calls = host_op_count(HOST_OPS_FALLIBLE) - calls;
	assert_true(calls >= 4);
	memset(out, 0, sizeof(out));
	for (n = 1; n <= calls; n++) {
		q = request(MON_SIGN_ES384, 8);
		host_fail(HOST_OPS_FALLIBLE, n, MON_E_CRYPTO);
		assert_refused(mon_quote(root, region, &q, scratch), MON_E_CRYPTO);
		assert_true(host_failed());
		assert_true(all_zero(out, sizeof(out)));
	}
	assert_int_equal(stats_of(region).quotes, 1);
	granule_put_delegated(scratch);
	region_end(region);
}

/* While it is signed, nobody can get at the granule that it is made in, or change the request. */
struct meddler {
	u64 scratch;
	struct mon_quote *q;
	enum mon_status undelegate;
	enum mon_status create;
};

static void hook_meddle(enum host_op op, enum host_moment moment, void *arg)
{
	struct meddler *m = arg;
	u64 id;

	(void)op;
	if (moment != HOST_BEFORE)
		return;
	m->undelegate = mon_granule_undelegate(root, m->scratch);
	m->create = mon_region_create(root, m->scratch, 1, 0, 0, &id);
	memset(m->q->nonce, 0xff, sizeof(m->q->nonce));
	m->q->alg = MON_SIGN_ES384;
}

static void signed_as_asked_for(void **state)
{
	u64 region = region_with_pages(4, 1);
	struct mon_quote q = request(MON_SIGN_ES256, 8), asked = q;
	struct mon_posture weak;
	struct meddler m = { .q = &q };

	(void)state;
	provision();
	plat_posture(&weak);
	m.scratch = granule_take_delegated();
	host_set_hook(1u << HOST_OP_HASH_INIT, hook_meddle, &m);
	assert_ok(mon_quote(root, region, &q, m.scratch));
	host_set_hook(0, NULL, NULL);
	assert_status(m.undelegate, MON_E_GRANULE);
	assert_status(m.create, MON_E_GRANULE);
	asked.quote_len = q.quote_len;
	assert_quote(region, &asked, &weak);
	granule_put_delegated(m.scratch);
	region_end(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(both_algorithms_and_all_nonces),
		MACHINE_TEST(guards_and_debug),
		MACHINE_TEST(longest_claims),
		MACHINE_TEST(chains),
		MACHINE_TEST(too_small),
		MACHINE_TEST(bad_requests),
		MACHINE_TEST(needs_a_key),
		MACHINE_TEST(failures),
		MACHINE_TEST(signed_as_asked_for),
	};

	return RUN_TESTS(tests);
}
