/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_DYNAMODB_TABLE_H
#define GW_DYNAMODB_TABLE_H

/*
 * The table that the conversations are to lie in: the requests that look at it, create it, mend it
 * and try it, and what the looks brought. Pure.
 */

#include "gw/aws_retry.h"

#include <jansson.h>

#define GW_DYNAMODB_EXPIRY "expiresAt" /* the attribute of its time to live */

enum gw_dynamodb_action {
    GW_DYNAMODB_NO_ACTION,
    /* that look */
    GW_DYNAMODB_DESCRIBE_TABLE,
    GW_DYNAMODB_DESCRIBE_TTL,
    GW_DYNAMODB_DESCRIBE_BACKUPS,
    GW_DYNAMODB_LOOKS,
    /* that change the table */
    GW_DYNAMODB_CREATE = GW_DYNAMODB_LOOKS,
    GW_DYNAMODB_PROTECT,
    GW_DYNAMODB_EXPIRE,
    GW_DYNAMODB_BACK_UP,
    /* that try what the daemon needs, and write nothing: their conditions never hold */
    GW_DYNAMODB_TRY_PUT,
    GW_DYNAMODB_TRY_UPDATE,
    GW_DYNAMODB_TRY_GET,
    GW_DYNAMODB_ACTION_COUNT
};

/* As IAM and the API name it: "DescribeTable". */
const char *gw_dynamodb_action_name(enum gw_dynamodb_action action);

/* Appends the request's body. @return 0, -ENOBUFS or -ENOMEM */
int gw_dynamodb_action_body(enum gw_dynamodb_action action, const char *table,
                            struct gw_buffer *body) GW_MUST_CHECK;

/* Whether to ask again a little later: a table that is just being changed, throttling, faults of
 * the network. */
bool gw_dynamodb_passes(enum gw_aws_fault fault, const struct gw_aws_error *error);

/* Whether it failed with this very code. */
bool gw_dynamodb_error_is(enum gw_aws_fault fault, const struct gw_aws_error *error,
                          const char *code);

/* --- what the looks say --- */

enum gw_dynamodb_sight {
    GW_DYNAMODB_UNSEEN,     /* not looked yet, or nothing sensible was answered */
    GW_DYNAMODB_SEEN,       /* said holds the description */
    GW_DYNAMODB_MISSING,    /* there is no such table */
    GW_DYNAMODB_HIDDEN,     /* these credentials may not look */
    GW_DYNAMODB_UNSUPPORTED /* the server does not know the action */
};

struct gw_dynamodb_look {
    enum gw_dynamodb_sight sight;
    json_t *said;              /* an object */
    struct gw_aws_error error; /* of what was not SEEN */
};

/* By the actions that look; zeroed: nothing was looked at. */
struct gw_dynamodb_state {
    struct gw_dynamodb_look looks[GW_DYNAMODB_LOOKS];
};

/* The outcome of a look, in place of an earlier one. */
void gw_dynamodb_state_take(struct gw_dynamodb_state *state, enum gw_dynamodb_action look,
                            enum gw_aws_fault fault, const struct gw_aws_error *error,
                            struct gw_str answer);
void gw_dynamodb_state_deinit(struct gw_dynamodb_state *state);

/* The name of the answer's member that was kept: "Table". */
const char *gw_dynamodb_look_member(enum gw_dynamodb_action look);

#endif
