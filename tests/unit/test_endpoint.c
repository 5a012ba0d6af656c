/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/endpoint.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOON INT64_C(1795435200000) /* 2026-11-23T12:00:00Z */

static const struct gw_endpoint_options options = {
    .path = "/webhook",
    .header = "X-Genesys-Signature",
    .encoding = GW_SIGNATURE_HEX,
    .prefix = "",
    .routes = gw_routes_builtin,
};

static struct gw_endpoint *endpoint;
static struct gw_hmac *hmac;
static struct gw_arena arena;
static struct gw_judgement judgement;
static char buffer[8192]; /* the last body, as the judge left it */

static struct gw_endpoint *make(const char *prefix, enum gw_signature_encoding encoding)
{
    struct gw_endpoint_options wanted = options;
    struct gw_endpoint *made = NULL;

    wanted.route_count = gw_routes_builtin_count;
    wanted.prefix = prefix;
    wanted.encoding = encoding;
    assert_int_equal(gw_endpoint_new(&wanted, &made), 0);
    assert_int_equal(gw_keyring_add(&made->keyring, GW_STR("first secret")), 0);
    assert_int_equal(gw_keyring_add(&made->keyring, GW_STR("second secret")), 0);
    return made;
}

static int set_up(void **state)
{
    (void)state;
    hmac = gw_hmac_new();
    endpoint = make("", GW_SIGNATURE_HEX);
    return hmac ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    hmac = gw_hmac_free(hmac);
    endpoint = gw_endpoint_free(endpoint);
    gw_arena_deinit(&arena);
    return 0;
}

static void judge(struct gw_str signature, struct gw_str body)
{
    assert_true(body.len < sizeof buffer);
    if (body.len)
        memcpy(buffer, body.data, body.len);
    memset(buffer + body.len, '\n', sizeof buffer - body.len); /* not to be touched */
    memset(&judgement, 0x5a, sizeof judgement);
    gw_endpoint_judge(endpoint, hmac, signature, buffer, body.len, NOON, &arena, &judgement);
    assert_int_equal(buffer[body.len], '\n');
}

static struct gw_str sign(size_t secret, struct gw_str body, char *text)
{
    uint8_t digest[GW_SIGNATURE_DIGEST];

    assert_int_equal(gw_hmac_compute(hmac, endpoint->keyring.keys[secret], body, digest), 0);
    gw_signature_encode(&endpoint->scheme, digest, text);
    return gw_str(text);
}

static void judge_signed(struct gw_str body)
{
    char text[GW_SIGNATURE_TEXT_SIZE];

    judge(sign(0, body, text), body);
}

#define EVENT(type, more)                                                                          \
    "{\"event_type\":\"conversation:" type "\",\"conversation_id\":\"c\","                         \
    "\"timestamp\":\"2026-11-23T12:00:00Z\"" more "}"
#define UPDATE EVENT("updated", ",\"state\":\"held\"")

