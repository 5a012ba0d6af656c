/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/host.h"

#include <arpa/inet.h>
#include <strings.h>

#define HOST_SIZE 64

/* Takes the port off, and the brackets of an IPv6 address. @return false where that cannot be. */
static bool take_name(const char *host, char name[static HOST_SIZE])
{
    bool bracketed = *host == '[';
    size_t len = strcspn(host + bracketed, bracketed ? "]" : ":");
    const char *rest = host + bracketed + len + bracketed;

    if (len >= HOST_SIZE || (bracketed && rest[-1] != ']'))
        return false;
    memcpy(name, host + bracketed, len);
    name[len] = '\0';
    return *rest == '\0' || (*rest == ':' && rest[1 + strspn(rest + 1, "0123456789")] == '\0');
}

bool gw_host_is_own(const char *host)
{
    char name[HOST_SIZE];
    struct in6_addr address;

    if (!host || !take_name(host, name))
        return false;
    return *host == '['
               ? inet_pton(AF_INET6, name, &address) == 1
               : inet_pton(AF_INET, name, &address) == 1 || strcasecmp(name, "localhost") == 0;
}
