/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GAP_WATCH_H
#define GW_GAP_WATCH_H

/* The daemon's watch for gaps: gw/gap.h with the clocks, the state's file, and what the log says.
 */

#include "gw/config.h"
#include "gw/gap.h"

#include <limits.h>

struct gw_gap_watch {
    struct gw_gap gap;
    const struct gw_config *config;
    char path[PATH_MAX];
    bool off;    /* there is no folder to keep it in */
    int trouble; /* that was logged last; 0: none */
};

/* Takes up when it last listened, once the backend is open. That it cannot is logged, and keeps
 * nothing from serving; it is tried again at each tick.
 * @param config  of the start; borrowed */
void gw_gap_watch_begin(struct gw_gap_watch *watch, const struct gw_config *config);

/* It listens, and can store what comes. @return whether a gap has ended, which is then logged. */
bool gw_gap_watch_tick(struct gw_gap_watch *watch);

#endif
