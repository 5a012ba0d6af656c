/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libinih parses; our reader hands it one line at a time and so knows, which inih does not tell,
 * on which line a key stands and whether a line was of any use. A line that was handed over and
 * led to no key must be blank, a comment or a section: that is settled when the next one is asked
 * for. Nothing stops at the first error, since whoever writes a configuration wants all of them.
 *
 * What inih brings along: " ;" begins a comment within a line, "name: value" is taken as well, and
 * an indented line continues the key above it (our lists use that).
 */
#include "gw/config.h"

#include "gw/buffer.h"
#include "gw/config_value.h"
#include "gw/suggest.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define NAMES_MAX 64 /* keys of a section, or sections */

struct parse {
    struct gw_config *config;
    struct gw_config_errors *errors;
    const char *name;

    struct gw_str rest;  /* of the file */
    struct gw_str line;  /* with inih now; absent when there is none */
    unsigned number;     /* of the line, from 1 */
    bool is_key;         /* the line led to a key, or to a part of its value */
    const char *section; /* "" before the first; NULL in one that is not known */
    unsigned *lines;     /* by key: where it stood first; 0: nowhere */
    int result;
};

/* What a file holds must not break the form of one error a line. */
static void replace_controls(char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char)*text))
            *text = '?';
    }
}

static const char more_format[] = "... and %zu more\n";

/* Leaves room for the line that counts what did not fit. */
static void add_error(struct gw_config_errors *errors, const char *line)
{
    size_t used = strlen(errors->text), len = strlen(line);

    errors->count++;
    if (used + len + 1 + sizeof(more_format) + 20 > sizeof(errors->text))
        return;
    memcpy(errors->text + used, line, len);
    memcpy(errors->text + used + len, "\n", 2);
}

static void count_left_out(struct gw_config_errors *errors)
{
    size_t shown = 0, used = strlen(errors->text);

    for (size_t i = 0; i < used; i++)
        shown += errors->text[i] == '\n';
    if (shown < errors->count)
        snprintf(errors->text + used, sizeof(errors->text) - used, more_format,
                 errors->count - shown);
}

static GW_PRINTF(3, 4) void complain(struct parse *parse, unsigned number, const char *format, ...)
{
    char line[1024];
    int len = snprintf(line, sizeof(line), "%.255s:%u: ", parse->name, number);
    va_list args;

    va_start(args, format);
    vsnprintf(line + len, sizeof(line) - (size_t)len, format, args);
    va_end(args);
    replace_controls(line);
    add_error(parse->errors, line);
}

/* @section NULL: whatever the section. */
static const struct gw_config_key *find_key(const char *section, const char *name)
{
    for (size_t i = 0; i < gw_config_key_count; i++) {
        const struct gw_config_key *key = &gw_config_keys[i];

        if ((!section || strcmp(key->section, section) == 0) && strcmp(key->name, name) == 0)
            return key;
    }
    return NULL;
}

static size_t key_names(const char *section, const char *names[static NAMES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < gw_config_key_count && count < NAMES_MAX; i++) {
        if (strcmp(gw_config_keys[i].section, section) == 0)
            names[count++] = gw_config_keys[i].name;
    }
    return count;
}

/* The keys of a section stand together in the table. */
static size_t section_names(const char *names[static NAMES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < gw_config_key_count && count < NAMES_MAX; i++) {
        if (count == 0 || strcmp(gw_config_keys[i].section, names[count - 1]) != 0)
            names[count++] = gw_config_keys[i].section;
    }
    return count;
}

/* Writes "did you mean X?", or where nothing is near, "known are X, Y, Z". */
static void suggest(const char *word, const char *const *names, size_t count, char *text,
                    size_t size)
{
    const char *nearest = gw_suggest(word, names, count);
    size_t len;

    if (nearest) {
        snprintf(text, size, "did you mean %s?", nearest);
        return;
    }
    len = (size_t)snprintf(text, size, "known are");
    for (size_t i = 0; i < count && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, "%s %s", i ? "," : "", names[i]);
}

