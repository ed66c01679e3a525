// SPDX-License-Identifier: Apache-2.0
/* Verifying a chain of certificates, from the leaf to a trusted root. */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* 112 bits: RSA of 2048 bits, P-256, SHA-224 and up. */
#define AUTH_LEVEL	2

/**
 * struct chain_work - what a chain's verification needs while it lasts
 * @result: takes the failure
 * @when: the time to verify at
 * @leaf: the leaf certificate; one of @certs
 * @certs: the certificates, leaf first
 * @context: OpenSSL's
 */
struct chain_work {
	struct cloister_result *result;
	int64_t when;
	X509 *leaf;
	STACK_OF(X509) *certs;
	X509_STORE_CTX *context;
};

static int out_of_memory(struct cloister_result *result)
{
	return result_fail(result, CLOISTER_VERIFY_EMEMORY, "chain", "memory", "none", NULL);
}

/* DER only: BER that decodes to the same could be changed under the same signature. */
static X509 *parse_cert(const struct span *der)
{
	const unsigned char *p = der->bytes;
	unsigned char *again = NULL;
	X509 *cert;
	int len;

	cert = d2i_X509(NULL, &p, der->len);
	if (!cert)
		return NULL;
	len = i2d_X509(cert, &again);
	if (len != (int)der->len || memcmp(again, der->bytes, len)) {
		X509_free(cert);
		cert = NULL;
	}
	OPENSSL_free(again);
	return cert;
}

static int parse_certs(struct chain_work *work)
{
	const struct cert_list *list = &work->result->certs;
	unsigned int i;
	X509 *cert;

	work->certs = sk_X509_new_null();
	if (!work->certs)
		return out_of_memory(work->result);
	for (i = 0; i < list->count; i++) {
		cert = parse_cert(&list->cert[i]);
		if (!cert)
			return result_fail(work->result, CLOISTER_VERIFY_ECHAIN,
					   phrase("certificate %u of the chain", i + 1).text,
					   "an X.509 certificate in DER",
					   phrase("%zu other bytes", list->cert[i].len).text, NULL);
		if (!sk_X509_push(work->certs, cert)) {
			X509_free(cert);
			return out_of_memory(work->result);
		}
	}
	work->leaf = sk_X509_value(work->certs, 0);
	return 0;
}

/* What a leaf must be before it is worth a path: the key of one signer, and of no CA. */
static int check_leaf_usage(const struct chain_work *work)
{
	uint32_t flags = X509_get_extension_flags(work->leaf);
	uint32_t usage = X509_get_key_usage(work->leaf);
	struct phrase got = phrase("bits 0x%x", usage);

	if (flags & EXFLAG_INVALID)
		return result_fail(work->result, CLOISTER_VERIFY_EKEY,
				   "extensions of the leaf certificate", "valid extensions",
				   "malformed ones", NULL);
	if (flags & EXFLAG_CA)
		return result_fail(work->result, CLOISTER_VERIFY_EKEY,
				   "basic constraints of the leaf certificate", "CA:FALSE",
				   "CA:TRUE", NULL);
	if (!(flags & EXFLAG_KUSAGE) || !(usage & KU_DIGITAL_SIGNATURE))
		return result_fail(work->result, CLOISTER_VERIFY_EKEY,
				   "key usage of the leaf certificate", "digitalSignature",
				   flags & EXFLAG_KUSAGE ? got.text : "no key usage", NULL);
	if (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN))
		return result_fail(work->result, CLOISTER_VERIFY_EKEY,
				   "key usage of the leaf certificate", "no keyCertSign or cRLSign",
				   got.text, NULL);
	return 0;
}

static int check_curve(const struct chain_work *work)
{
	int algorithm = work->result->algorithm;
	const char *wanted = algorithm == CLOISTER_COSE_ALG_ES256 ? "prime256v1" : "secp384r1";
	EVP_PKEY *key = X509_get0_pubkey(work->leaf);
	char group[64] = "no elliptic curve";

	if (key && EVP_PKEY_is_a(key, "EC"))
		EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	if (!strcmp(group, wanted))
		return 0;
	return result_fail(work->result, CLOISTER_VERIFY_EKEY, "key of the leaf certificate",
			   phrase("the curve %s for algorithm %d", wanted, algorithm).text, group,
			   NULL);
}

static int refuse_validity(const struct chain_work *work, X509 *cert, bool expired)
{
	const ASN1_TIME *limit = expired ? X509_get0_notAfter(cert) : X509_get0_notBefore(cert);
	struct phrase name = name_phrase(X509_get_subject_name(cert));
	struct phrase time = phrase_time(asn1_time_seconds(limit));
	const char *what = expired ? "which expired at" : "not valid before";

	return result_fail(work->result, CLOISTER_VERIFY_EVALIDITY, "validity",
			   phrase("certificates valid at %s", phrase_time(work->when).text).text,
			   phrase("\"%.120s\", %s %.40s", name.text, what, time.text).text, NULL);
}

