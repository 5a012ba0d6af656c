/* SPDX-License-Identifier: Apache-2.0 */
/*
 * send: what Genesys does, by hand. Here events are read, again and again where there is a --count;
 * sender.c posts them, send_report.c says what came of it.
 */
#include "send_report.h"

#include "gw/line.h"
#include "gw/lines.h"
#include "gw/scanner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct values {
    struct gw_signer_options signer;
    int64_t timeout_ms, count, concurrency, rate;
    bool lines, vary_id;
};

static const struct gw_cli_option options[] = {
    GW_SIGNER_OPTION_ROWS(struct values, signer),
    {"timeout", 0, GW_CLI_SECONDS, "SECONDS", "10", NULL, offsetof(struct values, timeout_ms),
     "how long to wait for each answer"},
    {"lines", 0, GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct values, lines),
     "FILE is JSON Lines: one event a line"},
    {"count", 'n', GW_CLI_NUMBER, "N", NULL, NULL, offsetof(struct values, count),
     "send N events, the FILEs round and round"},
    {"concurrency", 'j', GW_CLI_NUMBER, "C", "1", NULL, offsetof(struct values, concurrency),
     "have up to C events under way at once"},
    {"rate", 'r', GW_CLI_NUMBER, "R", NULL, NULL, offsetof(struct values, rate),
     "begin R events a second, without waiting for answers"},
    {"vary-id", 0, GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct values, vary_id),
     "put a number behind each conversation_id"},
};

/* What is read, and how far. */
struct run {
    const struct values *given;
    struct gw_sender *sender;
    struct gw_send_report report;
    struct gw_scan_plan plan; /* of conversation_id, for --vary-id */
    size_t id_slot;
    struct gw_buffer varied;
    struct gw_buffer content; /* of the file that was read last, whole */
    const char *read;         /* its path; NULL: none */
    uint64_t sent;
    bool unreadable; /* an input was */
};

/* Ends the reading of all inputs, beside the results of gw_lines_next. */
#define OVER 100

/* --- events --- */

/* A body that is no JSON, or has no such string, stays what it is. */
static int vary_id(struct run *run, struct gw_str *body)
{
    struct gw_scan_result scan;
    const struct gw_json_value *id = &scan.values[run->id_slot];
    int r = gw_scan(&run->plan, *body, &scan);

    if (r < 0)
        return r;
    if (r > 0 || id->type != GW_JSON_STRING)
        return 0;
    const char *quote = id->text.data + id->text.len - 1;
    size_t before = (size_t)(quote - body->data);

    run->varied.len = 0;
    r = gw_buffer_append(&run->varied, (struct gw_str){body->data, before});
    if (r == 0)
        r = gw_buffer_appendf(&run->varied, "-%" PRIu64, run->sent + 1);
    if (r == 0)
        r = gw_buffer_append(&run->varied, (struct gw_str){quote, body->len - before});
    if (r == 0)
        *body = gw_buffer_str(&run->varied);
    return r;
}

static bool is_complete(const struct run *run)
{
    return run->given->count > 0 && run->sent >= (uint64_t)run->given->count;
}

/* @return 0 whatever the answer was, OVER, or -ENOMEM. */
static int send_event(struct run *run, const struct gw_origin *origin, struct gw_str body)
{
    int r = run->given->vary_id ? vary_id(run, &body) : 0;

    if (r == 0)
        r = gw_sender_send(run->sender, origin, body);
    if (r < 0)
        return r;
    run->sent++;
    return r == GW_SENDER_INTERRUPTED || is_complete(run) ? OVER : 0;
}

/* What was read last is kept, as most loads are of one file. */
static int send_whole(struct run *run, const char *path)
{
    const struct gw_origin origin = {.name = gw_lines_name(path)};
    int r = 0;

    if (run->read != path) {
        run->read = NULL;
        gw_buffer_deinit(&run->content);
        r = gw_lines_read_whole(path, GW_LINES_MAX_BYTES, &run->content);
        if (r == 0)
            run->read = path;
    }
    return r == 0 ? send_event(run, &origin, gw_buffer_str(&run->content)) : r;
}

