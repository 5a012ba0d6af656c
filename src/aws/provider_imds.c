/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role of an EC2 instance, by version 2 of its metadata service ("Use the Instance Metadata
 * Service to access instance metadata", EC2 User Guide): a token first, then the role's name, then
 * its credentials. Version 1, without the token, is never fallen back to: it is what a request
 * forged through somebody's proxy reaches.
 *
 * Nothing says whether this machine is an instance but whether somebody answers, so this provider
 * comes last, and its messages are those of a machine where nothing is configured at all.
 */
#include "fetch.h"
#include "provider.h"
#include "token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <strings.h>

#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define MODE "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"
#define DISABLED "AWS_EC2_METADATA_DISABLED"

#define TOKEN_PATH "/latest/api/token"
#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"
#define TOKEN_LIFE "X-aws-ec2-metadata-token-ttl-seconds: 21600"
#define TOKEN_HEADER "X-aws-ec2-metadata-token: "

#define OTHER_WAYS "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
#define OPTIONS_COMMAND "aws ec2 modify-instance-metadata-options "

/* A token has 56 bytes, a role's name at most 64. */
enum { BASE_SIZE = 256, URL_SIZE = 512, HEADER_SIZE = 512, ROLE_BYTES_MAX = 64 };
enum { CONNECT_TIMEOUT_MS = 1000, TIMEOUT_MS = 2000, ATTEMPTS = 2 };

static const char name[] = "IMDS";

struct session {
    char base[BASE_SIZE];     /* "http://169.254.169.254" */
    char header[HEADER_SIZE]; /* once there is a token, the header that carries it */
    char role[ROLE_BYTES_MAX + 1];
    char *message;
};

/* --- where --- */

static const struct {
    const char *mode, *base;
} modes[] = {
    {"IPv4", "http://169.254.169.254"},
    {"IPv6", "http://[fd00:ec2::254]"},
};

static const char *find_mode(const char *mode)
{
    for (size_t i = 0; i < GW_COUNT(modes); i++)
        if (strcasecmp(mode, modes[i].mode) == 0)
            return modes[i].base;
    return NULL;
}

static int take_endpoint(struct session *session, const char *endpoint)
{
    struct gw_fetch_url parsed;
    size_t len = strlen(endpoint);
    int r = gw_fetch_url_parse(endpoint, &parsed);

    while (len > 0 && endpoint[len - 1] == '/')
        len--;
    if (r == 0 && (len >= sizeof(session->base) || strpbrk(endpoint, "?#")))
        r = -EINVAL;
    if (r == -EINVAL)
        return gw_provider_fail(session->message,
                                "%s: " ENDPOINT " must be http://HOST, perhaps with a port: unset "
                                "it for AWS's own",
                                name);
    (void)snprintf(session->base, sizeof(session->base), "%.*s", (int)len, endpoint);
    return r;
}

static int find_base(struct session *session)
{
    const char *endpoint = gw_provider_getenv(ENDPOINT), *mode = gw_provider_getenv(MODE), *base;

    if (endpoint)
        return take_endpoint(session, endpoint);
    base = mode ? find_mode(mode) : modes[0].base;
    if (!base)
        return gw_provider_fail(session->message, "%s: " MODE " is '%s': it must be IPv4 or IPv6",
                                name, mode);
    (void)snprintf(session->base, sizeof(session->base), "%s", base);
    return 0;
}

/* --- a request, and what its failure means --- */

enum step { STEP_TOKEN, STEP_ROLE, STEP_CREDENTIALS };

static const struct {
    const char *wanted;
    const char *method;
    const char *path; /* for the credentials the role's name follows */
} steps[] = {
    [STEP_TOKEN] = {"a token", "PUT", TOKEN_PATH},
    [STEP_ROLE] = {"the role's name", "GET", ROLE_PATH},
    [STEP_CREDENTIALS] = {"the role's credentials", "GET", ROLE_PATH},
};

static const struct {
    enum step step;
    int status;
    const char *advice;
} advices[] = {
    {STEP_TOKEN, 403,
     "it is turned off: turn it on (" OPTIONS_COMMAND "--http-endpoint enabled), or " OTHER_WAYS},
    {STEP_ROLE, 404, "this instance has no role: attach an instance profile to it, or " OTHER_WAYS},
    {STEP_CREDENTIALS, 404, "the role was just taken away: attach one to the instance"},
};

static const char *find_advice(enum step step, int status)
{
    for (size_t i = 0; i < GW_COUNT(advices); i++)
        if (advices[i].step == step && advices[i].status == status)
            return advices[i].advice;
    return "look whether " ENDPOINT " is right, and whether something stands before it";
}

/* A hop limit of 1 lets everything through to a container but the answer with the token. */
static int tell_silence(const struct session *session, int r, const struct gw_fetch *fetch)
{
    static const char hop_limit[] =
        "within a container the instance's hop limit must be 2 (" OPTIONS_COMMAND
        "--http-put-response-hop-limit 2); if this is no EC2 instance, " OTHER_WAYS;

    return gw_provider_fail(
        session->message, "%s: no answer from %s (%s): %s", name, session->base, fetch->problem,
        r == GW_FETCH_TIMED_OUT ? hop_limit : "this seems to be no EC2 instance: " OTHER_WAYS);
}

static int judge(const struct session *session, enum step step, int r, const struct gw_fetch *fetch)
{
    if (r > 0)
        return tell_silence(session, r, fetch);
    if (fetch->status == 200)
        return 0;
    return gw_provider_fail(session->message, "%s: asked for %s, %s answered with status %d: %s",
                            name, steps[step].wanted, session->base, fetch->status,
                            find_advice(step, fetch->status));
}

/* @fetch is the caller's to deinit in any case. */
static int ask(const struct session *session, enum step step, struct gw_fetch *fetch)
{
    char url[URL_SIZE];
    int r;

    (void)snprintf(url, sizeof(url), "%s%s%s", session->base, steps[step].path,
                   step == STEP_CREDENTIALS ? session->role : "");
    *fetch = (struct gw_fetch){
        .method = steps[step].method,
        .url = url,
        .headers = {step == STEP_TOKEN ? TOKEN_LIFE : session->header},
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = TIMEOUT_MS,
        .attempts = ATTEMPTS,
        .direct = true,
    };
    r = gw_fetch_perform(fetch);
    fetch->url = NULL;
    return r < 0 ? r : judge(session, step, r, fetch);
}

/* --- the three steps --- */

static int take_token(struct session *session, struct gw_str token)
{
    if (!gw_token_is_valid(token) || token.len >= HEADER_SIZE - sizeof(TOKEN_HEADER))
        return gw_provider_fail(session->message,
                                "%s: what %s gave is no token: look whether " ENDPOINT " is right",
                                name, session->base);
    (void)snprintf(session->header, sizeof(session->header), TOKEN_HEADER "%.*s", (int)token.len,
                   token.data);
    return 0;
}

static bool is_in_role_name(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("+=,.@_-", c));
}

