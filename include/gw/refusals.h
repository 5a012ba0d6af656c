/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_REFUSALS_H
#define GW_REFUSALS_H

/*
 * The last refused requests, for people who look. Workers add what they log, which is rare by the
 * log's own limits, so that one lock does. Any thread.
 */

#include "gw/address.h"

#include <pthread.h>

#define GW_REFUSALS_KEPT 20

struct gw_refusal {
    int64_t at_ms; /* by the wall clock */
    unsigned status;
    unsigned suppressed; /* how many of its kind were not told before it */
    const char *reason;  /* static text */
    char peer[GW_ADDRESS_TEXT_SIZE];
};

struct gw_refusals {
    pthread_mutex_t lock; /* guards what follows */
    struct gw_refusal ring[GW_REFUSALS_KEPT];
    size_t added;
};

/* Empty; holds nothing that would have to be given back. */
void gw_refusals_init(struct gw_refusals *refusals);

/* Copies @refusal over the oldest. */
void gw_refusals_add(struct gw_refusals *refusals, const struct gw_refusal *refusal);

/* Copies what is kept, the newest first. @return how many these are. */
size_t gw_refusals_copy(struct gw_refusals *refusals, struct gw_refusal copies[GW_REFUSALS_KEPT]);

#endif
