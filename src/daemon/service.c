/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Main's own loop waits for signals (a signalfd), for a tick and for workers that end. The tick
 * feeds the watchdog only while every worker's loop has come round and no write of the backend's
 * hangs for good, so that a stuck part stops the whole from looking alive.
 *
 * A drain goes: readiness off, and drain_delay later workers empty the backlog and stop accepting,
 * the listen sockets are closed, answers carry Connection: close, each worker ends when nothing is
 * under way; at drain_timeout the rest is told to stop. A worker that does not even do that hangs,
 * and whatever it may still touch stays where it is until the process's end.
 */
#include "gw/service.h"

#include "gw/account.h"
#include "gw/admin.h"
#include "gw/backend.h"
#include "gw/configure.h"
#include "gw/gap_watch.h"
#include "gw/listener.h"
#include "gw/notify.h"
#include "gw/secret.h"
#include "gw/time.h"
#include "gw/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TICK_MS 1000
#define STATUS_MS 5000
#define SURPLUS_CONNECTIONS 256
#define OTHER_FILES 256
#define STOP_MS 3000  /* what workers have to stop when they are told to */
#define CLOSE_MS 2000 /* what the backend has to finish when all workers have ended */

struct service {
    const char *config_path;
    struct gw_config started;       /* what holds until a restart of the keys that need one */
    struct gw_config reloaded;      /* empty before the first reload */
    const struct gw_config *config; /* which of them holds */
    struct gw_shared shared;
    struct gw_settings *settings;
    struct gw_listeners listeners;
    struct gw_loop loop;
    struct gw_watch signals;
    struct gw_timer tick;
    struct gw_worker *workers[GW_WORKERS_MAX];
    size_t worker_count;
    uint64_t backend_files; /* its connections, of all workers */
    struct gw_account account;
    struct gw_metrics metrics; /* main's own */
    struct gw_gap_watch gaps;
    struct gw_admin *admin; /* NULL: none */
    int64_t watchdog_ms;
    int64_t status_at_ms;
    bool leaving;
    int64_t drain_at_ms;
    bool draining;
    int64_t drain_deadline_ms;
};

/* --- configuration --- */

static unsigned worker_count(const struct gw_config *config)
{
    unsigned count = config->workers > 0 ? (unsigned)config->workers : gw_limits_cpus();

    return count < GW_WORKERS_MAX ? count : GW_WORKERS_MAX;
}

/* Of each worker; the other half of the files is its clients'. */
static int64_t find_dynamodb_connections(const struct gw_config *config)
{
    const int64_t others = SURPLUS_CONNECTIONS + OTHER_FILES, workers = worker_count(config);
    const int64_t wanted = config->dynamodb_connections;
    uint64_t granted = 0;

    if (gw_limits_raise_files((uint64_t)(others + 2 * wanted * workers), &granted) < 0)
        return wanted;
    int64_t room = ((int64_t)granted - others) / 2 / workers;

    if (room >= wanted)
        return wanted;
    room = room > 1 ? room : 1;
    gw_log(GW_LOG_WARNING,
           "fewer files may be open than [dynamodb] connections needs, so fewer are made: raise "
           "LimitNOFILE, or lower it or workers",
           GW_LOG_INT("granted", granted), GW_LOG_INT("workers", workers),
           GW_LOG_INT("connections", room));
    return room;
}

/* max_connections, or as many as there can be files for. */
static int64_t find_max_connections(const struct service *service, const struct gw_config *config)
{
    const uint64_t others = SURPLUS_CONNECTIONS + OTHER_FILES + service->backend_files;
    uint64_t wanted = (uint64_t)config->max_connections + others;
    uint64_t granted = 0;
    int r = gw_limits_raise_files(wanted, &granted);
    int64_t max = config->max_connections;

    if (r == 0 && granted >= wanted)
        return max;
    if (r == 0)
        max = granted > others ? (int64_t)(granted - others) : 1;
    gw_log(GW_LOG_WARNING,
           "fewer files may be open than max_connections needs, so fewer connections are taken: "
           "raise LimitNOFILE or lower max_connections",
           GW_LOG_INT("wanted", wanted), GW_LOG_INT("granted", granted),
           GW_LOG_INT("max_connections", max));
    return max;
}

static void apply_limits(struct service *service, const struct gw_config *config)
{
    struct gw_limits *limits = &service->shared.limits;
    struct gw_backend *backend = service->shared.backend;

    atomic_store(&limits->connections.max, find_max_connections(service, config));
    atomic_store(&service->shared.peers.max, config->max_connections_per_ip);
    atomic_store(&limits->surplus.max, SURPLUS_CONNECTIONS);
    atomic_store(&limits->buffered_bytes.max, config->max_buffered_bytes);
    atomic_store(&limits->in_flight.max, config->max_in_flight);
    backend->ops->set_max_queued(backend, gw_backend_max_queued_bytes(config));
}

