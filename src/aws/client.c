/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call is a chain of attempts, each signed afresh with the snapshot of the credentials and the
 * time of its moment. After each, judge() says what its end means and gw_aws_retry_delay whether
 * and when there is another; what this file adds is the state that an attempt leaves behind: the
 * clock's skew, the bucket, whether something may have been done.
 *
 * The clock is corrected only when AWS has refused a signature for it, and by the Date of that very
 * answer. Whether it really was off is asked of the time that was signed, not of the present
 * correction, which another call may have set meanwhile.
 *
 * Credentials that AWS calls expired are renewed by the cache's thread. The calls that were refused
 * wait for another snapshot, or for their deadline: to send them again with the old one would only
 * use up the attempt.
 */
#include "gw/aws_client.h"

#include "gw/sigv4.h"
#include "gw/time.h"
#include "token.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <zlib.h>

#define ANSWER_MAX ((size_t)2560 << 10) /* an item of 400 KB, each byte escaped, and room */
#define LINES_MAX ((size_t)16 << 10)
#define AUTHORIZATION_ROOM 640 /* signature, scope, names */
#define CLOCK_TOLERANCE_MS (60 * INT64_C(1000))
#define CREDENTIALS_POLL_MS 50

struct gw_aws_client {
    struct gw_loop *loop;
    struct gw_http_client *http;
    struct gw_sigv4_key *key;
    struct gw_credentials_cache *cache;
    struct gw_str host; /* owned */
    int max_attempts;
    int64_t attempt_timeout_ms;
    int64_t skew_ms; /* AWS's clock less ours */
    struct gw_aws_bucket bucket;
    struct drand48_data random;
    struct gw_aws_call *calls; /* under way */
};

/* --- calls under way --- */

static void link_call(struct gw_aws_client *client, struct gw_aws_call *call)
{
    call->client = client;
    call->previous = NULL;
    call->next = client->calls;
    if (client->calls)
        client->calls->previous = call;
    client->calls = call;
}

/* It is the caller's again. */
static void unlink_call(struct gw_aws_call *call)
{
    *(call->previous ? &call->previous->next : &call->client->calls) = call->next;
    if (call->next)
        call->next->previous = call->previous;
    call->previous = call->next = NULL;
    call->client = NULL;
    gw_credentials_unref(call->credentials);
    call->credentials = NULL;
}

static void drop(struct gw_aws_call *call)
{
    gw_loop_cancel_timer(call->client->loop, &call->timer);
    gw_http_cancel(call->client->http, &call->http);
    unlink_call(call);
}

static void finish(struct gw_aws_call *call)
{
    if (call->fault != GW_AWS_FAULT_NONE && call->ambiguous)
        call->fault = GW_AWS_FAULT_AMBIGUOUS;
    unlink_call(call);
    call->done(call);
}

/* --- one attempt --- */

#define HOST_AT 1 /* the header that libcurl writes itself */

/* In the order of their names. */
static size_t name_headers(const struct gw_aws_call *call, const char *time,
                           struct gw_sigv4_header headers[static GW_SIGV4_HEADERS_MAX])
{
    size_t count = 0;

    headers[count++] =
        (struct gw_sigv4_header){GW_STR("content-type"), GW_STR("application/x-amz-json-1.0")};
    headers[count++] = (struct gw_sigv4_header){GW_STR("host"), call->client->host};
    headers[count++] = (struct gw_sigv4_header){GW_STR("x-amz-date"), gw_str(time)};
    if (call->credentials->token.len)
        headers[count++] =
            (struct gw_sigv4_header){GW_STR("x-amz-security-token"), call->credentials->token};
    headers[count++] = (struct gw_sigv4_header){GW_STR("x-amz-target"), gw_str(call->target)};
    return count;
}

/* Room for all of it at once: a buffer that grew would leave a token behind. */
static int make_room(struct gw_buffer *lines, size_t size)
{
    if (lines->capacity < size)
        gw_buffer_wipe(lines);
    lines->max = LINES_MAX;
    lines->len = 0;
    return gw_buffer_reserve(lines, size);
}

