// SPDX-License-Identifier: Apache-2.0
/* Certificates, the key in the leaf, what the leaf says of the machine, and the signature. */
#include "check.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define CHAIN		CLOISTER_VERIFY_ECHAIN
#define VALIDITY	CLOISTER_VERIFY_EVALIDITY
#define KEY		CLOISTER_VERIFY_EKEY
#define SIGNATURE	CLOISTER_VERIFY_ESIGNATURE
#define BINDING		CLOISTER_VERIFY_EBINDING

/* A quote with a leaf of its own must be refused. */
static void refuse_leaf(struct check *check, const struct test_cert *spec,
			const struct refusal *refusal, const char *name)
{
	struct test_quote quote;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.cert[0] = test_cert_make(spec);
	check_refused(check, &quote, refusal, name);
	X509_free(quote.cert[0]);
}

static void test_leaf_usage(struct check *check)
{
	static const struct refusal ca = { KEY, "basic constraints of the leaf certificate",
					   "CA:FALSE", "CA:TRUE" };
	static const struct refusal none = { KEY, "key usage of the leaf certificate",
					     "digitalSignature", "no key usage" };
	static const struct refusal other = { KEY, "key usage of the leaf certificate",
					      "digitalSignature", "bits 0x8" };
	static const struct refusal signs = { KEY, "key usage of the leaf certificate",
					      "no keyCertSign", "bits 0x84" };
	struct test_cert spec = test_leaf_spec(&check->world);

	spec.constraints = "critical,CA:TRUE";
	refuse_leaf(check, &spec, &ca, "a leaf that is a CA");
	spec.usage = "critical,digitalSignature,keyCertSign";
	refuse_leaf(check, &spec, &ca, "a leaf that is a CA and may sign certificates");
	spec = test_leaf_spec(&check->world);
	spec.usage = NULL;
	refuse_leaf(check, &spec, &none, "a leaf without key usage");
	spec.usage = "critical,keyAgreement";
	refuse_leaf(check, &spec, &other, "a leaf for key agreement");
	spec.usage = "critical,digitalSignature,keyCertSign";
	refuse_leaf(check, &spec, &signs, "a leaf that may sign certificates");
}

static void test_validity(struct check *check)
{
	static const struct refusal expired = { VALIDITY, "validity",
						"valid at 2027-01-15T08:00:00Z",
						"which expired at 2027-01-15T07:59:59Z" };
	static const struct refusal early = { VALIDITY, "validity",
					      "valid at 2027-01-15T08:00:00Z",
					      "not valid before 2027-01-15T08:00:01Z" };
	static const struct refusal later = { VALIDITY, "validity", "certificates valid at 2027-02",
					      "\"CN=test attestation key\", which expired at" };
	struct test_cert spec = test_leaf_spec(&check->world);
	struct test_quote quote;

	spec.not_after = TEST_NOW - 1;
	refuse_leaf(check, &spec, &expired, "a leaf that expired a second ago");
	spec = test_leaf_spec(&check->world);
	spec.not_before = TEST_NOW + 1;
	refuse_leaf(check, &spec, &early, "a leaf that will be valid in a second");
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	check_accepted(check, &quote, "a quote before its chain expires");
	/* The chain is remembered by now, and must not be good for ever. */
	cloister_verifier_set_time(check->verifier, TEST_NOW + 31 * TEST_DAY);
	check_refused(check, &quote, &later, "the same quote after its chain has expired");
	cloister_verifier_set_time(check->verifier, TEST_NOW);
	check_accepted(check, &quote, "the same quote before it again");
}

static void test_root_validity(struct check *check)
{
	static const struct refusal expired = { VALIDITY, "validity", "certificates valid at",
						"\"CN=short root\", which expired at" };
	struct test_cert spec = {
		.name = "short root",
		.key = check->world.middle_key,
		.not_before = TEST_NOW - 10,
		.not_after = TEST_NOW + 10,
		.constraints = "critical,CA:TRUE",
		.usage = "critical,keyCertSign",
	};
	X509 *root = test_cert_make(&spec);
	struct test_quote quote;

	check_trust(check->verifier, root);
	spec = test_leaf_spec(&check->world);
	spec.issuer = root;
	spec.issuer_key = check->world.middle_key;
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.cert[0] = test_cert_make(&spec);
	check_accepted(check, &quote, "a chain to a root that is about to expire");
	cloister_verifier_set_time(check->verifier, TEST_NOW + 11);
	check_refused(check, &quote, &expired, "the same chain, remembered, a little later");
	cloister_verifier_set_time(check->verifier, TEST_NOW);
	X509_free(quote.cert[0]);
	X509_free(root);
}

