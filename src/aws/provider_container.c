/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent beside a task of ECS or a pod of EKS, which hands out the task's or the pod's role
 * ("Container credential provider", AWS SDKs and Tools Reference Guide). Who can set the URL could
 * have our token sent anywhere, so plain http goes to this machine and to AWS's agents only. No
 * message holds more of the URL than its host: on ECS its path is all that one needs to know.
 */
#include "fetch.h"
#include "provider.h"
#include "token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>

#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define AGENT "http://169.254.170.2" /* of ECS */

#define URL_SIZE 2048
#define HEADER "Authorization: "
#define HEADER_SIZE (sizeof(HEADER) + GW_TOKEN_BYTES_MAX)

enum { CONNECT_TIMEOUT_MS = 1000, TIMEOUT_MS = 3000, ATTEMPTS = 2 };

static const char name[] = "container";

/* --- where --- */

static int refuse_url(const char *variable, char *message)
{
    return gw_provider_fail(
        message, "%s: %s is not what it must be: %s", name, variable,
        strcmp(variable, FULL) == 0
            ? "https://HOST/PATH, or http:// to a loopback address, 169.254.170.2, "
              "169.254.170.23 or fd00:ec2::23; the token may not go over plain http elsewhere"
            : "a path that begins with / (the platform sets it; a whole URL goes into " FULL ")");
}

/* What does not begin with a slash would make the agent's address a part of another host's name. */
static int find_relative(const char *path, char *url, struct gw_fetch_url *parsed, char *message)
{
    int len = snprintf(url, URL_SIZE, AGENT "%s", path), r = -EINVAL;

    if (path[0] == '/' && len > 0 && len < URL_SIZE)
        r = gw_fetch_url_parse(url, parsed);
    return r == -EINVAL ? refuse_url(RELATIVE, message) : r;
}

static int find_full(const char *full, char *url, struct gw_fetch_url *parsed, char *message)
{
    int len = snprintf(url, URL_SIZE, "%s", full), r = -EINVAL;

    if (len > 0 && len < URL_SIZE)
        r = gw_fetch_url_parse(url, parsed);
    if (r == 0 && !parsed->is_https && !gw_fetch_host_is_near(parsed->host))
        r = -EINVAL;
    return r == -EINVAL ? refuse_url(FULL, message) : r;
}

static int find_url(char *url, struct gw_fetch_url *parsed, char *message)
{
    const char *relative = gw_provider_getenv(RELATIVE), *full = gw_provider_getenv(FULL);

    if (relative)
        return find_relative(relative, url, parsed, message);
    return full ? find_full(full, url, parsed, message) : GW_PROVIDER_UNCONFIGURED;
}

/* --- who we are --- */

static int read_variable(struct gw_buffer *token, char *message)
{
    struct gw_str value = gw_str(gw_provider_getenv(TOKEN));

    gw_buffer_init(token, GW_TOKEN_BYTES_MAX);
    if (!value.data)
        return 0;
    if (!gw_token_is_valid(value))
        return gw_provider_fail(message,
                                "%s: " TOKEN " is not a token: it must be one line of printable "
                                "characters",
                                name);
    return gw_buffer_append(token, value);
}

/* Leaves it empty where none is configured. */
static int read_token(struct gw_buffer *token, char *message)
{
    const char *file = gw_provider_getenv(TOKEN_FILE);

    return file ? gw_token_read(file, name, token, message) : read_variable(token, message);
}

/* --- the request --- */

static const struct {
    int status;
    const char *advice;
} advices[] = {
    {400, "the role of this task or pod cannot be given: look at its role, and that role's trust "
          "policy"},
    {401, "the token was refused: check " TOKEN_FILE},
    {403, "the token was refused: check " TOKEN_FILE ", and the association of role and pod"},
    {404, "there are no credentials at this path: check " RELATIVE " or " FULL},
    {429, "it is asked too often: look at who else asks it"},
    {0, "look at the agent's log"},
};

static const char *find_advice(int status)
{
    size_t i = 0;

    while (advices[i].status != 0 && advices[i].status != status)
        i++;
    return advices[i].advice;
}

static int judge(int r, const struct gw_fetch *fetch, const char *host, char *message)
{
    if (r == 0 && fetch->status == 200)
        return 0;
    if (r == 0)
        return gw_provider_fail(message, "%s: %s answered with status %d: %s", name, host,
                                fetch->status, find_advice(fetch->status));
    return gw_provider_fail(message,
                            "%s: no answer from %s (%s): check " RELATIVE " or " FULL
                            ", and that the agent runs",
                            name, host, fetch->problem);
}

static int read_answer(const struct gw_fetch *fetch, struct gw_str token,
                       struct gw_credentials **credentials, char *message)
{
    int r = gw_credentials_from_json(gw_buffer_str(&fetch->answer), name, credentials, message);

    if (r == GW_PROVIDER_FAILED && gw_token_is_in(message, token))
        return gw_provider_fail(message, "%s: it answered with an error: %s", name, find_advice(0));
    return r;
}

static int ask(const char *url, const struct gw_fetch_url *parsed, struct gw_str token,
               struct gw_credentials **credentials, char *message)
{
    char authorization[HEADER_SIZE];
    struct gw_fetch fetch = {
        .method = "GET",
        .url = url,
        .headers = {"Accept: application/json", token.len > 0 ? authorization : NULL},
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = TIMEOUT_MS,
        .attempts = ATTEMPTS,
        .direct = !parsed->is_https,
        .ca_file = gw_provider_getenv("AWS_CA_BUNDLE"),
    };
    int r;

    (void)snprintf(authorization, sizeof(authorization), HEADER "%.*s", (int)token.len,
                   token.len > 0 ? token.data : "");
    r = gw_fetch_perform(&fetch);
    OPENSSL_cleanse(authorization, sizeof(authorization));
    if (r >= 0)
        r = judge(r, &fetch, parsed->host, message);
    if (r == 0)
        r = read_answer(&fetch, token, credentials, message);
    gw_fetch_deinit(&fetch);
    return r;
}

static int fetch_credentials(struct gw_provider *provider, struct gw_credentials **credentials,
                             char *message)
{
    struct gw_fetch_url parsed;
    struct gw_buffer token;
    char url[URL_SIZE];
    int r = find_url(url, &parsed, message);

    (void)provider;
    if (r)
        return r;
    r = read_token(&token, message);
    if (r == 0)
        r = ask(url, &parsed, gw_buffer_str(&token), credentials, message);
    gw_buffer_wipe(&token);
    return r;
}

static void keep(struct gw_provider *provider)
{
    (void)provider;
}

struct gw_provider *gw_provider_container(void)
{
    static const struct gw_provider_ops ops = {
        .name = name, .fetch = fetch_credentials, .free = keep};
    static struct gw_provider container = {&ops};

    return &container;
}
