/* SPDX-License-Identifier: Apache-2.0 */
/* From configuration and secrets to what the workers read. */
#include "gw/settings.h"

#include <errno.h>
#include <stdlib.h>

static int endpoint_of(const struct gw_config *config, const struct gw_secrets *secrets,
                       struct gw_endpoint **endpoint)
{
    const struct gw_endpoint_options options = {
        .path = config->path,
        .header = config->signature_header,
        .encoding =
            config->signature_encoding == GW_CONFIG_BASE64 ? GW_SIGNATURE_BASE64 : GW_SIGNATURE_HEX,
        .prefix = config->signature_prefix,
        .routes = gw_routes_builtin,
        .route_count = gw_routes_builtin_count,
    };
    struct gw_endpoint *made;
    int r = gw_endpoint_new(&options, &made);

    if (r)
        return r;
    for (size_t i = 0; i < secrets->count && r == 0; i++) {
        const struct gw_secret *secret = &secrets->items[i];

        r = gw_keyring_add(&made->keyring, (struct gw_str){secret->bytes, secret->len});
    }
    if (r) {
        gw_endpoint_free(made);
        return r;
    }
    *endpoint = made;
    return 0;
}

/* They were found right when the configuration was read. */
static struct gw_networks networks_of(const struct gw_config_list *list)
{
    struct gw_networks networks = {.count = 0};

    for (size_t i = 0; i < list->count && networks.count < GW_NETWORKS_MAX; i++)
        networks.count += gw_network_parse(list->items[i], &networks.items[networks.count]);
    return networks;
}

int gw_settings_new(const struct gw_config *config, const struct gw_secrets *secrets,
                    struct gw_settings **settings)
{
    struct gw_settings *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    int r = endpoint_of(config, secrets, &made->endpoint);

    if (r) {
        free(made);
        return r;
    }
    atomic_init(&made->references, 1);
    made->max_body_bytes = (size_t)config->max_body_bytes;
    made->request_timeout_ms = config->request_timeout_ms;
    made->idle_timeout_ms = config->idle_timeout_ms;
    made->acknowledge_failed_updates = config->on_update_failure == GW_CONFIG_FAILURE_ACKNOWLEDGE;
    made->trusted_proxies = networks_of(&config->trusted_proxies);
    made->forwarded_form = (enum gw_forwarded_form)config->forwarded_header;
    made->allow = networks_of(&config->allow);
    *settings = made;
    return 0;
}

struct gw_settings *gw_settings_ref(struct gw_settings *settings)
{
    atomic_fetch_add_explicit(&settings->references, 1, memory_order_relaxed);
    return settings;
}

struct gw_settings *gw_settings_unref(struct gw_settings *settings)
{
    if (settings &&
        atomic_fetch_sub_explicit(&settings->references, 1, memory_order_acq_rel) == 1) {
        gw_endpoint_free(settings->endpoint);
        free(settings);
    }
    return NULL;
}

static struct gw_str from(struct gw_str text, const char *at)
{
    return (struct gw_str){at, text.len - (size_t)(at - text.data)};
}

struct gw_str gw_settings_path(struct gw_str target)
{
    const char *query = memchr(target.data, '?', target.len), *scheme, *path = NULL;

    if (query)
        target.len = (size_t)(query - target.data);
    if (target.len > 0 && *target.data == '/')
        return target;
    scheme = memmem(target.data, target.len, "://", 3);
    if (scheme) {
        const struct gw_str authority = from(target, scheme + 3);

        path = memchr(authority.data, '/', authority.len);
    }
    return path ? from(target, path) : target;
}

const struct gw_endpoint *gw_settings_endpoint(const struct gw_settings *settings,
                                               struct gw_str path)
{
    return gw_str_equal(path, gw_str(settings->endpoint->path)) ? settings->endpoint : NULL;
}
