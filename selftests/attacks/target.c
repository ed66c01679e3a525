// SPDX-License-Identifier: Apache-2.0
/* The process under attack, fingerprints of what it holds, and TAP. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../cloister/tamper/cloister_tamper.h"
#include "target.h"

#define OWN_SIZE	(4UL << 20)

/* ---- TAP ---- */

static unsigned int tap_count;
static bool tap_failed;

static void tap_line(const char *result, const char *directive, const char *format, va_list list)
{
	printf("%s %u - %s", result, ++tap_count, directive);
	vprintf(format, list);
	putchar('\n');
	fflush(stdout);
}

void tap_check(bool good, const char *format, ...)
{
	va_list list;

	tap_failed |= !good;
	va_start(list, format);
	tap_line(good ? "ok" : "not ok", "", format, list);
	va_end(list);
}

void tap_skip(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tap_line("ok", "# SKIP ", format, list);
	va_end(list);
}

int tap_end(void)
{
	printf("1..%u\n", tap_count);
	fflush(stdout);
	return tap_failed ? 1 : 0;
}

/* ---- Fingerprints ---- */

uint64_t page_print(const void *page)
{
	const uint64_t *word = page;
	uint64_t print = 0xcbf29ce484222325ULL;
	bool uniform = true;
	size_t i;

	for (i = 0; i < PAGE / sizeof(*word); i++) {
		uniform &= word[i] == word[0];
		print = (print ^ word[i]) * 0x9e3779b97f4a7c15ULL;
		print ^= print >> 29;
	}
	return uniform ? 0 : print | 1;
}

static int compare_prints(const void *a, const void *b)
{
	uint64_t first = ((const struct print *)a)->value;
	uint64_t second = ((const struct print *)b)->value;

	return first < second ? -1 : first > second;
}

void prints_make(struct prints *prints, const uint64_t *values, size_t count)
{
	size_t i, kept = 0;

	prints->print = calloc(count + 1, sizeof(*prints->print));
	if (!prints->print)
		err(1, "calloc");
	for (i = 0; i < count; i++)
		if (values[i])
			prints->print[kept++].value = values[i];
	qsort(prints->print, kept, sizeof(*prints->print), compare_prints);
	/* A page that is there twice is one to be found. */
	for (i = 0, prints->count = 0; i < kept; i++)
		if (!i || prints->print[i].value != prints->print[i - 1].value)
			prints->print[prints->count++].value = prints->print[i].value;
}

void prints_look(struct prints *prints, const void *pages, size_t count)
{
	struct print key = { 0 }, *match;
	size_t i;

	for (i = 0; i < count && prints->count; i++) {
		key.value = page_print((const uint8_t *)pages + i * PAGE);
		if (!key.value)
			continue;
		match = bsearch(&key, prints->print, prints->count, sizeof(key), compare_prints);
		if (match)
			match->found = true;
	}
}

size_t prints_found(const struct prints *prints)
{
	size_t i, found = 0;

	for (i = 0; i < prints->count; i++)
		found += prints->print[i].found;
	return found;
}

/* ---- The region ---- */

static struct cloister_device *open_device(void)
{
	struct cloister_device *device = cloister_device_new(NULL, NULL);

	if (!device)
		err(1, "no device handle");
	return device;
}

static struct cloister_region *adopt(struct cloister_device *device, const char *text)
{
	struct cloister_region *region;

	if (cloister_region_adopt(device, atoi(text), &region))
		errx(1, "%s", cloister_device_error(device));
	return region;
}

static struct cloister_region *make_own(struct cloister_device *device, uint32_t flags)
{
	struct cloister_region *region;

	if (cloister_device_open(device, NULL) ||
	    cloister_region_create(device, flags, OWN_SIZE, 0, &region))
		errx(1, "%s", cloister_device_error(device));
	if (cloister_region_add_zero(region, 0, OWN_SIZE,
				     CLOISTER_PERM_READ | CLOISTER_PERM_WRITE, NULL) ||
	    cloister_region_init(region, NULL))
		errx(1, "%s", cloister_region_error(region));
	return region;
}

struct cloister_region *target_region(uint32_t flags)
{
	const char *passed = getenv("CLOISTER_REGION_FD");
	struct cloister_device *device = open_device();

	return passed ? adopt(device, passed) : make_own(device, flags);
}

int target_backing(const struct cloister_region *region)
{
	int32_t fd = cloister_region_fd(region);
	int tamper = open(CLOISTER_TAMPER_DEVICE, O_RDWR | O_CLOEXEC);
	int backing = tamper < 0 ? -1 : ioctl(tamper, CLOISTER_TAMPER_BACKING, &fd);

	if (tamper >= 0)
		close(tamper);
	return backing;
}

/* ---- The victim ---- */

/* What the victim tells of itself: no contents, only fingerprints. */
struct self {
	uint64_t region;
	uint64_t control;
	uint64_t control_pid;
	uint64_t print[];
};

enum { REGION_PRINTS, CONTROL_PRINTS, SEALED_PRINTS, PRINT_KINDS };

/* Contents of an own region: an unpredictable stream, never in a buffer. */
static void fill_own(uint8_t *at, size_t size)
{
	uint64_t *word = (uint64_t *)at;
	uint64_t state;
	size_t i;

	if (getrandom(&state, sizeof(state), 0) != sizeof(state))
		err(1, "getrandom");
	for (i = 0; i < size / sizeof(*word); i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		word[i] = state;
	}
}

