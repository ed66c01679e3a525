// SPDX-License-Identifier: GPL-2.0-only
/* The calls of the driver, with arguments good and bad. See world.h. */
#include "world.h"

#define BUFFER_PAGES	8

int usable_fd(struct world *w, const struct region *r)
{
	if (r->copy >= 0 && (r->fd < 0 || one_in(w, 2)))
		return r->copy;
	return r->fd;
}

static struct page *page_at(struct region *r, uint64_t offset)
{
	return &r->page[offset / PAGE];
}

/* A range that is mostly good: whole pages within the region. */
static void some_range(struct world *w, const struct region *r, uint64_t *offset,
		       uint64_t *length)
{
	static const uint64_t odd[] = { 1, 8, PAGE - 1, PAGE + 1, 1ULL << 40, 1ULL << 63,
					~0ULL, ~0ULL - PAGE + 1 };

	*offset = pick(w, r->pages) * PAGE;
	*length = (1 + pick(w, BUFFER_PAGES)) * PAGE;
	if (*length > r->pages * PAGE - *offset && !one_in(w, 8))
		*length = r->pages * PAGE - *offset;
	if (one_in(w, 24))
		*offset = odd[pick(w, ARRAY_LEN(odd))];
	if (one_in(w, 24))
		*length = odd[pick(w, ARRAY_LEN(odd))];
	if (one_in(w, 24))
		*length = 0;
}

static bool good_range(const struct region *r, uint64_t offset, uint64_t length)
{
	uint64_t size = r->pages * PAGE;

	return !(offset % PAGE) && !(length % PAGE) && offset <= size && length <= size - offset;
}

/* CREATE ---------------------------------------------------------------------- */

static int created_errno(uint64_t size, uint64_t limit, uint64_t flags, uint64_t known)
{
	if (flags & ~known)
		return -EINVAL;
	if (!size || size % PAGE || size > REGION_MAX)
		return -EINVAL;
	if (limit % PAGE || (limit && limit < RESIDENT_MIN && limit < size))
		return -EINVAL;
	return 0;
}

void step_create(struct world *w)
{
	static const uint64_t odd[] = { 0, 1, PAGE / 2, PAGE + 1, REGION_MAX + PAGE, ~0ULL };
	uint64_t size = (1 + pick(w, REGION_PAGES)) * PAGE;
	uint64_t limits[] = { 0, RESIDENT_MIN, size, RESIDENT_MIN + PAGE, PAGE, 1 };
	uint64_t limit = limits[pick(w, one_in(w, 6) ? 6 : 4)];
	uint32_t flags = (uint32_t)(random_next(&w->random) & w->create_flags);
	struct region *r = NULL;
	int wanted, fd, i;

	for (i = 0; i < WORLD_REGIONS && !r; i++)
		if (w->region[i].fd < 0 && w->region[i].copy < 0 && !w->region[i].map[0].at &&
		    !w->region[i].map[1].at && !w->region[i].map[2].at)
			r = &w->region[i];
	if (!r)
		return;
	if (one_in(w, 10))
		size = odd[pick(w, ARRAY_LEN(odd))];
	if (one_in(w, 20))
		flags = 1U << pick(w, 32);
	wanted = created_errno(size, limit, flags, w->create_flags);
	fd = create_region(w->device, size, limit, flags);
	trace(w, "create %#lx limit %#lx flags %#x: %d", size, limit, flags, fd);
	expect(w, fd < 0 ? fd : 0, wanted, "create");
	if (fd < 0)
		return;
	memset(r, 0, sizeof(*r));
	r->fd = fd;
	r->copy = -1;
	r->serial = (uint64_t)w->number << 32 | ++w->serials;
	r->pages = (uint32_t)(size / PAGE);
	r->limit = limit && limit < size ? limit : size;
	r->flags = flags;
}

/* ADD_PAGES ------------------------------------------------------------------- */

static bool good_permissions(uint32_t permissions)
{
	return permissions == READ || permissions == (READ | WRITE) ||
	       permissions == (READ | EXEC);
}

/* What comes of a good call at the page @at of its range; 0: added. */
static int added_errno(struct region *r, const struct cloister_add_pages *add, uint64_t at,
		       uint64_t readable)
{
	if (!(add->flags & ZERO) && at + PAGE > readable)
		return -EFAULT;
	return page_at(r, add->offset + at)->is == NEVER ? 0 : -EEXIST;
}

static bool good_add(struct world *w, const struct region *r, const struct cloister_add_pages *add)
{
	if ((add->flags & ~w->add_flags) || add->reserved || !good_permissions(add->permissions))
		return false;
	if ((add->flags & ZERO) && ((add->flags & MEASURED) || add->source))
		return false;
	return add->length && good_range(r, add->offset, add->length);
}

