/* SPDX-License-Identifier: Apache-2.0 */
/*
 * send: what Genesys does, by hand. One easy handle for all events, so the connection is kept.
 */
#include "gw/lines.h"
#include "gw/signer.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    STATUSES = 1000,     /* what can be written as three digits */
    DETAILS_MAX = 10,    /* answers that are told in full */
    ANSWER_SHOWN = 1024, /* bytes of one */
};

struct values {
    struct gw_signer_options signer;
    int64_t timeout_ms;
    bool lines;
};

static const struct gw_cli_option options[] = {
    GW_SIGNER_OPTION_ROWS(struct values, signer),
    {"timeout", 0, GW_CLI_SECONDS, "SECONDS", "10", NULL, offsetof(struct values, timeout_ms),
     "how long to wait for each answer"},
    {"lines", 0, GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct values, lines),
     "FILE is JSON Lines: one event a line"},
};

struct sender {
    CURL *curl;
    struct gw_signer signer;
    struct gw_buffer header; /* the signature's */
    struct gw_buffer answer;
    char error[CURL_ERROR_SIZE];
    uint64_t statuses[STATUSES];
    uint64_t unanswered[CURL_LAST]; /* by CURLcode */
    uint64_t refused;               /* not answered 2xx */
    bool unreadable;                /* an input was */
};

/* Where an event came from, for messages. */
struct origin {
    const char *name;
    size_t line; /* 0: the whole file */
};

/* More than is shown is read all the same, as the connection is to be kept. */
static size_t take_answer(char *bytes, size_t one, size_t len, void *context)
{
    struct gw_buffer *answer = context;
    size_t room = answer->max - answer->len, taken = len < room ? len : room;

    (void)one;
    return gw_buffer_append(answer, (struct gw_str){bytes, taken}) == 0 ? len : 0;
}

/* @return "NAME" or "NAME:LINE". */
static const char *format_origin(const struct origin *origin, char *text, size_t size)
{
    if (origin->line == 0)
        return origin->name;
    snprintf(text, size, "%s:%zu", origin->name, origin->line);
    return text;
}

/* The first few in full, so that a dead server does not flood the terminal. */
static bool is_told(struct sender *sender)
{
    return ++sender->refused <= DETAILS_MAX;
}

static void count_unanswered(struct sender *sender, const struct origin *origin, CURLcode code)
{
    char where[4096];

    sender->unanswered[code < CURL_LAST ? code : CURL_LAST - 1]++;
    if (is_told(sender))
        gw_cli_error("%s: no answer: %s", format_origin(origin, where, sizeof(where)),
                     *sender->error ? sender->error : curl_easy_strerror(code));
}

/* What was kept of the answer, without the line breaks at its end. */
static struct gw_str shown_answer(const struct sender *sender)
{
    struct gw_str text = gw_buffer_str(&sender->answer);

    while (text.len > 0 && strchr("\r\n", text.data[text.len - 1]))
        text.len--;
    return text.len > 0 ? text : GW_STR("(no body)");
}

static void count_answer(struct sender *sender, const struct origin *origin)
{
    struct gw_str answer = shown_answer(sender);
    char where[4096];
    long status = 0;

    (void)curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &status);
    sender->statuses[status > 0 && status < STATUSES ? status : 0]++;
    if (status / 100 != 2 && is_told(sender))
        gw_cli_error("%s: answered %ld: %.*s", format_origin(origin, where, sizeof(where)), status,
                     (int)answer.len, answer.data);
}

/* Signs @body and leaves the whole header in sender->header, as a C string. */
static int sign(struct sender *sender, struct gw_str body)
{
    struct gw_buffer *header = &sender->header;
    int r;

    header->len = 0;
    r = gw_buffer_appendf(header, "%s: ", sender->signer.scheme.header);
    if (r == 0)
        r = gw_signer_append_value(&sender->signer, body, header);
    return r < 0 ? r : gw_buffer_append(header, (struct gw_str){"", 1});
}

static struct curl_slist *list_headers(const char *signature)
{
    struct curl_slist *type = curl_slist_append(NULL, "Content-Type: application/json"), *all;

    if (!type)
        return NULL;
    all = curl_slist_append(type, signature);
    if (!all)
        curl_slist_free_all(type);
    return all;
}

/* The body is borrowed: POSTFIELDS does not copy. */
static CURLcode post(struct sender *sender, struct curl_slist *headers, struct gw_str body)
{
    CURL *curl = sender->curl;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);

    sender->answer.len = 0;
    *sender->error = '\0';
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.len ? body.data : "");
    return code == CURLE_OK ? curl_easy_perform(curl) : code;
}

