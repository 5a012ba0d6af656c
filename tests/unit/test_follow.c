/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "scratch.h"

enum { MAX_LINE = 8, LONG = 10000 };

static void put(const char *name, int flags, const char *content)
{
    int fd = open(name, O_WRONLY | O_CREAT | flags, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
}

static void begin_with(const char *content)
{
    put(path, O_TRUNC, content);
}

static void append(const char *content)
{
    put(path, O_APPEND, content);
}

/* "abc|" for a line, "#" for one too long, "R" where rotated, "T" where truncated; until idle. */
static const char *read_on(struct gw_follow *follow)
{
    static char seen[256];
    struct gw_str line;
    size_t used = 0;
    int r;

    seen[0] = '\0';
    while ((r = gw_follow_next(follow, &line)) != GW_FOLLOW_IDLE) {
        assert_true(r >= 0);
        if (r != 0)
            line = GW_STR("");
        used += (size_t)snprintf(seen + used, sizeof(seen) - used, "%.*s%c", (int)line.len,
                                 line.data, "|i#RT"[r]);
        assert_true(used < sizeof(seen));
    }
    return seen;
}

/* Stops at a line "s", and takes those that begin with t. */
static enum gw_follow_choice choose(struct gw_str line, void *context)
{
    (void)context;
    if (line.len == 0)
        return GW_FOLLOW_SKIP;
    return line.data[0] == 's'   ? GW_FOLLOW_STOP
           : line.data[0] == 't' ? GW_FOLLOW_TAKE
                                 : GW_FOLLOW_SKIP;
}

static void open_at(struct gw_follow *follow, size_t count)
{
    assert_int_equal(gw_follow_open(follow, path, MAX_LINE), 0);
    assert_int_equal(gw_follow_begin(follow, count, choose, NULL), 0);
}

static const struct {
    const char *content;
    size_t count;
    const char *seen;
} begins[] = {
    {"", 3, ""},
    {"unfinished", 3, ""},
    {"t1\n", 0, ""},
    {"t1\n", 1, "t1|"},
    {"t1\nt2\nt3\n", 2, "t2|t3|"},
    {"t1\nt2\nt3\n", 9, "t1|t2|t3|"},
    {"t1\nx\nt2\ny\n", 1, "t2|y|"},
    {"t1\nt2\nt", 1, "t2|"},
    {"t1\n\n\nt2\n", 2, "t1|||t2|"},
    {"t1\ns\nt2\nt3\n", 9, "t2|t3|"},
    {"t1\n123456789\nt2\n", 2, "t1|#t2|"},
    {"x\ny\n", 9, ""},
};

static void test_it_begins_with_the_last_lines_that_are_wanted(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(begins); i++) {
        struct gw_follow follow;

        begin_with(begins[i].content);
        open_at(&follow, begins[i].count);
        assert_string_equal(read_on(&follow), begins[i].seen);
        gw_follow_close(&follow);
    }
}

/* Over what is read at once. */
static void test_it_goes_back_over_long_lines(void **state)
{
    static char content[LONG + 8];
    struct gw_follow follow;
    struct gw_str line;

    (void)state;
    memset(content, 't', LONG);
    memcpy(content + LONG, "\nt2\n", 5);
    begin_with(content);
    assert_int_equal(gw_follow_open(&follow, path, LONG), 0);
    assert_int_equal(gw_follow_begin(&follow, 2, choose, NULL), 0);
    assert_int_equal(gw_follow_next(&follow, &line), 0);
    assert_int_equal(line.len, LONG);
    assert_string_equal(read_on(&follow), "t2|");
    gw_follow_close(&follow);
}

static void test_what_is_appended_comes_once_it_is_whole(void **state)
{
    struct gw_follow follow;

    (void)state;
    begin_with("t0\n");
    open_at(&follow, 0);
    append("a");
    assert_string_equal(read_on(&follow), "");
    append("b\nc");
    assert_string_equal(read_on(&follow), "ab|");
    assert_string_equal(read_on(&follow), "");
    append("\n123456789");
    assert_string_equal(read_on(&follow), "c|");
    append("0\nd\n");
    assert_string_equal(read_on(&follow), "#d|");
    gw_follow_close(&follow);
}

