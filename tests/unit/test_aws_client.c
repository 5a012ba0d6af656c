/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/aws_client.h"

#include "gw/sigv4.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "fake_server.h"

#define LONG_MS 30000
#define HOUR_MS INT64_C(3600000)
#define CALLS_MAX 20
#define ATTEMPTS_MAX 3
#define PLAY(test, steps) fake_server_play(&(test)->server, steps, GW_COUNT(steps))

#define A(bytes)                                                                                   \
    {                                                                                              \
        FAKE_ANSWERS, bytes                                                                        \
    }
#define RESET                                                                                      \
    {                                                                                              \
        FAKE_RESETS, NULL                                                                          \
    }

#define HEAD(status, headers, length)                                                              \
    "HTTP/1.1 " status " X\r\n" headers "Content-Length: " length "\r\n\r\n"
#define VALIDATION "ValidationException"
#define OK HEAD("200", "x-amz-crc32: 2745614147\r\n", "2") "{}"
#define TRUNCATED HEAD("200", "", "1") "{"
#define PAGE HEAD("200", "", "7") "<html/>"
#define DAMAGED HEAD("200", "x-amz-crc32: 1\r\n", "2") "{}"
#define DAMAGED_ERROR HEAD("400", "x-amz-crc32: 1\r\n", "34") "{\"__type\":\"a#" VALIDATION "\"}"
#define HTML HEAD("500", "", "6") "<html>"
#define UNAVAILABLE HEAD("503", "", "0")
#define REDIRECT HEAD("307", "Location: /\r\n", "0")
#define INVALID HEAD("400", "", "34") "{\"__type\":\"a#" VALIDATION "\"}"
#define THROTTLED HEAD("400", "", "34") "{\"__type\":\"a#ThrottlingException\"}"
#define THROTTLED_LONG                                                                             \
    HEAD("400", "x-amz-retry-after: 4000\r\n", "34") "{\"__type\":\"a#ThrottlingException\"}"
#define EXPIRED HEAD("400", "", "36") "{\"__type\":\"a#ExpiredTokenException\"}"
#define SIGNATURE HEAD("400", "", "40") "{\"__type\":\"a#InvalidSignatureException\"}"

/* Gives KEY1, KEY2 and so on, and from fails_from on nothing. */
struct source {
    struct gw_provider base;
    atomic_int fetches;
    int fails_from; /* 0: never */
};

struct one {
    struct gw_aws_call call;
    struct test *test;
    int again;
};

struct test {
    struct gw_loop loop;
    struct fake_server server;
    struct source source;
    struct gw_credentials_cache *cache;
    struct gw_aws_client *client;
    struct one ones[CALLS_MAX];
    int ended;
};

static int fetch(struct gw_provider *base, struct gw_credentials **credentials, char *message)
{
    struct source *source = GW_CONTAINER(base, struct source, base);
    int fetches = atomic_load(&source->fetches) + 1;
    char id[16];

    if (source->fails_from && fetches >= source->fails_from) {
        atomic_store(&source->fetches, fetches);
        (void)snprintf(message, GW_AWS_MESSAGE_SIZE, "told to fail");
        return GW_PROVIDER_FAILED;
    }
    (void)snprintf(id, sizeof(id), "KEY%d", fetches);
    *credentials = gw_credentials_new(gw_str(id), GW_STR("hidden"), GW_STR("a/long+token=="),
                                      GW_AWS_NEVER, "test");
    atomic_store(&source->fetches, fetches);
    return *credentials ? 0 : -ENOMEM;
}

static void free_nothing(struct gw_provider *base)
{
    (void)base;
}

static void on_done(struct gw_aws_call *call)
{
    struct one *one = GW_CONTAINER(call, struct one, call);

    assert_null(call->client);
    one->test->ended++;
    if (one->again-- > 0)
        assert_int_equal(gw_aws_start(one->test->client, call), 0);
}

static struct gw_aws_call *call_of(struct test *test, size_t index)
{
    struct one *one = &test->ones[index];

    one->test = test;
    one->call.target = "DynamoDB_20120810.PutItem";
    one->call.body = GW_STR("{\"TableName\":\"t\"}");
    one->call.deadline_ms = gw_time_monotonic_ms() + LONG_MS;
    one->call.done = on_done;
    return &one->call;
}

