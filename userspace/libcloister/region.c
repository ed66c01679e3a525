// SPDX-License-Identifier: Apache-2.0
/* The calls on a region. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/cloister_quote.h>

#include "internal.h"

/* Enough for a quote with a short chain: one call in the common case. */
#define QUOTE_FIRST_LEN		4096
/* The chain may be renewed between two calls, but not for ever. */
#define QUOTE_TRIES		4

void cloister_region_close(struct cloister_region *region)
{
	if (!region)
		return;
	region->transport->close(region->context, region->fd);
	free(region);
}

const char *cloister_region_error(const struct cloister_region *region)
{
	return region->sentence;
}

int cloister_region_fd(const struct cloister_region *region)
{
	return region->fd;
}

uint64_t cloister_region_size(const struct cloister_region *region)
{
	return region->size;
}

static int region_ioctl(struct cloister_region *region, unsigned long request, void *argument)
{
	return region->transport->ioctl(region->context, region->fd, request, argument);
}

static int region_call(struct cloister_region *region, unsigned long request, void *argument)
{
	int result = region_ioctl(region, request, argument);

	return result < 0 ? sentence_driver(region->sentence, request, -result) : 0;
}

/*
 * What to do after one step of a range call: 1 to go on with the rest, 0 when all is done,
 * a code when the driver refused or makes no sense.
 */
static int range_step(struct cloister_region *region, unsigned long request, int result,
		      uint64_t step, uint64_t left)
{
	if (step > left)
		return sentence_set(region->sentence, CLOISTER_LAYER_DRIVER, EPROTO,
				    "the driver says it did %llu bytes of %llu; load the matching "
				    "module", (unsigned long long)step, (unsigned long long)left);
	if (result < 0 && result != -EINTR)
		return sentence_driver(region->sentence, request, -result);
	if (!result && !step && left)
		return sentence_set(region->sentence, CLOISTER_LAYER_DRIVER, EPROTO,
				    "the driver made no progress and gave no reason; load the "
				    "matching module");
	return step < left;
}

static int add_pages(struct cloister_region *region, struct cloister_add_pages *request,
		     uint64_t *done)
{
	uint64_t length = request->length;
	uint64_t total = 0;
	int more;

	do {
		int result;

		request->done = 0;
		result = region_ioctl(region, CLOISTER_ADD_PAGES, request);
		more = range_step(region, CLOISTER_ADD_PAGES, result, request->done,
				  request->length);
		if (more < 0 && cloister_code_errno(more) == EPROTO)
			break;
		total += request->done;
		request->offset += request->done;
		request->length = length - total;
		if (request->source)
			request->source += request->done;
	} while (more > 0);
	if (done)
		*done = total;
	return more;
}

int cloister_region_add(struct cloister_region *region, uint32_t flags, uint64_t offset,
			const void *source, uint64_t length, uint32_t permissions,
			uint64_t *done)
{
	struct cloister_add_pages request = {
		.size = sizeof(request),
		.flags = flags,
		.offset = offset,
		.length = length,
		.source = (uintptr_t)source,
		.permissions = permissions,
	};

	if (done)
		*done = 0;
	if (!source != !!(flags & CLOISTER_ADD_ZERO))
		return sentence_set(region->sentence, CLOISTER_LAYER_ARGUMENT, EINVAL,
				    "contents are for pages that are not CLOISTER_ADD_ZERO, and for "
				    "no others");
	return add_pages(region, &request, done);
}

int cloister_region_add_zero(struct cloister_region *region, uint64_t offset,
			     uint64_t length, uint32_t permissions, uint64_t *done)
{
	struct cloister_add_pages request = {
		.size = sizeof(request),
		.flags = CLOISTER_ADD_ZERO,
		.offset = offset,
		.length = length,
		.permissions = permissions,
	};

	return add_pages(region, &request, done);
}

int cloister_region_init(struct cloister_region *region, uint8_t *measurement)
{
	struct cloister_init request = { .size = sizeof(request) };
	int result = region_call(region, CLOISTER_INIT, &request);

	if (!result && measurement)
		memcpy(measurement, request.measurement, CLOISTER_DIGEST_LEN);
	return result;
}

static int range_call(struct cloister_region *region, unsigned long number, uint64_t offset,
		      uint64_t length, uint64_t *done)
{
	struct cloister_range request = { .size = sizeof(request), .offset = offset };
	uint64_t total = 0;
	int more;

	/* Spelled out, so that an interrupted call can go on with the rest. */
	if (!offset && !length)
		length = region->size;
	request.length = length;
	do {
		int result;

		request.done = 0;
		result = region_ioctl(region, number, &request);
		more = range_step(region, number, result, request.done, request.length);
		if (more < 0 && cloister_code_errno(more) == EPROTO)
			break;
		total += request.done;
		request.offset += request.done;
		request.length = length - total;
	} while (more > 0);
	if (done)
		*done = total;
	return more;
}

