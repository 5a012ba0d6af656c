/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's store collects the lines of one pass of the loop in one batch and hands it to the
 * journal's writer at flush. The writer's wake-up is an eventfd in the worker's loop, so outcomes
 * are told on the worker's thread. Batches come back in the order in which they went, so those that
 * are out form a queue, of which only the oldest unanswered one is watched.
 *
 * A batch that stays away for too long is abandoned: its owners get their answer and are forgotten,
 * and its memory, which a hanging writev may still read, waits until it is given back.
 */
#include "gw/file_store.h"

#include "gw/line.h"
#include "gw/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SPARE_BATCHES 2
#define SPARE_BYTES_MAX ((size_t)2 << 20) /* a spare batch's memory; a larger one is given up */
#define LINE_OVERHEAD 256                 /* what a line has beside its strings */

struct file_backend {
    struct gw_backend base;
    struct gw_journal *journal;
    bool hung; /* at the end; its writer still runs */
};

struct file_store {
    struct gw_store base;
    struct gw_journal *journal;
    struct gw_loop *loop;
    struct gw_journal_client client;
    struct gw_watch mailbox;  /* an eventfd */
    struct gw_timer deadline; /* of the oldest batch that is out */

    struct gw_journal_batch *collecting;
    struct gw_journal_batch *out, **out_end; /* with the journal, linked by sibling */
    struct gw_journal_batch *oldest;         /* of those, the first not abandoned */
    struct gw_journal_batch *refused;        /* by the journal: to be answered at flush */
    struct gw_journal_batch *spares;
    size_t spare_count;
};

static void wake(struct gw_journal_client *client)
{
    struct file_store *store = GW_CONTAINER(client, struct file_store, client);

    (void)eventfd_write(store->mailbox.fd, 1);
}

static struct gw_journal_batch *take_spare(struct file_store *store)
{
    struct gw_journal_batch *batch = store->spares;

    if (!batch)
        return gw_journal_batch_new(&store->client);
    store->spares = batch->sibling;
    store->spare_count--;
    batch->sibling = NULL;
    return batch;
}

static void put_spare(struct file_store *store, struct gw_journal_batch *batch)
{
    if (store->spare_count == SPARE_BATCHES || batch->bytes.capacity > SPARE_BYTES_MAX) {
        gw_journal_batch_free(batch);
        return;
    }
    gw_journal_batch_clear(batch);
    batch->sibling = store->spares;
    store->spares = batch;
    store->spare_count++;
}

/* Tells the outcome of lines @from to @to. */
static void answer(const struct gw_journal_batch *batch, size_t from, size_t to,
                   enum gw_outcome outcome)
{
    for (size_t i = from; i < to; i++) {
        struct gw_submission *submission = batch->owners[i];

        submission->done(submission, outcome);
    }
}

static void arm_deadline(struct file_store *store)
{
    if (store->oldest && !store->deadline.set)
        gw_loop_set_timer(store->loop, &store->deadline,
                          store->oldest->handed_over_ms + GW_FILE_STORE_DEADLINE_MS);
}

static void abandon_overdue(struct gw_timer *timer, int64_t now_ms)
{
    struct file_store *store = GW_CONTAINER(timer, struct file_store, deadline);
    struct gw_journal_batch *batch;

    while ((batch = store->oldest) != NULL &&
           batch->handed_over_ms + GW_FILE_STORE_DEADLINE_MS <= now_ms) {
        /* Told once a hang: the head of those that are out is the first to be abandoned. */
        if (batch == store->out)
            gw_log(GW_LOG_ERROR, "journal hangs, events are failed that may land all the same");
        store->oldest = batch->sibling;
        answer(batch, 0, batch->count, GW_OUTCOME_AMBIGUOUS);
    }
    arm_deadline(store);
}

static void hand_over(struct file_store *store)
{
    struct gw_journal_batch *batch = store->collecting;

    store->collecting = NULL;
    if (gw_journal_hand_over(store->journal, batch) != 0) {
        batch->sibling = store->refused;
        store->refused = batch;
        return;
    }
    *store->out_end = batch;
    store->out_end = &batch->sibling;
    if (!store->oldest)
        store->oldest = batch;
    arm_deadline(store);
}

