/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread writes. While it writes and syncs one group of batches, the next ones queue up, and it
 * takes all of them at once when it comes back: group commit falls out of the queue by itself, and
 * hand-over costs a lock a batch. The lock guards the queue and the mailboxes and is never held
 * over I/O on the file.
 *
 * The thread is a little machine: next_task says what is to be done, and each task runs without the
 * lock. After a failure the journal is not ready; it then gives batches back at once, and a probe a
 * second finds out when lines can be stored again. Nothing is probed by traffic.
 *
 * A batch under way knows its client by a pointer that detaching clears under the lock, so that a
 * worker may go while the disk hangs; the batch is then freed by the writer.
 */
#include "gw/journal.h"

#include "gw/journal_file.h"
#include "gw/log.h"
#include "gw/time.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define GROUP_BATCHES IOV_MAX /* one part each */

enum task { TASK_COMMIT, TASK_PROBE, TASK_REOPEN, TASK_STOP };

struct gw_journal {
    struct gw_metrics metrics;
    char *path;
    _Atomic size_t max_queued_bytes;
    int lock_fd;
    pthread_t thread;

    _Atomic size_t queued_bytes; /* changed under the lock, read by anybody */
    _Atomic bool ready;
    _Atomic int64_t busy_since_ms; /* monotonic; 0: no I/O under way */

    pthread_mutex_t lock; /* guards what follows, and every client's mailbox */
    pthread_cond_t work;
    pthread_cond_t stopped;
    struct gw_journal_batch *queue;
    struct gw_journal_batch **queue_end;
    struct gw_journal_batch *group; /* under way; the links are the writer's to change */
    bool reopening;
    struct gw_journal_batch *last_before_reopening; /* in the queue; NULL: none is */
    bool stopping;
    bool finished;

    /* The writer's alone. */
    struct gw_journal_file file;
    int64_t probe_at_ms;
    int trouble; /* that was logged last; 0: none */
    struct iovec parts[GROUP_BATCHES];
};

bool gw_journal_has_room(const struct gw_journal *journal, size_t bytes)
{
    size_t max = atomic_load_explicit(&journal->max_queued_bytes, memory_order_relaxed);
    size_t queued = atomic_load_explicit(&journal->queued_bytes, memory_order_relaxed);

    return queued <= max && bytes <= max - queued;
}

void gw_journal_set_max_queued(struct gw_journal *journal, size_t bytes)
{
    atomic_store_explicit(&journal->max_queued_bytes, bytes, memory_order_relaxed);
}

int gw_journal_hand_over(struct gw_journal *journal, struct gw_journal_batch *batch)
{
    bool room;

    assert(batch->count > 0);
    batch->handed_over_ms = gw_time_monotonic_ms();
    batch->next = NULL;
    pthread_mutex_lock(&journal->lock);
    room = gw_journal_has_room(journal, batch->bytes.len);
    if (room) {
        *journal->queue_end = batch;
        journal->queue_end = &batch->next;
        journal->queued_bytes += gw_journal_batch_memory(batch);
    }
    pthread_mutex_unlock(&journal->lock);
    if (room)
        pthread_cond_signal(&journal->work);
    return room ? 0 : -EAGAIN;
}

struct gw_journal_batch *gw_journal_take_back(struct gw_journal *journal,
                                              struct gw_journal_client *client)
{
    struct gw_journal_batch *newest;
    struct gw_journal_batch *in_order = NULL;

    pthread_mutex_lock(&journal->lock);
    newest = client->given_back;
    client->given_back = NULL;
    pthread_mutex_unlock(&journal->lock);
    while (newest) {
        struct gw_journal_batch *older = newest->next;

        newest->next = in_order;
        in_order = newest;
        newest = older;
    }
    return in_order;
}

static void free_all(struct gw_journal_batch *batch)
{
    while (batch) {
        struct gw_journal_batch *next = batch->next;

        gw_journal_batch_free(batch);
        batch = next;
    }
}

static void disown(struct gw_journal_batch *batch, const struct gw_journal_client *client)
{
    for (; batch; batch = batch->next)
        if (batch->client == client)
            batch->client = NULL;
}

