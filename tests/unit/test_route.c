/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/route.h"

#include "gw/time.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOON INT64_C(1795435200000) /* 2026-11-23T12:00:00Z */
#define TIME "\"timestamp\":\"2026-11-23T12:00:00Z\""

static struct gw_route_table table;
static struct gw_arena arena;
static struct gw_write write;
static struct gw_route_notes notes;

static int set_up(void **state)
{
    (void)state;
    return gw_route_table_init(&table, gw_routes_builtin, gw_routes_builtin_count);
}

static int tear_down(void **state)
{
    (void)state;
    gw_arena_deinit(&arena);
    return 0;
}

static int route(struct gw_str body)
{
    struct gw_scan_result scan;

    if (gw_scan(&table.plan, body, &scan) != 0)
        fail_msg("%.*s: not JSON", (int)body.len, body.data);
    write = (struct gw_write){.order = -42};
    notes = (struct gw_route_notes){"left from before", true, true};
    return gw_route_write(&table, &scan, body, NOON, &arena, &write, &notes);
}

#define ABSENT                                                                                     \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define LITERAL(text)                                                                              \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
#define FIELDS(type, status, timestamp, contact)                                                   \
    {                                                                                              \
        [GW_FIELD_TYPE] = type, [GW_FIELD_STATUS] = status, [GW_FIELD_TIMESTAMP] = timestamp,      \
        [GW_FIELD_EXTERNAL_CONTACT_ID] = contact                                                   \
    }
#define NOON_TEXT LITERAL("2026-11-23T12:00:00Z")
#define UNKNOWN LITERAL("unknown")

struct stored {
    struct gw_str body;
    enum gw_action action;
    int64_t order;
    struct gw_str event_type, id, fields[GW_FIELD_COUNT];
};

static bool same(struct gw_str a, struct gw_str b)
{
    return !a.data == !b.data && gw_str_equal(a, b);
}

static void check_stored(const struct stored *expected)
{
    const char *text = expected->body.data;
    int r = route(expected->body);

    if (r != 0)
        fail_msg("%s: %d, %s", text, r, notes.reason ? notes.reason : "-");
    assert_int_equal(write.action, expected->action);
    assert_int_equal(write.order, expected->order);
    assert_int_equal(write.received_at_ms, NOON);
    assert_true(same(write.payload, expected->body));
    assert_true(same(write.event_type, expected->event_type));
    assert_null(notes.reason);
    if (!same(write.conversation_id, expected->id))
        fail_msg("%s: conversation_id", text);
    for (enum gw_field i = 0; i < GW_FIELD_COUNT; i++) {
        if (!same(write.fields[i], expected->fields[i]))
            fail_msg("%s: %s is %.*s", text, gw_field_name(i), (int)write.fields[i].len,
                     write.fields[i].data);
    }
}

#define CREATED "\"event_type\":\"conversation:created\","
#define UPDATED "\"event_type\":\"conversation:updated\","
#define ENDED "\"event_type\":\"conversation:ended\","
#define ID "\"conversation_id\":\"c-1\","

