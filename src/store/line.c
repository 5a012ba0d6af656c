/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload comes last so that a reader finds it without trusting anything but the line's two
 * ends: it is what lies between `"payload":` and the final brace, blanks included, and so the same
 * bytes that came over the wire go into every later store. One scan with one plan finds all the
 * members; the plan is built at the first use.
 */
#include "gw/line.h"

#include "gw/event.h"
#include "gw/scanner.h"
#include "gw/time.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

static const struct gw_str actions[] = {
    [GW_ACTION_PUT] = GW_STR("put"),
    [GW_ACTION_UPDATE] = GW_STR("update"),
};

static int append_head(const struct gw_write *write, struct gw_buffer *out)
{
    char received_at[GW_TIME_TEXT_SIZE];
    const struct gw_str before[] = {GW_STR("{\"receivedAt\":\""),
                                    {received_at, GW_TIME_TEXT_SIZE - 1},
                                    GW_STR("\",\"eventType\":")};
    const struct gw_str after[] = {GW_STR(",\"action\":\""), actions[write->action],
                                   GW_STR("\",\"eventOrder\":")};
    int result;

    gw_time_format(write->received_at_ms, received_at);
    result = gw_buffer_append_all(out, before, GW_COUNT(before));
    if (!result)
        result = gw_buffer_append_json(out, write->event_type);
    if (!result)
        result = gw_buffer_append_all(out, after, GW_COUNT(after));
    if (!result)
        result = gw_buffer_append_number(out, write->order);
    return result;
}

static int append_field(const struct gw_write *write, enum gw_field field, struct gw_buffer *out)
{
    const struct gw_str name[] = {GW_STR(",\""), gw_str(gw_field_name(field)), GW_STR("\":")};
    int result;

    if (!write->fields[field].data)
        return 0;
    result = gw_buffer_append_all(out, name, GW_COUNT(name));
    if (!result)
        result = gw_buffer_append_json(out, write->fields[field]);
    return result;
}

static int append_item(const struct gw_write *write, struct gw_buffer *out)
{
    int result = gw_buffer_append(out, GW_STR(",\"item\":{\"conversationId\":"));

    if (!result)
        result = gw_buffer_append_json(out, write->conversation_id);
    for (enum gw_field field = 0; !result && field < GW_FIELD_COUNT; field++)
        result = append_field(write, field, out);
    return result;
}

static int append_payload(const struct gw_write *write, struct gw_buffer *out)
{
    const struct gw_str parts[] = {GW_STR("},\"payload\":"), write->payload, GW_STR("}\n")};

    return gw_buffer_append_all(out, parts, GW_COUNT(parts));
}

int gw_line_append(const struct gw_write *write, struct gw_buffer *out)
{
    size_t before = out->len;
    int result = append_head(write, out);

    if (!result)
        result = append_item(write, out);
    if (!result)
        result = append_payload(write, out);
    if (result)
        out->len = before;
    return result;
}

enum member {
    RECEIVED_AT,
    EVENT_TYPE,
    ACTION,
    EVENT_ORDER,
    CONVERSATION_ID,
    PAYLOAD,
    FIELDS, /* GW_FIELD_COUNT of them, in their order */
    MEMBER_COUNT = FIELDS + GW_FIELD_COUNT
};

static const struct gw_str members[MEMBER_COUNT] = {
    [RECEIVED_AT] = GW_STR("receivedAt"),
    [EVENT_TYPE] = GW_STR("eventType"),
    [ACTION] = GW_STR("action"),
    [EVENT_ORDER] = GW_STR("eventOrder"),
    [CONVERSATION_ID] = GW_STR("item.conversationId"),
    [PAYLOAD] = GW_STR("payload"),
    [FIELDS + GW_FIELD_TYPE] = GW_STR("item.type"),
    [FIELDS + GW_FIELD_STATUS] = GW_STR("item.status"),
    [FIELDS + GW_FIELD_TIMESTAMP] = GW_STR("item.timestamp"),
    [FIELDS + GW_FIELD_EXTERNAL_CONTACT_ID] = GW_STR("item.externalContactId"),
};

static pthread_once_t plan_once = PTHREAD_ONCE_INIT;
static struct gw_scan_plan plan;
static size_t slots[MEMBER_COUNT];

