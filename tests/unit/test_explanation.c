/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/explanation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOON INT64_C(1795435200000) /* 2026-11-23T12:00:00Z */
#define FIRST "first-secret-0123456789"
#define SECOND "second-secret-0123456789"

static char first[] = FIRST, second[] = SECOND;
static const struct gw_secrets secrets = {.items = {{.bytes = first, .len = sizeof(first) - 1},
                                                    {.bytes = second, .len = sizeof(second) - 1}},
                                          .count = 2};
static struct gw_explanation explanation;

static struct gw_settings *make_settings(const char *ini)
{
    struct gw_config_errors errors = {.count = 0};
    struct gw_settings *settings;
    struct gw_config config;

    assert_int_equal(gw_config_parse(&config, ini, strlen(ini), "f.ini", &errors), 0);
    assert_int_equal(gw_settings_new(&config, &secrets, &settings), 0);
    gw_config_deinit(&config);
    return settings;
}

static void sign(const char *secret, struct gw_str body, char *text)
{
    const struct gw_signature_scheme scheme = {NULL, GW_SIGNATURE_HEX, {"", 0}};
    struct gw_hmac_key *key = gw_hmac_key_new(gw_str(secret));
    struct gw_hmac *hmac = gw_hmac_new();
    uint8_t digest[GW_SIGNATURE_DIGEST];

    assert_non_null(key);
    assert_non_null(hmac);
    assert_int_equal(gw_hmac_compute(hmac, key, body, digest), 0);
    gw_signature_encode(&scheme, digest, text);
    gw_hmac_key_free(key);
    gw_hmac_free(hmac);
}

/* @head may hold one %s, for the signature of the body by @secret. */
static void explain(const char *ini, const char *head, const char *secret, const char *body)
{
    struct gw_settings *settings = make_settings(ini);
    struct gw_saved_request request;
    const struct gw_explain_input input = {
        .settings = settings, .secrets = &secrets, .request = &request, .now_ms = NOON};
    char signature[GW_SIGNATURE_TEXT_SIZE], text[4096];
    const char *mark = strstr(head, "%s");
    size_t before = mark ? (size_t)(mark - head) : strlen(head);

    sign(secret, gw_str(body), signature);
    (void)snprintf(text, sizeof(text), "%.*s%s%s\r\nContent-Length: %zu\r\n\r\n%s", (int)before,
                   head, mark ? signature : "", mark ? mark + 2 : "", strlen(body), body);
    assert_int_equal(gw_saved_request_parse(text, strlen(text), &request), 0);
    assert_int_equal(gw_explain(&input, &explanation), 0);
    gw_settings_unref(settings);
}

static bool said(enum gw_step_verdict verdict, const char *what, const char *text)
{
    for (size_t i = 0; i < explanation.count; i++) {
        const struct gw_step *step = &explanation.steps[i];

        if (step->verdict == verdict && strcmp(step->what, what) == 0 && strstr(step->text, text))
            return true;
    }
    return false;
}

static size_t count(enum gw_step_verdict verdict)
{
    size_t found = 0;

    for (size_t i = 0; i < explanation.count; i++)
        found += explanation.steps[i].verdict == verdict;
    return found;
}

#define POST "POST /webhook HTTP/1.1\r\nHost: h"
#define SIGNED POST "\r\nX-Genesys-Signature: %s"
#define EVENT(more)                                                                                \
    "{\"event_type\":\"conversation:created\",\"conversation_id\":\"c-1\",\"type\":\"voice\","     \
    "\"timestamp\":\"2026-11-23T12:00:00Z\"" more "}"
#define UPDATE "{\"event_type\":\"conversation:updated\",\"conversation_id\":7}"

