/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SERVICE_H
#define GW_SERVICE_H

/*
 * The daemon's life on main's thread: start, signals, reload, watchdog, drain, stop. TERM and INT
 * drain and stop, HUP reloads, USR1 reopens files.
 */

#include "gw/config.h"
#include "gw/secret.h"

/* Exit codes of the daemon (the last is sysexits.h's EX_CONFIG). */
enum gw_exit { GW_EXIT_OK = 0, GW_EXIT_FAILED = 1, GW_EXIT_USAGE = 2, GW_EXIT_CONFIG = 78 };

/**
 * Reads the configuration and its secrets as the daemon would, and logs every error and warning.
 * @param path  NULL for the defaults
 * @return GW_EXIT_OK, GW_EXIT_CONFIG (nothing is held then), or GW_EXIT_FAILED.
 */
int gw_service_load(const char *path, struct gw_config *config,
                    struct gw_secrets *secrets) GW_MUST_CHECK;

/* Runs until it is told to stop. @return an exit code. */
int gw_service_run(const char *config_path) GW_MUST_CHECK;

#endif
