/* SPDX-License-Identifier: Apache-2.0 */
#include "../../src/aws/credentials_cache.h"

#include "gw/log.h"
#include "gw/time.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "files.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define NOW INT64_C(1795435200000)

static char message[GW_AWS_MESSAGE_SIZE];

/* --- the pure inside --- */

static const struct {
    int64_t left_ms; /* GW_AWS_NEVER: they do not expire */
    unsigned failures;
    int64_t wait_ms;
} waits[] = {
    {6 * HOUR, 0, 3 * HOUR},
    {HOUR, 0, 30 * MINUTE},
    {30 * MINUTE, 0, 15 * MINUTE},
    {20 * MINUTE, 0, 5 * MINUTE},
    {16 * MINUTE, 0, MINUTE},
    {15 * MINUTE, 0, 15 * MINUTE / 2},
    {10 * MINUTE, 0, 5 * MINUTE},
    {4 * SECOND, 0, 2 * SECOND},
    {SECOND, 0, SECOND},
    {1, 0, SECOND},
    {0, 0, SECOND},
    {-HOUR, 0, SECOND},
    {GW_AWS_NEVER, 0, GW_AWS_NEVER},
    {GW_AWS_NEVER, 1, SECOND},
    {6 * HOUR, 1, SECOND},
    {6 * HOUR, 2, 2 * SECOND},
    {6 * HOUR, 3, 4 * SECOND},
    {6 * HOUR, 4, 8 * SECOND},
    {6 * HOUR, 5, 16 * SECOND},
    {6 * HOUR, 6, 32 * SECOND},
    {6 * HOUR, 7, MINUTE},
    {-6 * HOUR, 8, MINUTE},
    {-6 * HOUR, 70, MINUTE},
    {HOUR, UINT32_MAX, MINUTE},
};

static void test_the_next_fetch_is_early_enough_and_backs_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(waits); i++) {
        bool never = waits[i].left_ms == GW_AWS_NEVER;
        int64_t expires_at_ms = never ? GW_AWS_NEVER : NOW + waits[i].left_ms;

        assert_int_equal(gw_credentials_next_fetch_ms(NOW, expires_at_ms, waits[i].failures),
                         waits[i].wait_ms);
    }
}

/* One after the other. */
static const struct {
    int64_t after_ms;
    bool heard;
} refusals[] = {
    {0, true},
    {0, false},
    {SECOND - 1, false},
    {1, true},
    {2 * SECOND - 1, false},
    {1, true},
    {4 * SECOND, true},
    {8 * SECOND, true},
    {16 * SECOND, true},
    {31 * SECOND, false},
    {SECOND, true},
    {MINUTE - 1, false},
    {1, true},
    {MINUTE, true},
    {2 * MINUTE, true},
    {SECOND, true},
};

static void test_refusals_in_a_row_are_heard_ever_more_seldom(void **state)
{
    struct gw_credentials_refusals heard = {0};
    int64_t now_ms = 5;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(refusals); i++) {
        now_ms += refusals[i].after_ms;
        if (gw_credentials_refusal_heard(&heard, now_ms) != refusals[i].heard)
            fail_msg("refusal %zu", i);
    }
}

/* --- a provider that the test holds in its hand --- */

struct fake {
    struct gw_provider provider;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    int fetches, frees;
    int result, later_result;             /* of the first fetch, and of those after it */
    int64_t expires_in, later_expires_in; /* of what they bring; GW_AWS_NEVER */
    bool blocks, is_blocked;              /* the first fetch never blocks */
    pthread_t thread;                     /* that fetched last */
    char thread_name[16];
    bool signals_blocked;
};

static void look_at_thread(struct fake *seen)
{
    sigset_t mask;

    seen->thread = pthread_self();
    pthread_getname_np(seen->thread, seen->thread_name, sizeof(seen->thread_name));
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    seen->signals_blocked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGUSR1);
}

static struct gw_credentials *make_credentials(const struct fake *maker)
{
    int64_t expires_in = maker->fetches > 1 ? maker->later_expires_in : maker->expires_in;
    char key[16];

    (void)snprintf(key, sizeof(key), "KEY%d", maker->fetches);
    return gw_credentials_new(
        gw_str(key), GW_STR("the-secret"), GW_STR("the-token"),
        expires_in == GW_AWS_NEVER ? GW_AWS_NEVER : gw_time_now_ms() + expires_in, "fake");
}

