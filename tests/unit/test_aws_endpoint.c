/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/aws_endpoint.h"

#include "gw/aws_credentials.h"
#include "gw/aws_profile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIXTY_THREE "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz"

static char message[GW_AWS_MESSAGE_SIZE];

static const char *const variables[] = {
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_PROFILE",
};

static int forget_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(variables); i++)
        unsetenv(variables[i]);
    return 0;
}

static const struct {
    struct gw_aws_endpoint_options options;
    const char *service, *host;
} own[] = {
    {{"eu-central-1"}, "dynamodb", "dynamodb.eu-central-1.amazonaws.com"},
    {{"eu-central-1"}, "s3", "s3.eu-central-1.amazonaws.com"},
    {{"eu-central-1"}, "sts", "sts.eu-central-1.amazonaws.com"},
    {{"eu-central-1", ""}, "sts", "sts.eu-central-1.amazonaws.com"},
    {{"mx-central-1"}, "dynamodb", "dynamodb.mx-central-1.amazonaws.com"},
    {{"cn-north-1"}, "dynamodb", "dynamodb.cn-north-1.amazonaws.com.cn"},
    {{"eusc-de-east-1"}, "dynamodb", "dynamodb.eusc-de-east-1.amazonaws.eu"},
    {{"us-gov-west-1"}, "dynamodb", "dynamodb.us-gov-west-1.amazonaws.com"},
    {{"us-iso-east-1"}, "dynamodb", "dynamodb.us-iso-east-1.c2s.ic.gov"},
    {{"us-isob-east-1"}, "dynamodb", "dynamodb.us-isob-east-1.sc2s.sgov.gov"},
    {{"us-isof-south-1"}, "dynamodb", "dynamodb.us-isof-south-1.csp.hci.ic.gov"},
    {{"eu-isoe-west-1"}, "dynamodb", "dynamodb.eu-isoe-west-1.cloud.adc-e.uk"},
    {{SIXTY_THREE}, "sts", "sts." SIXTY_THREE ".amazonaws.com"},

    {{"us-east-1", .fips = true}, "dynamodb", "dynamodb-fips.us-east-1.amazonaws.com"},
    {{"us-east-1", .fips = true}, "sts", "sts-fips.us-east-1.amazonaws.com"},
    {{"us-east-1", .fips = true}, "s3", "s3-fips.us-east-1.amazonaws.com"},
    {{"us-gov-east-1", .fips = true}, "dynamodb", "dynamodb.us-gov-east-1.amazonaws.com"},
    {{"us-gov-east-1", .fips = true}, "sts", "sts.us-gov-east-1.amazonaws.com"},
    {{"us-gov-east-1", .fips = true}, "s3", "s3-fips.us-gov-east-1.amazonaws.com"},

    {{"us-east-1", .dual_stack = true}, "dynamodb", "dynamodb.us-east-1.api.aws"},
    {{"us-east-1", .dual_stack = true}, "s3", "s3.dualstack.us-east-1.amazonaws.com"},
    {{"us-gov-east-1", .dual_stack = true}, "sts", "sts.us-gov-east-1.api.aws"},
    {{"cn-north-1", .dual_stack = true},
     "dynamodb",
     "dynamodb.cn-north-1.api.amazonwebservices.com.cn"},
    {{"cn-north-1", .dual_stack = true}, "s3", "s3.dualstack.cn-north-1.amazonaws.com.cn"},
    {{"eusc-de-east-1", .dual_stack = true},
     "dynamodb",
     "dynamodb.eusc-de-east-1.api.amazonwebservices.eu"},

    {{"us-east-1", .fips = true, .dual_stack = true},
     "dynamodb",
     "dynamodb-fips.us-east-1.api.aws"},
    {{"us-gov-east-1", .fips = true, .dual_stack = true},
     "dynamodb",
     "dynamodb-fips.us-gov-east-1.api.aws"},
    {{"us-east-1", .fips = true, .dual_stack = true},
     "s3",
     "s3-fips.dualstack.us-east-1.amazonaws.com"},
};

