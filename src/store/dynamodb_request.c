/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies are written straight into a buffer: a tree would cost more than the signature. Attribute
 * names always go through #placeholders, since many of ours are reserved words (status, timestamp,
 * type). `#` names and `:` values are numbered by one table of attributes.
 *
 * No condition orders strings, as servers that imitate DynamoDB compare them in other ways.
 */
#include "gw/dynamodb_item.h"

#include <errno.h>
#include <stdlib.h>

/* The attributes in the order of their placeholders. */
enum attribute {
    ID,
    FIELDS, /* one for each gw_field */
    PAYLOAD = FIELDS + GW_FIELD_COUNT,
    EVENT_ORDER,
    SNAPSHOT_ORDER,
    EXPIRES_AT,
    ATTRIBUTE_COUNT
};

static const enum attribute seen_attributes[GW_DYNAMODB_SEEN_COUNT] = {
    [GW_DYNAMODB_SEEN_EVENT_ORDER] = EVENT_ORDER,
    [GW_DYNAMODB_SEEN_SNAPSHOT_ORDER] = SNAPSHOT_ORDER,
    [GW_DYNAMODB_SEEN_STATUS] = FIELDS + GW_FIELD_STATUS,
    [GW_DYNAMODB_SEEN_TIMESTAMP] = FIELDS + GW_FIELD_TIMESTAMP,
    [GW_DYNAMODB_SEEN_PAYLOAD] = PAYLOAD,
};

/* The values to be written; one with data NULL and no number is left out. */
struct values {
    struct gw_str strings[EVENT_ORDER];
    int64_t numbers[ATTRIBUTE_COUNT]; /* from EVENT_ORDER on; GW_ORDER_NONE: left out */
    bool removes_expiry;
};

/* Collects the first error, so that a body reads as one piece. */
struct writer {
    struct gw_buffer *out;
    int error;
};

static const char *name_of(enum attribute attribute)
{
    static const char *const names[ATTRIBUTE_COUNT] = {
        [ID] = "conversationId",      [PAYLOAD] = "rawPayload",
        [EVENT_ORDER] = "eventOrder", [SNAPSHOT_ORDER] = "snapshotOrder",
        [EXPIRES_AT] = "expiresAt",
    };

    return names[attribute] ? names[attribute] : gw_field_name((enum gw_field)(attribute - FIELDS));
}

static void put(struct writer *w, const char *text)
{
    if (!w->error)
        w->error = gw_buffer_append(w->out, gw_str(text));
}

static void put_json(struct writer *w, struct gw_str text)
{
    if (!w->error)
        w->error = gw_buffer_append_json(w->out, text);
}

static void put_number(struct writer *w, int64_t number)
{
    if (!w->error)
        w->error = gw_buffer_append_number(w->out, number);
}

static void put_placeholder(struct writer *w, const char *mark, unsigned number)
{
    put(w, mark);
    put_number(w, number);
}

static bool is_text(enum attribute attribute)
{
    return attribute < EVENT_ORDER;
}

static bool has_value(const struct values *values, enum attribute attribute)
{
    return is_text(attribute) ? values->strings[attribute].data != NULL
                              : values->numbers[attribute] != GW_ORDER_NONE;
}

static void put_value(struct writer *w, const struct values *values, enum attribute attribute)
{
    if (is_text(attribute)) {
        put(w, "{\"S\":");
        put_json(w, values->strings[attribute]);
        put(w, "}");
    } else {
        put(w, "{\"N\":\"");
        put_number(w, values->numbers[attribute]);
        put(w, "\"}");
    }
}

/* Seconds since 1970, as DynamoDB's time to live wants them; none without an event's time. */
static int64_t expires_at(const struct gw_dynamodb_table *table, int64_t order)
{
    int64_t time_ms = order >= 0 ? order / GW_RANKS : 0;

    return table->ttl_ms > 0 && time_ms > 0 ? (time_ms + table->ttl_ms) / 1000 : GW_ORDER_NONE;
}

static void put_table(struct writer *w, const struct gw_dynamodb_table *table)
{
    put(w, "{\"TableName\":");
    put_json(w, gw_str(table->name));
}

static void put_key(struct writer *w, struct gw_str conversation_id)
{
    put(w, ",\"Key\":{\"conversationId\":{\"S\":");
    put_json(w, conversation_id);
    put(w, "}}");
}

static void put_item(struct writer *w, const struct values *values)
{
    const char *separator = ",\"Item\":{\"";

    for (enum attribute a = ID; a < ATTRIBUTE_COUNT; a++) {
        if (!has_value(values, a))
            continue;
        put(w, separator);
        put(w, name_of(a));
        put(w, "\":");
        put_value(w, values, a);
        separator = ",\"";
    }
    put(w, "}");
}

/* "SET #2=:2,#3=:3", and the expiry removed where the newest event has no time of its own. */
static void put_update(struct writer *w, const struct values *values, bool *used)
{
    const char *separator = ",\"UpdateExpression\":\"SET ";

    for (enum attribute a = ID + 1; a < ATTRIBUTE_COUNT; a++) {
        if (!has_value(values, a))
            continue;
        put(w, separator);
        put_placeholder(w, "#", a);
        put_placeholder(w, "=:", a);
        used[a] = true;
        separator = ",";
    }
    if (values->removes_expiry) {
        put_placeholder(w, " REMOVE #", EXPIRES_AT);
        used[EXPIRES_AT] = true;
    }
    put(w, "\"");
}

static void put_first_condition(struct writer *w, bool *used)
{
    put_placeholder(w, ",\"ConditionExpression\":\"attribute_not_exists(#", ID);
    put_placeholder(w, ") OR #", EVENT_ORDER);
    put_placeholder(w, "<:", EVENT_ORDER);
    put(w, "\"");
    used[ID] = used[EVENT_ORDER] = true;
}

