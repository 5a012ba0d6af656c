/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SAVED_REQUEST_H
#define GW_SAVED_REQUEST_H

/*
 * An HTTP/1.1 request as it was saved (by nc, a proxy, an editor), taken to pieces. It is more
 * lenient than the daemon, since what the daemon would refuse is to be found out and named. Pure.
 */

#include "gw/base.h"

#define GW_SAVED_HEADERS_MAX 100

struct gw_saved_header {
    struct gw_str name, value; /* without the blanks before the value */
};

/* How it is known where the body ends. */
enum gw_saved_end { GW_SAVED_BY_LENGTH, GW_SAVED_BY_CHUNKS, GW_SAVED_BY_FILE };

/* Everything is borrowed from the text. */
struct gw_saved_request {
    struct gw_str method, target, version;
    struct gw_saved_header headers[GW_SAVED_HEADERS_MAX];
    size_t header_count;
    char *body; /* not NULL, also where it is empty */
    size_t body_len;
    enum gw_saved_end end;
    size_t surplus; /* bytes behind the body: a receiver takes them for the next request */
    size_t missing; /* bytes that Content-Length announces and the text does not hold */
};

enum gw_saved_error {
    GW_SAVED_REQUEST_LINE = 1, /* the first line is none, such as "POST /webhook HTTP/1.1" */
    GW_SAVED_HEADER_LINE,      /* one has no colon */
    GW_SAVED_HEADER_COUNT,     /* over GW_SAVED_HEADERS_MAX */
    GW_SAVED_HEADER_END,       /* no empty line */
    GW_SAVED_CHUNKS            /* broken, or cut off */
};

/**
 * @param text  changed in place where the body is chunked: it is put together
 * @return 0 or a gw_saved_error.
 */
int gw_saved_request_parse(char *text, size_t len, struct gw_saved_request *request) GW_MUST_CHECK;

/* What is wrong, in words. */
const char *gw_saved_error_text(enum gw_saved_error error);

#endif
