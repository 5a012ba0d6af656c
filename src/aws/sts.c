/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query protocol of STS: a form is posted, signed or with the token that stands for a
 * signature, and XML comes back. The policy of the retries is that of all requests (retry.c), with
 * two codes more that pass by themselves: AWS could not reach, or does not know yet, who issued the
 * token.
 *
 * What STS says of an error is shown, as it names the role and what is not allowed, but for a text
 * that repeats the token.
 */
#include "sts.h"

#include "fetch.h"
#include "provider.h"
#include "sts_answer.h"
#include "token.h"

#include "gw/aws_endpoint.h"
#include "gw/aws_profile.h"
#include "gw/aws_retry.h"
#include "gw/sigv4.h"
#include "gw/time.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#define VERSION "2011-06-15"
#define SESSION_NAME "genesys-webhookd"
#define CONTENT_TYPE "application/x-www-form-urlencoded"

/* A form, in which each byte of the token may become three, and a header. */
#define FORM_MAX ((size_t)96 * 1024)
#define HEADER_MAX ((size_t)20 * 1024)

enum {
    CONNECT_TIMEOUT_MS = 2000,
    ATTEMPT_TIMEOUT_MS = 5000,
    DEADLINE_MS = 12000,
    ATTEMPTS = 3,
};

struct question {
    const struct gw_sts_role *role;
    const struct gw_credentials *source; /* NULL: not signed */
    struct gw_str token;                 /* that goes with it, and into no message */
    struct gw_aws_endpoint endpoint;
    char url[GW_AWS_URL_SIZE + 1];
    struct gw_buffer form;
    int64_t deadline_ms;
    char *message;
};

struct outcome {
    enum gw_aws_fault fault;
    struct gw_aws_error error;
    struct gw_fetch fetch;
};

/* --- where and what --- */

/* A file that cannot be read is for the profiles' provider to complain of. */
static int find_endpoint(struct question *question)
{
    struct gw_aws_endpoint_options options = {.region = question->role->region};
    const char *name = question->role->source_name;
    struct gw_aws_profiles *profiles = NULL;
    char problem[GW_AWS_MESSAGE_SIZE];
    int r = gw_aws_profiles_load(&profiles, problem);

    if (r == -ENOMEM)
        return r;
    gw_aws_endpoint_look_up(profiles, "sts", &options);
    r = options.region ? gw_aws_endpoint_resolve(&options, "sts", &question->endpoint, problem)
                       : -EDESTADDRREQ;
    gw_aws_profiles_free(profiles);
    if (r == -EDESTADDRREQ)
        return gw_provider_fail(question->message,
                                "%s: it is not known which region's STS to ask: set AWS_REGION, "
                                "or region in the profile",
                                name);
    if (r < 0)
        return gw_provider_fail(question->message, "%s: STS: %s", name, problem);
    (void)snprintf(question->url, sizeof(question->url), "%s/", question->endpoint.url);
    return 0;
}

/* Reserved whole, so that it is never moved and can be wiped. */
static int write_form(struct question *question, struct gw_str action, struct gw_str web_token)
{
    const struct gw_sts_role *role = question->role;
    char duration[16] = "";
    int len =
        role->duration_s > 0 ? snprintf(duration, sizeof(duration), "%d", role->duration_s) : 0;
    const struct {
        struct gw_str name, value; /* left out where it is empty */
    } fields[] = {
        {GW_STR("Action"), action},
        {GW_STR("Version"), GW_STR(VERSION)},
        {GW_STR("RoleArn"), gw_str(role->arn)},
        {GW_STR("RoleSessionName"), gw_str(role->session_name ? role->session_name : SESSION_NAME)},
        {GW_STR("ExternalId"), gw_str(role->external_id)},
        {GW_STR("DurationSeconds"), {duration, (size_t)len}},
        {GW_STR("WebIdentityToken"), web_token},
    };
    int r = gw_buffer_reserve(&question->form, FORM_MAX);

    for (size_t i = 0; i < GW_COUNT(fields) && r == 0; i++)
        if (fields[i].value.len > 0)
            r = gw_fetch_append_field(&question->form, fields[i].name, fields[i].value);
    if (r != -ENOBUFS)
        return r;
    return gw_provider_fail(question->message,
                            "%s: the role's ARN, session name or external id is far too long: "
                            "check them",
                            role->source_name);
}

/* --- an attempt --- */

struct headers {
    char date[sizeof("X-Amz-Date: ") + GW_SIGV4_TIME_SIZE];
    struct gw_buffer token, authorization;
};

static void init_headers(struct headers *headers)
{
    headers->date[0] = '\0';
    gw_buffer_init(&headers->token, HEADER_MAX);
    gw_buffer_init(&headers->authorization, HEADER_MAX);
}

static void wipe_headers(struct headers *headers)
{
    gw_buffer_wipe(&headers->token);
    gw_buffer_wipe(&headers->authorization);
}

