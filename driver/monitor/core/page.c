// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Pages of a region: add, map, load, evict, remove. A call that needs crypto marks the page's
 * entry PAGE_BUSY, works without the lock, and settles the entry whatever became of the region
 * meanwhile. Entries stay in place as long as the caller's reference to the region is held.
 */
#include "monitor_internal.h"

#define STATES_EVICT (STATE_BIT(MON_REGION_BUILDING) | STATE_BIT(MON_REGION_LIVE) | \
		      STATE_BIT(MON_REGION_PARKED))

static enum mon_status frame_claim(struct mon_root *root, u64 frame)
{
	if (!granule_transition(frame, GRANULE_DELEGATED, GRANULE_FRAME))
		return MON_E_GRANULE;
	counter_add(&root->frames, 1);
	return MON_OK;
}

static void frame_release(struct mon_root *root, u64 frame)
{
	granule_release(frame, GRANULE_FRAME);
	counter_add(&root->frames, -1);
}

static bool granule_aligned(const void *host_buffer)
{
	return !((size_t)host_buffer & (MON_GRANULE_SIZE - 1));
}

static bool permissions_valid(u64 permissions)
{
	if (permissions & ~(u64)(MON_PERM_READ | MON_PERM_WRITE | MON_PERM_EXEC))
		return false;
	if (!(permissions & MON_PERM_READ))
		return false;
	return !((permissions & MON_PERM_WRITE) && (permissions & MON_PERM_EXEC));
}

/* Under the region lock: the entry for a new page, or why there can be none. */
static enum mon_status entry_for_add(struct mon_region *r, u64 page, struct page_entry **entry)
{
	if (r->measuring)
		return MON_E_BUSY;
	*entry = table_make(r, page);
	if (!*entry)
		return MON_E_NEED_TABLES;
	if (ENTRY_STATE((*entry)->word) != PAGE_ABSENT)
		return MON_E_EXISTS;
	return MON_OK;
}

static enum mon_status fill_and_measure(struct mon_region *r, u64 page, u64 attributes,
					enum mon_page_kind kind, u64 frame, const void *source)
{
	void *contents = frame ? plat_granule_address(frame) : NULL;

	if (source)
		memcpy(contents, source, MON_GRANULE_SIZE);
	else if (contents)
		plat_scrub(contents, MON_GRANULE_SIZE);
	/* The copy is measured, so what is measured is what runs. */
	return measure_page(r, page, attributes, kind, contents);
}

/* Under the region lock: a page that was added becomes what it is to be. */
static void settle_added(struct mon_region *r, struct page_entry *entry, u64 frame)
{
	u32 permissions = ENTRY_PERMISSIONS(entry->word);
	bool pinned = ENTRY_CLASS(entry->word) == MON_CLASS_PINNED;

	if (pinned)
		entry->word = entry_word_pinned(PAGE_RESIDENT, permissions);
	else
		entry->word = entry_word(frame ? PAGE_RESIDENT : PAGE_ZERO, permissions, 0, 0);
	entry->frame = frame;
	r->added++;
	r->zero += !frame;
	r->resident += !!frame;
	r->pinned += pinned;
}

enum mon_status call_page_add(struct mon_root *root, struct mon_region *r,
			      struct mon_args *args)
{
	u64 page = args->arg[1], attributes = args->arg[2], kind = args->arg[3];
	u64 frame = args->arg[4];
	const void *source = host_pointer(args->arg[5]);
	u64 permissions = (u32)attributes, class = attributes >> 32;
	bool pinned = class == MON_CLASS_PINNED;
	bool zero = kind == MON_PAGE_ZERO;
	bool framed = !zero || pinned;
	struct page_entry *entry;
	enum mon_status status;

	if (page >= r->pages || !permissions_valid(permissions) || class > MON_CLASS_PINNED ||
	    kind > MON_PAGE_ZERO || zero != !source || (!framed && frame) ||
	    !granule_aligned(source))
		return MON_E_ARGUMENT;
	if (framed) {
		status = frame_claim(root, frame);
		if (status != MON_OK)
			return status;
	}

