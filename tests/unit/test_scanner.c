/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/scanner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Scans a copy of exactly its size, so that a sanitizer sees a byte read beyond it. */
static int scan(struct gw_str text, struct gw_scan_result *result)
{
    char *copy = malloc(text.len ? text.len : 1);
    struct gw_scan_plan plan;
    int r;

    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    gw_scan_plan_init(&plan);
    r = gw_scan(&plan, (struct gw_str){copy, text.len}, result);
    free(copy);
    return r;
}

static void expect_valid(struct gw_str text)
{
    struct gw_scan_result result;
    int r = scan(text, &result);

    if (r != 0)
        fail_msg("refused at %zu: %.*s", result.error_offset, (int)text.len, text.data);
}

static void expect_invalid(struct gw_str text, size_t offset)
{
    struct gw_scan_result result;

    if (scan(text, &result) != GW_SCAN_INVALID)
        fail_msg("accepted: %.*s", (int)text.len, text.data);
    if (result.error_offset != offset)
        fail_msg("refused at %zu, not at %zu: %.*s", result.error_offset, offset, (int)text.len,
                 text.data);
    assert_int_equal(result.root.type, GW_JSON_ABSENT);
}

static void test_whatever_json_parse_accepts_is_accepted(void **state)
{
    static const struct {
        struct gw_str text;
        enum gw_json_type type;
    } cases[] = {
        {GW_STR("0"), GW_JSON_NUMBER},
        {GW_STR("-0"), GW_JSON_NUMBER},
        {GW_STR("9"), GW_JSON_NUMBER},
        {GW_STR("1234567890"), GW_JSON_NUMBER},
        {GW_STR("-10"), GW_JSON_NUMBER},
        {GW_STR("0.0"), GW_JSON_NUMBER},
        {GW_STR("-1.50"), GW_JSON_NUMBER},
        {GW_STR("0e0"), GW_JSON_NUMBER},
        {GW_STR("1E9"), GW_JSON_NUMBER},
        {GW_STR("1e+09"), GW_JSON_NUMBER},
        {GW_STR("1.5e-9"), GW_JSON_NUMBER},
        {GW_STR("1e999"), GW_JSON_NUMBER},
        {GW_STR("-1e-999"), GW_JSON_NUMBER},
        {GW_STR("123456789012345678901234567890"), GW_JSON_NUMBER},
        {GW_STR("true"), GW_JSON_TRUE},
        {GW_STR("false"), GW_JSON_FALSE},
        {GW_STR("null"), GW_JSON_NULL},
        {GW_STR(" \t\r\nnull \t\r\n"), GW_JSON_NULL},
        {GW_STR("\"\""), GW_JSON_STRING},
        {GW_STR("\"\x7f\""), GW_JSON_STRING},
        {GW_STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), GW_JSON_STRING},
        {GW_STR("\"\\u0000\\u12aB\\uFfFf\""), GW_JSON_STRING},
        {GW_STR("\"\\ud83d\\ude00\""), GW_JSON_STRING},
        {GW_STR("\"\\ud83d\""), GW_JSON_STRING},
        {GW_STR("\"\\ude00\\ud83d\""), GW_JSON_STRING},
        {GW_STR("\"\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\""), GW_JSON_STRING},
        {GW_STR("[]"), GW_JSON_ARRAY},
        {GW_STR("[ ]"), GW_JSON_ARRAY},
        {GW_STR("[[],{}]"), GW_JSON_ARRAY},
        {GW_STR("[1,\"2\",true , null\n]"), GW_JSON_ARRAY},
        {GW_STR("{}"), GW_JSON_OBJECT},
        {GW_STR("{\t}"), GW_JSON_OBJECT},
        {GW_STR("{\"\":0}"), GW_JSON_OBJECT},
        {GW_STR("{\"\\u0000\":0,\"\\ud83d\":1}"), GW_JSON_OBJECT},
        {GW_STR(" { \"a\" : [ 1 , { \"b\" : { } } ] , \"a\" : -0.0e-0 } "), GW_JSON_OBJECT},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_scan_result result;

        expect_valid(cases[i].text);
        assert_int_equal(scan(cases[i].text, &result), 0);
        assert_int_equal(result.root.type, cases[i].type);
    }
}

