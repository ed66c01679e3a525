// SPDX-License-Identifier: GPL-2.0-only
/* /dev/tee: what the device is, new regions, and its provisioning. */
#include <linux/capability.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "driver.h"
#include "guard.h"

#define CREATE_FLAGS	(CLOISTER_CREATE_SHAREABLE | CLOISTER_CREATE_DEBUG)

static u64 posture_bits(bool provisioned)
{
	struct mon_posture p;
	u64 bits = provisioned ? CLOISTER_POSTURE_PROVISIONED : 0;

	plat_posture(&p);
	if (p.lockdown >= MON_LOCKDOWN_INTEGRITY)
		bits |= CLOISTER_POSTURE_LOCKDOWN_INTEGRITY;
	if (p.lockdown >= MON_LOCKDOWN_CONFIDENTIALITY)
		bits |= CLOISTER_POSTURE_LOCKDOWN_CONFIDENTIALITY;
	if (p.module_signatures)
		bits |= CLOISTER_POSTURE_MODULE_SIGNATURES;
	if (p.crash_kernel)
		bits |= CLOISTER_POSTURE_CRASH_KERNEL;
	if (p.iommu == MON_IOMMU_TRANSLATING)
		bits |= CLOISTER_POSTURE_IOMMU;
	if (p.guards == MON_GUARDS_ARMED)
		bits |= CLOISTER_POSTURE_GUARDS;
	return bits;
}

long tee_get_info(unsigned long arg)
{
	struct cloister_get_info info;
	struct abi_struct us;
	struct mon_info mi;
	int ret;

	ret = get_abi_struct(&us, arg, &info, sizeof(info));
	if (ret)
		return ret;
	if (info.flags)
		return -EINVAL;
	ret = errno_of(mon_get_info(cloister.root, &mi));
	if (ret)
		return ret;
	info = (struct cloister_get_info) {
		.size = info.size,
		.abi_version = CLOISTER_ABI_VERSION,
		.mode = CLOISTER_MODE_KERNEL,
		.create_flags = CREATE_FLAGS,
		.add_flags = CLOISTER_ADD_MEASURED | CLOISTER_ADD_ZERO | CLOISTER_ADD_PINNED,
		.permissions = CLOISTER_PERM_READ | CLOISTER_PERM_WRITE | CLOISTER_PERM_EXEC,
		.algorithms = BIT(CLOISTER_ALG_ES256) | BIT(CLOISTER_ALG_ES384),
		.region_size_max = MON_REGION_PAGES_MAX << PAGE_SHIFT,
		.resident_max = (u64)cloister.frames_max << PAGE_SHIFT,
		.resident = mi.frames << PAGE_SHIFT,
		/* Counted one after the other; and the root object is a granule as well. */
		.metadata = (max(mi.delegated, mi.frames) - mi.frames + 1) << PAGE_SHIFT,
		.regions = mi.regions,
		.posture = posture_bits(mi.provisioned),
	};
	limits_info(&info);
	memcpy(info.instance_id, mi.instance, sizeof(info.instance_id));
	memcpy(info.monitor_digest, mi.monitor_digest, sizeof(info.monitor_digest));
	return put_abi_struct(&us, &info, sizeof(info));
}

static long tee_create(unsigned long arg)
{
	struct cloister_create create;
	struct abi_struct us;
	int ret;

	ret = get_abi_struct(&us, arg, &create, sizeof(create));
	if (ret)
		return ret;
	if ((create.flags & ~CREATE_FLAGS) ||
	    memchr_inv(create.reserved, 0, sizeof(create.reserved)))
		return -EINVAL;
	return region_create(create.region_size, create.resident_limit, create.flags);
}

static int check_provision(const struct cloister_provision *p)
{
	if (p->flags || p->root != CLOISTER_ROOT_SOFTWARE ||
	    p->digest_kind != CLOISTER_DIGEST_ASSERTED || p->ueid[0] != 0x01 ||
	    memchr_inv(p->pad, 0, sizeof(p->pad)) || memchr_inv(p->pad2, 0, sizeof(p->pad2)) ||
	    memchr_inv(p->reserved, 0, sizeof(p->reserved)))
		return -EINVAL;
	return 0;
}

