/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_DURATIONS_H
#define GW_DURATIONS_H

/*
 * Any number of durations in bounded memory, for percentiles that are exact to a thirty-second.
 * (The daemon's histogram, gw/metrics.h, has bounds that Prometheus can keep, each 2 to 2.5 times
 * the one before: too coarse for the figures of a measurement.) Pure.
 */

#include "gw/base.h"

#define GW_DURATION_EXACT_BITS 6 /* up to 63 us each has a bucket of its own */
#define GW_DURATION_BITS 37      /* of the longest, over a day: what is longer counts as that */
#define GW_DURATION_STEPS 32     /* buckets from one power of two to the next */
#define GW_DURATION_BUCKETS                                                                        \
    ((1 << GW_DURATION_EXACT_BITS) +                                                               \
     (GW_DURATION_BITS - GW_DURATION_EXACT_BITS) * GW_DURATION_STEPS)

/* Zeroed ({0}) is empty. */
struct gw_durations {
    uint64_t buckets[GW_DURATION_BUCKETS];
    uint64_t count;
    int64_t max_us;
};

/* A negative one counts as 0. */
void gw_durations_add(struct gw_durations *durations, int64_t duration_us);

/**
 * @param percent  from 1 to 100
 * @return what so many of a hundred did not exceed, or a little more, but never over the longest; 0
 *         where there is none.
 */
int64_t gw_durations_percentile(const struct gw_durations *durations, unsigned percent);

#endif
