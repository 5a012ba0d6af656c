/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/event.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gw_json_value value_of(struct gw_str text)
{
    struct gw_scan_plan plan;
    struct gw_scan_result result;

    gw_scan_plan_init(&plan);
    assert_int_equal(gw_scan(&plan, text, &result), 0);
    return result.root;
}

static void test_strings_are_decoded(void **state)
{
    static const struct {
        struct gw_str json, text;
    } cases[] = {
        {GW_STR("\"\""), GW_STR("")},
        {GW_STR("\"c-1\""), GW_STR("c-1")},
        {GW_STR("\"\xc3\xa9\xf0\x9f\x98\x80\""), GW_STR("\xc3\xa9\xf0\x9f\x98\x80")},
        {GW_STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), GW_STR("\"\\/\b\f\n\r\t")},
        {GW_STR("\"a\\u0000b\\u0000\""), GW_STR("a\0b\0")},
        {GW_STR("\"\\u0000\""), GW_STR("\0")},
        {GW_STR("\"\\u00e9\\uD83D\\uDE00\""), GW_STR("\xc3\xa9\xf0\x9f\x98\x80")},
        {GW_STR("\"\\uffff\\uFFFE\""), GW_STR("\xef\xbf\xbf\xef\xbf\xbe")},
        {GW_STR("\"\\udbff\\udfff\""), GW_STR("\xf4\x8f\xbf\xbf")},
        {GW_STR("\"\\\\ud800\""), GW_STR("\\ud800")},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_json_value value = value_of(cases[i].json);
        struct gw_arena arena = {0};
        struct gw_str text = {NULL, 0};

        assert_int_equal(gw_event_string(&value, &arena, &text), 0);
        assert_non_null(text.data);
        assert_true(gw_str_equal(text, cases[i].text));
        gw_arena_deinit(&arena);
    }
}

static void test_a_string_without_escapes_is_a_slice_of_the_body(void **state)
{
    struct gw_str body = GW_STR("\"c-1\"");
    struct gw_json_value value = value_of(body);
    struct gw_arena arena = {0};
    struct gw_str text;

    (void)state;
    assert_int_equal(gw_event_string(&value, &arena, &text), 0);
    assert_ptr_equal(text.data, body.data + 1);
    assert_null(arena.chunks);
}

static void test_what_is_no_string_of_utf8_is_told_apart(void **state)
{
    static const struct {
        struct gw_str json;
        int error;
    } cases[] = {
        {GW_STR("null"), GW_EVENT_NOT_STRING},
        {GW_STR("0"), GW_EVENT_NOT_STRING},
        {GW_STR("true"), GW_EVENT_NOT_STRING},
        {GW_STR("[\"a\"]"), GW_EVENT_NOT_STRING},
        {GW_STR("{\"a\":\"b\"}"), GW_EVENT_NOT_STRING},
        {GW_STR("\"\\ud800\""), GW_EVENT_LONE_SURROGATE},
        {GW_STR("\"\\udfff\""), GW_EVENT_LONE_SURROGATE},
        {GW_STR("\"x\\uD83Dy\""), GW_EVENT_LONE_SURROGATE},
        {GW_STR("\"\\ude00\\ud83d\""), GW_EVENT_LONE_SURROGATE},
        {GW_STR("\"\\ud83d\\ud83d\\ude00\""), GW_EVENT_LONE_SURROGATE},
        {GW_STR("\"\\ud83d\\n\""), GW_EVENT_LONE_SURROGATE},
    };
    static const struct gw_json_value absent = {.type = GW_JSON_ABSENT};
    struct gw_arena arena = {0};
    struct gw_str text = {NULL, 7};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_json_value value = value_of(cases[i].json);

        assert_int_equal(gw_event_string(&value, &arena, &text), cases[i].error);
    }
    assert_int_equal(gw_event_string(&absent, &arena, &text), GW_EVENT_NOT_STRING);
    assert_int_equal(text.len, 7);
    gw_arena_deinit(&arena);
}

