/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_ARGUMENTS_H
#define GW_ARGUMENTS_H

/*
 * The daemon's command line. One static table (gw_arguments_options) is the source of the parser,
 * of --help, of the manual page's list and of the shells' completions.
 */

#include "gw/base.h"

enum gw_arguments_action {
    GW_ARGUMENTS_RUN,
    GW_ARGUMENTS_CHECK,
    GW_ARGUMENTS_VERSION,
    GW_ARGUMENTS_HELP,
    GW_ARGUMENTS_WRONG /* what is wrong has been said on stderr */
};

struct gw_arguments {
    enum gw_arguments_action action;
    const char *config; /* borrowed from argv; NULL: none was given */
};

struct gw_arguments_option {
    const char *name; /* without its dashes */
    char letter;
    const char *argument; /* its name in the help; NULL: it takes none */
    const char *help;     /* a line */
};

extern const struct gw_arguments_option gw_arguments_options[];
extern const size_t gw_arguments_option_count;

/* Reads the command line. Not reentrant (getopt_long). */
void gw_arguments_parse(int argc, char **argv, struct gw_arguments *arguments);

/* Writes the help to stdout. */
void gw_arguments_print_help(void);

#endif
