/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As many transfers as connections, each with its own; a call borrows one. Calls that find none
 * wait in a queue of ours: libcurl would make a handle for each, and try them whenever a connection
 * is free. So its own limits are not needed: it never has more to do than it may have connections.
 */
#include "http_transfer.h"

#include "gw/time.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct gw_http_client {
    struct gw_curl_loop curl;
    struct gw_http_origin origin;
    char *url, *ca_file;
    size_t answer_max;
    struct gw_http_transfer *transfers, *idle;
    size_t transfer_count;
    struct gw_http_call *first, **end; /* those that wait for a transfer */
    struct gw_timer patience;          /* of the first that gives up waiting */
    char problem[CURL_ERROR_SIZE];     /* of the call that ended last */
};

/* @call NULL: to warm a connection. */
static int begin(struct gw_http_client *client, struct gw_http_call *call, int64_t timeout_ms)
{
    struct gw_http_transfer *transfer = client->idle;
    int r = gw_http_transfer_prepare(transfer, call, timeout_ms);

    if (r < 0)
        return r;
    if (curl_multi_add_handle(client->curl.multi, transfer->easy) != CURLM_OK) {
        transfer->call = NULL;
        return -ENOMEM;
    }
    client->idle = transfer->next;
    if (call)
        call->transfer = transfer;
    return 0;
}

static void wait_for_transfer(struct gw_http_client *client, struct gw_http_call *call)
{
    call->next = NULL;
    *client->end = call;
    client->end = &call->next;
    if (!client->patience.set || call->give_up_at_ms < client->patience.at_ms)
        gw_loop_set_timer(client->curl.loop, &client->patience, call->give_up_at_ms);
}

static void stop_waiting(struct gw_http_client *client, struct gw_http_call **place)
{
    struct gw_http_call *call = *place;

    *place = call->next;
    if (!*place)
        client->end = place;
    call->next = NULL;
}

/* Where there is no memory they go on waiting, until the next transfer ends or they give up. */
static void serve_waiting(struct gw_http_client *client)
{
    struct gw_http_call *call;

    while (client->idle && (call = client->first)) {
        int64_t left_ms = call->give_up_at_ms - client->curl.loop->now_ms;

        if (begin(client, call, left_ms) < 0)
            return;
        stop_waiting(client, &client->first);
    }
}

static void release(struct gw_http_client *client, struct gw_http_transfer *transfer)
{
    transfer->call = NULL;
    transfer->next = client->idle;
    client->idle = transfer;
}

/* The time limit of those that wait; each is asked anew, as done may change the queue. */
static void on_impatient(struct gw_timer *timer, int64_t now_ms)
{
    struct gw_http_client *client = GW_CONTAINER(timer, struct gw_http_client, patience);
    int64_t next_ms = INT64_MAX;
    struct gw_http_call **place = &client->first;

    while (*place) {
        struct gw_http_call *call = *place;

        if (call->give_up_at_ms > now_ms) {
            if (call->give_up_at_ms < next_ms)
                next_ms = call->give_up_at_ms;
            place = &call->next;
            continue;
        }
        stop_waiting(client, place);
        call->result = GW_HTTP_UNSENT;
        call->problem = "no connection became free in time";
        call->done(call);
        place = &client->first;
    }
    if (client->first)
        gw_loop_set_timer(client->curl.loop, timer, next_ms);
}

/* The next call may have the transfer while done still reads its problem. */
static void keep_problem(struct gw_http_client *client, struct gw_http_call *call)
{
    if (!call->problem)
        return;
    (void)snprintf(client->problem, sizeof(client->problem), "%s", call->problem);
    call->problem = client->problem;
}

static void finish(struct gw_http_client *client, struct gw_http_transfer *transfer, CURLcode code)
{
    struct gw_http_call *call = transfer->call;

    if (call) {
        gw_http_transfer_end(transfer, code);
        keep_problem(client, call);
        call->transfer = NULL;
    }
    curl_multi_remove_handle(client->curl.multi, transfer->easy);
    release(client, transfer);
    if (call)
        call->done(call);
    serve_waiting(client);
}

