// SPDX-License-Identifier: GPL-2.0-only
/* The calls on a region's descriptor. linux/cloister.h says what each does and refuses. */
#include <linux/cloister_quote.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "driver.h"
#include "trace.h"

/*
 * Pages whose translations go together, ahead of their being sealed: other processors are then
 * interrupted once, not for each page.
 */
#define SEAL_BATCH	64

/* A range of whole pages within the region. */
int region_check_range(const struct cloister_region *region, u64 offset, u64 length)
{
	u64 size = region->pages << PAGE_SHIFT;

	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(length) || offset > size ||
	    length > size - offset)
		return -EINVAL;
	return 0;
}

/* INIT --------------------------------------------------------------------- */

static long region_init(struct cloister_region *region, unsigned long arg)
{
	struct cloister_init init;
	enum mon_status status;
	struct abi_struct us;
	int ret;

	ret = get_abi_struct(&us, arg, &init, sizeof(init));
	if (ret)
		return ret;
	if (init.flags)
		return -EINVAL;
	if (!mutex_trylock(&region->add_lock))
		return -EBUSY;
	status = mon_region_init(cloister.root, region->pa, init.measurement);
	mutex_unlock(&region->add_lock);
	trace_cloister_region_init(region->id, status);
	if (status != MON_OK)
		return errno_of(status);
	return put_abi_struct(&us, &init, sizeof(init));
}

/* SEAL and REMOVE_PAGES ---------------------------------------------------- */

static int get_range(struct cloister_region *region, unsigned long arg, struct abi_struct *us,
		     struct cloister_range *range)
{
	int ret = get_abi_struct(us, arg, range, sizeof(*range));

	if (ret)
		return ret;
	/* As in region_add_pages(). */
	range->done = 0;
	if (put_abi_struct(us, range, sizeof(*range)))
		return -EFAULT;
	if (range->flags)
		return -EINVAL;
	ret = region_check_range(region, range->offset, range->length);
	if (ret)
		return ret;
	if (range->length)
		return 0;
	if (range->offset)
		return -EINVAL;
	range->length = region->pages << PAGE_SHIFT;
	return 0;
}

/*
 * Seal one page, whoever has it in hands; not resident is fine. It stays plaintext if this fails:
 * try hard.
 */
static int seal_page(struct cloister_region *region, u64 page)
{
	struct page *frame;
	int ret, seen;

	for (;;) {
		seen = region_progress_seen(region);
		ret = evict_page(region, page, NULL, 0, &frame);
		if (!ret)
			frame_free(region, frame);
		if (ret == -ENXIO || ret == -ENODATA)
			return 0;
		if (ret != -EBUSY)
			return ret;
		if (signal_pending(current) ||
		    region_wait(region, seen, TASK_INTERRUPTIBLE | TASK_FREEZABLE))
			return -EINTR;
	}
}

static int seal_range(struct cloister_region *region, struct cloister_range *range)
{
	u64 first = range->offset >> PAGE_SHIFT;
	u64 last = first + (range->length >> PAGE_SHIFT);
	u64 page = first, unmapped = first;
	bool found;
	int ret = 0;

	while (page < last) {
		if (page >= unmapped) {
			unmapped = min(page + SEAL_BATCH, last);
			region_unmap((u64)region, page, unmapped - page);
		}
		if (signal_pending(current))
			ret = -EINTR;
		else
			ret = errno_of(mon_page_next_resident(cloister.root, region->pa, &page,
							      &found));
		if (!ret && found && page < last) {
			ret = seal_page(region, page);
			page += !ret;
		}
		if (ret)
			break;
		cond_resched();
	}
	range->done = (min(page, last) - first) << PAGE_SHIFT;
	return ret;
}

static long region_seal(struct cloister_region *region, unsigned long arg)
{
	struct cloister_range range;
	struct abi_struct us;
	int ret;

	ret = get_range(region, arg, &us, &range);
	if (ret)
		return ret;
	if (!region_require(region, MON_REGION_DEAD))
		return -EBADFD;
	ret = seal_range(region, &range);
	if (put_abi_struct(&us, &range, sizeof(range)))
		return -EFAULT;
	return ret;
}

