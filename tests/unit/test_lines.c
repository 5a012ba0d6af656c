/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "scratch.h"

enum { MAX_LINE = 8, LONG = 600 * 1024 };

static void write_plain(struct gw_str content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(fd, content.data, content.len), content.len);
    close(fd);
}

static void write_gz(struct gw_str content)
{
    gzFile gz = gzopen(path, "w");

    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, content.data, (unsigned)content.len), (int)content.len);
    assert_int_equal(gzclose(gz), Z_OK);
}

/* "abc|" for a line, "#" for one too long, "abc$" for an unfinished one. */
static void read_all(char *seen, size_t size)
{
    struct gw_lines lines;
    struct gw_str line;
    size_t used = 0;
    int r;

    assert_int_equal(gw_lines_open(&lines, path, MAX_LINE), 0);
    while ((r = gw_lines_next(&lines, &line)) != GW_LINES_END) {
        if (r == GW_LINES_TOO_LONG)
            line = GW_STR("");
        used += (size_t)snprintf(seen + used, size - used, "%.*s%c", (int)line.len, line.data,
                                 "|e#$"[r]);
        assert_true(used < size);
    }
    assert_int_equal(gw_lines_next(&lines, &line), GW_LINES_END);
    gw_lines_close(&lines);
}

static const struct {
    const char *content, *seen;
} cases[] = {
    {"", ""},
    {"\n", "|"},
    {"a\nbc\n\nd\n", "a|bc||d|"},
    {"a\nb", "a|b$"},
    {"b", "b$"},
    {"12345678\n", "12345678|"},
    {"123456789\n", "#"},
    {"12345678", "12345678$"},
    {"123456789", "#"},
    {"123456789\na\n123456789\n\nb", "#a|#|b$"},
};

static void test_files_are_split_at_line_breaks(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        void (*const writers[])(struct gw_str) = {write_plain, write_gz};

        for (size_t w = 0; w < GW_COUNT(writers); w++) {
            char seen[64] = "";

            writers[w](gw_str(cases[i].content));
            read_all(seen, sizeof(seen));
            assert_string_equal(seen, cases[i].seen);
        }
    }
}

/* Longer than what is read at once, and than what is kept. */
static void test_a_line_over_many_reads_is_whole_or_too_long(void **state)
{
    static const size_t limits[] = {LONG, LONG - 1, 1000};
    char *content = malloc(LONG + 2);

    (void)state;
    memset(content, 'x', LONG);
    content[LONG] = '\n';
    content[LONG + 1] = '\n';
    write_plain((struct gw_str){content, LONG + 2});
    for (size_t i = 0; i < GW_COUNT(limits); i++) {
        struct gw_lines lines;
        struct gw_str line;

        assert_int_equal(gw_lines_open(&lines, path, limits[i]), 0);
        assert_int_equal(gw_lines_next(&lines, &line), limits[i] < LONG ? GW_LINES_TOO_LONG : 0);
        if (limits[i] == LONG)
            assert_int_equal(line.len, LONG);
        assert_int_equal(lines.number, 1);
        assert_int_equal(gw_lines_next(&lines, &line), 0);
        assert_int_equal(line.len, 0);
        assert_int_equal(lines.number, 2);
        assert_int_equal(gw_lines_next(&lines, &line), GW_LINES_END);
        assert_true(lines.buffer.capacity <= limits[i] + 512 * 1024);
        gw_lines_close(&lines);
    }
    free(content);
}

static void test_many_lines_come_whole_and_numbered(void **state)
{
    struct gw_lines lines;
    struct gw_str line;
    FILE *file = fopen(path, "w");
    size_t number = 0;

    (void)state;
    for (int i = 0; i < 200000; i++)
        fprintf(file, "%d\n", i);
    fclose(file);
    assert_int_equal(gw_lines_open(&lines, path, MAX_LINE), 0);
    for (; gw_lines_next(&lines, &line) == 0; number++) {
        char expected[16];

        snprintf(expected, sizeof(expected), "%zu", number);
        assert_true(gw_str_equal(line, gw_str(expected)));
        assert_int_equal(lines.number, number + 1);
    }
    assert_int_equal(number, 200000);
    gw_lines_close(&lines);
}

static void test_gzip_cut_off_gives_its_lines_and_an_error(void **state)
{
    struct gw_lines lines;
    struct gw_str line;
    size_t count = 0;
    char content[40000];
    int r;

    (void)state;
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (char)(i % 4 == 3 ? '\n' : 'a' + i * i * 7 % 26);
    write_gz((struct gw_str){content, sizeof(content)});
    assert_int_equal(truncate(path, 120), 0);
    assert_int_equal(gw_lines_open(&lines, path, MAX_LINE), 0);
    while ((r = gw_lines_next(&lines, &line)) == 0)
        count++;
    assert_int_equal(r, GW_LINES_CORRUPT);
    assert_true(count > 0);
    gw_lines_close(&lines);
}

static void test_a_pipe_gives_a_line_before_it_is_closed(void **state)
{
    struct gw_lines lines;
    struct gw_str line;
    char name[32];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], "one\ntw", 6), 6);
    assert_int_equal(gw_lines_open(&lines, name, MAX_LINE), 0);
    assert_int_equal(gw_lines_next(&lines, &line), 0);
    assert_true(gw_str_equal(line, GW_STR("one")));
    assert_int_equal(write(ends[1], "o\n", 2), 2);
    assert_int_equal(gw_lines_next(&lines, &line), 0);
    assert_true(gw_str_equal(line, GW_STR("two")));
    close(ends[1]);
    assert_int_equal(gw_lines_next(&lines, &line), GW_LINES_END);
    gw_lines_close(&lines);
    close(ends[0]);
}

static void test_a_whole_file_is_read_up_to_its_limit(void **state)
{
    static const struct {
        const char *content;
        int result;
    } whole[] = {{"", 0}, {"12\n", 0}, {"12345678", 0}, {"123456789", -EFBIG}};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(whole); i++) {
        struct gw_buffer content;

        write_plain(gw_str(whole[i].content));
        assert_int_equal(gw_lines_read_whole(path, MAX_LINE, &content), whole[i].result);
        if (whole[i].result == 0)
            assert_true(gw_str_equal(gw_buffer_str(&content), gw_str(whole[i].content)));
        gw_buffer_deinit(&content);
    }
}

static void test_what_cannot_be_read_is_an_error(void **state)
{
    struct gw_buffer content;
    struct gw_lines lines;
    struct gw_str line;

    (void)state;
    assert_int_equal(gw_lines_open(&lines, "/nonexistent/file", MAX_LINE), -ENOENT);
    assert_int_equal(gw_lines_open(&lines, scratch_folder, MAX_LINE), 0);
    assert_int_equal(gw_lines_next(&lines, &line), -EISDIR);
    gw_lines_close(&lines);
    assert_int_equal(gw_lines_read_whole("/nonexistent/file", MAX_LINE, &content), -ENOENT);
    gw_buffer_deinit(&content);
    assert_int_equal(gw_lines_read_whole(scratch_folder, MAX_LINE, &content), -EISDIR);
    gw_buffer_deinit(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_split_at_line_breaks),
        cmocka_unit_test(test_a_line_over_many_reads_is_whole_or_too_long),
        cmocka_unit_test(test_many_lines_come_whole_and_numbered),
        cmocka_unit_test(test_gzip_cut_off_gives_its_lines_and_an_error),
        cmocka_unit_test(test_a_pipe_gives_a_line_before_it_is_closed),
        cmocka_unit_test(test_a_whole_file_is_read_up_to_its_limit),
        cmocka_unit_test(test_what_cannot_be_read_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
