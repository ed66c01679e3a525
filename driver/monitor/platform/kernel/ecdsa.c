// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * ECDSA signatures over the kernel's crypto/ecc, whose arithmetic is not constant-time.
 * So a secret scalar never meets it as it is:
 *
 * - a multiple of the base point is made of two, by a random summand of the scalar
 *   and by the rest, fresh each time: the ladder's memory accesses tell one summand at most,
 *   and neither says anything of the scalar;
 * - the nonce's inverse and the products with the private key are taken under a random factor b,
 *   s = (kb)^-1 (bz + brd);
 * - sums, differences and range checks modulo the order are our own, without branches or
 *   accesses that depend on the values.
 *
 * Nonces are those of RFC 6979 with random additional data (section 3.6): neither a weak
 * random number generator nor a fault repeated on the same input repeats a nonce. Each signature
 * is verified before it leaves.
 *
 * Values are arrays of 64-bit digits, least significant first; "bytes" are big-endian.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <crypto/ecc_curve.h>
#include <crypto/ecdh.h>
#include <crypto/internal/ecc.h>

#include "kernel_internal.h"

#define DIGITS_MAX	ECC_CURVE_NIST_P384_DIGITS
#define HEDGE_MAX	MON_SCALAR_MAX
#define ATTEMPTS	32	/* of what fails with a chance below 2^-30 each */

struct ec_group {
	unsigned int curve_id;
	unsigned int digits;
	enum mon_hash_alg hash;		/* its digests are as long as scalars */
	bool scalar_bytes;		/* ecc_make_pub_key() takes bytes, not digits */
};

/* What a signature works with: one allocation, wiped as a whole. */
struct ec_work {
	u64 d[DIGITS_MAX];
	u64 k[DIGITS_MAX];
	u64 b[DIGITS_MAX];
	u64 z[DIGITS_MAX];
	u64 r[DIGITS_MAX];
	u64 s[DIGITS_MAX];
	u64 t[DIGITS_MAX];
	u64 u[DIGITS_MAX];
	u64 part[2][DIGITS_MAX];
	u64 part_x[2][DIGITS_MAX];
	u64 part_y[2][DIGITS_MAX];
	u64 x[DIGITS_MAX];
	u64 y[DIGITS_MAX];
	u64 point[2 * DIGITS_MAX];
	/* HMAC_DRBG of RFC 6979 section 3.2 */
	u8 drbg_k[MON_SCALAR_MAX];
	u8 drbg_v[MON_SCALAR_MAX];
	u8 drbg_in[1 + 2 * MON_SCALAR_MAX + HEDGE_MAX];
	u8 signature[MON_SIGNATURE_MAX];
};

static struct ec_group groups[] __ro_after_init = {
	{ ECC_CURVE_NIST_P256, ECC_CURVE_NIST_P256_DIGITS, MON_HASH_SHA256 },
	{ ECC_CURVE_NIST_P384, ECC_CURVE_NIST_P384_DIGITS, MON_HASH_SHA384 },
};

static struct ec_group *ec_group(enum mon_sign_alg alg)
{
	return &groups[alg == MON_SIGN_ES384];
}

static const struct ecc_curve *ec_curve(const struct ec_group *g)
{
	return ecc_get_curve(g->curve_id);
}

static size_t ec_bytes(const struct ec_group *g)
{
	return g->digits * sizeof(u64);
}

static void to_bytes(u8 *bytes, const u64 *value, unsigned int digits)
{
	unsigned int i;

	for (i = 0; i < digits; i++)
		put_unaligned_be64(value[digits - 1 - i], bytes + i * sizeof(u64));
}

/* sum = a + b; the carry out. */
static u64 ct_add(u64 *sum, const u64 *a, const u64 *b, unsigned int digits)
{
	u64 carry = 0;
	unsigned int i;

	for (i = 0; i < digits; i++) {
		u64 x = a[i], y = b[i], s = x + y + carry;

		carry = ((x & y) | ((x | y) & ~s)) >> 63;
		sum[i] = s;
	}
	return carry;
}

