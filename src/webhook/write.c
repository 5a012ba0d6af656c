/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/write.h"

#include "gw/time.h"

/*
 * What a record's attributes are called and whom they belong to, as one table, and the one change
 * that is made to a payload. Line breaks are looked for by memchr, because most bodies have none
 * and then the two passes cost what memory costs.
 */

static const struct {
    const char *name;
    bool snapshot;
} fields[GW_FIELD_COUNT] = {
    [GW_FIELD_TYPE] = {"type", true},
    [GW_FIELD_STATUS] = {"status", false},
    [GW_FIELD_TIMESTAMP] = {"timestamp", false},
    [GW_FIELD_EXTERNAL_CONTACT_ID] = {"externalContactId", true},
};

const char *gw_field_name(enum gw_field field)
{
    return fields[field].name;
}

bool gw_field_is_snapshot(enum gw_field field)
{
    return fields[field].snapshot;
}

bool gw_write_order_fits(int64_t order, enum gw_action action)
{
    return order >= gw_write_order(GW_TIME_MIN_MS, 0) &&
           order <= gw_write_order(GW_TIME_MAX_MS, GW_RANKS - 1) &&
           (order & 1) == (action == GW_ACTION_UPDATE);
}

static void blank_out(char *at, size_t len, char unwanted)
{
    char *end = at + len;

    while ((at = memchr(at, unwanted, (size_t)(end - at))))
        *at++ = ' ';
}

void gw_payload_to_one_line(char *body, size_t len)
{
    blank_out(body, len, '\n');
    blank_out(body, len, '\r');
}
