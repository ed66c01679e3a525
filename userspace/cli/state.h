/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory of `cloister provision`: secrets, keys and certificates. */
#ifndef _CLOISTER_CLI_STATE_H
#define _CLOISTER_CLI_STATE_H

#include "cli.h"

/* Names in the directory */
#define STATE_UDS		"uds"
#define STATE_CA_KEY		"device-ca.key"
#define STATE_CA_CERT		"device-ca.pem"
#define STATE_PROVISIONED	"provisioned.json"
#define STATE_CERT_ES256	"ak-es256.pem"
#define STATE_CERT_ES384	"ak-es384.pem"

/**
 * struct state - the open and locked state directory
 * @cli: the run of the program
 * @path: as given
 * @fd: the directory, with an exclusive flock(2) on it
 */
struct state {
	struct cli *cli;
	const char *path;
	int fd;
};

/* Opens (makes, 0700) and locks; 0 or the exit code of a failure that was told. */
int state_open(struct cli *cli, const char *path, struct state *state);
void state_close(struct state *state);

/*
 * Reads a whole file. 0, or the exit code of a failure that was told; *@length is 0 and 0
 * returned when there is no such file. A @secret must be the owner's alone.
 */
int state_read(struct state *state, const char *name, bool secret, uint8_t *bytes, size_t room,
	       size_t *length);

/* Writes a whole file at once, surviving a crash: it is the old one or the new one. */
int state_write(struct state *state, const char *name, mode_t mode, const void *bytes,
		size_t length);

#endif /* _CLOISTER_CLI_STATE_H */
