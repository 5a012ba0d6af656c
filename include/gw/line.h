/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_LINE_H
#define GW_LINE_H

/*
 * A write as one line of JSON (design, "The local file"): what the file store appends, and what
 * show, replay and tail read. Pure.
 */

#include "gw/buffer.h"
#include "gw/write.h"

/* Appends the line with its LF. @return 0, -ENOBUFS or -ENOMEM; on an error nothing is appended. */
int gw_line_append(const struct gw_write *write, struct gw_buffer *out) GW_MUST_CHECK;

enum gw_line_error {
    GW_LINE_MALFORMED = 1, /* not JSON (torn, zeroed), or not a line of ours */
    GW_LINE_BLANK          /* only blanks: left by a probe for room; not an error to speak of */
};

/* Whether there is nothing but blanks in it. */
bool gw_line_is_blank(struct gw_str line);

/**
 * Reads a line back into a write; the payload byte for byte as it was written.
 * @param line   without its LF; borrowed by the write
 * @param arena  owns the strings that had to be decoded
 * @return 0, a gw_line_error, or -ENOMEM.
 */
int gw_line_parse(struct gw_str line, struct gw_arena *arena, struct gw_write *write) GW_MUST_CHECK;

#endif
