/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GAP_H
#define GW_GAP_H

/*
 * Notices when events may have been lost because none could be stored for longer than Genesys is
 * sure to repeat them: while the daemon was not running, stopped or suspended, or its store failed.
 * One thread's.
 */

#include "gw/base.h"

#define GW_GAP_MS                                                                                  \
    20000 /* five repetitions at intervals of 5 s, less what one takes to be noticed */

struct gw_gap {
    int fd;                 /* whose mtime is when it last listened; -1: that is not kept */
    bool known;             /* whether it has listened before */
    int64_t at_ms;          /* when it did, by gw_time_boot_ms */
    int64_t now_ms;         /* the same by the wall clock, to be kept */
    int64_t kept_ms;        /* what is kept */
    int64_t from_ms, to_ms; /* the last gap, by the wall clock; 0: none yet */
};

enum gw_gap_error { GW_GAP_AHEAD = 1 };

/**
 * Takes up when it last listened.
 * @param kept_ms  that time; all by the wall clock but @boot_ms, which is gw_time_boot_ms
 * @return 0, or GW_GAP_AHEAD where that is yet to come: then it is forgotten. Pure.
 */
int gw_gap_begin(struct gw_gap *gap, int64_t kept_ms, int64_t boot_ms,
                 int64_t now_ms) GW_MUST_CHECK;

/* It listens now. @return whether a gap has ended, which is then from @from_ms to @to_ms. Pure. */
bool gw_gap_note(struct gw_gap *gap, int64_t boot_ms, int64_t now_ms) GW_MUST_CHECK;

/**
 * Begins with what the file at @path says, and keeps it there; makes it where there is none.
 * @return as gw_gap_begin, or a negative errno: then it knows and keeps nothing (-EINVAL: it is no
 *         plain file).
 */
int gw_gap_open(struct gw_gap *gap, const char *path) GW_MUST_CHECK;

/**
 * Goes on keeping, in the file at @path, after an error; what the file says does not count.
 * @return 0 or a negative errno.
 */
int gw_gap_reopen(struct gw_gap *gap, const char *path) GW_MUST_CHECK;

/* Keeps what was noted, at most once a second. After an error nothing is kept until it is opened
 * again. */
int gw_gap_keep(struct gw_gap *gap) GW_MUST_CHECK;
void gw_gap_close(struct gw_gap *gap);

#endif
