/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of samples; those of one family stand together, the first of them with its help. What a
 * sample is called, and by which labels it differs from its siblings, never depends on what clients
 * send, so that the number of series is bounded.
 */
#include "gw/exposition.h"

#include <inttypes.h>

#define PREFIX "genesys_webhookd_"

/* Counters come from the account, under their family's name and with their label. */
struct sample {
    const char *family;
    const char *help; /* of the family's first */
    const char *labels;
    enum gw_counter counter;
};

#define STATUS(status)                                                                             \
    {                                                                                              \
        PREFIX "requests_total",                                                                   \
            "Requests by the status they were answered with, without probes.",                     \
            "{status=\"" #status "\"}", GW_COUNTER_REPLY_##status                                  \
    }
#define REFUSED(symbol, name, reply, text)                                                         \
    {PREFIX "refused_total", "Requests that were refused or failed, by reason.",                   \
     "{reason=\"" name "\"}", GW_COUNTER_REFUSED_##symbol},
#define EVENTS(name, symbol)                                                                       \
    {                                                                                              \
        PREFIX "events_total",                                                                     \
            "Events with a right signature by what became of them; together they are all.",        \
            "{outcome=\"" name "\"}", GW_COUNTER_##symbol                                          \
    }
#define WRITE(action, outcome, labels)                                                             \
    {                                                                                              \
        PREFIX "writes_total", "Writes that the store took, by action and outcome.",               \
            "{" labels "}", GW_COUNTER_##action##_##outcome                                        \
    }
#define SECRET(number)                                                                             \
    {                                                                                              \
        PREFIX "secret_matched_total", "Events by which secret signed them, as configured.",       \
            "{secret=\"" #number "\"}", (enum gw_counter)(GW_COUNTER_SECRET_MATCHED + number - 1)  \
    }
#define SINGLE(name, symbol, help)                                                                 \
    {                                                                                              \
        PREFIX name "_total", help, "", GW_COUNTER_##symbol                                        \
    }

/* clang-format off */
static const struct sample samples[] = {
    STATUS(200), STATUS(400), STATUS(401), STATUS(403), STATUS(404), STATUS(405),
    STATUS(408), STATUS(413), STATUS(431), STATUS(500), STATUS(503),
    GW_REASONS(REFUSED)
    SINGLE("refused_by_library", REFUSED_BY_LIBRARY,
           "Malformed requests that libmicrohttpd answered by itself."),
    {PREFIX "probes_total", "Probes of /healthz and /readyz by their answer.",
     "{answer=\"ok\"}", GW_COUNTER_PROBES_OK},
    {PREFIX "probes_total", "", "{answer=\"not ready\"}", GW_COUNTER_PROBES_NOT_READY},
    SINGLE("connections_accepted", CONNECTIONS, "Connections taken."),
    SINGLE("requests_aborted", ABORTED, "Requests that ended before their answer was out."),
    SINGLE("gaps", GAPS, "Times when for over 20 s no event could be stored."),
    SINGLE("events_verified", VERIFIED, "Events with a right signature."),
    EVENTS("stored", STORED), EVENTS("superseded", SUPERSEDED), EVENTS("skipped", SKIPPED),
    EVENTS("rejected", REJECTED), EVENTS("failed", FAILED),
    SINGLE("events_ambiguous", AMBIGUOUS, "Failed events that may have been stored all the same."),
    SINGLE("failures_acknowledged", FAILURES_ACKNOWLEDGED,
           "Updates answered 200 and lost, as on_update_failure says."),
    {PREFIX "timestamps_odd_total", "Events whose timestamp is not as it should be.",
     "{fault=\"malformed\"}", GW_COUNTER_TIMESTAMP_MALFORMED},
    {PREFIX "timestamps_odd_total", "", "{fault=\"ahead\"}", GW_COUNTER_TIMESTAMP_AHEAD},
    SECRET(1), SECRET(2), SECRET(3), SECRET(4), SECRET(5), SECRET(6), SECRET(7), SECRET(8),
    WRITE(PUT, STORED, "action=\"put\",outcome=\"stored\""),
    WRITE(PUT, SUPERSEDED, "action=\"put\",outcome=\"superseded\""),
    WRITE(PUT, REJECTED, "action=\"put\",outcome=\"rejected\""),
    WRITE(PUT, FAILED, "action=\"put\",outcome=\"failed\""),
    WRITE(PUT, AMBIGUOUS, "action=\"put\",outcome=\"ambiguous\""),
    WRITE(UPDATE, STORED, "action=\"update\",outcome=\"stored\""),
    WRITE(UPDATE, SUPERSEDED, "action=\"update\",outcome=\"superseded\""),
    WRITE(UPDATE, REJECTED, "action=\"update\",outcome=\"rejected\""),
    WRITE(UPDATE, FAILED, "action=\"update\",outcome=\"failed\""),
    WRITE(UPDATE, AMBIGUOUS, "action=\"update\",outcome=\"ambiguous\""),
    SINGLE("journal_batches", JOURNAL_BATCHES, "Batches of lines handed to the journal."),
    SINGLE("journal_lines", JOURNAL_LINES, "Lines that the journal stored."),
    SINGLE("journal_written_bytes", JOURNAL_BYTES, "Bytes that the journal stored."),
    SINGLE("journal_failures", JOURNAL_FAILURES, "Batches of which a part could not be stored."),
    SINGLE("dynamodb_requests", DYNAMODB_REQUESTS, "Requests sent to DynamoDB, with repetitions."),
    SINGLE("dynamodb_retries", DYNAMODB_RETRIES, "Those of them that were repetitions."),
    SINGLE("dynamodb_throttles", DYNAMODB_THROTTLES, "Those of them that DynamoDB throttled."),
    SINGLE("dynamodb_merges", DYNAMODB_MERGES, "Writes of an event merged with the item there."),
    SINGLE("dynamodb_reads", DYNAMODB_READS, "Reads of an item that an answer did not bring."),
    SINGLE("dynamodb_outages", DYNAMODB_OUTAGES, "Times that DynamoDB began to take no writes."),
};
/* clang-format on */

/* How a gauge's number becomes Prometheus's base unit. */
enum scale { ONE, MILLI, MICRO };

static const struct {
    const char *name, *type, *help;
    enum scale scale;
    bool never_zero;
} gauge_rows[GW_GAUGE_COUNT] = {
    [GW_GAUGE_READY] = {PREFIX "ready", "gauge", "Whether events can be stored, as /readyz says."},
    [GW_GAUGE_DRAINING] = {PREFIX "draining", "gauge", "Whether it is stopping."},
    [GW_GAUGE_STORE_OUT] = {PREFIX "store_out", "gauge", "Whether the store takes no writes."},
    [GW_GAUGE_WORKERS] = {PREFIX "workers", "gauge", "Threads that serve requests."},
    [GW_GAUGE_CONNECTIONS] = {PREFIX "connections", "gauge", "Open connections."},
    [GW_GAUGE_MAX_CONNECTIONS] = {PREFIX "connections_limit", "gauge", "max_connections."},
    [GW_GAUGE_BUFFERED_BYTES] = {PREFIX "buffered_bytes", "gauge", "Bodies held in memory."},
    [GW_GAUGE_MAX_BUFFERED_BYTES] = {PREFIX "buffered_limit_bytes", "gauge", "max_buffered."},
    [GW_GAUGE_IN_FLIGHT] = {PREFIX "in_flight", "gauge", "Writes that wait for the store."},
    [GW_GAUGE_MAX_IN_FLIGHT] = {PREFIX "in_flight_limit", "gauge", "max_in_flight."},
    [GW_GAUGE_LAST_EVENT_MS] = {PREFIX "last_event_timestamp_seconds", "gauge",
                                "When an event with a right signature came last.", MILLI, true},
    [GW_GAUGE_GAP_START_MS] = {PREFIX "last_gap_start_timestamp_seconds", "gauge",
                               "From when on events may be missing.", MILLI, true},
    [GW_GAUGE_GAP_END_MS] = {PREFIX "last_gap_end_timestamp_seconds", "gauge",
                             "Until when events may be missing.", MILLI, true},
    [GW_GAUGE_CREDENTIALS_EXPIRE_MS] = {PREFIX "credentials_expiry_timestamp_seconds", "gauge",
                                        "When the credentials in use expire.", MILLI, true},
    [GW_GAUGE_CPU_US] = {"process_cpu_seconds_total", "counter", "CPU time used.", MICRO},
    [GW_GAUGE_RESIDENT_BYTES] = {"process_resident_memory_bytes", "gauge", "Resident memory.", ONE,
                                 true},
    [GW_GAUGE_VIRTUAL_BYTES] = {"process_virtual_memory_bytes", "gauge", "Virtual memory.", ONE,
                                true},
    [GW_GAUGE_OPEN_FILES] = {"process_open_fds", "gauge", "Open file descriptors.", ONE, true},
    [GW_GAUGE_MAX_FILES] = {"process_max_fds", "gauge", "Most file descriptors.", ONE, true},
    [GW_GAUGE_START_MS] = {"process_start_time_seconds", "gauge", "When it started.", MILLI, true},
};

static const char *const phases[GW_HISTOGRAM_COUNT] = {
    [GW_HISTOGRAM_RECEIVE] = "phase=\"receive\"",
    [GW_HISTOGRAM_VERIFY] = "phase=\"verify\"",
    [GW_HISTOGRAM_STORE] = "phase=\"store\"",
};

static int write_head(struct gw_buffer *out, const char *name, const char *type, const char *help)
{
    return gw_buffer_appendf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static int write_counters(struct gw_buffer *out, const struct gw_account *account)
{
    const char *family = "";
    int r = 0;

    for (size_t i = 0; i < GW_COUNT(samples) && r == 0; i++) {
        const struct sample *sample = &samples[i];

        if (strcmp(sample->family, family) != 0)
            r = write_head(out, sample->family, "counter", sample->help);
        family = sample->family;
        if (r == 0)
            r = gw_buffer_appendf(out, "%s%s %" PRIu64 "\n", family, sample->labels,
                                  gw_account_total(account, sample->counter));
    }
    return r;
}

static int write_gauges(struct gw_buffer *out, const struct gw_gauges *gauges)
{
    static const struct {
        int64_t divisor;
        int digits;
    } scales[] = {[ONE] = {1, 0}, [MILLI] = {1000, 3}, [MICRO] = {1000000, 6}};
    int r = 0;

    for (size_t i = 0; i < GW_GAUGE_COUNT && r == 0; i++) {
        const int64_t value = gauges->values[i], divisor = scales[gauge_rows[i].scale].divisor;

        if (value == 0 && gauge_rows[i].never_zero)
            continue;
        r = write_head(out, gauge_rows[i].name, gauge_rows[i].type, gauge_rows[i].help);
        if (r == 0)
            r = gw_buffer_appendf(out, "%s %" PRId64, gauge_rows[i].name, value / divisor);
        if (r == 0 && divisor > 1)
            r = gw_buffer_appendf(out, ".%0*" PRId64, scales[gauge_rows[i].scale].digits,
                                  value % divisor);
        if (r == 0)
            r = gw_buffer_append(out, GW_STR("\n"));
    }
    return r;
}

/* Buckets are cumulated here, so that counting adds to one alone. */
static int write_histogram(struct gw_buffer *out, const struct gw_account *account,
                           enum gw_histogram histogram)
{
    const char *labels = phases[histogram];
    struct gw_distribution d;
    uint64_t below = 0;
    int r = 0;

    gw_account_distribution(account, histogram, &d);
    for (size_t i = 0; i < GW_BUCKETS && r == 0; i++) {
        below += d.buckets[i];
        r = gw_buffer_appendf(out,
                              PREFIX "phase_duration_seconds_bucket{%s,le=\"%g\"} %" PRIu64 "\n",
                              labels, (double)gw_bucket_bounds_us[i] / 1e6, below);
    }
    below += d.buckets[GW_BUCKETS];
    return r ? r
             : gw_buffer_appendf(out,
                                 PREFIX "phase_duration_seconds_bucket{%s,le=\"+Inf\"} %" PRIu64
                                        "\n" PREFIX "phase_duration_seconds_sum{%s} %.6f\n" PREFIX
                                        "phase_duration_seconds_count{%s} %" PRIu64 "\n",
                                 labels, below, labels, (double)d.sum_us / 1e6, labels, below);
}

static int write_build(struct gw_buffer *out)
{
    int r = write_head(out, PREFIX "build_info", "gauge", "What was built; always 1.");

    return r ? r : gw_buffer_appendf(out, PREFIX "build_info{version=\"" GW_VERSION "\"} 1\n");
}

int gw_exposition_write(struct gw_buffer *out, const struct gw_account *account,
                        const struct gw_gauges *gauges)
{
    int r = write_build(out);

    if (r == 0)
        r = write_counters(out, account);
    if (r == 0)
        r = write_gauges(out, gauges);
    if (r == 0)
        r = write_head(out, PREFIX "phase_duration_seconds", "histogram",
                       "How long events took to be received, verified and stored.");
    for (int i = 0; i < GW_HISTOGRAM_COUNT && r == 0; i++)
        r = write_histogram(out, account, (enum gw_histogram)i);
    return r;
}
