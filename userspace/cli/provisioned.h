/* SPDX-License-Identifier: Apache-2.0 */
/* The record of the last provisioning: what --renew needs to know. Nothing in it is secret. */
#ifndef _CLOISTER_CLI_PROVISIONED_H
#define _CLOISTER_CLI_PROVISIONED_H

#include "state.h"

/**
 * struct provisioned - what was provisioned
 * @instance_id: of the module instance
 * @monitor_digest: as asserted
 * @ueid: the device's identity
 * @public_es256: attestation key, uncompressed point
 * @public_es384: attestation key, uncompressed point
 */
struct provisioned {
	uint8_t instance_id[16];
	uint8_t monitor_digest[CLOISTER_DIGEST_LEN];
	uint8_t ueid[CLOISTER_UEID_LEN];
	uint8_t public_es256[65];
	uint8_t public_es384[97];
};

/* Both return 0 or the exit code of a failure that was told. */
int provisioned_write(struct state *state, const struct provisioned *provisioned);
int provisioned_read(struct state *state, struct provisioned *provisioned);

#endif /* _CLOISTER_CLI_PROVISIONED_H */
