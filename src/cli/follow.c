/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By asking again instead of by inotify: a file that is asked for its size four times a second
 * costs nothing, and there is no queue of events that can overflow or miss a rename.
 *
 * The daemon takes back what stands behind the last line it stored: the part of a line for which
 * there was no room, and the blanks of a probe. So at each end the reading goes back to there, and
 * what is unfinished is read again from its begin.
 *
 * Where a rename has put another file in this one's place, lines may still come here until the
 * daemon opens the new one. Its first bytes say that it has; only then this file is read to its end
 * once more, and left.
 */
#include "gw/follow.h"

#include "gw/line.h"
#include "gw/read_back.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Looked at before it is opened, as that would wait for a pipe's writer. */
int gw_follow_open(struct gw_follow *follow, const char *path, size_t max_line_bytes)
{
    struct stat status;
    int r;

    *follow = (struct gw_follow){.path = path};
    if (stat(path, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return GW_FOLLOW_UNSUITABLE;
    r = gw_lines_open(&follow->lines, path, max_line_bytes);
    if (r < 0 || !follow->lines.gz)
        return r;
    gw_lines_close(&follow->lines);
    return GW_FOLLOW_UNSUITABLE;
}

void gw_follow_close(struct gw_follow *follow)
{
    gw_lines_close(&follow->lines);
}

/* --- from the end to the begin --- */

static int read_line(const struct gw_lines *lines, off_t begin, off_t end, struct gw_buffer *line)
{
    size_t size = (size_t)(end - begin);
    int r;

    line->len = 0;
    if (size > lines->max_line_bytes)
        return -ENOBUFS;
    r = gw_buffer_reserve(line, size);
    if (r == 0)
        r = gw_read_back_at(lines->fd, line->data, size, begin);
    if (r == 0)
        line->len = size;
    return r;
}

int gw_follow_begin(struct gw_follow *follow, size_t count,
                    enum gw_follow_choice (*choose)(struct gw_str line, void *context),
                    void *context)
{
    const struct gw_lines *lines = &follow->lines;
    enum gw_follow_choice choice = GW_FOLLOW_SKIP;
    struct gw_buffer line;
    off_t begin = 0, end = lseek(lines->fd, 0, SEEK_END);
    int r = end < 0 ? -errno : gw_read_back_line(lines->fd, end, &begin);

    gw_buffer_init(&line, lines->max_line_bytes);
    follow->kept = begin;
    while (r == 0 && count > 0 && begin > 0 && choice != GW_FOLLOW_STOP) {
        end = begin - 1;
        r = gw_read_back_line(lines->fd, end, &begin);
        if (r == 0)
            r = read_line(lines, begin, end, &line);
        choice = r == 0 ? choose(gw_buffer_str(&line), context) : GW_FOLLOW_SKIP;
        if (r == -ENOBUFS)
            r = 0;
        if (choice == GW_FOLLOW_TAKE) {
            follow->kept = begin;
            count--;
        }
    }
    gw_buffer_deinit(&line);
    return r < 0 ? r : gw_lines_seek(&follow->lines, follow->kept);
}

/* --- from there on --- */

/* Whether another file has the name now, and holds something. */
static bool is_replaced(const struct gw_follow *follow, const struct stat *mine)
{
    struct stat named;

    return stat(follow->path, &named) == 0 &&
           (named.st_ino != mine->st_ino || named.st_dev != mine->st_dev) && named.st_size > 0;
}

static int change_over(struct gw_follow *follow)
{
    struct gw_follow next;
    int r = gw_follow_open(&next, follow->path, follow->lines.max_line_bytes);

    if (r != 0)
        return r;
    gw_follow_close(follow);
    *follow = next;
    return GW_FOLLOW_ROTATED;
}

/* @return 0 where it is worth reading on at once. */
static int look_around(struct gw_follow *follow)
{
    struct stat mine;
    int r = GW_FOLLOW_IDLE;

    if (fstat(follow->lines.fd, &mine) < 0)
        return -errno;
    if (mine.st_size < follow->kept) {
        follow->kept = 0;
        r = GW_FOLLOW_TRUNCATED;
    } else if (is_replaced(follow, &mine)) {
        if (follow->leaving)
            return change_over(follow);
        follow->leaving = true;
        r = 0;
    }
    int sought = gw_lines_seek(&follow->lines, follow->kept);

    return sought < 0 ? sought : r;
}

int gw_follow_next(struct gw_follow *follow, struct gw_str *line)
{
    int r;

    do {
        r = gw_lines_next(&follow->lines, line);
        if (r < 0)
            return r;
        if (r == 0 || (r == GW_LINES_TOO_LONG && !follow->lines.ended)) {
            if (r == GW_LINES_TOO_LONG || !gw_line_is_blank(*line))
                follow->kept = follow->lines.offset;
            return r == 0 ? 0 : GW_FOLLOW_TOO_LONG;
        }
        r = look_around(follow);
    } while (r == 0);
    return r;
}
