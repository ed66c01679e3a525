/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions, counters and settings of the kernel, for the benchmarks that run in a VM. All end the
 * program on error.
 */
#ifndef CLOISTER_BENCH_VM_REGION_H
#define CLOISTER_BENCH_VM_REGION_H

#include <linux/cloister.h>
#include <stddef.h>
#include <stdint.h>

#include "bench_peer/cloister_bench_peer.h"

#define PAGE	((size_t)CLOISTER_PAGE_SIZE)

/* Shared memory (@fd < 0), or a shared mapping of @fd. */
void *map(int fd, size_t pages, const char *what);

/* /dev/tee, and the peer's device. */
int device_open(void);
int peer_open(void);

/* A LIVE region of @pages, all added, of which @limit may be resident (0: all); its descriptor. */
int region_new(size_t pages, size_t limit);
/* The same, by a device that is open, from contents that are there. */
int region_from(int device, size_t pages, size_t limit, const void *contents);

void region_seal(int region, size_t first, size_t pages);
void region_stats(int region, struct cloister_stats *stats);

/* One read of each page. */
void touch(volatile char *p, size_t pages);

/*
 * Nanoseconds that the peer module takes to encrypt and to decrypt @pages pages by @request:
 * BENCH_PEER_GCM or BENCH_PEER_XTS.
 */
uint64_t cipher_alone(int peer, unsigned long request, unsigned int pages);

/* Files of one value, and the line of a table that begins with @name. */
void write_value(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
long long read_value(const char *path, const char *name);

#endif /* CLOISTER_BENCH_VM_REGION_H */
