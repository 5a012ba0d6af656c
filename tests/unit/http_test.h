/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_HTTP_TEST_H
#define GW_TEST_HTTP_TEST_H

/* A client, its loop and a fake server: the fixture of the http client's tests. Included after
 * cmocka. */

#include "gw/http_client.h"

#include "fake_server.h"

#include <poll.h>
#include <signal.h>

#define LONG_MS 30000
#define ANSWER_MAX 1000
#define CALLS_MAX 8
#define PLAY(server, steps) fake_server_play(server, steps, GW_COUNT(steps))
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

struct one {
    struct gw_http_call call;
    struct test *test;
    bool done;
    int again; /* times that it is started anew */
    struct one *cancels;
};

struct test {
    struct gw_loop loop;
    struct fake_server server;
    struct gw_http_client *client;
    struct one ones[CALLS_MAX];
    int ended;
};

static inline struct gw_http_client *new_client(struct test *test, const char *url,
                                                size_t connections)
{
    const struct gw_http_client_options options = {
        .url = url,
        .connections = connections,
        .connect_timeout_ms = LONG_MS,
        .answer_max = ANSWER_MAX,
    };
    struct gw_http_client *client = NULL;

    assert_int_equal(gw_http_client_new(&test->loop, &options, &client), 0);
    return client;
}

static inline void on_done(struct gw_http_call *call)
{
    struct one *one = GW_CONTAINER(call, struct one, call);

    assert_false(one->done);
    one->test->ended++;
    if (one->cancels)
        gw_http_cancel(one->test->client, &one->cancels->call);
    if (one->again-- > 0)
        assert_int_equal(gw_http_start(one->test->client, call), 0);
    else
        one->done = true;
}

static inline struct gw_http_call *call_of(struct test *test, size_t index)
{
    struct one *one = &test->ones[index];

    one->done = false;
    one->test = test;
    one->call.method = "POST";
    one->call.path = "/";
    one->call.body = GW_STR("hello");
    one->call.timeout_ms = LONG_MS;
    one->call.done = on_done;
    return &one->call;
}

static inline struct gw_http_call *start(struct test *test, size_t index)
{
    struct gw_http_call *call = call_of(test, index);

    assert_int_equal(gw_http_start(test->client, call), 0);
    assert_false(test->ones[index].done);
    return call;
}

static inline void run(struct test *test, int ends)
{
    fake_run_until(&test->loop, &test->ended, ends);
    test->ended = 0;
}

/* One call from begin to end. */
static inline struct gw_http_call *ask(struct test *test)
{
    struct gw_http_call *call = start(test, 0);

    run(test, 1);
    return call;
}

/* As many rounds as there is something to do; a time-out does not count as that. */
static inline void settle(struct test *test)
{
    struct pollfd ready = {.fd = test->loop.epoll_fd, .events = POLLIN};

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(gw_loop_wait(&test->loop, 0), 0);
        if (poll(&ready, 1, 10) == 0)
            return;
    }
    fail_msg("something is ready for ever");
}

static inline int set_up(void **state)
{
    struct test *test = calloc(1, sizeof(*test));

    if (!test || gw_loop_init(&test->loop) < 0)
        return -1;
    signal(SIGPIPE, SIG_IGN);
    fake_server_open(&test->server, &test->loop);
    test->client = new_client(test, test->server.url, 2);
    *state = test;
    return 0;
}

static inline int tear_down(void **state)
{
    struct test *test = *state;

    gw_http_client_free(test->client);
    fake_server_close(&test->server);
    for (size_t i = 0; i < CALLS_MAX; i++)
        gw_buffer_deinit(&test->ones[i].call.answer);
    gw_loop_deinit(&test->loop);
    free(test);
    return 0;
}

static inline void expect_text(const struct gw_http_call *call, const char *text)
{
    assert_int_equal(call->answer.len, strlen(text));
    if (*text)
        assert_memory_equal(call->answer.data, text, strlen(text));
}

#endif
