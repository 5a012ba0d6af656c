/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STATUS_JSON_H
#define GW_STATUS_JSON_H

/*
 * What the status page is drawn from (/status.json): all counters, gauges and histograms as they
 * are, the last refused requests, and the configuration without its secrets. Rates and quantiles
 * are the page's to find, from the differences between two of these. Pure.
 */

#include "gw/config.h"
#include "gw/exposition.h"
#include "gw/refusals.h"

/* All borrowed. */
struct gw_status {
    int64_t now_ms; /* by the wall clock */
    const struct gw_account *account;
    const struct gw_gauges *gauges;
    const struct gw_refusal *refusals; /* the newest first */
    size_t refusal_count;
    const struct gw_config *started; /* what holds of the keys that need a restart */
    const struct gw_config *latest;  /* what holds of the others */
    size_t secrets;                  /* how many are in use */
};

/* Appends one object. Errors as gw_buffer_append's. */
int gw_status_json_write(struct gw_buffer *out, const struct gw_status *status) GW_MUST_CHECK;

#endif
