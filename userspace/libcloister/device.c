// SPDX-License-Identifier: Apache-2.0
/* The device handle and the calls on it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct cloister_device *cloister_device_new(const struct cloister_transport *transport,
					    void *context)
{
	struct cloister_device *device = calloc(1, sizeof(*device));

	if (!device)
		return NULL;
	device->transport = transport ? transport : cloister_kernel_transport();
	device->context = context;
	device->fd = -1;
	return device;
}

int cloister_device_open(struct cloister_device *device, const char *path)
{
	int fd;

	if (device->fd >= 0)
		return sentence_set(device->sentence, CLOISTER_LAYER_ARGUMENT, EBUSY,
				    "the handle has a device open already; make another handle");
	if (!path)
		path = CLOISTER_DEVICE;
	fd = device->transport->open(device->context, path);
	if (fd < 0)
		return sentence_open(device->sentence, path, -fd);
	device->fd = fd;
	return 0;
}

void cloister_device_free(struct cloister_device *device)
{
	if (!device)
		return;
	if (device->fd >= 0)
		device->transport->close(device->context, device->fd);
	free(device);
}

const char *cloister_device_error(const struct cloister_device *device)
{
	return device->sentence;
}

static int device_call(struct cloister_device *device, unsigned long request, void *argument)
{
	int result;

	if (device->fd < 0)
		return sentence_set(device->sentence, CLOISTER_LAYER_ARGUMENT, EBADF,
				    "the handle has no device open; call cloister_device_open()");
	result = device->transport->ioctl(device->context, device->fd, request, argument);
	if (result < 0)
		return sentence_driver(device->sentence, request, -result);
	return result;
}

int cloister_device_info(struct cloister_device *device, struct cloister_get_info *info)
{
	struct cloister_get_info answer = { .size = sizeof(answer) };
	int result = device_call(device, CLOISTER_GET_INFO, &answer);

	if (result < 0)
		return result;
	*info = answer;
	return 0;
}

int cloister_device_provision(struct cloister_device *device,
			      struct cloister_provision *provision)
{
	int result;

	provision->size = sizeof(*provision);
	result = device_call(device, CLOISTER_PROVISION, provision);
	return result < 0 ? result : 0;
}

/* Checks a chain and lays it end to end into @bytes; the total length or a code. */
static int chain_pack(struct cloister_device *device, const struct cloister_certificate *certs,
		      size_t count, struct cloister_set_chain *chain, uint8_t *bytes)
{
	size_t total = 0;
	size_t i;

	if (!count || count > CLOISTER_CHAIN_MAX_CERTS)
		return sentence_set(device->sentence, CLOISTER_LAYER_ARGUMENT, EINVAL,
				    "a chain has 1 to %d certificates, not %zu",
				    CLOISTER_CHAIN_MAX_CERTS, count);
	for (i = 0; i < count; i++) {
		if (!certs[i].length)
			return sentence_set(device->sentence, CLOISTER_LAYER_ARGUMENT, EINVAL,
					    "certificate %zu of the chain is empty", i);
		if (certs[i].length > CLOISTER_CHAIN_MAX_LEN - total)
			return sentence_set(device->sentence, CLOISTER_LAYER_ARGUMENT, E2BIG,
					    "the chain is longer than %d bytes; leave out the "
					    "root or use shorter certificates",
					    CLOISTER_CHAIN_MAX_LEN);
		memcpy(bytes + total, certs[i].der, certs[i].length);
		chain->cert_len[i] = (uint32_t)certs[i].length;
		total += certs[i].length;
	}
	chain->count = (uint32_t)count;
	return 0;
}

int cloister_device_set_chain(struct cloister_device *device, uint32_t algorithm,
			      const struct cloister_certificate *certificates, size_t count)
{
	struct cloister_set_chain chain = { .size = sizeof(chain), .algorithm = algorithm };
	uint8_t bytes[CLOISTER_CHAIN_MAX_LEN];
	int result;

	result = chain_pack(device, certificates, count, &chain, bytes);
	if (result < 0)
		return result;
	chain.certs = (uintptr_t)bytes;
	result = device_call(device, CLOISTER_SET_CHAIN, &chain);
	return result < 0 ? result : 0;
}

static struct cloister_region *region_new(const struct cloister_device *device)
{
	struct cloister_region *region = calloc(1, sizeof(*region));

	if (!region)
		return NULL;
	region->transport = device->transport;
	region->context = device->context;
	region->fd = -1;
	return region;
}

int cloister_region_create(struct cloister_device *device, uint32_t flags, uint64_t size,
			   uint64_t resident_limit, struct cloister_region **region)
{
	struct cloister_create create = {
		.size = sizeof(create),
		.flags = flags,
		.region_size = size,
		.resident_limit = resident_limit,
	};
	struct cloister_region *made = region_new(device);
	int fd;

	if (!made)
		return sentence_set(device->sentence, CLOISTER_LAYER_SYSTEM, ENOMEM,
				    "no memory for a region handle");
	fd = device_call(device, CLOISTER_CREATE, &create);
	if (fd < 0) {
		free(made);
		return fd;
	}
	made->fd = fd;
	made->size = size;
	*region = made;
	return 0;
}

int cloister_region_adopt(struct cloister_device *device, int fd,
			  struct cloister_region **region)
{
	struct cloister_stats stats = { .size = sizeof(stats) };
	struct cloister_region *made;
	int result;

	result = device->transport->ioctl(device->context, fd, CLOISTER_STATS, &stats);
	if (result == -ENOTTY || result == -EBADF)
		return sentence_set(device->sentence, CLOISTER_LAYER_ARGUMENT, -result,
				    "descriptor %d is %s; pass the descriptor of a region", fd,
				    result == -EBADF ? "not open" : "not a Cloister region");
	if (result < 0)
		return sentence_driver(device->sentence, CLOISTER_STATS, -result);
	made = region_new(device);
	if (!made)
		return sentence_set(device->sentence, CLOISTER_LAYER_SYSTEM, ENOMEM,
				    "no memory for a region handle");
	made->fd = fd;
	made->size = stats.region_size;
	*region = made;
	return 0;
}
