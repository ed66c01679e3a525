// SPDX-License-Identifier: Apache-2.0
/* See host_gcm.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bench.h"
#include "host_gcm.h"

#define PAGE	4096u

static void gcm_begin(struct gcm_peer *peer, br_gcm_context *gcm, unsigned int page)
{
	unsigned char aad[32] = { (unsigned char)page };

	*gcm = peer->gcm;
	peer->nonce[4] = (unsigned char)page;
	br_gcm_reset(gcm, peer->nonce, sizeof(peer->nonce));
	br_gcm_aad_inject(gcm, aad, sizeof(aad));
	br_gcm_flip(gcm);
}

/*
 * The calls alone: from one buffer to the other and back, as eviction and loading have to go
 * (BearSSL works in place, so that takes a copy). No lock, no state, no scrubbing.
 */
void gcm_peer_round(struct gcm_peer *peer)
{
	br_gcm_context gcm;
	unsigned int i;

	for (i = 0; i < peer->pages; i++) {
		unsigned char *plain = peer->plain + i * PAGE, *cipher = peer->cipher + i * PAGE;

		gcm_begin(peer, &gcm, i);
		memcpy(cipher, plain, PAGE);
		br_gcm_run(&gcm, 1, cipher, PAGE);
		br_gcm_get_tag(&gcm, peer->tags[i]);
		gcm_begin(peer, &gcm, i);
		memcpy(plain, cipher, PAGE);
		br_gcm_run(&gcm, 0, plain, PAGE);
		if (!br_gcm_check_tag(&gcm, peer->tags[i]))
			bench_die("the peer's tag is wrong");
	}
}

/* The ciphers that the host platform uses. */
void gcm_peer_init(struct gcm_peer *peer, unsigned int pages)
{
	const br_block_ctr_class *aes = br_aes_x86ni_ctr_get_vtable();
	br_ghash ghash = br_ghash_pclmul_get();
	unsigned char key[32];

	memset(peer, 0, sizeof(*peer));
	peer->pages = pages;
	peer->plain = aligned_alloc(PAGE, (size_t)pages * PAGE);
	peer->cipher = aligned_alloc(PAGE, (size_t)pages * PAGE);
	peer->tags = calloc(pages, sizeof(*peer->tags));
	if (!peer->plain || !peer->cipher || !peer->tags ||
	    getrandom(key, sizeof(key), 0) != sizeof(key))
		bench_die("no memory or no random bytes for the peer");
	memset(peer->plain, 0x5a, (size_t)pages * PAGE);
	if (!aes)
		aes = &br_aes_ct64_ctr_vtable;
	if (!ghash)
		ghash = br_ghash_ctmul64;
	aes->init(&peer->keys.vtable, key, sizeof(key));
	br_gcm_init(&peer->gcm, &peer->keys.vtable, ghash);
}
