/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An easy handle a request: credentials are fetched a few times a day, so a connection is not worth
 * keeping. The answer's buffer is taken at its full size at once, and the headers are lent to
 * libcurl and not copied, so that no piece of a secret is left behind by a realloc; what libcurl
 * keeps in its own buffers meanwhile is out of reach.
 *
 * A URL is parsed by libcurl's own parser, and the host that was checked is the host that is asked:
 * two parsers could see two hosts in one text.
 */
#include "fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#define PAUSE_MS 200 /* between attempts */

_Static_assert(GW_FETCH_PROBLEM_SIZE >= CURL_ERROR_SIZE, "libcurl writes so much into it");

static const char problem_url[] = "not a URL of http or https with a host";
static const char problem_header[] = "a header would hold a line break";
static const char problem_long[] = "the answer is longer than 64 KiB";

/* --- URLs --- */

static int copy_part(CURLU *url, CURLUPart part, char *text, size_t size)
{
    char *found = NULL;
    CURLUcode code = curl_url_get(url, part, &found, 0);
    int r = code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;

    if (code == CURLUE_OK && *found && strlen(found) < size) {
        memcpy(text, found, strlen(found) + 1);
        r = 0;
    }
    curl_free(found);
    return r;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *found = NULL;
    bool has = curl_url_get(url, part, &found, 0) == CURLUE_OK;

    curl_free(found);
    return has;
}

static void strip_brackets(char *host)
{
    size_t len = strlen(host);

    if (host[0] != '[' || host[len - 1] != ']')
        return;
    memmove(host, host + 1, len - 2);
    host[len - 2] = '\0';
}

/* A user or a password would become a second Authorization header. */
static int check_url(CURLU *url, struct gw_fetch_url *parsed)
{
    char scheme[sizeof("https")];
    int r = copy_part(url, CURLUPART_SCHEME, scheme, sizeof(scheme));

    if (r == 0)
        r = copy_part(url, CURLUPART_HOST, parsed->host, sizeof(parsed->host));
    if (r < 0)
        return r;
    strip_brackets(parsed->host);
    parsed->is_https = strcmp(scheme, "https") == 0;
    if (!parsed->is_https && strcmp(scheme, "http") != 0)
        return -EINVAL;
    return has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD) ? -EINVAL : 0;
}

int gw_fetch_url_parse(const char *url, struct gw_fetch_url *parsed)
{
    struct gw_fetch_url found = {0};
    CURLU *handle = curl_url();
    CURLUcode code = handle ? curl_url_set(handle, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;
    int r = code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;

    if (code == CURLUE_OK)
        r = check_url(handle, &found);
    curl_url_cleanup(handle);
    if (r == 0)
        *parsed = found;
    return r;
}

/* By value and not by text: an address can be written in many ways. */
bool gw_fetch_host_is_near(const char *host)
{
    static const char *const agents[] = {"169.254.170.2", "169.254.170.23"}; /* of ECS and EKS */
    struct in6_addr agent6, address6;
    struct in_addr agent, address;

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET6, host, &address6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&address6) ||
               (inet_pton(AF_INET6, "fd00:ec2::23", &agent6) == 1 &&
                IN6_ARE_ADDR_EQUAL(&address6, &agent6));
    if (inet_pton(AF_INET, host, &address) != 1)
        return false;
    for (size_t i = 0; i < GW_COUNT(agents); i++)
        if (inet_pton(AF_INET, agents[i], &agent) == 1 && agent.s_addr == address.s_addr)
            return true;
    return ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* --- forms --- */

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

static size_t encoded_size(struct gw_str text)
{
    size_t size = text.len;

    for (size_t i = 0; i < text.len; i++)
        if (!is_unreserved(text.data[i]))
            size += 2;
    return size;
}

static void append_encoded(struct gw_buffer *form, struct gw_str text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = form->data + form->len;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (is_unreserved(text.data[i])) {
            *out++ = text.data[i];
            continue;
        }
        *out++ = '%';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    form->len = (size_t)(out - form->data);
}

int gw_fetch_append_field(struct gw_buffer *form, struct gw_str name, struct gw_str value)
{
    bool is_first = form->len == 0;
    int r;

    /* Encoding multiplies by three at most, so this also keeps the sum below from wrapping. */
    if (name.len > form->max || value.len > form->max)
        return -ENOBUFS;
    r = gw_buffer_reserve(form, encoded_size(name) + encoded_size(value) + (is_first ? 1 : 2));
    if (r < 0)
        return r;
    if (!is_first)
        form->data[form->len++] = '&';
    append_encoded(form, name);
    form->data[form->len++] = '=';
    append_encoded(form, value);
    return 0;
}

/* --- the request --- */

static size_t take_answer(char *bytes, size_t one, size_t len, void *context)
{
    struct gw_fetch *fetch = context;

    (void)one;
    return gw_buffer_append(&fetch->answer, (struct gw_str){bytes, len}) == 0 ? len : 0;
}

/* libcurl reads the list and never changes it, so its nodes may be ours, and the texts lent. */
static struct curl_slist *link_headers(const struct gw_fetch *fetch, struct curl_slist *nodes)
{
    size_t count = 0;

    while (count < GW_FETCH_HEADERS_MAX && fetch->headers[count]) {
        nodes[count] = (struct curl_slist){.data = (char *)fetch->headers[count]};
        if (count > 0)
            nodes[count - 1].next = &nodes[count];
        count++;
    }
    return count > 0 ? nodes : NULL;
}

static CURLcode set_numbers(CURL *curl, const struct gw_fetch *fetch)
{
    const struct {
        CURLoption option;
        long value;
    } table[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_CONNECTTIMEOUT_MS, (long)fetch->connect_timeout_ms},
        {CURLOPT_TIMEOUT_MS, (long)fetch->timeout_ms},
        {CURLOPT_POSTFIELDSIZE, (long)fetch->body.len},
#if LIBCURL_VERSION_NUM >= 0x075700
        {CURLOPT_QUICK_EXIT, 1}, /* name servers that hang keep no time-out from passing */
#endif
    };
    CURLcode code = CURLE_OK;

    for (size_t i = 0; i < GW_COUNT(table) && code == CURLE_OK; i++)
        code = curl_easy_setopt(curl, table[i].option, table[i].value);
    return code;
}

