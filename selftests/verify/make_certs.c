// SPDX-License-Identifier: Apache-2.0
/* Certificates for tests. The DICE extensions are encoded by hand, byte by byte. */
#include "make_quote.h"
#include "tap.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

static void need(bool good, const char *what)
{
	if (!good)
		tap_bail("OpenSSL could not %s", what);
}

EVP_PKEY *test_key(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve);

	need(key, "make a key");
	return key;
}

static void add_standard(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	need(extension && X509_add_ext(cert, extension, -1), value);
	X509_EXTENSION_free(extension);
}

static void add_dice(X509 *cert, const char *oid, bool critical, const struct test_bytes *der)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	need(object && data && ASN1_OCTET_STRING_set(data, der->data, der->len), oid);
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, data);
	need(extension && X509_add_ext(cert, extension, -1), oid);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(data);
	ASN1_OBJECT_free(object);
}

/* A DER head; none of ours is longer than 255 bytes. */
static void put_der(struct test_bytes *out, uint8_t tag, const struct test_bytes *contents)
{
	uint8_t head[3] = { tag };
	size_t len = 1;

	if (contents->len > 127)
		head[len++] = 0x81;
	head[len++] = contents->len;
	put(out, head, len);
	put(out, contents->data, contents->len);
}

static void put_fwid(struct test_bytes *out, const struct test_cert *spec)
{
	static struct test_bytes fwid, part;
	uint8_t *oid = NULL;
	int len = i2d_ASN1_OBJECT(OBJ_nid2obj(spec->fwid_nid), &oid);

	fwid.len = 0;
	part.len = 0;
	need(len > 0, "encode an OID");
	put(&fwid, oid, len);
	OPENSSL_free(oid);
	put(&part, spec->fwid, spec->fwid_len);
	put_der(&fwid, 0x04, &part);
	put_der(out, 0x30, &fwid);
}

static void add_tcb_info(X509 *cert, const struct test_cert *spec)
{
	static struct test_bytes fwids, fields, info, part;
	unsigned int i;

	fwids.len = 0;
	fields.len = 0;
	info.len = 0;
	for (i = 0; i < spec->fwids; i++)
		put_fwid(&fwids, spec);
	part.len = 0;
	put(&part, "Cloister", 8);
	put_der(&fields, 0x80, &part);
	part.len = 0;
	put(&part, "\1", 1);
	put_der(&fields, 0x83, &part);
	put_der(&fields, 0xa6, &fwids);
	put_der(&info, 0x30, &fields);
	if (spec->tcb_info_tail)
		put(&info, "", 1);
	add_dice(cert, "2.23.133.5.4.1", spec->dice_critical, &info);
}

static void add_ueid(X509 *cert, const struct test_cert *spec)
{
	static struct test_bytes ueid, string, sequence;

	ueid.len = 0;
	string.len = 0;
	sequence.len = 0;
	put(&ueid, spec->ueid, spec->ueid_len);
	put_der(&string, 0x04, &ueid);
	put_der(&sequence, 0x30, &string);
	add_dice(cert, "2.23.133.5.4.4", spec->dice_critical, &sequence);
}

static void set_basics(X509 *cert, const struct test_cert *spec, X509 *issuer)
{
	static long serial;
	X509_NAME *name = X509_get_subject_name(cert);

	need(X509_set_version(cert, X509_VERSION_3) &&
	     ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial) &&
	     X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)spec->name, -1,
					-1, 0) &&
	     X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
	     ASN1_TIME_set(X509_getm_notBefore(cert), spec->not_before) &&
	     ASN1_TIME_set(X509_getm_notAfter(cert), spec->not_after) &&
	     X509_set_pubkey(cert, spec->key), "fill a certificate");
}

