/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One easy handle a slot, all in one multi handle, which keeps their connections. At a rate the
 * n-th event is due at n / rate whatever became of those before it (an open loop), and its time
 * counts from then: a server that stalls is not asked less often, and what had to wait for a slot
 * shows in the percentiles.
 */
#include "sender.h"

#include "gw/time.h"

#include <errno.h>
#include <stdlib.h>

#define ANSWER_KEPT 1024 /* bytes of one */
#define TICK_MS 100
#define SECOND_US INT64_C(1000000)

struct slot {
    CURL *curl;
    struct curl_slist *headers;
    struct gw_buffer body, header, answer;
    struct gw_origin origin;
    int64_t since_us;
    struct slot *next; /* of the free ones */
    char error[CURL_ERROR_SIZE];
};

struct gw_sender {
    struct gw_sender_options options;
    CURLM *multi;
    struct slot *slots, *free;
    struct gw_sender_progress progress;
};

/* More than is kept is read all the same, as the connection is to be kept. */
static size_t take_answer(char *bytes, size_t one, size_t len, void *context)
{
    struct gw_buffer *answer = context;
    size_t room = answer->max - answer->len, taken = len < room ? len : room;

    (void)one;
    return gw_buffer_append(answer, (struct gw_str){bytes, taken}) == 0 ? len : 0;
}

/* --- life --- */

/* Nothing follows redirects: the signature is meant for this receiver. */
static CURLcode set_up(struct slot *slot, const struct gw_sender_options *options)
{
    CURL *curl = slot->curl;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_CURLU, options->url);

    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_USERAGENT, GW_CLI_PROGRAM "/" GW_VERSION);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, slot->error);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, &slot->answer);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_PRIVATE, slot);
    return code;
}

static bool add_slot(struct gw_sender *sender, struct slot *slot)
{
    gw_buffer_init(&slot->body, SIZE_MAX);
    gw_buffer_init(&slot->header, SIZE_MAX);
    gw_buffer_init(&slot->answer, ANSWER_KEPT);
    slot->curl = curl_easy_init();
    slot->next = sender->free;
    sender->free = slot;
    return slot->curl && set_up(slot, &sender->options) == CURLE_OK;
}

struct gw_sender *gw_sender_new(const struct gw_sender_options *options)
{
    struct gw_sender *sender = calloc(1, sizeof(*sender));

    if (!sender)
        return NULL;
    sender->options = *options;
    sender->multi = curl_multi_init();
    sender->slots = calloc(options->concurrency, sizeof(*sender->slots));
    bool made = sender->multi && sender->slots &&
                curl_multi_setopt(sender->multi, CURLMOPT_MAXCONNECTS,
                                  (long)options->concurrency) == CURLM_OK;

    for (size_t i = 0; made && i < options->concurrency; i++)
        made = add_slot(sender, &sender->slots[i]);
    return made ? sender : gw_sender_free(sender);
}

static void free_slot(struct gw_sender *sender, struct slot *slot)
{
    if (!slot->curl)
        return;
    (void)curl_multi_remove_handle(sender->multi, slot->curl);
    curl_easy_cleanup(slot->curl);
    curl_slist_free_all(slot->headers);
    gw_buffer_deinit(&slot->body);
    gw_buffer_deinit(&slot->header);
    gw_buffer_deinit(&slot->answer);
}

struct gw_sender *gw_sender_free(struct gw_sender *sender)
{
    if (!sender)
        return NULL;
    for (size_t i = 0; sender->slots && i < sender->options.concurrency; i++)
        free_slot(sender, &sender->slots[i]);
    free(sender->slots);
    curl_multi_cleanup(sender->multi);
    free(sender);
    return NULL;
}

/* --- an event --- */

