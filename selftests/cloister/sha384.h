/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SHA-384 through the kernel's hash sockets, and the measurement of a region
 * computed with it from the specification alone, to be compared with the driver's.
 */
#ifndef CLOISTER_SELFTEST_SHA384_H
#define CLOISTER_SELFTEST_SHA384_H

#include <endian.h>
#include <sys/socket.h>
#include <linux/if_alg.h>
#include "region.h"

/* A hash under way, or -errno when the kernel has no hash sockets. */
HELPER int sha384_begin(void)
{
	struct sockaddr_alg name = {
		.salg_family = AF_ALG,
		.salg_type = "hash",
		.salg_name = "sha384",
	};
	int transform, hash;

	transform = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (transform < 0)
		return -errno;
	if (bind(transform, (struct sockaddr *)&name, sizeof(name))) {
		hash = -errno;
	} else {
		hash = accept(transform, NULL, 0);
		if (hash < 0)
			hash = -errno;
	}
	close(transform);
	return hash;
}

HELPER int sha384_add(int hash, const void *data, size_t length)
{
	return send(hash, data, length, MSG_MORE) == (ssize_t)length ? 0 : -EIO;
}

HELPER int sha384_end(int hash, uint8_t digest[CLOISTER_DIGEST_LEN])
{
	int result = send(hash, NULL, 0, 0) == 0 &&
		read(hash, digest, CLOISTER_DIGEST_LEN) == CLOISTER_DIGEST_LEN ? 0 : -EIO;

	close(hash);
	return result;
}

HELPER int sha384(const void *data, size_t length, uint8_t digest[CLOISTER_DIGEST_LEN])
{
	int hash = sha384_begin();

	if (hash < 0)
		return hash;
	if (length && sha384_add(hash, data, length)) {
		close(hash);
		return -EIO;
	}
	return sha384_end(hash, digest);
}

/* The record stream of Documentation/measurement.rst, version 1. */
struct measuring {
	int hash;
	uint64_t pages;
};

struct create_record {
	char tag[16];
	uint64_t region_size;
	uint64_t flags;
	uint8_t zero[32];
};

struct page_record {
	char tag[8];
	uint64_t offset;
	uint32_t permissions;
	uint32_t page_class;
	uint64_t zero;
};

struct finalize_record {
	char tag[8];
	uint64_t pages;
	uint8_t zero[16];
};

HELPER int measuring_begin(struct measuring *m, uint64_t region_size, uint32_t flags)
{
	struct create_record record = {
		.region_size = htole64(region_size),
		.flags = htole64(flags),
	};

	memcpy(record.tag, "cloister-meas-v1", sizeof(record.tag));
	m->pages = 0;
	m->hash = sha384_begin();
	if (m->hash < 0)
		return m->hash;
	return sha384_add(m->hash, &record, sizeof(record));
}

HELPER int measuring_page(struct measuring *m, const char tag[8], uint64_t offset,
			  uint32_t permissions, uint32_t page_class, const void *contents)
{
	struct page_record record = {
		.offset = htole64(offset),
		.permissions = htole32(permissions),
		.page_class = htole32(page_class),
	};
	int result;

	memcpy(record.tag, tag, sizeof(record.tag));
	m->pages++;
	result = sha384_add(m->hash, &record, sizeof(record));
	if (!result && contents)
		result = sha384_add(m->hash, contents, PAGE);
	return result;
}

HELPER int measuring_end(struct measuring *m, uint8_t digest[CLOISTER_DIGEST_LEN])
{
	struct finalize_record record = { .pages = htole64(m->pages) };

	memcpy(record.tag, "finalize", sizeof(record.tag));
	if (sha384_add(m->hash, &record, sizeof(record))) {
		close(m->hash);
		return -EIO;
	}
	return sha384_end(m->hash, digest);
}

#endif
