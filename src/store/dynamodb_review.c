/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An aspect is a row: which look tells of it, how to put it into words, how to judge it. Answers
 * are taken as they come: what is missing or of another type reads as unknown, and what is unknown
 * is never called fine.
 */
#include "gw/dynamodb_review.h"

#include "gw/dynamodb_access.h"
#include "gw/time.h"

#include <stdarg.h>
#include <stdio.h>

#define RIGHT_KEY "conversationId (S, HASH)"
#define KEY_ELEMENTS_SHOWN 3  /* there can be two */
#define LITTLE_WRITE_UNITS 25 /* an event takes a few: ten events a second, say */

/* --- facts --- */

static void GW_PRINTF(2, 3) add(struct gw_dynamodb_finding *finding, const char *format, ...)
{
    size_t used = strlen(finding->text);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(finding->text + used, sizeof(finding->text) - used, format, arguments);
    va_end(arguments);
}

/* Empty where it is no string. */
static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static bool is(const json_t *object, const char *name, const char *value)
{
    return strcmp(text_of(object, name), value) == 0;
}

static void say_text(const json_t *table, const char *name, struct gw_dynamodb_finding *finding)
{
    const char *text = text_of(table, name);

    add(finding, "%s", *text ? text : "unknown");
}

static void say_number(const json_t *table, const char *name, const char *unit,
                       struct gw_dynamodb_finding *finding)
{
    const json_t *number = json_object_get(table, name);

    if (json_is_integer(number))
        add(finding, "%lld%s", (long long)json_integer_value(number), unit);
    else
        add(finding, "unknown%s", unit);
}

/* Seconds since 1970, with a fraction. */
static void say_time(const json_t *time, struct gw_dynamodb_finding *finding)
{
    double ms = json_number_value(time) * 1000;
    char text[GW_TIME_TEXT_SIZE] = "unknown";

    if (json_is_number(time) && ms >= (double)GW_TIME_MIN_MS && ms <= (double)GW_TIME_MAX_MS)
        gw_time_format((int64_t)ms, text);
    add(finding, "%s", text);
}

static void say_status(const json_t *table, struct gw_dynamodb_finding *finding)
{
    say_text(table, "TableStatus", finding);
}

static const char *type_of(const json_t *table, const char *attribute)
{
    const json_t *definition;
    size_t i;

    json_array_foreach(json_object_get(table, "AttributeDefinitions"), i,
                       definition) if (is(definition, "AttributeName",
                                          attribute)) return text_of(definition, "AttributeType");
    return "";
}

/* "conversationId (S, HASH)"; with a sort key "..., at (N, RANGE)". */
static void say_key(const json_t *table, struct gw_dynamodb_finding *finding)
{
    const json_t *element;
    size_t i;

    json_array_foreach(json_object_get(table, "KeySchema"), i, element)
    {
        const char *name = text_of(element, "AttributeName");

        if (i == KEY_ELEMENTS_SHOWN)
            break;
        add(finding, "%s%s (%s, %s)", i ? ", " : "", name, type_of(table, name),
            text_of(element, "KeyType"));
    }
    if (!*finding->text)
        add(finding, "unknown");
}

static bool is_on_demand(const json_t *table)
{
    return is(json_object_get(table, "BillingModeSummary"), "BillingMode", "PAY_PER_REQUEST");
}

/* A table that has never been on demand has no BillingModeSummary. */
static void say_billing(const json_t *table, struct gw_dynamodb_finding *finding)
{
    const json_t *units = json_object_get(table, "ProvisionedThroughput");

    add(finding, "%s", is_on_demand(table) ? "on demand" : "provisioned, ");
    if (is_on_demand(table))
        return;
    say_number(units, "WriteCapacityUnits", " write and ", finding);
    say_number(units, "ReadCapacityUnits", " read units a second", finding);
}

static void say_protection(const json_t *table, struct gw_dynamodb_finding *finding)
{
    const json_t *enabled = json_object_get(table, "DeletionProtectionEnabled");

    add(finding, "%s",
        json_is_true(enabled) ? "on"
        : enabled             ? "off"
                              : "this server has no deletion protection");
}

static void say_ttl(const json_t *ttl, struct gw_dynamodb_finding *finding)
{
    static const struct {
        const char *status, *text;
        bool has_attribute;
    } table[] = {
        {"ENABLED", "on, by ", true},
        {"ENABLING", "being turned on, by ", true},
        {"DISABLING", "being turned off, by ", true},
        {"DISABLED", "off", false},
    };

    for (size_t i = 0; i < GW_COUNT(table); i++)
        if (is(ttl, "TimeToLiveStatus", table[i].status))
            add(finding, "%s%s", table[i].text,
                table[i].has_attribute ? text_of(ttl, "AttributeName") : "");
    if (!*finding->text)
        add(finding, "unknown");
}

