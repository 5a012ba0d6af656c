/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zsh: specifications for its _arguments, which does the rest.
 */
#include "generate.h"

#include <stdio.h>

/* In '...', where a quote ends the quotation and comes back. */
static void put_quoted(const char *text, const char *escaped)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            printf("%s%c", strchr(escaped, *text) ? "\\" : "", *text);
}

/* ":MESSAGE:ACTION" of what an argument may be. */
static void put_argument(const struct gw_program *program, enum gw_takes takes, const char *name)
{
    printf(":%s:", takes == GW_TAKES_WORD ? "one of" : name);
    if (takes == GW_TAKES_FILE) {
        fputs("_files", stdout);
    } else if (takes == GW_TAKES_COMMAND) {
        printf("_%s_commands", program->name);
    } else if (takes == GW_TAKES_WORD) {
        putchar('(');
        gw_program_put_words(name);
        putchar(')');
    } else {
        putchar(' ');
    }
}

static void put_option(const struct gw_program *program, const struct gw_cli_option *option)
{
    bool is_flag = option->type == GW_CLI_FLAG;
    char words[256];

    if (option->letter)
        printf(" \\\n        '(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name,
               option->letter, is_flag ? "" : "+", option->name, is_flag ? "" : "=");
    else
        printf(" \\\n        '--%s%s[", option->name, is_flag ? "" : "=");
    put_quoted(option->help, "\\[]:");
    putchar(']');
    if (!is_flag)
        put_argument(program, gw_program_takes(option, words, sizeof(words)), words);
    putchar('\'');
}

static void put_options(const struct gw_program *program, const struct gw_cli_command *command)
{
    const struct gw_cli_option *option;

    for (size_t i = 0; (option = gw_program_option(command, i)) != NULL; i++)
        put_option(program, option);
}

static void put_operands(const struct gw_program *program, const struct gw_cli_command *command)
{
    const char *synopsis = command->synopsis;
    struct gw_operand operand;

    for (size_t number = 1; gw_program_operand(&synopsis, &operand); number++) {
        if (operand.repeated)
            fputs(" \\\n        '*", stdout);
        else
            printf(" \\\n        '%zu%s", number, operand.optional ? ":" : "");
        put_argument(program, operand.takes, operand.name);
        putchar('\'');
    }
}

static void put_commands(const struct gw_program *program)
{
    printf("_%s_commands()\n{\n    local -a commands=(\n", program->name);
    for (size_t i = 0; i < program->command_count; i++) {
        printf("        '%s:", program->commands[i]->name);
        put_quoted(program->commands[i]->summary, "\\");
        puts("'");
    }
    puts("    )\n    _describe command commands\n}\n");
}

static void put_dispatch(const struct gw_program *program)
{
    printf(" \\\n        '1:COMMAND:_%s_commands' \\\n        '*::ARGUMENT:->arguments' && return\n"
           "    [[ $state == arguments ]] || return\n    case $words[1] in\n",
           program->name);
    for (size_t i = 0; i < program->command_count; i++) {
        printf("    %s)\n        _arguments -s -S :", program->commands[i]->name);
        put_options(program, program->commands[i]);
        put_operands(program, program->commands[i]);
        puts("\n        ;;");
    }
    puts("    esac");
}

void gw_generate_zsh(const struct gw_program *program)
{
    bool has_commands = program->command_count > 0;

    printf("#compdef %s\n# Made of the tables that it parses by.\n\n", program->name);
    if (has_commands)
        put_commands(program);
    printf("_%s()\n{\n    local curcontext=$curcontext context state line\n"
           "    typeset -A opt_args\n\n    _arguments %s-s -S :",
           program->name, has_commands ? "-C " : "");
    put_options(program, program->top);
    if (has_commands)
        put_dispatch(program);
    else
        puts("");
    printf("}\n\n_%s \"$@\"\n", program->name);
}
