/* SPDX-License-Identifier: Apache-2.0 */
/* Under the shim tests/integration/faults.c; without it there is nothing to test. */
#include "gw/journal.h"

#include "gw/time.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "journal_client.h"

static void test_more_batches_than_one_writev_takes_are_all_stored(void **state)
{
    struct gw_journal *journal;
    struct client client;
    struct gw_str text;
    size_t durable = 0;

    (void)state;
    journal = open_journal();
    client_init(&client);
    faults_set("fdatasync", "hang\n");
    for (int i = 0; i < 3000; i++)
        hand_over(journal, &client, "line\n");
    faults_clear("fdatasync");
    while (durable < 3000) {
        struct gw_journal_batch *batch = wait_for_mail(journal, &client);

        while (batch) {
            struct gw_journal_batch *next = batch->next;

            durable += batch->durable;
            gw_journal_batch_free(batch);
            batch = next;
        }
    }
    close_journal(journal);
    text = files_read(NAME);
    assert_int_equal(text.len, 15000);
    free((char *)text.data);
}

/* What counts of a batch that waits is its memory; what it needs is room for its lines. */
static void test_the_queue_is_bounded(void **state)
{
    struct gw_journal *journal;
    struct gw_journal_batch *first, *batch;
    struct client client;
    size_t memory;

    (void)state;
    first = batch_of(&client, "12345\n");
    memory = gw_journal_batch_memory(first);
    assert_true(memory >= first->bytes.capacity && first->bytes.capacity > 6);
    journal = open_with(true, memory + 4);
    client_init(&client);
    assert_true(gw_journal_has_room(journal, memory + 4));
    assert_false(gw_journal_has_room(journal, memory + 5));
    faults_set("fdatasync", "hang\n");
    assert_int_equal(gw_journal_hand_over(journal, first), 0);
    batch = batch_of(&client, "6789\n");
    assert_false(gw_journal_has_room(journal, 5));
    assert_int_equal(gw_journal_hand_over(journal, batch), -EAGAIN);
    hand_over(journal, &client, "678\n");
    faults_clear("fdatasync");
    eventually(gw_journal_has_room(journal, memory + 4));
    assert_int_equal(gw_journal_hand_over(journal, batch), 0);
    eventually(gw_journal_has_room(journal, memory + 4));
    gw_journal_client_detach(journal, &client.base);
    close_journal(journal);
    files_assert(NAME, GW_STR("12345\n678\n6789\n"));
}

static void test_the_bound_of_the_queue_can_be_changed(void **state)
{
    struct gw_journal *journal = open_with(true, 10);

    (void)state;
    gw_journal_set_max_queued(journal, 20);
    assert_true(gw_journal_has_room(journal, 20));
    assert_false(gw_journal_has_room(journal, 21));
    gw_journal_set_max_queued(journal, 5);
    assert_false(gw_journal_has_room(journal, 6));
    close_journal(journal);
}

static void test_what_waits_at_a_reopening_goes_to_the_old_file(void **state)
{
    char path[PATH_MAX], rotated[PATH_MAX];
    struct gw_journal *journal = open_journal();
    struct client client;

    (void)state;
    client_init(&client);
    faults_set("fdatasync", "hang\n");
    hand_over(journal, &client, "under way\n");
    eventually(gw_journal_busy_ms(journal) > 0);
    hand_over(journal, &client, "waits\n");
    hand_over(journal, &client, "waits too\n");
    assert_int_equal(rename(files_path(path, NAME), files_path(rotated, "rotated")), 0);
    gw_journal_reopen(journal);
    hand_over(journal, &client, "comes later\n");
    faults_clear("fdatasync");
    gw_journal_client_detach(journal, &client.base);
    close_journal(journal);
    files_assert("rotated", GW_STR("under way\nwaits\nwaits too\n"));
    files_assert(NAME, GW_STR("comes later\n"));
}

static void test_short_writes_are_continued(void **state)
{
    static const char *const steps[] = {"short 1\n", "short 3\n", "short 100\n"};
    struct gw_journal *journal;
    struct client client;

    (void)state;
    journal = open_journal();
    client_init(&client);
    for (size_t i = 0; i < GW_COUNT(steps); i++) {
        faults_set("writev", steps[i]);
        store(journal, &client, "one\ntwo\nthree\n");
        faults_clear("writev");
    }
    close_journal(journal);
    files_assert(NAME, GW_STR("one\ntwo\nthree\none\ntwo\nthree\none\ntwo\nthree\n"));
}