static void test_what_is_not_json_is_refused_where_it_goes_wrong(void **state)
{
    static const struct {
        struct gw_str text;
        size_t offset;
    } cases[] = {
        /* nothing, or too much */
        {GW_STR(""), 0},
        {GW_STR(" \t\r\n"), 4},
        {GW_STR("\0"), 0},
        {GW_STR("\v1"), 0},
        {GW_STR("\f1"), 0},
        {GW_STR("\xc2\xa0"
                "1"),
         0},
        {GW_STR("\xef\xbb\xbf{}"), 0},
        {GW_STR("\xff\xfe"), 0},
        {GW_STR("1 2"), 2},
        {GW_STR("1\0"), 1},
        {GW_STR("{}\0"), 2},
        {GW_STR("{} x"), 3},
        {GW_STR("[]]"), 2},
        {GW_STR("null,"), 4},
        {GW_STR("\"a\"\"b\""), 3},
        {GW_STR("/**/1"), 0},
        {GW_STR("1//"), 1},
        /* numbers */
        {GW_STR("-"), 1},
        {GW_STR("--1"), 1},
        {GW_STR("+1"), 0},
        {GW_STR("01"), 1},
        {GW_STR("-01"), 2},
        {GW_STR("00"), 1},
        {GW_STR(".5"), 0},
        {GW_STR("-.5"), 1},
        {GW_STR("1."), 2},
        {GW_STR("1.e5"), 2},
        {GW_STR("1.-5"), 2},
        {GW_STR("1e"), 2},
        {GW_STR("1e+"), 3},
        {GW_STR("1e+-1"), 3},
        {GW_STR("1e1.5"), 3},
        {GW_STR("1e5e5"), 3},
        {GW_STR("1.5.5"), 3},
        {GW_STR("0x10"), 1},
        {GW_STR("1_000"), 1},
        {GW_STR("1n"), 1},
        {GW_STR("1/"), 1},
        {GW_STR("1:"), 1},
        {GW_STR("- 1"), 1},
        {GW_STR("NaN"), 0},
        {GW_STR("Infinity"), 0},
        {GW_STR("-Infinity"), 1},
        {GW_STR("\xd9\xa1"), 0},
        /* literals */
        {GW_STR("tru"), 3},
        {GW_STR("trux"), 3},
        {GW_STR("truee"), 4},
        {GW_STR("True"), 0},
        {GW_STR("fals"), 4},
        {GW_STR("falsE"), 4},
        {GW_STR("nul"), 3},
        {GW_STR("nul\0"), 3},
        {GW_STR("nULL"), 1},
        {GW_STR("undefined"), 0},
        {GW_STR("nulltrue"), 4},
        /* strings */
        {GW_STR("\""), 1},
        {GW_STR("\"a"), 2},
        {GW_STR("'a'"), 0},
        {GW_STR("\"a\nb\""), 2},
        {GW_STR("\"\t\""), 1},
        {GW_STR("\"\0\""), 1},
        {GW_STR("\"\\"), 2},
        {GW_STR("\"\\\""), 3},
        {GW_STR("\"\\a\""), 2},
        {GW_STR("\"\\'\""), 2},
        {GW_STR("\"\\0\""), 2},
        {GW_STR("\"\\\0\""), 2},
        {GW_STR("\"\\x41\""), 2},
        {GW_STR("\"\\U0041\""), 2},
        {GW_STR("\"\\\n\""), 2},
        {GW_STR("\"\\\xc3\xa9\""), 2},
        {GW_STR("\"\\u\""), 3},
        {GW_STR("\"\\u1\""), 4},
        {GW_STR("\"\\u12\""), 5},
        {GW_STR("\"\\u123\""), 6},
        {GW_STR("\"\\u123"), 6},
        {GW_STR("\"\\u123g\""), 6},
        {GW_STR("\"\\u@123\""), 3},
        {GW_STR("\"\\u/123\""), 3},
        {GW_STR("\"\\u:123\""), 3},
        {GW_STR("\"\\u`123\""), 3},
        {GW_STR("\"\\u+123\""), 3},
        {GW_STR("\"\\u 123\""), 3},
        {GW_STR("\"\\u\x10"
                "123\""),
         3},
        /* arrays */
        {GW_STR("["), 1},
        {GW_STR("[1"), 2},
        {GW_STR("[1,"), 3},
        {GW_STR("[,"), 1},
        {GW_STR("[,1]"), 1},
        {GW_STR("[1,]"), 3},
        {GW_STR("[1,,2]"), 3},
        {GW_STR("[1 2]"), 3},
        {GW_STR("[1:2]"), 2},
        {GW_STR("[1}"), 2},
        {GW_STR("[}"), 1},
        {GW_STR("]"), 0},
        {GW_STR("[[]"), 3},
        {GW_STR("[\"a\":1]"), 4},
        {GW_STR("[],[]"), 2},
        /* objects */
        {GW_STR("{"), 1},
        {GW_STR("}"), 0},
        {GW_STR("{]"), 1},
        {GW_STR("{,}"), 1},
        {GW_STR("{1:1}"), 1},
        {GW_STR("{a:1}"), 1},
        {GW_STR("{'a':1}"), 1},
        {GW_STR("{null:1}"), 1},
        {GW_STR("{{}:1}"), 1},
        {GW_STR("{\"a\"}"), 4},
        {GW_STR("{\"a\""), 4},
        {GW_STR("{\"a\" 1}"), 5},
        {GW_STR("{\"a\",1}"), 4},
        {GW_STR("{\"a\"::1}"), 5},
        {GW_STR("{\"a\":}"), 5},
        {GW_STR("{\"a\":"), 5},
        {GW_STR("{\"a\":,}"), 5},
        {GW_STR("{\"a\":1"), 6},
        {GW_STR("{\"a\":1]"), 6},
        {GW_STR("{\"a\":1,}"), 7},
        {GW_STR("{\"a\":1,,\"b\":2}"), 7},
        {GW_STR("{\"a\":1 \"b\":2}"), 7},
        {GW_STR("{\"a\":1,\"b\"}"), 10},
        {GW_STR("{\"a\":1 true}"), 7},
        {GW_STR("{\"a\":[}"), 6},
        {GW_STR("{\"a\nb\":1}"), 3},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        expect_invalid(cases[i].text, cases[i].offset);
}

static void test_an_absent_text_is_refused(void **state)
{
    struct gw_scan_plan plan;
    struct gw_scan_result result;

    (void)state;
    gw_scan_plan_init(&plan);
    assert_int_equal(gw_scan(&plan, (struct gw_str){NULL, 0}, &result), GW_SCAN_INVALID);
    assert_int_equal(result.error_offset, 0);
}

static void test_a_truncated_text_is_refused_at_its_end(void **state)
{
    static const char sample[] =
        "{\"conversation_id\": \"c-1\",\n \"n\": [0, -1.5e+3, {\"caf\xc3\xa9\": \"\xe2\x82\xac"
        "\xf0\x9f\x98\x80\"}], \"e\": \"\\u00e9\\n\\\\\", \"t\": true, \"f\": false, \"z\": null,"
        "\"o\": {}, \"a\": []}";

    (void)state;
    for (size_t len = 0; len < sizeof(sample) - 1; len++)
        expect_invalid((struct gw_str){sample, len}, len);
    expect_valid(GW_STR(sample));
    expect_invalid((struct gw_str){sample, sizeof(sample)}, sizeof(sample) - 1); /* its NUL */
}

/* Each byte at each place of strings that are longer than two of the words they are read by. */
static void test_every_byte_in_a_string_is_judged_wherever_it_stands(void **state)
{
    enum { LEN = 20, FIRST = 1, LAST = LEN - 3 };
    char text[LEN];

    (void)state;
    for (size_t at = FIRST; at <= LAST; at++) {
        for (int byte = 0; byte < 256; byte++) {
            bool lead = byte >= 0xC2 && byte <= 0xF4;

            memset(text, 'n', LEN);
            text[0] = text[LEN - 1] = '"';
            text[at] = (char)byte;
            if (byte == '"' || lead)
                expect_invalid((struct gw_str){text, LEN}, at + 1);
            else if (byte < 0x20 || byte > 0x7F)
                expect_invalid((struct gw_str){text, LEN}, at);
            else
                expect_valid((struct gw_str){text, LEN}); /* a backslash makes \n */
        }
    }
}

static void test_no_byte_makes_its_neighbour_look_special(void **state)
{
    char text[] = "\"................\"";

    (void)state;
    for (int first = 0x20; first < 0x80; first++) {
        for (int second = 0x20; second < 0x80; second++) {
            if (strchr("\"\\", first) || strchr("\"\\", second))
                continue;
            text[4] = (char)first;
            text[5] = (char)second;
            expect_valid(GW_STR(text));
        }
    }
}

static size_t encode(uint32_t point, char bytes[static 4])
{
    size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned lead[] = {0, 0, 0xC0, 0xE0, 0xF0};

    for (size_t i = 0; i < length; i++) {
        unsigned bits = point >> 6 * (length - 1 - i);

        bytes[i] = (char)(i == 0 ? lead[length] | bits : 0x80 | (bits & 0x3F));
    }
    return length;
}

static void test_every_code_point_but_surrogates_is_accepted(void **state)
{
    char text[6] = "\"";

    (void)state;
    for (uint32_t point = 0x80; point < 0x110000; point++) {
        size_t len = encode(point, text + 1);

        text[len + 1] = '"';
        if (point >= 0xD800 && point < 0xE000)
            expect_invalid((struct gw_str){text, len + 2}, 2);
        else
            expect_valid((struct gw_str){text, len + 2});
    }
}

/* All strings of @count bytes beyond ASCII. @return how many of them are accepted. */
static size_t count_accepted(size_t count)
{
    char text[5] = "\"";
    size_t accepted = 0;

    text[count + 1] = '"';
    for (uint32_t bits = 0; bits < UINT32_C(1) << 7 * count; bits++) {
        struct gw_scan_result result;

        for (size_t i = 0; i < count; i++)
            text[i + 1] = (char)(0x80 | (bits >> 7 * i & 0x7F));
        accepted += scan((struct gw_str){text, count + 2}, &result) == 0;
    }
    return accepted;
}

static void test_no_other_short_sequence_is_utf8(void **state)
{
    (void)state;
    assert_int_equal(count_accepted(1), 0);
    assert_int_equal(count_accepted(2), 0x800 - 0x80);
    assert_int_equal(count_accepted(3), 0x10000 - 0x800 - 0x800);
}

static void test_each_class_of_invalid_utf8_is_refused(void **state)
{
    static const struct {
        struct gw_str text;
        size_t offset;
    } cases[] = {
        {GW_STR("\"\x80\""), 1},                     /* continuation alone */
        {GW_STR("\"\xbf\""), 1},                     /* the last of them */
        {GW_STR("\"\xc3\xa9\xa9\""), 3},             /* one too many */
        {GW_STR("\"\xc0\x80\""), 1},                 /* overlong NUL */
        {GW_STR("\"\xc1\xbf\""), 1},                 /* overlong of two */
        {GW_STR("\"\xe0\x80\x80\""), 2},             /* overlong of three */
        {GW_STR("\"\xe0\x9f\xbf\""), 2},             /* the greatest of them */
        {GW_STR("\"\xf0\x80\x80\x80\""), 2},         /* overlong of four */
        {GW_STR("\"\xf0\x8f\xbf\xbf\""), 2},         /* the greatest of them */
        {GW_STR("\"\xed\xa0\x80\""), 2},             /* U+D800 */
        {GW_STR("\"\xed\xbf\xbf\""), 2},             /* U+DFFF */
        {GW_STR("\"\xed\xa0\xbd\xed\xb8\x80\""), 2}, /* CESU-8 */
        {GW_STR("\"\xf4\x90\x80\x80\""), 2},         /* U+110000 */
        {GW_STR("\"\xf5\x80\x80\x80\""), 1},         /* beyond */
        {GW_STR("\"\xf8\x88\x80\x80\x80\""), 1},     /* five bytes */
        {GW_STR("\"\xfc\x84\x80\x80\x80\x80\""), 1},
        {GW_STR("\"\xfe\""), 1},
        {GW_STR("\"\xff\""), 1},
        {GW_STR("\"\xc3\""), 2}, /* broken off by the quote */
        {GW_STR("\"\xc3"), 2},   /* by the end */
        {GW_STR("\"\xe2\x82\""), 3},
        {GW_STR("\"\xe2\x82"), 3},
        {GW_STR("\"\xf0\x9f\x98\""), 4},
        {GW_STR("\"\xf0\x9f\x98"), 4},
        {GW_STR("\"\xe2\x28\xa1\""), 2}, /* by a plain byte */
        {GW_STR("\"\xf0\x9f\x28\xbc\""), 3},
        {GW_STR("\"\xf0\x9f\x98\xc0\""), 4}, /* by a lead byte */
        {GW_STR("\"\xe9\""), 2},             /* Latin-1 */
        {GW_STR("{\"\xff\":1}"), 2},         /* in a name */
        {GW_STR("[\xc3\xa9]"), 1},           /* outside of strings */
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        expect_invalid(cases[i].text, cases[i].offset);
}

/* Nests containers: of @pattern's kinds, again and again. Freed by the caller. */
static char *nest(const char *pattern, size_t levels, size_t *len)
{
    size_t period = strlen(pattern), at = 0;
    char *text = malloc(levels * 6 + 1);

    assert_non_null(text);
    for (size_t i = 0; i < levels; i++) {
        const char *opening = pattern[i % period] == '[' ? "[" : "{\"a\":";

        memcpy(text + at, opening, strlen(opening));
        at += strlen(opening);
    }
    text[at++] = '0';
    for (size_t i = levels; i-- > 0;)
        text[at++] = pattern[i % period] == '[' ? ']' : '}';
    *len = at;
    return text;
}

static void test_nesting_is_bounded_by_the_text_alone(void **state)
{
    static const char *const patterns[] = {"[", "{", "{[", "[[{[{{{"};
    static const size_t levels[] = {1, 63, 64, 65, 511, 512, 513, 1024, 1025, 1000000};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(patterns) * GW_COUNT(levels); i++) {
        size_t depth = levels[i / GW_COUNT(patterns)], len;
        char *text = nest(patterns[i % GW_COUNT(patterns)], depth, &len);

        expect_valid((struct gw_str){text, len});
        expect_invalid((struct gw_str){text, len - 1}, len - 1);
        expect_invalid((struct gw_str){text, len - depth}, len - depth);
        free(text);
    }
}

static void test_a_wrong_bracket_is_found_at_every_depth(void **state)
{
    const size_t levels = 1500;
    size_t len;
    char *text = nest("[{{[{[[[[{{{{{[", levels, &len);

    (void)state;
    for (size_t at = len - levels; at < len; at++) {
        char right = text[at];

        text[at] = right == ']' ? '}' : ']';
        expect_invalid((struct gw_str){text, len}, at);
        text[at] = right;
    }
    free(text);
}

static void test_values_tell_their_type_and_whether_they_are_escaped(void **state)
{
    static const struct {
        const char *value;
        enum gw_json_type type;
        bool escaped;
    } cases[] = {
        {"null", GW_JSON_NULL, false},       {"false", GW_JSON_FALSE, false},
        {"true", GW_JSON_TRUE, false},       {"-1.5e3", GW_JSON_NUMBER, false},
        {"\"\"", GW_JSON_STRING, false},     {"\"plain \xc3\xa9\"", GW_JSON_STRING, false},
        {"\"\\n\"", GW_JSON_STRING, true},   {"\"\\u0041 and more of it\"", GW_JSON_STRING, true},
        {"[\"\\n\"]", GW_JSON_ARRAY, false}, {"{\"\\n\":\"\\n\"}", GW_JSON_OBJECT, false},
    };
    struct gw_scan_plan plan;
    size_t slot;

    (void)state;
    gw_scan_plan_init(&plan);
    assert_int_equal(gw_scan_plan_add(&plan, GW_STR("a"), &slot), 0);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_scan_result result;
        char text[64];
        int len = snprintf(text, sizeof(text), "{\"a\":%s}", cases[i].value);

        assert_int_equal(gw_scan(&plan, (struct gw_str){text, (size_t)len}, &result), 0);
        assert_int_equal(result.values[slot].type, cases[i].type);
        assert_int_equal(result.values[slot].escaped, cases[i].escaped);
        assert_int_equal(gw_scan(&plan, gw_str(cases[i].value), &result), 0);
        assert_int_equal(result.root.type, cases[i].type);
        assert_int_equal(result.root.escaped, cases[i].escaped);
    }
}

