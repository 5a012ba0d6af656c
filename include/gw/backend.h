/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BACKEND_H
#define GW_BACKEND_H

/* Opens the backend that the configuration names, and knows where a daemon keeps its state. */

#include "gw/config.h"
#include "gw/store.h"

/**
 * @param connections  for each worker, of a backend that has some
 * @param message      on an error: what was wrong, where the errno does not say it
 * @return 0, or a negative errno; -EINTR: told to stop while it waited for the journal's lock.
 */
int gw_backend_open(const struct gw_config *config, size_t connections, struct gw_backend **backend,
                    char *message, size_t message_size) GW_MUST_CHECK;

/* What may wait for the backend. */
size_t gw_backend_max_queued_bytes(const struct gw_config *config);

enum gw_backend_error { GW_BACKEND_STATELESS = 1 };

/**
 * The file whose time is when the daemon last listened (gw/gap.h): beside the file store's own,
 * which is open by now, or in systemd's $STATE_DIRECTORY.
 * @return 0; GW_BACKEND_STATELESS where there is no such folder; or a negative errno.
 */
int gw_backend_state_path(const struct gw_config *config, char *path, size_t size) GW_MUST_CHECK;

#endif
