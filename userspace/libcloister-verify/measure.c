// SPDX-License-Identifier: Apache-2.0
/* Measurements, as Documentation/measurement.rst specifies them. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREATE_RECORD_LEN	64
#define PAGE_RECORD_LEN		32
#define FINALIZE_RECORD_LEN	32
#define CLASS_PINNED		1
#define KNOWN_PERMISSIONS	(CLOISTER_PERM_READ | CLOISTER_PERM_WRITE | CLOISTER_PERM_EXEC)

/* Read this much of a file at a time: large enough to make a call's cost vanish. */
#define FILE_STEP		((size_t)1 << 20)

/**
 * struct cloister_measure - a measurement under way
 * @region_size: bytes
 * @pages: page records so far
 * @final: cloister_measure_final() was called
 * @md: SHA-384
 * @digest: its state
 */
struct cloister_measure {
	uint64_t region_size;
	uint64_t pages;
	bool final;
	EVP_MD *md;
	EVP_MD_CTX *digest;
};

static void put_le64(uint8_t *p, uint64_t value)
{
	int i;

	for (i = 0; i < 8; i++)
		p[i] = value >> (8 * i) & 0xff;
}

static int hash(struct cloister_measure *measure, const void *data, size_t len,
		struct cloister_verify_error *error)
{
	if (EVP_DigestUpdate(measure->digest, data, len))
		return 0;
	/* The stream is torn: nothing may be added to it any more. */
	measure->final = true;
	return error_set(error, CLOISTER_VERIFY_ECRYPTO, "OpenSSL failed to hash %zu bytes.", len);
}

static int check_region(uint64_t size, uint64_t flags, struct cloister_verify_error *error)
{
	if (!size || size % CLOISTER_PAGE_SIZE || size > REGION_SIZE_MAX)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "A region has a multiple of %d bytes up to %llu, and %llu is none.",
				 CLOISTER_PAGE_SIZE, REGION_SIZE_MAX, (unsigned long long)size);
	if (flags & ~KNOWN_CREATE_FLAGS)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The creation flags 0x%llx have bits besides 0x%llx.",
				 (unsigned long long)flags,
				 (unsigned long long)KNOWN_CREATE_FLAGS);
	return 0;
}

static int add_create_record(struct cloister_measure *measure, uint64_t flags,
			     struct cloister_verify_error *error)
{
	uint8_t record[CREATE_RECORD_LEN] = "cloister-meas-v1";

	put_le64(record + 16, measure->region_size);
	put_le64(record + 24, flags);
	return hash(measure, record, sizeof(record), error);
}

PUBLIC int cloister_measure_begin(struct cloister_measure **measure, uint64_t region_size,
				  uint64_t flags, struct cloister_verify_error *error)
{
	struct cloister_measure *m;
	int ret;

	if (!measure)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The place for the measurement's handle is NULL; pass an address.");
	*measure = NULL;
	ret = check_region(region_size, flags, error);
	if (ret)
		return ret;
	m = calloc(1, sizeof(*m));
	if (!m)
		return error_set(error, CLOISTER_VERIFY_EMEMORY, "Out of memory for a measurement.");
	m->region_size = region_size;
	m->md = EVP_MD_fetch(NULL, "SHA2-384", NULL);
	m->digest = EVP_MD_CTX_new();
	if (!m->md || !m->digest || !EVP_DigestInit_ex2(m->digest, m->md, NULL))
		ret = error_set(error, CLOISTER_VERIFY_ECRYPTO,
				"OpenSSL could not be set up: it lacks memory or SHA-384.");
	if (!ret)
		ret = add_create_record(m, flags, error);
	if (ret) {
		cloister_measure_free(m);
		return ret;
	}
	*measure = m;
	return error_clear(error);
}

PUBLIC void cloister_measure_free(struct cloister_measure *measure)
{
	if (!measure)
		return;
	EVP_MD_CTX_free(measure->digest);
	EVP_MD_free(measure->md);
	free(measure);
}

/* The tag of a kind of page, pinned or not; NULL where it is none. */
static const char *kind_name(int kind)
{
	switch (kind & ~CLOISTER_MEASURE_PINNED) {
	case CLOISTER_MEASURE_DATA:
		return "pagedata";
	case CLOISTER_MEASURE_ATTRIBUTES:
		return "pageattr";
	case CLOISTER_MEASURE_ZERO:
		return "pagezero";
	default:
		return NULL;
	}
}

