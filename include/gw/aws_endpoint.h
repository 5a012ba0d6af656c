/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_ENDPOINT_H
#define GW_AWS_ENDPOINT_H

/*
 * Which region, and where its services listen. The look-ups read the environment and the profile;
 * the resolution is a pure function over the table of partitions.
 */

#include "gw/base.h"

struct gw_aws_profiles;

#define GW_AWS_REGION_SIZE 64
#define GW_AWS_URL_SIZE 512

struct gw_aws_endpoint {
    char region[GW_AWS_REGION_SIZE]; /* what is signed for */
    char url[GW_AWS_URL_SIZE];       /* "https://dynamodb.eu-central-1.amazonaws.com", no path */
    char host[GW_AWS_URL_SIZE]; /* as in the Host header: with the port if it is not the scheme's */
    bool is_custom;             /* named by configuration or environment */
};

/* Borrowed; NULL or empty: not given. */
struct gw_aws_endpoint_options {
    const char *region;
    const char *endpoint; /* a URL of http or https, without a path */
    bool fips, dual_stack;
};

/**
 * Pure: @service is "dynamodb", "s3" or "sts".
 * @param message  GW_AWS_MESSAGE_SIZE bytes
 * @return 0, or -EINVAL: no region (and none needed by a custom endpoint: then us-east-1 would be
 *         wrong silently, so it is an error too), a region that is no host label, a URL that is
 *         none, FIPS or dual-stack with a custom endpoint
 */
int gw_aws_endpoint_resolve(const struct gw_aws_endpoint_options *options, const char *service,
                            struct gw_aws_endpoint *endpoint, char *message) GW_MUST_CHECK;

/**
 * Fills in what the configuration leaves open: region from AWS_REGION, AWS_DEFAULT_REGION, the
 * profile; endpoint from AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's endpoint_url
 * (unless AWS_IGNORE_CONFIGURED_ENDPOINT_URLS); AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT.
 * The results are borrowed from the environment and @profiles.
 */
void gw_aws_endpoint_look_up(const struct gw_aws_profiles *profiles, const char *service,
                             struct gw_aws_endpoint_options *options);

#endif
