/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Cloister: user-space interface of /dev/tee.
 *
 * A program opens /dev/tee, creates a region (one file descriptor per region),
 * adds pages to it, seals its identity with INIT, maps it and asks for quotes.
 *
 * Rules that hold for every call:
 *  - A structure begins with @size, its length in bytes as the caller knows it,
 *    and @flags. A longer structure than the driver knows is accepted while the
 *    bytes it does not know are zero (-E2BIG otherwise); a shorter one than the
 *    call's first published length is refused (-EINVAL).
 *  - Unknown flag bits and non-zero reserved words are refused (-EINVAL).
 *  - Offsets, lengths and sizes are in bytes and multiples of 4096.
 *  - User addresses travel as __u64.
 *  - -EFAULT: an address of the caller's could not be read or written. It comes
 *    before anything is done, unless the memory goes away during the call.
 *  - -EBUSY: on a region, where 2047 other calls are in it at the same moment.
 *  - A call that fails changes nothing, but for what a range call reports
 *    in @done: it can be called again with the rest of the range.
 */
#ifndef _UAPI_LINUX_CLOISTER_H
#define _UAPI_LINUX_CLOISTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define CLOISTER_DEVICE			"/dev/tee"
#define CLOISTER_ABI_VERSION		1
#define CLOISTER_PAGE_SIZE		4096

#define CLOISTER_REPORT_DATA_LEN	64
#define CLOISTER_NONCE_MIN		8
#define CLOISTER_NONCE_MAX		64
#define CLOISTER_DIGEST_LEN		48
#define CLOISTER_CDI_LEN		48
#define CLOISTER_UEID_LEN		33
#define CLOISTER_PUBLIC_KEY_MAX		97
#define CLOISTER_CHAIN_MAX_CERTS	4
#define CLOISTER_CHAIN_MAX_LEN		8192

/* Modes: where the monitor runs. */
#define CLOISTER_MODE_KERNEL		1
#define CLOISTER_MODE_HYPERVISOR	2

/* Signature algorithms of quotes (a choice, not a mask). */
#define CLOISTER_ALG_ES256		1
#define CLOISTER_ALG_ES384		2

/* Posture bits: what this machine can claim of itself; see @posture below. */
#define CLOISTER_POSTURE_LOCKDOWN_INTEGRITY		(1ULL << 0)
#define CLOISTER_POSTURE_LOCKDOWN_CONFIDENTIALITY	(1ULL << 1)
#define CLOISTER_POSTURE_MODULE_SIGNATURES		(1ULL << 2)
#define CLOISTER_POSTURE_CRASH_KERNEL			(1ULL << 3)
#define CLOISTER_POSTURE_PROVISIONED			(1ULL << 4)
#define CLOISTER_POSTURE_IOMMU				(1ULL << 5)
#define CLOISTER_POSTURE_GUARDS				(1ULL << 6)

/**
 * struct cloister_get_info - what the device is and can do
 * @size: length of this structure in bytes
 * @flags: must be 0
 * @abi_version: out: %CLOISTER_ABI_VERSION of the driver
 * @mode: out: one of CLOISTER_MODE_*
 * @create_flags: out: mask of the flags that CLOISTER_CREATE accepts
 * @add_flags: out: mask of the flags that CLOISTER_ADD_PAGES accepts
 * @permissions: out: mask of page permissions
 * @algorithms: out: mask, bit CLOISTER_ALG_x set when available
 * @region_size_max: out: largest region in bytes
 * @resident_max: out: limit of plaintext memory of all regions, in bytes
 * @resident: out: plaintext memory in use by all regions, in bytes
 * @metadata: out: monitor memory that is not plaintext: descriptors, tables,
 *	empty frames kept ready, in bytes
 * @regions: out: number of regions alive
 * @posture: out: mask of CLOISTER_POSTURE_*, as quotes made now would state it
 * @instance_id: out: 16 random bytes chosen when the module was loaded
 * @monitor_digest: out: digest given when provisioned, or zeros
 * @user_regions: out: regions that the caller's user (its real uid) has created and that are alive
 * @user_regions_max: out: most that it may have without CAP_SYS_RESOURCE
 * @user_resident: out: plaintext memory of these regions, empty frames kept ready included,
 *	in bytes
 * @user_resident_max: out: limit of that without CAP_SYS_RESOURCE
 * @reserved: out: 0
 *
 * CLOISTER_GET_INFO, on the device or on a region.
 */