/* A write that stops at each byte in turn, by each error: the whole lines stay. */
static void test_after_a_failed_write_the_whole_lines_are_kept(void **state)
{
    static const char *const errors[] = {"ENOSPC", "EIO", "EDQUOT", "EFBIG"};
    static const char text[] = "one\ntwo\n\nfour\n";
    struct gw_journal *journal;
    struct client client;

    (void)state;
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        size_t lines = 0, keep = 0;
        char steps[64];

        for (size_t i = 0; i < len; i++)
            if (text[i] == '\n') {
                keep = i + 1;
                lines++;
            }
        (void)snprintf(steps, sizeof(steps), "short %zu 1\n%s 1\n", len, errors[len % 4]);
        journal = open_journal();
        client_init(&client);
        store(journal, &client, "before\n");
        faults_set("writev", len ? steps : strchr(steps, '\n') + 1);
        hand_over(journal, &client, text);
        expect(journal, &client, lines, false);
        assert_true(faults_used_up("writev"));
        assert_false(gw_journal_ready(journal));
        hand_over(journal, &client, "refused\n");
        expect(journal, &client, 0, false);
        assert_int_equal(gw_metrics_get(gw_journal_metrics(journal), GW_COUNTER_JOURNAL_FAILURES),
                         2);
        close_journal(journal);
        (void)snprintf(steps, sizeof(steps), "before\n%.*s", (int)keep, text);
        files_assert(NAME, gw_str(steps));
        files_teardown(NULL);
    }
}

/* The commit's bytes are shared out to several batches of several clients. */
static void test_a_failed_write_is_told_to_the_batches_it_hit(void **state)
{
    struct gw_journal *journal;
    struct client first, second;

    (void)state;
    journal = open_journal();
    client_init(&first);
    client_init(&second);
    faults_set("fdatasync", "hang\n");
    hand_over(journal, &first, "a\n");
    eventually(gw_journal_busy_ms(journal) > 20);
    faults_set("writev", "short 4 1\nshort 6 1\nENOSPC 1\n");
    hand_over(journal, &first, "1\n2\n");
    hand_over(journal, &second, "3\n4\n5\n6\n");
    faults_clear("fdatasync");
    expect(journal, &first, 1, false);
    expect(journal, &first, 2, false);
    expect(journal, &second, 3, false);
    close_journal(journal);
    files_assert(NAME, GW_STR("a\n1\n2\n3\n4\n5\n"));
}

static void test_a_fraction_that_cannot_be_cut_off_becomes_a_line_of_its_own(void **state)
{
    struct gw_journal *journal;
    struct client client;

    (void)state;
    journal = open_journal();
    client_init(&client);
    faults_set("ftruncate", "EIO 1\n");
    faults_set("writev", "short 6 1\nENOSPC 1\n");
    hand_over(journal, &client, "one\ntwo\n");
    expect(journal, &client, 1, false);
    files_assert(NAME, GW_STR("one\ntw"));
    eventually(gw_journal_ready(journal));
    store(journal, &client, "three\n");
    close_journal(journal);
    files_assert(NAME, GW_STR("one\ntw\nthree\n"));
}

/* Leaves "one\ntw" behind @before, with the writer hanging; its write is to fail. */
static struct gw_journal *hang_after_a_fraction(struct client *client, const char *before)
{
    struct gw_journal *journal = open_journal();
    char path[PATH_MAX];
    struct stat status;

    client_init(client);
    store(journal, client, before);
    faults_set("writev", "short 6 1\nhang\n");
    hand_over(journal, client, "one\ntwo\n");
    eventually(stat(files_path(path, NAME), &status) == 0 &&
               (size_t)status.st_size == strlen(before) + 6);
    return journal;
}

/* Lets the write fail, and stores another line when it has recovered. */
static void fail_and_go_on(struct gw_journal *journal, struct client *client)
{
    faults_set("writev", "ENOSPC 1\n");
    expect(journal, client, 1, false);
    eventually(gw_journal_ready(journal));
    store(journal, client, "three\n");
    close_journal(journal);
}