static const json_t *recovery_of(const json_t *backups)
{
    return json_object_get(backups, "PointInTimeRecoveryDescription");
}

static void say_backups(const json_t *backups, struct gw_dynamodb_finding *finding)
{
    const json_t *recovery = recovery_of(backups);
    const json_t *earliest = json_object_get(recovery, "EarliestRestorableDateTime");

    if (!is(recovery, "PointInTimeRecoveryStatus", "ENABLED")) {
        add(finding, "off");
    } else if (!earliest) {
        add(finding, "on");
    } else {
        add(finding, "on, back to ");
        say_time(earliest, finding);
    }
}

static void say_items(const json_t *table, struct gw_dynamodb_finding *finding)
{
    say_number(table, "ItemCount", " (counted every six hours)", finding);
}

static void say_size(const json_t *table, struct gw_dynamodb_finding *finding)
{
    say_number(table, "TableSizeBytes", " bytes", finding);
}

static void say_created(const json_t *table, struct gw_dynamodb_finding *finding)
{
    say_time(json_object_get(table, "CreationDateTime"), finding);
}

static void say_arn(const json_t *table, struct gw_dynamodb_finding *finding)
{
    say_text(table, "TableArn", finding);
}

/* --- verdicts --- */

static void rule(struct gw_dynamodb_finding *finding, enum gw_dynamodb_verdict verdict,
                 const char *advice)
{
    finding->verdict = verdict;
    add(finding, ": %s", advice);
}

static void rule_mendable(struct gw_dynamodb_finding *finding, enum gw_dynamodb_verdict verdict,
                          enum gw_dynamodb_action mend, const char *what)
{
    rule(finding, verdict, what);
    add(finding, "; `genesys-webhook table create` turns it on");
    finding->mend = mend;
}

static void judge_status(const json_t *table, const struct gw_dynamodb_wanted *wanted,
                         struct gw_dynamodb_finding *finding)
{
    static const struct {
        const char *status;
        enum gw_dynamodb_verdict verdict;
        enum gw_dynamodb_action mend;
        const char *advice;
    } statuses[] = {
        {"UPDATING", GW_DYNAMODB_WARNING, GW_DYNAMODB_DESCRIBE_TABLE,
         "it is being changed, and takes writes meanwhile"},
        {"CREATING", GW_DYNAMODB_WRONG, GW_DYNAMODB_DESCRIBE_TABLE,
         "it takes no writes yet; `genesys-webhook table create` waits until it does"},
        {"DELETING", GW_DYNAMODB_WRONG, GW_DYNAMODB_NO_ACTION,
         "somebody is deleting it; create it when it is gone"},
        {"INACCESSIBLE_ENCRYPTION_CREDENTIALS", GW_DYNAMODB_WRONG, GW_DYNAMODB_NO_ACTION,
         "DynamoDB may not use the table's KMS key: give it back its grants"},
        {"", GW_DYNAMODB_WRONG, GW_DYNAMODB_NO_ACTION, "it takes no writes"}, /* any other */
    };
    size_t i = 0;

    (void)wanted;
    if (is(table, "TableStatus", "ACTIVE"))
        return;
    while (*statuses[i].status && !is(table, "TableStatus", statuses[i].status))
        i++;
    rule(finding, statuses[i].verdict, statuses[i].advice);
    finding->mend = statuses[i].mend;
}

static void judge_key(const json_t *table, const struct gw_dynamodb_wanted *wanted,
                      struct gw_dynamodb_finding *finding)
{
    (void)table;
    (void)wanted;
    if (strcmp(finding->text, RIGHT_KEY) != 0)
        rule(finding, GW_DYNAMODB_WRONG,
             "must be " RIGHT_KEY
             ", and a table's key cannot be changed: name another table in [dynamodb] table, "
             "or move this one's items away and delete it");
}

static void judge_billing(const json_t *table, const struct gw_dynamodb_wanted *wanted,
                          struct gw_dynamodb_finding *finding)
{
    const json_t *units = json_object_get(table, "ProvisionedThroughput");

    (void)wanted;
    if (!is_on_demand(table) &&
        json_integer_value(json_object_get(units, "WriteCapacityUnits")) < LITTLE_WRITE_UNITS)
        rule(finding, GW_DYNAMODB_WARNING,
             "an event takes a write unit for each KB; on demand does not throttle so soon");
}

