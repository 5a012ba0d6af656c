/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

struct equality {
    const char *text;
    int64_t time_ms;
};

static void check_all(const struct equality *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t time_ms = -1;

        if (gw_time_parse(gw_str(cases[i].text), &time_ms) != 0)
            fail_msg("%s: refused", cases[i].text);
        if (time_ms != cases[i].time_ms)
            fail_msg("%s: %lld, not %lld", cases[i].text, (long long)time_ms,
                     (long long)cases[i].time_ms);
    }
}

static void check_refused(struct gw_str text)
{
    int64_t time_ms = 42;

    if (gw_time_parse(text, &time_ms) != GW_TIME_MALFORMED)
        fail_msg("%.*s: read as %lld", (int)text.len, text.data, (long long)time_ms);
    assert_int_equal(time_ms, 42);
}

#define NOON INT64_C(1795435200000) /* 2026-11-23T12:00:00Z, by date(1) */
#define MINUTE INT64_C(60000)
#define HOUR INT64_C(3600000)

static void test_offsets_of_every_form_are_applied(void **state)
{
    static const struct equality cases[] = {
        {"2026-11-23T12:00:00Z", NOON},
        {"2026-11-23T12:00:00z", NOON},
        {"2026-11-23T12:00:00", NOON},
        {"2026-11-23t12:00:00Z", NOON},
        {"2026-11-23 12:00:00Z", NOON},
        {"2026-11-23T12:00:00+00:00", NOON},
        {"2026-11-23T12:00:00-00:00", NOON},
        {"2026-11-23T13:00:00+01:00", NOON},
        {"2026-11-23T13:00:00+01", NOON},
        {"2026-11-23T13:00:00+0100", NOON},
        {"2026-11-23T07:00:00-05:00", NOON},
        {"2026-11-23T17:30:00+05:30", NOON},
        {"2026-11-23T17:45:00+0545", NOON},
        {"2026-11-23T08:30:00-03:30", NOON},
        {"2026-11-24T02:00:00+14:00", NOON},
        {"2026-11-23T12:00:00+23:59", NOON - 23 * HOUR - 59 * MINUTE},
        {"2026-11-23T12:00:00-23:59", NOON + 23 * HOUR + 59 * MINUTE},
        {"2026-11-23T12:00Z", NOON},
        {"2026-11-23T12:00", NOON},
        {"2026-11-23T14:00+02:00", NOON},
        {"2026-11-23", NOON - 12 * HOUR},
        {"20261123T120000Z", NOON},
        {"20261123T120000", NOON},
        {"20261123T1200Z", NOON},
        {"20261123T120000.250Z", NOON + 250},
        {"20261123T130000+0100", NOON},
    };

    (void)state;
    check_all(cases, GW_COUNT(cases));
}

static void test_fractions_of_any_precision_are_cut_to_milliseconds(void **state)
{
    static const struct equality cases[] = {
        {"2026-11-23T12:00:00.1Z", NOON + 100},
        {"2026-11-23T12:00:00.12Z", NOON + 120},
        {"2026-11-23T12:00:00.123Z", NOON + 123},
        {"2026-11-23T12:00:00,123Z", NOON + 123},
        {"2026-11-23T12:00:00.1239Z", NOON + 123},
        {"2026-11-23T12:00:00.999999Z", NOON + 999},
        {"2026-11-23T12:00:00.0009999", NOON},
        {"2026-11-23T12:00:00.123456789+00:00", NOON + 123},
        {"2026-11-23T12:00:00.00000000000000000000000000000000000000000001Z", NOON},
        {"1969-12-31T23:59:59.9999Z", -1},
    };

    (void)state;
    check_all(cases, GW_COUNT(cases));
}

static void test_the_calendar_is_the_gregorian_one_of_four_digit_years(void **state)
{
    static const struct equality cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
        {"2024-02-29", INT64_C(1709164800000)},
        {"2024-03-01", INT64_C(1709251200000)},
        {"2023-03-01", INT64_C(1677628800000)},
        {"2024-12-31", INT64_C(1735603200000)},
        {"1900-03-01T00:00:00Z", INT64_C(-2203891200000)},
        {"0000-01-01T00:00:00Z", GW_TIME_MIN_MS},
        {"0000-02-29T00:00:00Z", GW_TIME_MIN_MS + 59 * 24 * HOUR},
        {"0001-01-01T00:00:00Z", GW_TIME_MIN_MS + 366 * 24 * HOUR},
        {"9999-12-31T23:59:59.9999Z", GW_TIME_MAX_MS},
        {"0000-01-01T00:00:00-01:00", GW_TIME_MIN_MS + HOUR},
        {"9999-12-31T23:59:59.999+01:00", GW_TIME_MAX_MS - HOUR},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
        {"2017-01-01T00:59:60+01:00", INT64_C(1483228800000)},
        {"2016-12-31T23:59:60.5Z", INT64_C(1483228800500)},
    };

    (void)state;
    check_all(cases, GW_COUNT(cases));
}