/* About the line's length; escapes may add to it. */
static size_t line_bytes(const struct gw_write *write)
{
    size_t bytes = LINE_OVERHEAD + write->event_type.len + write->conversation_id.len;

    for (size_t i = 0; i < GW_FIELD_COUNT; i++)
        bytes += write->fields[i].len;
    return bytes + write->payload.len;
}

/* Makes room for a line in the batch that is being collected, or in a new one. */
static int prepare(struct file_store *store, const struct gw_write *write)
{
    size_t collected = store->collecting ? store->collecting->bytes.len : 0;
    size_t line = line_bytes(write);

    if (!gw_journal_has_room(store->journal, collected + line))
        return -EAGAIN;
    if (collected > 0 && collected + line > GW_JOURNAL_BATCH_BYTES)
        hand_over(store);
    if (!store->collecting)
        store->collecting = take_spare(store);
    return store->collecting ? 0 : -ENOMEM;
}

static int submit(struct gw_store *base, struct gw_submission *submission)
{
    struct file_store *store = GW_CONTAINER(base, struct file_store, base);
    int result = prepare(store, submission->write);

    if (!result)
        result = gw_line_append(submission->write, &store->collecting->bytes);
    if (!result)
        result = gw_journal_batch_end_line(store->collecting, submission);
    if (!result && store->collecting->bytes.len >= GW_JOURNAL_BATCH_BYTES)
        hand_over(store);
    return result;
}

static void answer_refused(struct file_store *store)
{
    struct gw_journal_batch *batch;

    while ((batch = store->refused) != NULL) {
        store->refused = batch->sibling;
        answer(batch, 0, batch->count, GW_OUTCOME_FAILED);
        put_spare(store, batch);
    }
}

static void flush(struct gw_store *base)
{
    struct file_store *store = GW_CONTAINER(base, struct file_store, base);

    if (store->collecting && store->collecting->count > 0)
        hand_over(store);
    answer_refused(store);
}

static void answer_all(const struct gw_journal_batch *batch)
{
    answer(batch, 0, batch->durable, GW_OUTCOME_STORED);
    answer(batch, batch->durable, batch->count,
           batch->ambiguous ? GW_OUTCOME_AMBIGUOUS : GW_OUTCOME_FAILED);
}

/* @batch came back; it is the head of those that were out. @return how many of its lines landed
 * though they were answered as failed. */
static size_t complete(struct file_store *store, struct gw_journal_batch *batch)
{
    bool abandoned = batch != store->oldest;
    size_t late = abandoned ? batch->durable : 0;

    assert(batch == store->out);
    store->out = batch->sibling;
    if (!store->out)
        store->out_end = &store->out;
    if (!abandoned) {
        store->oldest = batch->sibling;
        answer_all(batch);
    }
    put_spare(store, batch);
    return late;
}

static void take_mail(struct gw_watch *watch, uint32_t epoll_events)
{
    struct file_store *store = GW_CONTAINER(watch, struct file_store, mailbox);
    struct gw_journal_batch *batch;
    size_t late = 0;
    eventfd_t count;

    (void)epoll_events;
    (void)eventfd_read(watch->fd, &count);
    batch = gw_journal_take_back(store->journal, &store->client);
    while (batch) {
        struct gw_journal_batch *next = batch->next;

        late += complete(store, batch);
        batch = next;
    }
    if (late > 0)
        gw_log(GW_LOG_WARNING, "journal goes on, events landed that were answered as failed",
               GW_LOG_INT("events", late));
}

static void detach(struct gw_store *base)
{
    struct file_store *store = GW_CONTAINER(base, struct file_store, base);

    gw_journal_client_detach(store->journal, &store->client);
    gw_loop_cancel_timer(store->loop, &store->deadline);
    gw_loop_remove(store->loop, &store->mailbox);
    close(store->mailbox.fd);
    gw_journal_batch_free(store->collecting);
    while (store->spares) {
        struct gw_journal_batch *batch = store->spares;

        store->spares = batch->sibling;
        gw_journal_batch_free(batch);
    }
    free(store);
}

