// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Start and end of the kernel platform. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/random.h>

#include "kernel_internal.h"
#include "platform_kernel.h"

const char plat_mode_name[] = "kernel";

int plat_kernel_init(void)
{
	int err = wait_for_random_bytes();

	if (err) {
		pr_err("interrupted while waiting for the random number generator's seed\n");
		return err;
	}
	err = plat_crypto_init();
	if (err)
		return err;
	err = plat_crypto_selftest();
	if (err)
		plat_crypto_exit();
	return err;
}

void plat_kernel_exit(void)
{
	plat_crypto_exit();
	plat_memory_exit();
}
