// SPDX-License-Identifier: Apache-2.0
/*
 * The quote parser's bounded reader, for any quote of any length. Nothing is assumed of the decoder
 * but that it writes where it is told to: its type, number and length are arbitrary.
 */
#include "strict_cbor.h"
#include "cbor_item.h"

#include <stdint.h>
#include <string.h>

/*@ predicate reads(struct strict_reader *r) =
      \valid(r) && \valid(r->result) && \separated(r, r->result) &&
      \base_addr(r->pos) == \base_addr(r->end) && 0 <= r->end - r->pos <= SIZE_MAX / 2 &&
      \valid_read(r->pos + (0 .. r->end - r->pos - 1)) &&
      \separated(r, r->pos + (0 .. r->end - r->pos - 1)) &&
      \separated(r->result, r->pos + (0 .. r->end - r->pos - 1));

    predicate last(struct strict_map *map) = \valid(map) && map->last_key.len <= 9 &&
      (map->last_key.len == 0 ||
       \valid_read(map->last_key.bytes + (0 .. map->last_key.len - 1))); */

/*@ assigns \nothing; */
struct phrase phrase(const char *format, ...);

/*@ requires \valid(result);
    assigns result->status, result->failures, result->failure;
    ensures \result != 0; */
int result_fail(struct cloister_result *result, int code, const char *check, const char *expected,
		const char *got, const char *hint);

/*@ requires len == 0 || \valid_read(bytes + (0 .. len - 1));
    requires \valid(item) && \valid(taken);
    assigns *item, *taken; */
enum item_outcome item_decode(const uint8_t *bytes, size_t len, struct item *item, size_t *taken);

/*@ assigns \nothing;
    ensures 1 <= \result <= 9; */
static size_t shortest_head(uint64_t number);

/*@ requires reads(reader);
    assigns reader->result->status, reader->result->failures, reader->result->failure;
    ensures \result != 0;
    ensures reads(reader); */
static int refuse(const struct strict_reader *reader, struct strict_name name,
		  const char *expected, const char *got);

/*@ requires reads(reader) && \valid(item) && \separated(item, reader, reader->result);
    requires \separated(item, reader->pos + (0 .. reader->end - reader->pos - 1));
    assigns *item, reader->pos;
    assigns reader->result->status, reader->result->failures, reader->result->failure;
    ensures reads(reader);
    ensures onward: 0 <= reader->pos - \old(reader->pos);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos);
    ensures short_head: \result == 0 && item->type != ITEM_BYTES && item->type != ITEM_TEXT ==>
      1 <= reader->pos - \old(reader->pos) <= 9;
    ensures string: \result == 0 && (item->type == ITEM_BYTES || item->type == ITEM_TEXT) ==>
      \base_addr(item->bytes) == \base_addr(reader->end) &&
      \valid_read(item->bytes + (0 .. item->number - 1)); */
static int next_item(struct strict_reader *reader, struct item *item);

/*@ requires reads(reader) && \valid(item) && \separated(item, reader, reader->result);
    requires \separated(item, reader->pos + (0 .. reader->end - reader->pos - 1));
    requires ITEM_UINT <= type <= ITEM_BOOL && type != ITEM_NEGATIVE && type != ITEM_TAG;
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure, *item;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos);
    ensures typed: \result == 0 ==> item->type == type && min <= item->number <= max;
    ensures string: \result == 0 && (type == ITEM_BYTES || type == ITEM_TEXT) ==>
      \base_addr(item->bytes) == \base_addr(reader->end) &&
      \valid_read(item->bytes + (0 .. item->number - 1)); */
static int typed_item(struct strict_reader *reader, struct strict_name name, enum item_type type,
		      uint64_t min, uint64_t max, struct item *item);

/*@ requires \valid(reader);
    requires \valid_read(contents.bytes + (0 .. contents.len - 1)) && contents.len <= SIZE_MAX / 2;
    requires \valid(result) && \separated(reader, result);
    requires \separated(reader, contents.bytes + (0 .. contents.len - 1));
    requires \separated(result, contents.bytes + (0 .. contents.len - 1));
    assigns *reader;
    ensures reads(reader); */
void strict_begin(struct strict_reader *reader, struct cloister_result *result, const char *what,
		  struct span contents);

/*@ requires reads(reader);
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure;
    ensures reads(reader);
 */
int strict_end(struct strict_reader *reader);

/*@ requires reads(reader);
    assigns \nothing; */
bool strict_next_is_array(const struct strict_reader *reader);

/*@ requires reads(reader) && tag < 24;
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos); */
int strict_tag(struct strict_reader *reader, struct strict_name name, unsigned int tag);