/* Somebody truncates the file (logrotate's copytruncate) while a write is under way. */
static void test_a_cut_never_makes_the_file_longer(void **state)
{
    struct client client;
    struct gw_journal *journal = hang_after_a_fraction(&client, "a line of some length\n");
    char path[PATH_MAX];

    (void)state;
    assert_int_equal(truncate(files_path(path, NAME), 0), 0);
    fail_and_go_on(journal, &client);
    files_assert(NAME, GW_STR("\nthree\n"));
}

static void test_a_cut_never_takes_what_somebody_else_appended(void **state)
{
    struct client client;
    struct gw_journal *journal = hang_after_a_fraction(&client, "before\n");
    char path[PATH_MAX];
    FILE *file = fopen(files_path(path, NAME), "ae");

    (void)state;
    assert_non_null(file);
    assert_true(fputs("alien", file) >= 0);
    assert_int_equal(fclose(file), 0);
    fail_and_go_on(journal, &client);
    files_assert(NAME, GW_STR("before\none\ntwalien\nthree\n"));
}

static void test_after_a_failed_sync_a_new_file_is_begun(void **state)
{
    char aside[NAME_MAX + 1];
    struct gw_journal *journal;
    struct client client;

    (void)state;
    journal = open_journal();
    client_init(&client);
    store(journal, &client, "one\n");
    faults_set("fdatasync", "EIO 1\n");
    hand_over(journal, &client, "two\nthree\n");
    expect(journal, &client, 0, true);
    assert_int_equal(files_find(NAME ".failed-", aside), 1);
    assert_true(gw_journal_ready(journal));
    store(journal, &client, "four\n");
    close_journal(journal);
    files_assert(aside, GW_STR("one\ntwo\nthree\n"));
    files_assert(NAME, GW_STR("four\n"));
}

static void test_while_syncs_go_on_failing_no_more_files_are_begun(void **state)
{
    char aside[NAME_MAX + 1];
    struct gw_journal *journal;
    struct client client;

    (void)state;
    journal = open_journal();
    client_init(&client);
    faults_set("fdatasync", "EIO\n");
    hand_over(journal, &client, "one\n");
    expect(journal, &client, 0, true);
    for (int i = 0; i < 5; i++) {
        assert_false(gw_journal_ready(journal));
        hand_over(journal, &client, "refused\n");
        expect(journal, &client, 0, false);
        usleep(500000);
    }
    assert_int_equal(files_find(NAME ".failed-", aside), 1);
    faults_clear("fdatasync");
    eventually(gw_journal_ready(journal));
    store(journal, &client, "two\n");
    close_journal(journal);
    files_assert(aside, GW_STR("one\n"));
    files_assert(NAME, GW_STR("two\n"));
}

static void test_a_failed_sync_leaves_a_rotated_files_successor_alone(void **state)
{
    char path[PATH_MAX], rotated[PATH_MAX], aside[NAME_MAX + 1];
    struct gw_journal *journal;
    struct client client;

    (void)state;
    journal = open_journal();
    client_init(&client);
    assert_int_equal(rename(files_path(path, NAME), files_path(rotated, "rotated")), 0);
    files_write(NAME, GW_STR("another's\n"));
    faults_set("fdatasync", "EIO 1\n");
    hand_over(journal, &client, "one\n");
    expect(journal, &client, 0, true);
    store(journal, &client, "two\n");
    close_journal(journal);
    assert_int_equal(files_find(NAME ".failed-", aside), 0);
    files_assert("rotated", GW_STR("one\n"));
    files_assert(NAME, GW_STR("another's\ntwo\n"));
}

/* Lines in a new file whose entry in the folder is not safe could be lost with it. */
static void test_while_the_folder_cannot_be_synced_it_starts_but_stores_nothing(void **state)
{
    struct gw_journal *journal;
    struct client client;

    (void)state;
    client_init(&client);
    faults_set("fsync", "EIO\n");
    journal = open_journal();
    assert_false(gw_journal_ready(journal));
    hand_over(journal, &client, "refused\n");
    expect(journal, &client, 0, false);
    faults_clear("fsync");
    eventually(gw_journal_ready(journal));
    store(journal, &client, "one\n");
    close_journal(journal);
    files_assert(NAME, GW_STR("one\n"));
}

