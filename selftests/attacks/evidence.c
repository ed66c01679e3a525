// SPDX-License-Identifier: Apache-2.0
/*
 * The device's attestation key is told only by the call that provisions it, so
 * the first attack leaves it in a file for those that follow.
 */
#include <bearssl.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/cloister.h>

#include "evidence.h"

#define KEY_FILE	"/run/cloister-attack-key"
#define MODULES		"/lib/modules/cloister/"
#define POINT_LENGTH	65
#define SIGNATURE_LENGTH 64
#define PATIENCE	10

/* Which key belongs to which loading of the module. */
static struct key {
	uint8_t instance[16];
	uint8_t point[POINT_LENGTH];
} key;

static int device_info(struct cloister_get_info *info)
{
	int device = open(CLOISTER_DEVICE, O_RDWR | O_CLOEXEC), result = 0;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	if (device < 0)
		return -errno;
	if (ioctl(device, CLOISTER_GET_INFO, info))
		result = -errno;
	close(device);
	return result;
}

static bool recall(const struct cloister_get_info *info)
{
	int fd = open(KEY_FILE, O_RDONLY | O_CLOEXEC);
	bool known = fd >= 0 && read(fd, &key, sizeof(key)) == sizeof(key) &&
		!memcmp(key.instance, info->instance_id, sizeof(key.instance));

	if (fd >= 0)
		close(fd);
	return known;
}

static void keep(void)
{
	int fd = open(KEY_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, &key, sizeof(key)) != sizeof(key))
		err(1, "%s", KEY_FILE);
	close(fd);
}

static int provision(void)
{
	struct cloister_provision provision = {
		.size = sizeof(provision),
		.root = CLOISTER_ROOT_SOFTWARE,
		.digest_kind = CLOISTER_DIGEST_ASSERTED,
	};
	int device = open(CLOISTER_DEVICE, O_RDWR | O_CLOEXEC), result = 0;

	if (device < 0)
		return -errno;
	memset(provision.cdi_attest, 0x41, sizeof(provision.cdi_attest));
	memset(provision.cdi_seal, 0x53, sizeof(provision.cdi_seal));
	memset(provision.monitor_digest, 0x4d, sizeof(provision.monitor_digest));
	memset(provision.ueid, 0x55, sizeof(provision.ueid));
	provision.ueid[0] = 0x01;
	if (ioctl(device, CLOISTER_PROVISION, &provision))
		result = -errno;
	close(device);
	memcpy(key.point, provision.public_es256, sizeof(key.point));
	return result;
}