static void test_each_event_becomes_the_write_of_its_route(void **state)
{
    static const struct stored cases[] = {
        {LITERAL("{" CREATED ID TIME ",\"type\":\"voice\",\"external_contact\":{\"id\":\"e-1\"}}"),
         GW_ACTION_PUT, NOON * 16 + 4, LITERAL("conversation:created"), LITERAL("c-1"),
         FIELDS(LITERAL("voice"), LITERAL("active"), NOON_TEXT, LITERAL("e-1"))},
        {LITERAL("{" UPDATED ID TIME ",\"state\":\"connected\",\"type\":\"voice\","
                 "\"external_contact\":{\"id\":\"e-1\"}}"),
         GW_ACTION_UPDATE, NOON * 16 + 5, LITERAL("conversation:updated"), LITERAL("c-1"),
         FIELDS(ABSENT, LITERAL("connected"), NOON_TEXT, ABSENT)},
        {LITERAL("{" ENDED ID TIME ",\"type\":\"chat\",\"external_contact\":{\"id\":\"e-1\"}}"),
         GW_ACTION_PUT, NOON * 16 + 8, LITERAL("conversation:ended"), LITERAL("c-1"),
         FIELDS(LITERAL("chat"), LITERAL("ended"), NOON_TEXT, LITERAL("e-1"))},
        /* what is empty but there */
        {LITERAL("{" CREATED ID "\"timestamp\":\"\",\"type\":\"\"}"), GW_ACTION_PUT, 4,
         LITERAL("conversation:created"), LITERAL("c-1"),
         FIELDS(LITERAL(""), LITERAL("active"), LITERAL(""), UNKNOWN)},
        /* what an update does not need, of any type */
        {LITERAL("{" UPDATED ID TIME ",\"type\":1,\"external_contact\":{\"id\":[2]}}"),
         GW_ACTION_UPDATE, NOON * 16 + 5, LITERAL("conversation:updated"), LITERAL("c-1"),
         FIELDS(ABSENT, UNKNOWN, NOON_TEXT, ABSENT)},
        {LITERAL("{" CREATED ID TIME ",\"type\":\"voice\",\"state\":{\"a\":\"\\ud800\"}}"),
         GW_ACTION_PUT, NOON * 16 + 4, LITERAL("conversation:created"), LITERAL("c-1"),
         FIELDS(LITERAL("voice"), LITERAL("active"), NOON_TEXT, UNKNOWN)},
        /* escapes and U+0000, in names too; the event's type as well */
        {LITERAL("{\"event_t\\u0079pe\":\"conversation\\u003acreated\","
                 "\"conversation_id\":\"\\u0063\\u0000\\ud83d\\ude00\"," TIME
                 ",\"type\":\"\\/\\n\",\"external\\u005fcontact\":{\"\\u0069d\":\"\\u00e9\"}}"),
         GW_ACTION_PUT, NOON * 16 + 4, LITERAL("conversation:created"),
         LITERAL("c\0\xf0\x9f\x98\x80"),
         FIELDS(LITERAL("/\n"), LITERAL("active"), NOON_TEXT, LITERAL("\xc3\xa9"))},
        /* of repeated names the last counts */
        {LITERAL("{\"event_type\":\"x\"," UPDATED ID "\"conversation_id\":\"c-2\"," TIME
                 ",\"state\":[],\"state\":\"b\"}"),
         GW_ACTION_UPDATE, NOON * 16 + 5, LITERAL("conversation:updated"), LITERAL("c-2"),
         FIELDS(ABSENT, LITERAL("b"), NOON_TEXT, ABSENT)},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        check_stored(&cases[i]);
}

static void test_what_javascript_takes_for_false_becomes_unknown(void **state)
{
    static const char *const falsy[] = {"null", "false", "0", "-0", "0.0", "0e9", "1e-999", "\"\""};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(falsy); i++) {
        char body[256];

        snprintf(body, sizeof body, "{" UPDATED ID TIME ",\"state\":%s}", falsy[i]);
        assert_int_equal(route(gw_str(body)), 0);
        assert_true(gw_str_equal(write.fields[GW_FIELD_STATUS], GW_STR("unknown")));
        snprintf(body, sizeof body,
                 "{" ENDED ID TIME ",\"type\":\"t\",\"external_contact\":{\"id\":%s}}", falsy[i]);
        assert_int_equal(route(gw_str(body)), 0);
        assert_true(gw_str_equal(write.fields[GW_FIELD_EXTERNAL_CONTACT_ID], GW_STR("unknown")));
    }
}

