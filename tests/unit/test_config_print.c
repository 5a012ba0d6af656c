/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/config_value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What a printer writes, to be freed. */
static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    print(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* A file of the source tree. */
static FILE *open_source(const char *name, const char *mode)
{
    const char *data = getenv("GW_TEST_DATA");
    char path[512];
    FILE *file;

    if (!data)
        fail_msg("GW_TEST_DATA is not set: run it by `meson test config_print`");
    snprintf(path, sizeof(path), "%s/../../%s", data, name);
    file = fopen(path, mode);
    if (!file)
        fail_msg("%s: %s", path, strerrordesc_np(errno));
    return file;
}

static char *read_source(const char *name)
{
    FILE *file = open_source(name, "r");
    char *text = calloc(1, 1 << 16);

    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

/* The committed file is @before, @generated, @after. With GW_REGENERATE it is written so. */
static void check_source(const char *name, struct gw_str before, const char *generated,
                         const char *after)
{
    char *expected = NULL, *found;

    assert_true(asprintf(&expected, "%.*s%s%s", (int)before.len, before.data, generated, after) >
                0);
    if (getenv("GW_REGENERATE")) {
        FILE *file = open_source(name, "w");

        fputs(expected, file);
        assert_int_equal(fclose(file), 0);
    }
    found = read_source(name);
    if (strcmp(found, expected) != 0)
        fail_msg("%s is not what src/base/config_keys.c makes of it: run `GW_REGENERATE=1 meson "
                 "test config_print` and commit the file",
                 name);
    free(found);
    free(expected);
}

static void test_shipped_ini_is_what_the_table_makes_of_it(void **state)
{
    char *ini = printed(gw_config_print_ini);

    (void)state;
    check_source("config/genesys-webhookd.ini", (struct gw_str){"", 0}, ini, "");
    free(ini);
}

static void test_documented_keys_are_what_the_table_makes_of_them(void **state)
{
    static const char begin[] = "<!-- begin of the keys -->\n", end[] = "<!-- end of the keys -->";
    char *page = read_source("docs/configuration.md");
    char *markdown = printed(gw_config_print_markdown);
    const char *from = strstr(page, begin), *to = strstr(page, end);

    (void)state;
    assert_non_null(from);
    assert_non_null(to);
    from += sizeof(begin) - 1;
    check_source("docs/configuration.md", (struct gw_str){page, (size_t)(from - page)}, markdown,
                 to);
    free(markdown);
    free(page);
}

static void parse(const char *text, struct gw_config *config)
{
    struct gw_config_errors errors;

    if (gw_config_parse(config, text, strlen(text), "f.ini", &errors) != 0)
        fail_msg("%s", errors.text);
}

static void assert_is_default(const char *ini)
{
    struct gw_config defaults, config;

    parse("", &defaults);
    parse(ini, &config);
    for (size_t i = 0; i < gw_config_key_count; i++)
        assert_true(gw_config_value_equal(&gw_config_keys[i], &config, &defaults));
    gw_config_deinit(&defaults);
    gw_config_deinit(&config);
}

/* Takes away the # of "#key=value", which unlike a comment's has no blank behind it. */
static void uncomment(char *ini)
{
    char *to = ini;

    for (const char *from = ini; *from; from++) {
        bool of_key = from[0] == '#' && from[1] != ' ' && (from == ini || from[-1] == '\n');

        if (!of_key)
            *to++ = *from;
    }
    *to = '\0';
}

static void test_shipped_ini_is_the_defaults_with_and_without_its_comment_signs(void **state)
{
    char *ini = printed(gw_config_print_ini);

    (void)state;
    assert_is_default(ini);
    uncomment(ini);
    for (size_t i = 0; i < gw_config_key_count; i++) {
        char line[128];

        snprintf(line, sizeof(line), "\n%s=%s\n", gw_config_keys[i].name,
                 gw_config_keys[i].initial);
        assert_non_null(strstr(ini, line));
    }
    assert_is_default(ini);
    free(ini);
}

static void test_table_of_keys_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < gw_config_key_count; i++) {
        const struct gw_config_key *key = &gw_config_keys[i];
        char takes[256];

        gw_config_value_describe(key, takes, sizeof(takes));
        assert_true(strlen(takes) > 0 && strlen(takes) < sizeof(takes) - 1);
        assert_null(strpbrk(key->help, "|\n"));
        assert_int_equal(key->help[strlen(key->help) - 1], '.');
        for (size_t other = 0; other < i; other++)
            assert_int_not_equal(gw_config_keys[other].offset, key->offset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped_ini_is_what_the_table_makes_of_it),
        cmocka_unit_test(test_documented_keys_are_what_the_table_makes_of_them),
        cmocka_unit_test(test_shipped_ini_is_the_defaults_with_and_without_its_comment_signs),
        cmocka_unit_test(test_table_of_keys_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
