/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_DYNAMODB_REVIEW_H
#define GW_DYNAMODB_REVIEW_H

/*
 * What the looks at a table say, aspect by aspect, in words; and what of it is wrong for the
 * daemon, with what to do. Pure.
 */

#include "gw/dynamodb_table.h"

enum gw_dynamodb_aspect {
    GW_DYNAMODB_STATUS,
    GW_DYNAMODB_KEY,
    GW_DYNAMODB_BILLING,
    GW_DYNAMODB_PROTECTION,
    GW_DYNAMODB_TTL, /* before the next, while whose change this one's is refused */
    GW_DYNAMODB_BACKUPS,
    GW_DYNAMODB_JUDGED,
    /* only described */
    GW_DYNAMODB_ITEMS = GW_DYNAMODB_JUDGED,
    GW_DYNAMODB_SIZE,
    GW_DYNAMODB_CREATED,
    GW_DYNAMODB_ARN,
    GW_DYNAMODB_ASPECT_COUNT
};

/* For people: "deletion protection". */
const char *gw_dynamodb_aspect_name(enum gw_dynamodb_aspect aspect);
/* Which look tells of it. */
enum gw_dynamodb_action gw_dynamodb_aspect_look(enum gw_dynamodb_aspect aspect);

enum gw_dynamodb_verdict {
    GW_DYNAMODB_FINE,
    GW_DYNAMODB_DONE, /* it was changed just now; never judged so here */
    GW_DYNAMODB_WARNING,
    GW_DYNAMODB_WRONG
};

struct gw_dynamodb_finding {
    enum gw_dynamodb_verdict verdict;
    enum gw_dynamodb_action mend; /* what would put it right; of a look: time alone */
    char text[640];               /* as the server wrote it in parts: hostile */
};

struct gw_dynamodb_wanted {
    bool ttl;           /* that records expire */
    bool is_own_server; /* not AWS's: it may lack what is only for safety */
    bool must_see;      /* what cannot be seen is wrong, and not only a warning */
};

/* The text alone, as a fact: "on demand"; or why it is not seen. */
void gw_dynamodb_describe(const struct gw_dynamodb_state *state, enum gw_dynamodb_aspect aspect,
                          struct gw_dynamodb_finding *finding);

/* @return false where there is nothing to be said: not wanted, or said of the status already. */
bool gw_dynamodb_judge(const struct gw_dynamodb_state *state, enum gw_dynamodb_aspect aspect,
                       const struct gw_dynamodb_wanted *wanted,
                       struct gw_dynamodb_finding *finding);

/* Of the outcome of a GW_DYNAMODB_TRY_... */
void gw_dynamodb_judge_try(enum gw_dynamodb_action action, enum gw_aws_fault fault,
                           const struct gw_aws_error *error, struct gw_dynamodb_finding *finding);

/* "ValidationException: ...", whatever of it there is, with advice: what came of @action. */
void gw_dynamodb_say_error(enum gw_dynamodb_action action, const struct gw_aws_error *error,
                           char *text, size_t size);

#endif
