/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/outage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SILENCE_MS 3000

/* By different events. */
static void fail_until_out(struct gw_outage *outage, int64_t now_ms)
{
    for (int i = 0; i < GW_OUTAGE_FAILURES; i++)
        assert_false(gw_outage_failed(outage, true, now_ms));
    assert_true(gw_outage_failed(outage, true, now_ms + SILENCE_MS));
    assert_true(outage->out);
}

static void test_failures_of_several_and_silence_make_an_outage(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS};

    (void)state;
    fail_until_out(&outage, 5000);
    assert_false(gw_outage_failed(&outage, true, 9000)); /* it has begun */
}

static void test_failures_alone_make_none_while_others_are_answered(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS};

    (void)state;
    for (int64_t now_ms = 0; now_ms < 100000; now_ms += 500) {
        assert_false(gw_outage_answered(&outage));
        for (int i = 0; i < 50; i++)
            assert_false(gw_outage_failed(&outage, true, now_ms + i * (SILENCE_MS - 1) / 49));
    }
}

/* Idle time before the first failure is none. */
static void test_silence_alone_makes_none(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS};

    (void)state;
    for (int i = 0; i < GW_OUTAGE_FAILURES + 1; i++)
        assert_false(gw_outage_failed(&outage, true, 1000000 + i));
}

static void test_one_event_that_fails_again_and_again_makes_none(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS};

    (void)state;
    for (int64_t now_ms = 0; now_ms < 100000; now_ms += 500)
        assert_false(gw_outage_failed(&outage, now_ms == 0, now_ms));
    /* Nor does one that failed before the last answer count twice. */
    assert_false(gw_outage_answered(&outage));
    for (int64_t now_ms = 100000; now_ms < 200000; now_ms += 500)
        assert_false(gw_outage_failed(&outage, false, now_ms));
}

static void test_failures_that_came_early_count_once_it_is_silent(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS};

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_false(gw_outage_failed(&outage, true, 10));
    assert_true(gw_outage_failed(&outage, false, 10 + SILENCE_MS));
}

static void test_an_answer_ends_it(void **state)
{
    struct gw_outage outage = {.silence_ms = SILENCE_MS};

    (void)state;
    fail_until_out(&outage, 0);
    assert_true(gw_outage_answered(&outage));
    assert_false(outage.out);
    assert_false(gw_outage_answered(&outage));
    fail_until_out(&outage, 3001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_of_several_and_silence_make_an_outage),
        cmocka_unit_test(test_failures_alone_make_none_while_others_are_answered),
        cmocka_unit_test(test_silence_alone_makes_none),
        cmocka_unit_test(test_one_event_that_fails_again_and_again_makes_none),
        cmocka_unit_test(test_failures_that_came_early_count_once_it_is_silent),
        cmocka_unit_test(test_an_answer_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