static struct gw_aws_call *start(struct test *test, size_t index)
{
    struct gw_aws_call *call = call_of(test, index);
    int ended = test->ended;

    assert_int_equal(gw_aws_start(test->client, call), 0);
    assert_int_equal(test->ended, ended);
    return call;
}

static void run(struct test *test, int ends)
{
    fake_run_until(&test->loop, &test->ended, ends);
    assert_int_equal(test->ended, ends);
    test->ended = 0;
}

static struct gw_aws_call *ask(struct test *test)
{
    struct gw_aws_call *call = start(test, 0);

    run(test, 1);
    return call;
}

static struct gw_aws_client *new_client(struct test *test, int64_t attempt_timeout_ms)
{
    struct gw_aws_endpoint endpoint = {.region = "eu-central-1"};
    const struct gw_aws_client_options options = {
        .endpoint = &endpoint,
        .service = "dynamodb",
        .cache = test->cache,
        .connections = 2,
        .max_attempts = ATTEMPTS_MAX,
        .connect_timeout_ms = LONG_MS,
        .attempt_timeout_ms = attempt_timeout_ms,
    };
    struct gw_aws_client *client = NULL;

    (void)snprintf(endpoint.url, sizeof(endpoint.url), "%s", test->server.url);
    (void)snprintf(endpoint.host, sizeof(endpoint.host), "%s", test->server.host);
    assert_int_equal(gw_aws_client_new(&test->loop, &options, &client), 0);
    return client;
}

static int set_up(void **state)
{
    static const struct gw_provider_ops ops = {
        .name = "test", .fetch = fetch, .free = free_nothing};
    struct test *test = calloc(1, sizeof(*test));
    char message[GW_AWS_MESSAGE_SIZE];

    if (!test || gw_loop_init(&test->loop) < 0)
        return -1;
    signal(SIGPIPE, SIG_IGN);
    test->source.base.ops = &ops;
    if (gw_credentials_cache_new(&test->source.base, &test->cache, message))
        return -1;
    fake_server_open(&test->server, &test->loop);
    test->client = new_client(test, LONG_MS);
    *state = test;
    return 0;
}

static int tear_down(void **state)
{
    struct test *test = *state;

    for (size_t i = 0; i < CALLS_MAX; i++)
        gw_aws_call_deinit(&test->ones[i].call);
    gw_aws_client_free(test->client);
    gw_credentials_cache_free(test->cache);
    fake_server_close(&test->server);
    assert_null(test->loop.timers);
    gw_loop_deinit(&test->loop);
    free(test);
    return 0;
}

/* --- outcomes --- */