static int fetch_fake(struct gw_provider *provider, struct gw_credentials **credentials, char *text)
{
    struct fake *asked = GW_CONTAINER(provider, struct fake, provider);
    int r;

    pthread_mutex_lock(&asked->lock);
    asked->is_blocked = asked->blocks && asked->fetches > 0;
    pthread_cond_broadcast(&asked->changed);
    while (asked->blocks && asked->fetches > 0)
        pthread_cond_wait(&asked->changed, &asked->lock);
    asked->is_blocked = false;
    look_at_thread(asked);
    r = asked->fetches++ > 0 ? asked->later_result : asked->result;
    if (r == 0)
        *credentials = make_credentials(asked);
    else
        (void)snprintf(text, GW_AWS_MESSAGE_SIZE, "fake: out of order: do this");
    pthread_mutex_unlock(&asked->lock);
    return r;
}

static void free_fake(struct gw_provider *provider)
{
    GW_CONTAINER(provider, struct fake, provider)->frees++;
}

static const struct gw_provider_ops fake_ops = {"fake", fetch_fake, free_fake};
static struct fake fake;

static int set_up(void **state)
{
    (void)state;
    fake = (struct fake){
        .provider = {&fake_ops}, .expires_in = GW_AWS_NEVER, .later_expires_in = GW_AWS_NEVER};
    pthread_mutex_init(&fake.lock, NULL);
    pthread_cond_init(&fake.changed, NULL);
    return 0;
}

static void set_blocks(bool blocks)
{
    pthread_mutex_lock(&fake.lock);
    fake.blocks = blocks;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
}

static void wait_until_blocked(void)
{
    pthread_mutex_lock(&fake.lock);
    while (!fake.is_blocked)
        pthread_cond_wait(&fake.changed, &fake.lock);
    pthread_mutex_unlock(&fake.lock);
}

static void set_later_result(int result)
{
    pthread_mutex_lock(&fake.lock);
    fake.later_result = result;
    pthread_mutex_unlock(&fake.lock);
}

static int count_fetches(void)
{
    int fetches;

    pthread_mutex_lock(&fake.lock);
    fetches = fake.fetches;
    pthread_mutex_unlock(&fake.lock);
    return fetches;
}

static struct gw_credentials_cache *new_cache(void)
{
    struct gw_credentials_cache *cache = NULL;

    assert_int_equal(gw_credentials_cache_new(&fake.provider, &cache, message), 0);
    return cache;
}

static bool has_key(struct gw_credentials_cache *cache, const char *key)
{
    struct gw_credentials *present = gw_credentials_cache_get(cache);
    bool equal = gw_str_equal(present->access_key_id, gw_str(key));

    gw_credentials_unref(present);
    return equal;
}

static void free_cache(struct gw_credentials_cache *cache)
{
    assert_null(gw_credentials_cache_free(cache));
    assert_int_equal(fake.frees, 1);
}

/* --- the cache --- */

static void test_the_first_fetch_is_on_the_callers_thread(void **state)
{
    struct gw_credentials_cache *cache = new_cache();

    (void)state;
    assert_int_equal(count_fetches(), 1);
    assert_true(pthread_equal(fake.thread, pthread_self()));
    assert_true(has_key(cache, "KEY1"));
    free_cache(cache);
}

static void test_the_refreshing_thread_has_a_name_and_takes_no_signals(void **state)
{
    struct gw_credentials_cache *cache = new_cache();
    struct gw_credentials *first = gw_credentials_cache_get(cache);

    (void)state;
    gw_credentials_cache_refresh(cache, first);
    eventually(has_key(cache, "KEY2"));
    pthread_mutex_lock(&fake.lock);
    assert_string_equal(fake.thread_name, "gw-aws-creds");
    assert_true(fake.signals_blocked);
    pthread_mutex_unlock(&fake.lock);
    gw_credentials_unref(first);
    free_cache(cache);
}

static const int failures[] = {GW_PROVIDER_FAILED, GW_PROVIDER_UNCONFIGURED, -ENOMEM};

static void test_a_first_fetch_that_fails_makes_no_cache_and_frees_the_provider(void **state)
{
    for (size_t i = 0; i < GW_COUNT(failures); i++) {
        struct gw_credentials_cache *cache = NULL;

        set_up(state);
        fake.result = failures[i];
        assert_int_equal(gw_credentials_cache_new(&fake.provider, &cache, message), failures[i]);
        assert_null(cache);
        assert_int_equal(fake.frees, 1);
        assert_non_null(
            strstr(message, failures[i] < 0 ? "Cannot allocate memory" : "fake: out of order"));
    }
}

static void test_no_provider_is_no_memory(void **state)
{
    struct gw_credentials_cache *cache = NULL;

    (void)state;
    assert_int_equal(gw_credentials_cache_new(NULL, &cache, message), -ENOMEM);
    assert_null(cache);
    assert_null(gw_credentials_cache_free(NULL));
}

