/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Genesys repeats an event after a 5xx and never after a 4xx, so a fault of ours must be one of the
 * former. Why a request was refused is for the log and the metrics: the caller only learns the
 * status.
 */
#include "gw/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define RETRY_AFTER_SECONDS "5" /* Genesys's own interval */

static const struct reply {
    unsigned status;
    enum gw_counter counter;
    const char *phrase;
    const char *body;
    const char *header, *value; /* one more header, or NULL */
} table[GW_REPLY_COUNT] = {
    [GW_REPLY_SUCCESS] = {200, GW_COUNTER_REPLY_200, "OK", "{\"success\":true}", NULL, NULL},
    [GW_REPLY_OK] = {200, GW_COUNTER_PROBES_OK, "OK", "{\"status\":\"ok\"}", NULL, NULL},
    [GW_REPLY_BAD_REQUEST] = {400, GW_COUNTER_REPLY_400, "Bad Request",
                              "{\"error\":\"Bad Request: Malformed HTTP\"}", NULL, NULL},
    [GW_REPLY_INVALID_JSON] = {400, GW_COUNTER_REPLY_400, "Bad Request",
                               "{\"error\":\"Bad Request: Invalid JSON\"}", NULL, NULL},
    [GW_REPLY_UNAUTHORIZED] = {401, GW_COUNTER_REPLY_401, "Unauthorized",
                               "{\"error\":\"Unauthorized: Invalid signature\"}", NULL, NULL},
    [GW_REPLY_FORBIDDEN] = {403, GW_COUNTER_REPLY_403, "Forbidden", "{\"error\":\"Forbidden\"}",
                            NULL, NULL},
    [GW_REPLY_NOT_FOUND] = {404, GW_COUNTER_REPLY_404, "Not Found", "{\"error\":\"Not Found\"}",
                            NULL, NULL},
    [GW_REPLY_METHOD_NOT_ALLOWED_POST] = {405, GW_COUNTER_REPLY_405, "Method Not Allowed",
                                          "{\"error\":\"Method Not Allowed\"}", "Allow", "POST"},
    [GW_REPLY_METHOD_NOT_ALLOWED_GET] = {405, GW_COUNTER_REPLY_405, "Method Not Allowed",
                                         "{\"error\":\"Method Not Allowed\"}", "Allow",
                                         "GET, HEAD"},
    [GW_REPLY_TIMEOUT] = {408, GW_COUNTER_REPLY_408, "Request Timeout",
                          "{\"error\":\"Request Timeout\"}", NULL, NULL},
    [GW_REPLY_TOO_LARGE] = {413, GW_COUNTER_REPLY_413, "Content Too Large",
                            "{\"error\":\"Content Too Large\"}", NULL, NULL},
    [GW_REPLY_HEADER_TOO_LARGE] = {431, GW_COUNTER_REPLY_431, "Request Header Fields Too Large",
                                   "{\"error\":\"Request Header Fields Too Large\"}", NULL, NULL},
    [GW_REPLY_FAILED] = {500, GW_COUNTER_REPLY_500, "Internal Server Error",
                         "{\"error\":\"Internal Server Error\"}", NULL, NULL},
    [GW_REPLY_OVERLOADED] = {503, GW_COUNTER_REPLY_503, "Service Unavailable",
                             "{\"error\":\"Service Unavailable\"}", "Retry-After",
                             RETRY_AFTER_SECONDS},
    [GW_REPLY_NOT_READY] = {503, GW_COUNTER_PROBES_NOT_READY, "Service Unavailable",
                            "{\"status\":\"not ready\"}", "Retry-After", RETRY_AFTER_SECONDS},
};

