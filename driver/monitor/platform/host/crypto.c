// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Random bytes, AES-256-GCM, SHA-2 and HMAC of the host platform. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "host_platform.h"

static host_random_fn *random_fn;
static void *random_arg;
static long keys_live;

/* BearSSL chooses by what the processor has; all the choices run in constant time. */
static const br_block_ctr_class *aes_ctr(void)
{
	const br_block_ctr_class *class = br_aes_x86ni_ctr_get_vtable();

	return class ? class : &br_aes_ct64_ctr_vtable;
}

static br_ghash ghash(void)
{
	br_ghash fn = br_ghash_pclmul_get();

	return fn ? fn : br_ghash_ctmul64;
}

long host_keys_live(void)
{
	return __atomic_load_n(&keys_live, __ATOMIC_RELAXED);
}

void host_set_random(host_random_fn *fn, void *arg)
{
	random_arg = arg;
	random_fn = fn;
}

static bool system_random(u8 *out, size_t len)
{
	while (len) {
		ssize_t n = getrandom(out, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		out += n;
		len -= n;
	}
	return true;
}

bool plat_random(void *out, size_t len)
{
	enum mon_status status;
	bool ok = host_op_begin(HOST_OP_RANDOM, &status);

	if (ok)
		ok = random_fn ? random_fn(out, len, random_arg) : system_random(out, len);
	host_op_end(HOST_OP_RANDOM);
	return ok;
}

enum mon_status plat_aead_set(struct plat_aead *aead, const u8 key[MON_KEY_LEN])
{
	enum mon_status status;

	if (host_op_begin(HOST_OP_AEAD_SET, &status)) {
		aes_ctr()->init(&aead->keys.vtable, key, MON_KEY_LEN);
		br_gcm_init(&aead->gcm, &aead->keys.vtable, ghash());
		__atomic_add_fetch(&keys_live, 1, __ATOMIC_RELAXED);
	}
	host_op_end(HOST_OP_AEAD_SET);
	return status;
}

void plat_aead_clear(struct plat_aead *aead)
{
	if (aead->keys.vtable)
		__atomic_sub_fetch(&keys_live, 1, __ATOMIC_RELAXED);
	explicit_bzero(aead, sizeof(*aead));
}

/* A copy: the key's own context stays as it is, so other operations can run on it. */
static void gcm_start(br_gcm_context *gcm, const struct plat_aead *aead,
		      const u8 nonce[MON_NONCE_LEN], const void *aad, size_t aad_len)
{
	if (!aead->keys.vtable)
		host_die("an AEAD operation without a key");
	*gcm = aead->gcm;
	br_gcm_reset(gcm, nonce, MON_NONCE_LEN);
	br_gcm_aad_inject(gcm, aad, aad_len);
	br_gcm_flip(gcm);
}

static void check_granules(const void *plain, const void *cipher)
{
	if (plain == cipher)
		host_die("AEAD operation in place");
	if ((uintptr_t)plain % MON_GRANULE_SIZE || (uintptr_t)cipher % MON_GRANULE_SIZE)
		host_die("AEAD operation on buffers that are not granule-aligned");
}

enum mon_status plat_aead_seal(struct plat_aead *aead, const u8 nonce[MON_NONCE_LEN],
			       const void *aad, size_t aad_len,
			       const void *plain, void *cipher, u8 tag[MON_TAG_LEN])
{
	enum mon_status status;
	br_gcm_context gcm;

	check_granules(plain, cipher);
	if (host_op_begin(HOST_OP_SEAL, &status)) {
		gcm_start(&gcm, aead, nonce, aad, aad_len);
		memcpy(cipher, plain, MON_GRANULE_SIZE);
		br_gcm_run(&gcm, 1, cipher, MON_GRANULE_SIZE);
		br_gcm_get_tag(&gcm, tag);
		explicit_bzero(&gcm, sizeof(gcm));
	}
	host_op_end(HOST_OP_SEAL);
	return status;
}

static enum mon_status open_granule(const struct plat_aead *aead, const u8 nonce[MON_NONCE_LEN],
				    const void *aad, size_t aad_len,
				    const void *cipher, void *plain, const u8 tag[MON_TAG_LEN])
{
	br_gcm_context gcm;
	u32 good;

	gcm_start(&gcm, aead, nonce, aad, aad_len);
	memcpy(plain, cipher, MON_GRANULE_SIZE);
	br_gcm_run(&gcm, 0, plain, MON_GRANULE_SIZE);
	good = br_gcm_check_tag(&gcm, tag);	/* in constant time */
	explicit_bzero(&gcm, sizeof(gcm));
	if (good)
		return MON_OK;
	explicit_bzero(plain, MON_GRANULE_SIZE);
	return MON_E_INTEGRITY;
}

enum mon_status plat_aead_open(struct plat_aead *aead, const u8 nonce[MON_NONCE_LEN],
			       const void *aad, size_t aad_len,
			       const void *cipher, void *plain, const u8 tag[MON_TAG_LEN])
{
	enum mon_status status;

	check_granules(plain, cipher);
	if (host_op_begin(HOST_OP_OPEN, &status))
		status = open_granule(aead, nonce, aad, aad_len, cipher, plain, tag);
	else
		explicit_bzero(plain, MON_GRANULE_SIZE);
	host_op_end(HOST_OP_OPEN);
	return status;
}

enum mon_status plat_hash_init(struct plat_hash *hash, enum mon_hash_alg alg)
{
	enum mon_status status;

	if (host_op_begin(HOST_OP_HASH_INIT, &status)) {
		hash->class = alg == MON_HASH_SHA256 ? &br_sha256_vtable : &br_sha384_vtable;
		hash->class->init(&hash->context.vtable);
	}
	host_op_end(HOST_OP_HASH_INIT);
	return status;
}

enum mon_status plat_hash_update(struct plat_hash *hash, const void *data, size_t len)
{
	enum mon_status status;

	if (host_op_begin(HOST_OP_HASH_UPDATE, &status))
		hash->class->update(&hash->context.vtable, data, len);
	host_op_end(HOST_OP_HASH_UPDATE);
	return status;
}

enum mon_status plat_hash_final(struct plat_hash *hash, u8 *out)
{
	enum mon_status status;

	if (host_op_begin(HOST_OP_HASH_FINAL, &status))
		hash->class->out(&hash->context.vtable, out);
	host_op_end(HOST_OP_HASH_FINAL);
	return status;
}

enum mon_status plat_hmac_sha384(const u8 *key, size_t key_len, const void *a, size_t a_len,
				 const void *b, size_t b_len, u8 out[MON_DIGEST_LEN])
{
	br_hmac_key_context key_context;
	br_hmac_context context;
	enum mon_status status;

	if (host_op_begin(HOST_OP_HMAC, &status)) {
		br_hmac_key_init(&key_context, &br_sha384_vtable, key, key_len);
		br_hmac_init(&context, &key_context, 0);
		br_hmac_update(&context, a, a_len);
		br_hmac_update(&context, b, b_len);
		br_hmac_out(&context, out);
		explicit_bzero(&key_context, sizeof(key_context));
		explicit_bzero(&context, sizeof(context));
	}
	host_op_end(HOST_OP_HMAC);
	return status;
}
