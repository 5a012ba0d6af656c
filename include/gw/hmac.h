/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_HMAC_H
#define GW_HMAC_H

/*
 * SHA-256 (FIPS 180-4), and HMAC over it (RFC 2104) with keys that are made once and used often.
 * Pure. All of it fails only where memory is short.
 */

#include "gw/base.h"

#define GW_SHA256_SIZE 32
#define GW_SHA256_HEX_SIZE 65 /* in hex, and its NUL */

/* @return 0 or -ENOMEM. */
int gw_sha256(struct gw_str data, uint8_t digest[static GW_SHA256_SIZE]) GW_MUST_CHECK;

/* In lower case. */
void gw_sha256_hex(const uint8_t digest[static GW_SHA256_SIZE],
                   char hex[static GW_SHA256_HEX_SIZE]);

/*
 * The digest states behind the inner and the outer pad, copied for each message, so that the secret
 * itself need not be kept. Immutable: any number of threads may read it. OpenSSL overwrites the
 * states before it frees them.
 */
struct gw_hmac_key;

/* @secret is only read, and not empty. @return NULL where there is no memory. */
struct gw_hmac_key *gw_hmac_key_new(struct gw_str secret);
struct gw_hmac_key *gw_hmac_key_free(struct gw_hmac_key *key);

/* The scratch state of one thread. @return NULL where there is no memory. */
struct gw_hmac *gw_hmac_new(void);
struct gw_hmac *gw_hmac_free(struct gw_hmac *hmac);

/* @return 0 or -ENOMEM. */
int gw_hmac_compute(struct gw_hmac *hmac, const struct gw_hmac_key *key, struct gw_str message,
                    uint8_t digest[static GW_SHA256_SIZE]) GW_MUST_CHECK;

#endif
