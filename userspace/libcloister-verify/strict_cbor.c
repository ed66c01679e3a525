// SPDX-License-Identifier: Apache-2.0
/* Reading deterministic CBOR; see strict_cbor.h. */
#include "strict_cbor.h"

#include "cbor_item.h"

#include <string.h>

static size_t shortest_head(uint64_t number)
{
	if (number < 24)
		return 1;
	if (number <= UINT8_MAX)
		return 2;
	if (number <= UINT16_MAX)
		return 3;
	return number <= UINT32_MAX ? 5 : 9;
}

/* Fail with where it is in the quote. */
static int refuse(const struct strict_reader *reader, struct strict_name name,
		  const char *expected, const char *got)
{
	size_t offset = (size_t)(reader->pos - reader->result->quote);

	return result_fail(reader->result, name.code, name.check,
			   phrase("%s at byte %zu (%s)", expected, offset, reader->what).text,
			   got, NULL);
}

static const struct strict_name encoding = { CLOISTER_VERIFY_EENCODING, "encoding" };

/*
 * On failure the reader stays before the item. The words of a failure are made only when
 * there is one: making them takes longer than reading the item.
 */
static int next_item(struct strict_reader *reader, struct item *item)
{
	size_t left = (size_t)(reader->end - reader->pos);
	enum item_outcome outcome;
	size_t head, length, taken;

	outcome = item_decode(reader->pos, left, item, &taken);
	if (outcome == ITEM_CUT)
		return refuse(reader, encoding, "a whole item",
			      phrase("the end after %zu bytes", left).text);
	if (outcome != ITEM_DECODED || item->type == ITEM_OTHER)
		return refuse(reader, encoding, "a deterministically encoded item", item->name);
	head = item->type == ITEM_BOOL ? 1 : shortest_head(item->number);
	length = item->type == ITEM_BYTES || item->type == ITEM_TEXT ? item->number : 0;
	/* The decoder is not trusted with the bounds: what it says must fit what there is. */
	if (taken > left || length > taken)
		return refuse(reader, encoding, "an item within its bounds",
			      phrase("one of %zu bytes", taken).text);
	if (taken - length != head)
		return refuse(reader, encoding,
			      phrase("a head of %zu bytes, the shortest form,", head).text,
			      phrase("%zu bytes", taken - length).text);
	item->bytes = reader->pos + head;
	reader->pos += taken;
	return 0;
}

/* An item of one type, whose number is within bounds. */
static int typed_item(struct strict_reader *reader, struct strict_name name, enum item_type type,
		      uint64_t min, uint64_t max, struct item *item)
{
	static const struct {
		const char *name;
		const char *unit;
	} words[] = {
		[ITEM_UINT]	= { "an unsigned integer", NULL },
		[ITEM_BYTES]	= { "a byte string", "bytes" },
		[ITEM_TEXT]	= { "a text string", "bytes" },
		[ITEM_ARRAY]	= { "an array", "items" },
		[ITEM_MAP]	= { "a map", "entries" },
		[ITEM_BOOL]	= { "a bool", NULL },
	};
	const uint8_t *start = reader->pos;
	struct phrase expected;
	int ret;

	ret = next_item(reader, item);
	if (ret)
		return ret;
	if (item->type == type && item->number >= min && item->number <= max)
		return 0;
	reader->pos = start;
	if (!words[type].unit)
		expected = phrase("%s", words[type].name);
	else if (min == max)
		expected = phrase("%s of %llu %s", words[type].name, (unsigned long long)min,
				  words[type].unit);
	else
		expected = phrase("%s of %llu to %llu %s", words[type].name,
				  (unsigned long long)min, (unsigned long long)max,
				  words[type].unit);
	if (item->type != type)
		return refuse(reader, name, expected.text, item->name);
	return refuse(reader, name, expected.text,
		      phrase("%llu", (unsigned long long)item->number).text);
}

void strict_begin(struct strict_reader *reader, struct cloister_result *result, const char *what,
		  struct span contents)
{
	reader->result = result;
	reader->what = what;
	reader->pos = contents.bytes;
	reader->end = contents.bytes + contents.len;
}

int strict_end(struct strict_reader *reader)
{
	if (reader->pos == reader->end)
		return 0;
	return refuse(reader, encoding, "the end",
		      phrase("%zu more bytes", (size_t)(reader->end - reader->pos)).text);
}

bool strict_next_is_array(const struct strict_reader *reader)
{
	return reader->pos < reader->end && *reader->pos >> 5 == 4;
}

