/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/event.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The scanner against jansson: the same verdict, and the same value of every wanted member. What
 * jansson refuses and we take is let pass only where jansson says so in particular: then the
 * scanner's verdict stands alone. Besides, wherever a text is refused, the offset must be that of
 * the first byte that cannot stand there: what precedes it can still become JSON.
 */

static const char *const paths[] = {"id", "a", "a.id", "a.b.c", "event_type", "\xc3\xa9.\"/\t"};
#define PATHS GW_COUNT(paths)

static struct gw_scan_plan plan;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    gw_scan_plan_init(&plan);
    for (size_t i = 0; i < PATHS; i++) {
        size_t slot;

        REQUIRE(gw_scan_plan_add(&plan, gw_str(paths[i]), &slot) == 0 && slot == i);
    }
    return 0;
}

/* @return whether the text holds \uD800 to \uDFFF. */
static bool has_surrogate_escape(struct gw_str text)
{
    for (size_t i = 0; i + 4 <= text.len; i++) {
        if (memcmp(text.data + i, "\\u", 2) == 0 && (text.data[i + 2] | 0x20) == 'd' &&
            strchr("89abcdefABCDEF", text.data[i + 3]))
            return true;
    }
    return false;
}

/* Whether jansson refused JSON for one of the reasons that are known. */
static bool is_known_refusal(const json_error_t *error, struct gw_str text)
{
    switch (json_error_code(error)) {
    case json_error_numeric_overflow:
    case json_error_stack_overflow:
    case json_error_null_byte_in_key:
        return true;
    case json_error_invalid_syntax:
        return strstr(error->text, "invalid Unicode") && has_surrogate_escape(text);
    default:
        return false;
    }
}

/* jansson 2.14 swallows a NUL that follows a number or a literal; no JSON has one there. */
static bool is_swallowed_nul(struct gw_str text, size_t offset)
{
    return offset > 0 && offset < text.len && text.data[offset] == '\0' &&
           isalnum((unsigned char)text.data[offset - 1]);
}

static enum gw_json_type type_of(const json_t *value)
{
    static const enum gw_json_type types[] = {
        [JSON_OBJECT] = GW_JSON_OBJECT, [JSON_ARRAY] = GW_JSON_ARRAY,
        [JSON_STRING] = GW_JSON_STRING, [JSON_INTEGER] = GW_JSON_NUMBER,
        [JSON_REAL] = GW_JSON_NUMBER,   [JSON_TRUE] = GW_JSON_TRUE,
        [JSON_FALSE] = GW_JSON_FALSE,   [JSON_NULL] = GW_JSON_NULL,
    };

    return value ? types[json_typeof(value)] : GW_JSON_ABSENT;
}

/* The member at a path of names parted by dots, or NULL. */
static const json_t *member(const json_t *value, const char *path)
{
    char name[16];

    while (value && *path) {
        size_t len = strcspn(path, ".");

        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        value = json_object_get(value, name);
        path += len + (path[len] == '.');
    }
    return value;
}

static void compare_string(const struct gw_json_value *found, const json_t *value)
{
    struct gw_arena arena = {0};
    struct gw_str text;

    REQUIRE(gw_event_string(found, &arena, &text) == 0);
    REQUIRE(
        gw_str_equal(text, (struct gw_str){json_string_value(value), json_string_length(value)}));
    gw_arena_deinit(&arena);
}

static void compare_text(struct gw_str text, const json_t *value)
{
    json_t *again = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    REQUIRE(again && json_equal(again, value));
    json_decref(again);
}

/* A slice must say the same as jansson's value, and falsy must be what it is for JavaScript. */
static void compare(const struct gw_json_value *found, const json_t *value)
{
    REQUIRE(found->type == type_of(value));
    REQUIRE(gw_event_is_falsy(found) ==
            (!value || json_is_null(value) || json_is_false(value) ||
             (json_is_number(value) && json_number_value(value) == 0) ||
             (json_is_string(value) && json_string_length(value) == 0)));
    if (json_is_string(value))
        compare_string(found, value);
    if (value)
        compare_text(found->text, value);
}

/* Without the space between tokens it is the same value; and then there is none left to remove. */
static void check_compact(const struct gw_json_value *found, const json_t *value)
{
    struct gw_json_value compacted = *found;
    struct gw_buffer once, twice;

    gw_buffer_init(&once, 2 * GW_EVENT_ID_MAX);
    gw_buffer_init(&twice, 2 * GW_EVENT_ID_MAX);
    if (gw_event_append_compact(found, &once) == 0) {
        compacted.text = gw_buffer_str(&once);
        REQUIRE(once.len <= GW_EVENT_ID_MAX && once.len <= found->text.len);
        REQUIRE(gw_event_append_compact(&compacted, &twice) == 0);
        REQUIRE(gw_str_equal(gw_buffer_str(&once), gw_buffer_str(&twice)));
        compare_text(compacted.text, value);
    } else {
        REQUIRE(found->text.len > GW_EVENT_ID_MAX);
    }
    gw_buffer_deinit(&once);
    gw_buffer_deinit(&twice);
}

static void check_error_offset(struct gw_str text, size_t offset)
{
    struct gw_scan_result result;
    struct gw_str before = {text.data, offset}, with = {text.data, offset + 1};

    REQUIRE(offset <= text.len);
    if (gw_scan(&plan, before, &result) != 0)
        REQUIRE(result.error_offset == offset);
    if (offset < text.len)
        REQUIRE(gw_scan(&plan, with, &result) == GW_SCAN_INVALID && result.error_offset == offset);
}

static void check(struct gw_str text)
{
    struct gw_scan_result result;
    json_error_t error;
    json_t *tree = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    int r = gw_scan(&plan, text, &result);

    if (r != 0) {
        REQUIRE(r == GW_SCAN_INVALID);
        REQUIRE(!tree || is_swallowed_nul(text, result.error_offset));
        check_error_offset(text, result.error_offset);
    } else if (!tree) {
        REQUIRE(is_known_refusal(&error, text));
    } else {
        compare(&result.root, tree);
        check_compact(&result.root, tree);
        for (size_t i = 0; i < PATHS; i++)
            compare(&result.values[i], json_is_object(tree) ? member(tree, paths[i]) : NULL);
    }
    json_decref(tree);
}

/* Of a copy of exactly its size, so that the sanitizer sees a byte read beyond it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);

    REQUIRE(copy);
    if (size)
        memcpy(copy, data, size);
    check((struct gw_str){copy, size});
    free(copy);
    return 0;
}
