/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request: libmicrohttpd calls the handler with the header (call 1: head.c), with each piece of
 * body, and with nothing when the body is whole. While a body arrives no answer can be queued.
 *
 * A write goes to the store, and its outcome decides the answer. A handler that says yes without an
 * answer is called again in each pass of the front, and so finds the outcome of a quick store;
 * after some passes the connection is suspended, and resumed by the outcome. Suspending at once
 * would take no bookkeeping, but four system calls: the socket leaves epoll and comes back, which
 * makes an event, and a read that finds nothing. As long as it is not suspended the library may
 * find its client gone: then the store has the request alone, and its outcome frees it.
 */
#include "connection.h"

#include "gw/time.h"

#include <errno.h>

#define ASKED_BEFORE_SUSPENDED 16
#define QUICKLY_STORED_BYTES ((size_t)16 << 10) /* beyond, disks take longer than that */
#define TIMESTAMP_LOG_BURST 5

/* --- the answer --- */

enum MHD_Result gw_request_answer(struct gw_request *request)
{
    struct gw_connection *c = gw_request_connection(request);
    struct gw_front *front = c->front;
    bool close = c->surplus || request->reply == GW_REPLY_BAD_REQUEST ||
                 atomic_load_explicit(&front->shared->draining, memory_order_relaxed);

    if (c->phase == GW_PHASE_CLOSING)
        return MHD_NO; /* answered on the bare socket */
    gw_connection_enter(c, GW_PHASE_REPLYING);
    front->run_again = true;
    enum MHD_Result queued = request->reply == GW_REPLY_SUCCESS && request->answer.len > 0
                                 ? gw_reply_queue_success(c->mhd, &request->answer, close)
                                 : gw_replies_queue(&front->replies, c->mhd, request->reply, close);

    if (queued == MHD_YES)
        gw_connection_answered(c, request->reply, request->reason, request->detail);
    return queued;
}

static void release_body(struct gw_request *request)
{
    struct gw_front *front = gw_request_connection(request)->front;

    if (request->body_taken > 0)
        gw_limit_give(&front->shared->limits.buffered_bytes, request->body_taken);
    request->body_taken = 0;
    if (front->spare_count < SPARE_BODIES && request->body.capacity > 0 &&
        request->body.capacity <= SPARE_BODY_BYTES) {
        request->body.len = 0;
        front->spare_bodies[front->spare_count++] = request->body;
        gw_buffer_init(&request->body, 0);
    }
    gw_buffer_deinit(&request->body);
}

void gw_request_decide(struct gw_request *request, enum gw_reply reply)
{
    request->reply = reply;
    release_body(request);
}

/* Gives back all that it holds. */
static void finish(struct gw_request *request)
{
    gw_request_connection(request)->front->requests--;
    release_body(request);
    gw_buffer_deinit(&request->answer);
    gw_arena_deinit(&request->arena);
    gw_settings_unref(request->settings);
    memset(request, 0, sizeof(*request));
}

/* Whether its outcome has yet to come. */
static bool with_store(const struct gw_request *request)
{
    return request->reply == GW_REPLY_NONE && request->submission.done;
}

/* @param acknowledged  whether it is to look like a success all the same */
static void settle(struct gw_request *request, enum gw_reason reason, bool acknowledged)
{
    request->reason = reason;
    gw_request_decide(request, reason == GW_REASON_NONE || acknowledged ? GW_REPLY_SUCCESS
                                                                        : gw_reason_reply(reason));
}

void gw_request_refuse(struct gw_request *request, enum gw_reason reason)
{
    settle(request, reason, false);
}

void gw_request_cut(struct gw_request *request, enum gw_reason reason)
{
    gw_request_refuse(request, reason);
    if (gw_request_connection(request)->phase != GW_PHASE_CLOSING)
        gw_connection_cut(gw_request_connection(request), reason);
}

/* Ends the part of a request that is timed now, and begins the next. */
static void time_part(struct gw_request *request, enum gw_histogram histogram)
{
    int64_t now_us = gw_time_monotonic_us();

    gw_metrics_observe(gw_request_connection(request)->front->metrics, histogram,
                       now_us - request->since_us);
    request->since_us = now_us;
}

/* --- the body --- */

bool gw_request_account_body(struct gw_request *request)
{
    int64_t grown = (int64_t)request->body.capacity - request->body_taken;

    if (grown > 0) {
        if (!gw_limit_take(&gw_request_connection(request)->front->shared->limits.buffered_bytes,
                           grown))
            return false;
        request->body_taken += grown;
    }
    return true;
}

static void take_piece(struct gw_request *request, struct gw_str piece)
{
    size_t max = request->settings->max_body_bytes;

    request->received += piece.len;
    gw_request_connection(request)->consumed += piece.len;
    if (request->received < request->announced)
        gw_request_connection(request)->front->run_again = true;
    if (request->received > 2 * max)
        gw_request_cut(request, GW_REASON_ENDLESS_BODY);
    if (request->reply != GW_REPLY_NONE)
        return;
    int r = gw_buffer_append(&request->body, piece);

    if (r == -ENOBUFS)
        gw_request_refuse(request, GW_REASON_BODY_LENGTH);
    else if (r)
        gw_request_refuse(request, GW_REASON_NO_MEMORY);
    else if (!gw_request_account_body(request))
        gw_request_refuse(request, GW_REASON_MAX_BUFFERED);
}

