/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SERVICE_H
#define GW_SERVICE_H

/*
 * The daemon's life on main's thread: start, signals, reload, watchdog, drain, stop. TERM and INT
 * drain and stop, HUP reloads, USR1 reopens files.
 */

#include "gw/configure.h"

/* Runs until it is told to stop. @return a gw_exit. */
int gw_service_run(const char *config_path) GW_MUST_CHECK;

#endif