static void test_every_course_of_a_request_has_its_outcome(void **state)
{
    static const struct {
        const char *name;
        struct fake_step steps[3]; /* the last for all that follow */
        enum gw_aws_fault fault;
        int attempts, status;
        const char *code;
    } cases[] = {
        {"answered", {A(OK)}, GW_AWS_FAULT_NONE, 1, 200, ""},
        {"throttled, then fine", {A(THROTTLED), A(OK)}, GW_AWS_FAULT_NONE, 2, 200, ""},
        {"500 with HTML, then fine", {A(HTML), A(OK)}, GW_AWS_FAULT_NONE, 2, 200, ""},
        {"twice reset, then fine", {RESET, RESET, A(OK)}, GW_AWS_FAULT_NONE, 3, 200, ""},
        {"wrong CRC, then fine", {A(DAMAGED), A(OK)}, GW_AWS_FAULT_NONE, 2, 200, ""},
        {"truncated, then fine", {A(TRUNCATED), A(OK)}, GW_AWS_FAULT_NONE, 2, 200, ""},
        {"unavailable", {A(UNAVAILABLE)}, GW_AWS_FAULT_TRANSIENT, ATTEMPTS_MAX, 503, ""},
        {"reset", {RESET}, GW_AWS_FAULT_AMBIGUOUS, ATTEMPTS_MAX, 0, ""},
        {"wrong CRC", {A(DAMAGED)}, GW_AWS_FAULT_AMBIGUOUS, ATTEMPTS_MAX, 200, ""},
        {"a page for an answer", {A(PAGE)}, GW_AWS_FAULT_AMBIGUOUS, ATTEMPTS_MAX, 200, ""},
        {"damaged error", {A(DAMAGED_ERROR)}, GW_AWS_FAULT_AMBIGUOUS, ATTEMPTS_MAX, 400, ""},
        {"refused", {A(INVALID)}, GW_AWS_FAULT_REFUSED, 1, 400, VALIDATION},
        {"reset, then refused", {RESET, A(INVALID)}, GW_AWS_FAULT_AMBIGUOUS, 2, 400, VALIDATION},
        {"no, then refused",
         {A(UNAVAILABLE), A(INVALID)},
         GW_AWS_FAULT_REFUSED,
         2,
         400,
         VALIDATION},
        {"signature", {A(SIGNATURE)}, GW_AWS_FAULT_REFUSED, 1, 400, "InvalidSignatureException"},
        {"redirect", {A(REDIRECT)}, GW_AWS_FAULT_REFUSED, 1, 307, ""},
    };
    struct test *test = *state;

    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        size_t steps = 1;
        struct gw_aws_call *call;

        print_message("%s\n", cases[i].name);
        while (steps < 3 && (cases[i].steps[steps].bytes || cases[i].steps[steps].way))
            steps++;
        fake_server_play(&test->server, cases[i].steps, steps);
        call = ask(test);
        assert_int_equal(call->fault, cases[i].fault);
        assert_int_equal(call->attempts, cases[i].attempts);
        assert_string_equal(call->error.code, cases[i].code);
        if (call->fault != GW_AWS_FAULT_NONE)
            assert_int_equal(call->error.status, cases[i].status);
        assert_int_equal(call->http.status, cases[i].status);
        assert_true(test->server.requests >= cases[i].attempts); /* libcurl repeats, too */
        fake_server_hang_up(&test->server);
    }
}

static void test_where_nobody_listens_it_is_transient_and_says_why(void **state)
{
    struct test *test = *state;
    struct gw_aws_call *call;

    fake_server_refuse(&test->server);
    call = ask(test);
    assert_int_equal(call->fault, GW_AWS_FAULT_TRANSIENT);
    assert_int_equal(call->attempts, ATTEMPTS_MAX);
    assert_int_equal(call->error.status, 0);
    assert_non_null(strstr(call->error.text, "connect"));
}

/* 500 tokens are 35 retries at 14. */
static void test_retries_end_when_the_bucket_is_empty_and_come_back_with_successes(void **state)
{
    static const struct fake_step down[] = {A(UNAVAILABLE)};
    static const struct fake_step up[] = {A(OK)};
    static const struct fake_step flaky[] = {A(UNAVAILABLE), A(OK)};
    struct test *test = *state;

    PLAY(test, down);
    for (size_t i = 0; i < CALLS_MAX; i++)
        start(test, i);
    run(test, CALLS_MAX);
    assert_int_equal(test->server.requests, CALLS_MAX + 35);

    PLAY(test, up);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask(test)->fault, GW_AWS_FAULT_NONE);
    PLAY(test, flaky); /* 14 are there, and are given back */
    for (int i = 0; i < 3; i++) {
        test->server.requests = 0;
        assert_int_equal(ask(test)->fault, GW_AWS_FAULT_NONE);
        assert_int_equal(test->ones[0].call.attempts, 2);
    }
}

static void test_the_deadline_stands_over_all_attempts(void **state)
{
    static const struct fake_step steps[] = {{FAKE_HOLDS, OK}};
    struct test *test = *state;

    PLAY(test, steps);
    for (int i = 0; i < 2; i++) {
        struct gw_aws_call *call = call_of(test, 0);
        int64_t began_ms = gw_time_monotonic_ms();

        call->deadline_ms = began_ms + (i ? 50 : -50);
        assert_int_equal(gw_aws_start(test->client, call), 0);
        assert_int_equal(test->ended, 0);
        run(test, 1);
        assert_true(gw_time_monotonic_ms() < began_ms + LONG_MS);
        assert_true(call->fault == GW_AWS_FAULT_AMBIGUOUS || call->fault == GW_AWS_FAULT_TRANSIENT);
    }
}

