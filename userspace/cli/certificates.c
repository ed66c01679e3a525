// SPDX-License-Identifier: Apache-2.0
/* X.509 by OpenSSL: the device CA issues one certificate for each attestation key. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "certificates.h"

#define CA_DAYS			(10 * 365)
/* Clocks of verifiers may be a little behind. */
#define BACKDATE_SECONDS	300
#define SERIAL_LEN		20
/* So much of the UEID stands in names: enough to tell devices apart by eye. */
#define SHORT_UEID_LEN		8
#define KEY_PEM_MAX		2048
#define CERTIFICATE_PEM_MAX	8192

static int crypto_failed(struct state *state, const char *what)
{
	char reason[256] = "no memory";
	unsigned long error = ERR_peek_last_error();

	if (error)
		ERR_error_string_n(error, reason, sizeof(reason));
	return cli_fail(state->cli, CLI_EXIT_INTERNAL, "the crypto library can't %s: %s", what,
			reason);
}

static bool add_extension(X509 *certificate, X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
	bool good = extension && X509_add_ext(certificate, extension, -1);

	X509_EXTENSION_free(extension);
	return good;
}

/* Takes @extension. */
static bool add_made_extension(X509 *certificate, X509_EXTENSION *extension)
{
	bool good = extension && X509_add_ext(certificate, extension, -1);

	X509_EXTENSION_free(extension);
	return good;
}

static bool set_serial(X509 *certificate)
{
	uint8_t bytes[SERIAL_LEN];
	BIGNUM *number;
	bool good;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	/* RFC 5280: positive, at most 20 bytes in DER. */
	bytes[0] = (bytes[0] & 0x7f) | 0x40;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return good;
}

static bool set_subject(X509 *certificate, const char *role, const struct identity *identity)
{
	char ueid[2 * SHORT_UEID_LEN + 1];
	char name[64];

	cli_hex(identity->ueid + 1, SHORT_UEID_LEN, ueid);
	snprintf(name, sizeof(name), "Cloister %s %s", role, ueid);
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
					  MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
}

/* What CA and AK certificates have in common. */
static X509 *certificate_begin(const char *role, const struct identity *identity, EVP_PKEY *key,
			       int days)
{
	X509 *certificate = X509_new();

	if (certificate && X509_set_version(certificate, X509_VERSION_3) &&
	    set_serial(certificate) && set_subject(certificate, role, identity) &&
	    X509_gmtime_adj(X509_getm_notBefore(certificate), -BACKDATE_SECONDS) &&
	    X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, NULL) &&
	    X509_set_pubkey(certificate, key))
		return certificate;
	X509_free(certificate);
	return NULL;
}

static X509 *make_ca_certificate(const struct identity *identity, EVP_PKEY *key)
{
	X509 *certificate = certificate_begin("device CA", identity, key, CA_DAYS);
	X509V3_CTX context;

	if (!certificate)
		return NULL;
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	if (X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) &&
	    add_extension(certificate, &context, NID_basic_constraints,
			  "critical,CA:TRUE,pathlen:0") &&
	    add_extension(certificate, &context, NID_key_usage, "critical,keyCertSign") &&
	    add_extension(certificate, &context, NID_subject_key_identifier, "hash") &&
	    add_extension(certificate, &context, NID_authority_key_identifier,
			  "keyid:always") &&
	    X509_sign(certificate, key, EVP_sha384()))
		return certificate;
	X509_free(certificate);
	return NULL;
}

/* *@key stays NULL when there is none yet. */
static int ca_read_key(struct state *state, EVP_PKEY **key)
{
	uint8_t pem[KEY_PEM_MAX];
	BIO *bio = NULL;
	size_t length;
	int status;

	status = state_read(state, STATE_CA_KEY, true, pem, sizeof(pem), &length);
	if (!status && length) {
		bio = BIO_new_mem_buf(pem, (int)length);
		*key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
		BIO_free(bio);
		if (!*key)
			status = cli_fail(state->cli, CLI_EXIT_IO, "%s/%s is no private key: it is "
					  "damaged", state->path, STATE_CA_KEY);
	}
	OPENSSL_cleanse(pem, sizeof(pem));
	return status;
}

static int ca_make_key(struct state *state, EVP_PKEY **key)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *pem = NULL;
	long length = 0;
	int status;

	*key = EVP_EC_gen("P-384");
	if (bio && *key && PEM_write_bio_PKCS8PrivateKey(bio, *key, NULL, NULL, 0, NULL, NULL))
		length = BIO_get_mem_data(bio, &pem);
	if (length > 0)
		status = state_write(state, STATE_CA_KEY, 0600, pem, (size_t)length);
	else
		status = crypto_failed(state, "make the key of the device CA");
	if (pem)
		OPENSSL_cleanse(pem, (size_t)length);
	BIO_free(bio);
	return status;
}

