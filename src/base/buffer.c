/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer doubles, so that appending is linear whatever the pieces are, and never past its
 * maximum, so that a limit is kept by construction. What is escaped is measured first and written
 * after: one reservation, and nothing half-appended when there is no room.
 *
 * The arena carves from chunks and never gives single allocations back. The first chunk suits an
 * ordinary event's few strings; what is larger gets a chunk of its own size.
 */
#include "gw/buffer.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFER_FIRST 256
#define ARENA_CHUNK 1024

void gw_buffer_init(struct gw_buffer *buffer, size_t max_bytes)
{
    *buffer = (struct gw_buffer){.max = max_bytes};
}

void gw_buffer_deinit(struct gw_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct gw_buffer){.max = buffer->max};
}

void gw_buffer_wipe(struct gw_buffer *buffer)
{
    if (buffer->data)
        OPENSSL_cleanse(buffer->data, buffer->capacity);
    gw_buffer_deinit(buffer);
}

static size_t next_capacity(const struct gw_buffer *buffer, size_t needed)
{
    size_t doubled = buffer->capacity > buffer->max / 2 ? buffer->max : buffer->capacity * 2;
    size_t capacity = doubled > BUFFER_FIRST ? doubled : BUFFER_FIRST;

    if (capacity < needed)
        capacity = needed;
    return capacity < buffer->max ? capacity : buffer->max;
}

int gw_buffer_reserve(struct gw_buffer *buffer, size_t extra)
{
    size_t capacity;
    char *data;

    if (extra > buffer->max - buffer->len)
        return -ENOBUFS;
    if (extra <= buffer->capacity - buffer->len)
        return 0;

    capacity = next_capacity(buffer, buffer->len + extra);
    data = realloc(buffer->data, capacity);
    if (!data)
        return -ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int gw_buffer_append(struct gw_buffer *buffer, struct gw_str bytes)
{
    int r = gw_buffer_reserve(buffer, bytes.len);

    if (r < 0 || bytes.len == 0)
        return r;
    memcpy(buffer->data + buffer->len, bytes.data, bytes.len);
    buffer->len += bytes.len;
    return 0;
}

int gw_buffer_append_all(struct gw_buffer *buffer, const struct gw_str *parts, size_t count)
{
    size_t before = buffer->len;
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        r = gw_buffer_append(buffer, parts[i]);
    if (r < 0)
        buffer->len = before;
    return r;
}

int gw_buffer_read(struct gw_buffer *buffer, int fd)
{
    int r = gw_buffer_reserve(buffer, buffer->max - buffer->len);
    ssize_t n = 1;

    while (r == 0 && n != 0 && buffer->len < buffer->max) {
        n = read(fd, buffer->data + buffer->len, buffer->max - buffer->len);
        if (n > 0)
            buffer->len += (size_t)n;
        else if (n < 0 && errno != EINTR)
            r = -errno;
    }
    return r;
}

/* What follows the backslash: 'u' for the long form, 0 where the byte stands as it is. */
static const char escape_letters[256] = {
    [0x00 ... 0x07] = 'u', ['\b'] = 'b', ['\t'] = 't',          ['\n'] = 'n', [0x0b] = 'u',
    ['\f'] = 'f',          ['\r'] = 'r', [0x0e ... 0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\',
};

static size_t escaped_size(struct gw_str text)
{
    size_t size = text.len + 2;

    for (size_t i = 0; i < text.len; i++) {
        char letter = escape_letters[(unsigned char)text.data[i]];

        if (letter)
            size += letter == 'u' ? 5 : 1;
    }
    return size;
}

static char *write_escaped(char *out, unsigned char byte, char letter)
{
    static const char digits[] = "0123456789abcdef";

    *out++ = '\\';
    *out++ = letter;
    if (letter == 'u') {
        *out++ = '0';
        *out++ = '0';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    return out;
}

int gw_buffer_append_json(struct gw_buffer *buffer, struct gw_str text)
{
    char *out;
    int r;

    /* Escaping multiplies by six at most, so this also keeps the sum below from wrapping. */
    if (text.len > buffer->max)
        return -ENOBUFS;
    r = gw_buffer_reserve(buffer, escaped_size(text));
    if (r < 0)
        return r;

    out = buffer->data + buffer->len;
    *out++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        char letter = escape_letters[byte];

        if (letter)
            out = write_escaped(out, byte, letter);
        else
            *out++ = (char)byte;
    }
    *out++ = '"';
    buffer->len = (size_t)(out - buffer->data);
    return 0;
}

int gw_buffer_append_number(struct gw_buffer *buffer, int64_t number)
{
    char digits[20];
    char *const end = digits + sizeof(digits);
    char *at = end;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        *--at = '-';
    return gw_buffer_append(buffer, (struct gw_str){at, (size_t)(end - at)});
}

/* vsnprintf needs room for its NUL, which is not kept. */
static int append_formatted(struct gw_buffer *buffer, size_t len, const char *format, va_list args)
{
    char small[256];
    char *text = small;
    int r;

    if (len >= sizeof(small))
        text = malloc(len + 1);
    if (!text)
        return -ENOMEM;
    vsnprintf(text, len + 1, format, args);
    r = gw_buffer_append(buffer, (struct gw_str){text, len});
    if (text != small)
        free(text);
    return r;
}

int gw_buffer_appendf(struct gw_buffer *buffer, const char *format, ...)
{
    va_list args;
    int len, r;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return -EINVAL;

    va_start(args, format);
    r = append_formatted(buffer, (size_t)len, format, args);
    va_end(args);
    return r;
}

struct gw_arena_chunk {
    struct gw_arena_chunk *next;
    size_t used, capacity;
    alignas(max_align_t) char bytes[];
};

static struct gw_arena_chunk *add_chunk(struct gw_arena *arena, size_t size)
{
    size_t capacity = size > ARENA_CHUNK ? size : ARENA_CHUNK;
    struct gw_arena_chunk *chunk = malloc(sizeof(*chunk) + capacity);

    if (!chunk)
        return NULL;
    chunk->next = arena->chunks;
    chunk->used = 0;
    chunk->capacity = capacity;
    arena->chunks = chunk;
    return chunk;
}

void *gw_arena_alloc(struct gw_arena *arena, size_t size_bytes)
{
    const size_t align = alignof(max_align_t);
    struct gw_arena_chunk *chunk = arena->chunks;
    void *memory;
    size_t size;

    if (size_bytes > SIZE_MAX / 2)
        return NULL;
    size = (size_bytes + align - 1) / align * align;
    if (!chunk || size > chunk->capacity - chunk->used)
        chunk = add_chunk(arena, size);
    if (!chunk)
        return NULL;
    memory = chunk->bytes + chunk->used;
    chunk->used += size;
    return memory;
}

void gw_arena_deinit(struct gw_arena *arena)
{
    while (arena->chunks) {
        struct gw_arena_chunk *chunk = arena->chunks;

        arena->chunks = chunk->next;
        free(chunk);
    }
}
