/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/dynamodb_review.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct gw_dynamodb_wanted by_aws = {.ttl = true};
static const struct gw_dynamodb_wanted by_own_server = {.ttl = true, .is_own_server = true};
static const struct gw_dynamodb_wanted by_creator = {.ttl = true, .must_see = true};

/* What the look of @aspect brought is @said, the description's members. */
static void see(struct gw_dynamodb_state *state, enum gw_dynamodb_aspect aspect, const char *said)
{
    static const struct gw_aws_error no_error;
    enum gw_dynamodb_action look = gw_dynamodb_aspect_look(aspect);
    char answer[4096];
    int len =
        snprintf(answer, sizeof(answer), "{\"%s\":{%s}}", gw_dynamodb_look_member(look), said);

    gw_dynamodb_state_take(state, look, GW_AWS_FAULT_NONE, &no_error,
                           (struct gw_str){answer, (size_t)len});
    assert_int_equal(state->looks[look].sight, GW_DYNAMODB_SEEN);
}

static struct gw_aws_error error_of(const char *code)
{
    struct gw_aws_error error = {.status = 400, .text = "why"};

    (void)snprintf(error.code, sizeof(error.code), "%s", code);
    return error;
}

static bool begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

#define KEY(name, type) "{\"AttributeName\":\"" name "\",\"KeyType\":\"" type "\"}"
#define DEFINITION(name, type) "{\"AttributeName\":\"" name "\",\"AttributeType\":\"" type "\"}"
#define ON_DEMAND "\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"}"
#define UNITS(write, read)                                                                         \
    "\"ProvisionedThroughput\":{\"WriteCapacityUnits\":" write ",\"ReadCapacityUnits\":" read "}"
#define RECOVERY(status) "\"PointInTimeRecoveryDescription\":{\"PointInTimeRecoveryStatus\":" status

