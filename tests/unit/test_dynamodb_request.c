/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/dynamodb_item.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct gw_dynamodb_table plain = {"T", 0};
static const struct gw_dynamodb_table expiring = {"T", 90000};

static struct gw_write created(int64_t order)
{
    return (struct gw_write){
        .action = GW_ACTION_PUT,
        .order = order,
        .conversation_id = GW_STR("c\"1"),
        .fields = {[GW_FIELD_TYPE] = GW_STR("voice"),
                   [GW_FIELD_STATUS] = GW_STR("active"),
                   [GW_FIELD_TIMESTAMP] = GW_STR("t"),
                   [GW_FIELD_EXTERNAL_CONTACT_ID] = GW_STR("unknown")},
        .payload = GW_STR("{\"a\":1}"),
    };
}

static struct gw_write updated(int64_t order)
{
    return (struct gw_write){
        .action = GW_ACTION_UPDATE,
        .order = order,
        .conversation_id = GW_STR("c\"1"),
        .fields = {[GW_FIELD_STATUS] = GW_STR("held"), [GW_FIELD_TIMESTAMP] = GW_STR("u")},
    };
}

static json_t *parse(const struct gw_buffer *body)
{
    json_t *root = json_loadb(body->data, body->len, JSON_ALLOW_NUL, NULL);

    assert_non_null(root);
    return root;
}

/* The request, compared as JSON with @expected, in which ' stands for ". */
static void assert_body(const struct gw_buffer *body, const char *expected)
{
    char text[4096];
    size_t len = strlen(expected);

    assert_true(len < sizeof(text));
    for (size_t i = 0; i <= len; i++)
        text[i] = expected[i];
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *is = parse(body), *should = json_loads(text, 0, NULL);

    assert_non_null(should);
    if (!json_equal(is, should))
        fail_msg("is\n%.*s\nshould be\n%s", (int)body->len, body->data, text);
    json_decref(is);
    json_decref(should);
}

#define FIRST_CONDITION "'ConditionExpression':'attribute_not_exists(#0) OR #6<:6',"
#define ALL_OLD "'ReturnValuesOnConditionCheckFailure':'ALL_OLD'}"

static void test_the_first_request_is_a_conditional_put_or_update(void **state)
{
    static const struct {
        bool is_update;
        const struct gw_dynamodb_table *table;
        int64_t order;
        const char *operation, *body;
    } cases[] = {
        {false, &plain, 16004, "PutItem",
         "{'TableName':'T','Item':{'conversationId':{'S':'c\\'1'},'type':{'S':'voice'},"
         "'status':{'S':'active'},'timestamp':{'S':'t'},'externalContactId':{'S':'unknown'},"
         "'rawPayload':{'S':'{\\'a\\':1}'},'eventOrder':{'N':'16004'},"
         "'snapshotOrder':{'N':'16004'}}," FIRST_CONDITION
         "'ExpressionAttributeNames':{'#0':'conversationId','#6':'eventOrder'},"
         "'ExpressionAttributeValues':{':6':{'N':'16004'}}," ALL_OLD},
        {true, &plain, 16005, "UpdateItem",
         "{'TableName':'T','Key':{'conversationId':{'S':'c\\'1'}},"
         "'UpdateExpression':'SET #2=:2,#3=:3,#6=:6'," FIRST_CONDITION
         "'ExpressionAttributeNames':{'#0':'conversationId','#2':'status','#3':'timestamp',"
         "'#6':'eventOrder'},'ExpressionAttributeValues':{':2':{'S':'held'},':3':{'S':'u'},"
         "':6':{'N':'16005'}}," ALL_OLD},
        {true, &expiring, 160000005, "UpdateItem",
         "{'TableName':'T','Key':{'conversationId':{'S':'c\\'1'}},"
         "'UpdateExpression':'SET #2=:2,#3=:3,#6=:6,#8=:8'," FIRST_CONDITION
         "'ExpressionAttributeNames':{'#0':'conversationId','#2':'status','#3':'timestamp',"
         "'#6':'eventOrder','#8':'expiresAt'},'ExpressionAttributeValues':{':2':{'S':'held'},"
         "':3':{'S':'u'},':6':{'N':'160000005'},':8':{'N':'10090'}}," ALL_OLD},
        {true, &expiring, 5, "UpdateItem",
         "{'TableName':'T','Key':{'conversationId':{'S':'c\\'1'}},"
         "'UpdateExpression':'SET #2=:2,#3=:3,#6=:6 REMOVE #8'," FIRST_CONDITION
         "'ExpressionAttributeNames':{'#0':'conversationId','#2':'status','#3':'timestamp',"
         "'#6':'eventOrder','#8':'expiresAt'},'ExpressionAttributeValues':{':2':{'S':'held'},"
         "':3':{'S':'u'},':6':{'N':'5'}}," ALL_OLD},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_write write =
            cases[i].is_update ? updated(cases[i].order) : created(cases[i].order);
        struct gw_buffer body;
        const char *operation;

        gw_buffer_init(&body, 1 << 20);
        assert_int_equal(gw_dynamodb_first(cases[i].table, &write, &body, &operation), 0);
        assert_string_equal(operation, cases[i].operation);
        assert_body(&body, cases[i].body);
        gw_buffer_deinit(&body);
    }
}