static int write_token(struct gw_buffer *header, struct gw_str token)
{
    const struct gw_str parts[] = {GW_STR("X-Amz-Security-Token: "), token, {"", 1}};
    int r = gw_buffer_reserve(header, HEADER_MAX);

    return r < 0 ? r : gw_buffer_append_all(header, parts, GW_COUNT(parts));
}

static int write_authorization(const struct question *question, const char *date, int64_t now_ms,
                               struct gw_buffer *header)
{
    char hash[GW_SIGV4_HASH_SIZE];
    const struct gw_sigv4_header signed_headers[] = {
        {GW_STR("content-type"), GW_STR(CONTENT_TYPE)},
        {GW_STR("host"), gw_str(question->endpoint.host)},
        {GW_STR("x-amz-date"), gw_str(date)},
        {GW_STR("x-amz-security-token"), question->source->token},
    };
    const struct gw_sigv4_request request = {
        .method = GW_STR("POST"),
        .path = GW_STR("/"),
        .query = GW_STR(""),
        .headers = signed_headers,
        .header_count = GW_COUNT(signed_headers) - (question->source->token.len > 0 ? 0 : 1),
        .body_hash = {hash, GW_SIGV4_HASH_SIZE - 1},
    };
    struct gw_sigv4_key *key = gw_sigv4_key_new(gw_str(question->endpoint.region), GW_STR("sts"));
    int r = key ? gw_sigv4_hash(gw_buffer_str(&question->form), hash) : -ENOMEM;

    if (r == 0)
        r = gw_buffer_append(header, GW_STR("Authorization: "));
    if (r == 0)
        r = gw_sigv4_sign(key, question->source->access_key_id, question->source->secret, &request,
                          now_ms, header);
    gw_sigv4_key_free(key);
    return r < 0 ? r : gw_buffer_append(header, (struct gw_str){"", 1});
}

static int sign(const struct question *question, struct headers *headers)
{
    int64_t now_ms = gw_time_now_ms();
    char date[GW_SIGV4_TIME_SIZE];
    int r = 0;

    gw_sigv4_format_time(now_ms, date);
    (void)snprintf(headers->date, sizeof(headers->date), "X-Amz-Date: %s", date);
    if (question->source->token.len > 0)
        r = write_token(&headers->token, question->source->token);
    return r < 0 ? r : write_authorization(question, date, now_ms, &headers->authorization);
}

static int64_t left_ms(const struct question *question)
{
    return question->deadline_ms - gw_time_monotonic_ms();
}

static int post(const struct question *question, const struct headers *headers,
                struct gw_fetch *fetch)
{
    int64_t left = left_ms(question);
    int r;

    *fetch = (struct gw_fetch){
        .method = "POST",
        .url = question->url,
        .headers = {"Content-Type: " CONTENT_TYPE, "Accept: text/xml"},
        .body = gw_buffer_str(&question->form),
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = left > 0 && left < ATTEMPT_TIMEOUT_MS ? left : ATTEMPT_TIMEOUT_MS,
        .ca_file = gw_provider_getenv("AWS_CA_BUNDLE"),
    };
    if (question->source) {
        fetch->headers[2] = headers->date;
        fetch->headers[3] = headers->authorization.data;
        fetch->headers[4] = headers->token.data;
    }
    r = gw_fetch_perform(fetch);
    memset(fetch->headers, 0, sizeof(fetch->headers));
    return r;
}

/* What passes by itself, and is no error to others: AWS could not reach who issued the token, or
 * does not know yet of the key that it is signed with. */
static const char *const passing[] = {"IDPCommunicationError", "InvalidIdentityToken"};

static enum gw_aws_fault judge(int r, const struct gw_fetch *fetch, struct gw_aws_error *error)
{
    if (r > 0)
        return r == GW_FETCH_INVALID ? GW_AWS_FAULT_REFUSED : GW_AWS_FAULT_TRANSIENT;
    if (fetch->status == 200)
        return GW_AWS_FAULT_NONE;
    gw_sts_answer_read_error(fetch->status, gw_buffer_str(&fetch->answer), error);
    for (size_t i = 0; i < GW_COUNT(passing); i++)
        if (strcmp(error->code, passing[i]) == 0)
            return GW_AWS_FAULT_THROTTLED;
    return gw_aws_error_fault(error);
}

/* @return 0 or -ENOMEM. outcome->fetch is the caller's to deinit. */
static int attempt(const struct question *question, struct outcome *outcome)
{
    struct headers headers;
    int r = 0;

    *outcome = (struct outcome){0};
    init_headers(&headers);
    if (question->source)
        r = sign(question, &headers);
    if (r == 0)
        r = post(question, &headers, &outcome->fetch);
    wipe_headers(&headers);
    if (r < 0)
        return -ENOMEM;
    outcome->fault = judge(r, &outcome->fetch, &outcome->error);
    return 0;
}

/* --- all attempts --- */

/* To spread those who failed together; were there no randomness, the half would do. */
static double random_fraction(void)
{
    uint32_t bits = UINT32_MAX / 2;

    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits = UINT32_MAX / 2;
    return bits / 4294967296.0;
}

