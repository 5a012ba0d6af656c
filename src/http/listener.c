/* SPDX-License-Identifier: Apache-2.0 */
/* A name that stands for several addresses ("localhost") is bound on all of them, or not at all. */
#include "gw/listener.h"

#include "gw/config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static int take_inherited(struct gw_listeners *listeners, int count, char *message, size_t size)
{
    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;

        if (i >= GW_FRONT_LISTENERS_MAX || sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
            snprintf(message, size,
                     "socket %d of those handed over (LISTEN_FDS) is no listening stream socket, "
                     "or there are more than %d: use ListenStream= in the .socket unit",
                     i, GW_FRONT_LISTENERS_MAX);
            return -EINVAL;
        }
        if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
            return -errno;
        listeners->fds[listeners->count++] = fd;
    }
    listeners->inherited = true;
    return 0;
}

static int bind_one(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = errno;

    close(fd);
    return -error;
}

static int bind_all(struct gw_listeners *listeners, const struct addrinfo *addresses)
{
    for (const struct addrinfo *a = addresses; a && listeners->count < GW_FRONT_LISTENERS_MAX;
         a = a->ai_next) {
        int fd = bind_one(a);

        if (fd < 0) {
            gw_listeners_close(listeners);
            return fd;
        }
        listeners->fds[listeners->count++] = fd;
    }
    return 0;
}

int gw_listeners_bind(struct gw_listeners *listeners, const char *address, const char *key,
                      char *message, size_t message_size)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses = NULL;
    char host[256], service[8];
    uint16_t port;
    int r = gw_config_split_address(address, host, sizeof(host), &port);

    memset(listeners, 0, sizeof(*listeners));
    if (r)
        return r;
    snprintf(service, sizeof(service), "%u", port);
    int resolved = getaddrinfo(host, service, &hints, &addresses);

    if (resolved != 0) {
        snprintf(message, message_size,
                 "cannot listen on %s: %s; give %s an address of this machine", address,
                 gai_strerror(resolved), key);
        return -EADDRNOTAVAIL;
    }
    r = bind_all(listeners, addresses);
    freeaddrinfo(addresses);
    if (r)
        snprintf(message, message_size,
                 "cannot listen on %s: %s; is another process there? %s chooses the address",
                 address, strerror(-r), key);
    return r;
}

int gw_listeners_open(struct gw_listeners *listeners, const char *address, char *message,
                      size_t message_size)
{
    int inherited = sd_listen_fds(1);

    memset(listeners, 0, sizeof(*listeners));
    if (inherited < 0)
        return inherited;
    return inherited > 0
               ? take_inherited(listeners, inherited, message, message_size)
               : gw_listeners_bind(listeners, address, "[server] listen", message, message_size);
}

void gw_listeners_close(struct gw_listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        close(listeners->fds[i]);
    listeners->count = 0;
}

static bool is_loopback(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t len = sizeof(address);

    if (getsockname(fd, &address.any, &len) < 0)
        return false;
    return address.any.sa_family == AF_INET
               ? ntohl(address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
               : address.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

bool gw_listeners_are_loopback(const struct gw_listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        if (!is_loopback(listeners->fds[i]))
            return false;
    return true;
}

static int format_one(int fd, char *text, size_t size)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return snprintf(text, size, "socket %d", fd);
    return snprintf(text, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

void gw_listeners_format(const struct gw_listeners *listeners, char *text, size_t size)
{
    size_t at = 0;

    *text = '\0';
    for (size_t i = 0; i < listeners->count && at + 2 < size; i++) {
        if (i > 0)
            at += (size_t)snprintf(text + at, size - at, ", ");
        at += (size_t)format_one(listeners->fds[i], text + at, size - at);
    }
}
