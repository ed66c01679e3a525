/* SPDX-License-Identifier: GPL-2.0-only */
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

/**
 * struct cloister_tamper_frame - where the kernel has a page of the caller's
 * @address: in the caller's memory, ordinary or a region's
 * @frame: out: the kernel's address of the same byte
 */
struct cloister_tamper_frame {
	__u64 address;
	__u64 frame;
};

#define CLOISTER_TAMPER_FRAME	_IOWR(0xE7, 0x81, struct cloister_tamper_frame)

/* Takes a region's descriptor and returns how many address spaces it counts pinned pages for. */
#define CLOISTER_TAMPER_PINNERS	_IOW(0xE7, 0x82, __s32)

#endif
