/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the monitor needs of the platform it runs on.
 *
 * Each platform directory provides plat_types.h, which defines
 *	u8 u16 u32 u64 bool size_t NULL, memcpy memset memcmp,
 *	struct plat_lock	lock of a region; never held over crypto or anything that sleeps
 *	struct plat_aead	an expanded AES-256-GCM key
 *	struct plat_hash	a running SHA-256 or SHA-384
 *	MON_STATIC_ASSERT(condition, text)
 *	plat_fatal(what)	an invariant of the monitor is broken: stop before anything
 *				leaks; does not return
 * and a source for each group of functions below. A platform has no state that
 * the core depends on but what these functions say.
 */
#ifndef CLOISTER_PLATFORM_H
#define CLOISTER_PLATFORM_H

#include "plat_types.h"
#include "status.h"

#define MON_GRANULE_SIZE	4096u
#define MON_GRANULE_SHIFT	12

#define MON_NONCE_LEN		12
#define MON_TAG_LEN		16
#define MON_KEY_LEN		32
#define MON_DIGEST_LEN		48	/* SHA-384 */
#define MON_SCALAR_MAX		48
#define MON_SIGNATURE_MAX	96
#define MON_PUBLIC_KEY_MAX	97	/* 0x04, x, y */

enum mon_hash_alg {
	MON_HASH_SHA256,
	MON_HASH_SHA384,
};

/* Values as in linux/cloister.h, so that they travel unchanged. */
enum mon_sign_alg {
	MON_SIGN_ES256 = 1,
	MON_SIGN_ES384 = 2,
};

/* Memory ------------------------------------------------------------------ */

/*
 * The word of the ownership table for the granule at physical address @pa, or
 * NULL where @pa is not memory that the host may donate. Words start as 0.
 */
u16 *plat_granule_word(u64 pa);

/* Where the monitor sees the granule at @pa, which it owns. */
void *plat_granule_address(u64 pa);

/*
 * The granule changes between the host and the monitor: hide it from, or show it
 * to, what the host has for looking at memory. Called with the granule locked.
 */
void plat_granule_hide(u64 pa);
void plat_granule_show(u64 pa);

/* A granule is being given back: zero it so that the compiler can't elide it. */
void plat_scrub(void *address, size_t len);

/*
 * Remove every translation that the host or a process has to @count pages of the
 * region from @first, on all processors, before returning. @cookie is what
 * the host named the region by. May sleep; no lock of the monitor is held.
 */
void plat_unmap(u64 cookie, u64 first, u64 count);

/* Locks ------------------------------------------------------------------- */

void plat_lock_init(struct plat_lock *lock);
void plat_lock(struct plat_lock *lock);
void plat_unlock(struct plat_lock *lock);
void plat_assert_locked(struct plat_lock *lock);

/* Around the few instructions for which a granule's lock bit is held. */
void plat_critical_enter(void);
void plat_critical_exit(void);
void plat_relax(void);

/* Crypto: may sleep, so never under a lock -------------------------------- */

/* Cryptographically secure random bytes; true, or false where there are none. */
bool plat_random(void *out, size_t len);

/* MON_OK, or MON_E_NO_MEMORY. plat_aead_clear wipes the key; a zeroed structure may be cleared. */
enum mon_status plat_aead_set(struct plat_aead *aead, const u8 key[MON_KEY_LEN]);
void plat_aead_clear(struct plat_aead *aead);

/*
 * AES-256-GCM of one granule. @plain and @cipher are granule-sized, granule-aligned and
 * distinct. Open: MON_E_INTEGRITY where the tag does not fit; @plain then
 * holds nothing of the plaintext. Otherwise MON_OK, MON_E_NO_MEMORY or MON_E_CRYPTO.
 * Several may run at once on one key.
 */
enum mon_status plat_aead_seal(struct plat_aead *aead, const u8 nonce[MON_NONCE_LEN],
			       const void *aad, size_t aad_len,
			       const void *plain, void *cipher, u8 tag[MON_TAG_LEN]);
enum mon_status plat_aead_open(struct plat_aead *aead, const u8 nonce[MON_NONCE_LEN],
			       const void *aad, size_t aad_len,
			       const void *cipher, void *plain, const u8 tag[MON_TAG_LEN]);

/* @out has 32 or 48 bytes. MON_OK or MON_E_CRYPTO. A hash may be dropped at any time. */
enum mon_status plat_hash_init(struct plat_hash *hash, enum mon_hash_alg alg);
enum mon_status plat_hash_update(struct plat_hash *hash, const void *data, size_t len);
enum mon_status plat_hash_final(struct plat_hash *hash, u8 *out);

/* HMAC-SHA384 of the concatenation of @a and @b (either may be NULL with length 0). */
enum mon_status plat_hmac_sha384(const u8 *key, size_t key_len, const void *a, size_t a_len,
				 const void *b, size_t b_len, u8 out[MON_DIGEST_LEN]);

/*
 * ECDSA on P-256 (scalar 32 bytes, public key 65, signature 64) or P-384 (48, 97,
 * 96); everything big-endian. plat_ecdsa_public: MON_E_RANGE where @scalar is 0
 * or not below the group order. plat_ecdsa_sign signs @digest (32 or 48 bytes) and
 * checks its own signature before it returns: MON_E_CRYPTO where that fails.
 */
enum mon_status plat_ecdsa_public(enum mon_sign_alg alg, const u8 *scalar, u8 *public_key);
enum mon_status plat_ecdsa_sign(enum mon_sign_alg alg, const u8 *scalar, const u8 *public_key,
				const u8 *digest, u8 *signature);

/* What this machine can say of itself ------------------------------------- */

enum mon_lockdown {
	MON_LOCKDOWN_NONE,
	MON_LOCKDOWN_INTEGRITY,
	MON_LOCKDOWN_CONFIDENTIALITY,
};

enum mon_iommu {
	MON_IOMMU_NONE,
	MON_IOMMU_PARTIAL,
	MON_IOMMU_TRANSLATING,
};

enum mon_guards {
	MON_GUARDS_OFF,
	MON_GUARDS_PARTIAL,
	MON_GUARDS_ARMED,
};

struct mon_posture {
	char kernel_release[65];	/* terminated */
	enum mon_lockdown lockdown;
	enum mon_iommu iommu;
	enum mon_guards guards;
	bool module_signatures;
	bool crash_kernel;
};

void plat_posture(struct mon_posture *posture);

/* Where this monitor runs, as the quote's mode claim: "kernel", "host". */
extern const char plat_mode_name[];

#endif /* CLOISTER_PLATFORM_H */