static struct gw_str trim(struct gw_str text)
{
    while (text.len && isspace((unsigned char)text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len && isspace((unsigned char)text.data[text.len - 1]))
        text.len--;
    return text;
}

static bool is_blank_or_comment(struct gw_str text)
{
    return text.len == 0 || text.data[0] == ';' || text.data[0] == '#';
}

static const char *find_section(struct parse *parse, struct gw_str wanted)
{
    const char *names[NAMES_MAX];
    size_t count = section_names(names);
    char word[GW_CONFIG_LINE_MAX + 1], hint[512];

    for (size_t i = 0; i < count; i++) {
        if (gw_str_equal(gw_str(names[i]), wanted))
            return names[i];
    }
    snprintf(word, sizeof(word), "%.*s", (int)wanted.len, wanted.data);
    suggest(word, names, count, hint, sizeof(hint));
    complain(parse, parse->number, "[%s]: unknown section; %s", word, hint);
    return NULL;
}

static void enter_section(struct parse *parse, struct gw_str text)
{
    const char *end = memchr(text.data, ']', text.len);
    struct gw_str name, after;

    parse->section = NULL;
    if (!end) {
        complain(parse, parse->number, "a section stands in brackets, as in [server]");
        return;
    }
    name = (struct gw_str){text.data + 1, (size_t)(end - text.data) - 1};
    parse->section = find_section(parse, name);
    after = trim((struct gw_str){end + 1, text.len - name.len - 2});
    if (!is_blank_or_comment(after))
        complain(parse, parse->number, "[%.*s]: a key stands on a line of its own", (int)name.len,
                 name.data);
}

/* Judges the line that inih has done with. What it says is not shown: see the header. */
static void settle_line(struct parse *parse)
{
    struct gw_str text = trim(parse->line);

    if (!parse->line.data || parse->is_key || is_blank_or_comment(text))
        return;
    if (text.data[0] == '[')
        enter_section(parse, text);
    else
        complain(parse, parse->number, "neither a [section], nor key = value, nor a # comment");
}

static bool take_line(struct parse *parse, struct gw_str *line)
{
    const char *end = parse->rest.len ? memchr(parse->rest.data, '\n', parse->rest.len) : NULL;
    size_t len = end ? (size_t)(end - parse->rest.data) : parse->rest.len;

    if (parse->rest.len == 0)
        return false;
    *line = (struct gw_str){parse->rest.data, len};
    len += end != NULL;
    parse->rest.data += len;
    parse->rest.len -= len;
    parse->number++;
    return true;
}

static bool is_readable(struct parse *parse, struct gw_str line, int size)
{
    if (memchr(line.data, '\0', line.len)) {
        complain(parse, parse->number, "holds a NUL byte; a configuration is text");
        return false;
    }
    if (line.len > GW_CONFIG_LINE_MAX || line.len >= (size_t)size) {
        complain(parse, parse->number, "is longer than %d bytes", GW_CONFIG_LINE_MAX);
        return false;
    }
    return true;
}

/* As inih does it; but releases differ about lines that continue a value. */
static struct gw_str without_comment(struct gw_str line)
{
    for (size_t i = 1; i < line.len; i++) {
        if (line.data[i] == ';' && isspace((unsigned char)line.data[i - 1]))
            line.len = i;
    }
    return line;
}

/* inih's reader, in the manner of fgets. */
static char *next_line(char *out, int size, void *stream)
{
    struct parse *parse = stream;
    struct gw_str line;

    settle_line(parse);
    parse->line = (struct gw_str){0};
    parse->is_key = false;
    while (take_line(parse, &line)) {
        if (!is_readable(parse, line, size))
            continue;
        parse->line = without_comment(line);
        memcpy(out, parse->line.data, parse->line.len);
        out[parse->line.len] = '\0';
        return out;
    }
    return NULL;
}

/* A secret with = in it is a line that reads as a key; but names of keys have no capitals and no
 * digits. */
static const char *shown_name(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz_-")] == '\0' ? name : "(not shown)";
}

static void complain_of_stray_key(struct parse *parse, const char *name)
{
    const struct gw_config_key *key = find_key(NULL, name);

    complain(parse, parse->number, "%s: stands before any section; put it under [%s]",
             shown_name(name), key ? key->section : "SECTION");
}

static void complain_of_unknown_key(struct parse *parse, const char *name)
{
    const struct gw_config_key *elsewhere = find_key(NULL, name);
    const char *names[NAMES_MAX];
    char hint[512];

    if (elsewhere)
        snprintf(hint, sizeof(hint), "it belongs under [%s]", elsewhere->section);
    else
        suggest(name, names, key_names(parse->section, names), hint, sizeof(hint));
    complain(parse, parse->number, "[%s] %s: unknown key; %s", parse->section, shown_name(name),
             hint);
}

static void complain_of_key(struct parse *parse, const struct gw_config_key *key, const char *value,
                            const char *what)
{
    bool shown = gw_config_value_is_shown(key);

    complain(parse, parse->number, "[%s] %s%s%s: %s", key->section, key->name, shown ? " = " : "",
             shown ? value : "", what);
}

static void complain_of_value(struct parse *parse, const struct gw_config_key *key,
                              const char *value, int error)
{
    char right[256] = "must be ";
    size_t len = strlen(right);

    if (error == -ENOSPC)
        snprintf(right, sizeof(right), "there may be at most %d", GW_CONFIG_LIST_MAX);
    else if (error == -EEXIST)
        snprintf(right, sizeof(right), "was given already");
    else
        gw_config_value_describe(key, right + len, sizeof(right) - len);
    complain_of_key(parse, key, value, right);
}

static void complain_of_repetition(struct parse *parse, const struct gw_config_key *key,
                                   const char *value, unsigned first)
{
    bool indented = parse->line.len && isspace((unsigned char)parse->line.data[0]);
    char what[128];

    snprintf(what, sizeof(what), "was given on line %u already%s", first,
             indented ? "; an indented line continues the key above it" : "");
    complain_of_key(parse, key, value, what);
}

static void take_value(struct parse *parse, const struct gw_config_key *key, const char *value)
{
    unsigned *line = &parse->lines[key - gw_config_keys];
    int r;

    if (*line && key->type != GW_CONFIG_LIST) {
        complain_of_repetition(parse, key, value, *line);
        return;
    }
    if (*line == 0)
        *line = parse->number;
    r = gw_config_value_set(key, value, parse->number, parse->config);
    if (r == -ENOMEM)
        parse->result = r;
    else if (r < 0)
        complain_of_value(parse, key, value, r);
}

/* inih's handler; what it returns would only set inih's own, first, error. */
static int take_key(void *user, const char *section, const char *name, const char *value)
{
    struct parse *parse = user;
    const struct gw_config_key *key;

    (void)section; /* may be cut by inih, or an older one when a section's line is broken */
    parse->is_key = true;
    if (!parse->section)
        return 1;
    key = find_key(parse->section, name);
    if (key)
        take_value(parse, key, value);
    else if (*parse->section)
        complain_of_unknown_key(parse, name);
    else
        complain_of_stray_key(parse, name);
    return 1;
}

static void fill_defaults(struct parse *parse)
{
    for (size_t i = 0; i < gw_config_key_count && parse->result == 0; i++) {
        if (parse->lines[i] == 0)
            parse->result = gw_config_value_set(&gw_config_keys[i], gw_config_keys[i].initial, 0,
                                                parse->config);
    }
}

static unsigned line_of(const struct parse *parse, const char *section, const char *name)
{
    return parse->lines[find_key(section, name) - gw_config_keys];
}

static void check_across_keys(struct parse *parse)
{
    unsigned body = line_of(parse, "server", "max_body");
    unsigned buffered = line_of(parse, "server", "max_buffered");

    /* Wrong ones are complained of already. */
    if (parse->config->listen.count == 0 && parse->errors->count == 0)
        complain(parse, line_of(parse, "server", "listen"),
                 "[server] listen: names no address; leave it out for the default");
    /* 0: it was given, but not a right one. */
    if (parse->config->max_buffered_bytes > 0 &&
        parse->config->max_body_bytes > parse->config->max_buffered_bytes)
        complain(parse, body > buffered ? body : buffered,
                 "[server] max_body is greater than max_buffered: bodies between the two could "
                 "never be taken");
    for (size_t i = 0; i < parse->config->admin_listen.count; i++)
        if (gw_config_list_has(&parse->config->listen, parse->config->admin_listen.items[i]))
            complain(parse, parse->config->admin_listen.lines[i],
                     "[admin] listen = %s: is the address of [server] listen; take another port",
                     parse->config->admin_listen.items[i]);
}

static int parse_text(struct parse *parse, struct gw_str text)
{
    static const struct gw_str mark = {"\xEF\xBB\xBF", 3}; /* of byte order */
    int r;

    if (text.len >= mark.len && memcmp(text.data, mark.data, mark.len) == 0) {
        text.data += mark.len;
        text.len -= mark.len;
    }
    parse->rest = text;
    r = ini_parse_stream(next_line, parse, take_key, parse);
    if (r < 0)
        return -ENOMEM;
    assert(r == 0 || parse->errors->count > 0);

    fill_defaults(parse);
    if (parse->result == 0)
        check_across_keys(parse);
    if (parse->result < 0)
        return parse->result;
    return parse->errors->count ? -EINVAL : 0;
}

static void clear_errors(struct gw_config_errors *errors)
{
    errors->text[0] = '\0';
    errors->count = 0;
}

int gw_config_parse(struct gw_config *config, const char *text, size_t len, const char *name,
                    struct gw_config_errors *errors)
{
    struct parse parse = {.config = config, .errors = errors, .name = name, .section = ""};
    int r;