static void test_paths(struct check *check)
{
	static const struct refusal unknown = { CHAIN, "chain", "a path of certificates",
						"unable to get local issuer certificate" };
	static const struct refusal unused = { CHAIN, "chain", "in the order of the path",
					       "certificate 2 off the path" };
	static const struct refusal swapped = { KEY, "basic constraints of the leaf certificate",
						"CA:FALSE", "CA:TRUE" };
	static const struct refusal garbage = { CHAIN, "certificate 1 of the chain",
						"an X.509 certificate in DER", "3 other bytes" };
	static struct test_bytes header;
	struct test_quote quote;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.cert[0] = check->world.middle_leaf;
	check_refused(check, &quote, &unknown, "a chain without its intermediate CA");
	quote.certs = 2;
	quote.cert[1] = check->world.middle;
	check_accepted(check, &quote, "a chain with its intermediate CA");
	quote.certs = 3;
	quote.cert[2] = check->world.root;
	check_accepted(check, &quote, "a chain with its root");
	quote.cert[1] = check->world.root;
	quote.cert[2] = check->world.middle;
	check_refused(check, &quote, &unused, "a chain in the wrong order");

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.certs = 2;
	quote.cert[1] = check->world.middle;
	check_refused(check, &quote, &unused, "a chain with a certificate that is not needed");
	quote.cert[1] = quote.cert[0];
	quote.cert[0] = check->world.root;
	check_refused(check, &quote, &swapped, "a chain that begins with its root");

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	put(&header, "\xa1\x18\x21\x43" "abc", 7);
	quote.unprotected = &header;
	check_refused(check, &quote, &garbage, "a chain that is not a certificate");
}

/* The same certificate in BER: its signature verifies, and yet its bytes are others. */
static void test_ber(struct check *check)
{
	static const struct refusal ber = { CHAIN, "certificate 1 of the chain",
					    "an X.509 certificate in DER", "other bytes" };
	static struct test_bytes header, cert;
	struct test_quote quote;
	uint8_t *der;
	size_t len = test_cert_der(check->world.leaf256, &der);

	/* 30 82 xx xx becomes 30 83 00 xx xx. */
	put(&cert, "\x30\x83\x00", 3);
	put(&cert, der + 2, len - 2);
	put(&header, "\xa1\x18\x21", 3);
	put_string(&header, 2, cert.data, cert.len);
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.unprotected = &header;
	check_refused(check, &quote, &ber, "a certificate in BER");
	OPENSSL_free(der);
}

static void test_roots(struct check *check)
{
	static const struct refusal wrong = { CHAIN, "chain", "a path of certificates to a trusted",
					      "\"CN=test attestation key\"" };
	static const struct refusal self = { CHAIN, "chain", "a path of certificates to a trusted",
					     "certificate" };
	struct check other = *check;
	struct test_cert spec = test_leaf_spec(&check->world);
	struct test_quote quote;

	other.verifier = check_verifier(check->world.other_root);
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	check_refused(&other, &quote, &wrong, "a chain to another root of the same name");
	check_trust(other.verifier, check->world.root);
	check_accepted(&other, &quote, "the same chain when both roots are trusted");
	cloister_verifier_free(other.verifier);

	other.verifier = check_verifier(check->world.middle);
	quote.cert[0] = check->world.middle_leaf;
	check_accepted(&other, &quote, "a chain to an intermediate CA that is trusted as root");
	cloister_verifier_free(other.verifier);

	spec.issuer = NULL;
	spec.issuer_key = NULL;
	refuse_leaf(check, &spec, &self, "a leaf that signed itself");
	spec = test_leaf_spec(&check->world);
	spec.issuer = check->world.leaf384;
	spec.issuer_key = check->world.ak384;
	quote.cert[0] = test_cert_make(&spec);
	quote.cert[1] = check->world.leaf384;
	quote.certs = 2;
	check_refused(check, &quote, &self, "a leaf that another leaf signed");
	X509_free(quote.cert[0]);
}

