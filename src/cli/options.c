/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command's table becomes getopt_long's; what was typed goes through one setter a type, and so
 * do the defaults. getopt_long's own messages are off, as they know neither suggestions nor ranges.
 */
#include "gw/cli.h"

#include "gw/suggest.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CODE = 256, SECONDS_MAX = 86400, NUMBER_MAX = 1000000000 }; /* codes above letters */

const struct gw_cli_option gw_cli_help_option = {
    .name = "help", .letter = 'h', .type = GW_CLI_FLAG, .help = "show this help"};

/* The table with --help behind it; @return NULL past the end. */
static const struct gw_cli_option *option_at(const struct gw_cli_command *command, size_t i)
{
    if (i < command->option_count)
        return &command->options[i];
    return i == command->option_count ? &gw_cli_help_option : NULL;
}

static const struct gw_cli_option *option_of(const struct gw_cli_command *command, int code)
{
    const struct gw_cli_option *option;

    if (code >= FIRST_CODE)
        return option_at(command, (size_t)(code - FIRST_CODE));
    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++)
        if (option->letter && option->letter == code)
            return option;
    return NULL;
}

static bool set_flag(const struct gw_cli_option *option, const char *text, void *value)
{
    (void)option;
    (void)text;
    *(bool *)value = true;
    return true;
}

static bool set_text(const struct gw_cli_option *option, const char *text, void *value)
{
    (void)option;
    *(const char **)value = text;
    return true;
}

static bool set_choice(const struct gw_cli_option *option, const char *text, void *value)
{
    for (int i = 0; option->choices[i]; i++)
        if (strcmp(option->choices[i], text) == 0) {
            *(int *)value = i;
            return true;
        }
    return false;
}

static bool set_seconds(const struct gw_cli_option *option, const char *text, void *value)
{
    char *end;
    double seconds = strtod(text, &end);

    (void)option;
    if (end == text || *end || !(seconds >= 0.001 && seconds <= SECONDS_MAX))
        return false;
    *(int64_t *)value = (int64_t)(seconds * 1000 + 0.5);
    return true;
}

static bool set_number(const struct gw_cli_option *option, const char *text, void *value)
{
    char *end;
    long long number = strtoll(text, &end, 10);

    (void)option;
    if (*text < '0' || *text > '9' || *end || number < 1 || number > NUMBER_MAX)
        return false;
    *(int64_t *)value = number;
    return true;
}

static void describe_choices(const struct gw_cli_option *option, char *text, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; option->choices[i] && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s", i ? " or " : "", option->choices[i]);
}

static void describe_seconds(const struct gw_cli_option *option, char *text, size_t size)
{
    (void)option;
    snprintf(text, size, "seconds from 0.001 to %d", SECONDS_MAX);
}

static void describe_number(const struct gw_cli_option *option, char *text, size_t size)
{
    (void)option;
    snprintf(text, size, "a whole number from 1 to %d", NUMBER_MAX);
}

/* describe says what the setter takes; NULL: it takes everything. */
static const struct type {
    bool (*set)(const struct gw_cli_option *option, const char *text, void *value);
    void (*describe)(const struct gw_cli_option *option, char *text, size_t size);
} types[] = {
    [GW_CLI_FLAG] = {set_flag, NULL},
    [GW_CLI_TEXT] = {set_text, NULL},
    [GW_CLI_CHOICE] = {set_choice, describe_choices},
    [GW_CLI_SECONDS] = {set_seconds, describe_seconds},
    [GW_CLI_NUMBER] = {set_number, describe_number},
};

static bool set(const struct gw_cli_option *option, const char *text, void *values)
{
    return types[option->type].set(option, text, (char *)values + option->offset);
}

static void set_defaults(const struct gw_cli_command *command, void *values)
{
    memset(values, 0, command->values_size);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct gw_cli_option *option = &command->options[i];
        bool valid = !option->initial || set(option, option->initial, values);

        assert(valid);
        (void)valid;
    }
}

struct getopt_tables {
    char letters[2 + 2 * (GW_CLI_OPTIONS_MAX + 1) + 1];
    struct option names[GW_CLI_OPTIONS_MAX + 2];
};

