/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EXPOSITION_H
#define GW_EXPOSITION_H

/*
 * What Prometheus scrapes: the text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), with OpenMetrics' names. Pure:
 * what is counted comes in as an account, what is measured as gauges.
 */

#include "gw/account.h"
#include "gw/buffer.h"

#define GW_EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What is so at the moment of the scrape. */
enum gw_gauge {
    GW_GAUGE_READY, /* 0 or 1, as /readyz says */
    GW_GAUGE_DRAINING,
    GW_GAUGE_STORE_OUT,
    GW_GAUGE_WORKERS,
    GW_GAUGE_CONNECTIONS,
    GW_GAUGE_MAX_CONNECTIONS,
    GW_GAUGE_BUFFERED_BYTES,
    GW_GAUGE_MAX_BUFFERED_BYTES,
    GW_GAUGE_IN_FLIGHT,
    GW_GAUGE_MAX_IN_FLIGHT,
    GW_GAUGE_LAST_EVENT_MS,
    GW_GAUGE_GAP_START_MS,
    GW_GAUGE_GAP_END_MS,
    GW_GAUGE_CREDENTIALS_EXPIRE_MS,
    GW_GAUGE_CPU_US, /* of the process, as what follows */
    GW_GAUGE_RESIDENT_BYTES,
    GW_GAUGE_VIRTUAL_BYTES,
    GW_GAUGE_OPEN_FILES,
    GW_GAUGE_MAX_FILES,
    GW_GAUGE_START_MS,
    GW_GAUGE_COUNT
};

/* One that is 0 where 0 cannot be (a time) is left out. */
struct gw_gauges {
    int64_t values[GW_GAUGE_COUNT];
};

/* Appends all. Errors as gw_buffer_append's. */
int gw_exposition_write(struct gw_buffer *out, const struct gw_account *account,
                        const struct gw_gauges *gauges) GW_MUST_CHECK;

#endif
