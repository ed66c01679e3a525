// SPDX-License-Identifier: Apache-2.0
/* The host platform: known answers, agreement with OpenSSL, and the rules that it enforces. */
#include <openssl/evp.h>

#include "unit.h"

static int platform_setup(void **state)
{
	(void)state;
	host_platform_exit();
	host_platform_init(16);
	return 0;
}

static int platform_teardown(void **state)
{
	(void)state;
	host_platform_exit();
	return 0;
}

#define PLATFORM_TEST(fn) cmocka_unit_test_setup_teardown(fn, platform_setup, platform_teardown)

/* Memory */

static void memory_bounds(void **state)
{
	u64 first = host_granule_pa(0);
	u64 last = host_granule_pa(15);

	(void)state;
	assert_non_null(plat_granule_word(first));
	assert_non_null(plat_granule_word(last));
	assert_ptr_equal(plat_granule_word(last + PAGE - 1), plat_granule_word(last));
	assert_null(plat_granule_word(last + PAGE));
	assert_null(plat_granule_word(first - 1));
	assert_null(plat_granule_word(0));
	assert_null(plat_granule_word(~0ull));
	assert_ptr_equal((u8 *)plat_granule_address(last),
			 (u8 *)plat_granule_address(first) + 15 * PAGE);
	assert_int_equal((uintptr_t)plat_granule_address(first) % PAGE, 0);
}

static void memory_hides(void **state)
{
	u64 pa = host_granule_pa(3);

	(void)state;
	plat_critical_enter();
	plat_granule_hide(pa);
	assert_true(host_granule_hidden(pa));
	assert_false(host_granule_hidden(host_granule_pa(2)));
	assert_int_equal(host_hidden_count(), 1);
	plat_granule_show(pa);
	plat_critical_exit();
	assert_false(host_granule_hidden(pa));
	assert_int_equal(host_hidden_count(), 0);
}

static void die_address(void)
{
	plat_granule_address(host_granule_pa(15) + PAGE);
}

static void die_misaligned(void)
{
	plat_granule_address(host_granule_pa(1) + 8);
}

static void die_hide_unlocked(void)
{
	plat_granule_hide(host_granule_pa(1));
}

static void die_hide_twice(void)
{
	plat_critical_enter();
	plat_granule_hide(host_granule_pa(1));
	plat_granule_hide(host_granule_pa(1));
}

static void memory_rules(void **state)
{
	(void)state;
	assert_dies(die_address, "no granule");
	assert_dies(die_misaligned, "no granule");
	assert_dies(die_hide_unlocked, "not locked");
	assert_dies(die_hide_twice, "so already");
}

static void scrub_counts(void **state)
{
	u8 *p = plat_granule_address(host_granule_pa(0));

	(void)state;
	memset(p, 0xa5, PAGE);
	plat_scrub(p, PAGE);
	assert_true(all_zero(p, PAGE));
	assert_int_equal(host_scrubbed_bytes(), PAGE);
}

struct unmapped {
	u64 cookie, first, count;
};

static void note_unmap(u64 cookie, u64 first, u64 count, void *arg)
{
	*(struct unmapped *)arg = (struct unmapped){ cookie, first, count };
}

static void unmap_tells(void **state)
{
	struct unmapped u = { 0 };

	(void)state;
	plat_unmap(1, 2, 3);	/* nobody asked: counted only */
	host_set_unmap(note_unmap, &u);
	plat_unmap(7, 8, 9);
	assert_int_equal(u.cookie, 7);
	assert_int_equal(u.first, 8);
	assert_int_equal(u.count, 9);
	assert_int_equal(host_op_count(1u << HOST_OP_UNMAP), 2);
}

/* Locks */

static struct plat_lock lock;

static void die_crypto_locked(void)
{
	u8 byte;

	plat_lock(&lock);
	plat_random(&byte, 1);
}

static void die_unmap_critical(void)
{
	plat_critical_enter();
	plat_unmap(0, 0, 1);
}

