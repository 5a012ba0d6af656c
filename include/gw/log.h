/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_LOG_H
#define GW_LOG_H

/*
 * One line an event to stderr: a constant message and fields. Text is logfmt-like, JSON is one
 * object a line; under systemd (JOURNAL_STREAM names our stderr) text carries journald's <N>
 * priority. The pure modules never log. No secret, signature or payload is ever a field.
 */

#include "gw/base.h"

enum gw_log_level { GW_LOG_ERROR, GW_LOG_WARNING, GW_LOG_INFO, GW_LOG_DEBUG };
enum gw_log_format { GW_LOG_TEXT, GW_LOG_JSON };

struct gw_log_field {
    const char *key;
    enum { GW_LOG_FIELD_STR, GW_LOG_FIELD_INT } type;
    union {
        struct gw_str text;
        int64_t number;
    };
};

#define GW_LOG_STR(name, value)                                                                    \
    {                                                                                              \
        .key = (name), .type = GW_LOG_FIELD_STR, .text = gw_str(value)                             \
    }
#define GW_LOG_SLICE(name, value)                                                                  \
    {                                                                                              \
        .key = (name), .type = GW_LOG_FIELD_STR, .text = (value)                                   \
    }
#define GW_LOG_INT(name, value)                                                                    \
    {                                                                                              \
        .key = (name), .type = GW_LOG_FIELD_INT, .number = (int64_t)(value)                        \
    }
/* @error is a positive errno; the field is "error" with strerror's text. */
#define GW_LOG_ERRNO(error) GW_LOG_STR("error", strerrordesc_np(error))

/**
 * gw_log(GW_LOG_WARNING, "request refused", GW_LOG_STR("reason", reason), GW_LOG_INT("bytes", n));
 * Field values are hostile: control characters are escaped, invalid UTF-8 too, length is bounded.
 * Any thread; a line is written whole, by one write(2), and never waited for: where the reader of
 * stderr stalls, lines are dropped, and the next one that gets through is preceded by their number.
 */
#define gw_log(level, message, ...)                                                                \
    gw_log_write(level, message, (const struct gw_log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

/* What gw_log is short for; @fields end with a zeroed one. */
void gw_log_write(enum gw_log_level level, const char *message, const struct gw_log_field *fields);

/* Sets level and format for all threads; before the first call: info, text. */
void gw_log_configure(enum gw_log_level level, enum gw_log_format format);

/* Lets through @burst lines at once and @per_second after that. Zeroed is full. One thread's own.
 */
struct gw_log_limit {
    int64_t since_ms;
    unsigned tokens_used;
    unsigned suppressed;
};

/**
 * Asks whether a line may be written now.
 * @param suppressed  how many were held back since the last line that was let through
 */
bool gw_log_allowed(struct gw_log_limit *limit, unsigned burst, unsigned per_second, int64_t now_ms,
                    unsigned *suppressed);

#endif