int cloister_region_seal(struct cloister_region *region, uint64_t offset, uint64_t length,
			 uint64_t *done)
{
	return range_call(region, CLOISTER_SEAL, offset, length, done);
}

int cloister_region_remove(struct cloister_region *region, uint64_t offset,
			   uint64_t length, uint64_t *done)
{
	return range_call(region, CLOISTER_REMOVE_PAGES, offset, length, done);
}

static const char *map_advice(int error)
{
	switch (error) {
	case EACCES:
		return "the protection asks for more than the pages allow, or the region is "
		       "another process's and not shareable";
	case EBADFD:
		return "finish building the region with init before mapping it";
	case EINVAL:
		return "the range is misaligned or outside the region";
	case ENOMEM:
		return "no address space is left, or too many mappings are in use";
	default:
		return "see the kernel log";
	}
}

int cloister_region_map(struct cloister_region *region, uint64_t offset, size_t length,
			int prot, void **address)
{
	int result;

	if (!offset && !length)
		length = (size_t)region->size;
	result = region->transport->map(region->context, region->fd, offset, length, prot,
					address);
	if (result < 0)
		return sentence_set(region->sentence, CLOISTER_LAYER_DRIVER, -result,
				    "can't map the region (%s): %s",
				    strerrorname_np(-result) ?: "unknown error",
				    map_advice(-result));
	return 0;
}

int cloister_region_unmap(struct cloister_region *region, void *address, size_t length)
{
	int result;

	if (!length)
		length = (size_t)region->size;
	result = region->transport->unmap(region->context, address, length);
	if (result < 0)
		return sentence_set(region->sentence, CLOISTER_LAYER_SYSTEM, -result,
				    "can't unmap the region: %s; unmap exactly what was mapped",
				    strerror(-result));
	return 0;
}

static int quote_check(struct cloister_region *region,
		       const struct cloister_quote_request *request)
{
	if (request->algorithm != CLOISTER_ALG_ES256 &&
	    request->algorithm != CLOISTER_ALG_ES384)
		return sentence_set(region->sentence, CLOISTER_LAYER_ARGUMENT, EINVAL,
				    "algorithm %u is not known; use CLOISTER_ALG_ES256 or "
				    "CLOISTER_ALG_ES384", request->algorithm);
	if (!request->nonce || request->nonce_len < CLOISTER_NONCE_MIN ||
	    request->nonce_len > CLOISTER_NONCE_MAX)
		return sentence_set(region->sentence, CLOISTER_LAYER_ARGUMENT, EINVAL,
				    "a nonce has %d to %d bytes, not %zu", CLOISTER_NONCE_MIN,
				    CLOISTER_NONCE_MAX, request->nonce ? request->nonce_len : 0);
	return 0;
}

/* One try with a buffer of @room bytes; -ENOSPC with @quote_len set asks for more. */
static int quote_try(struct cloister_region *region, struct cloister_quote *call, size_t room,
		     uint8_t **buffer)
{
	uint8_t *bytes = calloc(1, room);
	int result;

	if (!bytes)
		return -ENOMEM;
	call->buffer = (uintptr_t)bytes;
	call->buffer_len = room;
	call->quote_len = 0;
	result = region_ioctl(region, CLOISTER_QUOTE, call);
	if (!result && call->quote_len > room)
		result = -EPROTO;
	if (result) {
		free(bytes);
		return result;
	}
	*buffer = bytes;
	return 0;
}

int cloister_region_quote(struct cloister_region *region,
			  const struct cloister_quote_request *request, uint8_t **quote,
			  size_t *length)
{
	struct cloister_quote call = { .size = sizeof(call), .algorithm = request->algorithm };
	size_t room = QUOTE_FIRST_LEN;
	int tries = QUOTE_TRIES;
	int result;

	result = quote_check(region, request);
	if (result)
		return result;
	call.nonce_len = (uint32_t)request->nonce_len;
	memcpy(call.nonce, request->nonce, request->nonce_len);
	if (request->report_data)
		memcpy(call.report_data, request->report_data, CLOISTER_REPORT_DATA_LEN);

	do {
		result = quote_try(region, &call, room, quote);
		if (result != -ENOSPC)
			break;
		if (call.quote_len <= room || call.quote_len > CLOISTER_QUOTE_MAX_LEN)
			return sentence_set(region->sentence, CLOISTER_LAYER_DRIVER, EPROTO,
					    "the driver asks for %llu bytes for a quote; load "
					    "the matching module",
					    (unsigned long long)call.quote_len);
		room = (size_t)call.quote_len;
	} while (--tries);
	if (result)
		return sentence_driver(region->sentence, CLOISTER_QUOTE, -result);
	*length = (size_t)call.quote_len;
	return 0;
}

int cloister_region_stats(struct cloister_region *region, struct cloister_stats *stats)
{
	struct cloister_stats answer = { .size = sizeof(answer) };
	int result = region_call(region, CLOISTER_STATS, &answer);

	if (!result)
		*stats = answer;
	return result;
}
