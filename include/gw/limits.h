/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_LIMITS_H
#define GW_LIMITS_H

/*
 * What all workers together may hold at once. libmicrohttpd's own limits are each daemon's, so that
 * N workers would multiply them. Any thread; a reload changes the maxima while counts go on.
 */

#include "gw/base.h"

#include <stdatomic.h>

struct gw_limit {
    _Atomic int64_t used;
    _Atomic int64_t max;
};

struct gw_limits {
    struct gw_limit connections;
    struct gw_limit surplus;        /* connections beyond those, that wait for their 503 */
    struct gw_limit buffered_bytes; /* of request bodies, by what is allocated for them */
    struct gw_limit in_flight;      /* writes whose outcome is not known yet */
};

/* Takes @amount if that stays within the maximum. @return whether it did. */
bool gw_limit_take(struct gw_limit *limit, int64_t amount);
void gw_limit_give(struct gw_limit *limit, int64_t amount);

/* How many CPUs' worth this process may use: its affinity mask, and the cgroup's quota rounded up;
 * at least 1. */
unsigned gw_limits_cpus(void);

/**
 * The tightest CPU quota of a process's cgroup and all above it, rounded up: cpu.max of cgroup v2,
 * cpu.cfs_quota_us of v1.
 * @param root    where the cgroup file system is mounted
 * @param groups  the file in the form of /proc/PID/cgroup
 * @return UINT_MAX where none bounds it.
 */
unsigned gw_limits_cgroup_cpus(const char *root, const char *groups);

/**
 * Raises the soft RLIMIT_NOFILE to @wanted, or to the hard limit where that is lower.
 * @param granted  what holds now
 */
int gw_limits_raise_files(uint64_t wanted, uint64_t *granted) GW_MUST_CHECK;

#endif
