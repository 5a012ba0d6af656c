/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_test.h"

#define ANSWER(status, length) "HTTP/1.1 " status "\r\nContent-Length: " length "\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* --- how it ends --- */

static char too_long[ANSWER_MAX + 100], endless_header[80001];

static void make_long_answers(void)
{
    static const char start[] = "HTTP/1.1 200 OKAY!\r\n", line[] = "A: bcdefghijklmnop\r\n";
    char body[ANSWER_MAX + 2] = "";

    memset(body, 'x', ANSWER_MAX + 1);
    fake_answer(too_long, sizeof(too_long), 200, "", body);
    for (size_t i = 0; i < sizeof(endless_header) - 1; i += sizeof(line) - 1)
        memcpy(endless_header + i, i ? line : start, sizeof(line) - 1);
}

static void test_every_way_to_end_has_its_result(void **state)
{
    static const struct {
        const char *name;
        struct fake_step step;
        const char *answer; /* NULL: none, cut off */
        int status;
        int64_t timeout_ms; /* 0: long */
    } cases[] = {
        {"with length", {FAKE_ANSWERS, OK}, "{}", 200, 0},
        {"chunked", {FAKE_ANSWERS, CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"}, "abcde", 200, 0},
        {"until the end", {FAKE_ENDS, "HTTP/1.1 200 OK\r\n\r\nabc"}, "abc", 200, 0},
        {"empty", {FAKE_ANSWERS, "HTTP/1.1 204 No\r\n\r\n"}, "", 204, 0},
        {"after a 100", {FAKE_ANSWERS, "HTTP/1.1 100 Continue\r\n\r\n" OK}, "{}", 200, 0},
        {"slowly", {FAKE_DRIPS, OK}, "{}", 200, 0},
        {"500 with HTML", {FAKE_ANSWERS, ANSWER("500 Oops", "6") "<html>"}, "<html>", 500, 0},
        {"not followed", {FAKE_ANSWERS, ANSWER("307 Go\r\nLocation: /b", "0")}, "", 307, 0},
        {"cut short", {FAKE_ENDS, ANSWER("200 OK", "10") "abc"}, NULL, 0, 0},
        {"cut short in a chunk", {FAKE_ENDS, CHUNKED "3\r\nabc\r\n2\r\n"}, NULL, 0, 0},
        {"too long", {FAKE_ANSWERS, too_long}, NULL, 0, 0},
        {"too long a header", {FAKE_ANSWERS, endless_header}, NULL, 0, 0},
        {"not HTTP", {FAKE_ENDS, "220 ready\r\n\r\n"}, NULL, 0, 0},
        {"reset", {FAKE_RESETS, NULL}, NULL, 0, 0},
        {"closed", {FAKE_ENDS, ""}, NULL, 0, 0},
        {"silence", {FAKE_HOLDS, OK}, NULL, 0, 30},
        {"half, then silence", {FAKE_ANSWERS, ANSWER("200 OK", "3") "ab"}, NULL, 0, 30},
    };
    struct test *test = *state;

    make_long_answers();
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_http_call *call = call_of(test, 0);

        print_message("%s\n", cases[i].name);
        fake_server_play(&test->server, &cases[i].step, 1);
        if (cases[i].timeout_ms)
            call->timeout_ms = cases[i].timeout_ms;
        do { /* on a slow machine it may not even be sent in time */
            test->ones[0].done = false;
            assert_int_equal(gw_http_start(test->client, call), 0);
            run(test, 1);
            call->timeout_ms *= 4;
        } while (cases[i].timeout_ms && call->result == GW_HTTP_UNSENT);
        assert_int_equal(call->result, cases[i].answer ? GW_HTTP_ANSWERED : GW_HTTP_CUT_OFF);
        assert_int_equal(call->problem == NULL, cases[i].answer != NULL);
        assert_true(call->answer.len <= ANSWER_MAX);
        if (cases[i].answer) {
            assert_int_equal(call->status, cases[i].status);
            expect_text(call, cases[i].answer);
        }
        assert_int_equal(test->server.requests, 1);
        fake_server_hang_up(&test->server);
    }
}

static void test_an_answer_as_long_as_allowed_is_taken(void **state)
{
    struct test *test = *state;
    char body[ANSWER_MAX + 1], bytes[ANSWER_MAX + 100];
    const struct fake_step step = {FAKE_ANSWERS, bytes};

    memset(body, 'x', ANSWER_MAX);
    body[ANSWER_MAX] = '\0';
    fake_answer(bytes, sizeof(bytes), 200, "", body);
    fake_server_play(&test->server, &step, 1);
    assert_int_equal(ask(test)->result, GW_HTTP_ANSWERED);
    assert_int_equal(test->ones[0].call.answer.len, ANSWER_MAX);
}

static void test_three_headers_of_an_answer_are_read(void **state)
{
    static const struct {
        const char *headers;
        int64_t date_ms, retry_after_ms, crc32;
    } cases[] = {
        {"", INT64_MIN, -1, -1},
        {"Date: Tue, 24 Nov 2026 10:35:00 GMT\r\n", INT64_C(1795516500000), -1, -1},
        {"date:Tue, 24 Nov 2026 10:35:00 GMT  \r\n", INT64_C(1795516500000), -1, -1},
        {"Date: yesterday\r\n", INT64_MIN, -1, -1},
        {"Date:\r\nDated: Tue, 24 Nov 2026 10:35:00 GMT\r\n", INT64_MIN, -1, -1},
        {"X-Amz-Crc32: 2745614147\r\n", INT64_MIN, -1, INT64_C(2745614147)},
        {"x-amz-crc32: 4294967295\r\n", INT64_MIN, -1, INT64_C(4294967295)},
        {"x-amz-crc32: 4294967296\r\n", INT64_MIN, -1, -1},
        {"x-amz-crc32: -1\r\n", INT64_MIN, -1, -1},
        {"x-amz-crc32: 12 34\r\n", INT64_MIN, -1, -1},
        {"x-amz-retry-after: 1500\r\n", INT64_MIN, 1500, -1},
        {"x-amz-retry-after: 99999999999999999999999\r\n", INT64_MIN, -1, -1},
        {"x-amz-retry-after: 1.5\r\nx-amz-retry: 3\r\n", INT64_MIN, -1, -1},
        {"X-AMZ-RETRY-AFTER:\t7\t\r\nX-AMZ-CRC32: 8\r\n", INT64_MIN, 7, 8},
    };
    struct test *test = *state;

    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char bytes[300];
        const struct fake_step step = {
            FAKE_ANSWERS, fake_answer(bytes, sizeof(bytes), 200, cases[i].headers, "{}")};
        struct gw_http_call *call;

        print_message("%s\n", cases[i].headers);
        fake_server_play(&test->server, &step, 1);
        call = ask(test);
        assert_int_equal(call->result, GW_HTTP_ANSWERED);
        assert_int_equal(call->date_ms, cases[i].date_ms);
        assert_int_equal(call->retry_after_ms, cases[i].retry_after_ms);
        assert_int_equal(call->crc32, cases[i].crc32);
    }
    assert_int_equal(test->server.accepted, 1);
}

