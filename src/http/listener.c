/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name that stands for several addresses ("localhost") is bound on all of them, or not at all.
 *
 * Who may connect to a Unix socket is said by its mode and its folder. The mode is made by the
 * umask: a chmod after bind() could be led to another file where others may write to the folder.
 */
#include "gw/listener.h"

#include "gw/config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define UNIX_UMASK 0117

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

static int listen_on(int family, const struct sockaddr *address, socklen_t len)
{
    int on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, address, len) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = errno;

    close(fd);
    return -error;
}

static int add(struct gw_listeners *listeners, int fd)
{
    if (fd < 0)
        return fd;
    listeners->fds[listeners->count++] = fd;
    return 0;
}

/* --- Unix sockets --- */

/* A socket's name stays when its process was killed. Two that start at the same moment may both
 * find it stale, and one then takes the other's away; the file store's lock lets only one run on.
 */
static bool remove_stale(const struct sockaddr_un *address)
{
    struct stat status;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool stale = fd >= 0 && lstat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode) &&
                 connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
                 errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return stale && unlink(address->sun_path) == 0;
}

static int bind_path(struct gw_listeners *listeners, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const mode_t mask = umask(UNIX_UMASK);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = listen_on(AF_UNIX, (const struct sockaddr *)&address, sizeof(address));

    if (fd == -EADDRINUSE && remove_stale(&address))
        fd = listen_on(AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
    (void)umask(mask);
    return add(listeners, fd);
}

void gw_listeners_remove_names(const struct gw_listeners *listeners)
{
    for (size_t i = 0; i < listeners->count && !listeners->inherited; i++) {
        struct sockaddr_un address;
        socklen_t len = sizeof(address);

        if (getsockname(listeners->fds[i], (struct sockaddr *)&address, &len) == 0 &&
            address.sun_family == AF_UNIX)
            (void)unlink(address.sun_path);
    }
}

/* --- binding --- */

static int bind_all(struct gw_listeners *listeners, const struct addrinfo *addresses)
{
    int r = 0;

    for (const struct addrinfo *a = addresses; a && r == 0; a = a->ai_next)
        r = listeners->count < GW_FRONT_LISTENERS_MAX
                ? add(listeners, listen_on(a->ai_family, a->ai_addr, a->ai_addrlen))
                : -E2BIG;
    return r;
}

/* @return as gw_listeners_bind, or of getaddrinfo(3) what it says, which is -EADDRNOTAVAIL. */
static int bind_host(struct gw_listeners *listeners, const char *address, const char **error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char host[256], service[8];
    uint16_t port;
    int r = gw_config_split_address(address, host, sizeof(host), &port);

    if (r)
        return r;
    snprintf(service, sizeof(service), "%u", port);
    int resolved = getaddrinfo(host, service, &hints, &found);

    if (resolved != 0) {
        *error = gai_strerror(resolved);
        return -EADDRNOTAVAIL;
    }
    r = bind_all(listeners, found);
    freeaddrinfo(found);
    return r;
}

static int bind_one(struct gw_listeners *listeners, const char *address, const char **error)
{
    const size_t prefix = strlen(GW_CONFIG_UNIX_PREFIX);

    if (strncmp(address, GW_CONFIG_UNIX_PREFIX, prefix) != 0)
        return bind_host(listeners, address, error);
    return listeners->count < GW_FRONT_LISTENERS_MAX ? bind_path(listeners, address + prefix)
                                                     : -E2BIG;
}

static const char *advice(int error)
{
    static const struct {
        int error;
        const char *advice;
    } known[] = {
        {-EADDRINUSE, "another process is there, or a file that is no socket; [::] takes IPv4, "
                      "too, and goes without 0.0.0.0"},
        {-EADDRNOTAVAIL, "it must be an address of this machine"},
        {-ENOENT, "the folder of a Unix socket must be there"},
        {-EACCES, "ports below 1024 and folders of others need a right"},
        {-E2BIG, "together they may stand for 8 sockets"},
    };

    for (size_t i = 0; i < GW_COUNT(known); i++)
        if (known[i].error == error)
            return known[i].advice;
    return "is it an address to listen on?";
}

int gw_listeners_bind(struct gw_listeners *listeners, const struct gw_config_list *addresses,
                      const char *key, char *message, size_t message_size)
{
    memset(listeners, 0, sizeof(*listeners));
    for (size_t i = 0; i < addresses->count; i++) {
        const char *error = NULL;
        int r = bind_one(listeners, addresses->items[i], &error);

        if (r == 0)
            continue;
        (void)snprintf(message, message_size, "cannot listen on %s: %s; %s (%s)",
                       addresses->items[i], error ? error : strerror(-r), advice(r), key);
        gw_listeners_close(listeners);
        return r;
    }
    return 0;
}

int gw_listeners_open(struct gw_listeners *listeners, const struct gw_config_list *addresses,
                      char *message, size_t message_size)
{
    int inherited = sd_listen_fds(1);

    memset(listeners, 0, sizeof(*listeners));
    if (inherited < 0)
        return inherited;
    return inherited > 0
               ? take_inherited(listeners, inherited, message, message_size)
               : gw_listeners_bind(listeners, addresses, "[server] listen", message, message_size);
}

void gw_listeners_close(struct gw_listeners *listeners)
{
    gw_listeners_remove_names(listeners);
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
    switch (address.any.sa_family) {
    case AF_INET:
        return ntohl(address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
    default:
        return address.any.sa_family == AF_UNIX;
    }
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
    union {
        struct sockaddr any;
        struct sockaddr_un path;
        struct sockaddr_storage storage;
    } address = {.storage = {0}};
    socklen_t len = sizeof(address.storage);
    char host[NI_MAXHOST], port[NI_MAXSERV];
    bool known = getsockname(fd, &address.any, &len) == 0;

    if (known && address.any.sa_family == AF_UNIX)
        return snprintf(text, size, GW_CONFIG_UNIX_PREFIX "%s", address.path.sun_path);
    if (!known || getnameinfo(&address.any, len, host, sizeof(host), port, sizeof(port),
                              NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return snprintf(text, size, "socket %d", fd);
    return snprintf(text, size, address.any.sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
                    port);
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
