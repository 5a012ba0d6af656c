/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/settings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char bytes[] = "0123456789abcdef";
static const struct gw_secrets secrets = {.items = {{bytes, 16}, {bytes, 8}}, .count = 2};

static void test_a_reload_takes_over_what_the_configuration_says(void **state)
{
    static const char text[] = "[server]\npath=/hook\nmax_body=1KiB\nrequest_timeout=3s\n"
                               "idle_timeout=4s\n[signature]\nheader=X-Hub-Signature-256\n"
                               "encoding=base64\nprefix=sha256=\n"
                               "[storage]\non_update_failure=acknowledge\n"
                               "[server]\ntrusted_proxies=10.0.0.0/8\ntrusted_proxies=::1\n"
                               "forwarded_header=Forwarded\nallow=192.0.2.0/24\n";
    struct gw_config_errors errors = {.count = 0};
    struct gw_settings *settings;
    struct gw_config config;

    (void)state;
    assert_int_equal(gw_config_parse(&config, text, sizeof(text) - 1, "f.ini", &errors), 0);
    assert_int_equal(gw_settings_new(&config, &secrets, &settings), 0);
    gw_config_deinit(&config);
    assert_int_equal(settings->max_body_bytes, 1024);
    assert_int_equal(settings->request_timeout_ms, 3000);
    assert_int_equal(settings->idle_timeout_ms, 4000);
    assert_true(settings->acknowledge_failed_updates);
    assert_string_equal(settings->endpoint->path, "/hook");
    assert_string_equal(settings->endpoint->scheme.header, "X-Hub-Signature-256");
    assert_int_equal(settings->endpoint->scheme.encoding, GW_SIGNATURE_BASE64);
    assert_int_equal(settings->endpoint->keyring.count, 2);
    assert_int_equal(settings->trusted_proxies.count, 2);
    assert_int_equal(settings->trusted_proxies.items[0].bits, 104);
    assert_int_equal(settings->forwarded_form, GW_FORWARDED_RFC7239);
    assert_int_equal(settings->allow.count, 1);
    gw_settings_unref(settings);
}

/* A sanitizer sees what is freed too early, or not at all. */
static void test_a_request_keeps_the_settings_that_it_began_with(void **state)
{
    struct gw_config_errors errors = {.count = 0};
    struct gw_settings *settings, *kept;
    struct gw_config config;

    (void)state;
    assert_int_equal(gw_config_parse(&config, NULL, 0, "defaults", &errors), 0);
    assert_int_equal(gw_settings_new(&config, &secrets, &settings), 0);
    gw_config_deinit(&config);
    kept = gw_settings_ref(settings);
    assert_null(gw_settings_unref(settings));
    assert_ptr_equal(gw_settings_endpoint(kept, GW_STR("/webhook")), kept->endpoint);
    assert_null(gw_settings_endpoint(kept, GW_STR("/webhook/")));
    assert_null(gw_settings_endpoint(kept, GW_STR("/")));
    assert_null(gw_settings_unref(kept));
    assert_null(gw_settings_unref(NULL));
}

static void test_an_empty_secret_is_no_key(void **state)
{
    static const struct gw_secrets empty = {.items = {{bytes, 16}, {bytes, 0}}, .count = 2};
    struct gw_config_errors errors = {.count = 0};
    struct gw_settings *settings;
    struct gw_config config;

    (void)state;
    assert_int_equal(gw_config_parse(&config, NULL, 0, "defaults", &errors), 0);
    assert_int_equal(gw_settings_new(&config, &empty, &settings), -EINVAL);
    gw_config_deinit(&config);
}

static void test_a_target_s_path_is_found_in_both_of_its_forms(void **state)
{
    static const char *const cases[][2] = {
        {"/webhook", "/webhook"},
        {"/webhook?a=/b", "/webhook"},
        {"http://host:1/webhook", "/webhook"},
        {"http://host/a://b", "/a://b"},
        {"http://host?/x", "http://host"},
        {"http://host", "http://host"},
        {"*", "*"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        if (!gw_str_equal(gw_settings_path(gw_str(cases[i][0])), gw_str(cases[i][1])))
            fail_msg("%s", cases[i][0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reload_takes_over_what_the_configuration_says),
        cmocka_unit_test(test_a_request_keeps_the_settings_that_it_began_with),
        cmocka_unit_test(test_an_empty_secret_is_no_key),
        cmocka_unit_test(test_a_target_s_path_is_found_in_both_of_its_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
