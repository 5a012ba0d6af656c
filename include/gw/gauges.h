/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GAUGES_H
#define GW_GAUGES_H

/* What is measured at a scrape: of the fronts, and of the process. */

#include "gw/exposition.h"
#include "gw/front.h"

/* Fills in all but GW_GAUGE_WORKERS, GW_GAUGE_START_MS and the gap's. Any thread. */
void gw_gauges_measure(struct gw_gauges *gauges, struct gw_shared *shared,
                       const struct gw_account *account);

#endif