static void test_a_region_leads_to_the_endpoint_of_its_partition(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(own); i++) {
        struct gw_aws_endpoint endpoint;
        char url[GW_AWS_URL_SIZE];

        assert_int_equal(
            gw_aws_endpoint_resolve(&own[i].options, own[i].service, &endpoint, message), 0);
        (void)snprintf(url, sizeof(url), "https://%s", own[i].host);
        assert_string_equal(endpoint.url, url);
        assert_string_equal(endpoint.host, own[i].host);
        assert_string_equal(endpoint.region, own[i].options.region);
        assert_false(endpoint.is_custom);
    }
}

static const struct {
    const char *given, *url, *host;
} custom[] = {
    {"http://localhost:8000", "http://localhost:8000", "localhost:8000"},
    {"http://localhost:8000/", "http://localhost:8000", "localhost:8000"},
    {"HTTP://127.0.0.1", "http://127.0.0.1", "127.0.0.1"},
    {"http://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1"},
    {"http://127.0.0.1:443", "http://127.0.0.1:443", "127.0.0.1:443"},
    {"https://vpce-1a.dynamodb.eu-west-1.vpce.amazonaws.com",
     "https://vpce-1a.dynamodb.eu-west-1.vpce.amazonaws.com",
     "vpce-1a.dynamodb.eu-west-1.vpce.amazonaws.com"},
    {"https://db.internal:443/", "https://db.internal", "db.internal"},
    {"https://db.internal:80", "https://db.internal:80", "db.internal:80"},
    {"https://my_db:8443", "https://my_db:8443", "my_db:8443"},
    {"http://[::1]:8000", "http://[::1]:8000", "[::1]:8000"},
};

static void test_a_custom_endpoint_is_taken_without_its_usual_port(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(custom); i++) {
        struct gw_aws_endpoint_options options = {"eu-west-1", custom[i].given};
        struct gw_aws_endpoint endpoint;

        assert_int_equal(gw_aws_endpoint_resolve(&options, "dynamodb", &endpoint, message), 0);
        assert_string_equal(endpoint.url, custom[i].url);
        assert_string_equal(endpoint.host, custom[i].host);
        assert_string_equal(endpoint.region, "eu-west-1");
        assert_true(endpoint.is_custom);
    }
}

static const struct {
    struct gw_aws_endpoint_options options;
    const char *says;
} refused[] = {
    {{NULL}, "set region, AWS_REGION"},
    {{""}, "set region, AWS_REGION"},
    {{NULL, "http://localhost:8000"}, "set region, AWS_REGION"},
    {{"EU-central-1"}, "such as eu-central-1"},
    {{"eu-central-1."}, "such as eu-central-1"},
    {{"evil.example/"}, "such as eu-central-1"},
    {{"-eu"}, "such as eu-central-1"},
    {{"eu-"}, "such as eu-central-1"},
    {{"eu west"}, "such as eu-central-1"},
    {{"a" SIXTY_THREE}, "such as eu-central-1"},
    {{"us-iso-east-1", .dual_stack = true}, "unset AWS_USE_DUALSTACK_ENDPOINT"},
    {{"eu-isoe-west-1", .dual_stack = true}, "unset AWS_USE_DUALSTACK_ENDPOINT"},
    {{"eu-west-1", "http://localhost", .fips = true}, "unset AWS_USE_FIPS_ENDPOINT"},
    {{"eu-west-1", "http://localhost", .dual_stack = true}, "AWS_USE_DUALSTACK_ENDPOINT"},
    {{"eu-west-1", "localhost"}, "http://localhost:8000"},
    {{"eu-west-1", "localhost:8000"}, "http://localhost:8000"},
    {{"eu-west-1", "ftp://localhost"}, "http://localhost:8000"},
    {{"eu-west-1", "file:///etc/passwd"}, "http://localhost:8000"},
    {{"eu-west-1", "http://"}, "http://localhost:8000"},
    {{"eu-west-1", "http://localhost:8000/path"}, "http://localhost:8000"},
    {{"eu-west-1", "http://localhost:8000/?query"}, "http://localhost:8000"},
    {{"eu-west-1", "http://localhost:8000/#part"}, "http://localhost:8000"},
    {{"eu-west-1", "http://localhost:99999"}, "http://localhost:8000"},
    {{"eu-west-1", "http://user:wJalrXUt@localhost"}, "http://localhost:8000"},
    {{"eu-west-1", "http://user@localhost"}, "http://localhost:8000"},
    {{"eu-west-1", "http://h\xc3\xb6st"}, "http://localhost:8000"},
    {{"eu-west-1", "http://local host"}, "http://localhost:8000"},
    {{"eu-west-1", "http://localhost\r\nX-Evil: 1"}, "http://localhost:8000"},
    {{"eu-west-1", "http://a$b"}, "http://localhost:8000"},
    {{"eu-west-1", "http://[::1"}, "http://localhost:8000"},
};