static void tell_status(struct service *service, int64_t now_ms)
{
    char counts[256];

    if (now_ms < service->status_at_ms)
        return;
    service->status_at_ms = now_ms + STATUS_MS;
    gw_account_format(&service->account, counts, sizeof(counts));
    gw_notify_status(service->leaving ? "Draining" : "Serving", counts);
}

/* --- signals --- */

static void publish(struct service *service, struct gw_settings *settings)
{
    for (size_t i = 0; i < service->worker_count; i++)
        gw_worker_set_settings(service->workers[i], settings);
    gw_settings_unref(service->settings);
    service->settings = settings;
}

static void adopt(struct service *service, struct gw_config *config)
{
    char names[512];

    if (gw_config_needs_restart(&service->started, config, names, sizeof(names)) > 0)
        gw_log(GW_LOG_WARNING, "these keys changed, but need a restart", GW_LOG_STR("keys", names));
    apply_limits(service, config);
    gw_config_deinit(&service->reloaded);
    service->reloaded = *config;
    service->config = &service->reloaded;
    gw_log(GW_LOG_INFO, "reloaded");
}

static void reload(struct service *service)
{
    struct gw_config config;
    struct gw_settings *settings;

    /* systemd must not hear READY after STOPPING. */
    if (service->leaving) {
        gw_log(GW_LOG_INFO, "not reloaded: draining");
        return;
    }
    gw_notify_reloading();
    if (gw_configure_settings(service->config_path, &config, &settings) != GW_EXIT_OK) {
        gw_configure_log(service->config);
        gw_log(GW_LOG_ERROR, "not reloaded: the old configuration stays");
    } else {
        gw_account_log_secrets(&service->account);
        publish(service, settings);
        adopt(service, &config);
    }
    gw_notify_ready();
}

static void drain(struct service *service)
{
    if (service->draining)
        return;
    service->draining = true;
    service->drain_deadline_ms = service->loop.now_ms + service->config->drain_timeout_ms;
    gw_log(GW_LOG_INFO, "draining");
    atomic_store(&service->shared.draining, true);
    for (size_t i = 0; i < service->worker_count; i++)
        gw_worker_drain(service->workers[i]);
}

/* Told again, it waits no more. */
static void leave(struct service *service)
{
    const int64_t delay_ms = service->leaving ? 0 : service->config->drain_delay_ms;

    if (!service->leaving) {
        service->leaving = true;
        service->status_at_ms = 0;
        atomic_store(&service->shared.leaving, true);
        gw_notify_stopping();
    }
    service->drain_at_ms = service->loop.now_ms + delay_ms;
    if (delay_ms == 0) {
        drain(service);
        return;
    }
    gw_log(GW_LOG_INFO, "stopping: not ready any more, and draining after drain_delay",
           GW_LOG_INT("drain_delay_ms", delay_ms));
    gw_loop_set_timer(&service->loop, &service->tick, service->loop.now_ms);
}

static void reopen(struct service *service)
{
    struct gw_backend *backend = service->shared.backend;

    backend->ops->reopen(backend);
}

static const struct {
    int signal;
    void (*act)(struct service *service);
} signal_actions[] = {
    {SIGTERM, leave},
    {SIGINT, leave},
    {SIGHUP, reload},
    {SIGUSR1, reopen},
};

static void signals_ready(struct gw_watch *watch, uint32_t events)
{
    struct service *service = GW_CONTAINER(watch, struct service, signals);
    struct signalfd_siginfo info;

    (void)events;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        for (size_t i = 0; i < GW_COUNT(signal_actions); i++)
            if ((int)info.ssi_signo == signal_actions[i].signal)
                signal_actions[i].act(service);
}

static sigset_t watched_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < GW_COUNT(signal_actions); i++)
        sigaddset(&set, signal_actions[i].signal);
    return set;
}

/* First of all, so that none that comes while starting ends the process: it waits until the loop
 * runs. And before any thread, so that all inherit the mask. */
static int hold_signals(void)
{
    sigset_t set = watched_signals();

    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return -errno;
    return 0;
}

static int watch_signals(struct service *service)
{
    sigset_t set = watched_signals();
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);

    if (fd < 0)
        return -errno;
    service->signals = (struct gw_watch){.fd = fd, .ready = signals_ready};
    return gw_loop_add(&service->loop, &service->signals, EPOLLIN);
}

/* --- gaps --- */

