/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_RECORD_H
#define GW_RECORD_H

/*
 * A conversation's record and the one rule by which writes become it. Every store, every fold and
 * every test of a condition uses gw_record_apply: any order of arrival, with any repetitions, ends
 * in the same record. Pure.
 */

#include "gw/write.h"

#define GW_ORDER_NONE INT64_MIN

/* Strings are borrowed; whoever keeps a record longer than the write copies them. */
struct gw_record {
    bool exists;
    struct gw_str conversation_id;
    struct gw_str fields[GW_FIELD_COUNT]; /* data NULL: absent */
    struct gw_str payload;                /* rawPayload; data NULL: absent */
    int64_t event_order;                  /* the newest write's; GW_ORDER_NONE: absent */
    int64_t snapshot_order;               /* the newest put's; GW_ORDER_NONE: absent */
};

/*
 * What a write did to a record; a set of bits, so that a store knows which attributes to write.
 * With either bit it writes both orders: of a record without them, one is that of the write and
 * the other derived, and could not be derived again once the state has changed.
 */
enum gw_applied {
    GW_APPLIED_SUPERSEDED = 0, /* nothing: a success all the same; the record is as it was */
    GW_APPLIED_STATE = 1,      /* status and timestamp */
    GW_APPLIED_SNAPSHOT = 2    /* type, externalContactId and rawPayload */
};

/* An empty record, of no conversation yet. */
void gw_record_init(struct gw_record *record);

/**
 * Applies @write to @record (design, "Order"): a newer write applies, a put replacing the record;
 * an older put that is newer than the snapshot fills type, externalContactId and rawPayload; of two
 * writes of one order the bytewise greater wins (put: rawPayload; update: status, then timestamp).
 * A record without event_order, as the function left it, takes its orders from its own timestamp
 * and status first. The record borrows the write's strings.
 * @return the set of gw_applied.
 */
unsigned gw_record_apply(struct gw_record *record, const struct gw_write *write);

#endif
