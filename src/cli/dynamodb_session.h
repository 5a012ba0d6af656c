/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_DYNAMODB_SESSION_H
#define GW_DYNAMODB_SESSION_H

/*
 * One table, asked one thing after the other, with all waiting bounded by one deadline; and how
 * `table` speaks: findings as lines on stdout, progress on stderr.
 */

#include "gw/cli.h"
#include "gw/config.h"
#include "gw/dynamodb_access.h"
#include "gw/dynamodb_review.h"
#include "gw/loop.h"

struct gw_dynamodb_session {
    const struct gw_config *config;
    struct gw_dynamodb_access access;
    struct gw_loop loop;
    struct gw_aws_client *client;
    struct gw_aws_call call; /* its outcome: that of the last request */
    struct gw_buffer body;
    char target[64];
    int64_t started_at_ms, deadline_ms;
    int64_t skew_ms; /* DynamoDB's clock less ours, by the last answer; INT64_MIN: none told it */
    struct gw_dynamodb_state state;
    struct gw_dynamodb_wanted wanted;
    bool is_wrong;      /* a finding was */
    char progress[512]; /* what is told at present; empty: nothing */
};

/**
 * Finds region, endpoint and credentials.
 * @param config   borrowed for the session's life
 * @param message  what was wrong and what to do; GW_AWS_MESSAGE_SIZE bytes
 * @return 0 or a negative errno; nothing is held then.
 */
int gw_dynamodb_session_open(struct gw_dynamodb_session *session, const struct gw_config *config,
                             int64_t timeout_ms, char *message) GW_MUST_CHECK;
void gw_dynamodb_session_close(struct gw_dynamodb_session *session);

/* Sends one request and waits for its outcome. */
void gw_dynamodb_session_call(struct gw_dynamodb_session *session, enum gw_dynamodb_action action);

/* The same, again and again for as long as what stands against it passes and there is time. */
void gw_dynamodb_session_persist(struct gw_dynamodb_session *session,
                                 enum gw_dynamodb_action action);

/* Puts the outcome of the last request, a look, into the state. */
void gw_dynamodb_session_keep(struct gw_dynamodb_session *session, enum gw_dynamodb_action look);

/* Waits a little, telling for what. @return false where there is no time left for it. */
bool gw_dynamodb_session_pause(struct gw_dynamodb_session *session, const char *waiting_for);

/* Puts the table's name and region before the text of a finding about GW_DYNAMODB_STATUS. */
void gw_dynamodb_session_name(const struct gw_dynamodb_session *session,
                              struct gw_dynamodb_finding *finding);

/* A line on stdout. */
void gw_dynamodb_session_report(struct gw_dynamodb_session *session, const char *what,
                                const struct gw_dynamodb_finding *finding);

enum gw_cli_exit gw_dynamodb_table_create(struct gw_dynamodb_session *session);
enum gw_cli_exit gw_dynamodb_table_check(struct gw_dynamodb_session *session);
enum gw_cli_exit gw_dynamodb_table_describe(struct gw_dynamodb_session *session);
enum gw_cli_exit gw_dynamodb_table_describe_json(struct gw_dynamodb_session *session);

#endif
