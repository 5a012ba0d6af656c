/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GENERATE_H
#define GW_GENERATE_H

/*
 * What is made of the parsers' tables when this is built: the lists in the manual pages, and the
 * shells' completions. All of it goes to stdout, whose errors main looks at.
 */

#include "gw/cli.h"

/* One of the two executables, as its completions see it. */
struct gw_program {
    const char *name;
    const char *identifier;           /* the name as a shell's function may have it */
    const struct gw_cli_command *top; /* what stands before a subcommand */
    const struct gw_cli_command *const *commands;
    size_t command_count; /* 0: it has no subcommands */
};

/* @return NULL where there is none of that name. */
const struct gw_program *gw_program_find(const char *name);

/* The command's options, --help behind them. @return NULL past the end. */
const struct gw_cli_option *gw_program_option(const struct gw_cli_command *command, size_t i);

/* What an argument may be, which a shell can offer. */
enum gw_takes {
    GW_TAKES_TEXT, /* nothing can be offered */
    GW_TAKES_FILE,
    GW_TAKES_COMMAND, /* a subcommand's name */
    GW_TAKES_WORD     /* one of a few, "hex|base64" */
};

/* An operand of a synopsis: of "URL [FILE]..." there are two. */
struct gw_operand {
    char name[128]; /* "FILE", or "create|check|describe" */
    enum gw_takes takes;
    bool optional;
    bool repeated;
};

/* Takes the next operand off @synopsis. @return false at its end. */
bool gw_program_operand(const char **synopsis, struct gw_operand *operand);

/* Of an option that is no flag; @words becomes its argument's name, or "hex|base64". */
enum gw_takes gw_program_takes(const struct gw_cli_option *option, char *words, size_t size);

/* Writes "hex|base64" with blanks for its bars. */
void gw_program_put_words(const char *words);

/* Copies a page of mdoc; a line `.\" [NAME]` becomes what NAME stands for. @return 0 or -errno. */
int gw_generate_page(const char *path) GW_MUST_CHECK;

/* A completion. */
void gw_generate_bash(const struct gw_program *program);
void gw_generate_zsh(const struct gw_program *program);
void gw_generate_fish(const struct gw_program *program);

#endif
