/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/fold.h"

#include "gw/line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "scratch.h"

enum { MAX_LINE = 1000 };

static struct gw_write put(const char *id, int64_t ms, const char *status, const char *payload)
{
    return (struct gw_write){
        .action = GW_ACTION_PUT,
        .order = gw_write_order(ms, GW_RANK_CREATED),
        .event_type = GW_STR("conversation:created"),
        .conversation_id = gw_str(id),
        .fields = {[GW_FIELD_TYPE] = GW_STR("voice"),
                   [GW_FIELD_STATUS] = gw_str(status),
                   [GW_FIELD_TIMESTAMP] = GW_STR("2026-11-23T12:00:00Z"),
                   [GW_FIELD_EXTERNAL_CONTACT_ID] = GW_STR("caller")},
        .payload = gw_str(payload),
    };
}

static struct gw_write update(const char *id, int64_t ms, const char *status)
{
    return (struct gw_write){
        .action = GW_ACTION_UPDATE,
        .order = gw_write_order(ms, GW_RANK_UPDATED),
        .event_type = GW_STR("conversation:updated"),
        .conversation_id = gw_str(id),
        .fields = {[GW_FIELD_STATUS] = gw_str(status),
                   [GW_FIELD_TIMESTAMP] = GW_STR("2026-11-23T13:00:00Z")},
        .payload = GW_STR("{}"),
    };
}

/* The line is freed at once, so a fold that keeps a slice of it is found by ASan. */
static void fold_write(struct gw_fold *fold, struct gw_write write)
{
    struct gw_buffer line;

    gw_buffer_init(&line, SIZE_MAX);
    assert_int_equal(gw_line_append(&write, &line), 0);
    assert_int_equal(gw_fold_line(fold, (struct gw_str){line.data, line.len - 1}), 0);
    memset(line.data, '#', line.len);
    gw_buffer_deinit(&line);
}

struct seen {
    char text[1024];
    size_t used;
};

static void see(const struct gw_record *record, void *context)
{
    struct seen *seen = context;
    struct gw_str id = record->conversation_id, status = record->fields[GW_FIELD_STATUS],
                  type = record->fields[GW_FIELD_TYPE], payload = record->payload;

    seen->used += (size_t)snprintf(seen->text + seen->used, sizeof(seen->text) - seen->used,
                                   "%.*s %.*s %.*s %.*s;", (int)id.len, id.data, (int)type.len,
                                   type.data ? type.data : "", (int)status.len, status.data,
                                   (int)payload.len, payload.data ? payload.data : "");
    assert_true(seen->used < sizeof(seen->text));
}

static void assert_records(const struct gw_fold *fold, const char *expected)
{
    struct seen seen = {{0}, 0};

    gw_fold_each(fold, see, &seen);
    assert_string_equal(seen.text, expected);
}

static void test_any_order_of_lines_ends_in_the_same_records(void **state)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const struct gw_write writes[] = {put("b", 1000, "active", "{\"n\":1}"),
                                      put("b", 2000, "later", "{\"n\":2}"),
                                      update("b", 3000, "busy")};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(orders); i++) {
        struct gw_fold fold;

        gw_fold_init(&fold, (struct gw_str){0});
        for (size_t j = 0; j < GW_COUNT(writes); j++) {
            fold_write(&fold, writes[orders[i][j]]);
            fold_write(&fold, writes[orders[i][0]]);
        }
        assert_int_equal(fold.count, 1);
        assert_records(&fold, "b voice busy {\"n\":2};");
        gw_fold_deinit(&fold);
    }
}

static void test_records_come_ordered_by_id(void **state)
{
    static const char *const ids[] = {"m", "b", "z", "a", "mm", "B", "\xc3\xa9"};
    struct gw_fold fold;

    (void)state;
    gw_fold_init(&fold, (struct gw_str){0});
    for (size_t i = 0; i < GW_COUNT(ids); i++)
        fold_write(&fold, update(ids[i], 1000, "s"));
    assert_int_equal(fold.count, GW_COUNT(ids));
    assert_records(&fold, "B  s ;a  s ;b  s ;m  s ;mm  s ;z  s ;\xc3\xa9  s ;");
    gw_fold_deinit(&fold);
}

