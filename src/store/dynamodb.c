/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A write is an operation: a first conditional request, and where that fails a merge, perhaps after
 * a read. Every request is conditional on what it changes, so that one sent twice (by us, by
 * libcurl, by Genesys) changes nothing, and what may have been done is simply done again.
 *
 * An operation that fails for now pauses for a second and goes back among the waiting ones, until
 * its deadline: a 500 that came sooner would only make Genesys give up sooner. When several have
 * failed and for a while none has been answered, the table is taken to be out: nothing is
 * started any more but one operation a second, by a timer, until one is answered; those that were
 * not tried before come first, as what failed may have failed for reasons of its own. Operations
 * under way are bounded by the connections, as libcurl's own queue is slow when it is long.
 */
#include "dynamodb.h"
#include "dynamodb_operation.h"

#include "gw/dynamodb_table.h"
#include "gw/log.h"
#include "gw/outage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_BYTES_MAX ((size_t)8 << 20) /* escaped, and with what was seen */
#define SPARE_OPERATIONS 256
#define SPARE_BODY_BYTES ((size_t)64 << 10)
#define MERGES_MAX 32
#define PAUSE_MS 1000
#define PROBE_MS 1000
#define SILENCE_MS 3000
#define ATTEMPT_TIMEOUT_MS 2000
#define WARM_CONNECTIONS 8
#define LOG_BURST 5
#define LOG_PER_SECOND 1

struct dynamodb_store {
    struct gw_store base;
    struct gw_dynamodb_backend *backend;
    struct gw_loop *loop;
    struct gw_metrics *metrics;
    struct gw_aws_client *client;
    struct operations waiting; /* by their deadlines */
    struct operations paused;  /* by when they wait again */
    struct operations ended;   /* without a request, to be told at flush */
    struct operation *spares;
    size_t spare_count;
    struct operation *all; /* to be freed in the end */
    size_t under_way;
    struct gw_timer deadline; /* of the first that waits */
    struct gw_timer resume;   /* of the first that pauses */
    struct gw_timer probe;    /* set while the table is out */
    struct gw_outage outage;
    enum gw_dynamodb_action probe_action; /* like what failed last, where nothing waits */
    struct gw_log_limit merge_limit, reject_limit, overdue_limit;
};

/* --- operations --- */

static struct dynamodb_store *store_of(struct gw_store *base)
{
    return GW_CONTAINER(base, struct dynamodb_store, base);
}

static struct operation *take_spare(struct dynamodb_store *store)
{
    struct operation *op = store->spares;

    if (op) {
        store->spares = op->next;
        store->spare_count--;
        return op;
    }
    op = calloc(1, sizeof(*op));
    if (!op)
        return NULL;
    op->store = store;
    gw_buffer_init(&op->body, BODY_BYTES_MAX);
    op->next_of_all = store->all;
    store->all = op;
    return op;
}

/* Operations live as long as the store, but of many only the structs. */
static void put_spare(struct operation *op)
{
    struct dynamodb_store *store = op->store;

    if (store->spare_count >= SPARE_OPERATIONS || op->body.capacity > SPARE_BODY_BYTES ||
        op->call.http.answer.capacity > SPARE_BODY_BYTES) {
        gw_aws_call_deinit(&op->call);
        gw_buffer_deinit(&op->body);
        gw_buffer_init(&op->body, BODY_BYTES_MAX);
    }
    op->next = store->spares;
    store->spares = op;
    store->spare_count++;
}

/* That of a condition that failed holds an item, that of a read, too. */
static void drop_large_answer(struct operation *op)
{
    if (op->call.http.answer.capacity > SPARE_BODY_BYTES)
        gw_buffer_deinit(&op->call.http.answer);
}

/* What waits in all stores stays within max_queued_bytes. */
static bool take_room(struct operation *op)
{
    struct gw_dynamodb_backend *backend = op->store->backend;
    size_t before = atomic_fetch_add(&backend->queued_bytes, op->body.len);

    op->queued_bytes = op->body.len;
    return before + op->body.len <= atomic_load(&backend->max_queued_bytes);
}

