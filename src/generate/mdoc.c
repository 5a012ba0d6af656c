/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual pages' prose is written by hand, in mdoc(7); their lists of options, commands and keys
 * are put in here. Each sentence begins a line of its own, as mdoc wants it.
 */
#include "generate.h"

#include "gw/config_value.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

enum { COLUMNS = 78, TEXT = 1024 };

/* What roff would take for its own. A hyphen is a minus: names and values are to be copied. */
static const char *const escapes[] = {
    ['\\'] = "\\e",  ['-'] = "\\-",   ['\''] = "\\(aq", ['"'] = "\\(dq",
    ['^'] = "\\(ha", ['~'] = "\\(ti", ['`'] = "\\(ga",
};

/* @return NULL where the character is written as it is. */
static const char *escape(char c)
{
    size_t at = (unsigned char)c;

    return at < GW_COUNT(escapes) ? escapes[at] : NULL;
}

static void put_escaped(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (escape(text[i]))
            fputs(escape(text[i]), stdout);
        else
            putchar(text[i]);
}

/* As one argument of a macro, which it does not take for another macro. */
static void put_argument(const char *text)
{
    fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == ' ')
            fputs("\\ ", stdout);
        else
            put_escaped(text, 1);
}

/* Bytes that a word takes in the page. */
static size_t width(const char *word, size_t len)
{
    size_t bytes = 0;

    for (size_t i = 0; i < len; i++)
        bytes += escape(word[i]) ? strlen(escape(word[i])) : 1;
    return bytes;
}

static bool ends_sentence(const char *word, size_t len)
{
    while (len > 0 && strchr(")\"`", word[len - 1]))
        len--;
    return len > 0 && strchr(".?!", word[len - 1]);
}

/* What stands between a word and the next one, which takes @next bytes. */
static const char *separator(const char *word, size_t len, size_t column, size_t next)
{
    if (strncmp(word + len, "\n\n", 2) == 0)
        return "\n.Pp\n";
    return ends_sentence(word, len) || column + 1 + next > COLUMNS ? "\n" : " ";
}

static void put_text(const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t len = strcspn(text, " \n");
        const char *next = text + len + strspn(text + len, " \n"), *between = "\n";

        if (column == 0 && *text == '.')
            fputs("\\&", stdout);
        put_escaped(text, len);
        column += width(text, len);
        if (*next)
            between = separator(text, len, column, width(next, strcspn(next, " \n")));
        fputs(between, stdout);
        column = *between == ' ' ? column + 1 : 0;
        text = next;
    }
}

/* A summary, or an option's help, as a sentence. */
static void put_sentence(const char *text)
{
    char sentence[TEXT];
    int len = snprintf(sentence, sizeof(sentence), "%s.", text);

    assert(len < TEXT);
    (void)len;
    if (isalpha((unsigned char)text[strcspn(text, " ") - 1]))
        sentence[0] = (char)toupper((unsigned char)sentence[0]);
    put_text(sentence);
}

/* An example, line by line as it stands. */
static void put_literal(const char *text)
{
    puts(".Bd -literal -offset indent");
    put_escaped(text, strlen(text));
    puts("\n.Ed");
}

static void put_option_argument(const struct gw_cli_option *option)
{
    char words[TEXT];
    enum gw_takes takes;

    if (option->type == GW_CLI_FLAG)
        return;
    takes = gw_program_takes(option, words, sizeof(words));
    printf(" %s %s", takes == GW_TAKES_WORD ? "Cm" : "Ar", words);
}

static void put_option(const struct gw_cli_option *option)
{
    printf(".It ");
    if (option->letter)
        printf("Fl %c , ", option->letter);
    printf("Fl \\-%s", option->name);
    put_option_argument(option);
    putchar('\n');
    put_sentence(option->help);
    if (option->initial && *option->initial) {
        printf("The default is\n.Li ");
        put_argument(option->initial);
        puts(" .");
    }
}

static void put_options(const struct gw_cli_command *command)
{
    const struct gw_cli_option *option;

    puts(".Bl -tag -width Ds");
    for (size_t i = 0; (option = gw_program_option(command, i)) != NULL; i++)
        put_option(option);
    puts(".El");
}

static void put_daemon_options(void)
{
    put_options(gw_program_find("genesys-webhookd")->top);
}

static void put_program_options(void)
{
    put_options(&gw_cli_program);
}

/* The operands, as macros on the line that has begun. */
static void put_operands(const char *synopsis)
{
    struct gw_operand operand;

    while (gw_program_operand(&synopsis, &operand))
        printf("\n.%s%s %s%s", operand.optional ? "Op " : "",
               operand.takes == GW_TAKES_WORD ? "Cm" : "Ar", operand.name,
               operand.repeated ? " ..." : "");
    putchar('\n');
}

static void put_synopses(void)
{
    for (size_t i = 0; i < gw_cli_command_count; i++) {
        printf(".Nm\n.Cm %s\n.Op Ar OPTION ...", gw_cli_commands[i]->name);
        put_operands(gw_cli_commands[i]->synopsis);
    }
}

static void put_command(const struct gw_cli_command *command)
{
    printf(".Ss %s\n.Nm\n.Cm %s\n.Op Ar OPTION ...", command->name, command->name);
    put_operands(command->synopsis);
    puts(".Pp");
    put_sentence(command->summary);
    if (command->description) {
        puts(".Pp");
        put_text(command->description);
    }
    put_options(command);
    if (command->example)
        put_literal(command->example);
}

static void put_commands(void)
{
    for (size_t i = 0; i < gw_cli_command_count; i++)
        put_command(gw_cli_commands[i]);
}

static void put_key(const struct gw_config_key *key)
{
    char values[TEXT], takes[TEXT + 64];

    printf(".It Ic %s Ns =", key->name);
    if (*key->initial) {
        fputs(" Ns Li ", stdout);
        put_argument(key->initial);
    }
    putchar('\n');
    put_text(key->help);
    gw_config_value_describe(key, values, sizeof(values));
    snprintf(takes, sizeof(takes), "Takes %s.%s", values,
             key->reloadable ? "" : " Needs a restart.");
    put_text(takes);
}

static void put_keys(void)
{
    const char *section = "";

    for (size_t i = 0; i < gw_config_key_count; i++) {
        const struct gw_config_key *key = &gw_config_keys[i];

        if (strcmp(key->section, section) != 0)
            printf("%s.Ss [%s]\\&\n.Bl -tag -width Ds\n", *section ? ".El\n" : "", key->section);
        section = key->section;
        put_key(key);
    }
    puts(".El");
}

static const struct {
    const char *line;
    void (*put)(void);
} lists[] = {
    {".\\\" [daemon options]\n", put_daemon_options},
    {".\\\" [companion options]\n", put_program_options},
    {".\\\" [synopses]\n", put_synopses},
    {".\\\" [commands]\n", put_commands},
    {".\\\" [keys]\n", put_keys},
};

static void put_line(const char *line)
{
    for (size_t i = 0; i < GW_COUNT(lists); i++)
        if (strcmp(lists[i].line, line) == 0) {
            lists[i].put();
            return;
        }
    fputs(line, stdout);
}

int gw_generate_page(const char *path)
{
    FILE *page = fopen(path, "r");
    char line[TEXT];
    int r;

    if (!page)
        return -errno;
    while (fgets(line, sizeof(line), page))
        put_line(line);
    r = ferror(page) ? -EIO : 0;
    fclose(page);
    return r;
}
