/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/account.h"

#include "gw/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void gw_account_add(struct gw_account *account, const struct gw_metrics *metrics)
{
    assert(account->count < GW_COUNT(account->sets));
    account->sets[account->count++] = metrics;
}

uint64_t gw_account_total(const struct gw_account *account, enum gw_counter counter)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < account->count; i++)
        sum += gw_metrics_get(account->sets[i], counter);
    return sum;
}

void gw_account_distribution(const struct gw_account *account, enum gw_histogram histogram,
                             struct gw_distribution *distribution)
{
    *distribution = (struct gw_distribution){0};
    for (size_t i = 0; i < account->count; i++) {
        const struct gw_metrics *set = account->sets[i];

        for (size_t j = 0; j <= GW_BUCKETS; j++)
            distribution->buckets[j] +=
                atomic_load_explicit(&set->buckets[histogram][j], memory_order_relaxed);
        distribution->sum_us +=
            atomic_load_explicit(&set->sums_us[histogram], memory_order_relaxed);
    }
}

int64_t gw_account_last_event_ms(const struct gw_account *account)
{
    int64_t last_ms = 0;

    for (size_t i = 0; i < account->count; i++) {
        int64_t own_ms =
            atomic_load_explicit(&account->sets[i]->last_event_ms, memory_order_relaxed);

        last_ms = own_ms > last_ms ? own_ms : last_ms;
    }
    return last_ms;
}

/* Fills in those from @first to before @end that are not zero. @return how many these are. */
static size_t collect(const struct gw_account *account, int first, int end,
                      struct gw_log_field fields[GW_COUNTER_COUNT + 1])
{
    size_t count = 0;

    for (int i = first; i < end; i++) {
        uint64_t sum = gw_account_total(account, (enum gw_counter)i);

        if (sum > 0)
            fields[count++] =
                (struct gw_log_field)GW_LOG_INT(gw_counter_name((enum gw_counter)i), sum);
    }
    return count;
}

void gw_account_log(const struct gw_account *account)
{
    struct gw_log_field fields[GW_COUNTER_COUNT + 1] = {{0}};

    (void)collect(account, 0, GW_COUNTER_COUNT, fields);
    gw_log_write(GW_LOG_INFO, "stopped", fields);
}

void gw_account_log_secrets(const struct gw_account *account)
{
    struct gw_log_field fields[GW_COUNTER_COUNT + 1] = {{0}};

    if (collect(account, GW_COUNTER_SECRET_MATCHED, GW_COUNTER_SECRET_MATCHED + GW_KEYS_MAX,
                fields) > 0)
        gw_log_write(GW_LOG_INFO, "events by secret", fields);
}

void gw_account_format(const struct gw_account *account, char *text, size_t size)
{
    static const enum gw_counter shown[] = {GW_COUNTER_VERIFIED,   GW_COUNTER_STORED,
                                            GW_COUNTER_SUPERSEDED, GW_COUNTER_SKIPPED,
                                            GW_COUNTER_REJECTED,   GW_COUNTER_FAILED};
    size_t at = 0;

    for (size_t i = 0; i < GW_COUNT(shown) && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s %" PRIu64, i > 0 ? ", " : "",
                               gw_counter_name(shown[i]), gw_account_total(account, shown[i]));
}
