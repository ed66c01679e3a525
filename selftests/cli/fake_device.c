// SPDX-License-Identifier: Apache-2.0
/* The fake device: enough of the driver's ways for the command line to be tested whole. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../userspace/cli/cli.h"
#include "fake_device.h"

#define MAGIC		"cloister-fake-1"
#define PAGE		((uint64_t)CLOISTER_PAGE_SIZE)

long fake_read(int dir, const char *name, void *bytes, size_t room)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = read(fd, bytes, room);
	close(fd);
	return got;
}

int fake_write(int dir, const char *name, const void *bytes, size_t length)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t put;

	if (fd < 0)
		return -errno;
	put = write(fd, bytes, length);
	close(fd);
	return put == (ssize_t)length ? 0 : -EIO;
}

static int open_state(void)
{
	const char *path = getenv("CLOISTER_FAKE_STATE");
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd < 0 ? -ENOENT : fd;
}

static int fake_open(void *context, const char *path)
{
	(void)context;
	if (strcmp(path, CLOISTER_DEVICE))
		return -ENOENT;
	return open_state();
}

/* The injected failure of this ioctl, or 0. */
static int injected(unsigned long request)
{
	const char *text = getenv("CLOISTER_FAKE_FAIL");
	unsigned int number;
	int error;

	if (!text || sscanf(text, "%x:%d", &number, &error) != 2)
		return 0;
	return _IOC_NR(request) == number ? -error : 0;
}

static bool provisioned(int dir, struct fake_identity *identity)
{
	return fake_read(dir, FAKE_IDENTITY, identity, sizeof(*identity)) ==
	       (long)sizeof(*identity);
}

static int get_instance(int dir, uint8_t id[16])
{
	if (fake_read(dir, FAKE_INSTANCE, id, 16) == 16)
		return 0;
	RAND_bytes(id, 16);
	return fake_write(dir, FAKE_INSTANCE, id, 16);
}

/* More of it, as a test wants it. */
static uint64_t claimed_posture(void)
{
	const char *text = getenv("CLOISTER_FAKE_POSTURE");

	return text ? strtoull(text, NULL, 16) : 0;
}

static int fake_info(int dir, struct cloister_get_info *info)
{
	struct fake_identity identity;

	info->abi_version = CLOISTER_ABI_VERSION;
	info->mode = CLOISTER_MODE_KERNEL;
	info->create_flags = CLOISTER_CREATE_SHAREABLE | CLOISTER_CREATE_DEBUG;
	info->add_flags = CLOISTER_ADD_MEASURED | CLOISTER_ADD_ZERO;
	info->permissions = 7;
	info->algorithms = 1U << CLOISTER_ALG_ES256 | 1U << CLOISTER_ALG_ES384;
	info->region_size_max = 1ULL << 40;
	info->resident_max = 256ULL << 20;
	info->user_regions = 2;
	info->user_regions_max = 1024;
	info->user_resident = 3 << 20;
	info->user_resident_max = 128ULL << 20;
	info->posture = claimed_posture();
	if (provisioned(dir, &identity)) {
		info->posture |= CLOISTER_POSTURE_PROVISIONED;
		memcpy(info->monitor_digest, identity.monitor_digest, CLOISTER_DIGEST_LEN);
	}
	return get_instance(dir, info->instance_id);
}

static int fake_provision(int dir, struct cloister_provision *call)
{
	struct fake_identity identity;
	int result;

	if (provisioned(dir, &identity))
		return -EALREADY;
	if (call->root != CLOISTER_ROOT_SOFTWARE || call->ueid[0] != 1 ||
	    call->digest_kind != CLOISTER_DIGEST_ASSERTED)
		return -EINVAL;
	memcpy(identity.monitor_digest, call->monitor_digest, CLOISTER_DIGEST_LEN);
	memcpy(identity.ueid, call->ueid, CLOISTER_UEID_LEN);
	result = get_instance(dir, identity.instance_id);
	if (!result)
		result = fake_key_make(dir, CLOISTER_ALG_ES256, call->public_es256, 65);
	if (!result)
		result = fake_key_make(dir, CLOISTER_ALG_ES384, call->public_es384, 97);
	/* For the tests: what was derived. */
	if (!result)
		result = fake_write(dir, "cdi-attest", call->cdi_attest, CLOISTER_CDI_LEN);
	if (!result)
		result = fake_write(dir, "cdi-seal", call->cdi_seal, CLOISTER_CDI_LEN);
	if (!result)
		result = fake_write(dir, FAKE_IDENTITY, &identity, sizeof(identity));
	return result;
}

