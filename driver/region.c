// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a region on the driver's side. Teardown, when the last of its file and mappings goes:
 * off the list of regions (nobody finds it), its work done, and with the last reference
 * (somebody may be evicting from it still) the monitor's part killed and reclaimed, what it counted
 * against limits taken back, then backing store, inode, cgroup, owner.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "driver.h"
#include "guard.h"
#include "trace.h"

bool region_accessible(const struct cloister_region *region)
{
	return (region->flags & CLOISTER_CREATE_SHAREABLE) || current->mm == region->owner;
}

/* 0 where the region is in state @state; -EBADFD, or -EBUSY where the monitor can't say now. */
int region_require(const struct cloister_region *region, u32 state)
{
	struct mon_region_stats stats;
	int ret = errno_of(mon_region_stats(cloister.root, region->pa, &stats));

	if (ret)
		return ret;
	return stats.state == state ? 0 : -EBADFD;
}

/*
 * Progress: a page stopped being BUSY, or a frame came free. Who is told MON_E_BUSY waits for that:
 * note what was seen, ask the monitor, wait for something else to be seen.
 */
void region_progress(struct cloister_region *region)
{
	/* Orders the change before it, and the look at the queue after it. */
	smp_mb__before_atomic();
	atomic_inc(&region->progress);
	smp_mb__after_atomic();
	if (waitqueue_active(&region->wait))
		wake_up_all(&region->wait);
}

int region_progress_seen(struct cloister_region *region)
{
	/* Pairs with smp_mb__before_atomic() in region_progress(). */
	return atomic_read_acquire(&region->progress);
}

/* 0, or -ERESTARTSYS for a signal that @state lets through; none is looked for without waiting. */
int region_wait(struct cloister_region *region, int seen, unsigned int state)
{
	return wait_event_state(region->wait, atomic_read(&region->progress) != seen, state);
}

/* As the user knows it, in bytes: the pool's frames hold nothing. */
u64 region_resident_limit(const struct cloister_region *region)
{
	return min_t(u64, region->limit, region->pages) << PAGE_SHIFT;
}

/* The descriptor: one granule, which names the region to the monitor from here on. */
static int monitor_create(struct cloister_region *region)
{
	enum mon_status status;
	struct page *page;
	LIST_HEAD(granules);

	if (!granules_take(region->memcg, &granules, 1, GFP_KERNEL))
		return -ENOMEM;
	page = list_first_entry(&granules, struct page, lru);
	list_del_init(&page->lru);
	status = mon_region_create(cloister.root, granule_pa(page), region->pages, region->flags,
				   (u64)region, &region->id);
	if (status != MON_OK) {
		granule_give_back(page);
		return errno_of(status);
	}
	region->pa = granule_pa(page);
	return 0;
}

static void monitor_destroy(struct cloister_region *region)
{
	enum mon_status status;
	u64 pas[MON_RECLAIM_BATCH];
	u32 count, i;

	mon_region_kill(cloister.root, region->pa);
	do {
		status = mon_region_reclaim(cloister.root, region->pa, pas, ARRAY_SIZE(pas),
					    &count);
		for (i = 0; i < count; i++)
			granule_reclaimed(region, pas[i]);
		cond_resched();
	} while (status == MON_OK && count);
	if (status == MON_OK)
		status = mon_region_destroy(cloister.root, region->pa);
	trace_cloister_region_destroy(region->id, status);
	if (!WARN_ON_ONCE(status != MON_OK))
		granule_give_back(granule_of(region->pa));
}

static void region_free(struct cloister_region *region)
{
	if (region->pa)
		monitor_destroy(region);
	frames_drop_pool(region);
	pins_drop(region);
	/* What stays charged is lost to the user and to the device until the module is gone. */
	WARN_ON_ONCE(atomic_long_read(&region->frames) || atomic_long_read(&region->pinned));
	limits_region_end(region);
	if (region->backing)
		fput(region->backing);
	if (region->inode)
		region_inode_put(region->inode);
	mem_cgroup_put(region->memcg);
	if (region->counted)
		guard_region_end(region);
	mmdrop(region->owner);
	kfree(region);
}

static void region_unused(struct kref *ref)
{
	complete(&container_of(ref, struct cloister_region, ref)->unused);
}

void region_put(struct cloister_region *region)
{
	kref_put(&region->ref, region_unused);
}

static int region_release(struct inode *inode, struct file *file)
{
	struct cloister_region *region = file->private_data;

	mutex_lock(&cloister.regions_lock);
	list_del(&region->link);
	mutex_unlock(&cloister.regions_lock);
	cancel_work_sync(&region->work);
	region_put(region);
	/* Whoever closes it tears it down, not a fault of somebody else's. */
	wait_for_completion(&region->unused);
	region_free(region);
	return 0;
}

static const char *state_name(u32 state)
{
	static const char * const names[] = {
		[MON_REGION_BUILDING] = "building",
		[MON_REGION_LIVE] = "live",
		[MON_REGION_PARKED] = "parked",
		[MON_REGION_DEAD] = "dead",
	};

	return state < ARRAY_SIZE(names) && names[state] ? names[state] : "unknown";
}