static uint8_t *map_control(const uint8_t *at, size_t size)
{
	uint64_t *control = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);
	size_t i;

	if (control == MAP_FAILED)
		err(1, "no memory for the control");
	for (i = 0; i < size / sizeof(*control); i++)
		control[i] = ~((const uint64_t *)at)[i];
	return (uint8_t *)control;
}

/*
 * A child inherits the control, at its address, and nothing of the region. It closes all that it
 * has, a pipe's end too, from which the parent sees that it is as ordinary as any process.
 */
static pid_t leave_control(void)
{
	int ordinary[2];
	char byte;
	pid_t child;

	if (pipe(ordinary))
		err(1, "pipe");
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_range(0, ~0U, 0);
		for (;;)
			pause();
	}
	close(ordinary[1]);
	if (read(ordinary[0], &byte, 1))
		errx(1, "the process that holds the control does not let go of its files");
	close(ordinary[0]);
	return child;
}

static void print_sealed(struct cloister_region *region, uint64_t *print, size_t pages)
{
	int backing = target_backing(region);
	uint8_t page[PAGE];
	size_t i;

	for (i = 0; backing >= 0 && i < pages; i++)
		print[i] = pread(backing, page, PAGE, (off_t)(i * PAGE)) == (ssize_t)PAGE ?
			page_print(page) : 0;
	if (backing >= 0)
		close(backing);
}

struct holding {
	struct cloister_region *region;
	struct self *self;
	uint8_t *at;
	uint8_t *control;
	size_t pages;
};

static bool region_is_whole(const struct holding *holding)
{
	size_t i;

	for (i = 0; i < holding->pages; i++)
		if (page_print(holding->at + i * PAGE) != holding->self->print[i])
			return false;
	return true;
}

static bool obey(struct holding *holding, char order)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	size_t i;

	switch (order) {
	case VICTIM_SEAL:
		if (cloister_region_seal(holding->region, 0, 0, NULL))
			return false;
		print_sealed(holding->region, holding->self->print + 2 * holding->pages,
			     holding->pages);
		return true;
	case VICTIM_TOUCH:
		for (i = 0; i < holding->pages; i++)
			(void)((volatile uint8_t *)holding->at)[i * PAGE];
		return true;
	case VICTIM_CHECK:
		return region_is_whole(holding);
	case VICTIM_CRASH:
		setrlimit(RLIMIT_CORE, &unlimited);
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	return false;
}

static void victim_main(struct self *self, size_t size, uint32_t flags, int orders, int answers)
{
	struct holding holding = { .self = self, .pages = size / PAGE };
	int own = !getenv("CLOISTER_REGION_FD");
	void *at;
	size_t i;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	holding.region = target_region(flags);
	if (cloister_region_map(holding.region, 0, 0, own ? PROT_READ | PROT_WRITE : PROT_READ,
				&at))
		errx(1, "%s", cloister_region_error(holding.region));
	holding.at = at;
	if (own)
		fill_own(holding.at, size);
	holding.control = map_control(holding.at, size);
	for (i = 0; i < holding.pages; i++) {
		self->print[i] = page_print(holding.at + i * PAGE);
		self->print[holding.pages + i] = page_print(holding.control + i * PAGE);
	}
	self->region = (uintptr_t)holding.at;
	self->control = (uintptr_t)holding.control;
	self->control_pid = (uint64_t)leave_control();
	byte = '!';
	while (write(answers, &byte, 1) == 1 && read(orders, &byte, 1) == 1)
		byte = obey(&holding, byte) ? '!' : '?';
	_exit(0);
}

static size_t target_size(void)
{
	const char *passed = getenv("CLOISTER_REGION_SIZE");

	return passed ? strtoull(passed, NULL, 10) : OWN_SIZE;
}

static struct self *self_of(size_t size)
{
	struct self *self = mmap(NULL, sizeof(*self) +
				 PRINT_KINDS * (size / PAGE) * sizeof(uint64_t),
				 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (self == MAP_FAILED)
		err(1, "no memory for fingerprints");
	return self;
}

static struct self *victim_self;

void victim_start(struct victim *victim, uint32_t flags)
{
	int orders[2], answers[2];
	size_t pages;
	char byte;

	memset(victim, 0, sizeof(*victim));
	victim->size = target_size();
	pages = victim->size / PAGE;
	victim_self = self_of(victim->size);
	if (pipe(orders) || pipe(answers))
		err(1, "pipe");
	fflush(NULL);
	victim->pid = fork();
	if (victim->pid < 0)
		err(1, "fork");
	if (!victim->pid) {
		close(orders[1]);
		close(answers[0]);
		victim_main(victim_self, victim->size, flags, orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	victim->orders = orders[1];
	victim->answers = answers[0];
	if (read(victim->answers, &byte, 1) != 1 || byte != '!')
		errx(1, "the process to be attacked did not come up");
	victim->region = victim_self->region;
	victim->control = victim_self->control;
	victim->control_pid = (pid_t)victim_self->control_pid;
	prints_make(&victim->region_prints, victim_self->print, pages);
	prints_make(&victim->control_prints, victim_self->print + pages, pages);
}

bool victim_order(struct victim *victim, enum victim_order order)
{
	size_t pages = victim->size / PAGE;
	char byte = (char)order;

	if (write(victim->orders, &byte, 1) != 1 || read(victim->answers, &byte, 1) != 1)
		return false;
	if (order == VICTIM_SEAL)
		prints_make(&victim->sealed_prints, victim_self->print + 2 * pages, pages);
	return byte == '!';
}

void victim_end(struct victim *victim)
{
	close(victim->orders);
	close(victim->answers);
	waitpid(victim->pid, NULL, 0);
}
