/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_LISTENER_H
#define GW_LISTENER_H

/* The listen sockets: handed over by systemd (sd_listen_fds(3)), or opened by us. */

#include "gw/front.h"

struct gw_listeners {
    int fds[GW_FRONT_LISTENERS_MAX];
    size_t count;
    bool inherited; /* systemd keeps its copies: the backlog and the names outlive us */
};

/**
 * Binds every address that @addresses (gw_config_is_listen_address) stand for, or none. All sockets
 * are non-blocking and close-on-exec. A Unix socket has mode 0660, and takes the
 * place of one on which nobody listens. The umask is changed for a moment: files that other threads
 * make then must not be for others to read anyway.
 * @param key      the configuration's, for the message
 * @param message  on an error: what was wrong and what would be right
 * @return 0, or a negative errno.
 */
int gw_listeners_bind(struct gw_listeners *listeners, const struct gw_config_list *addresses,
                      const char *key, char *message, size_t message_size) GW_MUST_CHECK;

/* Takes the handed-over sockets where there are any, else binds [server] listen. */
int gw_listeners_open(struct gw_listeners *listeners, const struct gw_config_list *addresses,
                      char *message, size_t message_size) GW_MUST_CHECK;

/* Takes away the names of Unix sockets that gw_listeners_bind has made. */
void gw_listeners_remove_names(const struct gw_listeners *listeners);

/* Closes them, and removes their names before. */
void gw_listeners_close(struct gw_listeners *listeners);

/* Whether all of them are reached from this machine alone, as Unix sockets are. */
bool gw_listeners_are_loopback(const struct gw_listeners *listeners);

/* Writes the addresses as they are bound ("127.0.0.1:8080, unix:/run/webhook.sock"), for logs. */
void gw_listeners_format(const struct gw_listeners *listeners, char *text, size_t size);

#endif
