/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_JOURNAL_CLIENT_H
#define GW_TEST_JOURNAL_CLIENT_H

/* A client of a journal whose lines are text. Included after cmocka. */

#include "gw/journal.h"

#include "files.h"

#include <semaphore.h>

#define NAME "events.jsonl"
#define SOON (gw_time_monotonic_ms() + 20000)

struct client {
    struct gw_journal_client base;
    sem_t mail;
};

static inline void post_mail(struct gw_journal_client *client)
{
    sem_post(&GW_CONTAINER(client, struct client, base)->mail);
}

static inline void client_init(struct client *client)
{
    *client = (struct client){.base.wake = post_mail};
    sem_init(&client->mail, 0, 0);
}

static inline struct gw_journal *open_with(bool sync, size_t max_queued_bytes)
{
    char path[PATH_MAX], message[512] = "";
    struct gw_journal_options options = {.path = files_path(path, NAME),
                                         .sync = sync,
                                         .max_queued_bytes = max_queued_bytes,
                                         .lock_timeout_ms = 5000};
    struct gw_journal *journal = NULL;
    int result = gw_journal_open(&options, &journal, message, sizeof(message));

    if (result)
        fail_msg("%d: %s", result, message);
    return journal;
}

static inline struct gw_journal *open_journal(void)
{
    return open_with(true, (size_t)64 << 20);
}

static inline void close_journal(struct gw_journal *journal)
{
    assert_int_equal(gw_journal_finish(journal, SOON), 0);
    gw_journal_free(journal);
}

/* A batch of the lines of @text. */
static inline struct gw_journal_batch *batch_of(struct client *client, const char *text)
{
    struct gw_journal_batch *batch = gw_journal_batch_new(&client->base);

    assert_non_null(batch);
    while (*text) {
        size_t len = (size_t)(strchr(text, '\n') - text) + 1;

        assert_int_equal(gw_buffer_append(&batch->bytes, (struct gw_str){text, len}), 0);
        assert_int_equal(gw_journal_batch_end_line(batch, client), 0);
        text += len;
    }
    return batch;
}

static inline void hand_over(struct gw_journal *journal, struct client *client, const char *text)
{
    assert_int_equal(gw_journal_hand_over(journal, batch_of(client, text)), 0);
}

/* The next batch, or several, that come back. */
static inline struct gw_journal_batch *wait_for_mail(struct gw_journal *journal,
                                                     struct client *client)
{
    struct gw_journal_batch *batch = NULL;

    while (!batch) {
        while (sem_wait(&client->mail) != 0)
            ;
        batch = gw_journal_take_back(journal, &client->base);
    }
    return batch;
}

/* Waits for one batch and checks how it fared. */
static inline void expect(struct gw_journal *journal, struct client *client, size_t durable,
                          bool ambiguous)
{
    struct gw_journal_batch *batch = wait_for_mail(journal, client);

    assert_null(batch->next);
    assert_int_equal(batch->durable, durable);
    assert_int_equal(batch->ambiguous, ambiguous);
    gw_journal_batch_free(batch);
}

/* Stores lines and sees to it that they are safe. */
static inline void store(struct gw_journal *journal, struct client *client, const char *text)
{
    struct gw_journal_batch *batch;

    hand_over(journal, client, text);
    batch = wait_for_mail(journal, client);
    assert_int_equal(batch->durable, batch->count);
    assert_false(batch->ambiguous);
    gw_journal_batch_free(batch);
}

#endif
