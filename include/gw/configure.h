/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONFIGURE_H
#define GW_CONFIGURE_H

/* From a configuration file and the secrets' sources to what the workers read; all that is wrong is
 * logged. For start, reload and --check-config. */

#include "gw/settings.h"

/* Exit codes of the daemon (the last is sysexits.h's EX_CONFIG). */
enum gw_exit { GW_EXIT_OK = 0, GW_EXIT_FAILED = 1, GW_EXIT_USAGE = 2, GW_EXIT_CONFIG = 78 };

/* Makes the log what [log] says. */
void gw_configure_log(const struct gw_config *config);

/**
 * Reads the configuration and its secrets as the daemon would; errors of the one do not keep those
 * of the other from being told. From when the file is found right on, the log is what it says.
 * @param path  NULL for the defaults
 * @return GW_EXIT_OK, GW_EXIT_CONFIG or GW_EXIT_FAILED (nothing is held then).
 */
int gw_configure_load(const char *path, struct gw_config *config,
                      struct gw_secrets *secrets) GW_MUST_CHECK;

/* The same, and builds the settings; the secrets are wiped. */
int gw_configure_settings(const char *path, struct gw_config *config,
                          struct gw_settings **settings) GW_MUST_CHECK;

#endif