	if (!region_lock_in(r, STATE_BIT(MON_REGION_BUILDING))) {
		status = MON_E_STATE;
		goto refused;
	}
	status = entry_for_add(r, page, &entry);
	if (status != MON_OK) {
		plat_unlock(&r->lock);
		goto refused;
	}
	r->measuring = true;
	entry->word = pinned ? entry_word_pinned(PAGE_BUSY, (u32)permissions) :
			       entry_word(PAGE_BUSY, (u32)permissions, 0, 0);
	plat_unlock(&r->lock);

	status = fill_and_measure(r, page, attributes, (enum mon_page_kind)kind, frame, source);

	plat_lock(&r->lock);
	r->measuring = false;
	if (status != MON_OK) {
		/* The hash is in doubt, and with it all that the region could claim. */
		region_set_state(r, MON_REGION_DEAD);
		entry->word = PAGE_ABSENT;
	} else {
		settle_added(r, entry, frame);
	}
	plat_unlock(&r->lock);
	if (status == MON_OK)
		return MON_OK;
refused:
	if (framed)
		frame_release(root, frame);
	return status;
}

enum mon_status call_page_map(struct mon_root *root, struct mon_region *r,
			      struct mon_args *args)
{
	u64 page = args->arg[1], access = args->arg[2];
	struct page_entry *entry;
	enum mon_status status;

	(void)root;
	if (page >= r->pages || (access & ~(u64)(MON_PERM_READ | MON_PERM_WRITE | MON_PERM_EXEC)))
		return MON_E_ARGUMENT;
	if (!region_lock_in(r, STATE_BIT(MON_REGION_LIVE)))
		return MON_E_STATE;
	entry = table_find(r, page);
	if (!entry) {
		plat_unlock(&r->lock);
		return MON_E_ABSENT;
	}
	switch (ENTRY_STATE(entry->word)) {
	case PAGE_RESIDENT:
	case PAGE_SEALED:
	case PAGE_ZERO:
	case PAGE_BUSY:
		if (access & ~ENTRY_PERMISSIONS(entry->word))
			status = MON_E_PERMISSION;
		else if (ENTRY_STATE(entry->word) == PAGE_BUSY)
			status = MON_E_BUSY;
		else if (ENTRY_STATE(entry->word) != PAGE_RESIDENT)
			status = MON_E_SEALED;
		else if (!granule_ref(entry->frame, GRANULE_FRAME))
			status = MON_E_BUSY;
		else
			status = MON_OK;
		break;
	default:
		status = MON_E_ABSENT;
	}
	if (status == MON_OK) {
		args->result[0] = entry->frame;
		args->result[1] = ENTRY_PERMISSIONS(entry->word);
	} else if (status == MON_E_SEALED) {
		args->result[0] = ENTRY_STATE(entry->word) == PAGE_SEALED;
	}
	plat_unlock(&r->lock);
	return status;
}

enum mon_status call_page_unpin(struct mon_root *root, struct mon_region *r,
				struct mon_args *args)
{
	(void)root;
	(void)r;
	return granule_unref(args->arg[0], GRANULE_FRAME) ? MON_OK : MON_E_GRANULE;
}

static enum mon_status open_sealed(struct mon_region *r, u64 page, const struct page_entry *was,
				   const void *cipher, u64 frame)
{
	struct page_nonce nonce = {
		.slot = ENTRY_SLOT(was->word),
		.counter = ENTRY_COUNTER(was->word),
	};

	return page_open(r, page, &nonce, cipher, plat_granule_address(frame), was->tag);
}

enum mon_status call_page_load(struct mon_root *root, struct mon_region *r,
			       struct mon_args *args)
{
	u64 page = args->arg[1], frame = args->arg[2], pin = args->arg[4];
	const void *cipher = host_pointer(args->arg[3]);
	struct page_entry *entry, was;
	enum mon_status status;
	u32 permissions;

	if (page >= r->pages || !granule_aligned(cipher) || pin > 1)
		return MON_E_ARGUMENT;
	status = frame_claim(root, frame);
	if (status != MON_OK)
		return status;

