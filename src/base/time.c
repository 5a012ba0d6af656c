/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/time.h"

#include <assert.h>
#include <time.h>

/*
 * A reader of its own, because strptime knows no fractions and no offsets with a colon, looks at
 * the locale, and together with timegm and gmtime_r takes libc's time-zone lock on every worker's
 * way. Years are 0000 to 9999 of the proleptic Gregorian calendar, so that all is done in days
 * since 0000-01-01 and nothing is ever negative.
 *
 * Read, besides what RFC 3339 has: a comma before the fraction, offsets as +hh and +hhmm, no
 * seconds, no time at all (midnight UTC) and the basic format of ISO 8601 (20261123T120000Z). A
 * text of nothing but digits is always epoch milliseconds, so "2026" is 2.026 s after the epoch.
 * Second 60 is the start of the next minute, where POSIX has it too. Not read: hour 24, fractions
 * of an hour or a minute, week and ordinal dates, signs before the year, blanks around.
 */

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE INT64_C(60000)
#define MS_PER_HOUR INT64_C(3600000)
#define MS_PER_DAY INT64_C(86400000)
#define EPOCH_DIGITS_MAX 15 /* of GW_TIME_MAX_MS */

struct reader {
    const char *at, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool at_digit(const struct reader *reader)
{
    return reader->at < reader->end && is_digit(*reader->at);
}

static bool skip(struct reader *reader, char wanted)
{
    if (reader->at == reader->end || *reader->at != wanted)
        return false;
    reader->at++;
    return true;
}

/* The separators of the extended format; the basic one has none. */
static bool skip_unless(bool basic, struct reader *reader, char wanted)
{
    return basic || skip(reader, wanted);
}

/* Exactly @width digits, of a value from @min to @max. */
static bool read_number(struct reader *reader, int width, int64_t min, int64_t max, int64_t *value)
{
    int64_t number = 0;

    for (int i = 0; i < width; i++) {
        if (!at_digit(reader))
            return false;
        number = number * 10 + (*reader->at++ - '0');
    }
    *value = number;
    return number >= min && number <= max;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* From 0000-01-01 to the year's first day. Year 0 is a leap year. */
static int64_t days_before_year(int64_t year)
{
    int64_t last = year - 1;

    return year == 0 ? 0 : year * 365 + last / 4 - last / 100 + last / 400 + 1;
}

static int64_t days_before_month(int64_t year, int64_t month)
{
    static const int16_t days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

    return days[month - 1] + (month > 2 && is_leap(year));
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    return days_before_month(year, month + 1) - days_before_month(year, month);
}

static bool read_date(struct reader *reader, int64_t *time_ms, bool *basic)
{
    int64_t year, month, day;

    if (!read_number(reader, 4, 0, 9999, &year))
        return false;
    *basic = at_digit(reader);
    if (!skip_unless(*basic, reader, '-') || !read_number(reader, 2, 1, 12, &month) ||
        !skip_unless(*basic, reader, '-') ||
        !read_number(reader, 2, 1, days_of_month(year, month), &day))
        return false;
    *time_ms = (days_before_year(year) + days_before_month(year, month) + day - 1) * MS_PER_DAY +
               GW_TIME_MIN_MS;
    return true;
}

static bool read_fraction(struct reader *reader, int64_t *time_ms)
{
    if (!skip(reader, '.') && !skip(reader, ','))
        return true;
    if (!at_digit(reader))
        return false;
    for (int64_t unit = MS_PER_SECOND / 10; at_digit(reader); unit /= 10)
        *time_ms += (*reader->at++ - '0') * unit;
    return true;
}

static bool read_seconds(struct reader *reader, bool basic, int64_t *time_ms)
{
    bool present = basic ? at_digit(reader) : skip(reader, ':');
    int64_t second;

    if (!present)
        return true;
    if (!read_number(reader, 2, 0, 60, &second))
        return false;
    *time_ms += second * MS_PER_SECOND;
    return read_fraction(reader, time_ms);
}

static bool read_clock(struct reader *reader, bool basic, int64_t *time_ms)
{
    int64_t hour, minute;

    if (!read_number(reader, 2, 0, 23, &hour) || !skip_unless(basic, reader, ':') ||
        !read_number(reader, 2, 0, 59, &minute))
        return false;
    *time_ms += hour * MS_PER_HOUR + minute * MS_PER_MINUTE;
    return read_seconds(reader, basic, time_ms);
}

static bool read_zone(struct reader *reader, int64_t *time_ms)
{
    int64_t hour, minute = 0;
    bool east = skip(reader, '+');

    if (!east && !skip(reader, '-'))
        return skip(reader, 'Z') || skip(reader, 'z') || reader->at == reader->end;
    if (!read_number(reader, 2, 0, 23, &hour))
        return false;
    if (skip(reader, ':') || reader->at < reader->end) {
        if (!read_number(reader, 2, 0, 59, &minute))
            return false;
    }
    *time_ms -= (east ? 1 : -1) * (hour * MS_PER_HOUR + minute * MS_PER_MINUTE);
    return true;
}

static bool read_iso(struct reader reader, int64_t *time_ms)
{
    bool basic;

    if (!read_date(&reader, time_ms, &basic))
        return false;
    if (reader.at == reader.end)
        return true;
    if (!skip(&reader, 'T') && !skip(&reader, 't') && !skip(&reader, ' '))
        return false;
    return read_clock(&reader, basic, time_ms) && read_zone(&reader, time_ms) &&
           reader.at == reader.end;
}

static bool is_digits(struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return false;
    }
    return text.len > 0;
}

static bool read_epoch(struct reader reader, int64_t *time_ms)
{
    ptrdiff_t digits = reader.end - reader.at;

    return digits <= EPOCH_DIGITS_MAX &&
           read_number(&reader, (int)digits, 0, GW_TIME_MAX_MS, time_ms);
}

int gw_time_parse(struct gw_str text, int64_t *time_ms)
{
    int64_t parsed;

    if (text.len == 0)
        return GW_TIME_MALFORMED;
    struct reader reader = {text.data, text.data + text.len};
    bool read = is_digits(text) ? read_epoch(reader, &parsed) : read_iso(reader, &parsed);

    if (!read || parsed < GW_TIME_MIN_MS || parsed > GW_TIME_MAX_MS)
        return GW_TIME_MALFORMED;
    *time_ms = parsed;
    return 0;
}

static char *put_number(char *at, int width, int64_t number)
{
    for (int i = width - 1; i >= 0; i--, number /= 10)
        at[i] = (char)('0' + number % 10);
    return at + width;
}

static char *put_mark(char *at, char mark)
{
    if (mark)
        *at++ = mark;
    return at;
}

static char *put_date(char *at, int64_t days, char mark)
{
    /* 400 years are 146,097 days, so the guess is a year off at most. */
    int64_t year = days * 400 / 146097, month = 1;

    if (days_before_year(year + 1) <= days)
        year++;
    else if (days_before_year(year) > days)
        year--;
    days -= days_before_year(year);
    while (month < 12 && days_before_month(year, month + 1) <= days)
        month++;
    at = put_mark(put_number(at, 4, year), mark);
    at = put_mark(put_number(at, 2, month), mark);
    return put_number(at, 2, days - days_before_month(year, month) + 1);
}

static char *put_clock(char *at, int64_t ms, char mark)
{
    at = put_mark(put_number(at, 2, ms / MS_PER_HOUR), mark);
    at = put_mark(put_number(at, 2, ms / MS_PER_MINUTE % 60), mark);
    at = put_number(at, 2, ms / MS_PER_SECOND % 60);
    return put_number(put_mark(at, '.'), 3, ms % MS_PER_SECOND);
}

static void format(int64_t time_ms, char *text, char date_mark, char clock_mark)
{
    int64_t since_year_0 = time_ms - GW_TIME_MIN_MS;

    assert(time_ms >= GW_TIME_MIN_MS && time_ms <= GW_TIME_MAX_MS);
    text = put_mark(put_date(text, since_year_0 / MS_PER_DAY, date_mark), 'T');
    text = put_clock(text, since_year_0 % MS_PER_DAY, clock_mark);
    *put_mark(text, 'Z') = '\0';
}

void gw_time_format(int64_t time_ms, char text[static GW_TIME_TEXT_SIZE])
{
    format(time_ms, text, '-', ':');
}

void gw_time_format_compact(int64_t time_ms, char text[static GW_TIME_TEXT_SIZE])
{
    format(time_ms, text, '\0', '\0');
}

static int64_t read_clock_us(clockid_t clock)
{
    struct timespec now;

    /* It fails for a clock that does not exist, and these two do. */
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t gw_time_now_ms(void)
{
    return read_clock_us(CLOCK_REALTIME) / 1000;
}

int64_t gw_time_monotonic_ms(void)
{
    return gw_time_monotonic_us() / 1000;
}

int64_t gw_time_monotonic_us(void)
{
    return read_clock_us(CLOCK_MONOTONIC);
}

int64_t gw_time_boot_ms(void)
{
    return read_clock_us(CLOCK_BOOTTIME) / 1000;
}
