/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fish: one `complete` an option, a subcommand, and what a subcommand takes, on the condition that
 * the subcommand was typed. Where among several operands one stands is not looked at.
 */
#include "generate.h"

#include <stdio.h>

static void put_quoted(const char *text)
{
    putchar('\'');
    for (; *text; text++)
        printf("%s%c", strchr("\\'", *text) ? "\\" : "", *text);
    putchar('\'');
}

/* The beginning of a line that holds for one command. */
static void begin(const struct gw_program *program, const struct gw_cli_command *command)
{
    printf("complete -c %s", program->name);
    if (program->command_count > 0)
        printf(" -n '__%s_at \"%s\"'", program->identifier,
               command == program->top ? "" : command->name);
}

static void put_names(const struct gw_program *program)
{
    for (size_t i = 0; i < program->command_count; i++)
        printf("%s%s", i ? " " : "", program->commands[i]->name);
}

static void put_taken(const struct gw_program *program, enum gw_takes takes, const char *words)
{
    if (takes == GW_TAKES_FILE) {
        fputs(" -F", stdout);
    } else if (takes != GW_TAKES_TEXT) {
        fputs(" -a '", stdout);
        if (takes == GW_TAKES_COMMAND)
            put_names(program);
        else
            gw_program_put_words(words);
        putchar('\'');
    }
}

static void put_option(const struct gw_program *program, const struct gw_cli_command *command,
                       const struct gw_cli_option *option)
{
    char words[256];

    begin(program, command);
    if (option->letter)
        printf(" -s %c", option->letter);
    printf(" -l %s", option->name);
    if (option->type != GW_CLI_FLAG) {
        enum gw_takes takes = gw_program_takes(option, words, sizeof(words));

        fputs(takes == GW_TAKES_FILE ? " -r" : " -x", stdout);
        put_taken(program, takes, words);
    }
    fputs(" -d ", stdout);
    put_quoted(option->help);
    putchar('\n');
}

static void put_options(const struct gw_program *program, const struct gw_cli_command *command)
{
    const struct gw_cli_option *option;

    for (size_t i = 0; (option = gw_program_option(command, i)) != NULL; i++)
        put_option(program, command, option);
}

static void put_operands(const struct gw_program *program, const struct gw_cli_command *command)
{
    const char *synopsis = command->synopsis;
    struct gw_operand operand;

    while (gw_program_operand(&synopsis, &operand)) {
        if (operand.takes == GW_TAKES_TEXT)
            continue;
        begin(program, command);
        put_taken(program, operand.takes, operand.name);
        putchar('\n');
    }
}

static void put_commands(const struct gw_program *program)
{
    for (size_t i = 0; i < program->command_count; i++) {
        begin(program, program->top);
        printf(" -a %s -d ", program->commands[i]->name);
        put_quoted(program->commands[i]->summary);
        putchar('\n');
    }
    for (size_t i = 0; i < program->command_count; i++) {
        put_options(program, program->commands[i]);
        put_operands(program, program->commands[i]);
    }
}

void gw_generate_fish(const struct gw_program *program)
{
    printf("# Completion for %s, made of the tables that it parses by.\n\n", program->name);
    if (program->command_count > 0)
        printf("# Whether that subcommand was typed; of '', whether none was.\n"
               "function __%s_at --argument-names command\n"
               "    set --local words (string match --invert -- '-*' (commandline -opc))\n"
               "    test \"$words[2]\" = \"$command\"\n"
               "end\n\n",
               program->identifier);
    printf("complete -c %s -f\n", program->name);
    put_options(program, program->top);
    put_commands(program);
}
