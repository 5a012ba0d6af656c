/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gw_str repeated(char *bytes, char c, size_t len)
{
    memset(bytes, c, len);
    return (struct gw_str){bytes, len};
}

static void compute_hex(struct gw_str secret, struct gw_str message, char *hex)
{
    struct gw_hmac_key *key = gw_hmac_key_new(secret);
    struct gw_hmac *hmac = gw_hmac_new();
    uint8_t digest[GW_SHA256_SIZE];

    assert_non_null(key);
    assert_non_null(hmac);
    for (int i = 0; i < 2; i++) { /* a key is not used up */
        assert_int_equal(gw_hmac_compute(hmac, key, message, digest), 0);
        gw_sha256_hex(digest, hex);
    }
    assert_null(gw_hmac_key_free(key));
    assert_null(gw_hmac_free(hmac));
}

/* RFC 4231, sections 4.2 to 4.8; the fifth is cut to 128 bits there. */
static void test_digests_are_those_of_rfc_4231(void **state)
{
    char k1[20], k3[20], k4[25], k5[20], k6[131], d3[50], d4[50];

    for (size_t i = 0; i < sizeof k4; i++)
        k4[i] = (char)(i + 1);
    const struct {
        struct gw_str secret, body;
        const char *digest;
    } cases[] = {
        {repeated(k1, 0x0b, sizeof k1), GW_STR("Hi There"),
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {GW_STR("Jefe"), GW_STR("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {repeated(k3, (char)0xaa, sizeof k3), repeated(d3, (char)0xdd, sizeof d3),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {{k4, sizeof k4},
         repeated(d4, (char)0xcd, sizeof d4),
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {repeated(k5, 0x0c, sizeof k5), GW_STR("Test With Truncation"),
         "a3b6167473100ee06e0c796c2955552b"},
        {repeated(k6, (char)0xaa, sizeof k6),
         GW_STR("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {{k6, sizeof k6},
         GW_STR("This is a test using a larger than block-size key and a larger than block-size "
                "data. The key needs to be hashed before being used by the HMAC algorithm."),
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char text[GW_SHA256_HEX_SIZE];

        compute_hex(cases[i].secret, cases[i].body, text);
        assert_memory_equal(text, cases[i].digest, strlen(cases[i].digest));
    }
}

static void test_digests_of_every_length_are_those_of_openssl(void **state)
{
    char secret[200], body[300];

    (void)state;
    srandom(1);
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)random();
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (char)random();
    for (size_t len = 1; len <= sizeof secret; len++) {
        uint8_t expected[GW_SHA256_SIZE];
        char ours[GW_SHA256_HEX_SIZE], theirs[GW_SHA256_HEX_SIZE];
        size_t body_len = (len * 7 + 1) % sizeof body;

        assert_non_null(
            HMAC(EVP_sha256(), secret, (int)len, (unsigned char *)body, body_len, expected, NULL));
        gw_sha256_hex(expected, theirs);
        compute_hex((struct gw_str){secret, len}, (struct gw_str){body, body_len}, ours);
        assert_string_equal(ours, theirs);
    }
}

/* FIPS 180-4's examples, and nothing. */
static void test_hashes_are_those_of_fips_180_4(void **state)
{
    static const struct {
        struct gw_str data;
        const char *hex;
    } cases[] = {
        {{NULL, 0}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {GW_STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {GW_STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        uint8_t digest[GW_SHA256_SIZE];
        char hex[GW_SHA256_HEX_SIZE];

        assert_int_equal(gw_sha256(cases[i].data, digest), 0);
        gw_sha256_hex(digest, hex);
        assert_string_equal(hex, cases[i].hex);
    }
}

static void test_a_digest_may_lie_where_its_message_does(void **state)
{
    uint8_t expected[GW_SHA256_SIZE], digest[GW_SHA256_SIZE] = {1, 2, 3};
    struct gw_str message = {(const char *)digest, sizeof digest};
    struct gw_hmac_key *key = gw_hmac_key_new(GW_STR("key"));
    struct gw_hmac *hmac = gw_hmac_new();

    (void)state;
    assert_int_equal(gw_hmac_compute(hmac, key, message, expected), 0);
    assert_int_equal(gw_hmac_compute(hmac, key, message, digest), 0);
    assert_memory_equal(digest, expected, sizeof digest);
    gw_hmac_key_free(key);
    gw_hmac_free(hmac);
    assert_null(gw_hmac_key_free(NULL));
    assert_null(gw_hmac_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_are_those_of_fips_180_4),
        cmocka_unit_test(test_digests_are_those_of_rfc_4231),
        cmocka_unit_test(test_digests_of_every_length_are_those_of_openssl),
        cmocka_unit_test(test_a_digest_may_lie_where_its_message_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
