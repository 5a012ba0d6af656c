/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health: what a container's health check runs, where there is no shell and no curl. It asks this
 * machine, so no proxy is in between, whatever the environment names for other traffic.
 */
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

/* The status says it all; the time-out bounds what is read. */
static size_t pass_over(char *bytes, size_t one, size_t len, void *context)
{
    (void)bytes;
    (void)one;
    (void)context;
    return len;
}

static CURLcode set_up(CURL *curl, const char *url, const struct values *given, char *error)
{
    CURLcode code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);

    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_DEFAULT_PROTOCOL, "http");
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, given->unix_socket);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_USERAGENT, GW_CLI_PROGRAM "/" GW_VERSION);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)given->timeout_ms);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, pass_over);
    return code;
}

static enum gw_cli_exit ask(CURL *curl, const char *url, const struct values *given)
{
    char error[CURL_ERROR_SIZE] = "";
    CURLcode code = set_up(curl, url, given, error);
    long status = 0;

    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        gw_cli_error("%s: no answer: %s", url, *error ? error : curl_easy_strerror(code));
        return GW_CLI_FAILED;
    }
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status / 100 == 2)
        return GW_CLI_OK;
    gw_cli_error("%s: answered %ld", url, status);
    return GW_CLI_FAILED;
}

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    CURL *curl = curl_easy_init();
    enum gw_cli_exit status = GW_CLI_FAILED;

    (void)count;
    if (curl)
        status = ask(curl, operands[0], values);
    else
        gw_cli_error("cannot set up libcurl");
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return status;
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
