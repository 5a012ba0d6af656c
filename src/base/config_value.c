/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each type of key is a row of functions. A place in struct gw_config is found by the key's offset;
 * all numbers are int64_t there, choices too, so that one row serves several types.
 */
#include "gw/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

struct unit {
    const char *suffix;
    int64_t factor;
};

/* From small to large: a number is shown in the largest that gives a whole one. */
static const struct unit no_units[] = {{"", 1}, {0}};
static const struct unit byte_units[] = {
    {"B", 1}, {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {0},
};
static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}, {0},
};

static void *place_of(const struct gw_config_key *key, const struct gw_config *config)
{
    return (char *)config + key->offset;
}

static const struct unit *units_of(const struct gw_config_key *key)
{
    switch (key->type) {
    case GW_CONFIG_BYTES:
        return byte_units;
    case GW_CONFIG_DURATION:
        return duration_units;
    default:
        return no_units;
    }
}

static bool takes_auto(const struct gw_config_key *key)
{
    return strcmp(key->initial, "auto") == 0;
}

static const struct unit *find_unit(const struct unit *unit, const char *suffix)
{
    while (unit->suffix && strcmp(unit->suffix, suffix) != 0)
        unit++;
    return unit->suffix ? unit : NULL;
}

static int read_number(const struct gw_config_key *key, const char *text, int64_t *number)
{
    const struct unit *unit;
    int64_t value;
    char *end;

    if (takes_auto(key) && strcmp(text, "auto") == 0) {
        *number = 0;
        return 0;
    }
    if (!isdigit((unsigned char)text[0]))
        return -EINVAL;
    /* Too many digits give INT64_MAX, which is beyond every key's range. */
    value = strtoll(text, &end, 10);
    unit = find_unit(units_of(key), end);
    if (!unit || __builtin_mul_overflow(value, unit->factor, &value))
        return -EINVAL;
    if (value < key->min || value > key->max)
        return -EINVAL;
    *number = value;
    return 0;
}

static int set_number(const struct gw_config_key *key, const char *text, void *place)
{
    return read_number(key, text, place);
}

static int set_choice(const struct gw_config_key *key, const char *text, void *place)
{
    for (int64_t i = 0; key->choices[i]; i++) {
        if (strcmp(key->choices[i], text) == 0) {
            *(int64_t *)place = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int set_string(const struct gw_config_key *key, const char *text, void *place)
{
    char **string = place;
    char *copy;

    if (key->valid && !key->valid(text))
        return -EINVAL;
    copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(*string);
    *string = copy;
    return 0;
}

/* The host's slice of HOST:PORT, without brackets; absent where it is none. */
static struct gw_str host_of(const char *address, const char *colon)
{
    struct gw_str host = {address, (size_t)(colon - address)};
    bool bracketed = host.len > 2 && address[0] == '[' && colon[-1] == ']';

    if (bracketed)
        host = (struct gw_str){host.data + 1, host.len - 2};
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];

        if (!isgraph((unsigned char)c) || c == '[' || c == ']' || (c == ':' && !bracketed))
            return (struct gw_str){0};
    }
    return host.len ? host : (struct gw_str){0};
}

int gw_config_split_address(const char *address, char *host, size_t host_size, uint16_t *port)
{
    const char *colon = strrchr(address, ':');
    struct gw_str name = colon ? host_of(address, colon) : (struct gw_str){0};
    unsigned long number;
    char *end;

    if (!name.data || name.len >= host_size || !isdigit((unsigned char)colon[1]))
        return -EINVAL;
    number = strtoul(colon + 1, &end, 10);
    if (*end || number > UINT16_MAX)
        return -EINVAL;
    memcpy(host, name.data, name.len);
    host[name.len] = '\0';
    *port = (uint16_t)number;
    return 0;
}

/* Abstract names have no file, and so nothing that says who may connect. */
static bool is_socket_path(const char *path)
{
    const size_t len = strlen(path);

    return path[0] == '/' && path[len - 1] != '/' &&
           len < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

bool gw_config_is_listen_address(const char *text)
{
    const size_t prefix = strlen(GW_CONFIG_UNIX_PREFIX);
    char host[GW_CONFIG_LINE_MAX + 1];
    uint16_t port;

    if (strncmp(text, GW_CONFIG_UNIX_PREFIX, prefix) == 0)
        return is_socket_path(text + prefix);
    return gw_config_split_address(text, host, sizeof(host), &port) == 0;
}

bool gw_config_list_has(const struct gw_config_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

static int set_list(const struct gw_config_key *key, const char *text, void *place)
{
    struct gw_config_list *list = place;
    int r;

    /* "key=" with the items on indented lines below it. */
    if (*text == '\0')
        return 0;
    if (gw_config_list_has(list, text))
        return -EEXIST;
    if (list->count == GW_CONFIG_LIST_MAX)
        return -ENOSPC;
    r = set_string(key, text, &list->items[list->count]);
    if (r == 0)
        list->count++;
    return r;
}

static void clear_number(void *place)
{
    *(int64_t *)place = 0;
}

static void clear_string(void *place)
{
    free(*(char **)place);
    *(char **)place = NULL;
}

static void clear_list(void *place)
{
    struct gw_config_list *list = place;

    while (list->count > 0)
        clear_string(&list->items[--list->count]);
    memset(list->lines, 0, sizeof(list->lines));
}

static bool equal_numbers(const void *a, const void *b)
{
    return *(const int64_t *)a == *(const int64_t *)b;
}

static bool equal_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b) == 0;
}

static bool equal_lists(const void *a, const void *b)
{
    const struct gw_config_list *one = a, *other = b;

    for (size_t i = 0; i < one->count && i < other->count; i++) {
        if (!equal_strings(&one->items[i], &other->items[i]))
            return false;
    }
    return one->count == other->count;
}

static void format_number(const struct unit *units, int64_t number, char *text, size_t size)
{
    const struct unit *best = units;

    for (const struct unit *unit = units; unit->suffix; unit++) {
        if (unit->suffix[0] && number >= unit->factor && number % unit->factor == 0)
            best = unit;
    }
    snprintf(text, size, "%" PRId64 "%s", number / best->factor, best->suffix);
}

static void show_number(const struct gw_config_key *key, const void *place, char *text, size_t size)
{
    const int64_t number = *(const int64_t *)place;

    if (number == 0 && takes_auto(key))
        snprintf(text, size, "auto");
    else
        format_number(units_of(key), number, text, size);
}

static void show_choice(const struct gw_config_key *key, const void *place, char *text, size_t size)
{
    snprintf(text, size, "%s", key->choices[*(const int64_t *)place]);
}

static void show_string(const struct gw_config_key *key, const void *place, char *text, size_t size)
{
    (void)key;
    snprintf(text, size, "%s", *(char *const *)place);
}

static void show_list(const struct gw_config_key *key, const void *place, char *text, size_t size)
{
    const struct gw_config_list *list = place;
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < list->count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i > 0 ? ", " : "", list->items[i]);
    if (at >= size || !gw_config_value_is_shown(key))
        snprintf(text, size, "%zu given", list->count);
}

