/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_METRICS_H
#define GW_METRICS_H

/*
 * Counters. Each worker (and the journal's writer) owns one set and alone adds to it; readers on
 * any thread sum all sets. Nothing is ever reset.
 *
 * The accounting that holds at every moment when nothing is in flight:
 *     verified = stored + superseded + skipped + rejected + failed
 * ambiguous is a part of failed: what was answered 500, but may have landed all the same.
 */

#include "gw/base.h"

#include <stdatomic.h>

#define GW_KEYS_MAX 8 /* secrets at once */

enum gw_counter {
    /* requests by what was answered */
    GW_COUNTER_REPLY_200,
    GW_COUNTER_REPLY_400,
    GW_COUNTER_REPLY_401,
    GW_COUNTER_REPLY_404,
    GW_COUNTER_REPLY_405,
    GW_COUNTER_REPLY_408,
    GW_COUNTER_REPLY_413,
    GW_COUNTER_REPLY_500,
    GW_COUNTER_REPLY_503,
    GW_COUNTER_REFUSED_BY_LIBRARY, /* by libmicrohttpd itself, before our handler */
    GW_COUNTER_CONNECTIONS,        /* accepted */
    GW_COUNTER_ABORTED,            /* requests whose client went away before the answer */
    /* signed events: the accounting */
    GW_COUNTER_VERIFIED,
    GW_COUNTER_STORED,
    GW_COUNTER_SUPERSEDED,
    GW_COUNTER_SKIPPED,
    GW_COUNTER_REJECTED, /* signed, but not JSON, or no record can be made of it */
    GW_COUNTER_FAILED,   /* the store failed, or had no room */
    GW_COUNTER_AMBIGUOUS,
    GW_COUNTER_TIMESTAMP_MALFORMED,
    GW_COUNTER_TIMESTAMP_AHEAD, /* more than 24 h ahead of arrival */
    GW_COUNTER_SECRET_MATCHED,  /* the first of GW_KEYS_MAX, in the order of configuration */
    GW_COUNTER_JOURNAL_BATCHES = GW_COUNTER_SECRET_MATCHED + GW_KEYS_MAX,
    GW_COUNTER_JOURNAL_LINES,
    GW_COUNTER_JOURNAL_BYTES,
    GW_COUNTER_JOURNAL_FAILURES, /* batches of which a part could not be stored */
    GW_COUNTER_COUNT
};

struct gw_metrics {
    _Atomic uint64_t counters[GW_COUNTER_COUNT];
};

/* Adds to a set that the calling thread owns. */
static inline void gw_metrics_add(struct gw_metrics *metrics, enum gw_counter counter, uint64_t n)
{
    uint64_t old = atomic_load_explicit(&metrics->counters[counter], memory_order_relaxed);

    atomic_store_explicit(&metrics->counters[counter], old + n, memory_order_relaxed);
}

static inline uint64_t gw_metrics_get(const struct gw_metrics *metrics, enum gw_counter counter)
{
    return atomic_load_explicit(&metrics->counters[counter], memory_order_relaxed);
}

/* Short name for logs, such as "verified" or "reply_200". */
const char *gw_counter_name(enum gw_counter counter);

#endif