static void test_what_is_no_endpoint_is_refused_with_advice(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(refused); i++) {
        struct gw_aws_endpoint endpoint = {.region = "untouched"};

        assert_int_equal(
            gw_aws_endpoint_resolve(&refused[i].options, "dynamodb", &endpoint, message), -EINVAL);
        if (!strstr(message, refused[i].says))
            fail_msg("\"%s\" does not say \"%s\"", message, refused[i].says);
        assert_null(strstr(message, "wJalrXUt"));
        assert_string_equal(endpoint.region, "untouched");
    }
}

static void test_an_endpoint_that_is_too_long_is_refused(void **state)
{
    char url[GW_AWS_URL_SIZE + 32];
    struct gw_aws_endpoint_options options = {"eu-west-1", url};
    struct gw_aws_endpoint endpoint;

    (void)state;
    memset(url, 'x', sizeof(url));
    memcpy(url, "http://", 7);
    url[GW_AWS_URL_SIZE] = '\0';
    assert_int_equal(gw_aws_endpoint_resolve(&options, "dynamodb", &endpoint, message), -EINVAL);
    url[GW_AWS_URL_SIZE - 1] = '\0';
    assert_int_equal(gw_aws_endpoint_resolve(&options, "dynamodb", &endpoint, message), 0);
    assert_string_equal(endpoint.url, url);
}

static const char config[] = "[default]\n"
                             "region = eu-south-1\n"
                             "[profile local]\n"
                             "region = eu-north-1\n"
                             "endpoint_url = http://profile\n"
                             "services = here\n"
                             "use_fips_endpoint = true\n"
                             "use_dualstack_endpoint = True\n"
                             "[profile quiet]\n"
                             "endpoint_url = http://profile\n"
                             "ignore_configured_endpoint_urls = true\n"
                             "[services here]\n"
                             "dynamodb =\n"
                             "  endpoint_url = http://services\n";

/* Up to four settings; then what is looked up for dynamodb with nothing configured of our own. */
static const struct {
    const char *environment[4][2];
    const char *region, *endpoint;
    bool fips, dual_stack;
} look_ups[] = {
    {{{0}}, "eu-south-1", NULL, false, false},
    {{{"AWS_REGION", ""}}, "eu-south-1", NULL, false, false},
    {{{"AWS_DEFAULT_REGION", "ap-east-1"}}, "ap-east-1", NULL, false, false},
    {{{"AWS_DEFAULT_REGION", "ap-east-1"}, {"AWS_REGION", "ca-west-1"}},
     "ca-west-1",
     NULL,
     false,
     false},
    {{{"AWS_PROFILE", "none"}}, NULL, NULL, false, false},
    {{{"AWS_PROFILE", "local"}}, "eu-north-1", "http://services", true, true},
    {{{"AWS_PROFILE", "local"}, {"AWS_ENDPOINT_URL", "http://all"}},
     "eu-north-1",
     "http://all",
     true,
     true},
    {{{"AWS_ENDPOINT_URL", "http://all"}, {"AWS_ENDPOINT_URL_DYNAMODB", "http://one"}},
     "eu-south-1",
     "http://one",
     false,
     false},
    {{{"AWS_ENDPOINT_URL_STS", "http://other"}}, "eu-south-1", NULL, false, false},
    {{{"AWS_ENDPOINT_URL", ""}}, "eu-south-1", NULL, false, false},
    {{{"AWS_PROFILE", "local"}, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}},
     "eu-north-1",
     NULL,
     true,
     true},
    {{{"AWS_ENDPOINT_URL", "http://all"}, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE"}},
     "eu-south-1",
     NULL,
     false,
     false},
    {{{"AWS_PROFILE", "quiet"}}, NULL, NULL, false, false},
    {{{"AWS_USE_FIPS_ENDPOINT", "true"}}, "eu-south-1", NULL, true, false},
    {{{"AWS_USE_DUALSTACK_ENDPOINT", "true"}}, "eu-south-1", NULL, false, true},
    {{{"AWS_USE_FIPS_ENDPOINT", "yes"}}, "eu-south-1", NULL, false, false},
    {{{"AWS_PROFILE", "local"},
      {"AWS_USE_FIPS_ENDPOINT", "false"},
      {"AWS_USE_DUALSTACK_ENDPOINT", "false"}},
     "eu-north-1",
     "http://services",
     false,
     false},
};

