/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is built on the stack and written by one write(2), so that lines of several threads never
 * mix and logging takes no memory. It is bounded: a value is cut at VALUE_MAX bytes, and a field
 * that no longer fits is left out whole, so a JSON line is always JSON.
 *
 * A write to a pipe whose reader stalls would block, and with it every thread that logs. So each
 * line is preceded by a poll(2), and one for which there is no room is dropped and counted. Both
 * are under one lock: the last room would otherwise be promised to two threads. A pipe with room
 * has room for PIPE_BUF bytes, which no line is longer than.
 *
 * Text and JSON differ only in how a byte is escaped and in what stands around fields; both walk
 * the value by UTF-8 characters. Whatever could move a terminal's cursor (C0, DEL and C1 controls)
 * is escaped.
 */
#include "gw/log.h"

#include "gw/time.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define VALUE_MAX 512
#define LINE_END_BYTES 2 /* "}\n" */
#define HOUR_MS INT64_C(3600000)

/* Text is filled up to limit; a piece that does not fit is not begun and sets full. */
struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
    bool full;
    bool json;
};

static const struct {
    const char *name;
    int priority; /* of syslog(3) */
} levels[] = {
    [GW_LOG_ERROR] = {"error", 3},
    [GW_LOG_WARNING] = {"warning", 4},
    [GW_LOG_INFO] = {"info", 6},
    [GW_LOG_DEBUG] = {"debug", 7},
};

static _Atomic int current_level = GW_LOG_INFO;
static _Atomic int current_format = GW_LOG_TEXT;
static pthread_once_t journal_once = PTHREAD_ONCE_INIT;
static bool to_journal;
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER; /* guards stderr and dropped */
static uint64_t dropped; /* lines, since the last one that got through */

_Static_assert(LINE_MAX_BYTES <= PIPE_BUF, "a pipe that poll(2) says has room must take a line");

/* systemd sets JOURNAL_STREAM to DEVICE:INODE of the stream that it connected; a child whose
 * stderr was redirected since has another. */
static void find_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char ours[64];

    if (!stream || fstat(STDERR_FILENO, &status) < 0)
        return;
    snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    to_journal = strcmp(ours, stream) == 0;
}

static void add(struct line *line, struct gw_str bytes)
{
    if (line->full || bytes.len > LINE_MAX_BYTES - LINE_END_BYTES - line->len) {
        line->full = true;
        return;
    }
    if (bytes.len)
        memcpy(line->text + line->len, bytes.data, bytes.len);
    line->len += bytes.len;
}

static GW_PRINTF(2, 3) void addf(struct line *line, const char *format, ...)
{
    char text[64];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add(line, gw_str(text));
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The bytes of the character that @text begins with; 0 where that is not UTF-8 (RFC 3629). */
static size_t character_size(struct gw_str text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;

    if (at[0] > 0xF4 || size > text.len)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if (!is_continuation(at[i]))
            return 0;
    }
    if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
        (at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F))
        return 0;
    return size;
}

static bool is_control(struct gw_str character)
{
    unsigned char first = (unsigned char)character.data[0];

    return first < 0x20 || first == 0x7F ||
           (first == 0xC2 && (unsigned char)character.data[1] < 0xA0);
}

static void add_control(struct line *line, struct gw_str character)
{
    unsigned char last = (unsigned char)character.data[character.len - 1];

    if (last == '\n')
        add(line, GW_STR("\\n"));
    else if (last == '\r')
        add(line, GW_STR("\\r"));
    else if (last == '\t')
        add(line, GW_STR("\\t"));
    else
        addf(line, line->json ? "\\u%04x" : "\\x%02x", last);
}

static void add_character(struct line *line, struct gw_str character)
{
    if (is_control(character)) {
        add_control(line, character);
    } else {
        if (character.data[0] == '"' || character.data[0] == '\\')
            add(line, GW_STR("\\"));
        add(line, character);
    }
}

/* JSON can show a byte that is no character only as the replacement character. */
static void add_broken(struct line *line, unsigned char byte)
{
    if (line->json)
        add(line, GW_STR("\\ufffd"));
    else
        addf(line, "\\x%02x", byte);
}

static struct gw_str cut(struct gw_str text)
{
    size_t len = VALUE_MAX;

    if (text.len <= VALUE_MAX)
        return text;
    while (len > VALUE_MAX - 3 && is_continuation((unsigned char)text.data[len]))
        len--;
    return (struct gw_str){text.data, len};
}

static void add_escaped(struct line *line, struct gw_str text)
{
    struct gw_str rest = cut(text);
    bool was_cut = rest.len < text.len;

    while (rest.len > 0) {
        size_t size = character_size(rest);

        if (size)
            add_character(line, (struct gw_str){rest.data, size});
        else
            add_broken(line, (unsigned char)rest.data[0]);
        rest.data += size ? size : 1;
        rest.len -= size ? size : 1;
    }
    if (was_cut)
        add(line, GW_STR("..."));
}

