/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain files are read with read(2): gzread waits until it has all that it was asked for, so events
 * from a pipe would be held back. zlib gets regular files that begin with gzip's magic.
 */
#include "gw/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 128 * 1024 };

const char *gw_lines_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static int open_input(const char *path, int *fd)
{
    int opened =
        strcmp(path, "-") == 0 ? fcntl(0, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);

    if (opened < 0)
        return -errno;
    *fd = opened;
    return 0;
}

/* Reads some bytes; *got 0 is the end. Who handles a signal without SA_RESTART wants it to end. */
static int read_some(int fd, char *into, size_t size, size_t *got)
{
    ssize_t n = read(fd, into, size);

    if (n < 0)
        return -errno;
    *got = (size_t)n;
    return 0;
}

/* gzread tells of data that is cut off only after it gave what came before. */
static int read_gz(gzFile gz, char *into, size_t size, size_t *got)
{
    int n = gzread(gz, into, (unsigned)size), error = Z_OK;

    if (n > 0) {
        *got = (size_t)n;
        return 0;
    }
    (void)gzerror(gz, &error);
    switch (error) {
    case Z_OK:
    case Z_STREAM_END:
        *got = 0;
        return 0;
    case Z_ERRNO:
        return errno ? -errno : -EIO;
    case Z_MEM_ERROR:
        return -ENOMEM;
    default:
        return GW_LINES_CORRUPT;
    }
}

/* A pipe cannot be looked into: there pread fails, and it is plain. */
static bool is_gz(int fd)
{
    static const unsigned char magic[] = {0x1f, 0x8b};
    unsigned char begin[sizeof(magic)];

    return lseek(fd, 0, SEEK_CUR) == 0 && pread(fd, begin, sizeof(begin), 0) == sizeof(begin) &&
           memcmp(begin, magic, sizeof(magic)) == 0;
}

int gw_lines_open(struct gw_lines *lines, const char *path, size_t max_line_bytes)
{
    int fd, r = open_input(path, &fd);

    if (r < 0)
        return r;
    *lines = (struct gw_lines){.fd = fd, .max_line_bytes = max_line_bytes};
    gw_buffer_init(&lines->buffer, max_line_bytes + 2 * (size_t)CHUNK);
    if (is_gz(fd)) {
        lines->gz = gzdopen(fd, "r");
        if (!lines->gz) {
            gw_lines_close(lines);
            return -ENOMEM;
        }
        (void)gzbuffer(lines->gz, CHUNK);
    }
    return 0;
}

void gw_lines_close(struct gw_lines *lines)
{
    if (lines->gz)
        gzclose_r(lines->gz);
    else
        close(lines->fd);
    gw_buffer_deinit(&lines->buffer);
}

/* Moves what is begun to the front and reads on behind it. */
static int refill(struct gw_lines *lines)
{
    struct gw_buffer *buffer = &lines->buffer;
    size_t got = 0;
    int r;

    if (lines->at > 0) {
        buffer->len -= lines->at;
        memmove(buffer->data, buffer->data + lines->at, buffer->len);
        lines->at = 0;
    }
    r = gw_buffer_reserve(buffer, CHUNK);
    if (r < 0)
        return r;
    r = lines->gz ? read_gz(lines->gz, buffer->data + buffer->len, CHUNK, &got)
                  : read_some(lines->fd, buffer->data + buffer->len, CHUNK, &got);
    if (r != 0)
        return r;
    buffer->len += got;
    lines->ended = got == 0;
    return 0;
}

/* Ends the line that is begun, @len bytes before its line break. */
static int finish(struct gw_lines *lines, size_t len, int result, struct gw_str *line)
{
    bool too_long = lines->too_long || len > lines->max_line_bytes;

    if (!too_long)
        *line = (struct gw_str){lines->buffer.data + lines->at, len};
    lines->number++;
    lines->at += len + (result == 0);
    lines->offset += (off_t)(len + (result == 0));
    lines->searched = 0;
    lines->too_long = false;
    return too_long ? GW_LINES_TOO_LONG : result;
}

/* Of a line that is too long only this is kept: that it is. */
static void keep_searching(struct gw_lines *lines, size_t held)
{
    lines->searched = held;
    if (held <= lines->max_line_bytes)
        return;
    lines->too_long = true;
    lines->at += held;
    lines->offset += (off_t)held;
    lines->searched = 0;
}

int gw_lines_next(struct gw_lines *lines, struct gw_str *line)
{
    for (;;) {
        const char *begin = lines->buffer.data ? lines->buffer.data + lines->at : "";
        size_t held = lines->buffer.len - lines->at;
        const char *end = memchr(begin + lines->searched, '\n', held - lines->searched);
        int r;

        if (end)
            return finish(lines, (size_t)(end - begin), 0, line);
        if (lines->ended)
            return held > 0 || lines->too_long ? finish(lines, held, GW_LINES_UNFINISHED, line)
                                               : GW_LINES_END;
        keep_searching(lines, held);
        r = refill(lines);
        if (r != 0)
            return r;
    }
}

int gw_lines_seek(struct gw_lines *lines, off_t offset)
{
    if (lseek(lines->fd, offset, SEEK_SET) < 0)
        return -errno;
    lines->offset = offset;
    lines->at = lines->searched = lines->buffer.len = 0;
    lines->too_long = lines->ended = false;
    return 0;
}

int gw_lines_read_whole(const char *path, size_t max_bytes, struct gw_buffer *content)
{
    int fd = -1, r = open_input(path, &fd);

    gw_buffer_init(content, max_bytes + 1);
    if (r < 0)
        return r;
    r = gw_buffer_read(content, fd);
    close(fd);
    return r == 0 && content->len > max_bytes ? -EFBIG : r;
}