static void give_room(struct operation *op)
{
    atomic_fetch_sub(&op->store->backend->queued_bytes, op->queued_bytes);
    op->queued_bytes = 0;
}

/* --- the table's health --- */

static void note_failure(struct dynamodb_store *store, const struct gw_aws_call *call, bool is_new)
{
    static const enum gw_dynamodb_action likes[] = {GW_DYNAMODB_TRY_PUT, GW_DYNAMODB_TRY_UPDATE,
                                                    GW_DYNAMODB_TRY_GET};
    static const char waiting[] =
        "events wait for it, and are answered 500 after [dynamodb] deadline";
    const char *advice = gw_dynamodb_advice(&call->error);

    for (size_t i = 0; i < GW_COUNT(likes); i++)
        if (strcmp(call->target + strlen(GW_DYNAMODB_TARGET_PREFIX),
                   gw_dynamodb_action_name(likes[i])) == 0)
            store->probe_action = likes[i];
    if (!gw_outage_failed(&store->outage, is_new, store->loop->now_ms))
        return;
    atomic_fetch_add(&store->backend->stores_out, 1);
    gw_metrics_add(store->metrics, GW_COUNTER_DYNAMODB_OUTAGES, 1);
    gw_loop_set_timer(store->loop, &store->probe, store->loop->now_ms + PROBE_MS);
    gw_log(GW_LOG_ERROR, "DynamoDB takes no writes; tried once a second",
           GW_LOG_STR("table", store->backend->table.name),
           GW_LOG_STR("fault", gw_aws_fault_name(call->fault)),
           GW_LOG_STR("code", call->error.code), GW_LOG_STR("text", call->error.text),
           GW_LOG_STR("advice", advice ? advice : waiting));
}

static void note_answer(struct dynamodb_store *store)
{
    if (!gw_outage_answered(&store->outage))
        return;
    atomic_fetch_sub(&store->backend->stores_out, 1);
    gw_loop_cancel_timer(store->loop, &store->probe);
    gw_log(GW_LOG_INFO, "DynamoDB takes writes again",
           GW_LOG_STR("table", store->backend->table.name));
}

/* --- the way of an operation --- */

static void start_waiting(struct dynamodb_store *store);
static void give_up(struct operation *op);

static void arm_deadline(struct dynamodb_store *store)
{
    const struct operation *first = store->waiting.first;

    if (first)
        gw_loop_set_timer(store->loop, &store->deadline, first->call.deadline_ms);
    else
        gw_loop_cancel_timer(store->loop, &store->deadline);
}

static void log_overdue(struct operation *op)
{
    struct dynamodb_store *store = op->store;
    const struct gw_aws_error *error = &op->call.error;
    const char *advice = gw_dynamodb_advice(error);
    unsigned suppressed;

    if (op->tried && gw_log_allowed(&store->overdue_limit, LOG_BURST, LOG_PER_SECOND,
                                    store->loop->now_ms, &suppressed))
        gw_log(GW_LOG_ERROR, "DynamoDB did not store an event within [dynamodb] deadline",
               GW_LOG_SLICE("conversation_id", op->submission->write->conversation_id),
               GW_LOG_STR("fault", gw_aws_fault_name(op->call.fault)),
               GW_LOG_STR("code", error->code), GW_LOG_STR("text", error->text),
               GW_LOG_STR("advice", advice ? advice : ""), GW_LOG_INT("suppressed", suppressed));
}

static void end_overdue(struct gw_timer *timer, int64_t now_ms)
{
    struct dynamodb_store *store = GW_CONTAINER(timer, struct dynamodb_store, deadline);

    while (store->waiting.first && store->waiting.first->call.deadline_ms <= now_ms) {
        struct operation *op = gw_operations_take_first(&store->waiting);

        log_overdue(op);
        give_up(op);
    }
    arm_deadline(store);
}

static void end(struct operation *op, enum gw_outcome outcome)
{
    struct gw_submission *submission = op->submission;

    give_room(op);
    put_spare(op);
    if (submission)
        submission->done(submission, outcome);
}