/* --- the judgement, and the store --- */

static const struct {
    enum gw_reason reason;
    enum gw_counter counters[2]; /* GW_COUNTER_COUNT: none */
} outcomes[] = {
    [GW_OUTCOME_STORED] = {GW_REASON_NONE, {GW_COUNTER_STORED, GW_COUNTER_COUNT}},
    [GW_OUTCOME_SUPERSEDED] = {GW_REASON_NONE, {GW_COUNTER_SUPERSEDED, GW_COUNTER_COUNT}},
    [GW_OUTCOME_REJECTED] = {GW_REASON_STORE_REJECTION, {GW_COUNTER_REJECTED, GW_COUNTER_COUNT}},
    [GW_OUTCOME_FAILED] = {GW_REASON_STORE_FAILURE, {GW_COUNTER_FAILED, GW_COUNTER_COUNT}},
    [GW_OUTCOME_AMBIGUOUS] = {GW_REASON_AMBIGUOUS_OUTCOME,
                              {GW_COUNTER_FAILED, GW_COUNTER_AMBIGUOUS}},
};

static enum gw_counter write_counter(enum gw_action action, enum gw_outcome outcome)
{
    _Static_assert(GW_COUNTER_PUT_STORED + GW_ACTION_COUNT * GW_OUTCOME_COUNT - 1 ==
                       GW_COUNTER_UPDATE_AMBIGUOUS,
                   "the counters are in the order of the enums");
    return (enum gw_counter)(GW_COUNTER_PUT_STORED + (int)action * GW_OUTCOME_COUNT + (int)outcome);
}

static void count_outcome(struct gw_request *request, enum gw_outcome outcome)
{
    struct gw_metrics *metrics = gw_request_connection(request)->front->metrics;

    for (size_t i = 0; i < GW_COUNT(outcomes[outcome].counters); i++)
        if (outcomes[outcome].counters[i] != GW_COUNTER_COUNT)
            gw_metrics_add(metrics, outcomes[outcome].counters[i], 1);
    gw_metrics_add(metrics, write_counter(request->write.action, outcome), 1);
}

static void stored(struct gw_submission *submission, enum gw_outcome outcome)
{
    struct gw_request *request = GW_CONTAINER(submission, struct gw_request, submission);
    struct gw_connection *c = gw_request_connection(request);
    struct gw_front *front = c->front;
    bool acknowledged =
        request->settings->acknowledge_failed_updates && request->write.action == GW_ACTION_UPDATE;

    time_part(request, GW_HISTOGRAM_STORE);
    count_outcome(request, outcome);
    gw_limit_give(&front->shared->limits.in_flight, 1);
    settle(request, outcomes[outcome].reason, acknowledged);
    if (c->gone) {
        finish(request);
        gw_connection_free(c);
    } else if (request->asks_left > 0) {
        front->unsuspended--;
    } else {
        request->next_resumed = front->resumed;
        front->resumed = request;
    }
}

void gw_request_abandon_all(struct gw_front *front)
{
    struct gw_connection *next;

    for (struct gw_connection *c = front->phases[GW_PHASE_STORING].oldest; c; c = next) {
        next = c->next;
        if (with_store(&c->request))
            stored(&c->request.submission, GW_OUTCOME_AMBIGUOUS);
    }
}

static enum MHD_Result answer_later(struct gw_request *request)
{
    struct gw_connection *c = gw_request_connection(request);

    if (--request->asks_left == 0) {
        c->front->unsuspended--;
        MHD_suspend_connection(c->mhd);
    }
    return MHD_YES;
}

static enum MHD_Result fail(struct gw_request *request, enum gw_reason reason)
{
    gw_metrics_add(gw_request_connection(request)->front->metrics, GW_COUNTER_FAILED, 1);
    gw_request_refuse(request, reason);
    return gw_request_answer(request);
}

static enum MHD_Result submit(struct gw_request *request, const struct gw_write *write)
{
    struct gw_connection *c = gw_request_connection(request);
    struct gw_limit *in_flight = &c->front->shared->limits.in_flight;

    if (!c->front->store)
        return fail(request, GW_REASON_SHUTDOWN);
    if (!gw_limit_take(in_flight, 1))
        return fail(request, GW_REASON_MAX_IN_FLIGHT);
    request->write = *write;
    request->submission = (struct gw_submission){.write = &request->write, .done = stored};
    int r = gw_store_submit(c->front->store, &request->submission);

