/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the parts meet: a libmicrohttpd daemon that has neither threads nor a listen socket, and
 * whose epoll descriptor hangs in the worker's loop.
 */
#include "connection.h"

#include "gw/time.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* libmicrohttpd's memory for a connection, which bounds a request's header (431 beyond). It is
 * cleared after every request and stays while idle, so it costs time as well as memory: at the
 * library's own 32 KiB, 10,000 idle connections took 322 MiB. */
#define POOL_BYTES (16 << 10)
#define LAST_ANSWERS_MS 500
#define LOG_BURST 5
#define LOG_PER_SECOND 1

/* --- libmicrohttpd's callbacks --- */

/* A broken promise between the library and us: nothing after it can be trusted. */
static void panic(void *context, const char *file, unsigned line, const char *reason)
{
    (void)context;
    gw_log(GW_LOG_ERROR, "libmicrohttpd cannot go on", GW_LOG_STR("file", file),
           GW_LOG_INT("line", line), GW_LOG_STR("reason", reason ? reason : ""));
    abort();
}

static void connection_notified(void *front, struct MHD_Connection *mhd, void **context,
                                enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        *context = gw_connection_opened(front, mhd);
    else {
        *context = gw_connection_closed(*context);
        gw_accept_left(front);
    }
}

/* Paths are compared as they are sent: an escape in one makes it another path. */
static size_t leave_escaped(void *front, struct MHD_Connection *mhd, char *text)
{
    (void)front;
    (void)mhd;
    return strlen(text);
}

/* The library answers some malformed requests by itself, in HTML and without calling the handler;
 * its log line is all there is to count them by. Its text may hold what the client sent: only the
 * constant format is logged. */
static void library_logged(void *context, const char *format, va_list arguments)
{
    static const char refused[] = "Error processing request (HTTP response code is %u";
    struct gw_front *front = context;
    struct gw_refusal refusal = {.reason = "malformed HTTP, or a header too large"};

    if (!front->mhd || strncmp(format, refused, sizeof(refused) - 1) != 0)
        return;
    gw_metrics_add(front->metrics, GW_COUNTER_REFUSED_BY_LIBRARY, 1);
    if (!gw_log_allowed(&front->library_limit, LOG_BURST, LOG_PER_SECOND, front->loop->now_ms,
                        &refusal.suppressed))
        return;
    refusal.at_ms = gw_time_now_ms();
    refusal.status = va_arg(arguments, unsigned);
    gw_refusals_add(&front->shared->refusals, &refusal);
    gw_log(GW_LOG_WARNING, "request refused by libmicrohttpd", GW_LOG_INT("status", refusal.status),
           GW_LOG_STR("reason", refusal.reason), GW_LOG_INT("suppressed", refusal.suppressed));
}

/* --- life --- */

/* That the loop wakes up is all: gw_front_run looks by itself. */
static void mhd_ready(struct gw_watch *watch, uint32_t events)
{
    (void)events;
    GW_CONTAINER(watch, struct gw_front, mhd_watch)->run_again = true;
}

static int start_library(struct gw_front *front)
{
    MHD_set_panic_func(panic, NULL);
    front->mhd = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, gw_request_handle, front, MHD_OPTION_EXTERNAL_LOGGER, library_logged, front,
        MHD_OPTION_NOTIFY_CONNECTION, connection_notified, front, MHD_OPTION_NOTIFY_COMPLETED,
        gw_request_completed, front, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, front,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)INT_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_END);
    return front->mhd ? 0 : -ENOMEM;
}

