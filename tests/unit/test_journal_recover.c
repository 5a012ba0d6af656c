/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/journal.h"
#include "gw/journal_file.h"
#include "gw/line.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "files.h"

#define LINES 12
#define SECTOR 512
#define NAME "events.jsonl"

static struct gw_buffer sample; /* LINES lines, each another length, over several sectors */
static size_t ends[LINES];

static void append_sample_line(size_t number)
{
    char id[16], payload[800];
    struct gw_write write = {.action = number % 2 ? GW_ACTION_UPDATE : GW_ACTION_PUT,
                             .order = (int64_t)number,
                             .event_type = GW_STR("conversation:created")};

    (void)snprintf(id, sizeof(id), "c-%zu", number);
    (void)snprintf(payload, sizeof(payload), "\"%0*d\"", (int)(number * 61 % 701), 7);
    write.conversation_id = gw_str(id);
    write.payload = gw_str(payload);
    assert_int_equal(gw_line_append(&write, &sample), 0);
    ends[number] = sample.len;
}

static int make_sample(void **state)
{
    (void)state;
    gw_buffer_init(&sample, 65536);
    for (size_t i = 0; i < LINES; i++)
        append_sample_line(i);
    return 0;
}

static int drop_sample(void **state)
{
    (void)state;
    gw_buffer_deinit(&sample);
    return 0;
}

static int open_file(void)
{
    char path[PATH_MAX];
    int fd = open(files_path(path, NAME), O_RDWR | O_APPEND | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* Recovers NAME and checks that just @keep bytes of @content are left, and the rest is beside. */
static void recover_and_check(struct gw_str content, size_t keep)
{
    char path[PATH_MAX], aside[NAME_MAX + 1];
    struct gw_str torn = {content.data + keep, content.len - keep};
    size_t torn_bytes = 99;
    bool mend = true;
    int fd = open_file();

    assert_int_equal(gw_journal_recover(fd, files_path(path, NAME), &torn_bytes, &mend), 0);
    close(fd);
    assert_int_equal(torn_bytes, torn.len);
    assert_false(mend);
    files_assert(NAME, (struct gw_str){content.data, keep});
    assert_int_equal(files_find(NAME ".torn-", aside), torn.len > 0);
    if (torn.len > 0) {
        files_assert(aside, torn);
        unlink(files_path(path, aside));
    }
}

/* Counts the lines that a reader gets, and checks that each is one of the sample's. */
static size_t read_lines(struct gw_str content)
{
    struct gw_arena arena = {0};
    size_t count = 0;

    while (content.len > 0) {
        const char *lf = memchr(content.data, '\n', content.len);
        struct gw_str line = {content.data, lf ? (size_t)(lf - content.data) : content.len};
        struct gw_write write;

        assert_non_null(lf);
        if (gw_line_parse(line, &arena, &write) == 0) {
            size_t at = write.order ? ends[write.order - 1] : 0;

            assert_in_range(write.order, 0, LINES - 1);
            assert_memory_equal(line.data, sample.data + at, line.len + 1);
            count++;
        }
        content.data += line.len + 1;
        content.len -= line.len + 1;
    }
    gw_arena_deinit(&arena);
    return count;
}

static size_t whole_lines(size_t len)
{
    size_t count = 0;

    while (count < LINES && ends[count] <= len)
        count++;
    return count;
}

static void test_truncated_at_any_byte_it_keeps_every_whole_line(void **state)
{
    (void)state;
    for (size_t len = 0; len <= sample.len; len++) {
        struct gw_str content = {sample.data, len};
        size_t count = whole_lines(len);
        size_t keep = count ? ends[count - 1] : 0;

        files_write(NAME, content);
        recover_and_check(content, keep);
        assert_int_equal(read_lines((struct gw_str){content.data, keep}), count);
    }
}

static bool touches(size_t line, size_t from, size_t to)
{
    return (line ? ends[line - 1] : 0) < to && from < ends[line];
}

static void test_with_any_sector_zeroed_every_other_line_is_read(void **state)
{
    (void)state;
    for (size_t from = 0; from < sample.len; from += SECTOR) {
        size_t to = from + SECTOR < sample.len ? from + SECTOR : sample.len;
        char *content = malloc(sample.len);
        const char *last;
        size_t keep, hurt = 0;

        assert_non_null(content);
        memcpy(content, sample.data, sample.len);
        memset(content + from, 0, to - from);
        last = memrchr(content, '\n', sample.len);
        keep = (size_t)(last - content) + 1;
        /* A line is lost with its own bytes, or with the LF of the one before it. */
        for (size_t i = 0; i < LINES; i++)
            hurt += touches(i, from, to) || (i > 0 && ends[i - 1] > from && ends[i - 1] <= to);
        files_write(NAME, (struct gw_str){content, sample.len});
        recover_and_check((struct gw_str){content, sample.len}, keep);
        assert_int_equal(read_lines((struct gw_str){content, keep}), LINES - hurt);
        free(content);
    }
}

static void test_ends_of_all_sizes_are_moved_aside(void **state)
{
    static const size_t sizes[] = {1, 65535, 65536, 65537, 131072, 1000000};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(sizes) * 2; i++) {
        size_t before = i % 2 ? ends[0] : 0;
        size_t size = before + sizes[i / 2];
        char *content = malloc(size);

        assert_non_null(content);
        memcpy(content, sample.data, before);
        memset(content + before, 'x', size - before);
        files_write(NAME, (struct gw_str){content, size});
        recover_and_check((struct gw_str){content, size}, before);
        free(content);
    }
}

static void test_an_end_that_cannot_be_moved_is_left_and_mended(void **state)
{
    static const struct rlimit none = {0, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
    char path[PATH_MAX], aside[NAME_MAX + 1];
    size_t torn_bytes;
    bool mend;
    int fd;
    int result;

    (void)state;
    files_write(NAME, GW_STR("whole\ntorn"));
    fd = open_file();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    result = gw_journal_recover(fd, files_path(path, NAME), &torn_bytes, &mend);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    assert_int_equal(result, 0);
    assert_true(mend);
    assert_int_equal(torn_bytes, 4);
    files_assert(NAME, GW_STR("whole\ntorn"));
    assert_int_equal(files_find(NAME ".torn-", aside), 0);
    close(fd);
}

static void test_a_file_set_aside_never_takes_the_name_of_another(void **state)
{
    char path[PATH_MAX], name[PATH_MAX], one[NAME_MAX + 1];

    (void)state;
    for (int i = 0; i < 50; i++) {
        int fd = gw_journal_aside_create(files_path(path, NAME), "torn", name, sizeof(name));

        assert_true(fd >= 0);
        close(fd);
    }
    assert_int_equal(files_find(NAME ".torn-", one), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_truncated_at_any_byte_it_keeps_every_whole_line,
                                  files_teardown),
        cmocka_unit_test_teardown(test_with_any_sector_zeroed_every_other_line_is_read,
                                  files_teardown),
        cmocka_unit_test_teardown(test_ends_of_all_sizes_are_moved_aside, files_teardown),
        cmocka_unit_test_teardown(test_an_end_that_cannot_be_moved_is_left_and_mended,
                                  files_teardown),
        cmocka_unit_test_teardown(test_a_file_set_aside_never_takes_the_name_of_another,
                                  files_teardown),
    };
    int failed;

    signal(SIGXFSZ, SIG_IGN);
    files_begin("/dev/shm"); /* thousands of syncs, which cost nothing there */
    failed = cmocka_run_group_tests(tests, make_sample, drop_sample);
    files_end();
    return failed;
}
