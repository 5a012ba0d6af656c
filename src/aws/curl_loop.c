/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl says which sockets to wait for, and is told when they are ready. Between two requests of
 * a kept-alive connection it withdraws the socket and names it again: two system calls a request,
 * if followed to the letter. So a socket that it only read from stays watched until it is closed,
 * or until something comes while nobody waits for it, which is the server closing it.
 *
 * That needs to be right about descriptors that are closed and given out again, as epoll forgets a
 * closed one by itself. So libcurl opens and closes under our eyes (SOCKOPTFUNCTION,
 * CLOSESOCKETFUNCTION), but for two: the resolver's pair, which was never opened here, and in 7.88
 * the socket of an address that was overtaken by another, which was never read from. What is known
 * of a socket is kept by descriptor and never freed before the end, so nothing dangles whatever the
 * order in which libcurl calls.
 */
#include "curl_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FIRST_SOCKETS 64

struct gw_curl_socket {
    struct gw_watch watch;
    struct gw_curl_loop *curl;
    uint32_t wanted;  /* by libcurl, now */
    uint32_t watched; /* by the loop */
    bool is_ours;     /* we shall see it being closed */
};

static void act(struct gw_curl_loop *curl, curl_socket_t fd, int flags)
{
    int running;

    /* What fails in here ends by its transfer's time-out. */
    (void)curl_multi_socket_action(curl->multi, fd, flags, &running);
    curl->acted(curl);
}

static void watch_for(struct gw_curl_socket *socket, uint32_t events)
{
    struct gw_loop *loop = socket->curl->loop;

    if (events == socket->watched)
        return;
    if (socket->watched)
        gw_loop_remove(loop, &socket->watch);
    socket->watched = 0;
    /* A socket that cannot be watched ends by its transfer's time-out, too. */
    if (events && gw_loop_add(loop, &socket->watch, events) == 0)
        socket->watched = events;
}

/* After an error or a hang-up libcurl reads and writes, and so finds the reason by itself. */
static void on_ready(struct gw_watch *watch, uint32_t events)
{
    struct gw_curl_socket *socket = GW_CONTAINER(watch, struct gw_curl_socket, watch);
    bool broken = events & (EPOLLERR | EPOLLHUP);
    int flags = 0;

    if (!socket->wanted) {
        watch_for(socket, 0);
        return;
    }
    if (broken || events & EPOLLIN)
        flags |= CURL_CSELECT_IN;
    if (broken || events & EPOLLOUT)
        flags |= CURL_CSELECT_OUT;
    act(socket->curl, watch->fd, flags);
}

static int make_room(struct gw_curl_loop *curl, size_t index)
{
    size_t count = curl->socket_count ? curl->socket_count : FIRST_SOCKETS;
    struct gw_curl_socket **sockets;

    if (index < curl->socket_count)
        return 0;
    while (count <= index)
        count *= 2;
    sockets = reallocarray(curl->sockets, count, sizeof(struct gw_curl_socket *));
    if (!sockets)
        return -ENOMEM;
    for (size_t i = curl->socket_count; i < count; i++)
        sockets[i] = NULL;
    curl->sockets = sockets;
    curl->socket_count = count;
    return 0;
}

/* What is known of descriptor @fd; NULL where there is no memory. */
static struct gw_curl_socket *socket_of(struct gw_curl_loop *curl, curl_socket_t fd)
{
    struct gw_curl_socket *socket;

    if (make_room(curl, (size_t)fd) < 0)
        return NULL;
    socket = curl->sockets[fd];
    if (socket)
        return socket;
    socket = malloc(sizeof(*socket));
    if (socket)
        *socket = (struct gw_curl_socket){.watch = {.fd = fd, .ready = on_ready}, .curl = curl};
    curl->sockets[fd] = socket;
    return socket;
}

/* CURLMOPT_SOCKETFUNCTION */
static int on_wanted(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp)
{
    static const uint32_t events[] = {
        [CURL_POLL_IN] = EPOLLIN,
        [CURL_POLL_OUT] = EPOLLOUT,
        [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT,
        [CURL_POLL_REMOVE] = 0,
    };
    struct gw_curl_socket *socket = socket_of(userp, fd);

    (void)easy;
    (void)socketp;
    if (!socket)
        return 0;
    socket->wanted = events[what];
    if (!socket->wanted && socket->is_ours && socket->watched == EPOLLIN)
        return 0;
    if (!socket->wanted)
        socket->is_ours = false;
    watch_for(socket, socket->wanted);
    return 0;
}

/* CURLOPT_SOCKOPTFUNCTION: a new socket, whatever had its number before. */
static int on_opened(void *clientp, curl_socket_t fd, curlsocktype purpose)
{
    struct gw_curl_socket *socket = socket_of(clientp, fd);

    (void)purpose;
    if (!socket)
        return CURL_SOCKOPT_ERROR;
    socket->is_ours = true;
    /* One that was closed unseen is still wanted, and libcurl takes this one for it. */
    socket->watched = 0;
    watch_for(socket, socket->wanted);
    return CURL_SOCKOPT_OK;
}

/* CURLOPT_CLOSESOCKETFUNCTION */
static int on_closed(void *clientp, curl_socket_t fd)
{
    struct gw_curl_loop *curl = clientp;
    struct gw_curl_socket *socket = (size_t)fd < curl->socket_count ? curl->sockets[fd] : NULL;

    if (socket) {
        socket->wanted = 0;
        socket->is_ours = false;
        watch_for(socket, 0);
    }
    return close(fd);
}

static void on_due(struct gw_timer *timer, int64_t now_ms)
{
    (void)now_ms;
    act(GW_CONTAINER(timer, struct gw_curl_loop, timer), CURL_SOCKET_TIMEOUT, 0);
}

/* CURLMOPT_TIMERFUNCTION. At once is still in this round of the loop, if that is running. */
static int on_timeout_set(CURLM *multi, long timeout_ms, void *userp)
{
    struct gw_curl_loop *curl = userp;

    (void)multi;
    if (timeout_ms < 0)
        gw_loop_cancel_timer(curl->loop, &curl->timer);
    else
        gw_loop_set_timer(curl->loop, &curl->timer, curl->loop->now_ms + timeout_ms);
    return 0;
}

int gw_curl_loop_init(struct gw_curl_loop *curl, struct gw_loop *loop,
                      void (*acted)(struct gw_curl_loop *curl))
{
    *curl = (struct gw_curl_loop){.loop = loop, .acted = acted, .timer.fire = on_due};
    curl->multi = curl_multi_init();
    if (!curl->multi)
        return -ENOMEM;
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_wanted);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timeout_set);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    return 0;
}

void gw_curl_loop_deinit(struct gw_curl_loop *curl)
{
    curl_multi_cleanup(curl->multi);
    gw_loop_cancel_timer(curl->loop, &curl->timer);
    for (size_t i = 0; i < curl->socket_count; i++)
        free(curl->sockets[i]);
    free(curl->sockets);
}

CURLcode gw_curl_loop_adopt(struct gw_curl_loop *curl, CURL *easy)
{
    CURLcode r = curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_opened);

    if (r == CURLE_OK)
        r = curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, curl);
    if (r == CURLE_OK)
        r = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_closed);
    if (r == CURLE_OK)
        r = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, curl);
    return r;
}
