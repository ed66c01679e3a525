// SPDX-License-Identifier: GPL-2.0-only
/* Structures of the ABI: they say their own size, and grow at their end only. */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "abi_layout.h"
#include "driver.h"

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
