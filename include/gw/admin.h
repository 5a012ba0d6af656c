/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_ADMIN_H
#define GW_ADMIN_H

/*
 * The admin listener: what operators and Prometheus look at, on a socket of its own and on main's
 * loop, so that neither gets into the other's way. All calls are for the loop's thread.
 */

#include "gw/account.h"
#include "gw/front.h"
#include "gw/gap.h"
#include "gw/loop.h"

struct gw_admin;

struct gw_admin_options {
    const struct gw_config_list *listen;
    bool remote; /* whether those may be other addresses than loopback */
    struct gw_loop *loop;
    struct gw_shared *shared; /* as long as the admin lives, as what follows */
    const struct gw_account *account;
    unsigned workers;
    const struct gw_config *started;       /* what holds of the keys that need a restart */
    const struct gw_config *const *latest; /* what holds of the others, where a reload changes it */
    struct gw_settings *const *settings;   /* the same */
    const struct gw_gap *gap;
};

/**
 * @param message  on an error: what was wrong and what would be right
 * @return 0, or a negative errno.
 */
int gw_admin_new(const struct gw_admin_options *options, struct gw_admin **admin, char *message,
                 size_t message_size) GW_MUST_CHECK;
struct gw_admin *gw_admin_free(struct gw_admin *admin);

/* Writes the addresses as they are bound, for logs. */
void gw_admin_format(const struct gw_admin *admin, char *text, size_t size);

#endif
