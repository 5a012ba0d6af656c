/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables as the generators want them. Of an argument its name in the help says what it is: FILE
 * and COMMAND are those, words with a bar between are a choice, anything else is free text.
 */
#include "generate.h"

#include "gw/arguments.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>

static struct gw_cli_option daemon_options[GW_CLI_OPTIONS_MAX];
static struct gw_cli_command daemon_command = {.name = "genesys-webhookd", .synopsis = ""};

static const struct gw_program daemon_program = {"genesys-webhookd", "genesys_webhookd",
                                                 &daemon_command, NULL, 0};

/* All but --help, which every command has. */
static void fill_daemon_command(void)
{
    size_t count = 0;

    assert(gw_arguments_option_count <= GW_CLI_OPTIONS_MAX);
    for (size_t i = 0; i < gw_arguments_option_count; i++) {
        const struct gw_arguments_option *option = &gw_arguments_options[i];

        if (strcmp(option->name, gw_cli_help_option.name) != 0)
            daemon_options[count++] = (struct gw_cli_option){
                .name = option->name,
                .letter = option->letter,
                .type = option->argument ? GW_CLI_TEXT : GW_CLI_FLAG,
                .argument = option->argument,
                .help = option->help,
            };
    }
    daemon_command.options = daemon_options;
    daemon_command.option_count = count;
}

const struct gw_program *gw_program_find(const char *name)
{
    static struct gw_program companion = {GW_CLI_PROGRAM, "genesys_webhook", &gw_cli_program,
                                          gw_cli_commands, 0};

    companion.command_count = gw_cli_command_count;
    if (strcmp(name, companion.name) == 0)
        return &companion;
    if (strcmp(name, daemon_program.name) != 0)
        return NULL;
    fill_daemon_command();
    return &daemon_program;
}

const struct gw_cli_option *gw_program_option(const struct gw_cli_command *command, size_t i)
{
    if (i < command->option_count)
        return &command->options[i];
    return i == command->option_count ? &gw_cli_help_option : NULL;
}

static enum gw_takes takes(const char *name)
{
    if (strcmp(name, "FILE") == 0)
        return GW_TAKES_FILE;
    if (strcmp(name, "COMMAND") == 0)
        return GW_TAKES_COMMAND;
    return islower((unsigned char)*name) ? GW_TAKES_WORD : GW_TAKES_TEXT;
}

bool gw_program_operand(const char **synopsis, struct gw_operand *operand)
{
    const char *word = *synopsis + strspn(*synopsis, " ");
    size_t len = strcspn(word, " ");
    size_t brackets = strspn(word, "["), name = strcspn(word + brackets, "]. ");

    if (len == 0)
        return false;
    assert(name > 0 && name < sizeof(operand->name));
    *synopsis = word + len;
    snprintf(operand->name, sizeof(operand->name), "%.*s", (int)name, word + brackets);
    operand->optional = brackets > 0;
    operand->repeated = word[len - 1] == '.';
    operand->takes = takes(operand->name);
    return true;
}

enum gw_takes gw_program_takes(const struct gw_cli_option *option, char *words, size_t size)
{
    size_t used = 0;

    if (option->type != GW_CLI_CHOICE) {
        snprintf(words, size, "%s", option->argument);
        return takes(option->argument);
    }
    for (size_t i = 0; option->choices[i]; i++) {
        used +=
            (size_t)snprintf(words + used, size - used, "%s%s", i ? "|" : "", option->choices[i]);
        assert(used < size);
    }
    return GW_TAKES_WORD;
}

void gw_program_put_words(const char *words)
{
    for (; *words; words++)
        putchar(*words == '|' ? ' ' : *words);
}
