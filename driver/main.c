// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cloister: a trusted execution environment for any Linux machine.
 *
 * Where to read on: device.c (/dev/tee), region.c (a region's life), region_ioctl.c (its calls),
 * fault.c (its mappings), frames.c and evict.c (its memory), guard*.c
 * (who is kept out of whoever has one), monitor/core/ (the trusted part).
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/suspend.h>

#include "driver.h"
#include "guard.h"
#include "platform_kernel.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct cloister cloister = {
	.regions_lock = __MUTEX_INITIALIZER(cloister.regions_lock),
	.regions = LIST_HEAD_INIT(cloister.regions),
	.chain_lock = __RWSEM_INITIALIZER(cloister.chain_lock),
};

static unsigned long resident_max_mib;
module_param(resident_max_mib, ulong, 0444);
MODULE_PARM_DESC(resident_max_mib,
		 "most plaintext memory of all regions, in MiB (default: half of the machine's)");

/* The monitor's root object: a granule, so that it is hidden as frames are. */
static int monitor_start(void)
{
	enum mon_status status;
	int ret;

	cloister.root_page = alloc_page(GFP_KERNEL);
	if (!cloister.root_page)
		return -ENOMEM;
	ret = plat_granule_cover(cloister.root_page);
	if (ret)
		goto free;
	plat_offline_begin();
	status = mon_start(granule_pa(cloister.root_page), &cloister.root);
	plat_offline_end();
	if (status == MON_OK)
		return 0;
	ret = errno_of(status);
free:
	__free_page(cloister.root_page);
	return ret;
}

static void monitor_stop(void)
{
	if (WARN_ON(mon_stop(cloister.root) != MON_OK))
		return;
	__free_page(cloister.root_page);
}

/*
 * Granules stay out of a hibernation image, as they must: regions, and the root object with
 * the attestation key, would wake up as noise. So hibernation and the monitor exclude each other.
 * Suspend to RAM keeps all.
 */
static int pm_event(struct notifier_block *nb, unsigned long event, void *unused)
{
	if (event != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	pr_warn("hibernation refused: protected memory never goes to disk; unload the module first\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block pm_notifier = { .notifier_call = pm_event };

static void set_frames_max(void)
{
	if (resident_max_mib)
		cloister.frames_max = resident_max_mib << (20 - PAGE_SHIFT);
	else
		cloister.frames_max = totalram_pages() / 2;
}

static int __init cloister_init(void)
{
	int ret;

	if (resident_max_mib > ULONG_MAX >> 20) {
		pr_err("resident_max_mib=%lu is more than can be counted in bytes\n",
		       resident_max_mib);
		return -EINVAL;
	}
	set_frames_max();
	ret = limits_init();
	if (ret)
		return ret;
	ret = plat_kernel_init();
	if (ret)
		return ret;
	ret = monitor_start();
	if (ret)
		goto platform;
	plat_set_unmap(region_unmap);
	ret = reclaim_init();
	if (ret)
		goto monitor;
	ret = register_pm_notifier(&pm_notifier);
	if (ret)
		goto reclaim;
	guard_place();
	plat_set_guards(guard_state);
	ret = tee_register();
	if (ret)
		goto guards;
	pr_info("monitor in the kernel; up to %lu MiB of plaintext; /dev/tee is ready\n",
		cloister.frames_max >> (20 - PAGE_SHIFT));
	return 0;
guards:
	plat_set_guards(NULL);
	guard_remove();
	unregister_pm_notifier(&pm_notifier);
reclaim:
	reclaim_exit();
monitor:
	plat_set_unmap(NULL);
	monitor_stop();
platform:
	plat_kernel_exit();
	return ret;
}

static void __exit cloister_exit(void)
{
	tee_unregister();
	plat_set_guards(NULL);
	guard_remove();
	limits_exit();
	unregister_pm_notifier(&pm_notifier);
	reclaim_exit();
	plat_set_unmap(NULL);
	tee_drop_chains();
	monitor_stop();
	plat_kernel_exit();
}

module_init(cloister_init);
module_exit(cloister_exit);
MODULE_DESCRIPTION("Cloister: a trusted execution environment for any Linux machine");
MODULE_VERSION(CLOISTER_VERSION);
MODULE_LICENSE("GPL");