static int check_page(const struct cloister_measure *measure, enum cloister_measure_kind kind,
		      uint64_t offset, uint32_t permissions, const void *data,
		      struct cloister_verify_error *error)
{
	const uint32_t write_exec = CLOISTER_PERM_WRITE | CLOISTER_PERM_EXEC;

	if (!measure || measure->final)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The measurement is NULL or finished; begin a new one.");
	if (!kind_name(kind))
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "%d is no kind of page; pass one of CLOISTER_MEASURE_*.", kind);
	if (offset % CLOISTER_PAGE_SIZE || offset >= measure->region_size)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The offset %llu is no page's in a region of %llu bytes.",
				 (unsigned long long)offset,
				 (unsigned long long)measure->region_size);
	if (permissions & ~KNOWN_PERMISSIONS || !(permissions & CLOISTER_PERM_READ) ||
	    (permissions & write_exec) == write_exec)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The permissions 0x%x are refused: READ is required, WRITE and EXEC exclude each other.",
				 permissions);
	if (!data != ((kind & ~CLOISTER_MEASURE_PINNED) != CLOISTER_MEASURE_DATA))
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "Contents are given for a page of measured data, and for no other.");
	return 0;
}

static int add_page(struct cloister_measure *measure, enum cloister_measure_kind kind,
		    uint64_t offset, uint32_t permissions, const void *data,
		    struct cloister_verify_error *error)
{
	uint64_t class = kind & CLOISTER_MEASURE_PINNED ? CLASS_PINNED : 0;
	uint8_t record[PAGE_RECORD_LEN] = { 0 };
	int ret;

	memcpy(record, kind_name(kind), 8);
	put_le64(record + 8, offset);
	/* 32 bits of permissions, then 32 bits of class. */
	put_le64(record + 16, permissions | class << 32);
	ret = hash(measure, record, sizeof(record), error);
	if (!ret && data)
		ret = hash(measure, data, CLOISTER_PAGE_SIZE, error);
	if (!ret)
		measure->pages++;
	return ret;
}

PUBLIC int cloister_measure_page(struct cloister_measure *measure, enum cloister_measure_kind kind,
				 uint64_t offset, uint32_t permissions, const void *data,
				 struct cloister_verify_error *error)
{
	int ret = check_page(measure, kind, offset, permissions, data, error);

	if (!ret)
		ret = add_page(measure, kind, offset, permissions, data, error);
	return ret ? ret : error_clear(error);
}

PUBLIC int cloister_measure_final(struct cloister_measure *measure,
				  uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN],
				  struct cloister_verify_error *error)
{
	uint8_t record[FINALIZE_RECORD_LEN] = "finalize";
	int ret;

	if (!measure || measure->final || !digest)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The measurement is NULL or finished, or there is no place for the digest.");
	put_le64(record + 8, measure->pages);
	ret = hash(measure, record, sizeof(record), error);
	if (ret)
		return ret;
	measure->final = true;
	if (!EVP_DigestFinal_ex(measure->digest, digest, NULL))
		return error_set(error, CLOISTER_VERIFY_ECRYPTO,
				 "OpenSSL failed to finish the hash.");
	return error_clear(error);
}

/**
 * struct file_work - what measuring a file needs while it lasts
 * @path: for sentences
 * @file: the file
 * @size: its length when it was opened
 * @permissions: of every page
 * @create_flags: of the region: CLOISTER_CREATE_*
 * @buffer: %FILE_STEP bytes
 * @measure: the measurement
 */
struct file_work {
	const char *path;
	int file;
	uint64_t size;
	uint32_t permissions;
	uint32_t create_flags;
	uint8_t *buffer;
	struct cloister_measure *measure;
};

/* Fill the buffer with the file's bytes from @offset, and its last page up with zero. */
static int read_step(struct file_work *work, uint64_t offset, size_t *filled,
		     struct cloister_verify_error *error)
{
	size_t want = work->size - offset < FILE_STEP ? work->size - offset : FILE_STEP;
	size_t have = 0;
	ssize_t got;

