// SPDX-License-Identifier: Apache-2.0
/* libcbor's decoder of single items; see cbor_item.h. */
#include "cbor_item.h"

#include <cbor.h>

static void take(void *context, enum item_type type, const char *name, uint64_t number)
{
	struct item *item = context;

	item->type = type;
	item->name = name;
	item->number = number;
}

static void take_uint8(void *context, uint8_t value)
{
	take(context, ITEM_UINT, "an unsigned integer", value);
}

static void take_uint16(void *context, uint16_t value)
{
	take(context, ITEM_UINT, "an unsigned integer", value);
}

static void take_uint32(void *context, uint32_t value)
{
	take(context, ITEM_UINT, "an unsigned integer", value);
}

static void take_uint64(void *context, uint64_t value)
{
	take(context, ITEM_UINT, "an unsigned integer", value);
}

static void take_negint8(void *context, uint8_t value)
{
	take(context, ITEM_NEGATIVE, "a negative integer", value);
}

static void take_negint16(void *context, uint16_t value)
{
	take(context, ITEM_NEGATIVE, "a negative integer", value);
}

static void take_negint32(void *context, uint32_t value)
{
	take(context, ITEM_NEGATIVE, "a negative integer", value);
}

static void take_negint64(void *context, uint64_t value)
{
	take(context, ITEM_NEGATIVE, "a negative integer", value);
}

static void take_bytes(void *context, cbor_data data, size_t len)
{
	(void)data;
	take(context, ITEM_BYTES, "a byte string", len);
}

static void take_text(void *context, cbor_data data, size_t len)
{
	(void)data;
	take(context, ITEM_TEXT, "a text string", len);
}

static void take_array(void *context, size_t count)
{
	take(context, ITEM_ARRAY, "an array", count);
}

static void take_map(void *context, size_t count)
{
	take(context, ITEM_MAP, "a map", count);
}

static void take_tag(void *context, uint64_t tag)
{
	take(context, ITEM_TAG, "a tag", tag);
}

static void take_bool(void *context, bool value)
{
	take(context, ITEM_BOOL, "a bool", value);
}

static void take_indefinite_bytes(void *context)
{
	take(context, ITEM_OTHER, "a byte string of indefinite length", 0);
}

static void take_indefinite_text(void *context)
{
	take(context, ITEM_OTHER, "a text string of indefinite length", 0);
}

static void take_indefinite_array(void *context)
{
	take(context, ITEM_OTHER, "an array of indefinite length", 0);
}

static void take_indefinite_map(void *context)
{
	take(context, ITEM_OTHER, "a map of indefinite length", 0);
}

static void take_float(void *context, float value)
{
	(void)value;
	take(context, ITEM_OTHER, "a floating-point number", 0);
}

static void take_double(void *context, double value)
{
	(void)value;
	take(context, ITEM_OTHER, "a floating-point number", 0);
}

static void take_simple(void *context)
{
	take(context, ITEM_OTHER, "null or undefined", 0);
}

static void take_break(void *context)
{
	take(context, ITEM_OTHER, "a break", 0);
}

static const struct cbor_callbacks item_callbacks = {
	.uint8 = take_uint8,
	.uint16 = take_uint16,
	.uint32 = take_uint32,
	.uint64 = take_uint64,
	.negint8 = take_negint8,
	.negint16 = take_negint16,
	.negint32 = take_negint32,
	.negint64 = take_negint64,
	.byte_string_start = take_indefinite_bytes,
	.byte_string = take_bytes,
	.string_start = take_indefinite_text,
	.string = take_text,
	.indef_array_start = take_indefinite_array,
	.array_start = take_array,
	.indef_map_start = take_indefinite_map,
	.map_start = take_map,
	.tag = take_tag,
	.float2 = take_float,
	.float4 = take_float,
	.float8 = take_double,
	.undefined = take_simple,
	.null = take_simple,
	.boolean = take_bool,
	.indef_break = take_break,
};

enum item_outcome item_decode(const uint8_t *bytes, size_t len, struct item *item, size_t *taken)
{
	struct cbor_decoder_result decoded;

	*item = (struct item){ .type = ITEM_OTHER, .name = "an item of a reserved form" };
	decoded = cbor_stream_decode(bytes, len, &item_callbacks, item);
	*taken = decoded.read;
	if (decoded.status == CBOR_DECODER_FINISHED)
		return ITEM_DECODED;
	return decoded.status == CBOR_DECODER_NEDATA ? ITEM_CUT : ITEM_MALFORMED;
}
