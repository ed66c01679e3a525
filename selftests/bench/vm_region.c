// SPDX-License-Identifier: Apache-2.0
/* See vm_region.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "vm_region.h"

void *map(int fd, size_t pages, const char *what)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		bench_die("mmap of %s: %s", what, strerror(errno));
	return p;
}

int device_open(void)
{
	int device = open(CLOISTER_DEVICE, O_RDWR | O_CLOEXEC);

	if (device < 0)
		bench_die("%s: %s", CLOISTER_DEVICE, strerror(errno));
	return device;
}

int peer_open(void)
{
	int peer = open(BENCH_PEER_DEVICE, O_RDWR | O_CLOEXEC);

	if (peer < 0)
		bench_die("%s: %s; load cloister_bench_peer.ko", BENCH_PEER_DEVICE,
			  strerror(errno));
	return peer;
}

int region_from(int device, size_t pages, size_t limit, const void *contents)
{
	struct cloister_create create = {
		.size = sizeof(create), .region_size = pages * PAGE, .resident_limit = limit * PAGE,
	};
	struct cloister_init init = { .size = sizeof(init) };
	struct cloister_add_pages add = {
		.size = sizeof(add), .length = pages * PAGE, .source = (uintptr_t)contents,
		.permissions = CLOISTER_PERM_READ | CLOISTER_PERM_WRITE,
	};
	int fd = ioctl(device, CLOISTER_CREATE, &create);

	if (fd < 0)
		bench_die("CLOISTER_CREATE: %s", strerror(errno));
	if (ioctl(fd, CLOISTER_ADD_PAGES, &add) || add.done != add.length)
		bench_die("CLOISTER_ADD_PAGES: %s", strerror(errno));
	if (ioctl(fd, CLOISTER_INIT, &init))
		bench_die("CLOISTER_INIT: %s", strerror(errno));
	return fd;
}

int region_new(size_t pages, size_t limit)
{
	char *contents = map(-1, pages, "memory");
	int device = device_open();
	int fd;

	memset(contents, 0x5a, pages * PAGE);
	fd = region_from(device, pages, limit, contents);
	munmap(contents, pages * PAGE);
	close(device);
	return fd;
}

void region_seal(int region, size_t first, size_t pages)
{
	struct cloister_range range = {
		.size = sizeof(range), .offset = first * PAGE, .length = pages * PAGE,
	};

	if (ioctl(region, CLOISTER_SEAL, &range))
		bench_die("CLOISTER_SEAL: %s", strerror(errno));
}

void region_stats(int region, struct cloister_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	if (ioctl(region, CLOISTER_STATS, stats))
		bench_die("CLOISTER_STATS: %s", strerror(errno));
}

void touch(volatile char *p, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++)
		(void)p[i * PAGE];
}

uint64_t cipher_alone(int peer, unsigned long request, unsigned int pages)
{
	uint64_t start = bench_now();

	if (ioctl(peer, request, (unsigned long)pages))
		bench_die("the peer's cipher: %s", strerror(errno));
	return bench_now() - start;
}

void write_value(const char *path, const char *format, ...)
{
	char text[1024];
	va_list args;
	int fd, len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		bench_die("%s: writing '%s': %s", path, text, strerror(errno));
	close(fd);
}

long long read_value(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	size_t len = strlen(name);
	long long value = 0;
	char line[256];
	int found = 0;

	if (!file)
		bench_die("%s: %s", path, strerror(errno));
	while (!found && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, len) || !strchr(" \t:0123456789", line[len]))
			continue;
		value = strtoll(line + len + strspn(line + len, " \t:"), NULL, 10);
		found = 1;
	}
	fclose(file);
	if (!found)
		bench_die("%s has no line '%s'", path, name);
	return value;
}
