/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_STS_H
#define GW_AWS_STS_H

/*
 * The two calls of AWS STS that turn one identity into another. Private to src/aws: the providers
 * of profiles and of web identity make them. Both block, within time limits of seconds of their
 * own.
 */

#include "gw/aws_credentials.h"

/* All borrowed for the call. */
struct gw_sts_role {
    const char *arn;
    const char *session_name; /* NULL: one of ours */
    const char *external_id;  /* NULL: none */
    const char *region;       /* of the STS to ask; NULL: none is known */
    int duration_s;           /* of the credentials; 0: what STS gives by itself */
    const char
        *source_name; /* static: gw_credentials.source of what comes back, and for messages */
};

/**
 * AssumeRole, signed with @source.
 * @param message  on GW_PROVIDER_FAILED: as gw_provider_ops.fetch's
 * @return 0, GW_PROVIDER_FAILED or -ENOMEM
 */
int gw_sts_assume_role(const struct gw_sts_role *role, const struct gw_credentials *source,
                       struct gw_credentials **out, char *message) GW_MUST_CHECK;

/**
 * AssumeRoleWithWebIdentity, unsigned.
 * @param token_file  read anew at each call, since what mounts it replaces it
 * Message and result as gw_sts_assume_role's.
 */
int gw_sts_assume_role_with_web_identity(const struct gw_sts_role *role, const char *token_file,
                                         struct gw_credentials **out, char *message) GW_MUST_CHECK;

#endif