void gw_journal_client_detach(struct gw_journal *journal, struct gw_journal_client *client)
{
    pthread_mutex_lock(&journal->lock);
    disown(journal->queue, client);
    disown(journal->group, client);
    pthread_mutex_unlock(&journal->lock);
    free_all(gw_journal_take_back(journal, client));
}

int64_t gw_journal_busy_ms(const struct gw_journal *journal)
{
    int64_t since_ms = journal->busy_since_ms;

    return since_ms ? gw_time_monotonic_ms() - since_ms : 0;
}

bool gw_journal_ready(const struct gw_journal *journal)
{
    return journal->ready && gw_journal_busy_ms(journal) < GW_JOURNAL_HUNG_MS;
}

void gw_journal_reopen(struct gw_journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    journal->reopening = true;
    if (journal->queue)
        journal->last_before_reopening =
            GW_CONTAINER(journal->queue_end, struct gw_journal_batch, next);
    pthread_cond_signal(&journal->work);
    pthread_mutex_unlock(&journal->lock);
}

const struct gw_metrics *gw_journal_metrics(const struct gw_journal *journal)
{
    return &journal->metrics;
}

/* Moves the oldest batches of the queue to the group, but none from behind a reopening. With the
 * lock. */
static void take_group(struct gw_journal *journal)
{
    struct gw_journal_batch **end = &journal->queue;
    size_t count = 0;
    size_t bytes = 0;

    while (*end && count < GROUP_BATCHES &&
           (count == 0 || bytes + (*end)->bytes.len <= GW_JOURNAL_BATCH_BYTES)) {
        struct gw_journal_batch *batch = *end;

        count++;
        bytes += batch->bytes.len;
        end = &batch->next;
        if (batch == journal->last_before_reopening) {
            journal->last_before_reopening = NULL;
            break;
        }
    }
    journal->group = journal->queue;
    journal->queue = *end;
    *end = NULL;
    if (!journal->queue)
        journal->queue_end = &journal->queue;
}

/* Gives the group back, each client being woken when its mailbox was empty. With the lock, under
 * which alone it is sure that the clients are still there. */
static void give_back(struct gw_journal *journal)
{
    while (journal->group) {
        struct gw_journal_batch *batch = journal->group;
        struct gw_journal_client *client = batch->client;

        journal->group = batch->next;
        journal->queued_bytes -= gw_journal_batch_memory(batch);
        if (!client) {
            gw_journal_batch_free(batch);
            continue;
        }
        batch->next = client->given_back;
        client->given_back = batch;
        if (!batch->next)
            client->wake(client);
    }
}

static size_t lines_within(const struct gw_journal_batch *batch, size_t bytes)
{
    size_t lines = batch->count;

    while (lines > 0 && batch->ends[lines - 1] > bytes)
        lines--;
    return lines;
}

/* Tells each batch of the group how many of its lines are among the first @durable_bytes. */
static void share_out(struct gw_journal *journal, size_t durable_bytes, bool ambiguous)
{
    gw_metrics_add(&journal->metrics, GW_COUNTER_JOURNAL_BYTES, durable_bytes);
    for (struct gw_journal_batch *batch = journal->group; batch; batch = batch->next) {
        size_t own = batch->bytes.len < durable_bytes ? batch->bytes.len : durable_bytes;

        durable_bytes -= own;
        batch->durable = lines_within(batch, own);
        batch->ambiguous = ambiguous && batch->durable < batch->count;
        gw_metrics_add(&journal->metrics, GW_COUNTER_JOURNAL_BATCHES, 1);
        gw_metrics_add(&journal->metrics, GW_COUNTER_JOURNAL_LINES, batch->durable);
        gw_metrics_add(&journal->metrics, GW_COUNTER_JOURNAL_FAILURES,
                       batch->durable < batch->count);
    }
}

static const char *trouble_text(int trouble)
{
    return trouble == GW_JOURNAL_FILE_NOT_REGULAR ? "not a regular file"
                                                  : strerrordesc_np(-trouble);
}

