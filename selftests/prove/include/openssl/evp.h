/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Names of OpenSSL's types, for headers whose other parts are proved. */
#ifndef CLOISTER_PROVE_EVP_H
#define CLOISTER_PROVE_EVP_H

typedef struct evp_pkey EVP_PKEY;
typedef struct evp_md EVP_MD;
typedef struct evp_md_ctx EVP_MD_CTX;
typedef struct evp_pkey_ctx EVP_PKEY_CTX;

#endif
