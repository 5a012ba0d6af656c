/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/un.h>

#include <cmocka.h>

static void test_addresses_are_read_as_proxies_write_them(void **state)
{
    static const struct {
        const char *text, *address; /* NULL: none */
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1:443", "192.0.2.1"},
        {"2001:db8::1", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"[2001:db8::1]:443", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"[192.0.2.1]", "192.0.2.1"},
        {"", NULL},
        {"unknown", NULL},
        {"_hidden", NULL},
        {"192.0.2", NULL},
        {"192.0.2.1.5", NULL},
        {"192.0.2.256", NULL},
        {" 192.0.2.1", NULL},
        {"[2001:db8::1", NULL},
        {"[2001:db8::1]x", NULL},
        {"[]", NULL},
        {":", NULL},
        {"2001:db8:::1", NULL},
        {"1234567890123456789012345678901234567890123456", NULL},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char text[GW_ADDRESS_TEXT_SIZE];
        struct gw_address address;
        bool read = gw_address_parse(gw_str(cases[i].text), &address);

        if (read != (cases[i].address != NULL))
            fail_msg("%s", cases[i].text);
        if (!read)
            continue;
        gw_address_format(&address, text);
        assert_string_equal(text, cases[i].address);
    }
}

static void test_a_nul_in_an_address_ends_nothing(void **state)
{
    struct gw_address address;

    (void)state;
    assert_false(gw_address_parse((struct gw_str){"192.0.2.1\0x", 11}, &address));
}

static void test_networks_are_read_or_refused(void **state)
{
    static const struct {
        const char *text;
        int bits; /* -1: refused */
    } cases[] = {
        {"10.0.0.0/8", 104},
        {"10.1.2.3", 128},
        {"0.0.0.0/0", 96},
        {"::/0", 0},
        {"2001:db8::/32", 32},
        {"2001:db8::1", 128},
        {"2001:db8::1/128", 128},
        {"10.0.0.0/32", 128},
        {"10.0.0.1/8", -1},
        {"10.0.0.0/33", -1},
        {"2001:db8::/129", -1},
        {"2001:db8::1/64", -1},
        {"10.0.0.0/", -1},
        {"10.0.0.0/-1", -1},
        {"10.0.0.0/8x", -1},
        {"10.0.0.0/ 8", -1},
        {"/8", -1},
        {"", -1},
        {"10.0.0.0:80/8", -1},
        {"example.com", -1},
        {"10.0.0.0/99999999999999999999", -1},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_network network;
        bool read = gw_network_parse(cases[i].text, &network);

        if (read != (cases[i].bits >= 0) || (read && (int)network.bits != cases[i].bits))
            fail_msg("%s", cases[i].text);
    }
}

static void test_networks_hold_what_shares_their_bits(void **state)
{
    static const struct {
        const char *network, *address;
        bool holds;
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.128.0.0/9", "10.128.0.1", true},
        {"10.128.0.0/9", "10.127.255.255", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"0.0.0.0/0", "192.0.2.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "192.0.2.1", true},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_networks networks = {.count = 1};
        struct gw_address address;

        assert_true(gw_network_parse(cases[i].network, &networks.items[0]));
        assert_true(gw_address_parse(gw_str(cases[i].address), &address));
        if (gw_networks_hold(&networks, &address) != cases[i].holds)
            fail_msg("%s in %s", cases[i].address, cases[i].network);
        networks.count = 0;
        assert_false(gw_networks_hold(&networks, &address));
    }
}

static void test_sockets_have_addresses_or_none(void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000001)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    char text[GW_ADDRESS_TEXT_SIZE];
    struct gw_address address;

    (void)state;
    assert_true(gw_address_of_socket((struct sockaddr *)&v4, &address));
    gw_address_format(&address, text);
    assert_string_equal(text, "127.0.0.1");
    assert_true(gw_address_of_socket((struct sockaddr *)&v6, &address));
    gw_address_format(&address, text);
    assert_string_equal(text, "::1");
    assert_false(gw_address_of_socket((struct sockaddr *)&local, &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_read_as_proxies_write_them),
        cmocka_unit_test(test_a_nul_in_an_address_ends_nothing),
        cmocka_unit_test(test_networks_are_read_or_refused),
        cmocka_unit_test(test_networks_hold_what_shares_their_bits),
        cmocka_unit_test(test_sockets_have_addresses_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