/* The same trouble is told once, however often a probe runs into it. */
static void suspend(struct gw_journal *journal, int trouble)
{
    bool unsynced = trouble == GW_JOURNAL_FILE_UNSYNCED;

    journal->ready = false;
    journal->probe_at_ms = gw_time_monotonic_ms() + GW_JOURNAL_PROBE_MS;
    if (trouble != journal->trouble)
        gw_log(GW_LOG_ERROR,
               unsynced ? "journal cannot be synced, tried again every second"
                        : "journal cannot be written, tried again every second",
               GW_LOG_STR("path", journal->path),
               GW_LOG_STR("error", trouble_text(unsynced ? -journal->file.spoiled : trouble)));
    journal->trouble = trouble;
}

static void probe(struct gw_journal *journal)
{
    int result = gw_journal_file_probe(&journal->file);

    if (result) {
        suspend(journal, result);
        return;
    }
    gw_log(GW_LOG_INFO, "journal can be written again", GW_LOG_STR("path", journal->path));
    journal->trouble = 0;
    journal->ready = true;
}

static void commit(struct gw_journal *journal)
{
    size_t count = 0;
    size_t durable_bytes = 0;
    int result = 0;

    for (struct gw_journal_batch *batch = journal->group; batch; batch = batch->next)
        journal->parts[count++] =
            (struct iovec){.iov_base = batch->bytes.data, .iov_len = batch->bytes.len};
    if (journal->ready)
        result = gw_journal_file_append(&journal->file, journal->parts, count, &durable_bytes);
    share_out(journal, durable_bytes, result == GW_JOURNAL_FILE_UNSYNCED);
    if (result)
        suspend(journal, result);
    /* Goes on in a new file at once, but only if that one can be synced: a sick disk would
     * otherwise get a file a batch. */
    if (result == GW_JOURNAL_FILE_UNSYNCED)
        probe(journal);
}

static void reopen(struct gw_journal *journal)
{
    int result = gw_journal_file_reopen(&journal->file);

    if (result)
        gw_log(GW_LOG_ERROR, "journal cannot be opened anew, the old file is kept",
               GW_LOG_STR("path", journal->path), GW_LOG_STR("error", trouble_text(result)));
    else
        gw_log(GW_LOG_INFO, "journal opened anew", GW_LOG_STR("path", journal->path));
}

static void wait_for_work(struct gw_journal *journal)
{
    struct timespec until = {.tv_sec = journal->probe_at_ms / 1000,
                             .tv_nsec = journal->probe_at_ms % 1000 * 1000000};

    if (journal->ready)
        pthread_cond_wait(&journal->work, &journal->lock);
    else
        pthread_cond_timedwait(&journal->work, &journal->lock, &until);
}

/* Waits until there is something to do. With the lock. */
static enum task next_task(struct gw_journal *journal)
{
    for (;;) {
        if (journal->reopening && !journal->last_before_reopening) {
            journal->reopening = false;
            return TASK_REOPEN;
        }
        if (!journal->ready && !journal->stopping && gw_time_monotonic_ms() >= journal->probe_at_ms)
            return TASK_PROBE;
        if (journal->queue) {
            take_group(journal);
            return TASK_COMMIT;
        }
        if (journal->stopping)
            return TASK_STOP;
        wait_for_work(journal);
    }
}

static void stop(struct gw_journal *journal)
{
    int result = gw_journal_file_close(&journal->file);

    if (result)
        gw_log(GW_LOG_ERROR, "last sync of the journal failed", GW_LOG_STR("path", journal->path),
               GW_LOG_ERRNO(-result));
}

static void *run(void *argument)
{
    static void (*const tasks[])(struct gw_journal *) = {
        [TASK_COMMIT] = commit, [TASK_PROBE] = probe, [TASK_REOPEN] = reopen, [TASK_STOP] = stop};
    struct gw_journal *journal = argument;
    enum task task;

    pthread_mutex_lock(&journal->lock);
    do {
        task = next_task(journal);
        pthread_mutex_unlock(&journal->lock);
        journal->busy_since_ms = gw_time_monotonic_ms();
        tasks[task](journal);
        journal->busy_since_ms = 0;
        pthread_mutex_lock(&journal->lock);
        give_back(journal);
    } while (task != TASK_STOP);
    journal->finished = true;
    pthread_cond_signal(&journal->stopped);
    pthread_mutex_unlock(&journal->lock);
    return NULL;
}

/* Signals are other threads' business: an interrupted sync would look like a failed one. */
static int start_writer(struct gw_journal *journal)
{
    sigset_t all, before;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = -pthread_create(&journal->thread, NULL, run, journal);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!result)
        pthread_setname_np(journal->thread, "gw-journal");
    return result;
}

