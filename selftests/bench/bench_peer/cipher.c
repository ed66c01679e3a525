// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's AES-256-GCM and AES-256-XTS, alone: a page is encrypted into another and decrypted
 * back. Each call has a request and pages of its own, so that callers share nothing but the key.
 */
#include <crypto/aead.h>
#include <crypto/skcipher.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "cipher.h"

#define NONCE_LEN	12
#define AAD_LEN		32
#define TAG_LEN		16

static struct crypto_aead *gcm;
static struct crypto_skcipher *xts;

/* What one call works on. Nothing of it is on the stack: scatterlists point at it. */
struct work {
	u8 iv[16];
	u8 aad[AAD_LEN];
	u8 tag[TAG_LEN];
	struct page *plain;
	struct page *cipher;
	struct crypto_wait wait;
	union {
		void *request;
		struct aead_request *aead;
		struct skcipher_request *skcipher;
	};
};

static struct work *work_new(unsigned int request_size)
{
	struct work *w = kzalloc(sizeof(*w), GFP_KERNEL);

	if (!w)
		return NULL;
	w->request = kzalloc(request_size, GFP_KERNEL);
	w->plain = alloc_page(GFP_KERNEL | __GFP_ZERO);
	w->cipher = alloc_page(GFP_KERNEL);
	crypto_init_wait(&w->wait);
	return w;
}

static bool work_complete(const struct work *w)
{
	return w && w->request && w->plain && w->cipher;
}

static void work_free(struct work *w)
{
	if (!w)
		return;
	if (w->plain)
		__free_page(w->plain);
	if (w->cipher)
		__free_page(w->cipher);
	kfree(w->request);
	kfree(w);
}

static int gcm_once(struct work *w, bool encrypt)
{
	struct page *from = encrypt ? w->plain : w->cipher, *to = encrypt ? w->cipher : w->plain;
	struct scatterlist in[3], out[3];

	sg_init_table(in, ARRAY_SIZE(in));
	sg_set_buf(&in[0], w->aad, AAD_LEN);
	sg_set_page(&in[1], from, PAGE_SIZE, 0);
	sg_set_buf(&in[2], w->tag, TAG_LEN);
	sg_init_table(out, ARRAY_SIZE(out));
	sg_set_buf(&out[0], w->aad, AAD_LEN);
	sg_set_page(&out[1], to, PAGE_SIZE, 0);
	sg_set_buf(&out[2], w->tag, TAG_LEN);
	aead_request_set_crypt(w->aead, in, out, PAGE_SIZE + (encrypt ? 0 : TAG_LEN), w->iv);
	return crypto_wait_req(encrypt ? crypto_aead_encrypt(w->aead) :
					 crypto_aead_decrypt(w->aead), &w->wait);
}

static int xts_once(struct work *w, bool encrypt)
{
	struct page *from = encrypt ? w->plain : w->cipher, *to = encrypt ? w->cipher : w->plain;
	struct scatterlist in, out;

	/* XTS leaves its tweak there. */
	memset(w->iv, 0, sizeof(w->iv));
	sg_init_table(&in, 1);
	sg_set_page(&in, from, PAGE_SIZE, 0);
	sg_init_table(&out, 1);
	sg_set_page(&out, to, PAGE_SIZE, 0);
	skcipher_request_set_crypt(w->skcipher, &in, &out, PAGE_SIZE, w->iv);
	return crypto_wait_req(encrypt ? crypto_skcipher_encrypt(w->skcipher) :
					 crypto_skcipher_decrypt(w->skcipher), &w->wait);
}

static int repeat(struct work *w, unsigned int pages, int (*once)(struct work *w, bool encrypt))
{
	int ret = 0;

	while (!ret && pages--) {
		ret = once(w, true);
		if (!ret)
			ret = once(w, false);
		if (fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	return ret;
}

int gcm_alone(unsigned int pages)
{
	struct work *w = work_new(sizeof(struct aead_request) + crypto_aead_reqsize(gcm));
	int ret = -ENOMEM;

	if (work_complete(w)) {
		aead_request_set_tfm(w->aead, gcm);
		aead_request_set_callback(w->aead, CRYPTO_TFM_REQ_MAY_SLEEP |
					  CRYPTO_TFM_REQ_MAY_BACKLOG, crypto_req_done, &w->wait);
		aead_request_set_ad(w->aead, AAD_LEN);
		ret = repeat(w, pages, gcm_once);
	}
	work_free(w);
	return ret;
}

int xts_alone(unsigned int pages)
{
	struct work *w = work_new(sizeof(struct skcipher_request) + crypto_skcipher_reqsize(xts));
	int ret = -ENOMEM;

	if (work_complete(w)) {
		skcipher_request_set_tfm(w->skcipher, xts);
		skcipher_request_set_callback(w->skcipher, CRYPTO_TFM_REQ_MAY_SLEEP |
					      CRYPTO_TFM_REQ_MAY_BACKLOG, crypto_req_done,
					      &w->wait);
		ret = repeat(w, pages, xts_once);
	}
	work_free(w);
	return ret;
}

int cipher_init(void)
{
	/* XTS wants its two keys to differ. */
	static const u8 key[64] = "one key of which nothing depends, and one more like it";
	int ret;

	gcm = crypto_alloc_aead("gcm(aes)", 0, 0);
	if (IS_ERR(gcm))
		return PTR_ERR(gcm);
	ret = crypto_aead_setauthsize(gcm, TAG_LEN);
	if (!ret)
		ret = crypto_aead_setkey(gcm, key, 32);
	if (ret)
		return ret;
	xts = crypto_alloc_skcipher("xts(aes)", 0, 0);
	if (IS_ERR(xts))
		return PTR_ERR(xts);
	pr_info("cloister_bench_peer: %s and %s\n",
		crypto_tfm_alg_driver_name(crypto_aead_tfm(gcm)),
		crypto_tfm_alg_driver_name(crypto_skcipher_tfm(xts)));
	return crypto_skcipher_setkey(xts, key, sizeof(key));
}

void cipher_exit(void)
{
	if (!IS_ERR_OR_NULL(xts))
		crypto_free_skcipher(xts);
	if (!IS_ERR_OR_NULL(gcm))
		crypto_free_aead(gcm);
}
