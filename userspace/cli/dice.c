// SPDX-License-Identifier: Apache-2.0
/*
 * The X.509 extensions of TCG's DICE Attestation Architecture that an AK certificate carries:
 * which monitor the key belongs to, and which device.
 */
#include <openssl/asn1t.h>
#include <openssl/objects.h>

#include "certificates.h"

#define OID_TCB_INFO	"2.23.133.5.4.1"
#define OID_UEID	"2.23.133.5.4.4"

#define TCB_VENDOR	"Cloister"
#define TCB_MODEL	"monitor"
/* Layer 0 is what measured the monitor. */
#define TCB_LAYER	1

struct dice_fwid {
	ASN1_OBJECT *algorithm;
	ASN1_OCTET_STRING *digest;
};

typedef struct dice_fwid DICE_FWID;

ASN1_SEQUENCE(DICE_FWID) = {
	ASN1_SIMPLE(DICE_FWID, algorithm, ASN1_OBJECT),
	ASN1_SIMPLE(DICE_FWID, digest, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(DICE_FWID)

DEFINE_STACK_OF(DICE_FWID)

struct dice_tcb_info {
	ASN1_UTF8STRING *vendor;
	ASN1_UTF8STRING *model;
	ASN1_UTF8STRING *version;
	ASN1_INTEGER *svn;
	ASN1_INTEGER *layer;
	ASN1_INTEGER *index;
	STACK_OF(DICE_FWID) *fwids;
};

typedef struct dice_tcb_info DICE_TCB_INFO;

ASN1_SEQUENCE(DICE_TCB_INFO) = {
	ASN1_IMP_OPT(DICE_TCB_INFO, vendor, ASN1_UTF8STRING, 0),
	ASN1_IMP_OPT(DICE_TCB_INFO, model, ASN1_UTF8STRING, 1),
	ASN1_IMP_OPT(DICE_TCB_INFO, version, ASN1_UTF8STRING, 2),
	ASN1_IMP_OPT(DICE_TCB_INFO, svn, ASN1_INTEGER, 3),
	ASN1_IMP_OPT(DICE_TCB_INFO, layer, ASN1_INTEGER, 4),
	ASN1_IMP_OPT(DICE_TCB_INFO, index, ASN1_INTEGER, 5),
	ASN1_IMP_SEQUENCE_OF_OPT(DICE_TCB_INFO, fwids, DICE_FWID, 6),
} static_ASN1_SEQUENCE_END(DICE_TCB_INFO)

struct dice_ueid {
	ASN1_OCTET_STRING *ueid;
};

typedef struct dice_ueid DICE_UEID;

ASN1_SEQUENCE(DICE_UEID) = {
	ASN1_SIMPLE(DICE_UEID, ueid, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(DICE_UEID)

/* Wraps the DER of @value into an extension that is not critical. */
static X509_EXTENSION *make_extension(const char *oid, const ASN1_ITEM *item, const void *value)
{
	ASN1_OCTET_STRING *octets = NULL;
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	X509_EXTENSION *extension = NULL;

	if (object && ASN1_item_pack((void *)value, item, &octets))
		extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(object);
	return extension;
}

static ASN1_UTF8STRING *utf8(const char *text)
{
	ASN1_UTF8STRING *string = ASN1_UTF8STRING_new();

	if (string && !ASN1_STRING_set(string, text, -1)) {
		ASN1_UTF8STRING_free(string);
		return NULL;
	}
	return string;
}

static ASN1_INTEGER *integer(long value)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	if (number && !ASN1_INTEGER_set(number, value)) {
		ASN1_INTEGER_free(number);
		return NULL;
	}
	return number;
}

/* Adds the digest to the list; the new entry is the list's even when filling it fails. */
static bool add_fwid(DICE_TCB_INFO *info, const uint8_t *digest, int length)
{
	DICE_FWID *fwid = (DICE_FWID *)ASN1_item_new(ASN1_ITEM_rptr(DICE_FWID));

	if (!info->fwids)
		info->fwids = sk_DICE_FWID_new_null();
	if (!fwid || !info->fwids || !sk_DICE_FWID_push(info->fwids, fwid)) {
		ASN1_item_free((ASN1_VALUE *)fwid, ASN1_ITEM_rptr(DICE_FWID));
		return false;
	}
	ASN1_OBJECT_free(fwid->algorithm);
	fwid->algorithm = OBJ_nid2obj(NID_sha384);
	return fwid->algorithm && ASN1_OCTET_STRING_set(fwid->digest, digest, length);
}

X509_EXTENSION *dice_tcb_info(const uint8_t digest[CLOISTER_DIGEST_LEN], int svn)
{
	const ASN1_ITEM *item = ASN1_ITEM_rptr(DICE_TCB_INFO);
	DICE_TCB_INFO *info = (DICE_TCB_INFO *)ASN1_item_new(item);
	X509_EXTENSION *extension = NULL;

	if (!info)
		return NULL;
	info->vendor = utf8(TCB_VENDOR);
	info->model = utf8(TCB_MODEL);
	info->version = utf8(CLI_VERSION);
	info->svn = integer(svn);
	info->layer = integer(TCB_LAYER);
	info->index = integer(0);
	if (info->vendor && info->model && info->version && info->svn && info->layer &&
	    info->index && add_fwid(info, digest, CLOISTER_DIGEST_LEN))
		extension = make_extension(OID_TCB_INFO, item, info);
	ASN1_item_free((ASN1_VALUE *)info, item);
	return extension;
}

X509_EXTENSION *dice_ueid(const uint8_t ueid[CLOISTER_UEID_LEN])
{
	const ASN1_ITEM *item = ASN1_ITEM_rptr(DICE_UEID);
	DICE_UEID *value = (DICE_UEID *)ASN1_item_new(item);
	X509_EXTENSION *extension = NULL;

	if (value && ASN1_OCTET_STRING_set(value->ueid, ueid, CLOISTER_UEID_LEN))
		extension = make_extension(OID_UEID, item, value);
	ASN1_item_free((ASN1_VALUE *)value, item);
	return extension;
}
