/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SENDER_H
#define GW_SENDER_H

/*
 * Posts signed events, several at a time and at a rate, for `send`. SIGINT and SIGTERM end it from
 * the first event on; a second one ends the process.
 */

#include "gw/signer.h"

#include <curl/curl.h>

#define GW_SENDER_CONCURRENCY_MAX 1000

/* Where an event came from, for messages. */
struct gw_origin {
    const char *name; /* borrowed until it is answered */
    size_t line;      /* 0: the whole file */
};

/* What came of an event; everything is borrowed for the call. */
struct gw_sent {
    struct gw_origin origin;
    CURLcode code; /* CURLE_OK: it was answered */
    long status;
    struct gw_str answer; /* its first bytes */
    const char *error;    /* where it was not answered */
    int64_t took_us;      /* from when it was begun, or at a rate from when it was due */
};

struct gw_sender_options {
    CURLU *url;
    struct gw_signer *signer;
    int64_t timeout_ms;
    size_t concurrency; /* 1 to GW_SENDER_CONCURRENCY_MAX */
    int64_t rate;       /* events a second; 0: as fast as they are answered */
    void (*answered)(void *context, const struct gw_sent *sent);
    void (*waiting)(void *context); /* several times a second */
    void *context;
};

/* How far it came. */
struct gw_sender_progress {
    uint64_t begun;
    size_t under_way;
    int64_t first_us, last_us; /* when the first and the last one were begun */
};

struct gw_sender;

/* @return NULL where there is no memory, or libcurl refuses. */
struct gw_sender *gw_sender_new(const struct gw_sender_options *options);
struct gw_sender *gw_sender_free(struct gw_sender *sender);

#define GW_SENDER_INTERRUPTED 1

/**
 * Begins one event when it is due, and returns when the next could be begun; with a concurrency of
 * one, when it is answered.
 * @param body  copied
 * @return 0 whatever the answer was, GW_SENDER_INTERRUPTED, or -ENOMEM.
 */
int gw_sender_send(struct gw_sender *sender, const struct gw_origin *origin,
                   struct gw_str body) GW_MUST_CHECK;

/* Waits until all are answered, or it is interrupted. */
void gw_sender_finish(struct gw_sender *sender);

void gw_sender_tell(const struct gw_sender *sender, struct gw_sender_progress *progress);

#endif