X509 *test_cert_make(const struct test_cert *spec)
{
	X509 *cert = X509_new();
	X509 *issuer = spec->issuer ? spec->issuer : cert;

	need(cert, "make a certificate");
	set_basics(cert, spec, issuer);
	if (spec->constraints)
		add_standard(cert, issuer, NID_basic_constraints, spec->constraints);
	if (spec->usage)
		add_standard(cert, issuer, NID_key_usage, spec->usage);
	add_standard(cert, issuer, NID_subject_key_identifier, "hash");
	if (spec->issuer)
		add_standard(cert, issuer, NID_authority_key_identifier, "keyid:always");
	if (spec->fwids)
		add_tcb_info(cert, spec);
	if (spec->ueid)
		add_ueid(cert, spec);
	need(X509_sign(cert, spec->issuer_key ? spec->issuer_key : spec->key,
		       spec->digest ? spec->digest : EVP_sha384()), "sign a certificate");
	return cert;
}

size_t test_cert_der(X509 *cert, uint8_t **der)
{
	int len;

	*der = NULL;
	len = i2d_X509(cert, der);
	need(len > 0, "encode a certificate");
	return len;
}

size_t test_cert_pem(X509 *cert, uint8_t **pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	need(bio && PEM_write_bio_X509(bio, cert), "encode a certificate");
	len = BIO_get_mem_data(bio, &text);
	*pem = OPENSSL_memdup(text, len);
	need(*pem, "copy a certificate");
	BIO_free(bio);
	return len;
}

static X509 *make_ca(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	struct test_cert spec = {
		.name = name,
		.issuer = issuer,
		.issuer_key = issuer_key,
		.key = key,
		.not_before = TEST_NOW - 10 * TEST_DAY,
		.not_after = TEST_NOW + 1000 * TEST_DAY,
		.constraints = "critical,CA:TRUE",
		.usage = "critical,keyCertSign,cRLSign",
	};

	return test_cert_make(&spec);
}

/* A right certificate of @ak256, to be changed by tests. */
struct test_cert test_leaf_spec(const struct test_world *world)
{
	return (struct test_cert){
		.name = "test attestation key",
		.issuer = world->root,
		.issuer_key = world->root_key,
		.key = world->ak256,
		.not_before = TEST_NOW - TEST_DAY,
		.not_after = TEST_NOW + 30 * TEST_DAY,
		.constraints = "critical,CA:FALSE",
		.usage = "critical,digitalSignature",
		.fwids = 1,
		.fwid_nid = NID_sha384,
		.fwid = test_monitor_digest,
		.fwid_len = CLOISTER_DIGEST_LEN,
		.ueid = test_ueid,
		.ueid_len = CLOISTER_UEID_LEN,
	};
}

void test_world_make(struct test_world *world)
{
	struct test_cert spec;
	EVP_PKEY *other = test_key("P-384");

	world->root_key = test_key("P-384");
	world->middle_key = test_key("P-384");
	world->ak256 = test_key("P-256");
	world->ak384 = test_key("P-384");
	world->root = make_ca("test device CA", world->root_key, NULL, NULL);
	world->other_root = make_ca("test device CA", other, NULL, NULL);
	world->middle = make_ca("test middle CA", world->middle_key, world->root,
				world->root_key);
	EVP_PKEY_free(other);
	spec = test_leaf_spec(world);
	world->leaf256 = test_cert_make(&spec);
	spec.key = world->ak384;
	world->leaf384 = test_cert_make(&spec);
	spec = test_leaf_spec(world);
	spec.issuer = world->middle;
	spec.issuer_key = world->middle_key;
	world->middle_leaf = test_cert_make(&spec);
}

void test_world_free(struct test_world *world)
{
	EVP_PKEY_free(world->root_key);
	EVP_PKEY_free(world->middle_key);
	EVP_PKEY_free(world->ak256);
	EVP_PKEY_free(world->ak384);
	X509_free(world->root);
	X509_free(world->other_root);
	X509_free(world->middle);
	X509_free(world->leaf256);
	X509_free(world->leaf384);
	X509_free(world->middle_leaf);
}
