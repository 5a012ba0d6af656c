/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/dynamodb_item.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct gw_str id = GW_STR("c-1");

static void test_what_is_no_item_is_told_apart(void **state)
{
    static const struct {
        struct gw_str answer;
        int result;
    } cases[] = {
        {GW_STR(""), GW_DYNAMODB_UNREADABLE},
        {GW_STR("<html>"), GW_DYNAMODB_UNREADABLE},
        {GW_STR("[]"), GW_DYNAMODB_UNREADABLE},
        {GW_STR("{\"Item\":1}"), GW_DYNAMODB_UNREADABLE},
        {GW_STR("{\"Item\":{\"status\":{\"S\":\"act"), GW_DYNAMODB_UNREADABLE},
        {GW_STR("{}"), GW_DYNAMODB_NO_ITEM},
        {GW_STR("{\"message\":\"The conditional request failed\"}"), GW_DYNAMODB_NO_ITEM},
        {GW_STR("{\"Item\":{}}"), 0},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_dynamodb_item item;
        int r = gw_dynamodb_item_read(cases[i].answer, id, &item);

        assert_int_equal(r, cases[i].result);
        if (r == 0) {
            assert_true(item.record.exists);
            gw_dynamodb_item_deinit(&item);
        }
    }
    assert_int_equal(
        gw_dynamodb_item_read((struct gw_str){NULL, 0}, id, &(struct gw_dynamodb_item){0}),
        GW_DYNAMODB_UNREADABLE);
}

static void test_an_item_reads_as_its_record(void **state)
{
    struct gw_dynamodb_item item;
    struct gw_str answer =
        GW_STR("{\"Item\":{\"conversationId\":{\"S\":\"c-1\"},\"type\":{\"S\":\"voice\"},"
               "\"status\":{\"S\":\"a\\u0000b\"},\"timestamp\":{\"S\":\"\"},"
               "\"rawPayload\":{\"S\":\"{}\"},\"eventOrder\":{\"N\":\"16005\"},"
               "\"snapshotOrder\":{\"N\":\"16004\"},\"more\":{\"L\":[]}}}");

    (void)state;
    assert_int_equal(gw_dynamodb_item_read(answer, id, &item), 0);
    assert_true(gw_str_equal(item.record.conversation_id, id));
    assert_true(gw_str_equal(item.record.fields[GW_FIELD_TYPE], GW_STR("voice")));
    assert_true(gw_str_equal(item.record.fields[GW_FIELD_STATUS], GW_STR("a\0b")));
    assert_non_null(item.record.fields[GW_FIELD_TIMESTAMP].data);
    assert_int_equal(item.record.fields[GW_FIELD_TIMESTAMP].len, 0);
    assert_null(item.record.fields[GW_FIELD_EXTERNAL_CONTACT_ID].data);
    assert_true(gw_str_equal(item.record.payload, GW_STR("{}")));
    assert_int_equal(item.record.event_order, 16005);
    assert_int_equal(item.record.snapshot_order, 16004);
    for (size_t i = 0; i < GW_DYNAMODB_SEEN_COUNT; i++)
        assert_non_null(item.seen[i]);
    gw_dynamodb_item_deinit(&item);
}

static void test_an_order_that_no_write_can_have_reads_as_none(void **state)
{
    static const struct {
        const char *attribute;
        int64_t order;
    } cases[] = {
        {"{\"N\":\"16004\"}", 16004},
        {"{\"N\":\"-16012\"}", -16012},
        {"{\"N\":\"16005\"}", 16005}, /* an update's, or a snapshot's of the function's */
        {"{\"N\":\"9999999999999999\"}", GW_ORDER_NONE},
        {"{\"N\":\"99999999999999999999999\"}", GW_ORDER_NONE},
        {"{\"N\":\"1.5\"}", GW_ORDER_NONE},
        {"{\"N\":\"\"}", GW_ORDER_NONE},
        {"{\"N\":16004}", GW_ORDER_NONE},
        {"{\"S\":\"16004\"}", GW_ORDER_NONE},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_dynamodb_item item;
        char answer[256];
        int len =
            snprintf(answer, sizeof(answer), "{\"Item\":{\"eventOrder\":%s,\"snapshotOrder\":%s}}",
                     cases[i].attribute, cases[i].attribute);

        assert_int_equal(gw_dynamodb_item_read((struct gw_str){answer, (size_t)len}, id, &item), 0);
        assert_int_equal(item.record.event_order, cases[i].order);
        assert_int_equal(item.record.snapshot_order, cases[i].order);
        assert_non_null(item.seen[GW_DYNAMODB_SEEN_EVENT_ORDER]);
        gw_dynamodb_item_deinit(&item);
    }
}

static void test_the_size_is_that_of_names_and_values(void **state)
{
    struct gw_write write = {.action = GW_ACTION_UPDATE,
                             .conversation_id = GW_STR("c-1"),
                             .fields = {[GW_FIELD_STATUS] = GW_STR("held")},
                             .payload = GW_STR("{}")};

    (void)state;
    assert_int_equal(gw_dynamodb_item_bytes(&write), 14 + 3 + 6 + 4);
    write.action = GW_ACTION_PUT;
    assert_int_equal(gw_dynamodb_item_bytes(&write), 14 + 3 + 6 + 4 + 10 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_item_is_told_apart),
        cmocka_unit_test(test_an_item_reads_as_its_record),
        cmocka_unit_test(test_an_order_that_no_write_can_have_reads_as_none),
        cmocka_unit_test(test_the_size_is_that_of_names_and_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
