/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson reads the whole answer: it comes only where a condition failed, which is rare. It takes
 * U+0000, which the function stored too; lone surrogates never get into a table.
 */
#include "gw/dynamodb_item.h"

#include <errno.h>
#include <stdlib.h>

static const char *const seen_names[GW_DYNAMODB_SEEN_COUNT] = {
    [GW_DYNAMODB_SEEN_EVENT_ORDER] = "eventOrder",
    [GW_DYNAMODB_SEEN_SNAPSHOT_ORDER] = "snapshotOrder",
    [GW_DYNAMODB_SEEN_STATUS] = "status",
    [GW_DYNAMODB_SEEN_TIMESTAMP] = "timestamp",
    [GW_DYNAMODB_SEEN_PAYLOAD] = "rawPayload",
};

void gw_dynamodb_item_init(struct gw_dynamodb_item *item)
{
    *item = (struct gw_dynamodb_item){0};
    gw_record_init(&item->record);
}

void gw_dynamodb_item_deinit(struct gw_dynamodb_item *item)
{
    json_decref(item->root);
    gw_dynamodb_item_init(item);
}

/* The value of {"TYPE":"value"}; absent where it is anything else. */
static struct gw_str value_of(const json_t *attribute, const char *type)
{
    const json_t *value = json_object_get(attribute, type);

    return json_is_string(value)
               ? (struct gw_str){json_string_value(value), json_string_length(value)}
               : (struct gw_str){NULL, 0};
}

/*
 * An order that no write can have would win for ever, so it counts as none. A snapshot's may be odd
 * as an update's is: that of a record of the function's was derived from a state in between.
 */
static int64_t order_of(const json_t *attribute)
{
    struct gw_str text = value_of(attribute, "N");
    char *end;
    long long order;

    if (text.len == 0)
        return GW_ORDER_NONE;
    errno = 0;
    order = strtoll(text.data, &end, 10);
    if (errno != 0 || end != text.data + text.len)
        return GW_ORDER_NONE;
    return gw_write_order_fits(order, GW_ACTION_PUT) || gw_write_order_fits(order, GW_ACTION_UPDATE)
               ? order
               : GW_ORDER_NONE;
}

static void read_record(const json_t *attributes, struct gw_dynamodb_item *item)
{
    struct gw_record *record = &item->record;

    for (size_t i = 0; i < GW_DYNAMODB_SEEN_COUNT; i++)
        item->seen[i] = json_object_get(attributes, seen_names[i]);
    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++)
        record->fields[field] = value_of(json_object_get(attributes, gw_field_name(field)), "S");
    record->payload = value_of(item->seen[GW_DYNAMODB_SEEN_PAYLOAD], "S");
    record->event_order = order_of(item->seen[GW_DYNAMODB_SEEN_EVENT_ORDER]);
    record->snapshot_order = order_of(item->seen[GW_DYNAMODB_SEEN_SNAPSHOT_ORDER]);
    record->exists = true;
}

int gw_dynamodb_item_read(struct gw_str answer, struct gw_str conversation_id,
                          struct gw_dynamodb_item *item)
{
    json_error_t error;
    json_t *root = json_loadb(answer.data ? answer.data : "", answer.len, JSON_ALLOW_NUL, &error);
    const json_t *attributes = json_object_get(root, "Item");

    if (!root && json_error_code(&error) == json_error_out_of_memory)
        return -ENOMEM;
    if (!json_is_object(root) || (attributes && !json_is_object(attributes))) {
        json_decref(root);
        return GW_DYNAMODB_UNREADABLE;
    }
    if (!attributes) {
        json_decref(root);
        return GW_DYNAMODB_NO_ITEM;
    }
    gw_dynamodb_item_init(item);
    item->root = root;
    item->record.conversation_id = conversation_id;
    read_record(attributes, item);
    return 0;
}

size_t gw_dynamodb_item_bytes(const struct gw_write *write)
{
    size_t bytes = sizeof("conversationId") - 1 + write->conversation_id.len;

    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++)
        if (write->fields[field].data)
            bytes += strlen(gw_field_name(field)) + write->fields[field].len;
    if (write->action == GW_ACTION_PUT)
        bytes += sizeof("rawPayload") - 1 + write->payload.len;
    return bytes;
}