GW_PRINTF(3, 4)
static void explain(char *message, size_t message_size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, message_size, format, arguments);
    va_end(arguments);
}

static int lock_path(struct gw_journal *journal, int64_t timeout_ms, char *message,
                     size_t message_size)
{
    int result = gw_journal_lock(journal->path, timeout_ms, &journal->lock_fd);

    if (result == -EBUSY)
        explain(message, message_size,
                "%s is in use by another process, which kept %s.lock for %lld ms", journal->path,
                journal->path, (long long)timeout_ms);
    else if (result)
        explain(message, message_size,
                "cannot lock %s.lock: %s; its folder must exist and be writable for this user",
                journal->path, strerrordesc_np(-result));
    return result;
}

static int refuse(const char *path, int result, char *message, size_t message_size)
{
    explain(message, message_size,
            "cannot open %s: %s; it must be a regular file, or not there yet in a folder that is, "
            "and writable for this user",
            path, trouble_text(result));
    return result > 0 ? -EINVAL : result;
}

/* Where a disk is full or sick the start succeeds all the same, and the probe waits for it as at
 * any other time: a folder that cannot be synced, too, could lose a new file with all its lines. */
static int open_file(struct gw_journal *journal, bool sync, char *message, size_t message_size)
{
    int result = gw_journal_file_open(&journal->file, journal->path, sync);

    if (result == -EIO || result == -ENOSPC || result == -EDQUOT) {
        suspend(journal, result);
        result = 0;
    }
    return result ? refuse(journal->path, result, message, message_size) : 0;
}

static struct gw_journal *journal_new(const char *path, size_t max_queued_bytes)
{
    struct gw_journal *journal = calloc(1, sizeof(*journal));
    pthread_condattr_t monotonic;

    if (!journal)
        return NULL;
    journal->path = strdup(path);
    if (!journal->path) {
        free(journal);
        return NULL;
    }
    journal->max_queued_bytes = max_queued_bytes;
    journal->lock_fd = journal->file.fd = -1;
    journal->ready = true;
    journal->queue_end = &journal->queue;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&journal->lock, NULL);
    pthread_cond_init(&journal->work, &monotonic);
    pthread_cond_init(&journal->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return journal;
}

void gw_journal_free(struct gw_journal *journal)
{
    if (journal->file.fd >= 0)
        close(journal->file.fd);
    if (journal->lock_fd >= 0)
        close(journal->lock_fd);
    pthread_cond_destroy(&journal->stopped);
    pthread_cond_destroy(&journal->work);
    pthread_mutex_destroy(&journal->lock);
    free(journal->path);
    free(journal);
}

int gw_journal_open(const struct gw_journal_options *options, struct gw_journal **journal,
                    char *message, size_t message_size)
{
    struct gw_journal *opened;
    char path[PATH_MAX];
    int result = gw_journal_resolve(options->path, path);

    if (result)
        return refuse(options->path, result, message, message_size);
    explain(message, message_size, "no memory or thread for the journal %s", path);
    opened = journal_new(path, options->max_queued_bytes);
    if (!opened)
        return -ENOMEM;
    result = lock_path(opened, options->lock_timeout_ms, message, message_size);
    if (!result)
        result = open_file(opened, options->sync, message, message_size);
    if (!result)
        result = start_writer(opened);
    if (result)
        gw_journal_free(opened);
    else
        *journal = opened;
    return result;
}

static bool wait_until_finished(struct gw_journal *journal, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    int result = 0;
    bool finished;

    pthread_mutex_lock(&journal->lock);
    journal->stopping = true;
    pthread_cond_signal(&journal->work);
    while (!journal->finished && result == 0)
        result = pthread_cond_timedwait(&journal->stopped, &journal->lock, &until);
    finished = journal->finished;
    pthread_mutex_unlock(&journal->lock);
    return finished;
}

int gw_journal_finish(struct gw_journal *journal, int64_t deadline_ms)
{
    if (!wait_until_finished(journal, deadline_ms)) {
        pthread_detach(journal->thread);
        return -ETIMEDOUT;
    }
    pthread_join(journal->thread, NULL);
    return 0;
}
