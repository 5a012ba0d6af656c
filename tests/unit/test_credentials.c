/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/aws_credentials.h"

#include "../../src/aws/provider.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SECRET_START "wJalr"
#define TOKEN "FwoGZXIvYXdzEXAMPLETOKEN//////////wEaDP+="
#define GOOD_START "{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"" SECRET "\""

static char message[GW_AWS_MESSAGE_SIZE];
static int wiped_secrets, wiped_tokens;

/* Takes the library's place, to see what is wiped. */
void OPENSSL_cleanse(void *ptr, size_t len)
{
    wiped_secrets += memmem(ptr, len, SECRET, strlen(SECRET)) != NULL;
    wiped_tokens += memmem(ptr, len, TOKEN, strlen(TOKEN)) != NULL;
    memset(ptr, 0, len);
}

static int forget_wipes(void **state)
{
    (void)state;
    wiped_secrets = wiped_tokens = 0;
    message[0] = '\0';
    return 0;
}

static void assert_str(struct gw_str found, const char *expected)
{
    assert_int_equal(found.len, strlen(expected));
    assert_memory_equal(found.data, expected, found.len + 1);
}

static void assert_message(const char *says)
{
    if (!strstr(message, says))
        fail_msg("\"%s\" does not say \"%s\"", message, says);
    assert_null(strstr(message, SECRET_START));
    assert_null(strstr(message, TOKEN));
    for (const char *c = message; *c; c++)
        assert_true(*c >= ' ' && *c <= '~');
}

static void test_a_snapshot_is_a_copy(void **state)
{
    char key[] = "AKID", secret[] = SECRET, token[] = TOKEN;
    static const char source[] = "test";
    struct gw_credentials *credentials =
        gw_credentials_new(gw_str(key), gw_str(secret), gw_str(token), 5, source);

    (void)state;
    memset(key, 'x', 4);
    memset(secret, 'x', 4);
    memset(token, 'x', 4);
    assert_str(credentials->access_key_id, "AKID");
    assert_str(credentials->secret, SECRET);
    assert_str(credentials->token, TOKEN);
    assert_int_equal(credentials->expires_at_ms, 5);
    assert_ptr_equal(credentials->source, source);
    gw_credentials_unref(credentials);
}

static void test_a_snapshot_without_a_token_has_an_empty_one(void **state)
{
    struct gw_credentials *credentials = gw_credentials_new(
        GW_STR("AKID"), GW_STR(SECRET), (struct gw_str){0}, GW_AWS_NEVER, "test");

    (void)state;
    assert_str(credentials->token, "");
    gw_credentials_unref(credentials);
    gw_credentials_unref(NULL);
}

static void test_the_last_one_to_let_go_wipes_the_snapshot(void **state)
{
    struct gw_credentials *credentials =
        gw_credentials_new(GW_STR("AKID"), GW_STR(SECRET), GW_STR(TOKEN), GW_AWS_NEVER, "test");

    (void)state;
    assert_ptr_equal(gw_credentials_ref(credentials), credentials);
    gw_credentials_unref(credentials);
    assert_int_equal(wiped_secrets, 0);
    gw_credentials_unref(credentials);
    assert_int_equal(wiped_secrets, 1);
    assert_int_equal(wiped_tokens, 1);
}

static void *ref_and_unref(void *credentials)
{
    for (int i = 0; i < 10000; i++)
        gw_credentials_unref(gw_credentials_ref(credentials));
    gw_credentials_unref(credentials);
    return NULL;
}

static void test_threads_share_a_snapshot_without_a_lock(void **state)
{
    struct gw_credentials *credentials =
        gw_credentials_new(GW_STR("AKID"), GW_STR(SECRET), GW_STR(TOKEN), GW_AWS_NEVER, "test");
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, ref_and_unref, gw_credentials_ref(credentials)), 0);
    gw_credentials_unref(credentials);
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(wiped_secrets, 1);
}

/* --- parts --- */

static char long_text[20000];