/* Pinned pages must leave a working set of the region's limit, and that before any is added. */
static bool leaves_room(const struct region *r, const struct cloister_add_pages *add)
{
	uint64_t pinned = add->length;
	uint32_t i;

	if (!(add->flags & CLOISTER_ADD_PINNED) || r->limit == r->pages * PAGE)
		return true;
	for (i = 0; i < r->pages; i++)
		pinned += r->page[i].is == HERE && r->page[i].pinned ? PAGE : 0;
	return pinned + RESIDENT_MIN <= r->limit;
}

/* The outcome of a call as a whole, and how far it gets. */
static int foretell_add(struct world *w, struct region *r, const struct cloister_add_pages *add,
			uint64_t readable, uint64_t *done)
{
	int result = 0;

	*done = 0;
	if (!good_add(w, r, add))
		return -EINVAL;
	if (r->live)
		return -EBADFD;
	if (!leaves_room(r, add))
		return -ENOSPC;
	while (!result && *done < add->length) {
		result = added_errno(r, add, *done, readable);
		*done += result ? 0 : PAGE;
	}
	return result;
}

static void note_added(struct region *r, const struct cloister_add_pages *add, uint64_t done,
		       bool code)
{
	uint64_t at;

	for (at = 0; at < done; at += PAGE) {
		*page_at(r, add->offset + at) = (struct page){
			.is = HERE,
			.permissions = add->permissions,
			.version = add->flags & ZERO ? 0 : 1,
			.zero = add->flags & ZERO,
			.touched = !(add->flags & ZERO) || (add->flags & CLOISTER_ADD_PINNED),
			.pinned = add->flags & CLOISTER_ADD_PINNED,
			.code = code,
		};
	}
}

/* Fills the pages as the model will have them. */
static void fill_source(struct region *r, uint8_t *source, const struct cloister_add_pages *add,
			bool code)
{
	uint64_t at;
	bool was;

	if (!good_range(r, add->offset, add->length))
		return;
	for (at = 0; at < add->length && at < BUFFER_PAGES * PAGE; at += PAGE) {
		was = page_at(r, add->offset + at)->code;
		page_at(r, add->offset + at)->code = code;
		fill_page(source + at, r, (uint32_t)((add->offset + at) / PAGE), 1);
		page_at(r, add->offset + at)->code = was;
	}
}

/* Signals may come in between: then the call is made again, with the rest. */
static int add_until_done(int fd, struct cloister_add_pages *add, uint64_t *done)
{
	struct cloister_add_pages part = *add;
	int result;

	for (*done = 0;;) {
		result = call(fd, CLOISTER_ADD_PAGES, &part);
		*done += part.done;
		if (result != -EINTR)
			return result;
		part.offset = add->offset + *done;
		part.length = add->length - *done;
		if (!(part.flags & ZERO))
			part.source = add->source + *done;
	}
}

void step_add(struct world *w, struct region *r)
{
	static __thread uint8_t *source;
	struct cloister_add_pages add = { .size = sizeof(add) };
	uint64_t readable = BUFFER_PAGES * PAGE, offset, length, done, wanted_done;
	int fd = usable_fd(w, r), wanted, result;
	bool code = one_in(w, 6);

	if (!source)
		source = guarded(BUFFER_PAGES * PAGE);
	if (!source)
		differ(w, "no memory for the source of pages");
	if (fd < 0)
		return;
	some_range(w, r, &offset, &length);
	add.offset = offset;
	add.length = length;
	add.permissions = code ? READ | EXEC : one_in(w, 3) ? READ : READ | WRITE;
	add.flags = one_in(w, 3) ? ZERO : one_in(w, 2) ? MEASURED : 0;
	code = code && !(add.flags & ZERO);
	if (one_in(w, 20))
		add.permissions = (uint32_t)pick(w, 16);
	if (one_in(w, 30))
		add.flags = 1U << pick(w, 32) | (uint32_t)pick(w, 4);
	if (one_in(w, 6))
		add.flags |= CLOISTER_ADD_PINNED;
	if (!(add.flags & ZERO)) {
		fill_source(r, source, &add, code);
		add.source = (uintptr_t)source;
	}
	if (!(add.flags & ZERO) && one_in(w, 12)) {
		/* The page behind the buffer can't be read. */
		readable = pick(w, BUFFER_PAGES) * PAGE;
		add.source = (uintptr_t)source + BUFFER_PAGES * PAGE - readable;
		memmove((void *)(uintptr_t)add.source, source, readable);
	}
	wanted = foretell_add(w, r, &add, readable, &wanted_done);
	timer_on(w);
	result = add_until_done(fd, &add, &done);
	timer_off(w);
	trace(w, "add region %d flags %#x offset %#llx length %#llx perm %u: %d, %#lx done", r->fd,
	      add.flags, (unsigned long long)add.offset, (unsigned long long)add.length,
	      add.permissions, result, done);
	/* Another thread's pages may be all that could be sealed just now. */
	if (!w->alone && result == -EBUSY && wanted_done >= done) {
		wanted = result;
		wanted_done = done;
	}
	expect(w, result, wanted, "add");
	if (done != wanted_done)
		differ(w, "%#lx bytes added, expected %#lx", done, wanted_done);
	if (done)
		note_added(r, &add, done, code);
}