static void give_up(struct operation *op)
{
    end(op, op->ambiguous ? GW_OUTCOME_AMBIGUOUS : GW_OUTCOME_FAILED);
}

static void arm_resume(struct dynamodb_store *store)
{
    if (store->paused.first)
        gw_loop_set_timer(store->loop, &store->resume, store->paused.first->resume_at_ms);
    else
        gw_loop_cancel_timer(store->loop, &store->resume);
}

/* It is tried again in a second, and ends at its deadline at the latest. */
static void pause_operation(struct operation *op)
{
    struct dynamodb_store *store = op->store;
    int64_t resume_at_ms = store->loop->now_ms + PAUSE_MS;

    drop_large_answer(op);
    op->resume_at_ms = resume_at_ms < op->call.deadline_ms ? resume_at_ms : op->call.deadline_ms;
    gw_operations_insert_by_resumption(&store->paused, op);
    arm_resume(store);
}

static void resume(struct gw_timer *timer, int64_t now_ms)
{
    struct dynamodb_store *store = GW_CONTAINER(timer, struct dynamodb_store, resume);

    while (store->paused.first && store->paused.first->resume_at_ms <= now_ms)
        gw_operations_insert_by_deadline(&store->waiting, gw_operations_take_first(&store->paused));
    arm_resume(store);
    end_overdue(&store->deadline, now_ms);
    start_waiting(store);
}

static void start(struct operation *op)
{
    struct dynamodb_store *store = op->store;

    op->tried = true;
    op->call.body = gw_buffer_str(&op->body);
    op->call.answers_nothing = op->step != READ;
    if (gw_aws_start(store->client, &op->call) == 0)
        store->under_way++;
    else
        give_up(op);
}

/* Sets up the next request; what built it returned @error. */
static void go_on(struct operation *op, enum step step, int error, const char *operation)
{
    op->step = step;
    if (error) {
        give_up(op);
        return;
    }
    (void)snprintf(op->target, sizeof(op->target), GW_DYNAMODB_TARGET_PREFIX "%s", operation);
    start(op);
}

static void merge(struct operation *op, struct gw_dynamodb_item *item)
{
    const struct gw_write *write = op->submission->write;
    struct dynamodb_store *store = op->store;
    struct gw_record record = item->record;
    unsigned applied = gw_record_apply(&record, write);
    const char *operation = "";

    if (applied == GW_APPLIED_SUPERSEDED) {
        end(op, GW_OUTCOME_SUPERSEDED);
        return;
    }
    if (++op->merges > MERGES_MAX) {
        unsigned suppressed;

        if (gw_log_allowed(&store->merge_limit, LOG_BURST, LOG_PER_SECOND, store->loop->now_ms,
                           &suppressed))
            gw_log(GW_LOG_WARNING, "an item changes faster than an event can be merged into it",
                   GW_LOG_SLICE("conversation_id", write->conversation_id),
                   GW_LOG_INT("suppressed", suppressed));
        op->merges = 0;
        pause_operation(op);
        return;
    }
    gw_metrics_add(store->metrics, GW_COUNTER_DYNAMODB_MERGES, 1);
    op->body.len = 0;
    int r =
        gw_dynamodb_merge(&store->backend->table, item, &record, applied, &op->body, &operation);

    give_room(op);
    (void)take_room(op); /* it was taken in, so it goes on; others find less */
    go_on(op, MERGE, r, operation);
}

static void read_item(struct operation *op)
{
    struct dynamodb_store *store = op->store;
    const char *operation = "";

    gw_metrics_add(store->metrics, GW_COUNTER_DYNAMODB_READS, 1);
    op->body.len = 0;
    int r = gw_dynamodb_get(&store->backend->table, op->submission->write->conversation_id,
                            &op->body, &operation);

    go_on(op, READ, r, operation);
}