static int64_t find_delay(const struct question *question, enum gw_aws_fault fault, int number)
{
    const struct gw_aws_retry_question retry = {
        .fault = fault,
        .attempt = number,
        .max_attempts = ATTEMPTS,
        .retry_after_ms = -1,
        .left_ms = left_ms(question),
        .random = random_fraction(),
        .refreshed = true, /* nothing here could correct credentials or clock */
    };
    struct gw_aws_bucket bucket;
    int paid;

    gw_aws_bucket_init(&bucket);
    return gw_aws_retry_delay(&retry, &bucket, &paid);
}

static int attempt_all(const struct question *question, struct outcome *outcome)
{
    for (int number = 1;; number++) {
        int r = attempt(question, outcome);
        int64_t delay_ms = r == 0 ? find_delay(question, outcome->fault, number) : -1;

        if (delay_ms < 0)
            return r;
        gw_fetch_deinit(&outcome->fetch);
        gw_fetch_pause(delay_ms);
    }
}

static const struct {
    const char *code, *advice;
} advices[] = {
    {"AccessDenied", "let the role's trust policy name who asks (and its external id), and where "
                     "it is another account, let who asks call it"},
    {"ExpiredToken", "what is to prove who asks has expired: renew it"},
    {"ExpiredTokenException", "what is to prove who asks has expired: renew it"},
    {"InvalidClientTokenId", "AWS does not know the access key: check the source's credentials"},
    {"SignatureDoesNotMatch", "check the source's secret access key, and this machine's clock"},
    {"RequestExpired", "set this machine's clock"},
    {"InvalidIdentityToken", "the role's account must have an OIDC provider for who issued the "
                             "token, with the right audience"},
    {"IDPCommunicationError", "AWS cannot reach who issued the token: look at the OIDC provider"},
    {"IDPRejectedClaim", "who issued the token calls it invalid: let it be mounted anew"},
    {"RegionDisabledException", "switch on STS for this region in the account, or set AWS_REGION"},
    {"ValidationError", "check the role's ARN, the session's name and the duration"},
    {"", "look whether AWS_ENDPOINT_URL_STS is right, and whether something stands before it"},
};

static const char *find_advice(const char *code)
{
    for (size_t i = 0; i < GW_COUNT(advices); i++)
        if (strcmp(advices[i].code, code) == 0)
            return advices[i].advice;
    return "look up this error of STS";
}

static int tell_failure(const struct question *question, const struct outcome *outcome)
{
    const struct gw_aws_error *error = &outcome->error;
    const char *name = question->role->source_name;
    bool hides = gw_token_is_in(error->text, question->token);

    if (error->status == 0)
        return gw_provider_fail(question->message,
                                "%s: no answer from STS at %.200s (%s): check the network, a "
                                "proxy, and AWS_REGION or AWS_ENDPOINT_URL_STS",
                                name, question->endpoint.host, outcome->fetch.problem);
    return gw_provider_fail(
        question->message, "%s: STS at %.200s did not give the role %.200s: status %d, %s (%s): %s",
        name, question->endpoint.host, question->role->arn, error->status,
        *error->code ? error->code : "no code", *error->text && !hides ? error->text : "no message",
        find_advice(error->code));
}

static int ask(struct question *question, struct gw_str action, struct gw_str web_token,
               struct gw_credentials **out)
{
    struct outcome outcome = {0};
    int r = find_endpoint(question);

    gw_buffer_init(&question->form, FORM_MAX);
    if (r == 0)
        r = write_form(question, action, web_token);
    question->deadline_ms = gw_time_monotonic_ms() + DEADLINE_MS;
    if (r == 0)
        r = attempt_all(question, &outcome);
    if (r == 0 && outcome.fault != GW_AWS_FAULT_NONE)
        r = tell_failure(question, &outcome);
    else if (r == 0)
        r = gw_sts_answer_read(gw_buffer_str(&outcome.fetch.answer), question->role->source_name,
                               out, question->message);
    gw_fetch_deinit(&outcome.fetch);
    gw_buffer_wipe(&question->form);
    return r;
}

int gw_sts_assume_role(const struct gw_sts_role *role, const struct gw_credentials *source,
                       struct gw_credentials **out, char *message)
{
    struct question question = {
        .role = role, .source = source, .token = source->token, .message = message};

    return ask(&question, GW_STR("AssumeRole"), GW_STR(""), out);
}

int gw_sts_assume_role_with_web_identity(const struct gw_sts_role *role, const char *token_file,
                                         struct gw_credentials **out, char *message)
{
    struct question question = {.role = role, .message = message};
    struct gw_buffer token;
    int r = gw_token_read(token_file, role->source_name, &token, message);

    question.token = gw_buffer_str(&token);
    if (r == 0)
        r = ask(&question, GW_STR("AssumeRoleWithWebIdentity"), question.token, out);
    gw_buffer_wipe(&token);
    return r;
}
