/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_ACCOUNT_H
#define GW_ACCOUNT_H

/* The sum of all sets of counters. Main's thread; the sets themselves are read at any time. */

#include "gw/metrics.h"
#include "gw/worker.h"

struct gw_account {
    const struct gw_metrics
        *sets[GW_WORKERS_MAX + 1]; /* the workers' and the backend's, borrowed */
    size_t count;
};

/* @metrics is borrowed for the account's life. */
void gw_account_add(struct gw_account *account, const struct gw_metrics *metrics);

/* Over all sets. */
uint64_t gw_account_total(const struct gw_account *account, enum gw_counter counter);

/* Logs every counter that is not zero, with the message "stopped". */
void gw_account_log(const struct gw_account *account);

/* Logs how many events each secret has signed up to now, if there were any. Before a reload, which
 * may give the secrets another order. */
void gw_account_log_secrets(const struct gw_account *account);

/* Writes "verified 12, stored 10, ...", for STATUS. */
void gw_account_format(const struct gw_account *account, char *text, size_t size);

#endif
