/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/aws_retry.h"

/*
 * One row a fault says what a retry costs and how long is waited before it. The bucket bounds the
 * retries of all requests together: once most of them fail, and so nothing comes back, they end,
 * and do not multiply the load on a table that is in trouble.
 */

#define BUCKET_SIZE 500
#define GIVEN_WITHOUT_RETRY 1
#define DELAY_MAX_MS 20000
#define RETRY_AFTER_MORE_MS 5000 /* than we would have waited */

static const struct {
    int cost; /* 0: never repeated */
    int64_t base_ms;
    bool is_correctable; /* by new credentials or the right time: repeated once, and at once */
} policies[] = {
    [GW_AWS_FAULT_NONE] = {0, 0, false},        [GW_AWS_FAULT_TRANSIENT] = {14, 25, false},
    [GW_AWS_FAULT_AMBIGUOUS] = {14, 25, false}, [GW_AWS_FAULT_THROTTLED] = {5, 1000, false},
    [GW_AWS_FAULT_EXPIRED] = {14, 0, true},     [GW_AWS_FAULT_SKEWED] = {14, 0, true},
    [GW_AWS_FAULT_REFUSED] = {0, 0, false},
};

void gw_aws_bucket_init(struct gw_aws_bucket *bucket)
{
    bucket->tokens = BUCKET_SIZE;
}

void gw_aws_bucket_give(struct gw_aws_bucket *bucket, int paid)
{
    bucket->tokens += paid > 0 ? paid : GIVEN_WITHOUT_RETRY;
    if (bucket->tokens > BUCKET_SIZE)
        bucket->tokens = BUCKET_SIZE;
}

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Full jitter: any time up to the base, doubled with each attempt. */
static int64_t backoff(int64_t base_ms, int attempt, double random)
{
    int64_t most = base_ms;

    for (int i = 1; i < attempt && most < DELAY_MAX_MS; i++)
        most *= 2;
    return (int64_t)(random * (double)min(most, DELAY_MAX_MS));
}

/* What the server asks for is negative where it asks for nothing. */
static int64_t delay_of(const struct gw_aws_retry_question *question)
{
    if (policies[question->fault].is_correctable)
        return 0;
    int64_t delay = backoff(policies[question->fault].base_ms, question->attempt, question->random);

    return max(delay, min(question->retry_after_ms, delay + RETRY_AFTER_MORE_MS));
}

static bool may_repeat(const struct gw_aws_retry_question *question)
{
    return policies[question->fault].cost > 0 && question->attempt < question->max_attempts &&
           !(policies[question->fault].is_correctable && question->refreshed);
}

int64_t gw_aws_retry_delay(const struct gw_aws_retry_question *question,
                           struct gw_aws_bucket *bucket, int *paid)
{
    int cost = policies[question->fault].cost;
    int64_t delay = delay_of(question);

    if (!may_repeat(question) || delay >= question->left_ms || bucket->tokens < cost)
        return -1;
    bucket->tokens -= cost;
    *paid = cost;
    return delay;
}
