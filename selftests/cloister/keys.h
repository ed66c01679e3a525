/* SPDX-License-Identifier: GPL-2.0-only */
/* Provisioning and quotes, for the tests that need a device with keys. */
#ifndef CLOISTER_SELFTEST_KEYS_H
#define CLOISTER_SELFTEST_KEYS_H

#include "region.h"

#define QUOTE_BUFFER	(16UL << 10)

/* Secrets that no device but a test's has. */
HELPER struct cloister_provision test_provision(void)
{
	struct cloister_provision provision = {
		.size = sizeof(provision),
		.root = CLOISTER_ROOT_SOFTWARE,
		.digest_kind = CLOISTER_DIGEST_ASSERTED,
	};

	memset(provision.cdi_attest, 0x41, sizeof(provision.cdi_attest));
	memset(provision.cdi_seal, 0x53, sizeof(provision.cdi_seal));
	memset(provision.monitor_digest, 0x4d, sizeof(provision.monitor_digest));
	memset(provision.ueid, 0x55, sizeof(provision.ueid));
	provision.ueid[0] = 0x01;
	return provision;
}

HELPER bool provisioned(int device)
{
	struct cloister_get_info info;

	return !get_info(device, &info) && info.posture & CLOISTER_POSTURE_PROVISIONED;
}

/* The device is provisioned once each time it is loaded, by whichever test comes first. */
HELPER int provision_once(int device)
{
	struct cloister_provision provision = test_provision();
	int result = call(device, CLOISTER_PROVISION, &provision);

	return result == -EALREADY ? 0 : result;
}

HELPER struct cloister_quote plain_quote(uint8_t *buffer, uint64_t length)
{
	struct cloister_quote quote = {
		.size = sizeof(quote),
		.algorithm = CLOISTER_ALG_ES256,
		.nonce_len = 32,
		.buffer = (uintptr_t)buffer,
		.buffer_len = length,
	};

	memset(quote.nonce, 0x6e, quote.nonce_len);
	memset(quote.report_data, 0x72, sizeof(quote.report_data));
	return quote;
}

#endif
