/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/route.h"

#include "gw/time.h"

#include <errno.h>

/*
 * The members that any route reads are put into one plan when the table is made, so that one scan
 * finds them all; which of them are needed is asked only once the event's type has chosen the
 * route. So a body that nobody handles is skipped whatever else is wrong with it.
 */

#define DAY_MS INT64_C(86400000)

#define TIMESTAMP                                                                                  \
    {                                                                                              \
        .path = "timestamp"                                                                        \
    }
#define CONTACT                                                                                    \
    {                                                                                              \
        .path = "external_contact.id", .constant = "unknown"                                       \
    }

const struct gw_route gw_routes_builtin[] = {
    {
        .event_type = "conversation:created",
        .action = GW_ACTION_PUT,
        .rank = GW_RANK_CREATED,
        .fields = {[GW_FIELD_TYPE] = {.path = "type"},
                   [GW_FIELD_STATUS] = {.constant = "active"},
                   [GW_FIELD_TIMESTAMP] = TIMESTAMP,
                   [GW_FIELD_EXTERNAL_CONTACT_ID] = CONTACT},
    },
    {
        .event_type = "conversation:updated",
        .action = GW_ACTION_UPDATE,
        .rank = GW_RANK_UPDATED,
        .fields = {[GW_FIELD_STATUS] = {.path = "state", .constant = "unknown"},
                   [GW_FIELD_TIMESTAMP] = TIMESTAMP},
    },
    {
        .event_type = "conversation:ended",
        .action = GW_ACTION_PUT,
        .rank = GW_RANK_ENDED,
        .fields = {[GW_FIELD_TYPE] = {.path = "type"},
                   [GW_FIELD_STATUS] = {.constant = "ended"},
                   [GW_FIELD_TIMESTAMP] = TIMESTAMP,
                   [GW_FIELD_EXTERNAL_CONTACT_ID] = CONTACT},
    },
};

const size_t gw_routes_builtin_count = GW_COUNT(gw_routes_builtin);

/* What is wrong with a member, by what reads it and by gw_event_error. */
struct reasons {
    const char *not_string, *lone_surrogate;
};

#define REASONS(name, not_string)                                                                  \
    {                                                                                              \
        name not_string, name " holds a lone surrogate, which UTF-8 has no form for"               \
    }
#define FIELD_REASONS(name) REASONS("the value for " name, " is not a string")

static const struct reasons conversation_id_reasons =
    REASONS("conversation_id", " is missing or not a string of 1 to 2048 bytes");
static const struct reasons timestamp_reasons = REASONS("timestamp", " is missing or not a string");
static const struct reasons field_reasons[GW_FIELD_COUNT] = {
    [GW_FIELD_TYPE] = FIELD_REASONS("type"),
    [GW_FIELD_STATUS] = FIELD_REASONS("status"),
    [GW_FIELD_TIMESTAMP] = FIELD_REASONS("timestamp"),
    [GW_FIELD_EXTERNAL_CONTACT_ID] = FIELD_REASONS("externalContactId"),
};

static bool is_set(const struct gw_route_value *value)
{
    return value->path || value->constant;
}

static bool can_converge(const struct gw_route *route)
{
    bool update = route->action == GW_ACTION_UPDATE;

    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++) {
        bool set = is_set(&route->fields[field]);

        if (gw_field_is_snapshot(field) ? update && set : !set)
            return false;
    }
    return route->rank >= 0 && route->rank < GW_RANKS && (route->rank % 2 != 0) == update;
}

static int plan_member(struct gw_route_table *table, const char *path, size_t *slot)
{
    return gw_scan_plan_add(&table->plan, gw_str(path), slot);
}

static int plan_route(struct gw_route_table *table, size_t index)
{
    const struct gw_route *route = &table->routes[index];

    if (!can_converge(route))
        return -EINVAL;
    for (size_t field = 0; field < GW_FIELD_COUNT; field++) {
        const char *path = route->fields[field].path;
        int r = path ? plan_member(table, path, &table->slots[index][field]) : 0;

        if (r)
            return r;
    }
    return 0;
}

static int plan_common(struct gw_route_table *table)
{
    int r = plan_member(table, "event_type", &table->event_type_slot);

    if (r == 0)
        r = plan_member(table, "conversation_id", &table->conversation_id_slot);
    if (r == 0)
        r = plan_member(table, "timestamp", &table->timestamp_slot);
    return r;
}

