/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_mhd PORT THREADS: libmicrohttpd by itself, the floor under genesys-webhookd's CPU time an
 * event. It drops the body and answers a constant in the last call of the handler, which is the
 * shortest way through the library that keeps the connection open. Its threads are the library's
 * own pool, an epoll loop each. It runs until SIGTERM or SIGINT.
 */
#include <microhttpd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

/* The library shares the limit out evenly among its threads, connections not quite so. */
#define MAX_CONNECTIONS 40000u

static enum MHD_Result answer(void *constant, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **request)
{
    static char seen;

    (void)url, (void)method, (void)version, (void)data;
    if (*request == NULL) {
        *request = &seen;
        return MHD_YES;
    }
    if (*data_size > 0) {
        *data_size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, constant);
}

static struct MHD_Response *constant_new(void)
{
    static char body[] = "{\"success\":true,\"eventId\":\"20bbd7a5-435f-4fbe-8df0-ef36c1c89b9c\"}";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_PERSISTENT);

    if (response == NULL || MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                                    "application/json") != MHD_YES) {
        return NULL;
    }
    return response;
}

static struct MHD_Daemon *start(uint16_t port, unsigned threads, struct MHD_Response *constant)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };

    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, port, NULL, NULL, answer, constant,
                            MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                            MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_LIMIT,
                            MAX_CONNECTIONS, MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096u, MHD_OPTION_END);
}

static void wait_for_stop(const sigset_t *stop)
{
    int signal_number = 0;

    while (sigwait(stop, &signal_number) != 0) {
    }
}

/* @return the number in @text, 1 to @max, or 0. */
static unsigned number(const char *text, unsigned max)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);

    return *end == '\0' && value <= max ? (unsigned)value : 0;
}

int main(int argc, char **argv)
{
    unsigned port = argc == 3 ? number(argv[1], UINT16_MAX) : 0;
    unsigned threads = argc == 3 ? number(argv[2], 1024) : 0;
    struct MHD_Response *constant = constant_new();
    struct MHD_Daemon *daemon;
    sigset_t stop;

    if (port == 0 || threads == 0) {
        fputs("usage: bare_mhd PORT THREADS\n", stderr);
        return 2;
    }
    /* Blocked before the library's threads are born, so that sigwait alone receives them. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    daemon = pthread_sigmask(SIG_BLOCK, &stop, NULL) == 0 && constant != NULL
                 ? start((uint16_t)port, threads, constant)
                 : NULL;
    if (daemon == NULL) {
        perror("bare_mhd: cannot start");
        return 1;
    }
    wait_for_stop(&stop);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(constant);
    return 0;
}
