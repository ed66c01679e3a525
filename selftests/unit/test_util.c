// SPDX-License-Identifier: Apache-2.0
/* Small helpers: byte order, comparison of secrets. */
#include "unit.h"

static void little_endian(void **state)
{
	u8 out[10] = { [8] = 0xaa, [9] = 0xaa };

	(void)state;
	put_le64(out, 0x0102030405060708ull);
	assert_bytes(out, "0807060504030201aaaa");
	put_le32(out, 0xfffefdfcu);
	assert_bytes(out, "fcfdfeff04030201aaaa");
}

static void equality(void **state)
{
	u8 a[48], b[48];
	size_t bit;

	(void)state;
	memset(a, 0x3c, sizeof(a));
	memset(b, 0x3c, sizeof(b));
	assert_true(equal_constant_time(a, b, sizeof(a)));
	assert_true(equal_constant_time(a, b, 0));
	for (bit = 0; bit < 8 * sizeof(b); bit++) {
		b[bit / 8] ^= 1u << bit % 8;
		assert_false(equal_constant_time(a, b, sizeof(a)));
		assert_true(equal_constant_time(a, b, bit / 8));
		b[bit / 8] ^= 1u << bit % 8;
	}
}

static void zeroness(void **state)
{
	u8 a[48] = { 0 };
	size_t bit;

	(void)state;
	assert_true(all_zero(a, sizeof(a)));
	for (bit = 0; bit < 8 * sizeof(a); bit++) {
		a[bit / 8] = 1u << bit % 8;
		assert_false(all_zero(a, sizeof(a)));
		a[bit / 8] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_endian),
		cmocka_unit_test(equality),
		cmocka_unit_test(zeroness),
	};

	return RUN_TESTS(tests);
}
