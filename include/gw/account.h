/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_ACCOUNT_H
#define GW_ACCOUNT_H

/* The sum of all sets of counters. Main's thread; the sets themselves are read at any time. */

#include "gw/config.h"
#include "gw/metrics.h"

struct gw_account {
    /* the workers', the backend's and main's, borrowed */
    const struct gw_metrics *sets[GW_CONFIG_WORKERS_MAX + 2];
    size_t count;
};

/* @metrics is borrowed for the account's life. */
void gw_account_add(struct gw_account *account, const struct gw_metrics *metrics);

/* Over all sets. */
uint64_t gw_account_total(const struct gw_account *account, enum gw_counter counter);

/* A histogram over all sets. */
struct gw_distribution {
    uint64_t buckets[GW_BUCKETS + 1]; /* not cumulated */
    uint64_t sum_us;
};
void gw_account_distribution(const struct gw_account *account, enum gw_histogram histogram,
                             struct gw_distribution *distribution);

/* When an event was verified last; 0: never. */
int64_t gw_account_last_event_ms(const struct gw_account *account);

/* Logs every counter that is not zero, with the message "stopped". */
void gw_account_log(const struct gw_account *account);

/* Logs how many events each secret has signed up to now, if there were any. Before a reload, which
 * may give the secrets another order. */
void gw_account_log_secrets(const struct gw_account *account);

/* Writes "verified 12, stored 10, ...", for STATUS. */
void gw_account_format(const struct gw_account *account, char *text, size_t size);

#endif