#define SEEN_ITEM                                                                                  \
    "'conversationId':{'S':'c'},'status':{'S':'held'},'timestamp':{'S':'u'},'eventOrder':{'N':'"

static void test_a_merge_is_conditional_on_all_that_was_seen(void **state)
{
    static const struct {
        const char *item; /* NULL: none */
        bool is_update;
        int64_t order;
        const char *operation, *body; /* operation NULL: superseded */
    } cases[] = {
        /* an older put beneath a newer update: fills the snapshot, leaves the state */
        {"{'Item':{" SEEN_ITEM "16005'}}}", false, 16004, "UpdateItem",
         "{'TableName':'T','Key':{'conversationId':{'S':'c\\'1'}},"
         "'UpdateExpression':'SET #1=:1,#4=:4,#5=:5,#6=:6,#7=:7',"
         "'ConditionExpression':'#6=:s0 AND attribute_not_exists(#7) AND #2=:s2 AND #3=:s3 AND "
         "attribute_not_exists(#5)',"
         "'ExpressionAttributeNames':{'#1':'type','#2':'status','#3':'timestamp',"
         "'#4':'externalContactId','#5':'rawPayload','#6':'eventOrder','#7':'snapshotOrder'},"
         "'ExpressionAttributeValues':{':1':{'S':'voice'},':4':{'S':'unknown'},"
         "':5':{'S':'{\\'a\\':1}'},':6':{'N':'16005'},':7':{'N':'16004'},':s0':{'N':'16005'},"
         "':s2':{'S':'held'},':s3':{'S':'u'}}," ALL_OLD},
        /* as the function left it, newer put: replaced as a whole */
        {"{'Item':{'conversationId':{'S':'c'},'status':{'S':'ended'},'timestamp':{'S':'1'},"
         "'rawPayload':{'S':'x'}}}",
         false, 36, "PutItem",
         "{'TableName':'T','Item':{'conversationId':{'S':'c\\'1'},'type':{'S':'voice'},"
         "'status':{'S':'active'},'timestamp':{'S':'t'},'externalContactId':{'S':'unknown'},"
         "'rawPayload':{'S':'{\\'a\\':1}'},'eventOrder':{'N':'36'},'snapshotOrder':{'N':'36'}},"
         "'ConditionExpression':'attribute_not_exists(#6) AND attribute_not_exists(#7) AND "
         "#2=:s2 AND #3=:s3 AND #5=:s4',"
         "'ExpressionAttributeNames':{'#2':'status','#3':'timestamp','#5':'rawPayload',"
         "'#6':'eventOrder','#7':'snapshotOrder'},"
         "'ExpressionAttributeValues':{':s2':{'S':'ended'},':s3':{'S':'1'},':s4':{'S':'x'}}"
         "," ALL_OLD},
        /* not there any more */
        {NULL, true, 21, "UpdateItem",
         "{'TableName':'T','Key':{'conversationId':{'S':'c\\'1'}},"
         "'UpdateExpression':'SET #2=:2,#3=:3,#6=:6',"
         "'ConditionExpression':'attribute_not_exists(#6) AND attribute_not_exists(#7) AND "
         "attribute_not_exists(#2) AND attribute_not_exists(#3) AND attribute_not_exists(#5) AND "
         "attribute_not_exists(#0)',"
         "'ExpressionAttributeNames':{'#0':'conversationId','#2':'status','#3':'timestamp',"
         "'#5':'rawPayload','#6':'eventOrder','#7':'snapshotOrder'},"
         "'ExpressionAttributeValues':{':2':{'S':'held'},':3':{'S':'u'},':6':{'N':'21'}}," ALL_OLD},
        /* older than the state */
        {"{'Item':{" SEEN_ITEM "16005'}}}", true, 21, NULL, NULL},
        /* the same again */
        {"{'Item':{" SEEN_ITEM "16005'}}}", true, 16005, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_write write =
            cases[i].is_update ? updated(cases[i].order) : created(cases[i].order);
        char text[1024] = "";
        struct gw_dynamodb_item item;
        struct gw_buffer body;
        const char *operation;

        for (size_t c = 0; cases[i].item && cases[i].item[c]; c++)
            text[c] = (char)(cases[i].item[c] == '\'' ? '"' : cases[i].item[c]);
        if (cases[i].item)
            assert_int_equal(gw_dynamodb_item_read(gw_str(text), write.conversation_id, &item), 0);
        else
            gw_dynamodb_item_init(&item);
        item.record.conversation_id = write.conversation_id;
        struct gw_record record = item.record;
        unsigned applied = gw_record_apply(&record, &write);

        assert_int_equal(applied == GW_APPLIED_SUPERSEDED, cases[i].operation == NULL);
        if (cases[i].operation) {
            gw_buffer_init(&body, 1 << 20);
            assert_int_equal(gw_dynamodb_merge(&plain, &item, &record, applied, &body, &operation),
                             0);
            assert_string_equal(operation, cases[i].operation);
            assert_body(&body, cases[i].body);
            gw_buffer_deinit(&body);
        }
        gw_dynamodb_item_deinit(&item);
    }
}

static void test_a_read_is_strongly_consistent(void **state)
{
    struct gw_buffer body;
    const char *operation;

    (void)state;
    gw_buffer_init(&body, 1 << 20);
    assert_int_equal(gw_dynamodb_get(&plain, GW_STR("c\0d"), &body, &operation), 0);
    assert_string_equal(operation, "GetItem");
    json_t *root = parse(&body);

    assert_true(json_is_true(json_object_get(root, "ConsistentRead")));
    assert_int_equal(json_string_length(json_object_get(
                         json_object_get(json_object_get(root, "Key"), "conversationId"), "S")),
                     3);
    json_decref(root);
    gw_buffer_deinit(&body);
}

static void test_a_body_over_the_buffers_maximum_is_an_error(void **state)
{
    struct gw_write write = created(16004);
    struct gw_buffer body;
    const char *operation;

    (void)state;
    gw_buffer_init(&body, 100);
    assert_int_equal(gw_dynamodb_first(&plain, &write, &body, &operation), -ENOBUFS);
    gw_buffer_deinit(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_request_is_a_conditional_put_or_update),
        cmocka_unit_test(test_a_merge_is_conditional_on_all_that_was_seen),
        cmocka_unit_test(test_a_read_is_strongly_consistent),
        cmocka_unit_test(test_a_body_over_the_buffers_maximum_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
