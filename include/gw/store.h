/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_H
#define GW_STORE_H

/*
 * What every backend implements (file; later DynamoDB, S3, and the spool in front of one), in two
 * halves: a `gw_backend` is opened once by main and shared, a `gw_store` is one worker's way into
 * it and lives on that worker's loop. A write goes in by submit, its outcome comes back by a call
 * on the same thread, never from within submit.
 */

#include "gw/loop.h"
#include "gw/metrics.h"
#include "gw/write.h"

enum gw_outcome {
    GW_OUTCOME_STORED,     /* durable */
    GW_OUTCOME_SUPERSEDED, /* a newer one is there: a success that changed nothing */
    GW_OUTCOME_REJECTED,   /* can never be stored (too large for the table): not tried again */
    GW_OUTCOME_FAILED,     /* not stored; the same write may succeed later */
    GW_OUTCOME_AMBIGUOUS,  /* no answer in time or a failed sync: it may have landed all the same */
    GW_OUTCOME_COUNT
};

/* Embedded in whatever waits for the outcome. The store's from submit until done is called. */
struct gw_submission {
    const struct gw_write *write; /* borrowed until done, at the latest */
    void (*done)(struct gw_submission *submission, enum gw_outcome outcome);
};

struct gw_store {
    const struct gw_store_ops *ops;
};

/* All calls are on the thread of the loop that the store was attached to. */
struct gw_store_ops {
    /**
     * Takes a write. Its outcome comes within the backend's deadline (7 s), whatever happens.
     * @return 0; -EAGAIN when too much waits already (answered 503); -ENOMEM.
     */
    int (*submit)(struct gw_store *store, struct gw_submission *submission);
    /* Starts what submit collected, in one piece; once a pass of the loop. */
    void (*flush)(struct gw_store *store);
    /* Frees it. What has no outcome yet never gets one: its submissions are the caller's again. */
    void (*detach)(struct gw_store *store);
};

/* How a backend does at the moment, for who looks on. */
struct gw_backend_state {
    bool out;                      /* it takes no writes, which ready need not say */
    int64_t credentials_expire_ms; /* by the wall clock; 0: never, or it has none */
};

struct gw_backend {
    const struct gw_backend_ops *ops;
};

/* All calls are on main's thread, but for ready and stuck, which any thread may ask. */
struct gw_backend_ops {
    /**
     * Makes one worker's store.
     * @param loop     the worker's; not running yet, or on the calling thread
     * @param metrics  the worker's own set
     */
    int (*attach)(struct gw_backend *backend, struct gw_loop *loop, struct gw_metrics *metrics,
                  struct gw_store **store);
    /* Whether it can take writes now. Kept up to date by a timer of its own, never by traffic. */
    bool (*ready)(struct gw_backend *backend);
    /* Whether a write or sync has hung for so long that only a restart may help. */
    bool (*stuck)(struct gw_backend *backend);
    /* Opens its files anew (SIGUSR1, logrotate); what was taken before goes to the old ones. */
    void (*reopen)(struct gw_backend *backend);
    /* Changes how many bytes may wait to be stored before submit says -EAGAIN (a reload). */
    void (*set_max_queued)(struct gw_backend *backend, size_t bytes);
    /* Its own counters (batches, lines), to be summed with the workers'; never NULL. */
    const struct gw_metrics *(*metrics)(struct gw_backend *backend);
    void (*look)(struct gw_backend *backend, struct gw_backend_state *state);
    /**
     * Brings to an end what it was given; every store is detached before. Its counters are final
     * then.
     * @return 0, or -ETIMEDOUT when something hung past monotonic @deadline_ms and is left behind.
     */
    int (*finish)(struct gw_backend *backend, int64_t deadline_ms);
    /* Frees it, after finish, but for what was left behind. */
    void (*free)(struct gw_backend *backend);
};

static inline int gw_store_submit(struct gw_store *store, struct gw_submission *submission)
{
    return store->ops->submit(store, submission);
}

static inline void gw_store_flush(struct gw_store *store)
{
    store->ops->flush(store);
}

#endif