static void region_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct cloister_region *region = file->private_data;
	struct mon_region_stats stats;

	if (mon_region_stats(cloister.root, region->pa, &stats) != MON_OK)
		return;
	seq_printf(m, "cloister-region:\t%llu\n", stats.id);
	seq_printf(m, "cloister-state:\t%s\n", state_name(stats.state));
	seq_printf(m, "cloister-size:\t%llu\n", stats.pages << PAGE_SHIFT);
	seq_printf(m, "cloister-limit:\t%llu\n", region_resident_limit(region));
	seq_printf(m, "cloister-pages:\t%llu\n", stats.added);
	seq_printf(m, "cloister-resident:\t%llu\n", stats.resident);
	seq_printf(m, "cloister-pinned:\t%llu\n", stats.pinned);
	seq_printf(m, "cloister-sealed:\t%llu\n", stats.sealed);
	seq_printf(m, "cloister-zero:\t%llu\n", stats.zero);
	seq_printf(m, "cloister-loads:\t%llu\n", stats.loads);
	seq_printf(m, "cloister-evictions:\t%llu\n", stats.evictions);
	seq_printf(m, "cloister-faults:\t%llu\n", atomic64_read(&region->faults));
	seq_printf(m, "cloister-integrity-failures:\t%llu\n", stats.integrity_failures);
	seq_printf(m, "cloister-quotes:\t%llu\n", stats.quotes);
}

#define REGION_FOPS {						\
	.owner = THIS_MODULE,					\
	.release = region_release,				\
	.unlocked_ioctl = region_ioctl,				\
	.compat_ioctl = compat_ptr_ioctl,			\
	.mmap = region_mmap,					\
	.show_fdinfo = region_show_fdinfo,			\
	.llseek = noop_llseek,					\
}

/* Alike, but guards tell by the address which production regions any holder may map. */
const struct file_operations region_shared_fops = REGION_FOPS;
static const struct file_operations region_fops = REGION_FOPS;

static const struct file_operations *region_fops_for(u32 flags)
{
	bool shared = (flags & CLOISTER_CREATE_SHAREABLE) && !(flags & CLOISTER_CREATE_DEBUG);

	return shared ? &region_shared_fops : &region_fops;
}

static struct cloister_region *region_alloc(u64 pages, long limit, u32 flags)
{
	struct cloister_region *region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);

	if (!region)
		return ERR_PTR(-ENOMEM);
	kref_init(&region->ref);
	init_completion(&region->unused);
	region->pages = pages;
	region->limit = limit;
	region->flags = flags;
	region->owner = current->mm;
	mmgrab(region->owner);
	region->memcg = get_mem_cgroup_from_mm(current->mm);
	mutex_init(&region->add_lock);
	INIT_LIST_HEAD(&region->pinners);
	spin_lock_init(&region->frames_lock);
	INIT_LIST_HEAD(&region->active);
	INIT_LIST_HEAD(&region->inactive);
	INIT_LIST_HEAD(&region->fixed);
	INIT_LIST_HEAD(&region->pool);
	INIT_WORK(&region->work, frames_work);
	init_waitqueue_head(&region->wait);
	return region;
}

/* The descriptor's number is taken first and filled last: nothing after it can fail. */
static int region_install(struct cloister_region *region)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = region_file_create(region->inode, region_fops_for(region->flags), region);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	mutex_lock(&cloister.regions_lock);
	list_add_tail(&region->link, &cloister.regions);
	mutex_unlock(&cloister.regions_lock);
	trace_cloister_region_create(region->id, region->pages << PAGE_SHIFT, region->flags);
	fd_install(fd, file);
	return fd;
}

/**
 * region_create() - make a region and a descriptor for it
 * @region_size: bytes
 * @resident_limit: bytes, 0 for none but the device's
 * @flags: CLOISTER_CREATE_*
 *
 * Return: the descriptor, or an error as struct cloister_create lists them.
 */
int region_create(u64 region_size, u64 resident_limit, u32 flags)
{
	u64 pages = region_size >> PAGE_SHIFT;
	u64 limit = resident_limit >> PAGE_SHIFT;
	struct cloister_region *region;
	int ret;

	if (!pages || pages > MON_REGION_PAGES_MAX || !PAGE_ALIGNED(region_size) ||
	    !PAGE_ALIGNED(resident_limit))
		return -EINVAL;
	if (limit && limit < min_t(u64, pages, RESIDENT_MIN))
		return -EINVAL;
	/* Where all of the region fits, its pool need not be filled by sealing. */
	if (!limit || limit >= pages)
		limit = pages + POOL_MAX;

	region = region_alloc(pages, limit, flags);
	if (IS_ERR(region))
		return PTR_ERR(region);
	ret = guard_region_begin(region);
	if (ret)
		goto free;
	region->counted = true;
	ret = limits_region_begin(region);
	if (ret)
		goto free;
	region->backing = shmem_file_setup("cloister-backing", region_size, VM_NORESERVE);
	if (IS_ERR(region->backing)) {
		ret = PTR_ERR(region->backing);
		/* shmem's word for an inode that found no memory. */
		if (ret == -ENOSPC)
			ret = -ENOMEM;
		region->backing = NULL;
		goto free;
	}
	region->inode = region_inode_get();
	if (IS_ERR(region->inode)) {
		ret = PTR_ERR(region->inode);
		region->inode = NULL;
		goto free;
	}
	ret = monitor_create(region);
	if (ret)
		goto free;
	ret = region_install(region);
	if (ret < 0)
		goto free;
	return ret;
free:
	region_free(region);
	return ret;
}
