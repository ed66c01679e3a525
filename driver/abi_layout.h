/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ABI's golden layout: what is published never changes. A structure grows at its end only,
 * and its first published length stays what get_abi_struct() is asked for. The driver is compiled
 * with it, and `make lint` compiles it as user space of 32 and of 64 bits.
 */
#ifndef CLOISTER_ABI_LAYOUT_H
#define CLOISTER_ABI_LAYOUT_H

#include <linux/cloister.h>

#define LAYOUT(type, bytes)		\
	_Static_assert(sizeof(struct type) == (bytes), #type)
#define FIELD(type, field, offset)	\
	_Static_assert(__builtin_offsetof(struct type, field) == (offset), #type "." #field)
#define NUMBER(ioctl, value)		\
	_Static_assert((ioctl) == (value), #ioctl)

LAYOUT(cloister_get_info, 184);
FIELD(cloister_get_info, create_flags, 16);
FIELD(cloister_get_info, posture, 80);
FIELD(cloister_get_info, instance_id, 88);
FIELD(cloister_get_info, user_regions, 152);
FIELD(cloister_get_info, user_resident, 160);
FIELD(cloister_get_info, reserved, 176);
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
FIELD(cloister_stats, pinned, 120);
FIELD(cloister_stats, reserved, 128);
LAYOUT(cloister_provision, 432);
FIELD(cloister_provision, cdi_attest, 16);
FIELD(cloister_provision, ueid, 160);
FIELD(cloister_provision, public_es256, 200);
FIELD(cloister_provision, reserved, 400);
LAYOUT(cloister_set_chain, 40);
FIELD(cloister_set_chain, certs, 32);

NUMBER(CLOISTER_GET_INFO, 0xc0b8e710u);
NUMBER(CLOISTER_CREATE, 0xc030e711u);
NUMBER(CLOISTER_PROVISION, 0xc1b0e712u);
NUMBER(CLOISTER_SET_CHAIN, 0xc028e713u);
NUMBER(CLOISTER_ADD_PAGES, 0xc030e720u);
NUMBER(CLOISTER_INIT, 0xc038e721u);
NUMBER(CLOISTER_SEAL, 0xc020e722u);
NUMBER(CLOISTER_REMOVE_PAGES, 0xc020e723u);
NUMBER(CLOISTER_QUOTE, 0xc0a8e724u);
NUMBER(CLOISTER_STATS, 0xc098e725u);

#undef LAYOUT
#undef FIELD
#undef NUMBER

#endif /* CLOISTER_ABI_LAYOUT_H */
