/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EXPLANATION_H
#define GW_EXPLANATION_H

/*
 * What the daemon would do with a request, step by step and by its own functions, and what to try
 * where it would refuse it. Pure.
 */

#include "gw/reply.h"
#include "gw/saved_request.h"
#include "gw/settings.h"

#define GW_STEPS_MAX 32 /* that none can come to */
#define GW_STEP_TEXT_SIZE 1024

enum gw_step_verdict {
    GW_STEP_OK,
    GW_STEP_NOTE, /* refuses nothing, but should be known */
    GW_STEP_FAILED,
    GW_STEP_TRY /* what would mend what failed */
};

struct gw_step {
    enum gw_step_verdict verdict;
    const char *what;
    char text[GW_STEP_TEXT_SIZE]; /* hostile in parts */
};

struct gw_explanation {
    struct gw_step steps[GW_STEPS_MAX];
    size_t count;
    enum gw_reply reply; /* that it would be answered with */
};

struct gw_explain_input {
    const struct gw_settings *settings;
    const struct gw_secrets *secrets; /* those of the settings */
    struct gw_saved_request *request; /* its body is changed as gw_endpoint_judge says */
    bool body_alone;                  /* of the request only body and signature were given */
    int64_t now_ms;
};

/* @return 0 or -ENOMEM. */
int gw_explain(const struct gw_explain_input *input,
               struct gw_explanation *explanation) GW_MUST_CHECK;

#endif