static void test_digits_alone_are_epoch_milliseconds(void **state)
{
    static const struct equality cases[] = {
        {"0", 0},
        {"7", 7},
        {"2026", 2026},
        {"20261123", 20261123},
        {"1795435200000", NOON},
        {"000001795435200", 1795435200},
        {"253402300799999", GW_TIME_MAX_MS},
    };

    (void)state;
    check_all(cases, GW_COUNT(cases));
}

static void test_what_is_no_time_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "now",
        "-",
        "Z",
        "T",
        "-1",
        "+1",
        "1e3",
        "1.5",
        "0x10",
        /* epoch out of range */
        "253402300800000",
        "999999999999999",
        "0000000000000001",
        "1795435200000000",
        "99999999999999999999999999",
        /* blanks around, more behind */
        " 2026-11-23T12:00:00Z",
        "2026-11-23T12:00:00Z ",
        "2026-11-23T12:00:00ZZ",
        "2026-11-23T12:00:00Z0",
        "2026-11-23T12:00:00 Z",
        "2026-11-23 ",
        "2026-11-23T",
        "2026-11-23Z",
        "2026-11-23T12:00:00\n",
        /* cut short, or of the wrong width */
        "2026-",
        "2026-11",
        "2026-11-",
        "2026-11-2",
        "2026-1-23",
        "226-11-23",
        "02026-11-23",
        "+2026-11-23",
        "-2026-11-23",
        "2026-11-23T1",
        "2026-11-23T12",
        "2026-11-23T12Z",
        "2026-11-23T12:",
        "2026-11-23T12:0",
        "2026-11-23T12:00:",
        "2026-11-23T12:00:0",
        "2026-11-23T12:00:0Z",
        "2026-11-23T2:00:00Z",
        "2026-11-23T12:00:00.Z",
        "2026-11-23T12:00:00.",
        "2026-11-23T12:00:00,",
        "2026-11-23T12:00.5Z",
        /* out of range */
        "2026-00-23",
        "2026-13-23",
        "2026-11-00",
        "2026-11-31",
        "2026-01-32",
        "2026-04-31",
        "2026-06-31",
        "2026-09-31",
        "2026-02-29",
        "2025-02-29",
        "2024-02-30",
        "1900-02-29",
        "2100-02-29",
        "2026-11-23T24:00:00Z",
        "2026-11-23T25:00:00Z",
        "2026-11-23T12:60:00Z",
        "2026-11-23T12:00:61Z",
        /* zones */
        "2026-11-23T12:00:00+",
        "2026-11-23T12:00:00-",
        "2026-11-23T12:00:00+1",
        "2026-11-23T12:00:00+01:",
        "2026-11-23T12:00:00+01:0",
        "2026-11-23T12:00:00+010",
        "2026-11-23T12:00:00+01000",
        "2026-11-23T12:00:00+24:00",
        "2026-11-23T12:00:00+01:60",
        "2026-11-23T12:00:00+01:00Z",
        "2026-11-23T12:00:00UTC",
        "2026-11-23T12:00:00 +01:00",
        "2026-11-23T12:00:00+-1:00",
        /* beyond the years once the offset is applied */
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        /* other separators, formats mixed */
        "2026/11/23",
        "2026-11-23_12:00:00",
        "2026-1123",
        "202611-23",
        "2026-11-23T120000Z",
        "20261123T12:00:00Z",
        "2026-11-23T12:0000",
        "2026-11-23T12.00.00Z",
        "2026-327T12:00:00Z",
        "2026-W48-1T12:00:00Z",
        "Mon, 23 Nov 2026 12:00:00 GMT",
        "2026-11-\xd9\xa2\xd9\xa3",
        "\357\273\2772026-11-23",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        check_refused(gw_str(cases[i]));
    check_refused((struct gw_str){NULL, 0});
    check_refused(GW_STR("2026-11-23\0"));
    check_refused(GW_STR("1795435200000\0"));
    check_refused(GW_STR("2026-11-23T12:00:00Z\0"));
}