struct cloister_get_info {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 mode;
	__u64 create_flags;
	__u64 add_flags;
	__u32 permissions;
	__u32 algorithms;
	__u64 region_size_max;
	__u64 resident_max;
	__u64 resident;
	__u64 metadata;
	__u64 regions;
	__u64 posture;
	__u8  instance_id[16];
	__u8  monitor_digest[CLOISTER_DIGEST_LEN];
	__u32 user_regions;
	__u32 user_regions_max;
	__u64 user_resident;
	__u64 user_resident_max;
	__u64 reserved[1];
};

/* CLOISTER_CREATE flags */
/* Any process holding the descriptor may use the region (measured). */
#define CLOISTER_CREATE_SHAREABLE	(1U << 0)
/*
 * A debug region (measured): guards pass over it, and its processes can be traced. Its quotes
 * say so, and verifiers refuse them by default. All others are production regions.
 */
#define CLOISTER_CREATE_DEBUG		(1U << 1)

/**
 * struct cloister_create - make an empty region
 * @size: length of this structure in bytes
 * @flags: mask of CLOISTER_CREATE_*
 * @region_size: length of the region in bytes: 4 KiB to 1 TiB
 * @resident_limit: most plaintext kept in memory at a time, in bytes;
 *	0: no limit but the device's. At least 64 KiB or the whole region.
 * @reserved: must be 0
 *
 * CLOISTER_CREATE, on the device. Returns a region descriptor with
 * O_RDWR | O_CLOEXEC.
 *
 * Errors:
 * - %EINVAL: @region_size or @resident_limit zero where not allowed, not a
 *   multiple of the page size or out of bounds; unknown flag; reserved not 0
 * - %EPERM: a production region, with guards on: a task of the caller's address
 *   space is being traced, or user probes were planted in it before
 * - %EAGAIN: the same: a process that shares the caller's address space may be
 *   about to be traced; try again
 * - %EDQUOT: the user has as many regions as the module's parameter user_regions
 *   allows, and the caller lacks CAP_SYS_RESOURCE
 * - %EMFILE, %ENFILE: no descriptor left
 * - %ENOMEM: no memory for the region's descriptor
 * - %EIO: the kernel's crypto failed
 */
struct cloister_create {
	__u32 size;
	__u32 flags;
	__u64 region_size;
	__u64 resident_limit;
	__u64 reserved[3];
};

/* Page permissions: what a mapping may do with the page at most. */
#define CLOISTER_PERM_READ		(1U << 0)
#define CLOISTER_PERM_WRITE		(1U << 1)
#define CLOISTER_PERM_EXEC		(1U << 2)

/* CLOISTER_ADD_PAGES flags */
/* The pages' contents enter the measurement, not only their attributes. */
#define CLOISTER_ADD_MEASURED		(1U << 0)
/* The pages are zero; @source must be 0. */
#define CLOISTER_ADD_ZERO		(1U << 1)
/*
 * The pages have frames from now on and keep them: they are never sealed while the region lives
 * (measured). They count against RLIMIT_MEMLOCK of who adds them.
 */
#define CLOISTER_ADD_PINNED		(1U << 2)

