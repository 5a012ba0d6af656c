/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_HTTP_TRANSFER_H
#define GW_HTTP_TRANSFER_H

/* One of an http client's easy handles, and what it carries at the moment. */

#include "gw/http_client.h"

#include "curl_loop.h"

#define GW_HTTP_METHOD_SIZE 8

/* What all transfers of a client share. */
struct gw_http_origin {
    struct gw_curl_loop *curl;
    struct gw_str url; /* without a path */
    const char *ca_file;
    int64_t connect_timeout_ms;
};

struct gw_http_transfer {
    const struct gw_http_origin *origin;
    CURL *easy;                                       /* made when first needed */
    CURLSH *share;                                    /* likewise: holds its connection */
    struct gw_http_call *call;                        /* NULL: it only warms, or is idle */
    struct curl_slist lines[1 + GW_HTTP_HEADERS_MAX]; /* linked in place, of borrowed strings */
    struct gw_buffer url;                             /* the one that is set, with its NUL */
    char method[GW_HTTP_METHOD_SIZE];                 /* likewise */
    size_t header_bytes;                              /* of the answer */
    char problem[CURL_ERROR_SIZE];
    struct gw_http_transfer *next; /* of the idle ones */
};

/* @origin is borrowed. */
void gw_http_transfer_init(struct gw_http_transfer *transfer, const struct gw_http_origin *origin);
/* It is not in the multi handle any more. */
void gw_http_transfer_deinit(struct gw_http_transfer *transfer);

/* Sets the easy handle up for @call; NULL: to warm a connection. @return 0 or -ENOMEM. */
int gw_http_transfer_prepare(struct gw_http_transfer *transfer, struct gw_http_call *call,
                             int64_t timeout_ms) GW_MUST_CHECK;

/* Tells the call how it went. The problem is the transfer's, until it is prepared again. */
void gw_http_transfer_end(struct gw_http_transfer *transfer, CURLcode code);

#endif
