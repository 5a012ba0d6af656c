/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/journal.h"

#include "gw/time.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "journal_client.h"

static void test_lines_are_appended_in_the_order_of_hand_over(void **state)
{
    struct gw_journal *journal = open_journal();
    const struct gw_metrics *metrics = gw_journal_metrics(journal);
    struct client client;
    char path[PATH_MAX];
    struct stat status;

    (void)state;
    client_init(&client);
    store(journal, &client, "one\ntwo\n");
    store(journal, &client, "three\n");
    files_assert(NAME, GW_STR("one\ntwo\nthree\n"));
    assert_int_equal(gw_metrics_get(metrics, GW_COUNTER_JOURNAL_BATCHES), 2);
    assert_int_equal(gw_metrics_get(metrics, GW_COUNTER_JOURNAL_LINES), 3);
    assert_int_equal(gw_metrics_get(metrics, GW_COUNTER_JOURNAL_BYTES), 14);
    assert_int_equal(gw_metrics_get(metrics, GW_COUNTER_JOURNAL_FAILURES), 0);
    assert_int_equal(stat(files_path(path, NAME), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    close_journal(journal);

    journal = open_journal();
    store(journal, &client, "four\n");
    close_journal(journal);
    files_assert(NAME, GW_STR("one\ntwo\nthree\nfour\n"));
}

#define WRITERS 4
#define BATCHES 300

struct writer {
    struct gw_journal *journal;
    pthread_t thread;
    char letter;
    size_t durable;
};

/* Each has several batches out at once and gets all of them back in order. */
static void *write_batches(void *argument)
{
    struct writer *writer = argument;
    struct client client;
    int sent = 0, back = 0;

    client_init(&client);
    while (back < BATCHES) {
        struct gw_journal_batch *batch;
        char text[64];

        for (; sent < BATCHES && sent - back < 8; sent++) {
            (void)snprintf(text, sizeof(text), "%c%04da\n%c%04db\n", writer->letter, sent,
                           writer->letter, sent);
            hand_over(writer->journal, &client, text);
        }
        for (batch = wait_for_mail(writer->journal, &client); batch; back++) {
            struct gw_journal_batch *next = batch->next;

            (void)snprintf(text, sizeof(text), "%c%04da\n", writer->letter, back);
            if (memcmp(batch->bytes.data, text, strlen(text)) != 0 || batch->ambiguous)
                abort();
            writer->durable += batch->durable;
            gw_journal_batch_free(batch);
            batch = next;
        }
    }
    gw_journal_client_detach(writer->journal, &client.base);
    return NULL;
}

/* The lines of one writer stand in its order, and none is missing or doubled. */
static void check_writer(const char *text, char letter)
{
    int next = 0;

    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        char expected[16];

        if (*line != letter)
            continue;
        (void)snprintf(expected, sizeof(expected), "%c%04d%c\n", letter, next / 2,
                       next % 2 ? 'b' : 'a');
        assert_memory_equal(line, expected, 7);
        next++;
    }
    assert_int_equal(next, BATCHES * 2);
}

static void test_many_clients_get_each_line_stored_once(void **state)
{
    struct gw_journal *journal = open_journal();
    struct writer writers[WRITERS];
    struct gw_str text;

    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.journal = journal, .letter = (char)('a' + i)};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_batches, &writers[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        gw_journal_reopen(journal);
        assert_true(gw_journal_ready(journal));
        usleep(5000);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].durable, BATCHES * 2);
    }
    close_journal(journal);
    text = files_read(NAME);
    for (int i = 0; i < WRITERS; i++)
        check_writer(text.data, (char)('a' + i));
    free((char *)text.data);
}

static void test_with_a_full_disk_it_recovers_by_itself(void **state)
{
    static const struct rlimit small = {10, RLIM_INFINITY}, large = {RLIM_INFINITY, RLIM_INFINITY};
    struct gw_journal *journal = open_journal();
    struct client client;

    (void)state;
    client_init(&client);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    hand_over(journal, &client, "one\ntwo\nthree\n");
    expect(journal, &client, 2, false);
    assert_false(gw_journal_ready(journal));
    usleep(1500000);
    assert_false(gw_journal_ready(journal));
    files_assert(NAME, GW_STR("one\ntwo\n"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &large), 0);
    eventually(gw_journal_ready(journal));
    files_assert(NAME, GW_STR("one\ntwo\n"));
    store(journal, &client, "four\n");
    close_journal(journal);
    files_assert(NAME, GW_STR("one\ntwo\nfour\n"));
}

