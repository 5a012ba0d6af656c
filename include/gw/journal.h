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
#define GW_JOURNAL_HUNG_MS 7000  /* a write or sync under way for so long: not ready */
#define GW_JOURNAL_PROBE_MS 1000 /* how often it is tried whether lines can be stored again */

struct gw_journal_options {
    const char *path;        /* symbolic links are followed once, at the opening */
    bool sync;               /* false: durable is what write(2) took */
    size_t max_queued_bytes; /* of memory, handed over and not yet given back; the last batch's
                                memory may pass it, its lines may not */
    int64_t lock_timeout_ms; /* how long to wait for PATH.lock */
};

/* Lines handed over together; belongs to its client, to the journal from hand-over to give-back. */
struct gw_journal_batch {
    struct gw_buffer bytes; /* whole lines */
    size_t *ends;           /* of each line, in bytes from the start */
    size_t count, capacity;
    void **owners; /* one a line, the client's own; the journal never looks at them */
    struct gw_journal_client *client; /* NULL: detached; guarded by the journal's lock */
    struct gw_journal_batch *next;    /* the journal's, and the client's once given back */
    struct gw_journal_batch *sibling; /* the client's own */
    int64_t handed_over_ms;           /* monotonic */

    /* Set by the writer before it is given back. */
    size_t durable; /* the first so many lines are safe */
    bool ambiguous; /* the others may be in the file all the same */
};

/* One thread's mailbox. wake is called on the writer's thread, at most once a group commit, with
 * the journal's lock held: it must not block and not call the journal. */
struct gw_journal_client {
    void (*wake)(struct gw_journal_client *client);
    struct gw_journal_batch *given_back; /* newest first; guarded by the journal's lock */
};

/**
 * Locks PATH.lock, opens or creates PATH, moves a torn last line aside to PATH.torn-<UTC>, and
 * starts the writer. Takes the same time whatever the file's size. On a full or sick disk it opens
 * all the same, and is not ready.
 * @param message  on an error: what was wrong and what would be right
 * @return 0, -EBUSY when another process kept the lock for lock_timeout_ms, or what the system
 * said.
 */
int gw_journal_open(const struct gw_journal_options *options, struct gw_journal **journal,
                    char *message, size_t message_size) GW_MUST_CHECK;

/* @return an empty batch for @client, or NULL where there is no memory. */
struct gw_journal_batch *gw_journal_batch_new(struct gw_journal_client *client);
struct gw_journal_batch *gw_journal_batch_free(struct gw_journal_batch *batch);
/* Empties it for the next lines; its memory is kept. */
void gw_journal_batch_clear(struct gw_journal_batch *batch);

/* What it takes of memory, in bytes. */
size_t gw_journal_batch_memory(const struct gw_journal_batch *batch);

/**
 * Ends a line: all that was appended to batch->bytes since the last one, its LF included.
 * @return 0, or -ENOMEM, and then the line is taken out again.
 */
int gw_journal_batch_end_line(struct gw_journal_batch *batch, void *owner) GW_MUST_CHECK;

/* Any thread; never blocks on I/O. @batch has lines. @return 0, or -EAGAIN (the batch stays the
 * client's) when max_queued_bytes would be passed. */
int gw_journal_hand_over(struct gw_journal *journal, struct gw_journal_batch *batch) GW_MUST_CHECK;

/* Whether a batch of @bytes would be taken now. Any thread; cheap. */
bool gw_journal_has_room(const struct gw_journal *journal, size_t bytes);

/* Changes max_queued_bytes; what waits already may stay beyond it. Any thread. */
void gw_journal_set_max_queued(struct gw_journal *journal, size_t bytes);

/* All batches of @client that the writer has finished, in the order of handing over. The client's
 * thread. */
struct gw_journal_batch *gw_journal_take_back(struct gw_journal *journal,
                                              struct gw_journal_client *client);

/* Ends @client: from here on wake is not called. Its batches that are still with the writer are
 * written as the others, and the journal frees them. */
void gw_journal_client_detach(struct gw_journal *journal, struct gw_journal_client *client);

/* Any thread. Not ready: no room, no file, or a write or sync that has hung for 7 s. */
bool gw_journal_ready(const struct gw_journal *journal);

/* Milliseconds that the write or sync under way has taken; 0 when there is none. Any thread. */
int64_t gw_journal_busy_ms(const struct gw_journal *journal);

/* Opens PATH anew, after all that was handed over up to now is in the old file, which stays where
 * the new one cannot be opened. Any thread; returns at once. */
void gw_journal_reopen(struct gw_journal *journal);

/* Batches, lines, bytes and failures; the writer adds, any thread reads. */
const struct gw_metrics *gw_journal_metrics(const struct gw_journal *journal);

/**
 * Finishes what was handed over, syncs and stops the writer. The metrics are final then.
 * @return 0, or -ETIMEDOUT when the writer hangs past monotonic @deadline_ms: it is left behind,
 * and the journal can never be freed.
 */
int gw_journal_finish(struct gw_journal *journal, int64_t deadline_ms) GW_MUST_CHECK;

/* Frees a finished journal, and lets go of the lock. */
void gw_journal_free(struct gw_journal *journal);

/* The file's side of opening, for tests and fuzzers: moves a torn last line of @fd (open for
 * reading and writing) aside to PATH.torn-<UTC>. Where it cannot be moved (no room) or the end
 * cannot be read, it is left and *@mend is set: the writer then begins with an LF, so that the
 * fragment is a line of its own, which readers skip. @torn_bytes is what was moved or left. */
int gw_journal_recover(int fd, const char *path, size_t *torn_bytes, bool *mend) GW_MUST_CHECK;

#endif