/* The answer to a read or to a condition that failed. */
static void take_item(struct operation *op)
{
    struct gw_dynamodb_item item;
    int r = gw_dynamodb_item_read(gw_buffer_str(&op->call.http.answer),
                                  op->submission->write->conversation_id, &item);

    drop_large_answer(op);
    if (r == GW_DYNAMODB_NO_ITEM && op->step == READ) {
        gw_dynamodb_item_init(&item);
        item.record.conversation_id = op->submission->write->conversation_id;
        r = 0;
    }
    if (r == 0) {
        merge(op, &item);
        gw_dynamodb_item_deinit(&item);
    } else if (r > 0 && op->step != READ) {
        read_item(op);
    } else if (r > 0) {
        pause_operation(op); /* it cannot be read */
    } else {
        give_up(op);
    }
}

static void reject(struct operation *op)
{
    const struct gw_write *write = op->submission->write;
    struct dynamodb_store *store = op->store;
    unsigned suppressed;

    if (gw_log_allowed(&store->reject_limit, LOG_BURST, LOG_PER_SECOND, store->loop->now_ms,
                       &suppressed))
        gw_log(GW_LOG_ERROR, "DynamoDB can never store this event",
               GW_LOG_SLICE("conversation_id", write->conversation_id),
               GW_LOG_INT("bytes", gw_dynamodb_item_bytes(write)),
               GW_LOG_STR("text", op->rejected ? "larger than an item may be (400 KB)"
                                               : op->call.error.text),
               GW_LOG_INT("suppressed", suppressed));
    end(op, GW_OUTCOME_REJECTED);
}

static bool has_code(const struct gw_aws_call *call, const char *code)
{
    return call->fault != GW_AWS_FAULT_NONE && strcmp(call->error.code, code) == 0;
}

static void take_answer(struct operation *op)
{
    bool answered = op->call.fault == GW_AWS_FAULT_NONE;

    if (has_code(&op->call, "ConditionalCheckFailedException") || (answered && op->step == READ))
        take_item(op);
    else if (answered)
        end(op, GW_OUTCOME_STORED);
    else
        reject(op);
}

/* Whether the answer says something about the event rather than about the table. */
static bool is_about_event(const struct gw_aws_call *call)
{
    return call->fault == GW_AWS_FAULT_NONE || has_code(call, "ConditionalCheckFailedException") ||
           has_code(call, "ValidationException") ||
           has_code(call, "ItemCollectionSizeLimitExceededException");
}

static void count_attempts(struct gw_metrics *metrics, const struct gw_aws_call *call)
{
    const uint64_t attempts = (uint64_t)call->attempts;

    gw_metrics_add(metrics, GW_COUNTER_DYNAMODB_REQUESTS, attempts);
    gw_metrics_add(metrics, GW_COUNTER_DYNAMODB_RETRIES, attempts > 0 ? attempts - 1 : 0);
    gw_metrics_add(metrics, GW_COUNTER_DYNAMODB_THROTTLES, (uint64_t)call->throttled);
}

static void done(struct gw_aws_call *call)
{
    struct operation *op = GW_CONTAINER(call, struct operation, call);
    struct dynamodb_store *store = op->store;

    store->under_way--;
    count_attempts(store->metrics, call);
    op->ambiguous |= call->fault == GW_AWS_FAULT_AMBIGUOUS;
    if (is_about_event(call))
        note_answer(store);
    else
        note_failure(store, call, !op->failed);
    op->failed |= !is_about_event(call);
    if (!op->submission)
        put_spare(op);
    else if (is_about_event(call))
        take_answer(op);
    else
        pause_operation(op);
    start_waiting(store);
}

static void start_waiting(struct dynamodb_store *store)
{
    while (!store->outage.out && store->waiting.first &&
           store->under_way < store->backend->options.connections)
        start(gw_operations_take_first(&store->waiting));
    arm_deadline(store);
}