static void on_acted(struct gw_curl_loop *curl)
{
    struct gw_http_client *client = GW_CONTAINER(curl, struct gw_http_client, curl);
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(curl->multi, &left))) {
        struct gw_http_transfer *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        finish(client, transfer, message->data.result);
    }
}

/* --- the client --- */

static void init_library(void)
{
    /* What it cannot set up, curl_multi_init or curl_easy_init finds missing. */
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int init_transfers(struct gw_http_client *client, size_t count)
{
    client->transfers = calloc(count, sizeof(*client->transfers));
    if (!client->transfers)
        return -ENOMEM;
    client->transfer_count = count;
    for (size_t i = count; i > 0; i--) {
        gw_http_transfer_init(&client->transfers[i - 1], &client->origin);
        release(client, &client->transfers[i - 1]);
    }
    return 0;
}

static int init_client(struct gw_http_client *client, struct gw_loop *loop,
                       const struct gw_http_client_options *options)
{
    int r = gw_curl_loop_init(&client->curl, loop, on_acted);

    if (r < 0)
        return r;
    client->url = strdup(options->url);
    client->ca_file = options->ca_file ? strdup(options->ca_file) : NULL;
    client->origin = (struct gw_http_origin){
        .curl = &client->curl,
        .url = gw_str(client->url),
        .ca_file = client->ca_file,
        .connect_timeout_ms = options->connect_timeout_ms,
    };
    client->answer_max = options->answer_max;
    client->end = &client->first;
    client->patience.fire = on_impatient;
    if (!client->url || (options->ca_file && !client->ca_file))
        return -ENOMEM;
    return init_transfers(client, options->connections);
}

static bool is_http(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

int gw_http_client_new(struct gw_loop *loop, const struct gw_http_client_options *options,
                       struct gw_http_client **client)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct gw_http_client *made;
    int r;

    if (!is_http(options->url) || options->connections == 0)
        return -EINVAL;
    pthread_once(&once, init_library);
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    r = init_client(made, loop, options);
    if (r < 0)
        gw_http_client_free(made);
    else
        *client = made;
    return r;
}

struct gw_http_client *gw_http_client_free(struct gw_http_client *client)
{
    if (!client)
        return NULL;
    gw_loop_cancel_timer(client->curl.loop, &client->patience);
    for (size_t i = 0; i < client->transfer_count; i++) {
        struct gw_http_transfer *transfer = &client->transfers[i];

        if (transfer->call)
            transfer->call->transfer = NULL;
        if (transfer->easy)
            curl_multi_remove_handle(client->curl.multi, transfer->easy);
        gw_http_transfer_deinit(transfer);
    }
    gw_curl_loop_deinit(&client->curl);
    free(client->transfers);
    free(client->ca_file);
    free(client->url);
    free(client);
    return NULL;
}

void gw_http_client_warm(struct gw_http_client *client, size_t count)
{
    for (size_t i = 0; i < count && client->idle; i++) {
        if (begin(client, NULL, client->origin.connect_timeout_ms) < 0)
            return;
    }
}

static void reset(const struct gw_http_client *client, struct gw_http_call *call)
{
    call->problem = NULL;
    call->status = 0;
    call->answer.max = client->answer_max;
    call->answer.len = 0;
    call->date_ms = INT64_MIN;
    call->retry_after_ms = -1;
    call->crc32 = -1;
}

int gw_http_start(struct gw_http_client *client, struct gw_http_call *call)
{
    reset(client, call);
    if (client->idle && !client->first)
        return begin(client, call, call->timeout_ms);
    call->give_up_at_ms = gw_time_monotonic_ms() + call->timeout_ms;
    wait_for_transfer(client, call);
    return 0;
}

void gw_http_cancel(struct gw_http_client *client, struct gw_http_call *call)
{
    struct gw_http_transfer *transfer = call->transfer;
    struct gw_http_call **place = &client->first;

    if (transfer) {
        call->transfer = NULL;
        curl_multi_remove_handle(client->curl.multi, transfer->easy);
        release(client, transfer);
        serve_waiting(client);
        return;
    }
    while (*place && *place != call)
        place = &(*place)->next;
    if (*place)
        stop_waiting(client, place);
}
