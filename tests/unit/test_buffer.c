/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_holds(const struct gw_buffer *buffer, struct gw_str expected)
{
    assert_int_equal(buffer->len, expected.len);
    if (expected.len)
        assert_memory_equal(buffer->data, expected.data, expected.len);
}

static void test_buffer_takes_no_memory_before_the_first_byte(void **state)
{
    struct gw_buffer buffer;

    (void)state;
    gw_buffer_init(&buffer, 100);
    assert_int_equal(gw_buffer_reserve(&buffer, 0), 0);
    assert_int_equal(gw_buffer_append(&buffer, (struct gw_str){0}), 0);
    assert_null(buffer.data);
    assert_int_equal(buffer.capacity, 0);
    gw_buffer_deinit(&buffer);
}

static void test_buffer_is_filled_to_its_maximum_and_not_beyond(void **state)
{
    static const size_t maxima[] = {0, 1, 255, 256, 257, 1000, 4096};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(maxima); i++) {
        struct gw_buffer buffer;

        gw_buffer_init(&buffer, maxima[i]);
        for (size_t n = 0; n < maxima[i]; n++)
            assert_int_equal(gw_buffer_append(&buffer, GW_STR("x")), 0);
        assert_int_equal(buffer.len, maxima[i]);
        assert_true(buffer.capacity <= maxima[i]);
        assert_int_equal(gw_buffer_append(&buffer, GW_STR("x")), -ENOBUFS);
        assert_int_equal(gw_buffer_reserve(&buffer, SIZE_MAX), -ENOBUFS);
        assert_int_equal(gw_buffer_append_json(&buffer, GW_STR("")), -ENOBUFS);
        assert_int_equal(gw_buffer_appendf(&buffer, "%s", "x"), -ENOBUFS);
        assert_int_equal(buffer.len, maxima[i]);
        gw_buffer_deinit(&buffer);
    }
}

static void test_buffer_grows_by_doubling(void **state)
{
    struct gw_buffer buffer;
    size_t growths = 0, capacity = 0;

    (void)state;
    gw_buffer_init(&buffer, 1 << 20);
    for (size_t n = 0; n < 1 << 20; n++) {
        assert_int_equal(gw_buffer_append(&buffer, GW_STR("x")), 0);
        growths += buffer.capacity != capacity;
        capacity = buffer.capacity;
    }
    assert_true(growths <= 14);
    gw_buffer_deinit(&buffer);
}

static void test_buffer_can_be_used_again_after_deinit(void **state)
{
    struct gw_buffer buffer;

    (void)state;
    gw_buffer_init(&buffer, 4);
    assert_int_equal(gw_buffer_append(&buffer, GW_STR("abcd")), 0);
    gw_buffer_deinit(&buffer);
    assert_int_equal(gw_buffer_append(&buffer, GW_STR("efgh")), 0);
    assert_holds(&buffer, GW_STR("efgh"));
    gw_buffer_deinit(&buffer);
}

static const struct {
    struct gw_str text, json;
} json_cases[] = {
    {{"", 0}, {"\"\"", 2}},
    {{NULL, 0}, {"\"\"", 2}},
    {{"abc", 3}, {"\"abc\"", 5}},
    {{"a\"b\\c/", 6}, {"\"a\\\"b\\\\c/\"", 10}},
    {{"\b\f\n\r\t", 5}, {"\"\\b\\f\\n\\r\\t\"", 12}},
    {{"\0x\x01\x1f\x7f", 5}, {"\"\\u0000x\\u0001\\u001f\x7f\"", 22}},
    {{"h\xc3\xa9\xf0\x9f\x98\x80", 7}, {"\"h\xc3\xa9\xf0\x9f\x98\x80\"", 9}},
};

static void test_json_strings_are_escaped_as_rfc_8259_asks(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(json_cases); i++) {
        struct gw_buffer buffer;

        gw_buffer_init(&buffer, json_cases[i].json.len);
        assert_int_equal(gw_buffer_append_json(&buffer, json_cases[i].text), 0);
        assert_holds(&buffer, json_cases[i].json);
        gw_buffer_deinit(&buffer);
    }
}

static void test_json_string_without_room_appends_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(json_cases); i++) {
        struct gw_buffer buffer;

        gw_buffer_init(&buffer, json_cases[i].json.len);
        assert_int_equal(gw_buffer_append(&buffer, GW_STR("x")), 0);
        assert_int_equal(gw_buffer_append_json(&buffer, json_cases[i].text), -ENOBUFS);
        assert_holds(&buffer, GW_STR("x"));
        gw_buffer_deinit(&buffer);
    }
}

static void test_formatted_text_of_any_length_is_appended_without_its_nul(void **state)
{
    static const int widths[] = {1, 254, 255, 256, 257, 5000};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(widths); i++) {
        struct gw_buffer buffer;

        gw_buffer_init(&buffer, (size_t)widths[i] + 1);
        assert_int_equal(gw_buffer_append(&buffer, GW_STR("a")), 0);
        assert_int_equal(gw_buffer_appendf(&buffer, "%*d", widths[i], 7), 0);
        assert_int_equal(buffer.len, widths[i] + 1);
        assert_int_equal(buffer.data[0], 'a');
        assert_int_equal(buffer.data[widths[i]], '7');
        gw_buffer_deinit(&buffer);
    }
}

