// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction: sealing resident pages into the backing store, for a region at its limit, for a
 * machine short of memory, or because the owner asks.
 *
 * Reclaim must not need what it frees. The shrinker therefore only wakes workers, and a page can be
 * sealed into a backing page that was set aside when memory was there (frames.c, RESERVE_MAX).
 */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "driver.h"
#include "trace.h"

/* Pages tried before giving up: some may be busy in other hands. */
#define EVICT_TRIES	16

struct workqueue_struct *reclaim_queue;
static struct shrinker *region_shrinker;

/*
 * The monitor's plat_unmap(): see platform.h.
 *
 * Two threads that remove translations of one address space at once make the kernel flush all of
 * its translations on every processor, even for pages that have none. One after the other costs
 * far less, as most of these calls find nothing.
 */
void region_unmap(u64 cookie, u64 first, u64 count)
{
	struct cloister_region *region = (struct cloister_region *)cookie;
	struct mutex *lock = user_unmap_lock(region);

	mutex_lock(lock);
	unmap_mapping_range(region->inode->i_mapping, (loff_t)first << PAGE_SHIFT,
			    (loff_t)count << PAGE_SHIFT, 1);
	mutex_unlock(lock);
}

/**
 * evict_page() - seal a page
 * @region: the region
 * @page: number of the page
 * @reserve: a backing page held for it, or NULL
 * @gfp: how hard to try for a backing page, over the backing store's own
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
int evict_page(struct cloister_region *region, u64 page, struct page *reserve, gfp_t gfp,
	       struct page **frame)
{
	struct page *backing = reserve;
	enum mon_status status;
	u64 pa;

	if (!backing)
		backing = backing_get(region, page, gfp);
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

/* Pick a page, with @reserved only one with a backing page held for it, and seal it. */
static int try_evict(struct cloister_region *region, bool reserved, gfp_t gfp,
		     struct page **frame)
{
	struct page *reserve;
	u64 page;
	int ret;

	if (!frames_pick(region, reserved, &page, &reserve))
		return -ENOENT;
	ret = evict_page(region, page, reserve, gfp, frame);
	if (reserve)
		put_page(reserve);
	return ret;
}

static bool gone_or_busy(int ret)
{
	return ret == -EBUSY || ret == -ENODATA || ret == -ENXIO;
}

/**
 * evict_one() - seal some page of a region
 * @region: the region
 * @must: where memory for a backing page is short, and no reserve is left, try as hard as the
 *	allocator can, up to killing somebody
 *
 * The reserve is not spent on frames: the frame of a page that is sealed into it goes back to the
 * kernel, and is room for the backing page of another. Spent otherwise, a memory cgroup at
 * its limit would come to hold nothing but frames, which the kernel can't reclaim.
 *
 * Return: its frame, empty and still charged to the region, or
 * * -EBUSY	no page is to be had right now: others have them in hands
 * * -ENOMEM	there is no memory to seal pages into
 * * or what else evict_page() found
 */
struct page *evict_one(struct cloister_region *region, bool must)
{
	/* How hard to try for a backing page, one after the other; the last may kill somebody. */
	static const gfp_t efforts[] = {
		__GFP_NORETRY | __GFP_NOWARN, __GFP_RETRY_MAYFAIL | __GFP_NOWARN, 0,
	};
	unsigned int effort = 0, last = must ? ARRAY_SIZE(efforts) - 1 : 0;
	bool reserved = false, used_up = false;
	struct page *frame;
	int tries, ret;

	for (tries = 0; tries < EVICT_TRIES; tries++) {
		ret = try_evict(region, reserved, efforts[effort], &frame);
		if (!ret && !reserved)
			return frame;
		if (!ret) {
			frame_free(region, frame);
			reserved = false;
		} else if (ret == -ENOENT) {
			if (!reserved)
				break;
			used_up = true;
			reserved = false;
		} else if (ret == -ENOMEM) {
			reserved = !used_up;
		} else if (!gone_or_busy(ret)) {
			return ERR_PTR(ret);
		}
		if (used_up && (ret == -ENOENT || ret == -ENOMEM)) {
			if (effort == last)
				return ERR_PTR(-ENOMEM);
			effort++;
		}
	}
	return ERR_PTR(-EBUSY);
}

/*
 * May @victim give @region a frame? One of the same user may; one of another user only where that
 * user holds more than its fair share.
 */
static bool may_give(const struct cloister_region *victim, const struct cloister_region *region,
		     bool same_user, long least)
{
	long frames = atomic_long_read(&victim->frames) - atomic_long_read(&victim->pinned);

	if (victim == region || frames <= least)
		return false;
	if (same_user)
		return victim->user == region->user;
	return victim->user != region->user && user_above_share(victim);
}

/* The next such region in turn, referenced, and moved to the end of the list. */
static struct cloister_region *next_in_turn(const struct cloister_region *region, bool same_user,
					    long least)
{
	struct cloister_region *victim;

	mutex_lock(&cloister.regions_lock);
	list_for_each_entry(victim, &cloister.regions, link) {
		if (!may_give(victim, region, same_user, least))
			continue;
		/* Not the last to go: region_release() takes it off the list first. */
		kref_get(&victim->ref);
		list_move_tail(&victim->link, &cloister.regions);
		mutex_unlock(&cloister.regions_lock);
		return victim;
	}
	mutex_unlock(&cloister.regions_lock);
	return NULL;
}

/* Seal a page of another region; its charge, without a frame, is then @region's. */
static bool take_charge(struct cloister_region *region, bool same_user)
{
	struct cloister_region *victim;
	struct page *frame;
	int tries;

	if (!charge_move_begin(region, same_user))
		return false;
	for (tries = 0; tries < EVICT_TRIES; tries++) {
		/* Who has no more than it needs is the last to be asked. */
		victim = next_in_turn(region, same_user, RESIDENT_MIN);
		if (!victim)
			victim = next_in_turn(region, same_user, 0);
		if (!victim)
			break;
		frame = frame_take(victim);
		if (!frame)
			frame = evict_one(victim, false);
		if (!IS_ERR(frame))
			charge_move_end(victim, frame, same_user);
		region_put(victim);
		if (!IS_ERR(frame))
			return true;
	}
	charge_move_cancel(region, same_user);
	return false;
}

/**
 * evict_for() - at its user's or the device's limit, let another region give up a frame
 * @region: the region; it has nothing to seal
 *
 * Its own user's regions first; another user's where that has more than its share. A user
 * that has less takes its share from those first.
 *
 * Return: whether @region is now charged for a frame that it has yet to allocate.
 */
bool evict_for(struct cloister_region *region)
{
	if (user_full(region))
		return take_charge(region, true);
	if (!device_full())
		return false;
	if (user_below_share(region) && take_charge(region, false))
		return true;
	return take_charge(region, true) || take_charge(region, false);
}

/**
 * evict_to_grow() - the same for a region that has pages to seal, but is due more
 * @region: the region
 *
 * It is where its user has less than its share, and where it could not even run on what it has.
 *
 * Return: as evict_for().
 */
bool evict_to_grow(struct cloister_region *region)
{
	long frames = atomic_long_read(&region->frames) - atomic_long_read(&region->pinned);

	if (frames < RESIDENT_MIN)
		return evict_for(region);
	if (user_full(region) || !device_full() || !user_below_share(region))
		return false;
	return take_charge(region, false);
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
					WQ_UNBOUND | WQ_FREEZABLE | WQ_MEM_RECLAIM,
					num_online_cpus());
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
