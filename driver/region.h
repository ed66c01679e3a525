/* SPDX-License-Identifier: GPL-2.0-only */
/* A region as the driver has it. Documentation/locking.rst orders the locks. */
#ifndef CLOISTER_REGION_H
#define CLOISTER_REGION_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct file;
struct inode;
struct mem_cgroup;
struct mm_struct;
struct cloister_user;

/* Fewer frames than this leave no room for what one instruction may touch. */
#define RESIDENT_MIN	16

/**
 * struct cloister_region - private data of a region's file
 * @ref: its file's, and that of who evicts from it on behalf of another region
 * @unused: the last of these is gone
 * @pa: physical address of its descriptor: its name to the monitor
 * @id: its name to people
 * @pages: size
 * @limit: most frames it may have
 * @flags: CLOISTER_CREATE_*
 * @owner: the creator's address space; held with mmgrab(), compared only
 * @counted: guards count it
 * @memcg: whom its memory is charged to
 * @user: whose limits it counts against, see limits.c
 * @exempt: it counts, but is not bounded by them
 * @inode: of its file; the mapping whose translations are removed
 * @backing: shmem file, page n of the region at offset n * 4096: ciphertext
 * @link: in cloister.regions
 * @add_lock: held by the call that adds pages; protects @pinners and @tables
 * @pinners: who pinned pages, see pinned.c
 * @tables: granules given to the monitor for metadata of pages
 * @frames_lock: protects the lists of frames and their counts
 * @active: resident frames that were touched since they were last looked at
 * @inactive: resident frames without translations: a touch makes them active,
 *	or else they are evicted, oldest first
 * @fixed: frames of pinned pages, which are never evicted
 * @pool: empty frames, delegated
 * @nr_active: length of @active
 * @nr_inactive: length of @inactive
 * @nr_pool: length of @pool
 * @nr_reserve: frames with a backing page held in reserve
 * @frames: frames charged to the region: resident, in the pool, in passing
 * @pinned: pages that are pinned, or are about to be
 * @shrink: frames that the machine wants back
 * @work: fills the pool, or gives frames back
 * @progress: counts what a waiter for a BUSY page or for a frame may wait for
 * @wait: such waiters
 * @faults: page faults served
 */
struct cloister_region {
	struct kref ref;
	struct completion unused;
	u64 pa;
	u64 id;
	u64 pages;
	long limit;
	u32 flags;
	struct mm_struct *owner;
	bool counted;
	struct mem_cgroup *memcg;
	struct cloister_user *user;
	bool exempt;
	struct inode *inode;
	struct file *backing;
	struct list_head link;

	struct mutex add_lock;
	struct list_head pinners;
	unsigned long tables;

	spinlock_t frames_lock;
	struct list_head active;
	struct list_head inactive;
	struct list_head fixed;
	struct list_head pool;
	unsigned int nr_active;
	unsigned int nr_inactive;
	unsigned int nr_pool;
	unsigned int nr_reserve;
	atomic_long_t frames;
	atomic_long_t pinned;

	atomic_long_t shrink;
	struct work_struct work;
	atomic_t progress;
	wait_queue_head_t wait;
	atomic64_t faults;
};

void region_put(struct cloister_region *region);
int region_create(u64 region_size, u64 resident_limit, u32 flags);
u64 region_resident_limit(const struct cloister_region *region);
int region_require(const struct cloister_region *region, u32 state);
bool region_accessible(const struct cloister_region *region);
void region_progress(struct cloister_region *region);
int region_progress_seen(struct cloister_region *region);
int region_wait(struct cloister_region *region, int seen, unsigned int state);

#endif /* CLOISTER_REGION_H */
