/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's asynchronous client on a loop of its own, which runs until the one request that is
 * under way is done. Progress is for people who wait: a terminal shows one line that is renewed,
 * and where stderr is none there is a line whenever what is waited for changes.
 */
#include "dynamodb_session.h"

#include "gw/table.h"
#include "gw/time.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define BODY_MAX 4096
#define MAX_ATTEMPTS 4
#define ATTEMPT_TIMEOUT_MS 10000 /* what changes a table may take some seconds */
#define PAUSE_MS 500

/* --- open and close --- */

static int connect_to_table(struct gw_dynamodb_session *session, char *message)
{
    const struct gw_config *config = session->config;
    const struct gw_dynamodb_access_options options = {
        config->dynamodb_region, config->dynamodb_endpoint, config->dynamodb_ca_file};
    int r = gw_loop_init(&session->loop);

    if (r)
        return r;
    r = gw_dynamodb_access_open(&options, &session->access, message);
    return r ? r
             : gw_dynamodb_access_client(&session->access, &session->loop, 1, MAX_ATTEMPTS,
                                         ATTEMPT_TIMEOUT_MS, &session->client);
}

int gw_dynamodb_session_open(struct gw_dynamodb_session *session, const struct gw_config *config,
                             int64_t timeout_ms, char *message)
{
    int r;

    *session = (struct gw_dynamodb_session){.config = config, .skew_ms = INT64_MIN};
    *message = '\0';
    gw_log_configure(GW_LOG_WARNING, GW_LOG_TEXT);
    gw_buffer_init(&session->body, BODY_MAX);
    session->started_at_ms = gw_time_monotonic_ms();
    session->deadline_ms = session->started_at_ms + timeout_ms;
    session->wanted.ttl = config->dynamodb_ttl_ms > 0;
    r = connect_to_table(session, message);
    session->wanted.is_own_server = session->access.endpoint.is_custom;
    if (r == 0)
        return 0;
    if (!*message)
        (void)snprintf(message, GW_AWS_MESSAGE_SIZE, "%s", strerrordesc_np(-r));
    gw_dynamodb_session_close(session);
    return r;
}

void gw_dynamodb_session_close(struct gw_dynamodb_session *session)
{
    gw_dynamodb_state_deinit(&session->state);
    gw_aws_call_deinit(&session->call);
    gw_aws_client_free(session->client);
    gw_loop_deinit(&session->loop);
    gw_dynamodb_access_close(&session->access);
    gw_buffer_deinit(&session->body);
}

/* --- progress --- */

static void clear_progress(struct gw_dynamodb_session *session)
{
    if (*session->progress && gw_table_terminal_width(stderr) > 0)
        fputs("\r\033[K", stderr);
    *session->progress = '\0';
}

static void tell_progress(struct gw_dynamodb_session *session, const char *waiting_for)
{
    bool is_new = strcmp(session->progress, waiting_for) != 0;
    int64_t waited_s = (gw_time_monotonic_ms() - session->started_at_ms) / 1000;
    size_t width = gw_table_terminal_width(stderr);
    char line[600];

    (void)snprintf(session->progress, sizeof(session->progress), "%s", waiting_for);
    if (width > 0) {
        (void)snprintf(line, sizeof(line), "waiting (%" PRId64 " s): %s", waited_s, waiting_for);
        fputs("\r\033[K", stderr);
        gw_table_put_text(stderr, gw_str(line), width - 1);
        fflush(stderr);
    } else if (is_new) {
        gw_cli_error("waiting: %s", waiting_for);
    }
}

/* --- requests --- */

static void note_done(struct gw_aws_call *call)
{
    (void)call; /* it belongs to no client any more, and so the wait ends */
}

static void fail(struct gw_aws_call *call, const char *text)
{
    call->fault = GW_AWS_FAULT_REFUSED;
    call->error = (struct gw_aws_error){0};
    (void)snprintf(call->error.text, sizeof(call->error.text), "%s", text);
}

void gw_dynamodb_session_call(struct gw_dynamodb_session *session, enum gw_dynamodb_action action)
{
    struct gw_aws_call *call = &session->call;
    int r;

    if (gw_time_monotonic_ms() >= session->deadline_ms) {
        fail(call, "no time is left: give more by --timeout");
        return;
    }
    session->body.len = 0;
    r = gw_dynamodb_action_body(action, session->config->dynamodb_table, &session->body);
    (void)snprintf(session->target, sizeof(session->target), GW_DYNAMODB_TARGET_PREFIX "%s",
                   gw_dynamodb_action_name(action));
    call->target = session->target;
    call->body = gw_buffer_str(&session->body);
    call->deadline_ms = session->deadline_ms;
    call->done = note_done;
    if (r == 0)
        r = gw_aws_start(session->client, call);
    if (r)
        fail(call, strerrordesc_np(-r));
    while (r == 0 && call->client)
        r = gw_loop_wait(&session->loop, -1);
    if (call->client) {
        gw_aws_call_deinit(call);
        fail(call, strerrordesc_np(-r));
    } else if (r == 0 && call->http.date_ms > 0) {
        session->skew_ms = call->http.date_ms - gw_time_now_ms();
    }
}

bool gw_dynamodb_session_pause(struct gw_dynamodb_session *session, const char *waiting_for)
{
    int64_t until_ms = gw_time_monotonic_ms() + PAUSE_MS, now_ms;

    if (until_ms >= session->deadline_ms)
        return false;
    tell_progress(session, waiting_for);
    while ((now_ms = gw_time_monotonic_ms()) < until_ms)
        if (gw_loop_wait(&session->loop, (int)(until_ms - now_ms)) != 0)
            return false;
    return true;
}

void gw_dynamodb_session_persist(struct gw_dynamodb_session *session,
                                 enum gw_dynamodb_action action)
{
    const struct gw_aws_call *call = &session->call;
    char waiting_for[512], text[400];

    do {
        gw_dynamodb_session_call(session, action);
        gw_dynamodb_say_error(action, &call->error, text, sizeof(text));
        (void)snprintf(waiting_for, sizeof(waiting_for), "%s, which answers %s",
                       gw_dynamodb_action_name(action), text);
    } while (gw_dynamodb_passes(call->fault, &call->error) &&
             gw_dynamodb_session_pause(session, waiting_for));
}

void gw_dynamodb_session_keep(struct gw_dynamodb_session *session, enum gw_dynamodb_action look)
{
    const struct gw_aws_call *call = &session->call;

    gw_dynamodb_state_take(&session->state, look, call->fault, &call->error,
                           gw_buffer_str(&call->http.answer));
}

/* --- findings --- */

void gw_dynamodb_session_name(const struct gw_dynamodb_session *session,
                              struct gw_dynamodb_finding *finding)
{
    const struct gw_dynamodb_finding unnamed = *finding;

    (void)snprintf(finding->text, sizeof(finding->text), "%s in %s: %.300s",
                   session->config->dynamodb_table, session->access.endpoint.region, unnamed.text);
}

void gw_dynamodb_session_report(struct gw_dynamodb_session *session, const char *what,
                                const struct gw_dynamodb_finding *finding)
{
    static const char *const verdicts[] = {
        [GW_DYNAMODB_FINE] = "ok",
        [GW_DYNAMODB_DONE] = "done",
        [GW_DYNAMODB_WARNING] = "warning",
        [GW_DYNAMODB_WRONG] = "wrong",
    };

    clear_progress(session);
    gw_cli_report(verdicts[finding->verdict], what, gw_str(finding->text));
    session->is_wrong |= finding->verdict == GW_DYNAMODB_WRONG;
}