static void die_lock_twice(void)
{
	plat_lock(&lock);
	plat_lock(&lock);
}

static void die_lock_critical(void)
{
	plat_critical_enter();
	plat_lock(&lock);
}

static void die_unlock(void)
{
	plat_unlock(&lock);
}

static void die_assert(void)
{
	plat_assert_locked(&lock);
}

static void die_exit(void)
{
	plat_critical_exit();
}

static void die_fatal(void)
{
	plat_fatal("the sky");
}

static void lock_rules(void **state)
{
	(void)state;
	plat_lock_init(&lock);
	plat_lock(&lock);
	plat_assert_locked(&lock);
	plat_unlock(&lock);
	assert_dies(die_crypto_locked, "plat_random while the thread holds 1 lock");
	assert_dies(die_unmap_critical, "plat_unmap in a critical section");
	assert_dies(die_lock_twice, "deadlock");
	assert_dies(die_lock_critical, "may not wait");
	assert_dies(die_unlock, "does not hold");
	assert_dies(die_assert, "does not hold");
	assert_dies(die_exit, "outside a critical section");
	assert_dies(die_fatal, "monitor invariant broken: the sky");
}

/* AES-256-GCM */

static void openssl_gcm(const u8 *key, const u8 *nonce, const u8 *aad, int aad_len,
			const u8 *plain, u8 *cipher, u8 *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce), 1);
	if (aad_len)
		assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, aad, aad_len), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, cipher, &n, plain, PAGE), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, cipher + n, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, MON_TAG_LEN, tag), 1);
	EVP_CIPHER_CTX_free(ctx);
}

/* Test case 14 of the GCM specification: the first block of this ciphertext. */
static void aead_known_answer(void **state)
{
	u8 key[MON_KEY_LEN] = { 0 }, nonce[MON_NONCE_LEN] = { 0 }, tag[MON_TAG_LEN];
	struct plat_aead aead;
	u8 *plain = buffer_new();
	u8 *cipher = buffer_new();

	(void)state;
	assert_ok(plat_aead_set(&aead, key));
	assert_ok(plat_aead_seal(&aead, nonce, NULL, 0, plain, cipher, tag));
	assert_bytes(cipher, "cea7403d4d606b6e074ec5d3baf39d18");
	plat_aead_clear(&aead);
	assert_true(all_zero(&aead, sizeof(aead)));
	plat_aead_clear(&aead);
	assert_int_equal(host_keys_live(), 0);
	free(plain);
	free(cipher);
}

static void aead_agrees_with_openssl(void **state)
{
	u8 key[MON_KEY_LEN], nonce[MON_NONCE_LEN], aad[33], tag[MON_TAG_LEN];
	u8 other_tag[MON_TAG_LEN];
	u8 *cipher = buffer_new(), *other = buffer_new(), *back = buffer_new();
	struct plat_aead aead;
	size_t len;

	(void)state;
	for (len = 0; len <= sizeof(aad); len++) {
		assert_true(plat_random(key, sizeof(key)));
		assert_true(plat_random(nonce, sizeof(nonce)));
		assert_true(plat_random(aad, sizeof(aad)));
		assert_ok(plat_aead_set(&aead, key));
		assert_ok(plat_aead_seal(&aead, nonce, aad, len, pattern(len), cipher, tag));
		openssl_gcm(key, nonce, aad, (int)len, pattern(len), other, other_tag);
		assert_memory_equal(cipher, other, PAGE);
		assert_memory_equal(tag, other_tag, sizeof(tag));
		assert_ok(plat_aead_open(&aead, nonce, aad, len, cipher, back, tag));
		assert_memory_equal(back, pattern(len), PAGE);
		plat_aead_clear(&aead);
	}
	free(cipher);
	free(other);
	free(back);
}

