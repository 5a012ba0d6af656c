/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signature costs: a DynamoDB PutItem with five signed headers, a session token among them,
 * and a body of 1.5 KB. Prints microseconds of CPU a request, the least of ten rounds.
 * Usage: sigv4
 */
#include "gw/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 10
#define REQUESTS 20000
#define TIME_MS INT64_C(1795435200000)

static char body[1536], token[1000];

static double cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void check(bool holds)
{
    if (!holds)
        exit(EXIT_FAILURE);
}

static void hash(char *hex)
{
    check(gw_sigv4_hash((struct gw_str){body, sizeof body}, hex) == 0);
}

static void sign(struct gw_sigv4_key *key, const char *hex, int64_t time_ms)
{
    char date[GW_SIGV4_TIME_SIZE];
    struct gw_buffer text;

    gw_sigv4_format_time(time_ms, date);
    const struct gw_sigv4_header headers[] = {
        {GW_STR("host"), GW_STR("dynamodb.eu-central-1.amazonaws.com")},
        {GW_STR("content-type"), GW_STR("application/x-amz-json-1.0")},
        {GW_STR("x-amz-target"), GW_STR("DynamoDB_20120810.PutItem")},
        {GW_STR("x-amz-date"), {date, sizeof date - 1}},
        {GW_STR("x-amz-security-token"), {token, sizeof token}},
    };
    const struct gw_sigv4_request request = {.method = GW_STR("POST"),
                                             .path = GW_STR("/"),
                                             .headers = headers,
                                             .header_count = GW_COUNT(headers),
                                             .body_hash = {hex, GW_SIGV4_HASH_SIZE - 1}};

    gw_buffer_init(&text, 1024);
    check(gw_sigv4_sign(key, GW_STR("AKIDEXAMPLE"),
                        GW_STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), &request, time_ms,
                        &text) == 0);
    gw_buffer_deinit(&text);
}

static double min(double a, double b)
{
    return a < b ? a : b;
}

int main(void)
{
    struct gw_sigv4_key *key = gw_sigv4_key_new(GW_STR("eu-central-1"), GW_STR("dynamodb"));
    double hashing = 1e9, signing = 1e9;
    char hex[GW_SIGV4_HASH_SIZE];

    check(key != NULL);
    memset(body, 'b', sizeof body);
    memset(token, 't', sizeof token);
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_us();

        for (int i = 0; i < REQUESTS; i++)
            hash(hex);
        double hashed = cpu_us();

        for (int i = 0; i < REQUESTS; i++)
            sign(key, hex, TIME_MS + i);
        hashing = min(hashing, (hashed - start) / REQUESTS);
        signing = min(signing, (cpu_us() - hashed) / REQUESTS);
    }
    printf("hash of 1.5 KB %.2f us, signature %.2f us, together %.2f us\n", hashing, signing,
           hashing + signing);
    gw_sigv4_key_free(key);
    return EXIT_SUCCESS;
}