static void free_removed(struct cloister_region *region, struct page *frame)
{
	struct cloister_pinner *pinner = frame_pinner(frame);

	frame_unlist(region, frame);
	frame_free(region, frame);
	if (pinner)
		pins_uncharge(region, pinner, 1);
}

/* Drop one page, waiting for whoever has it in hands. @next: where to go on. */
static int remove_page(struct cloister_region *region, u64 page, u64 *next)
{
	enum mon_status status;
	u64 frame;
	int seen;

	for (;;) {
		seen = region_progress_seen(region);
		status = mon_page_remove(cloister.root, region->pa, page, &frame, next);
		if (status == MON_OK && frame)
			free_removed(region, granule_of(frame));
		if (status == MON_OK || status == MON_E_ABSENT)
			return 0;
		if (status != MON_E_BUSY)
			return errno_of(status);
		if (signal_pending(current) ||
		    region_wait(region, seen, TASK_INTERRUPTIBLE | TASK_FREEZABLE))
			return -EINTR;
	}
}

static int remove_range(struct cloister_region *region, struct cloister_range *range)
{
	u64 first = range->offset >> PAGE_SHIFT;
	u64 last = first + (range->length >> PAGE_SHIFT);
	u64 page = first, next;
	int ret = 0;

	while (page < last) {
		if (signal_pending(current))
			ret = -EINTR;
		else
			ret = remove_page(region, page, &next);
		if (ret)
			break;
		page = min(next, last);
		cond_resched();
	}
	range->done = (page - first) << PAGE_SHIFT;
	if (page > first)
		backing_drop(region, first, page - first);
	return ret;
}

static long region_remove_pages(struct cloister_region *region, unsigned long arg)
{
	struct cloister_range range;
	struct abi_struct us;
	int ret;

	ret = get_range(region, arg, &us, &range);
	if (ret)
		return ret;
	ret = region_require(region, MON_REGION_LIVE);
	if (ret)
		return ret;
	ret = remove_range(region, &range);
	if (put_abi_struct(&us, &range, sizeof(range)))
		return -EFAULT;
	return ret;
}

/* QUOTE -------------------------------------------------------------------- */

static int check_quote(const struct cloister_quote *quote)
{
	u32 i;

	if (quote->flags)
		return -EINVAL;
	if (quote->algorithm != CLOISTER_ALG_ES256 && quote->algorithm != CLOISTER_ALG_ES384)
		return -EINVAL;
	if (quote->nonce_len < CLOISTER_NONCE_MIN || quote->nonce_len > CLOISTER_NONCE_MAX)
		return -EINVAL;
	for (i = quote->nonce_len; i < CLOISTER_NONCE_MAX; i++)
		if (quote->nonce[i])
			return -EINVAL;
	return 0;
}

/* Learn the length before anything is signed: a quote that can't be handed over is not made. */
static int quote_in_two_passes(struct cloister_region *region, struct mon_quote *q, u64 scratch,
			       const struct cloister_quote *quote)
{
	enum mon_status status;
	int ret;

	q->out_len = 0;
	status = mon_quote(cloister.root, region->pa, q, scratch);
	if (status != MON_E_SPACE || quote->buffer_len < q->quote_len)
		return errno_of(status);
	if (q->quote_len > CLOISTER_QUOTE_MAX_LEN)
		return -EIO;
	if (clear_user(u64_to_user_ptr(quote->buffer), q->quote_len))
		return -EFAULT;
	ret = limits_quote(region);
	if (ret)
		return ret;
	/* The posture may have changed, and the length with it. */
	q->out_len = min_t(u64, quote->buffer_len, CLOISTER_QUOTE_MAX_LEN);
	status = mon_quote(cloister.root, region->pa, q, scratch);
	trace_cloister_quote(region->id, status);
	if (status == MON_OK &&
	    copy_to_user(u64_to_user_ptr(quote->buffer), q->out, q->quote_len))
		return -EFAULT;
	return errno_of(status);
}

/* A copy of the algorithm's certificates: user memory is touched later, which can take for ever. */
static void copy_chain(struct mon_quote *q, u8 *certs)
{
	const struct cloister_chain *chain = q->alg == MON_SIGN_ES256 ? &cloister.chain_es256 :
									&cloister.chain_es384;
	u32 total = 0, i;

	down_read(&cloister.chain_lock);
	for (i = 0; i < chain->count; i++)
		total += chain->len[i];
	memcpy(certs, chain->certs, total);
	memcpy(q->cert_len, chain->len, sizeof(q->cert_len));
	q->cert_count = chain->count;
	up_read(&cloister.chain_lock);
	q->certs = certs;
}

