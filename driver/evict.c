// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction: sealing resident pages into the backing store, for a region at its limit, for a
 * machine short of memory, or because the owner asks.
 *
 * Reclaim must not need what it frees. The shrinker therefore only wakes workers, and a page can be
 * sealed into a backing page that was set aside when memory was there (frames.c, RESERVE_MAX).
 */
#include <linux/mm.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "driver.h"
#include "trace.h"

/* Pages tried before giving up: some may be busy in other hands. */
#define EVICT_TRIES	16

struct workqueue_struct *reclaim_queue;
static struct shrinker *region_shrinker;

/* The monitor's plat_unmap(): see platform.h. */
void region_unmap(u64 cookie, u64 first, u64 count)
{
	struct cloister_region *region = (struct cloister_region *)cookie;

	/* A region whose creation failed never had a file. */
	if (!region->inode)
		return;
	unmap_mapping_range(region->inode->i_mapping, (loff_t)first << PAGE_SHIFT,
			    (loff_t)count << PAGE_SHIFT, 1);
}

/**
 * evict_page() - seal a page
 * @region: the region
 * @page: number of the page
 * @reserve: a backing page held for it, or NULL
 * @frame: out: the frame it was in, empty, still charged to the region
 *
 * Return: 0, or
 * * -EBUSY	the page is in use by another call
 * * -ENODATA	the page is not resident
 * * -ENXIO	there is no such page
 * * -ENOMEM	no backing page could be had
 * * -EOVERFLOW	no nonce is left; the region is dead
 * * -EBADFD	the region is dead
 * * -EIO	the cipher failed
 */
int evict_page(struct cloister_region *region, u64 page, struct page *reserve,
	       struct page **frame)
{
	struct page *backing = reserve;
	enum mon_status status;
	u64 pa;

	if (!backing)
		backing = backing_get(region, page, __GFP_NORETRY | __GFP_NOWARN);
	if (IS_ERR(backing))
		return -ENOMEM;
	status = mon_page_evict(cloister.root, region->pa, page, page_address(backing), &pa);
	if (status == MON_OK) {
		set_page_dirty(backing);
		*frame = granule_of(pa);
		frame_unlist(region, *frame);
	}
	if (!reserve)
		put_page(backing);
	/* Refused at once: nothing changed, and nothing is traced or waited for. */
	if (status == MON_E_BUSY || status == MON_E_SEALED || status == MON_E_ABSENT)
		return errno_of(status);
	trace_cloister_page_evict(region->id, status);
	if (status == MON_E_EXHAUSTED)
		pr_err_ratelimited("region %llu: no nonce is left to seal pages with; the region is stopped\n",
				   region->id);
	region_progress(region);
	return errno_of(status);
}

/**
 * evict_one() - seal some page of a region
 * @region: the region
 *
 * Return: its frame, empty and still charged to the region, or
 * * -EBUSY	no page is to be had right now: others have them in hands
 * * -ENOMEM	there is no memory to seal pages into
 * * or what else evict_page() found
 */
struct page *evict_one(struct cloister_region *region)
{
	bool reserved = false;
	struct page *reserve;
	struct page *frame;
	int tries, ret;
	u64 page;

	for (tries = 0; tries < EVICT_TRIES; tries++) {
		if (!frames_pick(region, reserved, &page, &reserve))
			break;
		ret = evict_page(region, page, reserve, &frame);
		if (reserve)
			put_page(reserve);
		if (!ret)
			return frame;
		if (ret == -ENOMEM)
			reserved = true;
		else if (ret != -EBUSY && ret != -ENODATA && ret != -ENXIO)
			return ERR_PTR(ret);
	}
	return ERR_PTR(reserved ? -ENOMEM : -EBUSY);
}

/* Over the device's limit: let other regions give up a frame, in turn. */
bool evict_from_others(struct cloister_region *region)
{
	struct cloister_region *other, *next;
	struct page *frame;
	bool freed = false;

	mutex_lock(&cloister.regions_lock);
	list_for_each_entry_safe(other, next, &cloister.regions, link) {
		if (other == region)
			continue;
		frame = frame_take(other);
		if (!frame)
			frame = evict_one(other);
		if (IS_ERR(frame))
			continue;
		list_move_tail(&other->link, &cloister.regions);
		frame_free(other, frame);
		freed = true;
		break;
	}
	mutex_unlock(&cloister.regions_lock);
	return freed;
}

static unsigned long shrink_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long n = atomic_long_read(&cloister.frames);

	return n ? n : SHRINK_EMPTY;
}

/*
 * Called with any lock held, in the middle of any allocation: hand the wish on. Each region is
 * asked for its share.
 */
static unsigned long shrink_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long all = atomic_long_read(&cloister.frames);
	struct cloister_region *region;
	unsigned long share;

	if (!all || !mutex_trylock(&cloister.regions_lock))
		return SHRINK_STOP;
	list_for_each_entry(region, &cloister.regions, link) {
		share = mult_frac(sc->nr_to_scan, atomic_long_read(&region->frames), all);
		if (!share)
			continue;
		atomic_long_add(share, &region->shrink);
		queue_work(reclaim_queue, &region->work);
	}
	mutex_unlock(&cloister.regions_lock);
	return SHRINK_STOP;
}

int reclaim_init(void)
{
	int ret = -ENOMEM;

	reclaim_queue = alloc_workqueue("cloister_reclaim",
					WQ_UNBOUND | WQ_FREEZABLE | WQ_MEM_RECLAIM, 0);
	if (!reclaim_queue)
		return -ENOMEM;
	region_shrinker = shrinker_alloc(0, "cloister-frames");
	if (!region_shrinker)
		goto queue;
	region_shrinker->count_objects = shrink_count;
	region_shrinker->scan_objects = shrink_scan;
	ret = compat_shrinker_register(region_shrinker, "cloister-frames");
	if (ret)
		goto shrinker;
	return 0;
shrinker:
	shrinker_free(region_shrinker);
queue:
	destroy_workqueue(reclaim_queue);
	return ret;
}

void reclaim_exit(void)
{
	shrinker_free(region_shrinker);
	destroy_workqueue(reclaim_queue);
}
