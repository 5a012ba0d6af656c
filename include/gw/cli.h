/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_H
#define GW_CLI_H

/*
 * The companion's frame. A subcommand is one file with one `struct gw_cli_command`, listed in
 * gw_cli_commands; parser, help and whatever is generated read the same tables, so they cannot
 * drift apart. Results go to stdout, talk to stderr; the secret is never an argument.
 */

#include "gw/config.h"

#define GW_CLI_PROGRAM "genesys-webhook"
#define GW_CLI_OPTIONS_MAX 24
#define GW_CLI_VALUES_MAX 256

/* Exit statuses. */
enum gw_cli_exit { GW_CLI_OK, GW_CLI_FAILED, GW_CLI_USAGE };

enum gw_cli_type {
    GW_CLI_FLAG,    /* sets a bool */
    GW_CLI_TEXT,    /* sets a const char * */
    GW_CLI_CHOICE,  /* sets an int: the index into choices */
    GW_CLI_SECONDS, /* sets an int64_t: milliseconds, from seconds such as "2.5" */
    GW_CLI_NUMBER   /* sets an int64_t: whole, from 1 to a thousand million */
};

struct gw_cli_option {
    const char *name; /* without its dashes */
    char letter;      /* 0: it has none */
    enum gw_cli_type type;
    const char *argument; /* its name in the help; of a choice NULL: the choices stand there */
    const char *initial;  /* the default, as one would write it; NULL: 0, false or NULL */
    const char *const *choices; /* NULL-ended, of GW_CLI_CHOICE */
    size_t offset;              /* into the command's values */
    const char *help;           /* a line */
};

struct gw_cli_command {
    const char *name;
    const char *synopsis;    /* what follows the name and the options: "URL [FILE]..." */
    const char *summary;     /* a line, as a sentence without its full stop */
    const char *description; /* paragraphs */
    const char *example;     /* one command line */
    const struct gw_cli_option *options; /* beside -h, --help, which each command has */
    size_t option_count;
    size_t operands_min, operands_max;
    size_t values_size;       /* at most GW_CLI_VALUES_MAX */
    bool stops_at_first_word; /* what follows are another command's options */
    enum gw_cli_exit (*run)(const void *values, char **operands, size_t count);
};

extern const struct gw_cli_command *const gw_cli_commands[];
extern const size_t gw_cli_command_count;
extern const struct gw_cli_command gw_cli_program; /* what stands before a subcommand's name */
extern const struct gw_cli_command gw_cli_sign, gw_cli_send, gw_cli_show, gw_cli_tail,
    gw_cli_explain, gw_cli_table, gw_cli_doctor, gw_cli_health, gw_cli_help;
extern const struct gw_cli_option gw_cli_help_option;

/* @return NULL where there is none of that name. */
const struct gw_cli_command *gw_cli_find(const char *name);

/* Writes "'WORD' is not a command" with a suggestion where one is near. */
void gw_cli_say_unknown(const char *word, char *message, size_t message_size);

/* The whole program: parses, runs, and checks that stdout took everything. @return the status. */
enum gw_cli_exit gw_cli_main(int argc, char **argv);

enum gw_cli_parse_result { GW_CLI_PARSE_HELP = 1, GW_CLI_PARSE_USAGE };

/**
 * Reads options by the command's table; defaults first. Not reentrant (getopt_long).
 * @param argv           argv[0] is passed over; operands are moved to the end
 * @param values         the command's, values_size bytes; texts are borrowed from @argv
 * @param first_operand  index into @argv
 * @param message        of GW_CLI_PARSE_USAGE: what was wrong
 * @return 0 or a gw_cli_parse_result.
 */
int gw_cli_parse(const struct gw_cli_command *command, int argc, char **argv, void *values,
                 int *first_operand, char *message, size_t message_size) GW_MUST_CHECK;

/* Writes the help of one command, or of the program with its list of commands, to stdout. */
void gw_cli_print_help(const struct gw_cli_command *command);

/* "genesys-webhook: ..." and a line break on stderr, control characters made visible. */
void gw_cli_error(const char *format, ...) GW_PRINTF(1, 2);

/* The same for each line of @text. */
void gw_cli_error_lines(const char *text);

/**
 * From here on SIGINT and SIGTERM end what waits (a read of a pipe, too, as nothing is restarted),
 * and gw_cli_is_interrupted tells of it. A second one ends the process, even where it hangs.
 */
void gw_cli_take_interrupts(void);
bool gw_cli_is_interrupted(void);

/* A finding, as a line on stdout: "ok", what it is about, and what there is to say. */
void gw_cli_report(const char *verdict, const char *what, struct gw_str text);

/* Reads the daemon's configuration; all that is wrong with it is told on stderr.
 * @param path  NULL: the defaults
 * @return whether @config holds one, which is the caller's to deinit. */
bool gw_cli_load_config(const char *path, struct gw_config *config);

/* Flushes stdout. @return @status, or GW_CLI_FAILED where output was lost; silent on EPIPE. */
enum gw_cli_exit gw_cli_finish_output(enum gw_cli_exit status);

#endif
