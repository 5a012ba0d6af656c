/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/loop.h"

#include "gw/time.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

/* A watch on an eventfd, and a timer, that note their calls and may act on others. */
struct probe {
    struct gw_watch watch;
    struct gw_timer timer;
    struct gw_loop *loop;
    int calls;
    int sequence; /* of the last call, over all probes */
    struct probe *removes, *cancels;
    int64_t sets_again_ms; /* the timer, relative to now; negative: does not */
};

static int sequence;

static void note(struct probe *probe)
{
    probe->calls++;
    probe->sequence = ++sequence;
}

static void on_ready(struct gw_watch *watch, uint32_t epoll_events)
{
    struct probe *probe = GW_CONTAINER(watch, struct probe, watch);

    assert_true(epoll_events & EPOLLIN);
    note(probe);
    if (probe->removes)
        gw_loop_remove(probe->loop, &probe->removes->watch);
}

static void on_fire(struct gw_timer *timer, int64_t now_ms)
{
    struct probe *probe = GW_CONTAINER(timer, struct probe, timer);

    assert_false(timer->set);
    assert_true(timer->at_ms <= now_ms);
    note(probe);
    if (probe->cancels)
        gw_loop_cancel_timer(probe->loop, &probe->cancels->timer);
    if (probe->sets_again_ms >= 0)
        gw_loop_set_timer(probe->loop, timer, now_ms + probe->sets_again_ms);
}

static void probe_init(struct probe *probe, struct gw_loop *loop)
{
    *probe = (struct probe){.loop = loop, .sets_again_ms = -1};
    probe->watch = (struct gw_watch){.fd = eventfd(1, EFD_CLOEXEC), .ready = on_ready};
    probe->timer.fire = on_fire;
    assert_true(probe->watch.fd >= 0);
}

static void probe_watch(struct probe *probe)
{
    assert_int_equal(gw_loop_add(probe->loop, &probe->watch, EPOLLIN), 0);
}

static void probe_deinit(struct probe *probe)
{
    close(probe->watch.fd);
}

static int set_up(void **state)
{
    struct gw_loop *loop = malloc(sizeof(*loop));

    sequence = 0;
    *state = loop;
    return loop ? gw_loop_init(loop) : -1;
}

static int tear_down(void **state)
{
    gw_loop_deinit(*state);
    free(*state);
    return 0;
}

static void test_ready_watch_is_called_each_round_until_it_is_removed(void **state)
{
    struct probe probe;

    probe_init(&probe, *state);
    probe_watch(&probe);
    assert_int_equal(gw_loop_wait(*state, -1), 0);
    assert_int_equal(gw_loop_wait(*state, 0), 0);
    assert_int_equal(probe.calls, 2);
    gw_loop_remove(*state, &probe.watch);
    assert_int_equal(gw_loop_wait(*state, 0), 0);
    assert_int_equal(probe.calls, 2);
    probe_deinit(&probe);
}

static void test_watch_that_cannot_be_added_is_an_error(void **state)
{
    struct gw_watch closed = {.fd = -1};
    struct probe probe;

    assert_int_equal(gw_loop_add(*state, &closed, EPOLLIN), -EBADF);
    probe_init(&probe, *state);
    probe_watch(&probe);
    assert_int_equal(gw_loop_add(*state, &probe.watch, EPOLLIN), -EEXIST);
    gw_loop_remove(*state, &probe.watch);
    probe_deinit(&probe);
}

static void test_watch_removed_by_another_in_the_same_round_is_not_called(void **state)
{
    struct probe probes[2];

    for (size_t i = 0; i < 2; i++) {
        probe_init(&probes[i], *state);
        probes[i].removes = &probes[1 - i];
        probe_watch(&probes[i]);
    }
    assert_int_equal(gw_loop_wait(*state, 0), 0);
    assert_int_equal(probes[0].calls + probes[1].calls, 1);
    for (size_t i = 0; i < 2; i++) {
        gw_loop_remove(*state, &probes[i].watch);
        probe_deinit(&probes[i]);
    }
}

static void test_more_watches_than_a_round_takes_are_all_called(void **state)
{
    static struct probe probes[200];

    for (size_t i = 0; i < GW_COUNT(probes); i++) {
        probe_init(&probes[i], *state);
        probes[i].removes = &probes[i];
        probe_watch(&probes[i]);
    }
    for (int round = 0; round < 4; round++)
        assert_int_equal(gw_loop_wait(*state, 0), 0);
    for (size_t i = 0; i < GW_COUNT(probes); i++) {
        assert_int_equal(probes[i].calls, 1);
        probe_deinit(&probes[i]);
    }
}

static void test_timers_fire_once_in_the_order_of_their_instants(void **state)
{
    static const int64_t offsets_ms[] = {-5, -20, -1, -20, -10};
    static const int expected[] = {4, 1, 5, 2, 3};
    struct gw_loop *loop = *state;
    struct probe probes[GW_COUNT(offsets_ms)];
    int64_t now_ms = gw_time_monotonic_ms();

    for (size_t i = 0; i < GW_COUNT(probes); i++) {
        probe_init(&probes[i], loop);
        gw_loop_set_timer(loop, &probes[i].timer, now_ms + offsets_ms[i]);
    }
    assert_int_equal(gw_loop_wait(loop, 0), 0);
    assert_int_equal(gw_loop_wait(loop, 0), 0);
    for (size_t i = 0; i < GW_COUNT(probes); i++) {
        assert_int_equal(probes[i].calls, 1);
        assert_int_equal(probes[i].sequence, expected[i]);
        probe_deinit(&probes[i]);
    }
    assert_null(loop->timers);
}