/* INIT and what follows ---------------------------------------------------------- */

void step_init(struct world *w, struct region *r)
{
	int fd = usable_fd(w, r), result;

	if (fd < 0)
		return;
	result = init_region(fd, r->live ? NULL : r->measurement);
	trace(w, "init region %d: %d", r->fd, result);
	expect(w, result, r->live ? -EBADFD : 0, "init");
	r->live = true;
}

static int range_until_done(int fd, unsigned long request, uint64_t offset, uint64_t length,
			    uint64_t *done)
{
	uint64_t part;
	int result;

	for (*done = 0;;) {
		result = range_call(fd, request, offset + *done, length - *done, &part);
		*done += part;
		if (result != -EINTR || (length && *done == length))
			return result == -EINTR ? 0 : result;
		/* Where all was asked for, the whole is begun again: what is done stays so. */
		if (!length)
			*done = 0;
	}
}

static int range_errno(const struct region *r, uint64_t offset, uint64_t length)
{
	if (!good_range(r, offset, length) || (!length && offset))
		return -EINVAL;
	return 0;
}

void step_seal(struct world *w, struct region *r)
{
	uint64_t offset = 0, length = 0, done;
	int fd = usable_fd(w, r), wanted, result;

	if (fd < 0)
		return;
	if (one_in(w, 3))
		some_range(w, r, &offset, &length);
	wanted = range_errno(r, offset, length);
	timer_on(w);
	result = range_until_done(fd, CLOISTER_SEAL, offset, length, &done);
	timer_off(w);
	trace(w, "seal region %d offset %#lx length %#lx: %d", r->fd, offset, length, result);
	expect(w, result, wanted, "seal");
	if (done != (wanted ? 0 : length ? length : r->pages * PAGE))
		differ(w, "sealing went %#lx bytes far", done);
}

void step_remove(struct world *w, struct region *r)
{
	uint64_t offset, length, done, at;
	int fd = usable_fd(w, r), wanted, result;

	if (fd < 0 || (r->live && one_in(w, 2)))
		return;
	some_range(w, r, &offset, &length);
	/* Else there would soon be nothing left. */
	if (length > PAGE && good_range(r, offset, length))
		length = PAGE;
	if (!length)
		length = PAGE;
	wanted = range_errno(r, offset, length);
	if (!wanted && !r->live)
		wanted = -EBADFD;
	timer_on(w);
	result = range_until_done(fd, CLOISTER_REMOVE_PAGES, offset, length, &done);
	timer_off(w);
	trace(w, "remove region %d offset %#lx length %#lx: %d", r->fd, offset, length, result);
	expect(w, result, wanted, "remove");
	if (done != (wanted ? 0 : length))
		differ(w, "removal went %#lx bytes far", done);
	for (at = 0; !wanted && at < length; at += PAGE)
		if (page_at(r, offset + at)->is == HERE)
			page_at(r, offset + at)->is = REMOVED;
}

