// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contents of pages, and every way to touch them. See world.h. All touches are in this file: the
 * handler of signals belongs to the process, and where it escapes to belongs to the file.
 */
#include "world.h"

static uint64_t seed_of(const struct region *r, uint32_t page, uint32_t version)
{
	return r->serial << 40 ^ (uint64_t)page << 32 ^ version;
}

static uint32_t code_value(const struct region *r, uint32_t page)
{
	return (uint32_t)r->serial << 8 | page;
}

void fill_page(uint8_t *to, const struct region *r, uint32_t page, uint32_t version)
{
	pattern_fill(to, seed_of(r, page, version), 0, PAGE);
	if (r->page[page].code)
		code_fill(to, code_value(r, page));
}

/* Into a buffer first: what the mapping holds is read once, by plain loads. */
static int read_page(const struct map *map, uint32_t page, uint8_t *to)
{
	const volatile uint64_t *from = (const void *)(map->at + (page - map->first) * PAGE);
	uint64_t *words = (void *)to;
	size_t i;

	catch_faults();
	if (sigsetjmp(touch_escape, 1))
		return touch_fault.si_signo;
	for (i = 0; i < PAGE / sizeof(*words); i++)
		words[i] = from[i];
	return 0;
}

static int write_page(const struct map *map, uint32_t page, const uint8_t *from)
{
	volatile uint64_t *to = (void *)(map->at + (page - map->first) * PAGE);
	const uint64_t *words = (const void *)from;
	size_t i;

	catch_faults();
	if (sigsetjmp(touch_escape, 1))
		return touch_fault.si_signo;
	for (i = 0; i < PAGE / sizeof(*words); i++)
		to[i] = words[i];
	return 0;
}

/* The signal that a touch must meet, or 0. */
static int outcome(const struct region *r, const struct map *map, uint32_t page, uint32_t access)
{
	const struct page *p = &r->page[page];
	int protection = PROT_READ;

	if (access == WRITE)
		protection = PROT_WRITE;
	if (access == EXEC)
		protection = PROT_EXEC;
	/* x86 looks whether a mapping is executable only once the page is there. */
	if (access != EXEC ? !(map->protection & protection) : !map->protection)
		return SIGSEGV;
	if (p->is != HERE)
		return SIGBUS;
	return (p->permissions & access) && (map->protection & protection) ? 0 : SIGSEGV;
}

static bool same_contents(const struct region *r, uint32_t page, const uint8_t *bytes)
{
	static __thread uint8_t wanted[PAGE] __attribute__((aligned(PAGE)));

	if (r->page[page].zero)
		memset(wanted, 0, PAGE);
	else
		fill_page(wanted, r, page, r->page[page].version);
	return !memcmp(bytes, wanted, PAGE);
}

void check_page(struct world *w, const struct region *r, const struct map *map, uint32_t page)
{
	static __thread uint8_t bytes[PAGE] __attribute__((aligned(PAGE)));
	int wanted = outcome(r, map, page, READ);

	expect(w, read_page(map, page, bytes), wanted,
	       "signal of reading page %u of region %d at %p; last signal: code %d, address %p",
	       page, r->fd, (void *)map->at, touch_fault.si_code, touch_fault.si_addr);
	if (!wanted && !same_contents(r, page, bytes))
		differ(w, "page %u of region %d does not hold version %u", page, r->fd,
		       r->page[page].version);
}

static void touched(struct region *r, uint32_t page)
{
	if (r->page[page].is == HERE)
		r->page[page].touched = true;
}

static void write_new(struct world *w, struct region *r, const struct map *map, uint32_t page)
{
	static __thread uint8_t bytes[PAGE] __attribute__((aligned(PAGE)));
	int wanted = outcome(r, map, page, WRITE);

	fill_page(bytes, r, page, r->page[page].version + 1);
	expect(w, write_page(map, page, bytes), wanted, "signal of writing page %u of region %d",
	       page, r->fd);
	if (wanted)
		return;
	r->page[page].version++;
	r->page[page].zero = false;
}

static void run_code(struct world *w, struct region *r, const struct map *map, uint32_t page)
{
	int wanted = outcome(r, map, page, EXEC);
	uint32_t value = 0;

	expect(w, touch_exec(map->at + (page - map->first) * PAGE, &value), wanted,
	       "signal of running page %u of region %d", page, r->fd);
	if (!wanted && value != code_value(r, page))
		differ(w, "the code of page %u of region %d gives %#x", page, r->fd, value);
}

static struct map *some_map(struct world *w, struct region *r)
{
	struct map *map = &r->map[pick(w, REGION_MAPS)];

	return map->at ? map : NULL;
}

/* Whether the mapping lets a touch come to the page at all: then it is loaded. */
static bool reaches(const struct region *r, const struct map *map, uint32_t page, uint32_t access)
{
	if (access == EXEC && map->protection)
		return r->page[page].is == HERE && (r->page[page].permissions & EXEC);
	return !outcome(r, map, page, access);
}

