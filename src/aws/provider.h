/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_PROVIDER_H
#define GW_AWS_PROVIDER_H

/*
 * What the providers of credentials share. Private to src/aws. All of it writes messages of
 * GW_AWS_MESSAGE_SIZE bytes.
 */

#include "gw/aws_credentials.h"
#include "sts.h"

/* getenv(3), to which a variable that is empty is not set. */
const char *gw_provider_getenv(const char *name);

/**
 * Writes a line: what is not printable ASCII becomes '?', so that no text from elsewhere can break
 * it up or steer a terminal.
 * @return GW_PROVIDER_FAILED
 */
int gw_provider_fail(char *message, const char *format, ...) GW_PRINTF(2, 3);

/**
 * Makes a snapshot of what came from elsewhere, if it can go into a header: key and secret are
 * there, and all is printable and of bounded length.
 * @param parts  borrowed; parts->source begins the message
 * @return 0, GW_PROVIDER_FAILED or -ENOMEM
 */
int gw_credentials_from_parts(const struct gw_credentials *parts, struct gw_credentials **out,
                              char *message) GW_MUST_CHECK;

/**
 * Reads the JSON of a container's endpoint or of IMDS: AccessKeyId, SecretAccessKey, Token or
 * SessionToken, Expiration (RFC 3339); or an error answer's Code and Message, which IMDS gives with
 * a status of 200.
 * @param source  static
 * @return 0, GW_PROVIDER_FAILED or -ENOMEM
 */
int gw_credentials_from_json(struct gw_str json, const char *source, struct gw_credentials **out,
                             char *message) GW_MUST_CHECK;

/* The same, of a credential_process: it must say "Version": 1. */
int gw_credentials_from_process_json(struct gw_str json, const char *source,
                                     struct gw_credentials **out, char *message) GW_MUST_CHECK;

/**
 * Splits a command in place as a POSIX shell would (single and double quotes, backslashes) and does
 * nothing else that a shell does.
 * @param arguments  a NULL ends them
 * @param size       of @arguments
 * @return 0, -EINVAL for a quote without its end or a backslash at the end, -E2BIG
 */
int gw_process_split(char *command, char **arguments, size_t size) GW_MUST_CHECK;

#define GW_PROCESS_TIMEOUT_MS 10000

/**
 * Runs @command (a profile's credential_process) and reads what it prints. Blocks for at most
 * @timeout_ms; what runs longer is killed with all its process group.
 * @return 0, GW_PROVIDER_FAILED or -ENOMEM
 */
int gw_credentials_from_process(const char *command, int64_t timeout_ms,
                                struct gw_credentials **out, char *message) GW_MUST_CHECK;

/* What a profile may send its provider to; a test gives its own. */
struct gw_profile_sources {
    int (*assume_role)(const struct gw_sts_role *role, const struct gw_credentials *source,
                       struct gw_credentials **out, char *message);
    int (*assume_role_with_web_identity)(const struct gw_sts_role *role, const char *token_file,
                                         struct gw_credentials **out, char *message);
    struct gw_provider *(*environment)(void);
    struct gw_provider *(*container)(void);
    struct gw_provider *(*imds)(void);
};

/* @sources is static. @return NULL where there is no memory. */
struct gw_provider *gw_provider_profile_with(const struct gw_profile_sources *sources);

#endif
