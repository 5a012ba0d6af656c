/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_HTTP_CLIENT_H
#define GW_HTTP_CLIENT_H

/*
 * HTTP requests to one server, on a worker's loop: a curl multi handle whose sockets are watches
 * and whose time-out is a timer. Connections are kept alive and warmed; TLS is always verified; no
 * redirect is followed and no proxy used but what the environment names. All calls and callbacks
 * are on the loop's thread. The process must ignore SIGPIPE.
 */

#include "gw/buffer.h"
#include "gw/loop.h"

#define GW_HTTP_HEADERS_MAX 12

enum gw_http_result {
    GW_HTTP_ANSWERED, /* whole, with whatever status */
    GW_HTTP_UNSENT,   /* no connection, or none in time: the server has not seen it */
    GW_HTTP_CUT_OFF,  /* it may have been seen, and was not answered whole in time */
    GW_HTTP_NO_MEMORY /* nor was it sent */
};

struct gw_http_client_options {
    const char *url;     /* "https://host[:port]" or "http://...", borrowed for the call */
    const char *ca_file; /* NULL: the system's */
    size_t connections;  /* at most; more requests wait for one */
    int64_t connect_timeout_ms;
    size_t answer_max; /* bytes; a longer one counts as cut off */
};

/*
 * One request, embedded in whoever waits for it. The client's from start until done is called; it
 * may be started again from within done.
 */
struct gw_http_call {
    /* In, borrowed until done. */
    const char *method;                       /* "POST", "PUT", "GET", "DELETE" */
    const char *path;                         /* "/" and so on, with the query */
    const char *headers[GW_HTTP_HEADERS_MAX]; /* "Name: value"; NULL ends them */
    struct gw_str body;
    int64_t timeout_ms;
    void (*done)(struct gw_http_call *call);

    /* Out. */
    enum gw_http_result result;
    const char *problem; /* what curl says of UNSENT and CUT_OFF; until done returns */
    int status;
    struct gw_buffer answer; /* the caller's to deinit; emptied at each start */
    int64_t date_ms;         /* of the answer's Date; INT64_MIN: none */
    int64_t retry_after_ms;  /* x-amz-retry-after; -1: none */
    int64_t crc32;           /* x-amz-crc32; -1: none */

    /* The client's. */
    struct gw_http_transfer *transfer; /* NULL: it waits for one, or is not under way */
    int64_t give_up_at_ms;
    struct gw_http_call *next;
};

struct gw_http_client;

/* @return 0, -ENOMEM, or -EINVAL for another URL or no connections. Does not connect. */
int gw_http_client_new(struct gw_loop *loop, const struct gw_http_client_options *options,
                       struct gw_http_client **client) GW_MUST_CHECK;
/* Calls under way are dropped: their done is not called. Not from within a done. */
struct gw_http_client *gw_http_client_free(struct gw_http_client *client);

/* Opens @count connections ahead of the first requests, by a "GET /" on each. */
void gw_http_client_warm(struct gw_http_client *client, size_t count);

/* Never calls done from within. @return 0 or -ENOMEM. */
int gw_http_start(struct gw_http_client *client, struct gw_http_call *call) GW_MUST_CHECK;
/* Drops it: done is not called. Harmless where it is not under way. */
void gw_http_cancel(struct gw_http_client *client, struct gw_http_call *call);

#endif
