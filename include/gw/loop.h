/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_LOOP_H
#define GW_LOOP_H

/*
 * One thread's event loop: epoll, a few timers, and a wake-up from other threads. It is what the
 * HTTP front, the stores and later curl's sockets hang on. Watches and timers are embedded in their
 * owners' structs; everything but gw_loop_wake is for the loop's own thread.
 */

#include "gw/base.h"

struct epoll_event;

struct gw_watch {
    int fd;
    void (*ready)(struct gw_watch *watch, uint32_t epoll_events);
};

struct gw_timer {
    void (*fire)(struct gw_timer *timer, int64_t now_ms);
    int64_t at_ms;
    struct gw_timer *next;
    bool set;
};

struct gw_loop {
    int epoll_fd;
    struct gw_watch wake;
    struct gw_timer *timers; /* by at_ms */
    int64_t now_ms;          /* monotonic, taken anew after each wait */
    /* The round's events, while gw_loop_wait calls their watches; NULL otherwise. */
    struct epoll_event *pending;
    int pending_count;
};

/* @return 0 or a negative errno; deinit closes its descriptors, watches must be removed before. */
int gw_loop_init(struct gw_loop *loop) GW_MUST_CHECK;
void gw_loop_deinit(struct gw_loop *loop);

/* @watch is borrowed until it is removed. @return 0 or a negative errno of epoll_ctl(2). */
int gw_loop_add(struct gw_loop *loop, struct gw_watch *watch, uint32_t epoll_events) GW_MUST_CHECK;
void gw_loop_remove(struct gw_loop *loop, struct gw_watch *watch);

/* Fires once, on the loop's thread, when monotonic @at_ms is reached; setting it again moves it. */
void gw_loop_set_timer(struct gw_loop *loop, struct gw_timer *timer, int64_t at_ms);
void gw_loop_cancel_timer(struct gw_loop *loop, struct gw_timer *timer);

/* Makes a running or the next gw_loop_wait return. Any thread; cheap; never blocks. */
void gw_loop_wake(struct gw_loop *loop);

/**
 * Waits for at most @timeout_ms (0: only looks; negative: without end), then calls what is ready
 * and due. A callback may remove any watch, cancel any timer, and free what they are embedded in.
 * @return 0 or a negative errno of epoll_wait(2); an interruption by a signal is no error.
 */
int gw_loop_wait(struct gw_loop *loop, int timeout_ms) GW_MUST_CHECK;

#endif
