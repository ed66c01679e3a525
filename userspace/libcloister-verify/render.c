// SPDX-License-Identifier: Apache-2.0
/* A result as JSON, for programs, and as text, for people. */
#include "internal.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *status_name(const struct cloister_result *result)
{
	if (!result->inspected)
		return result->verified ? "verified" : "refused";
	return result->parsed ? "unverified" : "malformed";
}

static const char *algorithm_name(const struct cloister_result *result)
{
	return result->algorithm == CLOISTER_COSE_ALG_ES256 ? "ES256" : "ES384";
}

static X509 *result_cert(const struct cloister_result *result, unsigned int i)
{
	const unsigned char *p = result->certs.cert[i].bytes;

	return d2i_X509(NULL, &p, result->certs.cert[i].len);
}

static struct phrase time_phrase(const ASN1_TIME *time)
{
	return phrase_time(asn1_time_seconds(time));
}

static struct phrase cert_digest(const struct span *der)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!EVP_Digest(der->bytes, der->len, digest, &len, EVP_sha256(), NULL))
		return phrase("(unknown)");
	return phrase_hex(digest, len);
}

static json_t *claim_json(const struct cloister_result *result, unsigned int claim)
{
	const struct claim_value *value = &result->claims[claim];
	const struct claim_spec *spec = &claim_specs[claim];

	switch (spec->type) {
	case CLAIM_BYTES:
		return json_string(phrase_hex(value->bytes, value->len).text);
	case CLAIM_TEXT:
		return json_string(result_claim_text(result, claim));
	case CLAIM_BOOL:
		return json_boolean(value->number);
	default:
		/* Both integers were bounded to far less than 63 bits when they were read. */
		return json_integer((json_int_t)value->number);
	}
}

static json_t *claims_json(const struct cloister_result *result)
{
	json_t *claims = json_object();
	unsigned int i;

	for (i = 0; i < CLAIM_COUNT; i++) {
		if (json_object_set_new(claims, claim_specs[i].name, claim_json(result, i))) {
			json_decref(claims);
			return NULL;
		}
	}
	return claims;
}

static json_t *cert_json(const struct cloister_result *result, unsigned int i)
{
	struct phrase digest = cert_digest(&result->certs.cert[i]);
	X509 *cert = result_cert(result, i);
	json_t *out;

	if (!cert)
		return json_pack("{s:s, s:s}", "error", "not an X.509 certificate", "sha256",
				 digest.text);
	out = json_pack("{s:s, s:s, s:s, s:s, s:s}",
			"subject", name_phrase(X509_get_subject_name(cert)).text,
			"issuer", name_phrase(X509_get_issuer_name(cert)).text,
			"not-before", time_phrase(X509_get0_notBefore(cert)).text,
			"not-after", time_phrase(X509_get0_notAfter(cert)).text,
			"sha256", digest.text);
	X509_free(cert);
	return out;
}

static json_t *chain_json(const struct cloister_result *result)
{
	json_t *chain = json_array();
	unsigned int i;

	for (i = 0; i < result->certs.count; i++) {
		if (json_array_append_new(chain, cert_json(result, i))) {
			json_decref(chain);
			return NULL;
		}
	}
	return chain;
}

static json_t *failures_json(const struct cloister_result *result)
{
	const struct cloister_failure *failure;
	json_t *failures = json_array();
	json_t *one;
	size_t i;

	for (i = 0; (failure = cloister_result_failure(result, i)); i++) {
		one = json_pack("{s:s, s:i, s:s, s:s, s:s}", "check", failure->check,
				"code", failure->code, "expected", failure->expected,
				"got", failure->got, "sentence", failure->sentence);
		if (json_array_append_new(failures, one)) {
			json_decref(failures);
			return NULL;
		}
	}
	return failures;
}