/* Signs the body and leaves the whole header in slot->header, as a C string. */
static int sign(struct slot *slot, struct gw_signer *signer)
{
    struct gw_buffer *header = &slot->header;
    int r;

    header->len = 0;
    r = gw_buffer_appendf(header, "%s: ", signer->scheme.header);
    if (r == 0)
        r = gw_signer_append_value(signer, gw_buffer_str(&slot->body), header);
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
static CURLcode set_event(struct slot *slot)
{
    const struct gw_buffer *body = &slot->body;
    CURLcode code = curl_easy_setopt(slot->curl, CURLOPT_HTTPHEADER, slot->headers);

    if (code == CURLE_OK)
        code = curl_easy_setopt(slot->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
    if (code == CURLE_OK)
        code = curl_easy_setopt(slot->curl, CURLOPT_POSTFIELDS, body->len ? body->data : "");
    return code;
}

static int prepare(struct slot *slot, struct gw_signer *signer, struct gw_str body)
{
    slot->body.len = slot->answer.len = 0;
    *slot->error = '\0';
    if (gw_buffer_append(&slot->body, body) < 0 || sign(slot, signer) < 0)
        return -ENOMEM;
    curl_slist_free_all(slot->headers);
    slot->headers = list_headers(slot->header.data);
    return slot->headers && set_event(slot) == CURLE_OK ? 0 : -ENOMEM;
}

static void tell_answer(struct gw_sender *sender, struct slot *slot, CURLcode code, int64_t now_us)
{
    struct gw_sent sent = {
        .origin = slot->origin,
        .code = code,
        .answer = gw_buffer_str(&slot->answer),
        .error = *slot->error ? slot->error : curl_easy_strerror(code),
        .took_us = now_us - slot->since_us,
    };

    (void)curl_easy_getinfo(slot->curl, CURLINFO_RESPONSE_CODE, &sent.status);
    sender->options.answered(sender->options.context, &sent);
}

static void take_answers(struct gw_sender *sender)
{
    const int64_t now_us = gw_time_monotonic_us();
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(sender->multi, &left))) {
        CURLcode code = message->data.result;
        struct slot *slot = NULL;

        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot) != CURLE_OK)
            continue;
        (void)curl_multi_remove_handle(sender->multi, slot->curl);
        sender->progress.under_way--;
        slot->next = sender->free;
        sender->free = slot;
        tell_answer(sender, slot, code, now_us);
    }
}

/* --- the loop --- */

static bool has_slot(const struct gw_sender *sender)
{
    return sender->free != NULL;
}

static bool is_idle(const struct gw_sender *sender)
{
    return sender->progress.under_way == 0;
}

static int wait_for_curl(struct gw_sender *sender, int64_t wait_us)
{
    int64_t wait_ms = wait_us / 1000;
    CURLMcode code =
        curl_multi_poll(sender->multi, NULL, 0, wait_ms < TICK_MS ? (int)wait_ms : TICK_MS, NULL);

    return code == CURLM_OK ? 0 : -ENOMEM;
}

/* Goes on until @is_enough or @until_us. */
static int drive(struct gw_sender *sender, int64_t until_us,
                 bool (*is_enough)(const struct gw_sender *sender))
{
    for (;;) {
        int running, r;

        if (gw_cli_is_interrupted())
            return GW_SENDER_INTERRUPTED;
        if (curl_multi_perform(sender->multi, &running) != CURLM_OK)
            return -ENOMEM;
        take_answers(sender);
        sender->options.waiting(sender->options.context);
        const int64_t now_us = gw_time_monotonic_us();

        if (now_us >= until_us || (is_enough && is_enough(sender)))
            return 0;
        r = wait_for_curl(sender, until_us - now_us);
        if (r < 0)
            return r;
    }
}

/* When the next event is due: at once without a rate. */
static int64_t due_us(const struct gw_sender *sender, int64_t now_us)
{
    const struct gw_sender_progress *progress = &sender->progress;

    if (sender->options.rate == 0 || progress->begun == 0)
        return now_us;
    return progress->first_us +
           (int64_t)((double)progress->begun * (double)SECOND_US / (double)sender->options.rate);
}

static int begin(struct gw_sender *sender, const struct gw_origin *origin, struct gw_str body,
                 int64_t since_us)
{
    struct gw_sender_progress *progress = &sender->progress;
    struct slot *slot = sender->free;
    int r = prepare(slot, sender->options.signer, body);

    if (r < 0)
        return r;
    slot->origin = *origin;
    slot->since_us = since_us;
    progress->last_us = gw_time_monotonic_us();
    if (curl_multi_add_handle(sender->multi, slot->curl) != CURLM_OK)
        return -ENOMEM;
    sender->free = slot->next;
    progress->under_way++;
    if (progress->begun++ == 0) {
        progress->first_us = since_us;
        gw_cli_take_interrupts();
    }
    return 0;
}

int gw_sender_send(struct gw_sender *sender, const struct gw_origin *origin, struct gw_str body)
{
    int64_t now_us = gw_time_monotonic_us(), due = due_us(sender, now_us);
    int r = now_us < due ? drive(sender, due, NULL) : 0;

    if (r == 0)
        r = begin(sender, origin, body, due);
    return r == 0 ? drive(sender, INT64_MAX, has_slot) : r;
}

void gw_sender_finish(struct gw_sender *sender)
{
    (void)drive(sender, INT64_MAX, is_idle);
}

void gw_sender_tell(const struct gw_sender *sender, struct gw_sender_progress *progress)
{
    *progress = sender->progress;
}
