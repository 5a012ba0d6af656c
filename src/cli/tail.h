/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TAIL_H
#define GW_TAIL_H

/* Which events `tail` shows, and an event as one line for people. */

#include "gw/write.h"

#include <stdio.h>

struct gw_tail_filter {
    const char *type, *status, *id; /* NULL: any */
    const char *event;              /* "conversation:created"; NULL: any */
    int64_t since_ms;               /* the time of storing; INT64_MIN: any */
};

bool gw_tail_takes(const struct gw_tail_filter *filter, const struct gw_write *write);

/**
 * Reads a duration before @now_ms ("90s", "10m", "2h", "7d"), or a time.
 * @return whether it is one.
 */
bool gw_tail_since(const char *text, int64_t now_ms, int64_t *since_ms);

/* How lines are to look. */
struct gw_tail_look {
    size_t width; /* columns of the terminal; 0: it is none, and nothing is cut */
    bool color;
};

/* Writes one line with its line break; what is hostile is made visible. */
void gw_tail_print(FILE *out, const struct gw_write *write, const struct gw_tail_look *look);

#endif
