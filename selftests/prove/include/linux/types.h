/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The types of the kernel's public headers. */
#ifndef CLOISTER_PROVE_TYPES_H
#define CLOISTER_PROVE_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#endif