static int fake_set_chain(int dir, const struct cloister_set_chain *call)
{
	struct fake_identity identity;
	char name[16];

	if (!provisioned(dir, &identity))
		return -ENOKEY;
	if (call->count != 1)
		return -EINVAL;
	snprintf(name, sizeof(name), "chain-%u", call->algorithm);
	return fake_write(dir, name, (void *)(uintptr_t)call->certs, call->cert_len[0]);
}

static int fake_create(const struct cloister_create *call)
{
	struct fake_region region = {
		.magic = MAGIC,
		.size = call->region_size,
		.resident_limit = call->resident_limit ?: call->region_size,
		.flags = call->flags,
		.state = CLOISTER_STATE_BUILDING,
	};
	int fd;

	if (!call->region_size || call->region_size % PAGE || call->resident_limit % PAGE)
		return -EINVAL;
	fd = memfd_create("fake-region", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)(PAGE + call->region_size)) ||
	    pwrite(fd, &region, sizeof(region), 0) != (ssize_t)sizeof(region)) {
		close(fd);
		return -ENOMEM;
	}
	return fd;
}

static int load(int fd, struct fake_region *region)
{
	if (fcntl(fd, F_GETFD) < 0)
		return -EBADF;
	if (pread(fd, region, sizeof(*region), 0) != (ssize_t)sizeof(*region) ||
	    memcmp(region->magic, MAGIC, sizeof(region->magic)))
		return -ENOTTY;
	return 0;
}

static int store(int fd, const struct fake_region *region)
{
	return pwrite(fd, region, sizeof(*region), 0) == (ssize_t)sizeof(*region) ? 0 : -EIO;
}

/* Half of a longer range at a time, as if signals came. */
static int fake_add(int fd, struct fake_region *region, struct cloister_add_pages *call)
{
	uint64_t length = call->length;
	int result = 0;

	if (region->state != CLOISTER_STATE_BUILDING)
		return -EBADFD;
	if (call->offset != region->added || call->flags != CLOISTER_ADD_MEASURED)
		return -EINVAL;
	if (length > 4 * PAGE) {
		length = length / 2 / PAGE * PAGE;
		result = -EINTR;
	}
	if (pwrite(fd, (void *)(uintptr_t)call->source, length, (off_t)(PAGE + call->offset)) !=
	    (ssize_t)length)
		return -ENOMEM;
	call->done = length;
	region->added += length;
	region->permissions = call->permissions;
	return store(fd, region) ?: result;
}

