// SPDX-License-Identifier: Apache-2.0
/* The verifier, and the order of the checks. */
#include "internal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_DEFAULT	256

PUBLIC int cloister_verifier_new(struct cloister_verifier **verifier,
				 struct cloister_verify_error *error)
{
	struct cloister_verifier *v;

	if (!verifier)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The place for the verifier's handle is NULL; pass an address.");
	*verifier = NULL;
	v = calloc(1, sizeof(*v));
	if (!v)
		return error_set(error, CLOISTER_VERIFY_EMEMORY, "Out of memory for a verifier.");
	v->when = -1;
	v->store = X509_STORE_new();
	v->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	v->sha384 = EVP_MD_fetch(NULL, "SHA2-384", NULL);
	v->digest = EVP_MD_CTX_new();
	if (!v->store || !v->sha256 || !v->sha384 || !v->digest ||
	    cache_set_size(v, CACHE_DEFAULT)) {
		cloister_verifier_free(v);
		return error_set(error, CLOISTER_VERIFY_ECRYPTO,
				 "OpenSSL could not be set up: it lacks memory, SHA-256 or SHA-384.");
	}
	*verifier = v;
	return error_clear(error);
}

PUBLIC void cloister_verifier_free(struct cloister_verifier *verifier)
{
	if (!verifier)
		return;
	cache_clear(verifier);
	free(verifier->cache);
	free(verifier->chain);
	X509_STORE_free(verifier->store);
	EVP_MD_free(verifier->sha256);
	EVP_MD_free(verifier->sha384);
	EVP_MD_CTX_free(verifier->digest);
	free(verifier);
}

static int check_roots(STACK_OF(X509) *certs, struct cloister_verify_error *error)
{
	X509 *cert;
	int i;

	for (i = 0; i < sk_X509_num(certs); i++) {
		cert = sk_X509_value(certs, i);
		/* 1: basic constraints say so; greater values are guesses about old ones. */
		if (X509_check_ca(cert) != 1)
			return error_set(error, CLOISTER_VERIFY_EARGUMENT,
					 "The certificate of \"%s\" is no CA certificate, so it can't be a root.",
					 name_phrase(X509_get_subject_name(cert)).text);
	}
	return 0;
}

static bool add_all(X509_STORE *store, STACK_OF(X509) *certs)
{
	int i;

	for (i = 0; i < sk_X509_num(certs); i++) {
		if (!X509_STORE_add_cert(store, sk_X509_value(certs, i)))
			return false;
	}
	return true;
}

/* A new store takes the place of the old one only when it is complete. */
static int add_roots(struct cloister_verifier *verifier, STACK_OF(X509) *certs,
		     struct cloister_verify_error *error)
{
	STACK_OF(X509) *old = X509_STORE_get1_all_certs(verifier->store);
	X509_STORE *store = X509_STORE_new();
	bool done = old && store && add_all(store, old) && add_all(store, certs);

	sk_X509_pop_free(old, X509_free);
	if (!done) {
		X509_STORE_free(store);
		return error_set(error, CLOISTER_VERIFY_EMEMORY,
				 "Out of memory for a root certificate.");
	}
	X509_STORE_free(verifier->store);
	verifier->store = store;
	verifier->roots += sk_X509_num(certs);
	return error_clear(error);
}

PUBLIC int cloister_verifier_add_root(struct cloister_verifier *verifier, const void *data,
				      size_t len, struct cloister_verify_error *error)
{
	STACK_OF(X509) *certs;
	int ret;

	if (!verifier || !data)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The verifier or the root certificate is NULL; pass both.");
	certs = certs_parse(data, len, error);
	if (!certs)
		return CLOISTER_VERIFY_EARGUMENT;
	ret = check_roots(certs, error);
	if (!ret)
		ret = add_roots(verifier, certs, error);
	sk_X509_pop_free(certs, X509_free);
	return ret;
}

PUBLIC int cloister_verifier_add_root_file(struct cloister_verifier *verifier, const char *path,
					   struct cloister_verify_error *error)
{
	struct cloister_verify_error inner;
	uint8_t *data;
	size_t len;
	int ret;

	if (!verifier || !path)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The verifier or the path is NULL; pass both.");
	ret = certs_from_file(path, &data, &len, error);
	if (ret)
		return ret;
	ret = cloister_verifier_add_root(verifier, data, len, &inner);
	free(data);
	return ret ? error_set(error, ret, "%s: %.900s", path, inner.sentence) :
		     error_clear(error);
}

/* The DER of certificates, end to end. */
static int flatten(STACK_OF(X509) *certs, uint8_t **chain, struct cert_list *list)
{
	size_t total = 0;
	uint8_t *p;
	int len;
	int i;

	for (i = 0; i < sk_X509_num(certs); i++) {
		len = i2d_X509(sk_X509_value(certs, i), NULL);
		if (len <= 0)
			return CLOISTER_VERIFY_ECRYPTO;
		total += len;
	}
	p = malloc(total);
	if (!p)
		return CLOISTER_VERIFY_EMEMORY;
	*chain = p;
	list->count = sk_X509_num(certs);
	for (i = 0; i < sk_X509_num(certs); i++) {
		list->cert[i].bytes = p;
		list->cert[i].len = i2d_X509(sk_X509_value(certs, i), &p);
	}
	return 0;
}

