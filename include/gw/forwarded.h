/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_FORWARDED_H
#define GW_FORWARDED_H

/*
 * Who a request really comes from, where proxies stand between. A proxy appends the address that it
 * saw to X-Forwarded-For, or to Forwarded (RFC 7239). What stands before the address that the
 * outermost trusted proxy has written may be the client's own invention, so the chain is read from
 * its end, as long as those who wrote it are trusted. Pure.
 */

#include "gw/address.h"

#define GW_FORWARDED_VALUES_MAX 8

enum gw_forwarded_form {
    GW_FORWARDED_X_FORWARDED_FOR, /* "client, proxy1, proxy2" */
    GW_FORWARDED_RFC7239          /* "for=client;proto=https, for=\"[2001:db8::1]:4711\"" */
};

/* The header's name. */
const char *gw_forwarded_name(enum gw_forwarded_form form);

/* The last of a request's headers of that name; earlier ones are forgotten, as no chain is that
 * long. Zeroed ({0}) there is none. */
struct gw_forwarded {
    struct gw_str values[GW_FORWARDED_VALUES_MAX]; /* a ring; the newest is the one before count */
    size_t count;
};

/* Adds one header's value, borrowed. */
void gw_forwarded_add(struct gw_forwarded *forwarded, struct gw_str value);

/**
 * Follows the chain from @peer, who has sent the request.
 * @param peer  on entry the socket's address; then the client's: the first that is not trusted, or
 *              the chain's first
 * @return false where a trusted proxy has not written an address ("unknown", "_hidden", malformed,
 *         a chain of over 64): then who it is cannot be known.
 */
bool gw_forwarded_resolve(const struct gw_forwarded *forwarded, enum gw_forwarded_form form,
                          const struct gw_networks *trusted, struct gw_address *peer);

#endif
