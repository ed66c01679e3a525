// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* AES-256-GCM, hashes, HMAC and random bytes through the kernel's crypto API. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/crypto.h>
#include <linux/err.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/scatterlist.h>
#include <crypto/aead.h>
#include <crypto/hash.h>

#include "kernel_internal.h"

/* The first use of an algorithm settles its driver: have the fast ones there. */
MODULE_SOFTDEP("pre: aesni_intel sha256_ssse3 sha512_ssse3");

#define AAD_MAX		64
#define GCM_RESERVE	8	/* requests that are there however short memory is */

/*
 * One request with all that it points to. Nothing of it may be on the stack: the
 * scatterlists need directly mapped memory.
 */
struct gcm_op {
	struct crypto_wait wait;
	struct scatterlist in[3];
	struct scatterlist out[3];
	u8 iv[16];		/* some drivers want room for a block */
	u8 aad[AAD_MAX];
	u8 tag[MON_TAG_LEN];
	struct aead_request req;	/* last: its driver's context follows */
};

/*
 * A transform without a key. It holds the driver that was chosen, and tested, when the module
 * was loaded: keys are set by that driver's name, so their requests have its size.
 */
static struct crypto_aead *gcm_model;
static mempool_t *gcm_ops;
static size_t gcm_op_size;
/* The request that this processor used last: a page fault need not allocate one, nor clear it. */
static DEFINE_PER_CPU(struct gcm_op *, gcm_last);

static const char *gcm_driver(void)
{
	return crypto_tfm_alg_driver_name(crypto_aead_tfm(gcm_model));
}

enum mon_status plat_aead_set(struct plat_aead *aead, const u8 key[MON_KEY_LEN])
{
	struct crypto_aead *tfm = crypto_alloc_aead(gcm_driver(), 0, 0);
	int err = PTR_ERR_OR_ZERO(tfm);

	if (err)
		goto fail;
	if (crypto_aead_reqsize(tfm) > crypto_aead_reqsize(gcm_model)) {
		err = -EINVAL;
		goto fail_tfm;
	}
	err = crypto_aead_setkey(tfm, key, MON_KEY_LEN);
	if (!err)
		err = crypto_aead_setauthsize(tfm, MON_TAG_LEN);
	if (err)
		goto fail_tfm;
	aead->tfm = tfm;
	return MON_OK;

fail_tfm:
	crypto_free_aead(tfm);
fail:
	aead->tfm = NULL;
	if (err == -ENOMEM)
		return MON_E_NO_MEMORY;
	pr_err_ratelimited("%s takes no new key (error %d)\n", gcm_driver(), err);
	return MON_E_CRYPTO;
}

void plat_aead_clear(struct plat_aead *aead)
{
	/* Frees NULL too, and wipes the expanded key. */
	crypto_free_aead(aead->tfm);
	aead->tfm = NULL;
}

/* @sg: the additional data, a granule, and the tag where this side has one. */
static void gcm_list(struct scatterlist sg[3], struct gcm_op *op, size_t aad_len,
		     const void *granule, bool tag)
{
	sg_init_table(sg, tag ? 3 : 2);
	sg_set_buf(&sg[0], op->aad, aad_len);
	sg_set_buf(&sg[1], granule, MON_GRANULE_SIZE);
	if (tag)
		sg_set_buf(&sg[2], op->tag, MON_TAG_LEN);
}

/* Requests are taken, and drivers allocate, without calling on reclaim that does I/O. */
static struct gcm_op *gcm_op_get(struct plat_aead *aead, const u8 *nonce,
				 const void *aad, size_t aad_len)
{
	struct gcm_op *op = this_cpu_xchg(gcm_last, NULL);

	if (!op)
		op = mempool_alloc(gcm_ops, GFP_NOIO);
	if (!op)
		return NULL;
	crypto_init_wait(&op->wait);
	memcpy(op->iv, nonce, MON_NONCE_LEN);
	memcpy(op->aad, aad, aad_len);
	aead_request_set_tfm(&op->req, aead->tfm);
	aead_request_set_callback(&op->req,
				  CRYPTO_TFM_REQ_MAY_SLEEP | CRYPTO_TFM_REQ_MAY_BACKLOG,
				  crypto_req_done, &op->wait);
	aead_request_set_ad(&op->req, aad_len);
	return op;
}

