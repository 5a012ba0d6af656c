/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/limits.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

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

static const struct {
    const char *files; /* "NAME CONTENT;NAME CONTENT...", below the root */
    const char *groups;
    unsigned cpus;
} quotas[] = {
    /* v2: the own group, one above it, the root as in a container, none */
    {"a/b/cpu.max 250000 100000;a/cpu.max 400000 100000", "0::/a/b\n", 3},
    {"a/b/cpu.max 400000 100000;a/cpu.max 150000 100000", "0::/a/b\n", 2},
    {"a/b/cpu.max max 100000;a/cpu.max 100000 100000", "0::/a/b\n", 1},
    {"cpu.max 200000 100000", "0::/\n", 2},
    {"cpu.max 1000 100000", "0::/not/there\n", 1},
    {"a/cpu.max max 100000;c/cpu.max 100000 100000", "0::/a\n", UINT_MAX},
    {"a/cpu.max nonsense", "0::/a\n", UINT_MAX},
    {"cpu.max 100000 0", "0::/\n", UINT_MAX},
    /* v1, where the controllers may share a hierarchy; v2 beside it has no cpu.max */
    {"cpu/s/a/cpu.cfs_quota_us 150000;cpu/s/a/cpu.cfs_period_us 100000", "4:cpu:/s/a\n0::/\n", 2},
    {"cpu/s/a/cpu.cfs_quota_us -1;cpu/s/a/cpu.cfs_period_us 100000;"
     "cpu/s/cpu.cfs_quota_us 300000;cpu/s/cpu.cfs_period_us 100000",
     "9:name=systemd:/s/a\n4:cpuacct,cpu:/s/a\n", 3},
    {"cpu/cpu.cfs_quota_us 50000;cpu/cpu.cfs_period_us 100000", "1:cpu:/docker/x\n", 1},
    {"cpu/a/cpu.cfs_quota_us 50000;cpu/a/cpu.cfs_period_us 100000", "3:cpuset:/a\n1:cpu:/b\n",
     UINT_MAX},
    {"cpu/cpu.cfs_quota_us 50000;cpu/cpu.cfs_period_us 100000", "nonsense\n1\n1:cpu\n1:cpu:\n:\n",
     UINT_MAX},
    {"cpu.max 100000 100000", "", UINT_MAX},
};

static char root[] = "/tmp/test_limits.XXXXXX";

static void put_file(const char *name, const char *content)
{
    char path[128], command[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    snprintf(command, sizeof(command), "mkdir -p $(dirname %s)", path);
    assert_int_equal(system(command), 0);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_files(const char *files)
{
    char copy[256], *rest = copy;

    snprintf(copy, sizeof(copy), "%s", files);
    while (rest) {
        char *content = strsep(&rest, ";");
        char *name = strsep(&content, " ");

        put_file(name, content);
    }
}

static int empty_root(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", root);
    return system(command);
}

static void test_cpus_follow_the_tightest_quota_of_all_levels(void **state)
{
    char groups[64];

    for (size_t i = 0; i < GW_COUNT(quotas); i++) {
        put_files(quotas[i].files);
        put_file("groups", quotas[i].groups);
        snprintf(groups, sizeof(groups), "%s/groups", root);
        if (gw_limits_cgroup_cpus(root, groups) != quotas[i].cpus)
            fail_msg("%s, %s: %u", quotas[i].files, quotas[i].groups,
                     gw_limits_cgroup_cpus(root, groups));
        empty_root(state);
    }
    assert_int_equal(gw_limits_cgroup_cpus(root, "/nonexistent"), UINT_MAX);
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
        cmocka_unit_test_teardown(test_cpus_follow_the_tightest_quota_of_all_levels, empty_root),
        cmocka_unit_test(test_the_soft_limit_of_files_is_raised_up_to_the_hard_one),
    };

    return mkdtemp(root) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
