/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/aws_profile.h"

#include "gw/aws_credentials.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"

static char message[GW_AWS_MESSAGE_SIZE];

static struct gw_aws_profiles *parse(const char *config, const char *credentials)
{
    struct gw_aws_profiles *profiles = gw_aws_profiles_new();

    assert_non_null(profiles);
    if (config)
        assert_int_equal(gw_aws_profiles_parse(profiles, gw_str(config), true), 0);
    if (credentials)
        assert_int_equal(gw_aws_profiles_parse(profiles, gw_str(credentials), false), 0);
    return profiles;
}

static void assert_value(const struct gw_aws_profiles *profiles, const char *profile,
                         const char *key, const char *expected)
{
    const char *found = gw_aws_profile_get(profiles, profile, key);

    if (!found != !expected || (found && strcmp(found, expected) != 0))
        fail_msg("%s of %s is \"%s\" and not \"%s\"", key, profile, found ? found : "(none)",
                 expected ? expected : "(none)");
}

static const struct {
    const char *config; /* of which profile "p" is looked at */
    const char *value;  /* of its key "k"; NULL: it has none */
} values[] = {
    {"[profile p]\nk = v", "v"},
    {"[profile p]\nk=v\n", "v"},
    {"[profile p]\r\nk = v\r\n", "v"},
    {"\xef\xbb\xbf[profile p]\nk = v", "v"},
    {"[profile p]\nk \t=  \tv \t\n", "v"},
    {"[profile p]\nk = v=w", "v=w"},
    {"[profile p]\nk = two words", "two words"},
    {"[profile p]\nk = \xf0\x9f\x98\x82", "\xf0\x9f\x98\x82"},
    {"[profile p]\nK = v", "v"},
    {"[profile p]\nk = a\nk = b", "b"},
    {"[profile p]\nk = a\n[profile q]\nk = x\n[profile p]\nk = b", "b"},
    {"[profile p]\nk = a\n[profile p]\nj = b", "a"},
    {"[profile p]\n\n \t\nk = v\n\n", "v"},
    {"# c\n[profile p] # c\nk = v # c # c", "v"},
    {"; c\n[profile p] ; c\nk = v ; c", "v"},
    {"[profile p]; c\nk = v;w#x", "v;w#x"},
    {"[profile p]\nk = v ;\n", "v"},
    {"[profile p]\nk = v\n # c\n  ; c\n", "v"},
    {"[profile \t p \t]\nk = v", "v"},
    {"[ profile\tp]\nk = v", "v"},

    {"[profile p]\nk = v\n -w", "v\n-w"},
    {"[profile p]\nk = v\n \t -w \t\n\t-x # y", "v\n-w\n-x # y"},
    {"[profile p]\nk = v\n\n  -w", "v\n-w"},
    {"[profile p]\nk = v\n  a = b", "v\na = b"},
    {"[profile p]\n  k = v\n  j = w", "v"},
    {"[profile p]\n  j = w\n  k = v", "v"},
    {"[profile p]\n  j = w\nk = v", "v"},
    {"[profile p]\n -lost\nk = v", "v"},
    {"[profile p]\nk = v\n[profile p]\n -lost", "v"},
    {"[profile p]\ns3 =\n  k = nested\nk = v", "v"},
    {"[profile p]\nk = v\ns3 =\n  k = nested\n\n  k = nested", "v"},
    {"[profile p]\ns3 =\n  k = nested", NULL},
    {"[profile p]\nk =\n  j = nested", NULL},

    {"", NULL},
    {"k = v", NULL},
    {" k = v", NULL},
    {"[profile p]\nk =", NULL},
    {"[profile p]\nk = v\nk =", NULL},
    {"[profile p]\nk : v", NULL},
    {"[profile p]\n= v", NULL},
    {"[profile p]\nkk = v", NULL},
    {"[profile p\nk = v", NULL},
    {"[profile P]\nk = v", NULL},
    {"[profile pp]\nk = v", NULL},
    {"[p]\nk = v", NULL},
    {"[profilep]\nk = v", NULL},
    {"[services p]\nk = v", NULL},
    {"[sso-session p]\nk = v", NULL},
    {"[profile p]\n[sso-session p]\nk = v", NULL},
    {"[profile p]\n[broken\nk = v", NULL},
    {"[]\nk = v", NULL},
    {"[profile]\nk = v", NULL},
    {"[profile p]\nk", NULL},
};

static void test_the_config_file_is_read_as_the_sdks_read_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(values); i++) {
        struct gw_aws_profiles *profiles = parse(values[i].config, NULL);

        assert_value(profiles, "p", "k", values[i].value);
        gw_aws_profiles_free(profiles);
    }
}

