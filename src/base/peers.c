/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of chains: an address is in it only while it has connections, so that it can never
 * hold more than there are connections. Who picks addresses that fall into one chain makes it as
 * long as his connections are many, which costs microseconds a connection and no request anything.
 */
#include "gw/peers.h"

#include <errno.h>
#include <stdlib.h>

#define V6_NETWORK_BYTES 8

struct gw_share {
    struct gw_address network;
    int64_t connections;
    struct gw_share *next;
};

void gw_peers_init(struct gw_peers *peers)
{
    *peers = (struct gw_peers){.lock = PTHREAD_MUTEX_INITIALIZER};
}

static struct gw_address network_of(const struct gw_address *address)
{
    struct gw_address network = *address;

    if (!gw_address_is_v4(address))
        memset(network.bytes + V6_NETWORK_BYTES, 0, sizeof(network.bytes) - V6_NETWORK_BYTES);
    return network;
}

/* FNV-1a. */
static struct gw_share **bucket_of(struct gw_peers *peers, const struct gw_address *network)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < sizeof(network->bytes); i++)
        hash = (hash ^ network->bytes[i]) * 16777619U;
    return &peers->buckets[(hash ^ hash >> 16) % GW_PEERS_BUCKETS];
}

/* The network's, a new one where it has none yet; NULL without memory. */
static struct gw_share *find_or_add(struct gw_share **bucket, const struct gw_address *network)
{
    struct gw_share *share = *bucket;

    while (share && memcmp(share->network.bytes, network->bytes, sizeof(network->bytes)) != 0)
        share = share->next;
    if (share)
        return share;
    share = malloc(sizeof(*share));
    if (share) {
        *share = (struct gw_share){.network = *network, .next = *bucket};
        *bucket = share;
    }
    return share;
}

int gw_peers_take(struct gw_peers *peers, const struct gw_address *address, struct gw_share **share)
{
    const int64_t max = atomic_load_explicit(&peers->max, memory_order_relaxed);
    const struct gw_address network = network_of(address);
    int r = 0;

    *share = NULL;
    if (max == 0)
        return 0;
    pthread_mutex_lock(&peers->lock);
    struct gw_share *found = find_or_add(bucket_of(peers, &network), &network);

    if (!found)
        r = -ENOMEM;
    else if (found->connections >= max)
        r = GW_PEERS_FULL;
    else
        found->connections++;
    pthread_mutex_unlock(&peers->lock);
    if (r == 0)
        *share = found;
    return r;
}

void gw_peers_give(struct gw_peers *peers, struct gw_share *share)
{
    if (!share)
        return;
    pthread_mutex_lock(&peers->lock);
    if (--share->connections == 0) {
        struct gw_share **link = bucket_of(peers, &share->network);

        while (*link != share)
            link = &(*link)->next;
        *link = share->next;
        free(share);
    }
    pthread_mutex_unlock(&peers->lock);
}
