// SPDX-License-Identifier: Apache-2.0
/* The device secret and what is derived from it. */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#include "identity.h"

#define INFO_ATTEST	"cloister CDI attest v1"
#define INFO_SEAL	"cloister CDI seal v1"
#define INFO_UEID	"cloister UEID v1"
#define INFO_MAX	(sizeof(INFO_ATTEST) + CLOISTER_DIGEST_LEN)

#define UEID_TYPE_RAND	0x01

/* HKDF-SHA384 without salt; info is @label (no terminator), then @context. */
static bool hkdf(const uint8_t *secret, const char *label, const void *context,
		 size_t context_length, uint8_t *out, size_t length)
{
	uint8_t info[INFO_MAX];
	size_t label_length = strlen(label);
	char digest[] = "SHA384";
	OSSL_PARAM params[4];
	EVP_KDF_CTX *kdf_context = NULL;
	EVP_KDF *kdf;
	bool good = false;

	memcpy(info, label, label_length);
	if (context_length)
		memcpy(info + label_length, context, context_length);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret,
						      UDS_LEN);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
						      label_length + context_length);
	params[3] = OSSL_PARAM_construct_end();
	kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	if (kdf)
		kdf_context = EVP_KDF_CTX_new(kdf);
	if (kdf_context)
		good = EVP_KDF_derive(kdf_context, out, length, params) == 1;
	EVP_KDF_CTX_free(kdf_context);
	EVP_KDF_free(kdf);
	return good;
}

static int get_secret(struct state *state, uint8_t secret[UDS_LEN])
{
	size_t length;
	int status;

	status = state_read(state, STATE_UDS, true, secret, UDS_LEN, &length);
	if (status)
		return status;
	if (length == UDS_LEN)
		return 0;
	if (length)
		return cli_fail(state->cli, CLI_EXIT_IO, "%s/%s has %zu bytes, not %d: it is "
				"damaged; remove the directory and provision anew", state->path,
				STATE_UDS, length, UDS_LEN);
	if (RAND_priv_bytes(secret, UDS_LEN) != 1)
		return cli_fail(state->cli, CLI_EXIT_INTERNAL,
				"no random numbers for the device secret");
	return state_write(state, STATE_UDS, 0600, secret, UDS_LEN);
}

int identity_derive(struct state *state, const uint8_t monitor_digest[CLOISTER_DIGEST_LEN],
		    struct identity *identity)
{
	static const uint8_t svn[4] = { 0, 0, 0, MONITOR_SVN };
	uint8_t secret[UDS_LEN];
	bool good;
	int status;

	status = get_secret(state, secret);
	if (!status) {
		memcpy(identity->monitor_digest, monitor_digest, CLOISTER_DIGEST_LEN);
		identity->ueid[0] = UEID_TYPE_RAND;
		good = hkdf(secret, INFO_UEID, NULL, 0, identity->ueid + 1,
			    CLOISTER_UEID_LEN - 1) &&
		       hkdf(secret, INFO_ATTEST, monitor_digest, CLOISTER_DIGEST_LEN,
			    identity->cdi_attest, CLOISTER_CDI_LEN) &&
		       hkdf(secret, INFO_SEAL, svn, sizeof(svn), identity->cdi_seal,
			    CLOISTER_CDI_LEN);
		if (!good)
			status = cli_fail(state->cli, CLI_EXIT_INTERNAL,
					  "the crypto library can't derive the secrets");
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	if (status)
		identity_clear(identity);
	return status;
}

void identity_clear(struct identity *identity)
{
	OPENSSL_cleanse(identity->cdi_attest, sizeof(identity->cdi_attest));
	OPENSSL_cleanse(identity->cdi_seal, sizeof(identity->cdi_seal));
}