static void test_an_attempt_that_hangs_is_given_up_and_repeated(void **state)
{
    static const struct fake_step steps[] = {{FAKE_HOLDS, OK}, A(OK)};
    struct test *test = *state;

    gw_aws_client_free(test->client);
    test->client = new_client(test, 500);
    PLAY(test, steps);
    assert_int_equal(ask(test)->fault, GW_AWS_FAULT_NONE);
    assert_true(test->ones[0].call.attempts > 1);
}

/* --- what is sent --- */

static int64_t sent_time_ms(const struct test *test)
{
    int64_t time_ms;

    assert_int_equal(gw_time_parse(fake_sent_header(&test->server, GW_STR("x-amz-date")), &time_ms),
                     0);
    return time_ms;
}

/* The signature, once more, over the headers that it says it signed, as they came. */
static void expect_signed(const struct test *test, struct gw_str key_id)
{
    static const char *const names[] = {"content-type", "host", "x-amz-date",
                                        "x-amz-security-token", "x-amz-target"};
    struct gw_str authorization = fake_sent_header(&test->server, GW_STR("authorization"));
    struct gw_sigv4_header headers[GW_COUNT(names)];
    char hash[GW_SIGV4_HASH_SIZE];
    const struct gw_sigv4_request request = {.method = GW_STR("POST"),
                                             .path = GW_STR("/"),
                                             .query = GW_STR(""),
                                             .headers = headers,
                                             .header_count = GW_COUNT(names),
                                             .body_hash = {hash, sizeof(hash) - 1}};
    const char *body = strstr(test->server.last.data, "\r\n\r\n") + 4;
    struct gw_sigv4_key *key = gw_sigv4_key_new(GW_STR("eu-central-1"), GW_STR("dynamodb"));
    struct gw_buffer expected;

    assert_non_null(key);
    gw_buffer_init(&expected, 4096);
    for (size_t i = 0; i < GW_COUNT(names); i++)
        headers[i] = (struct gw_sigv4_header){gw_str(names[i]),
                                              fake_sent_header(&test->server, gw_str(names[i]))};
    assert_int_equal(gw_sigv4_hash(gw_str(body), hash), 0);
    assert_int_equal(
        gw_sigv4_sign(key, key_id, GW_STR("hidden"), &request, sent_time_ms(test), &expected), 0);
    assert_int_equal(authorization.len, expected.len);
    assert_memory_equal(authorization.data, expected.data, expected.len);
    gw_buffer_deinit(&expected);
    gw_sigv4_key_free(key);
}

static void test_what_is_sent_is_what_was_signed(void **state)
{
    static const struct fake_step steps[] = {A(OK)};
    struct test *test = *state;

    PLAY(test, steps);
    ask(test);
    expect_signed(test, GW_STR("KEY1"));
    assert_true(gw_str_equal(fake_sent_header(&test->server, GW_STR("content-type")),
                             GW_STR("application/x-amz-json-1.0")));
    assert_true(gw_str_equal(fake_sent_header(&test->server, GW_STR("x-amz-target")),
                             GW_STR("DynamoDB_20120810.PutItem")));
    assert_true(gw_str_equal(fake_sent_header(&test->server, GW_STR("x-amz-security-token")),
                             GW_STR("a/long+token==")));
    assert_true(
        gw_str_equal(fake_sent_header(&test->server, GW_STR("host")), gw_str(test->server.host)));
    assert_true(llabs(sent_time_ms(test) - gw_time_now_ms()) < LONG_MS);
    assert_string_equal(strstr(test->server.last.data, "\r\n\r\n") + 4, "{\"TableName\":\"t\"}");
}

/* --- the clock --- */

/* An answer that calls the signature too old, or new, from a server whose clock is @skew_ms off. */
static const char *skewed_answer(char *text, size_t size, int64_t skew_ms)
{
    time_t seconds = (time_t)((gw_time_now_ms() + skew_ms) / 1000);
    char date[64];
    struct tm parts;

    assert_non_null(gmtime_r(&seconds, &parts));
    assert_true(strftime(date, sizeof(date), "Date: %a, %d %b %Y %T GMT\r\n", &parts) > 0);
    return fake_answer(text, size, 400, date, "{\"__type\":\"a#InvalidSignatureException\"}");
}