/**
 * struct cloister_add_pages - add pages to a region being built
 * @size: length of this structure in bytes
 * @flags: mask of CLOISTER_ADD_*
 * @offset: first byte in the region
 * @length: bytes to add, not 0
 * @source: user address of the contents; any alignment
 * @permissions: mask of CLOISTER_PERM_*; READ is required, and WRITE and EXEC
 *	exclude each other
 * @reserved: must be 0
 * @done: out: bytes added, in order from @offset, also when the call fails
 *
 * CLOISTER_ADD_PAGES, on a region in state BUILDING. The order of calls is
 * measured; how a range is split over calls is not.
 *
 * Errors:
 * - %EINVAL: misaligned, empty, wrapping or outside the region; unknown flag
 *   or permission; a refused combination; reserved not 0
 * - %EEXIST: a page of the range was added before
 * - %EBADFD: the region is not in state BUILDING
 * - %EACCES: the caller is not the creator and the region is not shareable
 * - %EINTR: a signal came; go on from @done
 * - %EBUSY: another thread is adding to the region, or a limit of plaintext
 *   memory, the region's, its user's or the device's, is reached and nothing could be
 *   sealed just now: try again
 * - %ENOMEM: out of memory, or over the memory cgroup's limit; PINNED: over
 *   RLIMIT_MEMLOCK
 * - %EPERM: PINNED: RLIMIT_MEMLOCK is 0, and the caller lacks CAP_IPC_LOCK
 * - %ENOSPC: PINNED: with these pages less than 64 KiB of the region's resident limit would be
 *   left for its others, or half of the device's limit would be passed
 * - %EDQUOT: the user's regions would have more pinned pages, or more tables for the
 *   metadata of pages, than half of the limit of its plaintext memory
 * - %EIO: the kernel's crypto failed; the region is dead
 */
struct cloister_add_pages {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 source;
	__u32 permissions;
	__u32 reserved;
	__u64 done;
};

/**
 * struct cloister_init - finish building; the region goes LIVE
 * @size: length of this structure in bytes
 * @flags: must be 0
 * @measurement: out: the region's SHA-384 measurement
 *
 * CLOISTER_INIT, on a region in state BUILDING. From here on the region can be
 * mapped and quoted, and no page can be added.
 *
 * mmap() of a LIVE region: shared mappings only, of what lies within it. It fails
 * with %EINVAL (private, or beyond the region), %EACCES (not the creator's, and not
 * shareable), %EBADFD (not LIVE), %EPERM and %EAGAIN as CLOISTER_CREATE, %EAGAIN also
 * while another thread is in execve(), %ENOMEM.
 *
 * Errors: %EINVAL, %EBADFD (not BUILDING), %EACCES, %EBUSY (pages are being added),
 * %EIO (the kernel's crypto failed; the region is dead)
 */
struct cloister_init {
	__u32 size;
	__u32 flags;
	__u8  measurement[CLOISTER_DIGEST_LEN];
};

/**
 * struct cloister_range - a range of a region
 * @size: length of this structure in bytes
 * @flags: must be 0
 * @offset: first byte
 * @length: bytes; 0 with @offset 0: the whole region
 * @done: out: bytes gone through from @offset
 *
 * CLOISTER_SEAL: encrypt every resident page of the range into the backing
 * store now and free its frame. Pages that are sealed, absent or pinned are passed over.
 * CLOISTER_REMOVE_PAGES: scrub and drop the pages of the range for good; a touch
 * raises SIGBUS from then on. Only on a LIVE region; absent pages are passed over.
 *
 * Errors:
 * - %EINVAL: misaligned, wrapping or outside the region; flags not 0
 * - %EBADFD: REMOVE_PAGES on a region that is not LIVE, SEAL on one that is dead
 * - %EACCES: the caller is not the creator and the region is not shareable
 * - %EINTR: a signal came; go on from @done
 * - %ENOMEM: no backing memory could be had
 * - %EOVERFLOW: SEAL: no nonce is left for the region's key; the region is dead
 * - %EIO: SEAL: the kernel's crypto failed
 */
struct cloister_range {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 done;
};

