// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Small helpers without state. */
#include "monitor_internal.h"

void put_le32(u8 *out, u32 value)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		out[i] = (u8)(value >> (8 * i));
}

void put_le64(u8 *out, u64 value)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		out[i] = (u8)(value >> (8 * i));
}

bool equal_constant_time(const void *a, const void *b, size_t len)
{
	const volatile u8 *x = a, *y = b;
	u8 difference = 0;
	size_t i;

	for (i = 0; i < len; i++)
		difference |= x[i] ^ y[i];
	return difference == 0;
}

bool all_zero(const void *data, size_t len)
{
	const volatile u8 *p = data;
	u8 any = 0;
	size_t i;

	for (i = 0; i < len; i++)
		any |= p[i];
	return any == 0;
}
