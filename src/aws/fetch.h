/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_FETCH_H
#define GW_AWS_FETCH_H

/*
 * One HTTP request that blocks, within bounds of time and size: what the providers of credentials
 * need. Private to src/aws. Answers hold secrets, so they are wiped. Any thread.
 */

#include "gw/buffer.h"

#define GW_FETCH_HEADERS_MAX 6
#define GW_FETCH_ANSWER_MAX ((size_t)64 * 1024)
#define GW_FETCH_HOST_SIZE 256
#define GW_FETCH_PROBLEM_SIZE 256

enum gw_fetch_error {
    GW_FETCH_UNCONNECTED = 1, /* no such host, no connection, or not TLS as it should be */
    GW_FETCH_TIMED_OUT,
    GW_FETCH_BROKEN, /* cut off, no HTTP, or longer than GW_FETCH_ANSWER_MAX */
    GW_FETCH_INVALID /* not sent: the URL or a header is none */
};

/* Zeroed where nothing else is said. */
struct gw_fetch {
    /* In, borrowed. */
    const char *method;
    const char *url;                           /* http or https, without user and password */
    const char *headers[GW_FETCH_HEADERS_MAX]; /* "Name: value"; NULL ends them */
    struct gw_str body;                        /* data NULL: none */
    int64_t connect_timeout_ms;
    int64_t timeout_ms;  /* of an attempt as a whole */
    int attempts;        /* while there is no answer, or a 5xx; 0 is 1 */
    bool direct;         /* past any proxy that the environment names */
    const char *ca_file; /* NULL: the system's */

    /* Out. */
    int status;
    struct gw_buffer answer;
    char problem[GW_FETCH_PROBLEM_SIZE]; /* on a gw_fetch_error: a few words, none of them secret */
};

/**
 * Sends it and waits for the whole answer. Redirects are answers, not followed. Once a fetch:
 * deinit and zero it before the next.
 * @return 0 for an answer of whatever status, a gw_fetch_error, or -ENOMEM
 */
int gw_fetch_perform(struct gw_fetch *fetch) GW_MUST_CHECK;
void gw_fetch_deinit(struct gw_fetch *fetch); /* wipes the answer */

/* Waits, whatever signals come: between attempts. */
void gw_fetch_pause(int64_t ms);

struct gw_fetch_url {
    bool is_https;
    char host[GW_FETCH_HOST_SIZE]; /* an IPv6 address without its brackets */
};

/* @return 0, -EINVAL where gw_fetch_perform would not take it, or -ENOMEM. */
int gw_fetch_url_parse(const char *url, struct gw_fetch_url *parsed) GW_MUST_CHECK;

/* Whether @host is this machine, or an address where AWS's agents listen on the link: where a
 * token may go over plain http. */
bool gw_fetch_host_is_near(const char *host);

/* Appends "name=value" to a form, after a '&' unless it is the first. Errors as gw_buffer_append's.
 */
int gw_fetch_append_field(struct gw_buffer *form, struct gw_str name,
                          struct gw_str value) GW_MUST_CHECK;

#endif
