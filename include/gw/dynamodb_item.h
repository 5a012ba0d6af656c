/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_DYNAMODB_ITEM_H
#define GW_DYNAMODB_ITEM_H

/*
 * A conversation's record as an item of the DynamoDB table, and the requests that change it (the
 * API reference's PutItem, UpdateItem and GetItem, JSON protocol DynamoDB_20120810). Pure.
 */

#include "gw/buffer.h"
#include "gw/record.h"

#include <jansson.h>

#define GW_DYNAMODB_ITEM_BYTES_MAX (400 << 10) /* DynamoDB's own limit, names included */

enum gw_dynamodb_error {
    GW_DYNAMODB_NO_ITEM = 1, /* the answer holds none */
    GW_DYNAMODB_UNREADABLE   /* it is not what DynamoDB would answer */
};

/* What the requests need to know of the table. Borrowed. */
struct gw_dynamodb_table {
    const char *name;
    int64_t ttl_ms; /* how long after the event `expiresAt` lies; 0: none is written */
};

/* The attributes that a record depends on, and that a merge compares with what was seen. */
enum gw_dynamodb_seen {
    GW_DYNAMODB_SEEN_EVENT_ORDER,
    GW_DYNAMODB_SEEN_SNAPSHOT_ORDER,
    GW_DYNAMODB_SEEN_STATUS,
    GW_DYNAMODB_SEEN_TIMESTAMP,
    GW_DYNAMODB_SEEN_PAYLOAD,
    GW_DYNAMODB_SEEN_COUNT
};

/* The record borrows from @root. An attribute of another type than ours reads as absent, but is
 * compared as it was seen. */
struct gw_dynamodb_item {
    struct gw_record record;
    json_t *seen[GW_DYNAMODB_SEEN_COUNT]; /* {"S":"..."} as it came; NULL: absent */
    json_t *root;
};

/**
 * Reads the member "Item" of an answer, a GetItem's or a ConditionalCheckFailedException's.
 * @return 0, a gw_dynamodb_error, or -ENOMEM
 */
int gw_dynamodb_item_read(struct gw_str answer, struct gw_str conversation_id,
                          struct gw_dynamodb_item *item) GW_MUST_CHECK;
void gw_dynamodb_item_deinit(struct gw_dynamodb_item *item);

/* The record of a conversation that is not in the table yet. */
void gw_dynamodb_item_init(struct gw_dynamodb_item *item);

/* A lower bound of what @write's item takes in the table, in bytes. */
size_t gw_dynamodb_item_bytes(const struct gw_write *write);

/*
 * Each appends a request's body and sets its operation ("PutItem"), which is static.
 * @return 0, -ENOBUFS or -ENOMEM
 */

/* The one request of the common case: holds if the conversation is new, or all of it is older. */
int gw_dynamodb_first(const struct gw_dynamodb_table *table, const struct gw_write *write,
                      struct gw_buffer *body, const char **operation) GW_MUST_CHECK;

/**
 * What gw_record_apply made of what was seen, on the condition that it is still so.
 * @param seen     as it was before @write was applied to its record
 * @param record   with @write applied
 * @param applied  what gw_record_apply returned; not GW_APPLIED_SUPERSEDED
 */
int gw_dynamodb_merge(const struct gw_dynamodb_table *table, const struct gw_dynamodb_item *seen,
                      const struct gw_record *record, unsigned applied, struct gw_buffer *body,
                      const char **operation) GW_MUST_CHECK;

/* A strongly consistent read. */
int gw_dynamodb_get(const struct gw_dynamodb_table *table, struct gw_str conversation_id,
                    struct gw_buffer *body, const char **operation) GW_MUST_CHECK;

#endif
