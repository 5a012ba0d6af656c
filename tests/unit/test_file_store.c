/* SPDX-License-Identifier: Apache-2.0 */
/* Two workers' stores on one loop, so that all is one thread's but for the journal's writer. */
#include "gw/file_store.h"

#include "gw/line.h"
#include "gw/time.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "files.h"

#define NAME "events.jsonl"
#define WAITING 99 /* no outcome yet */
#define MIB ((size_t)1 << 20)

struct request {
    struct gw_submission submission;
    struct gw_write write;
    int outcome;
    bool in_submit;
};

static struct gw_loop loop;
static struct gw_backend *backend;
static struct gw_store *store, *other;

static void note_outcome(struct gw_submission *submission, enum gw_outcome outcome)
{
    struct request *request = GW_CONTAINER(submission, struct request, submission);

    assert_false(request->in_submit);
    assert_int_equal(request->outcome, WAITING);
    request->outcome = (int)outcome;
}

static void open_store(bool sync, size_t max_queued_bytes)
{
    char path[PATH_MAX], message[512] = "";
    struct gw_journal_options options = {.path = files_path(path, NAME),
                                         .sync = sync,
                                         .max_queued_bytes = max_queued_bytes,
                                         .lock_timeout_ms = 5000};

    assert_int_equal(gw_loop_init(&loop), 0);
    if (gw_file_store_open(&options, &backend, message, sizeof(message)) != 0)
        fail_msg("%s", message);
    assert_int_equal(backend->ops->attach(backend, &loop, NULL, &store), 0);
    assert_int_equal(backend->ops->attach(backend, &loop, NULL, &other), 0);
}

static void detach_stores(void)
{
    store->ops->detach(store);
    other->ops->detach(other);
}

static void close_backend(void)
{
    assert_int_equal(backend->ops->finish(backend, gw_time_monotonic_ms() + 20000), 0);
    backend->ops->free(backend);
    gw_loop_deinit(&loop);
}

static void close_all(void)
{
    detach_stores();
    close_backend();
}

static int submit_to(struct gw_store *to, struct request *request, const char *id,
                     struct gw_str payload)
{
    int result;

    *request = (struct request){.submission = {.done = note_outcome},
                                .write = {.action = GW_ACTION_PUT,
                                          .event_type = GW_STR("conversation:created"),
                                          .conversation_id = gw_str(id),
                                          .payload = payload},
                                .outcome = WAITING,
                                .in_submit = true};
    request->submission.write = &request->write;
    result = gw_store_submit(to, &request->submission);
    request->in_submit = false;
    return result;
}

static void submit(struct request *request, const char *id)
{
    assert_int_equal(submit_to(store, request, id, GW_STR("{\"a\":1}")), 0);
}

/* Runs the loop until the request has an outcome, at most for @timeout_ms. */
static int outcome_within(const struct request *request, int64_t timeout_ms)
{
    int64_t until_ms = gw_time_monotonic_ms() + timeout_ms;

    while (request->outcome == WAITING && gw_time_monotonic_ms() < until_ms)
        assert_int_equal(gw_loop_wait(&loop, 20), 0);
    return request->outcome;
}

static int outcome_of(const struct request *request)
{
    return outcome_within(request, 20000);
}

/* How many lines of the file are of the conversation @id. */
static int count_lines(const char *id)
{
    struct gw_str text = files_read(NAME);
    struct gw_arena arena = {0};
    int count = 0;

    for (char *line = (char *)text.data; *line; line = strchr(line, '\n') + 1) {
        size_t len = (size_t)(strchr(line, '\n') - line);
        struct gw_write write;

        assert_int_equal(gw_line_parse((struct gw_str){line, len}, &arena, &write), 0);
        count += gw_str_equal(write.conversation_id, gw_str(id));
    }
    gw_arena_deinit(&arena);
    free((char *)text.data);
    return count;
}

static void test_a_write_is_stored_after_flush_and_not_before(void **state)
{
    struct request one, two;

    (void)state;
    open_store(true, 64 * MIB);
    assert_true(backend->ops->ready(backend));
    assert_false(backend->ops->stuck(backend));
    submit(&one, "c-1");
    submit(&two, "c-2");
    assert_int_equal(outcome_within(&one, 100), WAITING);
    gw_store_flush(store);
    gw_store_flush(other);
    assert_int_equal(outcome_of(&two), GW_OUTCOME_STORED);
    assert_int_equal(one.outcome, GW_OUTCOME_STORED);
    assert_int_equal(count_lines("c-1"), 1);
    assert_int_equal(count_lines("c-2"), 1);
    assert_int_equal(gw_metrics_get(backend->ops->metrics(backend), GW_COUNTER_JOURNAL_BATCHES), 1);
    assert_int_equal(gw_metrics_get(backend->ops->metrics(backend), GW_COUNTER_JOURNAL_LINES), 2);
    close_all();
}