/* @return false where the server is AWS's: there, a lack means that something is wrong. */
static bool excuse(const struct gw_dynamodb_wanted *wanted, struct gw_dynamodb_finding *finding)
{
    finding->verdict = wanted->is_own_server ? GW_DYNAMODB_WARNING : GW_DYNAMODB_WRONG;
    return wanted->is_own_server;
}

static void judge_protection(const json_t *table, const struct gw_dynamodb_wanted *wanted,
                             struct gw_dynamodb_finding *finding)
{
    const json_t *enabled = json_object_get(table, "DeletionProtectionEnabled");

    if (!enabled && excuse(wanted, finding))
        return;
    if (!json_is_true(enabled))
        rule_mendable(finding, GW_DYNAMODB_WARNING, GW_DYNAMODB_PROTECT,
                      "one DeleteTable, and the table is gone");
}

static void judge_ttl(const json_t *ttl, const struct gw_dynamodb_wanted *wanted,
                      struct gw_dynamodb_finding *finding)
{
    bool is_on = is(ttl, "TimeToLiveStatus", "ENABLED") || is(ttl, "TimeToLiveStatus", "ENABLING");

    (void)wanted;
    if (is(ttl, "TimeToLiveStatus", "DISABLED"))
        rule_mendable(finding, GW_DYNAMODB_WRONG, GW_DYNAMODB_EXPIRE,
                      "[dynamodb] ttl is configured, but nothing will expire");
    else if (!is_on)
        rule(finding, GW_DYNAMODB_WRONG,
             "it can be turned on again when that is done, in an hour or so");
    else if (!is(ttl, "AttributeName", GW_DYNAMODB_EXPIRY))
        rule(finding, GW_DYNAMODB_WRONG,
             "must be by " GW_DYNAMODB_EXPIRY ": turn it off with UpdateTimeToLive, and an hour "
             "later `genesys-webhook table create` turns it on again");
}

static void judge_backups(const json_t *backups, const struct gw_dynamodb_wanted *wanted,
                          struct gw_dynamodb_finding *finding)
{
    (void)wanted;
    if (!is(recovery_of(backups), "PointInTimeRecoveryStatus", "ENABLED"))
        rule_mendable(finding, GW_DYNAMODB_WRONG, GW_DYNAMODB_BACK_UP,
                      "what is deleted or overwritten by mistake is lost");
}

static const struct aspect {
    const char *name;
    enum gw_dynamodb_action look;
    void (*say)(const json_t *said, struct gw_dynamodb_finding *finding);
    void (*judge)(const json_t *said, const struct gw_dynamodb_wanted *wanted,
                  struct gw_dynamodb_finding *finding); /* after say; leaves FINE what is */
} aspects[GW_DYNAMODB_ASPECT_COUNT] = {
    [GW_DYNAMODB_STATUS] = {"table", GW_DYNAMODB_DESCRIBE_TABLE, say_status, judge_status},
    [GW_DYNAMODB_KEY] = {"key", GW_DYNAMODB_DESCRIBE_TABLE, say_key, judge_key},
    [GW_DYNAMODB_BILLING] = {"billing", GW_DYNAMODB_DESCRIBE_TABLE, say_billing, judge_billing},
    [GW_DYNAMODB_PROTECTION] = {"deletion protection", GW_DYNAMODB_DESCRIBE_TABLE, say_protection,
                                judge_protection},
    [GW_DYNAMODB_TTL] = {"time to live", GW_DYNAMODB_DESCRIBE_TTL, say_ttl, judge_ttl},
    [GW_DYNAMODB_BACKUPS] = {"point-in-time recovery", GW_DYNAMODB_DESCRIBE_BACKUPS, say_backups,
                             judge_backups},
    [GW_DYNAMODB_ITEMS] = {"items", GW_DYNAMODB_DESCRIBE_TABLE, say_items, NULL},
    [GW_DYNAMODB_SIZE] = {"size", GW_DYNAMODB_DESCRIBE_TABLE, say_size, NULL},
    [GW_DYNAMODB_CREATED] = {"created", GW_DYNAMODB_DESCRIBE_TABLE, say_created, NULL},
    [GW_DYNAMODB_ARN] = {"ARN", GW_DYNAMODB_DESCRIBE_TABLE, say_arn, NULL},
};

const char *gw_dynamodb_aspect_name(enum gw_dynamodb_aspect aspect)
{
    return aspects[aspect].name;
}

enum gw_dynamodb_action gw_dynamodb_aspect_look(enum gw_dynamodb_aspect aspect)
{
    return aspects[aspect].look;
}

