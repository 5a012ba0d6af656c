/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/limits.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>

#include <cmocka.h>

static void test_no_more_than_the_maximum_is_taken(void **state)
{
    struct gw_limit limit = {.max = 10};

    (void)state;
    assert_true(gw_limit_take(&limit, 4));
    assert_true(gw_limit_take(&limit, 6));
    assert_false(gw_limit_take(&limit, 1));
    assert_true(gw_limit_take(&limit, 0));
    gw_limit_give(&limit, 6);
    assert_false(gw_limit_take(&limit, 7));
    assert_true(gw_limit_take(&limit, 6));
    assert_int_equal(limit.used, 10);
}

/* A reload may lower the maximum below what is taken. */
static void test_a_maximum_below_what_is_taken_refuses(void **state)
{
    struct gw_limit limit = {.max = 10};

    (void)state;
    assert_true(gw_limit_take(&limit, 10));
    limit.max = 5;
    assert_false(gw_limit_take(&limit, 1));
    gw_limit_give(&limit, 6);
    assert_true(gw_limit_take(&limit, 1));
}

#define THREADS 4
#define ROUNDS 20000

struct contender {
    struct gw_limit *limit;
    _Atomic int *over;
};

static void *contend(void *context)
{
    struct contender *contender = context;

    for (int i = 0; i < ROUNDS; i++)
        if (gw_limit_take(contender->limit, 1)) {
            if (contender->limit->used > contender->limit->max)
                atomic_fetch_add(contender->over, 1);
            gw_limit_give(contender->limit, 1);
        }
    return NULL;
}

static void test_threads_together_stay_within_the_maximum(void **state)
{
    struct gw_limit limit = {.max = 2};
    _Atomic int over = 0;
    struct contender contender = {&limit, &over};
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, contend, &contender), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(over, 0);
    assert_int_equal(limit.used, 0);
}

static void test_cpus_follow_the_affinity(void **state)
{
    cpu_set_t all, one;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    assert_in_range(gw_limits_cpus(), 1, (unsigned)CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &all)) {
            CPU_SET(i, &one);
            break;
        }
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(gw_limits_cpus(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void test_the_soft_limit_of_files_is_raised_up_to_the_hard_one(void **state)
{
    struct rlimit limit;
    uint64_t granted = 0;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 100;
    limit.rlim_max = limit.rlim_max < 200 ? limit.rlim_max : 200;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(gw_limits_raise_files(50, &granted), 0);
    assert_int_equal(granted, 100);
    assert_int_equal(gw_limits_raise_files(150, &granted), 0);
    assert_int_equal(granted, 150);
    assert_int_equal(gw_limits_raise_files(1000000, &granted), 0);
    assert_int_equal(granted, limit.rlim_max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_more_than_the_maximum_is_taken),
        cmocka_unit_test(test_a_maximum_below_what_is_taken_refuses),
        cmocka_unit_test(test_threads_together_stay_within_the_maximum),
        cmocka_unit_test(test_cpus_follow_the_affinity),
        cmocka_unit_test(test_the_soft_limit_of_files_is_raised_up_to_the_hard_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