void step_touch(struct world *w, struct region *r)
{
	struct map *map = some_map(w, r);
	uint32_t page, kind = (uint32_t)pick(w, 5);
	uint32_t access = kind < 2 ? READ : kind < 4 ? WRITE : EXEC;

	if (!map)
		return;
	page = map->first + (uint32_t)pick(w, map->count);
	/* What lies there otherwise is not to be run. */
	if (access == EXEC && !r->page[page].code && !outcome(r, map, page, EXEC))
		return;
	trace(w, "touch region %d page %u access %u", r->fd, page, access);
	timer_on(w);
	if (access == READ)
		check_page(w, r, map, page);
	else if (access == WRITE)
		write_new(w, r, map, page);
	else
		run_code(w, r, map, page);
	timer_off(w);
	if (reaches(r, map, page, access))
		touched(r, page);
}

/* The kernel touches the page for a system call. */
void step_pipe(struct world *w, struct region *r)
{
	static __thread uint8_t bytes[PAGE] __attribute__((aligned(PAGE)));
	struct map *map = some_map(w, r);
	bool in = one_in(w, 2);
	int pipes[2], wanted;
	uint32_t page;
	uint8_t *at;
	ssize_t n;

	if (!map)
		return;
	page = map->first + (uint32_t)pick(w, map->count);
	at = map->at + (page - map->first) * PAGE;
	if (pipe(pipes))
		differ(w, "pipe: %s", strerror(errno));
	trace(w, "%s region %d page %u by the kernel", in ? "write" : "read", r->fd, page);
	wanted = outcome(r, map, page, in ? WRITE : READ);
	if (in) {
		fill_page(bytes, r, page, r->page[page].version + 1);
		n = write(pipes[1], bytes, PAGE) == (ssize_t)PAGE ? read(pipes[0], at, PAGE) : -1;
	} else {
		n = write(pipes[1], at, PAGE);
	}
	if (wanted ? n != -1 || errno != EFAULT : n != (ssize_t)PAGE)
		differ(w, "the kernel's copy gives %zd (%s), the program's touch signal %d", n,
		       strerror(errno), wanted);
	if (!wanted && in) {
		r->page[page].version++;
		r->page[page].zero = false;
	} else if (!wanted && (read(pipes[0], bytes, PAGE) != (ssize_t)PAGE ||
			       !same_contents(r, page, bytes))) {
		differ(w, "the kernel reads other contents of page %u of region %d", page, r->fd);
	}
	if (!wanted)
		touched(r, page);
	close(pipes[0]);
	close(pipes[1]);
}

void step_check_all(struct world *w, struct region *r)
{
	uint32_t i, page;

	trace(w, "check all of region %d", r->fd);
	for (i = 0; i < REGION_MAPS; i++) {
		if (!r->map[i].at)
			continue;
		for (page = r->map[i].first; page < r->map[i].first + r->map[i].count; page++) {
			check_page(w, r, &r->map[i], page);
			if (reaches(r, &r->map[i], page, READ))
				touched(r, page);
		}
	}
}

/* Children ------------------------------------------------------------------- */

struct family {
	struct world *w;
	struct region *r;
	int fd;			/* of the region, as the child has it */
	uint32_t page;
	int socket;		/* where the descriptor comes from, or -1 */
};

static int send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))];
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd;

	if (recvmsg(socket, &message, 0) != 1)
		return -errno;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* A child has none of its parent's mappings of regions. */
static int child_touches(void *arg)
{
	const struct family *f = arg;
	const volatile uint8_t *at = f->r->map[f->page].at;

	return *at ? 1 : 2;
}

/* What it may do with the descriptor depends on whether the region is shareable. */
static int child_uses(void *arg)
{
	struct family *f = arg;
	struct region *r = f->r;
	int refused = r->flags & SHAREABLE ? 0 : -EACCES;
	struct cloister_stats stats;
	struct map map = { .count = r->pages, .protection = PROT_READ | PROT_WRITE };
	void *at;

	if (f->socket >= 0)
		f->fd = receive_fd(f->socket);
	if (f->fd < 0)
		return 10;
	if (get_stats(f->fd, &stats) != refused)
		return 11;
	if (seal_all(f->fd) != refused)
		return 12;
	at = map_region(f->fd, 0, r->pages * PAGE, map.protection);
	if (!r->live || refused)
		return at == MAP_FAILED && errno == (refused ? EACCES : EBADFD) ? 0 : 13;
	if (at == MAP_FAILED)
		return 14;
	map.at = at;
	check_page(f->w, r, &map, f->page);
	if (reaches(r, &map, f->page, READ))
		touched(r, f->page);
	write_new(f->w, r, &map, f->page);
	return 0;
}

