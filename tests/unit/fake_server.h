/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_FAKE_SERVER_H
#define GW_TEST_FAKE_SERVER_H

/*
 * An HTTP server on the loop of the client that it tests, which does what a script says: a step a
 * request, the last one for all that follow. Included after cmocka.
 */

#include "gw/buffer.h"
#include "gw/loop.h"
#include "gw/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAKE_PATIENCE_MS 60000
#define FAKE_REQUEST_MAX ((size_t)8 << 20)

enum fake_way {
    FAKE_ANSWERS, /* sends what is given */
    FAKE_ENDS,    /* likewise, and closes */
    FAKE_DRIPS,   /* likewise, a byte a round */
    FAKE_RESETS,  /* the connection */
    FAKE_HOLDS    /* until fake_server_release, and then sends */
};

struct fake_step {
    enum fake_way way;
    const char *bytes;
};

struct fake_peer {
    struct gw_watch watch;
    struct fake_server *server;
    struct gw_buffer received;
    const char *owed; /* to be sent; NULL: nothing */
    enum fake_way way;
    struct fake_peer *next;
};

struct fake_server {
    struct gw_loop *loop;
    struct gw_watch watch; /* fd -1: does not listen */
    char url[64], host[32];
    int port;
    const struct fake_step *steps;
    size_t step_count;
    int accepted, requests;
    struct gw_buffer last; /* request, whole, with a NUL */
    struct fake_peer *peers;
};

/* An answer of HTTP/1.1 with its length. @headers: lines with their ends. */
static inline const char *fake_answer(char *text, size_t size, int status, const char *headers,
                                      const char *body)
{
    int len = snprintf(text, size, "HTTP/1.1 %d Whatever\r\n%sContent-Length: %zu\r\n\r\n%s",
                       status, headers, strlen(body), body);

    assert_true(len > 0 && (size_t)len < size);
    return text;
}

static inline void fake_watch(struct fake_peer *peer, uint32_t events)
{
    gw_loop_remove(peer->server->loop, &peer->watch);
    assert_int_equal(gw_loop_add(peer->server->loop, &peer->watch, events), 0);
}

static inline void fake_close(struct fake_peer *peer, bool with_reset)
{
    struct fake_peer **place = &peer->server->peers;
    const struct linger linger = {.l_onoff = with_reset};

    while (*place != peer)
        place = &(*place)->next;
    *place = peer->next;
    gw_loop_remove(peer->server->loop, &peer->watch);
    setsockopt(peer->watch.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(peer->watch.fd);
    gw_buffer_deinit(&peer->received);
    free(peer);
}

/* Sends what is owed as far as it goes. */
static inline void fake_send(struct fake_peer *peer)
{
    size_t len = peer->way == FAKE_DRIPS ? 1 : strlen(peer->owed);
    ssize_t sent = send(peer->watch.fd, peer->owed, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent > 0)
        peer->owed += sent;
    if (sent < 0 && errno != EAGAIN) {
        fake_close(peer, true);
        return;
    }
    if (*peer->owed) {
        fake_watch(peer, EPOLLIN | EPOLLOUT);
        return;
    }
    peer->owed = NULL;
    fake_watch(peer, EPOLLIN);
    if (peer->way == FAKE_ENDS)
        fake_close(peer, false);
}

/* The length of a whole request; 0: more is to come. */
static inline size_t fake_request_length(struct gw_buffer *received)
{
    const char *end, *length;
    size_t total;

    assert_int_equal(gw_buffer_append(received, (struct gw_str){"", 1}), 0);
    received->len--;
    end = strstr(received->data, "\r\n\r\n");
    if (!end)
        return 0;
    total = (size_t)(end - received->data) + 4;
    length = strcasestr(received->data, "\r\ncontent-length:");
    if (length && length < end)
        total += strtoul(length + 17, NULL, 10);
    return received->len >= total ? total : 0;
}

static inline void fake_act(struct fake_peer *peer)
{
    struct fake_server *server = peer->server;
    size_t at = (size_t)server->requests++;
    const struct fake_step *step =
        &server->steps[at < server->step_count ? at : server->step_count - 1];

    peer->way = step->way;
    peer->owed = step->bytes;
    if (step->way == FAKE_RESETS)
        fake_close(peer, true);
    else if (step->way != FAKE_HOLDS)
        fake_send(peer);
}

static inline void fake_receive(struct fake_peer *peer)
{
    struct fake_server *server = peer->server;
    char piece[65536];
    ssize_t len = recv(peer->watch.fd, piece, sizeof(piece), MSG_DONTWAIT);
    size_t whole;

    if (len < 0 && errno == EAGAIN)
        return;
    if (len <= 0) {
        fake_close(peer, false);
        return;
    }
    assert_int_equal(gw_buffer_append(&peer->received, (struct gw_str){piece, (size_t)len}), 0);
    whole = fake_request_length(&peer->received);
    if (!whole)
        return;
    assert_int_equal(whole, peer->received.len);
    server->last.len = 0;
    assert_int_equal(gw_buffer_append(&server->last, gw_buffer_str(&peer->received)), 0);
    assert_int_equal(gw_buffer_append(&server->last, (struct gw_str){"", 1}), 0);
    peer->received.len = 0;
    fake_act(peer);
}

static inline void fake_peer_ready(struct gw_watch *watch, uint32_t events)
{
    struct fake_peer *peer = GW_CONTAINER(watch, struct fake_peer, watch);

    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        fake_receive(peer);
    else if (peer->owed)
        fake_send(peer);
}

static inline void fake_accept(struct gw_watch *watch, uint32_t events)
{
    struct fake_server *server = GW_CONTAINER(watch, struct fake_server, watch);
    struct fake_peer *peer = calloc(1, sizeof(*peer));

    (void)events;
    assert_non_null(peer);
    peer->server = server;
    gw_buffer_init(&peer->received, FAKE_REQUEST_MAX);
    peer->watch = (struct gw_watch){.fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC),
                                    .ready = fake_peer_ready};
    assert_true(peer->watch.fd >= 0);
    peer->next = server->peers;
    server->peers = peer;
    server->accepted++;
    assert_int_equal(gw_loop_add(server->loop, &peer->watch, EPOLLIN), 0);
}

