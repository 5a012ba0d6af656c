/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. The environment is its whole state,
 * so there is but one of it.
 */
#include "provider.h"

#define KEY "AWS_ACCESS_KEY_ID"
#define SECRET "AWS_SECRET_ACCESS_KEY"
#define TOKEN "AWS_SESSION_TOKEN"

static const char name[] = "environment";

static int fetch(struct gw_provider *provider, struct gw_credentials **credentials, char *message)
{
    const struct gw_credentials parts = {
        .access_key_id = gw_str(gw_provider_getenv(KEY)),
        .secret = gw_str(gw_provider_getenv(SECRET)),
        .token = gw_str(gw_provider_getenv(TOKEN)),
        .expires_at_ms = GW_AWS_NEVER,
        .source = name,
    };
    bool has_key = parts.access_key_id.len > 0, has_secret = parts.secret.len > 0;

    (void)provider;
    if (!has_key && !has_secret)
        return GW_PROVIDER_UNCONFIGURED;
    if (has_key != has_secret)
        return gw_provider_fail(message, "%s: %s is set, but %s is not: set both, or neither", name,
                                has_key ? KEY : SECRET, has_key ? SECRET : KEY);
    return gw_credentials_from_parts(&parts, credentials, message);
}

static void keep(struct gw_provider *provider)
{
    (void)provider;
}

struct gw_provider *gw_provider_environment(void)
{
    static const struct gw_provider_ops ops = {.name = name, .fetch = fetch, .free = keep};
    static struct gw_provider environment = {&ops};

    return &environment;
}
