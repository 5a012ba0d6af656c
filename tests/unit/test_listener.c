/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that systemd hands over are tests/integration/test_socket_activation.py's. */
#include "gw/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

static void test_an_address_is_bound_and_shown_as_it_is_bound(void **state)
{
    static const struct {
        const char *address, *shown;
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1:%u"},
        {"[::1]:0", "[::1]:%u"},
        {"0.0.0.0:0", "0.0.0.0:%u"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_listeners listeners;
        char message[256] = "", text[128];
        unsigned port = 0;

        if (gw_listeners_open(&listeners, cases[i].address, message, sizeof(message)) != 0)
            fail_msg("%s: %s", cases[i].address, message);
        assert_int_equal(listeners.count, 1);
        assert_false(listeners.inherited);
        assert_true(fcntl(listeners.fds[0], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(listeners.fds[0], F_GETFD) & FD_CLOEXEC);
        gw_listeners_format(&listeners, text, sizeof(text));
        assert_int_equal(sscanf(text, cases[i].shown, &port), 1);
        assert_true(port > 0);
        gw_listeners_close(&listeners);
        assert_int_equal(listeners.count, 0);
        gw_listeners_close(&listeners);
    }
}

/* With the port that the first one got, so that the second cannot have it. */
static void test_where_it_cannot_listen_it_says_so_and_holds_nothing(void **state)
{
    struct gw_listeners first, listeners;
    char message[256] = "", taken[128];
    const struct {
        const char *address;
        int result;
        const char *message;
    } cases[] = {
        {taken, -EADDRINUSE, "is another process there?"},
        {"192.0.2.1:8080", -EADDRNOTAVAIL, "cannot listen on 192.0.2.1:8080"},
    };

    (void)state;
    assert_int_equal(gw_listeners_open(&first, "127.0.0.1:0", message, sizeof(message)), 0);
    gw_listeners_format(&first, taken, sizeof(taken));
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_int_equal(gw_listeners_open(&listeners, cases[i].address, message, sizeof(message)),
                         cases[i].result);
        assert_non_null(strstr(message, cases[i].message));
        assert_int_equal(listeners.count, 0);
    }
    gw_listeners_close(&first);
}

static void test_several_are_shown_as_a_list_that_fits(void **state)
{
    struct gw_listeners one, two, both = {.count = 2};
    char message[256], text[128], first[64], second[64], expected[130];

    (void)state;
    assert_int_equal(gw_listeners_open(&one, "127.0.0.1:0", message, sizeof(message)), 0);
    assert_int_equal(gw_listeners_open(&two, "[::1]:0", message, sizeof(message)), 0);
    gw_listeners_format(&one, first, sizeof(first));
    gw_listeners_format(&two, second, sizeof(second));
    both.fds[0] = one.fds[0];
    both.fds[1] = two.fds[0];
    gw_listeners_format(&both, text, sizeof(text));
    (void)snprintf(expected, sizeof(expected), "%s, %s", first, second);
    assert_string_equal(text, expected);
    for (size_t size = 1; size < strlen(expected); size++) {
        char *small = malloc(size);

        assert_non_null(small);
        gw_listeners_format(&both, small, size);
        assert_int_equal(strncmp(small, expected, strlen(small)), 0);
        free(small);
    }
    gw_listeners_close(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_bound_and_shown_as_it_is_bound),
        cmocka_unit_test(test_where_it_cannot_listen_it_says_so_and_holds_nothing),
        cmocka_unit_test(test_several_are_shown_as_a_list_that_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