static void assert_text(const char *found, const char *expected)
{
    if (expected) {
        assert_non_null(found);
        assert_string_equal(found, expected);
    } else {
        assert_null(found);
    }
}

static void test_what_is_left_open_comes_from_the_environment_and_then_the_profile(void **state)
{
    struct gw_aws_profiles *profiles = gw_aws_profiles_new();

    assert_non_null(profiles);
    assert_int_equal(gw_aws_profiles_parse(profiles, gw_str(config), true), 0);
    for (size_t i = 0; i < GW_COUNT(look_ups); i++) {
        struct gw_aws_endpoint_options options = {0};

        forget_environment(state);
        for (size_t j = 0; j < 4 && look_ups[i].environment[j][0]; j++)
            setenv(look_ups[i].environment[j][0], look_ups[i].environment[j][1], 1);
        gw_aws_endpoint_look_up(profiles, "dynamodb", &options);
        assert_text(options.region, look_ups[i].region);
        assert_text(options.endpoint, look_ups[i].endpoint);
        assert_int_equal(options.fips, look_ups[i].fips);
        assert_int_equal(options.dual_stack, look_ups[i].dual_stack);
    }
    gw_aws_profiles_free(profiles);
}

static void test_another_services_endpoint_is_not_taken_from_the_services_section(void **state)
{
    struct gw_aws_profiles *profiles = gw_aws_profiles_new();
    struct gw_aws_endpoint_options options = {0};

    (void)state;
    assert_int_equal(gw_aws_profiles_parse(profiles, gw_str(config), true), 0);
    setenv("AWS_PROFILE", "local", 1);
    gw_aws_endpoint_look_up(profiles, "sts", &options);
    assert_string_equal(options.endpoint, "http://profile");
    gw_aws_profiles_free(profiles);
}

static void test_our_own_configuration_beats_environment_and_profile(void **state)
{
    struct gw_aws_endpoint_options options = {"af-south-1", "http://ours", true, true};

    (void)state;
    setenv("AWS_REGION", "ca-west-1", 1);
    setenv("AWS_ENDPOINT_URL", "http://all", 1);
    setenv("AWS_USE_FIPS_ENDPOINT", "false", 1);
    gw_aws_endpoint_look_up(NULL, "dynamodb", &options);
    assert_string_equal(options.region, "af-south-1");
    assert_string_equal(options.endpoint, "http://ours");
    assert_true(options.fips && options.dual_stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_region_leads_to_the_endpoint_of_its_partition),
        cmocka_unit_test(test_a_custom_endpoint_is_taken_without_its_usual_port),
        cmocka_unit_test(test_what_is_no_endpoint_is_refused_with_advice),
        cmocka_unit_test(test_an_endpoint_that_is_too_long_is_refused),
        cmocka_unit_test_setup(
            test_what_is_left_open_comes_from_the_environment_and_then_the_profile,
            forget_environment),
        cmocka_unit_test_setup(
            test_another_services_endpoint_is_not_taken_from_the_services_section,
            forget_environment),
        cmocka_unit_test_setup(test_our_own_configuration_beats_environment_and_profile,
                               forget_environment),
    };

    return cmocka_run_group_tests(tests, NULL, forget_environment);
}
