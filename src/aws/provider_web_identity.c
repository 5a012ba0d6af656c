/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's service account on EKS, or whoever else proves who it is by a signed token in a file. The
 * environment is its whole state, so there is but one of it.
 */
#include "provider.h"

#define TOKEN_FILE "AWS_WEB_IDENTITY_TOKEN_FILE"
#define ROLE "AWS_ROLE_ARN"

static const char name[] = "web identity";

static int fetch(struct gw_provider *provider, struct gw_credentials **credentials, char *message)
{
    const char *token_file = gw_provider_getenv(TOKEN_FILE);
    const struct gw_sts_role role = {
        .arn = gw_provider_getenv(ROLE),
        .session_name = gw_provider_getenv("AWS_ROLE_SESSION_NAME"),
        .source_name = name,
    };

    (void)provider;
    if (!token_file)
        return GW_PROVIDER_UNCONFIGURED;
    if (!role.arn)
        return gw_provider_fail(message,
                                "%s: " TOKEN_FILE " is set, but " ROLE " is not: set it to the "
                                "role that the token may assume",
                                name);
    return gw_sts_assume_role_with_web_identity(&role, token_file, credentials, message);
}

static void keep(struct gw_provider *provider)
{
    (void)provider;
}

struct gw_provider *gw_provider_web_identity(void)
{
    static const struct gw_provider_ops ops = {.name = name, .fetch = fetch, .free = keep};
    static struct gw_provider web_identity = {&ops};

    return &web_identity;
}