static int provision(struct cloister_provision *p, struct mon_provision *mp)
{
	int ret = check_provision(p);

	if (ret)
		return ret;
	memcpy(mp->cdi_attest, p->cdi_attest, sizeof(mp->cdi_attest));
	memcpy(mp->cdi_seal, p->cdi_seal, sizeof(mp->cdi_seal));
	memcpy(mp->monitor_digest, p->monitor_digest, sizeof(mp->monitor_digest));
	memcpy(mp->ueid, p->ueid, sizeof(mp->ueid));
	ret = errno_of(mon_provision(cloister.root, mp));
	if (ret)
		return ret;
	memcpy(p->public_es256, mp->public_es256, sizeof(p->public_es256));
	memcpy(p->public_es384, mp->public_es384, sizeof(p->public_es384));
	return 0;
}

static long tee_provision(unsigned long arg)
{
	struct cloister_provision *p;
	struct mon_provision *mp;
	struct abi_struct us;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	mp = kzalloc(sizeof(*mp), GFP_KERNEL);
	if (!p || !mp)
		ret = -ENOMEM;
	else
		ret = get_abi_struct(&us, arg, p, sizeof(*p));
	if (!ret)
		ret = provision(p, mp);
	if (!ret)
		ret = put_abi_struct(&us, p, sizeof(*p));
	kfree_sensitive(p);
	kfree_sensitive(mp);
	return ret;
}

/* Bytes of all certificates, or 0 where the lengths make no sense. */
static u32 chain_length(const struct cloister_set_chain *set)
{
	u32 total = 0, i;

	if (!set->count || set->count > CLOISTER_CHAIN_MAX_CERTS)
		return 0;
	for (i = 0; i < CLOISTER_CHAIN_MAX_CERTS; i++) {
		if ((i < set->count) != (set->cert_len[i] != 0) ||
		    set->cert_len[i] > CLOISTER_CHAIN_MAX_LEN)
			return 0;
		total += set->cert_len[i];
	}
	return total <= CLOISTER_CHAIN_MAX_LEN ? total : 0;
}

static bool tee_provisioned(void)
{
	struct mon_info info;

	return mon_get_info(cloister.root, &info) == MON_OK && info.provisioned;
}

static long tee_set_chain(unsigned long arg)
{
	struct cloister_set_chain set;
	struct cloister_chain *chain;
	struct abi_struct us;
	u8 *certs, *old;
	u32 total;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = get_abi_struct(&us, arg, &set, sizeof(set));
	if (ret)
		return ret;
	total = chain_length(&set);
	if (set.flags || !total)
		return -EINVAL;
	if (set.algorithm == CLOISTER_ALG_ES256)
		chain = &cloister.chain_es256;
	else if (set.algorithm == CLOISTER_ALG_ES384)
		chain = &cloister.chain_es384;
	else
		return -EINVAL;
	if (!tee_provisioned())
		return -ENOKEY;
	certs = memdup_user(u64_to_user_ptr(set.certs), total);
	if (IS_ERR(certs))
		return PTR_ERR(certs);

	down_write(&cloister.chain_lock);
	old = chain->certs;
	chain->certs = certs;
	chain->count = set.count;
	memcpy(chain->len, set.cert_len, sizeof(chain->len));
	up_write(&cloister.chain_lock);
	kfree(old);
	return 0;
}

void tee_drop_chains(void)
{
	kfree(cloister.chain_es256.certs);
	kfree(cloister.chain_es384.certs);
}

static long tee_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	/* As in region_ioctl(): the structure says its own size. */
#define CALL(c) ((c) & ~IOCSIZE_MASK)
	switch (CALL(cmd)) {
	case CALL(CLOISTER_GET_INFO):
		return tee_get_info(arg);
	case CALL(CLOISTER_CREATE):
		return tee_create(arg);
	case CALL(CLOISTER_PROVISION):
		return tee_provision(arg);
	case CALL(CLOISTER_SET_CHAIN):
		return tee_set_chain(arg);
	default:
		return -ENOTTY;
	}
#undef CALL
}

static const struct file_operations tee_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = tee_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static ssize_t guards_show(struct device *device, struct device_attribute *attribute, char *text)
{
	return guard_show(text);
}
static DEVICE_ATTR_RO(guards);

static struct attribute *tee_attrs[] = {
	&dev_attr_guards.attr,
	NULL,
};
ATTRIBUTE_GROUPS(tee);

static struct miscdevice tee_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tee",
	.fops = &tee_fops,
	.mode = 0660,
	.groups = tee_groups,
};

int tee_register(void)
{
	return misc_register(&tee_device);
}

void tee_unregister(void)
{
	misc_deregister(&tee_device);
}
