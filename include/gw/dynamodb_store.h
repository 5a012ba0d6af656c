/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_DYNAMODB_STORE_H
#define GW_DYNAMODB_STORE_H

/*
 * The store that the Lambda had: a DynamoDB table with an item a conversation. One conditional
 * request an event in the common case; where its condition fails, what is there and the event are
 * merged by gw_record_apply and written on the condition that nothing has changed since.
 */

#include "gw/dynamodb_access.h"
#include "gw/dynamodb_item.h"
#include "gw/store.h"

/* All borrowed for the call. */
struct gw_dynamodb_options {
    struct gw_dynamodb_table table;
    struct gw_dynamodb_access_options access;
    int max_attempts;
    int64_t deadline_ms;     /* of an event, over everything */
    size_t connections;      /* a worker's, at most */
    size_t max_queued_bytes; /* of requests that wait or are under way */
    bool unready_on_outage;  /* whether /readyz follows the table's state */
};

/**
 * Finds region, endpoint and credentials. Does not ask whether the table is there: it may come.
 * @param message  what was wrong and what to do, without any secret
 * @return 0 or a negative errno
 */
int gw_dynamodb_open(const struct gw_dynamodb_options *options, struct gw_backend **backend,
                     char *message, size_t message_size) GW_MUST_CHECK;

#endif
