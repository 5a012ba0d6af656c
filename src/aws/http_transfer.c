/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An easy handle is set up once, with what never changes; for each call only what differs from the
 * call before is set anew, and nothing is allocated by us: the list of header lines is linked in
 * place, the answer goes to the call's own buffer, and of the answer's header three names are
 * looked at.
 *
 * Each keeps its own connection, and TLS session, by a share that it has to itself. All handles of
 * a multi handle would else have one pool, a list that libcurl walks past every busy connection for
 * each request: at 1,000 under way that takes longer than the signature.
 *
 * "Surely not sent" is what libcurl counted as sent and not the kind of error: it silently sends a
 * request again when a kept connection turns out dead, so that even a refused connection may come
 * after the server has seen it.
 */
#include "http_transfer.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <strings.h>

#define ANSWER_HEADER_MAX ((size_t)64 << 10)
#define HEADER_VALUE_SIZE 48
#define URL_BYTES_MAX ((size_t)16 << 10)

/* --- the answer --- */

/* Decimal digits and nothing else; -1 where it is not that. */
static int64_t read_digits(const char *text)
{
    int64_t number = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 15 || text[digits] != '\0')
        return -1;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (text[i] - '0');
    return number;
}

static void take_date(struct gw_http_call *call, const char *value)
{
    time_t seconds = curl_getdate(value, NULL);

    if (seconds >= 0)
        call->date_ms = (int64_t)seconds * 1000;
}

static void take_crc32(struct gw_http_call *call, const char *value)
{
    int64_t crc32 = read_digits(value);

    if (crc32 <= UINT32_MAX)
        call->crc32 = crc32;
}

static void take_retry_after(struct gw_http_call *call, const char *value)
{
    call->retry_after_ms = read_digits(value);
}

static const struct {
    struct gw_str name;
    void (*take)(struct gw_http_call *call, const char *value);
} answer_headers[] = {
    {{"date:", 5}, take_date},
    {{"x-amz-crc32:", 12}, take_crc32},
    {{"x-amz-retry-after:", 18}, take_retry_after},
};

static void take_header(struct gw_http_call *call, struct gw_str line)
{
    for (size_t i = 0; i < GW_COUNT(answer_headers); i++) {
        const struct gw_str name = answer_headers[i].name;
        char value[HEADER_VALUE_SIZE];
        size_t begin = name.len, end = line.len;

        if (line.len <= name.len || strncasecmp(line.data, name.data, name.len) != 0)
            continue;
        while (begin < end && isspace((unsigned char)line.data[begin]))
            begin++;
        while (end > begin && isspace((unsigned char)line.data[end - 1]))
            end--;
        if (end - begin >= sizeof(value))
            return;
        memcpy(value, line.data + begin, end - begin);
        value[end - begin] = '\0';
        answer_headers[i].take(call, value);
        return;
    }
}

/* CURLOPT_HEADERFUNCTION: a line at a time; their sum is bounded, as libcurl keeps them. */
static size_t on_header(char *data, size_t size, size_t count, void *userp)
{
    struct gw_http_transfer *transfer = userp;

    (void)size; /* 1 */
    transfer->header_bytes += count;
    if (transfer->header_bytes > ANSWER_HEADER_MAX)
        return 0;
    if (transfer->call)
        take_header(transfer->call, (struct gw_str){data, count});
    return count;
}

/* CURLOPT_WRITEFUNCTION */
static size_t on_body(char *data, size_t size, size_t count, void *userp)
{
    struct gw_http_transfer *transfer = userp;

    (void)size; /* 1 */
    if (!transfer->call)
        return count;
    return gw_buffer_append(&transfer->call->answer, (struct gw_str){data, count}) < 0 ? 0 : count;
}

/* --- what is sent --- */

static const struct {
    CURLoption option;
    long value;
} constant_options[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_PATH_AS_IS, 1}, /* as it was signed */
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    {CURLOPT_TCP_NODELAY, 1},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_DNS_CACHE_TIMEOUT, 10},
    /* Both are allocated for each request: few answers are longer, and no TLS record is. */
    {CURLOPT_BUFFERSIZE, 1 << 10},
    {CURLOPT_UPLOAD_BUFFERSIZE, 16 << 10},
    {CURLOPT_MAXAGE_CONN, 45}, /* AWS closes idle ones at 60 s or so */
#if LIBCURL_VERSION_NUM >= 0x075000
    {CURLOPT_MAXLIFETIME_CONN, 300}, /* to follow DNS */
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    /* The loop would otherwise stand still until a name server that hangs has been given up: its
     * thread is left to end by itself. */
    {CURLOPT_QUICK_EXIT, 1},
#endif
};

static CURLcode set_constants(CURL *easy)
{
    CURLcode r = CURLE_OK;

    for (size_t i = 0; r == CURLE_OK && i < GW_COUNT(constant_options); i++)
        r = curl_easy_setopt(easy, constant_options[i].option, constant_options[i].value);
    return r;
}

/*
 * Then libcurl shall not look into the system's folder as well: that would let in more than a file
 * we were given, and where there is a folder it reads all of them anew for each connection (27 ms).
 */
static bool has_authorities_in_a_file(const struct gw_http_origin *origin)
{
    return origin->ca_file || curl_version_info(CURLVERSION_NOW)->cainfo;
}