static void describe_number(const struct gw_config_key *key, char *text, size_t size)
{
    char min[32], max[32];

    format_number(units_of(key), key->min, min, sizeof(min));
    format_number(units_of(key), key->max, max, sizeof(max));
    snprintf(text, size, "%s to %s %s%s", min, max, key->unit, takes_auto(key) ? ", or auto" : "");
}

static void describe_choice(const struct gw_config_key *key, char *text, size_t size)
{
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; key->choices[i] && len < size; i++) {
        const char *between = i == 0 ? "" : key->choices[i + 1] ? ", " : " or ";

        len += (size_t)snprintf(text + len, size - len, "%s%s", between, key->choices[i]);
    }
}

static void describe_text(const struct gw_config_key *key, char *text, size_t size)
{
    snprintf(text, size, "%s", key->unit);
}

static const struct {
    int (*set)(const struct gw_config_key *key, const char *text, void *place);
    void (*clear)(void *place);
    bool (*equal)(const void *a, const void *b);
    void (*show)(const struct gw_config_key *key, const void *place, char *text, size_t size);
    void (*describe)(const struct gw_config_key *key, char *text, size_t size);
} types[] = {
    [GW_CONFIG_STRING] = {set_string, clear_string, equal_strings, show_string, describe_text},
    [GW_CONFIG_LIST] = {set_list, clear_list, equal_lists, show_list, describe_text},
    [GW_CONFIG_COUNT] = {set_number, clear_number, equal_numbers, show_number, describe_number},
    [GW_CONFIG_BYTES] = {set_number, clear_number, equal_numbers, show_number, describe_number},
    [GW_CONFIG_DURATION] = {set_number, clear_number, equal_numbers, show_number, describe_number},
    [GW_CONFIG_CHOICE] = {set_choice, clear_number, equal_numbers, show_choice, describe_choice},
};

static void note_line(struct gw_config_list *list, unsigned line)
{
    /* An empty text has appended nothing. */
    if (list->count > 0 && list->lines[list->count - 1] == 0)
        list->lines[list->count - 1] = line;
}

int gw_config_value_set(const struct gw_config_key *key, const char *text, unsigned line,
                        struct gw_config *config)
{
    void *place = place_of(key, config);
    int r = types[key->type].set(key, text, place);

    if (r == 0 && key->type == GW_CONFIG_LIST)
        note_line(place, line);
    return r;
}

void gw_config_value_clear(const struct gw_config_key *key, struct gw_config *config)
{
    types[key->type].clear(place_of(key, config));
}

bool gw_config_value_equal(const struct gw_config_key *key, const struct gw_config *a,
                           const struct gw_config *b)
{
    return types[key->type].equal(place_of(key, a), place_of(key, b));
}

bool gw_config_value_is_initial(const struct gw_config_key *key, const struct gw_config *config)
{
    struct gw_config initial = {0};
    bool is = gw_config_value_set(key, key->initial, 0, &initial) == 0 &&
              gw_config_value_equal(key, &initial, config);

    gw_config_value_clear(key, &initial);
    return is;
}

bool gw_config_value_is_shown(const struct gw_config_key *key)
{
    return strcmp(key->section, "signature") != 0;
}

void gw_config_value_show(const struct gw_config_key *key, const struct gw_config *config,
                          char *text, size_t size)
{
    if (gw_config_value_is_initial(key, config))
        snprintf(text, size, "%s", key->initial);
    else if (key->type == GW_CONFIG_LIST || gw_config_value_is_shown(key))
        types[key->type].show(key, place_of(key, config), text, size);
    else
        snprintf(text, size, "(not shown)");
}

void gw_config_value_describe(const struct gw_config_key *key, char *text, size_t size)
{
    types[key->type].describe(key, text, size);
}
