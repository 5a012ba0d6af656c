/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show: the records that files of the file store stand for. A file that cannot be read does not
 * hide the others, but the status tells.
 */
#include "gw/buffer.h"
#include "gw/cli.h"
#include "gw/fold.h"
#include "gw/lines.h"
#include "gw/table.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct values {
    const char *id;
    bool json;
};

static const struct gw_cli_option options[] = {
    {"id", 0, GW_CLI_TEXT, "ID", NULL, NULL, offsetof(struct values, id),
     "show this conversation alone; the status is 1 if there is none"},
    {"json", 0, GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct values, json),
     "print whole records, one JSON object a line"},
};

enum { CELLS = 1 + GW_FIELD_COUNT };

static struct gw_str or_dash(struct gw_str text)
{
    return text.data ? text : GW_STR("-");
}

static void fill_cells(const struct gw_record *record, struct gw_str cells[static CELLS])
{
    cells[0] = record->conversation_id;
    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++)
        cells[1 + field] = or_dash(record->fields[field]);
}

static void measure_record(const struct gw_record *record, void *context)
{
    struct gw_str cells[CELLS];

    fill_cells(record, cells);
    gw_table_measure(context, cells);
}

static void print_record(const struct gw_record *record, void *context)
{
    struct gw_str cells[CELLS];

    fill_cells(record, cells);
    if (!ferror(stdout))
        gw_table_put_row(context, stdout, cells);
}

static void print_table(const struct gw_fold *fold)
{
    struct gw_table_column columns[CELLS] = {{.title = "conversationId"}};
    struct gw_table table = {.columns = columns, .count = CELLS};

    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++)
        columns[1 + field].title = gw_field_name(field);
    gw_fold_each(fold, measure_record, &table);
    gw_table_fit(&table, gw_table_terminal_width(stdout));
    gw_table_put_titles(&table, stdout);
    gw_fold_each(fold, print_record, &table);
}

static int append_text(struct gw_buffer *json, const char *name, struct gw_str text)
{
    int r;

    if (!text.data)
        return 0;
    r = gw_buffer_appendf(json, "%c\"%s\":", json->len > 0 ? ',' : '{', name);
    return r < 0 ? r : gw_buffer_append_json(json, text);
}

static int append_order(struct gw_buffer *json, const char *name, int64_t order)
{
    return order == GW_ORDER_NONE ? 0 : gw_buffer_appendf(json, ",\"%s\":%" PRId64, name, order);
}

/* What is absent is left out. */
static int append_record(struct gw_buffer *json, const struct gw_record *record)
{
    int r = append_text(json, "conversationId", record->conversation_id);

    for (enum gw_field field = 0; field < GW_FIELD_COUNT && r == 0; field++)
        r = append_text(json, gw_field_name(field), record->fields[field]);
    if (r == 0)
        r = append_text(json, "rawPayload", record->payload);
    if (r == 0)
        r = append_order(json, "eventOrder", record->event_order);
    if (r == 0)
        r = append_order(json, "snapshotOrder", record->snapshot_order);
    return r < 0 ? r : gw_buffer_append(json, GW_STR("}\n"));
}

struct json_output {
    struct gw_buffer line;
    int error;
};

static void print_json_record(const struct gw_record *record, void *context)
{
    struct json_output *output = context;

    if (output->error || ferror(stdout))
        return;
    output->line.len = 0;
    output->error = append_record(&output->line, record);
    if (output->error == 0)
        fwrite(output->line.data, 1, output->line.len, stdout);
}

static int print_json(const struct gw_fold *fold)
{
    struct json_output output = {0};

    gw_buffer_init(&output.line, SIZE_MAX);
    gw_fold_each(fold, print_json_record, &output);
    gw_buffer_deinit(&output.line);
    return output.error;
}

static void say_skipped(const char *name, const struct gw_fold_skips *skips)
{
    if (skips->count == 1)
        gw_cli_error("%s: 1 line skipped, line %zu", name, skips->first);
    else if (skips->count > 1)
        gw_cli_error("%s: %zu lines skipped, first at line %zu", name, skips->count, skips->first);
}

static void say_unreadable(const char *name, int error)
{
    gw_cli_error("%s: %s", name,
                 error == EBADMSG ? "gzip'ed data is broken or cut off" : strerrordesc_np(error));
}

