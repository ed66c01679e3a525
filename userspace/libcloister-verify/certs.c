// SPDX-License-Identifier: Apache-2.0
/* Reading certificates that the caller gives, and words for what is in them. */
#include "internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

/* Far more than any set of certificates needs; bounds what a wrong path can cost. */
#define CERTS_FILE_MAX	(1024 * 1024)

struct phrase name_phrase(const X509_NAME *name)
{
	struct phrase out = { "(no name)" };
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	/* RFC 2253 form escapes what is not printable ASCII. */
	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		len = BIO_get_mem_data(bio, &text);
		if (len > 0)
			out = phrase("%.*s", len > 120 ? 120 : (int)len, text);
	}
	BIO_free(bio);
	return out;
}

/* Seconds since 1970; INT64_MIN for a time that can't be told. */
int64_t asn1_time_seconds(const ASN1_TIME *time)
{
	struct tm tm;

	if (!time || !ASN1_TIME_to_tm(time, &tm))
		return INT64_MIN;
	return timegm(&tm);
}

static bool is_pem(const uint8_t *data, size_t len)
{
	static const char begin[] = "-----BEGIN ";

	return len > sizeof(begin) && memmem(data, len, begin, sizeof(begin) - 1);
}

static int parse_pem(STACK_OF(X509) *certs, const void *data, size_t len)
{
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	unsigned long last;
	X509 *cert;

	if (!bio)
		return CLOISTER_VERIFY_EMEMORY;
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (!sk_X509_push(certs, cert)) {
			X509_free(cert);
			break;
		}
	}
	BIO_free(bio);
	/* The end shows as "no start line"; anything else is a certificate that can't be read. */
	last = ERR_peek_last_error();
	if (ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE)
		return 0;
	return CLOISTER_VERIFY_EARGUMENT;
}

static int parse_der(STACK_OF(X509) *certs, const uint8_t *data, size_t len)
{
	const uint8_t *end = data + len;
	X509 *cert;

	while (data < end) {
		cert = d2i_X509(NULL, &data, end - data);
		if (!cert)
			return CLOISTER_VERIFY_EARGUMENT;
		if (!sk_X509_push(certs, cert)) {
			X509_free(cert);
			return CLOISTER_VERIFY_EMEMORY;
		}
	}
	return 0;
}

/* All certificates of PEM or DER; at least one. NULL with the error set otherwise. */
STACK_OF(X509) *certs_parse(const void *data, size_t len, struct cloister_verify_error *error)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	int ret = CLOISTER_VERIFY_EMEMORY;

	ERR_set_mark();
	if (certs && len <= CERTS_FILE_MAX && data)
		ret = is_pem(data, len) ? parse_pem(certs, data, len) :
					  parse_der(certs, data, len);
	else if (certs)
		ret = CLOISTER_VERIFY_EARGUMENT;
	ERR_pop_to_mark();
	if (!ret && sk_X509_num(certs) > 0)
		return certs;
	sk_X509_pop_free(certs, X509_free);
	if (ret == CLOISTER_VERIFY_EMEMORY)
		error_set(error, ret, "Out of memory for certificates.");
	else
		error_set(error, CLOISTER_VERIFY_EARGUMENT,
			  "The %zu bytes given are not X.509 certificates in PEM or DER.", len);
	return NULL;
}

static int file_error(const char *path, struct cloister_verify_error *error)
{
	return error_set(error, CLOISTER_VERIFY_EFILE, "Can't read the certificates of %s: %s.",
			 path, strerror(errno));
}

/* The contents of a file, to be freed with free(). */
int certs_from_file(const char *path, uint8_t **data, size_t *len,
		    struct cloister_verify_error *error)
{
	uint8_t *buffer;
	bool failed;
	FILE *file;

	file = fopen(path, "rbe");
	if (!file)
		return file_error(path, error);
	buffer = malloc(CERTS_FILE_MAX + 1);
	if (!buffer) {
		fclose(file);
		return error_set(error, CLOISTER_VERIFY_EMEMORY, "Out of memory for %s.", path);
	}
	*len = fread(buffer, 1, CERTS_FILE_MAX + 1, file);
	failed = ferror(file);
	if (failed)
		file_error(path, error);
	fclose(file);
	if (failed) {
		free(buffer);
		return CLOISTER_VERIFY_EFILE;
	}
	*data = buffer;
	return 0;
}