static int append_line(struct gw_buffer *lines, const struct gw_sigv4_header *header)
{
    const struct gw_str parts[] = {header->name, GW_STR(": "), header->value, {"", 1}};
    int r = 0;

    for (size_t i = 0; r == 0 && i < GW_COUNT(parts); i++)
        r = gw_buffer_append(lines, parts[i]);
    return r;
}

static int append_authorization(struct gw_aws_call *call, const struct gw_sigv4_header *headers,
                                size_t count)
{
    char hash[GW_SIGV4_HASH_SIZE];
    struct gw_sigv4_request request = {
        .method = GW_STR("POST"),
        .path = GW_STR("/"),
        .query = GW_STR(""),
        .headers = headers,
        .header_count = count,
        .body_hash = {hash, sizeof(hash) - 1},
    };
    int r = gw_sigv4_hash(call->body, hash);

    if (r == 0)
        r = gw_buffer_append(&call->lines, GW_STR("authorization: "));
    if (r == 0)
        r = gw_sigv4_sign(call->client->key, call->credentials->access_key_id,
                          call->credentials->secret, &request, call->signed_at_ms, &call->lines);
    if (r == 0)
        r = gw_buffer_append(&call->lines, (struct gw_str){"", 1});
    return r;
}

/* The lines lie one behind the other, each with its NUL. */
static void point_to_lines(struct gw_aws_call *call)
{
    const char *line = call->lines.data, *end = line + call->lines.len;
    size_t count = 0;

    for (; line < end && count < GW_HTTP_HEADERS_MAX - 1; line += strlen(line) + 1)
        call->http.headers[count++] = line;
    call->http.headers[count] = NULL;
}

static int sign(struct gw_aws_call *call)
{
    struct gw_sigv4_header headers[GW_SIGV4_HEADERS_MAX];
    char time[GW_SIGV4_TIME_SIZE];
    size_t count, size = AUTHORIZATION_ROOM + call->credentials->access_key_id.len;
    int r;

    call->signed_at_ms = gw_time_now_ms() + call->client->skew_ms;
    gw_sigv4_format_time(call->signed_at_ms, time);
    count = name_headers(call, time, headers);
    for (size_t i = 0; i < count; i++)
        size += headers[i].name.len + headers[i].value.len + 3;
    r = make_room(&call->lines, size);
    if (r == 0)
        r = append_authorization(call, headers, count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (i != HOST_AT)
            r = append_line(&call->lines, &headers[i]);
    }
    if (r == 0)
        point_to_lines(call);
    return r;
}

static int64_t left_ms(const struct gw_aws_call *call)
{
    return call->deadline_ms - gw_time_monotonic_ms();
}

static void on_answer(struct gw_http_call *http);

static int attempt(struct gw_aws_call *call)
{
    struct gw_aws_client *client = call->client;
    int64_t left = left_ms(call);
    int r;

    call->attempts++;
    gw_credentials_unref(call->credentials);
    call->credentials = gw_credentials_cache_get(client->cache);
    r = sign(call);
    if (r < 0)
        return r;
    call->http.method = "POST";
    call->http.path = "/";
    call->http.body = call->body;
    call->http.timeout_ms = left < client->attempt_timeout_ms ? left : client->attempt_timeout_ms;
    call->http.done = on_answer;
    return gw_http_start(client->http, &call->http);
}

/* --- what came of it --- */

static bool succeeded(const struct gw_http_call *http)
{
    return http->status >= 200 && http->status < 300;
}

/* A page of whatever stands in between, and half an answer, are no success. */
static const char *find_foreign(const struct gw_aws_call *call)
{
    const struct gw_str text = gw_buffer_str(&call->http.answer);
    const char *problem = NULL;

    if (gw_str_equal(text, GW_STR("{}")))
        return NULL;
    json_t *read = json_loadb(text.data ? text.data : "", text.len, JSON_ALLOW_NUL, NULL);

    if (!json_is_object(read))
        problem = "the answer is no JSON object";
    else if (call->answers_nothing && json_object_size(read) > 0)
        problem = "the answer is another service's: look at the endpoint, and at what stands "
                  "before it";
    json_decref(read);
    return problem;
}

