// SPDX-License-Identifier: GPL-2.0-only
/* CLOISTER_ADD_PAGES: see linux/cloister.h. */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "driver.h"

#define PERMISSIONS	(CLOISTER_PERM_READ | CLOISTER_PERM_WRITE | CLOISTER_PERM_EXEC)
#define ADD_FLAGS	(CLOISTER_ADD_MEASURED | CLOISTER_ADD_ZERO | CLOISTER_ADD_PINNED)

/*
 * Granules for tables. Where the cgroup or the machine has no memory left, the region's own pages
 * make room before the allocator may kill somebody.
 */
static unsigned int take_tables(struct cloister_region *region, struct list_head *granules)
{
	unsigned int got, wanted = MON_TABLES_PER_PAGE;
	struct page *frame;

	got = granules_take(region->memcg, granules, wanted, GFP_KERNEL | __GFP_NORETRY |
			    __GFP_NOWARN);
	while (got < wanted) {
		frame = evict_one(region, false);
		if (IS_ERR(frame))
			break;
		frame_free(region, frame);
		got += granules_take(region->memcg, granules, 1, GFP_KERNEL | __GFP_NORETRY |
				     __GFP_NOWARN);
	}
	return got ?: granules_take(region->memcg, granules, wanted, GFP_KERNEL);
}

static int donate_tables(struct cloister_region *region)
{
	unsigned int donated = 0;
	struct page *page, *next;
	LIST_HEAD(granules);
	int ret;

	ret = limits_add_tables(region, MON_TABLES_PER_PAGE);
	if (ret)
		return ret;
	if (!take_tables(region, &granules))
		ret = -ENOMEM;
	list_for_each_entry_safe(page, next, &granules, lru) {
		list_del_init(&page->lru);
		if (!ret)
			ret = errno_of(mon_region_donate(cloister.root, region->pa,
							 granule_pa(page)));
		if (ret)
			granule_give_back(page);
		else
			donated++;
	}
	limits_drop_tables(region, MON_TABLES_PER_PAGE - donated);
	return ret;
}

static enum mon_page_kind page_kind(u32 flags)
{
	if (flags & CLOISTER_ADD_ZERO)
		return MON_PAGE_ZERO;
	return flags & CLOISTER_ADD_MEASURED ? MON_PAGE_DATA : MON_PAGE_ATTR;
}

/* Pages as they are added: @pinner is whom pinned ones are charged to, or NULL. */
struct page_type {
	enum mon_page_kind kind;
	u32 permissions;
	struct cloister_pinner *pinner;
};

static int add_with_tables(struct cloister_region *region, u64 page, const struct page_type *type,
			   u64 frame, const void *source)
{
	enum mon_page_class class = type->pinner ? MON_CLASS_PINNED : MON_CLASS_DEMAND;
	enum mon_status status;
	int ret;

	for (;;) {
		status = mon_page_add_class(cloister.root, region->pa, page, type->permissions,
					    class, type->kind, frame, source);
		if (status != MON_E_NEED_TABLES)
			return errno_of(status);
		ret = donate_tables(region);
		if (ret)
			return ret;
	}
}

/* Add a page with a frame. @left: how many are to come, itself included. */
static int add_framed_page(struct cloister_region *region, u64 page, const struct page_type *type,
			   const void *source, u64 left)
{
	struct page *frame;
	int ret;

	while (!(frame = frame_take(region))) {
		ret = frames_fill(region, min_t(u64, left, UINT_MAX), true);
		if (ret)
			return ret;
	}
	if (type->pinner)
		frame_list_pinned(region, frame, type->pinner);
	else
		frame_list(region, frame, page, frame_reserve(region, page, NULL));
	ret = add_with_tables(region, page, type, granule_pa(frame), source);
	if (ret) {
		frame_unlist(region, frame);
		frame_put(region, frame);
	}
	/* SEAL may have met the page while it was BUSY. */
	region_progress(region);
	return ret;
}

static int add_page(struct cloister_region *region, const struct cloister_add_pages *add,
		    const struct page_type *type, void *bounce)
{
	u64 page = (add->offset + add->done) >> PAGE_SHIFT;
	u64 left = (add->length - add->done) >> PAGE_SHIFT;

	if (type->kind == MON_PAGE_ZERO)
		return type->pinner ? add_framed_page(region, page, type, NULL, left) :
				      add_with_tables(region, page, type, 0, NULL);
	if (copy_from_user(bounce, u64_to_user_ptr(add->source + add->done), PAGE_SIZE))
		return -EFAULT;
	return add_framed_page(region, page, type, bounce, left);
}

/*
 * The source may be a mapping of a region, whose faults take locks: so no lock but add_lock here.
 */
static int add_run(struct cloister_region *region, struct cloister_add_pages *add,
		   const struct page_type *type, void *bounce)
{
	int ret;

	lockdep_assert_held(&region->add_lock);
	for (add->done = 0; add->done < add->length; add->done += PAGE_SIZE) {
		if (signal_pending(current))
			return -EINTR;
		ret = add_page(region, add, type, bounce);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static int add_source(struct cloister_region *region, struct cloister_add_pages *add, void *bounce)
{
	struct page_type type = {
		.kind = page_kind(add->flags),
		.permissions = add->permissions,
	};
	int ret;

	if (!(add->flags & CLOISTER_ADD_PINNED))
		return add_run(region, add, &type, bounce);
	/* All of it before anything is done: what does not fit is refused whole. */
	type.pinner = pins_charge(region, add->length >> PAGE_SHIFT);
	if (IS_ERR(type.pinner))
		return PTR_ERR(type.pinner);
	ret = add_run(region, add, &type, bounce);
	pins_settle(region, type.pinner, (add->length - add->done) >> PAGE_SHIFT);
	return ret;
}

static int check_add(const struct cloister_region *region, const struct cloister_add_pages *add)
{
	bool zero = add->flags & CLOISTER_ADD_ZERO;

	if ((add->flags & ~ADD_FLAGS) || add->reserved || (add->permissions & ~PERMISSIONS))
		return -EINVAL;
	if (zero && ((add->flags & CLOISTER_ADD_MEASURED) || add->source))
		return -EINVAL;
	if (!(add->permissions & CLOISTER_PERM_READ) ||
	    ((add->permissions & CLOISTER_PERM_WRITE) && (add->permissions & CLOISTER_PERM_EXEC)))
		return -EINVAL;
	if (!add->length)
		return -EINVAL;
	return region_check_range(region, add->offset, add->length);
}

long region_add_pages(struct cloister_region *region, unsigned long arg)
{
	struct cloister_add_pages add;
	struct abi_struct us;
	void *bounce;
	int ret;

	ret = get_abi_struct(&us, arg, &add, sizeof(add));
	if (ret)
		return ret;
	/*
	 * Nothing is done yet, whatever the caller left there: a refusal must not read as
	 * progress.
	 */
	add.done = 0;
	if (put_abi_struct(&us, &add, sizeof(add)))
		return -EFAULT;
	ret = check_add(region, &add);
	if (ret)
		return ret;
	ret = region_require(region, MON_REGION_BUILDING);
	if (ret)
		return ret;
	if (!mutex_trylock(&region->add_lock))
		return -EBUSY;
	bounce = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (bounce) {
		ret = add_source(region, &add, bounce);
		/* It held what is now a secret. */
		memzero_explicit(bounce, PAGE_SIZE);
		free_page((unsigned long)bounce);
	} else {
		ret = -ENOMEM;
	}
	mutex_unlock(&region->add_lock);
	if (put_abi_struct(&us, &add, sizeof(add)))
		return -EFAULT;
	return ret;
}