/* POSTFIELDS makes it a POST; CUSTOMREQUEST then has the last word on the method. */
static CURLcode set_pointers(CURL *curl, struct gw_fetch *fetch, struct curl_slist *headers)
{
    const struct {
        CURLoption option;
        const void *value; /* NULL: left as it is */
    } table[] = {
        {CURLOPT_URL, fetch->url},
        {CURLOPT_POSTFIELDS, fetch->body.data},
        {CURLOPT_CUSTOMREQUEST, fetch->method},
        {CURLOPT_HTTPHEADER, headers},
        {CURLOPT_USERAGENT, "genesys-webhookd/" GW_VERSION},
        {CURLOPT_NOPROXY, fetch->direct ? "*" : NULL},
        {CURLOPT_CAINFO, fetch->ca_file},
        {CURLOPT_ERRORBUFFER, fetch->problem},
        {CURLOPT_WRITEDATA, fetch},
    };
    CURLcode code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);

    for (size_t i = 0; i < GW_COUNT(table) && code == CURLE_OK; i++)
        if (table[i].value)
            code = curl_easy_setopt(curl, table[i].option, table[i].value);
    return code;
}

/* What is not here is GW_FETCH_BROKEN. */
static const struct {
    CURLcode code;
    int result;
} results[] = {
    {CURLE_OK, 0},
    {CURLE_OUT_OF_MEMORY, -ENOMEM},
    {CURLE_OPERATION_TIMEDOUT, GW_FETCH_TIMED_OUT},
    {CURLE_COULDNT_RESOLVE_PROXY, GW_FETCH_UNCONNECTED},
    {CURLE_COULDNT_RESOLVE_HOST, GW_FETCH_UNCONNECTED},
    {CURLE_COULDNT_CONNECT, GW_FETCH_UNCONNECTED},
    {CURLE_SSL_CONNECT_ERROR, GW_FETCH_UNCONNECTED},
    {CURLE_PEER_FAILED_VERIFICATION, GW_FETCH_UNCONNECTED},
    {CURLE_SSL_CACERT_BADFILE, GW_FETCH_UNCONNECTED},
};

static int result_of(CURLcode code)
{
    for (size_t i = 0; i < GW_COUNT(results); i++)
        if (results[i].code == code)
            return results[i].result;
    return GW_FETCH_BROKEN;
}

static CURLcode transfer(CURL *curl, struct gw_fetch *fetch)
{
    struct curl_slist nodes[GW_FETCH_HEADERS_MAX];
    CURLcode code = set_numbers(curl, fetch);
    long status = 0;

    if (code == CURLE_OK)
        code = set_pointers(curl, fetch, link_headers(fetch, nodes));
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    fetch->status = (int)status;
    return code;
}

static void tell(struct gw_fetch *fetch, const char *problem)
{
    (void)snprintf(fetch->problem, sizeof(fetch->problem), "%s", problem);
}

static void init_library(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int perform_once(struct gw_fetch *fetch)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CURL *curl;
    CURLcode code;

    pthread_once(&once, init_library);
    curl = curl_easy_init();
    if (!curl)
        return -ENOMEM;
    fetch->answer.len = 0;
    fetch->problem[0] = '\0';
    code = transfer(curl, fetch);
    curl_easy_cleanup(curl);
    if (code == CURLE_WRITE_ERROR)
        tell(fetch, problem_long);
    else if (code != CURLE_OK && fetch->problem[0] == '\0')
        tell(fetch, curl_easy_strerror(code));
    return result_of(code);
}

static int refuse(struct gw_fetch *fetch, const char *problem)
{
    tell(fetch, problem);
    return GW_FETCH_INVALID;
}

static int check(struct gw_fetch *fetch)
{
    struct gw_fetch_url parsed;
    int r = gw_fetch_url_parse(fetch->url, &parsed);

    if (r < 0)
        return r == -ENOMEM ? r : refuse(fetch, problem_url);
    for (size_t i = 0; i < GW_FETCH_HEADERS_MAX && fetch->headers[i]; i++)
        if (strpbrk(fetch->headers[i], "\r\n"))
            return refuse(fetch, problem_header);
    return 0;
}

static bool may_pass(int r, const struct gw_fetch *fetch)
{
    return r > 0 || (r == 0 && fetch->status >= 500);
}

void gw_fetch_pause(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        continue;
}

int gw_fetch_perform(struct gw_fetch *fetch)
{
    int r = check(fetch);

    if (r)
        return r;
    gw_buffer_init(&fetch->answer, GW_FETCH_ANSWER_MAX);
    r = gw_buffer_reserve(&fetch->answer, GW_FETCH_ANSWER_MAX);
    if (r < 0)
        return r;
    r = perform_once(fetch);
    for (int attempt = 1; attempt < fetch->attempts && may_pass(r, fetch); attempt++) {
        gw_fetch_pause(PAUSE_MS);
        r = perform_once(fetch);
    }
    return r;
}

void gw_fetch_deinit(struct gw_fetch *fetch)
{
    gw_buffer_wipe(&fetch->answer);
}