/* --- what is sent --- */

static bool is_sent(const struct test *test, const char *text)
{
    return strcasestr(test->server.last.data, text) != NULL;
}

static void test_a_request_is_sent_as_it_was_made_whatever_came_before(void **state)
{
    static const struct {
        const char *method, *path, *header, *body, *length;
    } cases[] = {
        {"POST", "/", "X-Amz-Target: A.B", "{\"a\":1}", "Content-Length: 7\r\n"},
        {"PUT", "/a/../b%2Fc?d=e&f", "Accept:", "", "Content-Length: 0\r\n"},
        {"GET", "/a", "Accept: b", "", NULL},
        {"POST", "/", "X-Amz-Target: A.C", "", "Content-Length: 0\r\n"},
        {"DELETE", "/a", NULL, "", NULL},
        {"GET", "/a", NULL, "", NULL},
        {"PUT", "/a", NULL, "xyz", "Content-Length: 3\r\n"},
    };
    static const struct fake_step step = {FAKE_ANSWERS, OK};
    struct test *test = *state;

    fake_server_play(&test->server, &step, 1);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_http_call *call = call_of(test, 0);
        char line[100];
        const char *body;

        call->method = cases[i].method;
        call->path = cases[i].path;
        call->headers[0] = cases[i].header;
        call->body = *cases[i].body ? gw_str(cases[i].body) : (struct gw_str){0};
        assert_int_equal(gw_http_start(test->client, call), 0);
        run(test, 1);
        assert_int_equal(call->result, GW_HTTP_ANSWERED);

        (void)snprintf(line, sizeof(line), "%s %s HTTP/1.1\r\nHost: %s\r\n", cases[i].method,
                       cases[i].path, test->server.host);
        print_message("%s", test->server.last.data);
        assert_memory_equal(test->server.last.data, line, strlen(line));
        if (cases[i].header && cases[i].header[strlen(cases[i].header) - 1] != ':')
            assert_true(is_sent(test, cases[i].header));
        assert_int_equal(is_sent(test, "X-Amz-Target"),
                         cases[i].header && cases[i].header[0] == 'X');
        assert_int_equal(is_sent(test, "content-length"), cases[i].length != NULL);
        if (cases[i].length)
            assert_true(is_sent(test, cases[i].length));
        body = strstr(test->server.last.data, "\r\n\r\n") + 4;
        assert_string_equal(body, cases[i].body);
    }
    assert_int_equal(test->server.accepted, 1);
}