void step_stats(struct world *w, struct region *r)
{
	uint64_t pages = 0, zero = 0, pinned = 0;
	struct cloister_stats stats;
	int fd = usable_fd(w, r);
	uint32_t i;

	if (fd < 0)
		return;
	trace(w, "stats of region %d", r->fd);
	expect(w, get_stats(fd, &stats), 0, "stats");
	for (i = 0; i < r->pages; i++) {
		pages += r->page[i].is == HERE;
		zero += r->page[i].is == HERE && !r->page[i].touched;
		pinned += r->page[i].is == HERE && r->page[i].pinned;
	}
#define SAME(field, wanted)								\
	do {										\
		if ((uint64_t)stats.field != (uint64_t)(wanted))			\
			differ(w, "stats of region %d: " #field " %llu, expected %llu", r->fd,	\
			       (unsigned long long)stats.field, (unsigned long long)(wanted)); \
	} while (0)
	SAME(state, r->live ? CLOISTER_STATE_LIVE : CLOISTER_STATE_BUILDING);
	SAME(create_flags, r->flags);
	SAME(region_size, r->pages * PAGE);
	SAME(resident_limit, r->limit);
	SAME(pages, pages);
	SAME(zero, zero);
	SAME(pinned, pinned);
	SAME(integrity_failures, 0);
	/* Read at one moment: a page is in one place. */
	SAME(resident + stats.sealed, pages - zero);
#undef SAME
	if (stats.resident < pinned)
		differ(w, "%lu pages are pinned, and only %llu resident", pinned,
		       (unsigned long long)stats.resident);
	if (stats.resident * PAGE > r->limit)
		differ(w, "%llu pages are resident over a limit of %#lx bytes",
		       (unsigned long long)stats.resident, r->limit);
}

/* Mappings ------------------------------------------------------------------------ */

static int mapped_errno(const struct region *r, uint64_t first, uint64_t count, int flags)
{
	if (flags != MAP_SHARED)
		return -EINVAL;
	if (first > r->pages || count > r->pages - first)
		return -EINVAL;
	return r->live ? 0 : -EBADFD;
}

void step_map(struct world *w, struct region *r)
{
	static const int protections[] = { PROT_READ, PROT_READ | PROT_WRITE,
					   PROT_READ | PROT_EXEC, PROT_NONE,
					   PROT_READ | PROT_WRITE | PROT_EXEC,
					   PROT_READ | PROT_WRITE };
	struct map *map = &r->map[pick(w, REGION_MAPS)];
	uint64_t first = one_in(w, 2) ? 0 : pick(w, r->pages);
	uint64_t count = one_in(w, 2) ? r->pages - first : 1 + pick(w, r->pages - first);
	int protection = protections[pick(w, ARRAY_LEN(protections))];
	int flags = one_in(w, 16) ? MAP_PRIVATE : MAP_SHARED;
	int fd = usable_fd(w, r), tries = 100, got;
	void *at;

	if (fd < 0 || map->at)
		return;
	if (one_in(w, 16))
		count += r->pages;
	do {
		at = mmap(NULL, count * PAGE, protection, flags, fd, (off_t)(first * PAGE));
		got = at == MAP_FAILED ? -errno : 0;
	} while (got == -EAGAIN && --tries);
	trace(w, "map region %d page %lu count %lu protection %d: %d", r->fd, first, count,
	      protection, got);
	expect(w, got, mapped_errno(r, first, count, flags), "mmap");
	if (got)
		return;
	map->at = at;
	map->first = (uint32_t)first;
	map->count = (uint32_t)count;
	map->protection = protection;
}

static int try_part(const struct map *map)
{
	return munmap(map->at + PAGE, PAGE) ? -errno : 0;
}

/* Whole or not at all; and nothing else can be done to a mapping. */
void step_unmap(struct world *w, struct region *r)
{
	struct map *map = &r->map[pick(w, REGION_MAPS)];
	size_t length = map->count * PAGE;

	if (!map->at)
		return;
	trace(w, "unmap region %d page %u count %u", r->fd, map->first, map->count);
	switch (pick(w, 6)) {
	case 0:
		if (map->count >= 3)
			expect(w, try_part(map), -EINVAL, "munmap of a part");
		return;
	case 1:
		expect(w, mprotect(map->at, length, PROT_READ | PROT_EXEC) ? -errno : 0, -EACCES,
		       "mprotect");
		return;
	case 2:
		if (mremap(map->at, length, length + PAGE, MREMAP_MAYMOVE) != MAP_FAILED)
			differ(w, "a mapping was made larger");
		return;
	case 3:
		expect(w, madvise(map->at, length, MADV_DONTNEED) ? -errno : 0, -EINVAL, "madvise");
		return;
	default:
		expect(w, munmap(map->at, length) ? -errno : 0, 0, "munmap");
		map->at = NULL;
	}
}

/* QUOTE ----------------------------------------------------------------------------- */

static bool contains(const uint8_t *bytes, uint64_t length, const void *what, size_t size)
{
	return memmem(bytes, length, what, size);
}

