// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames: pages that the monitor owns, charged to a region and to its memory cgroup.
 *
 * A region at its limit keeps a small pool of empty frames, which a worker fills by sealing
 * pages ahead of need. Below the limit a fault takes a new page itself.
 *
 * Delegating marks a page PageOffline. Calls and the worker do that under page_offline_begin(),
 * so that no reader of /proc/kcore can have looked at the page before and copy it after. A fault
 * can't: its caller may be that reader, holding the other side of the lock. See
 * Documentation/kernel-mode.rst.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "driver.h"
#include "platform_kernel.h"

/*
 * Frames are taken only from memory that is there: reclaim would seal others, or pages of this
 * one.
 */
#define GFP_FRAME	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)
/* Translations removed at a time, to look for pages that nobody uses. */
#define TRIAL_BATCH	32
/* The pool holds at most this part of what the region may have. */
#define POOL_SHARE	8
/*
 * Evictions that can go on when no memory is left: so many frames keep the backing page that they
 * will be sealed into.
 */
#define RESERVE_MAX	8

/*
 * Frames that a region gives back where the allocator has none: the next faults find memory, and so
 * does whatever else its memory cgroup is charged for, which can't reclaim frames.
 */
#define RELIEF		32

/*
 * page_private() of a listed frame: its reserved backing page and bit 0, or bit 1 and who pinned
 * the page.
 */
#define FRAME_INACTIVE	1ul
#define FRAME_PINNED	2ul
#define FRAME_FLAGS	(FRAME_INACTIVE | FRAME_PINNED)

struct page *granule_of(u64 pa)
{
	return pfn_to_page(PHYS_PFN(pa));
}

u64 granule_pa(struct page *page)
{
	return PFN_PHYS(page_to_pfn(page));
}

/* Allocate up to @count pages, charged to @memcg and known to the ownership table. */
static void allocate(struct mem_cgroup *memcg, struct list_head *out, unsigned int count,
		     gfp_t gfp)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct page *page;

	for (; count; count--) {
		page = alloc_page(gfp | __GFP_ACCOUNT);
		if (!page)
			break;
		if (plat_granule_cover(page)) {
			__free_page(page);
			break;
		}
		set_page_private(page, 0);
		list_add(&page->lru, out);
	}
	set_active_memcg(old);
}

static unsigned int delegate(struct list_head *pages, struct list_head *out)
{
	struct page *page, *next;
	unsigned int n = 0;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del_init(&page->lru);
		if (WARN_ON_ONCE(mon_granule_delegate(cloister.root, granule_pa(page)))) {
			__free_page(page);
			continue;
		}
		list_add(&page->lru, out);
		n++;
	}
	return n;
}

/*
 * Allocate up to @count pages, charged to @memcg, and delegate them to the monitor.
 * Context: no lock that a page fault may wait for, mmap_lock included.
 * Return: how many came onto @out.
 */
unsigned int granules_take(struct mem_cgroup *memcg, struct list_head *out, unsigned int count,
			   gfp_t gfp)
{
	unsigned int n;
	LIST_HEAD(pages);

	allocate(memcg, &pages, count, gfp);
	plat_offline_begin();
	n = delegate(&pages, out);
	plat_offline_end();
	return n;
}

/* A granule that is DELEGATED and on no list goes back to the kernel. */
void granule_give_back(struct page *page)
{
	/* Leaking a page is better than handing out one that the monitor still uses. */
	if (WARN_ON_ONCE(mon_granule_undelegate(cloister.root, granule_pa(page))))
		return;
	set_page_private(page, 0);
	__free_page(page);
}

static bool charge_region(struct cloister_region *region)
{
	if (atomic_long_inc_return(&region->frames) <= limits_frames(region))
		return true;
	atomic_long_dec(&region->frames);
	return false;
}

static bool charge_one(struct cloister_region *region)
{
	if (!charge_region(region))
		return false;
	if (!user_charge(region))
		goto region;
	if (atomic_long_inc_return(&cloister.frames) <= cloister.frames_max)
		return true;
	atomic_long_dec(&cloister.frames);
	user_uncharge(region, 1);
region:
	atomic_long_dec(&region->frames);
	return false;
}

/* Charge up to @count frames; fewer where a limit is near. */
static unsigned int charge(struct cloister_region *region, unsigned int count)
{
	unsigned int n = 0;

	while (n < count && charge_one(region))
		n++;
	return n;
}

static void uncharge(struct cloister_region *region, unsigned int count)
{
	atomic_long_sub(count, &region->frames);
	user_uncharge(region, count);
	atomic_long_sub(count, &cloister.frames);
}

bool device_full(void)
{
	return atomic_long_read(&cloister.frames) >= cloister.frames_max;
}

