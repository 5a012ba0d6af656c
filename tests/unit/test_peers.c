/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gw_peers peers;

static int make(void **state)
{
    (void)state;
    gw_peers_init(&peers);
    return 0;
}

static int assert_nobody_is_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_PEERS_BUCKETS; i++)
        assert_null(peers.buckets[i]);
    return 0;
}

static int take(const char *text, struct gw_share **peer)
{
    struct gw_address address;

    assert_true(gw_address_parse(gw_str(text), &address));
    return gw_peers_take(&peers, &address, peer);
}

static void test_who_counts_as_one_address(void **state)
{
    static const struct {
        const char *one, *other;
        bool same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"192.0.2.1", "::192.0.2.1", false},
        {"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
        {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
        {"::1", "::2", true},
        {"::ffff:0:0", "::1", false}, /* an IPv4 address is in no /64 */
    };

    (void)state;
    peers.max = 1;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_share *one, *other;

        assert_int_equal(take(cases[i].one, &one), 0);
        assert_int_equal(take(cases[i].other, &other), cases[i].same ? GW_PEERS_FULL : 0);
        assert_int_equal(other == NULL, cases[i].same);
        gw_peers_give(&peers, other);
        gw_peers_give(&peers, one);
        assert_int_equal(take(cases[i].other, &other), 0);
        gw_peers_give(&peers, other);
    }
}

static void test_each_has_up_to_the_maximum_and_what_it_gave_back_again(void **state)
{
    struct gw_share *first[3], *refused;

    (void)state;
    peers.max = 3;
    for (size_t i = 0; i < GW_COUNT(first); i++)
        assert_int_equal(take("192.0.2.1", &first[i]), 0);
    assert_int_equal(take("192.0.2.1", &refused), GW_PEERS_FULL);
    gw_peers_give(&peers, first[0]);
    assert_int_equal(take("192.0.2.1", &first[0]), 0);
    assert_int_equal(take("192.0.2.1", &refused), GW_PEERS_FULL);

    peers.max = 2; /* a reload */
    gw_peers_give(&peers, first[0]);
    assert_int_equal(take("192.0.2.1", &refused), GW_PEERS_FULL);
    peers.max = 3;
    assert_int_equal(take("192.0.2.1", &first[0]), 0);
    for (size_t i = 0; i < GW_COUNT(first); i++)
        gw_peers_give(&peers, first[i]);
}

static void test_without_a_maximum_nobody_is_counted(void **state)
{
    struct gw_share *peer;

    (void)state;
    peers.max = 0;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(take("192.0.2.1", &peer), 0);
        assert_null(peer);
        gw_peers_give(&peers, peer);
    }
    assert_nobody_is_left(NULL);
}

/* More than there are buckets, so that chains are walked and shortened anywhere. */
static void test_many_addresses_are_counted_apart(void **state)
{
    enum { MANY = 5 * GW_PEERS_BUCKETS };
    static struct gw_share *taken[MANY];
    struct gw_share *refused;
    char text[32];

    (void)state;
    peers.max = 1;
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof(text), "10.0.%u.%u", i >> 8, i & 255);
        assert_int_equal(take(text, &taken[i]), 0);
        assert_int_equal(take(text, &refused), GW_PEERS_FULL);
    }
    for (size_t step = 0; step < 3; step++)
        for (size_t i = step; i < MANY; i += 3)
            gw_peers_give(&peers, taken[i]);
}

#define THREADS 4
#define ROUNDS 20000

static _Atomic int held, over;

static void *contend(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        struct gw_share *peer;

        if (take("192.0.2.1", &peer) != 0)
            continue;
        if (atomic_fetch_add(&held, 1) >= 2)
            atomic_fetch_add(&over, 1);
        atomic_fetch_sub(&held, 1);
        gw_peers_give(&peers, peer);
    }
    return NULL;
}

static void test_threads_together_stay_within_the_maximum(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    peers.max = 2;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, contend, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(over, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make, assert_nobody_is_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_counts_as_one_address),
        TEST(test_each_has_up_to_the_maximum_and_what_it_gave_back_again),
        TEST(test_without_a_maximum_nobody_is_counted),
        TEST(test_many_addresses_are_counted_apart),
        TEST(test_threads_together_stay_within_the_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
