/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_H
#define GW_JOURNAL_H

/*
 * An append-only file of lines with one writer thread and group commit. Whoever has lines hands
 * over a batch; the writer takes all batches that wait (at most 8 MiB of them), appends them by
 * writev, makes them durable by one fdatasync, and gives each batch back to its client with the
 * number of lines that are safe. It knows nothing of what the lines say.
 *
 * Promises: a line counted as durable was written whole and synced. After a short write or a full
 * disk the whole lines that got there are kept, the fraction is cut off. After a failed sync
 * nothing more is appended to that file: it is renamed to PATH.failed-<UTC> and a new one begun.
 * Whole lines are never removed.
 */

#include "gw/buffer.h"
#include "gw/metrics.h"

struct gw_journal;

#define GW_JOURNAL_BATCH_BYTES ((size_t)8 << 20)

struct gw_journal_options {
    const char *path;
    bool sync;               /* false: durable is what write(2) took */
    size_t max_queued_bytes; /* handed over and not yet given back */
    int64_t lock_timeout_ms; /* how long to wait for PATH.lock */
};

/* Lines handed over together; belongs to its client, to the journal from hand-over to give-back. */
struct gw_journal_batch {
    struct gw_buffer bytes; /* whole lines */
    size_t *ends;           /* of each line, in bytes from the start */
    size_t count, capacity;
    void **owners; /* one a line, the client's own; the journal never looks at them */
    struct gw_journal_client *client;
    struct gw_journal_batch *next;
    int64_t handed_over_ms;

    /* Set by the writer before it is given back. */
    size_t durable; /* the first so many lines are safe */
    bool ambiguous; /* the others may be in the file all the same */
};

/* One thread's mailbox. wake is called on the writer's thread, once a group commit. */
struct gw_journal_client {
    void (*wake)(struct gw_journal_client *client);
    struct gw_journal_batch *given_back; /* guarded by the journal's lock */
};

/**
 * Locks PATH.lock, opens or creates PATH, moves a torn last line aside to PATH.torn-<UTC>, and
 * starts the writer. Takes the same time whatever the file's size.
 * @param message  on an error: what was wrong and what would be right
 * @return 0, -EBUSY when another process kept the lock for lock_timeout_ms, or what the system
 * said.
 */
int gw_journal_open(const struct gw_journal_options *options, struct gw_journal **journal,
                    char *message, size_t message_size) GW_MUST_CHECK;

/* @return an empty batch for @client, or NULL where there is no memory. */
struct gw_journal_batch *gw_journal_batch_new(struct gw_journal_client *client);
struct gw_journal_batch *gw_journal_batch_free(struct gw_journal_batch *batch);

/* Any thread; never blocks on I/O. @return 0, or -EAGAIN (the batch stays the client's) when
 * max_queued_bytes would be passed. */
int gw_journal_hand_over(struct gw_journal *journal, struct gw_journal_batch *batch) GW_MUST_CHECK;

/* All batches of @client that the writer has finished, oldest first. The client's thread. */
struct gw_journal_batch *gw_journal_take_back(struct gw_journal *journal,
                                              struct gw_journal_client *client);

/* Any thread. Not ready: no room, no file, or a write or sync that has hung for 7 s. */
bool gw_journal_ready(const struct gw_journal *journal);

/* Milliseconds that the write or sync under way has taken; 0 when there is none. Any thread. */
int64_t gw_journal_busy_ms(const struct gw_journal *journal);

/* After the batch under way: opens PATH anew. The old file stays where the new one cannot be
 * opened. Any thread; returns at once. */
void gw_journal_reopen(struct gw_journal *journal);

const struct gw_metrics *gw_journal_metrics(const struct gw_journal *journal);

/**
 * Finishes what was handed over, syncs, stops the writer and frees it.
 * @return 0, or -ETIMEDOUT when the writer hangs past monotonic @deadline_ms (it is left behind).
 */
int gw_journal_close(struct gw_journal *journal, int64_t deadline_ms) GW_MUST_CHECK;

/* The file's side of opening, for tests and fuzzers: moves a torn last line of @fd (open for
 * reading and writing) aside to PATH.torn-<UTC>. Where it cannot be moved (no room), it is left and
 * *@mend is set: the writer then begins with an LF, so that the fragment is a line of its own,
 * which readers skip. @torn_bytes is what was moved or left. */
int gw_journal_recover(int fd, const char *path, size_t *torn_bytes, bool *mend) GW_MUST_CHECK;

#endif
