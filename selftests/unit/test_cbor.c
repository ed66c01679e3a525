// SPDX-License-Identifier: Apache-2.0
/* The CBOR writer: RFC 8949's examples, heads of every length, small buffers, libcbor. */
#include <cbor.h>

#include "unit.h"

static struct cbor_writer w;
static u8 out[512];

static void begin(void)
{
	memset(out, 0xaa, sizeof(out));
	cbor_begin(&w, out, sizeof(out));
}

static void assert_wrote(const char *hex)
{
	u8 wanted[64];
	size_t len = strlen(hex) / 2;

	unhex(hex, wanted, len);
	assert_true(cbor_fits(&w));
	assert_int_equal(w.length, len);
	assert_memory_equal(out, wanted, len);
	assert_int_equal(out[len], 0xaa);
	begin();
}

/* RFC 8949, appendix A */
static void integers(void **state)
{
	static const struct {
		u64 value;
		const char *hex;
	} cases[] = {
		{ 0, "00" }, { 1, "01" }, { 10, "0a" }, { 23, "17" }, { 24, "1818" },
		{ 25, "1819" }, { 100, "1864" }, { 255, "18ff" }, { 256, "190100" },
		{ 1000, "1903e8" }, { 65535, "19ffff" }, { 65536, "1a00010000" },
		{ 1000000, "1a000f4240" }, { 4294967295, "1affffffff" },
		{ 4294967296, "1b0000000100000000" }, { 1000000000000, "1b000000e8d4a51000" },
		{ 18446744073709551615ull, "1bffffffffffffffff" },
	};
	size_t i;

	(void)state;
	begin();
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cbor_uint(&w, cases[i].value);
		assert_wrote(cases[i].hex);
		if (cases[i].value > INT64_MAX)
			continue;
		cbor_int(&w, (long long)cases[i].value);
		assert_wrote(cases[i].hex);
	}
}

static void negative_integers(void **state)
{
	(void)state;
	begin();
	cbor_int(&w, -1);
	assert_wrote("20");
	cbor_int(&w, -10);
	assert_wrote("29");
	cbor_int(&w, -24);
	assert_wrote("37");
	cbor_int(&w, -25);
	assert_wrote("3818");
	cbor_int(&w, -100);
	assert_wrote("3863");
	cbor_int(&w, -1000);
	assert_wrote("3903e7");
	cbor_int(&w, -70001);
	assert_wrote("3a00011170");
	cbor_int(&w, INT64_MIN);
	assert_wrote("3b7fffffffffffffff");
}

static void strings_and_containers(void **state)
{
	(void)state;
	begin();
	cbor_bytes(&w, NULL, 0);
	assert_wrote("40");
	cbor_bytes(&w, (const u8 *)"\1\2\3\4", 4);
	assert_wrote("4401020304");
	cbor_text(&w, "");
	assert_wrote("60");
	cbor_text(&w, "IETF");
	assert_wrote("6449455446");
	cbor_text(&w, "\"\\");
	assert_wrote("62225c");
	cbor_array(&w, 0);
	assert_wrote("80");
	cbor_array(&w, 25);
	assert_wrote("9819");
	cbor_map(&w, 0);
	assert_wrote("a0");
	cbor_map(&w, 21);
	assert_wrote("b5");
	cbor_bool(&w, false);
	assert_wrote("f4");
	cbor_bool(&w, true);
	assert_wrote("f5");
	cbor_tag(&w, 18);
	assert_wrote("d2");
	cbor_tag(&w, 32);
	assert_wrote("d820");
}

static void write_sample(struct cbor_writer *writer, const u8 *data)
{
	cbor_map(writer, 3);
	cbor_int(writer, 1);
	cbor_bytes(writer, data, 300);
	cbor_int(writer, -70001);
	cbor_text(writer, "text of some length");
	cbor_int(writer, -70002);
	cbor_array(writer, 2);
	cbor_bool(writer, true);
	cbor_uint(writer, ~0ull);
}

/* Every capacity: nothing is written past it, and the length is what it would have been. */
static void too_small(void **state)
{
	u8 whole[512], data[300];
	struct cbor_writer full, cut;
	size_t capacity, i;
	u8 *buffer;

	(void)state;
	memset(data, 0x5c, sizeof(data));
	cbor_begin(&full, whole, sizeof(whole));
	write_sample(&full, data);
	assert_true(cbor_fits(&full));
	cbor_begin(&cut, NULL, 0);
	write_sample(&cut, data);
	assert_int_equal(cut.length, full.length);
	assert_false(cbor_fits(&cut));
	for (capacity = 1; capacity <= full.length; capacity++) {
		buffer = malloc(capacity);	/* its end is watched by the address sanitizer */
		assert_non_null(buffer);
		memset(buffer, 0xaa, capacity);
		cbor_begin(&cut, buffer, capacity);
		write_sample(&cut, data);
		assert_int_equal(cut.length, full.length);
		assert_int_equal(cbor_fits(&cut), capacity == full.length);
		for (i = 0; i < capacity && buffer[i] != 0xaa; i++)
			assert_int_equal(buffer[i], whole[i]);
		free(buffer);
	}
}

static void libcbor_reads_it(void **state)
{
	struct cbor_load_result result;
	struct cbor_pair *pairs;
	u8 data[300] = { 9, 8, 7 };
	cbor_item_t *item;

	(void)state;
	begin();
	write_sample(&w, data);
	item = cbor_load(out, w.length, &result);
	assert_non_null(item);
	assert_int_equal(result.read, w.length);
	assert_true(cbor_isa_map(item));
	assert_int_equal(cbor_map_size(item), 3);
	pairs = cbor_map_handle(item);
	assert_int_equal(cbor_get_int(pairs[0].key), 1);
	assert_int_equal(cbor_bytestring_length(pairs[0].value), 300);
	assert_memory_equal(cbor_bytestring_handle(pairs[0].value), data, 300);
	assert_true(cbor_isa_negint(pairs[1].key));
	assert_int_equal(cbor_get_int(pairs[1].key), 70000);
	assert_int_equal(cbor_string_length(pairs[1].value), 19);
	assert_true(cbor_is_bool(cbor_array_handle(pairs[2].value)[0]));
	assert_true(cbor_get_int(cbor_array_handle(pairs[2].value)[1]) == ~0ull);
	cbor_decref(&item);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(negative_integers),
		cmocka_unit_test(strings_and_containers),
		cmocka_unit_test(too_small),
		cmocka_unit_test(libcbor_reads_it),
	};

	return RUN_TESTS(tests);
}
