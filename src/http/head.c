/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call 1: the header. An answer queued here closes the connection, so only what saves a body or
 * must close is answered at once; whatever else is known early is decided, and the body dropped, so
 * that the connection stays.
 */
#include "connection.h"

#include "gw/strict.h"
#include "gw/time.h"

#include <strings.h>

#define BODY_AHEAD_MAX ((size_t)64 << 10) /* taken on the word of a Content-Length */
/* libmicrohttpd has one piece of memory for a connection (front.c), of which a header takes its own
 * length and ENTRY_BYTES for each line, cookie and query argument. Of what is left the answer must
 * be made, or an event would be stored and its client cut off. */
#define HEADER_BYTES_MAX ((size_t)14 << 10)
#define ENTRY_BYTES 64

struct head_reader {
    struct gw_head head;
    const char *signature_header;
    const char *forwarded_header; /* NULL: nobody's word is taken */
    struct gw_forwarded forwarded;
};

static enum MHD_Result read_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    struct head_reader *reader = context;

    if (kind != MHD_HEADER_KIND)
        return MHD_YES;
    const struct gw_str text = {value ? value : "", value_len};

    gw_head_add(&reader->head, reader->signature_header, (struct gw_str){name, name_len}, text);
    if (reader->forwarded_header && strcasecmp(name, reader->forwarded_header) == 0)
        gw_forwarded_add(&reader->forwarded, text);
    return MHD_YES;
}

static bool is_get(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static enum gw_reply probe_reply(struct gw_front *front, bool readiness)
{
    struct gw_backend *backend = front->shared->backend;

    if (!readiness)
        return GW_REPLY_OK;
    if (atomic_load_explicit(&front->shared->leaving, memory_order_relaxed))
        return GW_REPLY_NOT_READY;
    return backend->ops->ready(backend) ? GW_REPLY_OK : GW_REPLY_NOT_READY;
}

/* Decides what path and method alone decide: all but an endpoint's POST. */
static void decide_target(struct gw_request *request, struct gw_str path, const char *method)
{
    bool readiness = gw_str_equal(path, GW_STR("/readyz"));

    if (request->endpoint) {
        if (strcmp(method, "POST") != 0)
            gw_request_refuse(request, GW_REASON_WEBHOOK_METHOD);
    } else if (!readiness && !gw_str_equal(path, GW_STR("/healthz"))) {
        gw_request_refuse(request, GW_REASON_UNKNOWN_PATH);
    } else if (!is_get(method)) {
        gw_request_refuse(request, GW_REASON_PROBE_METHOD);
    } else {
        gw_request_decide(request, probe_reply(gw_request_connection(request)->front, readiness));
    }
}

static int begin_body(struct gw_request *request, uint64_t announced)
{
    struct gw_front *front = gw_request_connection(request)->front;

    if (front->spare_count > 0)
        request->body = front->spare_bodies[--front->spare_count];
    request->body.max = request->settings->max_body_bytes;
    return gw_buffer_reserve(&request->body,
                             announced < BODY_AHEAD_MAX ? (size_t)announced : BODY_AHEAD_MAX);
}

/* Refusals that are answered at once and close the connection. Beyond the limits probes are
 * served all the same: that clients are many does not make the process unfit. */
static bool refuse_at_once(struct gw_request *request, const struct gw_head *head)
{
    enum gw_reason broken = gw_strict_check(head);
    enum gw_reason surplus = gw_request_connection(request)->surplus;
    bool probe = request->reply == GW_REPLY_OK || request->reply == GW_REPLY_NOT_READY;

    if (broken != GW_REASON_NONE)
        gw_request_refuse(request, broken);
    else if (surplus && !probe)
        gw_request_refuse(request, surplus);
    else if (head->content_lengths && head->content_length > request->settings->max_body_bytes)
        gw_request_refuse(request, GW_REASON_ANNOUNCED_LENGTH);
    else
        return false;
    return true;
}

static void find_peer(struct gw_request *request, const struct gw_forwarded *forwarded)
{
    const struct gw_settings *settings = request->settings;

    gw_connection_address(gw_request_connection(request), &request->address);
    if (!gw_networks_hold(&settings->trusted_proxies, &request->address))
        return;
    request->peer = GW_PEER_FORWARDED;
    if (!gw_forwarded_resolve(forwarded, settings->forwarded_form, &settings->trusted_proxies,
                              &request->address))
        request->peer = GW_PEER_UNKNOWN;
}

static bool is_allowed(const struct gw_request *request)
{
    const struct gw_networks *allow = &request->settings->allow;

    return allow->count == 0 ||
           (request->peer != GW_PEER_UNKNOWN && gw_networks_hold(allow, &request->address));
}

/* Decides what else can be decided without the body. */
static void decide_early(struct gw_request *request, const struct gw_head *head)
{
    if (!is_allowed(request))
        gw_request_refuse(request, GW_REASON_NOT_ALLOWED);
    else if (head->signatures > 1)
        gw_request_refuse(request, GW_REASON_TWO_SIGNATURES);
    else if (head->signatures == 0)
        gw_request_refuse(request, GW_REASON_NO_SIGNATURE);
    else if (begin_body(request, head->content_length) != 0)
        gw_request_refuse(request, GW_REASON_NO_MEMORY);
    else if (!gw_request_account_body(request))
        gw_request_refuse(request, GW_REASON_MAX_BUFFERED);
    else
        request->signature = head->signature;
}

/* @return how much of its memory for the connection the library has used up. */
static size_t read_head(struct gw_connection *c, struct head_reader *reader)
{
    static const int kinds = MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND;
    int entries =
        MHD_get_connection_values_n(c->mhd, (enum MHD_ValueKind)kinds, read_header, reader);
    size_t size =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;

    c->consumed += size;
    c->inexact++;
    return size + (size_t)entries * ENTRY_BYTES;
}

static uint64_t announced_length(const struct gw_head *head)
{
    if (head->transfer_encodings > 0)
        return UINT64_MAX;
    return head->content_lengths > 0 ? head->content_length : 0;
}

enum MHD_Result gw_request_begin(struct gw_request *request, const char *url, const char *method,
                                 const char *version)
{
    struct gw_connection *c = gw_request_connection(request);
    struct gw_str path = gw_settings_path(gw_str(url));
    struct head_reader reader = {.head.http_1_1 = strcmp(version, "HTTP/1.0") != 0};

    gw_connection_enter(c, GW_PHASE_READING);
    c->front->requests++;
    request->since_us = gw_time_monotonic_us();
    request->settings = gw_settings_ref(c->front->settings);
    request->endpoint = gw_settings_endpoint(request->settings, path);
    reader.signature_header = request->endpoint ? request->endpoint->scheme.header : NULL;
    if (request->settings->trusted_proxies.count > 0)
        reader.forwarded_header = gw_forwarded_name(request->settings->forwarded_form);
    size_t used = read_head(c, &reader);

    request->announced = announced_length(&reader.head);
    if (request->settings->trusted_proxies.count > 0 || request->settings->allow.count > 0)
        find_peer(request, &reader.forwarded);
    decide_target(request, path, method);
    if (used > HEADER_BYTES_MAX)
        gw_request_cut(request, GW_REASON_HEADER_SIZE);
    else if (refuse_at_once(request, &reader.head))
        return gw_request_answer(request);
    else if (request->reply == GW_REPLY_NONE)
        decide_early(request, &reader.head);
    return MHD_YES;
}
