/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gw_metrics worker, other_worker, backend;

static struct gw_account account_of_three(void)
{
    struct gw_account account = {.count = 0};

    worker = other_worker = backend = (struct gw_metrics){0};
    gw_account_add(&account, &worker);
    gw_account_add(&account, &other_worker);
    gw_account_add(&account, &backend);
    return account;
}

static void test_a_total_is_the_sum_over_all_sets_as_they_are_now(void **state)
{
    struct gw_account account = account_of_three();

    (void)state;
    assert_int_equal(gw_account_total(&account, GW_COUNTER_STORED), 0);
    gw_metrics_add(&worker, GW_COUNTER_STORED, 3);
    gw_metrics_add(&other_worker, GW_COUNTER_STORED, UINT64_C(1) << 40);
    gw_metrics_add(&backend, GW_COUNTER_JOURNAL_LINES, 5);
    assert_int_equal(gw_account_total(&account, GW_COUNTER_STORED), (UINT64_C(1) << 40) + 3);
    assert_int_equal(gw_account_total(&account, GW_COUNTER_JOURNAL_LINES), 5);
    assert_int_equal(gw_account_total(&account, GW_COUNTER_FAILED), 0);
}

static void test_there_is_room_for_all_workers_and_the_backend(void **state)
{
    struct gw_account account = {.count = 0};

    (void)state;
    worker = (struct gw_metrics){0};
    gw_metrics_add(&worker, GW_COUNTER_STORED, 1);
    for (size_t i = 0; i < GW_CONFIG_WORKERS_MAX + 1; i++)
        gw_account_add(&account, &worker);
    assert_int_equal(gw_account_total(&account, GW_COUNTER_STORED), GW_CONFIG_WORKERS_MAX + 1);
}

static void test_a_distribution_is_summed_over_all_sets(void **state)
{
    struct gw_account account = account_of_three();
    struct gw_distribution distribution;

    (void)state;
    gw_metrics_observe(&worker, GW_HISTOGRAM_VERIFY, 5);
    gw_metrics_observe(&worker, GW_HISTOGRAM_STORE, 5);
    gw_metrics_observe(&other_worker, GW_HISTOGRAM_VERIFY, 7);
    gw_metrics_observe(&other_worker, GW_HISTOGRAM_VERIFY, 11);
    gw_account_distribution(&account, GW_HISTOGRAM_VERIFY, &distribution);
    assert_int_equal(distribution.buckets[0], 2);
    assert_int_equal(distribution.buckets[1], 1);
    assert_int_equal(distribution.sum_us, 23);
}

static void test_the_last_event_is_the_latest_of_all_sets(void **state)
{
    struct gw_account account = account_of_three();

    (void)state;
    assert_int_equal(gw_account_last_event_ms(&account), 0);
    worker.last_event_ms = 7;
    other_worker.last_event_ms = 9;
    assert_int_equal(gw_account_last_event_ms(&account), 9);
}

static void test_the_status_shows_the_accounting_whether_zero_or_not(void **state)
{
    struct gw_account account = account_of_three();
    char text[256], small[20];

    (void)state;
    gw_metrics_add(&worker, GW_COUNTER_VERIFIED, 12);
    gw_metrics_add(&worker, GW_COUNTER_STORED, 8);
    gw_metrics_add(&other_worker, GW_COUNTER_STORED, 2);
    gw_metrics_add(&other_worker, GW_COUNTER_FAILED, 2);
    gw_account_format(&account, text, sizeof(text));
    assert_string_equal(text,
                        "verified 12, stored 10, superseded 0, skipped 0, rejected 0, failed 2");
    gw_account_format(&account, small, sizeof(small));
    assert_string_equal(small, "verified 12, stored");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_total_is_the_sum_over_all_sets_as_they_are_now),
        cmocka_unit_test(test_there_is_room_for_all_workers_and_the_backend),
        cmocka_unit_test(test_a_distribution_is_summed_over_all_sets),
        cmocka_unit_test(test_the_last_event_is_the_latest_of_all_sets),
        cmocka_unit_test(test_the_status_shows_the_accounting_whether_zero_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
