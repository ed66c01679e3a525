// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The ownership table, the hiding of granules, and locks, in the kernel. */
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/slab.h>

#include "kernel_internal.h"
#include "platform_kernel.h"

/*
 * One 16-bit word for each page frame. How much memory there is, or will be plugged in, is
 * nothing that a module can ask for, so the table is a directory of two levels over chunks of one
 * GiB, made when the first of their pages is covered. They stay until the module goes: what
 * plat_granule_word() has returned is never freed under its user. Each call of the monitor looks
 * up several words; an xarray would take most of the time that a call takes.
 */
#define CHUNK_SHIFT	18
#define CHUNK_WORDS	BIT(CHUNK_SHIFT)
#define BLOCK_SHIFT	12
#define BLOCK_CHUNKS	BIT(BLOCK_SHIFT)
/* As many as 52 bits of physical address can name. */
#define BLOCKS		BIT(52 - PAGE_SHIFT - CHUNK_SHIFT - BLOCK_SHIFT)

struct granule_chunk {
	u16 word[CHUNK_WORDS];
};

struct granule_block {
	struct granule_chunk *chunk[BLOCK_CHUNKS];
};

static struct granule_block *granule_blocks[BLOCKS];

/* Where in the directory the chunk of a page frame is, or NULL. */
static struct granule_chunk **chunk_slot(unsigned long pfn)
{
	unsigned long index = pfn >> CHUNK_SHIFT;
	struct granule_block *block;

	if (index >> BLOCK_SHIFT >= BLOCKS)
		return NULL;
	/* Pairs with cmpxchg() in fill_slot(): what is found there is all zero or filled. */
	block = smp_load_acquire(&granule_blocks[index >> BLOCK_SHIFT]);
	return block ? &block->chunk[index & (BLOCK_CHUNKS - 1)] : NULL;
}

/* Make what @slot is to point to, unless somebody else does first. */
static bool fill_slot(void **slot, size_t size)
{
	void *made = kvzalloc(size, GFP_KERNEL);

	if (made && cmpxchg(slot, NULL, made))
		kvfree(made);
	return made;
}

int plat_granule_cover(struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	struct granule_chunk **slot = chunk_slot(pfn);

	if (!slot) {
		if (pfn >> CHUNK_SHIFT >> BLOCK_SHIFT >= BLOCKS ||
		    !fill_slot((void **)&granule_blocks[pfn >> CHUNK_SHIFT >> BLOCK_SHIFT],
			       sizeof(struct granule_block)))
			return -ENOMEM;
		slot = chunk_slot(pfn);
	}
	if (READ_ONCE(*slot) || fill_slot((void **)slot, sizeof(struct granule_chunk)))
		return 0;
	return -ENOMEM;
}

u16 *plat_granule_word(u64 pa)
{
	unsigned long pfn = PHYS_PFN(pa);
	struct granule_chunk **slot = chunk_slot(pfn);
	struct granule_chunk *chunk;
	u16 *word;

	if (!slot)
		return NULL;
	/* Pairs with cmpxchg() in fill_slot(), as above. */
	chunk = smp_load_acquire(slot);
	if (!chunk)
		return NULL;
	word = &chunk->word[pfn & (CHUNK_WORDS - 1)];
	/* A granule that is not the host's was found valid when it was delegated. */
	return READ_ONCE(*word) || pfn_valid(pfn) ? word : NULL;
}

void plat_memory_exit(void)
{
	unsigned long i, j;

	for (i = 0; i < BLOCKS; i++) {
		if (!granule_blocks[i])
			continue;
		for (j = 0; j < BLOCK_CHUNKS; j++)
			kvfree(granule_blocks[i]->chunk[j]);
		kvfree(granule_blocks[i]);
		granule_blocks[i] = NULL;
	}
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
