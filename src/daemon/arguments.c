/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table becomes getopt_long's, whose own messages are good enough for four options. The first
 * of those that only print something decides.
 */
#include "gw/arguments.h"

#include <getopt.h>
#include <stdio.h>

enum { OPTIONS = 4 };

const struct gw_arguments_option gw_arguments_options[OPTIONS] = {
    {"config", 'c', "FILE", "the configuration; without one, the defaults"},
    {"check-config", 't', NULL,
     "say whether the configuration and its secrets are right, and exit"},
    {"version", 'V', NULL, "print the version, and exit"},
    {"help", 'h', NULL, "print this, and exit"},
};
const size_t gw_arguments_option_count = OPTIONS;

struct getopt_tables {
    char letters[2 * OPTIONS + 1];
    struct option names[OPTIONS + 1];
};

/* @tables is zeroed. */
static void fill_tables(struct getopt_tables *tables)
{
    char *letter = tables->letters;

    for (size_t i = 0; i < OPTIONS; i++) {
        const struct gw_arguments_option *option = &gw_arguments_options[i];

        tables->names[i] = (struct option){
            option->name, option->argument ? required_argument : no_argument, NULL, option->letter};
        *letter++ = option->letter;
        if (option->argument)
            *letter++ = ':';
    }
}

static enum gw_arguments_action parse_options(int argc, char **argv, const char **config)
{
    enum gw_arguments_action action = GW_ARGUMENTS_RUN;
    struct getopt_tables tables = {.letters = ""};
    int letter;

    fill_tables(&tables);
    while ((letter = getopt_long(argc, argv, tables.letters, tables.names, NULL)) != -1) {
        switch (letter) {
        case 'c':
            *config = optarg;
            break;
        case 't':
            action = GW_ARGUMENTS_CHECK;
            break;
        case 'V':
            return GW_ARGUMENTS_VERSION;
        case 'h':
            return GW_ARGUMENTS_HELP;
        default:
            return GW_ARGUMENTS_WRONG;
        }
    }
    if (optind == argc)
        return action;
    fprintf(stderr, "genesys-webhookd: '%s' is one argument too many\n", argv[optind]);
    return GW_ARGUMENTS_WRONG;
}

void gw_arguments_parse(int argc, char **argv, struct gw_arguments *arguments)
{
    arguments->config = NULL;
    arguments->action = parse_options(argc, argv, &arguments->config);
    if (arguments->action == GW_ARGUMENTS_WRONG)
        fputs("Try 'genesys-webhookd --help'.\n", stderr);
}

void gw_arguments_print_help(void)
{
    puts("Usage: genesys-webhookd [-c FILE] [-t]\n"
         "Receives Genesys Cloud webhooks, verifies their signatures and stores the "
         "conversations.\n");
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct gw_arguments_option *option = &gw_arguments_options[i];
        char text[64];

        snprintf(text, sizeof(text), "--%s%s%s", option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
        printf("  -%c, %-14s  %s\n", option->letter, text, option->help);
    }
    puts("\n"
         "The secret comes from GENESYS_WEBHOOK_SECRET, from [signature] secret_file, or from\n"
         "systemd's credential webhook-secret. Signals: TERM and INT drain and stop, HUP reloads,\n"
         "USR1 reopens files. Exit: 0 stopped, 1 could not run, 2 usage, 78 bad configuration.");
}
