/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SIGNATURE_H
#define GW_SIGNATURE_H

/*
 * HMAC-SHA256 over the raw body (RFC 2104, FIPS 180-4), as a header carries it. Pure: no I/O, no
 * clock, no globals.
 */

#include "gw/hmac.h"
#include "gw/metrics.h"

#define GW_SIGNATURE_DIGEST GW_SHA256_SIZE
#define GW_SIGNATURE_TEXT_SIZE GW_SHA256_HEX_SIZE /* base64 is shorter */

enum gw_signature_encoding { GW_SIGNATURE_HEX, GW_SIGNATURE_BASE64 };

/* How a sender writes its signature. The strings are borrowed from whoever owns the endpoint. */
struct gw_signature_scheme {
    const char *header; /* compared in any case */
    enum gw_signature_encoding encoding;
    struct gw_str prefix; /* before the digest, such as "sha256=" */
};

enum gw_signature_error {
    GW_SIGNATURE_MISSING = 1, /* no header */
    GW_SIGNATURE_MALFORMED,   /* wrong prefix, length, or not of the encoding */
    GW_SIGNATURE_MISMATCH     /* of none of the secrets */
};

/* The secrets' keys. Immutable once filled: any number of threads may read. */
struct gw_keyring {
    struct gw_hmac_key *keys[GW_KEYS_MAX];
    size_t count;
};

/* @secret is only read. @return 0, -ENOSPC beyond GW_KEYS_MAX, -EINVAL when empty, -ENOMEM. */
int gw_keyring_add(struct gw_keyring *keyring, struct gw_str secret) GW_MUST_CHECK;
void gw_keyring_deinit(struct gw_keyring *keyring);

/**
 * Reads a header's value into a digest. Strict: exactly the prefix, then 64 hex digits in any case,
 * or the 44 characters of canonical base64 (RFC 4648, section 4; unused bits zero).
 * @return 0 or GW_SIGNATURE_MALFORMED.
 */
int gw_signature_decode(const struct gw_signature_scheme *scheme, struct gw_str value,
                        uint8_t digest[static GW_SIGNATURE_DIGEST]) GW_MUST_CHECK;

/* Writes the digest in the scheme's encoding, without the prefix; hex in lower case. */
void gw_signature_encode(const struct gw_signature_scheme *scheme,
                         const uint8_t digest[static GW_SIGNATURE_DIGEST],
                         char text[static GW_SIGNATURE_TEXT_SIZE]);

/**
 * Says whether @body was signed with one of the secrets. All of them are always tried, each
 * compared in constant time (CRYPTO_memcmp on the 32 bytes).
 * @param value    the header's value; absent ({NULL, 0}) where there was none
 * @param matched  which secret it was, in the order they were added
 * @return 0, a gw_signature_error, or -ENOMEM.
 */
int gw_signature_verify(const struct gw_signature_scheme *scheme, const struct gw_keyring *keyring,
                        struct gw_hmac *hmac, struct gw_str value, struct gw_str body,
                        size_t *matched) GW_MUST_CHECK;

#endif
