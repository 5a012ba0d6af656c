/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listen sockets are ours and not libmicrohttpd's: each worker accepts a few connections a pass
 * and gives them to its daemon. So there may be several sockets of several kinds, EPOLLEXCLUSIVE
 * wakes one worker and not all, no descriptor need be dup'ed, and a drain empties the backlog
 * before it stops listening.
 *
 * A connection goes to the worker that has the fewest, which need not be the one that was woken for
 * it: left to chance, one worker may get nearly all of a load balancer's few connections. It goes
 * there through a pipe, which locks, wakes and bounds by itself.
 */
#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_A_PASS 8 /* few, so that a burst holds up nothing for long */
#define ACCEPT_PAUSE_MS 100
#define LOG_BURST 5
#define LOG_PER_SECOND 1

/* A pipe takes up to PIPE_BUF bytes whole or not at all. */
struct arrival {
    int fd;
    socklen_t len;
    struct sockaddr_storage address;
};

/* --- doors --- */

int gw_doors_open(struct gw_doors *doors, unsigned count)
{
    *doors = (struct gw_doors){.all = calloc(count, sizeof(*doors->all))};
    if (!doors->all)
        return -ENOMEM;
    for (; doors->count < count; doors->count++)
        if (pipe2(doors->all[doors->count].fds, O_NONBLOCK | O_CLOEXEC) < 0) {
            int r = -errno;

            gw_doors_close(doors);
            return r;
        }
    return 0;
}

/* What came for a worker that takes nothing any more. */
static void send_home(struct gw_door *door)
{
    struct arrival arrival;

    while (read(door->fds[0], &arrival, sizeof(arrival)) == sizeof(arrival))
        close(arrival.fd);
}

void gw_doors_close(struct gw_doors *doors)
{
    while (doors->count > 0) {
        struct gw_door *door = &doors->all[--doors->count];

        send_home(door);
        close(door->fds[0]);
        close(door->fds[1]);
    }
    free(doors->all);
    doors->all = NULL;
}

/* The door of the worker with the fewest connections; its own, if no other has fewer. */
static struct gw_door *choose_door(struct gw_front *front)
{
    struct gw_doors *doors = &front->shared->doors;
    struct gw_door *best = front->door;

    for (size_t i = 0; i < doors->count; i++)
        if (atomic_load(&doors->all[i].open) &&
            atomic_load(&doors->all[i].connections) < atomic_load(&best->connections))
            best = &doors->all[i];
    return best;
}

void gw_accept_left(struct gw_front *front)
{
    atomic_fetch_sub(&front->door->connections, 1);
}

/* --- taking a connection --- */

/* So many wait for their 503 that this one gets it at once. */
static void turn_away(struct gw_front *front, int fd, enum gw_reason reason)
{
    unsigned suppressed;

    gw_reply_send(fd, GW_REPLY_OVERLOADED);
    close(fd);
    gw_accept_left(front);
    gw_metrics_add(front->metrics, gw_reply_counter(GW_REPLY_OVERLOADED), 1);
    gw_metrics_add(front->metrics, gw_reason_counter(reason), 1);
    if (gw_log_allowed(&front->accept_limit, LOG_BURST, LOG_PER_SECOND, front->loop->now_ms,
                       &suppressed))
        gw_log(GW_LOG_WARNING, "connection turned away unread",
               GW_LOG_STR("reason", gw_reason_text(reason)), GW_LOG_INT("suppressed", suppressed));
}

static void take(struct gw_front *front, const struct arrival *arrival)
{
    const struct sockaddr *address = (const struct sockaddr *)&arrival->address;
    enum gw_reason reason;

    front->arriving = gw_connection_new(front, arrival->fd, address, &reason);
    if (!front->arriving) {
        turn_away(front, arrival->fd, reason);
        return;
    }
    (void)MHD_add_connection(front->mhd, arrival->fd, address, arrival->len);
    if (front->arriving) { /* the library refused it */
        front->arriving = gw_connection_free(front->arriving);
        gw_accept_left(front);
    }
}

static void take_arrivals(struct gw_watch *watch, uint32_t events)
{
    struct gw_front *front = GW_CONTAINER(watch, struct gw_front, door_watch);
    struct arrival arrival;

    (void)events;
    for (int i = 0; i < ACCEPT_A_PASS; i++)
        if (read(watch->fd, &arrival, sizeof(arrival)) == sizeof(arrival))
            take(front, &arrival);
}

/* --- accepting --- */

static void pause_accepting(struct gw_front *front)
{
    for (size_t i = 0; i < front->listener_count; i++)
        gw_loop_remove(front->loop, &front->listeners[i].watch);
    gw_loop_set_timer(front->loop, &front->accept_again, front->loop->now_ms + ACCEPT_PAUSE_MS);
}

static void log_accept_failure(struct gw_front *front, int error)
{
    unsigned suppressed;

    if (gw_log_allowed(&front->accept_limit, LOG_BURST, LOG_PER_SECOND, front->loop->now_ms,
                       &suppressed))
        gw_log(GW_LOG_ERROR, "cannot accept; trying again", GW_LOG_ERRNO(error),
               GW_LOG_INT("suppressed", suppressed));
}

/* @return false when there is nothing to accept, or no descriptor for it. */
static bool accept_one(struct gw_listener *listener)
{
    struct gw_front *front = listener->front;
    struct arrival arrival = {.len = sizeof(arrival.address)};

    arrival.fd = accept4(listener->watch.fd, (struct sockaddr *)&arrival.address, &arrival.len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (arrival.fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_accept_failure(front, errno);
            pause_accepting(front);
        }
        return errno == ECONNABORTED || errno == EINTR;
    }
    struct gw_door *door = choose_door(front);

    if (door != front->door && write(door->fds[1], &arrival, sizeof(arrival)) != sizeof(arrival))
        door = front->door;
    atomic_fetch_add(&door->connections, 1);
    if (door == front->door)
        take(front, &arrival);
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

/* --- life --- */

int gw_accept_start(struct gw_front *front, const struct gw_front_options *options)
{
    int r;

    for (size_t i = 0; i < options->listen_fd_count && i < GW_FRONT_LISTENERS_MAX; i++)
        front->listeners[front->listener_count++] = (struct gw_listener){
            .watch = {.fd = options->listen_fds[i], .ready = accept_some},
            .front = front,
        };
    front->accept_again.fire = accept_again;
    front->door = &front->shared->doors.all[options->number];
    front->door_watch = (struct gw_watch){.fd = front->door->fds[0], .ready = take_arrivals};
    r = gw_loop_add(front->loop, &front->door_watch, EPOLLIN);
    if (r)
        return r;
    front->accepting = true;
    atomic_store(&front->door->open, true);
    return watch_listeners(front);
}

void gw_front_stop_accepting(struct gw_front *front)
{
    if (!front->accepting)
        return;
    front->accepting = false;
    front->hushed_ms = front->loop->now_ms;
    atomic_store(&front->door->open, false);
    gw_loop_cancel_timer(front->loop, &front->accept_again);
    for (size_t i = 0; i < front->listener_count; i++) {
        for (int left = SOMAXCONN; left > 0 && accept_one(&front->listeners[i]); left--)
            ;
        gw_loop_remove(front->loop, &front->listeners[i].watch);
    }
}

void gw_accept_end(struct gw_front *front)
{
    gw_front_stop_accepting(front);
    if (!front->door)
        return;
    gw_loop_remove(front->loop, &front->door_watch);
    send_home(front->door);
}
