/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/aws_retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ALMOST_ONE 0x1.fffffffffffffp-1 /* the greatest below 1 */
#define UNTOUCHED 77

static const enum gw_aws_fault repeated[] = {GW_AWS_FAULT_TRANSIENT, GW_AWS_FAULT_AMBIGUOUS,
                                             GW_AWS_FAULT_THROTTLED, GW_AWS_FAULT_EXPIRED,
                                             GW_AWS_FAULT_SKEWED};

/* After the first of four attempts, with a whole deadline left. */
static struct gw_aws_retry_question question_of(enum gw_aws_fault fault)
{
    return (struct gw_aws_retry_question){.fault = fault,
                                          .attempt = 1,
                                          .max_attempts = 4,
                                          .retry_after_ms = -1,
                                          .left_ms = 60000,
                                          .random = 0.5};
}

static int64_t ask(struct gw_aws_retry_question question, int *tokens, int *paid)
{
    struct gw_aws_bucket bucket = {*tokens};
    int64_t delay = gw_aws_retry_delay(&question, &bucket, paid);

    *tokens = bucket.tokens;
    return delay;
}

/* The delay of a question that costs @cost. */
static int64_t delay_of(struct gw_aws_retry_question question, int cost)
{
    int tokens = 500, paid = UNTOUCHED;
    int64_t delay = ask(question, &tokens, &paid);

    assert_true(delay >= 0);
    assert_int_equal(paid, cost);
    assert_int_equal(tokens, 500 - cost);
    return delay;
}

static void check_none(struct gw_aws_retry_question question, int had)
{
    int tokens = had, paid = UNTOUCHED;

    assert_true(ask(question, &tokens, &paid) < 0);
    assert_int_equal(tokens, had);
    assert_int_equal(paid, UNTOUCHED);
}

static void test_a_delay_is_a_share_of_a_base_that_doubles_up_to_20_s(void **state)
{
    static const struct {
        int attempt;
        double random;
        int64_t transient_ms, throttled_ms;
    } cases[] = {
        {1, 0, 0, 0},
        {1, 0.5, 12, 500},
        {1, ALMOST_ONE, 24, 999},
        {2, 0.5, 25, 1000},
        {3, 0.5, 50, 2000},
        {3, 0.25, 25, 1000},
        {4, 0.5, 100, 4000},
        {5, 0.5, 200, 8000},
        {6, 0.5, 400, 10000}, /* 32 s are 20 */
        {7, 0.5, 800, 10000},
        {10, 0.5, 6400, 10000},
        {11, 0.5, 10000, 10000},
        {11, ALMOST_ONE, 19999, 19999},
        {1000, 0.5, 10000, 10000},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_aws_retry_question question = question_of(GW_AWS_FAULT_TRANSIENT);

        question.attempt = cases[i].attempt;
        question.max_attempts = cases[i].attempt + 1;
        question.random = cases[i].random;
        assert_int_equal(delay_of(question, 14), cases[i].transient_ms);
        question.fault = GW_AWS_FAULT_AMBIGUOUS;
        assert_int_equal(delay_of(question, 14), cases[i].transient_ms);
        question.fault = GW_AWS_FAULT_THROTTLED;
        assert_int_equal(delay_of(question, 5), cases[i].throttled_ms);
    }
}

static void test_a_server_may_ask_for_5_s_more_and_not_for_less(void **state)
{
    static const struct {
        enum gw_aws_fault fault;
        int64_t retry_after_ms, delay_ms;
        int cost;
    } cases[] = {
        {GW_AWS_FAULT_THROTTLED, -1, 500, 5},     {GW_AWS_FAULT_THROTTLED, INT64_MIN, 500, 5},
        {GW_AWS_FAULT_THROTTLED, 0, 500, 5},      {GW_AWS_FAULT_THROTTLED, 499, 500, 5},
        {GW_AWS_FAULT_THROTTLED, 501, 501, 5},    {GW_AWS_FAULT_THROTTLED, 5499, 5499, 5},
        {GW_AWS_FAULT_THROTTLED, 5501, 5500, 5},  {GW_AWS_FAULT_THROTTLED, INT64_MAX, 5500, 5},
        {GW_AWS_FAULT_TRANSIENT, 13, 13, 14},     {GW_AWS_FAULT_TRANSIENT, 60000, 5012, 14},
        {GW_AWS_FAULT_AMBIGUOUS, 1500, 1500, 14}, {GW_AWS_FAULT_EXPIRED, 1500, 0, 14},
        {GW_AWS_FAULT_SKEWED, 1500, 0, 14},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_aws_retry_question question = question_of(cases[i].fault);

        question.retry_after_ms = cases[i].retry_after_ms;
        assert_int_equal(delay_of(question, cases[i].cost), cases[i].delay_ms);
    }
}

static void test_what_was_answered_or_refused_is_never_repeated(void **state)
{
    (void)state;
    check_none(question_of(GW_AWS_FAULT_NONE), 500);
    check_none(question_of(GW_AWS_FAULT_REFUSED), 500);
}

