/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define XFF GW_FORWARDED_X_FORWARDED_FOR
#define RFC GW_FORWARDED_RFC7239

/* 10.0.0.0/8 and 2001:db8::/32 are trusted. */
static struct gw_networks trusted;

static int set_up(void **state)
{
    (void)state;
    trusted.count = 2;
    return gw_network_parse("10.0.0.0/8", &trusted.items[0]) &&
                   gw_network_parse("2001:db8::/32", &trusted.items[1])
               ? 0
               : -1;
}

static const char *resolve(const struct gw_forwarded *forwarded, enum gw_forwarded_form form,
                           const char *socket)
{
    static char text[GW_ADDRESS_TEXT_SIZE];
    struct gw_address peer;

    assert_true(gw_address_parse(gw_str(socket), &peer));
    if (!gw_forwarded_resolve(forwarded, form, &trusted, &peer))
        return "unknown";
    gw_address_format(&peer, text);
    return text;
}

static void test_the_chain_is_followed_as_far_as_it_is_trusted(void **state)
{
    static const struct {
        enum gw_forwarded_form form;
        const char *socket, *headers[3];
        const char *peer;
    } cases[] = {
        {XFF, "192.0.2.9", {NULL}, "192.0.2.9"},
        {XFF, "192.0.2.9", {"1.1.1.1"}, "192.0.2.9"}, /* not trusted: its word is worth nothing */
        {XFF, "10.0.0.1", {NULL}, "10.0.0.1"},
        {XFF, "10.0.0.1", {"1.1.1.1"}, "1.1.1.1"},
        {XFF, "10.0.0.1", {"2.2.2.2, 1.1.1.1"}, "1.1.1.1"}, /* 2.2.2.2 is the client's invention */
        {XFF, "10.0.0.1", {"2.2.2.2,1.1.1.1 , 10.0.0.2"}, "1.1.1.1"},
        {XFF, "10.0.0.1", {"2.2.2.2", "1.1.1.1"}, "1.1.1.1"}, /* two headers are one list */
        {XFF, "10.0.0.1", {"2.2.2.2", "1.1.1.1", "10.0.0.2"}, "1.1.1.1"},
        {XFF, "10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
        {XFF, "10.0.0.1", {"1.1.1.1:555"}, "1.1.1.1"},
        {XFF, "2001:db8::1", {"[2001:db9::7]:5"}, "2001:db9::7"},
        {XFF, "10.0.0.1", {"1.1.1.1,, "}, "1.1.1.1"},
        {XFF, "10.0.0.1", {""}, "10.0.0.1"},
        {XFF, "10.0.0.1", {"unknown"}, "unknown"},
        {XFF, "10.0.0.1", {"1.1.1.1, unknown"}, "unknown"},
        {XFF, "10.0.0.1", {"unknown, 1.1.1.1"}, "1.1.1.1"},
        {RFC, "10.0.0.1", {"for=1.1.1.1"}, "1.1.1.1"},
        {RFC, "10.0.0.1", {"by=10.0.0.1;For=\"1.1.1.1:80\";proto=https"}, "1.1.1.1"},
        {RFC, "10.0.0.1", {"for=2.2.2.2, for=\"[2001:db9::7]:4711\""}, "2001:db9::7"},
        {RFC, "10.0.0.1", {"for=2.2.2.2;host=\"a,for=1.1.1.1\""}, "unknown"},
        {RFC, "10.0.0.1", {"for=_hidden"}, "unknown"},
        {RFC, "10.0.0.1", {"proto=https"}, "unknown"},
        {RFC, "10.0.0.1", {"for=1.1.1.1;for=2.2.2.2"}, "unknown"},
        {RFC, "10.0.0.1", {"1.1.1.1"}, "unknown"},
        {RFC, "10.0.0.1", {"for=\""}, "unknown"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_forwarded forwarded = {.count = 0};

        for (size_t j = 0; j < GW_COUNT(cases[i].headers) && cases[i].headers[j]; j++)
            gw_forwarded_add(&forwarded, gw_str(cases[i].headers[j]));
        const char *peer = resolve(&forwarded, cases[i].form, cases[i].socket);

        if (strcmp(peer, cases[i].peer) != 0)
            fail_msg("case %zu, %s: %s and not %s", i, cases[i].headers[0], peer, cases[i].peer);
    }
}

static void test_of_many_headers_the_last_ones_count(void **state)
{
    struct gw_forwarded forwarded = {.count = 0};

    (void)state;
    for (int i = 0; i < 20; i++)
        gw_forwarded_add(&forwarded, GW_STR("2.2.2.2"));
    gw_forwarded_add(&forwarded, GW_STR("1.1.1.1"));
    for (int i = 0; i < GW_FORWARDED_VALUES_MAX - 1; i++)
        gw_forwarded_add(&forwarded, GW_STR("10.0.0.2"));
    assert_string_equal(resolve(&forwarded, XFF, "10.0.0.1"), "1.1.1.1");
    gw_forwarded_add(&forwarded, GW_STR("10.0.0.2"));
    assert_string_equal(resolve(&forwarded, XFF, "10.0.0.1"), "unknown");
}

static void test_a_chain_without_end_is_given_up(void **state)
{
    struct gw_forwarded forwarded = {.count = 0};
    char value[4096] = "1.1.1.1";
    size_t len = strlen(value);

    (void)state;
    for (int i = 0; i < 64; i++)
        len += (size_t)snprintf(value + len, sizeof(value) - len, ",10.0.0.2");
    gw_forwarded_add(&forwarded, gw_str(value));
    assert_string_equal(resolve(&forwarded, XFF, "10.0.0.1"), "unknown");
    forwarded = (struct gw_forwarded){.count = 0};
    value[len - strlen(",10.0.0.2")] = '\0';
    gw_forwarded_add(&forwarded, gw_str(value));
    assert_string_equal(resolve(&forwarded, XFF, "10.0.0.1"), "1.1.1.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_chain_is_followed_as_far_as_it_is_trusted),
        cmocka_unit_test(test_of_many_headers_the_last_ones_count),
        cmocka_unit_test(test_a_chain_without_end_is_given_up),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
