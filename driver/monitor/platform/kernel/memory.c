// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The ownership table, the hiding of granules, and locks, in the kernel. */
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/xarray.h>

#include "kernel_internal.h"
#include "platform_kernel.h"

/*
 * One 16-bit word for each page frame. How much memory there is, or will be plugged in, is
 * nothing that a module can ask for, so the table is a directory of chunks of one GiB, made
 * when the first of its pages is covered. Chunks stay until the module goes: what
 * plat_granule_word() has returned is never freed under its user.
 */
#define CHUNK_SHIFT	18
#define CHUNK_WORDS	BIT(CHUNK_SHIFT)

static DEFINE_XARRAY(granule_chunks);

int plat_granule_cover(struct page *page)
{
	unsigned long index = page_to_pfn(page) >> CHUNK_SHIFT;
	u16 *chunk;
	void *old;

	if (xa_load(&granule_chunks, index))
		return 0;
	chunk = kvcalloc(CHUNK_WORDS, sizeof(*chunk), GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	old = xa_cmpxchg(&granule_chunks, index, NULL, chunk, GFP_KERNEL);
	if (old) {
		/* Somebody else was first, or the directory had no memory. */
		kvfree(chunk);
		return xa_err(old);
	}
	return 0;
}

u16 *plat_granule_word(u64 pa)
{
	unsigned long pfn = PHYS_PFN(pa);
	u16 *chunk = xa_load(&granule_chunks, pfn >> CHUNK_SHIFT);

	if (!chunk || !pfn_valid(pfn))
		return NULL;
	return &chunk[pfn & (CHUNK_WORDS - 1)];
}

void plat_memory_exit(void)
{
	unsigned long index;
	u16 *chunk;

	xa_for_each(&granule_chunks, index, chunk)
		kvfree(chunk);
	xa_destroy(&granule_chunks);
}

void *plat_granule_address(u64 pa)
{
	return phys_to_virt(pa);
}

/*
 * A PageOffline page reads as zeros in /proc/kcore, and stays out of hibernation images
 * and crash dumps. The flag lives in the page's mapping count: it is for pages that no
 * page table maps but as a bare frame number.
 */
void plat_granule_hide(u64 pa)
{
	__SetPageOffline(pfn_to_page(PHYS_PFN(pa)));
}

void plat_granule_show(u64 pa)
{
	__ClearPageOffline(pfn_to_page(PHYS_PFN(pa)));
}

void plat_offline_begin(void)
{
	page_offline_begin();
}

void plat_offline_end(void)
{
	page_offline_end();
}

void plat_scrub(void *address, size_t len)
{
	if (len == PAGE_SIZE && PAGE_ALIGNED(address)) {
		clear_page(address);
		barrier_data(address);
	} else {
		memzero_explicit(address, len);
	}
}

static void (*unmap_region)(u64 cookie, u64 first, u64 count);

void plat_set_unmap(void (*unmap)(u64 cookie, u64 first, u64 count))
{
	/* Pairs with smp_load_acquire() in plat_unmap(). */
	smp_store_release(&unmap_region, unmap);
}

void plat_unmap(u64 cookie, u64 first, u64 count)
{
	/* Pairs with smp_store_release() in plat_set_unmap(). */
	void (*unmap)(u64 cookie, u64 first, u64 count) = smp_load_acquire(&unmap_region);

	if (!WARN_ON_ONCE(!unmap))
		unmap(cookie, first, count);
}

void plat_lock_init(struct plat_lock *lock)
{
	spin_lock_init(&lock->spinlock);
}

void plat_lock(struct plat_lock *lock)
{
	spin_lock(&lock->spinlock);
}

void plat_unlock(struct plat_lock *lock)
{
	spin_unlock(&lock->spinlock);
}

void plat_assert_locked(struct plat_lock *lock)
{
	lockdep_assert_held(&lock->spinlock);
}

void plat_critical_enter(void)
{
	preempt_disable();
}

void plat_critical_exit(void)
{
	preempt_enable();
}

void plat_relax(void)
{
	cpu_relax();
}
