// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The root object and the device's keys. CDIs come in once; the attestation keys are derived from
 * CDI_attest as HKDF-Expand's first block (RFC 5869, 2.3), with candidates tested against the
 * group's order (FIPS 186-5, A.2.2).
 */
#include "monitor_internal.h"

#define CANDIDATES	64	/* P-256 rejects one in 2^32 */

struct key_label {
	u8 text[20];
	u8 attempt;
	u8 block;	/* HKDF's block counter */
};

static enum mon_status derive_key(const u8 cdi[MON_CDI_LEN], enum mon_sign_alg alg,
				  struct attestation_key *key)
{
	struct key_label label = { .text = "cloister AK ES256 v1", .block = 1 };
	size_t scalar_len = alg == MON_SIGN_ES256 ? 32 : 48;
	enum mon_status status = MON_E_RANGE;
	u8 okm[MON_DIGEST_LEN];

	if (alg == MON_SIGN_ES384)
		memcpy(label.text, "cloister AK ES384 v1", sizeof(label.text));
	while (status == MON_E_RANGE && label.attempt < CANDIDATES) {
		status = plat_hmac_sha384(cdi, MON_CDI_LEN, &label, sizeof(label), NULL, 0, okm);
		if (status != MON_OK)
			break;
		memcpy(key->scalar, okm, scalar_len);
		status = plat_ecdsa_public(alg, key->scalar, key->public_key);
		label.attempt++;
	}
	plat_scrub(okm, sizeof(okm));
	return status == MON_E_RANGE ? MON_E_CRYPTO : status;
}

static bool provision_begin(struct mon_root *root)
{
	bool mine;

	plat_lock(&root->lock);
	mine = root->provisioning == PROVISION_NONE;
	if (mine)
		root->provisioning = PROVISION_RUNNING;
	plat_unlock(&root->lock);
	return mine;
}

static void provision_end(struct mon_root *root, bool done)
{
	plat_lock(&root->lock);
	root->provisioning = done ? PROVISION_DONE : PROVISION_NONE;
	plat_unlock(&root->lock);
}

/* Between provision_begin() and provision_end(): nobody else writes or reads these. */
static enum mon_status take_secrets(struct mon_root *root, const struct mon_provision *p)
{
	enum mon_status status;

	status = derive_key(p->cdi_attest, MON_SIGN_ES256, &root->ak_es256);
	if (status == MON_OK)
		status = derive_key(p->cdi_attest, MON_SIGN_ES384, &root->ak_es384);
	if (status == MON_OK) {
		memcpy(root->cdi_seal, p->cdi_seal, sizeof(root->cdi_seal));
		memcpy(root->monitor_digest, p->monitor_digest, sizeof(root->monitor_digest));
		memcpy(root->ueid, p->ueid, sizeof(root->ueid));
	} else {
		plat_scrub(&root->ak_es256, sizeof(root->ak_es256));
		plat_scrub(&root->ak_es384, sizeof(root->ak_es384));
	}
	provision_end(root, status == MON_OK);
	return status;
}

enum mon_status call_provision(struct mon_root *root, struct mon_region *r,
			       struct mon_args *args)
{
	struct mon_provision *host_provision = host_pointer(args->arg[0]);
	struct mon_provision p;
	enum mon_status status;

	(void)r;
	if (!host_provision)
		return MON_E_ARGUMENT;
	p = *host_provision;
	if (all_zero(p.cdi_attest, sizeof(p.cdi_attest)) ||
	    all_zero(p.cdi_seal, sizeof(p.cdi_seal)))
		status = MON_E_ARGUMENT;
	else if (!provision_begin(root))
		status = MON_E_PROVISIONED;
	else
		status = take_secrets(root, &p);
	plat_scrub(&p, sizeof(p));
	if (status != MON_OK)
		return status;
	memcpy(host_provision->public_es256, root->ak_es256.public_key,
	       sizeof(host_provision->public_es256));
	memcpy(host_provision->public_es384, root->ak_es384.public_key,
	       sizeof(host_provision->public_es384));
	return MON_OK;
}

enum mon_status call_get_info(struct mon_root *root, struct mon_region *r,
			      struct mon_args *args)
{
	struct mon_info *info = host_pointer(args->arg[0]);

	(void)r;
	if (!info)
		return MON_E_ARGUMENT;
	memset(info, 0, sizeof(*info));
	info->regions = counter_read(&root->regions);
	info->frames = counter_read(&root->frames);
	info->delegated = counter_read(&root->delegated);
	memcpy(info->instance, root->instance, sizeof(info->instance));
	plat_lock(&root->lock);
	info->provisioned = root->provisioning == PROVISION_DONE;
	if (info->provisioned)
		memcpy(info->monitor_digest, root->monitor_digest, sizeof(info->monitor_digest));
	plat_unlock(&root->lock);
	return MON_OK;
}

enum mon_status mon_start(u64 root_pa, struct mon_root **out)
{
	struct mon_root *root;
	struct granule g;

	if (!granule_find_lock(root_pa, GRANULE_HOST, &g))
		return MON_E_GRANULE;
	plat_granule_hide(root_pa);
	granule_unlock_as(&g, GRANULE_ROOT);

	root = plat_granule_address(root_pa);
	plat_scrub(root, MON_GRANULE_SIZE);
	plat_lock_init(&root->lock);
	root->pa = root_pa;
	if (!plat_random(root->instance, sizeof(root->instance)) ||
	    !plat_random(root->report_key, sizeof(root->report_key))) {
		mon_stop(root);
		return MON_E_CRYPTO;
	}
	*out = root;
	return MON_OK;
}

enum mon_status mon_stop(struct mon_root *root)
{
	u64 pa = root->pa;
	struct granule g;

	if (counter_read(&root->delegated))
		return MON_E_STATE;
	if (!granule_find_lock(pa, GRANULE_ROOT, &g))
		return MON_E_GRANULE;
	plat_scrub(root, MON_GRANULE_SIZE);
	plat_granule_show(pa);
	granule_unlock_as(&g, GRANULE_HOST);
	return MON_OK;
}