static void test_a_clock_that_is_off_is_corrected_for_this_request_and_those_after(void **state)
{
    static const int64_t skews[] = {HOUR_MS, -2 * HOUR_MS, 0};
    struct test *test = *state;

    for (size_t i = 0; i < GW_COUNT(skews); i++) {
        char bytes[300];
        const struct fake_step steps[] = {
            {FAKE_ANSWERS, skewed_answer(bytes, sizeof(bytes), skews[i])}, A(OK)};

        PLAY(test, steps);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(ask(test)->fault, GW_AWS_FAULT_NONE);
            assert_int_equal(test->ones[0].call.attempts, again ? 1 : 2);
            assert_true(llabs(sent_time_ms(test) - gw_time_now_ms() - skews[i]) < LONG_MS);
            expect_signed(test, GW_STR("KEY1"));
        }
    }
}

static void test_all_that_were_under_way_with_a_wrong_clock_are_repeated(void **state)
{
    struct test *test = *state;
    char bytes[300];
    const char *skewed = skewed_answer(bytes, sizeof(bytes), HOUR_MS);
    const struct fake_step steps[] = {{FAKE_HOLDS, skewed}, {FAKE_HOLDS, skewed}, A(OK)};

    PLAY(test, steps);
    start(test, 0);
    start(test, 1);
    fake_run_until(&test->loop, &test->server.requests, 2);
    fake_server_release(&test->server);
    run(test, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(test->ones[i].call.fault, GW_AWS_FAULT_NONE);
        assert_int_equal(test->ones[i].call.attempts, 2);
    }
}

static void test_a_signature_that_is_refused_at_the_right_time_is_wrong(void **state)
{
    struct test *test = *state;
    char bytes[300];
    const struct fake_step steps[] = {{FAKE_ANSWERS, skewed_answer(bytes, sizeof(bytes), HOUR_MS)}};

    PLAY(test, steps);
    assert_int_equal(ask(test)->fault, GW_AWS_FAULT_REFUSED);
    assert_int_equal(test->ones[0].call.attempts, 2); /* the first corrected the clock */
    assert_string_equal(test->ones[0].call.error.code, "InvalidSignatureException");
}

/* --- credentials --- */

static void test_expired_credentials_are_renewed_and_the_request_is_repeated(void **state)
{
    static const struct fake_step steps[] = {A(EXPIRED), A(OK)};
    struct test *test = *state;

    PLAY(test, steps);
    assert_int_equal(ask(test)->fault, GW_AWS_FAULT_NONE);
    assert_int_equal(test->ones[0].call.attempts, 2);
    assert_int_equal(test->source.fetches, 2);
    expect_signed(test, GW_STR("KEY2"));
}

static void test_credentials_that_are_refused_twice_end_the_request(void **state)
{
    static const struct fake_step steps[] = {A(EXPIRED)};
    struct test *test = *state;

    PLAY(test, steps);
    assert_int_equal(ask(test)->fault, GW_AWS_FAULT_EXPIRED);
    assert_int_equal(test->ones[0].call.attempts, 2);
    assert_string_equal(test->ones[0].call.error.code, "ExpiredTokenException");
    expect_signed(test, GW_STR("KEY2"));
}

static void test_a_request_waits_for_new_credentials_until_its_deadline(void **state)
{
    static const struct fake_step steps[] = {A(EXPIRED)};
    struct test *test = *state;
    struct gw_aws_call *call = call_of(test, 0);

    test->source.fails_from = 2;
    PLAY(test, steps);
    call->deadline_ms = gw_time_monotonic_ms() + 1500;
    assert_int_equal(gw_aws_start(test->client, call), 0);
    fake_run_until(&test->loop, &test->server.requests, 1);
    run(test, 1);
    assert_int_equal(call->fault, GW_AWS_FAULT_EXPIRED);
    assert_int_equal(call->attempts, 1);
    assert_int_equal(test->server.requests, 1);
    assert_true(gw_time_monotonic_ms() >= call->deadline_ms);
}

