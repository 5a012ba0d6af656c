/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TIME_H
#define GW_TIME_H

/*
 * Instants as milliseconds since 1970-01-01T00:00:00Z without leap seconds, and the clocks.
 */

#include "gw/base.h"

#define GW_TIME_MIN_MS INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define GW_TIME_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define GW_TIME_TEXT_SIZE 25                    /* "2026-11-23T12:00:00.123Z" and its NUL */

enum gw_time_error { GW_TIME_MALFORMED = 1 };

/**
 * Reads an event's time stamp: ISO 8601 / RFC 3339 (any offset and precision, `T`, `t` or a blank
 * between date and time, without a zone read as UTC), or epoch milliseconds as digits. Finer than
 * a millisecond is cut off. Years 0000 to 9999, after the offset is applied.
 * @return 0 or GW_TIME_MALFORMED.
 */
int gw_time_parse(struct gw_str text, int64_t *time_ms) GW_MUST_CHECK;

/* Writes "2026-11-23T12:00:00.123Z"; @time_ms is within GW_TIME_MIN_MS and GW_TIME_MAX_MS. */
void gw_time_format(int64_t time_ms, char text[static GW_TIME_TEXT_SIZE]);

/* Writes "20261123T120000.123Z", which sorts and is safe in a file's name. */
void gw_time_format_compact(int64_t time_ms, char text[static GW_TIME_TEXT_SIZE]);

/* Wall clock, and a clock that never jumps. Any thread. */
int64_t gw_time_now_ms(void);
int64_t gw_time_monotonic_ms(void);
int64_t gw_time_monotonic_us(void);

/* The latter, but that it goes on while the machine is suspended. */
int64_t gw_time_boot_ms(void);

#endif
