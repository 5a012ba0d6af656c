/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/signature.h"

#include <stdlib.h>
#include <strings.h>

/*
 * A header's value under each scheme: what is read as a digest is nothing but that digest's own
 * text, and it verifies exactly when it is the right one.
 */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct gw_signature_scheme schemes[] = {
    {.encoding = GW_SIGNATURE_HEX},
    {.encoding = GW_SIGNATURE_BASE64},
    {.encoding = GW_SIGNATURE_HEX, .prefix = {"v1=", 3}},
    {.encoding = GW_SIGNATURE_BASE64, .prefix = {"sha256=", 7}},
};

static const struct gw_str body = {"{}", 2};
static struct gw_keyring keyring;
static struct gw_hmac *hmac;
static uint8_t right[GW_SIGNATURE_DIGEST];

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    hmac = gw_hmac_new();
    check(hmac && gw_keyring_add(&keyring, GW_STR("key")) == 0 &&
          gw_hmac_compute(hmac, keyring.keys[0], body, right) == 0);
    return 0;
}

static void check_text(const struct gw_signature_scheme *scheme, struct gw_str value,
                       const uint8_t *digest)
{
    char text[GW_SIGNATURE_TEXT_SIZE];
    const char *rest = value.data + scheme->prefix.len;

    gw_signature_encode(scheme, digest, text);
    check(value.len == scheme->prefix.len + strlen(text));
    check(memcmp(value.data, scheme->prefix.data ? scheme->prefix.data : "", scheme->prefix.len) ==
          0);
    check(scheme->encoding == GW_SIGNATURE_HEX ? strncasecmp(rest, text, strlen(text)) == 0
                                               : memcmp(rest, text, strlen(text)) == 0);
}

static void check_scheme(const struct gw_signature_scheme *scheme, struct gw_str value)
{
    uint8_t digest[GW_SIGNATURE_DIGEST];
    size_t matched = 99;
    int decoded = gw_signature_decode(scheme, value, digest);
    int verified = gw_signature_verify(scheme, &keyring, hmac, value, body, &matched);

    if (decoded != 0) {
        check(decoded == GW_SIGNATURE_MALFORMED && verified == GW_SIGNATURE_MALFORMED);
        return;
    }
    check_text(scheme, value, digest);
    if (memcmp(digest, right, sizeof right) == 0)
        check(verified == 0 && matched == 0);
    else
        check(verified == GW_SIGNATURE_MISMATCH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str value = {size ? (const char *)data : "", size};

    for (size_t i = 0; i < GW_COUNT(schemes); i++)
        check_scheme(&schemes[i], value);
    return 0;
}
