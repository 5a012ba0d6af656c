/* SPDX-License-Identifier: Apache-2.0 */
/* The C library reads and writes the addresses themselves; what stands around them is ours. */
#include "gw/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define V4_PREFIX_BITS 96

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool gw_address_is_v4(const struct gw_address *address)
{
    return memcmp(address->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

static void set_v4(struct gw_address *address, const void *bytes)
{
    memcpy(address->bytes, v4_prefix, sizeof(v4_prefix));
    memcpy(address->bytes + sizeof(v4_prefix), bytes, 4);
}

bool gw_address_of_socket(const struct sockaddr *socket, struct gw_address *address)
{
    if (socket->sa_family == AF_INET)
        set_v4(address, &((const struct sockaddr_in *)(const void *)socket)->sin_addr);
    else if (socket->sa_family == AF_INET6)
        memcpy(address->bytes, &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr, 16);
    else
        return false;
    return true;
}

/* An address and nothing else. */
static bool read_address(struct gw_str text, struct gw_address *address)
{
    char copy[GW_ADDRESS_TEXT_SIZE];
    struct in_addr v4;

    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, '\0', text.len))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1)
        set_v4(address, &v4);
    else if (inet_pton(AF_INET6, copy, address->bytes) != 1)
        return false;
    return true;
}

/* What a colon and a port leave of it; a bare IPv6 address has more colons than one. */
static struct gw_str without_port(struct gw_str text)
{
    const char *colon = memchr(text.data, ':', text.len);

    if (colon && !memchr(colon + 1, ':', (size_t)(text.data + text.len - colon - 1)))
        text.len = (size_t)(colon - text.data);
    return text;
}

bool gw_address_parse(struct gw_str text, struct gw_address *address)
{
    const char *end;

    if (text.len == 0 || text.data[0] != '[')
        return text.len > 0 && read_address(without_port(text), address);
    end = memchr(text.data, ']', text.len);
    if (!end || (end + 1 < text.data + text.len && end[1] != ':'))
        return false;
    return read_address((struct gw_str){text.data + 1, (size_t)(end - text.data - 1)}, address);
}

void gw_address_format(const struct gw_address *address, char text[static GW_ADDRESS_TEXT_SIZE])
{
    bool v4 = gw_address_is_v4(address);

    if (!inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? sizeof(v4_prefix) : 0), text,
                   GW_ADDRESS_TEXT_SIZE))
        text[0] = '\0';
}

static bool read_bits(const char *text, unsigned max, unsigned *bits)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || value > max)
        return false;
    *bits = (unsigned)value;
    return true;
}

static bool is_in(const struct gw_address *address, const struct gw_network *network)
{
    const size_t whole = network->bits / 8;
    const unsigned rest = network->bits % 8;

    return memcmp(address->bytes, network->address.bytes, whole) == 0 &&
           (rest == 0 ||
            ((address->bytes[whole] ^ network->address.bytes[whole]) >> (8 - rest)) == 0);
}

static bool has_bits_beyond(const struct gw_network *network)
{
    for (unsigned bit = network->bits; bit < 128; bit++)
        if (network->address.bytes[bit / 8] >> (7 - bit % 8) & 1)
            return true;
    return false;
}

bool gw_network_parse(const char *text, struct gw_network *network)
{
    const char *slash = strchr(text, '/');
    const size_t len = slash ? (size_t)(slash - text) : strlen(text);

    if (!read_address((struct gw_str){text, len}, &network->address))
        return false;
    const unsigned before = gw_address_is_v4(&network->address) ? V4_PREFIX_BITS : 0;
    unsigned bits = 128 - before;

    if (slash && !read_bits(slash + 1, bits, &bits))
        return false;
    network->bits = before + bits;
    return !has_bits_beyond(network);
}

bool gw_networks_hold(const struct gw_networks *networks, const struct gw_address *address)
{
    for (size_t i = 0; i < networks->count; i++)
        if (is_in(address, &networks->items[i]))
            return true;
    return false;
}
