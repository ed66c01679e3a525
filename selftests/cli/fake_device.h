/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that needs no kernel, for the tests of the command line. Regions are memfds, so that
 * they can be passed on; what must outlive a process lies in the directory that
 * CLOISTER_FAKE_STATE names. CLOISTER_FAKE_FAIL="NUMBER:ERRNO" makes the ioctl of that number
 * fail.
 */
#ifndef _SELFTESTS_CLI_FAKE_DEVICE_H
#define _SELFTESTS_CLI_FAKE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/cloister.h>

/* The first page of a region's memfd; the region's pages follow. */
struct fake_region {
	char magic[16];
	uint64_t size;
	uint64_t resident_limit;
	uint64_t added;
	uint64_t quotes;
	uint32_t flags;
	uint32_t state;
	uint32_t permissions;
	uint8_t measurement[CLOISTER_DIGEST_LEN];
};

/* What is kept of PROVISION, as a file. */
struct fake_identity {
	uint8_t instance_id[16];
	uint8_t monitor_digest[CLOISTER_DIGEST_LEN];
	uint8_t ueid[CLOISTER_UEID_LEN];
};

/* Names in the state directory */
#define FAKE_IDENTITY		"identity"
#define FAKE_INSTANCE		"instance"

/* fake_quote.c: both return 0 or a negative errno. */

/* Makes the key of @algorithm and keeps it in directory @dir; its public point goes to @point. */
int fake_key_make(int dir, uint32_t algorithm, uint8_t *point, size_t length);

/* Makes a quote; *@length is what is needed, also with -ENOSPC. */
int fake_quote_make(int dir, const struct fake_identity *identity,
		    const struct fake_region *region, const struct cloister_quote *request,
		    uint8_t *quote, size_t room, size_t *length);

/* Files of @dir, in whole. A length or a negative errno. */
long fake_read(int dir, const char *name, void *bytes, size_t room);
int fake_write(int dir, const char *name, const void *bytes, size_t length);

#endif /* _SELFTESTS_CLI_FAKE_DEVICE_H */
