/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail: the file store's events as they come. It ends by an interrupt, or when nobody reads what it
 * prints, which a poll of the standard output shows even where no event comes.
 */
#include "tail.h"

#include "gw/buffer.h"
#include "gw/cli.h"
#include "gw/file_store.h"
#include "gw/follow.h"
#include "gw/line.h"
#include "gw/table.h"
#include "gw/time.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS 250 /* how often it is looked for new lines */
#define LINES_INITIAL 10

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

static const char *const colors[] = {"auto", "always", "never", NULL};
static const char *const events[] = {"any", "created", "updated", "ended", NULL};
static const char *const event_types[] = {NULL, "conversation:created", "conversation:updated",
                                          "conversation:ended"};

struct values {
    const char *config;
    const char *lines;
    const char *since;
    int event; /* an index into events and event_types */
    const char *type, *status, *id;
    int color; /* enum color */
    bool no_follow, json;
};

static const struct gw_cli_option options[] = {
    {"config", 'c', GW_CLI_TEXT, "FILE", NULL, NULL, offsetof(struct values, config),
     "the daemon's configuration, which names the file where no FILE is given"},
    {"lines", 'n', GW_CLI_TEXT, "N", NULL, NULL, offsetof(struct values, lines),
     "begin with the last N events (10; with --since all)"},
    {"since", 0, GW_CLI_TEXT, "TIME", NULL, NULL, offsetof(struct values, since),
     "only what was stored since then: 10m, 2h, 7d, or an ISO 8601 time"},
    {"event", 0, GW_CLI_CHOICE, NULL, "any", events, offsetof(struct values, event),
     "only events of this kind"},
    {"type", 0, GW_CLI_TEXT, "TYPE", NULL, NULL, offsetof(struct values, type),
     "only this type, such as voice; an update has none"},
    {"status", 0, GW_CLI_TEXT, "STATUS", NULL, NULL, offsetof(struct values, status),
     "only this status, such as active"},
    {"id", 0, GW_CLI_TEXT, "ID", NULL, NULL, offsetof(struct values, id), "only this conversation"},
    {"no-follow", 0, GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct values, no_follow),
     "do not wait for more"},
    {"json", 0, GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct values, json),
     "print the lines as they are stored"},
    {"color", 0, GW_CLI_CHOICE, NULL, "auto", colors, offsetof(struct values, color),
     "colour the lines; auto: on a terminal, without NO_COLOR"},
};

struct tail {
    const char *path;
    const struct values *given;
    struct gw_tail_filter filter;
    struct gw_tail_look look;
    struct gw_follow follow;
    uint64_t skipped;  /* lines that are none of the file store's */
    bool out_of_reach; /* nobody reads what is printed */
};

/* --- events --- */

static void show_line(const struct tail *tail, struct gw_str line, const struct gw_write *write)
{
    if (!tail->given->json) {
        gw_tail_print(stdout, write, &tail->look);
        return;
    }
    fwrite(line.data, 1, line.len, stdout);
    putchar('\n');
}

/* Going back ends where lines are older than wanted; not at the first one, as the daemon's workers
 * may store in another order than they judge in. */
static bool is_too_old(const struct tail *tail, const struct gw_write *write)
{
    static const int64_t disorder_ms = 60000;

    return tail->filter.since_ms != INT64_MIN &&
           write->received_at_ms < tail->filter.since_ms - disorder_ms;
}

static enum gw_follow_choice choose(struct gw_str line, void *context)
{
    const struct tail *tail = context;
    enum gw_follow_choice choice = GW_FOLLOW_SKIP;
    struct gw_arena arena = {0};
    struct gw_write write;
    int r = gw_line_parse(line, &arena, &write);

    if (gw_cli_is_interrupted() || r < 0 || (r == 0 && is_too_old(tail, &write)))
        choice = GW_FOLLOW_STOP;
    else if (r == 0 && gw_tail_takes(&tail->filter, &write))
        choice = GW_FOLLOW_TAKE;
    gw_arena_deinit(&arena);
    return choice;
}

static int take_line(struct tail *tail, struct gw_str line)
{
    struct gw_arena arena = {0};
    struct gw_write write;
    int r = gw_line_parse(line, &arena, &write);

    if (r == 0 && gw_tail_takes(&tail->filter, &write))
        show_line(tail, line, &write);
    tail->skipped += r == GW_LINE_MALFORMED;
    gw_arena_deinit(&arena);
    return r < 0 ? r : 0;
}

/* Shows what is there. @return GW_FOLLOW_IDLE, or -errno. */
static int show_new(struct tail *tail)
{
    struct gw_str line;
    int r;

    do {
        r = gw_follow_next(&tail->follow, &line);
        switch (r) {
        case 0:
            r = take_line(tail, line);
            break;
        case GW_FOLLOW_TOO_LONG:
            tail->skipped++;
            r = 0;
            break;
        case GW_FOLLOW_ROTATED:
            gw_cli_error("%s: rotated, going on with the new file", tail->path);
            r = 0;
            break;
        case GW_FOLLOW_TRUNCATED:
            gw_cli_error("%s: truncated, reading it from its begin", tail->path);
            r = 0;
            break;
        default:
            break;
        }
    } while (r == 0 && !gw_cli_is_interrupted() && !ferror(stdout));
    return r == 0 ? GW_FOLLOW_IDLE : r;
}

/* --- following --- */