static void build_plan(void)
{
    gw_scan_plan_init(&plan);
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        int result = gw_scan_plan_add(&plan, members[i], &slots[i]);

        assert(result == 0);
        (void)result;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool gw_line_is_blank(struct gw_str line)
{
    size_t i = 0;

    while (i < line.len && is_blank(line.data[i]))
        i++;
    return i == line.len;
}

static int read_string(const struct gw_json_value *value, struct gw_arena *arena,
                       struct gw_str *text)
{
    int result = gw_event_string(value, arena, text);

    return result > 0 ? GW_LINE_MALFORMED : result;
}

static int read_received_at(const struct gw_json_value *value, struct gw_arena *arena,
                            int64_t *received_at_ms)
{
    struct gw_str text;
    int result = read_string(value, arena, &text);

    if (!result && gw_time_parse(text, received_at_ms) != 0)
        result = GW_LINE_MALFORMED;
    return result;
}

static int read_action(const struct gw_json_value *value, struct gw_arena *arena,
                       enum gw_action *action)
{
    struct gw_str text;
    int result = read_string(value, arena, &text);

    if (result)
        return result;
    for (size_t i = 0; i < GW_COUNT(actions); i++) {
        if (gw_str_equal(text, actions[i])) {
            *action = (enum gw_action)i;
            return 0;
        }
    }
    return GW_LINE_MALFORMED;
}

/* Whole numbers only: a double would lose the rank of an order. */
static int read_order(const struct gw_json_value *value, int64_t *order)
{
    char digits[24];
    char *end;
    intmax_t number;

    if (value->type != GW_JSON_NUMBER || value->text.len >= sizeof(digits))
        return GW_LINE_MALFORMED;
    memcpy(digits, value->text.data, value->text.len);
    digits[value->text.len] = '\0';
    errno = 0;
    number = strtoimax(digits, &end, 10);
    if (*end != '\0' || errno != 0)
        return GW_LINE_MALFORMED;
    *order = number;
    return 0;
}

static int read_fields(const struct gw_scan_result *scan, struct gw_arena *arena,
                       struct gw_str fields[GW_FIELD_COUNT])
{
    int result = 0;

    for (size_t i = 0; !result && i < GW_FIELD_COUNT; i++) {
        const struct gw_json_value *value = &scan->values[slots[FIELDS + i]];

        fields[i] = (struct gw_str){0};
        if (value->type != GW_JSON_ABSENT)
            result = read_string(value, arena, &fields[i]);
    }
    return result;
}

/* The scan's slice has no blanks around it, the payload may: it reaches from its colon to the
 * line's last brace. */
static int read_payload(const struct gw_json_value *value, struct gw_str line,
                        struct gw_str *payload)
{
    const char *from = value->text.data;
    const char *last = line.data + line.len - 1;
    const char *end;

    if (value->type == GW_JSON_ABSENT || *last != '}')
        return GW_LINE_MALFORMED;
    end = from + value->text.len;
    if (!gw_line_is_blank((struct gw_str){end, (size_t)(last - end)}))
        return GW_LINE_MALFORMED;
    while (is_blank(from[-1]))
        from--;
    *payload = (struct gw_str){from, (size_t)(last - from)};
    return 0;
}

static int read_members(const struct gw_scan_result *scan, struct gw_str line,
                        struct gw_arena *arena, struct gw_write *write)
{
    const struct gw_json_value *values = scan->values;
    int result = read_received_at(&values[slots[RECEIVED_AT]], arena, &write->received_at_ms);

    if (!result)
        result = read_string(&values[slots[EVENT_TYPE]], arena, &write->event_type);
    if (!result)
        result = read_action(&values[slots[ACTION]], arena, &write->action);
    if (!result)
        result = read_order(&values[slots[EVENT_ORDER]], &write->order);
    if (!result && !gw_write_order_fits(write->order, write->action))
        result = GW_LINE_MALFORMED;
    if (!result)
        result = read_string(&values[slots[CONVERSATION_ID]], arena, &write->conversation_id);
    if (!result && write->conversation_id.len == 0)
        result = GW_LINE_MALFORMED;
    if (!result)
        result = read_fields(scan, arena, write->fields);
    if (!result)
        result = read_payload(&values[slots[PAYLOAD]], line, &write->payload);
    return result;
}

int gw_line_parse(struct gw_str line, struct gw_arena *arena, struct gw_write *write)
{
    struct gw_scan_result scan;
    struct gw_write parsed = {0};
    int result;

    if (gw_line_is_blank(line))
        return GW_LINE_BLANK;
    pthread_once(&plan_once, build_plan);
    result = gw_scan(&plan, line, &scan);
    if (result)
        return result > 0 ? GW_LINE_MALFORMED : result;
    result = read_members(&scan, line, arena, &parsed);
    if (!result)
        *write = parsed;
    return result;
}