	if (!region_lock_in(r, STATE_BIT(MON_REGION_LIVE))) {
		frame_release(root, frame);
		return MON_E_STATE;
	}
	entry = table_find(r, page);
	was.word = PAGE_ABSENT;
	if (entry)
		was = *entry;
	switch (ENTRY_STATE(was.word)) {
	case PAGE_SEALED:
		/* It was zero when the host looked, and has been used and sealed since. */
		status = cipher ? MON_OK : MON_E_SEALED;
		break;
	case PAGE_ZERO:
		break;
	case PAGE_RESIDENT:
		status = MON_E_RESIDENT;
		break;
	case PAGE_BUSY:
		status = MON_E_BUSY;
		break;
	default:
		status = MON_E_ABSENT;
	}
	if (status != MON_OK) {
		plat_unlock(&r->lock);
		frame_release(root, frame);
		return status;
	}
	permissions = ENTRY_PERMISSIONS(was.word);
	entry->word = entry_word(PAGE_BUSY, permissions, 0, 0);
	plat_unlock(&r->lock);

	if (ENTRY_STATE(was.word) == PAGE_SEALED)
		status = open_sealed(r, page, &was, cipher, frame);
	else
		plat_scrub(plat_granule_address(frame), MON_GRANULE_SIZE);

	plat_lock(&r->lock);
	/* Its mappings are gone: none may be made any more. */
	if (status == MON_OK && r->state != MON_REGION_LIVE)
		status = MON_E_STATE;
	if (status == MON_OK) {
		entry->word = entry_word(PAGE_RESIDENT, permissions, 0, 0);
		entry->frame = frame;
		if (ENTRY_STATE(was.word) == PAGE_SEALED) {
			r->key[ENTRY_SLOT(was.word)].sealed--;
			r->sealed--;
		} else {
			r->zero--;
		}
		r->resident++;
		r->loads++;
		if (pin && !granule_ref(frame, GRANULE_FRAME))
			plat_fatal("new frame can't be pinned");
		args->result[0] = permissions;
	} else {
		*entry = was;
		r->integrity_failures += status == MON_E_INTEGRITY;
	}
	plat_unlock(&r->lock);
	if (status != MON_OK)
		frame_release(root, frame);
	return status;
}

/*
 * Under the region lock: take a resident page out of use; nobody can map it until its entry is
 * settled. @was keeps what it held.
 */
static enum mon_status take_resident(struct page_entry *entry, struct page_entry *was)
{
	if (granule_refs(entry->frame))
		return MON_E_BUSY;
	*was = *entry;
	entry->word = ENTRY_CLASS(was->word) == MON_CLASS_PINNED ?
			      entry_word_pinned(PAGE_BUSY, ENTRY_PERMISSIONS(was->word)) :
			      entry_word(PAGE_BUSY, ENTRY_PERMISSIONS(was->word), 0, 0);
	return MON_OK;
}

static enum mon_status evict_begin(struct mon_region *r, struct page_entry *entry,
				   struct page_entry *was, struct page_nonce *nonce)
{
	enum mon_status status;

	/* Of what was removed, nothing is left to say so. */
	if (entry && ENTRY_CLASS(entry->word) == MON_CLASS_PINNED)
		return MON_E_PINNED;
	switch (entry ? ENTRY_STATE(entry->word) : PAGE_ABSENT) {
	case PAGE_RESIDENT:
		break;
	case PAGE_BUSY:
		return MON_E_BUSY;
	case PAGE_SEALED:
	case PAGE_ZERO:
		return MON_E_SEALED;
	default:
		return MON_E_ABSENT;
	}
	if (granule_refs(entry->frame))
		return MON_E_BUSY;
	status = page_nonce_next(r, nonce);
	if (status != MON_OK) {
		region_set_state(r, MON_REGION_DEAD);
		return status;
	}
	status = take_resident(entry, was);
	if (status == MON_OK)
		r->key[nonce->slot].sealed++;
	return status;
}

