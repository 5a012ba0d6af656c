/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_WRITE_H
#define GW_WRITE_H

/*
 * The one currency: what the webhook, replay and backfill make, and what the stores know. Pure.
 */

#include "gw/base.h"

#define GW_CONVERSATION_ID_MAX 2048

enum gw_action { GW_ACTION_PUT, GW_ACTION_UPDATE, GW_ACTION_COUNT };

/* The record's attributes beside its key, its payload and its orders. */
enum gw_field {
    GW_FIELD_TYPE,
    GW_FIELD_STATUS,
    GW_FIELD_TIMESTAMP,
    GW_FIELD_EXTERNAL_CONTACT_ID,
    GW_FIELD_COUNT
};

/*
 * The attribute's name in the store ("externalContactId"). The state fields (status, timestamp)
 * belong to the newest write of any kind, the snapshot fields (all others, and the payload) to the
 * newest put.
 */
const char *gw_field_name(enum gw_field field);
bool gw_field_is_snapshot(enum gw_field field);

/*
 * All strings are borrowed: from the body, the request's arena or the endpoint's routes, and live
 * until the store has told the write's outcome.
 */
struct gw_write {
    enum gw_action action;
    int64_t order; /* gw_write_order */
    int64_t received_at_ms;
    struct gw_str event_type;
    struct gw_str conversation_id;
    struct gw_str fields[GW_FIELD_COUNT]; /* data NULL: the write does not set it */
    struct gw_str payload;                /* the body on one line; a put stores it as rawPayload */
};

/* Ranks within one millisecond: even ones are puts, odd ones updates; the room below is backfill's.
 */
#define GW_RANK_CREATED 4
#define GW_RANK_UPDATED 5
#define GW_RANK_ENDED 8
#define GW_RANKS 16

static inline int64_t gw_write_order(int64_t timestamp_ms, int rank)
{
    return timestamp_ms * GW_RANKS + rank;
}

/* Whether such a write can have that order: years 0000 to 9999, even for puts, odd for updates.
 * What is read back is held against it, as others would not converge. */
bool gw_write_order_fits(int64_t order, enum gw_action action);

/* Turns line breaks, which in JSON can only be white space, into blanks, in place. */
void gw_payload_to_one_line(char *body, size_t len);

#endif