static void aead_refuses_every_part(void **state)
{
	u8 key[MON_KEY_LEN] = { 1 }, nonce[MON_NONCE_LEN] = { 2 }, aad[16] = { 3 };
	u8 tag[MON_TAG_LEN];
	u8 *cipher = buffer_new(), *back = buffer_new();
	struct { u8 *part; size_t len; } parts[] = {
		{ nonce, sizeof(nonce) }, { aad, sizeof(aad) }, { tag, sizeof(tag) },
		{ cipher, PAGE },
	};
	struct plat_aead aead;
	size_t i, bit;

	(void)state;
	assert_ok(plat_aead_set(&aead, key));
	assert_ok(plat_aead_seal(&aead, nonce, aad, sizeof(aad), pattern(0), cipher, tag));
	for (i = 0; i < 4; i++)
		for (bit = 0; bit < 8 * parts[i].len; bit += i < 3 ? 1 : 41) {
			parts[i].part[bit / 8] ^= 1u << bit % 8;
			memset(back, 0xff, PAGE);
			assert_status(plat_aead_open(&aead, nonce, aad, sizeof(aad), cipher, back,
						     tag), MON_E_INTEGRITY);
			assert_true(all_zero(back, PAGE));
			parts[i].part[bit / 8] ^= 1u << bit % 8;
		}
	assert_ok(plat_aead_open(&aead, nonce, aad, sizeof(aad), cipher, back, tag));
	assert_memory_equal(back, pattern(0), PAGE);
	plat_aead_clear(&aead);
	free(cipher);
	free(back);
}

/* Hashes and HMAC: FIPS 180-4's examples, RFC 4231 */

