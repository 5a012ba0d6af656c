/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/signature.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

/*
 * A signature's text and its digest: one reader for both encodings, which differ in the bits of a
 * digit. What is behind the digest is hmac.c.
 */

int gw_keyring_add(struct gw_keyring *keyring, struct gw_str secret)
{
    if (secret.len == 0)
        return -EINVAL;
    if (keyring->count == GW_KEYS_MAX)
        return -ENOSPC;
    struct gw_hmac_key *key = gw_hmac_key_new(secret);

    if (!key)
        return -ENOMEM;
    keyring->keys[keyring->count++] = key;
    return 0;
}

void gw_keyring_deinit(struct gw_keyring *keyring)
{
    for (size_t i = 0; i < keyring->count; i++)
        gw_hmac_key_free(keyring->keys[i]);
    *keyring = (struct gw_keyring){0};
}

static const char hex_digits[] = "0123456789abcdefABCDEF";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* A digit's place among @digits, or -1; a NUL is none. */
static int place_of(const char *digits, char c)
{
    const char *place = c ? strchr(digits, c) : NULL;

    return place ? (int)(place - digits) : -1;
}

static int hex_value(char c)
{
    int place = place_of(hex_digits, c);

    return place < 16 ? place : place - 6;
}

static int base64_value(char c)
{
    return place_of(base64_digits, c);
}

/*
 * Reads digits of @bits bits each, most significant first, as bytes; the bits over must be zero.
 */
static bool read_digits(struct gw_str text, int (*value_of)(char c), unsigned bits, uint8_t *bytes)
{
    unsigned held = 0, held_bits = 0;

    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.data[i]);

        if (value < 0)
            return false;
        held = (held << bits) | (unsigned)value;
        held_bits += bits;
        if (held_bits >= 8) {
            held_bits -= 8;
            *bytes++ = (uint8_t)(held >> held_bits);
            held &= (1U << held_bits) - 1;
        }
    }
    return held == 0;
}

static bool read_hex(struct gw_str text, uint8_t *digest)
{
    return read_digits(text, hex_value, 4, digest);
}

static bool read_base64(struct gw_str text, uint8_t *digest)
{
    text.len--;
    return text.data[text.len] == '=' && read_digits(text, base64_value, 6, digest);
}

static void write_base64(const uint8_t *digest, char *text)
{
    EVP_EncodeBlock((unsigned char *)text, digest, GW_SIGNATURE_DIGEST);
}

static const struct {
    size_t len; /* of a digest */
    bool (*read)(struct gw_str text, uint8_t *digest);
    void (*write)(const uint8_t *digest, char *text);
} encodings[] = {
    [GW_SIGNATURE_HEX] = {64, read_hex, gw_sha256_hex},
    [GW_SIGNATURE_BASE64] = {44, read_base64, write_base64},
};

int gw_signature_decode(const struct gw_signature_scheme *scheme, struct gw_str value,
                        uint8_t digest[static GW_SIGNATURE_DIGEST])
{
    struct gw_str prefix = scheme->prefix;
    uint8_t read[GW_SIGNATURE_DIGEST];

    if (value.len != prefix.len + encodings[scheme->encoding].len ||
        !gw_str_equal((struct gw_str){value.data, prefix.len}, prefix))
        return GW_SIGNATURE_MALFORMED;
    value = (struct gw_str){value.data + prefix.len, value.len - prefix.len};
    if (!encodings[scheme->encoding].read(value, read))
        return GW_SIGNATURE_MALFORMED;
    memcpy(digest, read, sizeof read);
    return 0;
}

void gw_signature_encode(const struct gw_signature_scheme *scheme,
                         const uint8_t digest[static GW_SIGNATURE_DIGEST],
                         char text[static GW_SIGNATURE_TEXT_SIZE])
{
    encodings[scheme->encoding].write(digest, text);
}

int gw_signature_verify(const struct gw_signature_scheme *scheme, const struct gw_keyring *keyring,
                        struct gw_hmac *hmac, struct gw_str value, struct gw_str body,
                        size_t *matched)
{
    uint8_t claimed[GW_SIGNATURE_DIGEST], digest[GW_SIGNATURE_DIGEST];
    size_t first = keyring->count;

    if (!value.data)
        return GW_SIGNATURE_MISSING;
    int result = gw_signature_decode(scheme, value, claimed);

    if (result != 0)
        return result;
    /* No early end: the time taken does not tell which secret it was. */
    for (size_t i = 0; i < keyring->count; i++) {
        result = gw_hmac_compute(hmac, keyring->keys[i], body, digest);
        if (result != 0)
            return result;
        if (CRYPTO_memcmp(claimed, digest, sizeof digest) == 0 && first == keyring->count)
            first = i;
    }
    if (first == keyring->count)
        return GW_SIGNATURE_MISMATCH;
    *matched = first;
    return 0;
}
