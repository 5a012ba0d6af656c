/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of the design: wait, let the front read and judge, flush the store; completions come as
 * events of the store's own. Main speaks to a worker through three atomics and a wake-up.
 */
#include "gw/worker.h"

#include "gw/log.h"
#include "gw/time.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum command { RUN, DRAIN, STOP };

struct gw_worker {
    pthread_t thread;
    unsigned number;
    struct gw_loop loop;
    struct gw_loop *parent;
    struct gw_store *store;
    struct gw_front *front;
    struct gw_metrics metrics;
    _Atomic(struct gw_settings *) next_settings;
    _Atomic int command;
    _Atomic bool quiet;
    _Atomic bool ended;
    _Atomic int64_t beat_ms;
};

static void take_settings(struct gw_worker *worker)
{
    struct gw_settings *settings = atomic_exchange(&worker->next_settings, NULL);

    if (settings)
        gw_front_set_settings(worker->front, settings);
    gw_settings_unref(settings);
}

/* Tells main, once, that the listen sockets may be closed. */
static void hush(struct gw_worker *worker)
{
    if (atomic_load_explicit(&worker->quiet, memory_order_relaxed))
        return;
    gw_front_stop_accepting(worker->front);
    atomic_store(&worker->quiet, true);
    gw_loop_wake(worker->parent);
}

/* @return whether the worker goes on. */
static bool obey(struct gw_worker *worker)
{
    int command = atomic_load(&worker->command);

    take_settings(worker);
    if (command == RUN)
        return true;
    hush(worker);
    return command == DRAIN && !gw_front_drained(worker->front);
}

static void pass(struct gw_worker *worker)
{
    int r = gw_loop_wait(&worker->loop, gw_front_timeout_ms(worker->front));

    if (r)
        gw_log(GW_LOG_ERROR, "waiting for events failed", GW_LOG_ERRNO(-r));
    gw_front_run(worker->front);
    gw_store_flush(worker->store);
    atomic_store_explicit(&worker->beat_ms, worker->loop.now_ms, memory_order_relaxed);
}

static void *run(void *context)
{
    struct gw_worker *worker = context;

    while (obey(worker))
        pass(worker);
    worker->store->ops->detach(worker->store);
    worker->front = gw_front_free(worker->front);
    atomic_store(&worker->ended, true);
    gw_loop_wake(worker->parent);
    return NULL;
}

static int assemble(struct gw_worker *worker, const struct gw_worker_options *options)
{
    struct gw_backend *backend = options->shared->backend;
    int r = backend->ops->attach(backend, &worker->loop, &worker->metrics, &worker->store);

    if (r)
        return r;
    const struct gw_front_options front = {
        .number = options->number,
        .loop = &worker->loop,
        .store = worker->store,
        .metrics = &worker->metrics,
        .shared = options->shared,
        .settings = options->settings,
        .listen_fds = options->listen_fds,
        .listen_fd_count = options->listen_fd_count,
    };

    r = gw_front_new(&front, &worker->front);
    if (r)
        worker->store->ops->detach(worker->store);
    return r;
}

static int start_thread(struct gw_worker *worker)
{
    char name[16];
    int r = pthread_create(&worker->thread, NULL, run, worker);

    if (r) {
        worker->store->ops->detach(worker->store);
        gw_front_free(worker->front);
        return -r;
    }
    snprintf(name, sizeof(name), "gw-worker-%u", worker->number);
    (void)pthread_setname_np(worker->thread, name);
    return 0;
}

int gw_worker_start(const struct gw_worker_options *options, struct gw_worker **worker)
{
    struct gw_worker *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    made->number = options->number;
    made->parent = options->parent;
    atomic_store(&made->beat_ms, gw_time_monotonic_ms());
    int r = gw_loop_init(&made->loop);

    if (r == 0) {
        r = assemble(made, options);
        if (r == 0 && (r = start_thread(made)) == 0) {
            *worker = made;
            return 0;
        }
        gw_loop_deinit(&made->loop);
    }
    free(made);
    return r;
}

void gw_worker_set_settings(struct gw_worker *worker, struct gw_settings *settings)
{
    gw_settings_unref(atomic_exchange(&worker->next_settings, gw_settings_ref(settings)));
    gw_loop_wake(&worker->loop);
}

static void tell(struct gw_worker *worker, enum command command)
{
    atomic_store(&worker->command, (int)command);
    gw_loop_wake(&worker->loop);
}

void gw_worker_drain(struct gw_worker *worker)
{
    tell(worker, DRAIN);
}

void gw_worker_stop(struct gw_worker *worker)
{
    tell(worker, STOP);
}

bool gw_worker_quiet(const struct gw_worker *worker)
{
    return atomic_load(&worker->quiet);
}

bool gw_worker_ended(const struct gw_worker *worker)
{
    return atomic_load(&worker->ended);
}

int64_t gw_worker_silent_ms(const struct gw_worker *worker)
{
    return gw_time_monotonic_ms() - atomic_load_explicit(&worker->beat_ms, memory_order_relaxed);
}

const struct gw_metrics *gw_worker_metrics(const struct gw_worker *worker)
{
    return &worker->metrics;
}

struct gw_worker *gw_worker_free(struct gw_worker *worker)
{
    if (!worker)
        return NULL;
    (void)pthread_join(worker->thread, NULL);
    gw_settings_unref(atomic_load(&worker->next_settings));
    gw_loop_deinit(&worker->loop);
    free(worker);
    return NULL;
}