static void test_an_external_contact_that_has_no_id_is_unknown(void **state)
{
    static const char *const contacts[] = {"null",
                                           "{}",
                                           "[]",
                                           "\"id\"",
                                           "7",
                                           "[{\"id\":\"x\"}]",
                                           "{\"ID\":\"x\"}",
                                           "{\"a\":{\"id\":\"x\"}}",
                                           "{\"id\":\"x\"},\"external_contact\":{}"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(contacts); i++) {
        char body[256];

        snprintf(body, sizeof body, "{" ENDED ID TIME ",\"type\":\"t\",\"external_contact\":%s}",
                 contacts[i]);
        assert_int_equal(route(gw_str(body)), 0);
        if (!gw_str_equal(write.fields[GW_FIELD_EXTERNAL_CONTACT_ID], GW_STR("unknown")))
            fail_msg("%s", contacts[i]);
    }
}

static void test_what_no_route_handles_is_skipped(void **state)
{
    static const char *const cases[] = {
        "{}",
        "[]",
        "7",
        "true",
        "\"conversation:created\"",
        "[{" CREATED ID TIME ",\"type\":\"t\"}]",
        "{" ID TIME "}",
        "{\"event_type\":null," ID TIME "}",
        "{\"event_type\":[\"conversation:created\"]}",
        "{\"event_type\":{\"event_type\":\"conversation:created\"}}",
        "{\"event_type\":\"\"}",
        "{\"event_type\":\"conversation:create\"}",
        "{\"event_type\":\"conversation:created \"}",
        "{\"event_type\":\"conversation:created\\u0000\"}",
        "{\"event_type\":\"Conversation:Created\"}",
        "{\"event_type\":\"conversation:transferred\",\"conversation_id\":7}",
        "{\"event_type\":\"conversation:created\\ud800\"}",
        "{\"Event_Type\":\"conversation:created\"}",
        "{\"a\":{" CREATED ID TIME ",\"type\":\"t\"}}",
        "{" CREATED ID TIME ",\"type\":\"t\",\"event_type\":null}",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        int r = route(gw_str(cases[i]));

        if (r != GW_ROUTE_SKIPPED)
            fail_msg("%s: %d", cases[i], r);
        assert_null(notes.reason);
        assert_int_equal(write.order, -42);
    }
}

static void test_a_bare_null_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(route(GW_STR("null")), GW_ROUTE_NULL);
    assert_int_equal(route(GW_STR(" null\t")), GW_ROUTE_NULL);
    assert_int_equal(route(GW_STR("[null]")), GW_ROUTE_SKIPPED);
}

#define NO_ID "conversation_id is missing or not a string of 1 to 2048 bytes"
#define NO_TIME "timestamp is missing or not a string"
#define NO_TYPE "the value for type is not a string"
#define SURROGATE " holds a lone surrogate, which UTF-8 has no form for"

static void test_an_event_that_makes_no_record_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
        {"{" CREATED TIME ",\"type\":\"t\"}", NO_ID},
        {"{" UPDATED TIME "}", NO_ID},
        {"{" ENDED TIME ",\"type\":\"t\"}", NO_ID},
        {"{" UPDATED TIME ",\"conversation_id\":null}", NO_ID},
        {"{" UPDATED TIME ",\"conversation_id\":7}", NO_ID},
        {"{" UPDATED TIME ",\"conversation_id\":[\"c\"]}", NO_ID},
        {"{" UPDATED TIME ",\"conversation_id\":\"\"}", NO_ID},
        {"{" UPDATED TIME "," ID "\"conversation_id\":false}", NO_ID},
        {"{" UPDATED TIME ",\"conversation_id\":\"a\\udc00\"}", "conversation_id" SURROGATE},
        {"{" CREATED ID "\"type\":\"t\"}", NO_TIME},
        {"{" UPDATED ID "\"timestamp\":1795435200000}", NO_TIME},
        {"{" ENDED ID "\"timestamp\":null,\"type\":\"t\"}", NO_TIME},
        {"{" UPDATED ID "\"timestamp\":\"\\ud800\"}", "timestamp" SURROGATE},
        {"{" CREATED ID TIME "}", NO_TYPE},
        {"{" ENDED ID TIME "}", NO_TYPE},
        {"{" CREATED ID TIME ",\"type\":null}", NO_TYPE},
        {"{" CREATED ID TIME ",\"type\":false}", NO_TYPE},
        {"{" ENDED ID TIME ",\"type\":{}}", NO_TYPE},
        {"{" ENDED ID TIME ",\"type\":\"\\ud800\\u0041\"}", "the value for type" SURROGATE},
        {"{" UPDATED ID TIME ",\"state\":1}", "the value for status is not a string"},
        {"{" UPDATED ID TIME ",\"state\":true}", "the value for status is not a string"},
        {"{" UPDATED ID TIME ",\"state\":[]}", "the value for status is not a string"},
        {"{" UPDATED ID TIME ",\"state\":\"\\udfff\\ud800\"}", "the value for status" SURROGATE},
        {"{" CREATED ID TIME ",\"type\":\"t\",\"external_contact\":{\"id\":{}}}",
         "the value for externalContactId is not a string"},
        {"{" ENDED ID TIME ",\"type\":\"t\",\"external_contact\":{\"id\":1e-300}}",
         "the value for externalContactId is not a string"},
        {"{" CREATED ID TIME ",\"type\":\"t\",\"external_contact\":{\"id\":\"\\ud800\"}}",
         "the value for externalContactId" SURROGATE},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        int r = route(gw_str(cases[i].body));

        if (r != GW_ROUTE_REFUSED)
            fail_msg("%s: %d", cases[i].body, r);
        assert_string_equal(notes.reason, cases[i].reason);
        assert_int_equal(write.order, -42);
    }
}

