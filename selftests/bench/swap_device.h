/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Swap on an encrypted ram disk: what an ordinary process has in place of a region. Devices are
 * made by the device mapper's own interface, so that the VM needs no tool. All end the program on
 * error.
 */
#ifndef CLOISTER_BENCH_SWAP_DEVICE_H
#define CLOISTER_BENCH_SWAP_DEVICE_H

#include <stddef.h>

enum swap_cipher {
	SWAP_GCM,	/* dm-crypt, AES-256-GCM, over dm-integrity: as a region, tags included */
	SWAP_XTS,	/* dm-crypt, AES-256-XTS: no integrity */
};

/* Make it of @ram_disk and swap to it; it is the only swap space then. */
void swap_on(enum swap_cipher cipher, const char *ram_disk, size_t pages);
void swap_off(void);

#endif /* CLOISTER_BENCH_SWAP_DEVICE_H */