/* A loopback socket on a port of its own, which is told. */
static inline int fake_listen(int backlog, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static inline void fake_server_open(struct fake_server *server, struct gw_loop *loop)
{
    *server = (struct fake_server){.loop = loop};
    gw_buffer_init(&server->last, FAKE_REQUEST_MAX);
    server->watch = (struct gw_watch){.fd = fake_listen(64, &server->port), .ready = fake_accept};
    (void)snprintf(server->host, sizeof(server->host), "127.0.0.1:%d", server->port);
    (void)snprintf(server->url, sizeof(server->url), "http://%s", server->host);
    assert_int_equal(gw_loop_add(loop, &server->watch, EPOLLIN), 0);
}

static inline void fake_server_play(struct fake_server *server, const struct fake_step *steps,
                                    size_t count)
{
    server->steps = steps;
    server->step_count = count;
    server->requests = 0;
}

/* What is open stays so. */
static inline void fake_server_refuse(struct fake_server *server)
{
    gw_loop_remove(server->loop, &server->watch);
    close(server->watch.fd);
    server->watch.fd = -1;
}

/* Sends what FAKE_HOLDS held back. */
static inline void fake_server_release(struct fake_server *server)
{
    struct fake_peer *next;

    for (struct fake_peer *peer = server->peers; peer; peer = next) {
        next = peer->next;
        if (peer->owed && peer->way == FAKE_HOLDS)
            fake_send(peer);
    }
}

static inline void fake_server_hang_up(struct fake_server *server)
{
    while (server->peers)
        fake_close(server->peers, false); /* NOLINT(clang-analyzer-unix.Malloc): it is unlinked */
}

static inline void fake_server_close(struct fake_server *server)
{
    fake_server_hang_up(server);
    if (server->watch.fd >= 0)
        fake_server_refuse(server);
    gw_buffer_deinit(&server->last);
}

/* What the last request had as header @name; empty where it had none. */
static inline struct gw_str fake_sent_header(const struct fake_server *server, struct gw_str name)
{
    const char *line = strstr(server->last.data, "\r\n");

    for (; line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
        const char *value = line + 2 + name.len;

        if (strncasecmp(line + 2, name.data, name.len) == 0 && value[0] == ':')
            return (struct gw_str){value + 2, strcspn(value + 2, "\r")};
    }
    return GW_STR("");
}

/* Runs the loop until @count is at least @wanted. */
static inline void fake_run_until(struct gw_loop *loop, const int *count, int wanted)
{
    int64_t until_ms = gw_time_monotonic_ms() + FAKE_PATIENCE_MS;

    while (*count < wanted) {
        assert_true(gw_time_monotonic_ms() < until_ms);
        assert_int_equal(gw_loop_wait(loop, 1000), 0);
    }
}

#endif
