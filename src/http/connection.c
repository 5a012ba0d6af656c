/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time limits. libmicrohttpd knows only inactivity, which a client that trickles a byte a second
 * never reaches, and it cannot queue an answer while a body arrives. So the limits are kept here,
 * one list a phase, and a sweep twice a second ends what is too old: the answer is written on the
 * bare socket and the socket shut down, upon which the library closes it in its own time.
 *
 * When a keep-alive connection's next request begins is not told by the library before its header
 * is whole. The sweep finds out: the kernel counts the bytes that a TCP socket has received, and
 * more than the requests so far were long are another's. The length of a chunked one is not told
 * either: there all that has come when it ends counts as its own, so that a request of which a part
 * had come by then has idle_timeout until more of it comes.
 */
#include "connection.h"

#include "gw/time.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SWEEP_MS 500
/* A client may send an empty line before a request (RFC 9112, section 2.2), and old ones send one
 * behind a body; the library skips them without a word. */
#define EMPTY_LINES_BYTES 4
#define STATE_CLOSE_WAIT                                                                           \
    8 /* the kernel's; <netinet/tcp.h> has its name, but a shorter tcp_info                        \
       */
#define REFUSED_BURST 10
#define REFUSED_PER_SECOND 1

static void unlink_from_phase(struct gw_connection *c)
{
    struct gw_phase_list *list = &c->front->phases[c->phase];

    *(c->previous ? &c->previous->next : &list->oldest) = c->next;
    *(c->next ? &c->next->previous : &list->newest) = c->previous;
    c->previous = c->next = NULL;
}

static void link_to_phase(struct gw_connection *c, enum gw_phase phase)
{
    struct gw_phase_list *list = &c->front->phases[phase];

    c->phase = phase;
    c->previous = list->newest;
    *(list->newest ? &list->newest->next : &list->oldest) = c;
    list->newest = c;
}

void gw_connection_enter(struct gw_connection *c, enum gw_phase phase)
{
    if (c->phase == GW_PHASE_CLOSING || c->phase == phase)
        return;
    unlink_from_phase(c);
    link_to_phase(c, phase);
    c->since_ms = c->front->loop->now_ms;
}

/* A proxy's connections are its clients', and a Unix socket has no address. @return whether its
 * address may have it. */
static bool take_share(struct gw_connection *c, const struct sockaddr *socket)
{
    struct gw_front *front = c->front;
    struct gw_address address;

    return !gw_address_of_socket(socket, &address) ||
           gw_networks_hold(&front->settings->trusted_proxies, &address) ||
           gw_peers_take(&front->shared->peers, &address, &c->share) == 0;
}

/* What it takes of the limits, gw_connection_free gives back. */
static enum gw_reason take_limits(struct gw_connection *c, const struct sockaddr *socket)
{
    if (!take_share(c, socket))
        return GW_REASON_MAX_CONNECTIONS_PER_IP;
    if (gw_limit_take(&c->front->shared->limits.connections, 1))
        return GW_REASON_NONE;
    gw_peers_give(&c->front->shared->peers, c->share);
    c->share = NULL;
    return GW_REASON_MAX_CONNECTIONS;
}

struct gw_connection *gw_connection_new(struct gw_front *front, int fd,
                                        const struct sockaddr *address, enum gw_reason *reason)
{
    struct gw_connection *c = calloc(1, sizeof(*c));

    *reason = GW_REASON_MAX_CONNECTIONS;
    if (!c)
        return NULL;
    c->front = front;
    c->fd = fd;
    c->since_ms = front->loop->now_ms;
    *reason = c->surplus = take_limits(c, address);
    if (c->surplus && !gw_limit_take(&front->shared->limits.surplus, 1)) {
        free(c);
        return NULL;
    }
    link_to_phase(c, GW_PHASE_IDLE);
    return c;
}

struct gw_connection *gw_connection_opened(struct gw_front *front, struct MHD_Connection *mhd)
{
    struct gw_connection *c = front->arriving;

    front->arriving = NULL;
    c->mhd = mhd;
    gw_metrics_add(front->metrics, GW_COUNTER_CONNECTIONS, 1);
    return c;
}

struct gw_connection *gw_connection_free(struct gw_connection *c)
{
    if (!c)
        return NULL;
    struct gw_limits *limits = &c->front->shared->limits;

    gw_peers_give(&c->front->shared->peers, c->share);
    gw_limit_give(c->surplus ? &limits->surplus : &limits->connections, 1);
    unlink_from_phase(c);
    free(c);
    return NULL;
}

struct gw_connection *gw_connection_closed(struct gw_connection *c)
{
    if (!c->gone)
        return gw_connection_free(c);
    c->mhd = NULL;
    c->fd = -1;
    return NULL;
}

static const struct sockaddr *socket_address(const struct gw_connection *c)
{
    const union MHD_ConnectionInfo *info =
        c->mhd ? MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS) : NULL;

    return info ? info->client_addr : NULL;
}

void gw_connection_address(const struct gw_connection *c, struct gw_address *address)
{
    const struct sockaddr *socket = socket_address(c);

    if (!socket || !gw_address_of_socket(socket, address))
        (void)gw_address_parse(GW_STR("127.0.0.1"), address);
}

