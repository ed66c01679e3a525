// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one user may have of the device, and what is each one's share of it.
 *
 * A user is a real uid as the kernel has it: containers with user namespaces of their own have
 * users of their own. Who created a region is charged for it, whoever else uses it. Charging is
 * an atomic counter or two; only creating and ending a region takes a lock.
 */
#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "driver.h"

/* Quotes that a user may make at once after making none for a while: so many seconds' worth. */
#define QUOTE_BURST	2

/*
 * A region costs the kernel some KiB that no cgroup sees all of, and a place in a list that is
 * walked where a limit is reached.
 */
static unsigned int user_regions = 1024;
module_param(user_regions, uint, 0444);
MODULE_PARM_DESC(user_regions, "most regions of a user (default: 1024)");

/* Two users who want it all get half each, and one alone leaves room for another to begin. */
static unsigned long user_resident_mib;
module_param(user_resident_mib, ulong, 0444);
MODULE_PARM_DESC(user_resident_mib,
		 "most plaintext memory of a user's regions, in MiB (default: half of resident_max_mib)");

/* A signature on P-384 takes a processor some ms: this leaves it nearly all of its time. */
static unsigned int user_quotes = 20;
module_param(user_quotes, uint, 0444);
MODULE_PARM_DESC(user_quotes,
		 "quotes a second that a user may make, and twice as many at once (default: 20)");

/* Address spaces of a user that share a lock now and then lose no more than time. */
#define UNMAP_LOCK_BITS	3

/**
 * struct cloister_user - who has regions
 * @link: in users
 * @uid: the real uid
 * @regions: of this user; protected by users_lock
 * @frames: charged to the user's regions
 * @pinned: pages that the user's regions have pinned, or are about to
 * @tables: granules of page metadata
 * @unmap_locks: see user_unmap_lock()
 * @quotes_until: when the quotes made so far will have been paid for, in ns of the monotonic clock
 */
struct cloister_user {
	struct list_head link;
	kuid_t uid;
	unsigned int regions;
	atomic_long_t frames;
	atomic_long_t pinned;
	atomic_long_t tables;
	atomic64_t quotes_until;
	struct mutex unmap_locks[BIT(UNMAP_LOCK_BITS)];
};

/* Protects users, users_active, and the counts of regions. */
static DEFINE_MUTEX(users_lock);
static LIST_HEAD(users);
/* Users with a region. */
static unsigned int users_active;
/* Most frames of a user; and half of that for pinned pages, and again for tables. */
static long user_frames_max;

static bool privileged(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
}

static struct cloister_user *user_of(kuid_t uid)
{
	struct cloister_user *user;

	lockdep_assert_held(&users_lock);
	list_for_each_entry(user, &users, link)
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/*
 * A user without regions is remembered until its quotes are paid for: or else closing the last
 * region would buy new ones.
 */
static void forget_users(bool all)
{
	struct cloister_user *user, *next;
	u64 now = ktime_get_ns();

	lockdep_assert_held(&users_lock);
	list_for_each_entry_safe(user, next, &users, link) {
		if (user->regions || (!all && (u64)atomic64_read(&user->quotes_until) > now))
			continue;
		list_del(&user->link);
		kfree(user);
	}
}

static struct cloister_user *count_region(kuid_t uid)
{
	struct cloister_user *user;
	size_t i;

