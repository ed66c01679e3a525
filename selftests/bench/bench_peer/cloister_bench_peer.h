/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/cloister-bench-peer: a mapping of bare frame numbers, whose faults decrypt the page: what
 * loading a sealed page can't do without. And ciphers alone.
 */
#ifndef CLOISTER_BENCH_PEER_H
#define CLOISTER_BENCH_PEER_H

#include <linux/ioctl.h>

#define BENCH_PEER_DEVICE	"/dev/cloister-bench-peer"
#define BENCH_PEER_PAGES	256

/* Takes all pages out of all mappings and frees them, so that the next touch faults. */
#define BENCH_PEER_UNMAP	_IO('b', 1)

/* The argument: so many pages are encrypted, and decrypted, by AES-256-GCM, or AES-256-XTS. */
#define BENCH_PEER_GCM		_IO('b', 2)
#define BENCH_PEER_XTS		_IO('b', 3)

#endif /* CLOISTER_BENCH_PEER_H */