static const struct {
    const char *taken_back, *seen, *instead;
} cuts[] = {
    {"xy", "", "z\n"},          /* a part of a line */
    {"xy", "", "longer\n"},     /* and a longer one before it is looked at again */
    {"123456789", "", "z\n"},   /* that was too long */
    {"    \n", "    |", "z\n"}, /* a probe's blanks */
    {"    \n", "    |", "longer\n"},
};

static void test_what_the_daemon_takes_back_was_not_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(cuts); i++) {
        struct gw_follow follow;
        char expected[32];

        begin_with("t0\n");
        open_at(&follow, 0);
        append("a\n");
        append(cuts[i].taken_back);
        snprintf(expected, sizeof(expected), "a|%s", cuts[i].seen);
        assert_string_equal(read_on(&follow), expected);
        assert_int_equal(truncate(path, 5), 0);
        append(cuts[i].instead);
        snprintf(expected, sizeof(expected), "%.*s|", (int)strcspn(cuts[i].instead, "\n"),
                 cuts[i].instead);
        assert_string_equal(read_on(&follow), expected);
        gw_follow_close(&follow);
    }
}

static void test_a_truncated_file_is_read_again(void **state)
{
    struct gw_follow follow;

    (void)state;
    begin_with("t0\nt1\n");
    open_at(&follow, 0);
    begin_with("a\n");
    assert_string_equal(read_on(&follow), "Ta|");
    append("b\n");
    assert_string_equal(read_on(&follow), "b|");
    gw_follow_close(&follow);
}

static void test_a_rotated_file_is_left_when_the_next_one_has_begun(void **state)
{
    char old[80];
    struct gw_follow follow;

    (void)state;
    snprintf(old, sizeof(old), "%s.1", path);
    begin_with("t0\n");
    open_at(&follow, 0);
    assert_int_equal(rename(path, old), 0);
    put(old, O_APPEND, "a\n");
    assert_string_equal(read_on(&follow), "a|"); /* no new one yet */
    begin_with("");
    put(old, O_APPEND, "b\n");
    assert_string_equal(read_on(&follow), "b|"); /* nothing in it yet */
    put(old, O_APPEND, "c\nunfinish");
    append("d\n");
    assert_string_equal(read_on(&follow), "c|Rd|");
    put(old, O_APPEND, "too late\n");
    append("e\n");
    assert_string_equal(read_on(&follow), "e|");
    gw_follow_close(&follow);
    unlink(old);
}

static void test_what_is_no_plain_file_is_refused(void **state)
{
    struct gw_follow follow;
    gzFile gz;

    (void)state;
    unlink(path);
    assert_int_equal(gw_follow_open(&follow, path, MAX_LINE), -ENOENT);
    assert_int_equal(gw_follow_open(&follow, scratch_folder, MAX_LINE), GW_FOLLOW_UNSUITABLE);
    assert_int_equal(mkfifo(path, 0600), 0); /* which would wait for somebody to write */
    assert_int_equal(gw_follow_open(&follow, path, MAX_LINE), GW_FOLLOW_UNSUITABLE);
    unlink(path);
    gz = gzopen(path, "w");
    assert_int_equal(gzputs(gz, "t0\n"), 3);
    assert_int_equal(gzclose(gz), Z_OK);
    assert_int_equal(gw_follow_open(&follow, path, MAX_LINE), GW_FOLLOW_UNSUITABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_begins_with_the_last_lines_that_are_wanted),
        cmocka_unit_test(test_it_goes_back_over_long_lines),
        cmocka_unit_test(test_what_is_appended_comes_once_it_is_whole),
        cmocka_unit_test(test_what_the_daemon_takes_back_was_not_read),
        cmocka_unit_test(test_a_truncated_file_is_read_again),
        cmocka_unit_test(test_a_rotated_file_is_left_when_the_next_one_has_begun),
        cmocka_unit_test(test_what_is_no_plain_file_is_refused),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
