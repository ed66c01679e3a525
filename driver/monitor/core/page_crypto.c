// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Page encryption: AES-256-GCM under a random key of the region and key generation.
 *
 * Nonce: 4 random bytes of the generation, then a 64-bit counter (little-endian) that never
 * repeats under one key (NIST SP 800-38D, 8.2.1). The counter stops at 2^48, the room it has in a
 * page's entry, and the region with it. Additional data: the region's random id, the page's
 * number, the generation.
 */
#include "monitor_internal.h"

struct page_aad {
	u8 region[16];
	u8 page[8];
	u8 generation[4];
	u8 zero[4];
};

enum mon_status page_key_new(struct key_generation *key, u32 number)
{
	u8 bytes[MON_KEY_LEN];
	enum mon_status status;

	if (!plat_random(bytes, sizeof(bytes)) || !plat_random(key->salt, sizeof(key->salt)))
		status = MON_E_CRYPTO;
	else
		status = plat_aead_set(&key->aead, bytes);
	plat_scrub(bytes, sizeof(bytes));
	if (status != MON_OK)
		return status;
	key->number = number;
	key->counter = 0;
	key->sealed = 0;
	return MON_OK;
}

void page_key_clear(struct key_generation *key)
{
	plat_aead_clear(&key->aead);
	plat_scrub(key, sizeof(*key));
}

enum mon_status page_nonce_next(struct mon_region *r, struct page_nonce *nonce)
{
	u32 slot = r->generation % KEY_SLOTS;
	struct key_generation *key = &r->key[slot];

	plat_assert_locked(&r->lock);
	if (key->counter >= ENTRY_COUNTER_MAX)
		return MON_E_EXHAUSTED;
	nonce->slot = slot;
	nonce->counter = ++key->counter;
	return MON_OK;
}

static void bind(struct mon_region *r, u64 page, const struct page_nonce *nonce,
		 u8 iv[MON_NONCE_LEN], struct page_aad *aad)
{
	const struct key_generation *key = &r->key[nonce->slot];

	memcpy(iv, key->salt, 4);
	put_le64(iv + 4, nonce->counter);
	memcpy(aad->region, r->uid, sizeof(aad->region));
	put_le64(aad->page, page);
	put_le32(aad->generation, key->number);
	memset(aad->zero, 0, sizeof(aad->zero));
}

enum mon_status page_seal(struct mon_region *r, u64 page, const struct page_nonce *nonce,
			  const void *plain, void *cipher, u8 tag[MON_TAG_LEN])
{
	u8 iv[MON_NONCE_LEN];
	struct page_aad aad;

	bind(r, page, nonce, iv, &aad);
	return plat_aead_seal(&r->key[nonce->slot].aead, iv, &aad, sizeof(aad), plain, cipher,
			      tag);
}

enum mon_status page_open(struct mon_region *r, u64 page, const struct page_nonce *nonce,
			  const void *cipher, void *plain, const u8 tag[MON_TAG_LEN])
{
	u8 iv[MON_NONCE_LEN];
	struct page_aad aad;

	bind(r, page, nonce, iv, &aad);
	return plat_aead_open(&r->key[nonce->slot].aead, iv, &aad, sizeof(aad), cipher, plain,
			      tag);
}
