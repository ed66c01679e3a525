/* SPDX-License-Identifier: Apache-2.0 */
/* What a device is, derived from its secret: identity and the monitor's secrets. */
#ifndef _CLOISTER_CLI_IDENTITY_H
#define _CLOISTER_CLI_IDENTITY_H

#include "state.h"

#define UDS_LEN		48
/* Security version of the monitor; CDI_seal is bound to it. */
#define MONITOR_SVN	1

/**
 * struct identity - the device and the monitor that runs on it
 * @ueid: 0x01, then 32 bytes derived from the device secret
 * @monitor_digest: SHA-384 of the module file, as asserted
 * @cdi_attest: secret bound to @monitor_digest
 * @cdi_seal: secret bound to %MONITOR_SVN
 */
struct identity {
	uint8_t ueid[CLOISTER_UEID_LEN];
	uint8_t monitor_digest[CLOISTER_DIGEST_LEN];
	uint8_t cdi_attest[CLOISTER_CDI_LEN];
	uint8_t cdi_seal[CLOISTER_CDI_LEN];
};

/* Reads or makes the device secret and derives @identity for @monitor_digest. */
int identity_derive(struct state *state, const uint8_t monitor_digest[CLOISTER_DIGEST_LEN],
		    struct identity *identity);

/* Wipes the secrets. */
void identity_clear(struct identity *identity);

/*
 * Finds the module file of the running kernel, as modinfo does; 0 or the exit code of a
 * failure that was told. @path has room for @room bytes.
 */
int module_find(struct cli *cli, char *path, size_t room);

#endif /* _CLOISTER_CLI_IDENTITY_H */
