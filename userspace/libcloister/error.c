// SPDX-License-Identifier: Apache-2.0
/* Codes and sentences: what failed, with what, and what to do about it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define LAYER_SHIFT	16
#define ERRNO_MASK	0xffff

int layer_code(enum cloister_layer layer, int error)
{
	return -((int)layer << LAYER_SHIFT | (error & ERRNO_MASK));
}

enum cloister_layer cloister_code_layer(int code)
{
	return code < 0 ? (enum cloister_layer)(-code >> LAYER_SHIFT) : CLOISTER_LAYER_NONE;
}

int cloister_code_errno(int code)
{
	return code < 0 ? -code & ERRNO_MASK : 0;
}

const char *cloister_layer_name(enum cloister_layer layer)
{
	static const char *const names[] = {
		[CLOISTER_LAYER_NONE] = "none",
		[CLOISTER_LAYER_ARGUMENT] = "argument",
		[CLOISTER_LAYER_DEVICE] = "device",
		[CLOISTER_LAYER_DRIVER] = "driver",
		[CLOISTER_LAYER_IO] = "io",
		[CLOISTER_LAYER_SYSTEM] = "system",
		[CLOISTER_LAYER_CANCELLED] = "cancelled",
	};

	if ((size_t)layer >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[layer];
}

int sentence_set(char *sentence, enum cloister_layer layer, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, SENTENCE_LEN, format, arguments);
	va_end(arguments);
	return layer_code(layer, error);
}

struct explanation {
	unsigned long request;		/* 0: any */
	int error;
	const char *text;
};

/* Searched in order: what holds for one request stands before what holds for any. */
static const struct explanation explanations[] = {
	{ CLOISTER_PROVISION, EPERM,
	  "only root may provision the device; run it as root, outside any container" },
	{ CLOISTER_SET_CHAIN, EPERM,
	  "only root may set certificates; run it as root, outside any container" },
	{ CLOISTER_PROVISION, EALREADY,
	  "the device has been provisioned since the module was loaded; "
	  "unload and load the module to provision it anew" },
	{ CLOISTER_PROVISION, EINVAL,
	  "a secret is zero, or the UEID, the root or the kind of digest is not known" },
	{ CLOISTER_PROVISION, EIO,
	  "the derived keys failed their self-test; see the kernel log and do not use the device" },
	{ CLOISTER_SET_CHAIN, ENOKEY,
	  "the device has no attestation key yet; provision it before setting certificates" },
	{ CLOISTER_QUOTE, ENOKEY,
	  "the device has no attestation key yet; run `cloister provision` as root" },
	{ CLOISTER_QUOTE, EAGAIN,
	  "this user asked for more quotes a second than it may; try again in a while" },
	{ CLOISTER_QUOTE, EBADFD,
	  "only a LIVE region can be quoted; finish building it with init first" },
	{ CLOISTER_QUOTE, EINVAL,
	  "the algorithm is not offered or the nonce has a wrong length; "
	  "`cloister info` lists the algorithms" },
	{ CLOISTER_QUOTE, EIO,
	  "the signature failed its own check; see the kernel log and try again" },
	{ CLOISTER_CREATE, EPERM,
	  "this process is being traced, or user probes were planted in it; end the debugger, or "
	  "make a debug region, which its quotes tell of" },
	{ CLOISTER_CREATE, EAGAIN,
	  "a process that shares this one's memory is about to be traced; try again" },
	{ CLOISTER_CREATE, EDQUOT,
	  "this user has as many regions as it may; close some, or load the module with a "
	  "higher user_regions" },
	{ CLOISTER_CREATE, EINVAL,
	  "the size or the resident limit is out of bounds: both are multiples of 4096, the "
	  "size at least 4 KiB, the limit at least 64 KiB or the whole region; "
	  "`cloister info` shows the largest" },
	{ CLOISTER_ADD_PAGES, EINVAL,
	  "the range is misaligned, empty or outside the region, or the permissions lack "
	  "READ or combine WRITE and EXEC" },
	{ CLOISTER_ADD_PAGES, EEXIST,
	  "a page of the range was added before; each page is added once" },
	{ CLOISTER_ADD_PAGES, EPERM,
	  "pages can't be pinned where RLIMIT_MEMLOCK is 0; raise it (ulimit -l)" },
	{ CLOISTER_ADD_PAGES, ENOSPC,
	  "too little of the region's resident limit, or of the device's, would be left for "
	  "pages that are not pinned; pin fewer, or raise the limit" },
	{ CLOISTER_ADD_PAGES, EDQUOT,
	  "this user's regions have as many pinned pages or tables as they may; close some, or "
	  "load the module with a higher user_resident_mib" },
	{ CLOISTER_ADD_PAGES, EBADFD,
	  "pages can only be added before init; make a new region" },
	{ CLOISTER_ADD_PAGES, EBUSY,
	  "another thread is adding, or the device has no plaintext memory left; wait for "
	  "it, close regions, or load the module with a higher limit" },
	{ CLOISTER_INIT, EBADFD, "the region was finished before" },
	{ CLOISTER_INIT, EBUSY, "another thread is still adding pages; wait for it" },
	{ CLOISTER_REMOVE_PAGES, EBADFD, "pages can only be removed from a LIVE region" },
	{ CLOISTER_SEAL, EINVAL, "the range is misaligned or outside the region" },
	{ CLOISTER_REMOVE_PAGES, EINVAL, "the range is misaligned or outside the region" },
	{ 0, EACCES,
	  "this process did not create the region, and the region is not shareable; "
	  "create it with CLOISTER_CREATE_SHAREABLE to pass it on" },
	{ 0, ENOTTY,
	  "the descriptor is not one of the Cloister driver's, or the driver is older "
	  "than this library" },
	{ 0, E2BIG, "the driver is older than this library; load the matching module" },
	{ 0, EFAULT, "an address that was passed in can't be read or written" },
	{ 0, ENOMEM,
	  "the machine or the memory cgroup has no memory left; free some or raise the limit" },
	{ 0, EMFILE, "this process has too many open descriptors; close some or raise ulimit -n" },
	{ 0, ENFILE, "the machine has too many open files; close some or raise fs.file-max" },
	{ 0, EBADF, "the descriptor is not open" },
	{ 0, EINVAL, "the driver does not know what was asked; load the matching module" },
};

