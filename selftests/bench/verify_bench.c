// SPDX-License-Identifier: Apache-2.0
/* The verifier against the one signature check that a quote needs once its chain is known. */
#include <openssl/ec.h>
#include <string.h>

#include "bench.h"
#include "cloister-verify.h"
#include "make_quote.h"

#define QUOTES	20
#define SAMPLES	201

struct verify {
	struct cloister_verifier *verifier;
	struct cloister_policy *policy;
	struct test_bytes quote;
	/* the peer's: everything that can be made ready, is */
	EVP_PKEY_CTX *key;
	EVP_MD *md;
	EVP_MD_CTX *hash;
	struct test_bytes message;
	unsigned char der[112];
	int der_len;
};

static uint64_t verify_quotes(void *arg)
{
	struct verify *v = arg;
	struct cloister_result *result;
	uint64_t start = bench_now();
	int i;

	for (i = 0; i < QUOTES; i++) {
		if (cloister_verify(v->verifier, v->policy, v->quote.data, v->quote.len, &result))
			bench_die("%s", cloister_result_sentence(result));
		cloister_result_free(result);
	}
	return bench_now() - start;
}

static uint64_t check_signatures(void *arg)
{
	struct verify *v = arg;
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t start = bench_now();
	unsigned int len;
	int i;

	for (i = 0; i < QUOTES; i++) {
		if (!EVP_DigestInit_ex2(v->hash, v->md, NULL) ||
		    !EVP_DigestUpdate(v->hash, v->message.data, v->message.len) ||
		    !EVP_DigestFinal_ex(v->hash, digest, &len) ||
		    EVP_PKEY_verify(v->key, v->der, v->der_len, digest, len) != 1)
			bench_die("the peer finds the signature bad");
	}
	return bench_now() - start;
}

/* Length and place of the byte string at @p, which is shorter than 64 KiB. */
static const uint8_t *byte_string(const uint8_t *p, size_t *len)
{
	unsigned int info = *p++ & 0x1f;

	if (info < 24) {
		*len = info;
	} else if (info == 24) {
		*len = *p++;
	} else {
		*len = p[0] << 8 | p[1];
		p += 2;
	}
	return p;
}

/*
 * The Sig_structure and the signature of the quote that test_quote_build() made, whose layout is
 * known: tag, array, protected header, a map with one certificate, payload, signature.
 */
static void prepare_peer(struct verify *v, EVP_PKEY *key)
{
	const uint8_t *p = v->quote.data + 2, *header, *payload, *signature;
	size_t header_len, payload_len, signature_len, len;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	uint8_t *der = v->der;

	header = byte_string(p, &header_len);
	p = header + header_len + 3;	/* a1 1821: the map's head and key */
	p = byte_string(p, &len) + len;
	payload = byte_string(p, &payload_len);
	signature = byte_string(payload + payload_len, &signature_len);
	if (signature + signature_len != v->quote.data + v->quote.len)
		bench_die("the quote has another layout than was thought");

	put_head(&v->message, 4, 4);
	put_string(&v->message, 3, "Signature1", 10);
	put_string(&v->message, 2, header, header_len);
	put_string(&v->message, 2, "", 0);
	put_string(&v->message, 2, payload, payload_len);
	ECDSA_SIG_set0(sig, BN_bin2bn(signature, (int)signature_len / 2, NULL),
		       BN_bin2bn(signature + signature_len / 2, (int)signature_len / 2, NULL));
	v->der_len = i2d_ECDSA_SIG(sig, &der);
	ECDSA_SIG_free(sig);
	v->key = EVP_PKEY_CTX_new(key, NULL);
	v->hash = EVP_MD_CTX_new();
	if (!v->key || !v->hash || EVP_PKEY_verify_init(v->key) != 1)
		bench_die("OpenSSL can't be set up");
}

static void prepare_verifier(struct verify *v, const struct test_world *world)
{
	struct cloister_verify_error error;
	uint8_t *der;
	size_t len = test_cert_der(world->root, &der);

	if (cloister_verifier_new(&v->verifier, &error) ||
	    cloister_verifier_add_root(v->verifier, der, len, &error) ||
	    cloister_policy_new(&v->policy, &error) ||
	    cloister_policy_set_nonce(v->policy, test_nonce, sizeof(test_nonce), &error))
		bench_die("%s", error.sentence);
	cloister_verifier_set_time(v->verifier, TEST_NOW);
	OPENSSL_free(der);
}

static void run(const struct test_world *world, const char *name, int alg, EVP_PKEY *key,
		const char *hash)
{
	static struct test_quote quote;
	static struct verify v;
	struct bench bench = {
		.name = name, .bar = 0.9, .unit = "us/quote",
		.peer = "OpenSSL EVP_PKEY_verify and hash", .ours = verify_quotes,
		.theirs = check_signatures, .arg = &v, .operations = QUOTES, .samples = SAMPLES,
	};

	memset(&v, 0, sizeof(v));
	test_quote_default(&quote, world, alg);
	test_quote_build(&quote, &v.quote);
	v.md = EVP_MD_fetch(NULL, hash, NULL);
	prepare_peer(&v, key);
	prepare_verifier(&v, world);
	bench_run(&bench);
	cloister_verifier_free(v.verifier);
	cloister_policy_free(v.policy);
	EVP_PKEY_CTX_free(v.key);
	EVP_MD_CTX_free(v.hash);
	EVP_MD_free(v.md);
}

int main(void)
{
	struct test_world world;

	test_world_make(&world);
	run(&world, "quote_verify_es256", CLOISTER_COSE_ALG_ES256, world.ak256, "SHA256");
	run(&world, "quote_verify_es384", CLOISTER_COSE_ALG_ES384, world.ak384, "SHA384");
	test_world_free(&world);
	return 0;
}
