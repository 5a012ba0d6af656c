/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_addresses_and_localhost_alone_are_this_machine(void **state)
{
    static const struct {
        const char *host;
        bool own;
    } cases[] = {
        {"localhost", true},
        {"localhost:9464", true},
        {"LocalHost:9464", true},
        {"127.0.0.1", true},
        {"127.0.0.1:9464", true},
        {"10.1.2.3:9464", true}, /* an address is nobody's to point elsewhere */
        {"[::1]", true},
        {"[::1]:9464", true},
        {"[::ffff:127.0.0.1]:9464", true},
        {NULL, false},
        {"", false},
        {":9464", false},
        {"evil.example", false},
        {"evil.example:9464", false},
        {"localhost.evil.example", false},
        {"127.0.0.1.evil.example:9464", false},
        {"evil.localhost", false},
        {"localhost.", false},
        {"localhost:9464:1", false},
        {"localhost:evil", false},
        {"localhost@evil.example", false},
        {"127.1", false},
        {"2130706433", false},
        {"::1", false},
        {"[::1", false},
        {"[", false},
        {"[]", false},
        {"[::1]evil.example", false},
        {"[localhost]", false},
        {"[127.0.0.1]", false},
        {"127.0.0.1]", false},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]", false},
        {"1111111111111111111111111111111111111111111111111111111111111111111111111", false},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        if (gw_host_is_own(cases[i].host) != cases[i].own)
            fail_msg("%s is%s this machine", cases[i].host, cases[i].own ? "" : " not");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_and_localhost_alone_are_this_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
