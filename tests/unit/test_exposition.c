/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/exposition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gw_metrics set;
static struct gw_account account;
static struct gw_gauges gauges;
static struct gw_buffer out;

static int set_up(void **state)
{
    (void)state;
    set = (struct gw_metrics){0};
    account = (struct gw_account){.count = 0};
    gauges = (struct gw_gauges){{0}};
    gw_account_add(&account, &set);
    gw_buffer_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gw_buffer_deinit(&out);
    return 0;
}

static const char *written(void)
{
    assert_int_equal(gw_exposition_write(&out, &account, &gauges), 0);
    assert_int_equal(gw_buffer_append(&out, (struct gw_str){"", 1}), 0);
    return out.data;
}

static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);

    for (const char *at = text; (at = strstr(at, line)) != NULL; at += len)
        if ((at == text || at[-1] == '\n') && at[len] == '\n')
            return true;
    return false;
}

static void test_each_counter_is_shown_once(void **state)
{
    (void)state;
    for (int i = 0; i < GW_COUNTER_COUNT; i++) {
        char value[32];
        const char *found;

        set = (struct gw_metrics){0};
        out.len = 0;
        gw_metrics_add(&set, (enum gw_counter)i, 987654321);
        snprintf(value, sizeof(value), " %d\n", 987654321);
        found = strstr(written(), value);
        assert_non_null(found);
        assert_null(strstr(found + 1, value));
    }
}

static void test_samples_have_the_names_that_dashboards_ask_for(void **state)
{
    static const char *const lines[] = {
        "# TYPE genesys_webhookd_requests_total counter",
        "genesys_webhookd_requests_total{status=\"401\"} 3",
        "genesys_webhookd_refused_total{reason=\"wrong_signature\"} 2",
        "genesys_webhookd_events_total{outcome=\"stored\"} 5",
        "genesys_webhookd_writes_total{action=\"update\",outcome=\"superseded\"} 7",
        "genesys_webhookd_secret_matched_total{secret=\"8\"} 1",
        "# TYPE genesys_webhookd_ready gauge",
        "genesys_webhookd_ready 1",
        "genesys_webhookd_in_flight 0",
        "genesys_webhookd_last_event_timestamp_seconds 1700000000.007",
        "process_cpu_seconds_total 1.000001",
    };

    (void)state;
    gw_metrics_add(&set, GW_COUNTER_REPLY_401, 3);
    gw_metrics_add(&set, GW_COUNTER_REFUSED_WRONG_SIGNATURE, 2);
    gw_metrics_add(&set, GW_COUNTER_STORED, 5);
    gw_metrics_add(&set, GW_COUNTER_UPDATE_SUPERSEDED, 7);
    gw_metrics_add(&set, GW_COUNTER_SECRET_MATCHED + 7, 1);
    gauges.values[GW_GAUGE_READY] = 1;
    gauges.values[GW_GAUGE_LAST_EVENT_MS] = INT64_C(1700000000007);
    gauges.values[GW_GAUGE_CPU_US] = 1000001;
    const char *text = written();

    for (size_t i = 0; i < GW_COUNT(lines); i++)
        if (!has_line(text, lines[i]))
            fail_msg("%s is not there", lines[i]);
}

static void test_the_version_is_shown(void **state)
{
    (void)state;
    assert_true(has_line(written(), "genesys_webhookd_build_info{version=\"" GW_VERSION "\"} 1"));
}

static void test_buckets_are_cumulated(void **state)
{
    static const char *const lines[] = {
        "genesys_webhookd_phase_duration_seconds_bucket{phase=\"store\",le=\"1e-05\"} 0",
        "genesys_webhookd_phase_duration_seconds_bucket{phase=\"store\",le=\"0.00025\"} 1",
        "genesys_webhookd_phase_duration_seconds_bucket{phase=\"store\",le=\"0.5\"} 2",
        "genesys_webhookd_phase_duration_seconds_bucket{phase=\"store\",le=\"10\"} 2",
        "genesys_webhookd_phase_duration_seconds_bucket{phase=\"store\",le=\"+Inf\"} 3",
        "genesys_webhookd_phase_duration_seconds_sum{phase=\"store\"} 20.300200",
        "genesys_webhookd_phase_duration_seconds_count{phase=\"store\"} 3",
        "genesys_webhookd_phase_duration_seconds_count{phase=\"verify\"} 0",
    };

    (void)state;
    gw_metrics_observe(&set, GW_HISTOGRAM_STORE, 200);
    gw_metrics_observe(&set, GW_HISTOGRAM_STORE, 300000);
    gw_metrics_observe(&set, GW_HISTOGRAM_STORE, 20000000);
    const char *text = written();

    for (size_t i = 0; i < GW_COUNT(lines); i++)
        if (!has_line(text, lines[i]))
            fail_msg("%s is not there", lines[i]);
}

static void test_a_time_that_never_was_is_left_out(void **state)
{
    (void)state;
    const char *text = written();

    assert_null(strstr(text, "last_event_timestamp_seconds"));
    assert_null(strstr(text, "credentials_expiry_timestamp_seconds"));
    assert_non_null(strstr(text, "genesys_webhookd_connections 0\n"));
}

static void test_where_there_is_no_room_it_says_so(void **state)
{
    (void)state;
    out.max = 1000;
    assert_int_not_equal(gw_exposition_write(&out, &account, &gauges), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_counter_is_shown_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_samples_have_the_names_that_dashboards_ask_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_version_is_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_buckets_are_cumulated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_time_that_never_was_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_where_there_is_no_room_it_says_so, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
