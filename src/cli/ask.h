/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_ASK_H
#define GW_ASK_H

/* One HTTP request and its answer, for findings about who answers there. */

#include "gw/buffer.h"

#define GW_ASK_ANSWER_MAX ((size_t)256 << 10) /* more than the metrics are */

struct gw_ask {
    /* In. */
    const char *url;
    const char *unix_socket; /* through which; NULL: none. Of the URL its path counts */
    bool post;               /* an unsigned "{}"; else a GET */
    bool local;          /* this machine's own: no proxy is used, whatever the environment says */
    const char *ca_file; /* NULL: the system's */
    int64_t timeout_ms;

    /* Out. */
    char problem[256];      /* why there is no answer; empty: there is one */
    long status;            /* of the answer */
    struct gw_buffer body;  /* the caller's to deinit */
    int64_t date_ms;        /* of its Date; INT64_MIN: none */
    int64_t arrived_ms;     /* when its head was read */
    int64_t certificate_ms; /* until when the server's certificate is valid; INT64_MIN: none */
};

/* Asks, and fills what is Out. libcurl's global_init must have been called. */
void gw_ask(struct gw_ask *ask);

#endif
