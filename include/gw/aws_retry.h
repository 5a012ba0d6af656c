/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_RETRY_H
#define GW_AWS_RETRY_H

/*
 * What went wrong with an attempt, and whether and when to try again ("Retry behavior", AWS SDKs
 * and Tools Reference Guide; the standard mode as the SDKs have had it since November 2026). Pure:
 * time and randomness are parameters.
 */

#include "gw/buffer.h"

enum gw_aws_fault {
    GW_AWS_FAULT_NONE,      /* answered: 2xx */
    GW_AWS_FAULT_TRANSIENT, /* surely not done: no connection, 503 */
    GW_AWS_FAULT_AMBIGUOUS, /* perhaps done: cut off, timed out, wrong CRC, unreadable answer, and
                               500, 502, 504 ("the operation may have succeeded or failed", Error
                               handling, DynamoDB Developer Guide) */
    GW_AWS_FAULT_THROTTLED, /* surely not done: too much at once */
    GW_AWS_FAULT_EXPIRED,   /* the credentials are, or are not known (yet) */
    GW_AWS_FAULT_SKEWED,    /* our clock is off; or, of InvalidSignatureException, the secret is
                               wrong: the answer's Date tells which */
    GW_AWS_FAULT_REFUSED    /* for good: by the code, or not to be repeated */
};

/* In lower case: for logs and metrics. */
const char *gw_aws_fault_name(enum gw_aws_fault fault);

#define GW_AWS_CODE_SIZE 96
#define GW_AWS_TEXT_SIZE 256

/* An error answer's code and message, cut to their sizes; empty where there is none. */
struct gw_aws_error {
    int status;                  /* HTTP */
    char code[GW_AWS_CODE_SIZE]; /* "ConditionalCheckFailedException" */
    char text[GW_AWS_TEXT_SIZE]; /* the first line; other than printable ASCII is '?' */
};

/**
 * Reads an answer that is not 2xx, of the JSON protocols: `__type`, cut before the first ':' and
 * after the last '#' of that; `message` or `Message`. Never fails: HTML, nothing and garbage leave
 * code and text empty.
 */
void gw_aws_error_read(int status, struct gw_str body, struct gw_aws_error *error);

/* By the code where it is a known one, else by the status. Never GW_AWS_FAULT_NONE. */
enum gw_aws_fault gw_aws_error_fault(const struct gw_aws_error *error);

/* 500 tokens; a retry costs some, a success gives some back. One thread's (a worker's). */
struct gw_aws_bucket {
    int tokens;
};

/* Full. */
void gw_aws_bucket_init(struct gw_aws_bucket *bucket);
/* What a success gives back; @paid is what the last retry cost, 0 where there was none. */
void gw_aws_bucket_give(struct gw_aws_bucket *bucket, int paid);

struct gw_aws_retry_question {
    enum gw_aws_fault fault;
    int attempt; /* that failed; from 1 */
    int max_attempts;
    int64_t retry_after_ms; /* x-amz-retry-after; negative: none */
    int64_t left_ms;        /* until the deadline */
    double random;          /* in [0, 1) */
    bool refreshed;         /* the credentials or the clock were corrected once already */
};

/**
 * Says whether there is a next attempt, and takes what it costs from the bucket. None is made that
 * could only begin at the deadline. GW_AWS_FAULT_EXPIRED and _SKEWED are repeated at once, and only
 * until they were @refreshed.
 * @param paid  what was taken; set only where there is a next attempt
 * @return milliseconds to wait before it; negative: none is made
 */
int64_t gw_aws_retry_delay(const struct gw_aws_retry_question *question,
                           struct gw_aws_bucket *bucket, int *paid);

#endif