PUBLIC int cloister_verifier_set_chain(struct cloister_verifier *verifier, const void *data,
				       size_t len, struct cloister_verify_error *error)
{
	struct cert_list list = { 0 };
	STACK_OF(X509) *certs;
	uint8_t *chain = NULL;
	int ret = 0;

	if (!verifier)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The verifier is NULL; pass the handle of one.");
	if (data) {
		certs = certs_parse(data, len, error);
		if (!certs)
			return CLOISTER_VERIFY_EARGUMENT;
		if (sk_X509_num(certs) > CLOISTER_CHAIN_MAX_CERTS)
			ret = error_set(error, CLOISTER_VERIFY_EARGUMENT,
					"A chain has at most %d certificates, and this one has %d.",
					CLOISTER_CHAIN_MAX_CERTS, sk_X509_num(certs));
		else if (flatten(certs, &chain, &list))
			ret = error_set(error, CLOISTER_VERIFY_EMEMORY,
					"Out of memory for the chain.");
		sk_X509_pop_free(certs, X509_free);
		if (ret)
			return ret;
	}
	free(verifier->chain);
	verifier->chain = chain;
	verifier->certs = list;
	return error_clear(error);
}

PUBLIC void cloister_verifier_set_time(struct cloister_verifier *verifier, int64_t when)
{
	if (verifier)
		verifier->when = when;
}

PUBLIC int cloister_verifier_set_cache(struct cloister_verifier *verifier, unsigned int chains,
				       struct cloister_verify_error *error)
{
	if (!verifier || chains > 1U << 20)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The verifier is NULL, or %u chains are more than %u.", chains,
				 1U << 20);
	if (cache_set_size(verifier, chains))
		return error_set(error, CLOISTER_VERIFY_EMEMORY,
				 "Out of memory to remember %u chains.", chains);
	return error_clear(error);
}

int64_t verifier_time(const struct cloister_verifier *verifier)
{
	return verifier->when < 0 ? (int64_t)time(NULL) : verifier->when;
}

/* A quote without x5chain gets a copy of the caller's chain. */
static int choose_chain(const struct cloister_verifier *verifier, struct cloister_result *result)
{
	const struct cert_list *certs = &verifier->certs;
	size_t total = 0;
	unsigned int i;

	if (result->certs.count)
		return 0;
	if (!certs->count)
		return result_fail(result, CLOISTER_VERIFY_ECHAIN, "chain",
				   "certificates in the quote (x5chain) or from the caller",
				   "none", NULL);
	for (i = 0; i < certs->count; i++)
		total += certs->cert[i].len;
	result->chain = malloc(total);
	if (!result->chain)
		return result_fail(result, CLOISTER_VERIFY_EMEMORY, "chain", "memory", "none",
				   NULL);
	memcpy(result->chain, verifier->chain, total);
	result->certs = *certs;
	for (i = 0; i < certs->count; i++)
		result->certs.cert[i].bytes = result->chain +
					      (certs->cert[i].bytes - verifier->chain);
	return 0;
}

static void check_binding(struct cloister_result *result, unsigned int claim,
			  const uint8_t *certified, size_t len)
{
	const struct claim_value *value = &result->claims[claim];

	if (value->len == len && !CRYPTO_memcmp(value->bytes, certified, len))
		return;
	result_fail(result, CLOISTER_VERIFY_EBINDING,
		    phrase("%s against the leaf certificate", claim_specs[claim].name).text,
		    phrase_hex(certified, len).text, phrase_hex(value->bytes, value->len).text,
		    NULL);
}

static int check_verifier(const struct cloister_verifier *verifier, struct cloister_result *result)
{
	if (!verifier)
		return result_fail(result, CLOISTER_VERIFY_EARGUMENT, "verifier", "a handle",
				   "NULL", "Make one with cloister_verifier_new().");
	if (!verifier->roots)
		return result_fail(result, CLOISTER_VERIFY_EARGUMENT, "verifier",
				   "a trusted root", "none",
				   "Add one with cloister_verifier_add_root().");
	return 0;
}

static int make_result(const void *quote, size_t len, struct cloister_result **result)
{
	if (!result)
		return CLOISTER_VERIFY_EARGUMENT;
	*result = result_new(quote, quote ? len : 0);
	if (!*result)
		return CLOISTER_VERIFY_EMEMORY;
	if (!quote)
		return result_fail(*result, CLOISTER_VERIFY_EARGUMENT, "quote", "its bytes",
				   "NULL", NULL);
	return 0;
}

PUBLIC int cloister_verify(struct cloister_verifier *verifier, const struct cloister_policy *policy,
			   const void *quote, size_t len, struct cloister_result **result)
{
	const struct chain_entry *entry;
	struct cloister_result *r;
	int ret;

	ret = make_result(quote, len, result);
	if (ret)
		return ret;
	r = *result;
	ret = check_verifier(verifier, r);
	if (!ret)
		ret = policy_check_usable(policy, r);
	if (!ret)
		ret = quote_read(r);
	if (!ret)
		ret = choose_chain(verifier, r);
	if (!ret)
		ret = chain_get(verifier, r, &entry);
	if (!ret)
		ret = signature_check(verifier, entry, r);
	if (ret)
		return ret;
	check_binding(r, MONITOR_DIGEST, entry->identity.monitor_digest, CLOISTER_DIGEST_LEN);
	check_binding(r, UEID, entry->identity.ueid, CLOISTER_UEID_LEN);
	policy_check(policy, r);
	r->verified = !r->status;
	return r->status;
}

PUBLIC int cloister_inspect(const void *quote, size_t len, struct cloister_result **result)
{
	int ret = make_result(quote, len, result);

	if (ret)
		return ret;
	(*result)->inspected = true;
	return quote_read(*result);
}
