/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Cloister: the claims of a quote.
 *
 * A quote is the CBOR tag 18 (COSE_Sign1, RFC 9052) over the array
 *	[ protected, unprotected, payload, signature ]
 * protected:	bstr of the map { 1 (alg): -7 (ES256) | -35 (ES384),
 *				  3 (content type): "application/eat-ucs+cbor" }
 * unprotected:	the map { 33 (x5chain): bstr | [ + bstr ] }, leaf first, as RFC 9360
 *		has it (one certificate: a bstr); an empty map where no chain is set
 * payload:	bstr of one map, the claims below
 * signature:	bstr, r then s, 64 or 96 bytes
 *
 * Everything is deterministically encoded (RFC 8949, section 4.2.1): definite
 * lengths, shortest integers, keys in bytewise order of their encoding.
 */
#ifndef _UAPI_LINUX_CLOISTER_QUOTE_H
#define _UAPI_LINUX_CLOISTER_QUOTE_H

#define CLOISTER_QUOTE_MAX_LEN			16384
#define CLOISTER_QUOTE_CONTENT_TYPE		"application/eat-ucs+cbor"
#define CLOISTER_QUOTE_PROFILE			"tag:cloister,2026:quote:1"

/* COSE (IANA "COSE Header Parameters", "COSE Algorithms") */
#define CLOISTER_COSE_TAG_SIGN1			18
#define CLOISTER_COSE_HEADER_ALG		1
#define CLOISTER_COSE_HEADER_CONTENT_TYPE	3
#define CLOISTER_COSE_HEADER_X5CHAIN		33
#define CLOISTER_COSE_ALG_ES256			(-7)
#define CLOISTER_COSE_ALG_ES384			(-35)

/* Registered claims (RFC 9711) */
#define CLOISTER_CLAIM_NONCE			10	/* bstr, 8 to 64 bytes */
#define CLOISTER_CLAIM_UEID			256	/* bstr, 33 bytes, type RAND */
#define CLOISTER_CLAIM_PROFILE			265	/* tstr, CLOISTER_QUOTE_PROFILE */

/*
 * Private claims (below -65536, RFC 8392 section 9.1). All are always present.
 * Their order here is their order in the map.
 */
#define CLOISTER_CLAIM_SUBJECT			(-70001) /* tstr "region" */
#define CLOISTER_CLAIM_MEASUREMENT		(-70002) /* bstr 48: Documentation/measurement.rst */
#define CLOISTER_CLAIM_REGION_SIZE		(-70003) /* uint, bytes */
#define CLOISTER_CLAIM_REGION_FLAGS		(-70004) /* uint, CLOISTER_CREATE_* */
#define CLOISTER_CLAIM_REPORT_DATA		(-70005) /* bstr 64 */
#define CLOISTER_CLAIM_REPORT_DATA_BY		(-70006) /* tstr "host" */
#define CLOISTER_CLAIM_DEBUG_EVER		(-70007) /* bool: CLOISTER_CREATE_DEBUG */
#define CLOISTER_CLAIM_MODE			(-70008) /* tstr "kernel" | "host" (test build) */
#define CLOISTER_CLAIM_MONITOR_DIGEST		(-70009) /* bstr 48 */
#define CLOISTER_CLAIM_DIGEST_KIND		(-70010) /* tstr "asserted" */
#define CLOISTER_CLAIM_ROOT			(-70011) /* tstr "software" */
#define CLOISTER_CLAIM_INSTANCE_ID		(-70012) /* bstr 16, new at each module load */
#define CLOISTER_CLAIM_KERNEL_RELEASE		(-70013) /* tstr, as uname -r */
#define CLOISTER_CLAIM_LOCKDOWN			(-70014) /* tstr "none" | "integrity" | "confidentiality" */
#define CLOISTER_CLAIM_MODULE_SIGNATURES	(-70015) /* bool: enforced */
#define CLOISTER_CLAIM_CRASH_KERNEL		(-70016) /* bool: loaded */
#define CLOISTER_CLAIM_GUARDS			(-70017) /* tstr "off" | "partial" | "armed" */
#define CLOISTER_CLAIM_IOMMU			(-70018) /* tstr "none" | "partial" | "translating" */

#endif /* _UAPI_LINUX_CLOISTER_QUOTE_H */
