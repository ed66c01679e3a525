/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Between the sources of the kernel platform. */
#ifndef CLOISTER_KERNEL_INTERNAL_H
#define CLOISTER_KERNEL_INTERNAL_H

#include "platform.h"

/* Free the ownership table. */
void plat_memory_exit(void);

int plat_crypto_init(void);
void plat_crypto_exit(void);

/* The HMAC of @a followed by @b; @out has 32 or 48 bytes. */
enum mon_status plat_hmac(enum mon_hash_alg alg, const u8 *key, size_t key_len,
			  const void *a, size_t a_len, const void *b, size_t b_len, u8 *out);

/*
 * Find out in which byte order ecc_make_pub_key() takes its scalar, by a @scalar whose
 * @public_key is known: MON_E_CRYPTO where neither order gives it.
 */
enum mon_status plat_ecdsa_settle_order(enum mon_sign_alg alg, const u8 *scalar,
					const u8 *public_key);

/*
 * The steps of plat_ecdsa_sign() with the hedge in the caller's hands: @extra is the additional
 * data of RFC 6979 section 3.6. Without any, nonce and signature are those of section 3.2.
 */
enum mon_status plat_ecdsa_nonce(enum mon_sign_alg alg, const u8 *scalar, const u8 *digest,
				 const u8 *extra, size_t extra_len, u8 *nonce);
enum mon_status plat_ecdsa_sign_extra(enum mon_sign_alg alg, const u8 *scalar,
				      const u8 *public_key, const u8 *digest,
				      const u8 *extra, size_t extra_len, u8 *signature);

/* MON_OK, or MON_E_INTEGRITY where @signature is not one of @digest under @public_key. */
enum mon_status plat_ecdsa_verify(enum mon_sign_alg alg, const u8 *public_key,
				  const u8 *digest, const u8 *signature);

#endif /* CLOISTER_KERNEL_INTERNAL_H */