    if (r) {
        gw_limit_give(in_flight, 1);
        return fail(request, r == -EAGAIN ? GW_REASON_FULL_QUEUE : GW_REASON_NO_MEMORY);
    }
    gw_connection_enter(c, GW_PHASE_STORING);
    c->front->unsuspended++;
    request->asks_left = request->received > QUICKLY_STORED_BYTES ? 1 : ASKED_BEFORE_SUSPENDED;
    return MHD_YES;
}

static void count_judgement(struct gw_metrics *metrics, const struct gw_judgement *judgement,
                            int64_t now_ms)
{
    static const enum gw_counter counters[] = {
        [GW_VERDICT_NOT_JSON] = GW_COUNTER_REJECTED,
        [GW_VERDICT_SKIPPED] = GW_COUNTER_SKIPPED,
        [GW_VERDICT_REJECTED] = GW_COUNTER_REJECTED,
        [GW_VERDICT_NO_MEMORY] = GW_COUNTER_FAILED,
    };

    if (!judgement->verified)
        return;
    atomic_store_explicit(&metrics->last_event_ms, now_ms, memory_order_relaxed);
    gw_metrics_add(metrics, GW_COUNTER_VERIFIED, 1);
    gw_metrics_add(metrics, GW_COUNTER_SECRET_MATCHED + (enum gw_counter)judgement->secret, 1);
    if (judgement->verdict != GW_VERDICT_STORE)
        gw_metrics_add(metrics, counters[judgement->verdict], 1);
}

static void warn_of_timestamp(struct gw_request *request, const struct gw_route_notes *notes)
{
    struct gw_connection *c = gw_request_connection(request);
    char peer[GW_PEER_TEXT_SIZE];
    unsigned suppressed;

    if (!notes->timestamp_malformed && !notes->timestamp_ahead)
        return;
    gw_metrics_add(
        c->front->metrics,
        notes->timestamp_ahead ? GW_COUNTER_TIMESTAMP_AHEAD : GW_COUNTER_TIMESTAMP_MALFORMED, 1);
    if (!gw_log_allowed(&c->front->timestamp_limit, TIMESTAMP_LOG_BURST, 1, c->front->loop->now_ms,
                        &suppressed))
        return;
    gw_connection_format_peer(c, peer);
    gw_log(GW_LOG_WARNING,
           notes->timestamp_ahead ? "an event's timestamp is more than a day ahead; taken as it is"
                                  : "an event's timestamp cannot be read; it counts as the oldest",
           GW_LOG_STR("peer", peer), GW_LOG_INT("suppressed", suppressed));
}

static enum MHD_Result judge(struct gw_request *request)
{
    struct gw_front *front = gw_request_connection(request)->front;
    const int64_t now_ms = gw_time_now_ms();
    struct gw_judgement judgement;

    if (gw_request_connection(request)->phase == GW_PHASE_CLOSING)
        return MHD_NO; /* nothing is stored for a client that was told 408 */
    time_part(request, GW_HISTOGRAM_RECEIVE);
    gw_endpoint_judge(request->endpoint, front->hmac, request->signature, request->body.data,
                      request->body.len, now_ms, &request->arena, &judgement);
    time_part(request, GW_HISTOGRAM_VERIFY);
    count_judgement(front->metrics, &judgement, now_ms);
    warn_of_timestamp(request, &judgement.notes);
    enum gw_reason reason = gw_judgement_reason(&judgement);
    bool acknowledged = gw_settings_acknowledge(request->settings, &judgement);

    if (reason == GW_REASON_NONE || acknowledged)
        gw_reply_build_success(&judgement, &request->answer);
    if (judgement.verdict == GW_VERDICT_STORE)
        return submit(request, &judgement.write);
    if (judgement.verdict == GW_VERDICT_REJECTED)
        request->detail = judgement.reason;
    settle(request, reason, acknowledged);
    return gw_request_answer(request);
}

enum MHD_Result gw_request_handle(void *front, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **context)
{
    struct gw_request *request = *context;

    (void)front;
    if (!request) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        struct gw_connection *c = info->socket_context;

        *context = &c->request;
        return gw_request_begin(&c->request, url, method, version);
    }
    if (*data_size > 0) {
        take_piece(request, (struct gw_str){data, *data_size});
        *data_size = 0;
        return MHD_YES;
    }
    if (with_store(request))
        return answer_later(request);
    if (request->announced == UINT64_MAX) {
        request->announced = request->received;
        gw_connection_rebase(gw_request_connection(request));
    }
    return request->reply == GW_REPLY_NONE ? judge(request) : gw_request_answer(request);
}

void gw_request_completed(void *front_context, struct MHD_Connection *mhd, void **context,
                          enum MHD_RequestTerminationCode code)
{
    struct gw_front *front = front_context;
    struct gw_request *request = *context;

    (void)mhd;
    if (!request)
        return;
    *context = NULL;
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        gw_metrics_add(front->metrics, GW_COUNTER_ABORTED, 1);
    if (with_store(request)) {
        gw_request_connection(request)->gone = true;
        front->unsuspended--;
        return;
    }
    finish(request);
    gw_connection_enter(gw_request_connection(request), GW_PHASE_IDLE);
}
