/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/strict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct header {
    const char *name;
    const char *value;
};

struct head_case {
    const char *what;
    bool http_1_0;
    struct header headers[5];
    enum gw_reason reason; /* GW_REASON_NONE: passes */
};

static const struct head_case cases[] = {
    {"a plain POST", false, {{"Host", "a"}, {"Content-Length", "12"}}, GW_REASON_NONE},
    {"chunked", false, {{"Host", "a"}, {"Transfer-Encoding", "chunked"}}, GW_REASON_NONE},
    {"chunked in any case",
     false,
     {{"hOST", "a"}, {"transfer-encoding", "Chunked"}},
     GW_REASON_NONE},
    {"HTTP/1.0 needs no Host", true, {{"Content-Length", "1"}}, GW_REASON_NONE},
    {"a value may be empty, and hold tabs and UTF-8",
     false,
     {{"Host", "a"}, {"X-A", ""}, {"X-B", "a\tb \xc3\xa4"}},
     GW_REASON_NONE},
    {"every character of a token",
     false,
     {{"Host", "a"}, {"!#$%&'*+-.^_`|~09azAZ", "x"}},
     GW_REASON_NONE},
    {"no Host in HTTP/1.1", false, {{"Content-Length", "1"}}, GW_REASON_HOST},
    {"two Hosts", false, {{"Host", "a"}, {"Host", "a"}}, GW_REASON_HOST},
    {"two Hosts in HTTP/1.0", true, {{"Host", "a"}, {"host", "b"}}, GW_REASON_HOST},
    {"two equal lengths",
     false,
     {{"Host", "a"}, {"Content-Length", "1"}, {"Content-Length", "1"}},
     GW_REASON_TWO_LENGTHS},
    {"length and encoding",
     false,
     {{"Host", "a"}, {"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}},
     GW_REASON_LENGTH_AND_ENCODING},
    {"gzip", false, {{"Host", "a"}, {"Transfer-Encoding", "gzip"}}, GW_REASON_TRANSFER_ENCODING},
    {"gzip, chunked",
     false,
     {{"Host", "a"}, {"Transfer-Encoding", "gzip, chunked"}},
     GW_REASON_TRANSFER_ENCODING},
    {"chunked twice",
     false,
     {{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
     GW_REASON_TRANSFER_ENCODING},
    {"chunked in HTTP/1.0", true, {{"Transfer-Encoding", "chunked"}}, GW_REASON_HTTP_1_0_ENCODING},
    {"a blank before the colon", false, {{"Host", "a"}, {"X-A ", "b"}}, GW_REASON_HEADER_NAME},
    {"a tab before the colon", false, {{"Host\t", "a"}}, GW_REASON_HEADER_NAME},
    {"an empty name", false, {{"Host", "a"}, {"", "b"}}, GW_REASON_HEADER_NAME},
    {"a name with a slash", false, {{"Host", "a"}, {"a/b", "b"}}, GW_REASON_HEADER_NAME},
    {"a name with a high byte", false, {{"Host", "a"}, {"a\xc3\xa4", "b"}}, GW_REASON_HEADER_NAME},
    {"a CR in a value", false, {{"Host", "a"}, {"X-A", "b\rc"}}, GW_REASON_HEADER_VALUE},
    {"a LF in a value", false, {{"Host", "a"}, {"X-A", "b\nc"}}, GW_REASON_HEADER_VALUE},
    {"an escape in a value", false, {{"Host", "a"}, {"X-A", "\x1b"}}, GW_REASON_HEADER_VALUE},
    {"a DEL in a value", false, {{"Host", "a"}, {"X-A", "\x7f"}}, GW_REASON_HEADER_VALUE},
};

static void test_strictness_is_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_head head = {.http_1_1 = !cases[i].http_1_0};

        for (const struct header *h = cases[i].headers; h->name; h++)
            gw_head_add(&head, "X-Genesys-Signature", gw_str(h->name), gw_str(h->value));
        enum gw_reason reason = gw_strict_check(&head);

        if (reason != cases[i].reason)
            fail_msg("%s: %d and not %d", cases[i].what, reason, cases[i].reason);
    }
}

static void test_a_nul_in_a_value_is_refused(void **state)
{
    struct gw_head head = {.http_1_1 = true};

    (void)state;
    gw_head_add(&head, NULL, GW_STR("Host"), GW_STR("a"));
    gw_head_add(&head, NULL, GW_STR("X-A"), GW_STR("b\0c"));
    assert_int_equal(gw_strict_check(&head), GW_REASON_HEADER_VALUE);
}

static void test_signatures_are_counted_and_the_first_is_kept(void **state)
{
    struct gw_head head = {.http_1_1 = true};

    (void)state;
    gw_head_add(&head, "X-Sig", GW_STR("x-sig"), GW_STR("one"));
    gw_head_add(&head, "X-Sig", GW_STR("X-SIG"), GW_STR("two"));
    gw_head_add(&head, "X-Sig", GW_STR("X-Sig2"), GW_STR("three"));
    assert_int_equal(head.signatures, 2);
    assert_true(gw_str_equal(head.signature, GW_STR("one")));
}

static void test_lengths_are_read_and_saturate(void **state)
{
    static const struct {
        const char *text;
        uint64_t length;
    } lengths[] = {
        {"0", 0},
        {"1083", 1083},
        {"18446744073709551615", UINT64_MAX},
        {"18446744073709551616", UINT64_MAX},
        {"99999999999999999999999", UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(lengths); i++) {
        struct gw_head head = {.http_1_1 = true};

        gw_head_add(&head, NULL, GW_STR("Content-Length"), gw_str(lengths[i].text));
        assert_true(head.content_length == lengths[i].length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strictness_is_what_the_table_says),
        cmocka_unit_test(test_a_nul_in_a_value_is_refused),
        cmocka_unit_test(test_signatures_are_counted_and_the_first_is_kept),
        cmocka_unit_test(test_lengths_are_read_and_saturate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
