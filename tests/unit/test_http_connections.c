/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_test.h"

#include <dlfcn.h>
#include <netdb.h>

#define FILLERS 4

static void test_a_connection_is_kept_and_used_again(void **state)
{
    static const struct fake_step step = {FAKE_ANSWERS, OK};
    struct test *test = *state;

    fake_server_play(&test->server, &step, 1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(test)->result, GW_HTTP_ANSWERED);
    assert_int_equal(test->server.requests, 10);
    assert_int_equal(test->server.accepted, 1);
}

static void test_a_connection_that_the_server_closed_while_idle_is_replaced(void **state)
{
    static const struct fake_step step = {FAKE_ANSWERS, OK};
    struct test *test = *state;

    fake_server_play(&test->server, &step, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(test)->result, GW_HTTP_ANSWERED);
        assert_int_equal(test->server.accepted, i + 1);
        fake_server_hang_up(&test->server);
        settle(test);
    }
}

/* Numbers of descriptors come again and again, also to the wrong one of two sockets. */
static void test_descriptors_may_be_closed_and_used_again(void **state)
{
    static const struct fake_step step = {
        FAKE_ENDS, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"};
    struct test *test = *state;

    fake_server_play(&test->server, &step, 1);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < CALLS_MAX; i++)
            start(test, i);
        run(test, CALLS_MAX);
        for (size_t i = 0; i < CALLS_MAX; i++)
            assert_int_equal(test->ones[i].call.result, GW_HTTP_ANSWERED);
    }
    assert_int_equal(test->server.accepted, 20 * CALLS_MAX);
}

#define SEVERAL "several.test"

static const char *several[2]; /* addresses of that name */

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
    int r = 0;

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (strcmp(node, SEVERAL) != 0)
        return real(node, service, hints, result);
    for (size_t i = 0; r == 0 && i < GW_COUNT(several); i++) {
        r = real(several[i], service, hints, result);
        while (r == 0 && *result)
            result = &(*result)->ai_next;
    }
    return r;
}

/* Connections that are closed after each answer, so that their descriptors come again. */
static void ask_several(struct test *test, const char *first, const char *second)
{
    static const struct fake_step step = {
        FAKE_ENDS, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"};
    char url[64];

    several[0] = first;
    several[1] = second;
    (void)snprintf(url, sizeof(url), "http://" SEVERAL ":%d", test->server.port);
    gw_http_client_free(test->client);
    test->client = new_client(test, url, 2);
    fake_server_play(&test->server, &step, 1);
    for (size_t i = 0; i < CALLS_MAX; i++)
        start(test, i);
    run(test, CALLS_MAX);
    for (size_t i = 0; i < CALLS_MAX; i++)
        assert_int_equal(test->ones[i].call.result, GW_HTTP_ANSWERED);
    assert_int_equal(test->server.accepted, CALLS_MAX);
}

static void test_an_address_that_refuses_is_passed_over(void **state)
{
    ask_several(*state, "127.0.0.2", "127.0.0.1");
}

/* Fills the backlog of what listens at @address, so that it drops whoever comes then. */
static void fill(const struct sockaddr *address, socklen_t size, int fds[static FILLERS])
{
    for (size_t i = 0; i < FILLERS; i++) {
        fds[i] = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], address, size);
    }
}

static void close_all(const int fds[static FILLERS])
{
    for (size_t i = 0; i < FILLERS; i++)
        close(fds[i]);
}

static void test_an_address_that_hangs_is_overtaken(void **state)
{
    struct test *test = *state;
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                         .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                                         .sin6_port = htons((uint16_t)test->server.port)};
    int fillers[FILLERS], listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        close(listener);
        skip(); /* no IPv6 here */
    }
    assert_int_equal(listen(listener, 0), 0);
    fill((const struct sockaddr *)&address, sizeof(address), fillers);
    ask_several(test, "::1", "127.0.0.1");
    close_all(fillers);
    close(listener);
}