static void test_a_long_body_is_sent_whole_and_without_expecting_a_100(void **state)
{
    static const struct fake_step step = {FAKE_ANSWERS, OK};
    const size_t size = (size_t)3 << 20;
    struct test *test = *state;
    struct gw_http_call *call = call_of(test, 0);
    char *body = malloc(size);

    assert_non_null(body);
    memset(body, 'x', size);
    call->body = (struct gw_str){body, size};
    fake_server_play(&test->server, &step, 1);
    assert_int_equal(gw_http_start(test->client, call), 0);
    run(test, 1);
    free(body);
    assert_int_equal(call->result, GW_HTTP_ANSWERED);
    assert_true(test->server.last.len > size);
    assert_false(is_sent(test, "Expect"));
}

static void test_urls_of_other_schemes_are_refused(void **state)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1", "127.0.0.1", ""};
    struct test *test = *state;

    for (size_t i = 0; i < GW_COUNT(urls); i++) {
        const struct gw_http_client_options options = {.url = urls[i], .connections = 1};
        struct gw_http_client *client = NULL;

        assert_int_equal(gw_http_client_new(&test->loop, &options, &client), -EINVAL);
        assert_null(client);
    }
}

/* --- restarts, cancellation, the end --- */

static void test_a_call_may_be_started_again_from_its_done(void **state)
{
    static const struct fake_step step = {FAKE_ANSWERS, OK};
    struct test *test = *state;

    fake_server_play(&test->server, &step, 1);
    for (size_t i = 0; i < 3; i++)
        start(test, i);
    for (size_t i = 0; i < 3; i++)
        test->ones[i].again = 20;
    run(test, 63);
    assert_int_equal(test->server.requests, 63);
    assert_int_equal(test->server.accepted, 2);
}

static void test_a_cancelled_call_never_ends_and_its_place_is_free(void **state)
{
    static const struct fake_step step = {FAKE_HOLDS, OK};
    struct test *test = *state;

    fake_server_play(&test->server, &step, 1);
    for (size_t i = 0; i < 4; i++)
        start(test, i);
    fake_run_until(&test->loop, &test->server.requests, 2);
    gw_http_cancel(test->client, &test->ones[0].call); /* under way: 2 takes its place */
    gw_http_cancel(test->client, &test->ones[3].call); /* waiting */
    gw_http_cancel(test->client, &test->ones[3].call); /* again */
    gw_http_cancel(test->client, call_of(test, 5));    /* never started */
    fake_run_until(&test->loop, &test->server.requests, 3);
    fake_server_release(&test->server);
    run(test, 2);
    settle(test);
    assert_false(test->ones[0].done || test->ones[3].done);
    assert_true(test->ones[1].done && test->ones[2].done);
    assert_int_equal(test->server.requests, 3);
    start(test, 3);
    fake_run_until(&test->loop, &test->server.requests, 4);
}

static void test_a_call_may_be_cancelled_from_the_done_of_another(void **state)
{
    static const struct fake_step step = {FAKE_HOLDS, OK};
    struct test *test = *state;

    for (int i = 0; i < 2; i++)
        test->ones[i].cancels = &test->ones[1 - i];
    fake_server_play(&test->server, &step, 1);
    start(test, 0);
    start(test, 1);
    fake_run_until(&test->loop, &test->server.requests, 2);
    fake_server_release(&test->server); /* both are ready in one round */
    run(test, 1);
    settle(test);
    assert_true(test->ones[0].done != test->ones[1].done);
    assert_int_equal(test->ended, 0);
}

static void test_the_client_may_be_freed_while_calls_are_under_way(void **state)
{
    static const struct fake_step step = {FAKE_HOLDS, OK};
    struct test *test = *state;

    fake_server_play(&test->server, &step, 1);
    for (size_t i = 0; i < 4; i++)
        start(test, i);
    fake_run_until(&test->loop, &test->server.requests, 2);
    test->client = gw_http_client_free(test->client);
    settle(test);
    assert_int_equal(test->ended, 0);
    for (size_t i = 0; i < 4; i++)
        assert_null(test->ones[i].call.transfer);
    assert_null(test->server.peers);
    assert_null(test->loop.timers);

    test->client = new_client(test, test->server.url, 1);
    start(test, 0); /* not even begun to connect */
    gw_http_client_warm(test->client, 3);
    test->client = gw_http_client_free(test->client);
    assert_null(test->loop.timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_every_way_to_end_has_its_result),
        TEST(test_an_answer_as_long_as_allowed_is_taken),
        TEST(test_three_headers_of_an_answer_are_read),
        TEST(test_a_request_is_sent_as_it_was_made_whatever_came_before),
        TEST(test_a_long_body_is_sent_whole_and_without_expecting_a_100),
        TEST(test_urls_of_other_schemes_are_refused),
        TEST(test_a_call_may_be_started_again_from_its_done),
        TEST(test_a_cancelled_call_never_ends_and_its_place_is_free),
        TEST(test_a_call_may_be_cancelled_from_the_done_of_another),
        TEST(test_the_client_may_be_freed_while_calls_are_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