static void test_the_root_is_given_without_the_space_around_it(void **state)
{
    struct gw_scan_plan plan;
    struct gw_scan_result result;

    (void)state;
    gw_scan_plan_init(&plan);
    assert_int_equal(gw_scan(&plan, GW_STR("\n [ 1 ] \t"), &result), 0);
    assert_true(gw_str_equal(result.root.text, GW_STR("[ 1 ]")));
    assert_int_equal(result.root.type, GW_JSON_ARRAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_json_parse_accepts_is_accepted),
        cmocka_unit_test(test_what_is_not_json_is_refused_where_it_goes_wrong),
        cmocka_unit_test(test_an_absent_text_is_refused),
        cmocka_unit_test(test_a_truncated_text_is_refused_at_its_end),
        cmocka_unit_test(test_every_byte_in_a_string_is_judged_wherever_it_stands),
        cmocka_unit_test(test_no_byte_makes_its_neighbour_look_special),
        cmocka_unit_test(test_every_code_point_but_surrogates_is_accepted),
        cmocka_unit_test(test_no_other_short_sequence_is_utf8),
        cmocka_unit_test(test_each_class_of_invalid_utf8_is_refused),
        cmocka_unit_test(test_nesting_is_bounded_by_the_text_alone),
        cmocka_unit_test(test_a_wrong_bracket_is_found_at_every_depth),
        cmocka_unit_test(test_values_tell_their_type_and_whether_they_are_escaped),
        cmocka_unit_test(test_the_root_is_given_without_the_space_around_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
