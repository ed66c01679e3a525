// SPDX-License-Identifier: Apache-2.0
/* The transport that reaches the driver of the running kernel. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static int kernel_open(void *context, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	(void)context;
	return fd < 0 ? -errno : fd;
}

static int kernel_ioctl(void *context, int fd, unsigned long request, void *argument)
{
	int result = ioctl(fd, request, argument);

	(void)context;
	return result < 0 ? -errno : result;
}

static int kernel_map(void *context, int fd, uint64_t offset, size_t length, int prot,
		      void **address)
{
	void *mapping = mmap(NULL, length, prot, MAP_SHARED, fd, (off_t)offset);

	(void)context;
	if (mapping == MAP_FAILED)
		return -errno;
	*address = mapping;
	return 0;
}

static int kernel_unmap(void *context, void *address, size_t length)
{
	(void)context;
	return munmap(address, length) ? -errno : 0;
}

static void kernel_close(void *context, int fd)
{
	(void)context;
	close(fd);
}

static const struct cloister_transport kernel_transport = {
	.open = kernel_open,
	.ioctl = kernel_ioctl,
	.map = kernel_map,
	.unmap = kernel_unmap,
	.close = kernel_close,
};

const struct cloister_transport *cloister_kernel_transport(void)
{
	return &kernel_transport;
}
