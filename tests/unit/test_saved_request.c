/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/saved_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Behind the text lies memory that a sanitizer watches. */
static char *copy_of(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    assert_non_null(copy);
    memcpy(copy, text, strlen(text) + 1);
    return realloc(copy, strlen(text) ? strlen(text) : 1);
}

static void check_text(struct gw_str got, const char *expected)
{
    if (!gw_str_equal(got, gw_str(expected)))
        fail_msg("%.*s, not %s", (int)got.len, got.data, expected);
}

static void test_a_request_is_taken_to_pieces(void **state)
{
    static const char saved[] = "POST /webhook?x HTTP/1.1\r\nHost: h\r\nA:\t b: c \r\nEmpty:\r\n"
                                "Content-Length: 2\r\n\r\n{}";
    char *text = copy_of(saved);
    struct gw_saved_request request;

    (void)state;
    assert_int_equal(gw_saved_request_parse(text, strlen(saved), &request), 0);
    check_text(request.method, "POST");
    check_text(request.target, "/webhook?x");
    check_text(request.version, "HTTP/1.1");
    assert_int_equal(request.header_count, 4);
    check_text(request.headers[0].name, "Host");
    check_text(request.headers[1].name, "A");
    check_text(request.headers[1].value, "b: c ");
    check_text(request.headers[2].value, "");
    free(text);
}

#define HEAD "POST / HTTP/1.1\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

static void test_the_body_ends_where_the_daemon_would_end_it(void **state)
{
    static const struct {
        const char *text, *body;
        enum gw_saved_end end;
        size_t surplus, missing;
    } cases[] = {
        {HEAD "content-length: 3\r\n\r\nabc", "abc", GW_SAVED_BY_LENGTH, 0, 0},
        {HEAD "Content-Length: 3\r\n\r\nabc\n", "abc", GW_SAVED_BY_LENGTH, 1, 0},
        {HEAD "Content-Length: 5\r\n\r\nabc", "abc", GW_SAVED_BY_LENGTH, 0, 2},
        {HEAD "Content-Length: 0\r\n\r\n", "", GW_SAVED_BY_LENGTH, 0, 0},
        {HEAD "Content-Length: 99999999999999999999999\r\n\r\nab", "ab", GW_SAVED_BY_FILE, 0, 0},
        {HEAD "\r\nabc\n", "abc\n", GW_SAVED_BY_FILE, 0, 0},
        {"POST / HTTP/1.1\nA: b\n\nabc", "abc", GW_SAVED_BY_FILE, 0, 0},
        {CHUNKED "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", "abc0123456789",
         GW_SAVED_BY_CHUNKS, 0, 0},
        {CHUNKED "2\r\n\r\n\r\n0\r\n\r\n", "\r\n", GW_SAVED_BY_CHUNKS, 0, 0},
        {CHUNKED "0\r\n\r\n", "", GW_SAVED_BY_CHUNKS, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char *text = copy_of(cases[i].text);
        struct gw_saved_request request;

        assert_int_equal(gw_saved_request_parse(text, strlen(cases[i].text), &request), 0);
        check_text((struct gw_str){request.body, request.body_len}, cases[i].body);
        assert_int_equal(request.end, cases[i].end);
        assert_int_equal(request.surplus, cases[i].surplus);
        assert_int_equal(request.missing, cases[i].missing);
        free(text);
    }
}

static void test_what_is_no_request_is_named(void **state)
{
    static const struct {
        const char *text;
        enum gw_saved_error error;
    } cases[] = {
        {"", GW_SAVED_REQUEST_LINE},
        {"\r\n\r\n", GW_SAVED_REQUEST_LINE},
        {"{\"event_type\":\"conversation:created\"}\n", GW_SAVED_REQUEST_LINE},
        {"POST / HTTP/1.1", GW_SAVED_REQUEST_LINE},
        {"POST /\r\n\r\n", GW_SAVED_REQUEST_LINE},
        {"POST / FTP/1.1\r\n\r\n", GW_SAVED_REQUEST_LINE},
        {" / HTTP/1.1\r\n\r\n", GW_SAVED_REQUEST_LINE},
        {HEAD "A: b\r\n", GW_SAVED_HEADER_END},
        {HEAD "A: b", GW_SAVED_HEADER_END},
        {HEAD "A b\r\n\r\n", GW_SAVED_HEADER_LINE},
        {CHUNKED, GW_SAVED_CHUNKS},
        {CHUNKED "3\r\nab", GW_SAVED_CHUNKS},
        {CHUNKED "3\r\nabc", GW_SAVED_CHUNKS},
        {CHUNKED "3\r\nabc\r\n", GW_SAVED_CHUNKS},
        {CHUNKED "3\r\nabcd\r\n0\r\n\r\n", GW_SAVED_CHUNKS},
        {CHUNKED "x\r\nabc\r\n0\r\n\r\n", GW_SAVED_CHUNKS},
        {CHUNKED "\r\nabc\r\n0\r\n\r\n", GW_SAVED_CHUNKS},
        {CHUNKED "ffffffffffffffff\r\nabc\r\n", GW_SAVED_CHUNKS},
        {CHUNKED "10000000000000000\r\nabc\r\n", GW_SAVED_CHUNKS},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char *text = copy_of(cases[i].text);
        struct gw_saved_request request;
        int r = gw_saved_request_parse(text, strlen(cases[i].text), &request);

        if (r != (int)cases[i].error)
            fail_msg("case %zu: %d", i, r);
        assert_true(strlen(gw_saved_error_text(cases[i].error)) > 0);
        free(text);
    }
}

static void test_header_lines_are_counted(void **state)
{
    (void)state;
    for (size_t count = GW_SAVED_HEADERS_MAX; count <= GW_SAVED_HEADERS_MAX + 1; count++) {
        char text[2048] = HEAD;
        size_t len = strlen(text);
        struct gw_saved_request request;

        for (size_t i = 0; i < count; i++, len += 6)
            memcpy(text + len, "A: b\r\n", 7);
        memcpy(text + len, "\r\n", 3);
        assert_int_equal(gw_saved_request_parse(text, len + 2, &request),
                         count > GW_SAVED_HEADERS_MAX ? GW_SAVED_HEADER_COUNT : 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_taken_to_pieces),
        cmocka_unit_test(test_the_body_ends_where_the_daemon_would_end_it),
        cmocka_unit_test(test_what_is_no_request_is_named),
        cmocka_unit_test(test_header_lines_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
