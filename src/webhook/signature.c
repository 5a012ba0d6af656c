/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/signature.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

/*
 * HMAC written out over EVP's SHA-256: H(key ^ opad, H(key ^ ipad, body)). The two states behind
 * the pads are the same for every body, so each key is those two states, and a body costs two
 * copies instead of two more blocks, a look-up of the algorithm and a set-up of the key (EVP_MAC
 * does all of that again). A copy ends in memory that the thread's gw_hmac keeps, so that threads
 * share nothing that is written.
 *
 * EVP fails only where memory is short, with an algorithm that is always there: -ENOMEM.
 */

#define BLOCK 64 /* bytes of SHA-256 */

struct gw_hmac_key {
    EVP_MD_CTX *inner, *outer;
};

struct gw_hmac {
    EVP_MD_CTX *scratch;
};

static struct gw_hmac_key *key_free(struct gw_hmac_key *key)
{
    if (key) {
        EVP_MD_CTX_free(key->inner);
        EVP_MD_CTX_free(key->outer);
        free(key);
    }
    return NULL;
}

/* The key at a block's length: padded with zeros, or hashed first where it is longer. */
static bool fill_block(const EVP_MD *md, struct gw_str secret, uint8_t block[static BLOCK])
{
    memset(block, 0, BLOCK);
    if (secret.len > BLOCK)
        return EVP_Digest(secret.data, secret.len, block, NULL, md, NULL) == 1;
    memcpy(block, secret.data, secret.len);
    return true;
}

static bool start_state(EVP_MD_CTX *state, const EVP_MD *md, const uint8_t block[static BLOCK],
                        uint8_t pad)
{
    uint8_t padded[BLOCK];

    for (size_t i = 0; i < BLOCK; i++)
        padded[i] = block[i] ^ pad;
    bool started = state && EVP_DigestInit_ex2(state, md, NULL) == 1 &&
                   EVP_DigestUpdate(state, padded, BLOCK) == 1;

    OPENSSL_cleanse(padded, BLOCK);
    return started;
}

static bool key_init(struct gw_hmac_key *key, const EVP_MD *md, struct gw_str secret)
{
    uint8_t block[BLOCK];

    key->inner = EVP_MD_CTX_new();
    key->outer = EVP_MD_CTX_new();
    bool made = fill_block(md, secret, block) && start_state(key->inner, md, block, 0x36) &&
                start_state(key->outer, md, block, 0x5c);

    OPENSSL_cleanse(block, BLOCK);
    return made;
}

static struct gw_hmac_key *key_new(struct gw_str secret)
{
    struct gw_hmac_key *key = calloc(1, sizeof *key);
    /* Fetched once a key: the states keep it, and their copies need no look-up any more. */
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);

    if (!key || !md || !key_init(key, md, secret))
        key = key_free(key);
    EVP_MD_free(md);
    return key;
}

int gw_keyring_add(struct gw_keyring *keyring, struct gw_str secret)
{
    if (secret.len == 0)
        return -EINVAL;
    if (keyring->count == GW_KEYS_MAX)
        return -ENOSPC;
    struct gw_hmac_key *key = key_new(secret);

    if (!key)
        return -ENOMEM;
    keyring->keys[keyring->count++] = key;
    return 0;
}

void gw_keyring_deinit(struct gw_keyring *keyring)
{
    for (size_t i = 0; i < keyring->count; i++)
        key_free(keyring->keys[i]);
    *keyring = (struct gw_keyring){0};
}

struct gw_hmac *gw_hmac_new(void)
{
    struct gw_hmac *hmac = calloc(1, sizeof *hmac);

    if (!hmac)
        return NULL;
    hmac->scratch = EVP_MD_CTX_new();
    return hmac->scratch ? hmac : gw_hmac_free(hmac);
}

struct gw_hmac *gw_hmac_free(struct gw_hmac *hmac)
{
    if (hmac) {
        EVP_MD_CTX_free(hmac->scratch);
        free(hmac);
    }
    return NULL;
}

static bool finish(EVP_MD_CTX *scratch, const EVP_MD_CTX *state, const void *data, size_t len,
                   uint8_t digest[static GW_SIGNATURE_DIGEST])
{
    return EVP_MD_CTX_copy_ex(scratch, state) == 1 && EVP_DigestUpdate(scratch, data, len) == 1 &&
           EVP_DigestFinal_ex(scratch, digest, NULL) == 1;
}

int gw_hmac_compute(struct gw_hmac *hmac, const struct gw_keyring *keyring, size_t index,
                    struct gw_str body, uint8_t digest[static GW_SIGNATURE_DIGEST])
{
    const struct gw_hmac_key *key = keyring->keys[index];
    uint8_t inner[GW_SIGNATURE_DIGEST], outer[GW_SIGNATURE_DIGEST];

    if (!finish(hmac->scratch, key->inner, body.data, body.len, inner) ||
        !finish(hmac->scratch, key->outer, inner, sizeof inner, outer))
        return -ENOMEM;
    memcpy(digest, outer, sizeof outer);
    return 0;
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

static void write_hex(const uint8_t *digest, char *text)
{
    for (size_t i = 0; i < GW_SIGNATURE_DIGEST; i++) {
        *text++ = hex_digits[digest[i] >> 4];
        *text++ = hex_digits[digest[i] & 0x0f];
    }
    *text = '\0';
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
    [GW_SIGNATURE_HEX] = {64, read_hex, write_hex},
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
        result = gw_hmac_compute(hmac, keyring, i, body, digest);
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
