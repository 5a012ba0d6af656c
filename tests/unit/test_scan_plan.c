/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/scanner.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* What a plan asks for and what a scan then finds; the grammar is test_scanner.c's. */

#define PATHS 6
static const char *const paths[PATHS] = {
    "id", "contact", "contact.id", "a.b.c", "\xc3\xa9\xf0\x9f\x98\x80/\t", "contact.name",
};

static void test_members_are_found_as_json_parse_finds_them(void **state)
{
    static const struct {
        const char *text;
        const char *found[PATHS]; /* as written; NULL: absent */
    } cases[] = {
        {"{}", {NULL}},
        {"[]", {NULL}},
        {"\"id\"", {NULL}},
        {"{\"id\":1}", {"1"}},
        {"{ \"id\" : \"x\\ny\" }", {"\"x\\ny\""}},
        {"{\"id\":\ttrue\r\n,\"x\":2}", {"true"}},
        {"{\"id\":false}", {"false"}},
        {"{\"id\":null}", {"null"}},
        {"{\"id\": [ 1, {\"id\":2} ] }", {"[ 1, {\"id\":2} ]"}},
        {"{\"id\": { \"id\":2 } }", {"{ \"id\":2 }"}},
        {"{\"ID\":1,\"i\":2,\"idd\":3,\"\":4}", {NULL}},
        {"{\"contact\":{\"id\":\"a\"}}", {NULL, "{\"id\":\"a\"}", "\"a\""}},
        {"{\"contact.id\":\"a\"}", {NULL}},
        {"{\"a\":{\"x\":0,\"b\":{\"c\":1,\"b\":2},\"c\":3}}", {[3] = "1"}},
        {"{\"a\":{\"c\":1},\"b\":{\"c\":2},\"c\":3}", {NULL}},

        /* deeper or beside: not on the path */
        {"[{\"id\":1}]", {NULL}},
        {"{\"x\":{\"id\":1}}", {NULL}},
        {"{\"x\":{\"contact\":{\"id\":1}}}", {NULL}},
        {"{\"contact\":[{\"id\":1}]}", {NULL, "[{\"id\":1}]"}},
        {"{\"contact\":{\"x\":{\"id\":1}}}", {NULL, "{\"x\":{\"id\":1}}"}},
        {"{\"contact\":{\"x\":[{\"id\":1}],\"id\":2}}",
         {NULL, "{\"x\":[{\"id\":1}],\"id\":2}", "2"}},
        {"{\"contact\":{},\"id\":1}", {"1", "{}"}},
        {"{\"a\":[{\"b\":{\"c\":1}}],\"id\":2}", {"2"}},
        {"{\"x\":\"id\",\"y\":[\"id\",1]}", {NULL}},

        /* the last of repeated names */
        {"{\"id\":1,\"id\":\"2\"}", {"\"2\""}},
        {"{\"id\":[1],\"id\":null,\"x\":0}", {"null"}},
        {"{\"contact\":{\"id\":\"a\"},\"contact\":{}}", {NULL, "{}"}},
        {"{\"contact\":{\"id\":1,\"name\":2},\"contact\":{}}", {NULL, "{}"}},
        {"{\"contact\":{\"id\":1},\"contact\":{\"name\":2}}", {NULL, "{\"name\":2}", [5] = "2"}},
        {"{\"contact\":{\"id\":\"a\"},\"contact\":null}", {NULL, "null"}},
        {"{\"contact\":{\"id\":\"a\"},\"contact\":[{\"id\":1}]}", {NULL, "[{\"id\":1}]"}},
        {"{\"contact\":{\"id\":\"a\"},\"contact\":\"id\"}", {NULL, "\"id\""}},
        {"{\"contact\":{\"id\":\"a\",\"id\":{}}}", {NULL, "{\"id\":\"a\",\"id\":{}}", "{}"}},
        {"{\"contact\":7,\"contact\":{\"id\":\"a\"}}", {NULL, "{\"id\":\"a\"}", "\"a\""}},
        {"{\"a\":{\"b\":{\"c\":1}},\"a\":{\"b\":{}}}", {NULL}},
        {"{\"a\":{\"b\":{\"c\":1},\"b\":2}}", {NULL}},
        {"{\"a\":{\"b\":{\"c\":1}},\"a\":0}", {NULL}},
        {"{\"a\":{\"b\":{\"c\":1}},\"a\":{\"b\":{\"c\":2}},\"x\":{\"b\":3}}", {[3] = "2"}},
        {"{\"a\":{\"b\":{\"c\":1},\"x\":{}},\"b\":{\"c\":3}}", {[3] = "1"}},

        /* names written with escapes */
        {"{\"\\u0069d\":1}", {"1"}},
        {"{\"\\u0069\\u0064\":1}", {"1"}},
        {"{\"id\":1,\"i\\u0064\":2}", {"2"}},
        {"{\"id\":1,\"i\\u0065\":2}", {"1"}},
        {"{\"id\\u0000\":1,\"i\\u0064d\":2,\"\\u0069\":3,\"\\\\id\":4,\"\\u0049d\":5}", {NULL}},
        {"{\"contact\\u002eid\":1}", {NULL}},
        {"{\"c\\u006Fntact\":{\"\\u0069\\u0064\":1}}", {NULL, "{\"\\u0069\\u0064\":1}", "1"}},
        {"{\"\xc3\xa9\xf0\x9f\x98\x80/\\t\":1}", {[4] = "1"}},
        {"{\"\\u00e9\\uD83D\\ude00\\/\\u0009\":1}", {[4] = "1"}},
        {"{\"\\u00E9\xf0\x9f\x98\x80\\u002F\\t\":1}", {[4] = "1"}},
        {"{\"\\u00e9\\ud83d\\ude01\\/\\t\":1}", {NULL}},
        {"{\"\\u00e9\\ud83d/\\t\":1,\"\\u00e9\\ude00\\ud83d/\\t\":1,\"\\ud83d\":1}", {NULL}},
        {"{\"\\u00e9\\ud83d\\u0041\\/\\t\":1,\"\\ud83d\\n23456\":1}", {NULL}},
        {"{\"\\u00c3\\u00a9\\ud83d\\ude00\\/\\t\":1}", {NULL}},
    };
    struct gw_scan_plan plan;
    size_t slots[PATHS];

    (void)state;
    gw_scan_plan_init(&plan);
    for (size_t i = 0; i < PATHS; i++)
        assert_int_equal(gw_scan_plan_add(&plan, gw_str(paths[i]), &slots[i]), 0);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_scan_result result;

        assert_int_equal(gw_scan(&plan, gw_str(cases[i].text), &result), 0);
        assert_true(gw_str_equal(result.root.text, gw_str(cases[i].text)));
        for (size_t p = 0; p < PATHS; p++) {
            const struct gw_json_value *value = &result.values[slots[p]];

            if (!gw_str_equal(value->text, gw_str(cases[i].found[p])))
                fail_msg("%s of %s: %.*s", paths[p], cases[i].text, (int)value->text.len,
                         value->text.data ? value->text.data : "");
            assert_int_equal(value->type == GW_JSON_ABSENT, cases[i].found[p] == NULL);
        }
    }
}