static json_t *weaker_json(const struct cloister_result *result)
{
	json_t *weaker = json_array();
	const char *what;
	size_t i;

	for (i = 0; (what = cloister_result_weaker(result, i)); i++) {
		if (json_array_append_new(weaker, json_string(what))) {
			json_decref(weaker);
			return NULL;
		}
	}
	return weaker;
}

static json_t *expected_json(const struct cloister_result *result)
{
	json_t *names = json_array();
	unsigned int i;

	for (i = 0; i < CLAIM_COUNT; i++) {
		if (result->expected & 1U << i &&
		    json_array_append_new(names, json_string(claim_specs[i].name))) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}

PUBLIC char *cloister_result_to_json(const struct cloister_result *result)
{
	char *text = NULL;
	json_t *root;
	int failed;

	if (!result)
		return NULL;
	/* "o" fails on NULL, so what could not be made fails here. */
	root = json_pack("{s:b, s:s, s:s, s:o, s:o, s:o}",
			 "verified", result->verified, "status", status_name(result),
			 "sentence", cloister_result_sentence(result),
			 "failures", failures_json(result), "weaker", weaker_json(result),
			 "expected", expected_json(result));
	failed = !root;
	if (root && result_has_claims(result)) {
		failed |= json_object_set_new(root, "algorithm",
					      json_string(algorithm_name(result)));
		failed |= json_object_set_new(root, "claims", claims_json(result));
		failed |= json_object_set_new(root, "chain", chain_json(result));
	}
	if (!failed)
		text = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	return text;
}

static void print_claims(FILE *out, const struct cloister_result *result)
{
	unsigned int i;

	fprintf(out, "Algorithm: %s\nClaims:\n", algorithm_name(result));
	for (i = 0; i < CLAIM_COUNT; i++)
		fprintf(out, "  %-18s %s\n", claim_specs[i].name,
			claim_phrase(&claim_specs[i], &result->claims[i]).text);
}

static void print_chain(FILE *out, const struct cloister_result *result)
{
	unsigned int i;
	X509 *cert;

	fprintf(out, "Certificates: %s\n", result->certs.count ? "" : "none");
	for (i = 0; i < result->certs.count; i++) {
		cert = result_cert(result, i);
		if (!cert) {
			fprintf(out, "  %u: not an X.509 certificate\n", i + 1);
			continue;
		}
		fprintf(out, "  %u: %s\n", i + 1, name_phrase(X509_get_subject_name(cert)).text);
		fprintf(out, "     issued by %s\n", name_phrase(X509_get_issuer_name(cert)).text);
		fprintf(out, "     valid %s to %s\n",
			time_phrase(X509_get0_notBefore(cert)).text,
			time_phrase(X509_get0_notAfter(cert)).text);
		X509_free(cert);
	}
}

static void print_outcome(FILE *out, const struct cloister_result *result)
{
	const char *what;
	size_t i;

	if (result->inspected && result->parsed)
		fprintf(out, "NOT VERIFIED: anybody could have written this.\n");
	else if (result->verified)
		fprintf(out, "Verified.\n");
	else
		fprintf(out, "Refused.\n");
	for (i = 0; i < result->failures; i++)
		fprintf(out, "  %s\n", cloister_result_failure(result, i)->sentence);
	if (!result->failures && result->status)
		fprintf(out, "  %s\n", cloister_result_sentence(result));
	for (i = 0; (what = cloister_result_weaker(result, i)); i++)
		fprintf(out, "  Accepted though weaker: %s\n", what);
	if (result->verified && !(result->expected & 1U << MEASUREMENT))
		fprintf(out, "  The policy expects no measurement: this may be any region.\n");
}

PUBLIC char *cloister_result_to_text(const struct cloister_result *result)
{
	char *text = NULL;
	size_t len;
	FILE *out;
	int failed;

	if (!result)
		return NULL;
	out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	print_outcome(out, result);
	if (result_has_claims(result)) {
		print_claims(out, result);
		print_chain(out, result);
	}
	failed = ferror(out);
	failed |= fclose(out);
	if (failed) {
		free(text);
		return NULL;
	}
	return text;
}
