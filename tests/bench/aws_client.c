/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signed request costs: sends COUNT POSTs of 1.5 KB through src/aws, PARALLEL at a time, to
 * a server that answers a constant, and prints the rate and this process's CPU a request.
 *
 * Usage: aws_client URL PARALLEL COUNT [CA_FILE]
 */
#include "gw/aws_client.h"

#include "gw/time.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define BODY_BYTES 1500
#define DEADLINE_MS 7000

struct bench;

struct slot {
    struct gw_aws_call call;
    struct bench *bench;
};

struct bench {
    struct gw_loop loop;
    struct gw_aws_client *client;
    struct slot *slots;
    char body[BODY_BYTES];
    long left, running, failed; /* to be started, under way */
};

static int fetch(struct gw_provider *provider, struct gw_credentials **credentials, char *message)
{
    (void)provider;
    (void)message;
    *credentials = gw_credentials_new(GW_STR("AKIDEXAMPLE"), GW_STR("not a secret"), GW_STR(""),
                                      GW_AWS_NEVER, "bench");
    return *credentials ? 0 : -1;
}

static void free_nothing(struct gw_provider *provider)
{
    (void)provider;
}

static void start(struct slot *slot)
{
    struct bench *bench = slot->bench;

    bench->left--;
    bench->running++;
    slot->call.deadline_ms = gw_time_monotonic_ms() + DEADLINE_MS;
    if (gw_aws_start(bench->client, &slot->call) < 0) {
        fputs("aws_client: no memory\n", stderr);
        exit(1);
    }
}

static void on_done(struct gw_aws_call *call)
{
    struct slot *slot = GW_CONTAINER(call, struct slot, call);
    struct bench *bench = slot->bench;

    bench->running--;
    bench->failed += call->fault != GW_AWS_FAULT_NONE;
    if (bench->left > 0)
        start(slot);
}

static int64_t cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void run(struct bench *bench, long parallel, long count)
{
    bench->left = count;
    for (long i = 0; i < parallel && bench->left > 0; i++)
        start(&bench->slots[i]);
    while (bench->running > 0) {
        if (gw_loop_wait(&bench->loop, 1000) < 0)
            exit(1);
    }
}

static int set_up(struct bench *bench, const char *url, long parallel, const char *ca_file)
{
    static const struct gw_provider_ops ops = {
        .name = "bench", .fetch = fetch, .free = free_nothing};
    static struct gw_provider provider = {&ops};
    const struct gw_aws_endpoint_options where = {.region = "eu-central-1", .endpoint = url};
    struct gw_aws_endpoint endpoint;
    char message[GW_AWS_MESSAGE_SIZE] = "";
    struct gw_aws_client_options options = {
        .endpoint = &endpoint,
        .service = "dynamodb",
        .ca_file = ca_file,
        .connections = (size_t)parallel,
        .max_attempts = 4,
        .connect_timeout_ms = 1000,
        .attempt_timeout_ms = 2000,
    };

    if (gw_aws_endpoint_resolve(&where, "dynamodb", &endpoint, message) ||
        gw_credentials_cache_new(&provider, &options.cache, message) ||
        gw_loop_init(&bench->loop) < 0 ||
        gw_aws_client_new(&bench->loop, &options, &bench->client) < 0) {
        fprintf(stderr, "aws_client: %s\n", message);
        return -1;
    }
    memset(bench->body, 'x', sizeof(bench->body));
    bench->slots = calloc((size_t)parallel, sizeof(*bench->slots));
    for (long i = 0; bench->slots && i < parallel; i++)
        bench->slots[i] = (struct slot){.bench = bench,
                                        .call = {.target = "DynamoDB_20120810.PutItem",
                                                 .body = {bench->body, sizeof(bench->body)},
                                                 .done = on_done}};
    return bench->slots ? 0 : -1;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    long parallel = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    long count = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    int64_t began_us, cpu;

    if (parallel <= 0 || count <= 0) {
        fputs("Usage: aws_client URL PARALLEL COUNT [CA_FILE]\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (set_up(&bench, argv[1], parallel, argc > 4 ? argv[4] : NULL) < 0)
        return 1;
    run(&bench, parallel, count / 10 + parallel);
    bench.failed = 0;
    cpu = cpu_us();
    began_us = gw_time_monotonic_us();
    run(&bench, parallel, count);
    cpu = cpu_us() - cpu;
    began_us = gw_time_monotonic_us() - began_us;
    printf("%ld parallel: %.0f requests/s, %.1f us CPU a request, %ld failed\n", parallel,
           (double)count * 1e6 / (double)began_us, (double)cpu / (double)count, bench.failed);
    return 0;
}