/* What a role lacks is told by the action, as only the daemon's needs have an advice of their own.
 */
void gw_dynamodb_say_error(enum gw_dynamodb_action action, const struct gw_aws_error *error,
                           char *text, size_t size)
{
    bool is_denied = strcmp(error->code, "AccessDeniedException") == 0;
    const char *advice = is_denied ? "needs dynamodb:" : gw_dynamodb_advice(error);

    if (!*error->code && !*error->text)
        (void)snprintf(text, size, "answered %d", error->status);
    else
        (void)snprintf(text, size, "%s%s%s%s%s%s", error->code,
                       *error->code && *error->text ? ": " : "", error->text, advice ? "; " : "",
                       advice ? advice : "", is_denied ? gw_dynamodb_action_name(action) : "");
}

/* What is not SEEN, in words and with its verdict. */
static void judge_sight(const struct gw_dynamodb_look *look, const struct aspect *aspect,
                        const struct gw_dynamodb_wanted *wanted,
                        struct gw_dynamodb_finding *finding)
{
    finding->verdict = GW_DYNAMODB_WRONG;
    switch (look->sight) {
    case GW_DYNAMODB_MISSING:
        add(finding, "not there; `genesys-webhook table create` makes it");
        finding->mend = aspect == &aspects[GW_DYNAMODB_STATUS] ? GW_DYNAMODB_CREATE : aspect->look;
        break;
    case GW_DYNAMODB_HIDDEN:
        add(finding, "cannot be seen with these credentials (needs dynamodb:%s)",
            gw_dynamodb_action_name(aspect->look));
        finding->verdict = wanted->must_see ? GW_DYNAMODB_WRONG : GW_DYNAMODB_WARNING;
        break;
    case GW_DYNAMODB_UNSUPPORTED:
        add(finding, "this server has no %s", aspect->name);
        excuse(wanted, finding);
        break;
    default:
        gw_dynamodb_say_error(aspect->look, &look->error, finding->text, sizeof(finding->text));
    }
}

void gw_dynamodb_describe(const struct gw_dynamodb_state *state, enum gw_dynamodb_aspect aspect,
                          struct gw_dynamodb_finding *finding)
{
    static const struct gw_dynamodb_wanted nothing = {.ttl = false};
    const struct gw_dynamodb_look *look = &state->looks[aspects[aspect].look];

    *finding = (struct gw_dynamodb_finding){.verdict = GW_DYNAMODB_FINE};
    if (look->sight == GW_DYNAMODB_SEEN)
        aspects[aspect].say(look->said, finding);
    else
        judge_sight(look, &aspects[aspect], &nothing, finding);
}

bool gw_dynamodb_judge(const struct gw_dynamodb_state *state, enum gw_dynamodb_aspect aspect,
                       const struct gw_dynamodb_wanted *wanted, struct gw_dynamodb_finding *finding)
{
    const struct gw_dynamodb_look *look = &state->looks[aspects[aspect].look];
    bool is_seen = look->sight == GW_DYNAMODB_SEEN;
    bool is_told =
        aspects[aspect].look == GW_DYNAMODB_DESCRIBE_TABLE && aspect != GW_DYNAMODB_STATUS;

    if ((aspect == GW_DYNAMODB_TTL && !wanted->ttl) || (!is_seen && is_told))
        return false;
    *finding = (struct gw_dynamodb_finding){.verdict = GW_DYNAMODB_FINE};
    if (is_seen) {
        aspects[aspect].say(look->said, finding);
        aspects[aspect].judge(look->said, wanted, finding);
    } else {
        judge_sight(look, &aspects[aspect], wanted, finding);
    }
    return true;
}

void gw_dynamodb_judge_try(enum gw_dynamodb_action action, enum gw_aws_fault fault,
                           const struct gw_aws_error *error, struct gw_dynamodb_finding *finding)
{
    bool is_write = action != GW_DYNAMODB_TRY_GET;

    *finding = (struct gw_dynamodb_finding){.verdict = GW_DYNAMODB_WRONG};
    if (is_write ? gw_dynamodb_error_is(fault, error, "ConditionalCheckFailedException")
                 : fault == GW_AWS_FAULT_NONE) {
        finding->verdict = GW_DYNAMODB_FINE;
        add(finding, "allowed");
    } else if (fault == GW_AWS_FAULT_NONE) {
        add(finding, "this server does not look at conditions: an item was written that is called "
                     "`genesys-webhook table check`");
    } else {
        gw_dynamodb_say_error(action, error, finding->text, sizeof(finding->text));
    }
}