/* diff = a - b; the borrow out. */
static u64 ct_sub(u64 *diff, const u64 *a, const u64 *b, unsigned int digits)
{
	u64 borrow = 0;
	unsigned int i;

	for (i = 0; i < digits; i++) {
		u64 x = a[i], y = b[i], d = x - y - borrow;

		borrow = ((~x & y) | ((~x | y) & d)) >> 63;
		diff[i] = d;
	}
	return borrow;
}

/* to = @take ? from : to; @take is 0 or 1. */
static void ct_select(u64 *to, const u64 *from, u64 take, unsigned int digits)
{
	u64 mask = 0 - take;
	unsigned int i;

	OPTIMIZER_HIDE_VAR(mask);
	for (i = 0; i < digits; i++)
		to[i] = (from[i] & mask) | (to[i] & ~mask);
}

/* sum = a + b mod n, for a and b below n. */
static void mod_add(u64 *sum, const u64 *a, const u64 *b, const u64 *n, unsigned int digits)
{
	u64 less[DIGITS_MAX];
	u64 carry = ct_add(sum, a, b, digits);
	u64 borrow = ct_sub(less, sum, n, digits);

	ct_select(sum, less, carry | (borrow ^ 1), digits);
	memzero_explicit(less, sizeof(less));
}

/* diff = a - b mod n, for a and b below n. */
static void mod_sub(u64 *diff, const u64 *a, const u64 *b, const u64 *n, unsigned int digits)
{
	u64 more[DIGITS_MAX];
	u64 borrow = ct_sub(diff, a, b, digits);

	ct_add(more, diff, n, digits);
	ct_select(diff, more, borrow, digits);
	memzero_explicit(more, sizeof(more));
}

/* value = value mod n, for a value below 2n. */
static void mod_reduce(u64 *value, const u64 *n, unsigned int digits)
{
	u64 less[DIGITS_MAX];

	ct_select(value, less, ct_sub(less, value, n, digits) ^ 1, digits);
	memzero_explicit(less, sizeof(less));
}

/* 0 < value < n, the group order. */
static bool valid_scalar(const u64 *value, const u64 *n, unsigned int digits)
{
	u64 less[DIGITS_MAX], any = 0, borrow;
	unsigned int i;

	for (i = 0; i < digits; i++)
		any |= value[i];
	borrow = ct_sub(less, value, n, digits);
	memzero_explicit(less, sizeof(less));
	return ((any | (0 - any)) >> 63) & borrow;
}

static enum mon_status random_scalar(const struct ec_group *g, u64 *value)
{
	int i;

	for (i = 0; i < ATTEMPTS; i++) {
		if (!plat_random(value, ec_bytes(g)))
			break;
		if (valid_scalar(value, ec_curve(g)->n, g->digits))
			return MON_OK;
	}
	return MON_E_CRYPTO;
}

/* (x, y) = scalar * G by the kernel's ladder. */
static int ladder(const struct ec_group *g, struct ec_work *w, const u64 *scalar, u64 *x, u64 *y)
{
	u64 encoded[DIGITS_MAX];
	int err;

	if (g->scalar_bytes)
		to_bytes((u8 *)encoded, scalar, g->digits);
	else
		memcpy(encoded, scalar, ec_bytes(g));
	err = ecc_make_pub_key(g->curve_id, g->digits, encoded, w->point);
	memzero_explicit(encoded, sizeof(encoded));
	if (err)
		return err;
	vli_from_be64(x, w->point, g->digits);
	vli_from_be64(y, w->point + g->digits, g->digits);
	return 0;
}