/* What was moved aside from @path after a failed sync; @path is taken literally. */
static int append_pattern(struct gw_buffer *pattern, const char *path)
{
    static const char rest[] = ".failed-*";
    int r = 0;

    for (; *path && r == 0; path++)
        r = gw_buffer_appendf(pattern, strchr("*?[\\", *path) ? "\\%c" : "%c", *path);
    return r < 0 ? r : gw_buffer_append(pattern, (struct gw_str){rest, sizeof(rest)});
}

static bool is_operand(const char *path, char **paths, size_t count)
{
    struct stat found, named;

    if (stat(path, &found) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (stat(paths[i], &named) == 0 && named.st_dev == found.st_dev &&
            named.st_ino == found.st_ino)
            return true;
    return false;
}

static size_t count_left_out(const char *pattern, char **paths, size_t count)
{
    glob_t found;
    size_t left_out = 0;

    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        left_out += !is_operand(found.gl_pathv[i], paths, count);
    globfree(&found);
    return left_out;
}

/* The daemon moves aside by the real name; without a link the user's own says as much. */
static void say_left_out(const char *path, char **paths, size_t count)
{
    char target[1], real[PATH_MAX];
    bool is_link = readlink(path, target, sizeof(target)) > 0;
    const char *beside = is_link && realpath(path, real) ? real : path;
    struct gw_buffer pattern;
    size_t left_out = 0;

    gw_buffer_init(&pattern, SIZE_MAX);
    if (append_pattern(&pattern, beside) == 0)
        left_out = count_left_out(pattern.data, paths, count);
    gw_buffer_deinit(&pattern);
    if (left_out > 0)
        gw_cli_error("%s: %zu file%s moved aside after a failed sync may hold acknowledged events "
                     "too: try '" GW_CLI_PROGRAM " show %s %s.failed-*'",
                     path, left_out, left_out == 1 ? "" : "s", path, beside);
}

static int fold_files(struct gw_fold *fold, char **paths, size_t count)
{
    int failed = 0;

    for (size_t i = 0; i < count && failed != -ENOMEM; i++) {
        struct gw_fold_skips skips;
        int r = gw_fold_file(fold, paths[i], GW_LINES_MAX_BYTES, &skips);

        say_skipped(gw_lines_name(paths[i]), &skips);
        say_left_out(paths[i], paths, count);
        if (r < 0) {
            say_unreadable(gw_lines_name(paths[i]), -r);
            failed = r;
        }
    }
    return failed;
}

static enum gw_cli_exit show(const struct gw_fold *fold, const struct values *given)
{
    int r = 0;

    if (given->id && fold->count == 0) {
        gw_cli_error("no record of '%s'", given->id);
        return GW_CLI_FAILED;
    }
    if (given->json)
        r = print_json(fold);
    else
        print_table(fold);
    if (r < 0)
        gw_cli_error("%s", strerrordesc_np(-r));
    return r == 0 ? GW_CLI_OK : GW_CLI_FAILED;
}

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    const struct values *given = values;
    enum gw_cli_exit status;
    struct gw_fold fold;
    int failed;

    gw_fold_init(&fold, gw_str(given->id));
    failed = fold_files(&fold, operands, count);
    if (failed == -ENOMEM || (failed && fold.count == 0))
        status = GW_CLI_FAILED;
    else
        status = show(&fold, given);
    gw_fold_deinit(&fold);
    return failed ? GW_CLI_FAILED : status;
}

const struct gw_cli_command gw_cli_show = {
    .name = "show",
    .synopsis = "FILE...",
    .summary = "Print the records that the file store's files stand for",
    .description =
        "Folds all FILEs, plain or gzip'ed, in any order (rotated ones too; '-' is\n"
        "standard input), into one record a conversation. Only what ends in a line break\n"
        "counts; lines that are none of the file store's are skipped and counted.\n"
        "A FILE.failed-* beside FILE holds acknowledged events too: name it as well.",
    .example = "genesys-webhook show events.jsonl events.jsonl.1.gz",
    .options = options,
    .option_count = GW_COUNT(options),
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .values_size = sizeof(struct values),
    .run = run,
};
