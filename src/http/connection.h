/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONNECTION_H
#define GW_CONNECTION_H

/*
 * The inside of the HTTP front: a connection, the one request that it can have at a time, and the
 * front that owns them. Only src/http/ includes this.
 */

#include "gw/address.h"
#include "gw/buffer.h"
#include "gw/front.h"
#include "gw/log.h"
#include "gw/reply.h"

#define SPARE_BODIES 128
#define SPARE_BODY_BYTES ((size_t)16 << 10)

/*
 * A connection is on the list of its phase, in the order in which it entered it; as each phase has
 * one time limit for all, only the lists' heads need to be looked at.
 */
enum gw_phase {
    GW_PHASE_IDLE,     /* no byte of a request yet: idle_timeout, closed silently */
    GW_PHASE_READING,  /* from the first byte to the last: request_timeout, then 408 */
    GW_PHASE_STORING,  /* the store bounds it; suspended if it takes long */
    GW_PHASE_REPLYING, /* a client that does not read its answer: request_timeout */
    GW_PHASE_CLOSING,  /* shut down by us; libmicrohttpd will notice */
    GW_PHASE_COUNT
};

#define GW_PEER_TEXT_SIZE GW_ADDRESS_TEXT_SIZE

/* Where a request comes from. */
enum gw_peer {
    GW_PEER_SOCKET, /* as its socket says */
    GW_PEER_FORWARDED,
    GW_PEER_UNKNOWN /* a trusted proxy has not said */
};

struct gw_request {
    enum gw_reply reply;          /* once decided; the rest of the body is then dropped */
    enum gw_reason reason;        /* why it is no success, or why it should not have been one */
    const char *detail;           /* what the log says instead of the reason's own text, or NULL */
    struct gw_settings *settings; /* as they were when it began; NULL: no request */
    const struct gw_endpoint *endpoint;
    enum gw_peer peer;
    struct gw_address address; /* of the peer; where that is unknown, of nobody */
    struct gw_str signature;   /* libmicrohttpd's memory, good for the request's life */
    struct gw_buffer body;
    int64_t body_taken; /* of limits.buffered_bytes */
    uint64_t announced; /* the body's length; UINT64_MAX while a chunked one has not ended */
    uint64_t received;
    int64_t since_us; /* when the part that is timed now began */
    struct gw_arena arena;
    struct gw_write write;
    struct gw_submission submission;
    unsigned asks_left;      /* before it is suspended; while storing */
    struct gw_buffer answer; /* of a success with an eventId */
    struct gw_request *next_resumed;
};

struct gw_connection {
    struct gw_front *front;
    struct MHD_Connection *mhd;
    int fd;
    enum gw_phase phase;
    int64_t since_ms; /* when the phase began */
    struct gw_connection *previous, *next;
    uint64_t consumed;      /* bytes of all requests so far, but for empty lines around them */
    unsigned inexact;       /* requests since it was exact */
    struct gw_share *share; /* what it counts for; NULL: for nobody */
    enum gw_reason surplus; /* the limit that it is beyond, and its first request gets a 503 */
    bool gone;              /* the client is, but its request is still with the store */
    struct gw_request request;
};

static inline struct gw_connection *gw_request_connection(struct gw_request *request)
{
    return GW_CONTAINER(request, struct gw_connection, request);
}

struct gw_phase_list {
    struct gw_connection *oldest, *newest;
};

struct gw_listener {
    struct gw_watch watch;
    struct gw_front *front;
};

struct gw_front {
    struct MHD_Daemon *mhd;
    struct gw_watch mhd_watch;
    struct gw_loop *loop;
    struct gw_store *store;
    struct gw_metrics *metrics;
    struct gw_shared *shared;
    struct gw_settings *settings;
    struct gw_hmac *hmac;
    struct gw_replies replies;
    struct gw_listener listeners[GW_FRONT_LISTENERS_MAX];
    size_t listener_count;
    struct gw_door *door; /* its own */
    struct gw_watch door_watch;
    bool accepting;
    int64_t hushed_ms;              /* since when it is not */
    struct gw_connection *arriving; /* while it is given to libmicrohttpd */
    struct gw_timer accept_again;
    struct gw_timer sweep;
    struct gw_phase_list phases[GW_PHASE_COUNT];
    struct gw_request *resumed;
    size_t unsuspended; /* connections that wait for the store without being suspended */
    bool run_again; /* sockets were ready, answers were queued, or a body was not read to its end */
    struct gw_buffer spare_bodies[SPARE_BODIES]; /* malloc is slow for what a body takes */
    size_t spare_count;
    size_t requests;
    struct gw_log_limit refused_limits[GW_REASON_COUNT];
    struct gw_log_limit library_limit, accept_limit, timestamp_limit;
};