/* (w->x, w->y) = part[0] * G + part[1] * G; -EAGAIN where another split is needed. */
static int base_multiply_parts(const struct ec_group *g, struct ec_work *w)
{
	static const u64 one[DIGITS_MAX] = { 1 };
	const struct ecc_curve *curve = ec_curve(g);
	struct ecc_point sum = ECC_POINT_INIT(w->x, w->y, g->digits);
	struct ecc_point p[2];
	int i, err;

	for (i = 0; i < 2; i++) {
		err = ladder(g, w, w->part[i], w->part_x[i], w->part_y[i]);
		if (err)
			return err;
		p[i] = ECC_POINT_INIT(w->part_x[i], w->part_y[i], g->digits);
	}
	ecc_point_mult_shamir(&sum, one, &p[0], one, &p[1], curve);
	/* The addition has no answer for equal or opposite points. */
	return ecc_is_pubkey_valid_partial(curve, &sum) ? -EAGAIN : 0;
}

/* (w->x, w->y) = scalar * G. */
static enum mon_status base_multiply(const struct ec_group *g, struct ec_work *w,
				     const u64 *scalar)
{
	const u64 *n = ec_curve(g)->n;
	int i, err = -EAGAIN;

	for (i = 0; i < ATTEMPTS && err == -EAGAIN; i++) {
		if (random_scalar(g, w->part[0]))
			return MON_E_CRYPTO;
		mod_sub(w->part[1], scalar, w->part[0], n, g->digits);
		if (valid_scalar(w->part[1], n, g->digits))
			err = base_multiply_parts(g, w);
	}
	if (!err)
		return MON_OK;
	return err == -ENOMEM ? MON_E_NO_MEMORY : MON_E_CRYPTO;
}

/* K = HMAC(K, V || tag || in), V = HMAC(K, V) */
static enum mon_status drbg_update(const struct ec_group *g, struct ec_work *w, u8 tag, size_t len)
{
	size_t size = ec_bytes(g);
	enum mon_status s;

	w->drbg_in[0] = tag;
	s = plat_hmac(g->hash, w->drbg_k, size, w->drbg_v, size, w->drbg_in, 1 + len, w->drbg_k);
	if (!s)
		s = plat_hmac(g->hash, w->drbg_k, size, w->drbg_v, size, NULL, 0, w->drbg_v);
	return s;
}

static enum mon_status drbg_seed(const struct ec_group *g, struct ec_work *w,
				 const u8 *extra, size_t extra_len)
{
	size_t size = ec_bytes(g);
	u8 *in = w->drbg_in + 1;
	enum mon_status s;

	to_bytes(in, w->d, g->digits);
	to_bytes(in + size, w->z, g->digits);
	if (extra_len)
		memcpy(in + 2 * size, extra, extra_len);
	memset(w->drbg_k, 0, size);
	memset(w->drbg_v, 1, size);
	s = drbg_update(g, w, 0, 2 * size + extra_len);
	if (!s)
		s = drbg_update(g, w, 1, 2 * size + extra_len);
	return s;
}

/* The next nonce to w->k. The first follows drbg_seed(), each further one drbg_update(0). */
static enum mon_status drbg_nonce(const struct ec_group *g, struct ec_work *w)
{
	size_t size = ec_bytes(g);
	enum mon_status s;
	int i;

	for (i = 0; i < ATTEMPTS; i++) {
		s = plat_hmac(g->hash, w->drbg_k, size, w->drbg_v, size, NULL, 0, w->drbg_v);
		if (s)
			return s;
		vli_from_be64(w->k, w->drbg_v, g->digits);
		if (valid_scalar(w->k, ec_curve(g)->n, g->digits))
			return MON_OK;
		s = drbg_update(g, w, 0, 0);
		if (s)
			return s;
	}
	return MON_E_CRYPTO;
}

/* The signature of w->z under w->d with the nonce w->k; false: it takes another nonce. */
static bool sign_once(const struct ec_group *g, struct ec_work *w, enum mon_status *status)
{
	const u64 *n = ec_curve(g)->n;
	unsigned int digits = g->digits;

	*status = base_multiply(g, w, w->k);
	if (!*status)
		*status = random_scalar(g, w->b);
	if (*status)
		return true;
	memcpy(w->r, w->x, ec_bytes(g));
	mod_reduce(w->r, n, digits);
	/* t = brd + bz */
	vli_mod_mult_slow(w->t, w->b, w->d, n, digits);
	vli_mod_mult_slow(w->t, w->t, w->r, n, digits);
	vli_mod_mult_slow(w->u, w->b, w->z, n, digits);
	mod_add(w->t, w->t, w->u, n, digits);
	/* u = (kb)^-1 */
	vli_mod_mult_slow(w->u, w->k, w->b, n, digits);
	vli_mod_inv(w->u, w->u, n, digits);
	vli_mod_mult_slow(w->s, w->u, w->t, n, digits);
	return !vli_is_zero(w->r, digits) && !vli_is_zero(w->s, digits);
}

