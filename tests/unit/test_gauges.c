/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/gauges.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_ready;

static bool ready(struct gw_backend *backend)
{
    (void)backend;
    return is_ready;
}

static void look(struct gw_backend *backend, struct gw_backend_state *state)
{
    (void)backend;
    *state = (struct gw_backend_state){.out = true, .credentials_expire_ms = 43};
}

static const struct gw_backend_ops ops = {.ready = ready, .look = look};

static struct gw_gauges measure(struct gw_shared *shared)
{
    static struct gw_metrics set = {.last_event_ms = 42};
    static struct gw_backend backend = {&ops};
    struct gw_account account = {.count = 0};
    struct gw_gauges gauges = {{0}};

    gw_account_add(&account, &set);
    shared->backend = &backend;
    gw_gauges_measure(&gauges, shared, &account);
    return gauges;
}

static void test_a_draining_daemon_is_not_ready(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct gw_shared shared = {.leaving = i & 1};

        is_ready = i & 2;
        struct gw_gauges gauges = measure(&shared);

        assert_int_equal(gauges.values[GW_GAUGE_READY], i == 2);
        assert_int_equal(gauges.values[GW_GAUGE_DRAINING], i & 1);
    }
}

static void test_limits_are_shown_with_what_is_used_of_them(void **state)
{
    struct gw_shared shared = {.limits = {.connections = {.used = 1, .max = 2},
                                          .buffered_bytes = {.used = 3, .max = 4},
                                          .in_flight = {.used = 5, .max = 6}}};
    struct gw_gauges gauges = measure(&shared);

    (void)state;
    assert_int_equal(gauges.values[GW_GAUGE_CONNECTIONS], 1);
    assert_int_equal(gauges.values[GW_GAUGE_MAX_CONNECTIONS], 2);
    assert_int_equal(gauges.values[GW_GAUGE_BUFFERED_BYTES], 3);
    assert_int_equal(gauges.values[GW_GAUGE_MAX_BUFFERED_BYTES], 4);
    assert_int_equal(gauges.values[GW_GAUGE_IN_FLIGHT], 5);
    assert_int_equal(gauges.values[GW_GAUGE_MAX_IN_FLIGHT], 6);
    assert_int_equal(gauges.values[GW_GAUGE_LAST_EVENT_MS], 42);
    assert_int_equal(gauges.values[GW_GAUGE_CREDENTIALS_EXPIRE_MS], 43);
    assert_int_equal(gauges.values[GW_GAUGE_STORE_OUT], 1);
}

static void test_the_process_is_measured(void **state)
{
    struct gw_shared shared = {.leaving = false};
    int64_t before = measure(&shared).values[GW_GAUGE_OPEN_FILES];
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct gw_gauges gauges = measure(&shared);

    (void)state;
    assert_int_equal(gauges.values[GW_GAUGE_OPEN_FILES], before + 1);
    close(fd);
    assert_true(gauges.values[GW_GAUGE_MAX_FILES] > before);
    assert_true(gauges.values[GW_GAUGE_RESIDENT_BYTES] > 100 << 10);
    assert_true(gauges.values[GW_GAUGE_VIRTUAL_BYTES] > gauges.values[GW_GAUGE_RESIDENT_BYTES]);
    assert_true(gauges.values[GW_GAUGE_CPU_US] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_draining_daemon_is_not_ready),
        cmocka_unit_test(test_limits_are_shown_with_what_is_used_of_them),
        cmocka_unit_test(test_the_process_is_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