enum mon_status call_page_evict(struct mon_root *root, struct mon_region *r,
				struct mon_args *args)
{
	u64 page = args->arg[1];
	void *cipher = host_pointer(args->arg[2]);
	struct page_entry *entry, was;
	struct page_nonce nonce;
	enum mon_status status;
	u8 tag[MON_TAG_LEN];

	if (page >= r->pages || !cipher || !granule_aligned(cipher))
		return MON_E_ARGUMENT;
	if (!region_lock_in(r, STATES_EVICT))
		return MON_E_STATE;
	entry = table_find(r, page);
	status = evict_begin(r, entry, &was, &nonce);
	plat_unlock(&r->lock);
	/* A region that stops takes its mappings with it. */
	if (status == MON_E_EXHAUSTED)
		plat_unmap(r->cookie, 0, r->pages);
	if (status != MON_OK)
		return status;

	/* No store may reach the frame once it is being encrypted. */
	plat_unmap(r->cookie, page, 1);
	status = page_seal(r, page, &nonce, plat_granule_address(was.frame), cipher, tag);

	plat_lock(&r->lock);
	if (status == MON_OK) {
		entry->word = entry_word(PAGE_SEALED, ENTRY_PERMISSIONS(was.word), nonce.slot,
					 nonce.counter);
		memcpy(entry->tag, tag, sizeof(tag));
		r->resident--;
		r->sealed++;
		r->evictions++;
	} else {
		*entry = was;
		r->key[nonce.slot].sealed--;
	}
	plat_unlock(&r->lock);
	if (status != MON_OK)
		return status;
	frame_release(root, was.frame);
	args->result[0] = was.frame;
	return MON_OK;
}

enum mon_status call_page_next_resident(struct mon_root *root, struct mon_region *r,
					struct mon_args *args)
{
	u64 page = args->arg[1];
	bool found;

	(void)root;
	if (page > r->pages)
		return MON_E_ARGUMENT;
	plat_lock(&r->lock);
	args->result[0] = table_next_resident(r, page, &found);
	args->result[1] = found;
	plat_unlock(&r->lock);
	return MON_OK;
}

/* Under the region lock: what a page that holds no frame leaves behind. */
static enum mon_status drop_stored(struct mon_region *r, struct page_entry *entry)
{
	switch (entry ? ENTRY_STATE(entry->word) : PAGE_ABSENT) {
	case PAGE_SEALED:
		r->key[ENTRY_SLOT(entry->word)].sealed--;
		r->sealed--;
		break;
	case PAGE_ZERO:
		r->zero--;
		break;
	case PAGE_BUSY:
		return MON_E_BUSY;
	default:
		return MON_E_ABSENT;
	}
	entry->word = PAGE_REMOVED;
	memset(entry->tag, 0, sizeof(entry->tag));
	r->added--;
	return MON_OK;
}

enum mon_status call_page_remove(struct mon_root *root, struct mon_region *r,
				 struct mon_args *args)
{
	u64 page = args->arg[1];
	struct page_entry *entry, was;
	enum mon_status status;

	if (page >= r->pages)
		return MON_E_ARGUMENT;
	if (!region_lock_in(r, STATE_BIT(MON_REGION_LIVE)))
		return MON_E_STATE;
	entry = table_find(r, page);
	args->result[1] = entry ? page + 1 : table_next(page);
	if (!entry || ENTRY_STATE(entry->word) != PAGE_RESIDENT) {
		status = drop_stored(r, entry);
		plat_unlock(&r->lock);
		return status;
	}
	status = take_resident(entry, &was);
	plat_unlock(&r->lock);
	if (status != MON_OK)
		return status;

	plat_unmap(r->cookie, page, 1);

	plat_lock(&r->lock);
	entry->word = PAGE_REMOVED;
	memset(entry->tag, 0, sizeof(entry->tag));
	r->resident--;
	r->pinned -= ENTRY_CLASS(was.word) == MON_CLASS_PINNED;
	r->added--;
	plat_unlock(&r->lock);
	frame_release(root, was.frame);
	args->result[0] = was.frame;
	return MON_OK;
}