/*@ requires reads(reader) && \valid(count) && \separated(count, reader, reader->result);
    requires \separated(count, reader->pos + (0 .. reader->end - reader->pos - 1));
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure, *count;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos);
    ensures bounded: \result == 0 ==> min <= *count <= max; */
int strict_array(struct strict_reader *reader, struct strict_name name, uint64_t min, uint64_t max,
		 uint64_t *count);

/*@ requires reads(reader) && \valid(map) && \separated(map, reader, reader->result);
    requires \separated(map, reader->pos + (0 .. reader->end - reader->pos - 1));
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure, *map;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos);
    ensures bounded: \result == 0 ==> min <= map->left <= max && map->last_key.len == 0; */
int strict_map(struct strict_reader *reader, struct strict_name name, uint64_t min, uint64_t max,
	       struct strict_map *map);

/*@ requires reads(reader) && \valid(value) && \separated(value, reader, reader->result);
    requires \separated(value, reader->pos + (0 .. reader->end - reader->pos - 1));
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure, *value;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos);
    ensures key: \result == 0 ==> 1 <= reader->pos - \old(reader->pos) <= 9; */
int strict_int(struct strict_reader *reader, struct strict_name name, int64_t *value);

/*@ requires a.len == 0 || \valid_read(a.bytes + (0 .. a.len - 1));
    requires b.len == 0 || \valid_read(b.bytes + (0 .. b.len - 1));
    assigns \nothing; */
static int compare_keys(struct span a, struct span b);

/*@ requires reads(reader) && \valid(key) && \separated(key, reader, reader->result);
    requires \separated(key, reader->pos + (0 .. reader->end - reader->pos - 1));
    requires last(map) && map->left > 0;
    requires \separated(map, reader, reader->result, key);
    requires \separated(map, reader->pos + (0 .. reader->end - reader->pos - 1));
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure, *key, *map;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos);
    ensures last(map); */
int strict_key(struct strict_reader *reader, struct strict_map *map, int64_t *key);

/*@ requires reads(reader) && \valid(value) && \separated(value, reader, reader->result);
    requires \separated(value, reader->pos + (0 .. reader->end - reader->pos - 1));
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure, *value;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos); */
int strict_uint(struct strict_reader *reader, struct strict_name name, uint64_t *value);

/*@ requires reads(reader) && \valid(value) && \separated(value, reader, reader->result);
    requires \separated(value, reader->pos + (0 .. reader->end - reader->pos - 1));
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure, *value;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos); */
int strict_bool(struct strict_reader *reader, struct strict_name name, bool *value);

/*@ requires reads(reader) && \valid(value) && \separated(value, reader, reader->result);
    requires \separated(value, reader->pos + (0 .. reader->end - reader->pos - 1));
    requires type == ITEM_BYTES || type == ITEM_TEXT;
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure, *value;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos);
    ensures string: \result == 0 ==> min <= value->len <= max &&
      \valid_read(value->bytes + (0 .. value->len - 1)); */
static int string_item(struct strict_reader *reader, struct strict_name name, enum item_type type,
		       size_t min, size_t max, struct span *value);

/*@ requires reads(reader) && \valid(value) && \separated(value, reader, reader->result);
    requires \separated(value, reader->pos + (0 .. reader->end - reader->pos - 1));
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure, *value;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos);
    ensures string: \result == 0 ==> min <= value->len <= max &&
      \valid_read(value->bytes + (0 .. value->len - 1)); */
int strict_bytes(struct strict_reader *reader, struct strict_name name, size_t min, size_t max,
		 struct span *value);

/*@ requires reads(reader) && \valid(value) && \separated(value, reader, reader->result);
    requires \separated(value, reader->pos + (0 .. reader->end - reader->pos - 1));
    assigns reader->pos, reader->result->status, reader->result->failures, reader->result->failure, *value;
    ensures reads(reader);
    ensures refused: \result != 0 ==> reader->pos == \old(reader->pos);
    ensures string: \result == 0 ==> min <= value->len <= max &&
      \valid_read(value->bytes + (0 .. value->len - 1)); */
int strict_text(struct strict_reader *reader, struct strict_name name, size_t min, size_t max,
		 struct span *value);

/*@ requires n == 0 || (\valid_read((uint8_t *)a + (0 .. n - 1)) && \valid_read((uint8_t *)b + (0 .. n - 1)));
    assigns \nothing; */
int prove_memcmp(const uint8_t *a, const uint8_t *b, size_t n);
#define memcmp prove_memcmp

#include "../../userspace/libcloister-verify/strict_cbor.c"
