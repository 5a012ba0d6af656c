/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/outage.h"

bool gw_outage_failed(struct gw_outage *outage, bool is_new, int64_t now_ms)
{
    if (outage->failures == 0)
        outage->failed_at_ms = now_ms;
    if (outage->failures < GW_OUTAGE_FAILURES && (is_new || outage->failures == 0))
        outage->failures++;
    if (outage->out || outage->failures < GW_OUTAGE_FAILURES ||
        now_ms - outage->failed_at_ms < outage->silence_ms)
        return false;
    outage->out = true;
    return true;
}

bool gw_outage_answered(struct gw_outage *outage)
{
    bool was_out = outage->out;

    *outage = (struct gw_outage){.silence_ms = outage->silence_ms};
    return was_out;
}