/*
 * A tag below 24 is one byte. It is compared here because the libcbor of some distributions
 * (0.8) takes the tags 6 to 20 for errors.
 */
int strict_tag(struct strict_reader *reader, struct strict_name name, unsigned int tag)
{
	struct phrase expected;

	if (reader->pos < reader->end && *reader->pos == (0xc0 | tag)) {
		reader->pos++;
		return 0;
	}
	expected = phrase("the tag %u, 0x%02x,", tag, 0xc0 | tag);
	if (reader->pos == reader->end)
		return refuse(reader, encoding, expected.text, "the end");
	return refuse(reader, name, expected.text, phrase("0x%02x", *reader->pos).text);
}

int strict_array(struct strict_reader *reader, struct strict_name name, uint64_t min, uint64_t max,
		 uint64_t *count)
{
	struct item item;
	int ret;

	ret = typed_item(reader, name, ITEM_ARRAY, min, max, &item);
	if (!ret)
		*count = item.number;
	return ret;
}

int strict_map(struct strict_reader *reader, struct strict_name name, uint64_t min, uint64_t max,
	       struct strict_map *map)
{
	struct item item;
	int ret;

	ret = typed_item(reader, name, ITEM_MAP, min, max, &item);
	if (!ret) {
		map->left = item.number;
		map->last_key.bytes = NULL;
		map->last_key.len = 0;
	}
	return ret;
}

/* An integer of either sign that fits int64_t, as all labels and algorithms do. */
int strict_int(struct strict_reader *reader, struct strict_name name, int64_t *value)
{
	const uint8_t *start = reader->pos;
	struct item item;
	int ret;

	ret = next_item(reader, &item);
	if (ret)
		return ret;
	if (item.type == ITEM_UINT && item.number <= INT64_MAX) {
		*value = (int64_t)item.number;
		return 0;
	}
	if (item.type == ITEM_NEGATIVE && item.number <= INT64_MAX) {
		*value = -1 - (int64_t)item.number;
		return 0;
	}
	reader->pos = start;
	if (item.type == ITEM_UINT || item.type == ITEM_NEGATIVE)
		return refuse(reader, name, "an integer of at most 63 bits", "a greater one");
	return refuse(reader, name, "an integer", item.name);
}

/* Bytewise order of the encodings, as RFC 8949 section 4.2.1 has it. */
static int compare_keys(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.bytes, b.bytes, len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

int strict_key(struct strict_reader *reader, struct strict_map *map, int64_t *key)
{
	static const struct strict_name name = { CLOISTER_VERIFY_EENCODING, "key of a map" };
	const uint8_t *start = reader->pos;
	struct span encoded;
	int order;
	int ret;

	ret = strict_int(reader, name, key);
	if (ret)
		return ret;
	encoded = (struct span){ start, (size_t)(reader->pos - start) };
	order = map->last_key.len ? compare_keys(map->last_key, encoded) : -1;
	map->last_key = encoded;
	map->left--;
	if (order < 0)
		return 0;
	reader->pos = start;
	if (!order)
		return refuse(reader, encoding, "each key of a map once",
			      phrase("the key %lld again", (long long)*key).text);
	return refuse(reader, encoding, "the keys of a map in ascending order",
		      phrase("the key %lld after a greater one", (long long)*key).text);
}

int strict_uint(struct strict_reader *reader, struct strict_name name, uint64_t *value)
{
	struct item item;
	int ret;

	ret = typed_item(reader, name, ITEM_UINT, 0, UINT64_MAX, &item);
	if (!ret)
		*value = item.number;
	return ret;
}

int strict_bool(struct strict_reader *reader, struct strict_name name, bool *value)
{
	struct item item;
	int ret;

	ret = typed_item(reader, name, ITEM_BOOL, 0, 1, &item);
	if (!ret)
		*value = item.number;
	return ret;
}

static int string_item(struct strict_reader *reader, struct strict_name name, enum item_type type,
		       size_t min, size_t max, struct span *value)
{
	struct item item;
	int ret;

	ret = typed_item(reader, name, type, min, max, &item);
	if (!ret) {
		value->bytes = item.bytes;
		value->len = item.number;
	}
	return ret;
}

int strict_bytes(struct strict_reader *reader, struct strict_name name, size_t min, size_t max,
		 struct span *value)
{
	return string_item(reader, name, ITEM_BYTES, min, max, value);
}

int strict_text(struct strict_reader *reader, struct strict_name name, size_t min, size_t max,
		struct span *value)
{
	return string_item(reader, name, ITEM_TEXT, min, max, value);
}
