/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/gap.h"

#include "gw/time.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "scratch.h"

#define NOW INT64_C(1795550000000) /* some time in 2026 */
#define BOOT INT64_C(5000)         /* the machine is up for less than the gaps are long */
#define HOUR INT64_C(3600000)

static void test_a_gap_up_to_the_start_is_told_from_what_was_kept(void **state)
{
    static const struct {
        int64_t kept_ms;
        int result;
        int64_t from_ms; /* 0: there is no gap */
    } cases[] = {
        {NOW, 0, 0},
        {NOW - GW_GAP_MS, 0, 0},
        {NOW - GW_GAP_MS - 1, 0, NOW - GW_GAP_MS - 1},
        {NOW - 24 * HOUR, 0, NOW - 24 * HOUR},
        {NOW + GW_GAP_MS, 0, 0}, /* clocks are not that exact */
        {NOW + GW_GAP_MS + 1, GW_GAP_AHEAD, 0},
        {INT64_MAX, GW_GAP_AHEAD, 0},
        {1, 0, 1},
        {0, 0, 0},
        {-1, 0, 0},
        {INT64_MIN, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_gap gap = {.fd = -1};
        const bool gone = cases[i].kept_ms <= 0; /* as from 1970, which 0 would stand for */

        assert_int_equal(gw_gap_begin(&gap, cases[i].kept_ms, BOOT, NOW), cases[i].result);
        assert_int_equal(gw_gap_note(&gap, BOOT, NOW), cases[i].from_ms != 0 || gone);
        assert_int_equal(gap.from_ms, cases[i].from_ms);
        assert_int_equal(gap.to_ms, cases[i].from_ms || gone ? NOW : 0);
        assert_false(gw_gap_note(&gap, BOOT + 1000, NOW + 1000));
    }
}

static void test_while_it_runs_the_clock_that_never_jumps_decides(void **state)
{
    static const struct {
        int64_t boot_ms, now_ms; /* since the last time that it was told */
        bool gap;
    } cases[] = {
        {1000, 1000, false},
        {GW_GAP_MS, GW_GAP_MS, false},
        {GW_GAP_MS + 1, GW_GAP_MS + 1, true},
        {1000, 5 * HOUR, false},  /* the wall clock was set forward */
        {1000, -5 * HOUR, false}, /* and back */
        {HOUR, -5 * HOUR, true},  /* suspended, and set back */
        {HOUR, HOUR, true},
    };
    struct gw_gap gap = {.fd = -1};
    int64_t boot_ms = BOOT, now_ms = NOW;

    (void)state;
    assert_false(gw_gap_note(&gap, boot_ms, now_ms));
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        boot_ms += cases[i].boot_ms;
        now_ms += cases[i].now_ms;
        assert_int_equal(gw_gap_note(&gap, boot_ms, now_ms), cases[i].gap);
        if (cases[i].gap) {
            assert_int_equal(gap.to_ms, now_ms);
            assert_int_equal(gap.from_ms, now_ms - cases[i].boot_ms);
        }
    }
}

static void test_a_first_start_knows_of_no_gap(void **state)
{
    struct gw_gap gap = {.fd = -1};

    (void)state;
    assert_false(gw_gap_note(&gap, BOOT, NOW));
    assert_int_equal(gap.from_ms, 0);
}

/* --- the file --- */

static void age(int64_t by_ms)
{
    const int64_t at_ms = gw_time_now_ms() - by_ms;
    const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = at_ms / 1000}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool open_and_note(int result)
{
    struct gw_gap gap = {.fd = -1};

    assert_int_equal(gw_gap_open(&gap, path), result);
    bool ended = gw_gap_note(&gap, gw_time_boot_ms(), gw_time_now_ms());

    assert_int_equal(gw_gap_keep(&gap), 0);
    gw_gap_close(&gap);
    return ended;
}

static void test_the_files_time_is_taken_up_and_kept(void **state)
{
    struct stat status;

    (void)state;
    assert_false(open_and_note(0));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_false(open_and_note(0));
    age(HOUR);
    assert_true(open_and_note(0));
    assert_false(open_and_note(0));
    age(-HOUR);
    assert_false(open_and_note(GW_GAP_AHEAD));
    assert_false(open_and_note(0));
    assert_int_equal(unlink(path), 0);
}

static void test_it_is_kept_once_a_second_and_after_a_clock_that_went_back(void **state)
{
    static const struct {
        int64_t now_ms, kept_ms;
    } cases[] = {
        {NOW, NOW},
        {NOW + 999, NOW},
        {NOW + 1000, NOW + 1000},
        {NOW - HOUR, NOW - HOUR},
    };
    struct gw_gap gap = {.fd = -1};
    struct stat status;

    (void)state;
    assert_int_equal(gw_gap_open(&gap, path), 0);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_false(gw_gap_note(&gap, BOOT, cases[i].now_ms));
        assert_int_equal(gw_gap_keep(&gap), 0);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000,
                         cases[i].kept_ms);
    }
    gw_gap_close(&gap);
    gw_gap_close(&gap);
    assert_int_equal(unlink(path), 0);
}

static void test_what_is_no_plain_file_is_left_alone(void **state)
{
    struct gw_gap gap = {.fd = -1};

    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(gw_gap_open(&gap, path), -EISDIR);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(gw_gap_open(&gap, path), -ENXIO);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    assert_true(reader >= 0);
    assert_int_equal(gw_gap_open(&gap, path), -EINVAL);
    assert_int_equal(gap.fd, -1);
    close(reader);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(gw_gap_open(&gap, path), -ELOOP);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(gw_gap_open(&gap, "/nowhere/at/all"), -ENOENT);
}

static void test_an_error_ends_the_keeping(void **state)
{
    struct gw_gap gap = {.fd = 1000000}; /* no descriptor */

    (void)state;
    assert_false(gw_gap_note(&gap, BOOT, NOW));
    assert_int_equal(gw_gap_keep(&gap), -EBADF);
    assert_int_equal(gap.fd, -1);
    assert_int_equal(gw_gap_keep(&gap), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_gap_up_to_the_start_is_told_from_what_was_kept),
        cmocka_unit_test(test_while_it_runs_the_clock_that_never_jumps_decides),
        cmocka_unit_test(test_a_first_start_knows_of_no_gap),
        cmocka_unit_test(test_the_files_time_is_taken_up_and_kept),
        cmocka_unit_test(test_it_is_kept_once_a_second_and_after_a_clock_that_went_back),
        cmocka_unit_test(test_what_is_no_plain_file_is_left_alone),
        cmocka_unit_test(test_an_error_ends_the_keeping),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