static const struct gw_store_ops store_ops = {
    .submit = submit,
    .flush = flush,
    .detach = detach,
};

static struct gw_journal *journal_of(struct gw_backend *base)
{
    return GW_CONTAINER(base, struct file_backend, base)->journal;
}

static int add_mailbox(struct file_store *store)
{
    int result;

    store->mailbox =
        (struct gw_watch){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = take_mail};
    if (store->mailbox.fd < 0)
        return -errno;
    result = gw_loop_add(store->loop, &store->mailbox, EPOLLIN);
    if (result)
        close(store->mailbox.fd);
    return result;
}

/* The worker's metrics stay untouched: outcomes are counted by who is told them. */
static int attach(struct gw_backend *backend, struct gw_loop *loop, struct gw_metrics *metrics,
                  struct gw_store **store)
{
    struct file_store *made = calloc(1, sizeof(*made));
    int result;

    (void)metrics;
    if (!made)
        return -ENOMEM;
    made->base.ops = &store_ops;
    made->journal = journal_of(backend);
    made->loop = loop;
    made->client.wake = wake;
    made->deadline.fire = abandon_overdue;
    made->out_end = &made->out;
    result = add_mailbox(made);
    if (result)
        free(made);
    else
        *store = &made->base;
    return result;
}

static bool is_ready(struct gw_backend *backend)
{
    return gw_journal_ready(journal_of(backend));
}

static bool is_stuck(struct gw_backend *backend)
{
    return gw_journal_busy_ms(journal_of(backend)) > GW_FILE_STORE_STUCK_MS;
}

static void reopen(struct gw_backend *backend)
{
    gw_journal_reopen(journal_of(backend));
}

static void set_max_queued(struct gw_backend *backend, size_t bytes)
{
    gw_journal_set_max_queued(journal_of(backend), bytes);
}

static const struct gw_metrics *metrics_of(struct gw_backend *backend)
{
    return gw_journal_metrics(journal_of(backend));
}

static void look(struct gw_backend *backend, struct gw_backend_state *state)
{
    *state = (struct gw_backend_state){.out = !is_ready(backend)};
}

static int finish_backend(struct gw_backend *backend, int64_t deadline_ms)
{
    int result = gw_journal_finish(journal_of(backend), deadline_ms);

    GW_CONTAINER(backend, struct file_backend, base)->hung = result != 0;
    return result;
}

static void free_backend(struct gw_backend *base)
{
    struct file_backend *backend = GW_CONTAINER(base, struct file_backend, base);

    if (!backend->hung)
        gw_journal_free(backend->journal);
    free(backend);
}

static const struct gw_backend_ops backend_ops = {
    .attach = attach,
    .ready = is_ready,
    .stuck = is_stuck,
    .reopen = reopen,
    .set_max_queued = set_max_queued,
    .metrics = metrics_of,
    .look = look,
    .finish = finish_backend,
    .free = free_backend,
};

int gw_file_store_open(const struct gw_journal_options *options, struct gw_backend **backend,
                       char *message, size_t message_size)
{
    struct file_backend *opened = calloc(1, sizeof(*opened));
    int result;

    if (!opened) {
        (void)snprintf(message, message_size, "no memory for the file store");
        return -ENOMEM;
    }
    opened->base.ops = &backend_ops;
    result = gw_journal_open(options, &opened->journal, message, message_size);
    if (result)
        free(opened);
    else
        *backend = &opened->base;
    return result;
}

int gw_file_store_path(const char *path, char *resolved, size_t size)
{
    const char *state = getenv("STATE_DIRECTORY");
    int len = *path == '/' || !state || !*state
                  ? snprintf(resolved, size, "%s", path)
                  : snprintf(resolved, size, "%.*s/%s", (int)strcspn(state, ":"), state, path);

    return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}