static void test_a_path_that_is_no_path_is_refused(void **state)
{
    static const struct {
        const char *path;
        int error;
    } cases[] = {
        {"", -EINVAL},
        {".", -EINVAL},
        {".a", -EINVAL},
        {"a.", -EINVAL},
        {"a..b", -EINVAL},
        {"1.2.3.4.5.6.7.8", 0},
        {"1.2.3.4.5.6.7.8.9", -ENOSPC},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_scan_plan plan;
        size_t slot;

        gw_scan_plan_init(&plan);
        assert_int_equal(gw_scan_plan_add(&plan, gw_str(cases[i].path), &slot), cases[i].error);
        assert_int_equal(plan.slot_count, cases[i].error == 0);
    }
}

static void test_the_longest_path_is_found(void **state)
{
    struct gw_scan_plan plan;
    struct gw_scan_result result;
    size_t slot;

    (void)state;
    gw_scan_plan_init(&plan);
    assert_int_equal(gw_scan_plan_add(&plan, GW_STR("1.2.3.4.5.6.7.8"), &slot), 0);
    assert_int_equal(gw_scan(&plan,
                             GW_STR("{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":"
                                    "{\"8\":{\"8\":[{}]}}}}}}}}}"),
                             &result),
                     0);
    assert_true(gw_str_equal(result.values[slot].text, GW_STR("{\"8\":[{}]}")));
}

