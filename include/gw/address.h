/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_ADDRESS_H
#define GW_ADDRESS_H

/* IP addresses and networks (RFC 4632, RFC 4291): IPv4 is kept as IPv4-mapped IPv6. Pure. */

#include "gw/base.h"

#include <sys/socket.h>

#define GW_ADDRESS_TEXT_SIZE 46

struct gw_address {
    uint8_t bytes[16];
};

struct gw_network {
    struct gw_address address;
    unsigned bits; /* of the 128 */
};

#define GW_NETWORKS_MAX 8

struct gw_networks {
    struct gw_network items[GW_NETWORKS_MAX];
    size_t count;
};

/* @return false where it is another kind of socket's. */
bool gw_address_of_socket(const struct sockaddr *socket, struct gw_address *address);

/* Whether it is an IPv4 address. */
bool gw_address_is_v4(const struct gw_address *address);

/* Reads an address as proxies write it: IPv4 or IPv6, in brackets or not, with a port or not. */
bool gw_address_parse(struct gw_str text, struct gw_address *address);

/* Writes it as people do, an IPv4-mapped one as IPv4. */
void gw_address_format(const struct gw_address *address, char text[static GW_ADDRESS_TEXT_SIZE]);

/* Reads "10.0.0.0/8", "2001:db8::/32", or an address alone. @return false for anything else, and
 * where the address has bits beyond the network's. */
bool gw_network_parse(const char *text, struct gw_network *network);

/* Whether one of them holds it. */
bool gw_networks_hold(const struct gw_networks *networks, const struct gw_address *address);

#endif
