/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcloister: the Cloister device, from C.
 *
 * A program makes a device handle, opens the device with it, creates a region,
 * adds pages, finishes it with init and maps it. Handles are opaque. The library
 * keeps no global state: two handles never meet, so threads may use different
 * handles at the same time; one handle is for one thread at a time.
 *
 * Functions that can fail return 0, or a negative code. A code says which layer
 * failed (cloister_code_layer()) and with which errno (cloister_code_errno());
 * cloister_device_error() and cloister_region_error() give the sentence for the
 * last failure on a handle: what was wrong, with what, and what to do.
 *
 * Structures of the driver (linux/cloister.h) are handed through as they are; the
 * library fills in their size.
 */
#ifndef _CLOISTER_H
#define _CLOISTER_H

#include <stddef.h>
#include <stdint.h>

#include <linux/cloister.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cloister_device;
struct cloister_region;

/**
 * enum cloister_layer - which layer a failure comes from
 * @CLOISTER_LAYER_NONE: nothing failed
 * @CLOISTER_LAYER_ARGUMENT: the caller's arguments; nothing was tried
 * @CLOISTER_LAYER_DEVICE: the device could not be opened
 * @CLOISTER_LAYER_DRIVER: the driver refused a call; its errno is in the code
 * @CLOISTER_LAYER_IO: a file of the caller's could not be read
 * @CLOISTER_LAYER_SYSTEM: the operating system refused memory or a descriptor
 * @CLOISTER_LAYER_CANCELLED: the caller's progress callback asked to stop
 */
enum cloister_layer {
	CLOISTER_LAYER_NONE = 0,
	CLOISTER_LAYER_ARGUMENT = 1,
	CLOISTER_LAYER_DEVICE = 2,
	CLOISTER_LAYER_DRIVER = 3,
	CLOISTER_LAYER_IO = 4,
	CLOISTER_LAYER_SYSTEM = 5,
	CLOISTER_LAYER_CANCELLED = 6,
};

/**
 * cloister_code_layer - the layer that a code names
 * @code: what a function of this library returned
 */
enum cloister_layer cloister_code_layer(int code);

/**
 * cloister_code_errno - the errno that a code carries
 * @code: what a function of this library returned
 *
 * Return: a positive errno value, or 0 when @code is 0.
 */
int cloister_code_errno(int code);

/**
 * cloister_layer_name - a layer in one word
 * @layer: the layer
 *
 * Return: "argument", "device", "driver", "io", "system", "cancelled" or "none".
 */
const char *cloister_layer_name(enum cloister_layer layer);

/**
 * struct cloister_transport - how the library reaches a device
 * @open: open the device at a path; a descriptor or a negative errno
 * @ioctl: one call of linux/cloister.h; 0, a descriptor or a negative errno
 * @map: map part of a region shared; 0 or a negative errno
 * @unmap: undo @map; 0 or a negative errno
 * @close: close a descriptor that @open or @ioctl gave, or that was adopted
 *
 * The library talks to the kernel through cloister_kernel_transport(). Tests, recorders
 * and other monitors bring a table of their own; @context is theirs.
 */
struct cloister_transport {
	int (*open)(void *context, const char *path);
	int (*ioctl)(void *context, int fd, unsigned long request, void *argument);
	int (*map)(void *context, int fd, uint64_t offset, size_t length, int prot,
		   void **address);
	int (*unmap)(void *context, void *address, size_t length);
	void (*close)(void *context, int fd);
};

/**
 * cloister_kernel_transport - the transport that reaches the driver of this kernel
 */
const struct cloister_transport *cloister_kernel_transport(void);

/**
 * cloister_device_new - make a device handle; nothing is opened yet
 * @transport: how to reach the device; NULL for the kernel's driver
 * @context: handed to each call of @transport
 *
 * The handle comes first so that a failure to open has somewhere to leave its
 * sentence.
 *
 * Return: the handle, or NULL when out of memory.
 */
struct cloister_device *cloister_device_new(const struct cloister_transport *transport,
					    void *context);

/**
 * cloister_device_open - open the device
 * @device: a handle that has not been opened
 * @path: path of the device; NULL for %CLOISTER_DEVICE
 *
 * Errors: argument %EBUSY (open already); device with the errno of open(2).
 */
int cloister_device_open(struct cloister_device *device, const char *path);

/**
 * cloister_device_free - close the device and free the handle
 * @device: the handle, or NULL
 *
 * Regions made through the handle must be closed before.
 */
void cloister_device_free(struct cloister_device *device);

/**
 * cloister_device_error - the sentence for the last failure on a device handle
 * @device: the handle
 *
 * Return: a string that lives until the next call on the handle; empty when
 * nothing has failed.
 */
const char *cloister_device_error(const struct cloister_device *device);

/**
 * cloister_device_info - what the device is and can do
 * @device: an open device
 * @info: out: as the driver filled it in
 */
int cloister_device_info(struct cloister_device *device, struct cloister_get_info *info);

