/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_CREDENTIALS_H
#define GW_AWS_CREDENTIALS_H

/*
 * Credentials for AWS: immutable snapshots, providers that fetch them, the chain that looks for the
 * one provider that is configured, and the cache that refreshes them in a thread of its own.
 *
 * Fetching blocks (files, a process, HTTP with time-outs of seconds), so only main at start and the
 * cache's thread do it. A worker takes the snapshot that is there, and never waits.
 */

#include "gw/base.h"

#define GW_AWS_NEVER INT64_MAX
#define GW_AWS_MESSAGE_SIZE 1024

/* Reference-counted and never changed; the last gw_credentials_unref wipes it. Any thread. */
struct gw_credentials {
    struct gw_str access_key_id;
    struct gw_str secret;
    struct gw_str token;   /* x-amz-security-token; len 0: none */
    int64_t expires_at_ms; /* wall clock; GW_AWS_NEVER */
    const char *source;    /* the provider's name, for messages */
};

/* Copies. @source is static. @return NULL where there is no memory. */
struct gw_credentials *gw_credentials_new(struct gw_str access_key_id, struct gw_str secret,
                                          struct gw_str token, int64_t expires_at_ms,
                                          const char *source);
struct gw_credentials *gw_credentials_ref(struct gw_credentials *credentials);
void gw_credentials_unref(struct gw_credentials *credentials);

enum gw_provider_result {
    GW_PROVIDER_UNCONFIGURED = 1, /* nothing speaks of this source: the chain asks the next */
    GW_PROVIDER_FAILED            /* it is configured, and did not work: the chain stops here */
};

struct gw_provider {
    const struct gw_provider_ops *ops;
};

struct gw_provider_ops {
    const char *name; /* "environment", "profile", "web identity", "container", "IMDS", ... */
    /**
     * Fetches. May block for some seconds, never for long.
     * @param message  on GW_PROVIDER_FAILED: a line that tells what was wrong and what to do,
     *                 without any secret or token; GW_AWS_MESSAGE_SIZE bytes
     * @return 0, a gw_provider_result, or -ENOMEM
     */
    int (*fetch)(struct gw_provider *provider, struct gw_credentials **credentials, char *message);
    void (*free)(struct gw_provider *provider);
};

static inline int gw_provider_fetch(struct gw_provider *provider,
                                    struct gw_credentials **credentials, char *message)
{
    return provider->ops->fetch(provider, credentials, message);
}

static inline void gw_provider_free(struct gw_provider *provider)
{
    if (provider)
        provider->ops->free(provider);
}

/*
 * The providers, a file each. All read the environment when they fetch, on the thread that fetches:
 * nothing may change it once threads run. @return NULL where there is no memory.
 */
struct gw_provider *gw_provider_environment(void);
struct gw_provider *gw_provider_web_identity(void);
struct gw_provider *gw_provider_profile(void); /* with role_arn, credential_process, ... */
struct gw_provider *gw_provider_container(void);
struct gw_provider *gw_provider_imds(void);

/**
 * Asks @providers in their order until one is configured; from which it got credentials, that one
 * it keeps to, so that the identity never changes by itself. Where none is configured, the message
 * says what to do, too. Owns them, on an error too; NULL among them: no memory.
 */
struct gw_provider *gw_provider_chain(struct gw_provider *const *providers, size_t count);

/* The chain of all of them, in the SDKs' order. */
struct gw_provider *gw_provider_default(void);

/* --- the cache --- */

struct gw_credentials_cache;

/**
 * Fetches once, on the calling thread, and starts the thread that refreshes: 15 minutes before they
 * expire, or at half of what is left of their life, the sooner (below 15 minutes: at half). Where
 * that fails it keeps the old ones, even beyond their expiry, logs, and tries again after 1 s, 2 s,
 * ... 60 s.
 * @param provider  becomes the cache's, on an error too
 * @param message   as gw_provider_ops.fetch's
 * @return 0, a gw_provider_result, or a negative errno
 */
int gw_credentials_cache_new(struct gw_provider *provider, struct gw_credentials_cache **cache,
                             char *message) GW_MUST_CHECK;

/* Waits for the end of a fetch under way: its own time limits bound that. */
struct gw_credentials_cache *gw_credentials_cache_free(struct gw_credentials_cache *cache);

/* The present snapshot, with a reference. Any thread; never blocks on a fetch. */
struct gw_credentials *gw_credentials_cache_get(struct gw_credentials_cache *cache);

/* AWS called @refused expired or unknown: refreshes now, in the background, if they still are the
 * present ones and no fetch is under way; refusals of ever new ones are heard ever more seldom,
 * down to one a minute. Any thread. */
void gw_credentials_cache_refresh(struct gw_credentials_cache *cache,
                                  const struct gw_credentials *refused);

#endif
