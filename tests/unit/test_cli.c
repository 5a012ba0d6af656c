/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { ARGUMENTS = 8 };

struct values {
    bool quiet;
    const char *name;
    int color;
    int64_t wait_ms, number;
};

static const char *const colors[] = {"red", "green", NULL};

static const struct gw_cli_option options[] = {
    {"quiet", 'q', GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct values, quiet), "say less"},
    {"name", 'n', GW_CLI_TEXT, "NAME", NULL, NULL, offsetof(struct values, name), "a name"},
    {"color", 0, GW_CLI_CHOICE, NULL, "green", colors, offsetof(struct values, color), "a color"},
    {"colour-of-old", 0, GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct values, quiet), "none"},
    {"wait", 0, GW_CLI_SECONDS, "SECONDS", "1.5", NULL, offsetof(struct values, wait_ms), "wait"},
    {"times", 0, GW_CLI_NUMBER, "N", "1", NULL, offsetof(struct values, number), "how often"},
};

static const struct gw_cli_command command = {.name = "test",
                                              .options = options,
                                              .option_count = GW_COUNT(options),
                                              .values_size = sizeof(struct values)};

static int parse(const struct gw_cli_command *by, const char *const *arguments,
                 struct values *values, char *message, size_t size, char **argv, int *first)
{
    int argc = 1;

