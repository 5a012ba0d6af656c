/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_DYNAMODB_OPERATION_H
#define GW_DYNAMODB_OPERATION_H

/* A write on its way into the table, and the lists of them. Only dynamodb.c includes this. */

#include "gw/aws_client.h"
#include "gw/buffer.h"
#include "gw/dynamodb_access.h"
#include "gw/store.h"

enum step { FIRST, READ, MERGE };

struct operation {
    struct gw_aws_call call;
    struct dynamodb_store *store;
    struct gw_submission *submission; /* NULL: a probe */
    struct gw_buffer body;
    size_t queued_bytes;
    char target[sizeof(GW_DYNAMODB_TARGET_PREFIX) + 16];
    enum step step;
    int merges;
    int64_t resume_at_ms; /* while it pauses */
    bool tried, failed;
    bool ambiguous; /* some request of it may have been done */
    bool rejected;
    struct operation *next;
    struct operation *next_of_all;
};

/* Empty with end = &first. */
struct operations {
    struct operation *first, **end;
};

void gw_operations_append(struct operations *list, struct operation *op);
/* @return NULL where there is none. */
struct operation *gw_operations_take_first(struct operations *list);
/* The first that was not tried yet; where all were, the first. */
struct operation *gw_operations_take_untried(struct operations *list);
void gw_operations_insert_by_deadline(struct operations *list, struct operation *op);
void gw_operations_insert_by_resumption(struct operations *list, struct operation *op);

#endif
