/* SPDX-License-Identifier: Apache-2.0 */
/* The device CA and the certificates of the attestation keys. */
#ifndef _CLOISTER_CLI_CERTIFICATES_H
#define _CLOISTER_CLI_CERTIFICATES_H

#include <openssl/x509.h>

#include "identity.h"

/**
 * struct ca - the device CA
 * @key: its P-384 key
 * @certificate: its self-signed certificate
 */
struct ca {
	EVP_PKEY *key;
	X509 *certificate;
};

/*
 * Reads the device CA from the state directory, or makes what of it is missing. 0, or the
 * exit code of a failure that was told.
 */
int ca_open(struct state *state, const struct identity *identity, struct ca *ca);
void ca_close(struct ca *ca);

/* DER of a CA's or AK's certificate, to be freed with OPENSSL_free(); 0 bytes on failure. */
size_t certificate_der(X509 *certificate, uint8_t **der);

/* Writes @certificate as PEM into the state directory. */
int certificate_write(struct state *state, const char *name, X509 *certificate);

/* PEM of @certificate, to be freed with OPENSSL_free(); 0 bytes on failure. */
size_t certificate_pem(X509 *certificate, uint8_t **pem);

/*
 * Issues a certificate for the attestation key @point (uncompressed, of the curve that
 * @algorithm names), valid for @days.
 */
int ak_issue(struct state *state, const struct ca *ca, const struct identity *identity,
	     uint32_t algorithm, const uint8_t *point, int days, X509 **certificate);

/* Length of an uncompressed point of @algorithm's curve. */
size_t ak_point_length(uint32_t algorithm);

/* dice.c: the DICE extensions, to be freed with X509_EXTENSION_free(); NULL on failure. */
X509_EXTENSION *dice_tcb_info(const uint8_t digest[CLOISTER_DIGEST_LEN], int svn);
X509_EXTENSION *dice_ueid(const uint8_t ueid[CLOISTER_UEID_LEN]);

#endif /* _CLOISTER_CLI_CERTIFICATES_H */
