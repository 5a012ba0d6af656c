/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BUFFER_H
#define GW_BUFFER_H

/*
 * A growing run of bytes that is born with its maximum, and an arena for what lives as long as one
 * request. Neither is shared between threads.
 */

#include "gw/base.h"

struct gw_buffer {
    char *data;
    size_t len;
    size_t capacity;
    size_t max;
};

/* No memory is taken before the first byte. */
void gw_buffer_init(struct gw_buffer *buffer, size_t max_bytes);
void gw_buffer_deinit(struct gw_buffer *buffer);
/* The same for what held a secret: overwritten first. Where it grew, only what was reserved in one
 * piece is sure to leave nothing behind. */
void gw_buffer_wipe(struct gw_buffer *buffer);

/**
 * Makes room for @extra more bytes; grows by doubling, so n appends cost O(n).
 * @return 0, -ENOBUFS beyond the maximum, -ENOMEM; on an error nothing has changed.
 */
int gw_buffer_reserve(struct gw_buffer *buffer, size_t extra) GW_MUST_CHECK;

/* Errors as gw_buffer_reserve's. */
int gw_buffer_append(struct gw_buffer *buffer, struct gw_str bytes) GW_MUST_CHECK;

/* Appends all of @parts, or nothing. Errors as gw_buffer_reserve's. */
int gw_buffer_append_all(struct gw_buffer *buffer, const struct gw_str *parts,
                         size_t count) GW_MUST_CHECK;

/**
 * Appends @text as a JSON string with its quotes (RFC 8259, section 7): quotes, backslashes and
 * control characters escaped, U+0000 too, all else as it is. @text is valid UTF-8.
 */
int gw_buffer_append_json(struct gw_buffer *buffer, struct gw_str text) GW_MUST_CHECK;

/* Appends @number in decimal: for where printf would be too slow. */
int gw_buffer_append_number(struct gw_buffer *buffer, int64_t number) GW_MUST_CHECK;

/* Appends what printf(3) would print, without its NUL; errors as gw_buffer_reserve's. */
int gw_buffer_appendf(struct gw_buffer *buffer, const char *format, ...)
    GW_PRINTF(2, 3) GW_MUST_CHECK;

/**
 * Appends what @fd gives, until its end or the buffer's maximum: one that is born a byte longer
 * than its content may be shows what is too long. All room is taken in one piece, so that an empty
 * buffer is never moved, and gw_buffer_wipe leaves nothing of a secret behind.
 * @return 0, -ENOMEM, or what read(2) said
 */
int gw_buffer_read(struct gw_buffer *buffer, int fd) GW_MUST_CHECK;

static inline struct gw_str gw_buffer_str(const struct gw_buffer *buffer)
{
    return (struct gw_str){buffer->data, buffer->len};
}

/* Chunks that are freed together; zeroed ({0}) is an empty one. */
struct gw_arena {
    struct gw_arena_chunk *chunks;
};

/* @return memory aligned for any type, not cleared; NULL where there is none. */
void *gw_arena_alloc(struct gw_arena *arena, size_t size_bytes);
void gw_arena_deinit(struct gw_arena *arena);

#endif
