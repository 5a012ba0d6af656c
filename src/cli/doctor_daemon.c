/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers where the daemon should listen. All are asked before any is judged, as what one that
 * does not answer means depends on the others. Only where nobody does a port is tried by binding
 * it, for a moment, since nothing else tells whether it could be; of a Unix socket its name tells.
 */
#include "doctor.h"

#include "gw/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LIMITS "limits"

struct port;

/* A key that names addresses, and how it is known and told that the daemon answers there. */
struct kind {
    const char *what, *key, *target;
    bool (*recognise)(struct gw_doctor *doctor, const struct gw_ask *ask);
    void (*tell)(struct gw_doctor *doctor, const struct port *port);
};

/* An address of the configuration, and what came of asking there. */
struct port {
    const struct kind *kind;
    const char *address;
    struct gw_ask ask;
    bool is_ours;
};

const char *gw_doctor_socket_path(const char *address)
{
    const size_t prefix = strlen(GW_CONFIG_UNIX_PREFIX);

    return strncmp(address, GW_CONFIG_UNIX_PREFIX, prefix) == 0 ? address + prefix : NULL;
}

/* --- where nobody answers --- */

/* What is known of such an address: negative errnos, 0 (it is free), or these. */
enum { LEFT_BEHIND = 1, UNSEEN };

static int try_host(const struct port *port, char *message, size_t size)
{
    const struct gw_config_list addresses = {.items = {(char *)port->address}, .count = 1};
    struct gw_listeners listeners;
    int r = gw_listeners_bind(&listeners, &addresses, port->kind->key, message, size);

    if (r == 0)
        gw_listeners_close(&listeners);
    return r;
}

/* @return 0, or why no name can be made beside @path. */
static int try_folder(const char *path)
{
    char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') + 1 - path), path);
    return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* @return 0 where it is taken, or a negative errno. */
static int try_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r;

    if (fd < 0)
        return -errno;
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    r = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    close(fd);
    return r == -EAGAIN ? 0 : r; /* so many wait there already */
}

/* To bind it would make a name, and take the place of one. */
static int try_path(const char *path)
{
    struct stat status;
    int r;

    if (lstat(path, &status) < 0)
        return errno == ENOENT ? try_folder(path) : errno == EACCES ? UNSEEN : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    r = try_connect(path);
    if (r == -EACCES)
        return UNSEEN;
    if (r != -ECONNREFUSED)
        return r == 0 ? -EADDRINUSE : r;
    r = try_folder(path);
    return r == 0 ? LEFT_BEHIND : r;
}

static int try_port(const struct port *port, char *message, size_t size)
{
    const char *path = gw_doctor_socket_path(port->address);
    int r;

    if (!path)
        return try_host(port, message, size);
    r = try_path(path);
    if (r < 0)
        (void)snprintf(message, size,
                       "cannot listen on %s: %s; its folder must be there, and nothing but a "
                       "socket have its name (%s)",
                       port->address, strerrordesc_np(-r), port->kind->key);
    return r;
}

static void say_free(struct gw_doctor *doctor, const struct port *port, bool is_left_behind)
{
    if (doctor->serves)
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, port->kind->what,
                      "the daemon serves, but does not listen on %s: restart it with this "
                      "configuration",
                      port->address);
    else if (doctor->has_metrics)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, port->kind->what,
                      "the daemon runs, but not on %s: systemd's socket may have another address; "
                      "else restart it with this configuration",
                      port->address);
    else
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, port->kind->what,
                      "nobody listens on %s: start the daemon; it is %s", port->address,
                      is_left_behind ? "left behind by one that was killed, whose place it takes"
                                     : "free");
}

static void say_unanswered(struct gw_doctor *doctor, const struct port *port)
{
    const char *what = port->kind->what, *address = port->address;
    char message[512] = "it is no address";
    int r = try_port(port, message, sizeof(message));

    if (r == 0 || r == LEFT_BEHIND)
        say_free(doctor, port, r == LEFT_BEHIND);
    else if (r == UNSEEN)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, what,
                      "not checked: this user may not connect to %s: run this as root or as the "
                      "daemon's user",
                      address);
    else if (r == -EADDRINUSE)
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, what,
                      "who has %s does not answer (%s): is it the daemon, and does it hang? See "
                      "its log, and who it is: ss %s",
                      address, port->ask.problem,
                      gw_doctor_socket_path(address) ? "-lxnp" : "-ltnp");
    else if (r == -EACCES)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, what,
                      "not checked: nobody listens on %s, and this user may not either", address);
    else
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, what, "%s", message);
}

/* --- [server] listen --- */

static bool answers(const struct gw_ask *ask, long status, struct gw_str body)
{
    return ask->status == status && gw_str_equal(gw_buffer_str(&ask->body), body);
}

static bool recognise_readiness(struct gw_doctor *doctor, const struct gw_ask *ask)
{
    bool is_ours = answers(ask, 200, GW_STR("{\"status\":\"ok\"}")) ||
                   answers(ask, 503, GW_STR("{\"status\":\"not ready\"}"));

    doctor->serves |= is_ours;
    return is_ours;
}

