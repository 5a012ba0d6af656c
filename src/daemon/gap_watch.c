/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/gap_watch.h"

#include "gw/backend.h"
#include "gw/time.h"

#include <errno.h>
#include <limits.h>

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

bool gw_gap_watch_tick(struct gw_gap *gap)
{
    const bool ended = gw_gap_note(gap, gw_time_boot_ms(), gw_time_now_ms());
    int r = gw_gap_keep(gap);

    if (ended)
        tell_gap(gap);
    if (r)
        gw_log(GW_LOG_ERROR,
               "the time of listening cannot be kept: a gap up to the next start will not be seen",
               GW_LOG_ERRNO(-r));
    return ended;
}

void gw_gap_watch_begin(struct gw_gap *gap, const struct gw_config *config)
{
    char path[PATH_MAX] = "";
    int r = gw_backend_state_path(config, path, sizeof(path));

    if (r == 0)
        r = gw_gap_open(gap, path);
    if (r == GW_GAP_AHEAD)
        gw_log(GW_LOG_WARNING,
               "it last listened at a time that is yet to come: a clock was wrong, and whether "
               "events are missing cannot be told",
               GW_LOG_STR("file", path));
    else if (r == -ENOENT && !*path)
        gw_log(GW_LOG_INFO, "no $STATE_DIRECTORY: gaps over a restart will not be seen");
    else if (r)
        gw_log(GW_LOG_WARNING, "gaps over a restart will not be seen", GW_LOG_STR("file", path),
               GW_LOG_ERRNO(-r));
}
