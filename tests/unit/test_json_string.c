/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/json_string.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The check of strings is tested through the scanner (test_scanner.c). */

static char *copy_of(struct gw_str text)
{
    char *copy = malloc(text.len ? text.len : 1);

    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    return copy;
}

/* Of copies of exactly their size, so that a sanitizer sees a byte read beyond them. */
static bool equals(struct gw_str written, struct gw_str text)
{
    char *a = copy_of(written), *b = copy_of(text);
    bool equal =
        gw_json_string_equals((struct gw_str){a, written.len}, (struct gw_str){b, text.len});

    free(a);
    free(b);
    return equal;
}

static bool decodes(struct gw_str written, struct gw_str text)
{
    char *a = copy_of(written), *out = copy_of(written);
    struct gw_str decoded = {.data = out};
    bool equal = gw_json_string_decode((struct gw_str){a, written.len}, out, &decoded.len) &&
                 gw_str_equal(decoded, text);

    free(a);
    free(out);
    return equal;
}

#define SMILEY "\xf0\x9f\x98\x80" /* U+1F600, \ud83d\ude00 */

static void test_escapes_are_resolved_before_comparing(void **state)
{
    static const struct {
        struct gw_str written, text;
        bool equal;
    } cases[] = {
        {GW_STR(""), GW_STR(""), true},
        {GW_STR("id"), GW_STR("id"), true},
        {GW_STR("i\\u0064"), GW_STR("id"), true},
        {GW_STR("\\\"\\\\\\/\\b\\f\\n\\r\\t"), GW_STR("\"\\/\b\f\n\r\t"), true},
        {GW_STR("\\u0000"), GW_STR("\0"), true},
        {GW_STR("\\u00E9\xc3\xa9\\u00e9"), GW_STR("\xc3\xa9\xc3\xa9\xc3\xa9"), true},
        {GW_STR("\\uD83D\\ude00"), GW_STR(SMILEY), true},
        {GW_STR("\\ud83d\\ude00\\ud83d\\ude00x"), GW_STR(SMILEY SMILEY "x"), true},
        {GW_STR("\\\\u0069"), GW_STR("\\u0069"), true},

        {GW_STR("\\u0069"), GW_STR("\\u0069"), false},
        {GW_STR("i\\u0064"), GW_STR("i"), false},
        {GW_STR("i\\u0064"), GW_STR("idd"), false},
        {GW_STR("i\\u0064"), GW_STR("iD"), false},
        {GW_STR("\\n"), GW_STR("n"), false},
        {GW_STR("\\u00e9"), GW_STR("\xc3"), false},
        {GW_STR("\\ud83d\\ude00"), GW_STR("\xf0\x9f\x98"), false},
        {GW_STR("\\u0000"), GW_STR(""), false},

        /* lone surrogates, and what is nearly a pair */
        {GW_STR("i\\ud83dd"), GW_STR("id"), false},
        {GW_STR("id\\ud83d"), GW_STR("id"), false},
        {GW_STR("\\ude00id"), GW_STR("id"), false},
        {GW_STR("\\ude00\\ud83d"), GW_STR(SMILEY), false},
        {GW_STR("\\ud83dxude00"), GW_STR(SMILEY), false},
        {GW_STR("\\ud83d\\nde00"), GW_STR(SMILEY), false},
        {GW_STR("\\ud83e\\uda00"), GW_STR(SMILEY), false},
        {GW_STR("\\ud83c\\ue200"), GW_STR(SMILEY), false},
        {GW_STR("\\ue83d\\ude00"), GW_STR(SMILEY), false},
        {GW_STR("\\ud83d\\ud83d\\ude00"), GW_STR(SMILEY), false},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        if (equals(cases[i].written, cases[i].text) != cases[i].equal ||
            decodes(cases[i].written, cases[i].text) != cases[i].equal)
            fail_msg("%s", cases[i].written.data);
    }
}

static size_t encode(uint32_t point, char bytes[static 4])
{
    static const unsigned lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    for (size_t i = 0; i < length; i++) {
        unsigned bits = point >> 6 * (length - 1 - i);

        bytes[i] = (char)(i == 0 ? lead[length] | bits : 0x80 | (bits & 0x3F));
    }
    return length;
}

static void test_every_code_point_but_surrogates_equals_its_escape(void **state)
{
    char written[13], text[4];

    (void)state;
    for (uint32_t point = 0; point < 0x110000; point++) {
        size_t len = encode(point, text);
        uint32_t high = 0xD800 + ((point - 0x10000) >> 10), low = 0xDC00 + (point & 0x3FF);
        int size = point < 0x10000 ? snprintf(written, sizeof(written), "\\u%04x", point)
                                   : snprintf(written, sizeof(written), "\\u%04X\\u%04x",
                                              high & 0xFFFF, low & 0xFFFF);

        assert_int_equal(gw_json_string_equals((struct gw_str){written, (size_t)size},
                                               (struct gw_str){text, len}),
                         point < 0xD800 || point > 0xDFFF);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes_are_resolved_before_comparing),
        cmocka_unit_test(test_every_code_point_but_surrogates_equals_its_escape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