static void test_of_three_calls_on_two_connections_the_third_waits(void **state)
{
    static const struct fake_step step = {FAKE_HOLDS, OK};
    struct test *test = *state;

    fake_server_play(&test->server, &step, 1);
    for (size_t i = 0; i < 3; i++)
        start(test, i);
    fake_run_until(&test->loop, &test->server.requests, 2);
    settle(test);
    assert_int_equal(test->server.requests, 2);
    assert_int_equal(test->ended, 0);

    fake_server_release(&test->server);
    fake_run_until(&test->loop, &test->server.requests, 3);
    fake_server_release(&test->server);
    run(test, 3);
    assert_int_equal(test->server.accepted, 2);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(test->ones[i].call.result, GW_HTTP_ANSWERED);
}

static void test_those_that_wait_are_served_in_their_order(void **state)
{
    static const struct fake_step step = {FAKE_ANSWERS, OK};
    static const char *const paths[] = {"/0", "/1", "/2", "/3"};
    struct test *test = *state;

    gw_http_client_free(test->client);
    test->client = new_client(test, test->server.url, 1);
    fake_server_play(&test->server, &step, 1);
    for (size_t i = 0; i < GW_COUNT(paths); i++) {
        struct gw_http_call *call = call_of(test, i);

        call->path = paths[i];
        assert_int_equal(gw_http_start(test->client, call), 0);
    }
    test->ones[0].again = 1; /* goes to the end */
    for (int i = 0; i < 5; i++) {
        fake_run_until(&test->loop, &test->ended, i + 1);
        assert_memory_equal(test->server.last.data + 5, paths[i % 4], 2);
    }
    assert_int_equal(test->server.accepted, 1);
}

static void test_a_call_that_waits_in_vain_is_unsent(void **state)
{
    static const struct fake_step step = {FAKE_HOLDS, OK};
    struct test *test = *state;

    fake_server_play(&test->server, &step, 1);
    start(test, 0);
    start(test, 1);
    fake_run_until(&test->loop, &test->server.requests, 2);
    start(test, 2);
    call_of(test, 3)->timeout_ms = 1;
    call_of(test, 4)->timeout_ms = 20;
    for (size_t i = 3; i < 5; i++)
        assert_int_equal(gw_http_start(test->client, &test->ones[i].call), 0);
    fake_run_until(&test->loop, &test->ended, 2);
    assert_int_equal(test->ones[3].call.result, GW_HTTP_UNSENT);
    assert_int_equal(test->ones[4].call.result, GW_HTTP_UNSENT);
    assert_non_null(test->ones[4].call.problem);

    fake_server_release(&test->server);
    fake_run_until(&test->loop, &test->server.requests, 3);
    fake_server_release(&test->server);
    run(test, 5);
    assert_int_equal(test->ones[2].call.result, GW_HTTP_ANSWERED);
}

static void test_warm_connections_are_there_for_the_first_requests(void **state)
{
    static const struct fake_step step = {FAKE_HOLDS, OK};
    struct test *test = *state;

    gw_http_client_free(test->client);
    test->client = new_client(test, test->server.url, 4);
    fake_server_play(&test->server, &step, 1);
    gw_http_client_warm(test->client, 3);
    fake_run_until(&test->loop, &test->server.requests, 3);
    assert_memory_equal(test->server.last.data, "GET / ", 6);
    fake_server_release(&test->server);
    settle(test);

    for (size_t i = 0; i < 3; i++)
        start(test, i);
    fake_run_until(&test->loop, &test->server.requests, 6);
    assert_int_equal(test->server.accepted, 3);
    fake_server_release(&test->server);
    run(test, 3);
}

