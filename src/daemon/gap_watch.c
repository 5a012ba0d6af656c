/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/gap_watch.h"

#include "gw/backend.h"
#include "gw/time.h"

#include <errno.h>

static void tell_gap(const struct gw_gap *gap)
{
    char from[GW_TIME_TEXT_SIZE], to[GW_TIME_TEXT_SIZE];

    gw_time_format(gap->from_ms, from);
    gw_time_format(gap->to_ms, to);
    gw_log(GW_LOG_WARNING,
           "events may be missing: for longer than Genesys repeats them none could be stored; see "
           "docs/operations.md#gaps",
           GW_LOG_STR("from", from), GW_LOG_STR("to", to),
           GW_LOG_INT("seconds", (gap->to_ms - gap->from_ms) / 1000));
}

/* The same trouble is told once, however often it is met. */
static void tell_trouble(struct gw_gap_watch *watch, int trouble)
{
    if (trouble && trouble != watch->trouble)
        gw_log(GW_LOG_ERROR,
               "the time of listening cannot be kept: a gap up to the next start will not be seen",
               GW_LOG_STR("file", watch->path), GW_LOG_ERRNO(-trouble));
    watch->trouble = trouble;
}

/* A file that is not there yet has no folder to lie in: the disk was full at the start. */
static int keep(struct gw_gap_watch *watch)
{
    struct gw_gap *gap = &watch->gap;
    int r = 0;

    if (gap->fd < 0)
        r = gw_backend_state_path(watch->config, watch->path, sizeof(watch->path));
    if (r == 0 && gap->fd < 0)
        r = gw_gap_reopen(gap, watch->path);
    return r ? r : gw_gap_keep(gap);
}

bool gw_gap_watch_tick(struct gw_gap_watch *watch)
{
    const bool ended = gw_gap_note(&watch->gap, gw_time_boot_ms(), gw_time_now_ms());

    if (ended)
        tell_gap(&watch->gap);
    if (!watch->off)
        tell_trouble(watch, keep(watch));
    return ended;
}

void gw_gap_watch_begin(struct gw_gap_watch *watch, const struct gw_config *config)
{
    int r = gw_backend_state_path(config, watch->path, sizeof(watch->path));

    watch->config = config;
    watch->gap.fd = -1;
    watch->off = r == GW_BACKEND_STATELESS;
    if (watch->off) {
        gw_log(GW_LOG_INFO, "no $STATE_DIRECTORY: gaps over a restart will not be seen");
        return;
    }
    if (r == 0)
        r = gw_gap_open(&watch->gap, watch->path);
    if (r == GW_GAP_AHEAD)
        gw_log(GW_LOG_WARNING,
               "it last listened at a time that is yet to come: a clock was wrong, and whether "
               "events are missing cannot be told",
               GW_LOG_STR("file", watch->path));
    else
        tell_trouble(watch, r);
}
