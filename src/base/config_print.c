/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keys as the shipped ini, where every key stands commented out with its default, and
 * as the tables of the documentation. Both are committed and compared in a test.
 */
#include "gw/config_value.h"

#include <stdio.h>

#define COMMENT_COLUMNS 100

static bool begins_section(size_t index)
{
    return index == 0 ||
           strcmp(gw_config_keys[index].section, gw_config_keys[index - 1].section) != 0;
}

/* Writes @text as "# " lines, broken between words. */
static void print_comment(FILE *out, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t word = strcspn(text, " ");

        if (column && column + 1 + word > COMMENT_COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        fprintf(out, "%s%.*s", column ? " " : "# ", (int)word, text);
        column += word + (column ? 1 : 2);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_ini_key(FILE *out, const struct gw_config_key *key)
{
    char values[256], takes[300];

    gw_config_value_describe(key, values, sizeof(values));
    snprintf(takes, sizeof(takes), "Takes %s.%s", values,
             key->reloadable ? "" : " Needs a restart.");
    fputc('\n', out);
    print_comment(out, key->help);
    print_comment(out, takes);
    fprintf(out, "#%s=%s\n", key->name, key->initial);
}

void gw_config_print_ini(FILE *out)
{
    print_comment(out, "The configuration of genesys-webhookd. Each key stands here with its "
                       "default: take the # away to change it. A blank and ; begin a comment "
                       "behind a value; lines have at most 190 bytes. "
                       "`genesys-webhookd --check-config --config FILE` says what is wrong, "
                       "SIGHUP applies all that does not need a restart.");
    for (size_t i = 0; i < gw_config_key_count; i++) {
        if (begins_section(i))
            fprintf(out, "\n[%s]\n", gw_config_keys[i].section);
        print_ini_key(out, &gw_config_keys[i]);
    }
}

static void print_markdown_key(FILE *out, const struct gw_config_key *key)
{
    char values[256];

    gw_config_value_describe(key, values, sizeof(values));
    fprintf(out, "| `%s` | ", key->name);
    if (*key->initial)
        fprintf(out, "`%s`", key->initial);
    else
        fputs("none", out);
    fprintf(out, " | %s | %s | %s |\n", values, key->reloadable ? "reload" : "restart", key->help);
}

void gw_config_print_markdown(FILE *out)
{
    for (size_t i = 0; i < gw_config_key_count; i++) {
        if (begins_section(i))
            fprintf(out,
                    "%s### [%s]\n\n"
                    "| key | default | takes | applied by | what it does, and why one changes it "
                    "|\n"
                    "| --- | --- | --- | --- | --- |\n",
                    i ? "\n" : "", gw_config_keys[i].section);
        print_markdown_key(out, &gw_config_keys[i]);
    }
}
