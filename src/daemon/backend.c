/* SPDX-License-Identifier: Apache-2.0 */
/* From the configuration to the backend that it names: a row of the table each. */
#include "gw/backend.h"

#include "gw/dynamodb_store.h"
#include "gw/file_store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define LOCK_TIMEOUT_MS 10000
#define LINE_ROOM (64 << 10) /* more than a stored line has beside what its body says */

/* A stored line repeats a part of its body as attributes. So with this much, a body that was taken
 * also finds room, whatever it says, where nothing else waits. */
size_t gw_backend_max_queued_bytes(const struct gw_config *config)
{
    return (size_t)config->max_buffered_bytes + (size_t)config->max_body_bytes + LINE_ROOM;
}

static const char *state_directory(void)
{
    const char *state = getenv("STATE_DIRECTORY");

    return state && *state ? state : NULL;
}

static int open_file(const struct gw_config *config, size_t connections,
                     struct gw_backend **backend, char *message, size_t message_size)
{
    char path[4096];
    const struct gw_journal_options options = {
        .path = path,
        .sync = config->file_sync == GW_CONFIG_SYNC_ALWAYS,
        .max_queued_bytes = gw_backend_max_queued_bytes(config),
        .lock_timeout_ms = LOCK_TIMEOUT_MS,
    };
    int r = gw_file_store_path(config->file_path, path, sizeof(path));

    (void)connections;
    if (r)
        (void)snprintf(message, message_size, "the path is too long");
    return r ? r : gw_file_store_open(&options, backend, message, message_size);
}

static int open_dynamodb(const struct gw_config *config, size_t connections,
                         struct gw_backend **backend, char *message, size_t message_size)
{
    const struct gw_dynamodb_options options = {
        .table = {.name = config->dynamodb_table, .ttl_ms = config->dynamodb_ttl_ms},
        .access = {config->dynamodb_region, config->dynamodb_endpoint, config->dynamodb_ca_file},
        .max_attempts = (int)config->dynamodb_max_attempts,
        .deadline_ms = config->dynamodb_deadline_ms,
        .connections = connections,
        .max_queued_bytes = gw_backend_max_queued_bytes(config),
        .unready_on_outage = config->dynamodb_unready_on_outage,
    };

    return gw_dynamodb_open(&options, backend, message, message_size);
}

int gw_backend_open(const struct gw_config *config, size_t connections, struct gw_backend **backend,
                    char *message, size_t message_size)
{
    static int (*const open[])(const struct gw_config *config, size_t connections,
                               struct gw_backend **backend, char *message, size_t message_size) = {
        [GW_CONFIG_BACKEND_FILE] = open_file,
        [GW_CONFIG_BACKEND_DYNAMODB] = open_dynamodb,
    };

    return open[config->backend](config, connections, backend, message, message_size);
}

int gw_backend_state_path(const struct gw_config *config, char *path, size_t size)
{
    char resolved[PATH_MAX], real[PATH_MAX];

    if (config->backend != GW_CONFIG_BACKEND_FILE)
        return state_directory() ? gw_file_store_path("genesys-webhookd.listened", path, size)
                                 : GW_BACKEND_STATELESS;
    int r = gw_file_store_path(config->file_path, resolved, sizeof(resolved));

    if (r)
        return r;
    if (!realpath(resolved, real))
        return -errno;
    return snprintf(path, size, "%s.listened", real) < (int)size ? 0 : -ENAMETOOLONG;
}
