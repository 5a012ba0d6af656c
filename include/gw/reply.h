/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_REPLY_H
#define GW_REPLY_H

/*
 * The answers (design, "HTTP"): one table, and another that says which one each reason of a refusal
 * gets. Constant ones are built once a worker and queued any number of times. Everything is for the
 * worker's thread.
 */

#include "gw/buffer.h"
#include "gw/endpoint.h"
#include "gw/metrics.h"

#include <microhttpd.h>

enum gw_reply {
    GW_REPLY_NONE, /* not decided yet */
    GW_REPLY_SUCCESS,
    GW_REPLY_OK, /* /healthz, /readyz */
    GW_REPLY_BAD_REQUEST,
    GW_REPLY_INVALID_JSON,
    GW_REPLY_UNAUTHORIZED,
    GW_REPLY_FORBIDDEN,
    GW_REPLY_NOT_FOUND,
    GW_REPLY_METHOD_NOT_ALLOWED_POST, /* Allow: POST */
    GW_REPLY_METHOD_NOT_ALLOWED_GET,  /* Allow: GET, HEAD */
    GW_REPLY_TIMEOUT,
    GW_REPLY_TOO_LARGE,
    GW_REPLY_HEADER_TOO_LARGE,
    GW_REPLY_FAILED,
    GW_REPLY_OVERLOADED,
    GW_REPLY_NOT_READY,
    GW_REPLY_COUNT
};

struct gw_replies {
    struct MHD_Response *built[GW_REPLY_COUNT][2]; /* [1]: with Connection: close */
};

/* @return 0 or -ENOMEM. */
int gw_replies_init(struct gw_replies *replies) GW_MUST_CHECK;
void gw_replies_deinit(struct gw_replies *replies);

/* Its HTTP status. */
unsigned gw_reply_status(enum gw_reply reply);
/* What counts it. */
enum gw_counter gw_reply_counter(enum gw_reply reply);
/* The body; of GW_REPLY_SUCCESS the one without eventId. */
const char *gw_reply_body(enum gw_reply reply);

/* Of any reason but GW_REASON_NONE: the answer, the counter, and what the log says. */
enum gw_reply gw_reason_reply(enum gw_reason reason);
enum gw_counter gw_reason_counter(enum gw_reason reason);
const char *gw_reason_text(enum gw_reason reason);

/* Queues a constant answer. @return MHD_NO where it could not be queued: the connection is cut. */
enum MHD_Result gw_replies_queue(const struct gw_replies *replies,
                                 struct MHD_Connection *connection, enum gw_reply reply,
                                 bool close);

/* Builds the body of a success with the event's id, while it is at hand. Without an id, without
 * memory, or where the id is too long to show, @body stays empty and the constant one serves.
 * @param body  initialised here; the caller's to deinit */
void gw_reply_build_success(const struct gw_judgement *judgement, struct gw_buffer *body);

/* Queues a success whose body is @body, which is empty afterwards. */
enum MHD_Result gw_reply_queue_success(struct MHD_Connection *connection, struct gw_buffer *body,
                                       bool close);

/**
 * Sends a whole answer on a socket where libmicrohttpd cannot queue one (a request that never
 * becomes complete; a connection too many). Never blocks; a part that does not fit is lost.
 */
void gw_reply_send(int fd, enum gw_reply reply);

#endif
