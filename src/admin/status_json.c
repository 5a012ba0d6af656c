/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names are the counters' own and those of the tables here, numbers are whole, times are in
 * milliseconds. Every text but the configuration's and the peers' is ours, and needs no escapes.
 */
#include "gw/status_json.h"

#include "gw/config_value.h"
#include "gw/json_string.h"
#include "gw/reply.h"

#include <inttypes.h>

static const char *const gauge_names[GW_GAUGE_COUNT] = {
    [GW_GAUGE_READY] = "ready",
    [GW_GAUGE_DRAINING] = "draining",
    [GW_GAUGE_STORE_OUT] = "store_out",
    [GW_GAUGE_WORKERS] = "workers",
    [GW_GAUGE_CONNECTIONS] = "connections",
    [GW_GAUGE_MAX_CONNECTIONS] = "max_connections",
    [GW_GAUGE_BUFFERED_BYTES] = "buffered_bytes",
    [GW_GAUGE_MAX_BUFFERED_BYTES] = "max_buffered_bytes",
    [GW_GAUGE_IN_FLIGHT] = "in_flight",
    [GW_GAUGE_MAX_IN_FLIGHT] = "max_in_flight",
    [GW_GAUGE_LAST_EVENT_MS] = "last_event_ms",
    [GW_GAUGE_GAP_START_MS] = "gap_start_ms",
    [GW_GAUGE_GAP_END_MS] = "gap_end_ms",
    [GW_GAUGE_CREDENTIALS_EXPIRE_MS] = "credentials_expire_ms",
    [GW_GAUGE_CPU_US] = "cpu_us",
    [GW_GAUGE_RESIDENT_BYTES] = "resident_bytes",
    [GW_GAUGE_VIRTUAL_BYTES] = "virtual_bytes",
    [GW_GAUGE_OPEN_FILES] = "open_files",
    [GW_GAUGE_MAX_FILES] = "max_files",
    [GW_GAUGE_START_MS] = "start_ms",
};

static const char *const histogram_names[GW_HISTOGRAM_COUNT] = {
    [GW_HISTOGRAM_RECEIVE] = "receive",
    [GW_HISTOGRAM_VERIFY] = "verify",
    [GW_HISTOGRAM_STORE] = "store",
};

static const char *comma(size_t index)
{
    return index > 0 ? "," : "";
}

static int write_counters(struct gw_buffer *out, const struct gw_status *status)
{
    int r = gw_buffer_append(out, GW_STR(",\"counters\":{"));

    for (size_t i = 0; i < GW_COUNTER_COUNT && r == 0; i++)
        r = gw_buffer_appendf(out, "%s\"%s\":%" PRIu64, comma(i),
                              gw_counter_name((enum gw_counter)i),
                              gw_account_total(status->account, (enum gw_counter)i));
    return r ? r : gw_buffer_append(out, GW_STR("}"));
}

static int write_gauges(struct gw_buffer *out, const struct gw_status *status)
{
    int r = gw_buffer_append(out, GW_STR(",\"gauges\":{"));

    for (size_t i = 0; i < GW_GAUGE_COUNT && r == 0; i++)
        r = gw_buffer_appendf(out, "%s\"%s\":%" PRId64, comma(i), gauge_names[i],
                              status->gauges->values[i]);
    return r ? r : gw_buffer_append(out, GW_STR("}"));
}

static int write_histogram(struct gw_buffer *out, const struct gw_status *status, size_t i)
{
    struct gw_distribution d;
    int r = gw_buffer_appendf(out, "%s\"%s\":[", comma(i), histogram_names[i]);

    gw_account_distribution(status->account, (enum gw_histogram)i, &d);
    for (size_t j = 0; j <= GW_BUCKETS && r == 0; j++)
        r = gw_buffer_appendf(out, "%s%" PRIu64, comma(j), d.buckets[j]);
    return r ? r : gw_buffer_append(out, GW_STR("]"));
}

/* The last bucket has no bound. */
static int write_histograms(struct gw_buffer *out, const struct gw_status *status)
{
    int r = gw_buffer_append(out, GW_STR(",\"bounds_us\":["));

    for (size_t i = 0; i < GW_BUCKETS && r == 0; i++)
        r = gw_buffer_appendf(out, "%s%" PRId64, comma(i), gw_bucket_bounds_us[i]);
    if (r == 0)
        r = gw_buffer_append(out, GW_STR("],\"histograms\":{"));
    for (size_t i = 0; i < GW_HISTOGRAM_COUNT && r == 0; i++)
        r = write_histogram(out, status, i);
    return r ? r : gw_buffer_append(out, GW_STR("}"));
}

