/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SIGNER_H
#define GW_SIGNER_H

/*
 * Signing as the sender does it, for the companion's subcommands: the options that they share, and
 * the secret's way from file or environment to a signature.
 */

#include "gw/buffer.h"
#include "gw/cli.h"
#include "gw/secret.h"
#include "gw/signature.h"

struct gw_signer_options {
    const char *header;
    int encoding; /* enum gw_signature_encoding */
    const char *prefix;
    const char *secret_file;
};

extern const char *const gw_signer_encodings[];

/* Rows of an option table; @values has the struct gw_signer_options as @member. */
/* clang-format off */
#define GW_SIGNER_OPTION_ROWS(values, member)                                                      \
    {"header", 0, GW_CLI_TEXT, "NAME", "X-Genesys-Signature", NULL,                                \
     offsetof(values, member.header), "the header that carries the signature"},                    \
    {"encoding", 0, GW_CLI_CHOICE, NULL, "hex", gw_signer_encodings,                               \
     offsetof(values, member.encoding), "how the signature is written"},                           \
    {"prefix", 0, GW_CLI_TEXT, "TEXT", "", NULL,                                                   \
     offsetof(values, member.prefix), "what stands before it, such as sha256="},                   \
    {"secret-file", 0, GW_CLI_TEXT, "FILE", NULL, NULL,                                            \
     offsetof(values, member.secret_file),                                                         \
     "read the secret from FILE, not from GENESYS_WEBHOOK_SECRET"}
/* clang-format on */

struct gw_signer {
    struct gw_signature_scheme scheme; /* borrows the options' strings */
    struct gw_keyring keyring;
    struct gw_hmac *hmac;
};

/* Says on stderr what no header can carry. */
bool gw_signer_check_options(const struct gw_signer_options *options);

/* Those of @file; without one the environment's, else those that are @configured (NULL: none), else
 * systemd's. What is wrong is said on stderr. @return 0 or a negative errno. */
int gw_signer_load_secrets(const char *file, const struct gw_secret_files *configured,
                           struct gw_secrets *secrets) GW_MUST_CHECK;

/* Loads the secret; says on stderr what is wrong. @return GW_CLI_OK, or the status to exit with. */
enum gw_cli_exit gw_signer_init(struct gw_signer *signer,
                                const struct gw_signer_options *options) GW_MUST_CHECK;
void gw_signer_deinit(struct gw_signer *signer);

/* Appends the header's value for @body: prefix and signature. @return 0 or -errno. */
int gw_signer_append_value(struct gw_signer *signer, struct gw_str body,
                           struct gw_buffer *out) GW_MUST_CHECK;

#endif