    *config = (struct gw_config){0};
    clear_errors(errors);
    parse.lines = calloc(gw_config_key_count, sizeof(*parse.lines));
    if (!parse.lines)
        return -ENOMEM;
    r = parse_text(&parse, (struct gw_str){text, text ? len : 0});
    free(parse.lines);
    count_left_out(errors);
    if (r == -ENOMEM)
        gw_config_deinit(config);
    return r;
}

static int read_file(const char *path, struct gw_buffer *content)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return -errno;
    int r = gw_buffer_read(content, fd);

    close(fd);
    return r == 0 && content->len > FILE_MAX_BYTES ? -ENOBUFS : r;
}

static int complain_of_file(const char *path, int error, struct gw_config_errors *errors)
{
    char line[512];

    clear_errors(errors);
    if (error == -ENOMEM)
        return error;
    snprintf(line, sizeof(line), "%.255s: %s", path,
             error == -ENOBUFS ? "is larger than 1 MiB" : strerrordesc_np(-error));
    replace_controls(line);
    add_error(errors, line);
    return error;
}

int gw_config_load(struct gw_config *config, const char *path, struct gw_config_errors *errors)
{
    struct gw_buffer content;
    int r;

    *config = (struct gw_config){0};
    gw_buffer_init(&content, FILE_MAX_BYTES + 1);
    r = read_file(path, &content);
    if (r < 0)
        r = complain_of_file(path, r, errors);
    else
        r = gw_config_parse(config, content.data, content.len, path, errors);
    gw_buffer_deinit(&content);
    return r;
}

void gw_config_deinit(struct gw_config *config)
{
    for (size_t i = 0; i < gw_config_key_count; i++)
        gw_config_value_clear(&gw_config_keys[i], config);
}

size_t gw_config_needs_restart(const struct gw_config *running, const struct gw_config *wanted,
                               char *names, size_t names_size)
{
    size_t count = 0, len = 0;

    names[0] = '\0';
    for (size_t i = 0; i < gw_config_key_count; i++) {
        const struct gw_config_key *key = &gw_config_keys[i];

        if (key->reloadable || gw_config_value_equal(key, running, wanted))
            continue;
        if (len < names_size)
            len += (size_t)snprintf(names + len, names_size - len, "%s[%s] %s", count ? ", " : "",
                                    key->section, key->name);
        count++;
    }
    return count;
}
