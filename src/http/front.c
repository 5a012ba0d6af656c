/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listen sockets are ours and not libmicrohttpd's: each worker accepts a few connections a pass
 * and gives them to its daemon. So there may be several sockets of several kinds, EPOLLEXCLUSIVE
 * wakes one worker and not all, no descriptor need be dup'ed, and a drain empties the backlog
 * before it stops listening.
 */
#include "connection.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_A_PASS 8 /* few, so that the workers share a burst */
#define ACCEPT_PAUSE_MS 100
/* libmicrohttpd's memory for a connection, which bounds a request's header (431 beyond). It is
 * cleared after every request and stays while idle, so it costs time as well as memory: at the
 * library's own 32 KiB, 10,000 idle connections took 322 MiB. */
#define POOL_BYTES (16 << 10)
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
    else
        *context = gw_connection_closed(*context);
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
    unsigned suppressed;

    if (!front->mhd || strncmp(format, refused, sizeof(refused) - 1) != 0)
        return;
    gw_metrics_add(front->metrics, GW_COUNTER_REFUSED_BY_LIBRARY, 1);
    if (gw_log_allowed(&front->library_limit, LOG_BURST, LOG_PER_SECOND, front->loop->now_ms,
                       &suppressed))
        gw_log(GW_LOG_WARNING, "request refused by libmicrohttpd",
               GW_LOG_INT("status", va_arg(arguments, unsigned)),
               GW_LOG_STR("reason", "malformed HTTP, or a header too large"),
               GW_LOG_INT("suppressed", suppressed));
}

/* --- accepting --- */

static void pause_accepting(struct gw_front *front)
{
    for (size_t i = 0; i < front->listener_count; i++)
        gw_loop_remove(front->loop, &front->listeners[i].watch);
    gw_loop_set_timer(front->loop, &front->accept_again, front->loop->now_ms + ACCEPT_PAUSE_MS);
}

static int watch_listeners(struct gw_front *front)
{
    int r = 0;

    for (size_t i = 0; i < front->listener_count && r == 0; i++)
        r = gw_loop_add(front->loop, &front->listeners[i].watch, EPOLLIN | EPOLLEXCLUSIVE);
    return r;
}

static void accept_again(struct gw_timer *timer, int64_t now_ms)
{
    struct gw_front *front = GW_CONTAINER(timer, struct gw_front, accept_again);

    if (front->accepting && watch_listeners(front) != 0)
        gw_loop_set_timer(front->loop, timer, now_ms + ACCEPT_PAUSE_MS);
}

static void log_accept_failure(struct gw_front *front, int error)
{
    unsigned suppressed;

    if (gw_log_allowed(&front->accept_limit, LOG_BURST, LOG_PER_SECOND, front->loop->now_ms,
                       &suppressed))
        gw_log(GW_LOG_ERROR, "cannot accept; trying again", GW_LOG_ERRNO(error),
               GW_LOG_INT("suppressed", suppressed));
}

/* So many wait for their 503 that this one gets it at once. */
static void turn_away(struct gw_front *front, int fd)
{
    unsigned suppressed;

    gw_reply_send(fd, GW_REPLY_OVERLOADED);
    close(fd);
    gw_metrics_add(front->metrics, gw_reply_counter(GW_REPLY_OVERLOADED), 1);
    if (gw_log_allowed(&front->accept_limit, LOG_BURST, LOG_PER_SECOND, front->loop->now_ms,
                       &suppressed))
        gw_log(GW_LOG_WARNING, "connection turned away: far more than max_connections",
               GW_LOG_INT("suppressed", suppressed));
}

/* @return false when there is nothing to accept, or no descriptor for it. */
static bool accept_one(struct gw_listener *listener)
{
    struct gw_front *front = listener->front;
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    int fd = accept4(listener->watch.fd, (struct sockaddr *)&address, &len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_accept_failure(front, errno);
            pause_accepting(front);
        }
        return errno == ECONNABORTED || errno == EINTR;
    }
    front->arriving = gw_connection_new(front, fd);
    if (!front->arriving) {
        turn_away(front, fd);
        return true;
    }
    (void)MHD_add_connection(front->mhd, fd, (struct sockaddr *)&address, len);
    front->arriving = gw_connection_free(front->arriving); /* where the library refused it */
    return true;
}

static void accept_some(struct gw_watch *watch, uint32_t events)
{
    struct gw_listener *listener = GW_CONTAINER(watch, struct gw_listener, watch);

    (void)events;
    for (int i = 0; i < ACCEPT_A_PASS; i++)
        if (!accept_one(listener))
            break;
}

void gw_front_stop_accepting(struct gw_front *front)
{
    if (!front->accepting)
        return;
    front->accepting = false;
    front->hushed_ms = front->loop->now_ms;
    gw_loop_cancel_timer(front->loop, &front->accept_again);
    for (size_t i = 0; i < front->listener_count; i++) {
        for (int left = SOMAXCONN; left > 0 && accept_one(&front->listeners[i]); left--)
            ;
        gw_loop_remove(front->loop, &front->listeners[i].watch);
    }
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
    for (size_t i = 0; i < options->listen_fd_count && i < GW_FRONT_LISTENERS_MAX; i++)
        front->listeners[front->listener_count++] = (struct gw_listener){
            .watch = {.fd = options->listen_fds[i], .ready = accept_some},
            .front = front,
        };
    front->accepting = true;
    front->accept_again.fire = accept_again;
    front->sweep.fire = gw_connection_sweep;
    gw_connection_sweep(&front->sweep, front->loop->now_ms);
    return watch_listeners(front);
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
        gw_front_stop_accepting(front);
        gw_request_abandon_all(front);
        gw_front_run(front);
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
    const struct gw_connection *newest;

    gw_connection_look_at_idle(front);
    if (front->requests > 0 || front->phases[GW_PHASE_READING].oldest)
        return false;
    newest = front->phases[GW_PHASE_IDLE].newest;
    if (!newest)
        return true;
    return front->loop->now_ms - newest->since_ms >= GW_FRONT_LINGER_MS &&
           front->loop->now_ms - front->hushed_ms >= GW_FRONT_LINGER_MS;
}
