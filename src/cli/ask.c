/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's easy interface, as there is one request at a time. Redirects are not followed, since
 * Genesys does not follow them, and certificates are verified always.
 */
#include "ask.h"

#include "gw/cli.h"
#include "gw/time.h"

#include <curl/curl.h>
#include <stdio.h>
#include <strings.h>

static size_t take_body(char *bytes, size_t one, size_t len, void *context)
{
    struct gw_ask *ask = context;

    (void)one;
    return gw_buffer_append(&ask->body, (struct gw_str){bytes, len}) == 0 ? len : 0;
}

static size_t take_header(char *bytes, size_t one, size_t len, void *context)
{
    static const struct gw_str name = GW_STR("Date:");
    struct gw_ask *ask = context;
    char date[64];
    time_t seconds;

    (void)one;
    if (len <= name.len || strncasecmp(bytes, name.data, name.len) != 0)
        return len;
    (void)snprintf(date, sizeof(date), "%.*s", (int)(len - name.len), bytes + name.len);
    seconds = curl_getdate(date, NULL);
    if (seconds != -1) {
        ask->date_ms = (int64_t)seconds * 1000;
        ask->arrived_ms = gw_time_now_ms();
    }
    return len;
}

static CURLcode set_up(CURL *curl, struct gw_ask *ask, char *error)
{
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, ask->url);

    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, GW_CLI_PROGRAM "/" GW_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_DEFAULT_PROTOCOL, "http");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ask->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, ask);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, ask);
    (void)curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, ask->unix_socket);
    if (code == CURLE_OK && ask->post)
        code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "{}");
    if (code == CURLE_OK && ask->local)
        code = curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (code == CURLE_OK && ask->ca_file)
        code = curl_easy_setopt(curl, CURLOPT_CAINFO, ask->ca_file);
    return code;
}

/* The server's own is the first of the chain; its rows are "NAME:TEXT". */
static void read_certificate(CURL *curl, struct gw_ask *ask)
{
    static const struct gw_str name = GW_STR("Expire date:");
    struct curl_certinfo *info = NULL;

    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
        info->num_of_certs < 1)
        return;
    for (const struct curl_slist *row = info->certinfo[0]; row; row = row->next) {
        time_t seconds = strncmp(row->data, name.data, name.len) == 0
                             ? curl_getdate(row->data + name.len, NULL)
                             : -1;

        if (seconds != -1)
            ask->certificate_ms = (int64_t)seconds * 1000;
    }
}

static CURLcode perform(CURL *curl, struct gw_ask *ask, char *error)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURLcode code = headers ? set_up(curl, ask, error) : CURLE_OUT_OF_MEMORY;

    if (code == CURLE_OK && ask->post)
        code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ask->status);
        read_certificate(curl, ask);
    }
    curl_slist_free_all(headers);
    return code;
}

void gw_ask(struct gw_ask *ask)
{
    char error[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    CURLcode code = CURLE_OUT_OF_MEMORY;

    gw_buffer_init(&ask->body, GW_ASK_ANSWER_MAX);
    ask->date_ms = ask->certificate_ms = INT64_MIN;
    ask->status = 0;
    *ask->problem = '\0';
    if (curl)
        code = perform(curl, ask, error);
    if (code != CURLE_OK)
        (void)snprintf(ask->problem, sizeof(ask->problem), "%s",
                       *error ? error : curl_easy_strerror(code));
    curl_easy_cleanup(curl);
}
