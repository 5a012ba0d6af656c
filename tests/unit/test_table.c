/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int use_utf8(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static void test_text_is_shown_harmless_and_cut(void **state)
{
    static const struct {
        struct gw_str text;
        size_t width; /* to cut to */
        const char *shown;
        size_t columns;
    } cases[] = {
        {{"", 0}, SIZE_MAX, "", 0},
        {{"plain", 5}, SIZE_MAX, "plain", 5},
        {{"a\nb", 3}, SIZE_MAX, "a\\nb", 4},
        {{"a\0b", 3}, SIZE_MAX, "a\\x00b", 6},
        {{"\x1b[2J", 4}, SIZE_MAX, "\\x1b[2J", 7},
        {{"\x7f", 1}, SIZE_MAX, "\\x7f", 4},
        {{"\xc2\x9b", 2}, SIZE_MAX, "\\u009b", 6},              /* CSI in one character */
        {{"\xe2\x80\xae", 3}, SIZE_MAX, "\\u202e", 6},          /* right-to-left override */
        {{"\xe2\x80\x8b", 3}, SIZE_MAX, "\\u200b", 6},          /* zero width space */
        {{"\xff", 1}, SIZE_MAX, "\\xff", 4},                    /* never in UTF-8 */
        {{"\xc3", 1}, SIZE_MAX, "\\xc3", 4},                    /* cut off */
        {{"\xed\xa0\x80", 3}, SIZE_MAX, "\\xed\\xa0\\x80", 12}, /* surrogate */
        {{"\xc3\xa9", 2}, SIZE_MAX, "\xc3\xa9", 1},
        {{"\xe6\x97\xa5\xe6\x9c\xac", 6}, SIZE_MAX, "\xe6\x97\xa5\xe6\x9c\xac", 4},
        {{"plain", 5}, 5, "plain", 5},
        {{"plain", 5}, 4, "pla…", 4},
        {{"plain", 5}, 1, "…", 1},
        {{"plain", 5}, 0, "", 0},
        {{"", 0}, 0, "", 0},
        {{"a\nb", 3}, 3, "a…", 2}, /* never half an escape */
        {{"\xe6\x97\xa5\xe6\x9c\xac", 6}, 3, "\xe6\x97\xa5…", 3},
        {{"\xe6\x97\xa5\xe6\x9c\xac", 6}, 2, "…", 1},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char *shown = NULL;
        size_t size = 0, columns;
        FILE *out = open_memstream(&shown, &size);

        columns = gw_table_put_text(out, cases[i].text, cases[i].width);
        fclose(out);
        if (strcmp(shown, cases[i].shown) != 0 || columns != cases[i].columns)
            fail_msg("case %zu: %s, %zu columns", i, shown, columns);
        if (cases[i].width == SIZE_MAX)
            assert_int_equal(gw_table_text_width(cases[i].text), columns);
        free(shown);
    }
}

static const struct gw_str rows[][3] = {
    {{"a", 1}, {"voice", 5}, {"x", 1}},
    {{"0123456789", 10}, {"-", 1}, {"\xc3\xa9t\xc3\xa9", 5}},
};

static char *print(struct gw_table *table, size_t width)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < GW_COUNT(rows); i++)
        gw_table_measure(table, rows[i]);
    gw_table_fit(table, width);
    gw_table_put_titles(table, out);
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        gw_table_put_row(table, out, rows[i]);
    fclose(out);
    return text;
}

static void test_columns_fit_their_cells_or_the_terminal(void **state)
{
    static const struct {
        size_t width;
        const char *text;
    } cases[] = {
        {0, "id          type   name\n"
            "a           voice  x\n"
            "0123456789  -      \xc3\xa9t\xc3\xa9\n"},
        {80, "id          type   name\n"
             "a           voice  x\n"
             "0123456789  -      \xc3\xa9t\xc3\xa9\n"},
        {20, "id       type   name\n"
             "a        voice  x\n"
             "012345…  -      \xc3\xa9t\xc3\xa9\n"},
        {1, "id    type  name\n"
            "a     voi…  x\n"
            "012…  -     \xc3\xa9t\xc3\xa9\n"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_table_column columns[] = {{.title = "id"}, {.title = "type"}, {.title = "name"}};
        struct gw_table table = {.columns = columns, .count = GW_COUNT(columns)};
        char *text = print(&table, cases[i].width);

        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

static void test_one_overlong_cell_does_not_widen_the_others(void **state)
{
    struct gw_table_column columns[] = {{.title = "id"}, {.title = "type"}};
    struct gw_table table = {.columns = columns, .count = GW_COUNT(columns)};
    char id[2048];

    (void)state;
    memset(id, 'i', sizeof(id));
    gw_table_measure(&table, (struct gw_str[]){{id, sizeof(id)}, {"voice", 5}});
    gw_table_fit(&table, 0);
    assert_in_range(columns[0].width, 2, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_shown_harmless_and_cut),
        cmocka_unit_test(test_columns_fit_their_cells_or_the_terminal),
        cmocka_unit_test(test_one_overlong_cell_does_not_widen_the_others),
    };

    return cmocka_run_group_tests(tests, use_utf8, NULL);
}