static int refuse_path(const struct chain_work *work)
{
	int error = X509_STORE_CTX_get_error(work->context);
	X509 *cert = X509_STORE_CTX_get_current_cert(work->context);
	struct phrase name = { "(none)" };

	if (error == X509_V_ERR_OUT_OF_MEM)
		return out_of_memory(work->result);
	if (cert && error == X509_V_ERR_CERT_HAS_EXPIRED)
		return refuse_validity(work, cert, true);
	if (cert && error == X509_V_ERR_CERT_NOT_YET_VALID)
		return refuse_validity(work, cert, false);
	if (cert)
		name = name_phrase(X509_get_subject_name(cert));
	return result_fail(work->result, CLOISTER_VERIFY_ECHAIN, "chain",
			   "a path of certificates to a trusted root",
			   phrase("\"%s\" at certificate %d, \"%.120s\"",
				  X509_verify_cert_error_string(error),
				  X509_STORE_CTX_get_error_depth(work->context) + 1,
				  name.text).text,
			   NULL);
}

/*
 * Each certificate that came along must be part of the path. One that is not would be
 * covered by no signature, and could be changed without anybody noticing.
 */
static int check_all_used(const struct chain_work *work)
{
	STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(work->context);
	int i;

	for (i = 0; i < sk_X509_num(work->certs); i++) {
		if (i >= sk_X509_num(path) ||
		    X509_cmp(sk_X509_value(path, i), sk_X509_value(work->certs, i)))
			return result_fail(work->result, CLOISTER_VERIFY_ECHAIN, "chain",
					   "certificates in the order of the path, and no others",
					   phrase("certificate %d off the path", i + 1).text, NULL);
	}
	return 0;
}

static int verify_path(const struct chain_work *work, X509_STORE *store)
{
	X509_VERIFY_PARAM *param;

	if (!X509_STORE_CTX_init(work->context, store, work->leaf, work->certs))
		return out_of_memory(work->result);
	param = X509_STORE_CTX_get0_param(work->context);
	X509_VERIFY_PARAM_set_time(param, work->when);
	X509_VERIFY_PARAM_set_depth(param, CLOISTER_CHAIN_MAX_CERTS);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	/* PARTIAL_CHAIN: a root that the caller trusts need not be self-signed. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_verify_cert(work->context) != 1)
		return refuse_path(work);
	return check_all_used(work);
}

static void note_validity(const struct chain_work *work, struct chain_entry *entry)
{
	STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(work->context);
	int64_t time;
	int i;

	entry->not_before = INT64_MIN;
	entry->not_after = INT64_MAX;
	for (i = 0; i < sk_X509_num(path); i++) {
		time = asn1_time_seconds(X509_get0_notBefore(sk_X509_value(path, i)));
		if (time > entry->not_before)
			entry->not_before = time;
		time = asn1_time_seconds(X509_get0_notAfter(sk_X509_value(path, i)));
		if (time < entry->not_after)
			entry->not_after = time;
	}
}

/* An entry with copies of the certificates, and with nothing else yet. */
static struct chain_entry *entry_new(const struct cert_list *certs)
{
	struct chain_entry *entry;
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < certs->count; i++)
		len += certs->cert[i].len;
	entry = calloc(1, sizeof(*entry) + len);
	if (!entry)
		return NULL;
	entry->certs.count = certs->count;
	for (i = 0, len = 0; i < certs->count; i++) {
		memcpy(entry->bytes + len, certs->cert[i].bytes, certs->cert[i].len);
		entry->certs.cert[i] = (struct span){ entry->bytes + len, certs->cert[i].len };
		len += certs->cert[i].len;
	}
	return entry;
}

void chain_entry_free(struct chain_entry *entry)
{
	if (!entry)
		return;
	EVP_PKEY_CTX_free(entry->verify);
	free(entry);
}

static int make_entry(const struct chain_work *work, struct chain_entry **made)
{
	struct chain_entry *entry = entry_new(&work->result->certs);
	int ret;

	if (!entry)
		return out_of_memory(work->result);
	entry->algorithm = work->result->algorithm;
	note_validity(work, entry);
	ret = dice_read(work->result, work->leaf, &entry->identity);
	if (!ret) {
		entry->verify = EVP_PKEY_CTX_new_from_pkey(NULL, X509_get0_pubkey(work->leaf),
							   NULL);
		if (!entry->verify || EVP_PKEY_verify_init(entry->verify) != 1)
			ret = result_fail(work->result, CLOISTER_VERIFY_ECRYPTO, "chain",
					  "a key that OpenSSL can verify with", "an error", NULL);
	}
	if (ret)
		chain_entry_free(entry);
	else
		*made = entry;
	return ret;
}

/* Verify the chain of a result; a good one becomes an entry. */
int chain_verify(struct cloister_verifier *verifier, struct cloister_result *result,
		 struct chain_entry **entry)
{
	struct chain_work work = { .result = result, .when = verifier_time(verifier) };
	int ret;

	ERR_set_mark();
	ret = parse_certs(&work);
	if (!ret)
		ret = check_leaf_usage(&work);
	if (!ret)
		ret = check_curve(&work);
	if (!ret) {
		work.context = X509_STORE_CTX_new();
		ret = work.context ? verify_path(&work, verifier->store) : out_of_memory(result);
	}
	if (!ret)
		ret = make_entry(&work, entry);
	X509_STORE_CTX_free(work.context);
	sk_X509_pop_free(work.certs, X509_free);
	ERR_pop_to_mark();
	return ret;
}