static void test_one_conversation_alone_can_be_folded(void **state)
{
    struct gw_fold fold;

    (void)state;
    gw_fold_init(&fold, GW_STR("b"));
    fold_write(&fold, put("a", 1000, "active", "{}"));
    fold_write(&fold, put("b", 1000, "active", "{}"));
    fold_write(&fold, put("bb", 1000, "active", "{}"));
    assert_int_equal(fold.count, 1);
    assert_records(&fold, "b voice active {};");
    gw_fold_deinit(&fold);
}

static void test_lines_of_others_are_skipped(void **state)
{
    static const struct {
        const char *line;
        int result;
    } cases[] = {
        {"{}", GW_FOLD_SKIPPED},
        {"null", GW_FOLD_SKIPPED},
        {"{\"action\":\"put\"", GW_FOLD_SKIPPED},
        {"x", GW_FOLD_SKIPPED},
        {"   ", 0},
    };
    struct gw_fold fold;

    (void)state;
    gw_fold_init(&fold, (struct gw_str){0});
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        assert_int_equal(gw_fold_line(&fold, gw_str(cases[i].line)), cases[i].result);
    assert_int_equal(gw_fold_line(&fold, (struct gw_str){"\0\0\0\0", 4}), GW_FOLD_SKIPPED);
    assert_int_equal(fold.count, 0);
    gw_fold_deinit(&fold);
}

/* A file with two records, three lines to skip (2, 3 and 5), and an unfinished one. */
static void make_file(struct gw_buffer *content)
{
    const struct gw_write writes[] = {put("a", 1000, "active", "{}"),
                                      put("b", 1000, "active", "{}"),
                                      update("a", 2000, "unfinished")};
    char long_line[MAX_LINE + 2];

    gw_buffer_init(content, SIZE_MAX);
    memset(long_line, ' ', sizeof(long_line));
    long_line[MAX_LINE + 1] = '\n';
    assert_int_equal(gw_line_append(&writes[0], content), 0);
    assert_int_equal(gw_buffer_append(content, GW_STR("{\"torn\":\n{}\n")), 0);
    assert_int_equal(gw_line_append(&writes[1], content), 0);
    assert_int_equal(gw_buffer_append(content, (struct gw_str){long_line, sizeof(long_line)}), 0);
    assert_int_equal(gw_line_append(&writes[2], content), 0);
    content->len--;
}

static void test_files_are_folded_up_to_their_last_line_break(void **state)
{
    static const char *const modes[] = {"wT", "w"}; /* plain, gzip'ed */
    struct gw_buffer content;

    (void)state;
    make_file(&content);
    for (size_t i = 0; i < GW_COUNT(modes); i++) {
        gzFile file = gzopen(path, modes[i]);
        struct gw_fold_skips skips;
        struct gw_fold fold;

        assert_int_equal(gzwrite(file, content.data, (unsigned)content.len), (int)content.len);
        assert_int_equal(gzclose(file), Z_OK);
        gw_fold_init(&fold, (struct gw_str){0});
        assert_int_equal(gw_fold_file(&fold, path, MAX_LINE, &skips), 0);
        assert_int_equal(skips.count, 3);
        assert_int_equal(skips.first, 2);
        assert_records(&fold, "a voice active {};b voice active {};");
        gw_fold_deinit(&fold);
    }
    gw_buffer_deinit(&content);
}

static void test_a_file_that_cannot_be_read_is_an_error(void **state)
{
    struct gw_fold_skips skips;
    struct gw_fold fold;
    FILE *file = fopen(path, "w");

    (void)state;
    fputs("\x1f\x8b not gzip after all", file);
    fclose(file);
    gw_fold_init(&fold, (struct gw_str){0});
    assert_int_equal(gw_fold_file(&fold, path, MAX_LINE, &skips), -EBADMSG);
    assert_int_equal(gw_fold_file(&fold, "/nonexistent/file", MAX_LINE, &skips), -ENOENT);
    assert_int_equal(skips.count, 0);
    gw_fold_deinit(&fold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_of_lines_ends_in_the_same_records),
        cmocka_unit_test(test_records_come_ordered_by_id),
        cmocka_unit_test(test_one_conversation_alone_can_be_folded),
        cmocka_unit_test(test_lines_of_others_are_skipped),
        cmocka_unit_test(test_files_are_folded_up_to_their_last_line_break),
        cmocka_unit_test(test_a_file_that_cannot_be_read_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