static void test_caller_chain(struct check *check)
{
	static const struct refusal none = { CHAIN, "chain", "in the quote (x5chain) or from the",
					     "none" };
	static const struct refusal other = { SIGNATURE, "signature", "ES256 signature",
					      "does not verify" };
	struct cloister_verify_error error;
	struct test_quote quote;
	struct test_cert spec;
	EVP_PKEY *key;
	X509 *cert;
	uint8_t *bytes;
	size_t len;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.certs = 0;
	check_refused(check, &quote, &none, "a quote without a chain");
	len = test_cert_der(check->world.leaf256, &bytes);
	tap_ok(!cloister_verifier_set_chain(check->verifier, bytes, len, &error),
	       "a chain can be given in DER");
	OPENSSL_free(bytes);
	check_accepted(check, &quote, "a quote without a chain, with the caller's");
	check_accepted(check, &quote, "the same quote again");

	key = test_key("P-256");
	spec = test_leaf_spec(&check->world);
	spec.key = key;
	cert = test_cert_make(&spec);
	len = test_cert_pem(cert, &bytes);
	tap_ok(!cloister_verifier_set_chain(check->verifier, bytes, len, &error),
	       "a chain can be given in PEM");
	check_refused(check, &quote, &other, "a quote with the caller's chain of another key");
	quote.certs = 1;
	check_accepted(check, &quote, "a quote with a chain, whatever the caller's");
	cloister_verifier_set_chain(check->verifier, NULL, 0, &error);
	quote.certs = 0;
	check_refused(check, &quote, &none, "a quote without a chain after the caller's is gone");
	OPENSSL_free(bytes);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void test_keys(struct check *check)
{
	static const struct refusal p384 = { KEY, "key of the leaf certificate",
					     "the curve prime256v1 for algorithm -7", "secp384r1" };
	static const struct refusal p256 = { KEY, "key of the leaf certificate",
					     "the curve secp384r1 for algorithm -35",
					     "prime256v1" };
	static const struct refusal k1 = { KEY, "key of the leaf certificate", "prime256v1",
					   "secp256k1" };
	static const struct refusal rsa = { KEY, "key of the leaf certificate", "prime256v1",
					    "no elliptic curve" };
	struct test_cert spec = test_leaf_spec(&check->world);
	struct test_quote quote;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.cert[0] = check->world.leaf384;
	check_refused(check, &quote, &p384, "an ES256 quote with a certificate of P-384");
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES384);
	quote.cert[0] = check->world.leaf256;
	check_refused(check, &quote, &p256, "an ES384 quote with a certificate of P-256");
	spec.key = test_key("secp256k1");
	refuse_leaf(check, &spec, &k1, "a certificate of secp256k1");
	EVP_PKEY_free(spec.key);
	spec.key = EVP_RSA_gen(2048);
	refuse_leaf(check, &spec, &rsa, "a certificate of RSA");
	EVP_PKEY_free(spec.key);
}

static void test_signature(struct check *check)
{
	static const struct refusal es256 = { SIGNATURE, "signature",
					      "an ES256 signature by the key of the leaf",
					      "does not verify" };
	static const struct refusal es384 = { SIGNATURE, "signature",
					      "an ES384 signature by the key of the leaf",
					      "does not verify" };
	static struct test_bytes bytes;
	struct test_quote quote;
	EVP_PKEY *other = test_key("P-256");

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.key = other;
	check_refused(check, &quote, &es256, "a signature by another key");
	EVP_PKEY_free(other);
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.hash_nid = NID_sha384;
	check_refused(check, &quote, &es256, "an ES256 signature over SHA-384");
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES384);
	quote.hash_nid = NID_sha256;
	check_refused(check, &quote, &es384, "an ES384 signature over SHA-256");
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.aad = "more";
	check_refused(check, &quote, &es256, "a signature with external data");
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	test_quote_build(&quote, &bytes);
	memset(bytes.data + bytes.len - 64, 0, 64);
	check_bytes_refused(check, &bytes, &es256, "a signature of zeros");
	memset(bytes.data + bytes.len - 64, 0xff, 64);
	check_bytes_refused(check, &bytes, &es256, "a signature of ones");
}