/* accept.c */
int gw_accept_start(struct gw_front *front, const struct gw_front_options *options);
/* Accepts nothing any more, and closes what other workers have left at the door. */
void gw_accept_end(struct gw_front *front);
/* The library has closed a connection of this worker. */
void gw_accept_left(struct gw_front *front);

/* connection.c */
/* Beyond max_connections, and max_connections_per_ip of its @address, a connection's first request
 * is answered 503; those that wait for that are bounded too. @return NULL where there is no room
 * for it even there, or no memory; then @reason says which limit it is beyond. */
struct gw_connection *gw_connection_new(struct gw_front *front, int fd,
                                        const struct sockaddr *address, enum gw_reason *reason);
/* The library has closed it. Frees it, or leaves that to the outcome of what the store still has.
 */
struct gw_connection *gw_connection_closed(struct gw_connection *connection);
struct gw_connection *gw_connection_free(struct gw_connection *connection);
/* libmicrohttpd has taken over the socket of the one that is arriving. */
struct gw_connection *gw_connection_opened(struct gw_front *front, struct MHD_Connection *mhd);
void gw_connection_enter(struct gw_connection *connection, enum gw_phase phase);
void gw_connection_sweep(struct gw_timer *timer, int64_t now_ms);
/* Finds out which idle connections have begun a request, or been closed by their clients: a system
 * call each. */
void gw_connection_look_at_idle(struct gw_front *front);
/* The address that its socket has; 127.0.0.1 where that is a local one. */
void gw_connection_address(const struct gw_connection *connection, struct gw_address *address);
/* Writes the peer's address as text: that of the request under way, where a proxy has told it. */
void gw_connection_format_peer(const struct gw_connection *connection,
                               char text[static GW_PEER_TEXT_SIZE]);
/* Counts an answer, and where there is a @reason counts and logs it (at a limited rate, with the
 * peer): a refusal, or a failure that a success covers up. @detail: as in gw_request. */
void gw_connection_answered(struct gw_connection *connection, enum gw_reply reply,
                            enum gw_reason reason, const char *detail);
/* Refuses on the bare socket and shuts it down. */
void gw_connection_cut(struct gw_connection *connection, enum gw_reason reason);
/* Takes all that has arrived so far for what the requests so far were long. */
void gw_connection_rebase(struct gw_connection *connection);

/* head.c */
/* Call 1: decides what the header alone decides. */
enum MHD_Result gw_request_begin(struct gw_request *request, const char *url, const char *method,
                                 const char *version);

/* request.c */
/* Settles the answer, which drops the body, or what is yet to come of it. */
void gw_request_decide(struct gw_request *request, enum gw_reply reply);
void gw_request_refuse(struct gw_request *request, enum gw_reason reason);
/* Refuses on the bare socket: where the library has no room for an answer, or takes none yet. */
void gw_request_cut(struct gw_request *request, enum gw_reason reason);
/* Queues the answer that was settled. */
enum MHD_Result gw_request_answer(struct gw_request *request);
/* Takes what the body has grown by from what all bodies together may have. @return whether they may
 * have it. */
bool gw_request_account_body(struct gw_request *request);
/* Answers 500 to all that wait for a store that is detached, and counts them as ambiguous. */
void gw_request_abandon_all(struct gw_front *front);
enum MHD_Result gw_request_handle(void *front, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **context);
void gw_request_completed(void *front, struct MHD_Connection *mhd, void **context,
                          enum MHD_RequestTerminationCode code);

#endif
