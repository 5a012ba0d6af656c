/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public URL, seen as Genesys sees it, but from here: an event without a signature is posted,
 * which nobody takes, and by whose refusal the daemon is known.
 */
#include "doctor.h"

#include "gw/time.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>

#define URL "url"
#define CERTIFICATE "certificate"
#define DAY_MS INT64_C(86400000)
#define DAYS_LEFT_FEW 14

/* --- the address --- */

static bool is_part(CURLU *url, CURLUPart part, const char *wanted)
{
    char *text = NULL;
    bool is = curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              strcmp(text, wanted) == 0;

    curl_free(text);
    return is;
}

static void judge_parts(struct gw_doctor *doctor, CURLU *url)
{
    if (!is_part(url, CURLUPART_SCHEME, "https"))
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, URL,
                      "it is not https, and Genesys calls nothing else: put TLS in front");
    else if (!is_part(url, CURLUPART_PORT, "443"))
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, URL, "Genesys calls port 443 alone");
    if (!is_part(url, CURLUPART_PATH, doctor->config.path))
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, URL,
                      "its path is another than [server] path = %s: that is right only where a "
                      "proxy changes it",
                      doctor->config.path);
}

/* @return whether it is one that can be asked. */
static bool look_at_address(struct gw_doctor *doctor)
{
    CURLU *url = curl_url();
    bool is_url =
        url && curl_url_set(url, CURLUPART_URL, doctor->url, 0) == CURLUE_OK &&
        (is_part(url, CURLUPART_SCHEME, "https") || is_part(url, CURLUPART_SCHEME, "http"));

    if (is_url)
        judge_parts(doctor, url);
    else
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, URL, "'%s' is no https:// or http:// URL",
                      doctor->url);
    curl_url_cleanup(url);
    return is_url;
}

/* --- the answer --- */

static const struct answer {
    long first, last;
    enum gw_doctor_verdict verdict;
    const char *advice;
} answers[] = {
    {200, 299, GW_DOCTOR_WRONG, "an unsigned event is taken there, so it is not this daemon"},
    {300, 399, GW_DOCTOR_WRONG, "a redirect, which is not followed: give Genesys where it leads"},
    {401, 401, GW_DOCTOR_WRONG, "but not as this daemon does: somebody else asks for a password"},
    {403, 403, GW_DOCTOR_WARNING,
     "not checked: [server] allow, or a firewall in front, does not let this machine in; it must "
     "let Genesys in"},
    {404, 404, GW_DOCTOR_WRONG,
     "nothing is served under that path: compare it with [server] path and with the proxy's"},
    {405, 405, GW_DOCTOR_WRONG, "it takes no POST: does a proxy lead elsewhere?"},
    {502, 504, GW_DOCTOR_WRONG,
     "a proxy answers and does not reach the daemon, or the daemon is overloaded or draining"},
    {0, 999, GW_DOCTOR_WRONG, "so it is not this daemon that answers"},
};

static void judge_answer(struct gw_doctor *doctor, const struct gw_ask *ask)
{
    const struct answer *answer = answers;

    if (ask->status == 401 &&
        gw_str_equal(gw_buffer_str(&ask->body),
                     GW_STR("{\"error\":\"Unauthorized: Invalid signature\"}"))) {
        gw_doctor_say(doctor, GW_DOCTOR_OK, URL, "an unsigned event is refused, as it should be");
        return;
    }
    while (ask->status < answer->first || ask->status > answer->last)
        answer++;
    gw_doctor_say(doctor, answer->verdict, URL, "an unsigned event is answered %ld: %s",
                  ask->status, answer->advice);
}

static void judge_certificate(struct gw_doctor *doctor, int64_t until_ms)
{
    int64_t days = (until_ms - gw_time_now_ms()) / DAY_MS;
    char until[GW_TIME_TEXT_SIZE];

    gw_time_format(until_ms, until);
    gw_doctor_say(doctor, days < DAYS_LEFT_FEW ? GW_DOCTOR_WARNING : GW_DOCTOR_OK, CERTIFICATE,
                  "valid for %" PRId64 " more days, until %s%s", days, until,
                  days < DAYS_LEFT_FEW ? ": is it renewed by itself?" : "");
}

void gw_doctor_look_at_url(struct gw_doctor *doctor)
{
    struct gw_ask ask = {.url = doctor->url, .post = true, .ca_file = doctor->ca_file};

    if (!look_at_address(doctor))
        return;
    gw_doctor_ask(doctor, &ask);
    if (*ask.problem)
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, URL, "no answer: %s", ask.problem);
    else
        judge_answer(doctor, &ask);
    if (ask.certificate_ms >= GW_TIME_MIN_MS && ask.certificate_ms <= GW_TIME_MAX_MS)
        judge_certificate(doctor, ask.certificate_ms);
    if (ask.date_ms != INT64_MIN)
        gw_doctor_judge_clock(doctor, "the public URL's", ask.date_ms - ask.arrived_ms);
    else
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, "clock",
                      "not checked: the public URL has not told the time");
    gw_buffer_deinit(&ask.body);
}
