/* SPDX-License-Identifier: Apache-2.0 */
/* The peer of the monitor's page encryption: BearSSL's AES-256-GCM alone. */
#ifndef CLOISTER_BENCH_HOST_GCM_H
#define CLOISTER_BENCH_HOST_GCM_H

#include <bearssl.h>

struct gcm_peer {
	br_aes_gen_ctr_keys keys;
	br_gcm_context gcm;
	unsigned char nonce[12];
	unsigned int pages;
	unsigned char *plain, *cipher;
	unsigned char (*tags)[16];
};

/* A key and @pages pages. */
void gcm_peer_init(struct gcm_peer *peer, unsigned int pages);

/* Each page is encrypted into another and decrypted back. */
void gcm_peer_round(struct gcm_peer *peer);

#endif /* CLOISTER_BENCH_HOST_GCM_H */