/* With nothing that waits, a write whose condition never holds tells as much. */
static void probe(struct gw_timer *timer, int64_t now_ms)
{
    struct dynamodb_store *store = GW_CONTAINER(timer, struct dynamodb_store, probe);
    struct operation *op = gw_operations_take_untried(&store->waiting);

    gw_loop_set_timer(store->loop, timer, now_ms + PROBE_MS);
    if (op) {
        start(op);
        arm_deadline(store);
        return;
    }
    if (store->under_way > 0 || store->paused.first || !(op = take_spare(store)))
        return;
    op->submission = NULL;
    op->body.len = 0;
    op->call.done = done;
    op->call.target = op->target;
    op->call.deadline_ms = now_ms + PROBE_MS;
    int r = gw_dynamodb_action_body(store->probe_action, store->backend->table.name, &op->body);

    go_on(op, FIRST, r, gw_dynamodb_action_name(store->probe_action));
}

/* --- the interface --- */

static int submit(struct gw_store *base, struct gw_submission *submission)
{
    struct dynamodb_store *store = store_of(base);
    struct operation *op = take_spare(store);
    const char *operation = "";

    if (!op)
        return -ENOMEM;
    op->submission = submission;
    op->step = FIRST;
    op->merges = 0;
    op->ambiguous = op->tried = op->failed = false;
    op->rejected = gw_dynamodb_item_bytes(submission->write) > GW_DYNAMODB_ITEM_BYTES_MAX;
    op->call.done = done;
    op->call.target = op->target;
    op->call.deadline_ms = store->loop->now_ms + store->backend->options.deadline_ms;
    op->body.len = 0;
    int r = op->rejected ? 0
                         : gw_dynamodb_first(&store->backend->table, submission->write, &op->body,
                                             &operation);

    if (!take_room(op) && r == 0)
        r = -EAGAIN;
    if (r) {
        give_room(op);
        put_spare(op);
        return r == -ENOBUFS ? -ENOMEM : r;
    }
    (void)snprintf(op->target, sizeof(op->target), GW_DYNAMODB_TARGET_PREFIX "%s", operation);
    gw_operations_append(op->rejected ? &store->ended : &store->waiting, op);
    return 0;
}

static void flush(struct gw_store *base)
{
    struct dynamodb_store *store = store_of(base);
    struct operation *op;

    while ((op = gw_operations_take_first(&store->ended)))
        reject(op);
    start_waiting(store);
}

static void detach(struct gw_store *base)
{
    struct dynamodb_store *store = store_of(base);
    struct operation *op;

    gw_loop_cancel_timer(store->loop, &store->deadline);
    gw_loop_cancel_timer(store->loop, &store->resume);
    gw_loop_cancel_timer(store->loop, &store->probe);
    if (store->outage.out)
        atomic_fetch_sub(&store->backend->stores_out, 1);
    while ((op = store->all)) {
        store->all = op->next_of_all;
        give_room(op);
        gw_aws_call_deinit(&op->call);
        gw_buffer_deinit(&op->body);
        free(op);
    }
    gw_aws_client_free(store->client);
    free(store);
}

static const struct gw_store_ops store_ops = {
    .submit = submit,
    .flush = flush,
    .detach = detach,
};

int gw_dynamodb_store_new(struct gw_dynamodb_backend *backend, struct gw_loop *loop,
                          struct gw_metrics *metrics, struct gw_store **store)
{
    struct dynamodb_store *made = calloc(1, sizeof(*made));
    int r;

    if (!made)
        return -ENOMEM;
    made->base.ops = &store_ops;
    made->backend = backend;
    made->loop = loop;
    made->metrics = metrics;
    made->waiting.end = &made->waiting.first;
    made->paused.end = &made->paused.first;
    made->ended.end = &made->ended.first;
    made->outage.silence_ms = backend->options.deadline_ms / 2 < SILENCE_MS
                                  ? backend->options.deadline_ms / 2
                                  : SILENCE_MS;
    made->deadline.fire = end_overdue;
    made->resume.fire = resume;
    made->probe.fire = probe;
    r = gw_dynamodb_access_client(&backend->access, loop, backend->options.connections,
                                  backend->options.max_attempts, ATTEMPT_TIMEOUT_MS, &made->client);
    if (r) {
        free(made);
        return r;
    }
    gw_aws_client_warm(made->client, WARM_CONNECTIONS);
    *store = &made->base;
    return 0;
}
