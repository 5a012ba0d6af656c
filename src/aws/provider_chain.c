/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first provider that is configured is asked, and no other ever after: a chain that looked
 * again at each refresh would, when a file is gone for a moment, go on under another identity and
 * say nothing.
 */
#include "provider.h"

#include <errno.h>
#include <stdlib.h>

struct chain {
    struct gw_provider provider;
    struct gw_provider *chosen; /* that gave credentials; NULL: none yet */
    size_t count;
    struct gw_provider *providers[];
};

static int fetch_chosen(struct chain *chain, struct gw_credentials **credentials, char *message)
{
    int r = gw_provider_fetch(chain->chosen, credentials, message);

    if (r != GW_PROVIDER_UNCONFIGURED)
        return r;
    return gw_provider_fail(message,
                            "%s: the AWS credentials in use came from here, and it is configured "
                            "no more: put its configuration back, or restart to choose anew",
                            chain->chosen->ops->name);
}

static int fetch(struct gw_provider *provider, struct gw_credentials **credentials, char *message)
{
    struct chain *chain = GW_CONTAINER(provider, struct chain, provider);

    if (chain->chosen)
        return fetch_chosen(chain, credentials, message);
    for (size_t i = 0; i < chain->count; i++) {
        int r = gw_provider_fetch(chain->providers[i], credentials, message);

        if (r == 0)
            chain->chosen = chain->providers[i];
        if (r != GW_PROVIDER_UNCONFIGURED)
            return r;
    }
    gw_provider_fail(message, "no AWS credentials are configured: set AWS_ACCESS_KEY_ID and "
                              "AWS_SECRET_ACCESS_KEY, name a profile in AWS_PROFILE, or give the "
                              "machine, task or pod a role");
    return GW_PROVIDER_UNCONFIGURED;
}

static void free_all(struct gw_provider *const *providers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gw_provider_free(providers[i]);
}

static void free_chain(struct gw_provider *provider)
{
    struct chain *chain = GW_CONTAINER(provider, struct chain, provider);

    free_all(chain->providers, chain->count);
    free(chain);
}

static const struct gw_provider_ops ops = {.name = "chain", .fetch = fetch, .free = free_chain};

static struct chain *new_chain(struct gw_provider *const *providers, size_t count)
{
    struct chain *chain = calloc(1, sizeof(*chain) + count * sizeof(struct gw_provider *));

    for (size_t i = 0; chain && i < count; i++) {
        if (!providers[i]) {
            free(chain);
            return NULL;
        }
        chain->providers[i] = providers[i];
    }
    return chain;
}

struct gw_provider *gw_provider_chain(struct gw_provider *const *providers, size_t count)
{
    struct chain *chain = new_chain(providers, count);

    if (!chain) {
        free_all(providers, count);
        return NULL;
    }
    chain->provider.ops = &ops;
    chain->count = count;
    return &chain->provider;
}

struct gw_provider *gw_provider_default(void)
{
    struct gw_provider *const providers[] = {
        gw_provider_environment(), gw_provider_web_identity(), gw_provider_profile(),
        gw_provider_container(),   gw_provider_imds(),
    };

    return gw_provider_chain(providers, GW_COUNT(providers));
}