/**
 * cloister_device_provision - hand the device its derived secrets, once
 * @device: an open device; the caller is privileged
 * @provision: secrets in, public keys out; the library sets its size
 *
 * The library keeps no copy of the secrets.
 */
int cloister_device_provision(struct cloister_device *device,
			      struct cloister_provision *provision);

/**
 * struct cloister_certificate - one certificate of a chain
 * @der: its DER encoding
 * @length: bytes of @der
 */
struct cloister_certificate {
	const uint8_t *der;
	size_t length;
};

/**
 * cloister_device_set_chain - the certificates that go with each quote
 * @device: an open device; the caller is privileged
 * @algorithm: the attestation key they belong to: CLOISTER_ALG_*
 * @certificates: the chain, leaf first
 * @count: 1 to %CLOISTER_CHAIN_MAX_CERTS
 *
 * Errors: argument %EINVAL (count), %E2BIG (longer together than
 * %CLOISTER_CHAIN_MAX_LEN); driver as CLOISTER_SET_CHAIN.
 */
int cloister_device_set_chain(struct cloister_device *device, uint32_t algorithm,
			      const struct cloister_certificate *certificates, size_t count);

/**
 * cloister_region_create - make an empty region
 * @device: an open device
 * @flags: mask of CLOISTER_CREATE_*
 * @size: bytes, a multiple of %CLOISTER_PAGE_SIZE
 * @resident_limit: most plaintext in memory at a time, in bytes; 0: the device's limit
 * @region: out: the handle
 *
 * The sentence of a failure is on @device.
 */
int cloister_region_create(struct cloister_device *device, uint32_t flags, uint64_t size,
			   uint64_t resident_limit, struct cloister_region **region);

/**
 * cloister_region_adopt - use a region that another process made and passed on
 * @device: a handle, open or not: it lends its transport
 * @fd: the region's descriptor; the handle owns it once this succeeds
 * @region: out: the handle
 *
 * Asks the driver for the region's counters, so that a descriptor of anything else is
 * found out here. The sentence of a failure is on @device.
 */
int cloister_region_adopt(struct cloister_device *device, int fd,
			  struct cloister_region **region);

/**
 * cloister_region_close - close the region's descriptor and free the handle
 * @region: the handle, or NULL
 *
 * Mappings stay until they are unmapped; the region is destroyed with the last
 * descriptor and mapping.
 */
void cloister_region_close(struct cloister_region *region);

/**
 * cloister_region_error - the sentence for the last failure on a region handle
 * @region: the handle
 *
 * Return: a string that lives until the next call on the handle.
 */
const char *cloister_region_error(const struct cloister_region *region);

/**
 * cloister_region_fd - the region's descriptor, still owned by the handle
 * @region: the handle
 */
int cloister_region_fd(const struct cloister_region *region);

/**
 * cloister_region_size - the region's length in bytes
 * @region: the handle
 */
uint64_t cloister_region_size(const struct cloister_region *region);

/**
 * cloister_region_add - add pages with contents
 * @region: a region being built
 * @flags: mask of %CLOISTER_ADD_MEASURED and %CLOISTER_ADD_PINNED; or %CLOISTER_ADD_ZERO, with
 *	%CLOISTER_ADD_PINNED or without
 * @offset: first byte in the region, a multiple of %CLOISTER_PAGE_SIZE
 * @source: the contents, any alignment; NULL with %CLOISTER_ADD_ZERO
 * @length: bytes, a multiple of %CLOISTER_PAGE_SIZE
 * @permissions: mask of CLOISTER_PERM_*
 * @done: out, may be NULL: bytes added, also on failure
 *
 * Goes on after signals and after partial progress, until all is added or the driver
 * refuses.
 */
int cloister_region_add(struct cloister_region *region, uint32_t flags, uint64_t offset,
			const void *source, uint64_t length, uint32_t permissions,
			uint64_t *done);

/**
 * cloister_region_add_zero - add pages of zero
 * @region: a region being built
 * @offset: first byte in the region, a multiple of %CLOISTER_PAGE_SIZE
 * @length: bytes, a multiple of %CLOISTER_PAGE_SIZE
 * @permissions: mask of CLOISTER_PERM_*
 * @done: out, may be NULL: bytes added, also on failure
 */
int cloister_region_add_zero(struct cloister_region *region, uint64_t offset,
			     uint64_t length, uint32_t permissions, uint64_t *done);

/**
 * typedef cloister_progress_fn - how far a long call has come
 * @context: the caller's
 * @done: bytes done
 * @total: bytes in all
 *
 * Return: 0 to go on; anything else stops the call, which then fails with layer
 * %CLOISTER_LAYER_CANCELLED.
 */
typedef int (*cloister_progress_fn)(void *context, uint64_t done, uint64_t total);

