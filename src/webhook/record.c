/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/record.h"

#include "gw/time.h"

/*
 * A record is two registers, each of which keeps the greatest write that it was ever given: the
 * state (status, timestamp) of all writes, the snapshot (the other attributes and the payload) of
 * the puts. A maximum depends neither on the order nor on repetitions, which is the whole proof
 * that writes converge; all that is left to do is to order the writes totally: by their order, and
 * of one order, which only writes of one kind can have (even puts, odd updates), by content.
 *
 * Each register is taken over as a whole: an attribute that the write does not set is removed,
 * because what an older write had set there may arrive before or after this one.
 */

struct orders {
    int64_t event, snapshot;
};

void gw_record_init(struct gw_record *record)
{
    *record = (struct gw_record){.event_order = GW_ORDER_NONE, .snapshot_order = GW_ORDER_NONE};
}

static int legacy_rank(struct gw_str status)
{
    if (gw_str_equal(status, GW_STR("active")))
        return GW_RANK_CREATED;
    if (gw_str_equal(status, GW_STR("ended")))
        return GW_RANK_ENDED;
    return GW_RANK_UPDATED;
}

static int64_t legacy_order(const struct gw_record *record)
{
    int64_t time_ms = 0;

    if (gw_time_parse(record->fields[GW_FIELD_TIMESTAMP], &time_ms) != 0)
        time_ms = 0;
    return gw_write_order(time_ms, legacy_rank(record->fields[GW_FIELD_STATUS]));
}

/* The record's orders; as the function left it, those that its state gives it. */
static struct orders orders_of(const struct gw_record *record)
{
    struct orders orders = {record->event_order, record->snapshot_order};

    if (!record->exists || orders.event != GW_ORDER_NONE)
        return orders;
    orders.event = legacy_order(record);
    if (record->payload.data)
        orders.snapshot = orders.event;
    return orders;
}

static bool payload_is_greater(const struct gw_record *record, const struct gw_write *write)
{
    return gw_str_compare(write->payload, record->payload) > 0;
}

/*
 * The payload that lies in the record is the state's own only where both registers are of one
 * order. Otherwise the state of an even order is one that the function left without a payload,
 * which any put of that order is greater than.
 */
static bool state_is_newer(const struct gw_record *record, struct orders orders,
                           const struct gw_write *write)
{
    if (write->order != orders.event)
        return write->order > orders.event;
    if (write->action == GW_ACTION_PUT)
        return orders.snapshot != orders.event || payload_is_greater(record, write);

    int order = gw_str_compare(write->fields[GW_FIELD_STATUS], record->fields[GW_FIELD_STATUS]);

    if (order == 0)
        order =
            gw_str_compare(write->fields[GW_FIELD_TIMESTAMP], record->fields[GW_FIELD_TIMESTAMP]);
    return order > 0;
}

static bool snapshot_is_newer(const struct gw_record *record, struct orders orders,
                              const struct gw_write *write)
{
    if (write->action != GW_ACTION_PUT)
        return false;
    if (write->order != orders.snapshot)
        return write->order > orders.snapshot;
    return payload_is_greater(record, write);
}

static void take_fields(struct gw_record *record, const struct gw_write *write, bool snapshot)
{
    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++) {
        if (gw_field_is_snapshot(field) == snapshot)
            record->fields[field] = write->fields[field];
    }
}

static void take_state(struct gw_record *record, struct orders *orders,
                       const struct gw_write *write)
{
    take_fields(record, write, false);
    orders->event = write->order;
}

static void take_snapshot(struct gw_record *record, struct orders *orders,
                          const struct gw_write *write)
{
    take_fields(record, write, true);
    record->payload = write->payload;
    orders->snapshot = write->order;
}

unsigned gw_record_apply(struct gw_record *record, const struct gw_write *write)
{
    struct orders orders = orders_of(record);
    /* Both are decided before either is taken: the state's tie reads the snapshot's payload. */
    bool state = state_is_newer(record, orders, write);
    bool snapshot = snapshot_is_newer(record, orders, write);

    if (!state && !snapshot)
        return GW_APPLIED_SUPERSEDED;
    if (state)
        take_state(record, &orders, write);
    if (snapshot)
        take_snapshot(record, &orders, write);
    record->exists = true;
    record->conversation_id = write->conversation_id;
    record->event_order = orders.event;
    record->snapshot_order = orders.snapshot;
    return (state ? GW_APPLIED_STATE : 0U) | (snapshot ? GW_APPLIED_SNAPSHOT : 0U);
}