static void hash_known_answers(void **state)
{
	struct plat_hash hash;
	u8 digest[MON_DIGEST_LEN];

	(void)state;
	assert_ok(plat_hash_init(&hash, MON_HASH_SHA256));
	assert_ok(plat_hash_update(&hash, "a", 1));
	assert_ok(plat_hash_update(&hash, "bc", 2));
	assert_ok(plat_hash_final(&hash, digest));
	assert_bytes(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_ok(plat_hash_init(&hash, MON_HASH_SHA384));
	assert_ok(plat_hash_update(&hash, "abc", 3));
	assert_ok(plat_hash_final(&hash, digest));
	assert_bytes(digest, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
		     "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
}

static void hmac_known_answers(void **state)
{
	static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	u8 key[131], mac[MON_DIGEST_LEN];

	(void)state;
	memset(key, 0x0b, 20);
	assert_ok(plat_hmac_sha384(key, 20, "Hi There", 8, NULL, 0, mac));
	assert_bytes(mac, "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec6"
		     "82aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6");
	assert_ok(plat_hmac_sha384((const u8 *)"Jefe", 4, "what do ya want ", 16,
				   "for nothing?", 12, mac));
	assert_bytes(mac, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"
		     "e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
	memset(key, 0xaa, sizeof(key));
	assert_ok(plat_hmac_sha384(key, sizeof(key), NULL, 0, text, sizeof(text) - 1, mac));
	assert_bytes(mac, "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f"
		     "3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952");
}

/* ECDSA: RFC 6979, appendices A.2.5 and A.2.6, message "sample" */

struct ecdsa_case {
	enum mon_sign_alg alg;
	enum mon_hash_alg hash;
	size_t len;
	const char *scalar;
	const char *public_key;
	const char *signature;
	const char *order;
};

static const struct ecdsa_case ecdsa_cases[] = {
	{
		.alg = MON_SIGN_ES256, .hash = MON_HASH_SHA256, .len = 32,
		.scalar = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
		.public_key = "04"
			"60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
			"7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
		.signature =
			"EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
			"F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
		.order = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
	}, {
		.alg = MON_SIGN_ES384, .hash = MON_HASH_SHA384, .len = 48,
		.scalar = "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA"
			"9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
		.public_key = "04"
			"EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E"
			"06AAE5286B300C64DEF8F0EA9055866064A254515480BC13"
			"8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9"
			"F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720",
		.signature =
			"94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA7"
			"3D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"
			"99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526"
			"203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8",
		.order = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
			"C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
	},
};

static void ecdsa_known_answer(const struct ecdsa_case *c)
{
	u8 scalar[MON_SCALAR_MAX], public_key[MON_PUBLIC_KEY_MAX], wanted[MON_PUBLIC_KEY_MAX];
	u8 digest[MON_DIGEST_LEN], signature[MON_SIGNATURE_MAX];
	struct plat_hash hash;

	unhex(c->scalar, scalar, c->len);
	assert_ok(plat_ecdsa_public(c->alg, scalar, public_key));
	unhex(c->public_key, wanted, 2 * c->len + 1);
	assert_memory_equal(public_key, wanted, 2 * c->len + 1);
	assert_ok(plat_hash_init(&hash, c->hash));
	assert_ok(plat_hash_update(&hash, "sample", 6));
	assert_ok(plat_hash_final(&hash, digest));
	assert_ok(plat_ecdsa_sign(c->alg, scalar, public_key, digest, signature));
	unhex(c->signature, wanted, 2 * c->len);
	assert_memory_equal(signature, wanted, 2 * c->len);

	/* A signature that does not fit the public key is not given out. */
	public_key[2 * c->len] ^= 1;
	memset(signature, 0xff, sizeof(signature));
	assert_status(plat_ecdsa_sign(c->alg, scalar, public_key, digest, signature),
		      MON_E_CRYPTO);
	assert_true(all_zero(signature, 2 * c->len));
}

static void ecdsa_known_answers(void **state)
{
	(void)state;
	ecdsa_known_answer(&ecdsa_cases[0]);
	ecdsa_known_answer(&ecdsa_cases[1]);
}

static void ecdsa_range(void **state)
{
	u8 scalar[MON_SCALAR_MAX], public_key[MON_PUBLIC_KEY_MAX];
	const struct ecdsa_case *c;

	(void)state;
	for (c = ecdsa_cases; c < ecdsa_cases + 2; c++) {
		memset(scalar, 0, sizeof(scalar));
		assert_status(plat_ecdsa_public(c->alg, scalar, public_key), MON_E_RANGE);
		scalar[c->len - 1] = 1;
		assert_ok(plat_ecdsa_public(c->alg, scalar, public_key));
		unhex(c->order, scalar, c->len);
		assert_status(plat_ecdsa_public(c->alg, scalar, public_key), MON_E_RANGE);
		scalar[c->len - 1]--;
		assert_ok(plat_ecdsa_public(c->alg, scalar, public_key));
		memset(scalar, 0xff, sizeof(scalar));
		assert_status(plat_ecdsa_public(c->alg, scalar, public_key), MON_E_RANGE);
	}
}

/* Control */

static void random_differs(void **state)
{
	u8 a[64] = { 0 }, b[64] = { 0 };

	(void)state;
	assert_true(plat_random(a, sizeof(a)));
	assert_true(plat_random(b, sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_false(all_zero(a, sizeof(a)));
}

static bool sevens(void *out, size_t len, void *arg)
{
	(void)arg;
	memset(out, 7, len);
	return true;
}

static void random_replaced(void **state)
{
	u8 a[4], b[4] = { 7, 7, 7, 7 };

	(void)state;
	host_set_random(sevens, NULL);
	assert_true(plat_random(a, sizeof(a)));
	assert_memory_equal(a, b, sizeof(a));
}

static void failures_come_when_asked_for(void **state)
{
	struct plat_hash hash;
	u8 out[MON_DIGEST_LEN], *cipher = buffer_new(), *plain = buffer_new();
	u8 key[MON_KEY_LEN] = { 0 }, tag[MON_TAG_LEN] = { 0 };
	struct plat_aead aead;

	(void)state;
	host_fail(1u << HOST_OP_HASH_UPDATE, 2, MON_E_NO_MEMORY);
	assert_ok(plat_hash_init(&hash, MON_HASH_SHA384));
	assert_ok(plat_hash_update(&hash, "a", 1));
	assert_false(host_failed());
	assert_status(plat_hash_update(&hash, "a", 1), MON_E_NO_MEMORY);
	assert_true(host_failed());
	assert_ok(plat_hash_update(&hash, "a", 1));
	host_fail(HOST_OPS_FALLIBLE, 1, MON_E_CRYPTO);
	assert_false(plat_random(out, sizeof(out)));
	assert_true(plat_random(out, sizeof(out)));
	host_fail(HOST_OPS_FALLIBLE, 1, MON_E_CRYPTO);
	host_fail(0, 0, MON_OK);
	assert_true(plat_random(out, sizeof(out)));

	/* An open that fails leaves nothing behind, for whatever reason it fails. */
	assert_ok(plat_aead_set(&aead, key));
	memset(plain, 0xff, PAGE);
	host_fail(1u << HOST_OP_OPEN, 1, MON_E_NO_MEMORY);
	assert_status(plat_aead_open(&aead, key, NULL, 0, cipher, plain, tag), MON_E_NO_MEMORY);
	assert_true(all_zero(plain, PAGE));
	plat_aead_clear(&aead);
	free(cipher);
	free(plain);
}

static void note_moment(enum host_op op, enum host_moment moment, void *arg)
{
	int *calls = arg;
	u8 byte;

	expect(op == HOST_OP_RANDOM);
	expect(moment == (*calls % 2 ? HOST_AFTER : HOST_BEFORE));
	++*calls;
	expect(plat_random(&byte, 1));	/* not hooked: no recursion */
}

static void hooks_run_before_and_after(void **state)
{
	struct plat_hash hash;
	int calls = 0;
	u8 byte;

	(void)state;
	host_set_hook(1u << HOST_OP_RANDOM, note_moment, &calls);
	assert_true(plat_random(&byte, 1));
	assert_int_equal(calls, 2);
	assert_ok(plat_hash_init(&hash, MON_HASH_SHA256));
	assert_int_equal(calls, 2);
	assert_true(plat_random(&byte, 1));
	assert_int_equal(calls, 4);
	host_set_hook(0, NULL, NULL);
	assert_true(plat_random(&byte, 1));
	assert_int_equal(calls, 4);
	assert_int_equal(host_op_count(1u << HOST_OP_RANDOM), 7);
	assert_int_equal(host_op_count(HOST_OPS_ALL), 8);
}

static void posture_is_settable(void **state)
{
	struct mon_posture posture, other = { .kernel_release = "9", .crash_kernel = true };

	(void)state;
	plat_posture(&posture);
	assert_int_equal(posture.lockdown, MON_LOCKDOWN_NONE);
	assert_string_equal(posture.kernel_release, "0.0.0-host");
	host_set_posture(&other);
	plat_posture(&posture);
	assert_string_equal(posture.kernel_release, "9");
	assert_true(posture.crash_kernel);
	assert_string_equal(plat_mode_name, "host");
	assert_string_equal(host_op_name(HOST_OP_UNMAP), "plat_unmap");
	assert_null(host_op_name(HOST_OP_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLATFORM_TEST(memory_bounds),
		PLATFORM_TEST(memory_hides),
		PLATFORM_TEST(memory_rules),
		PLATFORM_TEST(scrub_counts),
		PLATFORM_TEST(unmap_tells),
		PLATFORM_TEST(lock_rules),
		PLATFORM_TEST(aead_known_answer),
		PLATFORM_TEST(aead_agrees_with_openssl),
		PLATFORM_TEST(aead_refuses_every_part),
		PLATFORM_TEST(hash_known_answers),
		PLATFORM_TEST(hmac_known_answers),
		PLATFORM_TEST(ecdsa_known_answers),
		PLATFORM_TEST(ecdsa_range),
		PLATFORM_TEST(random_differs),
		PLATFORM_TEST(random_replaced),
		PLATFORM_TEST(failures_come_when_asked_for),
		PLATFORM_TEST(hooks_run_before_and_after),
		PLATFORM_TEST(posture_is_settable),
	};

	return RUN_TESTS(tests);
}