void gw_connection_format_peer(const struct gw_connection *c, char text[static GW_PEER_TEXT_SIZE])
{
    const struct sockaddr *socket = socket_address(c);
    struct gw_address address = c->request.address;

    if (c->request.peer == GW_PEER_UNKNOWN)
        (void)snprintf(text, GW_PEER_TEXT_SIZE, "unknown");
    else if (c->request.peer == GW_PEER_FORWARDED ||
             (socket && gw_address_of_socket(socket, &address)))
        gw_address_format(&address, text);
    else
        (void)snprintf(text, GW_PEER_TEXT_SIZE, "%s", c->mhd ? "local" : "gone");
}

static void log_reason(struct gw_connection *c, enum gw_reply reply, enum gw_reason reason,
                       const char *detail)
{
    struct gw_refusal refusal = {.status = gw_reply_status(reply),
                                 .reason = detail ? detail : gw_reason_text(reason)};

    if (!gw_log_allowed(&c->front->refused_limits[reason], REFUSED_BURST, REFUSED_PER_SECOND,
                        c->front->loop->now_ms, &refusal.suppressed))
        return;
    refusal.at_ms = gw_time_now_ms();
    gw_connection_format_peer(c, refusal.peer);
    gw_refusals_add(&c->front->shared->refusals, &refusal);
    gw_log(GW_LOG_WARNING,
           reply == GW_REPLY_SUCCESS ? "failed update acknowledged" : "request refused",
           GW_LOG_INT("status", refusal.status), GW_LOG_STR("reason", refusal.reason),
           GW_LOG_STR("peer", refusal.peer), GW_LOG_INT("suppressed", refusal.suppressed));
}

void gw_connection_answered(struct gw_connection *c, enum gw_reply reply, enum gw_reason reason,
                            const char *detail)
{
    gw_metrics_add(c->front->metrics, gw_reply_counter(reply), 1);
    if (reason == GW_REASON_NONE)
        return;
    gw_metrics_add(c->front->metrics,
                   reply == GW_REPLY_SUCCESS ? GW_COUNTER_FAILURES_ACKNOWLEDGED
                                             : gw_reason_counter(reason),
                   1);
    log_reason(c, reply, reason, detail);
}

void gw_connection_cut(struct gw_connection *c, enum gw_reason reason)
{
    enum gw_reply reply = gw_reason_reply(reason);

    gw_connection_answered(c, reply, reason, NULL);
    gw_reply_send(c->fd, reply);
    (void)shutdown(c->fd, SHUT_RDWR);
    gw_connection_enter(c, GW_PHASE_CLOSING);
}

static struct gw_connection *oldest_beyond(struct gw_front *front, enum gw_phase phase,
                                           int64_t limit_ms, int64_t now_ms)
{
    struct gw_connection *c = front->phases[phase].oldest;

    return c && now_ms - c->since_ms >= limit_ms ? c : NULL;
}

static void close_silently(struct gw_connection *c)
{
    (void)shutdown(c->fd, SHUT_RDWR);
    gw_connection_enter(c, GW_PHASE_CLOSING);
}

/* How many bytes the socket has received. @return false where it is not TCP. */
static bool count_received(const struct gw_connection *c, uint64_t *received, bool *closed)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
        len < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
        return false;
    *closed = info.tcpi_state == STATE_CLOSE_WAIT;
    *received = info.tcpi_bytes_received - *closed; /* the FIN counts as one */
    return true;
}

void gw_connection_rebase(struct gw_connection *c)
{
    bool closed;

    if (count_received(c, &c->consumed, &closed))
        c->inexact = 1; /* an empty line may yet come */
}

/* What the library does not tell: that the next request has begun, and (as it takes a socket for
 * empty when it read less than it could) that the client has closed its side. */
static void look_at_idle(struct gw_connection *c)
{
    uint64_t received;
    bool closed;

    if (!count_received(c, &received, &closed))
        return; /* idle_timeout alone ends it */
    if (received > c->consumed + (uint64_t)EMPTY_LINES_BYTES * c->inexact) {
        gw_connection_enter(c, GW_PHASE_READING);
        return;
    }
    if (received > c->consumed) {
        c->consumed = received;
        c->inexact = 0;
    }
    if (closed)
        close_silently(c);
}

/* A request's time counts from when it was noticed, at most half a second after its first byte. */
void gw_connection_look_at_idle(struct gw_front *front)
{
    struct gw_connection *next;

    for (struct gw_connection *c = front->phases[GW_PHASE_IDLE].oldest; c; c = next) {
        next = c->next;
        look_at_idle(c);
    }
}

void gw_connection_sweep(struct gw_timer *timer, int64_t now_ms)
{
    struct gw_front *front = GW_CONTAINER(timer, struct gw_front, sweep);
    int64_t request_ms = front->settings->request_timeout_ms;
    struct gw_connection *c;

    gw_connection_look_at_idle(front);
    while ((c = oldest_beyond(front, GW_PHASE_READING, request_ms, now_ms)))
        gw_connection_cut(c, GW_REASON_REQUEST_TIMEOUT);
    while ((c = oldest_beyond(front, GW_PHASE_REPLYING, request_ms, now_ms)))
        close_silently(c);
    while ((c = oldest_beyond(front, GW_PHASE_IDLE, front->settings->idle_timeout_ms, now_ms)))
        close_silently(c);
    gw_loop_set_timer(front->loop, timer, now_ms + SWEEP_MS);
}
