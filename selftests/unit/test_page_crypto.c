// SPDX-License-Identifier: Apache-2.0
/* Page encryption: the exact construction, by OpenSSL; nonces that never repeat. */
#include <openssl/evp.h>

#include "unit.h"

/* A generator whose bytes can be told in advance: byte n is a function of n and of the stream. */
struct stream {
	u64 position;
	u8 log[256];
};

static bool counted_random(void *out, size_t len, void *arg)
{
	struct stream *s = arg;
	u8 *p = out;

	while (len--) {
		*p = (u8)(0x30 + 37 * s->position);
		s->log[s->position++ % sizeof(s->log)] = *p++;
	}
	return true;
}

static void le(u8 *out, u64 value, size_t len)
{
	while (len--) {
		*out++ = (u8)value;
		value >>= 8;
	}
}

/* AAD: region uid, page number, generation, 4 zero bytes. Nonce: salt, counter. */
static bool openssl_open(const u8 *key, const u8 *salt, u64 counter, const u8 *uid, u64 page,
			 u32 generation, const u8 *cipher, const u8 *tag, u8 *plain)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	u8 iv[12], aad[32] = { 0 };
	bool ok;
	int n;

	memcpy(iv, salt, 4);
	le(iv + 4, counter, 8);
	memcpy(aad, uid, 16);
	le(aad + 16, page, 8);
	le(aad + 24, generation, 4);
	assert_int_equal(EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv), 1);
	assert_int_equal(EVP_DecryptUpdate(ctx, NULL, &n, aad, sizeof(aad)), 1);
	assert_int_equal(EVP_DecryptUpdate(ctx, plain, &n, cipher, PAGE), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, (void *)tag), 1);
	ok = EVP_DecryptFinal_ex(ctx, plain + n, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static void construction(void **state)
{
	struct stream s = { 0 };
	u8 *cipher = buffer_new(), *plain = buffer_new();
	struct page_entry entry;
	u64 region, page;
	const u8 *uid, *key, *salt;
	u32 generation;

	(void)state;
	host_set_random(counted_random, &s);
	region = region_with_pages(8, 5);
	uid = s.log;
	key = s.log + 16;
	salt = s.log + 48;
	for (generation = 1; generation < 3; generation++) {
		for (page = 0; page < 5; page++) {
			page_out(region, page, cipher);
			entry = entry_of(region, page);
			assert_int_equal(ENTRY_COUNTER(entry.word), page + 1);
			assert_true(openssl_open(key, salt, page + 1, uid, page, generation, cipher,
						 entry.tag, plain));
			assert_memory_equal(plain, pattern(page), PAGE);
			assert_false(openssl_open(key, salt, page + 1, uid, page + 1, generation,
						  cipher, entry.tag, plain));
			page_in(region, page, cipher);
		}
		assert_ok(mon_region_rekey(root, region));
		key = s.log + 52;
		salt = s.log + 84;
	}
	host_set_random(NULL, NULL);
	free(cipher);
	free(plain);
	region_end(region);
}

static void nonces_count_up(void **state)
{
	u64 region = region_new(1, 0), i;
	struct mon_region *r = region_of(region);
	struct page_nonce nonce;

	(void)state;
	plat_lock(&r->lock);
	for (i = 1; i < 1000; i++) {
		assert_ok(page_nonce_next(r, &nonce));
		assert_int_equal(nonce.counter, i);
		assert_int_equal(nonce.slot, 1);
	}
	r->key[1].counter = ENTRY_COUNTER_MAX - 1;
	assert_ok(page_nonce_next(r, &nonce));
	assert_true(nonce.counter == ENTRY_COUNTER_MAX);
	assert_status(page_nonce_next(r, &nonce), MON_E_EXHAUSTED);
	assert_status(page_nonce_next(r, &nonce), MON_E_EXHAUSTED);
	assert_true(r->key[1].counter == ENTRY_COUNTER_MAX);
	plat_unlock(&r->lock);
	region_end(region);
}

static void every_binding_counts(void **state)
{
	u64 region = region_new(4, 0);
	struct mon_region *r = region_of(region);
	struct page_nonce nonce = { .slot = 1, .counter = 9 }, other = { .slot = 1, .counter = 10 };
	u8 *cipher = buffer_new(), *plain = buffer_new(), tag[MON_TAG_LEN];

	(void)state;
	assert_ok(page_seal(r, 2, &nonce, pattern(2), cipher, tag));
	assert_ok(page_open(r, 2, &nonce, cipher, plain, tag));
	assert_memory_equal(plain, pattern(2), PAGE);
	assert_status(page_open(r, 3, &nonce, cipher, plain, tag), MON_E_INTEGRITY);
	assert_true(all_zero(plain, PAGE));
	assert_status(page_open(r, 2, &other, cipher, plain, tag), MON_E_INTEGRITY);
	r->uid[15] ^= 1;
	assert_status(page_open(r, 2, &nonce, cipher, plain, tag), MON_E_INTEGRITY);
	r->uid[15] ^= 1;
	r->key[1].number++;
	assert_status(page_open(r, 2, &nonce, cipher, plain, tag), MON_E_INTEGRITY);
	r->key[1].number--;
	r->key[1].salt[0] ^= 1;
	assert_status(page_open(r, 2, &nonce, cipher, plain, tag), MON_E_INTEGRITY);
	r->key[1].salt[0] ^= 1;
	tag[0] ^= 1;
	assert_status(page_open(r, 2, &nonce, cipher, plain, tag), MON_E_INTEGRITY);
	tag[0] ^= 1;
	assert_ok(page_open(r, 2, &nonce, cipher, plain, tag));
	free(cipher);
	free(plain);
	region_end(region);
}

static void keys_are_wiped(void **state)
{
	struct key_generation key = { 0 };
	u64 n;

	(void)state;
	assert_ok(page_key_new(&key, 3));
	assert_int_equal(key.number, 3);
	page_key_clear(&key);
	assert_true(all_zero(&key, sizeof(key)));
	page_key_clear(&key);
	for (n = 1; n <= 3; n++) {
		host_fail(HOST_OPS_FALLIBLE, n, MON_E_CRYPTO);
		assert_status(page_key_new(&key, 3), MON_E_CRYPTO);
		assert_int_equal(key.number, 0);
		page_key_clear(&key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(construction),
		MACHINE_TEST(nonces_count_up),
		MACHINE_TEST(every_binding_counts),
		MACHINE_TEST(keys_are_wiped),
	};

	return RUN_TESTS(tests);
}