static void test_many_passes_of_two_stores_lose_and_double_nothing(void **state)
{
    static struct request requests[2][500];
    struct gw_store *stores[2];

    (void)state;
    open_store(false, 64 * MIB);
    stores[0] = store;
    stores[1] = other;
    for (size_t i = 0; i < 500; i++) {
        for (size_t s = 0; s < 2; s++)
            assert_int_equal(submit_to(stores[s], &requests[s][i], s ? "b" : "a", GW_STR("1")), 0);
        if (i % 3 == 0) {
            gw_store_flush(store);
            gw_store_flush(other);
            assert_int_equal(gw_loop_wait(&loop, 0), 0);
        }
    }
    gw_store_flush(store);
    gw_store_flush(other);
    for (size_t i = 0; i < 500; i++)
        for (size_t s = 0; s < 2; s++)
            assert_int_equal(outcome_of(&requests[s][i]), GW_OUTCOME_STORED);
    assert_int_equal(count_lines("a"), 500);
    assert_int_equal(count_lines("b"), 500);
    close_all();
}

/* Every line is as long as three of them are over a batch, and one alone is over a batch. */
static void test_large_writes_go_in_batches_of_at_most_8_mib(void **state)
{
    static const size_t sizes[] = {3 * MIB, 3 * MIB, 3 * MIB, 9 * MIB, 1, 8 * MIB};
    struct request requests[GW_COUNT(sizes)];
    char *payload = malloc(9 * MIB);

    (void)state;
    assert_non_null(payload);
    memset(payload, '7', 9 * MIB);
    open_store(false, 64 * MIB);
    for (size_t i = 0; i < GW_COUNT(sizes); i++)
        assert_int_equal(submit_to(store, &requests[i], "c", (struct gw_str){payload, sizes[i]}),
                         0);
    gw_store_flush(store);
    for (size_t i = 0; i < GW_COUNT(sizes); i++)
        assert_int_equal(outcome_of(&requests[i]), GW_OUTCOME_STORED);
    assert_int_equal(count_lines("c"), GW_COUNT(sizes));
    assert_int_equal(gw_metrics_get(backend->ops->metrics(backend), GW_COUNTER_JOURNAL_BATCHES), 5);
    close_all();
    free(payload);
}

/* 400 bytes take one line of 170, but not a second, with 256 reckoned for its frame. */
static void test_a_line_over_the_bound_is_refused_at_once(void **state)
{
    struct request one, two;

    (void)state;
    open_store(true, 400);
    submit(&one, "one");
    assert_int_equal(submit_to(store, &two, "two", GW_STR("1")), -EAGAIN);
    gw_store_flush(store);
    assert_int_equal(outcome_of(&one), GW_OUTCOME_STORED);
    submit(&two, "two");
    gw_store_flush(store);
    assert_int_equal(outcome_of(&two), GW_OUTCOME_STORED);
    close_all();
}

/* Each by itself is within the bound. */
static void test_a_batch_that_the_journal_refuses_is_failed_at_flush(void **state)
{
    char digits[400];
    struct request first, second;

    (void)state;
    memset(digits, '7', sizeof(digits));
    open_store(true, 1000);
    assert_int_equal(submit_to(store, &first, "a", (struct gw_str){digits, sizeof(digits)}), 0);
    assert_int_equal(submit_to(other, &second, "b", (struct gw_str){digits, sizeof(digits)}), 0);
    faults_set("fdatasync", "hang\n");
    gw_store_flush(store);
    assert_int_equal(second.outcome, WAITING);
    gw_store_flush(other);
    assert_int_equal(second.outcome, GW_OUTCOME_FAILED);
    faults_clear("fdatasync");
    assert_int_equal(outcome_of(&first), GW_OUTCOME_STORED);
    assert_int_equal(count_lines("a"), 1);
    assert_int_equal(count_lines("b"), 0);
    close_all();
}