static const struct {
    enum gw_dynamodb_aspect aspect;
    const char *said;
    const char *fact;
    enum gw_dynamodb_verdict verdict;
    enum gw_dynamodb_action mend;
} cases[] = {
    {GW_DYNAMODB_STATUS, "\"TableStatus\":\"ACTIVE\"", "ACTIVE", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_STATUS, "\"TableStatus\":\"UPDATING\"", "UPDATING", GW_DYNAMODB_WARNING,
     GW_DYNAMODB_DESCRIBE_TABLE},
    {GW_DYNAMODB_STATUS, "\"TableStatus\":\"CREATING\"", "CREATING", GW_DYNAMODB_WRONG,
     GW_DYNAMODB_DESCRIBE_TABLE},
    {GW_DYNAMODB_STATUS, "\"TableStatus\":\"DELETING\"", "DELETING", GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_STATUS, "\"TableStatus\":\"INACCESSIBLE_ENCRYPTION_CREDENTIALS\"",
     "INACCESSIBLE_ENCRYPTION_CREDENTIALS", GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_STATUS, "\"TableStatus\":\"ARCHIVED\"", "ARCHIVED", GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_STATUS, "\"TableStatus\":1", "unknown", GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_STATUS, "", "unknown", GW_DYNAMODB_WRONG, 0},

    {GW_DYNAMODB_KEY,
     "\"KeySchema\":[" KEY("conversationId", "HASH") "],\"AttributeDefinitions\":[" DEFINITION(
         "other", "N") "," DEFINITION("conversationId", "S") "]",
     "conversationId (S, HASH)", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_KEY,
     "\"KeySchema\":[" KEY("conversationId", "HASH") "],\"AttributeDefinitions\":[" DEFINITION(
         "conversationId", "B") "]",
     "conversationId (B, HASH)", GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_KEY,
     "\"KeySchema\":[" KEY("id", "HASH") "],\"AttributeDefinitions\":[" DEFINITION("id", "S") "]",
     "id (S, HASH)", GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_KEY,
     "\"KeySchema\":[" KEY("conversationId", "HASH") "," KEY(
         "at", "RANGE") "],\"AttributeDefinitions\":[" DEFINITION("conversationId", "S") "]",
     "conversationId (S, HASH), at (, RANGE)", GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_KEY, "\"KeySchema\":[1,[],{},4]", " (, ),  (, ),  (, )", GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_KEY, "\"KeySchema\":{}", "unknown", GW_DYNAMODB_WRONG, 0},

    {GW_DYNAMODB_BILLING, ON_DEMAND, "on demand", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_BILLING, ON_DEMAND "," UNITS("0", "0"), "on demand", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_BILLING, UNITS("25", "5"), "provisioned, 25 write and 5 read units a second",
     GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_BILLING,
     "\"BillingModeSummary\":{\"BillingMode\":\"PROVISIONED\"}," UNITS("24", "500"),
     "provisioned, 24 write and 500 read units a second", GW_DYNAMODB_WARNING, 0},
    {GW_DYNAMODB_BILLING, UNITS("\"99\"", "1.5"),
     "provisioned, unknown write and unknown read units a second", GW_DYNAMODB_WARNING, 0},
    {GW_DYNAMODB_BILLING, "", "provisioned, unknown write and unknown read units a second",
     GW_DYNAMODB_WARNING, 0},

    {GW_DYNAMODB_PROTECTION, "\"DeletionProtectionEnabled\":true", "on", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_PROTECTION, "\"DeletionProtectionEnabled\":false", "off", GW_DYNAMODB_WARNING,
     GW_DYNAMODB_PROTECT},
    {GW_DYNAMODB_PROTECTION, "\"DeletionProtectionEnabled\":\"true\"", "off", GW_DYNAMODB_WARNING,
     GW_DYNAMODB_PROTECT},
    {GW_DYNAMODB_PROTECTION, "", "this server has no deletion protection", GW_DYNAMODB_WARNING,
     GW_DYNAMODB_PROTECT},

    {GW_DYNAMODB_TTL, "\"TimeToLiveStatus\":\"ENABLED\",\"AttributeName\":\"expiresAt\"",
     "on, by expiresAt", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_TTL, "\"TimeToLiveStatus\":\"ENABLING\",\"AttributeName\":\"expiresAt\"",
     "being turned on, by expiresAt", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_TTL, "\"TimeToLiveStatus\":\"ENABLED\",\"AttributeName\":\"ttl\"", "on, by ttl",
     GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_TTL, "\"TimeToLiveStatus\":\"ENABLED\"", "on, by ", GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_TTL, "\"TimeToLiveStatus\":\"DISABLING\",\"AttributeName\":\"expiresAt\"",
     "being turned off, by expiresAt", GW_DYNAMODB_WRONG, 0},
    {GW_DYNAMODB_TTL, "\"TimeToLiveStatus\":\"DISABLED\"", "off", GW_DYNAMODB_WRONG,
     GW_DYNAMODB_EXPIRE},
    {GW_DYNAMODB_TTL, "\"AttributeName\":\"expiresAt\"", "unknown", GW_DYNAMODB_WRONG, 0},

    {GW_DYNAMODB_BACKUPS, RECOVERY("\"ENABLED\"}"), "on", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_BACKUPS, RECOVERY("\"ENABLED\",\"EarliestRestorableDateTime\":1795435200.5}"),
     "on, back to 2026-11-23T12:00:00.500Z", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_BACKUPS, RECOVERY("\"ENABLED\",\"EarliestRestorableDateTime\":1e300}"),
     "on, back to unknown", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_BACKUPS, RECOVERY("\"ENABLED\",\"EarliestRestorableDateTime\":\"1\"}"),
     "on, back to unknown", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_BACKUPS, RECOVERY("\"DISABLED\"}"), "off", GW_DYNAMODB_WRONG, GW_DYNAMODB_BACK_UP},
    {GW_DYNAMODB_BACKUPS, "\"ContinuousBackupsStatus\":\"ENABLED\"", "off", GW_DYNAMODB_WRONG,
     GW_DYNAMODB_BACK_UP},

    {GW_DYNAMODB_ITEMS, "\"ItemCount\":12", "12 (counted every six hours)", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_ITEMS, "\"ItemCount\":\"12\"", "unknown (counted every six hours)",
     GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_SIZE, "\"TableSizeBytes\":9223372036854775807", "9223372036854775807 bytes",
     GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_CREATED, "\"CreationDateTime\":1795435200", "2026-11-23T12:00:00.000Z",
     GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_CREATED, "", "unknown", GW_DYNAMODB_FINE, 0},
    {GW_DYNAMODB_ARN, "\"TableArn\":\"arn:aws:x\"", "arn:aws:x", GW_DYNAMODB_FINE, 0},
};

