/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/metrics.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_every_counter_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNTER_COUNT; i++) {
        const char *name = gw_counter_name((enum gw_counter)i);

        assert_non_null(name);
        assert_true(name[0]);
        for (size_t n = 0; name[n]; n++)
            assert_true(islower(name[n]) || isdigit(name[n]) || name[n] == '_');
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(name, gw_counter_name((enum gw_counter)other));
    }
}

static void test_additions_are_summed_by_counter(void **state)
{
    struct gw_metrics metrics = {0};

    (void)state;
    gw_metrics_add(&metrics, GW_COUNTER_VERIFIED, 1);
    gw_metrics_add(&metrics, GW_COUNTER_VERIFIED, 41);
    assert_int_equal(gw_metrics_get(&metrics, GW_COUNTER_VERIFIED), 42);
    assert_int_equal(gw_metrics_get(&metrics, GW_COUNTER_STORED), 0);
}

static void test_a_bucket_takes_what_is_up_to_its_bound(void **state)
{
    static const struct {
        int64_t duration_us;
        size_t bucket;
    } cases[] = {{-1, 0},
                 {0, 0},
                 {10, 0},
                 {11, 1},
                 {25, 1},
                 {1000, 6},
                 {1001, 7},
                 {10000000, GW_BUCKETS - 1},
                 {10000001, GW_BUCKETS},
                 {INT64_MAX, GW_BUCKETS}};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_metrics metrics = {0};

        gw_metrics_observe(&metrics, GW_HISTOGRAM_STORE, cases[i].duration_us);
        for (size_t bucket = 0; bucket <= GW_BUCKETS; bucket++)
            assert_int_equal(metrics.buckets[GW_HISTOGRAM_STORE][bucket],
                             bucket == cases[i].bucket);
        assert_int_equal(metrics.sums_us[GW_HISTOGRAM_STORE],
                         cases[i].duration_us > 0 ? cases[i].duration_us : 0);
    }
}

static void test_bounds_rise(void **state)
{
    (void)state;
    for (size_t i = 1; i < GW_BUCKETS; i++)
        assert_true(gw_bucket_bounds_us[i - 1] < gw_bucket_bounds_us[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_counter_has_a_name_of_its_own),
        cmocka_unit_test(test_additions_are_summed_by_counter),
        cmocka_unit_test(test_a_bucket_takes_what_is_up_to_its_bound),
        cmocka_unit_test(test_bounds_rise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
