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
#include <sys/stat.h>

#include <cmocka.h>

#include "scratch.h"

static int open_one(struct gw_listeners *listeners, const char *address, char *message,
                    size_t message_size)
{
    char copy[128];
    const struct gw_config_list addresses = {.items = {copy}, .count = 1};

    (void)snprintf(copy, sizeof(copy), "%s", address);
    return gw_listeners_open(listeners, &addresses, message, message_size);
}

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

        if (open_one(&listeners, cases[i].address, message, sizeof(message)) != 0)
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
        {taken, -EADDRINUSE, "another process is there"},
        {"192.0.2.1:8080", -EADDRNOTAVAIL, "cannot listen on 192.0.2.1:8080"},
        {"no-such-name.invalid:80", -EADDRNOTAVAIL, "must be an address of this machine"},
        {"unix:/nowhere/at/all.sock", -ENOENT, "the folder of a Unix socket must be there"},
        {"unix:/dev/null", -EADDRINUSE, "a file that is no socket"},
    };

    (void)state;
    assert_int_equal(open_one(&first, "127.0.0.1:0", message, sizeof(message)), 0);
    gw_listeners_format(&first, taken, sizeof(taken));
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_int_equal(open_one(&listeners, cases[i].address, message, sizeof(message)),
                         cases[i].result);
        assert_non_null(strstr(message, cases[i].message));
        assert_int_equal(listeners.count, 0);
    }
    gw_listeners_close(&first);
}

static void test_all_of_a_list_are_bound_or_none(void **state)
{
    char v4[] = "127.0.0.1:0", v6[] = "[::1]:0", away[] = "192.0.2.1:1", unix_path[80];
    struct gw_config_list addresses = {.items = {v4, unix_path, v6}, .count = 3};
    struct gw_listeners listeners;
    char message[256] = "", text[256];

    (void)state;
    (void)snprintf(unix_path, sizeof(unix_path), "unix:%s", path);
    if (gw_listeners_open(&listeners, &addresses, message, sizeof(message)) != 0)
        fail_msg("%s", message);
    assert_int_equal(listeners.count, 3);
    assert_true(gw_listeners_are_loopback(&listeners));
    gw_listeners_format(&listeners, text, sizeof(text));
    assert_non_null(strstr(text, unix_path));
    gw_listeners_close(&listeners);

    addresses.items[2] = away;
    assert_int_equal(gw_listeners_open(&listeners, &addresses, message, sizeof(message)),
                     -EADDRNOTAVAIL);
    assert_int_equal(listeners.count, 0);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_more_sockets_than_there_is_room_for_are_an_error(void **state)
{
    char name[] = "localhost:0", v4[] = "127.0.0.1:0";
    struct gw_config_list addresses = {.count = GW_CONFIG_LIST_MAX};
    struct gw_listeners listeners;
    char message[256] = "";

    (void)state;
    for (size_t i = 0; i < GW_CONFIG_LIST_MAX; i++)
        addresses.items[i] = v4;
    assert_int_equal(gw_listeners_open(&listeners, &addresses, message, sizeof(message)), 0);
    assert_int_equal(listeners.count, GW_FRONT_LISTENERS_MAX);
    gw_listeners_close(&listeners);

    struct gw_listeners both;

    assert_int_equal(open_one(&both, name, message, sizeof(message)), 0);
    if (both.count > 1) {
        addresses.items[0] = name;
        assert_int_equal(gw_listeners_open(&listeners, &addresses, message, sizeof(message)),
                         -E2BIG);
        assert_non_null(strstr(message, "8 sockets"));
    }
    gw_listeners_close(&both);
}

/* --- Unix sockets --- */

static void open_path(struct gw_listeners *listeners, int result)
{
    char address[80], message[256] = "";

    (void)snprintf(address, sizeof(address), "unix:%s", path);
    assert_int_equal(open_one(listeners, address, message, sizeof(message)), result);
}

static void test_a_unix_socket_is_its_users_and_groups_alone_and_goes_with_them(void **state)
{
    const mode_t mask = umask(0);
    struct gw_listeners listeners;
    struct stat status;

    (void)state;
    open_path(&listeners, 0);
    assert_int_equal(umask(mask), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0660);
    gw_listeners_close(&listeners);
    assert_int_equal(stat(path, &status), -1);
}

static void test_a_stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
    struct gw_listeners first, second;
    struct stat status;

    (void)state;
    open_path(&first, 0);
    open_path(&second, -EADDRINUSE);
    assert_int_equal(stat(path, &status), 0);
    close(first.fds[0]); /* as a killed process leaves it */
    open_path(&second, 0);
    gw_listeners_close(&second);
}

static void test_what_is_no_socket_is_left_alone(void **state)
{
    struct gw_listeners listeners;
    struct stat status;
    FILE *file = fopen(path, "w");

    (void)state;
    assert_non_null(file);
    (void)fclose(file);
    open_path(&listeners, -EADDRINUSE);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_a_socket_handed_over_keeps_its_name(void **state)
{
    struct gw_listeners listeners;

    (void)state;
    open_path(&listeners, 0);
    listeners.inherited = true;
    gw_listeners_close(&listeners);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_several_are_shown_as_a_list_that_fits(void **state)
{
    struct gw_listeners one, two, both = {.count = 2};
    char message[256], text[128], first[64], second[64], expected[130];

    (void)state;
    assert_int_equal(open_one(&one, "127.0.0.1:0", message, sizeof(message)), 0);
    assert_int_equal(open_one(&two, "[::1]:0", message, sizeof(message)), 0);
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
        cmocka_unit_test(test_all_of_a_list_are_bound_or_none),
        cmocka_unit_test(test_more_sockets_than_there_is_room_for_are_an_error),
        cmocka_unit_test(test_a_unix_socket_is_its_users_and_groups_alone_and_goes_with_them),
        cmocka_unit_test(test_a_stale_socket_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(test_what_is_no_socket_is_left_alone),
        cmocka_unit_test(test_a_socket_handed_over_keeps_its_name),
        cmocka_unit_test(test_several_are_shown_as_a_list_that_fits),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
