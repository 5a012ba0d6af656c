/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_LINES_H
#define GW_LINES_H

/*
 * Reading what is named on the command line ("-" is standard input): line by line in bounded
 * memory, gzip'ed files too, or whole.
 */

#include "gw/buffer.h"

#include <sys/types.h>

/* Twice the longest max_body, as a line repeats parts of its body, and what stands around them. */
#define GW_LINES_MAX_BYTES (((size_t)64 << 20) + ((size_t)64 << 10))

enum gw_lines_result {
    GW_LINES_END = 1,
    GW_LINES_TOO_LONG,   /* a line was passed over, up to its line break or the end */
    GW_LINES_UNFINISHED, /* the last bytes, which end in no line break; then comes the end */
    GW_LINES_CORRUPT     /* gzip'ed data that is broken or cut off; no more can be read */
};

struct gw_lines {
    int fd;
    struct gzFile_s *gz; /* NULL: plain */
    struct gw_buffer buffer;
    size_t max_line_bytes;
    size_t at;       /* of the line that is begun, in the buffer */
    size_t searched; /* bytes from there without a line break */
    size_t number;   /* of the line last returned, from 1 */
    off_t offset;    /* of the line that is begun, in what was read */
    bool too_long;   /* the line that is begun */
    bool ended;
};

/* Takes a regular file for gzip'ed by its first bytes, not by its name. @return 0 or -errno. */
int gw_lines_open(struct gw_lines *lines, const char *path, size_t max_line_bytes) GW_MUST_CHECK;

/**
 * Waits for one line and no more, so a pipe that is written slowly is read as it comes.
 * @param line  without its LF; borrowed until the next call; set on 0 and GW_LINES_UNFINISHED
 * @return 0, a gw_lines_result, or -errno.
 */
int gw_lines_next(struct gw_lines *lines, struct gw_str *line) GW_MUST_CHECK;
void gw_lines_close(struct gw_lines *lines);

/* Goes on at @offset of a plain regular file, after its end too. @return 0 or -errno. */
int gw_lines_seek(struct gw_lines *lines, off_t offset) GW_MUST_CHECK;

/**
 * Reads the whole file as it is.
 * @param content  initialised here; the caller's to deinit in every case
 * @return 0, -EFBIG beyond @max_bytes, or -errno.
 */
int gw_lines_read_whole(const char *path, size_t max_bytes,
                        struct gw_buffer *content) GW_MUST_CHECK;

/* @path as people call it: "standard input" for "-". */
const char *gw_lines_name(const char *path);

#endif