/* What the counters that begin with "refused_" mean. */
static int write_reasons(struct gw_buffer *out, const struct gw_status *status)
{
    int r = gw_buffer_append(out, GW_STR(",\"reasons\":{"));

    (void)status;
    for (size_t i = GW_REASON_NONE + 1; i < GW_REASON_COUNT && r == 0; i++) {
        enum gw_reason reason = (enum gw_reason)i;

        r = gw_buffer_appendf(out, "%s\"%s\":{\"status\":%u,\"text\":\"%s\"}", comma(i - 1),
                              gw_counter_name(gw_reason_counter(reason)),
                              gw_reply_status(gw_reason_reply(reason)), gw_reason_text(reason));
    }
    return r ? r : gw_buffer_append(out, GW_STR("}"));
}

/* A path may be any bytes, and what is no UTF-8 would spoil the whole. */
static int write_text(struct gw_buffer *out, const char *text)
{
    size_t before = out->len;
    bool escaped;
    int r = gw_buffer_append_json(out, gw_str(text));

    if (r)
        return r;
    const uint8_t *at = (const uint8_t *)out->data + before;

    if (gw_json_string_scan(&at, (const uint8_t *)out->data + out->len, &escaped))
        return 0;
    out->len = before;
    return gw_buffer_append(out, GW_STR("\"(not UTF-8)\""));
}

static int write_refusals(struct gw_buffer *out, const struct gw_status *status)
{
    int r = gw_buffer_append(out, GW_STR(",\"refusals\":["));

    for (size_t i = 0; i < status->refusal_count && r == 0; i++) {
        const struct gw_refusal *refusal = &status->refusals[i];

        r = gw_buffer_appendf(out, "%s{\"at_ms\":%" PRId64 ",\"status\":%u,\"suppressed\":%u,",
                              comma(i), refusal->at_ms, refusal->status, refusal->suppressed);
        if (r == 0)
            r = gw_buffer_appendf(out, "\"reason\":\"%s\",\"peer\":", refusal->reason);
        if (r == 0)
            r = write_text(out, refusal->peer);
        if (r == 0)
            r = gw_buffer_append(out, GW_STR("}"));
    }
    return r ? r : gw_buffer_append(out, GW_STR("]"));
}

static int write_key(struct gw_buffer *out, const struct gw_config_key *key,
                     const struct gw_status *status)
{
    const struct gw_config *holding = key->reloadable ? status->latest : status->started;
    bool waits = !gw_config_value_equal(key, holding, status->latest);
    char value[GW_CONFIG_LINE_MAX + 1];
    int r = gw_buffer_appendf(
        out,
        "{\"section\":\"%s\",\"name\":\"%s\",\"default\":%s,\"waits\":%s,\"value\":", key->section,
        key->name, gw_config_value_is_initial(key, holding) ? "true" : "false",
        waits ? "true" : "false");

    gw_config_value_show(key, holding, value, sizeof(value));
    if (r == 0)
        r = write_text(out, value);
    return r ? r : gw_buffer_append(out, GW_STR("}"));
}

static int write_config(struct gw_buffer *out, const struct gw_status *status)
{
    int r = gw_buffer_appendf(out, ",\"secrets\":%zu,\"config\":[", status->secrets);

    for (size_t i = 0; i < gw_config_key_count && r == 0; i++) {
        r = gw_buffer_append(out, gw_str(comma(i)));
        if (r == 0)
            r = write_key(out, &gw_config_keys[i], status);
    }
    return r ? r : gw_buffer_append(out, GW_STR("]"));
}

int gw_status_json_write(struct gw_buffer *out, const struct gw_status *status)
{
    static int (*const parts[])(struct gw_buffer * out, const struct gw_status *status) = {
        write_gauges, write_counters, write_histograms, write_reasons, write_refusals, write_config,
    };
    int r = gw_buffer_appendf(out, "{\"version\":\"" GW_VERSION "\",\"now_ms\":%" PRId64,
                              status->now_ms);

    for (size_t i = 0; i < GW_COUNT(parts) && r == 0; i++)
        r = parts[i](out, status);
    return r ? r : gw_buffer_append(out, GW_STR("}\n"));
}
