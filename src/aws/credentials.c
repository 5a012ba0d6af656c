/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot is one allocation: the public part, its count, and behind them the three texts, each
 * with a NUL. So one cleanse wipes all of it, and nobody can hold a text longer than the snapshot.
 * The count is atomic and nothing else ever changes, so snapshots need no lock.
 */
#include "gw/aws_credentials.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>

struct snapshot {
    struct gw_credentials credentials;
    atomic_size_t references;
    size_t size;
    char text[];
};

static struct gw_str store_text(char **at, struct gw_str text)
{
    struct gw_str stored = {*at, text.len};

    if (text.len)
        memcpy(*at, text.data, text.len);
    (*at)[text.len] = '\0';
    *at += text.len + 1;
    return stored;
}

struct gw_credentials *gw_credentials_new(struct gw_str access_key_id, struct gw_str secret,
                                          struct gw_str token, int64_t expires_at_ms,
                                          const char *source)
{
    size_t size = sizeof(struct snapshot) + access_key_id.len + secret.len + token.len + 3;
    struct snapshot *snapshot = malloc(size);
    char *at;

    if (!snapshot)
        return NULL;
    at = snapshot->text;
    snapshot->size = size;
    atomic_init(&snapshot->references, 1);
    snapshot->credentials.access_key_id = store_text(&at, access_key_id);
    snapshot->credentials.secret = store_text(&at, secret);
    snapshot->credentials.token = store_text(&at, token);
    snapshot->credentials.expires_at_ms = expires_at_ms;
    snapshot->credentials.source = source;
    return &snapshot->credentials;
}

struct gw_credentials *gw_credentials_ref(struct gw_credentials *credentials)
{
    struct snapshot *snapshot = GW_CONTAINER(credentials, struct snapshot, credentials);

    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return credentials;
}

void gw_credentials_unref(struct gw_credentials *credentials)
{
    struct snapshot *snapshot;

    if (!credentials)
        return;
    snapshot = GW_CONTAINER(credentials, struct snapshot, credentials);
    if (atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) > 1)
        return;
    OPENSSL_cleanse(snapshot, snapshot->size);
    free(snapshot);
}
