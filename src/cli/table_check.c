/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table check and table describe: what the looks bring, judged or as it is. Whether the credentials
 * may write is tried by writes whose condition never holds, since nothing else proves it: who is
 * refused for the condition was let in.
 */
#include "dynamodb_session.h"

#include "gw/table.h"

#include <errno.h>
#include <stdio.h>

static void look(struct gw_dynamodb_session *session, enum gw_dynamodb_action action)
{
    gw_dynamodb_session_call(session, action);
    gw_dynamodb_session_keep(session, action);
}

/* --- check --- */

static enum gw_dynamodb_verdict judge(struct gw_dynamodb_session *session,
                                      enum gw_dynamodb_aspect aspect)
{
    struct gw_dynamodb_finding finding;

    if (!gw_dynamodb_judge(&session->state, aspect, &session->wanted, &finding))
        return GW_DYNAMODB_FINE;
    if (aspect == GW_DYNAMODB_STATUS)
        gw_dynamodb_session_name(session, &finding);
    gw_dynamodb_session_report(session, gw_dynamodb_aspect_name(aspect), &finding);
    return finding.verdict;
}

static void judge_backend(struct gw_dynamodb_session *session)
{
    const struct gw_dynamodb_finding finding = {
        .verdict = GW_DYNAMODB_WARNING,
        .text = "[storage] backend is not dynamodb: the daemon will not use this table"};

    if (session->config->backend != GW_CONFIG_BACKEND_DYNAMODB)
        gw_dynamodb_session_report(session, "backend", &finding);
}

static void try_what_the_daemon_does(struct gw_dynamodb_session *session)
{
    for (enum gw_dynamodb_action action = GW_DYNAMODB_TRY_PUT; action < GW_DYNAMODB_ACTION_COUNT;
         action++) {
        const struct gw_aws_call *call = &session->call;
        struct gw_dynamodb_finding finding;

        gw_dynamodb_session_call(session, action);
        gw_dynamodb_judge_try(action, call->fault, &call->error, &finding);
        gw_dynamodb_session_report(session, gw_dynamodb_action_name(action), &finding);
    }
}

/* Where there is no table, or another key, what follows from it would only say so again. */
enum gw_cli_exit gw_dynamodb_table_check(struct gw_dynamodb_session *session)
{
    judge_backend(session);
    look(session, GW_DYNAMODB_DESCRIBE_TABLE);
    if (judge(session, GW_DYNAMODB_STATUS) != GW_DYNAMODB_WRONG) {
        look(session, GW_DYNAMODB_DESCRIBE_BACKUPS);
        if (session->wanted.ttl)
            look(session, GW_DYNAMODB_DESCRIBE_TTL);
        bool has_key = judge(session, GW_DYNAMODB_KEY) != GW_DYNAMODB_WRONG;

        for (enum gw_dynamodb_aspect aspect = GW_DYNAMODB_KEY + 1; aspect < GW_DYNAMODB_JUDGED;
             aspect++)
            (void)judge(session, aspect);
        if (has_key)
            try_what_the_daemon_does(session);
    }
    return session->is_wrong ? GW_CLI_FAILED : GW_CLI_OK;
}

/* --- describe --- */

static bool look_at_all(struct gw_dynamodb_session *session)
{
    const struct gw_dynamodb_look *table = &session->state.looks[GW_DYNAMODB_DESCRIBE_TABLE];
    struct gw_dynamodb_finding finding;

    look(session, GW_DYNAMODB_DESCRIBE_TABLE);
    if (table->sight != GW_DYNAMODB_SEEN) {
        gw_dynamodb_describe(&session->state, GW_DYNAMODB_STATUS, &finding);
        gw_cli_error("%s: %s", session->config->dynamodb_table, finding.text);
        return false;
    }
    look(session, GW_DYNAMODB_DESCRIBE_TTL);
    look(session, GW_DYNAMODB_DESCRIBE_BACKUPS);
    return true;
}

enum gw_cli_exit gw_dynamodb_table_describe(struct gw_dynamodb_session *session)
{
    if (!look_at_all(session))
        return GW_CLI_FAILED;
    for (enum gw_dynamodb_aspect aspect = 0; aspect < GW_DYNAMODB_ASPECT_COUNT; aspect++) {
        struct gw_dynamodb_finding finding;

        gw_dynamodb_describe(&session->state, aspect, &finding);
        if (aspect == GW_DYNAMODB_STATUS)
            gw_dynamodb_session_name(session, &finding);
        printf("%-22s  ", gw_dynamodb_aspect_name(aspect));
        gw_table_put_text(stdout, gw_str(finding.text), SIZE_MAX);
        putchar('\n');
    }
    printf("%-22s  %s\n", "endpoint", session->access.endpoint.url);
    return GW_CLI_OK;
}

/* What each look said, under the name that the API gives it. */
static json_t *gather(const struct gw_dynamodb_session *session)
{
    json_t *all = json_object();
    int r = all ? 0 : -1;

    for (enum gw_dynamodb_action look = GW_DYNAMODB_DESCRIBE_TABLE; look < GW_DYNAMODB_LOOKS;
         look++) {
        const struct gw_dynamodb_look *seen = &session->state.looks[look];

        if (seen->said)
            r |= json_object_set(all, gw_dynamodb_look_member(look), seen->said);
        else
            gw_cli_error("%s: %s", gw_dynamodb_action_name(look), seen->error.code);
    }
    if (r == 0)
        return all;
    json_decref(all);
    return NULL;
}

enum gw_cli_exit gw_dynamodb_table_describe_json(struct gw_dynamodb_session *session)
{
    json_t *all;
    int r;

    if (!look_at_all(session))
        return GW_CLI_FAILED;
    all = gather(session);
    r = all ? json_dumpf(all, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15)) : -1;
    json_decref(all);
    if (r == 0)
        putchar('\n');
    else if (!ferror(stdout))
        gw_cli_error("%s", strerrordesc_np(ENOMEM));
    return r == 0 ? GW_CLI_OK : GW_CLI_FAILED;
}
