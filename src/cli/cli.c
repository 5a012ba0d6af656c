/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of subcommands and the way to one: options before its name, its name, its own options,
 * its operands. Whatever it printed is checked at the end, since a status of 0 says that it came
 * through.
 */
#include "gw/cli.h"

#include "gw/suggest.h"
#include "gw/table.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

const struct gw_cli_command *const gw_cli_commands[] = {
    &gw_cli_sign,  &gw_cli_send,   &gw_cli_show,   &gw_cli_tail, &gw_cli_explain,
    &gw_cli_table, &gw_cli_doctor, &gw_cli_health, &gw_cli_help,
};
const size_t gw_cli_command_count = GW_COUNT(gw_cli_commands);

struct program_values {
    bool version;
};

static const struct gw_cli_option program_options[] = {
    {"version", 'V', GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct program_values, version),
     "print the version"},
};

void gw_cli_error(const char *format, ...)
{
    char text[4096];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fputs(GW_CLI_PROGRAM ": ", stderr);
    gw_table_put_text(stderr, gw_str(text), SIZE_MAX);
    fputc('\n', stderr);
}

void gw_cli_error_lines(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        gw_cli_error("%.*s", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void gw_cli_take_interrupts(void)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool gw_cli_is_interrupted(void)
{
    return interrupted;
}

void gw_cli_report(const char *verdict, const char *what, struct gw_str text)
{
    printf("%-7s  %-22s  ", verdict, what);
    gw_table_put_text(stdout, text, SIZE_MAX);
    putchar('\n');
    fflush(stdout);
}

bool gw_cli_load_config(const char *path, struct gw_config *config)
{
    struct gw_config_errors errors = {.count = 0};
    int r = path ? gw_config_load(config, path, &errors)
                 : gw_config_parse(config, NULL, 0, "defaults", &errors);

    gw_cli_error_lines(errors.text);
    if (r == -EINVAL)
        gw_config_deinit(config);
    else if (r && errors.count == 0)
        gw_cli_error("%s", strerrordesc_np(-r));
    return r == 0;
}

enum gw_cli_exit gw_cli_finish_output(enum gw_cli_exit status)
{
    /* After an earlier error errno still tells of it: whoever prints much stops at ferror. */
    if (!ferror(stdout) && fflush(stdout) == 0)
        return status;
    if (errno != EPIPE)
        gw_cli_error("standard output: %s", strerrordesc_np(errno));
    return GW_CLI_FAILED;
}

const struct gw_cli_command *gw_cli_find(const char *name)
{
    for (size_t i = 0; i < gw_cli_command_count; i++)
        if (strcmp(gw_cli_commands[i]->name, name) == 0)
            return gw_cli_commands[i];
    return NULL;
}

void gw_cli_say_unknown(const char *word, char *message, size_t message_size)
{
    const char *names[GW_COUNT(gw_cli_commands)], *near;

    for (size_t i = 0; i < gw_cli_command_count; i++)
        names[i] = gw_cli_commands[i]->name;
    near = gw_suggest(word, names, gw_cli_command_count);
    if (near)
        snprintf(message, message_size, "'%s' is not a command; did you mean '%s'?", word, near);
    else
        snprintf(message, message_size, "'%s' is not a command; see '%s --help'", word,
                 GW_CLI_PROGRAM);
}

static enum gw_cli_exit usage_error(const struct gw_cli_command *command, const char *message)
{
    bool is_program = command == &gw_cli_program;

    gw_cli_error("%s", message);
    gw_cli_error("see '%s%s%s --help'", GW_CLI_PROGRAM, is_program ? "" : " ",
                 is_program ? "" : command->name);
    return GW_CLI_USAGE;
}

static enum gw_cli_exit run_with(const struct gw_cli_command *command, const void *values,
                                 char **operands, size_t count)
{
    char message[256];

    if (count < command->operands_min) {
        snprintf(message, sizeof(message), "too few arguments; expected: %s", command->synopsis);
        return usage_error(command, message);
    }
    if (count > command->operands_max) {
        snprintf(message, sizeof(message), "'%s' is one argument too many",
                 operands[command->operands_max]);
        return usage_error(command, message);
    }
    return command->run(values, operands, count);
}

static enum gw_cli_exit parse_and_run(const struct gw_cli_command *command, int argc, char **argv)
{
    alignas(max_align_t) char values[GW_CLI_VALUES_MAX];
    char message[512];
    int first;

    assert(command->values_size <= sizeof(values));
    switch (gw_cli_parse(command, argc, argv, values, &first, message, sizeof(message))) {
    case 0:
        return run_with(command, values, argv + first, (size_t)(argc - first));
    case GW_CLI_PARSE_HELP:
        gw_cli_print_help(command);
        return GW_CLI_OK;
    default:
        return usage_error(command, message);
    }
}

static enum gw_cli_exit run_program(const void *values, char **operands, size_t count)
{
    const struct program_values *given = values;
    const struct gw_cli_command *command;
    char message[256];

    if (given->version) {
        puts(GW_CLI_PROGRAM " " GW_VERSION);
        return GW_CLI_OK;
    }
    if (count == 0)
        return usage_error(&gw_cli_program, "no command was given");
    command = gw_cli_find(operands[0]);
    if (command)
        return parse_and_run(command, (int)count, operands);
    gw_cli_say_unknown(operands[0], message, sizeof(message));
    gw_cli_error("%s", message);
    return GW_CLI_USAGE;
}

const struct gw_cli_command gw_cli_program = {
    .name = GW_CLI_PROGRAM,
    .synopsis = "COMMAND ...",
    .summary = "The companion of genesys-webhookd, for people and scripts",
    .options = program_options,
    .option_count = GW_COUNT(program_options),
    .operands_max = SIZE_MAX,
    .values_size = sizeof(struct program_values),
    .stops_at_first_word = true,
    .run = run_program,
};

enum gw_cli_exit gw_cli_main(int argc, char **argv)
{
    return argc > 0 ? gw_cli_finish_output(parse_and_run(&gw_cli_program, argc, argv))
                    : GW_CLI_USAGE;
}
