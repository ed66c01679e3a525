/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for the device, so that a region under attack can be quoted, and a check of such quotes. */
#ifndef CLOISTER_ATTACKS_EVIDENCE_H
#define CLOISTER_ATTACKS_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/cloister_quote.h>

#define QUOTE_ROOM	CLOISTER_QUOTE_MAX_LEN

/* Provisions the device if need be; exits with a sentence when its key can't be had. */
void evidence_prepare(void);

/*
 * NULL when an ES256 quote is signed by the device's key and states the measurement and the
 * nonce; else what is wrong with it.
 */
const char *evidence_refute(const uint8_t *quote, size_t length, const uint8_t *measurement,
			    const uint8_t *nonce, size_t nonce_length);

/* The text of the quote's claim about guards ("armed", "partial", "off"), or "". */
const char *evidence_guards(const uint8_t *quote, size_t length);

/* Waits until no region is alive: the last reference goes a moment after close(). 0 or -errno. */
int evidence_wait_for_no_regions(void);

#endif
