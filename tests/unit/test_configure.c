/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/configure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "files.h"

#define SECRET "0123456789abcdef0123456789abcdef"

/* As main does at the start; NULL: none. */
static void set_secret(const char *secret)
{
    gw_secret_forget_environment();
    if (secret)
        assert_int_equal(setenv("GENESYS_WEBHOOK_SECRET", secret, 1), 0);
    assert_int_equal(gw_secret_take_environment(), 0);
}

/* What is loaded in each case is freed; the rest is the sanitizer's. */
static void test_what_is_wrong_decides_the_exit_status(void **state)
{
    static const struct {
        const char *ini, *secret;
        int code;
    } cases[] = {
        {"", SECRET, GW_EXIT_OK},
        {"[server]\npath=/hook\n", SECRET, GW_EXIT_OK},
        {"", NULL, GW_EXIT_CONFIG},
        {"", "", GW_EXIT_CONFIG},
        {"[server]\npath=hook\n", SECRET, GW_EXIT_CONFIG},
        {"[server]\npth=/hook\n", NULL, GW_EXIT_CONFIG},
        {"[signature]\nsecret_file=/nonexistent/secret\n", NULL, GW_EXIT_CONFIG},
    };
    char path[PATH_MAX];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_settings *settings;
        struct gw_config config;
        int code;

        files_write("f.ini", gw_str(cases[i].ini));
        set_secret(cases[i].secret);
        code = gw_configure_settings(files_path(path, "f.ini"), &config, &settings);
        if (code != cases[i].code)
            fail_msg("%d for \"%s\"", code, cases[i].ini);
        if (code == GW_EXIT_OK) {
            gw_config_deinit(&config);
            gw_settings_unref(settings);
        }
    }
}

static void test_a_file_that_is_not_there_is_no_configuration(void **state)
{
    struct gw_secrets secrets;
    struct gw_config config;
    char path[PATH_MAX];

    (void)state;
    set_secret(SECRET);
    assert_int_equal(gw_configure_load(files_path(path, "none"), &config, &secrets),
                     GW_EXIT_CONFIG);
}

static void test_without_a_file_the_defaults_are_loaded(void **state)
{
    struct gw_secrets secrets;
    struct gw_config config;

    (void)state;
    set_secret(SECRET);
    assert_int_equal(gw_configure_load(NULL, &config, &secrets), GW_EXIT_OK);
    assert_string_equal(config.path, "/webhook");
    assert_int_equal(secrets.count, 1);
    gw_secrets_deinit(&secrets);
    gw_config_deinit(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_wrong_decides_the_exit_status),
        cmocka_unit_test(test_a_file_that_is_not_there_is_no_configuration),
        cmocka_unit_test(test_without_a_file_the_defaults_are_loaded),
    };
    int failed;

    files_begin("/tmp");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    gw_secret_forget_environment();
    files_end();
    return failed;
}