static void test_dice(struct check *check)
{
	static const char tcb[] = "TcbInfo of the leaf certificate";
	static const char ueid[] = "UEID of the leaf certificate";
	static const struct refusal no_tcb = { KEY, tcb, "one extension 2.23.133.5.4.1",
					       "without it" };
	static const struct refusal no_ueid = { KEY, ueid, "one extension 2.23.133.5.4.4",
						"without it" };
	static const struct refusal two = { KEY, tcb, "one fwid", "2" };
	static const struct refusal hash = { KEY, tcb, "a fwid of SHA-384",
					     "2.16.840.1.101.3.4.2.1" };
	static const struct refusal length = { KEY, tcb, "a fwid of 48 bytes", "47 bytes" };
	static const struct refusal ueid_length = { KEY, ueid, "33 bytes", "32 bytes" };
	static const struct refusal tail = { KEY, tcb, "2.23.133.5.4.1 in DER", "3" };
	static const struct refusal critical = { CHAIN, "chain", "a path of certificates",
						 "unhandled critical extension" };
	const struct test_cert right = test_leaf_spec(&check->world);
	struct test_cert spec = right;

	spec.fwids = 0;
	refuse_leaf(check, &spec, &no_tcb, "a leaf without TcbInfo");
	spec.fwids = 2;
	refuse_leaf(check, &spec, &two, "a leaf with two fwids");
	spec = right;
	spec.fwid_nid = NID_sha256;
	refuse_leaf(check, &spec, &hash, "a leaf with a fwid of SHA-256");
	spec = right;
	spec.fwid_len--;
	refuse_leaf(check, &spec, &length, "a leaf with a short fwid");
	spec = right;
	spec.tcb_info_tail = true;
	refuse_leaf(check, &spec, &tail, "a leaf with a byte after its TcbInfo");
	spec = right;
	spec.ueid = NULL;
	refuse_leaf(check, &spec, &no_ueid, "a leaf without UEID");
	spec.ueid = right.ueid;
	spec.ueid_len = 32;
	refuse_leaf(check, &spec, &ueid_length, "a leaf with a short UEID");
	spec = right;
	spec.dice_critical = true;
	refuse_leaf(check, &spec, &critical, "a leaf with critical DICE extensions");
}

static void test_binding(struct check *check)
{
	static const struct refusal monitor = {
		BINDING, "monitor-digest against the leaf certificate", "646967657374206f66",
		"00000000" };
	static const struct refusal ueid = { BINDING, "ueid against the leaf certificate",
					     "0174686520646576", "01000000" };
	static const uint8_t zeros[64];
	uint8_t other[CLOISTER_UEID_LEN] = { 1 };
	struct test_quote quote;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	test_claim_bytes(&quote, CLOISTER_CLAIM_MONITOR_DIGEST, zeros, CLOISTER_DIGEST_LEN);
	check_refused(check, &quote, &monitor, "a claim of another monitor than certified");
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	test_claim_bytes(&quote, CLOISTER_CLAIM_UEID, other, sizeof(other));
	check_refused(check, &quote, &ueid, "a claim of another device than certified");
}

static void test_weak_certificates(struct check *check)
{
	static const struct refusal weak = { CHAIN, "chain", "a path of certificates",
					     "CA signature digest algorithm too weak" };
	struct test_cert spec = test_leaf_spec(&check->world);

	spec.digest = EVP_sha1();
	refuse_leaf(check, &spec, &weak, "a leaf signed over SHA-1");
}

/* Remembered chains: found only by their bytes, forgotten with new roots, bounded. */
static void test_cache(struct check *check)
{
	static const struct refusal wrong = { SIGNATURE, "signature", "ES256", "does not verify" };
	struct cloister_verify_error error;
	struct test_quote quote, forged;
	struct test_cert spec;
	EVP_PKEY *key = test_key("P-256");
	unsigned int size;
	X509 *cert;

	spec = test_leaf_spec(&check->world);
	spec.key = key;
	cert = test_cert_make(&spec);
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	forged = quote;
	forged.cert[0] = cert;
	for (size = 0; size < 6; size += 5) {
		tap_ok(!cloister_verifier_set_cache(check->verifier, size, &error),
		       "a verifier can remember %u chains", size);
		check_accepted(check, &quote, "a quote the first time");
		check_accepted(check, &quote, "a quote the second time");
		check_refused(check, &forged, &wrong, "a quote with the chain of another key");
		check_accepted(check, &quote, "a quote the third time");
		check_refused(check, &forged, &wrong, "the other chain once more");
	}
	tap_ok(cloister_verifier_set_cache(check->verifier, 1U << 21, &error) ==
	       CLOISTER_VERIFY_EARGUMENT && strstr(error.sentence, "2097152"),
	       "a verifier can't remember two million chains");
	X509_free(cert);
	EVP_PKEY_free(key);
}

int main(void)
{
	struct check check;

	check_setup(&check);
	test_leaf_usage(&check);
	test_validity(&check);
	test_paths(&check);
	test_ber(&check);
	test_roots(&check);
	test_caller_chain(&check);
	test_keys(&check);
	test_signature(&check);
	test_dice(&check);
	test_binding(&check);
	test_weak_certificates(&check);
	test_cache(&check);
	test_root_validity(&check);
	check_teardown(&check);
	return tap_done();
}
