/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log-linear buckets: between two powers of two all are as wide, and twice as wide behind the next.
 */
#include "gw/durations.h"

#define EXACT (UINT64_C(1) << GW_DURATION_EXACT_BITS)
#define LONGEST ((UINT64_C(1) << GW_DURATION_BITS) - 1)

/* By how many bits a duration is shortened to a step from 32 to 63. */
static unsigned shift_of(uint64_t us)
{
    return (unsigned)(63 - __builtin_clzll(us)) - (GW_DURATION_EXACT_BITS - 1);
}

static size_t bucket_of(uint64_t us)
{
    if (us < EXACT)
        return us;
    return EXACT + (shift_of(us) - 1) * (size_t)GW_DURATION_STEPS +
           ((us >> shift_of(us)) - GW_DURATION_STEPS);
}

/* The longest that it takes. */
static uint64_t bound_of(size_t bucket)
{
    if (bucket < EXACT)
        return bucket;
    size_t step = (bucket - EXACT) % GW_DURATION_STEPS + GW_DURATION_STEPS;
    size_t shift = (bucket - EXACT) / GW_DURATION_STEPS + 1;

    return ((step + 1) << shift) - 1;
}

void gw_durations_add(struct gw_durations *durations, int64_t duration_us)
{
    uint64_t us = duration_us > 0 ? (uint64_t)duration_us : 0;

    us = us < LONGEST ? us : LONGEST;
    durations->buckets[bucket_of(us)]++;
    durations->count++;
    if ((int64_t)us > durations->max_us)
        durations->max_us = (int64_t)us;
}

int64_t gw_durations_percentile(const struct gw_durations *durations, unsigned percent)
{
    uint64_t wanted = (durations->count * percent + 99) / 100, below = 0;
    int64_t bound;

    for (size_t i = 0; i < GW_DURATION_BUCKETS && wanted > 0; i++) {
        below += durations->buckets[i];
        if (below < wanted)
            continue;
        bound = (int64_t)bound_of(i);
        return bound < durations->max_us ? bound : durations->max_us;
    }
    return durations->max_us;
}