/* @return 0 whatever the answer was, or -ENOMEM. */
static int send_event(struct sender *sender, const struct origin *origin, struct gw_str body)
{
    struct curl_slist *headers;
    CURLcode code;

    if (sign(sender, body) < 0)
        return -ENOMEM;
    headers = list_headers(sender->header.data);
    if (!headers)
        return -ENOMEM;
    code = post(sender, headers, body);
    if (code == CURLE_OK)
        count_answer(sender, origin);
    else
        count_unanswered(sender, origin, code);
    (void)curl_easy_setopt(sender->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return 0;
}

static int send_whole(struct sender *sender, const char *path)
{
    struct origin origin = {.name = gw_lines_name(path)};
    struct gw_buffer body;
    int r = gw_lines_read_whole(path, GW_LINES_MAX_BYTES, &body);

    if (r == 0)
        r = send_event(sender, &origin, gw_buffer_str(&body));
    gw_buffer_deinit(&body);
    return r;
}

static bool is_blank(struct gw_str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
            return false;
    return true;
}

/* @return 0 to go on, GW_LINES_END at the end, or -errno. */
static int send_next_line(struct sender *sender, struct gw_lines *lines, struct origin *origin)
{
    struct gw_str line;
    int r = gw_lines_next(lines, &line);

    origin->line = lines->number;
    switch (r) {
    case 0:
    case GW_LINES_UNFINISHED:
        return is_blank(line) ? 0 : send_event(sender, origin, line);
    case GW_LINES_TOO_LONG:
        gw_cli_error("%s:%zu: not sent: longer than %zu MiB", origin->name, origin->line,
                     GW_LINES_MAX_BYTES >> 20);
        sender->unreadable = true;
        return 0;
    case GW_LINES_CORRUPT:
        return -EBADMSG;
    default:
        return r;
    }
}

static int send_lines(struct sender *sender, const char *path)
{
    struct origin origin = {.name = gw_lines_name(path)};
    struct gw_lines lines;
    int r = gw_lines_open(&lines, path, GW_LINES_MAX_BYTES);

    if (r < 0)
        return r;
    do
        r = send_next_line(sender, &lines, &origin);
    while (r == 0);
    gw_lines_close(&lines);
    return r == GW_LINES_END ? 0 : r;
}

static void send_files(struct sender *sender, char **paths, size_t count, bool by_lines)
{
    for (size_t i = 0; i < count; i++) {
        int r = by_lines ? send_lines(sender, paths[i]) : send_whole(sender, paths[i]);

        if (r == 0)
            continue;
        gw_cli_error("%s: %s", gw_lines_name(paths[i]), strerrordesc_np(-r));
        sender->unreadable = true;
    }
}

static void print_count(uint64_t count, const char *prefix, const char *answer)
{
    if (count > 0)
        printf("%8" PRIu64 "  %s%s\n", count, prefix, answer);
}

static void print_counts(const struct sender *sender)
{
    char status[8];

    if (sender->refused > DETAILS_MAX)
        gw_cli_error("... and %" PRIu64 " more that were not answered 2xx",
                     sender->refused - DETAILS_MAX);
    puts("  EVENTS  ANSWER");
    for (unsigned i = 0; i < STATUSES; i++) {
        snprintf(status, sizeof(status), "%03u", i);
        print_count(sender->statuses[i], "", status);
    }
    for (int code = 0; code < CURL_LAST; code++)
        print_count(sender->unanswered[code], "none: ", curl_easy_strerror((CURLcode)code));
}

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

/* Nothing follows redirects: the signature is meant for this receiver. */
static CURLcode set_up_curl(struct sender *sender, CURLU *url, int64_t timeout_ms)
{
    CURL *curl = sender->curl;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_CURLU, url);

    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_USERAGENT, GW_CLI_PROGRAM "/" GW_VERSION);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, sender->error);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sender->answer);
    return code;
}

static enum gw_cli_exit send_all(struct sender *sender, CURLU *url, const struct values *given,
                                 char **paths, size_t count)
{
    static char *standard_input[] = {"-"};

    sender->curl = curl_easy_init();
    if (!sender->curl || set_up_curl(sender, url, given->timeout_ms) != CURLE_OK) {
        gw_cli_error("cannot set up libcurl");
        return GW_CLI_FAILED;
    }
    send_files(sender, count > 0 ? paths : standard_input, count > 0 ? count : 1, given->lines);
    print_counts(sender);
    return sender->refused > 0 || sender->unreadable ? GW_CLI_FAILED : GW_CLI_OK;
}

static void deinit(struct sender *sender)
{
    curl_easy_cleanup(sender->curl);
    gw_signer_deinit(&sender->signer);
    gw_buffer_deinit(&sender->header);
    gw_buffer_deinit(&sender->answer);
}

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    const struct values *given = values;
    struct sender sender = {.header.max = SIZE_MAX, .answer.max = ANSWER_SHOWN};
    enum gw_cli_exit status;
    CURLU *url;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        gw_cli_error("cannot set up libcurl");
        return GW_CLI_FAILED;
    }
    url = parse_url(operands[0]);
    if (!url)
        return GW_CLI_USAGE;
    status = gw_signer_init(&sender.signer, &given->signer);
    if (status == GW_CLI_OK)
        status = send_all(&sender, url, given, operands + 1, count - 1);
    deinit(&sender);
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
        "answers. With --lines each line is an event, sent as soon as it is read. Redirects\n"
        "are not followed. The status is 0 only if every event was answered 2xx.",
    .example = "genesys-webhook send http://127.0.0.1:8080/webhook event.json",
    .options = options,
    .option_count = GW_COUNT(options),
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .values_size = sizeof(struct values),
    .run = run,
};
