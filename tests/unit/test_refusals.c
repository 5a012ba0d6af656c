/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/refusals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gw_refusals refusals;
static struct gw_refusal copies[GW_REFUSALS_KEPT];

static int set_up(void **state)
{
    (void)state;
    gw_refusals_init(&refusals);
    return 0;
}

static void add(unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct gw_refusal refusal = {.at_ms = first + i, .status = 401, .reason = "a reason"};

        snprintf(refusal.peer, sizeof(refusal.peer), "peer %u", first + i);
        gw_refusals_add(&refusals, &refusal);
    }
}

static void test_the_newest_stand_first_and_the_oldest_make_room(void **state)
{
    static const struct {
        unsigned added;
        size_t kept;
    } cases[] = {{0, 0}, {1, 1}, {19, 19}, {20, 20}, {21, 20}, {1000, 20}};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        gw_refusals_init(&refusals);
        add(1, cases[i].added);
        assert_int_equal(gw_refusals_copy(&refusals, copies), cases[i].kept);
        for (size_t j = 0; j < cases[i].kept; j++) {
            char peer[GW_ADDRESS_TEXT_SIZE];

            snprintf(peer, sizeof(peer), "peer %zu", cases[i].added - j);
            assert_int_equal(copies[j].at_ms, cases[i].added - j);
            assert_string_equal(copies[j].peer, peer);
        }
    }
}

/* A copy is of whole ones: the peer is always that of the time. */
static void *add_many(void *first)
{
    add(*(unsigned *)first, 20000);
    return NULL;
}

static void test_several_threads_may_add_while_one_looks(void **state)
{
    unsigned firsts[] = {100000, 200000, 300000};
    pthread_t threads[GW_COUNT(firsts)];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, &firsts[i]), 0);
    for (int look = 0; look < 2000; look++) {
        size_t count = gw_refusals_copy(&refusals, copies);

        for (size_t i = 0; i < count; i++)
            assert_int_equal(strtoll(copies[i].peer + strlen("peer "), NULL, 10), copies[i].at_ms);
    }
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(refusals.added, GW_COUNT(threads) * 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_newest_stand_first_and_the_oldest_make_room, set_up),
        cmocka_unit_test_setup(test_several_threads_may_add_while_one_looks, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
