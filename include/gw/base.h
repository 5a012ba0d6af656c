/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_H
#define GW_BASE_H

/*
 * What every module stands on: the borrowed string slice and the attributes of the house style.
 *
 * The error contract of the whole tree: a function that can fail returns `int`: 0; a negative errno
 * that the caller hands on unchanged; or a positive value of the module's documented enum, which
 * the caller must handle. Results come back through out-parameters, set only on success.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GW_MUST_CHECK __attribute__((warn_unused_result))
#define GW_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#define GW_CLEANUP(function) __attribute__((cleanup(function)))
#define GW_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GW_CONTAINER(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* A slice of bytes that somebody else owns. data is NULL only where the string is absent. */
struct gw_str {
    const char *data;
    size_t len;
};

#define GW_STR(literal) ((struct gw_str){(literal), sizeof(literal) - 1})

static inline struct gw_str gw_str(const char *text)
{
    return (struct gw_str){text, text ? strlen(text) : 0};
}

static inline bool gw_str_equal(struct gw_str a, struct gw_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Bytewise, a prefix before what it begins: <0, 0 or >0. An absent string sorts as an empty one. */
/* What a CR LF or an LF at the end leaves of it. */
static inline struct gw_str gw_str_without_line_break(struct gw_str text)
{
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len -= text.len > 1 && text.data[text.len - 2] == '\r' ? 2 : 1;
    return text;
}

static inline int gw_str_compare(struct gw_str a, struct gw_str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter && a.data && b.data ? memcmp(a.data, b.data, shorter) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

#endif