static void test_timer_ends_an_unbounded_wait_and_never_early(void **state)
{
    struct gw_loop *loop = *state;
    int64_t start_ms = gw_time_monotonic_ms();
    struct probe probe;

    probe_init(&probe, loop);
    gw_loop_set_timer(loop, &probe.timer, start_ms + 30);
    while (probe.calls == 0)
        assert_int_equal(gw_loop_wait(loop, -1), 0);
    assert_true(loop->now_ms >= start_ms + 30);
    probe_deinit(&probe);
}

static void test_timeout_ends_the_wait_before_a_later_timer(void **state)
{
    int64_t start_ms = gw_time_monotonic_ms();
    struct probe probe;

    probe_init(&probe, *state);
    gw_loop_set_timer(*state, &probe.timer, INT64_MAX);
    assert_int_equal(gw_loop_wait(*state, 20), 0);
    assert_int_equal(probe.calls, 0);
    assert_in_range(gw_time_monotonic_ms() - start_ms, 19, 10000);
    probe_deinit(&probe);
}

static void test_timer_set_again_moves(void **state)
{
    int64_t now_ms = gw_time_monotonic_ms();
    struct probe probes[2];

    for (size_t i = 0; i < 2; i++)
        probe_init(&probes[i], *state);
    gw_loop_set_timer(*state, &probes[0].timer, now_ms - 9);
    gw_loop_set_timer(*state, &probes[1].timer, now_ms - 5);
    gw_loop_set_timer(*state, &probes[0].timer, now_ms - 1);
    assert_int_equal(gw_loop_wait(*state, 0), 0);
    assert_int_equal(probes[1].sequence, 1);
    assert_int_equal(probes[0].sequence, 2);
    assert_int_equal(probes[0].calls, 1);
    for (size_t i = 0; i < 2; i++)
        probe_deinit(&probes[i]);
}

static void test_timer_cancelled_by_another_in_the_same_round_does_not_fire(void **state)
{
    struct gw_loop *loop = *state;
    struct probe probes[3];

    for (size_t i = 0; i < 3; i++) {
        probe_init(&probes[i], loop);
        gw_loop_set_timer(loop, &probes[i].timer, loop->now_ms);
    }
    probes[0].cancels = &probes[1];
    assert_int_equal(gw_loop_wait(loop, 0), 0);
    assert_int_equal(probes[0].calls, 1);
    assert_int_equal(probes[1].calls, 0);
    assert_int_equal(probes[2].calls, 1);
    gw_loop_cancel_timer(loop, &probes[1].timer);
    for (size_t i = 0; i < 3; i++)
        probe_deinit(&probes[i]);
}

static void test_timer_that_sets_itself_for_now_fires_once_a_round(void **state)
{
    struct gw_loop *loop = *state;
    struct probe probe;

    probe_init(&probe, loop);
    probe.sets_again_ms = 0;
    gw_loop_set_timer(loop, &probe.timer, loop->now_ms);
    for (int round = 1; round <= 3; round++) {
        assert_int_equal(gw_loop_wait(loop, -1), 0);
        assert_int_equal(probe.calls, round);
    }
    gw_loop_cancel_timer(loop, &probe.timer);
    assert_null(loop->timers);
    probe_deinit(&probe);
}

static void *wake_later(void *loop)
{
    usleep(10000);
    gw_loop_wake(loop);
    return NULL;
}

static void test_wake_from_another_thread_ends_an_unbounded_wait(void **state)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, wake_later, *state), 0);
    assert_int_equal(gw_loop_wait(*state, -1), 0);
    pthread_join(thread, NULL);
}

static void test_many_wakes_before_a_wait_end_it_once(void **state)
{
    struct gw_loop *loop = *state;
    int64_t start_ms = gw_time_monotonic_ms();

    for (int i = 0; i < 1000; i++)
        gw_loop_wake(loop);
    assert_int_equal(gw_loop_wait(loop, -1), 0);
    assert_int_equal(gw_loop_wait(loop, 20), 0);
    assert_true(gw_time_monotonic_ms() - start_ms >= 19);
}

static void test_wake_never_blocks_on_a_full_counter(void **state)
{
    struct gw_loop *loop = *state;

    assert_int_equal(eventfd_write(loop->wake.fd, UINT64_MAX - 1), 0);
    gw_loop_wake(loop);
    assert_int_equal(gw_loop_wait(loop, -1), 0);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

static void test_signal_is_no_error(void **state)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval soon = {.it_value.tv_usec = 10000};

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(gw_loop_wait(*state, -1), 0);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(test_ready_watch_is_called_each_round_until_it_is_removed),
        LOOP_TEST(test_watch_that_cannot_be_added_is_an_error),
        LOOP_TEST(test_watch_removed_by_another_in_the_same_round_is_not_called),
        LOOP_TEST(test_more_watches_than_a_round_takes_are_all_called),
        LOOP_TEST(test_timers_fire_once_in_the_order_of_their_instants),
        LOOP_TEST(test_timer_ends_an_unbounded_wait_and_never_early),
        LOOP_TEST(test_timeout_ends_the_wait_before_a_later_timer),
        LOOP_TEST(test_timer_set_again_moves),
        LOOP_TEST(test_timer_cancelled_by_another_in_the_same_round_does_not_fire),
        LOOP_TEST(test_timer_that_sets_itself_for_now_fires_once_a_round),
        LOOP_TEST(test_wake_from_another_thread_ends_an_unbounded_wait),
        LOOP_TEST(test_many_wakes_before_a_wait_end_it_once),
        LOOP_TEST(test_wake_never_blocks_on_a_full_counter),
        LOOP_TEST(test_signal_is_no_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
