/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One item of CBOR, as libcbor decodes it. Whoever asks does not have to believe the answer: the
 * reader in strict_cbor.c takes from it only what the bytes that it has can hold.
 */
#ifndef CLOISTER_VERIFY_CBOR_ITEM_H
#define CLOISTER_VERIFY_CBOR_ITEM_H

#include <stddef.h>
#include <stdint.h>

enum item_type {
	ITEM_UINT,
	ITEM_NEGATIVE,
	ITEM_BYTES,
	ITEM_TEXT,
	ITEM_ARRAY,
	ITEM_MAP,
	ITEM_TAG,
	ITEM_BOOL,
	ITEM_OTHER,
};

/**
 * struct item - one item
 * @type: its type
 * @name: the type in words
 * @number: value, length, count or tag: what the head encodes
 * @bytes: contents of a string; not set by item_decode()
 */
struct item {
	enum item_type type;
	const char *name;
	uint64_t number;
	const uint8_t *bytes;
};

enum item_outcome {
	ITEM_DECODED,
	ITEM_CUT,	/* there are too few bytes */
	ITEM_MALFORMED,
};

/* The item that the @len bytes begin with, and how many of them it takes. */
enum item_outcome item_decode(const uint8_t *bytes, size_t len, struct item *item, size_t *taken);

#endif /* CLOISTER_VERIFY_CBOR_ITEM_H */
