/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bar waits a little before it is shown, so that a few events leave no trace on a terminal, and
 * whatever else is printed takes it away first.
 */
#include "send_report.h"

#include "gw/table.h"
#include "gw/time.h"

#include <inttypes.h>
#include <stdio.h>

#define DETAILS_MAX 10 /* answers that are told in full */
#define BAR_AFTER_US 300000
#define BAR_EVERY_MS 100
#define BAR_WIDTH 30

/* --- each event --- */

/* @return "NAME" or "NAME:LINE". */
static const char *format_origin(const struct gw_origin *origin, char *text, size_t size)
{
    if (origin->line == 0)
        return origin->name;
    snprintf(text, size, "%s:%zu", origin->name, origin->line);
    return text;
}

/* Without the line breaks at its end. */
static struct gw_str shown_answer(struct gw_str text)
{
    while (text.len > 0 && strchr("\r\n", text.data[text.len - 1]))
        text.len--;
    return text.len > 0 ? text : GW_STR("(no body)");
}

/* The first few in full, so that a dead server does not flood the terminal. */
static void tell_refusal(struct gw_send_report *report, const struct gw_sent *sent)
{
    struct gw_str answer = shown_answer(sent->answer);
    char where[4096];

    if (++report->refused > DETAILS_MAX)
        return;
    gw_send_report_clear_bar(report);
    if (sent->code != CURLE_OK)
        gw_cli_error("%s: no answer: %s", format_origin(&sent->origin, where, sizeof(where)),
                     sent->error);
    else
        gw_cli_error("%s: answered %ld: %.*s", format_origin(&sent->origin, where, sizeof(where)),
                     sent->status, (int)answer.len, answer.data);
}

void gw_send_report_count(struct gw_send_report *report, const struct gw_sent *sent)
{
    const CURLcode code = sent->code < CURL_LAST ? sent->code : CURL_LAST - 1;
    const long status = sent->status > 0 && sent->status < GW_SEND_STATUSES ? sent->status : 0;

    report->ended_us = gw_time_monotonic_us();
    if (code == CURLE_OK) {
        report->statuses[status]++;
        gw_durations_add(&report->durations, sent->took_us);
    } else {
        report->unanswered[code]++;
    }
    if (code != CURLE_OK || status / 100 != 2)
        tell_refusal(report, sent);
}

/* --- the bar --- */

static uint64_t count_all(const struct gw_send_report *report)
{
    uint64_t count = report->durations.count;

    for (size_t i = 0; i < CURL_LAST; i++)
        count += report->unanswered[i];
    return count;
}

/* Events a second until @until_us. */
static double rate_until(const struct gw_send_report *report, int64_t until_us)
{
    int64_t took_us = until_us - report->begun_us;

    return took_us > 0 ? (double)count_all(report) * 1e6 / (double)took_us : 0;
}

static void format_bar(const struct gw_send_report *report, int64_t now_us, char *text, size_t size)
{
    static const char full[] = "##############################";
    const uint64_t count = count_all(report);
    int filled = 0;

    _Static_assert(sizeof(full) - 1 == BAR_WIDTH, "the bar is as wide as that");
    if (report->wanted == 0) {
        snprintf(text, size, "%" PRIu64 " answered, %.0f a second", count,
                 rate_until(report, now_us));
        return;
    }
    filled = (int)((double)count / (double)report->wanted * BAR_WIDTH);
    snprintf(text, size, "[%.*s%*s] %" PRIu64 " of %" PRIu64 " answered, %.0f a second", filled,
             full, BAR_WIDTH - filled, "", count, report->wanted, rate_until(report, now_us));
}

void gw_send_report_bar(struct gw_send_report *report)
{
    const int64_t now_us = gw_time_monotonic_us();
    char text[160];
    size_t width;

    if (now_us - report->begun_us < BAR_AFTER_US ||
        now_us / 1000 - report->bar_shown_ms < BAR_EVERY_MS)
        return;
    width = gw_table_terminal_width(stderr);
    if (width < 2)
        return;
    report->bar_shown_ms = now_us / 1000;
    format_bar(report, now_us, text, sizeof(text));
    fputs("\r\033[K", stderr);
    gw_table_put_text(stderr, gw_str(text), width - 1);
    fflush(stderr);
}

void gw_send_report_clear_bar(struct gw_send_report *report)
{
    if (report->bar_shown_ms == 0)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    report->bar_shown_ms = 0;
}

/* --- the sums --- */

static void print_count(uint64_t count, const char *prefix, const char *answer)
{
    if (count > 0)
        printf("%8" PRIu64 "  %s%s\n", count, prefix, answer);
}

void gw_send_report_print(const struct gw_send_report *report)
{
    char status[8];

    if (report->refused > DETAILS_MAX)
        gw_cli_error("... and %" PRIu64 " more that were not answered 2xx",
                     report->refused - DETAILS_MAX);
    puts("  EVENTS  ANSWER");
    for (unsigned i = 0; i < GW_SEND_STATUSES; i++) {
        snprintf(status, sizeof(status), "%03u", i);
        print_count(report->statuses[i], "", status);
    }
    for (int code = 0; code < CURL_LAST; code++)
        print_count(report->unanswered[code], "none: ", curl_easy_strerror((CURLcode)code));
}

void gw_send_report_print_times(const struct gw_send_report *report)
{
    static const unsigned percents[] = {50, 90, 99};
    const struct gw_durations *durations = &report->durations;

    printf("%8" PRIu64 "  in %.3f s: %.1f a second\n", count_all(report),
           (double)(report->ended_us - report->begun_us) / 1e6,
           rate_until(report, report->ended_us));
    if (durations->count == 0)
        return;
    fputs("          answered within", stdout);
    for (size_t i = 0; i < GW_COUNT(percents); i++)
        printf("  p%u %.1f ms", percents[i],
               (double)gw_durations_percentile(durations, percents[i]) / 1000);
    printf("  max %.1f ms\n", (double)durations->max_us / 1000);
}