/* @return 0 to go on, GW_LINES_END at the end, OVER, or -errno. */
static int send_next_line(struct run *run, struct gw_lines *lines, struct gw_origin *origin)
{
    struct gw_str line;
    int r = gw_lines_next(lines, &line);

    origin->line = lines->number;
    switch (r) {
    case 0:
    case GW_LINES_UNFINISHED:
        return gw_line_is_blank(line) ? 0 : send_event(run, origin, line);
    case GW_LINES_TOO_LONG:
        gw_cli_error("%s:%zu: not sent: longer than %zu MiB", origin->name, origin->line,
                     GW_LINES_MAX_BYTES >> 20);
        run->unreadable = true;
        return 0;
    case GW_LINES_CORRUPT:
        return -EBADMSG;
    default:
        return r;
    }
}

static int send_lines(struct run *run, const char *path)
{
    struct gw_origin origin = {.name = gw_lines_name(path)};
    struct gw_lines lines;
    int r = gw_lines_open(&lines, path, GW_LINES_MAX_BYTES);

    if (r < 0)
        return r;
    do
        r = send_next_line(run, &lines, &origin);
    while (r == 0);
    gw_lines_close(&lines);
    return r == GW_LINES_END ? 0 : r;
}

/* --- inputs --- */

/* @return whether it is over. */
static bool send_files(struct run *run, char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int r = run->given->lines ? send_lines(run, paths[i]) : send_whole(run, paths[i]);

        if (r == OVER || gw_cli_is_interrupted())
            return true;
        if (r == 0)
            continue;
        gw_send_report_clear_bar(&run->report);
        gw_cli_error("%s: %s", gw_lines_name(paths[i]), strerrordesc_np(-r));
        run->unreadable = true;
    }
    return false;
}

/* Round and round only for as long as each round brings something and nothing is wrong with it. */
static void send_rounds(struct run *run, char **paths, size_t count)
{
    uint64_t sent;

    do
        sent = run->sent;
    while (!send_files(run, paths, count) && run->given->count > 0 && run->sent > sent &&
           !run->unreadable);
    gw_sender_finish(run->sender);
}

/* --- what is said of it --- */

static void note_beginning(struct run *run)
{
    struct gw_sender_progress progress;

    gw_sender_tell(run->sender, &progress);
    run->report.begun_us = progress.first_us;
}

static void count_answer(void *context, const struct gw_sent *sent)
{
    struct run *run = context;

    note_beginning(run);
    gw_send_report_count(&run->report, sent);
}

static void show_bar(void *context)
{
    struct run *run = context;

    note_beginning(run);
    gw_send_report_bar(&run->report);
}

/* How fast events were begun, of which there are two at least. */
static double begun_a_second(const struct gw_sender_progress *progress)
{
    int64_t took_us = progress->last_us - progress->first_us;

    return (double)(progress->begun - 1) * 1e6 / (double)(took_us > 0 ? took_us : 1);
}

static void say_shortfall(const struct run *run)
{
    struct gw_sender_progress progress;
    const int64_t rate = run->given->rate;

    gw_sender_tell(run->sender, &progress);
    if (gw_cli_is_interrupted())
        gw_cli_error("interrupted: %zu events were under way, of which no answer is known",
                     progress.under_way);
    if (rate > 0 && progress.begun > 1 && begun_a_second(&progress) < 0.95 * (double)rate)
        gw_cli_error("the rate was not reached: %.1f of %" PRId64
                     " a second; with a greater --concurrency fewer wait for answers",
                     begun_a_second(&progress), rate);
}

static enum gw_cli_exit conclude(struct run *run)
{
    const struct values *given = run->given;

    gw_send_report_clear_bar(&run->report);
    gw_send_report_print(&run->report);
    if (given->count > 0 || given->rate > 0 || given->concurrency > 1)
        gw_send_report_print_times(&run->report);
    say_shortfall(run);
    return run->report.refused > 0 || run->unreadable || gw_cli_is_interrupted() ? GW_CLI_FAILED
                                                                                 : GW_CLI_OK;
}

/* --- the command --- */