/* A text is the fact, and what is not fine has advice behind it. */
static void test_what_is_seen_is_told_and_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_dynamodb_finding finding = {.verdict = GW_DYNAMODB_DONE};
        struct gw_dynamodb_state table = {0};
        size_t len = strlen(cases[i].fact);

        see(&table, cases[i].aspect, cases[i].said);
        gw_dynamodb_describe(&table, cases[i].aspect, &finding);
        assert_string_equal(finding.text, cases[i].fact);
        assert_int_equal(finding.verdict, GW_DYNAMODB_FINE);
        if (cases[i].aspect < GW_DYNAMODB_JUDGED) {
            assert_true(gw_dynamodb_judge(&table, cases[i].aspect, &by_aws, &finding));
            assert_true(begins(finding.text, cases[i].fact));
            assert_int_equal(finding.verdict, cases[i].verdict);
            assert_int_equal(finding.mend, cases[i].mend);
            assert_int_equal(begins(finding.text + len, ": "),
                             cases[i].verdict != GW_DYNAMODB_FINE);
        }
        gw_dynamodb_state_deinit(&table);
    }
}

static void test_time_to_live_is_judged_only_where_it_is_wanted(void **state)
{
    static const struct gw_dynamodb_wanted nothing;
    struct gw_dynamodb_state table = {0};
    struct gw_dynamodb_finding finding;

    (void)state;
    see(&table, GW_DYNAMODB_TTL, "\"TimeToLiveStatus\":\"DISABLED\"");
    assert_false(gw_dynamodb_judge(&table, GW_DYNAMODB_TTL, &nothing, &finding));
    gw_dynamodb_state_deinit(&table);
}

/* What AWS's own table cannot lack is no fault of another server's. */
static void test_another_server_may_lack_protection(void **state)
{
    struct gw_dynamodb_state table = {0};
    struct gw_dynamodb_finding finding;

    (void)state;
    see(&table, GW_DYNAMODB_PROTECTION, "\"TableStatus\":\"ACTIVE\"");
    assert_true(gw_dynamodb_judge(&table, GW_DYNAMODB_PROTECTION, &by_own_server, &finding));
    assert_string_equal(finding.text, "this server has no deletion protection");
    assert_int_equal(finding.verdict, GW_DYNAMODB_WARNING);
    assert_int_equal(finding.mend, GW_DYNAMODB_NO_ACTION);
    gw_dynamodb_state_deinit(&table);
}