    static char name[] = "test";
    argv[0] = name;
    for (; argc < ARGUMENTS && arguments[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
    argv[argc] = NULL;
    return gw_cli_parse(by, argc, argv, values, first, message, size);
}

static void test_options_are_read_wherever_they_stand(void **state)
{
    static const struct {
        const char *arguments[ARGUMENTS];
        struct values expected;
        const char *first_operand;
    } cases[] = {
        {{NULL}, {false, NULL, 1, 1500, 1}, NULL},
        {{"-q", "file"}, {true, NULL, 1, 1500, 1}, "file"},
        {{"file", "--quiet"}, {true, NULL, 1, 1500, 1}, "file"},
        {{"-qn", "x"}, {true, "x", 1, 1500, 1}, NULL},
        {{"-nx"}, {false, "x", 1, 1500, 1}, NULL},
        {{"--name=", "--color=red"}, {false, "", 0, 1500, 1}, NULL},
        {{"--name", "--quiet"}, {false, "--quiet", 1, 1500, 1}, NULL},
        {{"--name", "a", "--name", "b"}, {false, "b", 1, 1500, 1}, NULL},
        {{"--wait", "2"}, {false, NULL, 1, 2000, 1}, NULL},
        {{"--wait", "0.0015"}, {false, NULL, 1, 2, 1}, NULL},
        {{"--wait", "86400"}, {false, NULL, 1, 86400000, 1}, NULL},
        {{"--na", "x"}, {false, "x", 1, 1500, 1}, NULL},
        {{"--", "-q"}, {false, NULL, 1, 1500, 1}, "-q"},
        {{"-"}, {false, NULL, 1, 1500, 1}, "-"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        const struct values *expected = &cases[i].expected;
        char message[256] = "", *argv[ARGUMENTS + 1];
        struct values values;
        int first;

        assert_int_equal(
            parse(&command, cases[i].arguments, &values, message, sizeof(message), argv, &first),
            0);
        assert_int_equal(values.quiet, expected->quiet);
        assert_int_equal(values.color, expected->color);
        assert_int_equal(values.wait_ms, expected->wait_ms);
        assert_string_equal(values.name ? values.name : "none",
                            expected->name ? expected->name : "none");
        assert_string_equal(argv[first] ? argv[first] : "none",
                            cases[i].first_operand ? cases[i].first_operand : "none");
    }
}

static void test_numbers_are_whole(void **state)
{
    static const char *const most[ARGUMENTS] = {"--times", "1000000000"};
    char message[256], *argv[ARGUMENTS + 1];
    struct values values;
    int first;

    (void)state;
    assert_int_equal(parse(&command, most, &values, message, sizeof(message), argv, &first), 0);
    assert_int_equal(values.number, 1000000000);
}

static void test_mistakes_are_named(void **state)
{
    static const struct {
        const char *arguments[ARGUMENTS];
        const char *message;
    } cases[] = {
        {{"--qiuet"}, "unknown option '--qiuet'; did you mean '--quiet'?"},
        {{"--hlep"}, "unknown option '--hlep'; did you mean '--help'?"},
        {{"--nmae=x"}, "unknown option '--nmae'; did you mean '--name'?"},
        {{"x", "--frobnicate"}, "unknown option '--frobnicate'"},
        {{"-x"}, "unknown option '-x'"},
        {{"-qx"}, "unknown option '-x'"},
        {{"--colo", "red"}, "option '--colo' is ambiguous"},
        {{"--name"}, "option '--name' needs a value"},
        {{"-n"}, "option '--name' needs a value"},
        {{"--quiet=yes"}, "option '--quiet' takes no value"},
        {{"--color", "blue"}, "option '--color' takes red or green, not 'blue'"},
        {{"--color", ""}, "option '--color' takes red or green, not ''"},
        {{"--wait", "0"}, "option '--wait' takes seconds from 0.001 to 86400, not '0'"},
        {{"--wait", "-1"}, "option '--wait' takes seconds from 0.001 to 86400, not '-1'"},
        {{"--wait", "nan"}, "option '--wait' takes seconds from 0.001 to 86400, not 'nan'"},
        {{"--wait", "1s"}, "option '--wait' takes seconds from 0.001 to 86400, not '1s'"},
        {{"--wait", ""}, "option '--wait' takes seconds from 0.001 to 86400, not ''"},
        {{"--times", "0"}, "option '--times' takes a whole number from 1 to 1000000000, not '0'"},
        {{"--times", "-1"}, "option '--times' takes a whole number from 1 to 1000000000, not '-1'"},
        {{"--times", " 1"}, "option '--times' takes a whole number from 1 to 1000000000, not ' 1'"},
        {{"--times", "1k"}, "option '--times' takes a whole number from 1 to 1000000000, not '1k'"},
        {{"--times", "1000000001"},
         "option '--times' takes a whole number from 1 to 1000000000, not '1000000001'"},
        {{"--times", "99999999999999999999"},
         "option '--times' takes a whole number from 1 to 1000000000, not '99999999999999999999'"},
        {{"--wait", "1e9"}, "option '--wait' takes seconds from 0.001 to 86400, not '1e9'"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char message[256] = "", *argv[ARGUMENTS + 1];
        struct values values;
        int first;

        assert_int_equal(
            parse(&command, cases[i].arguments, &values, message, sizeof(message), argv, &first),
            GW_CLI_PARSE_USAGE);
        assert_string_equal(message, cases[i].message);
    }
}

static void test_help_is_every_commands(void **state)
{
    static const char *const spellings[][ARGUMENTS] = {{"-h"}, {"--help"}, {"x", "--hel"}, {"-qh"}};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(spellings); i++) {
        char message[256], *argv[ARGUMENTS + 1];
        struct values values;
        int first;

        assert_int_equal(
            parse(&command, spellings[i], &values, message, sizeof(message), argv, &first),
            GW_CLI_PARSE_HELP);
    }
}

static void test_a_subcommands_options_are_left_to_it(void **state)
{
    static const char *const arguments[ARGUMENTS] = {"-q", "show", "-n", "x", "--help"};
    struct gw_cli_command program = command;
    char message[256], *argv[ARGUMENTS + 1];
    struct values values;
    int first;

    (void)state;
    program.stops_at_first_word = true;
    assert_int_equal(parse(&program, arguments, &values, message, sizeof(message), argv, &first),
                     0);
    assert_true(values.quiet);
    assert_null(values.name);
    assert_string_equal(argv[first], "show");
}

static void check_option(const struct gw_cli_command *of, size_t i)
{
    const struct gw_cli_option *option = &of->options[i];

    assert_non_null(option->help);
    assert_true(option->offset < of->values_size);
    assert_true(option->type == GW_CLI_FLAG || option->argument || option->choices);
    assert_true(option->type != GW_CLI_CHOICE || (option->choices && option->initial));
    assert_string_not_equal(option->name, "help");
    assert_int_not_equal(option->letter, 'h');
    for (size_t j = 0; j < i; j++) {
        assert_string_not_equal(option->name, of->options[j].name);
        assert_true(option->letter == 0 || option->letter != of->options[j].letter);
    }
}

static void test_the_tables_of_all_commands_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < gw_cli_command_count; i++) {
        const struct gw_cli_command *checked = gw_cli_commands[i];

        assert_ptr_equal(gw_cli_find(checked->name), checked);
        assert_non_null(checked->synopsis);
        assert_non_null(checked->run);
        assert_true(checked->values_size <= GW_CLI_VALUES_MAX);
        assert_true(checked->option_count <= GW_CLI_OPTIONS_MAX);
        assert_true(checked->operands_min <= checked->operands_max);
        assert_true(strlen(checked->summary) <= 66 && !strchr(checked->summary, '\n'));
        for (size_t j = 0; j < checked->option_count; j++)
            check_option(checked, j);
    }
}

static void test_a_mistyped_command_is_suggested(void **state)
{
    char message[256];

    (void)state;
    gw_cli_say_unknown("shwo", message, sizeof(message));
    assert_string_equal(message, "'shwo' is not a command; did you mean 'show'?");
    gw_cli_say_unknown("frobnicate", message, sizeof(message));
    assert_string_equal(message, "'frobnicate' is not a command; see 'genesys-webhook --help'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_are_read_wherever_they_stand),
        cmocka_unit_test(test_numbers_are_whole),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_help_is_every_commands),
        cmocka_unit_test(test_a_subcommands_options_are_left_to_it),
        cmocka_unit_test(test_the_tables_of_all_commands_are_sound),
        cmocka_unit_test(test_a_mistyped_command_is_suggested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