static const char *request_name(unsigned long request)
{
	switch (request) {
	case CLOISTER_GET_INFO:
		return "GET_INFO";
	case CLOISTER_CREATE:
		return "CREATE";
	case CLOISTER_PROVISION:
		return "PROVISION";
	case CLOISTER_SET_CHAIN:
		return "SET_CHAIN";
	case CLOISTER_ADD_PAGES:
		return "ADD_PAGES";
	case CLOISTER_INIT:
		return "INIT";
	case CLOISTER_SEAL:
		return "SEAL";
	case CLOISTER_REMOVE_PAGES:
		return "REMOVE_PAGES";
	case CLOISTER_QUOTE:
		return "QUOTE";
	case CLOISTER_STATS:
		return "STATS";
	default:
		return "a call";
	}
}

static const char *explain(unsigned long request, int error)
{
	size_t i;

	for (i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++) {
		const struct explanation *e = &explanations[i];

		if (e->error == error && (!e->request || e->request == request))
			return e->text;
	}
	return "see the kernel log";
}

int sentence_driver(char *sentence, unsigned long request, int error)
{
	return sentence_set(sentence, CLOISTER_LAYER_DRIVER, error,
			    "the driver refused %s (%s): %s", request_name(request),
			    strerrorname_np(error) ?: "unknown error", explain(request, error));
}

int sentence_open(char *sentence, const char *path, int error)
{
	const char *advice = "check the path";

	switch (error) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		advice = "load the module: `modprobe cloister`, or `insmod` with its path";
		break;
	case EACCES:
	case EPERM:
		advice = "the device is for root and the group tee: "
			 "`usermod -aG tee USER`, then log in anew";
		break;
	case EMFILE:
	case ENFILE:
		advice = "close some descriptors";
		break;
	}
	return sentence_set(sentence, CLOISTER_LAYER_DEVICE, error, "can't open %s: %s; %s", path,
			    strerror(error), advice);
}