static void test_nothing_behind_the_slice_is_read(void **state)
{
    int64_t time_ms;

    (void)state;
    assert_int_equal(gw_time_parse((struct gw_str){"2026-11-23T12:00:00Z", 10}, &time_ms), 0);
    assert_int_equal(time_ms, NOON - 12 * HOUR);
    assert_int_equal(gw_time_parse((struct gw_str){"12345", 4}, &time_ms), 0);
    assert_int_equal(time_ms, 1234);
    assert_int_equal(gw_time_parse((struct gw_str){"2026-11-23T12:00:00.15", 21}, &time_ms), 0);
    assert_int_equal(time_ms, NOON + 100);
}

static int64_t random_time_ms(void)
{
    uint64_t bits = (uint64_t)random() << 31 ^ (uint64_t)random();

    return GW_TIME_MIN_MS + (int64_t)(bits % (uint64_t)(GW_TIME_MAX_MS - GW_TIME_MIN_MS + 1));
}

/* What libc makes of the calendar is the judge of ours. */
static void check_format(int64_t time_ms)
{
    int64_t second = time_ms / 1000 - (time_ms % 1000 < 0);
    struct tm tm;
    char expected[64], text[GW_TIME_TEXT_SIZE];
    int64_t parsed = 0;

    assert_non_null(gmtime_r(&(time_t){second}, &tm));
    snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
             (int)(time_ms - second * 1000));
    gw_time_format(time_ms, text);
    assert_string_equal(text, expected);
    assert_int_equal(gw_time_parse(gw_str(text), &parsed), 0);
    assert_int_equal(parsed, time_ms);
    gw_time_format_compact(time_ms, text);
    assert_int_equal(gw_time_parse(gw_str(text), &parsed), 0);
    assert_int_equal(parsed, time_ms);
}

static void test_every_day_is_written_as_libc_writes_it_and_read_back(void **state)
{
    (void)state;
    for (int64_t day = GW_TIME_MIN_MS; day < GW_TIME_MAX_MS; day += 24 * HOUR)
        check_format(day);
    check_format(GW_TIME_MAX_MS);
    srandom(1);
    for (int i = 0; i < 100000; i++)
        check_format(random_time_ms());
}

static void test_random_instants_in_any_zone_are_what_timegm_says(void **state)
{
    (void)state;
    srandom(2);
    for (int i = 0; i < 100000; i++) {
        struct tm tm = {.tm_year = (int)(random() % 9998) - 1899,
                        .tm_mon = (int)(random() % 12),
                        .tm_mday = 1 + (int)(random() % 28),
                        .tm_hour = (int)(random() % 24),
                        .tm_min = (int)(random() % 60),
                        .tm_sec = (int)(random() % 60)};
        int zone = (int)(random() % 2880) - 1440, away = abs(zone) % 1440;
        char text[96];
        int64_t parsed = 0;

        snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, zone < 0 ? '-' : '+',
                 away / 60, away % 60);
        int64_t expected = (timegm(&tm) - (zone < 0 ? -1 : 1) * (int64_t)away * 60) * 1000;

        assert_int_equal(gw_time_parse(gw_str(text), &parsed), 0);
        assert_int_equal(parsed, expected);
    }
}

static void test_the_compact_form_is_safe_in_a_file_name(void **state)
{
    char text[GW_TIME_TEXT_SIZE];

    (void)state;
    gw_time_format_compact(NOON + 7, text);
    assert_string_equal(text, "20261123T120000.007Z");
}

static void test_the_clocks_run(void **state)
{
    int64_t before_us = gw_time_monotonic_us(), before_ms = gw_time_monotonic_ms();
    int64_t wall_s = time(NULL);

    (void)state;
    assert_true(before_ms * 1000 >= before_us - 999 && before_ms <= gw_time_monotonic_us() / 1000);
    assert_true(gw_time_monotonic_us() >= before_us);
    assert_true(llabs(gw_time_now_ms() / 1000 - wall_s) <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets_of_every_form_are_applied),
        cmocka_unit_test(test_fractions_of_any_precision_are_cut_to_milliseconds),
        cmocka_unit_test(test_the_calendar_is_the_gregorian_one_of_four_digit_years),
        cmocka_unit_test(test_digits_alone_are_epoch_milliseconds),
        cmocka_unit_test(test_what_is_no_time_is_refused),
        cmocka_unit_test(test_nothing_behind_the_slice_is_read),
        cmocka_unit_test(test_every_day_is_written_as_libc_writes_it_and_read_back),
        cmocka_unit_test(test_random_instants_in_any_zone_are_what_timegm_says),
        cmocka_unit_test(test_the_compact_form_is_safe_in_a_file_name),
        cmocka_unit_test(test_the_clocks_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