static void test_credentials_are_renewed_before_they_expire(void **state)
{
    struct gw_credentials_cache *cache;
    struct gw_credentials *first;

    (void)state;
    fake.expires_in = 3 * SECOND;
    cache = new_cache();
    first = gw_credentials_cache_get(cache);
    eventually(has_key(cache, "KEY2"));
    /* Who still has the old ones keeps them. */
    assert_true(gw_str_equal(first->access_key_id, GW_STR("KEY1")));
    assert_true(gw_str_equal(first->secret, GW_STR("the-secret")));
    gw_credentials_unref(first);
    free_cache(cache);
}

/* What is logged until end_log. */
static int begin_log(void)
{
    char path[PATH_MAX];
    int kept = dup(STDERR_FILENO);
    int fd = open(files_path(path, "log"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(kept >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
    return kept;
}

static struct gw_str end_log(int kept)
{
    dup2(kept, STDERR_FILENO);
    close(kept);
    return files_read("log");
}

static void test_credentials_that_cannot_be_renewed_stay_in_use(void **state)
{
    struct gw_credentials_cache *cache;
    struct gw_credentials *present;
    struct gw_str logged;
    int kept = begin_log();

    (void)state;
    fake.expires_in = 1;
    fake.later_result = GW_PROVIDER_FAILED;
    cache = new_cache();
    eventually(count_fetches() >= 3);
    present = gw_credentials_cache_get(cache);
    assert_true(gw_str_equal(present->access_key_id, GW_STR("KEY1")));
    assert_true(present->expires_at_ms < gw_time_now_ms());
    gw_credentials_unref(present);
    set_later_result(0);
    eventually(!has_key(cache, "KEY1"));
    free_cache(cache);

    logged = end_log(kept);
    assert_non_null(strstr(logged.data, "could not be renewed"));
    assert_non_null(strstr(logged.data, "fake: out of order: do this"));
    assert_non_null(strstr(logged.data, "next_try_ms=2000"));
    assert_non_null(strstr(logged.data, "AWS credentials renewed"));
    assert_null(strstr(logged.data, "the-secret"));
    assert_null(strstr(logged.data, "the-token"));
    free((char *)logged.data);
}

static void test_credentials_expired_on_arrival_are_used_and_tried_again_at_leisure(void **state)
{
    int64_t began_ms = gw_time_monotonic_ms();
    struct gw_credentials_cache *cache;
    struct gw_credentials *first;

    (void)state;
    fake.expires_in = fake.later_expires_in = -HOUR;
    cache = new_cache();
    first = gw_credentials_cache_get(cache);
    assert_true(gw_str_equal(first->access_key_id, GW_STR("KEY1")));
    /* A try is due anyway, so a refusal changes nothing. */
    gw_credentials_cache_refresh(cache, first);
    eventually(!has_key(cache, "KEY1"));
    assert_true(gw_time_monotonic_ms() - began_ms >= SECOND);
    gw_credentials_unref(first);
    free_cache(cache);
}

static void test_nobody_waits_for_a_fetch_that_hangs(void **state)
{
    struct gw_credentials_cache *cache = new_cache();
    struct gw_credentials *first = gw_credentials_cache_get(cache);

    (void)state;
    set_blocks(true);
    gw_credentials_cache_refresh(cache, first);
    wait_until_blocked();
    for (int i = 0; i < 1000; i++) {
        assert_true(has_key(cache, "KEY1"));
        gw_credentials_cache_refresh(cache, first);
    }
    set_blocks(false);
    eventually(has_key(cache, "KEY2"));
    gw_credentials_unref(first);
    free_cache(cache);
}

static void test_refused_credentials_are_renewed_once_however_many_say_so(void **state)
{
    struct gw_credentials_cache *cache = new_cache();
    struct gw_credentials *first = gw_credentials_cache_get(cache);

    (void)state;
    set_blocks(true);
    for (int i = 0; i < 100; i++)
        gw_credentials_cache_refresh(cache, first);
    wait_until_blocked();
    for (int i = 0; i < 100; i++)
        gw_credentials_cache_refresh(cache, first);
    set_blocks(false);
    eventually(has_key(cache, "KEY2"));
    /* Late ones speak of what is no longer present. */
    for (int i = 0; i < 100; i++)
        gw_credentials_cache_refresh(cache, first);
    gw_credentials_unref(first);
    free_cache(cache);
    assert_int_equal(fake.fetches, 2);
}

/* Nothing is to happen: a while for it to happen all the same, if the code were wrong. */
static void give_it_time(void)
{
    usleep(50 * 1000);
}

static void test_refusals_during_a_fetch_and_of_what_it_replaced_cause_no_other(void **state)
{
    struct gw_credentials_cache *cache;
    struct gw_credentials *first;

    (void)state;
    fake.expires_in = 2 * SECOND;
    fake.blocks = true;
    cache = new_cache();
    first = gw_credentials_cache_get(cache);
    wait_until_blocked();
    gw_credentials_cache_refresh(cache, first);
    set_blocks(false);
    eventually(has_key(cache, "KEY2"));
    give_it_time();
    assert_int_equal(count_fetches(), 2);
    gw_credentials_cache_refresh(cache, first);
    give_it_time();
    assert_int_equal(count_fetches(), 2);
    gw_credentials_unref(first);
    free_cache(cache);
}

static void test_refusals_while_a_source_fails_do_not_hasten_its_retries(void **state)
{
    struct gw_credentials_cache *cache = new_cache();
    struct gw_credentials *first = gw_credentials_cache_get(cache);
    int64_t began_ms = gw_time_monotonic_ms();

    (void)state;
    set_later_result(GW_PROVIDER_FAILED);
    do
        gw_credentials_cache_refresh(cache, first);
    while (count_fetches() < 3);
    assert_true(gw_time_monotonic_ms() - began_ms >= SECOND);
    assert_true(has_key(cache, "KEY1"));
    gw_credentials_unref(first);
    free_cache(cache);
}

static void *free_in_thread(void *cache)
{
    gw_credentials_cache_free(cache);
    return NULL;
}

static void test_freeing_waits_for_a_fetch_under_way(void **state)
{
    struct gw_credentials_cache *cache = new_cache();
    struct gw_credentials *first = gw_credentials_cache_get(cache);
    pthread_t thread;

    (void)state;
    set_blocks(true);
    set_later_result(GW_PROVIDER_FAILED);
    gw_credentials_cache_refresh(cache, first);
    wait_until_blocked();
    assert_int_equal(pthread_create(&thread, NULL, free_in_thread, cache), 0);
    set_blocks(false);
    pthread_join(thread, NULL);
    assert_true(fake.fetches >= 2);
    assert_int_equal(fake.frees, 1);
    assert_true(gw_str_equal(first->access_key_id, GW_STR("KEY1")));
    gw_credentials_unref(first);
}

static void *use(void *argument)
{
    struct gw_credentials_cache *cache = argument;

    for (int i = 0; i < 20000; i++) {
        struct gw_credentials *present = gw_credentials_cache_get(cache);

        if (present->secret.len != 10 || memcmp(present->secret.data, "the-secret", 11) != 0)
            abort();
        gw_credentials_cache_refresh(cache, present);
        gw_credentials_unref(present);
    }
    return NULL;
}

static void test_many_threads_use_and_refuse_at_once(void **state)
{
    struct gw_credentials_cache *cache = new_cache();
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, cache), 0);
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    eventually(!has_key(cache, "KEY1"));
    free_cache(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_fetch_is_early_enough_and_backs_off),
        cmocka_unit_test(test_refusals_in_a_row_are_heard_ever_more_seldom),
        cmocka_unit_test_setup(test_the_first_fetch_is_on_the_callers_thread, set_up),
        cmocka_unit_test_setup(test_the_refreshing_thread_has_a_name_and_takes_no_signals, set_up),
        cmocka_unit_test_setup(test_a_first_fetch_that_fails_makes_no_cache_and_frees_the_provider,
                               set_up),
        cmocka_unit_test_setup(test_no_provider_is_no_memory, set_up),
        cmocka_unit_test_setup(test_credentials_are_renewed_before_they_expire, set_up),
        cmocka_unit_test_setup(test_credentials_that_cannot_be_renewed_stay_in_use, set_up),
        cmocka_unit_test_setup(
            test_credentials_expired_on_arrival_are_used_and_tried_again_at_leisure, set_up),
        cmocka_unit_test_setup(test_nobody_waits_for_a_fetch_that_hangs, set_up),
        cmocka_unit_test_setup(test_refused_credentials_are_renewed_once_however_many_say_so,
                               set_up),
        cmocka_unit_test_setup(test_refusals_during_a_fetch_and_of_what_it_replaced_cause_no_other,
                               set_up),
        cmocka_unit_test_setup(test_refusals_while_a_source_fails_do_not_hasten_its_retries,
                               set_up),
        cmocka_unit_test_setup(test_freeing_waits_for_a_fetch_under_way, set_up),
        cmocka_unit_test_setup(test_many_threads_use_and_refuse_at_once, set_up),
    };
    int failed;

    files_begin("/tmp");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_end();
    return failed;
}