static const struct {
    const char *config, *credentials;
    const char *value;
} both[] = {
    {"[default]\nk = config", "[default]\nk = credentials", "credentials"},
    {"[default]\nk = config", "[default]\nj = credentials", "config"},
    {"[default]\nk = config", "[other]\nk = credentials", "config"},
    {"[profile default]\nk = config", "[default]\nk = credentials", "credentials"},
    {"[default]\nk = bare\n[profile default]\nk = prefixed", NULL, "prefixed"},
    {"[profile default]\nk = prefixed\n[default]\nk = bare", NULL, "prefixed"},
    {"[profile default]\nj = prefixed\n[default]\nk = bare", NULL, NULL},
    {NULL, "[profile default]\nk = credentials", NULL},
    {NULL, "[default]\nk = credentials", "credentials"},
    {NULL, "[ default ] # c\nk = credentials", "credentials"},
};

static void test_credentials_beat_config_and_the_prefixed_default_beats_the_bare(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(both); i++) {
        struct gw_aws_profiles *profiles = parse(both[i].config, both[i].credentials);

        assert_value(profiles, "default", "k", both[i].value);
        gw_aws_profiles_free(profiles);
    }
}

static void test_the_order_of_the_files_does_not_matter(void **state)
{
    struct gw_aws_profiles *profiles = parse(NULL, "[default]\nk = credentials");

    (void)state;
    assert_int_equal(gw_aws_profiles_parse(profiles, gw_str("[default]\nk = config"), true), 0);
    assert_value(profiles, "default", "k", "credentials");
    gw_aws_profiles_free(profiles);
}

static void test_a_profile_exists_even_if_it_is_empty(void **state)
{
    struct gw_aws_profiles *profiles =
        parse("[default]\n[profile a]\n[services c]\n[d]\n", "[b]\n");
    static const struct {
        const char *name;
        bool exists;
    } names[] = {{"default", true}, {"a", true}, {"b", true}, {"c", false}, {"d", false}};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(names); i++)
        assert_int_equal(gw_aws_profile_exists(profiles, names[i].name), names[i].exists);
    gw_aws_profiles_free(profiles);
}

static void test_a_services_section_is_found_through_the_profile(void **state)
{
    struct gw_aws_profiles *profiles = parse("[profile p]\nservices = s\n"
                                             "[services s]\n"
                                             "dynamodb = \n"
                                             "  endpoint_url = http://d\n"
                                             "  other = x\n"
                                             "s3 =\n\tendpoint_url = http://s\n"
                                             "[profile q]\n"
                                             "dynamodb =\n  endpoint_url = http://q\n",
                                             NULL);

    (void)state;
    assert_string_equal(gw_aws_profile_get_service(profiles, "p", "dynamodb", "endpoint_url"),
                        "http://d");
    assert_string_equal(gw_aws_profile_get_service(profiles, "p", "DynamoDB", "other"), "x");
    assert_string_equal(gw_aws_profile_get_service(profiles, "p", "s3", "endpoint_url"),
                        "http://s");
    assert_null(gw_aws_profile_get_service(profiles, "p", "sts", "endpoint_url"));
    assert_null(gw_aws_profile_get_service(profiles, "q", "dynamodb", "endpoint_url"));
    assert_null(gw_aws_profile_get(profiles, "p", "endpoint_url"));
    gw_aws_profiles_free(profiles);
}

static void test_a_token_may_be_longer_than_any_line_buffer(void **state)
{
    static char text[100 * 1000];
    const char head[] = "[default]\naws_session_token = ";
    const char tail[] = "\nk = v\n";
    size_t head_len = sizeof(head) - 1;
    struct gw_aws_profiles *profiles;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, head, head_len);
    memcpy(text + sizeof(text) - sizeof(tail), tail, sizeof(tail));
    profiles = parse(NULL, text);
    assert_int_equal(strlen(gw_aws_profile_get(profiles, "default", "aws_session_token")),
                     sizeof(text) - sizeof(tail) - head_len);
    assert_value(profiles, "default", "k", "v");
    gw_aws_profiles_free(profiles);
}

static void test_a_nul_byte_ends_a_value_and_nothing_else(void **state)
{
    struct gw_aws_profiles *profiles = gw_aws_profiles_new();

    (void)state;
    assert_int_equal(
        gw_aws_profiles_parse(profiles, GW_STR("[default]\na = b\0c\n d\nk = v\n\0\n"), true), 0);
    assert_value(profiles, "default", "a", "b");
    assert_value(profiles, "default", "k", "v");
    gw_aws_profiles_free(profiles);
}

/* --- files --- */

static int set_up(void **state)
{
    (void)state;
    unsetenv("AWS_CONFIG_FILE");
    unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    unsetenv("AWS_PROFILE");
    return setenv("HOME", files_folder, 1);
}

static void put(const char *name, const char *text)
{
    files_write(name, gw_str(text));
}

static void set_path(const char *variable, const char *name)
{
    char path[PATH_MAX];

    setenv(variable, files_path(path, name), 1);
}

static struct gw_aws_profiles *load(void)
{
    struct gw_aws_profiles *profiles = NULL;

    assert_int_equal(gw_aws_profiles_load(&profiles, message), 0);
    return profiles;
}

