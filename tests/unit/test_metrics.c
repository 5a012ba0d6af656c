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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_counter_has_a_name_of_its_own),
        cmocka_unit_test(test_additions_are_summed_by_counter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
