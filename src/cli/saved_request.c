/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines end in CR LF or, where an editor saved them, in LF alone. Chunks are moved together where
 * they stand, so a body is one piece of the text in every case.
 */
#include "gw/saved_request.h"

#include <strings.h>

/* What is left to read. */
struct rest {
    char *at, *end;
};

/* @return false where no line break is left. */
static bool take_line(struct rest *rest, struct gw_str *line)
{
    char *end = memchr(rest->at, '\n', (size_t)(rest->end - rest->at));

    if (!end)
        return false;
    *line = gw_str_without_line_break((struct gw_str){rest->at, (size_t)(end + 1 - rest->at)});
    rest->at = end + 1;
    return true;
}

/* Up to @end, which is passed over. @return false where there is none. */
static bool take_word(struct gw_str *line, char end, struct gw_str *word)
{
    const char *at = memchr(line->data, end, line->len);

    if (!at)
        return false;
    *word = (struct gw_str){line->data, (size_t)(at - line->data)};
    *line = (struct gw_str){at + 1, line->len - word->len - 1};
    return true;
}

static bool read_request_line(struct rest *rest, struct gw_saved_request *request)
{
    struct gw_str line;

    if (!take_line(rest, &line) || !take_word(&line, ' ', &request->method) ||
        !take_word(&line, ' ', &request->target))
        return false;
    request->version = line;
    return request->method.len > 0 && request->target.len > 0 && line.len > 5 &&
           memcmp(line.data, "HTTP/", 5) == 0;
}

static int read_headers(struct rest *rest, struct gw_saved_request *request)
{
    struct gw_str line;

    while (take_line(rest, &line)) {
        struct gw_saved_header *header = &request->headers[request->header_count];

        if (line.len == 0)
            return 0;
        if (request->header_count == GW_SAVED_HEADERS_MAX)
            return GW_SAVED_HEADER_COUNT;
        if (!take_word(&line, ':', &header->name))
            return GW_SAVED_HEADER_LINE;
        while (line.len > 0 && (*line.data == ' ' || *line.data == '\t'))
            line = (struct gw_str){line.data + 1, line.len - 1};
        header->value = line;
        request->header_count++;
    }
    return GW_SAVED_HEADER_END;
}

/* @return absent where there is none of that name. */
static struct gw_str find(const struct gw_saved_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct gw_saved_header *header = &request->headers[i];

        if (header->name.len == strlen(name) &&
            strncasecmp(header->name.data, name, header->name.len) == 0)
            return header->value;
    }
    return (struct gw_str){NULL, 0};
}

static int digit_value(char c, unsigned base)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    int value = at ? (int)((at - digits) % 16) : -1;

    return value < (int)base ? value : -1;
}

/* Digits in front, as many as there are: none are 0. @return false beyond size_t. */
static bool read_number(struct gw_str text, unsigned base, size_t *number)
{
    size_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_value(text.data[i], base);

        if (digit < 0)
            break;
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (size_t)digit, &value))
            return false;
    }
    *number = value;
    return true;
}

static int join_chunks(struct rest *rest, struct gw_saved_request *request)
{
    char *to = rest->at;
    struct gw_str line;
    size_t size;

    request->body = to;
    while (take_line(rest, &line)) {
        if (line.len == 0 || digit_value(*line.data, 16) < 0 || !read_number(line, 16, &size) ||
            size > (size_t)(rest->end - rest->at))
            return GW_SAVED_CHUNKS;
        if (size == 0) {
            request->body_len = (size_t)(to - request->body);
            return 0;
        }
        memmove(to, rest->at, size);
        to += size;
        rest->at += size;
        if (!take_line(rest, &line) || line.len > 0)
            return GW_SAVED_CHUNKS;
    }
    return GW_SAVED_CHUNKS;
}

static void measure_body(struct rest *rest, size_t announced, struct gw_saved_request *request)
{
    size_t held = (size_t)(rest->end - rest->at);

    request->body = rest->at;
    request->body_len = held < announced ? held : announced;
    request->surplus = held - request->body_len;
    request->missing = announced - request->body_len;
}

int gw_saved_request_parse(char *text, size_t len, struct gw_saved_request *request)
{
    struct rest rest = {text, text + len};
    size_t announced = len;
    int r;

    *request = (struct gw_saved_request){.end = GW_SAVED_BY_FILE};
    if (!read_request_line(&rest, request))
        return GW_SAVED_REQUEST_LINE;
    r = read_headers(&rest, request);
    if (r != 0)
        return r;
    const struct gw_str encoding = find(request, "Transfer-Encoding"),
                        length = find(request, "Content-Length");

    if (encoding.data && encoding.len >= 7 && strncasecmp(encoding.data, "chunked", 7) == 0) {
        request->end = GW_SAVED_BY_CHUNKS;
        return join_chunks(&rest, request);
    }
    if (length.data && read_number(length, 10, &announced))
        request->end = GW_SAVED_BY_LENGTH;
    else
        announced = (size_t)(rest.end - rest.at);
    measure_body(&rest, announced, request);
    return 0;
}

const char *gw_saved_error_text(enum gw_saved_error error)
{
    static const char *const texts[] = {
        [GW_SAVED_REQUEST_LINE] = "it begins with no request line; a body alone needs --signature",
        [GW_SAVED_HEADER_LINE] = "a header line has no colon",
        [GW_SAVED_HEADER_COUNT] = "it has more than 100 header lines",
        [GW_SAVED_HEADER_END] = "no empty line ends its header",
        [GW_SAVED_CHUNKS] = "its chunks are broken, or cut off",
    };

    return texts[error];
}
