/* SPDX-License-Identifier: GPL-2.0-only */
/* What the driver's own files share. */
#ifndef CLOISTER_DRIVER_H
#define CLOISTER_DRIVER_H

#include <linux/cloister.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>

#include "monitor.h"
#include "region.h"

#undef pr_fmt
#define pr_fmt(fmt) "cloister: " fmt

/* Certificates that go with each quote of an algorithm: opaque to the driver. */
struct cloister_chain {
	u32 count;
	u32 len[CLOISTER_CHAIN_MAX_CERTS];
	u8 *certs;
};

/**
 * struct cloister - the one device
 * @root: the monitor
 * @root_page: the granule that holds it
 * @frames_max: most frames of all regions
 * @frames: frames that regions have charged
 * @pinned: pages of regions that are pinned
 * @regions_lock: protects @regions, and the reference that its being there stands for
 * @regions: all regions with a file, the next to give up a frame first
 * @chain_lock: protects the chains
 * @chain_es256: certificates of the key for ES256
 * @chain_es384: certificates of the key for ES384
 */
struct cloister {
	struct mon_root *root;
	struct page *root_page;
	unsigned long frames_max;
	atomic_long_t frames;
	atomic_long_t pinned;
	struct mutex regions_lock;
	struct list_head regions;
	struct rw_semaphore chain_lock;
	struct cloister_chain chain_es256;
	struct cloister_chain chain_es384;
};

extern struct cloister cloister;

/* status.c */
int errno_of(enum mon_status status);

/* abi_struct.c: structures of the ABI, see linux/cloister.h */
struct abi_struct {
	void __user *address;
	size_t size;		/* as the caller knows the structure */
};

int get_abi_struct(struct abi_struct *us, unsigned long address, void *to, size_t size);
int put_abi_struct(const struct abi_struct *us, const void *from, size_t size);

/* device.c */
int tee_register(void);
void tee_unregister(void);
long tee_get_info(unsigned long arg);
void tee_drop_chains(void);

/* inode.c */
struct inode *region_inode_get(void);
void region_inode_put(struct inode *inode);
struct file *region_file_create(struct inode *inode, const struct file_operations *fops,
				void *private_data);

/* add_pages.c */
long region_add_pages(struct cloister_region *region, unsigned long arg);

/* region_ioctl.c */
int region_check_range(const struct cloister_region *region, u64 offset, u64 length);
long region_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* fault.c */
int region_mmap(struct file *file, struct vm_area_struct *vma);

/* backing.c */
struct page *backing_get(struct cloister_region *region, u64 page, gfp_t gfp);
void backing_drop(struct cloister_region *region, u64 first, u64 count);

/* limits.c */
int limits_init(void);
void limits_exit(void);
int limits_region_begin(struct cloister_region *region);
void limits_region_end(struct cloister_region *region);
bool user_charge(struct cloister_region *region);
void user_uncharge(struct cloister_region *region, long count);
long limits_frames(const struct cloister_region *region);
struct mutex *user_unmap_lock(const struct cloister_region *region);
bool user_full(const struct cloister_region *region);
bool user_below_share(const struct cloister_region *region);
bool user_above_share(const struct cloister_region *region);
int limits_pin(struct cloister_region *region, long count);
void limits_unpin(struct cloister_region *region, long count);
int limits_add_tables(struct cloister_region *region, unsigned int count);
void limits_drop_tables(struct cloister_region *region, unsigned int count);
int limits_quote(struct cloister_region *region);
void limits_info(struct cloister_get_info *info);

/* pinned.c */
struct cloister_pinner;
struct cloister_pinner *pins_charge(struct cloister_region *region, u64 count);
void pins_uncharge(struct cloister_region *region, struct cloister_pinner *pinner, u64 count);
void pins_settle(struct cloister_region *region, struct cloister_pinner *pinner, u64 left);
void pins_drop(struct cloister_region *region);

/* frames.c */
/* Most empty frames that a region keeps. */
#define POOL_MAX	32
struct page *granule_of(u64 pa);
u64 granule_pa(struct page *page);
unsigned int granules_take(struct mem_cgroup *memcg, struct list_head *out, unsigned int count,
			   gfp_t gfp);
void granule_give_back(struct page *page);
struct page *frame_take(struct cloister_region *region);
struct page *frame_for_fault(struct cloister_region *region);
void frame_put(struct cloister_region *region, struct page *frame);
void frame_free(struct cloister_region *region, struct page *frame);
void frame_list(struct cloister_region *region, struct page *frame, u64 page,
		struct page *reserve);
void frame_list_pinned(struct cloister_region *region, struct page *frame,
		       struct cloister_pinner *pinner);
struct cloister_pinner *frame_pinner(struct page *frame);
void frame_unlist(struct cloister_region *region, struct page *frame);
struct page *frame_reserve(struct cloister_region *region, u64 page, struct page *backing);
bool frames_pick(struct cloister_region *region, bool reserved, u64 *page,
		 struct page **reserve);
void frame_referenced(struct cloister_region *region, struct page *frame);
int frames_fill(struct cloister_region *region, unsigned int target, bool must);
void frames_work(struct work_struct *work);
void frames_drop_pool(struct cloister_region *region);
bool charge_move_begin(struct cloister_region *to, bool same_user);
void charge_move_cancel(struct cloister_region *to, bool same_user);
void charge_move_end(struct cloister_region *from, struct page *frame, bool same_user);
bool device_full(void);
void granule_reclaimed(struct cloister_region *region, u64 pa);

/* evict.c */
struct page *evict_one(struct cloister_region *region, bool must);
int evict_page(struct cloister_region *region, u64 page, struct page *reserve, gfp_t gfp,
	       struct page **frame);
bool evict_for(struct cloister_region *region);
bool evict_to_grow(struct cloister_region *region);
void region_unmap(u64 cookie, u64 first, u64 count);
int reclaim_init(void);
void reclaim_exit(void);
extern struct workqueue_struct *reclaim_queue;

#endif /* CLOISTER_DRIVER_H */
