/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CAPTURE_MAX (1 << 20)

static char captured[CAPTURE_MAX];

/* What @body wrote to stderr, in a child: where the log goes is decided once a process. */
static char *capture(void (*body)(const void *), const void *argument, bool journal)
{
    FILE *file = tmpfile();
    struct stat status;
    char stream[64];
    int exit_status;
    size_t len;
    pid_t child;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
             (uintmax_t)status.st_ino + !journal);
    child = fork();
    if (child == 0) {
        setenv("JOURNAL_STREAM", stream, 1);
        dup2(fileno(file), STDERR_FILENO);
        fcntl(STDERR_FILENO, F_SETFL, O_APPEND);
        body(argument);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_int_equal(exit_status, 0);
    rewind(file);
    len = fread(captured, 1, sizeof(captured) - 1, file);
    captured[len] = '\0';
    fclose(file);
    return captured;
}

/* Checks "2026-11-23T12:00:00.123Z" and gives what follows it. */
static const char *after_time(const char *line)
{
    static const char pattern[] = "0000-00-00T00:00:00.000Z";

    for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
        if (pattern[i] == '0')
            assert_true(isdigit((unsigned char)line[i]));
        else
            assert_int_equal(line[i], pattern[i]);
    }
    return line + sizeof(pattern) - 1;
}

static void log_refusal(const void *argument)
{
    (void)argument;
    gw_log(GW_LOG_WARNING, "request refused", GW_LOG_STR("reason", "wrong signature"),
           GW_LOG_STR("peer", "10.0.0.1"), GW_LOG_INT("bytes", 12));
}

static void test_text_line_has_time_level_message_and_fields(void **state)
{
    (void)state;
    assert_string_equal(
        after_time(capture(log_refusal, NULL, false)),
        " warning request refused reason=\"wrong signature\" peer=10.0.0.1 bytes=12\n");
}

static void test_line_for_the_journal_has_a_priority_instead_of_time_and_level(void **state)
{
    (void)state;
    assert_string_equal(capture(log_refusal, NULL, true),
                        "<4>request refused reason=\"wrong signature\" peer=10.0.0.1 bytes=12\n");
}

static void log_refusal_as_json(const void *argument)
{
    gw_log_configure(GW_LOG_INFO, GW_LOG_JSON);
    log_refusal(argument);
}

static void test_json_line_is_one_object_also_for_the_journal(void **state)
{
    const char *line = capture(log_refusal_as_json, NULL, true);

    (void)state;
    assert_memory_equal(line, "{\"time\":\"", 9);
    assert_string_equal(after_time(line + 9),
                        "\",\"level\":\"warning\",\"message\":\"request refused\","
                        "\"reason\":\"wrong signature\",\"peer\":\"10.0.0.1\",\"bytes\":12}\n");
}

static const struct {
    struct gw_str value;
    const char *text, *json;
} values[] = {
    {{"plain-1.2:3/[x]", 15}, "plain-1.2:3/[x]", "plain-1.2:3/[x]"},
    {{"", 0}, "\"\"", ""},
    {{NULL, 0}, "\"\"", ""},
    {{"a b", 3}, "\"a b\"", "a b"},
    {{"a=b", 3}, "\"a=b\"", "a=b"},
    {{"say \"hi\"", 8}, "\"say \\\"hi\\\"\"", "say \\\"hi\\\""},
    {{"a\\b", 3}, "\"a\\\\b\"", "a\\\\b"},
    {{"a\nb\r\tc", 6}, "\"a\\nb\\r\\tc\"", "a\\nb\\r\\tc"},
    {{"\0\x01\x1b[2J\x7f", 7}, "\"\\x00\\x01\\x1b[2J\\x7f\"", "\\u0000\\u0001\\u001b[2J\\u007f"},
    {{"\xc2\x9b[2J", 5}, "\"\\x9b[2J\"", "\\u009b[2J"},
    {{"\xc2\xa0h\xc3\xa9", 5}, "\"\xc2\xa0h\xc3\xa9\"", "\xc2\xa0h\xc3\xa9"},
    {{"\xe2\x82\xac\xf0\x9f\x98\x80", 7},
     "\"\xe2\x82\xac\xf0\x9f\x98\x80\"",
     "\xe2\x82\xac\xf0\x9f\x98\x80"},
    /* not UTF-8: lone bytes, overlong, surrogate, too great, cut short */
    {{"\xff\x80", 2}, "\"\\xff\\x80\"", "\\ufffd\\ufffd"},
    {{"\xc0\xaf", 2}, "\"\\xc0\\xaf\"", "\\ufffd\\ufffd"},
    {{"\xe0\x9f\xbf", 3}, "\"\\xe0\\x9f\\xbf\"", "\\ufffd\\ufffd\\ufffd"},
    {{"\xed\xa0\x80", 3}, "\"\\xed\\xa0\\x80\"", "\\ufffd\\ufffd\\ufffd"},
    {{"\xf0\x8f\xbf\xbf", 4}, "\"\\xf0\\x8f\\xbf\\xbf\"", "\\ufffd\\ufffd\\ufffd\\ufffd"},
    {{"\xf4\x90\x80\x80", 4}, "\"\\xf4\\x90\\x80\\x80\"", "\\ufffd\\ufffd\\ufffd\\ufffd"},
    {{"\xe2\x82", 2}, "\"\\xe2\\x82\"", "\\ufffd\\ufffd"},
    {{"\xe2"
      "a",
      2},
     "\"\\xe2"
     "a\"",
     "\\ufffda"},
};