static void test_what_is_answered_is_said_with_its_reason(void **state)
{
    static const struct {
        const char *ini, *head, *secret, *body;
        enum gw_reply reply;
        enum gw_step_verdict verdict;
        const char *what, *text;
    } cases[] = {
        {"", SIGNED, FIRST, EVENT(""), GW_REPLY_SUCCESS, GW_STEP_OK, "write",
         "put of c-1, order 28726963200004"},
        {"", SIGNED, SECOND, EVENT(""), GW_REPLY_SUCCESS, GW_STEP_OK, "signature", "secret 2 of 2"},
        {"", SIGNED, FIRST, EVENT(""), GW_REPLY_SUCCESS, GW_STEP_OK, "answer",
         "200 {\"success\":true,\"eventId\":\"c-1\"}, once it is stored"},
        {"", SIGNED, FIRST, EVENT(",\"timestamp\":\"soon\""), GW_REPLY_SUCCESS, GW_STEP_NOTE,
         "timestamp", "counts as the oldest"},
        {"", SIGNED, FIRST, EVENT(",\"timestamp\":\"2027-01-01\""), GW_REPLY_SUCCESS, GW_STEP_NOTE,
         "timestamp", "a day ahead"},
        {"", SIGNED, FIRST, "{\"event_type\":\"x\"}", GW_REPLY_SUCCESS, GW_STEP_NOTE, "event",
         "no route handles \"x\""},
        {"", SIGNED, FIRST, "[]", GW_REPLY_SUCCESS, GW_STEP_NOTE, "event", "no event_type"},
        {"", SIGNED, FIRST, "{\n\"a\":tru}", GW_REPLY_INVALID_JSON, GW_STEP_FAILED, "JSON",
         "byte 9 (line 2, column 8) cannot stand there: {\n\"a\":tru >>> }"},
        {"", SIGNED, FIRST, "{\"a\":", GW_REPLY_INVALID_JSON, GW_STEP_FAILED, "JSON",
         "ends too early, at byte 5: {\"a\":"},
        {"", SIGNED, FIRST, "", GW_REPLY_INVALID_JSON, GW_STEP_FAILED, "JSON", "at byte 0"},
        {"", SIGNED, FIRST, "null", GW_REPLY_FAILED, GW_STEP_FAILED, "event", "bare null"},
        {"", SIGNED, FIRST, UPDATE, GW_REPLY_FAILED, GW_STEP_FAILED, "answer", "send it again"},
        {"[storage]\non_update_failure=acknowledge\n", SIGNED, FIRST, UPDATE, GW_REPLY_SUCCESS,
         GW_STEP_OK, "answer", "it is lost"},
        {"", SIGNED, "none", EVENT(""), GW_REPLY_UNAUTHORIZED, GW_STEP_TRY, "secret",
         "compare the secrets"},
        {"", SIGNED, "none", EVENT(""), GW_REPLY_UNAUTHORIZED, GW_STEP_FAILED, "answer",
         "would not send it again"},
        {"", POST "\r\nX-Genesys-Signature: 00ff", FIRST, "{}", GW_REPLY_UNAUTHORIZED, GW_STEP_NOTE,
         "signature", "its 4 characters end in no digest"},
        {"", POST, FIRST, "{}", GW_REPLY_UNAUTHORIZED, GW_STEP_FAILED, "signature",
         "no signature header: X-Genesys-Signature"},
        {"", POST "\r\nX-Other: %s", FIRST, "{}", GW_REPLY_UNAUTHORIZED, GW_STEP_TRY, "header",
         "header = X-Other"},
        {"", POST "\r\nX-Other: %s", "none", "{}", GW_REPLY_UNAUTHORIZED, GW_STEP_NOTE, "header",
         "X-Other looks like a signature"},
        {"", SIGNED "\r\nx-genesys-signature: 0", FIRST, "{}", GW_REPLY_UNAUTHORIZED,
         GW_STEP_FAILED, "signature", "more than one signature header"},
        {"[signature]\nprefix=sha256=\n", SIGNED, FIRST, "{}", GW_REPLY_UNAUTHORIZED, GW_STEP_TRY,
         "prefix", "prefix = (nothing)"},
        {"", POST "\r\nX-Genesys-Signature: v1=%s", FIRST, "{}", GW_REPLY_UNAUTHORIZED, GW_STEP_TRY,
         "prefix", "prefix = v1="},
        {"[signature]\nencoding=base64\n", SIGNED, SECOND, "{}", GW_REPLY_UNAUTHORIZED, GW_STEP_TRY,
         "encoding", "encoding = hex"},
        {"[signature]\nencoding=base64\n", SIGNED, SECOND, "{}", GW_REPLY_UNAUTHORIZED,
         GW_STEP_NOTE, "signature", "matches secret 2 of 2"},
        {"", "POST /hook HTTP/1.1\r\nHost: h", FIRST, "{}", GW_REPLY_NOT_FOUND, GW_STEP_TRY, "path",
         "it is /hook, and [server] path is /webhook"},
        {"", "PUT /webhook HTTP/1.1\r\nHost: h", FIRST, "{}", GW_REPLY_METHOD_NOT_ALLOWED_POST,
         GW_STEP_FAILED, "method", "not a POST"},
        {"", "POST /webhook HTTP/1.1", FIRST, "{}", GW_REPLY_BAD_REQUEST, GW_STEP_FAILED, "HTTP",
         "Host"},
        {"", SIGNED "\r\nA : b", FIRST, "{}", GW_REPLY_BAD_REQUEST, GW_STEP_FAILED, "HTTP",
         "token"},
        {"[server]\nmax_body=1KiB\n", SIGNED "\r\nContent-Length: 1025", FIRST, "{}",
         GW_REPLY_BAD_REQUEST, GW_STEP_FAILED, "HTTP", "more than one Content-Length"},
        {"[server]\nallow=192.0.2.0/24\n", SIGNED, FIRST, "{}", GW_REPLY_SUCCESS, GW_STEP_NOTE,
         "address", "not checked"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        explain(cases[i].ini, cases[i].head, cases[i].secret, cases[i].body);
        if (explanation.reply != cases[i].reply ||
            !said(cases[i].verdict, cases[i].what, cases[i].text)) {
            for (size_t j = 0; j < explanation.count; j++)
                print_message("%s: %s\n", explanation.steps[j].what, explanation.steps[j].text);
            fail_msg("case %zu: reply %d", i, (int)explanation.reply);
        }
        assert_string_equal(explanation.steps[explanation.count - 1].what, "answer");
        if (explanation.reply == GW_REPLY_SUCCESS)
            assert_int_equal(count(GW_STEP_TRY), 0);
    }
}

static void test_nothing_is_looked_at_beyond_what_refuses(void **state)
{
    (void)state;
    explain("", SIGNED, "none", "{broken");
    assert_int_equal(count(GW_STEP_FAILED), 2); /* the signature, and so the answer */
    assert_false(said(GW_STEP_FAILED, "JSON", ""));
    explain("", "POST /hook HTTP/1.1\r\nHost: h", "none", "{broken");
    assert_false(said(GW_STEP_FAILED, "signature", ""));
}

static void test_neither_secret_nor_signature_is_told(void **state)
{
    static const char body[] = EVENT("");
    char right[GW_SIGNATURE_TEXT_SIZE];

    (void)state;
    sign(FIRST, gw_str(body), right);
    for (int i = 0; i < 3; i++) {
        static const char *const heads[] = {SIGNED, POST "\r\nX-Other: %s", POST};

        explain("", heads[i], i == 0 ? "none" : FIRST, body);
        for (size_t j = 0; j < explanation.count; j++) {
            assert_null(strstr(explanation.steps[j].text, right));
            assert_null(strstr(explanation.steps[j].text, FIRST));
            assert_null(strstr(explanation.steps[j].text, SECOND));
        }
    }
}

static void test_a_flood_of_likely_headers_is_no_flood_of_notes(void **state)
{
    static const char line[] =
        "\r\nA: 0000000000000000000000000000000000000000000000000000000000000000";
    char head[3500] = POST;

    (void)state;
    while (strlen(head) + sizeof(line) < sizeof(head))
        strncat(head, line, sizeof(head) - strlen(head) - 1);
    explain("", head, FIRST, "{}");
    assert_int_equal(explanation.reply, GW_REPLY_UNAUTHORIZED);
    assert_int_equal(count(GW_STEP_NOTE), 5);
    assert_true(said(GW_STEP_FAILED, "answer", "401"));
}

static void test_a_long_text_of_the_sender_is_cut(void **state)
{
    char body[2200];

    (void)state;
    memset(body, 'x', sizeof(body));
    memcpy(body, "{\"event_type\":\"", 15);
    memcpy(body + sizeof(body) - 3, "\"}", 3);
    explain("", SIGNED, FIRST, body);
    assert_int_equal(explanation.reply, GW_REPLY_SUCCESS);
    for (size_t i = 0; i < explanation.count; i++)
        assert_true(strlen(explanation.steps[i].text) < 500);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_answered_is_said_with_its_reason),
        cmocka_unit_test(test_nothing_is_looked_at_beyond_what_refuses),
        cmocka_unit_test(test_neither_secret_nor_signature_is_told),
        cmocka_unit_test(test_a_flood_of_likely_headers_is_no_flood_of_notes),
        cmocka_unit_test(test_a_long_text_of_the_sender_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
