// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where sealed pages are kept: a shmem file for each region. What is in it is ciphertext, so
 * the kernel may swap it out as it likes.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>

#include "driver.h"

/* The backing page of page @page, referenced; read in from swap or made as needed. */
struct page *backing_get(struct cloister_region *region, u64 page, gfp_t gfp)
{
	struct address_space *mapping = region->backing->f_mapping;
	struct mem_cgroup *old = set_active_memcg(region->memcg);
	struct page *backing;

	/* No high memory on the machines we run on: page_address() holds. */
	backing = shmem_read_mapping_page_gfp(mapping, page, mapping_gfp_mask(mapping) | gfp);
	set_active_memcg(old);
	return backing;
}

void backing_drop(struct cloister_region *region, u64 first, u64 count)
{
	shmem_truncate_range(file_inode(region->backing), (loff_t)first << PAGE_SHIFT,
			     ((loff_t)(first + count) << PAGE_SHIFT) - 1);
}
