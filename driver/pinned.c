// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinned pages count against RLIMIT_MEMLOCK of the process that added them, as mlock(2)'s do, for
 * as long as they are there: also when the process has died and the region lives on in others'
 * hands.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "driver.h"

/**
 * struct cloister_pinner - who pinned pages of a region
 * @link: in region->pinners
 * @mm: its address space; held with mmgrab(), for the account that is in it
 * @pages: accounted there
 */
struct cloister_pinner {
	struct list_head link;
	struct mm_struct *mm;
	atomic_long_t pages;
};

static struct cloister_pinner *find_pinner(struct cloister_region *region)
{
	struct cloister_pinner *pinner;

	lockdep_assert_held(&region->add_lock);
	list_for_each_entry(pinner, &region->pinners, link)
		if (pinner->mm == current->mm)
			return pinner;
	pinner = kzalloc(sizeof(*pinner), GFP_KERNEL_ACCOUNT);
	if (!pinner)
		return NULL;
	pinner->mm = current->mm;
	mmgrab(pinner->mm);
	list_add(&pinner->link, &region->pinners);
	return pinner;
}

/**
 * pins_charge() - account @count pages that the caller is about to pin
 * @region: the region; its add_lock is held
 * @count: of pages, not 0
 *
 * An address space is remembered for as long as it has pages: a region that is being built would
 * otherwise keep one of each process that ever tried, which no limit counts. What is charged goes
 * back with pins_settle().
 *
 * Return: whom they are charged to, or
 * * -EPERM	RLIMIT_MEMLOCK is 0, and the caller lacks CAP_IPC_LOCK
 * * -ENOMEM	they are more than RLIMIT_MEMLOCK allows, or there is no memory for the account
 * * -ENOSPC	they leave too little of the region's limit, or of the device's
 * * -EDQUOT	they are more than the user may pin
 */
struct cloister_pinner *pins_charge(struct cloister_region *region, u64 count)
{
	struct cloister_pinner *pinner;
	int ret;

	if (!can_do_mlock())
		return ERR_PTR(-EPERM);
	ret = account_locked_vm(current->mm, count, true);
	if (ret)
		return ERR_PTR(ret);
	ret = limits_pin(region, count);
	if (ret)
		goto not_locked;
	pinner = find_pinner(region);
	if (!pinner) {
		ret = -ENOMEM;
		goto not_pinned;
	}
	atomic_long_add(count, &pinner->pages);
	return pinner;

not_pinned:
	limits_unpin(region, count);
not_locked:
	account_locked_vm(current->mm, count, false);
	return ERR_PTR(ret);
}

/* Context: takes the mmap_lock of the address space that is charged. */
void pins_uncharge(struct cloister_region *region, struct cloister_pinner *pinner, u64 count)
{
	if (!count)
		return;
	atomic_long_sub(count, &pinner->pages);
	account_locked_vm(pinner->mm, count, false);
	limits_unpin(region, count);
}

static void free_pinner(struct cloister_pinner *pinner)
{
	list_del(&pinner->link);
	mmdrop(pinner->mm);
	kfree(pinner);
}

/**
 * pins_settle() - the pages are added, or some of them
 * @region: the region; its add_lock is held since pins_charge()
 * @pinner: whom they were charged to; nobody where that leaves no page of it
 * @left: how many were not added
 */
void pins_settle(struct cloister_region *region, struct cloister_pinner *pinner, u64 left)
{
	lockdep_assert_held(&region->add_lock);
	pins_uncharge(region, pinner, left);
	/* Pages are removed from a LIVE region only, which nobody adds to: none goes meanwhile. */
	if (!atomic_long_read(&pinner->pages))
		free_pinner(pinner);
}

/* The region ends, and its frames are given back. */
void pins_drop(struct cloister_region *region)
{
	struct cloister_pinner *pinner, *next;

	list_for_each_entry_safe(pinner, next, &region->pinners, link) {
		pins_uncharge(region, pinner, atomic_long_read(&pinner->pages));
		free_pinner(pinner);
	}
}
