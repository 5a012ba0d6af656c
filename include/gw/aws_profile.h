/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_PROFILE_H
#define GW_AWS_PROFILE_H

/*
 * The AWS SDKs' shared configuration: the files credentials and config, read into one set of
 * profiles ("Shared config and credentials files", AWS SDKs and Tools Reference Guide). An own
 * reader, as libinih bounds a line to less than a session token has.
 */

#include "gw/base.h"

struct gw_aws_profiles;

/**
 * Reads AWS_SHARED_CREDENTIALS_FILE (or ~/.aws/credentials) and AWS_CONFIG_FILE (or
 * ~/.aws/config). A file that is not there is an empty one. Both are bounded to 1 MiB.
 * @param message  GW_AWS_MESSAGE_SIZE bytes: which file could not be read, and why
 * @return 0 or a negative errno
 */
int gw_aws_profiles_load(struct gw_aws_profiles **profiles, char *message) GW_MUST_CHECK;

/* Without any profile. @return NULL where there is no memory. */
struct gw_aws_profiles *gw_aws_profiles_new(void);
struct gw_aws_profiles *gw_aws_profiles_free(struct gw_aws_profiles *profiles); /* wipes */

/**
 * Reads one file's text; what the credentials file says of a key beats what the config file says.
 * Never fails on a line: what it cannot read it passes over, as the SDKs do.
 * @param is_config  its sections are "[profile NAME]" (and "[default]") rather than "[NAME]"
 * @return 0 or -ENOMEM
 */
int gw_aws_profiles_parse(struct gw_aws_profiles *profiles, struct gw_str text,
                          bool is_config) GW_MUST_CHECK;

/* The name in AWS_PROFILE, or "default". */
const char *gw_aws_profile_name(void);
bool gw_aws_profile_exists(const struct gw_aws_profiles *profiles, const char *profile);
/* NULL where the profile or the key is not there or empty; borrowed. Keys are compared in any case.
 */
const char *gw_aws_profile_get(const struct gw_aws_profiles *profiles, const char *profile,
                               const char *key);

/* What the section "[services NAME]" that the profile names says of @service: "dynamodb =", and
 * below it, indented, "endpoint_url = ...". NULL and borrowed as above. */
const char *gw_aws_profile_get_service(const struct gw_aws_profiles *profiles, const char *profile,
                                       const char *service, const char *key);

#endif