int gw_route_table_init(struct gw_route_table *table, const struct gw_route *routes, size_t count)
{
    if (count > GW_ROUTES_MAX)
        return -ENOSPC;
    *table = (struct gw_route_table){.routes = routes, .count = count};
    gw_scan_plan_init(&table->plan);
    int r = plan_common(table);

    for (size_t i = 0; r == 0 && i < count; i++)
        r = plan_route(table, i);
    return r;
}

static int refuse(struct gw_route_notes *notes, const char *reason)
{
    notes->reason = reason;
    return GW_ROUTE_REFUSED;
}

static int read_string(const struct gw_json_value *value, struct gw_arena *arena,
                       const struct reasons *reasons, struct gw_str *text,
                       struct gw_route_notes *notes)
{
    int r = gw_event_string(value, arena, text);

    if (r <= 0)
        return r;
    return refuse(notes,
                  r == GW_EVENT_LONE_SURROGATE ? reasons->lone_surrogate : reasons->not_string);
}

static int read_conversation_id(const struct gw_route_table *table,
                                const struct gw_scan_result *scan, struct gw_arena *arena,
                                struct gw_str *id, struct gw_route_notes *notes)
{
    int r = read_string(&scan->values[table->conversation_id_slot], arena, &conversation_id_reasons,
                        id, notes);

    if (r == 0 && (id->len == 0 || id->len > GW_CONVERSATION_ID_MAX))
        return refuse(notes, conversation_id_reasons.not_string);
    return r;
}

/* @return the event's time; 0 where it cannot be read, so that a repetition is never newer. */
static int64_t note_time(struct gw_str timestamp, int64_t received_at_ms,
                         struct gw_route_notes *notes)
{
    int64_t time_ms = 0;

    notes->timestamp_malformed = gw_time_parse(timestamp, &time_ms) != 0;
    notes->timestamp_ahead = time_ms > received_at_ms + DAY_MS;
    return time_ms;
}

static int read_field(const struct gw_route_value *value, const struct gw_json_value *member,
                      struct gw_arena *arena, const struct reasons *reasons, struct gw_str *text,
                      struct gw_route_notes *notes)
{
    if (value->path && !(value->constant && gw_event_is_falsy(member)))
        return read_string(member, arena, reasons, text, notes);
    *text = gw_str(value->constant);
    return 0;
}

static int read_fields(const struct gw_route_table *table, size_t index,
                       const struct gw_scan_result *scan, struct gw_arena *arena,
                       struct gw_str *fields, struct gw_route_notes *notes)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < GW_FIELD_COUNT; i++) {
        r = read_field(&table->routes[index].fields[i], &scan->values[table->slots[index][i]],
                       arena, &field_reasons[i], &fields[i], notes);
    }
    return r;
}

static int find_route(const struct gw_route_table *table, const struct gw_scan_result *scan,
                      struct gw_arena *arena, size_t *index)
{
    struct gw_str event_type;
    int r = gw_event_string(&scan->values[table->event_type_slot], arena, &event_type);

    if (r != 0)
        return r < 0 ? r : GW_ROUTE_SKIPPED;
    for (size_t i = 0; i < table->count; i++) {
        if (gw_str_equal(event_type, gw_str(table->routes[i].event_type))) {
            *index = i;
            return 0;
        }
    }
    return GW_ROUTE_SKIPPED;
}

int gw_route_write(const struct gw_route_table *table, const struct gw_scan_result *scan,
                   struct gw_str body, int64_t received_at_ms, struct gw_arena *arena,
                   struct gw_write *write, struct gw_route_notes *notes)
{
    struct gw_write made = {.received_at_ms = received_at_ms, .payload = body};
    struct gw_str timestamp;
    size_t index;

    *notes = (struct gw_route_notes){0};
    if (scan->root.type == GW_JSON_NULL)
        return GW_ROUTE_NULL;
    int r = find_route(table, scan, arena, &index);

    if (r == 0)
        notes->is_update = table->routes[index].action == GW_ACTION_UPDATE;
    if (r == 0)
        r = read_conversation_id(table, scan, arena, &made.conversation_id, notes);
    if (r == 0)
        r = read_string(&scan->values[table->timestamp_slot], arena, &timestamp_reasons, &timestamp,
                        notes);
    if (r == 0)
        r = read_fields(table, index, scan, arena, made.fields, notes);
    if (r != 0)
        return r;

    const struct gw_route *route = &table->routes[index];

    made.action = route->action;
    made.event_type = gw_str(route->event_type);
    made.order = gw_write_order(note_time(timestamp, received_at_ms, notes), route->rank);
    *write = made;
    return 0;
}
