/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SECRET_H
#define GW_SECRET_H

/*
 * Secrets: where they come from, and that they are wiped. Their memory is overwritten before it is
 * freed; that no core dump shows them is gw_process_begin's.
 */

#include "gw/base.h"
#include "gw/metrics.h"

#define GW_SECRET_BYTES_MAX 4096

struct gw_secret {
    char *bytes; /* wiped and freed by gw_secrets_deinit */
    size_t len;
    char source[256];    /* "GENESYS_WEBHOOK_SECRET" or the file's path: for messages */
    const char *warning; /* static text, or NULL: short, a placeholder, readable by others */
};

struct gw_secrets {
    struct gw_secret items[GW_KEYS_MAX];
    size_t count;
};

/* Files that were named as ones that hold a secret; all borrowed. */
struct gw_secret_files {
    const char *const *paths;
    size_t count;
    const char *config;    /* the configuration that names them; NULL: a command line does */
    const unsigned *lines; /* of it, one a path */
};

/**
 * Takes GENESYS_WEBHOOK_SECRET out of the environment: remembers it for every later
 * gw_secrets_load and overwrites it where it stood, so that no child and no /proc/PID/environ
 * shows it. Call once, before any thread is started.
 */
int gw_secret_take_environment(void) GW_MUST_CHECK;

/**
 * Collects the secrets: the environment's alone where it is set; else the files named, in their
 * order; else every file in $CREDENTIALS_DIRECTORY that is named webhook-secret or begins with
 * "webhook-secret-", by name. One trailing line break (LF or CRLF) is taken off a file's content.
 * @param files    NULL: none
 * @param message  on an error: what was wrong and what would be right, a line for each source that
 *                 is wrong, without any secret; the last has no line break
 * @return 0, or the first error's negative errno: -ENOENT where there is no secret at all, -EINVAL
 *         for an empty or too long one, -EPERM for a file that others may write, or what open/read
 *         said. On an error @secrets holds nothing.
 */
int gw_secrets_load(struct gw_secrets *secrets, const struct gw_secret_files *files, char *message,
                    size_t message_size) GW_MUST_CHECK;
void gw_secrets_deinit(struct gw_secrets *secrets);

/* Wipes what gw_secret_take_environment remembered. At exit. */
void gw_secret_forget_environment(void);

#endif