static void log_value(const void *value)
{
    gw_log(GW_LOG_ERROR, "m", GW_LOG_SLICE("v", *(const struct gw_str *)value));
}

static void log_value_as_json(const void *value)
{
    gw_log_configure(GW_LOG_INFO, GW_LOG_JSON);
    log_value(value);
}

static void test_hostile_values_are_escaped_in_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(values); i++) {
        char expected[128];

        snprintf(expected, sizeof(expected), "<3>m v=%s\n", values[i].text);
        assert_string_equal(capture(log_value, &values[i].value, true), expected);
    }
}

static void test_hostile_values_are_escaped_in_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(values); i++) {
        char expected[160];
        const char *line = capture(log_value_as_json, &values[i].value, false);

        snprintf(expected, sizeof(expected),
                 "\",\"level\":\"error\",\"message\":\"m\",\"v\":\"%s\"}\n", values[i].json);
        assert_string_equal(after_time(line + 9), expected);
    }
}

static void test_long_value_is_cut_between_characters(void **state)
{
    char long_value[600], expected[600];

    (void)state;
    memset(long_value, 'x', sizeof(long_value));
    snprintf(expected, sizeof(expected), "<3>m v=%.512s...\n", long_value);
    assert_string_equal(capture(log_value, &(struct gw_str){long_value, sizeof(long_value)}, true),
                        expected);

    memcpy(long_value + 511, "\xe2\x82\xac", 3);
    snprintf(expected, sizeof(expected), "<3>m v=\"%.511s...\"\n", long_value);
    assert_string_equal(capture(log_value, &(struct gw_str){long_value, sizeof(long_value)}, true),
                        expected);
}

#define HOSTILE_FIELDS 20

static void log_too_much(const void *format)
{
    static char value[600];
    struct gw_log_field fields[HOSTILE_FIELDS + 1] = {0};

    memset(value, '\x01', sizeof(value));
    for (size_t i = 0; i < HOSTILE_FIELDS; i++) {
        fields[i] = (struct gw_log_field)GW_LOG_SLICE("v", ((struct gw_str){value, 50 * i}));
    }
    gw_log_configure(GW_LOG_INFO, *(const enum gw_log_format *)format);
    gw_log_write(GW_LOG_INFO, "m", fields);
}

static void test_line_is_bounded_and_its_fields_are_whole(void **state)
{
    enum gw_log_format text = GW_LOG_TEXT, json = GW_LOG_JSON;
    const char *line = capture(log_too_much, &text, true);
    json_t *object;

    (void)state;
    assert_in_range(strlen(line), 2000, 4096);
    assert_string_equal(line + strlen(line) - 5, "x01\"\n");

    line = capture(log_too_much, &json, true);
    assert_in_range(strlen(line), 2000, 4096);
    object = json_loads(line, 0, NULL);
    assert_non_null(object);
    json_decref(object);
}

static void log_all_levels(const void *level)
{
    gw_log_configure(*(const enum gw_log_level *)level, GW_LOG_TEXT);
    gw_log(GW_LOG_ERROR, "e");
    gw_log(GW_LOG_WARNING, "w");
    gw_log(GW_LOG_INFO, "i");
    gw_log(GW_LOG_DEBUG, "d");
}

static void test_only_the_level_and_what_is_graver_is_written(void **state)
{
    static const char *const expected[] = {
        [GW_LOG_ERROR] = "<3>e\n",
        [GW_LOG_WARNING] = "<3>e\n<4>w\n",
        [GW_LOG_INFO] = "<3>e\n<4>w\n<6>i\n",
        [GW_LOG_DEBUG] = "<3>e\n<4>w\n<6>i\n<7>d\n",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(expected); i++) {
        enum gw_log_level level = (enum gw_log_level)i;

        assert_string_equal(capture(log_all_levels, &level, true), expected[i]);
    }
}

static void log_extremes(const void *argument)
{
    (void)argument;
    errno = EXDEV;
    gw_log(GW_LOG_ERROR, "m", GW_LOG_INT("least", INT64_MIN), GW_LOG_INT("most", INT64_MAX),
           GW_LOG_ERRNO(ENOSPC));
    close(STDERR_FILENO);
    gw_log(GW_LOG_ERROR, "nobody hears");
    if (errno != EXDEV)
        _exit(1);
}

