/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CURL_LOOP_H
#define GW_CURL_LOOP_H

/* A curl multi handle on a gw_loop: its sockets are watches, its time-out is a timer. */

#include "gw/loop.h"

#include <curl/curl.h>

struct gw_curl_loop {
    struct gw_loop *loop;
    CURLM *multi;
    /* Called after libcurl has acted: there may be messages to read. */
    void (*acted)(struct gw_curl_loop *curl);
    struct gw_timer timer;
    struct gw_curl_socket **sockets; /* by descriptor */
    size_t socket_count;
};

/* @return 0 or -ENOMEM. */
int gw_curl_loop_init(struct gw_curl_loop *curl, struct gw_loop *loop,
                      void (*acted)(struct gw_curl_loop *curl)) GW_MUST_CHECK;
/* Closes all connections; the easy handles must be gone before. */
void gw_curl_loop_deinit(struct gw_curl_loop *curl);

/* Has @easy tell of the sockets that it opens and closes. Needed before it is added. */
CURLcode gw_curl_loop_adopt(struct gw_curl_loop *curl, CURL *easy) GW_MUST_CHECK;

#endif