static void test_falsy_is_what_javascript_passes_over(void **state)
{
    static const struct {
        struct gw_str json;
        bool falsy;
    } cases[] = {
        {GW_STR("null"), true},
        {GW_STR("false"), true},
        {GW_STR("true"), false},
        {GW_STR("\"\""), true},
        {GW_STR("\"0\""), false},
        {GW_STR("\" \""), false},
        {GW_STR("\"\\u0000\""), false},
        {GW_STR("[]"), false},
        {GW_STR("{}"), false},
        {GW_STR("0"), true},
        {GW_STR("-0"), true},
        {GW_STR("0.0"), true},
        {GW_STR("-0.00e-5"), true},
        {GW_STR("0.0e5"), true},
        {GW_STR("0e99999999999999999999999"), true},
        {GW_STR("1"), false},
        {GW_STR("-1"), false},
        {GW_STR("10"), false},
        {GW_STR("0.1"), false},
        {GW_STR("-0.001"), false},
        {GW_STR("0e1"), true},
        {GW_STR("1e0"), false},
        {GW_STR("1e999"), false},
        {GW_STR("1E+99999999999999999999999"), false},
        {GW_STR("1e-999"), true},
        {GW_STR("-1E-99999999999999999999999"), true},
        {GW_STR("4.9e-324"), false},
        {GW_STR("2.48e-324"), false},
        {GW_STR("2.47e-324"), true},
        {GW_STR("2e-324"), true},
        {GW_STR("0.0000000002e-314"), true},
        {GW_STR("0.0000000003e-314"), false},
        {GW_STR("20000000000e-334"), true},
        {GW_STR("30000000000e-334"), false},
        {GW_STR("2.4703282292062327e-324"), true},
        {GW_STR("2.4703282292062328e-324"), false},
    };
    static const struct gw_json_value absent = {.type = GW_JSON_ABSENT};

    (void)state;
    assert_true(gw_event_is_falsy(&absent));
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_json_value value = value_of(cases[i].json);

        if (gw_event_is_falsy(&value) != cases[i].falsy)
            fail_msg("%s", cases[i].json.data);
    }
}

/* Writes @before, @zeros zeros and @after. @return whether that number is falsy. */
static bool padded_is_falsy(const char *before, size_t zeros, const char *after)
{
    size_t len = strlen(before) + zeros + strlen(after);
    char *text = malloc(len + 1);
    struct gw_json_value value;
    bool falsy;

    assert_non_null(text);
    snprintf(text, len + 1, "%s%0*d%s", before, (int)zeros, 0, after);
    value = value_of((struct gw_str){text, len});
    falsy = gw_event_is_falsy(&value);
    free(text);
    return falsy;
}