/* While it takes events and can store them; a drain takes no new connection. */
static bool is_listening(const struct service *service)
{
    struct gw_backend *backend = service->shared.backend;
    struct gw_backend_state state;

    backend->ops->look(backend, &state);
    return !service->draining && !state.out && backend->ops->ready(backend);
}

static void watch_gap(struct service *service)
{
    if (is_listening(service) && gw_gap_watch_tick(&service->gaps))
        gw_metrics_add(&service->metrics, GW_COUNTER_GAPS, 1);
}

/* --- the tick --- */

static bool is_alive(const struct service *service)
{
    struct gw_backend *backend = service->shared.backend;

    for (size_t i = 0; i < service->worker_count; i++)
        if (!gw_worker_ended(service->workers[i]) &&
            gw_worker_silent_ms(service->workers[i]) > service->watchdog_ms / 2 + TICK_MS)
            return false;
    return !backend->ops->stuck(backend);
}

static void ticked(struct gw_timer *timer, int64_t now_ms)
{
    struct service *service = GW_CONTAINER(timer, struct service, tick);
    int64_t next_ms = TICK_MS;

    if (service->watchdog_ms > 0) {
        next_ms = service->watchdog_ms / 4 < TICK_MS ? service->watchdog_ms / 4 : TICK_MS;
        if (is_alive(service))
            gw_notify_alive();
    }
    tell_status(service, now_ms);
    watch_gap(service);
    if (service->leaving && now_ms >= service->drain_at_ms)
        drain(service);
    if (service->leaving) {
        int64_t left_ms =
            (service->draining ? service->drain_deadline_ms : service->drain_at_ms) - now_ms;

        gw_notify_extend(2 * TICK_MS + CLOSE_MS);
        if (left_ms > 0 && left_ms < next_ms)
            next_ms = left_ms;
    }
    gw_loop_set_timer(&service->loop, timer, now_ms + (next_ms > 0 ? next_ms : 1));
}

/* --- life --- */

static int open_backend(struct service *service)
{
    char message[1024] = "";
    size_t connections = 0;

    if (service->started.backend == GW_CONFIG_BACKEND_DYNAMODB)
        connections = (size_t)find_dynamodb_connections(&service->started);
    service->backend_files = connections * worker_count(&service->started);
    int r = gw_backend_open(&service->started, connections, &service->shared.backend, message,
                            sizeof(message));

    if (r == -EINTR)
        gw_log(GW_LOG_INFO, "told to stop while waiting for the journal's lock");
    else if (r)
        gw_log(GW_LOG_ERROR, "cannot open the store", GW_LOG_STR("error", message));
    else
        gw_account_add(&service->account,
                       service->shared.backend->ops->metrics(service->shared.backend));
    return r;
}

static int open_listeners(struct service *service)
{
    char message[512] = "the handed-over sockets cannot be taken";
    int r =
        gw_listeners_open(&service->listeners, &service->started.listen, message, sizeof(message));

    if (r)
        gw_log(GW_LOG_ERROR, "cannot listen", GW_LOG_STR("error", message));
    return r;
}

static int start_workers(struct service *service)
{
    unsigned count = worker_count(&service->started);
    int r = gw_doors_open(&service->shared.doors, count);

    for (unsigned i = 0; i < count && r == 0; i++) {
        const struct gw_worker_options options = {
            .number = i,
            .shared = &service->shared,
            .settings = service->settings,
            .listen_fds = service->listeners.fds,
            .listen_fd_count = service->listeners.count,
            .parent = &service->loop,
        };

        r = gw_worker_start(&options, &service->workers[i]);
        if (r == 0)
            gw_account_add(&service->account,
                           gw_worker_metrics(service->workers[service->worker_count++]));
    }
    if (r)
        gw_log(GW_LOG_ERROR, "cannot start a worker", GW_LOG_ERRNO(-r));
    return r;
}

static int open_admin(struct service *service)
{
    const struct gw_admin_options options = {
        .listen = &service->started.admin_listen,
        .remote = service->started.admin_remote,
        .loop = &service->loop,
        .shared = &service->shared,
        .account = &service->account,
        .workers = worker_count(&service->started),
        .started = &service->started,
        .latest = &service->config,
        .settings = &service->settings,
        .gap = &service->gaps.gap,
    };
    char text[512] = "";

    if (options.listen->count == 0)
        return 0;
    int r = gw_admin_new(&options, &service->admin, text, sizeof(text));

    if (r) {
        gw_log(GW_LOG_ERROR, "cannot open the admin listener", GW_LOG_STR("error", text));
        return r;
    }
    gw_admin_format(service->admin, text, sizeof(text));
    gw_log(GW_LOG_INFO, "serving operators", GW_LOG_STR("listen", text));
    return 0;
}

