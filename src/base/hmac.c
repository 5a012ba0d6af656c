/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/hmac.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

/*
 * HMAC written out over EVP's SHA-256: H(key ^ opad, H(key ^ ipad, message)). The two states behind
 * the pads are the same for every message, so each key is those two states, and a message costs two
 * copies instead of two more blocks, a look-up of the algorithm and a set-up of the key (EVP_MAC
 * does all of that again). A copy ends in memory that the thread's gw_hmac keeps, so that threads
 * share nothing that is written.
 *
 * The algorithm is looked up once a process: EVP_sha256() would be looked up again in each digest,
 * under OpenSSL's lock, for half a microsecond.
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

static EVP_MD *sha256; /* NULL where there was no memory for it: then nothing works */

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static const EVP_MD *algorithm(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, fetch);
    return sha256;
}

int gw_sha256(struct gw_str data, uint8_t digest[static GW_SHA256_SIZE])
{
    const EVP_MD *md = algorithm();

    return md && EVP_Digest(data.data, data.len, digest, NULL, md, NULL) == 1 ? 0 : -ENOMEM;
}

void gw_sha256_hex(const uint8_t digest[static GW_SHA256_SIZE], char hex[static GW_SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < GW_SHA256_SIZE; i++) {
        *hex++ = digits[digest[i] >> 4];
        *hex++ = digits[digest[i] & 0x0f];
    }
    *hex = '\0';
}

/* The key at a block's length: padded with zeros, or hashed first where it is longer. */
static bool fill_block(struct gw_str secret, uint8_t block[static BLOCK])
{
    memset(block, 0, BLOCK);
    if (secret.len > BLOCK)
        return gw_sha256(secret, block) == 0;
    memcpy(block, secret.data, secret.len);
    return true;
}

static bool start_state(EVP_MD_CTX *state, const uint8_t block[static BLOCK], uint8_t pad)
{
    uint8_t padded[BLOCK];

    for (size_t i = 0; i < BLOCK; i++)
        padded[i] = block[i] ^ pad;
    bool started = state && EVP_DigestInit_ex2(state, algorithm(), NULL) == 1 &&
                   EVP_DigestUpdate(state, padded, BLOCK) == 1;

    OPENSSL_cleanse(padded, BLOCK);
    return started;
}

struct gw_hmac_key *gw_hmac_key_new(struct gw_str secret)
{
    struct gw_hmac_key *key = calloc(1, sizeof *key);
    uint8_t block[BLOCK];

    if (!key || !algorithm())
        return gw_hmac_key_free(key);
    key->inner = EVP_MD_CTX_new();
    key->outer = EVP_MD_CTX_new();
    bool made = fill_block(secret, block) && start_state(key->inner, block, 0x36) &&
                start_state(key->outer, block, 0x5c);

    OPENSSL_cleanse(block, BLOCK);
    return made ? key : gw_hmac_key_free(key);
}

struct gw_hmac_key *gw_hmac_key_free(struct gw_hmac_key *key)
{
    if (key) {
        EVP_MD_CTX_free(key->inner);
        EVP_MD_CTX_free(key->outer);
        free(key);
    }
    return NULL;
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

static bool finish(EVP_MD_CTX *scratch, const EVP_MD_CTX *state, struct gw_str message,
                   uint8_t digest[static GW_SHA256_SIZE])
{
    return EVP_MD_CTX_copy_ex(scratch, state) == 1 &&
           EVP_DigestUpdate(scratch, message.data, message.len) == 1 &&
           EVP_DigestFinal_ex(scratch, digest, NULL) == 1;
}

int gw_hmac_compute(struct gw_hmac *hmac, const struct gw_hmac_key *key, struct gw_str message,
                    uint8_t digest[static GW_SHA256_SIZE])
{
    uint8_t inner[GW_SHA256_SIZE], outer[GW_SHA256_SIZE];
    struct gw_str inner_message = {(const char *)inner, sizeof inner};

    if (!finish(hmac->scratch, key->inner, message, inner) ||
        !finish(hmac->scratch, key->outer, inner_message, outer))
        return -ENOMEM;
    memcpy(digest, outer, sizeof outer);
    OPENSSL_cleanse(outer, sizeof outer);
    return 0;
}
