/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Level-triggered epoll; the watch itself is the event's data. The kernel hands out up to a round
 * of events at once, so a callback may remove a watch whose event is still waiting in the same
 * round: removing therefore strikes it from what is pending, and its owner may free it at once.
 *
 * Timers are few (a handful a worker), so a sorted list beats a heap in code and in time. A round
 * fires no more timers than were due when it began: one that sets itself for now cannot starve the
 * sockets.
 */
#include "gw/loop.h"

#include "gw/time.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ROUND_EVENTS 64

static void drain_wakes(struct gw_watch *watch, uint32_t epoll_events)
{
    eventfd_t count;

    (void)epoll_events;
    eventfd_read(watch->fd, &count);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int gw_loop_init(struct gw_loop *loop)
{
    int r;

    *loop = (struct gw_loop){.epoll_fd = -1, .wake = {.fd = -1, .ready = drain_wakes}};
    loop->now_ms = gw_time_monotonic_ms();
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return -errno;
    loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = loop->wake.fd < 0 ? -errno : gw_loop_add(loop, &loop->wake, EPOLLIN);
    if (r < 0)
        gw_loop_deinit(loop);
    return r;
}

void gw_loop_deinit(struct gw_loop *loop)
{
    close_fd(&loop->wake.fd);
    close_fd(&loop->epoll_fd);
}

int gw_loop_add(struct gw_loop *loop, struct gw_watch *watch, uint32_t epoll_events)
{
    struct epoll_event event = {.events = epoll_events, .data.ptr = watch};

    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0 ? -errno : 0;
}

void gw_loop_remove(struct gw_loop *loop, struct gw_watch *watch)
{
    /* Fails only for a watch that is not there. */
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = 0; i < loop->pending_count; i++) {
        if (loop->pending[i].data.ptr == watch)
            loop->pending[i].data.ptr = NULL;
    }
}

void gw_loop_set_timer(struct gw_loop *loop, struct gw_timer *timer, int64_t at_ms)
{
    struct gw_timer **place = &loop->timers;

    gw_loop_cancel_timer(loop, timer);
    while (*place && (*place)->at_ms <= at_ms)
        place = &(*place)->next;
    timer->at_ms = at_ms;
    timer->set = true;
    timer->next = *place;
    *place = timer;
}

void gw_loop_cancel_timer(struct gw_loop *loop, struct gw_timer *timer)
{
    struct gw_timer **place = &loop->timers;

    if (!timer->set)
        return;
    while (*place != timer)
        place = &(*place)->next;
    *place = timer->next;
    timer->next = NULL;
    timer->set = false;
}

void gw_loop_wake(struct gw_loop *loop)
{
    /* A full counter is refused, but then the wake-up is waiting already. */
    eventfd_write(loop->wake.fd, 1);
}

static int bounded_by_timers(const struct gw_loop *loop, int timeout_ms)
{
    int64_t left_ms;

    if (timeout_ms == 0 || !loop->timers)
        return timeout_ms;
    left_ms = loop->timers->at_ms - gw_time_monotonic_ms();
    if (left_ms < 0)
        left_ms = 0;
    if (timeout_ms >= 0 && left_ms > timeout_ms)
        return timeout_ms;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

static void call_ready(struct gw_loop *loop, struct epoll_event *events, int count)
{
    loop->pending = events;
    loop->pending_count = count;
    for (int i = 0; i < count; i++) {
        struct gw_watch *watch = events[i].data.ptr;

        if (watch)
            watch->ready(watch, events[i].events);
    }
    loop->pending = NULL;
    loop->pending_count = 0;
}

static size_t count_due(const struct gw_loop *loop)
{
    size_t due = 0;

    for (const struct gw_timer *t = loop->timers; t && t->at_ms <= loop->now_ms; t = t->next)
        due++;
    return due;
}

static void fire_due(struct gw_loop *loop)
{
    for (size_t due = count_due(loop); due > 0; due--) {
        struct gw_timer *timer = loop->timers;

        /* Others may have been cancelled or moved by the one before. */
        if (!timer || timer->at_ms > loop->now_ms)
            return;
        gw_loop_cancel_timer(loop, timer);
        timer->fire(timer, loop->now_ms);
    }
}

int gw_loop_wait(struct gw_loop *loop, int timeout_ms)
{
    struct epoll_event events[ROUND_EVENTS];
    int count =
        epoll_wait(loop->epoll_fd, events, ROUND_EVENTS, bounded_by_timers(loop, timeout_ms));

    if (count < 0 && errno != EINTR)
        return -errno;
    loop->now_ms = gw_time_monotonic_ms();
    if (count > 0)
        call_ready(loop, events, count);
    fire_due(loop);
    return 0;
}