/* @tables is zeroed. */
static void fill_tables(const struct gw_cli_command *command, struct getopt_tables *tables)
{
    char *letter = tables->letters;
    const struct gw_cli_option *option;

    assert(command->option_count <= GW_CLI_OPTIONS_MAX);
    if (command->stops_at_first_word)
        *letter++ = '+';
    *letter++ = ':';
    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        bool takes = option->type != GW_CLI_FLAG;

        tables->names[i] = (struct option){option->name, takes ? required_argument : no_argument,
                                           NULL, FIRST_CODE + (int)i};
        if (option->letter)
            *letter++ = option->letter;
        if (option->letter && takes)
            *letter++ = ':';
    }
}

/* How many long names begin with @word: of several getopt_long takes none. */
static size_t count_beginnings(const struct gw_cli_command *command, struct gw_str word)
{
    const struct gw_cli_option *option;
    size_t count = 0;

    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++)
        count += strncmp(option->name, word.data, word.len) == 0;
    return count;
}

static const char *suggest_option(const struct gw_cli_command *command, const char *word)
{
    const char *names[GW_CLI_OPTIONS_MAX + 1];
    const struct gw_cli_option *option;
    size_t count = 0;

    for (; (option = option_at(command, count)) != NULL; count++)
        names[count] = option->name;
    return gw_suggest(word, names, count);
}

/* @typed as it stands in argv: "--name" or "--name=value". */
static void say_unknown_name(const struct gw_cli_command *command, const char *typed, char *message,
                             size_t message_size)
{
    char word[GW_SUGGEST_WORD_MAX + 2];
    const char *near;

    snprintf(word, sizeof(word), "%.*s", (int)strcspn(typed + 2, "="), typed + 2);
    near = suggest_option(command, word);
    if (count_beginnings(command, gw_str(word)) > 1)
        snprintf(message, message_size, "option '--%s' is ambiguous", word);
    else if (near)
        snprintf(message, message_size, "unknown option '--%s'; did you mean '--%s'?", word, near);
    else
        snprintf(message, message_size, "unknown option '--%s'", word);
}

static void say_refused_value(const struct gw_cli_option *option, const char *text, char *message,
                              size_t message_size)
{
    char takes[256] = "";

    types[option->type].describe(option, takes, sizeof(takes));
    snprintf(message, message_size, "option '--%s' takes %s, not '%s'", option->name, takes, text);
}

/* What getopt_long refused: @code is its answer, optopt the option where it knew one. */
static void say_refused(const struct gw_cli_command *command, int code, char **argv, char *message,
                        size_t message_size)
{
    const struct gw_cli_option *option = optopt ? option_of(command, optopt) : NULL;

    if (option && code == ':')
        snprintf(message, message_size, "option '--%s' needs a value", option->name);
    else if (option)
        snprintf(message, message_size, "option '--%s' takes no value", option->name);
    else if (optopt)
        snprintf(message, message_size, "unknown option '-%c'", optopt);
    else
        say_unknown_name(command, argv[optind - 1], message, message_size);
}

int gw_cli_parse(const struct gw_cli_command *command, int argc, char **argv, void *values,
                 int *first_operand, char *message, size_t message_size)
{
    struct getopt_tables tables = {0};
    int code;

    fill_tables(command, &tables);
    set_defaults(command, values);
    opterr = 0;
    optind = 0; /* glibc's way to begin anew */
    while ((code = getopt_long(argc, argv, tables.letters, tables.names, NULL)) != -1) {
        const struct gw_cli_option *option = option_of(command, code);

        if (option == &gw_cli_help_option)
            return GW_CLI_PARSE_HELP;
        if (!option) {
            say_refused(command, code, argv, message, message_size);
            return GW_CLI_PARSE_USAGE;
        }
        if (!set(option, optarg, values)) {
            say_refused_value(option, optarg, message, message_size);
            return GW_CLI_PARSE_USAGE;
        }
    }
    *first_operand = optind;
    return 0;
}
