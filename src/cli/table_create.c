/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table create: looks, and changes only what is not as it should be, so that it may be run again at
 * any time, and by two at once. Where a change was refused a look decides, as somebody else may
 * have made it just before.
 */
#include "dynamodb_session.h"

#include <stdio.h>

static bool is_look(enum gw_dynamodb_action action)
{
    return action != GW_DYNAMODB_NO_ACTION && action < GW_DYNAMODB_LOOKS;
}

static void take_error(const struct gw_dynamodb_session *session, enum gw_dynamodb_action action,
                       struct gw_dynamodb_finding *finding)
{
    *finding = (struct gw_dynamodb_finding){.verdict = GW_DYNAMODB_WRONG};
    gw_dynamodb_say_error(action, &session->call.error, finding->text, sizeof(finding->text));
}

/* With the fact alone, without what `check` would advise. */
static bool wait_for_change(struct gw_dynamodb_session *session, enum gw_dynamodb_aspect aspect)
{
    struct gw_dynamodb_finding finding;
    char waiting_for[512];

    gw_dynamodb_describe(&session->state, aspect, &finding);
    (void)snprintf(waiting_for, sizeof(waiting_for), "%s %s: %.200s",
                   gw_dynamodb_aspect_name(aspect), session->config->dynamodb_table, finding.text);
    return gw_dynamodb_session_pause(session, waiting_for);
}

/* Looks until time alone will change nothing, or is over. */
static void watch(struct gw_dynamodb_session *session, enum gw_dynamodb_aspect aspect,
                  struct gw_dynamodb_finding *finding)
{
    enum gw_dynamodb_action look = gw_dynamodb_aspect_look(aspect);

    do {
        gw_dynamodb_session_persist(session, look);
        gw_dynamodb_session_keep(session, look);
        if (!gw_dynamodb_judge(&session->state, aspect, &session->wanted, finding))
            take_error(session, look, finding);
        if (!is_look(finding->mend))
            return;
    } while (wait_for_change(session, aspect));
    gw_dynamodb_describe(&session->state, aspect, finding);
    finding->verdict = GW_DYNAMODB_WRONG;
    (void)strncat(finding->text, "; no time is left: run it again, or give more by --timeout",
                  sizeof(finding->text) - strlen(finding->text) - 1);
}

/* @return whether it is there now, ours or somebody else's who was quicker. */
static bool create_table(struct gw_dynamodb_session *session, bool *is_ours)
{
    const struct gw_aws_call *call = &session->call;
    bool is_there;

    do {
        gw_dynamodb_session_call(session, GW_DYNAMODB_CREATE);
        *is_ours = call->fault == GW_AWS_FAULT_NONE;
        is_there =
            *is_ours || gw_dynamodb_error_is(call->fault, &call->error, "ResourceInUseException");
    } while (!is_there && gw_dynamodb_passes(call->fault, &call->error) &&
             gw_dynamodb_session_pause(session, "CreateTable"));
    return is_there;
}

/* A table that was just created may not be seen at once. */
static void wait_until_active(struct gw_dynamodb_session *session, bool is_ours,
                              struct gw_dynamodb_finding *finding)
{
    do
        watch(session, GW_DYNAMODB_STATUS, finding);
    while (finding->mend == GW_DYNAMODB_CREATE && wait_for_change(session, GW_DYNAMODB_STATUS));
    if (finding->verdict == GW_DYNAMODB_FINE) {
        finding->verdict = is_ours ? GW_DYNAMODB_DONE : GW_DYNAMODB_FINE;
        (void)snprintf(finding->text, sizeof(finding->text), "%s",
                       is_ours ? "created" : "there already");
    }
}

/* The first look is not repeated for long: nobody may be there to answer it. */
static bool settle_table(struct gw_dynamodb_session *session)
{
    const struct gw_aws_call *call = &session->call;
    const struct gw_dynamodb_look *seen = &session->state.looks[GW_DYNAMODB_DESCRIBE_TABLE];
    struct gw_dynamodb_finding finding;
    bool is_ours = false;

    gw_dynamodb_session_call(session, GW_DYNAMODB_DESCRIBE_TABLE);
    gw_dynamodb_session_keep(session, GW_DYNAMODB_DESCRIBE_TABLE);
    if (gw_dynamodb_passes(call->fault, &call->error))
        take_error(session, GW_DYNAMODB_DESCRIBE_TABLE, &finding);
    else if (seen->sight == GW_DYNAMODB_MISSING && !create_table(session, &is_ours))
        take_error(session, GW_DYNAMODB_CREATE, &finding);
    else
        wait_until_active(session, is_ours, &finding);
    gw_dynamodb_session_name(session, &finding);
    gw_dynamodb_session_report(session, gw_dynamodb_aspect_name(GW_DYNAMODB_STATUS), &finding);
    return finding.verdict <= GW_DYNAMODB_DONE;
}

/* Judged by the look that was taken for the table itself. */
static bool report_seen(struct gw_dynamodb_session *session, enum gw_dynamodb_aspect aspect)
{
    struct gw_dynamodb_finding finding;

    if (!gw_dynamodb_judge(&session->state, aspect, &session->wanted, &finding))
        return false;
    gw_dynamodb_session_report(session, gw_dynamodb_aspect_name(aspect), &finding);
    return finding.verdict != GW_DYNAMODB_WRONG;
}

static void mend(struct gw_dynamodb_session *session, enum gw_dynamodb_aspect aspect,
                 struct gw_dynamodb_finding *finding)
{
    const struct gw_aws_call *call = &session->call;
    enum gw_dynamodb_action action = finding->mend;
    struct gw_dynamodb_finding refused;

    gw_dynamodb_session_persist(session, action);
    if (call->fault == GW_AWS_FAULT_NONE) {
        *finding = (struct gw_dynamodb_finding){GW_DYNAMODB_DONE, .text = "turned on"};
        return;
    }
    take_error(session, action, &refused);
    if (gw_dynamodb_error_is(call->fault, &call->error, "UnknownOperationException")) {
        gw_dynamodb_session_keep(session, gw_dynamodb_aspect_look(aspect));
        (void)gw_dynamodb_judge(&session->state, aspect, &session->wanted, finding);
    } else {
        watch(session, aspect, finding);
    }
    if (finding->mend == action)
        *finding = refused;
}

static void settle(struct gw_dynamodb_session *session, enum gw_dynamodb_aspect aspect)
{
    struct gw_dynamodb_finding finding;

    watch(session, aspect, &finding);
    if (finding.mend != GW_DYNAMODB_NO_ACTION)
        mend(session, aspect, &finding);
    gw_dynamodb_session_report(session, gw_dynamodb_aspect_name(aspect), &finding);
}

enum gw_cli_exit gw_dynamodb_table_create(struct gw_dynamodb_session *session)
{
    session->wanted.must_see = true;
    if (!settle_table(session) || !report_seen(session, GW_DYNAMODB_KEY))
        return GW_CLI_FAILED;
    (void)report_seen(session, GW_DYNAMODB_BILLING);
    settle(session, GW_DYNAMODB_PROTECTION);
    if (session->wanted.ttl)
        settle(session, GW_DYNAMODB_TTL);
    settle(session, GW_DYNAMODB_BACKUPS);
    return session->is_wrong ? GW_CLI_FAILED : GW_CLI_OK;
}
