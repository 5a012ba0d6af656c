/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of it is found when it is opened, with the configuration before the environment and that
 * before the profile; later only the credentials change, in their cache.
 */
#include "gw/dynamodb_access.h"

#include "gw/aws_profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SERVICE "dynamodb"
#define CONNECT_TIMEOUT_MS 1000

static int resolve(const struct gw_dynamodb_access_options *options,
                   struct gw_aws_endpoint *endpoint, char *message)
{
    struct gw_aws_endpoint_options wanted = {.region = options->region,
                                             .endpoint = options->endpoint};
    struct gw_aws_profiles *profiles = NULL;
    int r = gw_aws_profiles_load(&profiles, message);

    if (r)
        return r;
    gw_aws_endpoint_look_up(profiles, SERVICE, &wanted);
    r = gw_aws_endpoint_resolve(&wanted, SERVICE, endpoint, message);
    gw_aws_profiles_free(profiles);
    /* For STS, which credentials may come from. */
    if (r == 0 && setenv("AWS_REGION", endpoint->region, true) != 0)
        r = -ENOMEM;
    return r;
}

static int fetch_credentials(struct gw_credentials_cache **cache, char *message)
{
    struct gw_provider *provider = gw_provider_default();
    int r = provider ? gw_credentials_cache_new(provider, cache, message) : -ENOMEM;

    return r > 0 ? -EACCES : r;
}

int gw_dynamodb_access_open(const struct gw_dynamodb_access_options *options,
                            struct gw_dynamodb_access *access, char *message)
{
    const char *bundle = getenv("AWS_CA_BUNDLE");
    const char *ca_file = options->ca_file && *options->ca_file ? options->ca_file : bundle;
    bool has_ca_file = ca_file && *ca_file;
    int r;

    *access = (struct gw_dynamodb_access){0};
    (void)snprintf(message, GW_AWS_MESSAGE_SIZE, "out of memory");
    access->ca_file = has_ca_file ? strdup(ca_file) : NULL;
    r = has_ca_file && !access->ca_file ? -ENOMEM : resolve(options, &access->endpoint, message);
    if (r == 0)
        r = fetch_credentials(&access->cache, message);
    if (r)
        gw_dynamodb_access_close(access);
    return r;
}

void gw_dynamodb_access_close(struct gw_dynamodb_access *access)
{
    gw_credentials_cache_free(access->cache);
    free(access->ca_file);
    *access = (struct gw_dynamodb_access){0};
}

int gw_dynamodb_access_client(const struct gw_dynamodb_access *access, struct gw_loop *loop,
                              size_t connections, int max_attempts, int64_t attempt_timeout_ms,
                              struct gw_aws_client **client)
{
    const struct gw_aws_client_options options = {
        .endpoint = &access->endpoint,
        .service = SERVICE,
        .cache = access->cache,
        .ca_file = access->ca_file,
        .connections = connections,
        .max_attempts = max_attempts,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .attempt_timeout_ms = attempt_timeout_ms,
    };

    return gw_aws_client_new(loop, &options, client);
}

const char *gw_dynamodb_advice(const struct gw_aws_error *error)
{
    static const struct {
        const char *code, *advice;
    } table[] = {
        {"ResourceNotFoundException",
         "the table is not there: see `genesys-webhook table create`, region and endpoint"},
        {"AccessDeniedException", "the role needs dynamodb:PutItem, UpdateItem and GetItem"},
        {"UnrecognizedClientException", "the access key is not known in this region's partition"},
        {"InvalidSignatureException", "the secret key is wrong, or the clock is"},
        {"ExpiredTokenException", "the credentials could not be refreshed"},
    };

    for (size_t i = 0; i < GW_COUNT(table); i++)
        if (strcmp(error->code, table[i].code) == 0)
            return table[i].advice;
    return NULL;
}
