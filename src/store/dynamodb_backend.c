/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What main opens once: where the table is, and the credentials, with the thread that refreshes
 * them. All waiting is done by the workers' stores, each with a deadline, so there is nothing to
 * bring to an end here and nothing that could be stuck.
 */
#include "dynamodb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct gw_dynamodb_backend *backend_of(struct gw_backend *base)
{
    return GW_CONTAINER(base, struct gw_dynamodb_backend, base);
}

static int attach(struct gw_backend *base, struct gw_loop *loop, struct gw_metrics *metrics,
                  struct gw_store **store)
{
    return gw_dynamodb_store_new(backend_of(base), loop, metrics, store);
}

/* An outage of a table that all replicas share must not take them all away. */
static bool is_ready(struct gw_backend *base)
{
    struct gw_dynamodb_backend *backend = backend_of(base);

    return !backend->options.unready_on_outage || atomic_load(&backend->stores_out) == 0;
}

static bool is_stuck(struct gw_backend *base)
{
    (void)base;
    return false;
}

static void reopen(struct gw_backend *base)
{
    (void)base;
}

static void set_max_queued(struct gw_backend *base, size_t bytes)
{
    atomic_store(&backend_of(base)->max_queued_bytes, bytes);
}

static const struct gw_metrics *metrics_of(struct gw_backend *base)
{
    return &backend_of(base)->metrics;
}

static void look(struct gw_backend *base, struct gw_backend_state *state)
{
    struct gw_dynamodb_backend *backend = backend_of(base);
    struct gw_credentials *credentials = gw_credentials_cache_get(backend->access.cache);
    const int64_t expires_at_ms = credentials->expires_at_ms;

    gw_credentials_unref(credentials);
    state->out = atomic_load(&backend->stores_out) > 0;
    state->credentials_expire_ms = expires_at_ms == GW_AWS_NEVER ? 0 : expires_at_ms;
}

static int finish(struct gw_backend *base, int64_t deadline_ms)
{
    (void)base;
    (void)deadline_ms;
    return 0;
}

static void free_backend(struct gw_backend *base)
{
    struct gw_dynamodb_backend *backend = backend_of(base);

    gw_dynamodb_access_close(&backend->access);
    free(backend->table_name);
    free(backend);
}

static const struct gw_backend_ops backend_ops = {
    .attach = attach,
    .ready = is_ready,
    .stuck = is_stuck,
    .reopen = reopen,
    .set_max_queued = set_max_queued,
    .metrics = metrics_of,
    .look = look,
    .finish = finish,
    .free = free_backend,
};

int gw_dynamodb_open(const struct gw_dynamodb_options *options, struct gw_backend **backend,
                     char *message, size_t message_size)
{
    struct gw_dynamodb_backend *made = calloc(1, sizeof(*made));
    char reason[GW_AWS_MESSAGE_SIZE] = "out of memory";
    int r = -ENOMEM;

    if (made) {
        made->base.ops = &backend_ops;
        made->options = *options;
        made->max_queued_bytes = options->max_queued_bytes;
        made->table_name = strdup(options->table.name);
        made->table = (struct gw_dynamodb_table){made->table_name, options->table.ttl_ms};
        if (made->table_name)
            r = gw_dynamodb_access_open(&options->access, &made->access, reason);
        if (r == 0) {
            *backend = &made->base;
            return 0;
        }
        free_backend(&made->base);
    }
    (void)snprintf(message, message_size, "%s", reason);
    return r;
}