static void test_a_signed_body_gets_the_verdict_of_the_table(void **state)
{
    static const struct {
        const char *body;
        enum gw_verdict verdict;
        const char *reason;
    } cases[] = {
        {EVENT("created", ",\"type\":\"voice\""), GW_VERDICT_STORE, NULL},
        {UPDATE, GW_VERDICT_STORE, NULL},
        {EVENT("ended", ",\"type\":\"voice\""), GW_VERDICT_STORE, NULL},
        {EVENT("transferred", ""), GW_VERDICT_SKIPPED, NULL},
        {"{}", GW_VERDICT_SKIPPED, NULL},
        {"[]", GW_VERDICT_SKIPPED, NULL},
        {"7", GW_VERDICT_SKIPPED, NULL},
        {"null", GW_VERDICT_REJECTED, "the body is a bare null"},
        {EVENT("created", ""), GW_VERDICT_REJECTED, "the value for type is not a string"},
        {EVENT("updated", ",\"conversation_id\":1"), GW_VERDICT_REJECTED,
         "conversation_id is missing or not a string of 1 to 2048 bytes"},
        {"", GW_VERDICT_NOT_JSON, "the body is not JSON"},
        {" ", GW_VERDICT_NOT_JSON, "the body is not JSON"},
        {"{", GW_VERDICT_NOT_JSON, "the body is not JSON"},
        {UPDATE "x", GW_VERDICT_NOT_JSON, "the body is not JSON"},
        {"undefined", GW_VERDICT_NOT_JSON, "the body is not JSON"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        judge_signed(gw_str(cases[i].body));
        if (judgement.verdict != cases[i].verdict)
            fail_msg("%s: %d", cases[i].body, (int)judgement.verdict);
        assert_true(judgement.verified);
        assert_int_equal(judgement.secret, 0);
        assert_true(gw_str_equal(gw_str(judgement.reason), gw_str(cases[i].reason)));
    }
}

static void test_without_the_right_signature_nothing_else_is_looked_at(void **state)
{
    static const char *const bodies[] = {UPDATE, "{\n}", "{", "null", ""};
    static const struct {
        struct gw_str signature;
        const char *reason;
    } cases[] = {
        {{NULL, 0}, "the signature is missing"},
        {{"", 0}, "the signature has the wrong prefix, length or characters"},
        {{"00", 2}, "the signature has the wrong prefix, length or characters"},
        {{"0000000000000000000000000000000000000000000000000000000000000000", 64},
         "the signature was made with none of the secrets"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases) * GW_COUNT(bodies); i++) {
        const char *body = bodies[i / GW_COUNT(cases)];

        judge(cases[i % GW_COUNT(cases)].signature, gw_str(body));
        assert_int_equal(judgement.verdict, GW_VERDICT_UNAUTHORIZED);
        assert_string_equal(judgement.reason, cases[i % GW_COUNT(cases)].reason);
        assert_false(judgement.verified);
        assert_memory_equal(buffer, body, strlen(body));
    }
}

static void test_the_secret_that_matched_is_named(void **state)
{
    char text[GW_SIGNATURE_TEXT_SIZE];

    (void)state;
    judge(sign(1, GW_STR(UPDATE), text), GW_STR(UPDATE));
    assert_int_equal(judgement.verdict, GW_VERDICT_STORE);
    assert_int_equal(judgement.secret, 1);
}

static void test_a_body_on_many_lines_is_stored_on_one(void **state)
{
    static const char body[] = "{\r\n\"event_type\":\n\"conversation:updated\",\n"
                               "\"conversation_id\":\"a\\nb\",\n\n\"timestamp\":\"\",\r"
                               "\"state\":\"held\"}\n";
    static const char line[] = "{  \"event_type\": \"conversation:updated\", "
                               "\"conversation_id\":\"a\\nb\",  \"timestamp\":\"\", "
                               "\"state\":\"held\"} ";

    (void)state;
    judge_signed(GW_STR(body));
    assert_int_equal(judgement.verdict, GW_VERDICT_STORE);
    assert_ptr_equal(judgement.write.payload.data, buffer);
    assert_true(gw_str_equal(judgement.write.payload, GW_STR(line)));
    assert_true(gw_str_equal(judgement.write.conversation_id, GW_STR("a\nb")));
    assert_true(judgement.notes.timestamp_malformed);
}

static void test_a_line_break_within_a_string_is_not_mended(void **state)
{
    static const char *const bodies[] = {"{\"a\":\"\n\"}", "\"\r\"", "{\"\n\":1}", "tr\nue",
                                         "1\n2"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        judge_signed(gw_str(bodies[i]));
        assert_int_equal(judgement.verdict, GW_VERDICT_NOT_JSON);
        assert_memory_equal(buffer, bodies[i], strlen(bodies[i]));
    }
}

static void test_the_event_id_is_found_whatever_it_is(void **state)
{
    static const struct {
        const char *body;
        enum gw_json_type type;
    } cases[] = {
        {UPDATE, GW_JSON_STRING},
        {"{\"conversation_id\":[1]}", GW_JSON_ARRAY},
        {"{\"conversation_id\":null}", GW_JSON_NULL},
        {"{}", GW_JSON_ABSENT},
        {"[]", GW_JSON_ABSENT},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        judge_signed(gw_str(cases[i].body));
        assert_int_equal(judgement.scan.values[judgement.event_id_slot].type, cases[i].type);
    }
}

static void test_another_scheme_is_another_endpoint(void **state)
{
    struct gw_endpoint *kept = endpoint;
    char text[7 + GW_SIGNATURE_TEXT_SIZE] = "sha256=";

    (void)state;
    endpoint = make("sha256=", GW_SIGNATURE_BASE64);
    assert_int_equal(sign(0, GW_STR(UPDATE), text + 7).len, 44);
    judge(gw_str(text), GW_STR(UPDATE));
    assert_int_equal(judgement.verdict, GW_VERDICT_STORE);
    judge(gw_str(text + 7), GW_STR(UPDATE));
    assert_int_equal(judgement.verdict, GW_VERDICT_UNAUTHORIZED);
    gw_endpoint_free(endpoint);
    endpoint = kept;
}

static void test_an_endpoint_owns_its_strings(void **state)
{
    char path[] = "/webhook", header[] = "X-Signature", prefix[] = "v1=";
    struct gw_endpoint_options wanted = {.path = path, .header = header, .prefix = prefix};
    struct gw_endpoint *made = NULL;

    (void)state;
    assert_int_equal(gw_endpoint_new(&wanted, &made), 0);
    path[0] = header[0] = prefix[0] = '!';
    assert_string_equal(made->path, "/webhook");
    assert_string_equal(made->scheme.header, "X-Signature");
    assert_true(gw_str_equal(made->scheme.prefix, GW_STR("v1=")));
    assert_null(gw_endpoint_free(made));
    assert_null(gw_endpoint_free(NULL));
}

static void test_an_endpoint_without_a_prefix_is_one_with_an_empty_one(void **state)
{
    struct gw_endpoint_options wanted = {.path = "/", .header = "X"};
    struct gw_endpoint *made = NULL;

    (void)state;
    assert_int_equal(gw_endpoint_new(&wanted, &made), 0);
    assert_int_equal(made->scheme.prefix.len, 0);
    gw_endpoint_free(made);
}

static void test_routes_that_make_no_table_make_no_endpoint(void **state)
{
    static const struct gw_route odd = {.event_type = "e", .action = GW_ACTION_PUT, .rank = 1};
    struct gw_endpoint_options wanted = options;
    struct gw_endpoint *made = NULL;

    (void)state;
    wanted.routes = &odd;
    wanted.route_count = 1;
    assert_int_equal(gw_endpoint_new(&wanted, &made), -EINVAL);
    assert_null(made);
}

/* OpenSSL's memory: counts down to the first allocation that fails, as all after it do; -1: none.
 */
static long allocations_left = -1;

static bool may_allocate(void)
{
    if (allocations_left > 0)
        allocations_left--;
    return allocations_left != 0;
}

static void *allocate(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return may_allocate() ? malloc(size) : NULL;
}

static void *reallocate(void *memory, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return may_allocate() ? realloc(memory, size) : NULL;
}

static void release(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

static void test_short_memory_is_no_forged_signature(void **state)
{
    char text[GW_SIGNATURE_TEXT_SIZE];
    struct gw_str signature = sign(0, GW_STR(UPDATE), text);
    int failed = 0;

    (void)state;
    do {
        allocations_left = ++failed;
        judge(signature, GW_STR(UPDATE));
        allocations_left = -1;
        if (judgement.verdict == GW_VERDICT_STORE)
            break;
        assert_int_equal(judgement.verdict, GW_VERDICT_NO_MEMORY);
        assert_false(judgement.verified);
    } while (failed < 100);
    assert_true(failed > 1 && failed < 100);
}

static void test_short_memory_makes_no_half_a_key(void **state)
{
    struct gw_keyring keyring = {0};
    int r, failed = 0;

    (void)state;
    do {
        allocations_left = ++failed;
        r = gw_keyring_add(&keyring, GW_STR("secret"));
        allocations_left = -1;
        assert_true(r == 0 || r == -ENOMEM);
        assert_int_equal(keyring.count, r == 0);
    } while (r != 0 && failed < 100);
    assert_true(failed > 1 && failed < 100);
    gw_keyring_deinit(&keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signed_body_gets_the_verdict_of_the_table),
        cmocka_unit_test(test_without_the_right_signature_nothing_else_is_looked_at),
        cmocka_unit_test(test_the_secret_that_matched_is_named),
        cmocka_unit_test(test_a_body_on_many_lines_is_stored_on_one),
        cmocka_unit_test(test_a_line_break_within_a_string_is_not_mended),
        cmocka_unit_test(test_the_event_id_is_found_whatever_it_is),
        cmocka_unit_test(test_another_scheme_is_another_endpoint),
        cmocka_unit_test(test_an_endpoint_owns_its_strings),
        cmocka_unit_test(test_an_endpoint_without_a_prefix_is_one_with_an_empty_one),
        cmocka_unit_test(test_routes_that_make_no_table_make_no_endpoint),
        cmocka_unit_test(test_short_memory_is_no_forged_signature),
        cmocka_unit_test(test_short_memory_makes_no_half_a_key),
    };

    /* Before OpenSSL allocates anything. */
    if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
