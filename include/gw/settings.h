/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SETTINGS_H
#define GW_SETTINGS_H

/*
 * What a reload replaces: an immutable, reference-counted snapshot. A request keeps the one that it
 * began with until it is answered.
 */

#include "gw/config.h"
#include "gw/endpoint.h"
#include "gw/forwarded.h"
#include "gw/secret.h"

struct gw_settings {
    _Atomic unsigned references;
    struct gw_endpoint *endpoint;
    size_t max_body_bytes;
    int64_t request_timeout_ms;
    int64_t idle_timeout_ms;
    bool acknowledge_failed_updates;
    struct gw_networks trusted_proxies;
    enum gw_forwarded_form forwarded_form;
    struct gw_networks allow; /* none: everybody */
};

/**
 * Builds the snapshot; copies what it needs, and of the secrets only the keyed states.
 * @return 0, -ENOMEM or -EINVAL (a secret that cannot be a key).
 */
int gw_settings_new(const struct gw_config *config, const struct gw_secrets *secrets,
                    struct gw_settings **settings) GW_MUST_CHECK;

/* Any thread. */
struct gw_settings *gw_settings_ref(struct gw_settings *settings);
struct gw_settings *gw_settings_unref(struct gw_settings *settings);

/* Whether an update of which no record can be made is to look like a success all the same. */
static inline bool gw_settings_acknowledge(const struct gw_settings *settings,
                                           const struct gw_judgement *judgement)
{
    return judgement->verdict == GW_VERDICT_REJECTED && judgement->notes.is_update &&
           settings->acknowledge_failed_updates;
}

/* The path of a request target in origin form or absolute form (RFC 9112, section 3.2). */
struct gw_str gw_settings_path(struct gw_str target);

/* The endpoint that serves @path, or NULL. */
const struct gw_endpoint *gw_settings_endpoint(const struct gw_settings *settings,
                                               struct gw_str path);

#endif
