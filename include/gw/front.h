/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_FRONT_H
#define GW_FRONT_H

/*
 * One worker's HTTP side: a libmicrohttpd daemon without threads or a listen socket of its own,
 * that hangs on the worker's loop. It accepts from any number of shared listen sockets (each worker
 * waits for them with EPOLLEXCLUSIVE), buffers bodies, has them judged, hands writes to the store
 * and answers when the store has told. All calls are for the loop's thread.
 */

#include "gw/limits.h"
#include "gw/loop.h"
#include "gw/peers.h"
#include "gw/refusals.h"
#include "gw/settings.h"
#include "gw/store.h"

#define GW_FRONT_LISTENERS_MAX 8

struct gw_front;

/* Where the other workers leave connections for one. */
struct gw_door {
    _Atomic bool open;
    _Atomic int64_t connections; /* its worker's, those on their way to it included */
    int fds[2];                  /* a pipe */
};

struct gw_doors {
    struct gw_door *all; /* by the workers' numbers */
    size_t count;
};

/* @return 0, -ENOMEM, or a negative errno of pipe2(2). Main opens them before the first worker
 * starts and closes them after the last one has ended; what then still stands at a door is closed.
 */
int gw_doors_open(struct gw_doors *doors, unsigned count) GW_MUST_CHECK;
void gw_doors_close(struct gw_doors *doors);

/* What the fronts of all workers share. */
struct gw_shared {
    struct gw_limits limits;
    struct gw_peers peers;
    struct gw_doors doors;
    struct gw_refusals refusals;
    struct gw_backend *backend; /* for /readyz */
    _Atomic bool leaving;       /* told to stop: /readyz answers 503 */
    _Atomic bool draining;      /* then: answers close their connections */
};

struct gw_front_options {
    unsigned number; /* the worker's, from 0 */
    struct gw_loop *loop;
    struct gw_store *store;
    struct gw_metrics *metrics;
    struct gw_shared *shared;
    struct gw_settings *settings; /* a reference is taken */
    const int *listen_fds; /* non-blocking; the caller's, open as long as the front accepts */
    size_t listen_fd_count;
};

/* @return 0, -ENOMEM, or what epoll said. */
int gw_front_new(const struct gw_front_options *options, struct gw_front **front) GW_MUST_CHECK;

/* Open connections are cut. The store is detached before, so that nothing waits for it: what did is
 * answered 500 and counted as ambiguous. */
struct gw_front *gw_front_free(struct gw_front *front);

/* From the next request on. Takes a reference. */
void gw_front_set_settings(struct gw_front *front, struct gw_settings *settings);

/* One pass: sends the answers that the store has decided, reads, judges, submits. */
void gw_front_run(struct gw_front *front);

/* Milliseconds until libmicrohttpd wants the next pass, whatever the descriptors say; -1: never. */
int gw_front_timeout_ms(struct gw_front *front);

/* Accepts what is in the backlog, and from then on nothing more. */
void gw_front_stop_accepting(struct gw_front *front);

/* No request is under way, and what is open has been idle, and nothing accepted, for
 * GW_FRONT_LINGER_MS: so that what is on its way on an open connection is still answered. */
#define GW_FRONT_LINGER_MS 1000
bool gw_front_drained(struct gw_front *front);

/* Requests whose answer is not out yet. */
size_t gw_front_requests(const struct gw_front *front);

#endif
