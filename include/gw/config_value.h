/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONFIG_VALUE_H
#define GW_CONFIG_VALUE_H

/*
 * One configuration key's value: from text into struct gw_config, and what to tell people about it.
 */

#include "gw/config.h"

/**
 * Reads @text into the key's place in @config; a list appends it, or ignores it where it is empty.
 * @param line    of the file, on which it stands; 0: on none
 * @return 0; -EINVAL when it is not what gw_config_value_describe says; -ENOSPC when the list is
 *         full; -ENOMEM. On an error @config has not changed.
 */
int gw_config_value_set(const struct gw_config_key *key, const char *text, unsigned line,
                        struct gw_config *config) GW_MUST_CHECK;
void gw_config_value_clear(const struct gw_config_key *key, struct gw_config *config);
bool gw_config_value_equal(const struct gw_config_key *key, const struct gw_config *a,
                           const struct gw_config *b);

/* Whether it is the default; false, too, where there is no memory to tell. */
bool gw_config_value_is_initial(const struct gw_config_key *key, const struct gw_config *config);

/* Whether the key's value may be shown to people. Under [signature] it may be a secret in the wrong
 * place. */
bool gw_config_value_is_shown(const struct gw_config_key *key);

/* Writes the value as one would write it in the file; where it may not be shown and is not the
 * default, that; of a list, how many were given. */
void gw_config_value_show(const struct gw_config_key *key, const struct gw_config *config,
                          char *text, size_t size);

/* Writes what the key takes, such as "1KiB to 1GiB in B, KiB, MiB or GiB" or "hex or base64". */
void gw_config_value_describe(const struct gw_config_key *key, char *text, size_t size);

#endif