static void test_a_torn_end_is_moved_aside_at_opening(void **state)
{
    char aside[NAME_MAX + 1];
    struct gw_journal *journal;
    struct client client;

    (void)state;
    client_init(&client);
    files_write(NAME, GW_STR("one\ntorn"));
    journal = open_journal();
    store(journal, &client, "two\n");
    close_journal(journal);
    files_assert(NAME, GW_STR("one\ntwo\n"));
    assert_int_equal(files_find(NAME ".torn-", aside), 1);
    files_assert(aside, GW_STR("torn"));
}

static void test_reopening_after_a_rename_begins_a_new_file(void **state)
{
    char path[PATH_MAX], rotated[PATH_MAX];
    struct gw_journal *journal = open_journal();
    struct client client;

    (void)state;
    client_init(&client);
    store(journal, &client, "one\n");
    assert_int_equal(rename(files_path(path, NAME), files_path(rotated, "rotated")), 0);
    store(journal, &client, "two\n");
    gw_journal_reopen(journal);
    eventually(access(files_path(path, NAME), F_OK) == 0);
    store(journal, &client, "three\n");
    gw_journal_reopen(journal);
    store(journal, &client, "four\n");
    close_journal(journal);
    files_assert("rotated", GW_STR("one\ntwo\n"));
    files_assert(NAME, GW_STR("three\nfour\n"));
}

static void test_where_reopening_fails_the_old_file_is_kept(void **state)
{
    char path[PATH_MAX], rotated[PATH_MAX];
    struct gw_journal *journal = open_journal();
    struct client client;

    (void)state;
    client_init(&client);
    assert_int_equal(rename(files_path(path, NAME), files_path(rotated, "rotated")), 0);
    assert_int_equal(mkdir(files_path(path, NAME), 0700), 0);
    gw_journal_reopen(journal);
    usleep(50000);
    store(journal, &client, "one\n");
    assert_true(gw_journal_ready(journal));
    close_journal(journal);
    files_assert("rotated", GW_STR("one\n"));
}

static void test_a_link_in_the_files_place_is_not_followed_at_reopening(void **state)
{
    char path[PATH_MAX], other[PATH_MAX];
    struct gw_journal *journal = open_journal();
    struct client client;

    (void)state;
    client_init(&client);
    assert_int_equal(rename(files_path(path, NAME), files_path(other, "rotated")), 0);
    assert_int_equal(symlink("elsewhere", path), 0);
    gw_journal_reopen(journal);
    store(journal, &client, "one\n");
    close_journal(journal);
    files_assert("rotated", GW_STR("one\n"));
    assert_int_equal(access(files_path(other, "elsewhere"), F_OK), -1);
}

static int open_name(const char *name, int64_t lock_timeout_ms, struct gw_journal **journal,
                     char *message, size_t message_size)
{
    char path[PATH_MAX];
    struct gw_journal_options options = {.path = files_path(path, name),
                                         .sync = true,
                                         .max_queued_bytes = 1000,
                                         .lock_timeout_ms = lock_timeout_ms};

    return gw_journal_open(&options, journal, message, message_size);
}

static int try_open(const char *name, int64_t lock_timeout_ms, char *message, size_t message_size)
{
    struct gw_journal *journal;
    int result = open_name(name, lock_timeout_ms, &journal, message, message_size);

    if (!result)
        close_journal(journal);
    return result;
}

static void test_two_journals_never_share_a_file(void **state)
{
    struct gw_journal *journal = open_journal();
    char message[512] = "";
    int64_t began_ms = gw_time_monotonic_ms();

    (void)state;
    assert_int_equal(try_open(NAME, 300, message, sizeof(message)), -EBUSY);
    assert_in_range(gw_time_monotonic_ms() - began_ms, 300, 5000);
    assert_non_null(strstr(message, NAME ".lock"));
    close_journal(journal);
    assert_int_equal(try_open(NAME, 0, message, sizeof(message)), 0);
}