static int ca_read_certificate(struct state *state, struct ca *ca)
{
	uint8_t pem[CERTIFICATE_PEM_MAX];
	size_t length;
	int status;
	BIO *bio;

	status = state_read(state, STATE_CA_CERT, false, pem, sizeof(pem), &length);
	if (status || !length)
		return status;
	bio = BIO_new_mem_buf(pem, (int)length);
	ca->certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	if (!ca->certificate)
		return cli_fail(state->cli, CLI_EXIT_IO, "%s/%s is no certificate: it is damaged; "
				"remove it to have it issued anew", state->path, STATE_CA_CERT);
	if (X509_check_private_key(ca->certificate, ca->key) != 1)
		return cli_fail(state->cli, CLI_EXIT_IO, "%s/%s is not the certificate of %s",
				state->path, STATE_CA_CERT, STATE_CA_KEY);
	if (X509_cmp_current_time(X509_get0_notAfter(ca->certificate)) <= 0)
		return cli_fail(state->cli, CLI_EXIT_IO, "%s/%s has expired; remove it to have it "
				"issued anew, and give the new one to verifiers", state->path,
				STATE_CA_CERT);
	return 0;
}

int ca_open(struct state *state, const struct identity *identity, struct ca *ca)
{
	int status;

	ca->key = NULL;
	ca->certificate = NULL;
	status = ca_read_key(state, &ca->key);
	if (!status && !ca->key)
		status = ca_make_key(state, &ca->key);
	if (!status)
		status = ca_read_certificate(state, ca);
	if (!status && !ca->certificate) {
		ca->certificate = make_ca_certificate(identity, ca->key);
		if (!ca->certificate)
			status = crypto_failed(state, "make the certificate of the device CA");
		else
			status = certificate_write(state, STATE_CA_CERT, ca->certificate);
	}
	if (status)
		ca_close(ca);
	return status;
}

void ca_close(struct ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->certificate);
	ca->key = NULL;
	ca->certificate = NULL;
}

size_t certificate_der(X509 *certificate, uint8_t **der)
{
	int length;

	*der = NULL;
	length = i2d_X509(certificate, der);
	return length > 0 ? (size_t)length : 0;
}

size_t certificate_pem(X509 *certificate, uint8_t **pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long length = 0;

	*pem = NULL;
	if (bio && PEM_write_bio_X509(bio, certificate))
		length = BIO_get_mem_data(bio, &text);
	if (length > 0)
		*pem = OPENSSL_memdup(text, (size_t)length);
	BIO_free(bio);
	return *pem ? (size_t)length : 0;
}

int certificate_write(struct state *state, const char *name, X509 *certificate)
{
	uint8_t *pem;
	size_t length = certificate_pem(certificate, &pem);
	int status;

	if (!length)
		return crypto_failed(state, "write a certificate");
	status = state_write(state, name, 0644, pem, length);
	OPENSSL_free(pem);
	return status;
}

size_t ak_point_length(uint32_t algorithm)
{
	return algorithm == CLOISTER_ALG_ES256 ? 65 : 97;
}

/* NULL also when the point is not on the curve. */
static EVP_PKEY *ak_public_key(uint32_t algorithm, const uint8_t *point)
{
	char p256[] = "P-256", p384[] = "P-384";
	char *curve = algorithm == CLOISTER_ALG_ES256 ? p256 : p384;
	OSSL_PARAM params[3];
	EVP_PKEY_CTX *context;
	EVP_PKEY *key = NULL;

	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point,
						      ak_point_length(algorithm));
	params[2] = OSSL_PARAM_construct_end();
	context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	return key;
}

static bool ak_complete(X509 *certificate, const struct ca *ca, const struct identity *identity)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, ca->certificate, certificate, NULL, NULL, 0);
	return X509_set_issuer_name(certificate, X509_get_subject_name(ca->certificate)) &&
	       add_extension(certificate, &context, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(certificate, &context, NID_key_usage,
			     "critical,digitalSignature") &&
	       add_extension(certificate, &context, NID_subject_key_identifier, "hash") &&
	       add_extension(certificate, &context, NID_authority_key_identifier,
			     "keyid:always") &&
	       add_made_extension(certificate, dice_tcb_info(identity->monitor_digest,
							     MONITOR_SVN)) &&
	       add_made_extension(certificate, dice_ueid(identity->ueid)) &&
	       X509_sign(certificate, ca->key, EVP_sha384());
}

int ak_issue(struct state *state, const struct ca *ca, const struct identity *identity,
	     uint32_t algorithm, const uint8_t *point, int days, X509 **certificate)
{
	const char *role = algorithm == CLOISTER_ALG_ES256 ? "AK ES256" : "AK ES384";
	EVP_PKEY *key = ak_public_key(algorithm, point);
	X509 *made;

	if (!key)
		return cli_fail(state->cli, CLI_EXIT_REFUSED,
				"the device gave a public key for %s that is not on the curve; do "
				"not use the device", role + 3);
	made = certificate_begin(role, identity, key, days);
	EVP_PKEY_free(key);
	if (!made || !ak_complete(made, ca, identity)) {
		X509_free(made);
		return crypto_failed(state, "make the certificate of an attestation key");
	}
	if (ASN1_TIME_compare(X509_get0_notAfter(made),
			      X509_get0_notAfter(ca->certificate)) > 0) {
		X509_free(made);
		return cli_fail(state->cli, CLI_EXIT_IO,
				"the certificate would outlive the device CA's; give fewer --days, "
				"or remove %s/%s to have it issued anew", state->path,
				STATE_CA_CERT);
	}
	*certificate = made;
	return 0;
}
