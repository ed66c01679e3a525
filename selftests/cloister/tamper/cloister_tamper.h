/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Interface of cloister_tamper.ko, a module that only tests load. */
#ifndef CLOISTER_TAMPER_H
#define CLOISTER_TAMPER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define CLOISTER_TAMPER_DEVICE	"/dev/cloister-tamper"

/*
 * Takes a region's descriptor and returns one of its backing store, where the
 * ciphertext of the page at offset n of the region lies at offset n.
 */
#define CLOISTER_TAMPER_BACKING	_IOW(0xE7, 0x80, __s32)

#endif
