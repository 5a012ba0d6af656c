/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/outage.h"

bool gw_outage_failed(struct gw_outage *outage, int64_t now_ms)
{
    if (outage->failures < GW_OUTAGE_FAILURES)
        outage->failures++;
    if (outage->out || outage->failures < GW_OUTAGE_FAILURES ||
        now_ms - outage->answered_at_ms < outage->silence_ms)
        return false;
    outage->out = true;
    return true;
}

bool gw_outage_answered(struct gw_outage *outage, int64_t now_ms)
{
    bool was_out = outage->out;

    *outage = (struct gw_outage){.silence_ms = outage->silence_ms, .answered_at_ms = now_ms};
    return was_out;
}