/* @return NULL after it has said what is wrong with @url. */
static CURLU *parse_url(const char *url)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL;
    CURLUcode code = parsed ? curl_url_set(parsed, CURLUPART_URL, url, CURLU_GUESS_SCHEME)
                            : CURLUE_OUT_OF_MEMORY;

    if (code == CURLUE_OK)
        code = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0);
    if (code == CURLUE_OK && strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        code = CURLUE_UNSUPPORTED_SCHEME;
    curl_free(scheme);
    if (code == CURLUE_OK)
        return parsed;
    gw_cli_error("'%s' is no http:// or https:// URL", url);
    curl_url_cleanup(parsed);
    return NULL;
}

/* Standard input is read once, and while it is waited for nothing else goes on. */
static bool check_inputs(const struct values *given, char **paths, size_t count)
{
    bool from_stdin = count == 0;

    for (size_t i = 0; i < count; i++)
        from_stdin |= strcmp(paths[i], "-") == 0;
    if (given->concurrency > GW_SENDER_CONCURRENCY_MAX) {
        gw_cli_error("option '--concurrency' takes at most %d", GW_SENDER_CONCURRENCY_MAX);
        return false;
    }
    if (from_stdin && (given->count > 0 || given->concurrency > 1)) {
        gw_cli_error("--count and --concurrency need FILEs, not standard input");
        return false;
    }
    return true;
}

static enum gw_cli_exit send_all(struct run *run, CURLU *url, struct gw_signer *signer,
                                 char **paths, size_t count)
{
    static char *standard_input[] = {"-"};
    const struct gw_sender_options wanted = {
        .url = url,
        .signer = signer,
        .timeout_ms = run->given->timeout_ms,
        .concurrency = (size_t)run->given->concurrency,
        .rate = run->given->rate,
        .answered = count_answer,
        .waiting = show_bar,
        .context = run,
    };

    gw_scan_plan_init(&run->plan);
    run->sender = gw_sender_new(&wanted);
    if (!run->sender ||
        gw_scan_plan_add(&run->plan, GW_STR("conversation_id"), &run->id_slot) != 0) {
        gw_cli_error("cannot set up libcurl");
        return GW_CLI_FAILED;
    }
    if (run->given->count > 0)
        run->report.wanted = (uint64_t)run->given->count;
    else if (!run->given->lines)
        run->report.wanted = count > 0 ? count : 1;
    send_rounds(run, count > 0 ? paths : standard_input, count > 0 ? count : 1);
    return conclude(run);
}

static enum gw_cli_exit run_send(const struct values *given, CURLU *url, char **paths, size_t count)
{
    struct run run = {.given = given};
    struct gw_signer signer;
    enum gw_cli_exit status = gw_signer_init(&signer, &given->signer);

    if (status != GW_CLI_OK)
        return status;
    gw_buffer_init(&run.varied, SIZE_MAX);
    status = send_all(&run, url, &signer, paths, count);
    gw_sender_free(run.sender);
    gw_buffer_deinit(&run.varied);
    gw_buffer_deinit(&run.content);
    gw_signer_deinit(&signer);
    return status;
}

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    const struct values *given = values;
    enum gw_cli_exit status;
    CURLU *url;

    if (!check_inputs(given, operands + 1, count - 1))
        return GW_CLI_USAGE;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        gw_cli_error("cannot set up libcurl");
        return GW_CLI_FAILED;
    }
    url = parse_url(operands[0]);
    status = url ? run_send(given, url, operands + 1, count - 1) : GW_CLI_USAGE;
    curl_url_cleanup(url);
    curl_global_cleanup();
    return status;
}

const struct gw_cli_command gw_cli_send = {
    .name = "send",
    .synopsis = "URL [FILE]...",
    .summary = "Sign events and post them to a webhook",
    .description =
        "Posts each FILE, or standard input without one, as it is, and counts the\n"
        "answers. With --lines each line is an event, sent as soon as it is read. With\n"
        "--count, --concurrency or --rate it is said, too, how fast they were answered; at\n"
        "a rate the time counts from when an event was due. Redirects are not followed.\n"
        "The status is 0 only if every event was answered 2xx.",
    .example = "genesys-webhook send http://127.0.0.1:8080/webhook event.json",
    .options = options,
    .option_count = GW_COUNT(options),
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .values_size = sizeof(struct values),
    .run = run,
};