static void gcm_op_put(struct gcm_op *op)
{
	/* The driver's context may hold what it derived from the key. The rest is no secret. */
	memzero_explicit(&op->req, gcm_op_size - offsetof(struct gcm_op, req));
	if (this_cpu_cmpxchg(gcm_last, NULL, op))
		mempool_free(op, gcm_ops);
}

static enum mon_status gcm_status(int err)
{
	switch (err) {
	case 0:
		return MON_OK;
	case -EBADMSG:
		return MON_E_INTEGRITY;
	case -ENOMEM:
		return MON_E_NO_MEMORY;
	default:
		return MON_E_CRYPTO;
	}
}

enum mon_status plat_aead_seal(struct plat_aead *aead, const u8 nonce[MON_NONCE_LEN],
			       const void *aad, size_t aad_len,
			       const void *plain, void *cipher, u8 tag[MON_TAG_LEN])
{
	unsigned int noio;
	struct gcm_op *op;
	int err;

	if (WARN_ON_ONCE(!aead->tfm || !aad_len || aad_len > AAD_MAX))
		return MON_E_CRYPTO;
	op = gcm_op_get(aead, nonce, aad, aad_len);
	if (!op)
		return MON_E_NO_MEMORY;
	gcm_list(op->in, op, aad_len, plain, false);
	gcm_list(op->out, op, aad_len, cipher, true);
	aead_request_set_crypt(&op->req, op->in, op->out, MON_GRANULE_SIZE, op->iv);
	noio = memalloc_noio_save();
	err = crypto_wait_req(crypto_aead_encrypt(&op->req), &op->wait);
	memalloc_noio_restore(noio);
	if (!err)
		memcpy(tag, op->tag, MON_TAG_LEN);
	gcm_op_put(op);
	return gcm_status(err);
}

enum mon_status plat_aead_open(struct plat_aead *aead, const u8 nonce[MON_NONCE_LEN],
			       const void *aad, size_t aad_len,
			       const void *cipher, void *plain, const u8 tag[MON_TAG_LEN])
{
	unsigned int noio;
	struct gcm_op *op;
	int err;

	if (WARN_ON_ONCE(!aead->tfm || !aad_len || aad_len > AAD_MAX))
		return MON_E_CRYPTO;
	op = gcm_op_get(aead, nonce, aad, aad_len);
	if (!op)
		return MON_E_NO_MEMORY;
	memcpy(op->tag, tag, MON_TAG_LEN);
	gcm_list(op->in, op, aad_len, cipher, true);
	gcm_list(op->out, op, aad_len, plain, false);
	aead_request_set_crypt(&op->req, op->in, op->out, MON_GRANULE_SIZE + MON_TAG_LEN, op->iv);
	noio = memalloc_noio_save();
	err = crypto_wait_req(crypto_aead_decrypt(&op->req), &op->wait);
	memalloc_noio_restore(noio);
	gcm_op_put(op);
	/* Drivers decrypt before they know whether the tag fits. */
	if (err)
		plat_scrub(plain, MON_GRANULE_SIZE);
	return gcm_status(err);
}

static const char * const hash_names[] = {
	[MON_HASH_SHA256] = "sha256",
	[MON_HASH_SHA384] = "sha384",
};

static const char * const hmac_names[] = {
	[MON_HASH_SHA256] = "hmac(sha256)",
	[MON_HASH_SHA384] = "hmac(sha384)",
};

static struct crypto_shash *hash_tfms[ARRAY_SIZE(hash_names)];

/*
 * The key of an HMAC is state of its transform. There is one for each hash, under a mutex: HMACs
 * are rare (key derivation, reports, nonces) and short, and this way none fails for want
 * of memory.
 */
static struct crypto_shash *hmac_tfms[ARRAY_SIZE(hmac_names)];
static DEFINE_MUTEX(hmac_mutex);

static struct shash_desc *hash_desc(struct plat_hash *hash)
{
	return (struct shash_desc *)hash->desc;
}

enum mon_status plat_hash_init(struct plat_hash *hash, enum mon_hash_alg alg)
{
	hash_desc(hash)->tfm = hash_tfms[alg];
	return crypto_shash_init(hash_desc(hash)) ? MON_E_CRYPTO : MON_OK;
}

enum mon_status plat_hash_update(struct plat_hash *hash, const void *data, size_t len)
{
	return crypto_shash_update(hash_desc(hash), data, len) ? MON_E_CRYPTO : MON_OK;
}

enum mon_status plat_hash_final(struct plat_hash *hash, u8 *out)
{
	int err = crypto_shash_final(hash_desc(hash), out);