static int load(const char *name)
{
	char path[128];
	int file, result = 0;

	snprintf(path, sizeof(path), MODULES "%s.ko", name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	if (syscall(SYS_finit_module, file, "", 0))
		result = -errno;
	close(file);
	return result;
}

/* Somebody else provisioned this device and its key is not known: one without keys replaces it. */
static void load_anew(void)
{
	bool tamper = !syscall(SYS_delete_module, "cloister_tamper", O_NONBLOCK);

	if (syscall(SYS_delete_module, "cloister", O_NONBLOCK) || load("cloister"))
		err(1, "the module can't be loaded anew");
	if (tamper && load("cloister_tamper"))
		err(1, "cloister_tamper.ko can't be loaded again");
}

void evidence_prepare(void)
{
	struct cloister_get_info info;
	int result = device_info(&info);

	if (result)
		errx(1, "%s: %s", CLOISTER_DEVICE, strerror(-result));
	if (info.posture & CLOISTER_POSTURE_PROVISIONED) {
		if (recall(&info))
			return;
		load_anew();
		result = device_info(&info);
	}
	if (!result)
		result = provision();
	if (result)
		errx(1, "the device can't be provisioned: %s", strerror(-result));
	memcpy(key.instance, info.instance_id, sizeof(key.instance));
	keep();
}

int evidence_wait_for_no_regions(void)
{
	const time_t until = time(NULL) + PATIENCE;
	struct cloister_get_info info;
	int result;

	do {
		result = device_info(&info);
		if (result || !info.regions)
			return result;
		sched_yield();
	} while (time(NULL) < until);
	return -EBUSY;
}

/* ---- The quote: tag 18 over [ protected, unprotected, payload, signature ] ---- */

struct bytes {
	const uint8_t *at;
	size_t length;
};

/* A byte string: its contents; @from moves past it. Lengths above 64 KiB have no place. */
static bool byte_string(struct bytes *from, struct bytes *string)
{
	const uint8_t *at = from->at;
	size_t head = 1, length;

	if (!from->length || at[0] >> 5 != 2)
		return false;
	length = at[0] & 31;
	if (length == 24 && from->length > 1) {
		length = at[1];
		head = 2;
	} else if (length == 25 && from->length > 2) {
		length = (size_t)at[1] << 8 | at[2];
		head = 3;
	} else if (length > 23) {
		return false;
	}
	if (from->length - head < length)
		return false;
	string->at = at + head;
	string->length = length;
	from->at += head + length;
	from->length -= head + length;
	return true;
}

static bool starts_with(struct bytes *from, uint8_t byte)
{
	if (!from->length || *from->at != byte)
		return false;
	from->at++;
	from->length--;
	return true;
}

/* No chain was set: the unprotected header is an empty map. */
static bool split(const uint8_t *quote, size_t length, struct bytes *protected,
		  struct bytes *payload, struct bytes *signature)
{
	struct bytes rest = { quote, length };

	return starts_with(&rest, 0xd2) && starts_with(&rest, 0x84) &&
		byte_string(&rest, protected) && starts_with(&rest, 0xa0) &&
		byte_string(&rest, payload) && byte_string(&rest, signature) && !rest.length;
}

static void hash_string(br_sha256_context *hash, const struct bytes *string)
{
	const uint8_t head[] = { 0x59, (uint8_t)(string->length >> 8), (uint8_t)string->length };
	const uint8_t shorter[] = { 0x58, (uint8_t)string->length };
	const uint8_t shortest[] = { (uint8_t)(0x40 + string->length) };

	if (string->length > 255)
		br_sha256_update(hash, head, sizeof(head));
	else if (string->length > 23)
		br_sha256_update(hash, shorter, sizeof(shorter));
	else
		br_sha256_update(hash, shortest, sizeof(shortest));
	br_sha256_update(hash, string->at, string->length);
}

/* RFC 9052, section 4.4: what is signed is [ "Signature1", protected, external, payload ]. */
static bool signature_holds(const struct bytes *protected, const struct bytes *payload,
			    const struct bytes *signature)
{
	static const uint8_t context[] = "\x84\x6aSignature1";
	const br_ec_public_key public = { BR_EC_secp256r1, key.point, sizeof(key.point) };
	const struct bytes external = { context, 0 };
	uint8_t digest[br_sha256_SIZE];
	br_sha256_context hash;

	br_sha256_init(&hash);
	br_sha256_update(&hash, context, sizeof(context) - 1);
	hash_string(&hash, protected);
	hash_string(&hash, &external);
	hash_string(&hash, payload);
	br_sha256_out(&hash, digest);
	return signature->length == SIGNATURE_LENGTH &&
		br_ecdsa_i31_vrfy_raw(&br_ec_p256_m31, digest, sizeof(digest), &public,
				      signature->at, signature->length) == 1;
}

const char *evidence_refute(const uint8_t *quote, size_t length, const uint8_t *measurement,
			    const uint8_t *nonce, size_t nonce_length)
{
	struct bytes protected, payload, signature;

	if (!split(quote, length, &protected, &payload, &signature))
		return "its quote is malformed";
	if (!signature_holds(&protected, &payload, &signature))
		return "its quote does not verify";
	if (!memmem(payload.at, payload.length, nonce, nonce_length))
		return "its quote does not have the nonce";
	if (!memmem(payload.at, payload.length, measurement, CLOISTER_DIGEST_LEN))
		return "its quote does not have the measurement";
	return NULL;
}

const char *evidence_guards(const uint8_t *quote, size_t length)
{
	static const char *const states[] = { "armed", "partial", "off" };
	/* -70017: a negative integer of four bytes; then a short text. */
	static const uint8_t claim[] = { 0x3a, 0x00, 0x01, 0x11, 0x80 };
	struct bytes protected, payload, signature;
	const uint8_t *at;
	size_t i;

	if (!split(quote, length, &protected, &payload, &signature))
		return "";
	at = memmem(payload.at, payload.length, claim, sizeof(claim));
	for (i = 0; at && i < sizeof(states) / sizeof(states[0]); i++)
		if (at[sizeof(claim)] == 0x60 + strlen(states[i]) &&
		    !memcmp(at + sizeof(claim) + 1, states[i], strlen(states[i])))
			return states[i];
	return "";
}