static void put_le64(uint8_t *bytes, uint64_t value)
{
	int i;

	for (i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

/* Written from Documentation/measurement.rst, apart from the libraries' code. */
static int fake_init(int fd, struct fake_region *region, struct cloister_init *call)
{
	EVP_MD_CTX *sha = EVP_MD_CTX_new();
	uint8_t record[64] = "cloister-meas-v1";
	uint8_t page[CLOISTER_PAGE_SIZE];
	uint64_t at;

	if (region->state != CLOISTER_STATE_BUILDING) {
		EVP_MD_CTX_free(sha);
		return -EBADFD;
	}
	put_le64(record + 16, region->size);
	put_le64(record + 24, region->flags);
	EVP_DigestInit_ex(sha, EVP_sha384(), NULL);
	EVP_DigestUpdate(sha, record, 64);
	for (at = 0; at < region->added; at += PAGE) {
		memset(record, 0, sizeof(record));
		memcpy(record, "pagedata", 8);
		put_le64(record + 8, at);
		record[16] = (uint8_t)region->permissions;
		EVP_DigestUpdate(sha, record, 32);
		if (pread(fd, page, PAGE, (off_t)(PAGE + at)) != (ssize_t)PAGE)
			break;
		EVP_DigestUpdate(sha, page, PAGE);
	}
	memset(record, 0, sizeof(record));
	memcpy(record, "finalize", 8);
	put_le64(record + 8, region->added / PAGE);
	EVP_DigestUpdate(sha, record, 32);
	EVP_DigestFinal_ex(sha, region->measurement, NULL);
	EVP_MD_CTX_free(sha);
	region->state = CLOISTER_STATE_LIVE;
	memcpy(call->measurement, region->measurement, CLOISTER_DIGEST_LEN);
	return store(fd, region);
}

static int fake_stats(const struct fake_region *region, struct cloister_stats *stats)
{
	stats->region_id = 7;
	stats->state = region->state;
	stats->create_flags = region->flags;
	stats->region_size = region->size;
	stats->resident_limit = region->resident_limit;
	stats->pages = region->added / PAGE;
	stats->sealed = stats->pages;
	stats->quotes = region->quotes;
	return 0;
}

static int fake_quote(int fd, struct fake_region *region, struct cloister_quote *call)
{
	struct fake_identity identity;
	size_t length = 0;
	int dir;
	int result;

	if (region->state != CLOISTER_STATE_LIVE)
		return -EBADFD;
	dir = open_state();
	if (dir < 0 || !provisioned(dir, &identity))
		result = -ENOKEY;
	else
		result = fake_quote_make(dir, &identity, region, call,
					 (uint8_t *)(uintptr_t)call->buffer, call->buffer_len,
					 &length);
	if (dir >= 0)
		close(dir);
	call->quote_len = length;
	if (result)
		return result;
	region->quotes++;
	return store(fd, region);
}

static int device_ioctl(int fd, unsigned long request, void *argument)
{
	switch (request) {
	case CLOISTER_GET_INFO:
		return fake_info(fd, argument);
	case CLOISTER_PROVISION:
		return fake_provision(fd, argument);
	case CLOISTER_SET_CHAIN:
		return fake_set_chain(fd, argument);
	case CLOISTER_CREATE:
		return fake_create(argument);
	default:
		return -ENOTTY;
	}
}

static int fake_ioctl(void *context, int fd, unsigned long request, void *argument)
{
	struct fake_region region;
	int result = injected(request);

	(void)context;
	if (result)
		return result;
	if (_IOC_NR(request) < 0x20)
		return device_ioctl(fd, request, argument);
	result = load(fd, &region);
	if (result)
		return result;
	switch (request) {
	case CLOISTER_ADD_PAGES:
		return fake_add(fd, &region, argument);
	case CLOISTER_INIT:
		return fake_init(fd, &region, argument);
	case CLOISTER_STATS:
		return fake_stats(&region, argument);
	case CLOISTER_QUOTE:
		return fake_quote(fd, &region, argument);
	default:
		return -ENOTTY;
	}
}

static int fake_map(void *context, int fd, uint64_t offset, size_t length, int prot,
		    void **address)
{
	(void)context;
	*address = mmap(NULL, length, prot, MAP_SHARED, fd, (off_t)(PAGE + offset));
	return *address == MAP_FAILED ? -errno : 0;
}

static int fake_unmap(void *context, void *address, size_t length)
{
	(void)context;
	return munmap(address, length) ? -errno : 0;
}

static void fake_close(void *context, int fd)
{
	(void)context;
	close(fd);
}

/* Takes the place of the one that reaches the kernel. */
const struct cloister_transport *cli_transport(void **context)
{
	static const struct cloister_transport fake = {
		.open = fake_open,
		.ioctl = fake_ioctl,
		.map = fake_map,
		.unmap = fake_unmap,
		.close = fake_close,
	};

	*context = NULL;
	return &fake;
}