	memzero_explicit(hash->desc, sizeof(hash->desc));
	return err ? MON_E_CRYPTO : MON_OK;
}

static int hmac_locked(struct crypto_shash *tfm, const u8 *key, size_t key_len,
		       const void *a, size_t a_len, const void *b, size_t b_len, u8 *out)
{
	static const u8 no_key[MON_DIGEST_LEN];
	SHASH_DESC_ON_STACK(desc, tfm);
	int err, err_wipe;

	err = crypto_shash_setkey(tfm, key, key_len);
	desc->tfm = tfm;
	if (!err)
		err = crypto_shash_init(desc);
	if (!err && a_len)
		err = crypto_shash_update(desc, a, a_len);
	if (!err && b_len)
		err = crypto_shash_update(desc, b, b_len);
	if (!err)
		err = crypto_shash_final(desc, out);
	shash_desc_zero(desc);
	/* Leave no key behind: the transform lives as long as the module. */
	err_wipe = crypto_shash_setkey(tfm, no_key, sizeof(no_key));
	return err ? err : err_wipe;
}

enum mon_status plat_hmac(enum mon_hash_alg alg, const u8 *key, size_t key_len,
			  const void *a, size_t a_len, const void *b, size_t b_len, u8 *out)
{
	int err;

	mutex_lock(&hmac_mutex);
	err = hmac_locked(hmac_tfms[alg], key, key_len, a, a_len, b, b_len, out);
	mutex_unlock(&hmac_mutex);
	return err ? MON_E_CRYPTO : MON_OK;
}

enum mon_status plat_hmac_sha384(const u8 *key, size_t key_len, const void *a, size_t a_len,
				 const void *b, size_t b_len, u8 out[MON_DIGEST_LEN])
{
	return plat_hmac(MON_HASH_SHA384, key, key_len, a, a_len, b, b_len, out);
}

bool plat_random(void *out, size_t len)
{
	if (!rng_is_initialized())
		return false;
	get_random_bytes(out, len);
	return true;
}

static int no_algorithm(const char *name, int err)
{
	pr_err("the kernel's crypto API has no %s (error %d); load the module that provides it\n",
	       name, err);
	return err;
}

static int gcm_init(void)
{
	int err;

	gcm_model = crypto_alloc_aead("gcm(aes)", 0, 0);
	if (IS_ERR(gcm_model)) {
		err = PTR_ERR(gcm_model);
		gcm_model = NULL;
		return no_algorithm("gcm(aes)", err);
	}
	gcm_op_size = sizeof(struct gcm_op) + crypto_aead_reqsize(gcm_model);
	gcm_ops = mempool_create_kmalloc_pool(GCM_RESERVE, gcm_op_size);
	return gcm_ops ? 0 : -ENOMEM;
}

static void gcm_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (per_cpu(gcm_last, cpu))
			mempool_free(per_cpu(gcm_last, cpu), gcm_ops);
		per_cpu(gcm_last, cpu) = NULL;
	}
	mempool_destroy(gcm_ops);
	gcm_ops = NULL;
	crypto_free_aead(gcm_model);
	gcm_model = NULL;
}

static int shash_init(struct crypto_shash **tfms, const char * const *names, size_t count)
{
	struct crypto_shash *tfm;
	size_t i;

	for (i = 0; i < count; i++) {
		tfm = crypto_alloc_shash(names[i], 0, 0);
		if (IS_ERR(tfm))
			return no_algorithm(names[i], PTR_ERR(tfm));
		tfms[i] = tfm;
	}
	return 0;
}

static void shash_exit(struct crypto_shash **tfms, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		crypto_free_shash(tfms[i]);
		tfms[i] = NULL;
	}
}

int plat_crypto_init(void)
{
	int err = gcm_init();

	if (!err)
		err = shash_init(hash_tfms, hash_names, ARRAY_SIZE(hash_names));
	if (!err)
		err = shash_init(hmac_tfms, hmac_names, ARRAY_SIZE(hmac_names));
	if (err) {
		plat_crypto_exit();
		return err;
	}
	pr_info("page encryption by %s, measurement by %s\n", gcm_driver(),
		crypto_shash_driver_name(hash_tfms[MON_HASH_SHA384]));
	return 0;
}

void plat_crypto_exit(void)
{
	shash_exit(hmac_tfms, ARRAY_SIZE(hmac_tfms));
	shash_exit(hash_tfms, ARRAY_SIZE(hash_tfms));
	gcm_exit();
}
