/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/dynamodb_table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEY_SCHEMA "[{\"AttributeName\":\"conversationId\",\"KeyType\":\"HASH\"}]"
#define DEFINITIONS "[{\"AttributeName\":\"conversationId\",\"AttributeType\":\"S\"}]"
#define TRIED "{\"conversationId\":{\"S\":\"genesys-webhook table check\"}}"
#define NEVER                                                                                      \
    "\"ConditionExpression\":\"attribute_exists(#k) AND attribute_not_exists(#k)\","               \
    "\"ExpressionAttributeNames\":{\"#k\":\"conversationId\"}"

static void test_each_action_has_its_name_and_body(void **state)
{
    static const struct {
        enum gw_dynamodb_action action;
        const char *name, *body;
    } cases[] = {
        {GW_DYNAMODB_DESCRIBE_TABLE, "DescribeTable", "{\"TableName\":\"t\\\"1\"}"},
        {GW_DYNAMODB_DESCRIBE_TTL, "DescribeTimeToLive", "{\"TableName\":\"t\\\"1\"}"},
        {GW_DYNAMODB_DESCRIBE_BACKUPS, "DescribeContinuousBackups", "{\"TableName\":\"t\\\"1\"}"},
        {GW_DYNAMODB_CREATE, "CreateTable",
         "{\"TableName\":\"t\\\"1\",\"BillingMode\":\"PAY_PER_REQUEST\","
         "\"DeletionProtectionEnabled\":true,\"AttributeDefinitions\":" DEFINITIONS
         ",\"KeySchema\":" KEY_SCHEMA "}"},
        {GW_DYNAMODB_PROTECT, "UpdateTable",
         "{\"TableName\":\"t\\\"1\",\"DeletionProtectionEnabled\":true}"},
        {GW_DYNAMODB_EXPIRE, "UpdateTimeToLive",
         "{\"TableName\":\"t\\\"1\",\"TimeToLiveSpecification\":{\"Enabled\":true,"
         "\"AttributeName\":\"expiresAt\"}}"},
        {GW_DYNAMODB_BACK_UP, "UpdateContinuousBackups",
         "{\"TableName\":\"t\\\"1\",\"PointInTimeRecoverySpecification\":{"
         "\"PointInTimeRecoveryEnabled\":true}}"},
        {GW_DYNAMODB_TRY_PUT, "PutItem", "{\"TableName\":\"t\\\"1\",\"Item\":" TRIED "," NEVER "}"},
        {GW_DYNAMODB_TRY_UPDATE, "UpdateItem",
         "{\"TableName\":\"t\\\"1\",\"Key\":" TRIED "," NEVER "}"},
        {GW_DYNAMODB_TRY_GET, "GetItem",
         "{\"TableName\":\"t\\\"1\",\"Key\":" TRIED ",\"ConsistentRead\":true}"},
    };

    (void)state;
    assert_int_equal(GW_COUNT(cases), GW_DYNAMODB_ACTION_COUNT - 1);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        json_t *expected = json_loads(cases[i].body, 0, NULL), *made;
        struct gw_buffer body;

        gw_buffer_init(&body, 4096);
        assert_int_equal(gw_dynamodb_action_body(cases[i].action, "t\"1", &body), 0);
        made = json_loadb(body.data, body.len, 0, NULL);
        assert_non_null(expected);
        assert_true(json_equal(made, expected));
        assert_string_equal(gw_dynamodb_action_name(cases[i].action), cases[i].name);
        json_decref(made);
        json_decref(expected);
        gw_buffer_deinit(&body);
    }
}

static void test_a_body_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    for (size_t max = 0; max < 40; max++) {
        struct gw_buffer body;

        gw_buffer_init(&body, max);
        assert_int_equal(gw_dynamodb_action_body(GW_DYNAMODB_PROTECT, "t", &body), -ENOBUFS);
        gw_buffer_deinit(&body);
    }
}

static void test_what_passes_is_asked_again(void **state)
{
    static const struct {
        enum gw_aws_fault fault;
        const char *code, *text;
        bool passes;
    } cases[] = {
        {GW_AWS_FAULT_NONE, "", "", false},
        {GW_AWS_FAULT_TRANSIENT, "", "connection refused", true},
        {GW_AWS_FAULT_AMBIGUOUS, "", "", true},
        {GW_AWS_FAULT_THROTTLED, "LimitExceededException", "", true},
        {GW_AWS_FAULT_REFUSED, "ResourceInUseException", "", true},
        {GW_AWS_FAULT_REFUSED, "ContinuousBackupsUnavailableException", "", true},
        {GW_AWS_FAULT_REFUSED, "ValidationException",
         "Backups are being enabled for the table: t. Please retry later", true},
        {GW_AWS_FAULT_REFUSED, "ValidationException", "TimeToLive is already enabled", false},
        {GW_AWS_FAULT_REFUSED, "AccessDeniedException", "retry later", false},
        {GW_AWS_FAULT_REFUSED, "ResourceNotFoundException", "", false},
        {GW_AWS_FAULT_EXPIRED, "ExpiredTokenException", "", false},
        {GW_AWS_FAULT_SKEWED, "InvalidSignatureException", "", false},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_aws_error error = {.status = 400};

        (void)snprintf(error.code, sizeof(error.code), "%s", cases[i].code);
        (void)snprintf(error.text, sizeof(error.text), "%s", cases[i].text);
        assert_int_equal(gw_dynamodb_passes(cases[i].fault, &error), cases[i].passes);
    }
}