static void test_without_sync_no_sync_is_made(void **state)
{
    struct gw_journal *journal;
    struct client client;

    (void)state;
    journal = open_with(false, 1000);
    client_init(&client);
    faults_set("fdatasync", "EIO 1\n");
    store(journal, &client, "one\n");
    store(journal, &client, "two\n");
    assert_false(faults_used_up("fdatasync"));
    close_journal(journal);
    assert_true(faults_used_up("fdatasync")); /* the last one, at the end */
}

static void test_a_symbolic_link_is_followed_when_a_file_is_moved_aside(void **state)
{
    char path[PATH_MAX], aside[NAME_MAX + 1];
    struct gw_journal *journal;
    struct client client;
    struct stat status;

    (void)state;
    client_init(&client);
    assert_int_equal(symlink("real", files_path(path, NAME)), 0);
    journal = open_journal();
    faults_set("fdatasync", "EIO 1\n");
    hand_over(journal, &client, "one\n");
    expect(journal, &client, 0, true);
    store(journal, &client, "two\n");
    close_journal(journal);
    assert_int_equal(lstat(files_path(path, NAME), &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(files_find("real.failed-", aside), 1);
    files_assert("real", GW_STR("two\n"));
}

static void test_a_client_may_go_while_its_batches_are_out(void **state)
{
    struct gw_journal *journal;
    struct client *client;

    (void)state;
    journal = open_journal();
    client = malloc(sizeof(*client));
    assert_non_null(client);
    client_init(client);
    store(journal, client, "one\n");
    hand_over(journal, client, "left in the mailbox\n");
    eventually(gw_journal_has_room(journal, (size_t)64 << 20));
    faults_set("fdatasync", "hang\n");
    hand_over(journal, client, "under way\n");
    eventually(gw_journal_busy_ms(journal) > 20);
    hand_over(journal, client, "queued\n");
    gw_journal_client_detach(journal, &client->base);
    free(client);
    faults_clear("fdatasync");
    close_journal(journal);
    files_assert(NAME, GW_STR("one\nleft in the mailbox\nunder way\nqueued\n"));
}

/* Last, as it leaves a writer behind. */
static void test_closing_does_not_wait_for_a_hanging_disk(void **state)
{
    struct gw_journal *journal;
    struct client client;

    (void)state;
    journal = open_journal();
    client_init(&client);
    faults_set("fdatasync", "hang\n");
    hand_over(journal, &client, "one\n");
    eventually(gw_journal_busy_ms(journal) > 20);
    gw_journal_client_detach(journal, &client.base);
    assert_int_equal(gw_journal_finish(journal, gw_time_monotonic_ms() + 100), -ETIMEDOUT);
}

#define TEST(name) cmocka_unit_test_teardown(name, files_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_more_batches_than_one_writev_takes_are_all_stored),
        TEST(test_the_queue_is_bounded),
        TEST(test_the_bound_of_the_queue_can_be_changed),
        TEST(test_what_waits_at_a_reopening_goes_to_the_old_file),
        TEST(test_short_writes_are_continued),
        TEST(test_after_a_failed_write_the_whole_lines_are_kept),
        TEST(test_a_failed_write_is_told_to_the_batches_it_hit),
        TEST(test_a_fraction_that_cannot_be_cut_off_becomes_a_line_of_its_own),
        TEST(test_a_cut_never_makes_the_file_longer),
        TEST(test_a_cut_never_takes_what_somebody_else_appended),
        TEST(test_after_a_failed_sync_a_new_file_is_begun),
        TEST(test_while_syncs_go_on_failing_no_more_files_are_begun),
        TEST(test_a_failed_sync_leaves_a_rotated_files_successor_alone),
        TEST(test_while_the_folder_cannot_be_synced_it_starts_but_stores_nothing),
        TEST(test_without_sync_no_sync_is_made),
        TEST(test_a_symbolic_link_is_followed_when_a_file_is_moved_aside),
        TEST(test_a_client_may_go_while_its_batches_are_out),
        TEST(test_closing_does_not_wait_for_a_hanging_disk),
    };
    int failed;

    if (!faults_loaded())
        return 77; /* meson counts it as skipped */
    files_begin("/tmp");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_end();
    return failed;
}
