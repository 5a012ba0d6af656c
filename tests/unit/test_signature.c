/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/signature.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct gw_signature_scheme hex = {.header = "X-Genesys-Signature",
                                               .encoding = GW_SIGNATURE_HEX};
static const struct gw_signature_scheme base64 = {.header = "X-Hub-Signature-256",
                                                  .encoding = GW_SIGNATURE_BASE64};
static const struct gw_signature_scheme prefixed = {
    .header = "X-Hub-Signature-256", .encoding = GW_SIGNATURE_BASE64, .prefix = {"sha256=", 7}};

static void compute_hex(struct gw_str secret, struct gw_str body, char *text)
{
    struct gw_keyring keyring = {0};
    struct gw_hmac *hmac = gw_hmac_new();
    uint8_t digest[GW_SIGNATURE_DIGEST];

    assert_non_null(hmac);
    assert_int_equal(gw_keyring_add(&keyring, secret), 0);
    assert_int_equal(gw_hmac_compute(hmac, keyring.keys[0], body, digest), 0);
    gw_signature_encode(&hex, digest, text);
    gw_keyring_deinit(&keyring);
    assert_null(gw_hmac_free(hmac));
}

static const uint8_t sample[GW_SIGNATURE_DIGEST] = {
    0x00, 0x10, 0x83, 0x10, 0x51, 0x87, 0x20, 0x92, 0x8b, 0x30, 0xd3, 0x8f, 0x41, 0x14, 0x93, 0x51,
    0xff, 0xfe, 0xfd, 0x9b, 0x71, 0xd7, 0x9f, 0x82, 0x18, 0xa3, 0x92, 0x59, 0xa7, 0xa2, 0x9a, 0xbb};

#define HEX "00108310518720928b30d38f41149351fffefd9b71d79f8218a39259a7a29abb"
#define HEX_UPPER "00108310518720928B30D38F41149351FFFEFD9B71D79F8218A39259A7A29ABB"
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUf/+/Ztx15+CGKOSWaeimrs="

static void test_a_digest_is_written_in_the_encoding_of_the_scheme(void **state)
{
    char text[GW_SIGNATURE_TEXT_SIZE];

    (void)state;
    gw_signature_encode(&hex, sample, text);
    assert_string_equal(text, HEX);
    gw_signature_encode(&base64, sample, text);
    assert_string_equal(text, BASE64);
    gw_signature_encode(&prefixed, sample, text);
    assert_string_equal(text, BASE64);
}

static void test_a_signature_is_read_in_the_encoding_of_the_scheme(void **state)
{
    static const struct gw_signature_scheme named = {.encoding = GW_SIGNATURE_HEX,
                                                     .prefix = {"v1=", 3}};
    static const struct {
        const struct gw_signature_scheme *scheme;
        const char *value;
    } cases[] = {
        {&hex, HEX},
        {&hex, HEX_UPPER},
        {&base64, BASE64},
        {&named, "v1=" HEX},
        {&prefixed, "sha256=" BASE64},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        uint8_t digest[GW_SIGNATURE_DIGEST] = {0};

        assert_int_equal(gw_signature_decode(cases[i].scheme, gw_str(cases[i].value), digest), 0);
        assert_memory_equal(digest, sample, sizeof sample);
    }
}

static void check_malformed(const struct gw_signature_scheme *scheme, struct gw_str value)
{
    uint8_t digest[GW_SIGNATURE_DIGEST], untouched[GW_SIGNATURE_DIGEST];

    memset(digest, 0x5a, sizeof digest);
    memset(untouched, 0x5a, sizeof untouched);
    if (gw_signature_decode(scheme, value, digest) != GW_SIGNATURE_MALFORMED)
        fail_msg("%.*s: read", (int)value.len, value.data);
    assert_memory_equal(digest, untouched, sizeof digest);
}

static void test_signature_of_wrong_length_is_refused(void **state)
{
    static const char text[] = HEX HEX, text64[] = BASE64 BASE64;

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        if (len != 64)
            check_malformed(&hex, (struct gw_str){text, len});
    }
    for (size_t len = 0; len < sizeof text64; len++) {
        if (len != 44)
            check_malformed(&base64, (struct gw_str){text64, len});
    }
    check_malformed(&hex, (struct gw_str){NULL, 0});
    check_malformed(&prefixed, (struct gw_str){NULL, 0});
}