static void test_credentials_and_clock_are_corrected_once_and_at_once(void **state)
{
    static const enum gw_aws_fault faults[] = {GW_AWS_FAULT_EXPIRED, GW_AWS_FAULT_SKEWED};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(faults); i++) {
        struct gw_aws_retry_question question = question_of(faults[i]);

        question.attempt = 3;
        question.random = ALMOST_ONE;
        question.left_ms = 1;
        assert_int_equal(delay_of(question, 14), 0);
        question.refreshed = true;
        question.left_ms = 60000;
        check_none(question, 500);
    }
}

static void test_a_correction_does_not_end_the_other_retries(void **state)
{
    struct gw_aws_retry_question question = question_of(GW_AWS_FAULT_TRANSIENT);

    (void)state;
    question.refreshed = true;
    assert_int_equal(delay_of(question, 14), 12);
    question.fault = GW_AWS_FAULT_THROTTLED;
    assert_int_equal(delay_of(question, 5), 500);
}

static void test_attempts_are_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(repeated); i++) {
        struct gw_aws_retry_question question = question_of(repeated[i]);
        int tokens = 500, paid;

        question.attempt = 3;
        assert_true(ask(question, &tokens, &paid) >= 0);
        question.attempt = 4;
        check_none(question, 500);
        question.attempt = 1;
        question.max_attempts = 1;
        check_none(question, 500);
    }
}

static void test_a_retry_that_could_only_begin_at_the_deadline_is_not_made(void **state)
{
    static const struct {
        enum gw_aws_fault fault;
        int64_t retry_after_ms, delay_ms;
        int cost;
    } cases[] = {
        {GW_AWS_FAULT_TRANSIENT, -1, 12, 14},  {GW_AWS_FAULT_THROTTLED, -1, 500, 5},
        {GW_AWS_FAULT_THROTTLED, 900, 900, 5}, {GW_AWS_FAULT_EXPIRED, -1, 0, 14},
        {GW_AWS_FAULT_SKEWED, -1, 0, 14},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_aws_retry_question question = question_of(cases[i].fault);

        question.retry_after_ms = cases[i].retry_after_ms;
        question.left_ms = cases[i].delay_ms + 1;
        assert_int_equal(delay_of(question, cases[i].cost), cases[i].delay_ms);
        question.left_ms = cases[i].delay_ms;
        check_none(question, 500);
        question.left_ms = -1;
        check_none(question, 500);
    }
}

static void test_without_enough_tokens_nothing_is_repeated(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(repeated); i++) {
        int cost = repeated[i] == GW_AWS_FAULT_THROTTLED ? 5 : 14, tokens = cost, paid;

        check_none(question_of(repeated[i]), 0);
        check_none(question_of(repeated[i]), cost - 1);
        assert_true(ask(question_of(repeated[i]), &tokens, &paid) >= 0);
        assert_int_equal(tokens, 0);
    }
}

static void test_a_success_gives_back_what_its_last_retry_cost_or_one(void **state)
{
    static const struct {
        int had, paid, has;
    } cases[] = {
        {0, 0, 1},      {0, 14, 14},   {0, 5, 5},     {100, 0, 101},  {486, 14, 500},
        {490, 14, 500}, {499, 0, 500}, {500, 0, 500}, {500, 14, 500},
    };
    struct gw_aws_bucket bucket;

    (void)state;
    gw_aws_bucket_init(&bucket);
    assert_int_equal(bucket.tokens, 500);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        bucket.tokens = cases[i].had;
        gw_aws_bucket_give(&bucket, cases[i].paid);
        assert_int_equal(bucket.tokens, cases[i].has);
    }
}

static void test_an_outage_ends_the_retries_and_successes_bring_them_back(void **state)
{
    struct gw_aws_retry_question question = question_of(GW_AWS_FAULT_TRANSIENT);
    struct gw_aws_bucket bucket;
    int retries = 0, paid = 0;

    (void)state;
    gw_aws_bucket_init(&bucket);
    while (gw_aws_retry_delay(&question, &bucket, &paid) >= 0)
        retries++;
    assert_int_equal(retries, 35); /* 500 / 14 */
    assert_int_equal(bucket.tokens, 10);
    for (int i = 0; i < 4; i++) {
        assert_true(gw_aws_retry_delay(&question, &bucket, &paid) < 0);
        gw_aws_bucket_give(&bucket, 0);
    }
    assert_true(gw_aws_retry_delay(&question, &bucket, &paid) >= 0);
    assert_int_equal(bucket.tokens, 0);
    gw_aws_bucket_give(&bucket, paid);
    assert_int_equal(bucket.tokens, 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_delay_is_a_share_of_a_base_that_doubles_up_to_20_s),
        cmocka_unit_test(test_a_server_may_ask_for_5_s_more_and_not_for_less),
        cmocka_unit_test(test_what_was_answered_or_refused_is_never_repeated),
        cmocka_unit_test(test_credentials_and_clock_are_corrected_once_and_at_once),
        cmocka_unit_test(test_a_correction_does_not_end_the_other_retries),
        cmocka_unit_test(test_attempts_are_counted),
        cmocka_unit_test(test_a_retry_that_could_only_begin_at_the_deadline_is_not_made),
        cmocka_unit_test(test_without_enough_tokens_nothing_is_repeated),
        cmocka_unit_test(test_a_success_gives_back_what_its_last_retry_cost_or_one),
        cmocka_unit_test(test_an_outage_ends_the_retries_and_successes_bring_them_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
