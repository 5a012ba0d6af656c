/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/refusals.h"

void gw_refusals_init(struct gw_refusals *refusals)
{
    *refusals = (struct gw_refusals){.lock = PTHREAD_MUTEX_INITIALIZER};
}

void gw_refusals_add(struct gw_refusals *refusals, const struct gw_refusal *refusal)
{
    pthread_mutex_lock(&refusals->lock);
    refusals->ring[refusals->added++ % GW_REFUSALS_KEPT] = *refusal;
    pthread_mutex_unlock(&refusals->lock);
}

size_t gw_refusals_copy(struct gw_refusals *refusals, struct gw_refusal copies[GW_REFUSALS_KEPT])
{
    pthread_mutex_lock(&refusals->lock);
    size_t count = refusals->added < GW_REFUSALS_KEPT ? refusals->added : GW_REFUSALS_KEPT;

    for (size_t i = 0; i < count; i++)
        copies[i] = refusals->ring[(refusals->added - 1 - i) % GW_REFUSALS_KEPT];
    pthread_mutex_unlock(&refusals->lock);
    return count;
}
