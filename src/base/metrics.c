/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets are plain arrays with one writer each, so an addition is a load and a store without a lock
 * prefix.
 */
#include "gw/metrics.h"

static const char *const names[GW_COUNTER_COUNT] = {
    [GW_COUNTER_REPLY_200] = "reply_200",
    [GW_COUNTER_REPLY_400] = "reply_400",
    [GW_COUNTER_REPLY_401] = "reply_401",
    [GW_COUNTER_REPLY_403] = "reply_403",
    [GW_COUNTER_REPLY_404] = "reply_404",
    [GW_COUNTER_REPLY_405] = "reply_405",
    [GW_COUNTER_REPLY_408] = "reply_408",
    [GW_COUNTER_REPLY_413] = "reply_413",
    [GW_COUNTER_REPLY_431] = "reply_431",
    [GW_COUNTER_REPLY_500] = "reply_500",
    [GW_COUNTER_REPLY_503] = "reply_503",
    [GW_COUNTER_PROBES_OK] = "probes_ok",
    [GW_COUNTER_PROBES_NOT_READY] = "probes_not_ready",
    [GW_COUNTER_REFUSED_BY_LIBRARY] = "refused_by_library",
    [GW_COUNTER_CONNECTIONS] = "connections",
    [GW_COUNTER_ABORTED] = "aborted",
    [GW_COUNTER_GAPS] = "gaps",
    [GW_COUNTER_VERIFIED] = "verified",
    [GW_COUNTER_STORED] = "stored",
    [GW_COUNTER_SUPERSEDED] = "superseded",
    [GW_COUNTER_SKIPPED] = "skipped",
    [GW_COUNTER_REJECTED] = "rejected",
    [GW_COUNTER_FAILED] = "failed",
    [GW_COUNTER_AMBIGUOUS] = "ambiguous",
    [GW_COUNTER_FAILURES_ACKNOWLEDGED] = "failures_acknowledged",
    [GW_COUNTER_TIMESTAMP_MALFORMED] = "timestamp_malformed",
    [GW_COUNTER_TIMESTAMP_AHEAD] = "timestamp_ahead",
    [GW_COUNTER_SECRET_MATCHED] = "secret_matched_1",
    [GW_COUNTER_SECRET_MATCHED + 1] = "secret_matched_2",
    [GW_COUNTER_SECRET_MATCHED + 2] = "secret_matched_3",
    [GW_COUNTER_SECRET_MATCHED + 3] = "secret_matched_4",
    [GW_COUNTER_SECRET_MATCHED + 4] = "secret_matched_5",
    [GW_COUNTER_SECRET_MATCHED + 5] = "secret_matched_6",
    [GW_COUNTER_SECRET_MATCHED + 6] = "secret_matched_7",
    [GW_COUNTER_SECRET_MATCHED + 7] = "secret_matched_8",
    [GW_COUNTER_JOURNAL_BATCHES] = "journal_batches",
    [GW_COUNTER_JOURNAL_LINES] = "journal_lines",
    [GW_COUNTER_JOURNAL_BYTES] = "journal_bytes",
    [GW_COUNTER_JOURNAL_FAILURES] = "journal_failures",
    [GW_COUNTER_DYNAMODB_REQUESTS] = "dynamodb_requests",
    [GW_COUNTER_DYNAMODB_RETRIES] = "dynamodb_retries",
    [GW_COUNTER_DYNAMODB_THROTTLES] = "dynamodb_throttles",
    [GW_COUNTER_DYNAMODB_MERGES] = "dynamodb_merges",
    [GW_COUNTER_DYNAMODB_READS] = "dynamodb_reads",
    [GW_COUNTER_DYNAMODB_OUTAGES] = "dynamodb_outages",
    [GW_COUNTER_PUT_STORED] = "put_stored",
    [GW_COUNTER_PUT_SUPERSEDED] = "put_superseded",
    [GW_COUNTER_PUT_REJECTED] = "put_rejected",
    [GW_COUNTER_PUT_FAILED] = "put_failed",
    [GW_COUNTER_PUT_AMBIGUOUS] = "put_ambiguous",
    [GW_COUNTER_UPDATE_STORED] = "update_stored",
    [GW_COUNTER_UPDATE_SUPERSEDED] = "update_superseded",
    [GW_COUNTER_UPDATE_REJECTED] = "update_rejected",
    [GW_COUNTER_UPDATE_FAILED] = "update_failed",
    [GW_COUNTER_UPDATE_AMBIGUOUS] = "update_ambiguous",
#define REFUSED(symbol, name, reply, text) [GW_COUNTER_REFUSED_##symbol] = "refused_" name,
    GW_REASONS(REFUSED)};

const char *gw_counter_name(enum gw_counter counter)
{
    return names[counter];
}

const int64_t gw_bucket_bounds_us[GW_BUCKETS] = {
    10,    25,    50,     100,    250,    500,     1000,    2500,    5000,    10000,
    25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

void gw_metrics_observe(struct gw_metrics *metrics, enum gw_histogram histogram,
                        int64_t duration_us)
{
    size_t bucket = 0;

    while (bucket < GW_BUCKETS && duration_us > gw_bucket_bounds_us[bucket])
        bucket++;
    gw_metrics_raise(&metrics->buckets[histogram][bucket], 1);
    gw_metrics_raise(&metrics->sums_us[histogram], duration_us > 0 ? (uint64_t)duration_us : 0);
}