static int quote_with_scratch(struct cloister_region *region, struct mon_quote *q,
			      const struct cloister_quote *quote)
{
	struct page *scratch;
	LIST_HEAD(granules);
	int ret;

	if (!granules_take(region->memcg, &granules, 1, GFP_KERNEL))
		return -ENOMEM;
	scratch = list_first_entry(&granules, struct page, lru);
	list_del_init(&scratch->lru);
	ret = quote_in_two_passes(region, q, granule_pa(scratch), quote);
	granule_give_back(scratch);
	return ret;
}

static long region_quote(struct cloister_region *region, unsigned long arg)
{
	struct cloister_quote quote;
	struct mon_quote q = { 0 };
	struct abi_struct us;
	int ret;

	ret = get_abi_struct(&us, arg, &quote, sizeof(quote));
	if (ret)
		return ret;
	ret = check_quote(&quote);
	if (ret)
		return ret;
	q.alg = quote.algorithm;
	q.nonce_len = quote.nonce_len;
	memcpy(q.nonce, quote.nonce, sizeof(q.nonce));
	memcpy(q.report_data, quote.report_data, sizeof(q.report_data));
	q.out = kvmalloc(CLOISTER_QUOTE_MAX_LEN + CLOISTER_CHAIN_MAX_LEN, GFP_KERNEL_ACCOUNT);
	if (!q.out)
		return -ENOMEM;
	copy_chain(&q, q.out + CLOISTER_QUOTE_MAX_LEN);
	ret = quote_with_scratch(region, &q, &quote);
	quote.quote_len = q.quote_len;
	kvfree(q.out);
	if (put_abi_struct(&us, &quote, sizeof(quote)))
		return -EFAULT;
	return ret;
}

/* STATS -------------------------------------------------------------------- */

static long region_stats(struct cloister_region *region, unsigned long arg)
{
	struct cloister_stats stats;
	struct mon_region_stats ms;
	struct abi_struct us;
	int ret;

	ret = get_abi_struct(&us, arg, &stats, sizeof(stats));
	if (ret)
		return ret;
	if (stats.flags)
		return -EINVAL;
	ret = errno_of(mon_region_stats(cloister.root, region->pa, &ms));
	if (ret)
		return ret;
	stats = (struct cloister_stats) {
		.size = stats.size,
		.region_id = ms.id,
		.state = ms.state,
		.create_flags = ms.flags,
		.region_size = ms.pages << PAGE_SHIFT,
		.resident_limit = region_resident_limit(region),
		.pages = ms.added,
		.resident = ms.resident,
		.sealed = ms.sealed,
		.zero = ms.zero,
		.metadata = ms.granules << PAGE_SHIFT,
		.loads = ms.loads,
		.evictions = ms.evictions,
		.faults = atomic64_read(&region->faults),
		.integrity_failures = ms.integrity_failures,
		.quotes = ms.quotes,
		.pinned = ms.pinned,
	};
	return put_abi_struct(&us, &stats, sizeof(stats));
}

/* The number says which call; the size in it is the caller's, and the structure says its own. */
long region_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct cloister_region *region = file->private_data;

#define CALL(c) ((c) & ~IOCSIZE_MASK)
	if (CALL(cmd) == CALL(CLOISTER_GET_INFO))
		return tee_get_info(arg);
	if (!region_accessible(region))
		return -EACCES;
	switch (CALL(cmd)) {
	case CALL(CLOISTER_ADD_PAGES):
		return region_add_pages(region, arg);
	case CALL(CLOISTER_INIT):
		return region_init(region, arg);
	case CALL(CLOISTER_SEAL):
		return region_seal(region, arg);
	case CALL(CLOISTER_REMOVE_PAGES):
		return region_remove_pages(region, arg);
	case CALL(CLOISTER_QUOTE):
		return region_quote(region, arg);
	case CALL(CLOISTER_STATS):
		return region_stats(region, arg);
	default:
		return -ENOTTY;
	}
#undef CALL
}
