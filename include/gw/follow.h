/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_FOLLOW_H
#define GW_FOLLOW_H

/*
 * Following a file of lines while the daemon appends to it, rotates it and takes back what it could
 * not write whole (gw/journal_file.h). Never blocks: whoever follows asks again from time to time.
 */

#include "gw/lines.h"

struct gw_follow {
    const char *path; /* borrowed */
    struct gw_lines lines;
    off_t kept;   /* behind the last line that nobody takes back */
    bool leaving; /* another file has taken its place, and this one is read for the last time */
};

enum gw_follow_result {
    GW_FOLLOW_IDLE = 1,  /* no whole line is there now */
    GW_FOLLOW_TOO_LONG,  /* a line was passed over */
    GW_FOLLOW_ROTATED,   /* the file is at its end, and the one in its place is read from now on */
    GW_FOLLOW_TRUNCATED, /* lines that were read are gone: read again from its begin */
    GW_FOLLOW_UNSUITABLE /* of the opening: not a regular file, or gzip'ed */
};

/* @return 0, GW_FOLLOW_UNSUITABLE or -errno. */
int gw_follow_open(struct gw_follow *follow, const char *path, size_t max_line_bytes) GW_MUST_CHECK;
void gw_follow_close(struct gw_follow *follow);

enum gw_follow_choice { GW_FOLLOW_SKIP, GW_FOLLOW_TAKE, GW_FOLLOW_STOP };

/**
 * Once, after the opening: goes to the begin of the last @count lines that @choose takes, or of
 * fewer where it says stop.
 * @param choose  called with whole lines, the last one first
 * @return 0 or -errno.
 */
int gw_follow_begin(struct gw_follow *follow, size_t count,
                    enum gw_follow_choice (*choose)(struct gw_str line, void *context),
                    void *context) GW_MUST_CHECK;

/**
 * @param line  without its LF; borrowed until the next call; set on 0. A blank one may come again
 * @return 0, a gw_follow_result, or -errno.
 */
int gw_follow_next(struct gw_follow *follow, struct gw_str *line) GW_MUST_CHECK;

#endif
