/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/dynamodb_item.h"

#include <stdlib.h>

/*
 * An answer with an item in it. Whatever it holds, either of two writes can be merged into what was
 * read: the request is JSON, and what it would leave in the table takes the same write no second
 * time, unless somebody has made the snapshot newer than the state.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_json(struct gw_str body)
{
    json_t *root = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

    check(json_is_object(root));
    json_decref(root);
}

static void check_merge(const struct gw_dynamodb_item *item, const struct gw_write *write)
{
    static const struct gw_dynamodb_table table = {.name = "table", .ttl_ms = 1000};
    struct gw_record record = item->record;
    unsigned applied = gw_record_apply(&record, write);
    const char *operation = NULL;
    struct gw_buffer body;

    if (applied == GW_APPLIED_SUPERSEDED)
        return;
    gw_buffer_init(&body, SIZE_MAX);
    check(gw_dynamodb_merge(&table, item, &record, applied, &body, &operation) == 0);
    check_json(gw_buffer_str(&body));
    check(operation && (record.snapshot_order > record.event_order ||
                        gw_record_apply(&record, write) == GW_APPLIED_SUPERSEDED));
    gw_buffer_deinit(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct gw_str id = GW_STR("c-1"), time = GW_STR("2026-11-23T12:00:00Z");
    const struct gw_write writes[] = {
        {.action = GW_ACTION_PUT,
         .order = 16004,
         .conversation_id = id,
         .fields = {[GW_FIELD_STATUS] = GW_STR("active"), [GW_FIELD_TIMESTAMP] = time},
         .payload = GW_STR("{}")},
        {.action = GW_ACTION_UPDATE,
         .order = 16005,
         .conversation_id = id,
         .fields = {[GW_FIELD_STATUS] = GW_STR("held"), [GW_FIELD_TIMESTAMP] = time}},
    };
    struct gw_dynamodb_item item;

    if (gw_dynamodb_item_read((struct gw_str){(const char *)data, size}, id, &item) != 0)
        return 0;
    check(item.record.exists);
    for (size_t i = 0; i < GW_COUNT(writes); i++)
        check_merge(&item, &writes[i]);
    gw_dynamodb_item_deinit(&item);
    return 0;
}