/**
 * struct cloister_quote - ask for remote evidence of a region
 * @size: length of this structure in bytes
 * @flags: must be 0
 * @algorithm: one of CLOISTER_ALG_*
 * @nonce_len: bytes of @nonce, %CLOISTER_NONCE_MIN to %CLOISTER_NONCE_MAX
 * @nonce: the verifier's fresh value; bytes past @nonce_len must be 0
 * @report_data: bytes of the caller's choosing, signed with the rest
 * @buffer: user address where the quote goes
 * @buffer_len: its length in bytes
 * @quote_len: out: length of the quote, also with %ENOSPC
 *
 * CLOISTER_QUOTE, on a LIVE region. The quote is a COSE_Sign1 (RFC 9052) over
 * an EAT (RFC 9711); linux/cloister_quote.h names its claims.
 *
 * Errors:
 * - %EINVAL: unknown algorithm, nonce length out of bounds, flags not 0
 * - %EBADFD: the region is not LIVE
 * - %EACCES: the caller is not the creator and the region is not shareable
 * - %ENOKEY: the device has not been provisioned
 * - %EAGAIN: for the user that created the region, as many quotes were signed as the
 *   module's parameter user_quotes allows, and the caller lacks CAP_SYS_RESOURCE:
 *   try again in a while
 * - %ENOSPC: @buffer_len is too small; @quote_len says what is needed
 * - %ENOMEM: no memory for the quote
 * - %EIO: signing failed its own check
 */
struct cloister_quote {
	__u32 size;
	__u32 flags;
	__u32 algorithm;
	__u32 nonce_len;
	__u8  nonce[CLOISTER_NONCE_MAX];
	__u8  report_data[CLOISTER_REPORT_DATA_LEN];
	__u64 buffer;
	__u64 buffer_len;
	__u64 quote_len;
};

/* Region states */
#define CLOISTER_STATE_BUILDING		1
#define CLOISTER_STATE_LIVE		2
#define CLOISTER_STATE_PARKED		3
#define CLOISTER_STATE_DEAD		4

/**
 * struct cloister_stats - counters of a region
 * @size: length of this structure in bytes
 * @flags: must be 0
 * @region_id: out: unique while the module is loaded
 * @state: out: one of CLOISTER_STATE_*
 * @create_flags: out: as given to CLOISTER_CREATE
 * @region_size: out: bytes
 * @resident_limit: out: most plaintext of the region, in bytes: the limit given to
 *	CLOISTER_CREATE, or the region's size
 * @pages: out: pages added and not removed
 * @resident: out: pages in plaintext frames
 * @sealed: out: pages in the backing store
 * @zero: out: pages added as zero and never touched
 * @metadata: out: bytes of monitor memory of this region
 * @loads: out: sealed or zero pages made resident
 * @evictions: out: pages sealed
 * @faults: out: page faults served
 * @integrity_failures: out: sealed pages that failed authentication
 * @quotes: out: quotes made
 * @pinned: out: of the pages in frames, those that are pinned
 * @reserved: out: 0
 *
 * CLOISTER_STATS, on a region in any state.
 *
 * Errors: %EINVAL, %EACCES
 */
struct cloister_stats {
	__u32 size;
	__u32 flags;
	__u64 region_id;
	__u32 state;
	__u32 create_flags;
	__u64 region_size;
	__u64 resident_limit;
	__u64 pages;
	__u64 resident;
	__u64 sealed;
	__u64 zero;
	__u64 metadata;
	__u64 loads;
	__u64 evictions;
	__u64 faults;
	__u64 integrity_failures;
	__u64 quotes;
	__u64 pinned;
	__u64 reserved[3];
};

/* How the monitor digest came to be known. */
#define CLOISTER_DIGEST_ASSERTED	1

/* Kinds of root of trust. */
#define CLOISTER_ROOT_SOFTWARE		1

