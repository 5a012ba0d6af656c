/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_DOCTOR_H
#define GW_DOCTOR_H

/*
 * What the parts of `doctor` share: what is looked at, what was found out so far, and how a finding
 * is told. Each part says what is wrong with what to do, and what it could not see as a warning
 * that begins with "not checked".
 */

#include "ask.h"

#include "gw/config.h"

struct gw_doctor {
    const char *config_path; /* NULL: the defaults */
    const char *url;         /* the public one; NULL: not asked for */
    const char *ca_file;     /* for it; NULL: the system's */
    int64_t deadline_ms;     /* monotonic; of everything together */
    struct gw_config config;
    bool serves;        /* a daemon answers at [server] listen */
    bool has_metrics;   /* and tells them at [admin] listen: */
    double connections; /* how many it takes */
    bool runs;          /* a daemon answers at one of the two */
    bool is_wrong;      /* a finding was */
};

enum gw_doctor_verdict { GW_DOCTOR_OK, GW_DOCTOR_WARNING, GW_DOCTOR_WRONG };

/* A finding, as a line on stdout. @param what  what it is about */
void gw_doctor_say(struct gw_doctor *doctor, enum gw_doctor_verdict verdict, const char *what,
                   const char *format, ...) GW_PRINTF(4, 5);

/* gw_ask, in what is left of the time, and no more than a few seconds of it. */
void gw_doctor_ask(const struct gw_doctor *doctor, struct gw_ask *ask);

/* @param skew_ms  the other's clock less this machine's; @param whose  "DynamoDB's" */
void gw_doctor_judge_clock(struct gw_doctor *doctor, const char *whose, int64_t skew_ms);

/* @return the path of an address of a Unix socket, within it; NULL: it is HOST:PORT. */
const char *gw_doctor_socket_path(const char *address);

/* @return false where nothing else can be looked at. */
bool gw_doctor_look_at_configuration(struct gw_doctor *doctor);
void gw_doctor_look_at_secrets(struct gw_doctor *doctor);
/* The listeners and who answers there; before the others, which want to know whether one serves. */
void gw_doctor_look_at_daemon(struct gw_doctor *doctor);
void gw_doctor_look_at_limits(struct gw_doctor *doctor);
void gw_doctor_look_at_proxies(struct gw_doctor *doctor);
/* The backend, and the clock by it. */
void gw_doctor_look_at_backend(struct gw_doctor *doctor);
void gw_doctor_look_at_url(struct gw_doctor *doctor);

#endif