/* @return what is wrong with the answer as a whole, or NULL */
static const char *find_damage(const struct gw_aws_call *call)
{
    const struct gw_http_call *http = &call->http;
    const unsigned char *data = (const unsigned char *)http->answer.data;

    if (http->crc32 >= 0 && (int64_t)crc32_z(0, data, http->answer.len) != http->crc32)
        return "the answer's CRC-32 is wrong";
    return succeeded(http) ? find_foreign(call) : NULL;
}

/* @return whether it was off */
static bool correct_clock(struct gw_aws_call *call)
{
    int64_t date_ms = call->http.date_ms;

    if (date_ms == INT64_MIN || llabs(date_ms - call->signed_at_ms) < CLOCK_TOLERANCE_MS)
        return false;
    call->client->skew_ms = date_ms - gw_time_now_ms();
    return true;
}

static enum gw_aws_fault judge_answer(struct gw_aws_call *call)
{
    struct gw_http_call *http = &call->http;
    const char *damage = find_damage(call);
    enum gw_aws_fault fault;

    call->error.status = http->status;
    if (damage) {
        (void)snprintf(call->error.text, sizeof(call->error.text), "%s", damage);
        return GW_AWS_FAULT_AMBIGUOUS;
    }
    if (succeeded(http))
        return GW_AWS_FAULT_NONE;
    gw_aws_error_read(http->status, gw_buffer_str(&http->answer), &call->error);
    if (gw_token_is_in(call->error.text, call->credentials->token))
        (void)snprintf(call->error.text, sizeof(call->error.text),
                       "not shown, as it quotes the request's header");
    fault = gw_aws_error_fault(&call->error);
    /* A signature that is wrong at the right time is wrong for another reason. */
    return fault == GW_AWS_FAULT_SKEWED && !correct_clock(call) ? GW_AWS_FAULT_REFUSED : fault;
}

static enum gw_aws_fault judge(struct gw_aws_call *call)
{
    if (call->http.result == GW_HTTP_ANSWERED)
        return judge_answer(call);
    (void)snprintf(call->error.text, sizeof(call->error.text), "%s", call->http.problem);
    return call->http.result == GW_HTTP_CUT_OFF ? GW_AWS_FAULT_AMBIGUOUS : GW_AWS_FAULT_TRANSIENT;
}

static int64_t ask_for_retry(struct gw_aws_call *call)
{
    struct gw_aws_client *client = call->client;
    struct gw_aws_retry_question question = {
        .fault = call->fault,
        .attempt = call->attempts,
        .max_attempts = client->max_attempts,
        .retry_after_ms = call->http.retry_after_ms,
        .left_ms = left_ms(call),
        .refreshed = call->refreshed,
    };

    drand48_r(&client->random, &question.random);
    return gw_aws_retry_delay(&question, &client->bucket, &call->paid);
}

static void end_attempt(struct gw_aws_call *call, enum gw_aws_fault fault)
{
    struct gw_aws_client *client = call->client;
    int64_t delay_ms;

    call->fault = fault;
    if (fault == GW_AWS_FAULT_NONE) {
        gw_aws_bucket_give(&client->bucket, call->paid);
        finish(call);
        return;
    }
    call->ambiguous |= fault == GW_AWS_FAULT_AMBIGUOUS;
    call->throttled += fault == GW_AWS_FAULT_THROTTLED;
    if (fault == GW_AWS_FAULT_EXPIRED)
        gw_credentials_cache_refresh(client->cache, call->credentials);
    delay_ms = ask_for_retry(call);
    if (delay_ms < 0) {
        finish(call);
        return;
    }
    call->refreshed |= fault == GW_AWS_FAULT_EXPIRED || fault == GW_AWS_FAULT_SKEWED;
    gw_loop_set_timer(client->loop, &call->timer, gw_time_monotonic_ms() + delay_ms);
}

