/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each line is printed as it comes, so columns have the width that is usual and not one that was
 * measured; a longer cell pushes the rest. The first five fit into 80 columns. The colour is that
 * of the whole line, since what an operator looks for is which of them began and which ended.
 */
#include "tail.h"

#include "gw/table.h"
#include "gw/time.h"

#include <inttypes.h>
#include <stdlib.h>

#define EVENT_PREFIX "conversation:"

enum { GAP = 2 };

/* --- which --- */

static bool fits(const char *wanted, struct gw_str text)
{
    return !wanted || (text.data && gw_str_equal(gw_str(wanted), text));
}

bool gw_tail_takes(const struct gw_tail_filter *filter, const struct gw_write *write)
{
    return write->received_at_ms >= filter->since_ms && fits(filter->event, write->event_type) &&
           fits(filter->type, write->fields[GW_FIELD_TYPE]) &&
           fits(filter->status, write->fields[GW_FIELD_STATUS]) &&
           fits(filter->id, write->conversation_id);
}

bool gw_tail_since(const char *text, int64_t now_ms, int64_t *since_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
    size_t digits = strspn(text, "0123456789");

    for (size_t i = 0; digits > 0 && digits < 10 && i < GW_COUNT(units); i++)
        if (strcmp(text + digits, units[i].unit) == 0) {
            *since_ms = now_ms - strtoll(text, NULL, 10) * units[i].ms;
            return true;
        }
    /* Digits alone would be milliseconds since 1970, which nobody means. */
    return text[digits] != '\0' && gw_time_parse(gw_str(text), since_ms) == 0;
}

/* --- how --- */

/* The event's kind without what all of them begin with. */
static struct gw_str event_name(const struct gw_write *write)
{
    static const size_t prefix = sizeof(EVENT_PREFIX) - 1;
    struct gw_str event = write->event_type;

    if (event.len <= prefix || memcmp(event.data, EVENT_PREFIX, prefix) != 0)
        return event;
    return (struct gw_str){event.data + prefix, event.len - prefix};
}

static struct gw_str or_dash(struct gw_str text)
{
    return text.data ? text : GW_STR("-");
}

/* How long after its time stamp the event was stored; "-" where that cannot be read. */
static struct gw_str format_delay(const struct gw_write *write, char *text, size_t size)
{
    int64_t delay_ms = write->received_at_ms - write->order / GW_RANKS;
    int64_t delay_s = delay_ms / 1000;

    if (write->order < GW_RANKS)
        snprintf(text, size, "-");
    else if (llabs(delay_s) < 100)
        snprintf(text, size, "%+.1fs", (double)delay_ms / 1000);
    else if (llabs(delay_s) < 100 * 60)
        snprintf(text, size, "%+" PRId64 "m", delay_s / 60);
    else
        snprintf(text, size, "%+" PRId64 "h", delay_s / 3600);
    return gw_str(text);
}

/* On a terminal shorter: "11-23 12:00:00". */
static struct gw_str format_time(const struct gw_write *write, bool shortly,
                                 char text[static GW_TIME_TEXT_SIZE])
{
    gw_time_format(write->received_at_ms, text);
    if (!shortly)
        return gw_str(text);
    text[10] = ' ';
    return (struct gw_str){text + 5, 14};
}

struct cell {
    struct gw_str text;
    size_t width;
};

static void put_cells(FILE *out, const struct cell *cells, size_t count, size_t width)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        size_t taken =
            gw_table_put_text(out, cells[i].text, width == SIZE_MAX ? width : width - used);
        size_t blanks = (taken < cells[i].width ? cells[i].width - taken : 0) + GAP;

        used += taken;
        if (i + 1 < count && blanks < width - used) {
            fprintf(out, "%*s", (int)blanks, "");
            used += blanks;
        } else if (i + 1 < count) {
            used = width;
        }
    }
}

static const char *color_of(struct gw_str event)
{
    static const struct {
        struct gw_str event;
        const char *code;
    } colors[] = {{GW_STR("created"), "\033[32m"}, {GW_STR("ended"), "\033[36m"}};

    for (size_t i = 0; i < GW_COUNT(colors); i++)
        if (gw_str_equal(colors[i].event, event))
            return colors[i].code;
    return "";
}

void gw_tail_print(FILE *out, const struct gw_write *write, const struct gw_tail_look *look)
{
    char time[GW_TIME_TEXT_SIZE], delay[32];
    const struct gw_str event = event_name(write);
    const char *color = look->color ? color_of(event) : "";
    const struct cell cells[] = {
        {format_time(write, look->width > 0, time), 14},
        {event, 7},
        {or_dash(write->fields[GW_FIELD_TYPE]), 5},
        {or_dash(write->fields[GW_FIELD_STATUS]), 9},
        {write->conversation_id, 36},
        {format_delay(write, delay, sizeof(delay)), 6},
        {or_dash(write->fields[GW_FIELD_EXTERNAL_CONTACT_ID]), 0},
    };

    fputs(color, out);
    put_cells(out, cells, GW_COUNT(cells), look->width > 0 ? look->width : SIZE_MAX);
    fputs(*color ? "\033[0m\n" : "\n", out);
}