/* --- restarts, cancellation, the end --- */

static void test_a_call_may_be_started_again_from_its_done(void **state)
{
    static const struct fake_step steps[] = {A(OK)};
    struct test *test = *state;

    PLAY(test, steps);
    for (size_t i = 0; i < 4; i++)
        start(test, i);
    for (size_t i = 0; i < 4; i++)
        test->ones[i].again = 9;
    run(test, 40);
    assert_int_equal(test->server.requests, 40);
    assert_int_equal(test->server.accepted, 2);
}

/* Under way, waiting for a connection, before a retry, for new credentials. */
static void start_one_of_each(struct test *test)
{
    static const struct fake_step expired[] = {A(EXPIRED)};
    static const struct fake_step throttled[] = {A(THROTTLED_LONG)};
    static const struct fake_step held[] = {{FAKE_HOLDS, OK}};

    test->source.fails_from = 2;
    PLAY(test, expired);
    start(test, 0);
    while (!test->ones[0].call.timer.set)
        assert_int_equal(gw_loop_wait(&test->loop, 1000), 0);
    PLAY(test, throttled);
    start(test, 1);
    while (!test->ones[1].call.timer.set)
        assert_int_equal(gw_loop_wait(&test->loop, 1000), 0);
    PLAY(test, held);
    for (size_t i = 2; i < 6; i++)
        start(test, i);
    fake_run_until(&test->loop, &test->server.requests, 2);
    assert_int_equal(test->ended, 0);
}

static void test_a_call_may_be_deinitialized_wherever_it_is(void **state)
{
    struct test *test = *state;

    start_one_of_each(test);
    for (size_t i = 0; i < 6; i++) {
        gw_aws_call_deinit(&test->ones[i].call);
        gw_aws_call_deinit(&test->ones[i].call);
        assert_null(test->ones[i].call.client);
    }
    fake_server_release(&test->server);
    for (int round = 0; round < 10; round++)
        assert_int_equal(gw_loop_wait(&test->loop, 0), 0);
    assert_int_equal(test->ended, 0);
}

static void test_the_client_may_be_freed_while_calls_are_under_way(void **state)
{
    struct test *test = *state;

    start_one_of_each(test);
    test->client = gw_aws_client_free(test->client);
    assert_int_equal(gw_loop_wait(&test->loop, 0), 0);
    assert_null(test->loop.timers);
    assert_int_equal(test->ended, 0);
    for (size_t i = 0; i < 6; i++)
        assert_null(test->ones[i].call.client);
}

static void test_connections_are_warmed(void **state)
{
    static const struct fake_step steps[] = {{FAKE_HOLDS, OK}};
    struct test *test = *state;

    PLAY(test, steps);
    gw_aws_client_warm(test->client, 2);
    fake_run_until(&test->loop, &test->server.requests, 2);
    assert_int_equal(test->server.accepted, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_every_course_of_a_request_has_its_outcome),
        TEST(test_where_nobody_listens_it_is_transient_and_says_why),
        TEST(test_retries_end_when_the_bucket_is_empty_and_come_back_with_successes),
        TEST(test_the_deadline_stands_over_all_attempts),
        TEST(test_an_attempt_that_hangs_is_given_up_and_repeated),
        TEST(test_what_is_sent_is_what_was_signed),
        TEST(test_a_clock_that_is_off_is_corrected_for_this_request_and_those_after),
        TEST(test_all_that_were_under_way_with_a_wrong_clock_are_repeated),
        TEST(test_a_signature_that_is_refused_at_the_right_time_is_wrong),
        TEST(test_expired_credentials_are_renewed_and_the_request_is_repeated),
        TEST(test_credentials_that_are_refused_twice_end_the_request),
        TEST(test_a_request_waits_for_new_credentials_until_its_deadline),
        TEST(test_a_call_may_be_started_again_from_its_done),
        TEST(test_a_call_may_be_deinitialized_wherever_it_is),
        TEST(test_the_client_may_be_freed_while_calls_are_under_way),
        TEST(test_connections_are_warmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