/*
 * A charge goes from one region to another without being free in between, where whoever asks most
 * often would get it. First it is counted twice where the two differ.
 */
bool charge_move_begin(struct cloister_region *to, bool same_user)
{
	if (!charge_region(to))
		return false;
	if (same_user || user_charge(to))
		return true;
	atomic_long_dec(&to->frames);
	return false;
}

void charge_move_cancel(struct cloister_region *to, bool same_user)
{
	atomic_long_dec(&to->frames);
	if (!same_user)
		user_uncharge(to, 1);
}

/* @frame goes back to the kernel: it is charged to another cgroup than its successor may be. */
void charge_move_end(struct cloister_region *from, struct page *frame, bool same_user)
{
	granule_give_back(frame);
	atomic_long_dec(&from->frames);
	if (!same_user)
		user_uncharge(from, 1);
	region_progress(from);
}

/* Take an empty frame from the pool, or NULL. */
struct page *frame_take(struct cloister_region *region)
{
	struct page *frame;

	/* Below its limit a region has none, and its threads do not meet at the lock. */
	if (!READ_ONCE(region->nr_pool))
		return NULL;
	spin_lock(&region->frames_lock);
	frame = list_first_entry_or_null(&region->pool, struct page, lru);
	if (frame) {
		list_del_init(&frame->lru);
		region->nr_pool--;
	}
	spin_unlock(&region->frames_lock);
	return frame;
}

/* Put an empty frame into the pool. */
void frame_put(struct cloister_region *region, struct page *frame)
{
	spin_lock(&region->frames_lock);
	list_add(&frame->lru, &region->pool);
	region->nr_pool++;
	spin_unlock(&region->frames_lock);
	region_progress(region);
}

/* Give an empty frame back to the kernel. */
void frame_free(struct cloister_region *region, struct page *frame)
{
	granule_give_back(frame);
	uncharge(region, 1);
	region_progress(region);
}

/*
 * Before the monitor makes it page @page of the region: a frame is on a list whenever it is
 * resident. Evictors take page numbers from the lists, never frames, so a number that is
 * out of date costs them a refused call and nothing else. @reserve: see RESERVE_MAX, or NULL.
 */
void frame_list(struct cloister_region *region, struct page *frame, u64 page,
		struct page *reserve)
{
	frame->index = page;
	set_page_private(frame, (unsigned long)reserve);
	spin_lock(&region->frames_lock);
	list_add_tail(&frame->lru, &region->active);
	region->nr_active++;
	if (reserve)
		region->nr_reserve++;
	spin_unlock(&region->frames_lock);
}

/* The same for a pinned page: on a list where no evictor looks. */
void frame_list_pinned(struct cloister_region *region, struct page *frame,
		       struct cloister_pinner *pinner)
{
	set_page_private(frame, (unsigned long)pinner | FRAME_PINNED);
	spin_lock(&region->frames_lock);
	list_add_tail(&frame->lru, &region->fixed);
	spin_unlock(&region->frames_lock);
}

/* Who pinned the page in a listed frame, or NULL. */
struct cloister_pinner *frame_pinner(struct page *frame)
{
	if (!(page_private(frame) & FRAME_PINNED))
		return NULL;
	return (struct cloister_pinner *)(page_private(frame) & ~FRAME_FLAGS);
}

void frame_unlist(struct cloister_region *region, struct page *frame)
{
	struct page *reserve = NULL;

	spin_lock(&region->frames_lock);
	list_del_init(&frame->lru);
	if (!(page_private(frame) & FRAME_PINNED)) {
		if (page_private(frame) & FRAME_INACTIVE)
			region->nr_inactive--;
		else
			region->nr_active--;
		reserve = (struct page *)(page_private(frame) & ~FRAME_FLAGS);
		if (reserve)
			region->nr_reserve--;
	}
	spin_unlock(&region->frames_lock);
	set_page_private(frame, 0);
	if (reserve)
		put_page(reserve);
}

/* A listed, pinned frame was touched: its second chance. */
void frame_referenced(struct cloister_region *region, struct page *frame)
{
	if (!(READ_ONCE(frame->private) & FRAME_INACTIVE))
		return;
	spin_lock(&region->frames_lock);
	if (page_private(frame) & FRAME_INACTIVE) {
		set_page_private(frame, page_private(frame) & ~FRAME_INACTIVE);
		list_move_tail(&frame->lru, &region->active);
		region->nr_inactive--;
		region->nr_active++;
	}
	spin_unlock(&region->frames_lock);
}

/*
 * The backing page for a frame about to be listed, where the reserve wants one; best effort.
 * @backing: that page, where the caller has it already, or NULL.
 */