static void add_quoted(struct line *line, struct gw_str text)
{
    add(line, GW_STR("\""));
    add_escaped(line, text);
    add(line, GW_STR("\""));
}

/* What needs no quotes in text: a run of printable ASCII that cannot be taken for a field. */
static bool is_plain(struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];

        if (byte <= ' ' || byte > '~' || byte == '"' || byte == '\\' || byte == '=')
            return false;
    }
    return text.len > 0;
}

static void add_value(struct line *line, const struct gw_log_field *field)
{
    if (field->type == GW_LOG_FIELD_INT)
        addf(line, "%" PRId64, field->number);
    else if (line->json || !is_plain(field->text))
        add_quoted(line, field->text);
    else
        add_escaped(line, field->text);
}

static void add_field(struct line *line, const struct gw_log_field *field)
{
    size_t before = line->len;

    add(line, line->json ? GW_STR(",\"") : GW_STR(" "));
    add(line, gw_str(field->key));
    add(line, line->json ? GW_STR("\":") : GW_STR("="));
    add_value(line, field);
    if (line->full)
        line->len = before;
}

static void begin_line(struct line *line, enum gw_log_level level, struct gw_str message)
{
    char time[GW_TIME_TEXT_SIZE];

    gw_time_format(gw_time_now_ms(), time);
    if (line->json) {
        addf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", time, levels[level].name);
        add_quoted(line, message);
    } else {
        if (to_journal)
            addf(line, "<%d>", levels[level].priority);
        else
            addf(line, "%s %s ", time, levels[level].name);
        add_escaped(line, message);
    }
}

static void end_line(struct line *line)
{
    if (line->json)
        line->text[line->len++] = '}';
    line->text[line->len++] = '\n';
}

static void compose(struct line *line, enum gw_log_level level, const char *message,
                    const struct gw_log_field *fields)
{
    line->len = 0;
    line->full = false;
    line->json = atomic_load_explicit(&current_format, memory_order_relaxed) == GW_LOG_JSON;

    begin_line(line, level, gw_str(message));
    for (const struct gw_log_field *field = fields; field->key && !line->full; field++)
        add_field(line, field);
    end_line(line);
}

/* With the lock. @return whether the line got through, whole. */
static bool put(const struct line *line)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) &&
           write(STDERR_FILENO, line->text, line->len) == (ssize_t)line->len;
}

/* With the lock. An error, so that no level hides it. */
static bool put_dropped(void)
{
    const struct gw_log_field fields[] = {GW_LOG_INT("lines", dropped), {0}};
    struct line line;

    compose(&line, GW_LOG_ERROR, "log lines were lost: nobody read them in time", fields);
    return put(&line);
}

void gw_log_write(enum gw_log_level level, const char *message, const struct gw_log_field *fields)
{
    int saved_errno = errno;
    struct line line;

    if ((int)level > atomic_load_explicit(&current_level, memory_order_relaxed))
        return;
    pthread_once(&journal_once, find_journal);
    compose(&line, level, message, fields);

    pthread_mutex_lock(&output);
    if (dropped > 0 && put_dropped())
        dropped = 0;
    if (dropped > 0 || !put(&line))
        dropped++;
    pthread_mutex_unlock(&output);
    errno = saved_errno;
}

void gw_log_configure(enum gw_log_level level, enum gw_log_format format)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&current_format, (int)format, memory_order_relaxed);
}

/* Gives back what time has earned. The instant moves only by whole tokens, so no fraction is lost;
 * an hour is enough for any bucket and keeps the product small. */
static void refill(struct gw_log_limit *limit, unsigned per_second, int64_t now_ms)
{
    int64_t elapsed_ms = now_ms - limit->since_ms;
    int64_t earned;

    if (elapsed_ms > HOUR_MS)
        elapsed_ms = HOUR_MS;
    earned = elapsed_ms > 0 ? elapsed_ms * per_second / 1000 : 0;
    if (earned >= limit->tokens_used) {
        limit->tokens_used = 0;
        limit->since_ms = now_ms;
    } else if (earned > 0) {
        limit->tokens_used -= (unsigned)earned;
        limit->since_ms += earned * 1000 / per_second;
    }
}

bool gw_log_allowed(struct gw_log_limit *limit, unsigned burst, unsigned per_second, int64_t now_ms,
                    unsigned *suppressed)
{
    refill(limit, per_second, now_ms);
    if (limit->tokens_used >= burst) {
        limit->suppressed++;
        return false;
    }
    limit->tokens_used++;
    *suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}