/* w->d and w->z from bytes. */
static enum mon_status load_input(const struct ec_group *g, struct ec_work *w,
				  const u8 *scalar, const u8 *digest)
{
	const u64 *n = ec_curve(g)->n;

	vli_from_be64(w->d, scalar, g->digits);
	if (!valid_scalar(w->d, n, g->digits))
		return MON_E_RANGE;
	if (digest) {
		vli_from_be64(w->z, digest, g->digits);
		mod_reduce(w->z, n, g->digits);
	}
	return MON_OK;
}

static enum mon_status sign(const struct ec_group *g, struct ec_work *w, const u8 *scalar,
			    const u8 *digest, const u8 *extra, size_t extra_len)
{
	enum mon_status s = load_input(g, w, scalar, digest);
	int i;

	if (!s)
		s = drbg_seed(g, w, extra, extra_len);
	for (i = 0; i < ATTEMPTS && !s; i++) {
		s = drbg_nonce(g, w);
		if (s)
			break;
		if (sign_once(g, w, &s)) {
			to_bytes(w->signature, w->r, g->digits);
			to_bytes(w->signature + ec_bytes(g), w->s, g->digits);
			return s;
		}
		s = drbg_update(g, w, 0, 0);
	}
	return s ? s : MON_E_CRYPTO;
}

enum mon_status plat_ecdsa_verify(enum mon_sign_alg alg, const u8 *public_key,
				  const u8 *digest, const u8 *signature)
{
	const struct ec_group *g = ec_group(alg);
	const struct ecc_curve *curve = ec_curve(g);
	unsigned int digits = g->digits;
	size_t size = ec_bytes(g);
	u64 r[DIGITS_MAX], s[DIGITS_MAX], u1[DIGITS_MAX], u2[DIGITS_MAX];
	u64 qx[DIGITS_MAX], qy[DIGITS_MAX], x[DIGITS_MAX], y[DIGITS_MAX];
	struct ecc_point q = ECC_POINT_INIT(qx, qy, digits);
	struct ecc_point sum = ECC_POINT_INIT(x, y, digits);

	vli_from_be64(qx, public_key + 1, digits);
	vli_from_be64(qy, public_key + 1 + size, digits);
	vli_from_be64(r, signature, digits);
	vli_from_be64(s, signature + size, digits);
	if (public_key[0] != 4 || ecc_is_pubkey_valid_partial(curve, &q) ||
	    !valid_scalar(r, curve->n, digits) || !valid_scalar(s, curve->n, digits))
		return MON_E_INTEGRITY;
	/* All of this is public, so its time may depend on it. */
	vli_from_be64(u1, digest, digits);
	mod_reduce(u1, curve->n, digits);
	vli_mod_inv(s, s, curve->n, digits);
	vli_mod_mult_slow(u1, u1, s, curve->n, digits);
	vli_mod_mult_slow(u2, r, s, curve->n, digits);
	ecc_point_mult_shamir(&sum, u1, &curve->g, u2, &q, curve);
	mod_reduce(x, curve->n, digits);
	return vli_cmp(x, r, digits) ? MON_E_INTEGRITY : MON_OK;
}

