// SPDX-License-Identifier: Apache-2.0
/* From a file to a region, in the one way that the measurement specification names. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* Large enough that calls cost nothing, small enough for steady progress. */
#define STEP_LEN	((size_t)1 << 20)

int source_open(char *sentence, const char *path, struct source_file *source)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	int error = 0;

	if (fd < 0 || fstat(fd, &status)) {
		error = errno;
		if (fd >= 0)
			close(fd);
		return sentence_set(sentence, CLOISTER_LAYER_IO, error,
				    "can't read %s: %s; check the path and its permissions", path,
				    strerror(error));
	}
	if (S_ISREG(status.st_mode) && status.st_size > 0) {
		source->fd = fd;
		source->size = (uint64_t)status.st_size;
		return 0;
	}
	close(fd);
	if (S_ISREG(status.st_mode))
		return sentence_set(sentence, CLOISTER_LAYER_IO, EINVAL,
				    "%s is empty; an empty file can't be protected", path);
	return sentence_set(sentence, CLOISTER_LAYER_IO, S_ISDIR(status.st_mode) ? EISDIR : EINVAL,
			    "%s is not a regular file; only regular files can be protected", path);
}

/* Fills @buffer from @offset of the file; -errno, -EIO when the file ends early. */
static int read_fully(int fd, uint8_t *buffer, size_t length, uint64_t offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t got = pread(fd, buffer + done, length - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -EIO;
		done += (size_t)got;
	}
	return 0;
}

/* Adds the bytes of the file from @at, at most STEP_LEN; how many in @taken. */
static int add_step(struct cloister_region *region, uint64_t base, const char *path,
		    const struct source_file *source, uint64_t at, uint32_t permissions,
		    uint8_t *buffer, size_t *taken)
{
	uint64_t left = source->size - at;
	size_t length = left < STEP_LEN ? (size_t)left : STEP_LEN;
	size_t padded = (length + PAGE_MASK_) & ~(size_t)PAGE_MASK_;
	int result;

	result = read_fully(source->fd, buffer, length, at);
	if (result < 0)
		return sentence_set(region->sentence, CLOISTER_LAYER_IO, -result,
				    "can't read %s at byte %llu: %s", path,
				    (unsigned long long)at,
				    result == -EIO ? "it ends there, or the disk fails; was it "
				    "being changed?" : strerror(-result));
	memset(buffer + length, 0, padded - length);
	*taken = length;
	return cloister_region_add(region, CLOISTER_ADD_MEASURED, base + at, buffer, padded,
				   permissions, NULL);
}

int source_add(struct cloister_region *region, uint64_t offset, const char *path,
	       const struct source_file *source, uint32_t flags,
	       cloister_progress_fn progress, void *context)
{
	uint32_t permissions = CLOISTER_PERM_READ;
	uint8_t *buffer = NULL;
	uint64_t at = 0;
	int result = 0;

	if (flags & CLOISTER_FILE_WRITABLE)
		permissions |= CLOISTER_PERM_WRITE;
	if (posix_memalign((void **)&buffer, CLOISTER_PAGE_SIZE, STEP_LEN))
		return sentence_set(region->sentence, CLOISTER_LAYER_SYSTEM, ENOMEM,
				    "no memory for a buffer of %zu bytes", STEP_LEN);
	while (at < source->size) {
		size_t taken = 0;

		result = add_step(region, offset, path, source, at, permissions, buffer, &taken);
		if (result)
			break;
		at += taken;
		if (progress && progress(context, at, source->size)) {
			result = sentence_set(region->sentence, CLOISTER_LAYER_CANCELLED,
					      ECANCELED, "stopped on request after %llu bytes",
					      (unsigned long long)at);
			break;
		}
	}
	/* The buffer held what is to be protected. */
	explicit_bzero(buffer, STEP_LEN);
	free(buffer);
	return result;
}

int cloister_region_add_file(struct cloister_region *region, uint64_t offset,
			     const char *path, uint32_t flags,
			     cloister_progress_fn progress, void *context,
			     uint64_t *file_size)
{
	struct source_file source;
	int result;

	if (flags & ~CLOISTER_FILE_WRITABLE)
		return sentence_set(region->sentence, CLOISTER_LAYER_ARGUMENT, EINVAL,
				    "unknown flags 0x%x for a file", flags);
	result = source_open(region->sentence, path, &source);
	if (result)
		return result;
	result = source_add(region, offset, path, &source, flags, progress, context);
	close(source.fd);
	if (!result && file_size)
		*file_size = source.size;
	return result;
}

static int build_from_source(struct cloister_device *device, const char *path,
			     const struct source_file *source, uint32_t flags,
			     uint64_t resident_limit, cloister_progress_fn progress,
			     void *context, struct cloister_file_region *made)
{
	uint64_t size = (source->size + PAGE_MASK_) & ~PAGE_MASK_;
	uint32_t create = CLOISTER_CREATE_SHAREABLE;
	int result;

	if (flags & CLOISTER_FILE_DEBUG)
		create |= CLOISTER_CREATE_DEBUG;
	result = cloister_region_create(device, create, size, resident_limit, &made->region);
	if (result)
		return result;
	result = source_add(made->region, 0, path, source, flags, progress, context);
	if (!result)
		result = cloister_region_init(made->region, made->measurement);
	if (result) {
		/* The region goes, its sentence stays with the device. */
		memcpy(device->sentence, made->region->sentence, SENTENCE_LEN);
		cloister_region_close(made->region);
		return result;
	}
	made->file_size = source->size;
	return 0;
}

int cloister_region_from_file(struct cloister_device *device, const char *path,
			      uint32_t flags, uint64_t resident_limit,
			      cloister_progress_fn progress, void *context,
			      struct cloister_file_region *result)
{
	struct cloister_file_region made = { 0 };
	struct source_file source;
	int code;

	if (flags & ~(CLOISTER_FILE_WRITABLE | CLOISTER_FILE_DEBUG))
		return sentence_set(device->sentence, CLOISTER_LAYER_ARGUMENT, EINVAL,
				    "unknown flags 0x%x for a file", flags);
	code = source_open(device->sentence, path, &source);
	if (code)
		return code;
	code = build_from_source(device, path, &source, flags, resident_limit, progress,
				 context, &made);
	close(source.fd);
	if (!code)
		*result = made;
	return code;
}
