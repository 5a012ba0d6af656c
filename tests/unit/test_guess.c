/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/guess.h"

#include "gw/buffer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MARK "\xef\xbb\xbf"

/* How a sender writes what it signed. */
enum way { HEX, BASE64, BASE64_UNPADDED, BASE64URL, BASE64URL_UNPADDED };

static void sign(const char *secret, const char *body, enum way way, char *text)
{
    const struct gw_signature_scheme scheme = {
        NULL, way == HEX ? GW_SIGNATURE_HEX : GW_SIGNATURE_BASE64, {"", 0}};
    struct gw_hmac_key *key = gw_hmac_key_new(gw_str(secret));
    struct gw_hmac *hmac = gw_hmac_new();
    uint8_t digest[GW_SIGNATURE_DIGEST];

    assert_non_null(key);
    assert_non_null(hmac);
    assert_int_equal(gw_hmac_compute(hmac, key, gw_str(body), digest), 0);
    gw_signature_encode(&scheme, digest, text);
    if (way == BASE64URL || way == BASE64URL_UNPADDED)
        for (char *c = text; *c; c++) {
            if (*c == '+')
                *c = '-';
            else if (*c == '/')
                *c = '_';
        }
    if (way == BASE64_UNPADDED || way == BASE64URL_UNPADDED)
        text[strlen(text) - 1] = '\0';
    gw_hmac_key_free(key);
    gw_hmac_free(hmac);
}

static int guess(const char *const *secrets, struct gw_str value, const char *body,
                 struct gw_guess *out)
{
    struct gw_secrets known = {.count = 0};
    static struct gw_saved_header headers[2];

    for (; secrets[known.count]; known.count++)
        known.items[known.count] = (struct gw_secret){
            .bytes = (char *)(uintptr_t)secrets[known.count], .len = strlen(secrets[known.count])};
    headers[0] = (struct gw_saved_header){GW_STR("Other"), GW_STR("application/json")};
    headers[1] = (struct gw_saved_header){GW_STR("Signature"), value};
    return gw_guess_signature(&known, headers, 2, gw_str(body), out);
}

static void test_every_way_of_writing_a_signature_is_found(void **state)
{
    static const struct {
        enum way way;
        const char *prefix, *name;
    } cases[] = {
        {HEX, "", "hex"},
        {HEX, "sha256=", "hex"},
        {BASE64, "sha256=", "base64"},
        {BASE64_UNPADDED, "", "base64 without its ="},
        {BASE64URL, "v1=", "base64url"},
        {BASE64URL_UNPADDED, "", "base64url without its ="},
    };
    static const char *const secrets[] = {"one", "two", NULL};
    static const char body[] = "{\"n\":0}"; /* by "two" its signature holds both + and / */

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char text[GW_SIGNATURE_TEXT_SIZE], value[128];
        struct gw_guess found;

        sign("two", body, cases[i].way, text);
        (void)snprintf(value, sizeof(value), "%s%s", cases[i].prefix, text);
        assert_int_equal(guess(secrets, gw_str(value), body, &found), 0);
        assert_string_equal(found.form->name, cases[i].name);
        assert_int_equal(found.prefix_len, strlen(cases[i].prefix));
        assert_string_equal(found.header->name.data, "Signature");
        assert_int_equal(found.secret, 1);
        assert_null(found.body);
        assert_null(found.around);
    }
}

static void test_what_became_of_a_body_is_found(void **state)
{
    static const struct {
        const char *signed_as, *came_as, *said;
    } cases[] = {
        {"{}", "{}\n", "without the line break"},
        {"{}", "{}\r\n", "without the line break"},
        {"{}\n", "{}", "one more line break (LF)"},
        {"{}\r\n", "{}", "one more line break (CR LF)"},
        {"{\n}\n", "{\r\n}\r\n", "LF as its line breaks"},
        {"{\r\n}\r\n", "{\n}\n", "CR LF as its line breaks"},
        {"{\n}", "{\r\n}", "LF as its line breaks"},
        {"\n", "", "one more line break (LF)"},
    };
    static const char *const secrets[] = {"one", NULL};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char text[GW_SIGNATURE_TEXT_SIZE];
        struct gw_guess found;

        sign("one", cases[i].signed_as, HEX, text);
        assert_int_equal(guess(secrets, gw_str(text), cases[i].came_as, &found), 0);
        if (!found.body || !strstr(found.body, cases[i].said))
            fail_msg("case %zu: %s", i, found.body ? found.body : "as it is");
        assert_null(found.around);
    }
}

