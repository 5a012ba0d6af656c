/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/durations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gw_durations durations;

static void test_percentiles_of_none_are_nothing(void **state)
{
    (void)state;
    durations = (struct gw_durations){0};
    assert_int_equal(gw_durations_percentile(&durations, 50), 0);
    assert_int_equal(gw_durations_percentile(&durations, 100), 0);
}

static void test_any_duration_is_told_to_a_thirty_second(void **state)
{
    (void)state;
    for (int64_t us = 1; us < INT64_C(1) << GW_DURATION_BITS; us = us * 5 / 4 + 1) {
        int64_t told;

        durations = (struct gw_durations){0};
        gw_durations_add(&durations, us);
        gw_durations_add(&durations, INT64_MAX); /* so that the greatest bounds nothing */
        told = gw_durations_percentile(&durations, 50);
        if (told < us || told > us + us / 32)
            fail_msg("%lld is told as %lld", (long long)us, (long long)told);
    }
}

static void test_percentiles_are_ranks(void **state)
{
    static const struct {
        unsigned percent;
        int64_t at_least, at_most;
    } cases[] = {
        {1, 1000, 1032},     {50, 50000, 51600},    {90, 90000, 92900},
        {99, 99000, 100000}, {100, 100000, 100000},
    };

    (void)state;
    durations = (struct gw_durations){0};
    for (int i = 100; i > 0; i--)
        gw_durations_add(&durations, i * 1000);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        int64_t told = gw_durations_percentile(&durations, cases[i].percent);

        if (told < cases[i].at_least || told > cases[i].at_most)
            fail_msg("p%u is %lld", cases[i].percent, (long long)told);
    }
    assert_int_equal(durations.count, 100);
    assert_int_equal(durations.max_us, 100000);
}

static void test_what_is_out_of_bounds_counts_as_their_end(void **state)
{
    (void)state;
    durations = (struct gw_durations){0};
    gw_durations_add(&durations, -5);
    gw_durations_add(&durations, 0);
    gw_durations_add(&durations, INT64_MAX);
    assert_int_equal(durations.count, 3);
    assert_int_equal(gw_durations_percentile(&durations, 50), 0);
    assert_int_equal(gw_durations_percentile(&durations, 100),
                     (INT64_C(1) << GW_DURATION_BITS) - 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percentiles_of_none_are_nothing),
        cmocka_unit_test(test_any_duration_is_told_to_a_thirty_second),
        cmocka_unit_test(test_percentiles_are_ranks),
        cmocka_unit_test(test_what_is_out_of_bounds_counts_as_their_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