void step_quote(struct world *w, struct region *r)
{
	uint8_t buffer[QUOTE_BUFFER];
	struct cloister_quote quote = plain_quote(buffer, sizeof(buffer));
	int fd = usable_fd(w, r), wanted = r->live ? 0 : -EBADFD, result;

	/* A signature takes as long as hundreds of other calls. */
	if (fd < 0 || !one_in(w, 4))
		return;
	quote.algorithm = one_in(w, 8) ? 0 : 1 + (uint32_t)pick(w, 2);
	if (one_in(w, 8))
		quote.nonce_len = one_in(w, 2) ? 7 : 31;
	if (quote.algorithm == 0 || quote.nonce_len < 32)
		wanted = -EINVAL;
	if (!wanted && one_in(w, 4)) {
		quote.buffer_len = 100;
		wanted = -ENOSPC;
	} else if (!wanted && one_in(w, 4)) {
		quote.buffer = 8;
		wanted = -EFAULT;
	}
	result = call(fd, CLOISTER_QUOTE, &quote);
	trace(w, "quote of region %d: %d", r->fd, result);
	expect(w, result, wanted, "quote");
	if (result)
		return;
	if (!contains(buffer, quote.quote_len, r->measurement, sizeof(r->measurement)) ||
	    !contains(buffer, quote.quote_len, quote.nonce, quote.nonce_len))
		differ(w, "the quote of region %d does not say what was asked", r->fd);
}

/* What no caller should do -------------------------------------------------------------- */

static const struct {
	unsigned long request;
	uint32_t size;
	bool of_device;
} calls[] = {
	{ CLOISTER_GET_INFO, sizeof(struct cloister_get_info), true },
	{ CLOISTER_CREATE, sizeof(struct cloister_create), true },
	{ CLOISTER_ADD_PAGES, sizeof(struct cloister_add_pages), false },
	{ CLOISTER_INIT, sizeof(struct cloister_init), false },
	{ CLOISTER_SEAL, sizeof(struct cloister_range), false },
	{ CLOISTER_REMOVE_PAGES, sizeof(struct cloister_range), false },
	{ CLOISTER_QUOTE, sizeof(struct cloister_quote), false },
	{ CLOISTER_STATS, sizeof(struct cloister_stats), false },
};

void step_odd(struct world *w, struct region *r)
{
	size_t which = pick(w, ARRAY_LEN(calls));
	int fd = calls[which].of_device ? w->device : usable_fd(w, r);
	uint32_t words[1024] = { calls[which].size };
	int wanted = -EINVAL, result;
	void *argument = words;

	if (fd < 0)
		return;
	switch (pick(w, 6)) {
	case 0:
		words[0] = (uint32_t)pick(w, calls[which].size);
		break;
	case 1:
		words[1] = 1U << (8 + pick(w, 24));
		break;
	case 2:
		argument = (void *)(pick(w, 2) * 8);
		wanted = -EFAULT;
		break;
	case 3:
		words[0] = PAGE;
		words[1023] = 1;
		wanted = -E2BIG;
		break;
	case 4:
		/* GET_INFO is of both. */
		if (!which)
			return;
		fd = calls[which].of_device ? usable_fd(w, r) : w->device;
		if (fd < 0)
			return;
		wanted = -ENOTTY;
		break;
	default:
		result = call(fd, _IOWR(CLOISTER_IOC_MAGIC, 0x40 + pick(w, 64), uint64_t), words);
		expect(w, result, -ENOTTY, "a call that does not exist");
		return;
	}
	result = call(fd, calls[which].request, argument);
	trace(w, "odd call %zu on %d: %d", which, fd, result);
	expect(w, result, wanted, "odd call %zu, size %u, flags %#x", which, words[0], words[1]);
}

/* Descriptors ----------------------------------------------------------------------------- */

void end_region(struct world *w, struct region *r)
{
	int i;

	for (i = 0; i < REGION_MAPS; i++)
		if (r->map[i].at && munmap(r->map[i].at, r->map[i].count * PAGE))
			differ(w, "munmap: %s", strerror(errno));
	if (r->fd >= 0)
		close(r->fd);
	if (r->copy >= 0)
		close(r->copy);
	memset(r, 0, sizeof(*r));
	r->fd = -1;
	r->copy = -1;
}

/* A region lives on as long as a descriptor or a mapping is left. */
void step_dup(struct world *w, struct region *r)
{
	trace(w, "descriptors of region %d, %d", r->fd, r->copy);
	if (one_in(w, 6)) {
		end_region(w, r);
	} else if (r->fd >= 0 && one_in(w, 4)) {
		close(r->fd);
		r->fd = -1;
	} else if (r->copy >= 0 && one_in(w, 2)) {
		close(r->copy);
		r->copy = -1;
	} else if (r->fd >= 0 && r->copy < 0) {
		r->copy = fcntl(r->fd, F_DUPFD_CLOEXEC, 3);
		if (r->copy < 0)
			differ(w, "dup: %s", strerror(errno));
	}
}
