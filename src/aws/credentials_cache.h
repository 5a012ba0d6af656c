/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_CREDENTIALS_CACHE_H
#define GW_AWS_CREDENTIALS_CACHE_H

/* When the cache fetches: its pure inside, for its tests. */

#include "gw/aws_credentials.h"

/**
 * How long to wait until the next fetch.
 * @param now_ms         wall clock
 * @param expires_at_ms  of the present credentials; GW_AWS_NEVER
 * @param failures       fetches in a row that brought nothing of use
 * @return milliseconds; GW_AWS_NEVER: until somebody asks for it
 */
int64_t gw_credentials_next_fetch_ms(int64_t now_ms, int64_t expires_at_ms, unsigned failures);

/* Refusals by AWS that made the cache fetch. Zeroed: none did. */
struct gw_credentials_refusals {
    int64_t heard_at_ms;
    unsigned count; /* in a row */
};

/**
 * Asks whether a refusal is to cause a fetch: the first at once, further ones only after 1 s, 2 s,
 * ... 60 s, and after 2 minutes without any it begins anew. So credentials that AWS refuses however
 * fresh they are cannot cause a storm.
 * @param now_ms  monotonic
 */
bool gw_credentials_refusal_heard(struct gw_credentials_refusals *refusals, int64_t now_ms);

#endif