static void test_numbers_of_any_length_are_weighed(void **state)
{
    static const struct {
        const char *before;
        size_t zeros;
        const char *after;
        bool falsy;
    } cases[] = {
        {"0.", 5000, "", true},          {"0.", 300, "1", false},
        {"0.", 400, "1", true},          {"0.", 400, "1e400", false},
        {"1", 400, "e-400", false},      {"1", 400, "e-700", false},
        {"1", 400, "e-800", true},       {"1", 5000, "e-5300", false},
        {"1", 5000, "e-5400", true},     {"1.", 5000, "1e-323", false},
        {"1", 5000, "", false},          {"0.", 100000, "1e100000", false},
        {"0.", 100000, "1e99000", true},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        assert_int_equal(padded_is_falsy(cases[i].before, cases[i].zeros, cases[i].after),
                         cases[i].falsy);
}

#define MIDDLE_DECIMALS 1075

/* Writes 2^-1075 whole: the least double, printed, and its digits halved as one does by hand. */
static void print_middle(char text[static MIDDLE_DECIMALS + 3])
{
    int rest = 0;

    snprintf(text, MIDDLE_DECIMALS + 3, "%.*f", MIDDLE_DECIMALS, 0x1p-1074);
    for (char *at = text + 2; *at; at++) {
        int digit = rest * 10 + *at - '0';

        *at = (char)('0' + digit / 2);
        rest = digit % 2;
    }
}

/* The middle between zero and the least double is zero, and what is the least bit greater is not,
 * be it only in its thousandth digit. */
static void test_the_least_number_is_told_from_zero_exactly(void **state)
{
    char number[MIDDLE_DECIMALS + 3];

    (void)state;
    print_middle(number);
    assert_true(padded_is_falsy(number, 1, ""));
    assert_true(padded_is_falsy(number, 5000, "e0"));
    assert_false(padded_is_falsy(number, 1, "1"));
    assert_false(padded_is_falsy(number, 5000, "1"));
    number[MIDDLE_DECIMALS + 1]--;
    assert_true(padded_is_falsy(number, 5000, "1"));
}

static void test_values_are_compacted(void **state)
{
    static const struct {
        const char *json, *compact;
    } cases[] = {
        {"\"c-1\"", "\"c-1\""},
        {"\" a \\\" b \"", "\" a \\\" b \""},
        {"\" \\\\\"", "\" \\\\\""},
        {"[ 1 ,\t2\r\n]", "[1,2]"},
        {"{ \"a b\" : [ true , null ] , \"\\\\\" : \" \\\" \" }",
         "{\"a b\":[true,null],\"\\\\\":\" \\\" \"}"},
        {"-1.5e+3", "-1.5e+3"},
        {"[ ]", "[]"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_json_value value = value_of(gw_str(cases[i].json));
        struct gw_buffer out;

        gw_buffer_init(&out, 100);
        assert_int_equal(gw_event_append_compact(&value, &out), 0);
        assert_true(gw_str_equal(gw_buffer_str(&out), gw_str(cases[i].compact)));
        gw_buffer_deinit(&out);
    }
}

static void test_an_absent_value_appends_nothing(void **state)
{
    static const struct gw_json_value absent = {.type = GW_JSON_ABSENT};
    struct gw_buffer out;

    (void)state;
    gw_buffer_init(&out, 100);
    assert_int_equal(gw_event_append_compact(&absent, &out), 0);
    assert_int_equal(out.len, 0);
    gw_buffer_deinit(&out);
}

/* Compacts an array of one number of @digits between @blanks. @return the bytes appended, or the
 * error. */
static int compact_padded(size_t blanks, size_t digits)
{
    size_t len = 2 + 2 * blanks + digits;
    char *text = malloc(len);
    struct gw_json_value value;
    struct gw_buffer out;
    int r;

    assert_non_null(text);
    memset(text, ' ', len);
    memset(text + 1 + blanks, '1', digits);
    text[0] = '[';
    text[len - 1] = ']';
    value = value_of((struct gw_str){text, len});
    gw_buffer_init(&out, 100000);
    assert_int_equal(gw_buffer_append(&out, GW_STR("before")), 0);
    r = gw_event_append_compact(&value, &out);
    if (r == 0)
        r = (int)out.len - 6;
    else
        assert_int_equal(out.len, 6);
    gw_buffer_deinit(&out);
    free(text);
    return r;
}

static void test_the_limit_counts_after_compaction(void **state)
{
    static const struct {
        size_t blanks, digits;
        int result;
    } cases[] = {
        {0, GW_EVENT_ID_MAX - 2, GW_EVENT_ID_MAX},
        {0, GW_EVENT_ID_MAX - 1, -ENOBUFS},
        {5000, GW_EVENT_ID_MAX - 2, GW_EVENT_ID_MAX},
        {5000, GW_EVENT_ID_MAX - 1, -ENOBUFS},
        {0, 10000, -ENOBUFS},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        assert_int_equal(compact_padded(cases[i].blanks, cases[i].digits), cases[i].result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_are_decoded),
        cmocka_unit_test(test_a_string_without_escapes_is_a_slice_of_the_body),
        cmocka_unit_test(test_what_is_no_string_of_utf8_is_told_apart),
        cmocka_unit_test(test_falsy_is_what_javascript_passes_over),
        cmocka_unit_test(test_numbers_of_any_length_are_weighed),
        cmocka_unit_test(test_the_least_number_is_told_from_zero_exactly),
        cmocka_unit_test(test_values_are_compacted),
        cmocka_unit_test(test_an_absent_value_appends_nothing),
        cmocka_unit_test(test_the_limit_counts_after_compaction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