struct page *frame_reserve(struct cloister_region *region, u64 page, struct page *backing)
{
	struct page *reserve;

	if (READ_ONCE(region->nr_reserve) >= RESERVE_MAX)
		return NULL;
	if (backing) {
		get_page(backing);
		return backing;
	}
	reserve = backing_get(region, page, __GFP_NORETRY | __GFP_NOWARN);
	return IS_ERR(reserve) ? NULL : reserve;
}

/*
 * Second chance: of the frames that were active longest, make @count inactive, so that their next
 * touch faults and shows.
 */
static void deactivate(struct cloister_region *region, unsigned int count)
{
	u64 pages[TRIAL_BATCH];
	struct page *frame;
	unsigned int n = 0;

	spin_lock(&region->frames_lock);
	while (n < min_t(unsigned int, count, ARRAY_SIZE(pages)) && region->nr_active) {
		frame = list_first_entry(&region->active, struct page, lru);
		set_page_private(frame, page_private(frame) | FRAME_INACTIVE);
		list_move_tail(&frame->lru, &region->inactive);
		region->nr_active--;
		region->nr_inactive++;
		pages[n++] = frame->index;
	}
	spin_unlock(&region->frames_lock);
	while (n)
		region_unmap((u64)region, pages[--n], 1);
}

/*
 * The page to seal next: the oldest inactive one, or with @reserved one whose backing page is
 * held in reserve. It goes to the end of its list, so that others find others. *@reserve is
 * referenced.
 */
bool frames_pick(struct cloister_region *region, bool reserved, u64 *page,
		 struct page **reserve)
{
	unsigned int total = READ_ONCE(region->nr_active) + READ_ONCE(region->nr_inactive);
	struct list_head *list;
	struct page *frame;
	bool found = false;

	/* A quarter of the frames are on trial: time enough to be touched again. */
	if (READ_ONCE(region->nr_inactive) < DIV_ROUND_UP(total, 4))
		deactivate(region, DIV_ROUND_UP(total, 4) - READ_ONCE(region->nr_inactive));

	spin_lock(&region->frames_lock);
	for (list = &region->inactive; !found; list = &region->active) {
		list_for_each_entry(frame, list, lru) {
			*reserve = (struct page *)(page_private(frame) & ~FRAME_FLAGS);
			if (reserved && !*reserve)
				continue;
			found = true;
			*page = frame->index;
			if (*reserve)
				get_page(*reserve);
			list_move_tail(&frame->lru, list);
			break;
		}
		if (list == &region->active)
			break;
	}
	spin_unlock(&region->frames_lock);
	return found;
}

/* A new frame that is charged, hidden without page_offline_begin(); or -ENOMEM. */
static struct page *new_in_fault(struct cloister_region *region, gfp_t gfp)
{
	struct page *frame;
	LIST_HEAD(pages);
	LIST_HEAD(frames);

	allocate(region->memcg, &pages, 1, gfp);
	if (!delegate(&pages, &frames)) {
		uncharge(region, 1);
		return ERR_PTR(-ENOMEM);
	}
	frame = list_first_entry(&frames, struct page, lru);
	list_del_init(&frame->lru);
	return frame;
}

/* The same, and charge it; -EBUSY at a limit. */
static struct page *take_one_in_fault(struct cloister_region *region, gfp_t gfp)
{
	return charge_one(region) ? new_in_fault(region, gfp) : ERR_PTR(-EBUSY);
}

/* How many empty frames a region at its limit keeps. */
static unsigned int pool_target(const struct cloister_region *region)
{
	return clamp_t(long, limits_frames(region) / POOL_SHARE, 1, POOL_MAX);
}

/* New frames that are charged into the pool: how many, or -ENOMEM. */
static int new_in_pool(struct cloister_region *region, unsigned int charged, gfp_t gfp)
{
	struct page *frame, *next;
	LIST_HEAD(frames);
	int got;

	got = granules_take(region->memcg, &frames, charged, gfp);
	uncharge(region, charged - got);
	list_for_each_entry_safe(frame, next, &frames, lru) {
		list_del_init(&frame->lru);
		frame_put(region, frame);
	}
	return got ?: -ENOMEM;
}

/* The same, and charge them; -EBUSY at a limit. */
static int take_new(struct cloister_region *region, unsigned int count, gfp_t gfp)
{
	unsigned int charged = charge(region, count);

	return charged ? new_in_pool(region, charged, gfp) : -EBUSY;
}

/* Memory is short, the machine's or that of the region's cgroup: leave some to others. */
static void relieve(struct cloister_region *region)
{
	long spare = READ_ONCE(region->nr_active) + READ_ONCE(region->nr_inactive) - RESIDENT_MIN;

	if (spare <= 0 || atomic_long_read(&region->shrink))
		return;
	atomic_long_add(clamp_t(long, spare / 8, 1, RELIEF), &region->shrink);
	queue_work(reclaim_queue, &region->work);
}

