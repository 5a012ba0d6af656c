/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health: what a container's health check runs, where there is no shell and no curl. It asks this
 * machine, so no proxy is in between, whatever the environment names for other traffic.
 */
#include "ask.h"

#include "gw/cli.h"

#include <curl/curl.h>

struct values {
    const char *unix_socket;
    int64_t timeout_ms;
};

static const struct gw_cli_option options[] = {
    {"timeout", 0, GW_CLI_SECONDS, "SECONDS", "2", NULL, offsetof(struct values, timeout_ms),
     "how long to wait for the answer"},
    {"unix-socket", 0, GW_CLI_TEXT, "PATH", NULL, NULL, offsetof(struct values, unix_socket),
     "ask through this socket; of URL the path counts"},
};

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    const struct values *given = values;
    struct gw_ask ask = {.url = operands[0],
                         .unix_socket = given->unix_socket,
                         .local = true,
                         .timeout_ms = given->timeout_ms};

    (void)count;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        gw_cli_error("cannot set up libcurl");
        return GW_CLI_FAILED;
    }
    gw_ask(&ask);
    gw_buffer_deinit(&ask.body);
    curl_global_cleanup();
    if (*ask.problem)
        gw_cli_error("%s: no answer: %s", ask.url, ask.problem);
    else if (ask.status / 100 != 2)
        gw_cli_error("%s: answered %ld", ask.url, ask.status);
    else
        return GW_CLI_OK;
    return GW_CLI_FAILED;
}

const struct gw_cli_command gw_cli_health = {
    .name = "health",
    .synopsis = "URL",
    .summary = "Ask a daemon whether it is well",
    .description = "For a container's health check, where there is neither a shell nor curl. The\n"
                   "status is 0 where URL answers 2xx, and 1, with a line that says why, where it\n"
                   "does not. /healthz: the process serves; /readyz: the store can take writes.",
    .example = "genesys-webhook health http://127.0.0.1:8080/readyz",
    .options = options,
    .option_count = GW_COUNT(options),
    .operands_min = 1,
    .operands_max = 1,
    .values_size = sizeof(struct values),
    .run = run,
};