/* By every pair of names; the first of a pair finds no file there. */
static void test_a_file_has_one_lock_whatever_links_lead_to_it(void **state)
{
    static const char *const names[] = {
        "events.jsonl", "link", "chain", "absolute", "folder/events.jsonl", "folder/link",
    };
    char path[PATH_MAX], target[PATH_MAX], message[512];

    (void)state;
    assert_int_equal(symlink(NAME, files_path(path, "link")), 0);
    assert_int_equal(symlink("folder/link", files_path(path, "chain")), 0);
    assert_int_equal(symlink(files_path(target, NAME), files_path(path, "absolute")), 0);
    assert_int_equal(symlink(".", files_path(path, "folder")), 0);
    for (size_t i = 0; i < GW_COUNT(names); i++)
        for (size_t j = 0; j < GW_COUNT(names); j++) {
            struct gw_journal *journal;

            if (open_name(names[i], 0, &journal, message, sizeof(message)) != 0)
                fail_msg("%s: %s", names[i], message);
            assert_int_equal(try_open(names[j], 0, message, sizeof(message)), -EBUSY);
            close_journal(journal);
            assert_int_equal(unlink(files_path(path, NAME)), 0);
        }
}

static void *close_soon(void *journal)
{
    usleep(200000);
    close_journal(journal);
    return NULL;
}

static void test_a_starter_waits_for_the_lock(void **state)
{
    char message[512] = "";
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, close_soon, open_journal()), 0);
    assert_int_equal(try_open(NAME, 20000, message, sizeof(message)), 0);
    pthread_join(thread, NULL);
}

static void test_a_path_that_is_no_regular_file_is_refused(void **state)
{
    char path[PATH_MAX], message[512];
    const struct {
        const char *name;
        int result;
        const char *message;
    } cases[] = {
        {"folder", -EINVAL, "regular file"},  {"pipe", -EINVAL, "regular file"},
        {"null", -EINVAL, "regular file"},    {"missing/" NAME, -ENOENT, "No such file"},
        {"nowhere", -ENOENT, "No such file"}, {"circle", -ELOOP, "symbolic links"},
    };

    (void)state;
    assert_int_equal(mkdir(files_path(path, "folder"), 0700), 0);
    assert_int_equal(mkfifo(files_path(path, "pipe"), 0600), 0);
    assert_int_equal(symlink("/dev/null", files_path(path, "null")), 0);
    assert_int_equal(symlink("missing/file", files_path(path, "nowhere")), 0);
    assert_int_equal(symlink("circle", files_path(path, "circle")), 0);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        message[0] = '\0';
        assert_int_equal(try_open(cases[i].name, 0, message, sizeof(message)), cases[i].result);
        assert_non_null(strstr(message, cases[i].message));
        assert_non_null(strstr(message, cases[i].name));
    }
    assert_int_equal(access("/dev/null.lock", F_OK), -1);
}

static void test_closing_stores_what_was_handed_over(void **state)
{
    struct gw_journal *journal = open_journal();
    struct client client;
    struct gw_str text;

    (void)state;
    client_init(&client);
    for (int i = 0; i < 100; i++)
        hand_over(journal, &client, "line\n");
    gw_journal_client_detach(journal, &client.base);
    close_journal(journal);
    text = files_read(NAME);
    assert_int_equal(text.len, 500);
    free((char *)text.data);
}

#define TEST(name) cmocka_unit_test_teardown(name, files_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines_are_appended_in_the_order_of_hand_over),
        TEST(test_many_clients_get_each_line_stored_once),
        TEST(test_with_a_full_disk_it_recovers_by_itself),
        TEST(test_a_torn_end_is_moved_aside_at_opening),
        TEST(test_reopening_after_a_rename_begins_a_new_file),
        TEST(test_where_reopening_fails_the_old_file_is_kept),
        TEST(test_a_link_in_the_files_place_is_not_followed_at_reopening),
        TEST(test_two_journals_never_share_a_file),
        TEST(test_a_file_has_one_lock_whatever_links_lead_to_it),
        TEST(test_a_starter_waits_for_the_lock),
        TEST(test_a_path_that_is_no_regular_file_is_refused),
        TEST(test_closing_stores_what_was_handed_over),
    };
    int failed;

    signal(SIGXFSZ, SIG_IGN);
    files_begin("/tmp");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_end();
    return failed;
}