/* The first line's; an instance has one role, but the answer is a list. */
static int take_role(struct session *session, struct gw_str list)
{
    size_t len = 0;

    while (len < list.len && is_in_role_name(list.data[len]))
        len++;
    if (len == 0 || len > ROLE_BYTES_MAX ||
        (len < list.len && list.data[len] != '\n' && list.data[len] != '\r'))
        return gw_provider_fail(session->message,
                                "%s: what %s gave is no role's name: look whether " ENDPOINT
                                " is right",
                                name, session->base);
    memcpy(session->role, list.data, len);
    session->role[len] = '\0';
    return 0;
}

static int get(struct session *session, enum step step,
               int (*take)(struct session *session, struct gw_str answer))
{
    struct gw_fetch fetch;
    int r = ask(session, step, &fetch);

    if (r == 0)
        r = take(session, gw_buffer_str(&fetch.answer));
    gw_fetch_deinit(&fetch);
    return r;
}

static int get_credentials(struct session *session, struct gw_credentials **credentials)
{
    struct gw_fetch fetch;
    int r = ask(session, STEP_CREDENTIALS, &fetch);

    if (r == 0)
        r = gw_credentials_from_json(gw_buffer_str(&fetch.answer), name, credentials,
                                     session->message);
    gw_fetch_deinit(&fetch);
    return r;
}

static bool is_disabled(void)
{
    const char *disabled = gw_provider_getenv(DISABLED);

    return disabled && strcasecmp(disabled, "true") == 0;
}

static int fetch_credentials(struct gw_provider *provider, struct gw_credentials **credentials,
                             char *message)
{
    struct session session = {.message = message};
    int r;

    (void)provider;
    if (is_disabled())
        return GW_PROVIDER_UNCONFIGURED;
    r = find_base(&session);
    if (r == 0)
        r = get(&session, STEP_TOKEN, take_token);
    if (r == 0)
        r = get(&session, STEP_ROLE, take_role);
    if (r == 0)
        r = get_credentials(&session, credentials);
    OPENSSL_cleanse(session.header, sizeof(session.header));
    return r;
}

static void keep(struct gw_provider *provider)
{
    (void)provider;
}

struct gw_provider *gw_provider_imds(void)
{
    static const struct gw_provider_ops ops = {
        .name = name, .fetch = fetch_credentials, .free = keep};
    static struct gw_provider imds = {&ops};

    return &imds;
}
