// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * ECDSA of the host platform. BearSSL's nonces are RFC 6979's: the same digest gives the
 * same signature.
 */
#include "host_platform.h"

struct group {
	int curve;
	const br_hash_class *hash;
	size_t scalar_len;
	size_t public_len;
};

static const struct group *group_of(enum mon_sign_alg alg)
{
	static const struct group p256 = { BR_EC_secp256r1, &br_sha256_vtable, 32, 65 };
	static const struct group p384 = { BR_EC_secp384r1, &br_sha384_vtable, 48, 97 };

	switch (alg) {
	case MON_SIGN_ES256:
		return &p256;
	case MON_SIGN_ES384:
		return &p384;
	}
	host_die("signature algorithm %d", alg);
}

/* 0 < @scalar < order, without a branch on the scalar. */
static bool scalar_in_range(const struct group *group, const u8 *scalar)
{
	const u8 *order;
	unsigned int borrow = 0;
	unsigned int any = 0;
	size_t order_len;
	size_t i;

	order = br_ec_get_default()->order(group->curve, &order_len);
	if (order_len != group->scalar_len)
		host_die("the group's order has %zu bytes", order_len);
	for (i = order_len; i-- > 0;) {
		borrow = ((unsigned int)scalar[i] - order[i] - borrow) >> 31;
		any |= scalar[i];
	}
	return borrow && any;
}

static br_ec_private_key private_key(const struct group *group, const u8 *scalar)
{
	/* BearSSL does not write through the pointer. */
	return (br_ec_private_key){ group->curve, (u8 *)scalar, group->scalar_len };
}

static enum mon_status compute_public(const struct group *group, const u8 *scalar, u8 *public_key)
{
	br_ec_private_key sk = private_key(group, scalar);
	br_ec_public_key pk;

	if (!scalar_in_range(group, scalar))
		return MON_E_RANGE;
	if (br_ec_compute_pub(br_ec_get_default(), &pk, public_key, &sk) != group->public_len)
		return MON_E_CRYPTO;
	return MON_OK;
}

enum mon_status plat_ecdsa_public(enum mon_sign_alg alg, const u8 *scalar, u8 *public_key)
{
	enum mon_status status;

	if (host_op_begin(HOST_OP_ECDSA_PUBLIC, &status))
		status = compute_public(group_of(alg), scalar, public_key);
	host_op_end(HOST_OP_ECDSA_PUBLIC);
	return status;
}

static enum mon_status sign(const struct group *group, const u8 *scalar, const u8 *public_key,
			    const u8 *digest, u8 *signature)
{
	size_t digest_len = group->scalar_len;	/* SHA-256 with P-256, SHA-384 with P-384 */
	br_ec_private_key sk = private_key(group, scalar);
	br_ec_public_key pk = { group->curve, (u8 *)public_key, group->public_len };
	const br_ec_impl *ec = br_ec_get_default();
	size_t len;

	len = br_ecdsa_i31_sign_raw(ec, group->hash, digest, &sk, signature);
	if (len != 2 * group->scalar_len)
		return MON_E_CRYPTO;
	if (!br_ecdsa_i31_vrfy_raw(ec, digest, digest_len, &pk, signature, len)) {
		memset(signature, 0, len);	/* a faulty signature may tell of the key */
		return MON_E_CRYPTO;
	}
	return MON_OK;
}

enum mon_status plat_ecdsa_sign(enum mon_sign_alg alg, const u8 *scalar, const u8 *public_key,
				const u8 *digest, u8 *signature)
{
	enum mon_status status;

	if (host_op_begin(HOST_OP_ECDSA_SIGN, &status))
		status = sign(group_of(alg), scalar, public_key, digest, signature);
	host_op_end(HOST_OP_ECDSA_SIGN);
	return status;
}
