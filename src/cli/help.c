/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help, and the text of every --help, from the tables that the parser reads.
 */
#include "gw/cli.h"

#include <stdio.h>

/* "hex|base64" for a choice, else the argument's name; empty for a flag. */
static void format_argument(const struct gw_cli_option *option, char *text, size_t size)
{
    size_t used = 0;

    snprintf(text, size, "%s", option->argument ? option->argument : "");
    if (option->type != GW_CLI_CHOICE)
        return;
    for (size_t i = 0; option->choices[i] && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s", i ? "|" : "", option->choices[i]);
}

static void format_option(const struct gw_cli_option *option, char *text, size_t size)
{
    char argument[64], letter[5] = "    ";

    format_argument(option, argument, sizeof(argument));
    if (option->letter)
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    snprintf(text, size, "%s--%s%s%s", letter, option->name, *argument ? " " : "", argument);
}

static int option_width(const struct gw_cli_option *option)
{
    char text[128];

    format_option(option, text, sizeof(text));
    return (int)strlen(text);
}

static void print_option(const struct gw_cli_option *option, int width)
{
    char text[128];

    format_option(option, text, sizeof(text));
    printf("  %-*s  %s", width, text, option->help);
    if (option->initial && *option->initial)
        printf(" (default: %s)", option->initial);
    putchar('\n');
}

static void print_options(const struct gw_cli_command *command)
{
    int width = option_width(&gw_cli_help_option);

    for (size_t i = 0; i < command->option_count; i++)
        if (option_width(&command->options[i]) > width)
            width = option_width(&command->options[i]);
    puts("\nOptions:");
    for (size_t i = 0; i < command->option_count; i++)
        print_option(&command->options[i], width);
    print_option(&gw_cli_help_option, width);
}

static void print_commands(void)
{
    puts("\nCommands:");
    for (size_t i = 0; i < gw_cli_command_count; i++)
        printf("  %-10s  %s\n", gw_cli_commands[i]->name, gw_cli_commands[i]->summary);
}

void gw_cli_print_help(const struct gw_cli_command *command)
{
    bool is_program = command == &gw_cli_program;

    printf("Usage: %s%s%s [OPTION]... %s\n\n%s.\n", GW_CLI_PROGRAM, is_program ? "" : " ",
           is_program ? "" : command->name, command->synopsis, command->summary);
    if (command->description)
        printf("\n%s\n", command->description);
    if (is_program)
        print_commands();
    print_options(command);
    if (command->example)
        printf("\nExample:\n  %s\n", command->example);
}

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    const struct gw_cli_command *command = count > 0 ? gw_cli_find(operands[0]) : &gw_cli_program;
    char message[256];

    (void)values;
    if (!command) {
        gw_cli_say_unknown(operands[0], message, sizeof(message));
        gw_cli_error("%s", message);
        return GW_CLI_USAGE;
    }
    gw_cli_print_help(command);
    return GW_CLI_OK;
}

const struct gw_cli_command gw_cli_help = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .summary = "Say how a command is used",
    .operands_max = 1,
    .run = run,
};
