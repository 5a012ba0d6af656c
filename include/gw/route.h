/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_ROUTE_H
#define GW_ROUTE_H

/*
 * Routes are data: which event becomes which write, and where each attribute comes from. Pure.
 */

#include "gw/event.h"
#include "gw/write.h"

/* Where an attribute's value comes from, and what stands in where it is absent. */
struct gw_route_value {
    const char *path;     /* "external_contact.id"; NULL: @constant always; both NULL: not set */
    const char *constant; /* stands in for a falsy value; NULL: the member is required to be a
                             string (which may be empty) */
};

/*
 * Writes converge only where each sets the whole of what it replaces: every route sets status and
 * timestamp, and an update nothing else.
 */
struct gw_route {
    const char *event_type;
    enum gw_action action;
    int rank; /* GW_RANK_...: even for puts, odd for updates */
    struct gw_route_value fields[GW_FIELD_COUNT];
};

#define GW_ROUTES_MAX 16

/* The function's three routes. */
extern const struct gw_route gw_routes_builtin[];
extern const size_t gw_routes_builtin_count;

/* Routes with the plan that finds their members in one scan. Built once, then only read. */
struct gw_route_table {
    const struct gw_route *routes; /* borrowed */
    size_t count;
    struct gw_scan_plan plan;
    size_t event_type_slot, conversation_id_slot, timestamp_slot;
    size_t slots[GW_ROUTES_MAX][GW_FIELD_COUNT]; /* of the fields that have a path */
};

/**
 * @return 0; -ENOSPC beyond GW_ROUTES_MAX; -EINVAL for a route that cannot converge; or what
 *         gw_scan_plan_add said.
 */
int gw_route_table_init(struct gw_route_table *table, const struct gw_route *routes,
                        size_t count) GW_MUST_CHECK;

enum gw_route_verdict {
    GW_ROUTE_SKIPPED = 1, /* no route handles it: a success that stores nothing */
    GW_ROUTE_NULL,        /* a bare null, on which the function failed */
    GW_ROUTE_REFUSED      /* of a handled type, but no record can be made of it */
};

struct gw_route_notes {
    const char *reason;       /* of GW_ROUTE_REFUSED: static text that names the attribute */
    bool is_update;           /* the event's route is one, whether or not a write was made */
    bool timestamp_malformed; /* counts as 0 ms */
    bool timestamp_ahead;     /* more than 24 h ahead of arrival */
};

/**
 * Makes the write of a scanned body.
 * @param body   must be the scanned text with its line breaks made blanks (gw_payload_to_one_line,
 *               which changes no value that a scan found)
 * @param arena  owns the decoded strings
 * @return 0 with @write set, a gw_route_verdict, or -ENOMEM; @notes is set in every case.
 */
int gw_route_write(const struct gw_route_table *table, const struct gw_scan_result *scan,
                   struct gw_str body, int64_t received_at_ms, struct gw_arena *arena,
                   struct gw_write *write, struct gw_route_notes *notes) GW_MUST_CHECK;

#endif