static void test_a_path_asked_for_twice_has_one_slot(void **state)
{
    static const struct {
        const char *path;
        size_t slot;
    } cases[] = {{"a.b.c", 0}, {"a", 1},   {"a.b", 2}, {"a", 1},
                 {"a.b.c", 0}, {"b.c", 3}, {"a.b", 2}};
    struct gw_scan_plan plan;

    (void)state;
    gw_scan_plan_init(&plan);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        size_t slot = SIZE_MAX;

        assert_int_equal(gw_scan_plan_add(&plan, gw_str(cases[i].path), &slot), 0);
        assert_int_equal(slot, cases[i].slot);
    }
}

/* Adds "x<i>" with @tail until that fails. @return how many there was room for. */
static size_t fill(struct gw_scan_plan *plan, char (*names)[32], const char *tail)
{
    size_t slot, i = 0;
    int r;

    do {
        snprintf(names[i], sizeof(names[i]), "x%zu%s", i, tail);
        r = gw_scan_plan_add(plan, gw_str(names[i]), &slot);
    } while (r == 0 && ++i <= GW_SCAN_NODES);
    assert_int_equal(r, -ENOSPC);
    return i;
}

static void test_a_full_plan_takes_no_more_and_stays_as_it_was(void **state)
{
    char names[GW_SCAN_NODES + 1][32];
    struct gw_scan_plan plan;
    struct gw_scan_result result;
    size_t slot;

    (void)state;
    gw_scan_plan_init(&plan);
    assert_int_equal(fill(&plan, names, ""), GW_SCAN_SLOTS);

    gw_scan_plan_init(&plan);
    assert_int_equal(fill(&plan, names, ".y.z"), (GW_SCAN_NODES - 1) / 3);
    assert_int_equal(gw_scan_plan_add(&plan, GW_STR("x0.y.z"), &slot), 0);
    assert_int_equal(slot, 0);
    assert_int_equal(gw_scan_plan_add(&plan, GW_STR("x0.y.v"), &slot), 0);
    assert_int_equal(gw_scan_plan_add(&plan, GW_STR("x1.w"), &slot), 0);
    assert_int_equal(gw_scan_plan_add(&plan, GW_STR("x2.w"), &slot), -ENOSPC);
    assert_int_equal(gw_scan_plan_add(&plan, GW_STR("x14.y"), &slot), 0);
    assert_int_equal(gw_scan(&plan, GW_STR("{\"x14\":{\"y\":{\"z\":5}}}"), &result), 0);
    assert_true(gw_str_equal(result.values[14].text, GW_STR("5")));
    assert_true(gw_str_equal(result.values[slot].text, GW_STR("{\"z\":5}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_found_as_json_parse_finds_them),
        cmocka_unit_test(test_a_path_that_is_no_path_is_refused),
        cmocka_unit_test(test_the_longest_path_is_found),
        cmocka_unit_test(test_a_path_asked_for_twice_has_one_slot),
        cmocka_unit_test(test_a_full_plan_takes_no_more_and_stays_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
