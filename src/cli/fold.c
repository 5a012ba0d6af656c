/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry a conversation in libc's balanced tree. A record's strings stand in two blocks, because
 * gw_record_apply replaces them in two groups: an update copies a status and a time stamp, never
 * the payload.
 */
#include "gw/fold.h"

#include "gw/line.h"
#include "gw/lines.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

struct folded {
    struct gw_record record;
    char *state, *snapshot; /* own what the record's strings point to */
    char id[];
};

void gw_fold_init(struct gw_fold *fold, struct gw_str only)
{
    *fold = (struct gw_fold){.only = only};
}

static void free_entry(void *node)
{
    struct folded *entry = node;

    free(entry->state);
    free(entry->snapshot);
    free(entry);
}

void gw_fold_deinit(struct gw_fold *fold)
{
    tdestroy(fold->records, free_entry);
    *fold = (struct gw_fold){0};
}

static int by_id(const void *a, const void *b)
{
    return gw_str_compare(((const struct folded *)a)->record.conversation_id,
                          ((const struct folded *)b)->record.conversation_id);
}

static struct folded *new_entry(struct gw_str id)
{
    struct folded *entry = malloc(sizeof(*entry) + id.len);

    if (!entry)
        return NULL;
    *entry = (struct folded){0};
    gw_record_init(&entry->record);
    memcpy(entry->id, id.data, id.len);
    entry->record.conversation_id = (struct gw_str){entry->id, id.len};
    return entry;
}

/* @return NULL where there is no memory. */
static struct folded *find_or_add(struct gw_fold *fold, struct gw_str id)
{
    struct folded key = {.record.conversation_id = id}, *entry;
    void *node = tfind(&key, &fold->records, by_id);

    if (node)
        return *(struct folded **)node;
    entry = new_entry(id);
    if (!entry)
        return NULL;
    if (!tsearch(entry, &fold->records, by_id)) {
        free_entry(entry);
        return NULL;
    }
    fold->count++;
    return entry;
}

/* Moves a borrowed string into the block at *at; an absent one stays absent. */
static void own(struct gw_str *text, char **at)
{
    if (!text->data)
        return;
    memcpy(*at, text->data, text->len);
    text->data = *at;
    *at += text->len;
}

/* Copies the snapshot's or the state's strings of @record into one new block. */
static char *own_group(struct gw_record *record, bool snapshot)
{
    size_t size = snapshot ? record->payload.len : 0;
    char *block, *at;

    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++)
        if (gw_field_is_snapshot(field) == snapshot)
            size += record->fields[field].len;
    at = block = malloc(size + 1); /* empty strings need an address too */
    if (!block)
        return NULL;
    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++)
        if (gw_field_is_snapshot(field) == snapshot)
            own(&record->fields[field], &at);
    if (snapshot)
        own(&record->payload, &at);
    return block;
}

static void replace(char **block, char *by)
{
    if (!by)
        return;
    free(*block);
    *block = by;
}

/* The next record borrows from the write, so it counts only once all that is new was copied. */
static int apply(struct folded *entry, const struct gw_write *write)
{
    struct gw_record next = entry->record;
    unsigned applied = gw_record_apply(&next, write);
    bool has_state = applied & GW_APPLIED_STATE, has_snapshot = applied & GW_APPLIED_SNAPSHOT;
    char *state = has_state ? own_group(&next, false) : NULL;
    char *snapshot = has_snapshot ? own_group(&next, true) : NULL;

    if ((has_state && !state) || (has_snapshot && !snapshot)) {
        free(state);
        free(snapshot);
        return -ENOMEM;
    }
    replace(&entry->state, state);
    replace(&entry->snapshot, snapshot);
    next.conversation_id = entry->record.conversation_id;
    entry->record = next;
    return 0;
}

static int apply_to_its_record(struct gw_fold *fold, const struct gw_write *write)
{
    struct folded *entry;

    if (fold->only.data && !gw_str_equal(fold->only, write->conversation_id))
        return 0;
    entry = find_or_add(fold, write->conversation_id);
    return entry ? apply(entry, write) : -ENOMEM;
}

int gw_fold_line(struct gw_fold *fold, struct gw_str line)
{
    struct gw_arena arena = {0};
    struct gw_write write;
    int r = gw_line_parse(line, &arena, &write);

    if (r == 0)
        r = apply_to_its_record(fold, &write);
    else if (r == GW_LINE_BLANK)
        r = 0;
    else if (r > 0)
        r = GW_FOLD_SKIPPED;
    gw_arena_deinit(&arena);
    return r;
}

static void skip(struct gw_fold_skips *skips, size_t number)
{
    if (skips->count++ == 0)
        skips->first = number;
}

/* @return 0 to go on, GW_LINES_END at the end, or -errno. */
static int fold_next(struct gw_fold *fold, struct gw_lines *lines, struct gw_fold_skips *skips)
{
    struct gw_str line;
    int r = gw_lines_next(lines, &line);

    switch (r) {
    case 0:
        r = gw_fold_line(fold, line);
        if (r == GW_FOLD_SKIPPED)
            skip(skips, lines->number);
        return r < 0 ? r : 0;
    case GW_LINES_TOO_LONG:
        skip(skips, lines->number);
        return 0;
    case GW_LINES_UNFINISHED:
        return 0;
    case GW_LINES_CORRUPT:
        return -EBADMSG;
    default:
        return r;
    }
}

int gw_fold_file(struct gw_fold *fold, const char *path, size_t max_line_bytes,
                 struct gw_fold_skips *skips)
{
    struct gw_lines lines;
    int r = gw_lines_open(&lines, path, max_line_bytes);

    *skips = (struct gw_fold_skips){0};
    if (r < 0)
        return r;
    do
        r = fold_next(fold, &lines, skips);
    while (r == 0);
    gw_lines_close(&lines);
    return r == GW_LINES_END ? 0 : r;
}

struct visitor {
    void (*visit)(const struct gw_record *record, void *context);
    void *context;
};

static void visit_node(const void *node, VISIT order, void *closure)
{
    const struct visitor *visitor = closure;

    if (order == postorder || order == leaf)
        visitor->visit(&(*(struct folded *const *)node)->record, visitor->context);
}

void gw_fold_each(const struct gw_fold *fold,
                  void (*visit)(const struct gw_record *record, void *context), void *context)
{
    struct visitor visitor = {visit, context};

    twalk_r(fold->records, visit_node, &visitor);
}
