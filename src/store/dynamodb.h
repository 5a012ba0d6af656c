/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_DYNAMODB_H
#define GW_DYNAMODB_H

/*
 * What the backend (dynamodb_backend.c, main's) and a worker's store (dynamodb.c) share. Only these
 * two include this.
 */

#include "gw/dynamodb_access.h"
#include "gw/dynamodb_store.h"

#include <stdatomic.h>

struct gw_dynamodb_backend {
    struct gw_backend base;
    struct gw_metrics metrics; /* empty: all counters are the workers' */
    struct gw_dynamodb_options options;
    struct gw_dynamodb_table table;
    struct gw_dynamodb_access access;
    char *table_name;
    _Atomic size_t queued_bytes, max_queued_bytes;
    _Atomic int stores_out;
};

/* @return 0 or a negative errno. */
int gw_dynamodb_store_new(struct gw_dynamodb_backend *backend, struct gw_loop *loop,
                          struct gw_metrics *metrics, struct gw_store **store) GW_MUST_CHECK;

#endif
