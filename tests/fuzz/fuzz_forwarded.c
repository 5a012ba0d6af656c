/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of proxies as a client may write it: each line of the input is a header. Whatever it
 * says, a peer that is not trusted is never moved, and one that was found is an address.
 */
#include "gw/forwarded.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void resolve(const struct gw_forwarded *forwarded, enum gw_forwarded_form form)
{
    static const struct gw_networks nobody;
    struct gw_networks trusted = {.count = 1};
    struct gw_address peer, same;
    char text[GW_ADDRESS_TEXT_SIZE];

    if (!gw_network_parse("10.0.0.0/8", &trusted.items[0]) ||
        !gw_address_parse(GW_STR("10.0.0.1"), &peer))
        abort();
    same = peer;
    if (!gw_forwarded_resolve(forwarded, form, &nobody, &same) ||
        memcmp(&same, &peer, sizeof(peer)) != 0)
        abort();
    if (!gw_forwarded_resolve(forwarded, form, &trusted, &peer))
        return;
    gw_address_format(&peer, text);
    if (!gw_address_parse(gw_str(text), &same) || memcmp(&same, &peer, sizeof(peer)) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_forwarded forwarded = {.count = 0};
    const char *at = (const char *)data, *end = at + size;

    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        const char *stop = line ? line : end;

        gw_forwarded_add(&forwarded, (struct gw_str){at, (size_t)(stop - at)});
        at = stop + 1;
    }
    resolve(&forwarded, GW_FORWARDED_X_FORWARDED_FOR);
    resolve(&forwarded, GW_FORWARDED_RFC7239);
    return 0;
}
