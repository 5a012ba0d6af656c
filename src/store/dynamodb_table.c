/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says beside the table's name is constant, so an action is a row of a table. */
#include "gw/dynamodb_table.h"

#include <stdio.h>

/* --- requests --- */

#define TRIED "{\"conversationId\":{\"S\":\"genesys-webhook table check\"}}"
/* Of two that exclude each other: it fails whatever there is, and only who may write gets so far.
 */
#define NEVER                                                                                      \
    "\"ConditionExpression\":\"attribute_exists(#k) AND attribute_not_exists(#k)\","               \
    "\"ExpressionAttributeNames\":{\"#k\":\"conversationId\"}"

static const struct action {
    const char *name;
    const char *parameters; /* beside TableName; NULL: none */
    const char *member;     /* of the answer to a look */
} actions[GW_DYNAMODB_ACTION_COUNT] = {
    [GW_DYNAMODB_DESCRIBE_TABLE] = {"DescribeTable", NULL, "Table"},
    [GW_DYNAMODB_DESCRIBE_TTL] = {"DescribeTimeToLive", NULL, "TimeToLiveDescription"},
    [GW_DYNAMODB_DESCRIBE_BACKUPS] = {"DescribeContinuousBackups", NULL,
                                      "ContinuousBackupsDescription"},
    [GW_DYNAMODB_CREATE] =
        {"CreateTable",
         "\"BillingMode\":\"PAY_PER_REQUEST\",\"DeletionProtectionEnabled\":true,"
         "\"AttributeDefinitions\":[{\"AttributeName\":\"conversationId\",\"AttributeType\":\"S\"}]"
         ","
         "\"KeySchema\":[{\"AttributeName\":\"conversationId\",\"KeyType\":\"HASH\"}]",
         NULL},
    [GW_DYNAMODB_PROTECT] = {"UpdateTable", "\"DeletionProtectionEnabled\":true", NULL},
    [GW_DYNAMODB_EXPIRE] =
        {"UpdateTimeToLive",
         "\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"" GW_DYNAMODB_EXPIRY
         "\"}",
         NULL},
    [GW_DYNAMODB_BACK_UP] =
        {"UpdateContinuousBackups",
         "\"PointInTimeRecoverySpecification\":{\"PointInTimeRecoveryEnabled\":true}", NULL},
    [GW_DYNAMODB_TRY_PUT] = {"PutItem", "\"Item\":" TRIED "," NEVER, NULL},
    [GW_DYNAMODB_TRY_UPDATE] = {"UpdateItem", "\"Key\":" TRIED "," NEVER, NULL},
    [GW_DYNAMODB_TRY_GET] = {"GetItem", "\"Key\":" TRIED ",\"ConsistentRead\":true", NULL},
};

const char *gw_dynamodb_action_name(enum gw_dynamodb_action action)
{
    return actions[action].name;
}

const char *gw_dynamodb_look_member(enum gw_dynamodb_action look)
{
    return actions[look].member;
}

int gw_dynamodb_action_body(enum gw_dynamodb_action action, const char *table,
                            struct gw_buffer *body)
{
    const char *parameters = actions[action].parameters;
    int r = gw_buffer_append(body, GW_STR("{\"TableName\":"));

    if (r == 0)
        r = gw_buffer_append_json(body, gw_str(table));
    return r ? r
             : gw_buffer_appendf(body, "%s%s}", parameters ? "," : "",
                                 parameters ? parameters : "");
}

bool gw_dynamodb_error_is(enum gw_aws_fault fault, const struct gw_aws_error *error,
                          const char *code)
{
    return fault != GW_AWS_FAULT_NONE && strcmp(error->code, code) == 0;
}

bool gw_dynamodb_passes(enum gw_aws_fault fault, const struct gw_aws_error *error)
{
    /* While recovery is being turned on, time to live is refused by a code that means anything. */
    bool is_later = gw_dynamodb_error_is(fault, error, "ValidationException") &&
                    strstr(error->text, "retry later");

    return fault == GW_AWS_FAULT_TRANSIENT || fault == GW_AWS_FAULT_AMBIGUOUS ||
           fault == GW_AWS_FAULT_THROTTLED || is_later ||
           gw_dynamodb_error_is(fault, error, "ResourceInUseException") ||
           gw_dynamodb_error_is(fault, error, "ContinuousBackupsUnavailableException");
}

/* --- looks --- */

static const struct {
    const char *code;
    enum gw_dynamodb_sight sight;
} sights[] = {
    {"ResourceNotFoundException", GW_DYNAMODB_MISSING},
    {"TableNotFoundException", GW_DYNAMODB_MISSING},
    {"AccessDeniedException", GW_DYNAMODB_HIDDEN},
    {"UnknownOperationException", GW_DYNAMODB_UNSUPPORTED},
};

static void keep_description(struct gw_dynamodb_look *look, struct gw_str answer,
                             const char *member)
{
    json_t *root = json_loadb(answer.data ? answer.data : "", answer.len, 0, NULL);
    json_t *said = json_object_get(root, member);

    if (json_is_object(said)) {
        look->said = json_incref(said);
        look->sight = GW_DYNAMODB_SEEN;
    } else {
        (void)snprintf(look->error.text, sizeof(look->error.text), "the answer has no %s", member);
    }
    json_decref(root);
}

void gw_dynamodb_state_take(struct gw_dynamodb_state *state, enum gw_dynamodb_action look,
                            enum gw_aws_fault fault, const struct gw_aws_error *error,
                            struct gw_str answer)
{
    struct gw_dynamodb_look *taken = &state->looks[look];

    json_decref(taken->said);
    *taken = (struct gw_dynamodb_look){.error = *error};
    if (fault == GW_AWS_FAULT_NONE)
        keep_description(taken, answer, actions[look].member);
    for (size_t i = 0; i < GW_COUNT(sights); i++)
        if (gw_dynamodb_error_is(fault, error, sights[i].code))
            taken->sight = sights[i].sight;
}

void gw_dynamodb_state_deinit(struct gw_dynamodb_state *state)
{
    for (size_t i = 0; i < GW_DYNAMODB_LOOKS; i++)
        json_decref(state->looks[i].said);
    *state = (struct gw_dynamodb_state){0};
}
