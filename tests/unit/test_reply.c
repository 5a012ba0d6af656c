/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* As the design writes it, not as the code's table does. */
static const struct {
    enum gw_reply reply;
    unsigned status;
    const char *body;
    const char *counter; /* where it is not the status's */
} expected[] = {
    {GW_REPLY_SUCCESS, 200, "{\"success\":true}"},
    {GW_REPLY_OK, 200, "{\"status\":\"ok\"}", "probes_ok"},
    {GW_REPLY_BAD_REQUEST, 400, "{\"error\":\"Bad Request: Malformed HTTP\"}"},
    {GW_REPLY_INVALID_JSON, 400, "{\"error\":\"Bad Request: Invalid JSON\"}"},
    {GW_REPLY_UNAUTHORIZED, 401, "{\"error\":\"Unauthorized: Invalid signature\"}"},
    {GW_REPLY_FORBIDDEN, 403, "{\"error\":\"Forbidden\"}"},
    {GW_REPLY_NOT_FOUND, 404, "{\"error\":\"Not Found\"}"},
    {GW_REPLY_METHOD_NOT_ALLOWED_POST, 405, "{\"error\":\"Method Not Allowed\"}"},
    {GW_REPLY_METHOD_NOT_ALLOWED_GET, 405, "{\"error\":\"Method Not Allowed\"}"},
    {GW_REPLY_TIMEOUT, 408, "{\"error\":\"Request Timeout\"}"},
    {GW_REPLY_TOO_LARGE, 413, "{\"error\":\"Content Too Large\"}"},
    {GW_REPLY_HEADER_TOO_LARGE, 431, "{\"error\":\"Request Header Fields Too Large\"}"},
    {GW_REPLY_FAILED, 500, "{\"error\":\"Internal Server Error\"}"},
    {GW_REPLY_OVERLOADED, 503, "{\"error\":\"Service Unavailable\"}"},
    {GW_REPLY_NOT_READY, 503, "{\"status\":\"not ready\"}", "probes_not_ready"},
};

static void test_every_reply_is_as_the_design_says(void **state)
{
    (void)state;
    assert_int_equal(GW_COUNT(expected), GW_REPLY_COUNT - 1);
    for (size_t i = 0; i < GW_COUNT(expected); i++) {
        char counter[16];

        snprintf(counter, sizeof(counter), "reply_%u", expected[i].status);
        assert_int_equal(gw_reply_status(expected[i].reply), expected[i].status);
        assert_string_equal(gw_reply_body(expected[i].reply), expected[i].body);
        assert_string_equal(gw_counter_name(gw_reply_counter(expected[i].reply)),
                            expected[i].counter ? expected[i].counter : counter);
    }
}

static void test_every_reason_has_an_answer_a_text_and_a_counter_of_its_own(void **state)
{
    (void)state;
    for (int i = GW_REASON_NONE + 1; i < GW_REASON_COUNT; i++) {
        const char *text = gw_reason_text((enum gw_reason)i);
        enum gw_counter counter = gw_reason_counter((enum gw_reason)i);

        assert_true(gw_reply_status(gw_reason_reply((enum gw_reason)i)) >= 400);
        assert_memory_equal(gw_counter_name(counter), "refused_", strlen("refused_"));
        for (int other = GW_REASON_NONE + 1; other < i; other++) {
            assert_string_not_equal(text, gw_reason_text((enum gw_reason)other));
            assert_int_not_equal(counter, gw_reason_counter((enum gw_reason)other));
        }
    }
}

static size_t send_and_read(enum gw_reply reply, char *text, size_t size)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    gw_reply_send(pair[0], reply);
    close(pair[0]);
    ssize_t len = read(pair[1], text, size - 1);

    close(pair[1]);
    assert_true(len > 0);
    text[len] = '\0';
    return (size_t)len;
}

static void test_a_reply_on_a_bare_socket_is_whole(void **state)
{
    char text[1024];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(expected); i++) {
        char length[64];

        send_and_read(expected[i].reply, text, sizeof(text));
        char *body = strstr(text, "\r\n\r\n");

        assert_non_null(body);
        assert_string_equal(body + 4, expected[i].body);
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(expected[i].body));
        assert_non_null(strstr(text, length));
        assert_non_null(strstr(text, "Connection: close\r\n"));
        assert_int_equal(strtoul(text + strlen("HTTP/1.1 "), NULL, 10), expected[i].status);
    }
}

static void test_a_reply_names_what_helps(void **state)
{
    char text[1024];

    (void)state;
    send_and_read(GW_REPLY_OVERLOADED, text, sizeof(text));
    assert_non_null(strstr(text, "\r\nRetry-After: 5\r\n"));
    send_and_read(GW_REPLY_METHOD_NOT_ALLOWED_POST, text, sizeof(text));
    assert_non_null(strstr(text, "\r\nAllow: POST\r\n"));
    send_and_read(GW_REPLY_METHOD_NOT_ALLOWED_GET, text, sizeof(text));
    assert_non_null(strstr(text, "\r\nAllow: GET, HEAD\r\n"));
}

static void test_replies_are_built_and_freed(void **state)
{
    struct gw_replies replies;

    (void)state;
    assert_int_equal(gw_replies_init(&replies), 0);
    for (int i = GW_REPLY_NONE + 1; i < GW_REPLY_COUNT; i++) {
        assert_null(MHD_get_response_header(replies.built[i][0], "Connection"));
        assert_string_equal(MHD_get_response_header(replies.built[i][1], "Connection"), "close");
        assert_string_equal(MHD_get_response_header(replies.built[i][1], "Content-Type"),
                            "application/json");
    }
    gw_replies_deinit(&replies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_reply_is_as_the_design_says),
        cmocka_unit_test(test_every_reason_has_an_answer_a_text_and_a_counter_of_its_own),
        cmocka_unit_test(test_a_reply_on_a_bare_socket_is_whole),
        cmocka_unit_test(test_a_reply_names_what_helps),
        cmocka_unit_test(test_replies_are_built_and_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
