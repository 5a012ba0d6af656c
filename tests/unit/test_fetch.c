/* SPDX-License-Identifier: Apache-2.0 */
#include "../../src/aws/fetch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_only_urls_of_http_with_a_host_are_taken(void **state)
{
    static const struct {
        const char *url;
        bool is_https;
        const char *host; /* NULL: refused */
    } cases[] = {
        {"http://169.254.170.2/v2/credentials/1", false, "169.254.170.2"},
        {"https://example.org", true, "example.org"},
        {"HTTPS://example.org:8443/a?b#c", true, "example.org"},
        {"http://[fd00:ec2::23]/v1/credentials", false, "fd00:ec2::23"},
        {"http://[::1]:8080", false, "::1"},
        {"http://127.0.0.1@example.org/", false, NULL},
        {"http://user:password@127.0.0.1/", false, NULL},
        {"http://:password@127.0.0.1/", false, NULL},
        {"http://@127.0.0.1/", false, NULL},
        {"example.org", false, NULL},
        {"//example.org", false, NULL},
        {"/path", false, NULL},
        {"", false, NULL},
        {"http://", false, NULL},
        {"ftp://example.org", false, NULL},
        {"file:///etc/passwd", false, NULL},
        {"gopher://127.0.0.1:6379/_", false, NULL},
        {"http://127.0.0.1/\r\nX: y", false, NULL},
        {"http://127.0.0.1\n/", false, NULL},
        {"http://a b/", false, NULL},
        {"http://127.0.0.1:99999/", false, NULL},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_fetch_url parsed = {.host = "untouched"};
        int r = gw_fetch_url_parse(cases[i].url, &parsed);

        if (!cases[i].host) {
            if (r != -EINVAL || strcmp(parsed.host, "untouched") != 0)
                fail_msg("%s: %d, %s", cases[i].url, r, parsed.host);
        } else if (r != 0 || strcmp(parsed.host, cases[i].host) != 0 ||
                   parsed.is_https != cases[i].is_https) {
            fail_msg("%s: %d, %s", cases[i].url, r, parsed.host);
        }
    }
}

static void test_near_is_this_machine_and_awss_agents_by_value(void **state)
{
    static const struct {
        const char *host;
        bool is_near;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.255.255.254", true},
        {"::1", true},
        {"0:0:0:0:0:0:0:1", true},
        {"localhost", true},
        {"LOCALHOST", true},
        {"169.254.170.2", true},
        {"169.254.170.23", true},
        {"fd00:ec2::23", true},
        {"FD00:EC2:0::0023", true},
        {"128.0.0.1", false},
        {"126.255.255.255", false},
        {"127.0.0.1.example", false},
        {"127.example.org", false},
        {"localhost.example", false},
        {"169.254.170.3", false},
        {"169.254.170.20", false},
        {"169.254.170.23.example", false},
        {"169.254.169.254", false},
        {"fd00:ec2::254", false},
        {"fd00:ec2::2", false},
        {"::", false},
        {"::2", false},
        {"10.0.0.1", false},
        {"2130706433", false},
        {"", false},
        {"::ffff:10.0.0.1", false},
        {"example.org", false},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        if (gw_fetch_host_is_near(cases[i].host) != cases[i].is_near)
            fail_msg("%s", cases[i].host);
}

static void test_a_form_encodes_all_but_unreserved_bytes(void **state)
{
    static const struct {
        struct gw_str name, value;
        const char *form;
    } cases[] = {
        {{"Action", 6}, {"AssumeRole", 10}, "Action=AssumeRole"},
        {{"a", 1}, {"", 0}, "a="},
        {{"a", 1}, {"AZaz09-._~", 10}, "a=AZaz09-._~"},
        {{"a", 1}, {"arn:aws:iam::1:role/x", 21}, "a=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx"},
        {{"a", 1}, {" +&=%", 5}, "a=%20%2B%26%3D%25"},
        {{"a&b", 3}, {"\0\r\n\xff", 4}, "a%26b=%00%0D%0A%FF"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_buffer form;

        gw_buffer_init(&form, 64);
        assert_int_equal(gw_fetch_append_field(&form, cases[i].name, cases[i].value), 0);
        if (!gw_str_equal(gw_buffer_str(&form), gw_str(cases[i].form)))
            fail_msg("%s: %.*s", cases[i].form, (int)form.len, form.data);
        gw_buffer_deinit(&form);
    }
}

static void test_a_form_separates_its_fields_and_keeps_its_bound(void **state)
{
    struct gw_buffer form;

    (void)state;
    gw_buffer_init(&form, 12);
    assert_int_equal(gw_fetch_append_field(&form, GW_STR("a"), GW_STR("1")), 0);
    assert_int_equal(gw_fetch_append_field(&form, GW_STR("b"), GW_STR("12345678")), -ENOBUFS);
    assert_int_equal(gw_fetch_append_field(&form, GW_STR("b"), GW_STR("1234567")), -ENOBUFS);
    assert_int_equal(gw_fetch_append_field(&form, GW_STR("b"), GW_STR("123/")), 0);
    assert_true(gw_str_equal(gw_buffer_str(&form), GW_STR("a=1&b=123%2F")));
    gw_buffer_deinit(&form);
}

static void test_what_is_no_request_is_not_sent(void **state)
{
    static const struct {
        const char *url, *header, *problem;
    } cases[] = {
        {"gopher://127.0.0.1:1/", NULL, "not a URL"},
        {"http://u:p@127.0.0.1:1/", NULL, "not a URL"},
        {"http://127.0.0.1:1/", "Authorization: a\r\nX: b", "line break"},
        {"http://127.0.0.1:1/", "Authorization: a\nX: b", "line break"},
        {"http://127.0.0.1:1/", "Authorization: a\r", "line break"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_fetch fetch = {.method = "GET",
                                 .url = cases[i].url,
                                 .headers = {"A: b", cases[i].header},
                                 .connect_timeout_ms = 1000,
                                 .timeout_ms = 1000};

        assert_int_equal(gw_fetch_perform(&fetch), GW_FETCH_INVALID);
        assert_non_null(strstr(fetch.problem, cases[i].problem));
        gw_fetch_deinit(&fetch);
    }
}

static void test_a_port_where_nobody_listens_is_no_connection(void **state)
{
    struct gw_fetch fetch = {.method = "GET",
                             .url = "http://127.0.0.1:1/",
                             .connect_timeout_ms = 30000,
                             .timeout_ms = 30000,
                             .attempts = 2,
                             .direct = true};

    (void)state;
    assert_int_equal(gw_fetch_perform(&fetch), GW_FETCH_UNCONNECTED);
    assert_int_equal(fetch.status, 0);
    assert_true(fetch.problem[0]);
    gw_fetch_deinit(&fetch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_urls_of_http_with_a_host_are_taken),
        cmocka_unit_test(test_near_is_this_machine_and_awss_agents_by_value),
        cmocka_unit_test(test_a_form_encodes_all_but_unreserved_bytes),
        cmocka_unit_test(test_a_form_separates_its_fields_and_keeps_its_bound),
        cmocka_unit_test(test_what_is_no_request_is_not_sent),
        cmocka_unit_test(test_a_port_where_nobody_listens_is_no_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
