/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever parses as a line must come back the same after being written again. */
#include "gw/line.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_str(struct gw_str a, struct gw_str b)
{
    if ((a.data == NULL) != (b.data == NULL) || !gw_str_equal(a, b))
        abort();
}

static void check_equal(const struct gw_write *a, const struct gw_write *b)
{
    if (a->action != b->action || a->order != b->order || a->received_at_ms != b->received_at_ms)
        abort();
    check_str(a->event_type, b->event_type);
    check_str(a->conversation_id, b->conversation_id);
    for (size_t i = 0; i < GW_FIELD_COUNT; i++)
        check_str(a->fields[i], b->fields[i]);
    check_str(a->payload, b->payload);
}

static void write_and_read(const struct gw_write *write, struct gw_arena *arena)
{
    struct gw_write again;
    struct gw_buffer out;

    gw_buffer_init(&out, (size_t)1 << 24);
    if (gw_line_append(write, &out) != 0 || out.data[out.len - 1] != '\n' ||
        gw_line_parse((struct gw_str){out.data, out.len - 1}, arena, &again) != 0)
        abort();
    check_equal(write, &again);
    gw_buffer_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str line = {(const char *)data, size};
    struct gw_arena arena = {0};
    struct gw_write write;

    if (gw_line_parse(line, &arena, &write) == 0)
        write_and_read(&write, &arena);
    gw_arena_deinit(&arena);
    return 0;
}