/* The id is @count times @unit, which is written so and decodes to @decoded bytes. */
static int route_id_of(const char *unit, size_t count)
{
    static char body[1 << 15];
    size_t len = (size_t)snprintf(body, sizeof body, "{" UPDATED TIME ",\"conversation_id\":\"");

    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(body + len, sizeof body - len, "%s", unit);
    len += (size_t)snprintf(body + len, sizeof body - len, "\"}");
    assert_true(len < sizeof body);
    return route((struct gw_str){body, len});
}

static void test_an_id_is_measured_in_bytes_once_it_is_decoded(void **state)
{
    static const struct {
        const char *unit;
        size_t longest;
    } cases[] = {{"a", 2048},
                 {"\\u0061", 2048},
                 {"\xc3\xa9", 1024},
                 {"\\u00e9", 1024},
                 {"\\ud83d\\ude00", 512}};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_int_equal(route_id_of(cases[i].unit, 1), 0);
        assert_int_equal(route_id_of(cases[i].unit, cases[i].longest), 0);
        assert_int_equal(write.conversation_id.len, 2048);
        assert_int_equal(route_id_of(cases[i].unit, cases[i].longest + 1), GW_ROUTE_REFUSED);
        assert_string_equal(notes.reason, NO_ID);
    }
}

static void test_times_that_cannot_be_read_or_lie_ahead_are_noted(void **state)
{
    static const struct {
        const char *timestamp;
        bool malformed, ahead;
        int64_t time_ms;
    } cases[] = {
        {"2026-11-23T12:00:00Z", false, false, NOON},
        {"2026-11-23T12:00:00.1239+00:00", false, false, NOON + 123},
        {"1795435200000", false, false, NOON},
        {"2026-11-24T12:00:00Z", false, false, NOON + 86400000},
        {"2026-11-24T12:00:00.001Z", false, true, NOON + 86400001},
        {"9999-12-31T23:59:59.999Z", false, true, GW_TIME_MAX_MS},
        {"0000-01-01T00:00:00Z", false, false, GW_TIME_MIN_MS},
        {"2026-11-23T12:00:00\\u005a", false, false, NOON},
        {"2026-02-30", true, false, 0},
        {"yesterday", true, false, 0},
        {"", true, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char body[256];

        snprintf(body, sizeof body, "{" UPDATED ID "\"timestamp\":\"%s\"}", cases[i].timestamp);
        assert_int_equal(route(gw_str(body)), 0);
        assert_int_equal(write.order, cases[i].time_ms * 16 + 5);
        assert_int_equal(notes.timestamp_malformed, cases[i].malformed);
        assert_int_equal(notes.timestamp_ahead, cases[i].ahead);
    }
}

#define STATE_FIELDS                                                                               \
    [GW_FIELD_STATUS] = {.path = "s", .constant = "u"}, [GW_FIELD_TIMESTAMP] = {.path = "timestam" \
                                                                                        "p"}

static void test_a_route_that_cannot_converge_is_refused(void **state)
{
    static const struct {
        struct gw_route route;
        int result;
    } cases[] = {
        {{"e", GW_ACTION_PUT, 2, {STATE_FIELDS}}, 0},
        {{"e", GW_ACTION_UPDATE, 3, {STATE_FIELDS}}, 0},
        {{"e", GW_ACTION_PUT, 3, {STATE_FIELDS}}, -EINVAL},
        {{"e", GW_ACTION_UPDATE, 2, {STATE_FIELDS}}, -EINVAL},
        {{"e", GW_ACTION_PUT, 16, {STATE_FIELDS}}, -EINVAL},
        {{"e", GW_ACTION_PUT, -2, {STATE_FIELDS}}, -EINVAL},
        {{"e", GW_ACTION_UPDATE, 3, {[GW_FIELD_STATUS] = {.path = "s"}}}, -EINVAL},
        {{"e", GW_ACTION_PUT, 2, {[GW_FIELD_TIMESTAMP] = {.path = "timestamp"}}}, -EINVAL},
        {{"e", GW_ACTION_UPDATE, 3, {STATE_FIELDS, [GW_FIELD_TYPE] = {.path = "type"}}}, -EINVAL},
        {{"e", GW_ACTION_PUT, 2, {STATE_FIELDS, [GW_FIELD_TYPE] = {.path = "a..b"}}}, -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_route_table made;

        assert_int_equal(gw_route_table_init(&made, &cases[i].route, 1), cases[i].result);
    }
}

static void test_a_table_takes_so_many_routes(void **state)
{
    struct gw_route routes[GW_ROUTES_MAX + 1];
    struct gw_route_table made;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(routes); i++)
        routes[i] = gw_routes_builtin[0];
    assert_int_equal(gw_route_table_init(&made, routes, GW_ROUTES_MAX), 0);
    assert_int_equal(gw_route_table_init(&made, routes, GW_ROUTES_MAX + 1), -ENOSPC);
}

static void test_line_breaks_become_blanks_and_nothing_else_changes(void **state)
{
    static const struct {
        const char *body, *line;
    } cases[] = {
        {"{}", "{}"},
        {"\n", " "},
        {"\r\n{\n\n \"a\": 1\r}\n", "  {   \"a\": 1 } "},
        {"{\t\"a\\n\\r\":\v\f1}", "{\t\"a\\n\\r\":\v\f1}"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char body[64];
        size_t len = strlen(cases[i].body);

        memcpy(body, cases[i].body, len);
        body[len] = '\n'; /* behind it nothing is touched */
        gw_payload_to_one_line(body, len);
        assert_memory_equal(body, cases[i].line, len);
        assert_int_equal(body[len], '\n');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_event_becomes_the_write_of_its_route),
        cmocka_unit_test(test_what_javascript_takes_for_false_becomes_unknown),
        cmocka_unit_test(test_an_external_contact_that_has_no_id_is_unknown),
        cmocka_unit_test(test_what_no_route_handles_is_skipped),
        cmocka_unit_test(test_a_bare_null_is_told_apart),
        cmocka_unit_test(test_an_event_that_makes_no_record_is_refused_with_the_reason),
        cmocka_unit_test(test_an_id_is_measured_in_bytes_once_it_is_decoded),
        cmocka_unit_test(test_times_that_cannot_be_read_or_lie_ahead_are_noted),
        cmocka_unit_test(test_a_route_that_cannot_converge_is_refused),
        cmocka_unit_test(test_a_table_takes_so_many_routes),
        cmocka_unit_test(test_line_breaks_become_blanks_and_nothing_else_changes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