enum mon_status plat_ecdsa_sign_extra(enum mon_sign_alg alg, const u8 *scalar,
				      const u8 *public_key, const u8 *digest,
				      const u8 *extra, size_t extra_len, u8 *signature)
{
	const struct ec_group *g = ec_group(alg);
	struct ec_work *w;
	enum mon_status s;

	if (WARN_ON_ONCE(extra_len > HEDGE_MAX))
		return MON_E_CRYPTO;
	w = kzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		return MON_E_NO_MEMORY;
	s = sign(g, w, scalar, digest, extra, extra_len);
	/* A faulty signature would give the key away: it must not leave. */
	if (!s && plat_ecdsa_verify(alg, public_key, digest, w->signature))
		s = MON_E_CRYPTO;
	if (!s)
		memcpy(signature, w->signature, 2 * ec_bytes(g));
	kfree_sensitive(w);
	return s;
}

enum mon_status plat_ecdsa_sign(enum mon_sign_alg alg, const u8 *scalar, const u8 *public_key,
				const u8 *digest, u8 *signature)
{
	size_t size = ec_bytes(ec_group(alg));
	u8 hedge[HEDGE_MAX];
	enum mon_status s;

	if (!plat_random(hedge, size))
		return MON_E_CRYPTO;
	s = plat_ecdsa_sign_extra(alg, scalar, public_key, digest, hedge, size, signature);
	memzero_explicit(hedge, sizeof(hedge));
	return s;
}

enum mon_status plat_ecdsa_nonce(enum mon_sign_alg alg, const u8 *scalar, const u8 *digest,
				 const u8 *extra, size_t extra_len, u8 *nonce)
{
	const struct ec_group *g = ec_group(alg);
	struct ec_work *w = kzalloc(sizeof(*w), GFP_KERNEL);
	enum mon_status s;

	if (!w)
		return MON_E_NO_MEMORY;
	s = load_input(g, w, scalar, digest);
	if (!s)
		s = drbg_seed(g, w, extra, extra_len);
	if (!s)
		s = drbg_nonce(g, w);
	if (!s)
		to_bytes(nonce, w->k, g->digits);
	kfree_sensitive(w);
	return s;
}

enum mon_status plat_ecdsa_public(enum mon_sign_alg alg, const u8 *scalar, u8 *public_key)
{
	const struct ec_group *g = ec_group(alg);
	struct ec_work *w = kzalloc(sizeof(*w), GFP_KERNEL);
	enum mon_status s;

	if (!w)
		return MON_E_NO_MEMORY;
	s = load_input(g, w, scalar, NULL);
	if (!s)
		s = base_multiply(g, w, w->d);
	if (!s) {
		public_key[0] = 4;
		to_bytes(public_key + 1, w->x, g->digits);
		to_bytes(public_key + 1 + ec_bytes(g), w->y, g->digits);
	}
	kfree_sensitive(w);
	return s;
}

/* The kernel checks its answer, and says -EAGAIN also where it has no memory for that. */
static int ladder_again(const struct ec_group *g, struct ec_work *w)
{
	int i, err = -EAGAIN;

	for (i = 0; i < ATTEMPTS && err == -EAGAIN; i++)
		err = ladder(g, w, w->d, w->x, w->y);
	return err;
}

enum mon_status plat_ecdsa_settle_order(enum mon_sign_alg alg, const u8 *scalar,
					const u8 *public_key)
{
	struct ec_group *g = ec_group(alg);
	size_t size = ec_bytes(g);
	u64 expected_x[DIGITS_MAX], expected_y[DIGITS_MAX];
	struct ec_work *w = kzalloc(sizeof(*w), GFP_KERNEL);
	bool found = false;
	int order, err = 0;

	if (!w)
		return MON_E_NO_MEMORY;
	vli_from_be64(w->d, scalar, g->digits);
	vli_from_be64(expected_x, public_key + 1, g->digits);
	vli_from_be64(expected_y, public_key + 1 + size, g->digits);
	for (order = 0; order < 2 && !found && err != -ENOMEM; order++) {
		g->scalar_bytes = order;
		err = ladder_again(g, w);
		found = !err && !vli_cmp(w->x, expected_x, g->digits) &&
			!vli_cmp(w->y, expected_y, g->digits);
	}
	kfree_sensitive(w);
	if (found)
		return MON_OK;
	return err == -ENOMEM ? MON_E_NO_MEMORY : MON_E_CRYPTO;
}
