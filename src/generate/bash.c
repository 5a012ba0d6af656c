/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bash: a function that finds where on the line the cursor is, and a case of what may stand there,
 * by "COMMAND --OPTION", "COMMAND OPERAND'S-NUMBER" and "COMMAND -" (its options). Nothing of the
 * package bash-completion is needed.
 */
#include "generate.h"

#include <stdio.h>

/* Of a program without subcommands the command is "-" from the start. */
static const char *key_of(const struct gw_program *program, const struct gw_cli_command *command)
{
    if (program->command_count == 0)
        return "-";
    return command == program->top ? "" : command->name;
}

static void put_names(const struct gw_program *program)
{
    for (size_t i = 0; i < program->command_count; i++)
        printf("%s%s", i ? " " : "", program->commands[i]->name);
}

static void put_taken(const struct gw_program *program, enum gw_takes takes, const char *words)
{
    fputs(" takes='", stdout);
    if (takes == GW_TAKES_FILE)
        putchar('/');
    else if (takes == GW_TAKES_COMMAND)
        put_names(program);
    else if (takes == GW_TAKES_WORD)
        gw_program_put_words(words);
    puts("' ;;");
}

static void put_option_names(const char *key, const struct gw_cli_command *command)
{
    const struct gw_cli_option *option;

    printf("    '%s -') takes='", key);
    for (size_t i = 0; (option = gw_program_option(command, i)) != NULL; i++)
        printf("%s--%s", i ? " " : "", option->name);
    puts("' ;;");
}

static void put_options(const struct gw_program *program, const struct gw_cli_command *command)
{
    const char *key = key_of(program, command);
    const struct gw_cli_option *option;

    put_option_names(key, command);
    for (size_t i = 0; (option = gw_program_option(command, i)) != NULL; i++) {
        char words[256];

        if (option->type == GW_CLI_FLAG)
            continue;
        printf("    '%s --%s'", key, option->name);
        if (option->letter)
            printf(" | '%s -%c'", key, option->letter);
        putchar(')');
        put_taken(program, gw_program_takes(option, words, sizeof(words)), words);
    }
}

static void put_operands(const struct gw_program *program, const struct gw_cli_command *command)
{
    const char *key = key_of(program, command), *synopsis = command->synopsis;
    struct gw_operand operand;

    for (size_t number = 1; gw_program_operand(&synopsis, &operand); number++) {
        if (operand.repeated)
            printf("    '%s '[0-9]*)", key);
        else
            printf("    '%s %zu')", key, number);
        put_taken(program, operand.takes, operand.name);
    }
}

static void put_command(const struct gw_program *program, const struct gw_cli_command *command)
{
    put_options(program, command);
    if (command == program->top && program->command_count > 0) {
        fputs("    ' 1')", stdout);
        put_taken(program, GW_TAKES_COMMAND, "");
    } else {
        put_operands(program, command);
    }
}

static void put_cases(const struct gw_program *program)
{
    printf("_%s_takes()\n{\n    case $1 in\n", program->identifier);
    put_command(program, program->top);
    for (size_t i = 0; i < program->command_count; i++)
        put_command(program, program->commands[i]);
    puts("    *) return 1 ;;\n    esac\n}\n");
}

/* Of the identifier, and the command from the start. readline makes a word of its own of the =
 * between an option and its argument. Files are readline's own business. */
#define FUNCTION                                                                                   \
    "_%1$s()\n"                                                                                    \
    "{\n"                                                                                          \
    "    local cur=${COMP_WORDS[COMP_CWORD]} command='%2$s' option='' ended='' operand=1\n"        \
    "    local takes='' word i\n"                                                                  \
    "\n"                                                                                           \
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"                                                 \
    "        word=${COMP_WORDS[i]}\n"                                                              \
    "        if [[ $option ]]; then\n"                                                             \
    "            [[ $word == '=' ]] || option=''\n"                                                \
    "        elif [[ ! $ended && $word == -- ]]; then\n"                                           \
    "            ended=yes\n"                                                                      \
    "        elif [[ ! $ended && $word == -?* ]]; then\n"                                          \
    "            ! _%1$s_takes \"$command $word\" || option=$word\n"                               \
    "        elif [[ $command ]]; then\n"                                                          \
    "            operand=$((operand + 1))\n"                                                       \
    "        else\n"                                                                               \
    "            command=$word\n"                                                                  \
    "        fi\n"                                                                                 \
    "    done\n"                                                                                   \
    "    takes=''\n"                                                                               \
    "    if [[ $option ]]; then\n"                                                                 \
    "        _%1$s_takes \"$command $option\"\n"                                                   \
    "        [[ $cur != '=' ]] || cur=''\n"                                                        \
    "    elif [[ ! $ended && $cur == -* ]]; then\n"                                                \
    "        _%1$s_takes \"$command -\"\n"                                                         \
    "    else\n"                                                                                   \
    "        _%1$s_takes \"$command $operand\"\n"                                                  \
    "    fi\n"                                                                                     \
    "    if [[ $takes == / ]]; then\n"                                                             \
    "        compopt -o default\n"                                                                 \
    "    else\n"                                                                                   \
    "        mapfile -t COMPREPLY < <(compgen -W \"$takes\" -- \"$cur\")\n"                        \
    "    fi\n"                                                                                     \
    "}\n"                                                                                          \
    "\n"                                                                                           \
    "complete -F _%1$s %3$s\n"

void gw_generate_bash(const struct gw_program *program)
{
    printf("# shellcheck shell=bash\n"
           "# Completion for %s, made of the tables that it parses by.\n\n"
           "# What may stand at a place: files (/), one of some words, or anything.\n",
           program->name);
    put_cases(program);
    printf(FUNCTION, program->identifier, program->command_count == 0 ? "-" : "", program->name);
}
