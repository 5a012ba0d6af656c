/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SIGV4_H
#define GW_SIGV4_H

/*
 * AWS Signature Version 4, in the Authorization header ("Create a signed AWS API request", AWS IAM
 * User Guide). Own code and not libcurl's CURLOPT_AWS_SIGV4, which costs 90 us a request and is
 * wrong in versions that are in use (docs/architecture.md). Pure: time, body hash and credentials
 * are parameters.
 */

#include "gw/buffer.h"

#define GW_SIGV4_TIME_SIZE 17 /* "20261123T120000Z" and its NUL: the value of x-amz-date */
#define GW_SIGV4_HASH_SIZE 65 /* SHA-256 in hex and its NUL */
#define GW_SIGV4_HEADERS_MAX 16
#define GW_SIGV4_PARAMETERS_MAX 32

struct gw_sigv4_header {
    struct gw_str name; /* in lower case */
    struct gw_str value;
};

/* All borrowed. What is signed is what is named here and nothing else. */
struct gw_sigv4_request {
    struct gw_str method;
    struct gw_str path;  /* as sent: begins with '/', percent-encoded */
    struct gw_str query; /* as sent, without '?'; percent-encoded but for RFC 3986's unreserved; in
                            any order */
    const struct gw_sigv4_header *headers; /* host and x-amz-date among them; in any order */
    size_t header_count;
    struct gw_str body_hash; /* gw_sigv4_hash of the body, or UNSIGNED-PAYLOAD */
    bool is_s3;              /* whose path is not normalized, and not encoded once more */
};

/* A day's signing key, kept as a keyed state. One thread's. */
struct gw_sigv4_key;

/* @region and @service are copied. @return NULL where there is no memory, or they are not short. */
struct gw_sigv4_key *gw_sigv4_key_new(struct gw_str region, struct gw_str service);
struct gw_sigv4_key *gw_sigv4_key_free(struct gw_sigv4_key *key);

/**
 * Appends the Authorization header's value.
 * The key is derived anew only when the day of @time_ms (wall clock) or the secret has changed.
 * @return 0, -EINVAL for more headers or parameters of the query than the maximum, -ENOBUFS (also
 *         for a request of over 16 KiB without its body), -ENOMEM; on an error nothing is appended.
 */
int gw_sigv4_sign(struct gw_sigv4_key *key, struct gw_str access_key_id, struct gw_str secret,
                  const struct gw_sigv4_request *request, int64_t time_ms,
                  struct gw_buffer *authorization) GW_MUST_CHECK;

/* The two stages before the signature: for tests against AWS's published vectors. */
int gw_sigv4_canonical_request(const struct gw_sigv4_request *request,
                               struct gw_buffer *text) GW_MUST_CHECK;
int gw_sigv4_string_to_sign(const struct gw_sigv4_key *key, struct gw_str canonical_request,
                            int64_t time_ms, struct gw_buffer *text) GW_MUST_CHECK;

/* SHA-256 of @body in lower-case hex. @return 0 or -ENOMEM. */
int gw_sigv4_hash(struct gw_str body, char hex[static GW_SIGV4_HASH_SIZE]) GW_MUST_CHECK;

/* The value of x-amz-date; what has no year of four digits becomes the first or last that has. */
void gw_sigv4_format_time(int64_t time_ms, char text[static GW_SIGV4_TIME_SIZE]);

#endif