static void test_numbers_and_errors_are_shown_and_errno_is_kept(void **state)
{
    (void)state;
    assert_string_equal(capture(log_extremes, NULL, true),
                        "<3>m least=-9223372036854775808 most=9223372036854775807 "
                        "error=\"No space left on device\"\n");
}

#define THREADS 4
#define LINES 500

static void *log_many(void *argument)
{
    for (int i = 0; i < LINES; i++)
        gw_log(GW_LOG_INFO, "tick", GW_LOG_STR("v", "abcdefghijklmnopqrstuvwxyz"));
    return argument;
}

static void log_from_threads(const void *argument)
{
    pthread_t threads[THREADS];

    (void)argument;
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, log_many, NULL);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void test_lines_of_several_threads_do_not_mix(void **state)
{
    static const char expected[] = "<6>tick v=abcdefghijklmnopqrstuvwxyz\n";
    const char *at = capture(log_from_threads, NULL, true);
    size_t lines = 0;

    (void)state;
    for (; *at; at += sizeof(expected) - 1, lines++)
        assert_int_equal(strncmp(at, expected, sizeof(expected) - 1), 0);
    assert_int_equal(lines, THREADS * LINES);
}

/* Makes stderr a full pipe. @return its reader. */
static int full_pipe(void)
{
    char page[4096] = "";
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    while (write(ends[1], page, sizeof(page)) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
    assert_true(fcntl(ends[1], F_SETFL, 0) == 0);
    assert_true(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    close(ends[1]);
    return ends[0];
}

/* @return what is in the pipe behind what filled it. */
static const char *drain_pipe(int reader)
{
    size_t len = 0;
    char byte;

    assert_true(fcntl(reader, F_SETFL, O_NONBLOCK) == 0);
    while (len < sizeof(captured) - 1 && read(reader, &byte, 1) == 1)
        if (byte)
            captured[len++] = byte;
    captured[len] = '\0';
    return captured;
}

static void test_a_stalled_reader_stops_nobody_and_is_told_what_was_lost(void **state)
{
    static const char *const lines[] = {
        " error log lines were lost: nobody read them in time lines=2000\n",
        " error heard\n",
        " error heard too\n",
    };
    int before = dup(STDERR_FILENO);
    int reader = full_pipe();
    const char *text;

    (void)state;
    alarm(20); /* in case that a write blocks */
    log_from_threads(NULL);
    assert_string_equal(drain_pipe(reader), "");
    gw_log(GW_LOG_ERROR, "heard");
    gw_log(GW_LOG_ERROR, "heard too");
    alarm(0);
    text = drain_pipe(reader);
    dup2(before, STDERR_FILENO);
    close(before);
    close(reader);

    for (size_t i = 0; i < GW_COUNT(lines); i++) {
        assert_memory_equal(after_time(text), lines[i], strlen(lines[i]));
        text = after_time(text) + strlen(lines[i]);
    }
    assert_string_equal(text, "");
}

static void test_limit_lets_a_burst_through_and_then_a_rate(void **state)
{
    static const struct {
        int64_t at_ms;
        bool allowed;
        unsigned suppressed;
    } steps[] = {
        {5000000, true, 0},
        {5000000, true, 0},
        {5000000, true, 0},
        {5000000, false, 0},
        {5000499, false, 0},
        {5000500, true, 2},
        {5000501, false, 0},
        {5000999, false, 0},
        {5001000, true, 2},
        {5001499, false, 0},
        /* a fraction is carried over, a long silence fills the bucket and no more */
        {5001999, true, 1},
        {5002000, true, 0},
        {5002001, false, 0},
        {9000000, true, 1},
        {9000000, true, 0},
        {9000000, true, 0},
        {9000000, false, 0},
    };
    struct gw_log_limit limit = {0};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(steps); i++) {
        unsigned suppressed = 0;

        assert_int_equal(gw_log_allowed(&limit, 3, 2, steps[i].at_ms, &suppressed),
                         steps[i].allowed);
        assert_int_equal(suppressed, steps[i].suppressed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_line_has_time_level_message_and_fields),
        cmocka_unit_test(test_line_for_the_journal_has_a_priority_instead_of_time_and_level),
        cmocka_unit_test(test_json_line_is_one_object_also_for_the_journal),
        cmocka_unit_test(test_hostile_values_are_escaped_in_text),
        cmocka_unit_test(test_hostile_values_are_escaped_in_json),
        cmocka_unit_test(test_long_value_is_cut_between_characters),
        cmocka_unit_test(test_line_is_bounded_and_its_fields_are_whole),
        cmocka_unit_test(test_only_the_level_and_what_is_graver_is_written),
        cmocka_unit_test(test_numbers_and_errors_are_shown_and_errno_is_kept),
        cmocka_unit_test(test_lines_of_several_threads_do_not_mix),
        cmocka_unit_test(test_a_stalled_reader_stops_nobody_and_is_told_what_was_lost),
        cmocka_unit_test(test_limit_lets_a_burst_through_and_then_a_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