static void test_what_is_around_a_secret_is_found(void **state)
{
    static const struct {
        const char *right, *configured, *said;
    } cases[] = {
        {"one", " one", "white space"},
        {"one", "one\n", "white space"},
        {"one", "one\r\n\n", "white space"},
        {"one", "\"one\"", "quotes"},
        {"one", "'one' ", "quotes"},
        {"one", "SECRET=one", "behind a name"},
        {"one", "export SECRET=\"one\"", "behind a name"},
        {"one", MARK "one", "byte order mark"},
        {"one\n", "one", "line break (LF)"},
        {"one\r\n", "one", "line break (CR LF)"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        const char *const secrets[] = {"another", cases[i].configured, NULL};
        char text[GW_SIGNATURE_TEXT_SIZE];
        struct gw_guess found;

        sign(cases[i].right, "{}", HEX, text);
        assert_int_equal(guess(secrets, gw_str(text), "{}", &found), 0);
        if (!found.around || !strstr(found.around, cases[i].said))
            fail_msg("case %zu: %s", i, found.around ? found.around : "nothing");
        assert_int_equal(found.secret, 1);
        assert_null(found.body);
    }
}

static void test_two_mistakes_at_once_are_found(void **state)
{
    static const char *const secrets[] = {"one ", NULL};
    char text[GW_SIGNATURE_TEXT_SIZE];
    struct gw_guess found;

    (void)state;
    sign("one", "{}", BASE64, text);
    assert_int_equal(guess(secrets, gw_str(text), "{}\n", &found), 0);
    assert_string_equal(found.form->name, "base64");
    assert_non_null(found.body);
    assert_non_null(found.around);
}

static void test_what_no_hmac_confirms_is_not_told(void **state)
{
    static const char *const secrets[] = {"one", "=", "\"\"", " ", NULL};
    char other[GW_SIGNATURE_TEXT_SIZE], cut[GW_SIGNATURE_TEXT_SIZE];
    struct gw_guess found;

    (void)state;
    sign("two", "{}", HEX, other);
    sign("one", "{}", HEX, cut);
    cut[63] = '\0';
    const struct gw_str values[] = {GW_STR(""), gw_str(other), gw_str(cut), GW_STR("sha256=")};

    for (size_t i = 0; i < GW_COUNT(values); i++)
        assert_int_equal(guess(secrets, values[i], "{}", &found), GW_GUESS_NONE);
    assert_true(gw_guess_is_digest(gw_str(other)));
    assert_false(gw_guess_is_digest(GW_STR("application/json")));
}

static void test_the_longest_secret_and_the_most_headers_are_no_trouble(void **state)
{
    static struct gw_saved_header headers[GW_SAVED_HEADERS_MAX];
    static char bytes[GW_SECRET_BYTES_MAX];
    const struct gw_secrets secrets = {.items = {{.bytes = bytes, .len = sizeof(bytes)}},
                                       .count = 1};
    char text[GW_SIGNATURE_TEXT_SIZE];
    struct gw_guess found;

    (void)state;
    memset(bytes, 's', sizeof(bytes));
    sign("other", "{}", HEX, text);
    for (size_t i = 0; i < GW_COUNT(headers); i++)
        headers[i] = (struct gw_saved_header){GW_STR("A"), gw_str(text)};
    assert_int_equal(
        gw_guess_signature(&secrets, headers, GW_COUNT(headers), GW_STR("{\n}"), &found),
        GW_GUESS_NONE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way_of_writing_a_signature_is_found),
        cmocka_unit_test(test_what_became_of_a_body_is_found),
        cmocka_unit_test(test_what_is_around_a_secret_is_found),
        cmocka_unit_test(test_two_mistakes_at_once_are_found),
        cmocka_unit_test(test_what_no_hmac_confirms_is_not_told),
        cmocka_unit_test(test_the_longest_secret_and_the_most_headers_are_no_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
