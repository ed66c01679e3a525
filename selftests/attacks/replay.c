// SPDX-License-Identifier: Apache-2.0
/*
 * Root writes an older version of a page back to where swap comes from: a balance
 * that was spent is there again. A memory file is the control.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

#define BEFORE	"balance: 100"
#define AFTER	"balance: 0"

static sigjmp_buf escape;

static void on_bus_error(int sig)
{
	siglongjmp(escape, sig);
}

/* What the victim reads at @at; "SIGBUS" when the touch raises it. */
static const char *look(const volatile char *at)
{
	static char text[32];
	size_t i;

	if (sigsetjmp(escape, 1))
		return "SIGBUS";
	for (i = 0; i + 1 < sizeof(text) && at[i]; i++)
		text[i] = at[i];
	text[i] = '\0';
	return text;
}

static void move_page(int from, int to, uint8_t page[PAGE], size_t offset)
{
	if ((from >= 0 && pread(from, page, PAGE, (off_t)offset) != (ssize_t)PAGE) ||
	    (to >= 0 && pwrite(to, page, PAGE, (off_t)offset) != (ssize_t)PAGE))
		err(1, "the page at %zu of the store", offset);
}

static void control(void)
{
	int file = memfd_create("control", MFD_CLOEXEC);
	uint8_t old[PAGE];
	char *at;

	if (file < 0 || ftruncate(file, PAGE))
		err(1, "memfd");
	at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (at == MAP_FAILED)
		err(1, "mmap");
	strcpy(at, BEFORE);
	move_page(file, -1, old, 0);
	strcpy(at, AFTER);
	move_page(-1, file, old, 0);
	tap_check(!strcmp(look(at), BEFORE), "an older page of ordinary memory is taken: \"%s\"",
		  look(at));
	close(file);
}

static void must_seal(struct cloister_region *region, size_t offset)
{
	if (cloister_region_seal(region, offset, PAGE, NULL))
		errx(1, "%s", cloister_region_error(region));
}

static uint64_t failures(struct cloister_region *region)
{
	struct cloister_stats stats;

	if (cloister_region_stats(region, &stats))
		errx(1, "%s", cloister_region_error(region));
	return stats.integrity_failures;
}

static void attack(struct cloister_region *region, int backing)
{
	size_t offset = cloister_region_size(region) / 2 / PAGE * PAGE;
	uint64_t failed = failures(region);
	uint8_t old[PAGE], fresh[PAGE];
	void *mapped;
	char *at;

	if (cloister_region_map(region, 0, 0, PROT_READ | PROT_WRITE, &mapped))
		errx(1, "%s", cloister_region_error(region));
	at = (char *)mapped + offset;
	strcpy(at, BEFORE);
	must_seal(region, offset);
	move_page(backing, -1, old, offset);
	strcpy(at, AFTER);
	must_seal(region, offset);
	move_page(backing, -1, fresh, offset);
	move_page(-1, backing, old, offset);
	tap_check(!strcmp(look(at), "SIGBUS"), "an older page of the region is refused: %s",
		  look(at));
	tap_check(failures(region) > failed, "the refusal is counted");
	move_page(-1, backing, fresh, offset);
	tap_check(!strcmp(look(at), AFTER), "the true page works again: \"%s\"", look(at));
	tap_check(strcmp(look(at - PAGE), "SIGBUS") && strcmp(look(at + PAGE), "SIGBUS"),
		  "pages beside it work on");
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_bus_error };
	struct cloister_region *region = target_region(0);
	int backing = target_backing(region);

	sigaction(SIGBUS, &action, NULL);
	if (backing < 0) {
		tap_skip("replay: no way to the backing store; load cloister_tamper.ko");
		return tap_end();
	}
	control();
	attack(region, backing);
	return tap_end();
}