static void tell_readiness(struct gw_doctor *doctor, const struct port *port)
{
    if (port->ask.status == 200)
        gw_doctor_say(doctor, GW_DOCTOR_OK, port->kind->what, "a daemon serves on %s, and is ready",
                      port->address);
    else
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, port->kind->what,
                      "the daemon on %s is not ready: it drains, or its store takes no writes: see "
                      "its log, and the backend below",
                      port->address);
}

/* --- [admin] listen --- */

/* @return whether the metrics hold @name. */
static bool find_metric(const struct gw_ask *ask, struct gw_str name, double *value)
{
    struct gw_str text = gw_buffer_str(&ask->body);
    const char *found = text.len ? memmem(text.data, text.len, name.data, name.len) : NULL;
    char number[32];
    size_t left = found ? text.len - (size_t)(found + name.len - text.data) : 0;

    if (left == 0)
        return false;
    (void)snprintf(number, sizeof(number), "%.*s", (int)left, found + name.len);
    *value = strtod(number, NULL);
    return true;
}

static bool recognise_metrics(struct gw_doctor *doctor, const struct gw_ask *ask)
{
    static const struct gw_str limit = GW_STR("\ngenesys_webhookd_connections_limit ");
    bool is_ours = ask->status == 200 && find_metric(ask, limit, &doctor->connections);

    doctor->has_metrics |= is_ours;
    return is_ours;
}

static void tell_metrics(struct gw_doctor *doctor, const struct port *port)
{
    gw_doctor_say(doctor, GW_DOCTOR_OK, port->kind->what, "metrics and status page on %s",
                  port->address);
}

/* --- all of them --- */

static void ask_port(struct gw_doctor *doctor, struct port *port)
{
    const char *path = gw_doctor_socket_path(port->address);
    char url[512];

    (void)snprintf(url, sizeof(url), "http://%s%s", path ? "localhost" : port->address,
                   port->kind->target);
    port->ask = (struct gw_ask){.url = url, .unix_socket = path, .local = true};
    gw_doctor_ask(doctor, &port->ask);
    port->ask.url = NULL;
    port->is_ours = !*port->ask.problem && port->kind->recognise(doctor, &port->ask);
}

static void judge_port(struct gw_doctor *doctor, struct port *port)
{
    if (*port->ask.problem)
        say_unanswered(doctor, port);
    else if (port->is_ours)
        port->kind->tell(doctor, port);
    else
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, port->kind->what,
                      "another program has %s (GET %s is answered %ld): stop it, or let %s name "
                      "another",
                      port->address, port->kind->target, port->ask.status, port->kind->key);
    gw_buffer_deinit(&port->ask.body);
}

void gw_doctor_look_at_daemon(struct gw_doctor *doctor)
{
    static const struct kind kinds[] = {
        {"listen", "[server] listen", "/readyz", recognise_readiness, tell_readiness},
        {"admin", "[admin] listen", "/metrics", recognise_metrics, tell_metrics},
    };
    const struct gw_config_list *const lists[] = {&doctor->config.listen,
                                                  &doctor->config.admin_listen};
    struct port ports[GW_COUNT(kinds) * GW_CONFIG_LIST_MAX];
    size_t count = 0;

    for (size_t i = 0; i < GW_COUNT(kinds); i++)
        for (size_t j = 0; j < lists[i]->count; j++) {
            ports[count] = (struct port){.kind = &kinds[i], .address = lists[i]->items[j]};
            ask_port(doctor, &ports[count++]);
        }
    doctor->runs = doctor->serves || doctor->has_metrics;
    for (size_t i = 0; i < count; i++)
        judge_port(doctor, &ports[i]);
}

/* --- limits --- */

void gw_doctor_look_at_limits(struct gw_doctor *doctor)
{
    const int64_t wanted = doctor->config.max_connections;
    struct rlimit files;

    if (doctor->has_metrics && doctor->connections < (double)wanted)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, LIMITS,
                      "the daemon takes %.0f connections, not the %" PRId64
                      " of [server] max_connections: raise LimitNOFILE, or reload it",
                      doctor->connections, wanted);
    else if (doctor->has_metrics)
        gw_doctor_say(doctor, GW_DOCTOR_OK, LIMITS, "the daemon takes %" PRId64 " connections",
                      wanted);
    else if (doctor->serves)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, LIMITS,
                      "not checked: how many connections the daemon takes is told by [admin] "
                      "listen alone");
    else if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max < (uint64_t)wanted)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, LIMITS,
                      "started from here the daemon could open %" PRIu64
                      " files, fewer than [server] max_connections: raise the limit (ulimit -Hn, "
                      "LimitNOFILE), or lower the key",
                      (uint64_t)files.rlim_max);
    else
        gw_doctor_say(doctor, GW_DOCTOR_OK, LIMITS, "files for %" PRId64 " connections", wanted);
}
