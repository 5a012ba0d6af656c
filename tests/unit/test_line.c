/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ABSENT ((struct gw_str){NULL, 0})

static const struct gw_write writes[] = {
    {.action = GW_ACTION_PUT,
     .order = INT64_C(28567296000004),
     .received_at_ms = INT64_C(1795435200123),
     .event_type = GW_STR("conversation:created"),
     .conversation_id = GW_STR("c-1"),
     .fields = {GW_STR("voice"), GW_STR("active"), GW_STR("2026-11-23T12:00:00Z"),
                GW_STR("contact")},
     .payload = GW_STR("{\"a\":1}")},
    {.action = GW_ACTION_UPDATE,
     .order = INT64_C(-994675507199995),
     .event_type = GW_STR("conversation:updated"),
     .conversation_id = GW_STR("c-2"),
     .fields = {ABSENT, GW_STR("held"), GW_STR(""), ABSENT},
     .payload = GW_STR(" \t {\"payload\":{\"a\":[1, 2]}} \t ")},
    {.action = GW_ACTION_PUT,
     .order = INT64_C(4054436812799998),
     .received_at_ms = INT64_C(-62167219200000),
     .event_type = GW_STR("\"quoted\\\""),
     .conversation_id = GW_STR("\0\0"),
     .fields = {GW_STR(""), GW_STR("\x01\x1f\x7f\n\r\t\b\f/"), GW_STR("\xf0\x9f\x98\x80"),
                GW_STR("a\0b\xe2\x80\xa8")},
     .payload = GW_STR("null")},
    {.action = GW_ACTION_PUT,
     .order = -6,
     .received_at_ms = INT64_C(253402300799999),
     .event_type = GW_STR("}"),
     .conversation_id = GW_STR("\"payload\":"),
     .fields = {ABSENT, ABSENT, ABSENT, ABSENT},
     .payload = GW_STR("  \"}\"")},
};

static void assert_str(struct gw_str actual, struct gw_str expected)
{
    assert_int_equal(actual.data == NULL, expected.data == NULL);
    assert_int_equal(actual.len, expected.len);
    if (expected.len > 0)
        assert_memory_equal(actual.data, expected.data, expected.len);
}

static void assert_write(const struct gw_write *actual, const struct gw_write *expected)
{
    assert_int_equal(actual->action, expected->action);
    assert_true(actual->order == expected->order);
    assert_true(actual->received_at_ms == expected->received_at_ms);
    assert_str(actual->event_type, expected->event_type);
    assert_str(actual->conversation_id, expected->conversation_id);
    for (size_t i = 0; i < GW_FIELD_COUNT; i++)
        assert_str(actual->fields[i], expected->fields[i]);
    assert_str(actual->payload, expected->payload);
}

/* A copy on the heap without anything after it, so that a sanitizer sees every step too far. */
static int parse(struct gw_str text, struct gw_arena *arena, struct gw_write *write, char **copy)
{
    *copy = malloc(text.len ? text.len : 1);
    assert_non_null(*copy);
    if (text.len > 0)
        memcpy(*copy, text.data, text.len);
    return gw_line_parse((struct gw_str){*copy, text.len}, arena, write);
}

static void test_a_line_reads_as_the_design_says(void **state)
{
    static const char *const expected[] = {
        "{\"receivedAt\":\"2026-11-23T12:00:00.123Z\",\"eventType\":\"conversation:created\","
        "\"action\":\"put\",\"eventOrder\":28567296000004,\"item\":{\"conversationId\":\"c-1\","
        "\"type\":\"voice\",\"status\":\"active\",\"timestamp\":\"2026-11-23T12:00:00Z\","
        "\"externalContactId\":\"contact\"},\"payload\":{\"a\":1}}\n",
        "{\"receivedAt\":\"1970-01-01T00:00:00.000Z\",\"eventType\":\"conversation:updated\","
        "\"action\":\"update\",\"eventOrder\":-994675507199995,"
        "\"item\":{\"conversationId\":\"c-2\",\"status\":\"held\",\"timestamp\":\"\"},"
        "\"payload\": \t {\"payload\":{\"a\":[1, 2]}} \t }\n",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(expected); i++) {
        struct gw_buffer out;

        gw_buffer_init(&out, 4096);
        assert_int_equal(gw_line_append(&writes[i], &out), 0);
        assert_str(gw_buffer_str(&out), gw_str(expected[i]));
        gw_buffer_deinit(&out);
    }
}

static void test_every_write_comes_back_as_it_went(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(writes); i++) {
        struct gw_arena arena = {0};
        struct gw_write parsed;
        struct gw_buffer out;
        char *copy;

        gw_buffer_init(&out, 4096);
        assert_int_equal(gw_line_append(&writes[i], &out), 0);
        assert_ptr_equal(memchr(out.data, '\n', out.len), out.data + out.len - 1);
        assert_int_equal(parse((struct gw_str){out.data, out.len - 1}, &arena, &parsed, &copy), 0);
        assert_write(&parsed, &writes[i]);
        free(copy);
        gw_arena_deinit(&arena);
        gw_buffer_deinit(&out);
    }
}

