/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading deterministic CBOR (RFC 8949, section 4.2.1), item by item.
 *
 * libcbor decodes each item; the reader refuses what is not deterministic and what is
 * not of the type that the caller names. As the caller names each type there is no
 * recursion, and nothing is allocated: strings are pointed to where they are.
 */
#ifndef CLOISTER_VERIFY_STRICT_CBOR_H
#define CLOISTER_VERIFY_STRICT_CBOR_H

#include "internal.h"

/**
 * struct strict_reader - a place in a quote
 * @result: takes the failure
 * @what: what is being read, for sentences
 * @pos: next byte
 * @end: past the last byte
 */
struct strict_reader {
	struct cloister_result *result;
	const char *what;
	const uint8_t *pos;
	const uint8_t *end;
};

/**
 * struct strict_map - a map being read
 * @left: entries not yet read
 * @last_key: encoding of the key read last; its keys must ascend
 */
struct strict_map {
	uint64_t left;
	struct span last_key;
};

/**
 * struct strict_name - what an item is, should it be refused
 * @code: the failure's code when the item is of the wrong type or size
 * @check: the failure's name
 */
struct strict_name {
	int code;
	const char *check;
};

void strict_begin(struct strict_reader *reader, struct cloister_result *result, const char *what,
		  struct span contents);
int strict_end(struct strict_reader *reader);
bool strict_next_is_array(const struct strict_reader *reader);
int strict_tag(struct strict_reader *reader, struct strict_name name, unsigned int tag);
int strict_array(struct strict_reader *reader, struct strict_name name, uint64_t min, uint64_t max,
		 uint64_t *count);
int strict_map(struct strict_reader *reader, struct strict_name name, uint64_t min, uint64_t max,
	       struct strict_map *map);
int strict_key(struct strict_reader *reader, struct strict_map *map, int64_t *key);
int strict_int(struct strict_reader *reader, struct strict_name name, int64_t *value);
int strict_uint(struct strict_reader *reader, struct strict_name name, uint64_t *value);
int strict_bool(struct strict_reader *reader, struct strict_name name, bool *value);
int strict_bytes(struct strict_reader *reader, struct strict_name name, size_t min, size_t max,
		 struct span *value);
int strict_text(struct strict_reader *reader, struct strict_name name, size_t min, size_t max,
		struct span *value);

#endif /* CLOISTER_VERIFY_STRICT_CBOR_H */