static void test_a_hanging_disk_is_answered_ambiguous_in_7_s(void **state)
{
    struct request hung, after;
    int64_t began_ms = gw_time_monotonic_ms();

    (void)state;
    open_store(true, 64 * MIB);
    faults_set("fdatasync", "hang\n");
    submit(&hung, "hung");
    gw_store_flush(store);
    assert_int_equal(outcome_within(&hung, 6000), WAITING);
    assert_int_equal(outcome_of(&hung), GW_OUTCOME_AMBIGUOUS);
    assert_in_range(gw_time_monotonic_ms() - began_ms, GW_FILE_STORE_DEADLINE_MS, 9500);
    eventually(!backend->ops->ready(backend));
    assert_false(backend->ops->stuck(backend));

    submit(&after, "after");
    gw_store_flush(store);
    faults_clear("fdatasync");
    assert_int_equal(outcome_of(&after), GW_OUTCOME_STORED);
    assert_int_equal(hung.outcome, GW_OUTCOME_AMBIGUOUS);
    assert_true(backend->ops->ready(backend));
    assert_int_equal(count_lines("hung"), 1);
    close_all();
}

/* The second batch is a little younger, and nothing is submitted after it. */
static void test_a_worker_may_go_while_abandoned_batches_are_out(void **state)
{
    struct request first, second;

    (void)state;
    open_store(true, 64 * MIB);
    faults_set("fdatasync", "hang\n");
    submit(&first, "first");
    gw_store_flush(store);
    assert_int_equal(outcome_within(&first, 200), WAITING);
    submit(&second, "second");
    gw_store_flush(store);
    assert_int_equal(outcome_of(&first), GW_OUTCOME_AMBIGUOUS);
    assert_int_equal(second.outcome, WAITING);
    assert_int_equal(outcome_within(&second, 2000), GW_OUTCOME_AMBIGUOUS);
    detach_stores();
    faults_clear("fdatasync");
    close_backend();
    assert_int_equal(count_lines("first"), 1);
    assert_int_equal(count_lines("second"), 1);
}

static void test_failures_are_told_apart(void **state)
{
    static const struct {
        const char *call, *steps;
        enum gw_outcome first, second; /* of two lines of 130 bytes and more */
    } cases[] = {
        {"writev", "ENOSPC 1\n", GW_OUTCOME_FAILED, GW_OUTCOME_FAILED},
        {"writev", "short 200 1\nEIO 1\n", GW_OUTCOME_STORED, GW_OUTCOME_FAILED},
        {"fdatasync", "EIO 1\n", GW_OUTCOME_AMBIGUOUS, GW_OUTCOME_AMBIGUOUS},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct request first, second;

        open_store(true, 64 * MIB);
        faults_set(cases[i].call, cases[i].steps);
        submit(&first, "first");
        submit(&second, "second");
        gw_store_flush(store);
        assert_int_equal(outcome_of(&second), cases[i].second);
        assert_int_equal(first.outcome, cases[i].first);
        eventually(backend->ops->ready(backend));
        submit(&second, "later");
        gw_store_flush(store);
        assert_int_equal(outcome_of(&second), GW_OUTCOME_STORED);
        close_all();
        files_teardown(NULL);
    }
}

static void test_reopening_goes_on_in_a_new_file(void **state)
{
    char path[PATH_MAX], rotated[PATH_MAX];
    struct request request;

    (void)state;
    open_store(true, 64 * MIB);
    submit(&request, "before");
    gw_store_flush(store);
    assert_int_equal(outcome_of(&request), GW_OUTCOME_STORED);
    assert_int_equal(rename(files_path(path, NAME), files_path(rotated, "rotated")), 0);
    backend->ops->reopen(backend);
    eventually(access(path, F_OK) == 0);
    submit(&request, "after");
    gw_store_flush(store);
    assert_int_equal(outcome_of(&request), GW_OUTCOME_STORED);
    close_all();
    assert_int_equal(count_lines("before"), 0);
    assert_int_equal(count_lines("after"), 1);
}

#define TEST(name) cmocka_unit_test_teardown(name, files_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_write_is_stored_after_flush_and_not_before),
        TEST(test_many_passes_of_two_stores_lose_and_double_nothing),
        TEST(test_large_writes_go_in_batches_of_at_most_8_mib),
        TEST(test_a_line_over_the_bound_is_refused_at_once),
        TEST(test_a_batch_that_the_journal_refuses_is_failed_at_flush),
        TEST(test_reopening_goes_on_in_a_new_file),
        TEST(test_failures_are_told_apart),
        TEST(test_a_hanging_disk_is_answered_ambiguous_in_7_s),
        TEST(test_a_worker_may_go_while_abandoned_batches_are_out),
    };
    int failed;

    if (!faults_loaded())
        return 77; /* meson counts it as skipped */
    files_begin("/tmp");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_end();
    return failed;
}