static bool is_base64_digit(int c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

static bool is_hex_digit(int c)
{
    return (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9');
}

static void test_a_byte_that_is_no_digit_is_refused_wherever_it_stands(void **state)
{
    char text[] = HEX, text64[] = BASE64;

    (void)state;
    for (size_t at = 0; at < 64; at++) {
        for (int c = 0; c < 256; c++) {
            text[at] = (char)c;
            if (!is_hex_digit(c))
                check_malformed(&hex, (struct gw_str){text, 64});
        }
        text[at] = HEX[at];
    }
    for (size_t at = 0; at < 44; at++) {
        for (int c = 0; c < 256; c++) {
            text64[at] = (char)c;
            if (at == 43 ? c != '=' : !is_base64_digit(c))
                check_malformed(&base64, (struct gw_str){text64, 44});
        }
        text64[at] = BASE64[at];
    }
}

/* Of the last digit's six bits two are over: 16 of the 64 digits leave them zero. */
static void test_base64_with_unused_bits_set_is_refused(void **state)
{
    char text[] = BASE64;
    int read = 0;

    (void)state;
    for (int c = 0; c < 256; c++) {
        uint8_t digest[GW_SIGNATURE_DIGEST];

        text[42] = (char)c;
        if (gw_signature_decode(&base64, (struct gw_str){text, 44}, digest) != 0)
            continue;
        assert_non_null(strchr("AEIMQUYcgkosw048", c));
        read++;
    }
    assert_int_equal(read, 16);
}

static void test_another_prefix_is_refused(void **state)
{
    static const char *const cases[] = {
        BASE64,
        "sha256=",
        "SHA256=" BASE64,
        "sha256:" BASE64,
        "sha1=" BASE64,
        "sha256=sha256=" BASE64,
        "sha256= " BASE64,
        " sha256=" BASE64,
        BASE64 "sha256=",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        check_malformed(&prefixed, gw_str(cases[i]));
}

static void test_every_digest_is_read_back_as_it_was_written(void **state)
{
    const struct gw_signature_scheme *const schemes[] = {&hex, &base64};

    (void)state;
    srandom(2);
    for (int i = 0; i < 10000; i++) {
        uint8_t digest[GW_SIGNATURE_DIGEST], back[GW_SIGNATURE_DIGEST];
        char text[GW_SIGNATURE_TEXT_SIZE];

        for (size_t at = 0; at < sizeof digest; at++)
            digest[at] = (uint8_t)random();
        gw_signature_encode(schemes[i % 2], digest, text);
        assert_int_equal(gw_signature_decode(schemes[i % 2], gw_str(text), back), 0);
        assert_memory_equal(back, digest, sizeof digest);
    }
}

static const struct gw_str body = {"{\"a\":1}", 7};

static struct gw_str sign(struct gw_str secret, char *text)
{
    compute_hex(secret, body, text);
    return gw_str(text);
}

static void fill(struct gw_keyring *keyring, const char *const *secrets, size_t count)
{
    *keyring = (struct gw_keyring){0};
    for (size_t i = 0; i < count; i++)
        assert_int_equal(gw_keyring_add(keyring, gw_str(secrets[i])), 0);
}

static void test_any_of_several_secrets_matches_and_is_named(void **state)
{
    static const char *const secrets[] = {"old", "new", "third", "new"};
    static const struct {
        const char *secret;
        int result;
        size_t matched;
    } cases[] = {
        {"old", 0, 0},
        {"new", 0, 1}, /* the first of two that are alike */
        {"third", 0, 2},
        {"forged", GW_SIGNATURE_MISMATCH, 99},
        {"ol", GW_SIGNATURE_MISMATCH, 99},
    };
    struct gw_keyring keyring;
    struct gw_hmac *hmac = gw_hmac_new();

    (void)state;
    fill(&keyring, secrets, GW_COUNT(secrets));
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char text[GW_SIGNATURE_TEXT_SIZE];
        struct gw_str value = sign(gw_str(cases[i].secret), text);
        size_t matched = 99;

        assert_int_equal(gw_signature_verify(&hex, &keyring, hmac, value, body, &matched),
                         cases[i].result);
        assert_int_equal(matched, cases[i].matched);
    }
    gw_hmac_free(hmac);
    gw_keyring_deinit(&keyring);
}

static void test_a_signature_that_is_absent_malformed_or_changed_is_told_apart(void **state)
{
    static const char *const secrets[] = {"s"};
    struct gw_keyring keyring;
    struct gw_hmac *hmac = gw_hmac_new();
    char text[GW_SIGNATURE_TEXT_SIZE];
    struct gw_str value = sign(GW_STR("s"), text);
    size_t matched;

    (void)state;
    fill(&keyring, secrets, 1);
    assert_int_equal(
        gw_signature_verify(&hex, &keyring, hmac, (struct gw_str){NULL, 0}, body, &matched),
        GW_SIGNATURE_MISSING);
    assert_int_equal(gw_signature_verify(&hex, &keyring, hmac, GW_STR(""), body, &matched),
                     GW_SIGNATURE_MALFORMED);
    for (size_t at = 0; at < 64; at++) {
        char kept = text[at];

        text[at] = kept == '0' ? '1' : '0';
        assert_int_equal(gw_signature_verify(&hex, &keyring, hmac, value, body, &matched),
                         GW_SIGNATURE_MISMATCH);
        text[at] = kept;
    }
    assert_int_equal(
        gw_signature_verify(&hex, &keyring, hmac, value, GW_STR("{\"a\":2}"), &matched),
        GW_SIGNATURE_MISMATCH);
    assert_int_equal(gw_signature_verify(&hex, &keyring, hmac, value, body, &matched), 0);
    gw_hmac_free(hmac);
    gw_keyring_deinit(&keyring);
}

static void test_without_a_secret_nothing_matches(void **state)
{
    struct gw_keyring keyring = {0};
    struct gw_hmac *hmac = gw_hmac_new();
    size_t matched;

    (void)state;
    assert_int_equal(gw_signature_verify(&hex, &keyring, hmac, GW_STR(HEX), body, &matched),
                     GW_SIGNATURE_MISMATCH);
    gw_hmac_free(hmac);
}

static void test_an_empty_body_has_a_signature_too(void **state)
{
    static const char *const secrets[] = {"key"};
    struct gw_keyring keyring;
    struct gw_hmac *hmac = gw_hmac_new();
    size_t matched = 99;

    (void)state;
    fill(&keyring, secrets, 1);
    /* printf '' | openssl dgst -sha256 -hmac key */
    assert_int_equal(gw_signature_verify(
                         &hex, &keyring, hmac,
                         GW_STR("5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0"),
                         (struct gw_str){NULL, 0}, &matched),
                     0);
    assert_int_equal(matched, 0);
    gw_hmac_free(hmac);
    gw_keyring_deinit(&keyring);
}

static void test_a_keyring_takes_so_many_secrets_and_no_empty_one(void **state)
{
    struct gw_keyring keyring = {0};

    (void)state;
    assert_int_equal(gw_keyring_add(&keyring, GW_STR("")), -EINVAL);
    assert_int_equal(keyring.count, 0);
    for (size_t i = 0; i < GW_KEYS_MAX; i++)
        assert_int_equal(gw_keyring_add(&keyring, GW_STR("k")), 0);
    assert_int_equal(gw_keyring_add(&keyring, GW_STR("k")), -ENOSPC);
    assert_int_equal(keyring.count, GW_KEYS_MAX);
    gw_keyring_deinit(&keyring);
    assert_int_equal(keyring.count, 0);
}

static void *verify_often(void *data)
{
    const struct gw_keyring *keyring = data;
    struct gw_hmac *hmac = gw_hmac_new();
    char text[GW_SIGNATURE_TEXT_SIZE];
    uint8_t digest[GW_SIGNATURE_DIGEST];
    bool right = hmac != NULL;

    for (int i = 0; right && i < 20000; i++) {
        right = gw_hmac_compute(hmac, keyring->keys[i % 2], body, digest) == 0;
        gw_signature_encode(&hex, digest, text);
        size_t matched = 99;

        right = right &&
                gw_signature_verify(&hex, keyring, hmac, gw_str(text), body, &matched) == 0 &&
                matched == (size_t)i % 2;
    }
    gw_hmac_free(hmac);
    return right ? data : NULL;
}

static void test_threads_share_a_keyring(void **state)
{
    static const char *const secrets[] = {"old", "new"};
    struct gw_keyring keyring;
    pthread_t threads[4];

    (void)state;
    fill(&keyring, secrets, 2);
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &keyring), 0);
    for (size_t i = 0; i < GW_COUNT(threads); i++) {
        void *right;

        assert_int_equal(pthread_join(threads[i], &right), 0);
        assert_ptr_equal(right, &keyring);
    }
    gw_keyring_deinit(&keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_digest_is_written_in_the_encoding_of_the_scheme),
        cmocka_unit_test(test_a_signature_is_read_in_the_encoding_of_the_scheme),
        cmocka_unit_test(test_signature_of_wrong_length_is_refused),
        cmocka_unit_test(test_a_byte_that_is_no_digit_is_refused_wherever_it_stands),
        cmocka_unit_test(test_base64_with_unused_bits_set_is_refused),
        cmocka_unit_test(test_another_prefix_is_refused),
        cmocka_unit_test(test_every_digest_is_read_back_as_it_was_written),
        cmocka_unit_test(test_any_of_several_secrets_matches_and_is_named),
        cmocka_unit_test(test_a_signature_that_is_absent_malformed_or_changed_is_told_apart),
        cmocka_unit_test(test_without_a_secret_nothing_matches),
        cmocka_unit_test(test_an_empty_body_has_a_signature_too),
        cmocka_unit_test(test_a_keyring_takes_so_many_secrets_and_no_empty_one),
        cmocka_unit_test(test_threads_share_a_keyring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
