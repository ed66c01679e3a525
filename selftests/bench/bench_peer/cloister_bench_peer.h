/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/cloister-bench-peer: a mapping of bare frame numbers, filled in by faults, and AES-256-GCM by
 * the kernel: what loading a sealed page can't do without.
 */
#ifndef CLOISTER_BENCH_PEER_H
#define CLOISTER_BENCH_PEER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BENCH_PEER_DEVICE	"/dev/cloister-bench-peer"
#define BENCH_PEER_PAGES	512

/* Decrypts this many different pages into the frames of the mapping. */
#define BENCH_PEER_DECRYPT	_IOW('b', 1, __u32)
/* Takes all pages out of all mappings, so that the next touch faults. */
#define BENCH_PEER_UNMAP	_IO('b', 2)

#endif /* CLOISTER_BENCH_PEER_H */