static const struct {
    struct gw_credentials parts;
    const char *says; /* NULL: they are taken */
} parts[] = {
    {{{"AKID", 4}, {SECRET, 40}}, NULL},
    {{{"AKID", 4}, {SECRET, 40}, {TOKEN, 41}}, NULL},
    {{{long_text, 1024}, {long_text, 1024}, {long_text, 12288}}, NULL},
    {{{"!", 1}, {"~", 1}}, NULL},
    {{{NULL, 0}, {SECRET, 40}}, "here: the access key id is empty"},
    {{{"AKID", 4}, {"", 0}}, "here: the secret access key is empty"},
    {{{long_text, 1025}, {SECRET, 40}}, "access key id has 1025 bytes, and none has over 1024"},
    {{{"AKID", 4}, {long_text, 1025}}, "secret access key has 1025 bytes"},
    {{{"AKID", 4}, {SECRET, 40}, {long_text, 12289}}, "session token has 12289 bytes"},
    {{{"AK ID", 5}, {SECRET, 40}}, "access key id holds a blank, a line break"},
    {{{"AKID", 4}, {SECRET "\n", 41}}, "secret access key holds a blank, a line break"},
    {{{"AKID", 4}, {SECRET, 41}}, "secret access key holds a blank"},
    {{{"AKID", 4}, {SECRET, 40}, {"x\r\ny", 4}}, "session token holds a blank"},
    {{{"AKID", 4}, {SECRET, 40}, {"\xc3\xa4", 2}}, "copy it anew"},
    {{{"AKID", 4}, {SECRET, 40}, {"\x7f", 1}}, "copy it anew"},
};

static void test_only_what_can_go_into_a_header_becomes_a_snapshot(void **state)
{
    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        struct gw_credentials given = parts[i].parts, *made = NULL;
        int r;

        given.source = "here";
        given.expires_at_ms = 7;
        r = gw_credentials_from_parts(&given, &made, message);
        if (!parts[i].says) {
            assert_int_equal(r, 0);
            assert_true(gw_str_equal(made->access_key_id, given.access_key_id));
            assert_true(gw_str_equal(made->secret, given.secret));
            assert_true(gw_str_equal(made->token, given.token));
            assert_int_equal(made->expires_at_ms, 7);
            assert_string_equal(made->source, "here");
        } else {
            assert_int_equal(r, GW_PROVIDER_FAILED);
            assert_null(made);
            assert_message(parts[i].says);
        }
        gw_credentials_unref(made);
    }
}

static void test_a_message_is_one_printable_line_of_bounded_length(void **state)
{
    (void)state;
    assert_int_equal(gw_provider_fail(message, "a\r\nb\x1b[1m \x7f\xc3\xa4%s", "\t"),
                     GW_PROVIDER_FAILED);
    assert_string_equal(message, "a??b?[1m ????");
    memset(long_text, 'x', sizeof(long_text) - 1);
    gw_provider_fail(message, "%s", long_text);
    assert_int_equal(strlen(message), GW_AWS_MESSAGE_SIZE - 1);
}

/* --- JSON --- */

static const struct {
    const char *json;
    const char *token;
    int64_t expires_at_ms;
} good[] = {
    {GOOD_START "}", "", GW_AWS_NEVER},
    {GOOD_START ",\"Token\":\"" TOKEN "\"}", TOKEN, GW_AWS_NEVER},
    {GOOD_START ",\"SessionToken\":\"" TOKEN "\"}", TOKEN, GW_AWS_NEVER},
    {GOOD_START ",\"Token\":null,\"SessionToken\":\"" TOKEN "\",\"Expiration\":null}", TOKEN,
     GW_AWS_NEVER},
    {GOOD_START ",\"Token\":\"\",\"Expiration\":\"\"}", "", GW_AWS_NEVER},
    {GOOD_START ",\"Expiration\":\"2026-11-23T12:00:00Z\"}", "", INT64_C(1795435200000)},
    {GOOD_START ",\"Expiration\":\"2026-11-23T13:00:00+01:00\"}", "", INT64_C(1795435200000)},
    {"{\"Code\":\"Success\",\"LastUpdated\":\"x\",\"Type\":\"AWS-HMAC\",\"Extra\":{\"a\":[1]},"
     "\"AccessKeyId\":\"\\u0041KID\",\"SecretAccessKey\":\"" SECRET "\"}",
     "", GW_AWS_NEVER},
};

static void test_json_is_read_with_either_name_of_the_token(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(good); i++) {
        struct gw_credentials *made = NULL;

        assert_int_equal(gw_credentials_from_json(gw_str(good[i].json), "here", &made, message), 0);
        assert_str(made->access_key_id, "AKID");
        assert_str(made->secret, SECRET);
        assert_str(made->token, good[i].token);
        assert_int_equal(made->expires_at_ms, good[i].expires_at_ms);
        assert_string_equal(made->source, "here");
        assert_int_equal(wiped_secrets, 2 * i + 1);
        gw_credentials_unref(made);
        assert_int_equal(wiped_secrets, 2 * i + 2);
    }
}