static void put_merge_condition(struct writer *w, const struct gw_dynamodb_item *seen, bool *used)
{
    const char *separator = ",\"ConditionExpression\":\"";

    for (unsigned i = 0; i < GW_DYNAMODB_SEEN_COUNT; i++) {
        enum attribute a = seen_attributes[i];

        put(w, separator);
        put_placeholder(w, seen->seen[i] ? "#" : "attribute_not_exists(#", a);
        if (seen->seen[i])
            put_placeholder(w, "=:s", i);
        else
            put(w, ")");
        used[a] = true;
        separator = " AND ";
    }
    if (!seen->record.exists) {
        put_placeholder(w, " AND attribute_not_exists(#", ID);
        put(w, ")");
        used[ID] = true;
    }
    put(w, "\"");
}

static void put_names(struct writer *w, const bool *used)
{
    const char *separator = ",\"ExpressionAttributeNames\":{\"#";

    for (enum attribute a = ID; a < ATTRIBUTE_COUNT; a++) {
        if (!used[a])
            continue;
        put_placeholder(w, separator, a);
        put(w, "\":\"");
        put(w, name_of(a));
        put(w, "\"");
        separator = ",\"#";
    }
    put(w, "}");
}

static void put_seen(struct writer *w, const json_t *attribute)
{
    char *text = json_dumps(attribute, JSON_COMPACT | JSON_ENCODE_ANY);

    if (!text && !w->error)
        w->error = -ENOMEM;
    put(w, text ? text : "");
    free(text);
}

/* What an update sets, or else only the order that the first condition compares; and what was seen.
 */
static void put_values(struct writer *w, const struct values *values, bool is_update,
                       const struct gw_dynamodb_item *seen)
{
    static const char first[] = ",\"ExpressionAttributeValues\":{\":";
    const char *separator = first;

    for (enum attribute a = ID + 1; a < ATTRIBUTE_COUNT; a++) {
        if (!has_value(values, a) || !(is_update || (a == EVENT_ORDER && !seen)))
            continue;
        put_placeholder(w, separator, a);
        put(w, "\":");
        put_value(w, values, a);
        separator = ",\":";
    }
    for (unsigned i = 0; seen && i < GW_DYNAMODB_SEEN_COUNT; i++) {
        if (!seen->seen[i])
            continue;
        put(w, separator);
        put_placeholder(w, "s", i);
        put(w, "\":");
        put_seen(w, seen->seen[i]);
        separator = ",\":";
    }
    if (separator != first)
        put(w, "}");
}

/* @seen NULL: the first request. */
static int put_request(const struct gw_dynamodb_table *table, const struct values *values,
                       bool is_update, const struct gw_dynamodb_item *seen, struct gw_buffer *body,
                       const char **operation)
{
    struct writer w = {.out = body};
    bool used[ATTRIBUTE_COUNT] = {false};

    put_table(&w, table);
    if (is_update) {
        put_key(&w, values->strings[ID]);
        put_update(&w, values, used);
    } else {
        put_item(&w, values);
    }
    if (seen)
        put_merge_condition(&w, seen, used);
    else
        put_first_condition(&w, used);
    put_names(&w, used);
    put_values(&w, values, is_update, seen);
    put(&w, ",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}");
    *operation = is_update ? "UpdateItem" : "PutItem";
    return w.error;
}

/* @orders: GW_ORDER_NONE leaves one out. */
static void set_orders(struct values *values, const struct gw_dynamodb_table *table,
                       int64_t event_order, int64_t snapshot_order)
{
    values->numbers[EVENT_ORDER] = event_order;
    values->numbers[SNAPSHOT_ORDER] = snapshot_order;
    values->numbers[EXPIRES_AT] = expires_at(table, event_order);
    values->removes_expiry = table->ttl_ms > 0 && values->numbers[EXPIRES_AT] == GW_ORDER_NONE;
}

int gw_dynamodb_first(const struct gw_dynamodb_table *table, const struct gw_write *write,
                      struct gw_buffer *body, const char **operation)
{
    bool is_update = write->action == GW_ACTION_UPDATE;
    struct values values = {.strings = {[ID] = write->conversation_id}};

    memcpy(&values.strings[FIELDS], write->fields, sizeof(write->fields));
    if (!is_update)
        values.strings[PAYLOAD] = write->payload;
    set_orders(&values, table, write->order, is_update ? GW_ORDER_NONE : write->order);
    return put_request(table, &values, is_update, NULL, body, operation);
}

int gw_dynamodb_merge(const struct gw_dynamodb_table *table, const struct gw_dynamodb_item *seen,
                      const struct gw_record *record, unsigned applied, struct gw_buffer *body,
                      const char **operation)
{
    bool has_state = applied & GW_APPLIED_STATE, has_snapshot = applied & GW_APPLIED_SNAPSHOT;
    struct values values = {.strings = {[ID] = record->conversation_id}};

    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++)
        if (gw_field_is_snapshot(field) ? has_snapshot : has_state)
            values.strings[FIELDS + field] = record->fields[field];
    if (has_snapshot)
        values.strings[PAYLOAD] = record->payload;
    set_orders(&values, table, record->event_order, record->snapshot_order);
    return put_request(table, &values, !(has_state && has_snapshot), seen, body, operation);
}

int gw_dynamodb_get(const struct gw_dynamodb_table *table, struct gw_str conversation_id,
                    struct gw_buffer *body, const char **operation)
{
    struct writer w = {.out = body};

    put_table(&w, table);
    put_key(&w, conversation_id);
    put(&w, ",\"ConsistentRead\":true}");
    *operation = "GetItem";
    return w.error;
}
