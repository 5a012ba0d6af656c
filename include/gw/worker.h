/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_WORKER_H
#define GW_WORKER_H

/*
 * One thread with its loop, its HTTP front, its store and its counters. Everything that happens to
 * a request happens on the thread that accepted it. Calls are for main's thread.
 */

#include "gw/front.h"

#define GW_WORKERS_MAX GW_CONFIG_WORKERS_MAX

struct gw_worker;

struct gw_worker_options {
    unsigned number; /* from 0; its thread is gw-worker-N, its door the Nth */
    struct gw_shared *shared;
    struct gw_settings *settings;
    const int *listen_fds;
    size_t listen_fd_count;
    struct gw_loop *parent; /* woken when the worker has become quiet or has ended */
};

/* @return 0 with the thread running, or a negative errno. */
int gw_worker_start(const struct gw_worker_options *options,
                    struct gw_worker **worker) GW_MUST_CHECK;

/* From its next pass on. */
void gw_worker_set_settings(struct gw_worker *worker, struct gw_settings *settings);

/* Stops accepting; ends when no request is under way. */
void gw_worker_drain(struct gw_worker *worker);

/* Ends in any case; what waits for the store is answered 500. */
void gw_worker_stop(struct gw_worker *worker);

/* Whether it has stopped accepting. */
bool gw_worker_quiet(const struct gw_worker *worker);

/* Whether its thread is done; its counters are still there. */
bool gw_worker_ended(const struct gw_worker *worker);

/* Milliseconds since its loop last came round. */
int64_t gw_worker_silent_ms(const struct gw_worker *worker);

/* Its counters, until gw_worker_free. */
const struct gw_metrics *gw_worker_metrics(const struct gw_worker *worker);

/* Waits for the thread; it must have been told to drain or stop. The counters go with it. */
struct gw_worker *gw_worker_free(struct gw_worker *worker);

#endif