static const struct {
    const char *json;
    const char *says;
} bad[] = {
    {"", "here: expected JSON"},
    {"<html>", "here: expected JSON"},
    {GOOD_START, "(line 1, column"},
    {"{\"AccessKeyId\" \"" SECRET_START "\"}", "got something else (line 1"},
    {GOOD_START " \"" SECRET "\"", "got something else (line 1"},
    {GOOD_START "} " SECRET, "got something else"},
    {"{\"AccessKeyId\":\"\\u0000\"}", "got something else"},
    {"[]", "must be an object"},
    {"[\"" SECRET "\"]", "must be an object"},
    {"{}", "has no AccessKeyId"},
    {"{\"AccessKeyId\":\"AKID\"}", "has no SecretAccessKey"},
    {"{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"" SECRET "\"}", "has no AccessKeyId"},
    {"{\"AccessKeyId\":1}", "AccessKeyId must be a string"},
    {"{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":[\"" SECRET "\"]}", "must be a string"},
    {GOOD_START ",\"Token\":{}}", "Token must be a string"},
    {GOOD_START ",\"SessionToken\":false}", "SessionToken must be a string"},
    {GOOD_START ",\"Token\":\"a\\r\\nX-Evil: 1\"}", "session token holds a blank"},
    {GOOD_START ",\"Expiration\":17}", "Expiration must be a string"},
    {GOOD_START ",\"Expiration\":\"soon\"}", "Expiration is no time"},
    {"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume it\"}",
     "here: it answered AssumeRoleUnauthorizedAccess (EC2 cannot assume it): check the role"},
    {"{\"code\":\"NoTask\",\"message\":\"line\\nbreak\"}", "answered NoTask (line?break)"},
    {"{\"Code\":\"Failed\",\"Message\":7}", "answered Failed (without a message)"},
    {GOOD_START ",\"Code\":\"Failed\"}", "answered Failed"},
};

static void test_json_without_credentials_is_refused_and_never_quoted(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        struct gw_credentials *made = NULL;

        assert_int_equal(gw_credentials_from_json(gw_str(bad[i].json), "here", &made, message),
                         GW_PROVIDER_FAILED);
        assert_null(made);
        assert_message(bad[i].says);
    }
}

static const struct {
    const char *version;
    int result;
} versions[] = {
    {"\"Version\":1,", 0},
    {"", GW_PROVIDER_FAILED},
    {"\"Version\":2,", GW_PROVIDER_FAILED},
    {"\"Version\":\"1\",", GW_PROVIDER_FAILED},
    {"\"Version\":1.0,", GW_PROVIDER_FAILED},
};

static void test_a_process_must_print_version_1(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(versions); i++) {
        struct gw_credentials *made = NULL;
        char json[256];

        (void)snprintf(json, sizeof(json), "{%s%s}", versions[i].version, &GOOD_START[1]);
        assert_int_equal(gw_credentials_from_process_json(gw_str(json), "here", &made, message),
                         versions[i].result);
        if (versions[i].result)
            assert_message("must say \"Version\": 1");
        gw_credentials_unref(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_snapshot_is_a_copy, forget_wipes),
        cmocka_unit_test_setup(test_a_snapshot_without_a_token_has_an_empty_one, forget_wipes),
        cmocka_unit_test_setup(test_the_last_one_to_let_go_wipes_the_snapshot, forget_wipes),
        cmocka_unit_test_setup(test_threads_share_a_snapshot_without_a_lock, forget_wipes),
        cmocka_unit_test_setup(test_only_what_can_go_into_a_header_becomes_a_snapshot,
                               forget_wipes),
        cmocka_unit_test_setup(test_a_message_is_one_printable_line_of_bounded_length,
                               forget_wipes),
        cmocka_unit_test_setup(test_json_is_read_with_either_name_of_the_token, forget_wipes),
        cmocka_unit_test_setup(test_json_without_credentials_is_refused_and_never_quoted,
                               forget_wipes),
        cmocka_unit_test_setup(test_a_process_must_print_version_1, forget_wipes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