static void test_warming_makes_no_more_connections_than_allowed(void **state)
{
    static const struct fake_step step = {FAKE_ANSWERS, OK};
    struct test *test = *state;

    fake_server_play(&test->server, &step, 1);
    gw_http_client_warm(test->client, 100);
    settle(test);
    assert_int_equal(test->server.accepted, 2);
    assert_int_equal(ask(test)->result, GW_HTTP_ANSWERED);
    assert_int_equal(test->server.accepted, 2);
}

/* --- no connection --- */

static void test_where_nobody_listens_it_is_unsent(void **state)
{
    struct test *test = *state;

    fake_server_refuse(&test->server);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(test)->result, GW_HTTP_UNSENT);
        assert_non_null(strstr(test->ones[0].call.problem, "connect"));
    }
}

static void test_a_name_that_is_none_is_unsent(void **state)
{
    struct test *test = *state;

    gw_http_client_free(test->client);
    /* A label of over 63 letters is not even asked for. */
    test->client = new_client(test,
                              "http://aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"
                              "eeeeeeeeeeffffffffffgggggggggg.test",
                              2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(test)->result, GW_HTTP_UNSENT);
}

static void test_a_connection_that_does_not_come_about_in_time_is_unsent(void **state)
{
    struct test *test = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int port, fillers[FILLERS], listener = fake_listen(0, &port);
    struct gw_http_call *call = call_of(test, 0);
    char url[64];

    address.sin_port = htons((uint16_t)port);
    fill((const struct sockaddr *)&address, sizeof(address), fillers);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    gw_http_client_free(test->client);
    test->client = new_client(test, url, 1);
    call->timeout_ms = 50;
    assert_int_equal(gw_http_start(test->client, call), 0);
    run(test, 1);
    assert_int_equal(call->result, GW_HTTP_UNSENT);
    close_all(fillers);
    close(listener);
}

static void test_what_libcurl_sent_again_by_itself_is_answered(void **state)
{
    static const struct fake_step steps[] = {
        {FAKE_ANSWERS, OK}, {FAKE_RESETS, NULL}, {FAKE_ANSWERS, OK}};
    struct test *test = *state;

    PLAY(&test->server, steps);
    assert_int_equal(ask(test)->result, GW_HTTP_ANSWERED);
    assert_int_equal(ask(test)->result, GW_HTTP_ANSWERED);
    assert_int_equal(test->server.requests, 3);
    assert_int_equal(test->server.accepted, 2);
}

/* The server has seen it once, though the last that happened is that it refused. */
static void test_what_libcurl_could_not_send_again_is_not_unsent(void **state)
{
    static const struct fake_step steps[] = {{FAKE_ANSWERS, OK}, {FAKE_RESETS, NULL}};
    struct test *test = *state;

    PLAY(&test->server, steps);
    assert_int_equal(ask(test)->result, GW_HTTP_ANSWERED);
    fake_server_refuse(&test->server);
    assert_int_equal(ask(test)->result, GW_HTTP_CUT_OFF);
    assert_int_equal(test->server.requests, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_connection_is_kept_and_used_again),
        TEST(test_a_connection_that_the_server_closed_while_idle_is_replaced),
        TEST(test_descriptors_may_be_closed_and_used_again),
        TEST(test_an_address_that_refuses_is_passed_over),
        TEST(test_an_address_that_hangs_is_overtaken),
        TEST(test_of_three_calls_on_two_connections_the_third_waits),
        TEST(test_those_that_wait_are_served_in_their_order),
        TEST(test_a_call_that_waits_in_vain_is_unsent),
        TEST(test_warm_connections_are_there_for_the_first_requests),
        TEST(test_warming_makes_no_more_connections_than_allowed),
        TEST(test_where_nobody_listens_it_is_unsent),
        TEST(test_a_name_that_is_none_is_unsent),
        TEST(test_a_connection_that_does_not_come_about_in_time_is_unsent),
        TEST(test_what_libcurl_sent_again_by_itself_is_answered),
        TEST(test_what_libcurl_could_not_send_again_is_not_unsent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
