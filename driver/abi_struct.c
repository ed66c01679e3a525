// SPDX-License-Identifier: GPL-2.0-only
/* Structures of the ABI: they say their own size, and grow at their end only. */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "driver.h"

/*
 * The ABI's golden layout: what is published never changes. A structure grows at its end only,
 * and its first published length stays what get_abi_struct() is asked for.
 */
#define LAYOUT(type, bytes)		static_assert(sizeof(struct type) == (bytes))
#define FIELD(type, field, offset)	static_assert(offsetof(struct type, field) == (offset))

LAYOUT(cloister_get_info, 184);
FIELD(cloister_get_info, create_flags, 16);
FIELD(cloister_get_info, posture, 80);
FIELD(cloister_get_info, instance_id, 88);
FIELD(cloister_get_info, reserved, 152);
LAYOUT(cloister_create, 48);
FIELD(cloister_create, region_size, 8);
FIELD(cloister_create, resident_limit, 16);
LAYOUT(cloister_add_pages, 48);
FIELD(cloister_add_pages, source, 24);
FIELD(cloister_add_pages, permissions, 32);
FIELD(cloister_add_pages, done, 40);
LAYOUT(cloister_init, 56);
FIELD(cloister_init, measurement, 8);
LAYOUT(cloister_range, 32);
FIELD(cloister_range, done, 24);
LAYOUT(cloister_quote, 168);
FIELD(cloister_quote, nonce, 16);
FIELD(cloister_quote, report_data, 80);
FIELD(cloister_quote, buffer, 144);
FIELD(cloister_quote, quote_len, 160);
LAYOUT(cloister_stats, 152);
FIELD(cloister_stats, region_id, 8);
FIELD(cloister_stats, quotes, 112);
FIELD(cloister_stats, reserved, 120);
LAYOUT(cloister_provision, 432);
FIELD(cloister_provision, cdi_attest, 16);
FIELD(cloister_provision, ueid, 160);
FIELD(cloister_provision, public_es256, 200);
FIELD(cloister_provision, reserved, 400);
LAYOUT(cloister_set_chain, 40);
FIELD(cloister_set_chain, certs, 32);

/*
 * Read a structure whose first published length is @size. Also shows that it can be written, so
 * that a call that has acted can report: the first failure comes before anything has changed.
 */
int get_abi_struct(struct abi_struct *us, unsigned long address, void *to, size_t size)
{
	void __user *from = (void __user *)address;
	u32 user_size;
	int ret;

	if (get_user(user_size, (u32 __user *)from))
		return -EFAULT;
	if (user_size < size)
		return -EINVAL;
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(to, size, from, user_size);
	if (ret)
		return ret;
	us->address = from;
	us->size = user_size;
	return copy_to_user(from, to, size) ? -EFAULT : 0;
}

int put_abi_struct(const struct abi_struct *us, const void *from, size_t size)
{
	return copy_to_user(us->address, from, min(us->size, size)) ? -EFAULT : 0;
}
