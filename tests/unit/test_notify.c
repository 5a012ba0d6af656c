/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/notify.h"

#include "gw/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int manager = -1; /* systemd's end */

/* An address of the abstract kind, so that nothing is left behind. */
static int begin(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[sizeof(address.sun_path)];
    int len = snprintf(name, sizeof(name), "@gw-test-notify-%d", (int)getpid());

    (void)state;
    memcpy(address.sun_path + 1, name + 1, (size_t)len - 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return manager < 0 ||
           bind(manager, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)) != 0 ||
           setenv("NOTIFY_SOCKET", name, 1) != 0;
}

static int end(void **state)
{
    (void)state;
    return close(manager);
}

/* The next message; "" where there is none. */
static const char *heard(char text[static 256])
{
    ssize_t len = recv(manager, text, 255, 0);

    text[len > 0 ? len : 0] = '\0';
    return text;
}

static void drain(void)
{
    gw_notify_extend(4500);
}

static void tell_status(void)
{
    gw_notify_status("Serving", "verified 1, stored 1");
}

static void test_each_is_one_message_in_systemds_words(void **state)
{
    static const struct {
        void (*tell)(void);
        const char *message;
    } cases[] = {
        {gw_notify_ready, "READY=1"},
        {gw_notify_stopping, "STOPPING=1"},
        {gw_notify_alive, "WATCHDOG=1"},
        {drain, "EXTEND_TIMEOUT_USEC=4500000"},
        {tell_status, "STATUS=Serving; verified 1, stored 1"},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        cases[i].tell();
        assert_string_equal(heard(text), cases[i].message);
        assert_string_equal(heard(text), "");
    }
}

/* systemd takes the reload for begun at that time, on its own clock. */
static void test_reloading_tells_the_time(void **state)
{
    int64_t before_us = gw_time_monotonic_us();
    char text[256];
    int64_t at_us;

    (void)state;
    gw_notify_reloading();
    assert_int_equal(sscanf(heard(text), "RELOADING=1\nMONOTONIC_USEC=%ld", &at_us), 1);
    assert_in_range(at_us, before_us, gw_time_monotonic_us());
}

static void test_without_a_socket_or_with_a_wrong_one_nothing_happens(void **state)
{
    char text[256], kept[128];

    (void)state;
    (void)snprintf(kept, sizeof(kept), "%s", getenv("NOTIFY_SOCKET"));
    assert_int_equal(setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1), 0);
    gw_notify_ready();
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    gw_notify_ready();
    assert_string_equal(heard(text), "");
    assert_int_equal(setenv("NOTIFY_SOCKET", kept, 1), 0);
}

static void test_the_watchdog_is_asked_for_by_the_environment(void **state)
{
    char own[16];
    const struct {
        const char *usec, *pid;
        int64_t ms;
    } cases[] = {
        {NULL, NULL, 0},     {"3000000", NULL, 3000}, {"3000000", own, 3000},
        {"3000000", "1", 0}, {"0", NULL, 0},          {"soon", NULL, 0},
    };

    (void)state;
    (void)snprintf(own, sizeof(own), "%d", (int)getpid());
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
        if (cases[i].usec)
            setenv("WATCHDOG_USEC", cases[i].usec, 1);
        if (cases[i].pid)
            setenv("WATCHDOG_PID", cases[i].pid, 1);
        assert_int_equal(gw_notify_watchdog_ms(), cases[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_one_message_in_systemds_words),
        cmocka_unit_test(test_reloading_tells_the_time),
        cmocka_unit_test(test_without_a_socket_or_with_a_wrong_one_nothing_happens),
        cmocka_unit_test(test_the_watchdog_is_asked_for_by_the_environment),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