/* What a transfer never changes. Refused is only what there is no memory for. */
static CURLcode set_up(struct gw_http_transfer *transfer)
{
    const struct gw_http_origin *origin = transfer->origin;
    CURL *easy = transfer->easy;
    CURLcode r = set_constants(easy);

    if (r == CURLE_OK)
        r = gw_curl_loop_adopt(origin->curl, easy);
    if (r == CURLE_OK && has_authorities_in_a_file(origin))
        r = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (r == CURLE_OK && origin->ca_file)
        r = curl_easy_setopt(easy, CURLOPT_CAINFO, origin->ca_file);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)origin->connect_timeout_ms);
    curl_share_setopt(transfer->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
    curl_easy_setopt(easy, CURLOPT_SHARE, transfer->share);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->problem);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->lines);
    return r;
}

static void free_easy(struct gw_http_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_share_cleanup(transfer->share);
    transfer->easy = NULL;
    transfer->share = NULL;
}

static int make_easy(struct gw_http_transfer *transfer)
{
    if (transfer->easy)
        return 0;
    transfer->easy = curl_easy_init();
    transfer->share = curl_share_init();
    if (transfer->easy && transfer->share && set_up(transfer) == CURLE_OK)
        return 0;
    free_easy(transfer);
    return -ENOMEM;
}

/* A URL is copied and parsed by libcurl; ours mostly end in "/". */
static int set_path(struct gw_http_transfer *transfer, const char *path)
{
    const struct gw_str base = transfer->origin->url;
    struct gw_buffer *url = &transfer->url;
    int r;

    if (url->len > 0 && strcmp(url->data + base.len, path) == 0)
        return 0;
    assert(path[0] == '/');
    url->len = 0;
    r = gw_buffer_append(url, base);
    if (r == 0)
        r = gw_buffer_append(url, (struct gw_str){path, strlen(path) + 1});
    if (r == 0 && curl_easy_setopt(transfer->easy, CURLOPT_URL, url->data) != CURLE_OK)
        r = -ENOMEM;
    if (r < 0)
        url->len = 0;
    return r;
}

/* POST and PUT */
static bool has_body(const char *method)
{
    return method[0] == 'P';
}

static int set_method(struct gw_http_transfer *transfer, const char *method)
{
    size_t size = strlen(method) + 1;

    if (strcmp(transfer->method, method) == 0)
        return 0;
    assert(size <= GW_HTTP_METHOD_SIZE);
    transfer->method[0] = '\0';
    curl_easy_setopt(transfer->easy, has_body(method) ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    if (curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, method) != CURLE_OK)
        return -ENOMEM;
    memcpy(transfer->method, method, size);
    return 0;
}

/* libcurl only reads the lines, but its type does not say so. */
static void set_headers(struct gw_http_transfer *transfer, const char *const *headers)
{
    static char no_expect[] = "Expect:"; /* without a value: not sent */
    struct curl_slist *last = &transfer->lines[0];

    last->data = no_expect;
    for (size_t i = 0; headers && i < GW_HTTP_HEADERS_MAX && headers[i]; i++) {
        last->next = last + 1;
        last++;
        last->data = (char *)headers[i];
    }
    last->next = NULL;
}

int gw_http_transfer_prepare(struct gw_http_transfer *transfer, struct gw_http_call *call,
                             int64_t timeout_ms)
{
    const char *method = call ? call->method : "GET";
    int r = make_easy(transfer);

    if (r == 0)
        r = set_path(transfer, call ? call->path : "/");
    if (r == 0)
        r = set_method(transfer, method);
    if (r < 0)
        return r;
    transfer->call = call;
    transfer->header_bytes = 0;
    set_headers(transfer, call ? call->headers : NULL);
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)(timeout_ms > 0 ? timeout_ms : 1));
    if (!call || !has_body(method))
        return 0;
    /* Without data libcurl would ask a callback for it. */
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, call->body.len ? call->body.data : "");
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
    return 0;
}

/* --- how it went --- */

static enum gw_http_result judge(const struct gw_http_transfer *transfer, CURLcode code)
{
    long sent = 0;

    if (code == CURLE_OK)
        return GW_HTTP_ANSWERED;
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
    if (sent > 0 || code == CURLE_SEND_ERROR)
        return GW_HTTP_CUT_OFF;
    return code == CURLE_OUT_OF_MEMORY ? GW_HTTP_NO_MEMORY : GW_HTTP_UNSENT;
}

static const char *explain(const struct gw_http_transfer *transfer, CURLcode code)
{
    if (code == CURLE_OK)
        return NULL;
    if (code == CURLE_WRITE_ERROR)
        return "the answer is too long";
    if (!transfer->problem[0])
        return curl_easy_strerror(code);
    return transfer->problem;
}

/* --- a transfer --- */

void gw_http_transfer_init(struct gw_http_transfer *transfer, const struct gw_http_origin *origin)
{
    *transfer = (struct gw_http_transfer){.origin = origin};
    gw_buffer_init(&transfer->url, URL_BYTES_MAX);
}

void gw_http_transfer_deinit(struct gw_http_transfer *transfer)
{
    free_easy(transfer);
    gw_buffer_deinit(&transfer->url);
}

void gw_http_transfer_end(struct gw_http_transfer *transfer, CURLcode code)
{
    struct gw_http_call *call = transfer->call;
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    call->status = (int)status;
    call->result = judge(transfer, code);
    call->problem = explain(transfer, code);
}