static void test_both_files_are_found_where_the_environment_says(void **state)
{
    struct gw_aws_profiles *profiles;

    (void)state;
    put("a", "[default]\nk = config\nj = config\n");
    put("b", "[default]\nk = credentials\n");
    set_path("AWS_CONFIG_FILE", "a");
    setenv("AWS_SHARED_CREDENTIALS_FILE", "~/b", 1);
    profiles = load();
    assert_value(profiles, "default", "k", "credentials");
    assert_value(profiles, "default", "j", "config");
    gw_aws_profiles_free(profiles);
}

static void test_both_files_are_found_in_the_home_folder(void **state)
{
    struct gw_aws_profiles *profiles;
    char path[PATH_MAX];

    (void)state;
    assert_int_equal(mkdir(files_path(path, ".aws"), 0700), 0);
    put(".aws/config", "[default]\nj = config\n");
    put(".aws/credentials", "[default]\nk = credentials\n");
    setenv("AWS_CONFIG_FILE", "", 1);
    profiles = load();
    assert_value(profiles, "default", "j", "config");
    assert_value(profiles, "default", "k", "credentials");
    gw_aws_profiles_free(profiles);
    unlink(files_path(path, ".aws/config"));
    unlink(files_path(path, ".aws/credentials"));
    rmdir(files_path(path, ".aws"));
}

static void test_a_file_that_is_not_there_is_an_empty_one(void **state)
{
    static const char *const paths[] = {"/nowhere/config", "/dev/null", "/dev/null/below", ""};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(paths); i++) {
        struct gw_aws_profiles *profiles;

        setenv("AWS_CONFIG_FILE", paths[i], 1);
        profiles = load();
        assert_false(gw_aws_profile_exists(profiles, "default"));
        gw_aws_profiles_free(profiles);
    }
    unsetenv("HOME");
    gw_aws_profiles_free(load());
}

static void assert_refused(int error, const char *says)
{
    struct gw_aws_profiles *profiles = NULL;

    assert_int_equal(gw_aws_profiles_load(&profiles, message), error);
    assert_null(profiles);
    if (!strstr(message, says) || !strstr(message, "AWS_SHARED_CREDENTIALS_FILE to /dev/null"))
        fail_msg("\"%s\" does not say \"%s\" and what to do", message, says);
}

static void test_a_file_that_cannot_be_read_is_an_error_that_says_which(void **state)
{
    char path[PATH_MAX + 64];

    (void)state;
    set_path("AWS_SHARED_CREDENTIALS_FILE", "");
    assert_refused(-EISDIR, files_folder);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/zero", 1);
    assert_refused(-EFBIG, "/dev/zero");
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    assert_refused(-ENAMETOOLONG, "");
}

static void test_a_file_of_one_mebibyte_is_read_and_one_byte_more_is_not(void **state)
{
    static char text[((size_t)1 << 20) + 1];
    struct gw_aws_profiles *profiles;

    (void)state;
    memset(text, '#', sizeof(text));
    memcpy(text, "[default]\nk = v\n", 16);
    set_path("AWS_SHARED_CREDENTIALS_FILE", "big");
    files_write("big", (struct gw_str){text, sizeof(text) - 1});
    profiles = load();
    assert_value(profiles, "default", "k", "v");
    gw_aws_profiles_free(profiles);
    files_write("big", (struct gw_str){text, sizeof(text)});
    assert_refused(-EFBIG, "big");
}

static void test_the_profile_is_the_one_that_the_environment_names(void **state)
{
    (void)state;
    assert_string_equal(gw_aws_profile_name(), "default");
    setenv("AWS_PROFILE", "", 1);
    assert_string_equal(gw_aws_profile_name(), "default");
    setenv("AWS_PROFILE", "p", 1);
    assert_string_equal(gw_aws_profile_name(), "p");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_config_file_is_read_as_the_sdks_read_it),
        cmocka_unit_test(test_credentials_beat_config_and_the_prefixed_default_beats_the_bare),
        cmocka_unit_test(test_the_order_of_the_files_does_not_matter),
        cmocka_unit_test(test_a_profile_exists_even_if_it_is_empty),
        cmocka_unit_test(test_a_services_section_is_found_through_the_profile),
        cmocka_unit_test(test_a_token_may_be_longer_than_any_line_buffer),
        cmocka_unit_test(test_a_nul_byte_ends_a_value_and_nothing_else),
        cmocka_unit_test_setup_teardown(test_both_files_are_found_where_the_environment_says,
                                        set_up, files_teardown),
        cmocka_unit_test_setup_teardown(test_both_files_are_found_in_the_home_folder, set_up,
                                        files_teardown),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_not_there_is_an_empty_one, set_up,
                                        files_teardown),
        cmocka_unit_test_setup_teardown(test_a_file_that_cannot_be_read_is_an_error_that_says_which,
                                        set_up, files_teardown),
        cmocka_unit_test_setup_teardown(
            test_a_file_of_one_mebibyte_is_read_and_one_byte_more_is_not, set_up, files_teardown),
        cmocka_unit_test_setup_teardown(test_the_profile_is_the_one_that_the_environment_names,
                                        set_up, files_teardown),
    };
    int failed;

    files_begin("/tmp");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_end();
    return failed;
}