	while (have < want) {
		got = read(work->file, work->buffer + have, want - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(error, CLOISTER_VERIFY_EFILE, "Can't read %s: %s.",
					 work->path, strerror(errno));
		if (!got)
			return error_set(error, CLOISTER_VERIFY_EFILE,
					 "%s became shorter while it was measured; measure it again.",
					 work->path);
		have += got;
	}
	*filled = (want + CLOISTER_PAGE_SIZE - 1) / CLOISTER_PAGE_SIZE * CLOISTER_PAGE_SIZE;
	memset(work->buffer + want, 0, *filled - want);
	return 0;
}

static int measure_steps(struct file_work *work, cloister_measure_progress progress, void *arg,
			 struct cloister_verify_error *error)
{
	uint64_t total = work->measure->region_size;
	uint64_t offset = 0;
	size_t filled = 0;
	size_t at;
	int ret;

	while (offset < total) {
		ret = read_step(work, offset, &filled, error);
		if (ret)
			return ret;
		for (at = 0; at < filled; at += CLOISTER_PAGE_SIZE) {
			ret = add_page(work->measure, CLOISTER_MEASURE_DATA, offset + at,
				       work->permissions, work->buffer + at, error);
			if (ret)
				return ret;
		}
		offset += filled;
		if (progress && progress(offset, total, arg))
			return error_set(error, CLOISTER_VERIFY_EARGUMENT,
					 "The measurement of %s was stopped after %llu of %llu bytes.",
					 work->path, (unsigned long long)offset,
					 (unsigned long long)total);
	}
	return 0;
}

static int open_file(struct file_work *work, struct cloister_verify_error *error)
{
	struct stat status;

	/* A FIFO must not make the call wait for a writer: it is refused below. */
	work->file = open(work->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (work->file < 0 || fstat(work->file, &status))
		return error_set(error, CLOISTER_VERIFY_EFILE, "Can't open %s: %s.", work->path,
				 strerror(errno));
	if (!S_ISREG(status.st_mode))
		return error_set(error, CLOISTER_VERIFY_EFILE,
				 "%s is not a regular file, and only those can be measured.",
				 work->path);
	if (!status.st_size || (uint64_t)status.st_size > REGION_SIZE_MAX)
		return error_set(error, CLOISTER_VERIFY_EFILE,
				 "%s has %lld bytes; a protected file has 1 to %llu.", work->path,
				 (long long)status.st_size, REGION_SIZE_MAX);
	work->size = status.st_size;
	return 0;
}

static int measure_open_file(struct file_work *work, cloister_measure_progress progress, void *arg,
			     uint8_t *digest, struct cloister_verify_error *error)
{
	uint64_t pages = (work->size + CLOISTER_PAGE_SIZE - 1) / CLOISTER_PAGE_SIZE;
	int ret;

	work->buffer = malloc(FILE_STEP);
	if (!work->buffer)
		return error_set(error, CLOISTER_VERIFY_EMEMORY, "Out of memory to read %s.",
				 work->path);
	ret = cloister_measure_begin(&work->measure, pages * CLOISTER_PAGE_SIZE,
				     work->create_flags, error);
	if (!ret)
		ret = measure_steps(work, progress, arg, error);
	if (!ret)
		ret = cloister_measure_final(work->measure, digest, error);
	return ret;
}

PUBLIC int cloister_measure_file(const char *path, unsigned int flags,
				 cloister_measure_progress progress, void *arg,
				 uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN], uint64_t *region_size,
				 struct cloister_verify_error *error)
{
	struct file_work work = {
		.path = path,
		.file = -1,
		.permissions = CLOISTER_PERM_READ,
		.create_flags = CLOISTER_CREATE_SHAREABLE,
	};
	int ret;

	if (!path || !digest)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The path or the place for the digest is NULL; pass both.");
	if (flags & ~(CLOISTER_MEASURE_WRITABLE | CLOISTER_MEASURE_DEBUG))
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "0x%x has flags that are none of CLOISTER_MEASURE_*.", flags);
	if (flags & CLOISTER_MEASURE_WRITABLE)
		work.permissions |= CLOISTER_PERM_WRITE;
	if (flags & CLOISTER_MEASURE_DEBUG)
		work.create_flags |= CLOISTER_CREATE_DEBUG;
	ret = open_file(&work, error);
	if (!ret)
		ret = measure_open_file(&work, progress, arg, digest, error);
	if (!ret && region_size)
		*region_size = work.measure->region_size;
	cloister_measure_free(work.measure);
	/* The file may be what is to be protected: leave no copy behind. */
	if (work.buffer)
		OPENSSL_cleanse(work.buffer, FILE_STEP);
	free(work.buffer);
	if (work.file >= 0)
		close(work.file);
	return ret;
}
