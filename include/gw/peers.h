/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_PEERS_H
#define GW_PEERS_H

/*
 * How many connections each address has open, so that none may have more than its share. An IPv4
 * address stands for itself, an IPv6 one for its /64, which is what one customer is given. Any
 * thread; a reload changes the maximum while counts go on.
 */

#include "gw/address.h"

#include <pthread.h>
#include <stdatomic.h>

#define GW_PEERS_BUCKETS 1024

struct gw_share; /* an address that has connections */

struct gw_peers {
    _Atomic int64_t max; /* of each; 0: any number, and nothing is counted */
    pthread_mutex_t lock;
    struct gw_share *buckets[GW_PEERS_BUCKETS]; /* guarded by the lock, as what hangs on them */
};

enum gw_peers_error { GW_PEERS_FULL = 1 };

/* Empties it; all is given back before it goes. */
void gw_peers_init(struct gw_peers *peers);

/**
 * Counts one more connection of @address. Memory is bounded by what is taken and not given back.
 * @param share  what to give back when the connection ends; NULL where it was not counted
 * @return 0, GW_PEERS_FULL (it has as many as it may) or -ENOMEM.
 */
int gw_peers_take(struct gw_peers *peers, const struct gw_address *address,
                  struct gw_share **share) GW_MUST_CHECK;

/* One connection fewer. NULL is one that was not counted. */
void gw_peers_give(struct gw_peers *peers, struct gw_share *share);

#endif