static const struct {
    enum gw_reply reply;
    enum gw_counter counter;
    const char *text;
} reasons[GW_REASON_COUNT] = {
#define REFUSAL(symbol, name, reply, text)                                                         \
    [GW_REASON_##symbol] = {GW_REPLY_##reply, GW_COUNTER_REFUSED_##symbol, text},
    GW_REASONS(REFUSAL)};

static bool add_headers(struct MHD_Response *response, const struct reply *reply, bool close)
{
    return MHD_add_response_header(response, "Content-Type", "application/json") == MHD_YES &&
           (!reply->header ||
            MHD_add_response_header(response, reply->header, reply->value) == MHD_YES) &&
           (!close || MHD_add_response_header(response, "Connection", "close") == MHD_YES);
}

/* libmicrohttpd asks for a writable buffer, but with PERSISTENT it only reads. */
static struct MHD_Response *build(const struct reply *reply, bool close)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(reply->body), (void *)(uintptr_t)reply->body, MHD_RESPMEM_PERSISTENT);

    if (response && !add_headers(response, reply, close)) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

int gw_replies_init(struct gw_replies *replies)
{
    memset(replies, 0, sizeof(*replies));
    for (int i = GW_REPLY_NONE + 1; i < GW_REPLY_COUNT; i++)
        for (int close = 0; close < 2; close++) {
            replies->built[i][close] = build(&table[i], close);
            if (!replies->built[i][close]) {
                gw_replies_deinit(replies);
                return -ENOMEM;
            }
        }
    return 0;
}

void gw_replies_deinit(struct gw_replies *replies)
{
    for (int i = 0; i < GW_REPLY_COUNT; i++)
        for (int close = 0; close < 2; close++)
            if (replies->built[i][close])
                MHD_destroy_response(replies->built[i][close]);
    memset(replies, 0, sizeof(*replies));
}

unsigned gw_reply_status(enum gw_reply reply)
{
    return table[reply].status;
}

enum gw_counter gw_reply_counter(enum gw_reply reply)
{
    return table[reply].counter;
}

const char *gw_reply_body(enum gw_reply reply)
{
    return table[reply].body;
}

enum gw_reply gw_reason_reply(enum gw_reason reason)
{
    return reasons[reason].reply;
}

enum gw_counter gw_reason_counter(enum gw_reason reason)
{
    return reasons[reason].counter;
}

const char *gw_reason_text(enum gw_reason reason)
{
    return reasons[reason].text;
}

enum MHD_Result gw_replies_queue(const struct gw_replies *replies,
                                 struct MHD_Connection *connection, enum gw_reply reply, bool close)
{
    return MHD_queue_response(connection, table[reply].status, replies->built[reply][close]);
}

void gw_reply_build_success(const struct gw_judgement *judgement, struct gw_buffer *body)
{
    const struct gw_json_value *id = &judgement->scan.values[judgement->event_id_slot];
    int r;

    gw_buffer_init(body, 8 * GW_EVENT_ID_MAX);
    if (judgement->verdict != GW_VERDICT_STORE && id->type == GW_JSON_ABSENT)
        return;
    r = gw_buffer_append(body, GW_STR("{\"success\":true,\"eventId\":"));
    if (r == 0)
        r = judgement->verdict == GW_VERDICT_STORE
                ? gw_buffer_append_json(body, judgement->write.conversation_id)
                : gw_event_append_compact(id, body);
    if (r || gw_buffer_append(body, GW_STR("}")))
        gw_buffer_deinit(body);
}

enum MHD_Result gw_reply_queue_success(struct MHD_Connection *connection, struct gw_buffer *body,
                                       bool close)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);

    if (!response)
        return MHD_NO;
    gw_buffer_init(body, body->max);
    enum MHD_Result queued = MHD_NO;

    if (add_headers(response, &table[GW_REPLY_SUCCESS], close))
        queued = MHD_queue_response(connection, table[GW_REPLY_SUCCESS].status, response);
    MHD_destroy_response(response);
    return queued;
}

void gw_reply_send(int fd, enum gw_reply reply)
{
    const struct reply *r = &table[reply];
    char text[512];
    int len =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
                 "Connection: close\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%s",
                 r->status, r->phrase, r->header ? r->header : "", r->header ? ": " : "",
                 r->header ? r->value : "", r->header ? "\r\n" : "", strlen(r->body), r->body);

    if (len > 0 && (size_t)len < sizeof(text))
        (void)!send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
}