static void test_a_look_keeps_its_own_member(void **state)
{
    static const struct gw_aws_error no_error;
    static const struct {
        enum gw_dynamodb_action look;
        struct gw_str answer;
        enum gw_dynamodb_sight sight;
    } cases[] = {
        {GW_DYNAMODB_DESCRIBE_TABLE, GW_STR("{\"Table\":{}}"), GW_DYNAMODB_SEEN},
        {GW_DYNAMODB_DESCRIBE_TTL, GW_STR("{\"TimeToLiveDescription\":{\"a\":1}}"),
         GW_DYNAMODB_SEEN},
        {GW_DYNAMODB_DESCRIBE_BACKUPS, GW_STR("{\"ContinuousBackupsDescription\":{}}"),
         GW_DYNAMODB_SEEN},
        {GW_DYNAMODB_DESCRIBE_TTL, GW_STR("{\"Table\":{}}"), GW_DYNAMODB_UNSEEN},
        {GW_DYNAMODB_DESCRIBE_TABLE, GW_STR("{\"Table\":[]}"), GW_DYNAMODB_UNSEEN},
        {GW_DYNAMODB_DESCRIBE_TABLE, GW_STR("{\"Table\":null}"), GW_DYNAMODB_UNSEEN},
        {GW_DYNAMODB_DESCRIBE_TABLE, GW_STR("[{\"Table\":{}}]"), GW_DYNAMODB_UNSEEN},
        {GW_DYNAMODB_DESCRIBE_TABLE, GW_STR("{\"Table\":{"), GW_DYNAMODB_UNSEEN},
        {GW_DYNAMODB_DESCRIBE_TABLE, GW_STR("<html>"), GW_DYNAMODB_UNSEEN},
        {GW_DYNAMODB_DESCRIBE_TABLE, {NULL, 0}, GW_DYNAMODB_UNSEEN},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_dynamodb_state table = {0};
        const struct gw_dynamodb_look *look = &table.looks[cases[i].look];

        gw_dynamodb_state_take(&table, cases[i].look, GW_AWS_FAULT_NONE, &no_error,
                               cases[i].answer);
        assert_int_equal(look->sight, cases[i].sight);
        assert_int_equal(look->said != NULL, cases[i].sight == GW_DYNAMODB_SEEN);
        assert_int_equal(*look->error.text != '\0', cases[i].sight == GW_DYNAMODB_UNSEEN);
        gw_dynamodb_state_deinit(&table);
    }
}

static void test_an_error_tells_why_nothing_is_seen(void **state)
{
    static const struct {
        enum gw_aws_fault fault;
        const char *code;
        enum gw_dynamodb_sight sight;
    } cases[] = {
        {GW_AWS_FAULT_REFUSED, "ResourceNotFoundException", GW_DYNAMODB_MISSING},
        {GW_AWS_FAULT_REFUSED, "TableNotFoundException", GW_DYNAMODB_MISSING},
        {GW_AWS_FAULT_REFUSED, "AccessDeniedException", GW_DYNAMODB_HIDDEN},
        {GW_AWS_FAULT_REFUSED, "UnknownOperationException", GW_DYNAMODB_UNSUPPORTED},
        {GW_AWS_FAULT_REFUSED, "ValidationException", GW_DYNAMODB_UNSEEN},
        {GW_AWS_FAULT_TRANSIENT, "", GW_DYNAMODB_UNSEEN},
    };
    static const struct gw_aws_error no_error;
    struct gw_str seen = GW_STR("{\"Table\":{}}");

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_dynamodb_state table = {0};
        const struct gw_dynamodb_look *look = &table.looks[GW_DYNAMODB_DESCRIBE_TABLE];
        struct gw_aws_error error = {.status = 400, .text = "why"};

        (void)snprintf(error.code, sizeof(error.code), "%s", cases[i].code);
        gw_dynamodb_state_take(&table, GW_DYNAMODB_DESCRIBE_TABLE, GW_AWS_FAULT_NONE, &no_error,
                               seen);
        gw_dynamodb_state_take(&table, GW_DYNAMODB_DESCRIBE_TABLE, cases[i].fault, &error, seen);
        assert_int_equal(look->sight, cases[i].sight);
        assert_null(look->said);
        assert_string_equal(look->error.text, "why");
        gw_dynamodb_state_deinit(&table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_action_has_its_name_and_body),
        cmocka_unit_test(test_a_body_that_does_not_fit_is_an_error),
        cmocka_unit_test(test_what_passes_is_asked_again),
        cmocka_unit_test(test_a_look_keeps_its_own_member),
        cmocka_unit_test(test_an_error_tells_why_nothing_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