/* Flags of cloister_region_add_file() and cloister_region_from_file() */
/* Pages may be written; they are read-only otherwise (measured). */
#define CLOISTER_FILE_WRITABLE		(1U << 0)
/* A debug region, which guards pass over (measured); not for a region that is there already. */
#define CLOISTER_FILE_DEBUG		(1U << 1)

/**
 * cloister_region_add_file - add a file's contents as measured pages
 * @region: a region being built
 * @offset: where the file begins in the region
 * @path: a regular file that is not empty
 * @flags: 0 or %CLOISTER_FILE_WRITABLE
 * @progress: called after each step, or NULL
 * @context: handed to @progress
 * @file_size: out, may be NULL: bytes of the file
 *
 * The last page is filled up with zero, as Documentation/measurement.rst has it.
 *
 * Errors: argument %EINVAL; io with the errno of open(2) and read(2), %EISDIR or
 * %EINVAL (not a regular file, empty), %EIO (it shrank while read); driver.
 */
int cloister_region_add_file(struct cloister_region *region, uint64_t offset,
			     const char *path, uint32_t flags,
			     cloister_progress_fn progress, void *context,
			     uint64_t *file_size);

/**
 * struct cloister_file_region - a protected file
 * @region: the LIVE region, the caller's to close
 * @file_size: bytes of the file; the region is that, rounded up to whole pages
 * @measurement: the region's measurement
 */
struct cloister_file_region {
	struct cloister_region *region;
	uint64_t file_size;
	uint8_t measurement[CLOISTER_DIGEST_LEN];
};

/**
 * cloister_region_from_file - turn a file into a region: create, add, init
 * @device: an open device
 * @path: a regular file that is not empty
 * @flags: mask of CLOISTER_FILE_*
 * @resident_limit: as for cloister_region_create()
 * @progress: called after each step, or NULL
 * @context: handed to @progress
 * @result: out: the region; unchanged on failure
 *
 * The region is shareable. The sentence of a failure is on @device.
 */
int cloister_region_from_file(struct cloister_device *device, const char *path,
			      uint32_t flags, uint64_t resident_limit,
			      cloister_progress_fn progress, void *context,
			      struct cloister_file_region *result);

/**
 * cloister_region_init - finish building; the region goes LIVE
 * @region: a region being built
 * @measurement: out, may be NULL: %CLOISTER_DIGEST_LEN bytes
 */
int cloister_region_init(struct cloister_region *region, uint8_t *measurement);

/**
 * cloister_region_map - map part of a LIVE region
 * @region: the region
 * @offset: first byte
 * @length: bytes; 0 with @offset 0: all of it
 * @prot: PROT_* of mmap(2)
 * @address: out: where it is
 *
 * The mapping is shared, as the driver demands, and is not inherited by fork().
 */
int cloister_region_map(struct cloister_region *region, uint64_t offset, size_t length,
			int prot, void **address);

/**
 * cloister_region_unmap - undo cloister_region_map()
 * @region: the region
 * @address: as given by cloister_region_map()
 * @length: the same length; 0: all of the region
 */
int cloister_region_unmap(struct cloister_region *region, void *address, size_t length);

/**
 * cloister_region_seal - encrypt resident pages into the backing store now
 * @region: the region
 * @offset: first byte
 * @length: bytes; 0 with @offset 0: the whole region
 * @done: out, may be NULL: bytes gone through, also on failure
 */
int cloister_region_seal(struct cloister_region *region, uint64_t offset, uint64_t length,
			 uint64_t *done);

/**
 * cloister_region_remove - scrub and drop pages for good
 * @region: a LIVE region
 * @offset: first byte
 * @length: bytes; 0 with @offset 0: the whole region
 * @done: out, may be NULL: bytes gone through, also on failure
 */
int cloister_region_remove(struct cloister_region *region, uint64_t offset,
			   uint64_t length, uint64_t *done);

/**
 * struct cloister_quote_request - what goes into a quote besides the region
 * @algorithm: one of CLOISTER_ALG_*
 * @nonce: the verifier's fresh value
 * @nonce_len: %CLOISTER_NONCE_MIN to %CLOISTER_NONCE_MAX
 * @report_data: %CLOISTER_REPORT_DATA_LEN bytes; NULL: zero
 */
struct cloister_quote_request {
	uint32_t algorithm;
	const uint8_t *nonce;
	size_t nonce_len;
	const uint8_t *report_data;
};

/**
 * cloister_region_quote - get a quote of a LIVE region
 * @region: the region
 * @request: what to put in
 * @quote: out: the quote, to be freed with free()
 * @length: out: its length
 *
 * The buffer grows as the driver asks, up to CLOISTER_QUOTE_MAX_LEN.
 */
int cloister_region_quote(struct cloister_region *region,
			  const struct cloister_quote_request *request, uint8_t **quote,
			  size_t *length);

/**
 * cloister_region_stats - the region's counters
 * @region: the region, in any state
 * @stats: out: as the driver filled it in
 */
int cloister_region_stats(struct cloister_region *region, struct cloister_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* _CLOISTER_H */
