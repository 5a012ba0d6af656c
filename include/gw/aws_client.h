/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_CLIENT_H
#define GW_AWS_CLIENT_H

/*
 * Signed requests to one AWS service of the JSON protocol, with retries: one request in, one
 * outcome out, before its deadline. Knows nothing of what the requests say. Belongs to one worker's
 * loop.
 */

#include "gw/aws_credentials.h"
#include "gw/aws_endpoint.h"
#include "gw/aws_retry.h"
#include "gw/http_client.h"

struct gw_aws_client_options {
    const struct gw_aws_endpoint *endpoint;
    const char *service;                /* as signed: "dynamodb" */
    struct gw_credentials_cache *cache; /* borrowed */
    const char *ca_file;
    size_t connections;
    int max_attempts;
    int64_t connect_timeout_ms; /* 1 s */
    int64_t attempt_timeout_ms; /* 2 s */
};

/*
 * One request, embedded in whoever waits for it. The client's from start until done is called; it
 * may be started again, also with another body, from within done.
 */
struct gw_aws_call {
    /* In, borrowed until done. */
    const char *target; /* "DynamoDB_20120810.PutItem" */
    struct gw_str body;
    int64_t deadline_ms;  /* monotonic; over all attempts */
    bool answers_nothing; /* a success is an empty object: what says more is another service's */
    void (*done)(struct gw_aws_call *call);

    /* Out. */
    enum gw_aws_fault fault;   /* of the last attempt; GW_AWS_FAULT_AMBIGUOUS if any attempt was and
                                  none succeeded: error still tells of the last */
    struct gw_aws_error error; /* of the last attempt; status 0 and what curl says where nothing was
                                  answered; all empty on GW_AWS_FAULT_NONE */
    int attempts;
    int throttled; /* of them */

    /* The client's. */
    struct gw_aws_client *client; /* NULL: not under way */
    struct gw_http_call http;     /* http.answer: the last answer, until the next start or deinit */
    struct gw_timer timer;
    struct gw_credentials *credentials;
    struct gw_buffer lines; /* of the header; wiped before it is freed */
    int64_t signed_at_ms;   /* wall clock, corrected */
    bool ambiguous, refreshed;
    int paid;
    struct gw_aws_call *previous, *next; /* of those under way */
};

struct gw_aws_client;

/* @return 0 or a negative errno. */
int gw_aws_client_new(struct gw_loop *loop, const struct gw_aws_client_options *options,
                      struct gw_aws_client **client) GW_MUST_CHECK;
/* Calls under way are dropped: their done is not called, and they are the caller's again. Not from
 * within a done. */
struct gw_aws_client *gw_aws_client_free(struct gw_aws_client *client);
/* As gw_http_client_warm. */
void gw_aws_client_warm(struct gw_aws_client *client, size_t connections);

/* A zeroed call is ready for its first start. Never calls done from within.
 * @return 0 or -ENOMEM, or -ENOBUFS where target and session token make no sensible header */
int gw_aws_start(struct gw_aws_client *client, struct gw_aws_call *call) GW_MUST_CHECK;
/* Stops it if it is under way, without calling done, and frees what it holds. */
void gw_aws_call_deinit(struct gw_aws_call *call);

#endif