static void test_arena_memory_is_aligned_and_apart(void **state)
{
    static const size_t sizes[] = {0, 1, 7, 16, 17, 1000, 1024, 1025, 100000, 3};
    struct gw_arena arena = {0};
    char *got[GW_COUNT(sizes) * 50];
    size_t count = 0;

    (void)state;
    for (; count < GW_COUNT(got); count++) {
        size_t size = sizes[count % GW_COUNT(sizes)];

        got[count] = gw_arena_alloc(&arena, size);
        assert_non_null(got[count]);
        assert_int_equal((uintptr_t)got[count] % alignof(max_align_t), 0);
        memset(got[count], (int)(count & 0x7f), size);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < sizes[i % GW_COUNT(sizes)]; n++)
            assert_int_equal(got[i][n], i & 0x7f);
    }
    gw_arena_deinit(&arena);
    assert_null(arena.chunks);
}

static void test_arena_refuses_impossible_sizes(void **state)
{
    struct gw_arena arena = {0};

    (void)state;
    assert_null(gw_arena_alloc(&arena, SIZE_MAX));
    assert_null(gw_arena_alloc(&arena, SIZE_MAX - 8));
    gw_arena_deinit(&arena);
}

static void test_numbers_are_written_in_decimal(void **state)
{
    static const struct {
        int64_t number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {-1, "-1"},
        {10, "10"},
        {-4096, "-4096"},
        {28726963200004, "28726963200004"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_buffer buffer;

        gw_buffer_init(&buffer, 64);
        assert_int_equal(gw_buffer_append_number(&buffer, cases[i].number), 0);
        assert_true(gw_str_equal(gw_buffer_str(&buffer), gw_str(cases[i].text)));
        gw_buffer_deinit(&buffer);
    }
}

static void test_buffer_that_was_wiped_is_as_new(void **state)
{
    struct gw_buffer buffer;

    (void)state;
    gw_buffer_init(&buffer, 16);
    gw_buffer_wipe(&buffer);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(gw_buffer_append(&buffer, GW_STR("0123456789abcdef")), 0);
        gw_buffer_wipe(&buffer);
        assert_true(!buffer.data && buffer.len == 0 && buffer.capacity == 0 && buffer.max == 16);
    }
}

/* The reading end of a pipe that holds @text and has ended. */
static int pipe_of(struct gw_str text)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], text.data, text.len), text.len);
    close(fds[1]);
    return fds[0];
}

static void test_what_a_descriptor_gives_is_appended_up_to_the_maximum(void **state)
{
    static const struct {
        size_t max;
        const char *held;
    } cases[] = {{100, "<abcdef"}, {8, "<abcdef"}, {7, "<abcdef"}, {6, "<abcde"}, {1, "<"}};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        int fd = pipe_of(GW_STR("abcdef"));
        struct gw_buffer buffer;

        gw_buffer_init(&buffer, cases[i].max);
        assert_int_equal(gw_buffer_append(&buffer, GW_STR("<")), 0);
        assert_int_equal(gw_buffer_read(&buffer, fd), 0);
        assert_holds(&buffer, gw_str(cases[i].held));
        gw_buffer_deinit(&buffer);
        close(fd);
    }
}

static void test_an_empty_buffer_is_not_moved_by_a_read(void **state)
{
    int fd = pipe_of(GW_STR("secret"));
    struct gw_buffer buffer;

    (void)state;
    gw_buffer_init(&buffer, 4096);
    assert_int_equal(gw_buffer_read(&buffer, fd), 0);
    assert_int_equal(buffer.capacity, 4096);
    gw_buffer_wipe(&buffer);
    close(fd);
}

static void test_a_read_that_fails_says_why(void **state)
{
    struct gw_buffer buffer;
    int fd = open("/", O_RDONLY | O_CLOEXEC);

    (void)state;
    gw_buffer_init(&buffer, 10);
    assert_int_equal(gw_buffer_read(&buffer, fd), -EISDIR);
    gw_buffer_deinit(&buffer);
    close(fd);
}

static void test_a_line_break_at_the_end_is_no_part_of_a_line(void **state)
{
    static const struct {
        const char *text, *line;
    } cases[] = {{"", ""},   {"a", "a"},   {"a\n", "a"},     {"a\r\n", "a"},  {"a\r", "a\r"},
                 {"\n", ""}, {"\r\n", ""}, {"a\n\n", "a\n"}, {"a\n ", "a\n "}};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        assert_true(
            gw_str_equal(gw_str_without_line_break(gw_str(cases[i].text)), gw_str(cases[i].line)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_written_in_decimal),
        cmocka_unit_test(test_buffer_takes_no_memory_before_the_first_byte),
        cmocka_unit_test(test_buffer_is_filled_to_its_maximum_and_not_beyond),
        cmocka_unit_test(test_buffer_grows_by_doubling),
        cmocka_unit_test(test_buffer_can_be_used_again_after_deinit),
        cmocka_unit_test(test_buffer_that_was_wiped_is_as_new),
        cmocka_unit_test(test_json_strings_are_escaped_as_rfc_8259_asks),
        cmocka_unit_test(test_json_string_without_room_appends_nothing),
        cmocka_unit_test(test_formatted_text_of_any_length_is_appended_without_its_nul),
        cmocka_unit_test(test_what_a_descriptor_gives_is_appended_up_to_the_maximum),
        cmocka_unit_test(test_an_empty_buffer_is_not_moved_by_a_read),
        cmocka_unit_test(test_a_read_that_fails_says_why),
        cmocka_unit_test(test_a_line_break_at_the_end_is_no_part_of_a_line),
        cmocka_unit_test(test_arena_memory_is_aligned_and_apart),
        cmocka_unit_test(test_arena_refuses_impossible_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