static void announce(const struct service *service)
{
    char addresses[512];

    gw_listeners_format(&service->listeners, addresses, sizeof(addresses));
    gw_log(GW_LOG_INFO, "serving", GW_LOG_STR("version", GW_VERSION),
           GW_LOG_STR("listen", addresses), GW_LOG_STR("path", service->started.path),
           GW_LOG_INT("workers", service->worker_count),
           GW_LOG_INT("secrets", service->settings->endpoint->keyring.count));
    gw_notify_ready();
}

static bool all(const struct service *service, bool (*is)(const struct gw_worker *worker))
{
    for (size_t i = 0; i < service->worker_count; i++)
        if (!is(service->workers[i]))
            return false;
    return true;
}

static int start(struct service *service)
{
    int r;

    if ((r = watch_signals(service)) || (r = open_listeners(service)) ||
        (r = open_backend(service)))
        return r;
    gw_account_add(&service->account, &service->metrics);
    gw_gap_watch_begin(&service->gaps, &service->started);
    apply_limits(service, &service->started);
    if ((r = open_admin(service)) || (r = start_workers(service)))
        return r;
    service->watchdog_ms = gw_notify_watchdog_ms();
    service->tick.fire = ticked;
    gw_loop_set_timer(&service->loop, &service->tick, service->loop.now_ms);
    announce(service);
    return 0;
}

static void stop_workers(struct service *service)
{
    size_t running = 0;

    for (size_t i = 0; i < service->worker_count; i++) {
        running += !gw_worker_ended(service->workers[i]);
        gw_worker_stop(service->workers[i]);
    }
    if (service->draining && running > 0)
        gw_log(GW_LOG_WARNING, "drain_timeout is over: open requests are cut",
               GW_LOG_INT("workers", running));
}

static bool wait_for_workers(struct service *service, int64_t deadline_ms)
{
    while (!all(service, gw_worker_ended) && service->loop.now_ms < deadline_ms)
        if (gw_loop_wait(&service->loop, TICK_MS))
            break;
    return all(service, gw_worker_ended);
}

/* Nothing may be freed, and no stack be left, under a thread that still runs. */
_Noreturn static void end_at_once(const struct service *service)
{
    gw_log(GW_LOG_ERROR, "a worker hangs: stopping without it");
    gw_account_log(&service->account);
    gw_secret_forget_environment();
    _exit(GW_EXIT_FAILED);
}

/* @return whether the store has all that it was given. */
static bool finish(struct service *service)
{
    struct gw_backend *backend = service->shared.backend;
    int r = 0;

    gw_admin_free(service->admin);
    stop_workers(service);
    if (!wait_for_workers(service, gw_time_monotonic_ms() + STOP_MS))
        end_at_once(service);
    if (backend) {
        r = backend->ops->finish(backend, gw_time_monotonic_ms() + CLOSE_MS);
        if (r)
            gw_log(GW_LOG_ERROR, "the store did not finish in time", GW_LOG_ERRNO(-r));
        gw_account_log(&service->account);
        backend->ops->free(backend);
    }
    for (size_t i = 0; i < service->worker_count; i++)
        gw_worker_free(service->workers[i]);
    gw_doors_close(&service->shared.doors);
    gw_listeners_close(&service->listeners);
    gw_settings_unref(service->settings);
    gw_gap_close(&service->gaps.gap);
    return r == 0;
}

static bool drained(const struct service *service)
{
    return service->draining &&
           (all(service, gw_worker_ended) || service->loop.now_ms >= service->drain_deadline_ms);
}

static int serve(struct service *service)
{
    int r = start(service);

    while (r == 0 && !drained(service)) {
        r = gw_loop_wait(&service->loop, -1);
        if (service->draining && all(service, gw_worker_quiet))
            gw_listeners_close(&service->listeners);
    }
    bool finished = finish(service);

    return (r == 0 || r == -EINTR) && finished ? GW_EXIT_OK : GW_EXIT_FAILED;
}

int gw_service_run(const char *config_path)
{
    struct service service = {.config_path = config_path, .signals.fd = -1, .gaps.gap.fd = -1};

    if (hold_signals() < 0)
        return GW_EXIT_FAILED;
    int code = gw_configure_settings(config_path, &service.started, &service.settings);

    if (code != GW_EXIT_OK)
        return code;
    code = GW_EXIT_FAILED;
    service.config = &service.started;
    gw_refusals_init(&service.shared.refusals);
    gw_peers_init(&service.shared.peers);
    if (gw_loop_init(&service.loop) == 0) {
        code = serve(&service);
        gw_loop_deinit(&service.loop);
    }
    if (service.signals.fd >= 0)
        close(service.signals.fd);
    gw_config_deinit(&service.started);
    gw_config_deinit(&service.reloaded);
    return code;
}
