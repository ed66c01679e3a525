/* SPDX-License-Identifier: GPL-2.0-only */
/* Ciphers alone, as often as asked: see cloister_bench_peer.h. */
#ifndef CLOISTER_BENCH_CIPHER_H
#define CLOISTER_BENCH_CIPHER_H

int cipher_init(void);
void cipher_exit(void);
int gcm_alone(unsigned int pages);
int xts_alone(unsigned int pages);

#endif /* CLOISTER_BENCH_CIPHER_H */
