/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd's own options do not help: in 0.9.75 MHD_OPTION_STRICT_FOR_CLIENT 1 refuses only a
 * missing Host, and with HTML. Two things stay hidden from us, as the library cuts them before it
 * shows a header: a bare LF as the end of a line, and what follows a NUL in a value.
 */
#include "gw/strict.h"

#include <ctype.h>
#include <strings.h>

/* RFC 9110, section 5.6.2. */
static const bool token_characters[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,  ['#'] = true,
    ['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
    ['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
    ['`'] = true,         ['|'] = true,         ['~'] = true,
};

static bool is_token(struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!token_characters[(unsigned char)text.data[i]])
            return false;
    return text.len > 0;
}

/* RFC 9110, section 5.5: visible characters, blanks, tabs and bytes from 0x80 on. */
static bool is_field_value(struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_named(struct gw_str name, const char *wanted)
{
    return name.len == strlen(wanted) && strncasecmp(name.data, wanted, name.len) == 0;
}

static uint64_t parse_length(struct gw_str text)
{
    uint64_t length = 0;

    for (size_t i = 0; i < text.len && isdigit((unsigned char)text.data[i]); i++)
        if (__builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (uint64_t)(text.data[i] - '0'), &length))
            return UINT64_MAX;
    return length;
}

/* Blanks around a value are no part of it; the library takes off only those before. Where it reads
 * a value itself, it must be read here as it does: a Transfer-Encoding with a blank behind is none
 * that it knows. */
struct gw_str gw_head_trim(struct gw_str value)
{
    while (value.len > 0 && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
        value.len--;
    return value;
}

void gw_head_add(struct gw_head *head, const char *signature_header, struct gw_str name,
                 struct gw_str value)
{
    head->bad_name |= !is_token(name);
    head->bad_value |= !is_field_value(value);
    if (is_named(name, "Host")) {
        head->hosts++;
    } else if (is_named(name, "Content-Length")) {
        head->content_lengths++;
        head->content_length = parse_length(value);
    } else if (is_named(name, "Transfer-Encoding")) {
        head->transfer_encodings++;
        head->chunked = is_named(value, "chunked");
    } else if (signature_header && is_named(name, signature_header) && head->signatures++ == 0) {
        head->signature = gw_head_trim(value);
    }
}

static bool has_bad_name(const struct gw_head *head)
{
    return head->bad_name;
}

static bool has_bad_value(const struct gw_head *head)
{
    return head->bad_value;
}

static bool has_two_lengths(const struct gw_head *head)
{
    return head->content_lengths > 1;
}

static bool has_length_and_encoding(const struct gw_head *head)
{
    return head->content_lengths > 0 && head->transfer_encodings > 0;
}

static bool has_unknown_encoding(const struct gw_head *head)
{
    return head->transfer_encodings > 1 || (head->transfer_encodings == 1 && !head->chunked);
}

static bool has_encoding_in_1_0(const struct gw_head *head)
{
    return head->transfer_encodings > 0 && !head->http_1_1;
}

static bool lacks_one_host(const struct gw_head *head)
{
    return head->hosts > 1 || (head->hosts == 0 && head->http_1_1);
}

static const struct {
    bool (*breaks)(const struct gw_head *head);
    enum gw_reason reason;
} rules[] = {
    {has_bad_name, GW_REASON_HEADER_NAME},
    {has_bad_value, GW_REASON_HEADER_VALUE},
    {has_two_lengths, GW_REASON_TWO_LENGTHS},
    {has_length_and_encoding, GW_REASON_LENGTH_AND_ENCODING},
    {has_unknown_encoding, GW_REASON_TRANSFER_ENCODING},
    {has_encoding_in_1_0, GW_REASON_HTTP_1_0_ENCODING},
    {lacks_one_host, GW_REASON_HOST},
};

enum gw_reason gw_strict_check(const struct gw_head *head)
{
    for (size_t i = 0; i < GW_COUNT(rules); i++)
        if (rules[i].breaks(head))
            return rules[i].reason;
    return GW_REASON_NONE;
}