void step_fork(struct world *w, struct region *r)
{
	struct family f = { .w = w, .r = r, .fd = usable_fd(w, r), .socket = -1 };
	int sockets[2] = { -1, -1 };

	f.page = (uint32_t)pick(w, REGION_MAPS);
	if (one_in(w, 3) && r->map[f.page].at) {
		trace(w, "a child touches region %d", r->fd);
		expect(w, in_child(child_touches, &f), SIGNALLED(SIGSEGV), "the child");
		return;
	}
	if (f.fd < 0)
		return;
	f.page = (uint32_t)pick(w, r->pages);
	trace(w, "a child uses region %d page %u", r->fd, f.page);
	if (one_in(w, 2)) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
			differ(w, "socketpair: %s", strerror(errno));
		expect(w, send_fd(sockets[0], f.fd), 0, "sending the descriptor");
		f.socket = sockets[1];
	}
	expect(w, in_child(child_uses, &f), 0, "the child");
	if (f.socket >= 0) {
		close(sockets[0]);
		close(sockets[1]);
	}
}

/* Makes regions and uses them until it is killed, wherever it is then. */
static int child_works(struct world *w)
{
	uint8_t *at;
	int region;

	for (;;) {
		region = pattern_region(w->device, 20 * PAGE, RESIDENT_MIN, 0, READ | WRITE,
					w->beat);
		if (region < 0)
			return 20;
		__atomic_add_fetch(&w->beat, 1, __ATOMIC_RELAXED);
		at = map_region(region, 0, 20 * PAGE, PROT_READ | PROT_WRITE);
		if (at == MAP_FAILED || seal_all(region) || touch_write(at + 3 * PAGE))
			return 21;
		__atomic_add_fetch(&w->beat, 1, __ATOMIC_RELAXED);
		if (munmap(at, 20 * PAGE) || close(region))
			return 22;
	}
}

static bool ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

void step_kill(struct world *w)
{
	uint64_t beats = pick(w, 6), spins = pick(w, 20000);
	pid_t pid;
	int result;

	trace(w, "a child is killed");
	w->beat = 0;
	pid = fork();
	if (!pid) {
		no_core();
		_exit(child_works(w));
	}
	if (pid < 0)
		differ(w, "fork: %s", strerror(errno));
	while (__atomic_load_n(&w->beat, __ATOMIC_RELAXED) < beats && !ended(pid))
		sched_yield();
	while (spins--)
		__asm__ volatile("pause");
	kill(pid, SIGKILL);
	result = child_result(pid);
	expect(w, result, SIGNALLED(SIGKILL), "the child that is to be killed");
}

/* The region that all work on ------------------------------------------------------------ */

static void common_touch(struct world *w, uint32_t page)
{
	volatile uint64_t *word = (void *)(w->common_at + page * PAGE);
	int got;

	word += w->number;
	catch_faults();
	got = sigsetjmp(touch_escape, 1) ? touch_fault.si_signo : 0;
	if (!got) {
		/* Each thread has a word of its own in each page. */
		if (*word != w->common_count[page] + pattern_word(7, page * PAGE + w->number * 8))
			differ(w, "page %u of the common region lost a store", page);
		*word = *word + 1;
	}
	if (got && (got != SIGBUS || page < w->common->removable))
		differ(w, "page %u of the common region: signal %d", page, got);
	if (!got && w->common_gone[page])
		differ(w, "page %u of the common region came back", page);
	w->common_gone[page] = got;
	if (!got)
		w->common_count[page]++;
}

void step_common(struct world *w)
{
	uint32_t page = (uint32_t)pick(w, w->common->pages);
	uint64_t what = pick(w, 100);
	struct cloister_stats stats;
	int got;

	trace(w, "common region: %lu, page %u", what, page);
	if (what < 70) {
		common_touch(w, page);
	} else if (what < 85) {
		/* A signal may come: then some of them are sealed. */
		got = what < 80 ? seal(w->common->fd, page * PAGE, PAGE) : seal_all(w->common->fd);
		if (got && got != -EINTR)
			differ(w, "sealing the common region: %d", got);
	} else if (what < 86 && page >= w->common->removable) {
		got = remove_pages(w->common->fd, page * PAGE, PAGE);
		if (got && got != -EINTR)
			differ(w, "removing from the common region: %d", got);
	} else if (what < 93) {
		expect(w, get_stats(w->common->fd, &stats), 0, "stats");
		if (stats.resident + stats.sealed != stats.pages ||
		    stats.pages > w->common->pages || stats.pages < w->common->removable ||
		    stats.resident * PAGE > RESIDENT_MIN || stats.integrity_failures)
			differ(w, "stats of the common region: %llu pages, %llu resident, %llu sealed",
			       (unsigned long long)stats.pages, (unsigned long long)stats.resident,
			       (unsigned long long)stats.sealed);
	} else {
		if (munmap(w->common_at, w->common->pages * PAGE))
			differ(w, "munmap: %s", strerror(errno));
		w->common_at = map_region(w->common->fd, 0, w->common->pages * PAGE,
					  PROT_READ | PROT_WRITE);
		if (w->common_at == MAP_FAILED)
			differ(w, "mmap: %s", strerror(errno));
	}
}