	forget_users(false);
	user = user_of(uid);
	if (!user) {
		user = kzalloc(sizeof(*user), GFP_KERNEL);
		if (!user)
			return ERR_PTR(-ENOMEM);
		user->uid = uid;
		for (i = 0; i < ARRAY_SIZE(user->unmap_locks); i++)
			mutex_init(&user->unmap_locks[i]);
		list_add(&user->link, &users);
	}
	if (user->regions >= user_regions && !privileged())
		return ERR_PTR(-EDQUOT);
	if (!user->regions++)
		WRITE_ONCE(users_active, users_active + 1);
	return user;
}

/**
 * limits_region_begin() - the caller's user gets one region more
 * @region: the region; its user and whether limits hold for it are set
 *
 * Return: 0, -EDQUOT where it has as many as it may, -ENOMEM.
 */
int limits_region_begin(struct cloister_region *region)
{
	struct cloister_user *user;

	mutex_lock(&users_lock);
	user = count_region(current_uid());
	mutex_unlock(&users_lock);
	if (IS_ERR(user))
		return PTR_ERR(user);
	region->user = user;
	region->exempt = privileged();
	return 0;
}

/* Nothing is charged to the region any more. */
void limits_region_end(struct cloister_region *region)
{
	struct cloister_user *user = region->user;

	if (!user)
		return;
	atomic_long_sub(region->tables, &user->tables);
	mutex_lock(&users_lock);
	if (!--user->regions)
		WRITE_ONCE(users_active, users_active - 1);
	mutex_unlock(&users_lock);
}

/**
 * user_unmap_lock() - the lock under which translations of a region are removed
 * @region: the region
 *
 * One for each address space, or nearly so, and of the region's user: nobody waits for another
 * user's.
 */
struct mutex *user_unmap_lock(const struct cloister_region *region)
{
	return &region->user->unmap_locks[hash_ptr(region->owner, UNMAP_LOCK_BITS)];
}

/* Frames ------------------------------------------------------------------- */

/* Charge a frame to the region's user; false where that is its limit. */
bool user_charge(struct cloister_region *region)
{
	atomic_long_t *frames = &region->user->frames;

	if (atomic_long_inc_return(frames) <= user_frames_max || region->exempt)
		return true;
	atomic_long_dec(frames);
	return false;
}

void user_uncharge(struct cloister_region *region, long count)
{
	atomic_long_sub(count, &region->user->frames);
}

bool user_full(const struct cloister_region *region)
{
	return !region->exempt && atomic_long_read(&region->user->frames) >= user_frames_max;
}

/* The smallest limit of a cgroup and those above it, in pages. */
static long cgroup_limit(struct mem_cgroup *memcg)
{
	unsigned long limit = LONG_MAX;

#ifdef CONFIG_MEMCG
	for (; memcg; memcg = parent_mem_cgroup(memcg))
		limit = min3(limit, READ_ONCE(memcg->memory.max), READ_ONCE(memcg->memory.high));
#endif
	return limit;
}

/**
 * limits_frames() - most frames that a region may have at this moment
 * @region: the region
 *
 * It is the region's limit, or less in a memory cgroup that has little: the kernel can't reclaim
 * frames, and would have to kill where nothing but frames is left. A quarter is for ciphertext on
 * its way to swap, page tables, and the program. Pinned pages and a working set are let be all
 * the same: the cgroup's limit may have been lowered.
 */
long limits_frames(const struct cloister_region *region)
{
	long least = atomic_long_read(&region->pinned) + RESIDENT_MIN;
	long limit = cgroup_limit(region->memcg);

	return min(region->limit, max(limit - limit / 4, least));
}

static long evictable(const struct cloister_user *user)
{
	return atomic_long_read(&user->frames) - atomic_long_read(&user->pinned);
}

/*
 * What the device has for each user with a region, not counting what nobody can evict. When all of
 * it is in use and somebody has less than a share, somebody else has more.
 */
static long fair_share(void)
{
	long frames = (long)cloister.frames_max - atomic_long_read(&cloister.pinned);

	return max(frames, 0L) / (long)max(READ_ONCE(users_active), 1U);
}

bool user_below_share(const struct cloister_region *region)
{
	return evictable(region->user) < fair_share();
}

bool user_above_share(const struct cloister_region *region)
{
	return evictable(region->user) > fair_share();
}

/* What can't be evicted ---------------------------------------------------- */

/* Add to a counter that has a limit; false, and nothing added, where it would be passed. */
static bool add_below(atomic_long_t *counter, long count, long limit)
{
	long old = atomic_long_read(counter);

	/* In one step: fair_share() must not see what is about to be refused. */
	do {
		if (count > limit - old)
			return false;
	} while (!atomic_long_try_cmpxchg(counter, &old, old + count));
	return true;
}

/**
 * limits_pin() - account pages that are to be pinned
 * @region: the region
 * @count: of pages
 *
 * What is pinned is nobody else's any more: the rest has to do for a working set of the region, for
 * the user's other regions, and for other users.
 *
 * Return: 0, -ENOSPC over the region's limit or the device's, -EDQUOT over the user's.
 */
int limits_pin(struct cloister_region *region, long count)
{
	long cgroup = cgroup_limit(region->memcg), users = user_frames_max / 2;

	if (!add_below(&region->pinned, count,
		       min(region->limit, cgroup - cgroup / 4) - RESIDENT_MIN))
		return -ENOSPC;
	if (!add_below(&region->user->pinned, count, region->exempt ? LONG_MAX : users)) {
		atomic_long_sub(count, &region->pinned);
		return -EDQUOT;
	}
	if (!add_below(&cloister.pinned, count, cloister.frames_max / 2)) {
		atomic_long_sub(count, &region->pinned);
		atomic_long_sub(count, &region->user->pinned);
		return -ENOSPC;
	}
	return 0;
}

void limits_unpin(struct cloister_region *region, long count)
{
	atomic_long_sub(count, &region->pinned);
	atomic_long_sub(count, &region->user->pinned);
	atomic_long_sub(count, &cloister.pinned);
}

/*
 * Tables for the metadata of pages: they live as long as the region. Under add_lock. 0 or -EDQUOT.
 */
int limits_add_tables(struct cloister_region *region, unsigned int count)
{
	long limit = region->exempt ? LONG_MAX : user_frames_max / 2;

	lockdep_assert_held(&region->add_lock);
	if (!add_below(&region->user->tables, count, limit))
		return -EDQUOT;
	region->tables += count;
	return 0;
}

void limits_drop_tables(struct cloister_region *region, unsigned int count)
{
	lockdep_assert_held(&region->add_lock);
	atomic_long_sub(count, &region->user->tables);
	region->tables -= count;
}

/* Quotes ------------------------------------------------------------------- */

/**
 * limits_quote() - may one more quote be signed for the region's user?
 * @region: the region
 *
 * A token bucket: each quote moves the time when all are paid for by one interval, and that may be
 * a burst ahead of now.
 *
 * Return: 0 or -EAGAIN.
 */
int limits_quote(struct cloister_region *region)
{
	atomic64_t *until = &region->user->quotes_until;
	u64 now = ktime_get_ns(), next, interval;
	s64 old = atomic64_read(until);

	if (privileged())
		return 0;
	if (!user_quotes)
		return -EAGAIN;
	interval = div_u64(NSEC_PER_SEC, user_quotes);
	do {
		next = max_t(u64, old, now) + interval;
		if (next - now > (u64)QUOTE_BURST * user_quotes * interval)
			return -EAGAIN;
	} while (!atomic64_try_cmpxchg(until, &old, next));
	return 0;
}

/* For CLOISTER_GET_INFO: the caller's user. */
void limits_info(struct cloister_get_info *info)
{
	struct cloister_user *user;

	info->user_regions_max = user_regions;
	info->user_resident_max = (u64)user_frames_max << PAGE_SHIFT;
	mutex_lock(&users_lock);
	user = user_of(current_uid());
	if (user) {
		info->user_regions = user->regions;
		info->user_resident = (u64)atomic_long_read(&user->frames) << PAGE_SHIFT;
	}
	mutex_unlock(&users_lock);
}

int limits_init(void)
{
	if (user_resident_mib > ULONG_MAX >> 20) {
		pr_err("user_resident_mib=%lu is more than can be counted in bytes\n",
		       user_resident_mib);
		return -EINVAL;
	}
	if (user_quotes > NSEC_PER_SEC) {
		pr_err("user_quotes=%u is more than one each ns\n", user_quotes);
		return -EINVAL;
	}
	user_frames_max = user_resident_mib << (20 - PAGE_SHIFT);
	if (!user_frames_max)
		user_frames_max = cloister.frames_max / 2;
	return 0;
}

void limits_exit(void)
{
	mutex_lock(&users_lock);
	forget_users(true);
	mutex_unlock(&users_lock);
}
