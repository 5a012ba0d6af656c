/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/event.h"

#include "gw/json_string.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Everything here is handed slices that the scanner found to be right, so nothing is checked again.
 * Most strings hold no escape and stay slices of the body. The others are not jansson's to decode:
 * where memory is short, its lexer (2.14) loses bytes and ends the process by an assert.
 */

static int decode(struct gw_str written, struct gw_arena *arena, struct gw_str *text)
{
    char *copy = gw_arena_alloc(arena, written.len);
    size_t len;

    if (!copy)
        return -ENOMEM;
    if (!gw_json_string_decode(written, copy, &len))
        return GW_EVENT_LONE_SURROGATE;
    *text = (struct gw_str){copy, len};
    return 0;
}

int gw_event_string(const struct gw_json_value *value, struct gw_arena *arena, struct gw_str *text)
{
    struct gw_str written;

    if (value->type != GW_JSON_STRING)
        return GW_EVENT_NOT_STRING;
    written = (struct gw_str){value->text.data + 1, value->text.len - 2};
    if (value->escaped)
        return decode(written, arena, text);
    *text = written;
    return 0;
}

/*
 * A number as digits times a power of ten: what strtod needs, without a decimal point (which is the
 * locale's) and bounded. Half of the smallest double, below which a number becomes 0, has 752
 * digits; so digits beyond 800 matter only by whether one of them is not 0, which `rest` holds.
 */
struct decimal {
    char digits[800];
    size_t count;
    bool rest;
    int64_t exponent;
};

static void add_digit(struct decimal *number, char digit, bool fraction)
{
    if (number->count == 0 && digit == '0') {
        number->exponent -= fraction;
    } else if (number->count < sizeof(number->digits)) {
        number->digits[number->count++] = digit;
        number->exponent -= fraction;
    } else {
        number->rest |= digit != '0';
        number->exponent += !fraction;
    }
}

/* Saturates where no number of digits could make up for the exponent. */
static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = at < end && *at == '-';
    int64_t value = 0;

    for (; at < end; at++) {
        if (*at >= '0' && *at <= '9' && value < INT64_C(1000000000000000))
            value = value * 10 + (*at - '0');
    }
    return negative ? -value : value;
}

static void read_decimal(struct gw_str text, struct decimal *number)
{
    const char *at = text.data, *end = text.data + text.len;
    bool fraction = false;

    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.')
            fraction = true;
        else if (*at != '-')
            add_digit(number, *at, fraction);
    }
    if (at < end)
        number->exponent += read_exponent(at + 1, end);
}

/* Zero once it is a double, as JavaScript's numbers are: 1e-999 is. */
static bool number_is_zero(struct gw_str text)
{
    struct decimal number = {.count = 0};
    char canonical[sizeof(number.digits) + sizeof("1e-9223372036854775808")];

    read_decimal(text, &number);
    snprintf(canonical, sizeof(canonical), "%.*s%de%lld", (int)number.count, number.digits,
             number.rest, (long long)number.exponent - 1);
    return strtod(canonical, NULL) == 0;
}

bool gw_event_is_falsy(const struct gw_json_value *value)
{
    switch (value->type) {
    case GW_JSON_ABSENT:
    case GW_JSON_NULL:
    case GW_JSON_FALSE:
        return true;
    case GW_JSON_NUMBER:
        return number_is_zero(value->text);
    case GW_JSON_STRING:
        return value->text.len == sizeof("\"\"") - 1;
    default:
        return false;
    }
}

/* @return the bytes of @text that are no white space between tokens; at most @size are written. */
static size_t compact(struct gw_str text, char *out, size_t size)
{
    bool in_string = false, after_backslash = false;
    size_t len = 0;

    for (size_t i = 0; i < text.len && len <= size; i++) {
        char byte = text.data[i];

        if (byte == '"' && !after_backslash)
            in_string = !in_string;
        after_backslash = byte == '\\' && !after_backslash;
        if (!in_string && memchr(" \t\r\n", byte, 4))
            continue;
        if (len < size)
            out[len] = byte;
        len++;
    }
    return len;
}

int gw_event_append_compact(const struct gw_json_value *value, struct gw_buffer *out)
{
    char text[GW_EVENT_ID_MAX];
    size_t len = compact(value->text, text, sizeof(text));

    if (len > sizeof(text))
        return -ENOBUFS;
    return gw_buffer_append(out, (struct gw_str){text, len});
}
