/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers where the daemon should listen. Only where nobody does a port is tried by binding it,
 * for a moment, since nothing else tells whether it could be.
 */
#include "doctor.h"

#include "gw/listener.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define LIMITS "limits"

/* An address of the configuration. */
struct port {
    const char *what, *key, *address;
};

static void say_free(struct gw_doctor *doctor, const struct port *port)
{
    if (doctor->serves)
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, port->what,
                      "the daemon serves, but does not listen on %s: restart it with this "
                      "configuration",
                      port->address);
    else
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, port->what,
                      "nobody listens on %s: start the daemon; it is free", port->address);
}

/* @param problem  why nobody answers there */
static void say_unanswered(struct gw_doctor *doctor, const struct port *port, const char *problem)
{
    const struct gw_config_list addresses = {.items = {(char *)port->address}, .count = 1};
    struct gw_listeners listeners;
    char message[512] = "it is no address";
    int r = gw_listeners_bind(&listeners, &addresses, port->key, message, sizeof(message));

    if (r == 0) {
        gw_listeners_close(&listeners);
        say_free(doctor, port);
    } else if (r == -EADDRINUSE) {
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, port->what,
                      "who has %s does not answer (%s): is it the daemon, and does it hang? See "
                      "its log, and who it is: ss -ltnp",
                      port->address, problem);
    } else if (r == -EACCES) {
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, port->what,
                      "not checked: nobody listens on %s, and this user may not either",
                      port->address);
    } else {
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, port->what, "%s", message);
    }
}

/* @return whether there is an answer to be judged; else what there is was told. */
static bool ask_port(struct gw_doctor *doctor, const struct port *port, const char *path,
                     struct gw_ask *ask)
{
    const size_t prefix = strlen(GW_CONFIG_UNIX_PREFIX);
    const bool is_path = strncmp(port->address, GW_CONFIG_UNIX_PREFIX, prefix) == 0;
    char url[512];

    (void)snprintf(url, sizeof(url), "http://%s%s", is_path ? "localhost" : port->address, path);
    *ask = (struct gw_ask){
        .url = url, .unix_socket = is_path ? port->address + prefix : NULL, .local = true};
    gw_doctor_ask(doctor, ask);
    ask->url = ask->unix_socket = NULL;
    if (*ask->problem)
        say_unanswered(doctor, port, ask->problem);
    return !*ask->problem;
}

static bool answers(const struct gw_ask *ask, long status, struct gw_str body)
{
    return ask->status == status && gw_str_equal(gw_buffer_str(&ask->body), body);
}

static void look_at_listener(struct gw_doctor *doctor, const char *address)
{
    const struct port port = {"listen", "[server] listen", address};
    struct gw_ask ask;

    if (!ask_port(doctor, &port, "/readyz", &ask)) {
        gw_buffer_deinit(&ask.body);
        return;
    }
    doctor->serves |= answers(&ask, 200, GW_STR("{\"status\":\"ok\"}")) ||
                      answers(&ask, 503, GW_STR("{\"status\":\"not ready\"}"));
    if (!doctor->serves)
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, port.what,
                      "another program has %s (GET /readyz is answered %ld): stop it, or let "
                      "[server] listen name another port",
                      address, ask.status);
    else if (ask.status == 200)
        gw_doctor_say(doctor, GW_DOCTOR_OK, port.what, "a daemon serves on %s, and is ready",
                      address);
    else
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, port.what,
                      "the daemon on %s is not ready: it drains, or its store takes no writes: see "
                      "its log, and the backend below",
                      address);
    gw_buffer_deinit(&ask.body);
}

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

static void look_at_admin(struct gw_doctor *doctor, const char *address)
{
    static const struct gw_str limit = GW_STR("\ngenesys_webhookd_connections_limit ");
    const struct port port = {"admin", "[admin] listen", address};
    struct gw_ask ask;

    if (ask_port(doctor, &port, "/metrics", &ask)) {
        doctor->has_metrics = ask.status == 200 && find_metric(&ask, limit, &doctor->connections);
        if (doctor->has_metrics)
            gw_doctor_say(doctor, GW_DOCTOR_OK, port.what, "metrics and status page on %s",
                          port.address);
        else
            gw_doctor_say(doctor, GW_DOCTOR_WRONG, port.what,
                          "another program has %s (GET /metrics is answered %ld): stop it, or let "
                          "[admin] listen name another port",
                          port.address, ask.status);
    }
    gw_buffer_deinit(&ask.body);
}

void gw_doctor_look_at_daemon(struct gw_doctor *doctor)
{
    const struct gw_config_list *listen = &doctor->config.listen;
    const struct gw_config_list *admin = &doctor->config.admin_listen;

    for (size_t i = 0; i < listen->count; i++)
        look_at_listener(doctor, listen->items[i]);
    for (size_t i = 0; i < admin->count; i++)
        look_at_admin(doctor, admin->items[i]);
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