/* @return whether to go on. */
static bool wait_for_more(struct tail *tail)
{
    struct pollfd output = {.fd = STDOUT_FILENO};

    if (gw_cli_is_interrupted() || fflush(stdout) != 0)
        return false;
    tail->out_of_reach = poll(&output, 1, LOOK_MS) > 0;
    return !gw_cli_is_interrupted() && !tail->out_of_reach;
}

/* Where there is no file yet, the daemon may be about to make it. @return 0, GW_FOLLOW_IDLE where
 * waiting was ended, or what gw_follow_open said. */
static int open_file(struct tail *tail)
{
    bool told = false;
    int r;

    while ((r = gw_follow_open(&tail->follow, tail->path, GW_LINES_MAX_BYTES)) == -ENOENT &&
           !tail->given->no_follow) {
        if (!told)
            gw_cli_error("%s: not there yet, waiting for it", tail->path);
        told = true;
        if (!wait_for_more(tail))
            return GW_FOLLOW_IDLE;
    }
    return r;
}

static int follow(struct tail *tail, size_t count)
{
    int r = gw_follow_begin(&tail->follow, count, choose, tail);

    if (r < 0)
        return r;
    do
        r = show_new(tail);
    while (r == GW_FOLLOW_IDLE && !tail->given->no_follow && wait_for_more(tail));
    return r;
}

static enum gw_cli_exit end(const struct tail *tail, int r)
{
    if (tail->skipped > 0)
        gw_cli_error("%s: %" PRIu64 " line%s skipped", tail->path, tail->skipped,
                     tail->skipped == 1 ? "" : "s");
    if (r == GW_FOLLOW_UNSUITABLE)
        gw_cli_error("%s: only a plain file can be followed; for others there is show", tail->path);
    else if (r < 0)
        gw_cli_error("%s: %s", tail->path, strerrordesc_np(-r));
    return r == GW_FOLLOW_IDLE && !tail->out_of_reach ? GW_CLI_OK : GW_CLI_FAILED;
}

static enum gw_cli_exit run_on(struct tail *tail, size_t count)
{
    int r = open_file(tail);

    if (r == 0) {
        r = follow(tail, count);
        gw_follow_close(&tail->follow);
    }
    return end(tail, r);
}

/* --- what was asked for --- */

static bool read_count(const char *text, size_t *count)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 9 || text[digits])
        return false;
    *count = strtoul(text, NULL, 10);
    return true;
}

static bool read_options(struct tail *tail, size_t *count)
{
    const struct values *given = tail->given;

    tail->filter = (struct gw_tail_filter){given->type, given->status, given->id,
                                           event_types[given->event], INT64_MIN};
    *count = given->since ? SIZE_MAX : LINES_INITIAL;
    if (given->since && !gw_tail_since(given->since, gw_time_now_ms(), &tail->filter.since_ms)) {
        gw_cli_error("option '--since' takes a duration such as 90s, 10m, 2h or 7d, or a time such "
                     "as 2026-11-23T12:00:00Z, not '%s'",
                     given->since);
        return false;
    }
    if (given->lines && !read_count(given->lines, count)) {
        gw_cli_error("option '--lines' takes a whole number, not '%s'", given->lines);
        return false;
    }
    return true;
}

static void choose_look(struct tail *tail)
{
    const char *no_color = getenv("NO_COLOR");
    bool is_terminal = isatty(STDOUT_FILENO);

    tail->look.width = gw_table_terminal_width(stdout);
    tail->look.color =
        tail->given->color == COLOR_ALWAYS ||
        (tail->given->color == COLOR_AUTO && is_terminal && !(no_color && *no_color));
}

/* Where the daemon that this configures would write, seen from here. */
static bool find_file(const char *config_path, char path[static PATH_MAX])
{
    struct gw_config config;
    bool found = false;

    if (!gw_cli_load_config(config_path, &config))
        return false;
    if (config.backend != GW_CONFIG_BACKEND_FILE)
        gw_cli_error("[storage] backend is not file: there is no file to follow");
    else if (gw_file_store_path(config.file_path, path, PATH_MAX) != 0)
        gw_cli_error("[file] path: %s", strerrordesc_np(ENAMETOOLONG));
    else
        found = true;
    gw_config_deinit(&config);
    return found;
}

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    struct tail tail = {.given = values};
    char path[PATH_MAX];
    size_t lines;

    if (count > 0 && tail.given->config) {
        gw_cli_error("either FILE or --config says what to follow, not both");
        return GW_CLI_USAGE;
    }
    if (!read_options(&tail, &lines))
        return GW_CLI_USAGE;
    if (count == 0 && !find_file(tail.given->config, path))
        return GW_CLI_FAILED;
    tail.path = count > 0 ? operands[0] : path;
    choose_look(&tail);
    gw_cli_take_interrupts();
    return run_on(&tail, lines);
}

const struct gw_cli_command gw_cli_tail = {
    .name = "tail",
    .synopsis = "[FILE]",
    .summary = "Follow the file store's events, one line each",
    .description =
        "Prints the last events and then each new one: when it was stored, what happened,\n"
        "type, status, conversation, how long after its time stamp it was stored, and the\n"
        "external contact. Follows rotation, until it is interrupted. Without a FILE it is\n"
        "the one of --config, or of the defaults; a relative one is looked for in\n"
        "$STATE_DIRECTORY, where that is set, as the daemon does.",
    .example = "genesys-webhook tail --since 10m --type voice events.jsonl",
    .options = options,
    .option_count = GW_COUNT(options),
    .operands_min = 0,
    .operands_max = 1,
    .values_size = sizeof(struct values),
    .run = run,
};
