/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/write.h"

#include "gw/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_attributes_have_the_names_of_the_table_and_belong_to_state_or_snapshot(void **state)
{
    static const struct {
        const char *name;
        bool snapshot;
    } fields[GW_FIELD_COUNT] = {
        [GW_FIELD_TYPE] = {"type", true},
        [GW_FIELD_STATUS] = {"status", false},
        [GW_FIELD_TIMESTAMP] = {"timestamp", false},
        [GW_FIELD_EXTERNAL_CONTACT_ID] = {"externalContactId", true},
    };

    (void)state;
    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++) {
        assert_string_equal(gw_field_name(field), fields[field].name);
        assert_int_equal(gw_field_is_snapshot(field), fields[field].snapshot);
    }
}

static void test_an_order_fits_by_its_year_and_its_parity(void **state)
{
    const int64_t least = gw_write_order(GW_TIME_MIN_MS, 0);
    const int64_t most = gw_write_order(GW_TIME_MAX_MS, GW_RANKS - 1);
    const struct {
        int64_t order;
        bool put, update;
    } cases[] = {
        {gw_write_order(0, GW_RANK_CREATED), true, false},
        {gw_write_order(0, GW_RANK_UPDATED), false, true},
        {gw_write_order(0, GW_RANK_ENDED), true, false},
        {gw_write_order(-1, GW_RANK_CREATED), true, false},
        {gw_write_order(-1, GW_RANK_UPDATED), false, true},
        {least, true, false},
        {least - 1, false, false},
        {least - 2, false, false},
        {most, false, true},
        {most - 1, true, false},
        {most + 1, false, false},
        {most + 2, false, false},
        {INT64_MIN, false, false},
        {INT64_MAX, false, false},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_int_equal(gw_write_order_fits(cases[i].order, GW_ACTION_PUT), cases[i].put);
        assert_int_equal(gw_write_order_fits(cases[i].order, GW_ACTION_UPDATE), cases[i].update);
    }
}

/* In memory of exactly its size, so that a sanitizer sees what is done beyond it. */
static void test_line_breaks_of_a_payload_become_blanks_and_nothing_else_changes(void **state)
{
    static const struct {
        struct gw_str body, line;
    } cases[] = {
        {GW_STR(""), GW_STR("")},
        {GW_STR("\n"), GW_STR(" ")},
        {GW_STR("{\"a\":1}"), GW_STR("{\"a\":1}")},
        {GW_STR("\r\n{\r\n\t\"a\" :\n\n1}\r"), GW_STR("  {  \t\"a\" :  1} ")},
        {GW_STR("\"\\n\\r\\u000a\""), GW_STR("\"\\n\\r\\u000a\"")},
        {GW_STR("a\0\nb"), GW_STR("a\0 b")},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_str body = cases[i].body;
        char *copy = malloc(body.len ? body.len : 1);

        assert_non_null(copy);
        memcpy(copy, body.data, body.len);
        gw_payload_to_one_line(copy, body.len);
        assert_true(gw_str_equal((struct gw_str){copy, body.len}, cases[i].line));
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_attributes_have_the_names_of_the_table_and_belong_to_state_or_snapshot),
        cmocka_unit_test(test_an_order_fits_by_its_year_and_its_parity),
        cmocka_unit_test(test_line_breaks_of_a_payload_become_blanks_and_nothing_else_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
