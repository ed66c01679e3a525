// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A writer of deterministic CBOR (RFC 8949, section 4.2.1): shortest heads, definite lengths. The
 * caller orders map keys. It counts on when the buffer is full, so that a first pass can tell the
 * length.
 */
#include "monitor_internal.h"

/* The major type, where it stands in the first byte of a head. */
#define MAJOR_UINT	0x00
#define MAJOR_NINT	0x20
#define MAJOR_BYTES	0x40
#define MAJOR_TEXT	0x60
#define MAJOR_ARRAY	0x80
#define MAJOR_MAP	0xa0
#define MAJOR_TAG	0xc0
#define MAJOR_SIMPLE	0xe0

#define SIZE_LIMIT	((size_t)-1)

#define SIMPLE_FALSE	20
#define SIMPLE_TRUE	21

void cbor_begin(struct cbor_writer *w, u8 *buffer, size_t capacity)
{
	w->buffer = buffer;
	w->capacity = capacity;
	w->length = 0;
}

bool cbor_fits(const struct cbor_writer *w)
{
	return w->length <= w->capacity;
}

static void put(struct cbor_writer *w, const u8 *data, size_t len)
{
	if (len && cbor_fits(w) && len <= w->capacity - w->length)
		memcpy(w->buffer + w->length, data, len);
	/* A length that no buffer has stays one: it must not wrap to one that fits. */
	w->length = len <= SIZE_LIMIT - w->length ? w->length + len : SIZE_LIMIT;
}

/* The head of an item: 1 to 9 bytes. */
static size_t encode_head(u8 bytes[9], u8 major, u64 value)
{
	unsigned int extra, i;
	u8 info;

	if (value < 24) {
		extra = 0;
		info = (u8)value;
	} else if (value <= 0xff) {
		extra = 1;
		info = 24;
	} else if (value <= 0xffff) {
		extra = 2;
		info = 25;
	} else if (value <= 0xffffffffu) {
		extra = 4;
		info = 26;
	} else {
		extra = 8;
		info = 27;
	}
	bytes[0] = (u8)(major | info);
	/*@ loop invariant 0 <= i <= extra <= 8; loop assigns i, bytes[1 .. 8]; */
	for (i = 0; i < extra; i++)
		bytes[1 + i] = (u8)(value >> (8 * (extra - 1 - i)));
	return 1 + extra;
}

static void head(struct cbor_writer *w, u8 major, u64 value)
{
	u8 bytes[9];

	put(w, bytes, encode_head(bytes, major, value));
}

size_t cbor_bytes_head(u8 out[9], size_t len)
{
	return encode_head(out, MAJOR_BYTES, len);
}

void cbor_int(struct cbor_writer *w, long long value)
{
	if (value < 0)
		head(w, MAJOR_NINT, ~(u64)value);
	else
		head(w, MAJOR_UINT, (u64)value);
}

void cbor_uint(struct cbor_writer *w, u64 value)
{
	head(w, MAJOR_UINT, value);
}

void cbor_bytes(struct cbor_writer *w, const u8 *data, size_t len)
{
	head(w, MAJOR_BYTES, len);
	put(w, data, len);
}

void cbor_text(struct cbor_writer *w, const char *text)
{
	size_t len = 0;

	/*@ loop invariant \forall integer i; 0 <= i < len ==> text[i] != 0; loop assigns len; */
	while (text[len])
		len++;
	head(w, MAJOR_TEXT, len);
	put(w, (const u8 *)text, len);
}

void cbor_array(struct cbor_writer *w, size_t items)
{
	head(w, MAJOR_ARRAY, items);
}

void cbor_map(struct cbor_writer *w, size_t pairs)
{
	head(w, MAJOR_MAP, pairs);
}

void cbor_tag(struct cbor_writer *w, u64 tag)
{
	head(w, MAJOR_TAG, tag);
}

void cbor_bool(struct cbor_writer *w, bool value)
{
	head(w, MAJOR_SIMPLE, value ? SIMPLE_TRUE : SIMPLE_FALSE);
}