static void on_answer(struct gw_http_call *http)
{
    struct gw_aws_call *call = GW_CONTAINER(http, struct gw_aws_call, http);

    call->error = (struct gw_aws_error){0};
    end_attempt(call, judge(call));
}

/* Asked again each time, as the cache may not have listened the last time. */
static bool is_refused_still(struct gw_aws_call *call)
{
    struct gw_credentials *present;

    if (call->fault != GW_AWS_FAULT_EXPIRED)
        return false;
    present = gw_credentials_cache_get(call->client->cache);
    gw_credentials_unref(present);
    if (present != call->credentials)
        return false;
    gw_credentials_cache_refresh(call->client->cache, call->credentials);
    return true;
}

static void on_retry(struct gw_timer *timer, int64_t now_ms)
{
    struct gw_aws_call *call = GW_CONTAINER(timer, struct gw_aws_call, timer);

    if (now_ms >= call->deadline_ms) {
        finish(call);
    } else if (is_refused_still(call)) {
        int64_t again_ms = now_ms + CREDENTIALS_POLL_MS;

        gw_loop_set_timer(call->client->loop, timer,
                          again_ms < call->deadline_ms ? again_ms : call->deadline_ms);
    } else if (attempt(call) < 0) {
        call->error = (struct gw_aws_error){.text = "no memory"};
        end_attempt(call, GW_AWS_FAULT_TRANSIENT);
    }
}

/* --- the interface --- */

int gw_aws_start(struct gw_aws_client *client, struct gw_aws_call *call)
{
    int r;

    call->fault = GW_AWS_FAULT_NONE;
    call->error = (struct gw_aws_error){0};
    call->attempts = call->throttled = 0;
    call->ambiguous = call->refreshed = false;
    call->paid = 0;
    call->timer.fire = on_retry;
    link_call(client, call);
    r = attempt(call);
    if (r < 0)
        unlink_call(call);
    return r;
}

void gw_aws_call_deinit(struct gw_aws_call *call)
{
    if (call->client)
        drop(call);
    gw_buffer_wipe(&call->lines);
    gw_buffer_deinit(&call->http.answer);
}

static int init_client(struct gw_aws_client *client, const struct gw_aws_client_options *options)
{
    const struct gw_http_client_options http = {
        .url = options->endpoint->url,
        .ca_file = options->ca_file,
        .connections = options->connections,
        .connect_timeout_ms = options->connect_timeout_ms,
        .answer_max = ANSWER_MAX,
    };
    char *host = strdup(options->endpoint->host);
    long seed = 0;

    client->host = gw_str(host);
    client->key = gw_sigv4_key_new(gw_str(options->endpoint->region), gw_str(options->service));
    client->cache = options->cache;
    client->max_attempts = options->max_attempts;
    client->attempt_timeout_ms = options->attempt_timeout_ms;
    gw_aws_bucket_init(&client->bucket);
    if (getrandom(&seed, sizeof(seed), 0) < 0)
        return -errno;
    srand48_r(seed, &client->random);
    return host && client->key ? gw_http_client_new(client->loop, &http, &client->http) : -ENOMEM;
}

int gw_aws_client_new(struct gw_loop *loop, const struct gw_aws_client_options *options,
                      struct gw_aws_client **client)
{
    struct gw_aws_client *made = calloc(1, sizeof(*made));
    int r;

    if (!made)
        return -ENOMEM;
    made->loop = loop;
    r = init_client(made, options);
    if (r < 0)
        gw_aws_client_free(made);
    else
        *client = made;
    return r;
}

struct gw_aws_client *gw_aws_client_free(struct gw_aws_client *client)
{
    struct gw_aws_call *next;

    if (!client)
        return NULL;
    for (struct gw_aws_call *call = client->calls; call; call = next) {
        next = call->next;
        drop(call);
    }
    gw_http_client_free(client->http);
    gw_sigv4_key_free(client->key);
    free((char *)client->host.data);
    free(client);
    return NULL;
}

void gw_aws_client_warm(struct gw_aws_client *client, size_t connections)
{
    gw_http_client_warm(client->http, connections);
}
