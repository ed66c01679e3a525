// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the machine can say of itself: the posture claims of a quote. */
#include <linux/iommu.h>
#include <linux/kexec.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/security.h>
#include <linux/utsname.h>

#include "platform_kernel.h"

/* The IOMMU itself (an IOMMU of AMD's is a PCI device) is not translated. */
#define PCI_CLASS_IOMMU		0x0806

/*
 * The hook answers yes or no for one reason, and logs each time that it says no. A
 * level never falls, so ask only for levels above the highest seen: each
 * is then logged once, not with every quote.
 *
 * LOCKDOWN_INTEGRITY_MAX is itself refused from integrity on. LOCKDOWN_CONFIDENTIALITY_MAX is no
 * reason that may be asked for; the secrets of xfrm are refused by that level only. Neither
 * reason is one that guards refuse in lockdown's place (guard_hooks.c).
 *
 * A BPF program on the hook can refuse in lockdown's place. Whoever may attach one to a kernel
 * that is not locked down may change this module as well; a kernel that was locked down
 * before such a user ran is what these levels can speak for.
 */
static enum mon_lockdown lockdown_level(void)
{
	static enum mon_lockdown seen = MON_LOCKDOWN_NONE;
	enum mon_lockdown level = READ_ONCE(seen);

	if (level == MON_LOCKDOWN_CONFIDENTIALITY)
		return level;
	if (level == MON_LOCKDOWN_NONE && security_locked_down(LOCKDOWN_INTEGRITY_MAX))
		level = MON_LOCKDOWN_INTEGRITY;
	if (level == MON_LOCKDOWN_INTEGRITY && security_locked_down(LOCKDOWN_XFRM_SECRET))
		level = MON_LOCKDOWN_CONFIDENTIALITY;
	WRITE_ONCE(seen, level);
	return level;
}

/* A device without a domain, or in one that maps everything one to one, reaches all memory. */
static bool translated(struct pci_dev *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&dev->dev);

	return domain && (domain->type & __IOMMU_DOMAIN_PAGING);
}

static enum mon_iommu iommu_state(void)
{
	unsigned int all = 0, safe = 0;
	struct pci_dev *dev = NULL;

	for_each_pci_dev(dev) {
		if (dev->class >> 8 == PCI_CLASS_IOMMU)
			continue;
		all++;
		safe += translated(dev);
	}
	if (!safe)
		return MON_IOMMU_NONE;
	return safe == all ? MON_IOMMU_TRANSLATING : MON_IOMMU_PARTIAL;
}

static enum mon_guards (*guard_state)(void);

void plat_set_guards(enum mon_guards (*state)(void))
{
	/* Pairs with smp_load_acquire() in guards(). */
	smp_store_release(&guard_state, state);
}

static enum mon_guards guards(void)
{
	/* Pairs with smp_store_release() in plat_set_guards(). */
	enum mon_guards (*state)(void) = smp_load_acquire(&guard_state);

	return state ? state() : MON_GUARDS_OFF;
}

void plat_posture(struct mon_posture *posture)
{
	memset(posture, 0, sizeof(*posture));
	strscpy(posture->kernel_release, init_utsname()->release,
		sizeof(posture->kernel_release));
	posture->lockdown = lockdown_level();
	posture->iommu = iommu_state();
	posture->guards = guards();
	posture->module_signatures = is_module_sig_enforced();
	posture->crash_kernel = kexec_crash_loaded();
}
