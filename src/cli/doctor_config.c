/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that the daemon reads at start. Whoever runs this need not be the daemon's user: what
 * that one alone may read is not checked, and a file's owner is judged only by who it is told to.
 */
#include "doctor.h"

#include "gw/address.h"
#include "gw/secret.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIGURATION "configuration"
#define SECRET "secret"

/* --- configuration --- */

static void say_errors(struct gw_doctor *doctor, char *lines)
{
    for (char *end; (end = strchr(lines, '\n')); lines = end + 1) {
        *end = '\0';
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, CONFIGURATION, "%s", lines);
    }
}

static void judge_mode(struct gw_doctor *doctor)
{
    struct stat status;

    if (stat(doctor->config_path, &status) == 0 && status.st_mode & (S_IWGRP | S_IWOTH))
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, CONFIGURATION,
                      "%s can be written by its group or by others, who could change what the "
                      "daemon does: chmod go-w it",
                      doctor->config_path);
}

bool gw_doctor_look_at_configuration(struct gw_doctor *doctor)
{
    struct gw_config_errors errors = {.count = 0};
    const char *path = doctor->config_path;
    int r = path ? gw_config_load(&doctor->config, path, &errors)
                 : gw_config_parse(&doctor->config, NULL, 0, "defaults", &errors);

    say_errors(doctor, errors.text);
    if (r == -ENOMEM)
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, CONFIGURATION, "%s", strerrordesc_np(ENOMEM));
    if (r == 0)
        gw_doctor_say(doctor, GW_DOCTOR_OK, CONFIGURATION, "%s",
                      path ? path : "none was given by --config: the defaults");
    if (path)
        judge_mode(doctor);
    return r == 0 || r == -EINVAL;
}

/* --- secrets --- */

/* What people paste along, and Genesys does not sign with. */
static bool has_blank(const struct gw_secret *secret)
{
    for (size_t i = 0; i < secret->len; i++)
        if (isspace((unsigned char)secret->bytes[i]) || iscntrl((unsigned char)secret->bytes[i]))
            return true;
    return false;
}

static void judge_secret(struct gw_doctor *doctor, const struct gw_secret *secret)
{
    if (secret->warning)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, SECRET, "%s %s", secret->source, secret->warning);
    if (has_blank(secret))
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, SECRET,
                      "%s holds a blank, a line break or a control character beside the line "
                      "break at its end: has it one in Genesys, too?",
                      secret->source);
    else if (!secret->warning)
        gw_doctor_say(doctor, GW_DOCTOR_OK, SECRET, "%s, %zu bytes", secret->source, secret->len);
}

/* Whether a secret's file may well be right for the daemon's user, who is not this one. */
static bool is_anothers(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return errno == EACCES;
    if (geteuid() != 0 && access(path, R_OK) < 0)
        return errno == EACCES;
    return status.st_uid != 0 && status.st_uid != geteuid() &&
           !(status.st_mode & (S_IWGRP | S_IWOTH));
}

/* Whether that explains all of the errors, a line each. */
static bool are_anothers(const struct gw_config_list *files, const char *errors)
{
    size_t count = 0, lines = 1;

    for (size_t i = 0; i < files->count; i++)
        count += is_anothers(files->items[i]);
    while ((errors = strchr(errors, '\n')) != NULL) {
        errors++;
        lines++;
    }
    return count == lines;
}

static void say_none(struct gw_doctor *doctor, int error, char *message)
{
    static const char by_systemd[] =
        "; under systemd try again as root with CREDENTIALS_DIRECTORY=/run/credentials/"
        "genesys-webhookd.service";

    if (are_anothers(&doctor->config.secret_files, message))
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, SECRET,
                      "not checked: what [signature] secret_file names is another user's: run this "
                      "as the daemon's user");
    else if (error == -ENOENT && doctor->config.secret_files.count == 0 && doctor->runs)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, SECRET,
                      "not checked: the daemon that runs has one, which is not seen from here%s",
                      by_systemd);
    else
        for (char *line; (line = strsep(&message, "\n"));)
            gw_doctor_say(doctor, GW_DOCTOR_WRONG, SECRET, "%s%s", line,
                          doctor->config.secret_files.count == 0 ? by_systemd : "");
}

void gw_doctor_look_at_secrets(struct gw_doctor *doctor)
{
    const struct gw_config_list *list = &doctor->config.secret_files;
    const struct gw_secret_files files = {
        .paths = (const char *const *)list->items,
        .count = list->count,
        .config = doctor->config_path,
        .lines = list->lines,
    };
    struct gw_secrets secrets;
    char message[8192];
    int r = gw_secrets_load(&secrets, &files, message, sizeof(message));

    if (r < 0)
        say_none(doctor, r, message);
    for (size_t i = 0; i < secrets.count; i++)
        judge_secret(doctor, &secrets.items[i]);
    gw_secrets_deinit(&secrets);
}

/* --- proxies --- */

static bool is_loopback(const char *listen)
{
    static const struct gw_networks loopback = {
        .items = {{.address = {{[10] = 0xff, 0xff, 127}}, .bits = 96 + 8},
                  {.address = {{[15] = 1}}, .bits = 128}},
        .count = 2,
    };
    struct gw_address address;
    char host[256];
    uint16_t port;

    if (gw_doctor_socket_path(listen))
        return true;
    if (gw_config_split_address(listen, host, sizeof(host), &port) != 0)
        return false;
    return strcmp(host, "localhost") == 0 ||
           (gw_address_parse(gw_str(host), &address) && gw_networks_hold(&loopback, &address));
}

/* @return NULL where each is reached from this machine alone. */
static const char *find_remote(const struct gw_config_list *listen)
{
    for (size_t i = 0; i < listen->count; i++)
        if (!is_loopback(listen->items[i]))
            return listen->items[i];
    return NULL;
}

/* Unix sockets have no address that could be counted. */
static bool has_port(const struct gw_config_list *listen)
{
    for (size_t i = 0; i < listen->count; i++)
        if (!gw_doctor_socket_path(listen->items[i]))
            return true;
    return false;
}

void gw_doctor_look_at_proxies(struct gw_doctor *doctor)
{
    const struct gw_config *config = &doctor->config;
    const char *remote = find_remote(&config->listen);
    const char *remote_admin = find_remote(&config->admin_listen);

    if (config->trusted_proxies.count > 0)
        gw_doctor_say(doctor, GW_DOCTOR_OK, "proxies", "%zu trusted",
                      config->trusted_proxies.count);
    else if (remote)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, "proxies",
                      "%s is reached from other machines, and [server] trusted_proxies is empty: "
                      "name the load balancer's networks, or logs, allow and limits take it for "
                      "the sender",
                      remote);
    if (config->trusted_proxies.count == 0 && config->max_connections_per_ip > 0 &&
        has_port(&config->listen))
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, "proxies",
                      "[server] max_connections_per_ip = %" PRId64
                      " counts a proxy as one sender, and would cut it off: name it in [server] "
                      "trusted_proxies, if there is one",
                      config->max_connections_per_ip);
    if (remote_admin && !config->admin_remote)
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, "admin",
                      "%s can be reached from other machines, so the daemon will not start: take "
                      "127.0.0.1, or say [admin] remote = yes",
                      remote_admin);
}
