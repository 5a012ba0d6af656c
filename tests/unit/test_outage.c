/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/outage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SILENCE_MS 3000

static void fail_until_out(struct gw_outage *outage, int64_t now_ms)
{
    for (int i = 1; i < GW_OUTAGE_FAILURES; i++)
        assert_false(gw_outage_failed(outage, now_ms));
    assert_true(gw_outage_failed(outage, now_ms));
    assert_true(outage->out);
}

static void test_failures_in_a_row_and_silence_make_an_outage(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS, .answered_at_ms = 5000};

    (void)state;
    fail_until_out(&outage, 5000 + SILENCE_MS);
    assert_false(gw_outage_failed(&outage, 9000)); /* it has begun */
}

static void test_failures_alone_make_none_while_others_are_answered(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS, .answered_at_ms = 0};

    (void)state;
    for (int64_t now_ms = 0; now_ms < 100000; now_ms += 500) {
        assert_false(gw_outage_answered(&outage, now_ms));
        for (int i = 0; i < 50; i++)
            assert_false(gw_outage_failed(&outage, now_ms + SILENCE_MS - 1));
    }
}

static void test_silence_alone_makes_none(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS, .answered_at_ms = 0};

    (void)state;
    for (int i = 1; i < GW_OUTAGE_FAILURES; i++)
        assert_false(gw_outage_failed(&outage, 1000000));
    assert_false(gw_outage_answered(&outage, 1000001));
    assert_false(gw_outage_failed(&outage, 9000000));
}

static void test_failures_that_came_early_count_once_it_is_silent(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS, .answered_at_ms = 0};

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_false(gw_outage_failed(&outage, 10));
    assert_true(gw_outage_failed(&outage, SILENCE_MS));
}

static void test_an_answer_ends_it(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS, .answered_at_ms = 0};

    (void)state;
    fail_until_out(&outage, SILENCE_MS);
    assert_true(gw_outage_answered(&outage, 3000));
    assert_false(outage.out);
    assert_false(gw_outage_answered(&outage, 3001));
    fail_until_out(&outage, 3001 + SILENCE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_in_a_row_and_silence_make_an_outage),
        cmocka_unit_test(test_failures_alone_make_none_while_others_are_answered),
        cmocka_unit_test(test_silence_alone_makes_none),
        cmocka_unit_test(test_failures_that_came_early_count_once_it_is_silent),
        cmocka_unit_test(test_an_answer_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
