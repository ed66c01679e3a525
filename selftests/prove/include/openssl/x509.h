/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Names of OpenSSL's types, for headers whose other parts are proved. */
#ifndef CLOISTER_PROVE_X509_H
#define CLOISTER_PROVE_X509_H

#include <openssl/evp.h>

typedef struct x509 X509;
typedef struct x509_store X509_STORE;
typedef struct x509_name X509_NAME;
typedef struct asn1_string ASN1_TIME;
#define STACK_OF(type) struct stack_of_##type

#endif
