/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_DYNAMODB_ACCESS_H
#define GW_DYNAMODB_ACCESS_H

/*
 * Where DynamoDB is and who we are there: region, endpoint and credentials, found once, for the
 * daemon's backend as for the companion.
 */

#include "gw/aws_client.h"

#define GW_DYNAMODB_TARGET_PREFIX "DynamoDB_20120810."

/* Borrowed for the call; NULL or empty: as the environment and the profile say. */
struct gw_dynamodb_access_options {
    const char *region, *endpoint, *ca_file;
};

struct gw_dynamodb_access {
    struct gw_aws_endpoint endpoint;
    struct gw_credentials_cache *cache;
    char *ca_file; /* NULL: the system's */
};

/**
 * Fetches the credentials too, which may take some seconds. Sets AWS_REGION, so no other thread may
 * run yet.
 * @param message  what was wrong and what to do, without any secret; GW_AWS_MESSAGE_SIZE bytes
 * @return 0 or a negative errno; nothing is held then
 */
int gw_dynamodb_access_open(const struct gw_dynamodb_access_options *options,
                            struct gw_dynamodb_access *access, char *message) GW_MUST_CHECK;
/* After the clients; a zeroed one too. */
void gw_dynamodb_access_close(struct gw_dynamodb_access *access);

/**
 * A client on the caller's loop. @access is borrowed for its life.
 * @return 0 or a negative errno
 */
int gw_dynamodb_access_client(const struct gw_dynamodb_access *access, struct gw_loop *loop,
                              size_t connections, int max_attempts, int64_t attempt_timeout_ms,
                              struct gw_aws_client **client) GW_MUST_CHECK;

/* What to do about an error of DynamoDB's, by its code; NULL where there is no more to say. */
const char *gw_dynamodb_advice(const struct gw_aws_error *error);

#endif