static void test_what_is_not_seen_is_told_with_what_to_do(void **state)
{
    static const struct {
        enum gw_dynamodb_aspect aspect;
        const char *code;
        const struct gw_dynamodb_wanted *wanted;
        const char *text; /* NULL: nothing is said */
        enum gw_dynamodb_verdict verdict;
        enum gw_dynamodb_action mend;
    } unseen[] = {
        {GW_DYNAMODB_STATUS, "ResourceNotFoundException", &by_aws, "not there", GW_DYNAMODB_WRONG,
         GW_DYNAMODB_CREATE},
        {GW_DYNAMODB_KEY, "ResourceNotFoundException", &by_aws, NULL, 0, 0},
        {GW_DYNAMODB_TTL, "ResourceNotFoundException", &by_aws, "not there", GW_DYNAMODB_WRONG,
         GW_DYNAMODB_DESCRIBE_TTL},
        {GW_DYNAMODB_BACKUPS, "TableNotFoundException", &by_aws, "not there", GW_DYNAMODB_WRONG,
         GW_DYNAMODB_DESCRIBE_BACKUPS},
        {GW_DYNAMODB_STATUS, "AccessDeniedException", &by_aws,
         "cannot be seen with these credentials (needs dynamodb:DescribeTable)",
         GW_DYNAMODB_WARNING, 0},
        {GW_DYNAMODB_PROTECTION, "AccessDeniedException", &by_aws, NULL, 0, 0},
        {GW_DYNAMODB_BILLING, "AccessDeniedException", &by_creator, NULL, 0, 0},
        {GW_DYNAMODB_STATUS, "AccessDeniedException", &by_creator,
         "cannot be seen with these credentials (needs dynamodb:DescribeTable)", GW_DYNAMODB_WRONG,
         0},
        {GW_DYNAMODB_BACKUPS, "AccessDeniedException", &by_aws,
         "cannot be seen with these credentials (needs dynamodb:DescribeContinuousBackups)",
         GW_DYNAMODB_WARNING, 0},
        {GW_DYNAMODB_TTL, "AccessDeniedException", &by_creator,
         "cannot be seen with these credentials (needs dynamodb:DescribeTimeToLive)",
         GW_DYNAMODB_WRONG, 0},
        {GW_DYNAMODB_BACKUPS, "UnknownOperationException", &by_aws,
         "this server has no point-in-time recovery", GW_DYNAMODB_WRONG, 0},
        {GW_DYNAMODB_BACKUPS, "UnknownOperationException", &by_own_server,
         "this server has no point-in-time recovery", GW_DYNAMODB_WARNING, 0},
        {GW_DYNAMODB_BACKUPS, "InternalServerError", &by_own_server, "InternalServerError: why",
         GW_DYNAMODB_WRONG, 0},
        {GW_DYNAMODB_STATUS, "", &by_aws, "why", GW_DYNAMODB_WRONG, 0},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(unseen); i++) {
        struct gw_dynamodb_finding finding = {.mend = GW_DYNAMODB_NO_ACTION};
        struct gw_dynamodb_state table = {0};
        struct gw_aws_error error = error_of(unseen[i].code);

        gw_dynamodb_state_take(&table, gw_dynamodb_aspect_look(unseen[i].aspect),
                               GW_AWS_FAULT_REFUSED, &error, GW_STR(""));
        assert_int_equal(gw_dynamodb_judge(&table, unseen[i].aspect, unseen[i].wanted, &finding),
                         unseen[i].text != NULL);
        if (unseen[i].text) {
            assert_true(begins(finding.text, unseen[i].text));
            assert_int_equal(finding.verdict, unseen[i].verdict);
            assert_int_equal(finding.mend, unseen[i].mend);
        }
        gw_dynamodb_state_deinit(&table);
    }
}

