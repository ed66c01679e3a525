/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the driver does for the monitor's kernel platform, beyond monitor.h. */
#ifndef CLOISTER_PLATFORM_KERNEL_H
#define CLOISTER_PLATFORM_KERNEL_H

#include <linux/types.h>

#include "platform.h"

struct page;

/**
 * plat_kernel_init() - make the platform ready for mon_start()
 *
 * Waits for the random number generator, allocates what crypto needs and runs the
 * self-tests. The module must not load where this fails.
 *
 * Context: Process context, may sleep.
 * Return: 0, or
 * * -ERESTARTSYS	a signal came while the random number generator had no seed yet
 * * -ENOENT		the kernel lacks an algorithm; the log names it
 * * -ENOMEM		no memory
 * * -EBADMSG		a self-test failed; the log names it
 */
int plat_kernel_init(void);

/**
 * plat_kernel_exit() - give back what plat_kernel_init() and plat_granule_cover() took
 *
 * Context: Process context, after mon_stop(): no granule is delegated any more.
 */
void plat_kernel_exit(void);

/**
 * plat_crypto_selftest() - known answers for every primitive that the monitor uses
 *
 * Also settles in which byte order this kernel's crypto/ecc takes scalars, so it must
 * run before the first use of ECDSA. plat_kernel_init() calls it.
 *
 * Context: Process context, may sleep.
 * Return: 0, -ENOMEM, or -EBADMSG with the failed test named in the log.
 */
int plat_crypto_selftest(void);

/**
 * plat_granule_cover() - make sure that the ownership table has a word for a page
 * @page: a page of memory that the caller allocated
 *
 * The table grows by the GiB of physical memory and never shrinks while the module is loaded.
 * A page that is covered already costs one lookup and no lock.
 *
 * Context: Process context, may sleep. Call it between alloc_page() and
 *          mon_granule_delegate(), which fails for a page that is not covered.
 * Return: 0 or -ENOMEM.
 */
int plat_granule_cover(struct page *page);

/**
 * plat_offline_begin() - start a batch of mon_granule_delegate() calls
 *
 * Delegating a granule marks its page PageOffline. Readers of physical memory (/proc/kcore)
 * check that mark and then copy the page, under the reader side of a lock whose writer side this
 * takes. A page that was marked between begin and end holds its first secret only
 * after every reader that missed the mark has gone.
 *
 * Giving granules back needs no such pair: they were scrubbed before they are shown.
 *
 * Context: Process context, may sleep, and for long: the reader side is held over copies to
 *          user memory, which may fault. So hold neither mmap_lock nor any lock that a page
 *          fault may wait for; delegate frames for faults ahead of them, in a worker.
 */
void plat_offline_begin(void);

/**
 * plat_offline_end() - end a batch that plat_offline_begin() started
 */
void plat_offline_end(void);

/**
 * plat_set_unmap() - register how translations to a region are removed
 * @unmap: removes all translations to @count pages from page @first of the region that
 *         was created with @cookie, on all processors, before it returns; NULL: none
 *
 * Register before the first region is created, and NULL after the last is destroyed.
 */
void plat_set_unmap(void (*unmap)(u64 cookie, u64 first, u64 count));

/**
 * plat_set_guards() - register who knows how guards stand
 * @state: tells; may sleep; NULL: there are none
 */
void plat_set_guards(enum mon_guards (*state)(void));

#endif /* CLOISTER_PLATFORM_KERNEL_H */
