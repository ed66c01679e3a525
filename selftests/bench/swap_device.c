// SPDX-License-Identifier: Apache-2.0
/* See swap_device.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/cloister.h>
#include <linux/dm-ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

#include "bench.h"
#include "swap_device.h"

#define PAGE		((size_t)CLOISTER_PAGE_SIZE)
#define SECTORS(pages)	((pages) * (PAGE / 512))
/* What cryptsetup's aes-gcm-random keeps for each sector: a tag of 16 bytes, a nonce of 12. */
#define TAG_AND_NONCE	28

#define CONTROL		"/dev/mapper/control"
#define INTEGRITY	"bench-integrity"
#define CRYPT		"bench-crypt"

/* Keys of which nothing depends; the two of XTS differ. */
#define KEY32		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY64		KEY32 "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static int control = -1;
static char swap_path[32];
static int integrity_below;

struct dm_call {
	struct dm_ioctl io;
	struct dm_target_spec target;
	char parameters[512];
};

static void dm_begin(struct dm_call *call, const char *name)
{
	memset(call, 0, sizeof(*call));
	call->io.version[0] = DM_VERSION_MAJOR;
	call->io.data_size = sizeof(*call);
	call->io.data_start = offsetof(struct dm_call, target);
	snprintf(call->io.name, sizeof(call->io.name), "%s", name);
}

static void dm_do(struct dm_call *call, unsigned long request, const char *what)
{
	if (control < 0)
		control = open(CONTROL, O_RDWR | O_CLOEXEC);
	if (control < 0)
		bench_die(CONTROL ": %s; load dm_mod", strerror(errno));
	if (ioctl(control, request, call))
		bench_die("device mapper: %s of %s: %s; the kernel's log says why", what,
			  call->io.name, strerror(errno));
}

/* Make device @name of one target; @path: where it is then. */
static void dm_create(const char *name, const char *type, const char *parameters, size_t sectors,
		      char *path, size_t path_len)
{
	struct dm_call call;

	dm_begin(&call, name);
	dm_do(&call, DM_DEV_CREATE, "creation");
	snprintf(path, path_len, "/dev/dm-%u", minor(call.io.dev));

	dm_begin(&call, name);
	call.io.target_count = 1;
	call.target.length = sectors;
	call.target.next = sizeof(call.target) + sizeof(call.parameters);
	snprintf(call.target.target_type, sizeof(call.target.target_type), "%s", type);
	snprintf(call.parameters, sizeof(call.parameters), "%s", parameters);
	dm_do(&call, DM_TABLE_LOAD, "table");

	dm_begin(&call, name);
	dm_do(&call, DM_DEV_SUSPEND, "start");
}

static void dm_remove(const char *name)
{
	struct dm_call call;

	dm_begin(&call, name);
	dm_do(&call, DM_DEV_REMOVE, "removal");
}

/* The swap header: version 1, the last page's number, nothing bad. */
static void make_swap(const char *path, size_t pages)
{
	uint8_t header[PAGE];
	uint32_t info[3] = { 1, (uint32_t)pages - 1, 0 };
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	memset(header, 0, sizeof(header));
	memcpy(header + 1024, info, sizeof(info));
	memcpy(header + PAGE - 10, "SWAPSPACE2", 10);
	if (fd < 0 || pwrite(fd, header, PAGE, 0) != (ssize_t)PAGE || fsync(fd))
		bench_die("%s: writing a swap header: %s", path, strerror(errno));
	close(fd);
}

static void clear_superblock(const char *path)
{
	static const uint8_t zero[CLOISTER_PAGE_SIZE];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* dm-integrity formats a device that begins with zeros. */
	if (fd < 0 || pwrite(fd, zero, PAGE, 0) != (ssize_t)PAGE || fsync(fd))
		bench_die("%s: %s; load brd", path, strerror(errno));
	close(fd);
}

/*
 * Without a journal and with sectors of a page, which suits swap best: one cipher operation
 * and one tag for each page.
 */
static void make_gcm(const char *ram_disk, size_t pages)
{
	char below[32], parameters[400];

	clear_superblock(ram_disk);
	snprintf(parameters, sizeof(parameters), "%s 0 %d D 1 block_size:4096", ram_disk,
		 TAG_AND_NONCE);
	dm_create(INTEGRITY, "integrity", parameters, SECTORS(pages), below, sizeof(below));
	integrity_below = 1;
	snprintf(parameters, sizeof(parameters),
		 "capi:gcm(aes)-random " KEY32 " 0 %s 0 2 integrity:%d:aead sector_size:4096",
		 below, TAG_AND_NONCE);
	dm_create(CRYPT, "crypt", parameters, SECTORS(pages), swap_path, sizeof(swap_path));
}

static void make_xts(const char *ram_disk, size_t pages)
{
	char parameters[400];

	snprintf(parameters, sizeof(parameters),
		 "aes-xts-plain64 " KEY64 " 0 %s 0 1 sector_size:4096", ram_disk);
	dm_create(CRYPT, "crypt", parameters, SECTORS(pages), swap_path, sizeof(swap_path));
}

/* A cache of compressed pages in front of swap would keep plaintext in memory. */
static void check_no_zswap(void)
{
	int fd = open("/sys/module/zswap/parameters/enabled", O_RDONLY | O_CLOEXEC);
	char enabled = 'N';

	if (fd < 0)
		return;
	if (read(fd, &enabled, 1) != 1 || enabled != 'N')
		bench_die("zswap is on; boot with zswap.enabled=0");
	close(fd);
}

void swap_on(enum swap_cipher cipher, const char *ram_disk, size_t pages)
{
	check_no_zswap();
	if (cipher == SWAP_GCM)
		make_gcm(ram_disk, pages);
	else
		make_xts(ram_disk, pages);
	make_swap(swap_path, pages);
	if (swapon(swap_path, 0))
		bench_die("swapon %s: %s", swap_path, strerror(errno));
}

void swap_off(void)
{
	if (swapoff(swap_path))
		bench_die("swapoff %s: %s", swap_path, strerror(errno));
	dm_remove(CRYPT);
	if (integrity_below)
		dm_remove(INTEGRITY);
	integrity_below = 0;
}