static void test_a_try_tells_what_the_credentials_may_do(void **state)
{
    static const struct {
        enum gw_dynamodb_action action;
        enum gw_aws_fault fault;
        const char *code;
        enum gw_dynamodb_verdict verdict;
        const char *text;
    } tries[] = {
        {GW_DYNAMODB_TRY_PUT, GW_AWS_FAULT_REFUSED, "ConditionalCheckFailedException",
         GW_DYNAMODB_FINE, "allowed"},
        {GW_DYNAMODB_TRY_UPDATE, GW_AWS_FAULT_REFUSED, "ConditionalCheckFailedException",
         GW_DYNAMODB_FINE, "allowed"},
        {GW_DYNAMODB_TRY_GET, GW_AWS_FAULT_NONE, "", GW_DYNAMODB_FINE, "allowed"},
        {GW_DYNAMODB_TRY_GET, GW_AWS_FAULT_REFUSED, "ConditionalCheckFailedException",
         GW_DYNAMODB_WRONG, "ConditionalCheckFailedException: why"},
        {GW_DYNAMODB_TRY_PUT, GW_AWS_FAULT_NONE, "", GW_DYNAMODB_WRONG,
         "this server does not look at conditions"},
        {GW_DYNAMODB_TRY_PUT, GW_AWS_FAULT_REFUSED, "AccessDeniedException", GW_DYNAMODB_WRONG,
         "AccessDeniedException: why; needs dynamodb:PutItem"},
        {GW_DYNAMODB_TRY_UPDATE, GW_AWS_FAULT_REFUSED, "AccessDeniedException", GW_DYNAMODB_WRONG,
         "AccessDeniedException: why; needs dynamodb:UpdateItem"},
        {GW_DYNAMODB_TRY_GET, GW_AWS_FAULT_REFUSED, "AccessDeniedException", GW_DYNAMODB_WRONG,
         "AccessDeniedException: why; needs dynamodb:GetItem"},
        {GW_DYNAMODB_TRY_GET, GW_AWS_FAULT_REFUSED, "ResourceNotFoundException", GW_DYNAMODB_WRONG,
         "ResourceNotFoundException: why; the table is not there"},
        {GW_DYNAMODB_TRY_GET, GW_AWS_FAULT_TRANSIENT, "", GW_DYNAMODB_WRONG, "why"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(tries); i++) {
        struct gw_aws_error error = error_of(tries[i].code);
        struct gw_dynamodb_finding finding;

        gw_dynamodb_judge_try(tries[i].action, tries[i].fault, &error, &finding);
        assert_int_equal(finding.verdict, tries[i].verdict);
        assert_true(begins(finding.text, tries[i].text));
    }
}

static void test_an_error_is_told_by_what_there_is_of_it(void **state)
{
    static const struct {
        struct gw_aws_error error;
        const char *text;
    } errors[] = {
        {{.status = 502}, "answered 502"},
        {{.text = "Connection refused"}, "Connection refused"},
        {{.status = 400, .code = "ValidationException"}, "ValidationException"},
        {{.code = "ValidationException", .text = "no"}, "ValidationException: no"},
        {{.code = "AccessDeniedException"}, "AccessDeniedException; needs dynamodb:CreateTable"},
        {{.code = "UnrecognizedClientException"},
         "UnrecognizedClientException; the access key is not known in this region's partition"},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(errors); i++) {
        gw_dynamodb_say_error(GW_DYNAMODB_CREATE, &errors[i].error, text, sizeof(text));
        assert_string_equal(text, errors[i].text);
    }
}

/* Names of 255 bytes and more, in a text that is bounded. */
static void test_a_long_answer_is_cut(void **state)
{
    struct gw_dynamodb_state table = {0};
    struct gw_dynamodb_finding finding;
    char said[2048], name[900];

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(said, sizeof(said), "\"KeySchema\":[{\"AttributeName\":\"%s\"}]", name);
    see(&table, GW_DYNAMODB_KEY, said);
    assert_true(gw_dynamodb_judge(&table, GW_DYNAMODB_KEY, &by_aws, &finding));
    assert_int_equal(strlen(finding.text), sizeof(finding.text) - 1);
    assert_int_equal(finding.verdict, GW_DYNAMODB_WRONG);
    gw_dynamodb_state_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_seen_is_told_and_judged),
        cmocka_unit_test(test_time_to_live_is_judged_only_where_it_is_wanted),
        cmocka_unit_test(test_another_server_may_lack_protection),
        cmocka_unit_test(test_what_is_not_seen_is_told_with_what_to_do),
        cmocka_unit_test(test_a_try_tells_what_the_credentials_may_do),
        cmocka_unit_test(test_an_error_is_told_by_what_there_is_of_it),
        cmocka_unit_test(test_a_long_answer_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