static void test_a_line_that_does_not_fit_leaves_nothing(void **state)
{
    (void)state;
    for (size_t max = 0; max < 60; max++) {
        struct gw_buffer out;

        gw_buffer_init(&out, 8 + max * 4);
        assert_int_equal(gw_buffer_append(&out, GW_STR("before\n")), 0);
        assert_int_equal(gw_line_append(&writes[0], &out), -ENOBUFS);
        assert_str(gw_buffer_str(&out), GW_STR("before\n"));
        gw_buffer_deinit(&out);
    }
}

#define HEAD "{\"receivedAt\":\"2026-11-23T12:00:00.123Z\",\"eventType\":\"e\",\"action\":\"put\","
#define WHOLE HEAD "\"eventOrder\":4,\"item\":{\"conversationId\":\"c\"},\"payload\":1}"

static void test_what_is_no_line_of_ours_is_told_apart(void **state)
{
    static const struct {
        struct gw_str line;
        int result;
    } cases[] = {
        {GW_STR(WHOLE), 0},
        {{NULL, 0}, GW_LINE_BLANK},
        {GW_STR(""), GW_LINE_BLANK},
        {GW_STR("    \t \r"), GW_LINE_BLANK},
        {GW_STR("\0\0\0\0"), GW_LINE_MALFORMED},
        {GW_STR("  \0"), GW_LINE_MALFORMED},
        {GW_STR("{}"), GW_LINE_MALFORMED},
        {GW_STR("[]"), GW_LINE_MALFORMED},
        {GW_STR("nonsense"), GW_LINE_MALFORMED},
        {GW_STR("{\"torn" WHOLE), GW_LINE_MALFORMED},
        {GW_STR(WHOLE "\0\0"), GW_LINE_MALFORMED},
        {GW_STR(WHOLE " "), GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"item\":{\"conversationId\":\"c\"},\"payload\":1}"), GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":5,\"item\":{\"conversationId\":\"c\"},\"payload\":1}"),
         GW_LINE_MALFORMED}, /* an update's */
        {GW_STR(HEAD "\"eventOrder\":-994675507200002,\"item\":{\"conversationId\":\"c\"},"
                     "\"payload\":1}"),
         GW_LINE_MALFORMED}, /* before the year 0 */
        {GW_STR(HEAD "\"eventOrder\":4054436812800000,\"item\":{\"conversationId\":\"c\"},"
                     "\"payload\":1}"),
         GW_LINE_MALFORMED}, /* after the year 9999 */
        {GW_STR(HEAD "\"eventOrder\":4.0,\"item\":{\"conversationId\":\"c\"},\"payload\":1}"),
         GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":4e1,\"item\":{\"conversationId\":\"c\"},\"payload\":1}"),
         GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":9223372036854775808,\"item\":{\"conversationId\":\"c\"},"
                     "\"payload\":1}"),
         GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":100000000000000000000000000000000000,"
                     "\"item\":{\"conversationId\":\"c\"},\"payload\":1}"),
         GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":\"4\",\"item\":{\"conversationId\":\"c\"},\"payload\":1}"),
         GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":4,\"item\":{},\"payload\":1}"), GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":4,\"item\":{\"conversationId\":\"\"},\"payload\":1}"),
         GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":4,\"item\":{\"conversationId\":\"c\",\"status\":1},"
                     "\"payload\":1}"),
         GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":4,\"item\":{\"conversationId\":\"\\ud800\"},\"payload\":1}"),
         GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":4,\"item\":{\"conversationId\":\"c\"}}"), GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"eventOrder\":4,\"item\":{\"conversationId\":\"c\"},\"payload\":1,\"a\":2}"),
         GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"action\":\"delete\",\"eventOrder\":4,\"item\":{\"conversationId\":\"c\"},"
                     "\"payload\":1}"),
         GW_LINE_MALFORMED},
        {GW_STR(HEAD "\"receivedAt\":\"soon\",\"eventOrder\":4,"
                     "\"item\":{\"conversationId\":\"c\"},\"payload\":1}"),
         GW_LINE_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_arena arena = {0};
        struct gw_write write;
        char *copy;

        if (parse(cases[i].line, &arena, &write, &copy) != cases[i].result)
            fail_msg("case %zu: %.*s", i, (int)cases[i].line.len, cases[i].line.data);
        free(copy);
        gw_arena_deinit(&arena);
    }
}

static void test_a_torn_line_is_malformed_wherever_it_is_torn(void **state)
{
    struct gw_buffer out;

    (void)state;
    gw_buffer_init(&out, 4096);
    assert_int_equal(gw_line_append(&writes[0], &out), 0);
    for (size_t len = 1; len < out.len - 1; len++) {
        struct gw_arena arena = {0};
        struct gw_write write;
        char *copy;

        assert_int_equal(parse((struct gw_str){out.data, len}, &arena, &write, &copy),
                         GW_LINE_MALFORMED);
        free(copy);
        gw_arena_deinit(&arena);
    }
    gw_buffer_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_reads_as_the_design_says),
        cmocka_unit_test(test_every_write_comes_back_as_it_went),
        cmocka_unit_test(test_a_line_that_does_not_fit_leaves_nothing),
        cmocka_unit_test(test_what_is_no_line_of_ours_is_told_apart),
        cmocka_unit_test(test_a_torn_line_is_malformed_wherever_it_is_torn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