static int watch_all(struct gw_front *front, const struct gw_front_options *options)
{
    int r;

    front->mhd_watch = (struct gw_watch){
        .fd = MHD_get_daemon_info(front->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
        .ready = mhd_ready,
    };
    if ((r = gw_loop_add(front->loop, &front->mhd_watch, EPOLLIN)))
        return r;
    front->sweep.fire = gw_connection_sweep;
    gw_connection_sweep(&front->sweep, front->loop->now_ms);
    return gw_accept_start(front, options);
}

/* An answer is queued in one run and sent in one of the next; what a client does not take is cut.
 */
static void send_answers(struct gw_front *front)
{
    const int64_t until_ms = gw_time_monotonic_ms() + LAST_ANSWERS_MS;

    while ((front->phases[GW_PHASE_STORING].oldest || front->phases[GW_PHASE_REPLYING].oldest) &&
           gw_time_monotonic_ms() < until_ms) {
        gw_front_run(front);
        if (gw_loop_wait(front->loop, 1) != 0)
            return;
    }
}

int gw_front_new(const struct gw_front_options *options, struct gw_front **front)
{
    struct gw_front *made = calloc(1, sizeof(*made));
    int r = -ENOMEM;

    if (!made)
        return -ENOMEM;
    made->loop = options->loop;
    made->store = options->store;
    made->metrics = options->metrics;
    made->shared = options->shared;
    made->settings = gw_settings_ref(options->settings);
    made->hmac = gw_hmac_new();
    if (made->hmac && (r = gw_replies_init(&made->replies)) == 0 &&
        (r = start_library(made)) == 0 && (r = watch_all(made, options)) == 0) {
        *front = made;
        return 0;
    }
    gw_front_free(made);
    return r;
}

struct gw_front *gw_front_free(struct gw_front *front)
{
    if (!front)
        return NULL;
    front->store = NULL;
    if (front->mhd) {
        gw_accept_end(front);
        gw_request_abandon_all(front);
        send_answers(front);
        gw_loop_cancel_timer(front->loop, &front->sweep);
        gw_loop_remove(front->loop, &front->mhd_watch);
        MHD_stop_daemon(front->mhd);
    }
    while (front->spare_count > 0)
        gw_buffer_deinit(&front->spare_bodies[--front->spare_count]);
    gw_replies_deinit(&front->replies);
    gw_hmac_free(front->hmac);
    gw_settings_unref(front->settings);
    free(front);
    return NULL;
}

void gw_front_set_settings(struct gw_front *front, struct gw_settings *settings)
{
    gw_settings_unref(front->settings);
    front->settings = gw_settings_ref(settings);
}

void gw_front_run(struct gw_front *front)
{
    struct gw_request *next;

    for (struct gw_request *request = front->resumed; request; request = next) {
        next = request->next_resumed;
        MHD_resume_connection(GW_CONTAINER(request, struct gw_connection, request)->mhd);
    }
    front->resumed = NULL;
    (void)MHD_run(front->mhd);
}

/* Connections that wait unsuspended make the library want to run at once, for ever, though they
 * only need the store, which wakes the loop. It is taken at its word after a run that did
 * something; what a run did that is not to be seen from here (a header in pieces) waits for a
 * millisecond. */
int gw_front_timeout_ms(struct gw_front *front)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    bool busy = front->run_again;

    front->run_again = false;
    if (front->resumed)
        return 0;
    if (MHD_get_timeout(front->mhd, &timeout_ms) != MHD_YES)
        return -1;
    if (timeout_ms == 0 && front->unsuspended > 0 && !busy)
        return 1;
    return timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
}

size_t gw_front_requests(const struct gw_front *front)
{
    return front->requests;
}

bool gw_front_drained(struct gw_front *front)
{
    const struct gw_connection *newest = front->phases[GW_PHASE_IDLE].newest;

    if (front->requests > 0 || front->phases[GW_PHASE_READING].oldest)
        return false;
    if (newest && (front->loop->now_ms - newest->since_ms < GW_FRONT_LINGER_MS ||
                   front->loop->now_ms - front->hushed_ms < GW_FRONT_LINGER_MS))
        return false;
    gw_connection_look_at_idle(front);
    return !front->phases[GW_PHASE_READING].oldest;
}