/**
 * frames_fill() - bring the pool to @target frames
 * @region: the region
 * @target: at most POOL_MAX counts
 * @must: somebody waits for a frame: where memory is short, try as hard as the allocator can
 *
 * New pages first; then of other regions, where limits give it more; at a limit or without
 * memory, by sealing pages of the region's own; and last, where nothing can be sealed, from
 * other regions or whatever the allocator can free.
 *
 * Context: as granules_take().
 * Return: 0 where something was put into the pool or enough was there, though others may have
 * taken it since; -EBUSY where all frames are in somebody's hands now; -ENOMEM.
 */
int frames_fill(struct cloister_region *region, unsigned int target, bool must)
{
	struct page *frame = NULL;
	bool filled = false;
	unsigned int have;
	int ret;

	target = min_t(unsigned int, target, POOL_MAX);
	while ((have = READ_ONCE(region->nr_pool)) < target) {
		if (take_new(region, target - have, GFP_FRAME) < 0 &&
		    !(evict_to_grow(region) && new_in_pool(region, 1, GFP_FRAME) > 0)) {
			frame = evict_one(region, must && !have && !filled);
			if (IS_ERR(frame))
				break;
			frame_put(region, frame);
		}
		filled = true;
	}
	if (filled || have)
		return 0;
	if (evict_for(region) && new_in_pool(region, 1, GFP_FRAME) > 0)
		return 0;
	ret = take_new(region, 1, must ? GFP_KERNEL | __GFP_NOWARN : GFP_FRAME);
	if (ret > 0)
		return 0;
	/* At a limit it is why nothing could be sealed that counts. */
	return ret == -EBUSY ? PTR_ERR(frame) : ret;
}

/**
 * frame_for_fault() - an empty frame for a page fault
 * @region: the region
 *
 * In the order of frames_fill().
 *
 * Context: a page fault.
 * Return: the frame, -EBUSY where all frames are in somebody's hands now, -ENOMEM.
 */
struct page *frame_for_fault(struct cloister_region *region)
{
	struct page *frame = frame_take(region);
	struct page *evicted;

	if (!frame)
		frame = take_one_in_fault(region, GFP_FRAME);
	if (frame == ERR_PTR(-ENOMEM))
		relieve(region);
	if (frame == ERR_PTR(-EBUSY) && evict_to_grow(region))
		frame = new_in_fault(region, GFP_FRAME);
	if (IS_ERR(frame)) {
		evicted = evict_one(region, true);
		if (!IS_ERR(evicted)) {
			frame = evicted;
		} else {
			if (evict_for(region))
				frame = new_in_fault(region, GFP_KERNEL | __GFP_NOWARN);
			else
				frame = take_one_in_fault(region, GFP_KERNEL | __GFP_NOWARN);
			if (frame == ERR_PTR(-EBUSY))
				frame = evicted;
		}
	}
	/* Ahead of the next fault; and the end of the work wakes who is told -EBUSY. */
	if (frame == ERR_PTR(-EBUSY) ||
	    (atomic_long_read(&region->frames) >= limits_frames(region) &&
	     READ_ONCE(region->nr_pool) * 2 <= pool_target(region)))
		queue_work(reclaim_queue, &region->work);
	return frame;
}

/* The machine wants frames back: empty ones first, then pages are sealed. */
static void shrink(struct cloister_region *region, long count)
{
	struct page *frame;

	for (; count > 0; count--) {
		frame = frame_take(region);
		if (!frame)
			frame = evict_one(region, false);
		if (IS_ERR(frame))
			break;
		frame_free(region, frame);
	}
}

void frames_work(struct work_struct *work)
{
	struct cloister_region *region = container_of(work, struct cloister_region, work);
	long wanted = atomic_long_xchg(&region->shrink, 0);

	if (wanted)
		shrink(region, wanted);
	else
		frames_fill(region, pool_target(region), false);
	region_progress(region);
}

/*
 * A granule that the monitor reclaimed from a dead region: a frame, which is on a list, or one of
 * its tables, which is not.
 */
void granule_reclaimed(struct cloister_region *region, u64 pa)
{
	struct page *page = granule_of(pa);

	if (list_empty(&page->lru)) {
		granule_give_back(page);
		return;
	}
	frame_unlist(region, page);
	frame_free(region, page);
}

/* Empty the pool. */
void frames_drop_pool(struct cloister_region *region)
{
	struct page *frame;

	while ((frame = frame_take(region)))
		frame_free(region, frame);
}