/**
 * struct cloister_provision - hand the device its derived secrets, once
 * @size: length of this structure in bytes
 * @flags: must be 0
 * @root: kind of root: %CLOISTER_ROOT_SOFTWARE
 * @digest_kind: %CLOISTER_DIGEST_ASSERTED
 * @cdi_attest: secret bound to the monitor's digest; the attestation keys
 *	come from it
 * @cdi_seal: secret bound to signer and security version; sealing keys come
 *	from it
 * @monitor_digest: SHA-384 of the module file, as the caller asserts it
 * @ueid: the device's identity, an EAT UEID of type RAND (0x01, 32 bytes)
 * @pad: must be 0
 * @public_es256: out: ES256 attestation key: 0x04, x, y (65 bytes, then 0)
 * @public_es384: out: ES384 attestation key: 0x04, x, y (97 bytes)
 * @pad2: must be 0
 * @reserved: must be 0
 *
 * CLOISTER_PROVISION, on the device; needs CAP_SYS_ADMIN in the initial user
 * namespace. Works once until the module is unloaded.
 *
 * Errors:
 * - %EPERM: not privileged
 * - %EINVAL: unknown root or digest kind, malformed UEID, an all-zero secret,
 *   flags or reserved not 0
 * - %EALREADY: provisioned before
 * - %ENOMEM: no memory for the call
 * - %EIO: no attestation key could be derived
 */
struct cloister_provision {
	__u32 size;
	__u32 flags;
	__u32 root;
	__u32 digest_kind;
	__u8  cdi_attest[CLOISTER_CDI_LEN];
	__u8  cdi_seal[CLOISTER_CDI_LEN];
	__u8  monitor_digest[CLOISTER_DIGEST_LEN];
	__u8  ueid[CLOISTER_UEID_LEN];
	__u8  pad[7];
	__u8  public_es256[CLOISTER_PUBLIC_KEY_MAX];
	__u8  public_es384[CLOISTER_PUBLIC_KEY_MAX];
	__u8  pad2[6];
	__u64 reserved[4];
};

/**
 * struct cloister_set_chain - certificates that go with each quote
 * @size: length of this structure in bytes
 * @flags: must be 0
 * @algorithm: the attestation key they belong to: one of CLOISTER_ALG_*
 * @count: number of certificates, 1 to %CLOISTER_CHAIN_MAX_CERTS
 * @cert_len: bytes of each; together at most %CLOISTER_CHAIN_MAX_LEN;
 *	0 past @count
 * @certs: user address of the certificates (DER), end to end, leaf first
 *
 * CLOISTER_SET_CHAIN, on the device; needs CAP_SYS_ADMIN. The driver does not
 * read the certificates: it hands them on in the quote's unprotected header
 * (x5chain, RFC 9360). May be called again, to renew.
 *
 * Errors: %EPERM, %EINVAL, %ENOKEY (not provisioned), %ENOMEM
 */
struct cloister_set_chain {
	__u32 size;
	__u32 flags;
	__u32 algorithm;
	__u32 count;
	__u32 cert_len[CLOISTER_CHAIN_MAX_CERTS];
	__u64 certs;
};

#define CLOISTER_IOC_MAGIC	0xE7

/* On the device */
#define CLOISTER_GET_INFO	_IOWR(CLOISTER_IOC_MAGIC, 0x10, struct cloister_get_info)
#define CLOISTER_CREATE		_IOWR(CLOISTER_IOC_MAGIC, 0x11, struct cloister_create)
#define CLOISTER_PROVISION	_IOWR(CLOISTER_IOC_MAGIC, 0x12, struct cloister_provision)
#define CLOISTER_SET_CHAIN	_IOWR(CLOISTER_IOC_MAGIC, 0x13, struct cloister_set_chain)

/* On a region */
#define CLOISTER_ADD_PAGES	_IOWR(CLOISTER_IOC_MAGIC, 0x20, struct cloister_add_pages)
#define CLOISTER_INIT		_IOWR(CLOISTER_IOC_MAGIC, 0x21, struct cloister_init)
#define CLOISTER_SEAL		_IOWR(CLOISTER_IOC_MAGIC, 0x22, struct cloister_range)
#define CLOISTER_REMOVE_PAGES	_IOWR(CLOISTER_IOC_MAGIC, 0x23, struct cloister_range)
#define CLOISTER_QUOTE		_IOWR(CLOISTER_IOC_MAGIC, 0x24, struct cloister_quote)
#define CLOISTER_STATS		_IOWR(CLOISTER_IOC_MAGIC, 0x25, struct cloister_stats)

#endif /* _UAPI_LINUX_CLOISTER_H */
