// SPDX-License-Identifier: Apache-2.0
/* The DICE extensions of an attestation key's certificate. */
#include "internal.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define OID_TCB_INFO	"2.23.133.5.4.1"
#define OID_UEID	"2.23.133.5.4.4"
#define OID_SHA384	"2.16.840.1.101.3.4.2.2"

typedef struct {
	ASN1_OBJECT *hash_alg;
	ASN1_OCTET_STRING *digest;
} DICE_FWID;

ASN1_SEQUENCE(DICE_FWID) = {
	ASN1_SIMPLE(DICE_FWID, hash_alg, ASN1_OBJECT),
	ASN1_SIMPLE(DICE_FWID, digest, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(DICE_FWID)

DEFINE_STACK_OF(DICE_FWID)

typedef struct {
	ASN1_UTF8STRING *vendor;
	ASN1_UTF8STRING *model;
	ASN1_UTF8STRING *version;
	ASN1_INTEGER *svn;
	ASN1_INTEGER *layer;
	ASN1_INTEGER *index;
	STACK_OF(DICE_FWID) *fwids;
	ASN1_BIT_STRING *flags;
	ASN1_OCTET_STRING *vendor_info;
	ASN1_OCTET_STRING *type;
} DICE_TCB_INFO;

ASN1_SEQUENCE(DICE_TCB_INFO) = {
	ASN1_IMP_OPT(DICE_TCB_INFO, vendor, ASN1_UTF8STRING, 0),
	ASN1_IMP_OPT(DICE_TCB_INFO, model, ASN1_UTF8STRING, 1),
	ASN1_IMP_OPT(DICE_TCB_INFO, version, ASN1_UTF8STRING, 2),
	ASN1_IMP_OPT(DICE_TCB_INFO, svn, ASN1_INTEGER, 3),
	ASN1_IMP_OPT(DICE_TCB_INFO, layer, ASN1_INTEGER, 4),
	ASN1_IMP_OPT(DICE_TCB_INFO, index, ASN1_INTEGER, 5),
	ASN1_IMP_SEQUENCE_OF_OPT(DICE_TCB_INFO, fwids, DICE_FWID, 6),
	ASN1_IMP_OPT(DICE_TCB_INFO, flags, ASN1_BIT_STRING, 7),
	ASN1_IMP_OPT(DICE_TCB_INFO, vendor_info, ASN1_OCTET_STRING, 8),
	ASN1_IMP_OPT(DICE_TCB_INFO, type, ASN1_OCTET_STRING, 9),
} static_ASN1_SEQUENCE_END(DICE_TCB_INFO)

typedef struct {
	ASN1_OCTET_STRING *ueid;
} DICE_UEID;

ASN1_SEQUENCE(DICE_UEID) = {
	ASN1_SIMPLE(DICE_UEID, ueid, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(DICE_UEID)

static int refuse(struct cloister_result *result, const char *check, const char *expected,
		  const char *got)
{
	return result_fail(result, CLOISTER_VERIFY_EKEY, check, expected, got, NULL);
}

/* Is re-encoding it giving the same bytes? If not it was BER, or more followed. */
static bool is_der(const ASN1_VALUE *value, const ASN1_ITEM *item, const ASN1_OCTET_STRING *given)
{
	unsigned char *encoded = NULL;
	int len = ASN1_item_i2d(value, &encoded, item);
	bool same = len == ASN1_STRING_length(given) &&
		    !memcmp(encoded, ASN1_STRING_get0_data(given), len);

	OPENSSL_free(encoded);
	return same;
}

/* Decodes the only extension with this OID; to be freed with ASN1_item_free(). */
static int read_extension(struct cloister_result *result, X509 *leaf, const char *check,
			  const char *oid, const ASN1_ITEM *item, ASN1_VALUE **value)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *data;
	const unsigned char *p;
	int place;

	*value = NULL;
	if (!object)
		return result_fail(result, CLOISTER_VERIFY_EMEMORY, check, "memory", "none", NULL);
	place = X509_get_ext_by_OBJ(leaf, object, -1);
	if (place >= 0 && X509_get_ext_by_OBJ(leaf, object, place) >= 0)
		place = -2;
	ASN1_OBJECT_free(object);
	if (place < 0)
		return refuse(result, check, phrase("one extension %s", oid).text,
			      place == -2 ? "several" : "a leaf certificate without it");
	data = X509_EXTENSION_get_data(X509_get_ext(leaf, place));
	p = ASN1_STRING_get0_data(data);
	*value = ASN1_item_d2i(NULL, &p, ASN1_STRING_length(data), item);
	if (*value && is_der(*value, item, data))
		return 0;
	ASN1_item_free(*value, item);
	*value = NULL;
	return refuse(result, check, phrase("an extension %s in DER", oid).text,
		      phrase_hex(ASN1_STRING_get0_data(data), ASN1_STRING_length(data)).text);
}

static int read_fwid(struct cloister_result *result, const DICE_FWID *fwid, uint8_t *digest)
{
	static const char check[] = "TcbInfo of the leaf certificate";
	char oid[80];

	OBJ_obj2txt(oid, sizeof(oid), fwid->hash_alg, 1);
	if (strcmp(oid, OID_SHA384))
		return refuse(result, check, "a fwid of SHA-384 (" OID_SHA384 ")",
			      phrase("one of %s", oid).text);
	if (ASN1_STRING_length(fwid->digest) != CLOISTER_DIGEST_LEN)
		return refuse(result, check, "a fwid of 48 bytes",
			      phrase("%d bytes", ASN1_STRING_length(fwid->digest)).text);
	memcpy(digest, ASN1_STRING_get0_data(fwid->digest), CLOISTER_DIGEST_LEN);
	return 0;
}

static int read_tcb_info(struct cloister_result *result, X509 *leaf, uint8_t *digest)
{
	static const char check[] = "TcbInfo of the leaf certificate";
	const ASN1_ITEM *item = ASN1_ITEM_rptr(DICE_TCB_INFO);
	ASN1_VALUE *value;
	DICE_TCB_INFO *info;
	int ret;

	ret = read_extension(result, leaf, check, OID_TCB_INFO, item, &value);
	if (ret)
		return ret;
	info = (DICE_TCB_INFO *)value;
	if (sk_DICE_FWID_num(info->fwids) == 1)
		ret = read_fwid(result, sk_DICE_FWID_value(info->fwids, 0), digest);
	else
		ret = refuse(result, check, "one fwid",
			     phrase("%d", info->fwids ? sk_DICE_FWID_num(info->fwids) : 0).text);
	ASN1_item_free(value, item);
	return ret;
}

static int read_ueid(struct cloister_result *result, X509 *leaf, uint8_t *ueid)
{
	static const char check[] = "UEID of the leaf certificate";
	const ASN1_ITEM *item = ASN1_ITEM_rptr(DICE_UEID);
	ASN1_OCTET_STRING *string;
	ASN1_VALUE *value;
	int ret;

	ret = read_extension(result, leaf, check, OID_UEID, item, &value);
	if (ret)
		return ret;
	string = ((DICE_UEID *)value)->ueid;
	if (ASN1_STRING_length(string) == CLOISTER_UEID_LEN)
		memcpy(ueid, ASN1_STRING_get0_data(string), CLOISTER_UEID_LEN);
	else
		ret = refuse(result, check, phrase("%d bytes", CLOISTER_UEID_LEN).text,
			     phrase("%d bytes", ASN1_STRING_length(string)).text);
	ASN1_item_free(value, item);
	return ret;
}

int dice_read(struct cloister_result *result, X509 *leaf, struct dice_identity *identity)
{
	int ret = read_tcb_info(result, leaf, identity->monitor_digest);

	return ret ? ret : read_ueid(result, leaf, identity->ueid);
}
