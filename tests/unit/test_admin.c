/* SPDX-License-Identifier: Apache-2.0 */
/* What it answers is tested from outside (test_admin.py); here: where it may listen. */
#include "gw/admin.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int open_at(char *listen, bool remote, char *message, size_t size)
{
    struct gw_account account = {.count = 0};
    struct gw_shared shared = {.leaving = false};
    struct gw_gap gap = {.fd = -1};
    struct gw_loop loop;
    const struct gw_config_list addresses = {.items = {listen}, .count = 1};
    struct gw_admin *admin = NULL;

    assert_int_equal(gw_loop_init(&loop), 0);
    const struct gw_admin_options options = {.listen = &addresses,
                                             .remote = remote,
                                             .loop = &loop,
                                             .shared = &shared,
                                             .account = &account,
                                             .gap = &gap};
    int r = gw_admin_new(&options, &admin, message, size);

    assert_int_equal(r == 0, admin != NULL);
    gw_admin_free(admin);
    gw_loop_deinit(&loop);
    return r;
}

static void test_another_address_than_loopback_needs_a_word(void **state)
{
    static const struct {
        char *listen;
        bool remote;
        int result;
    } cases[] = {
        {"127.0.0.1:0", false, 0}, {"127.9.9.9:0", false, 0},    {"localhost:0", false, 0},
        {"0.0.0.0:0", true, 0},    {"0.0.0.0:0", false, -EPERM}, {"[::]:0", false, -EPERM},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char message[512];

        assert_int_equal(open_at(cases[i].listen, cases[i].remote, message, sizeof(message)),
                         cases[i].result);
        if (cases[i].result)
            assert_non_null(strstr(message, "remote = yes"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_address_than_loopback_needs_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
