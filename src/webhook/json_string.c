/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/json_string.h"

#include <endian.h>

/*
 * Nearly every byte of an event stands in a string and means nothing to the grammar, so those are
 * passed eight at a time in a plain 64-bit word, which is as fast here as vector instructions and
 * needs no processor in particular. What ends such a run (quote, backslash, control character, a
 * byte beyond ASCII) is looked at one by one.
 */

#define EVERY_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * Marks, by its top bit, each byte that ends a plain run: what is below a byte of ASCII has its top
 * bit set once that is subtracted. A subtraction may borrow from the next byte and mark that one
 * falsely, but only above a byte that is marked rightly: the lowest mark is always true, and only
 * that is used.
 */
static uint64_t mark_special(uint64_t word)
{
    uint64_t quote = (word ^ EVERY_BYTE('"')) - EVERY_BYTE(1);
    uint64_t backslash = (word ^ EVERY_BYTE('\\')) - EVERY_BYTE(1);
    uint64_t control = word - EVERY_BYTE(0x20);

    return (quote | backslash | control | word) & EVERY_BYTE(0x80);
}

static bool is_special(uint8_t byte)
{
    return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
}

static const uint8_t *skip_plain(const uint8_t *at, const uint8_t *end)
{
    uint64_t word;

    for (; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        uint64_t marks = mark_special(le64toh(word));

        if (marks)
            return at + __builtin_ctzll(marks) / 8;
    }
    while (at < end && !is_special(*at))
        at++;
    return at;
}

/* By the first byte: how long the sequence is, and what the second byte may be (RFC 3629). */
static const struct utf8_form {
    uint8_t length, second_min, second_max;
} utf8_forms[256] = {
    [0xC2 ... 0xDF] = {2, 0x80, 0xBF}, [0xE0] = {3, 0xA0, 0xBF},
    [0xE1 ... 0xEC] = {3, 0x80, 0xBF}, [0xED] = {3, 0x80, 0x9F},
    [0xEE ... 0xEF] = {3, 0x80, 0xBF}, [0xF0] = {4, 0x90, 0xBF},
    [0xF1 ... 0xF3] = {4, 0x80, 0xBF}, [0xF4] = {4, 0x80, 0x8F},
};

static bool scan_sequence(const uint8_t **at, const uint8_t *end)
{
    struct utf8_form form = utf8_forms[**at];

    if (form.length == 0)
        return false;
    for (++*at; form.length > 1; form.length--, ++*at) {
        if (*at == end || **at < form.second_min || **at > form.second_max)
            return false;
        form.second_min = 0x80;
        form.second_max = 0xBF;
    }
    return true;
}

/* Passes a run of sequences, as they seldom come alone. */
static bool scan_utf8(const uint8_t **at, const uint8_t *end)
{
    bool valid;

    do
        valid = scan_sequence(at, end);
    while (valid && *at < end && **at >= 0x80);
    return valid;
}

/* What the letter after a backslash stands for; 0: it may not stand there, or is u. */
static const uint8_t short_escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

/* @return 0 to 15, or -1. */
static int hex_value(uint8_t digit)
{
    uint8_t letter = digit | 0x20;

    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static bool scan_escape(const uint8_t **at, const uint8_t *end)
{
    int digits = 0;

    if (++*at == end || (**at != 'u' && !short_escapes[**at]))
        return false;
    if (*(*at)++ != 'u')
        return true;
    while (digits < 4 && *at < end && hex_value(**at) >= 0) {
        digits++;
        ++*at;
    }
    return digits == 4;
}

bool gw_json_string_scan(const uint8_t **at, const uint8_t *end, bool *escaped)
{
    bool valid = true;

    *escaped = false;
    for (++*at; valid && (*at = skip_plain(*at, end)) < end;) {
        if (**at == '"') {
            ++*at;
            return true;
        }
        if (**at == '\\')
            valid = *escaped = scan_escape(at, end);
        else
            valid = scan_utf8(at, end); /* of a control character too: no sequence begins so */
    }
    return false;
}

static uint32_t read_hex4(const uint8_t *at)
{
    uint32_t value = 0;

    for (size_t i = 0; i < 4; i++)
        value = value << 4 | (uint32_t)hex_value(at[i]);
    return value;
}

/* Reads \uXXXX, or a pair of them. @return the code point; of a lone surrogate that one. */
static uint32_t read_unicode(const uint8_t **at, const uint8_t *end)
{
    uint32_t high = read_hex4(*at + 2), low;

    *at += 6;
    if (high < 0xD800 || high > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return high;
    low = read_hex4(*at + 2);
    if (low < 0xDC00 || low > 0xDFFF)
        return high;
    *at += 6;
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* @return the number of bytes, 0 for a surrogate. */
static size_t encode_utf8(uint32_t point, uint8_t bytes[static 4])
{
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    if (point >= 0xD800 && point <= 0xDFFF)
        return 0;
    for (size_t i = length - 1; i > 0; i--, point >>= 6)
        bytes[i] = (uint8_t)(0x80 | (point & 0x3F));
    bytes[0] = (uint8_t)(lead[length] | point);
    return length;
}

/* Resolves the escape at @at, or takes one byte as it is. @return as encode_utf8. */
static size_t read_bytes(const uint8_t **at, const uint8_t *end, uint8_t bytes[static 4])
{
    if (**at == '\\' && (*at)[1] == 'u')
        return encode_utf8(read_unicode(at, end), bytes);
    if (**at == '\\')
        bytes[0] = short_escapes[*++*at];
    else
        bytes[0] = **at;
    ++*at;
    return 1;
}

bool gw_json_string_decode(struct gw_str written, char *out, size_t *len)
{
    const uint8_t *at = (const uint8_t *)written.data, *end = at + written.len;
    char *next = out;
    uint8_t bytes[4];

    while (at < end) {
        size_t count = read_bytes(&at, end, bytes);

        if (count == 0)
            return false;
        memcpy(next, bytes, count);
        next += count;
    }
    *len = (size_t)(next - out);
    return true;
}

bool gw_json_string_equals(struct gw_str written, struct gw_str text)
{
    const uint8_t *at = (const uint8_t *)written.data, *end = at + written.len;
    uint8_t bytes[4];
    size_t done = 0;

    while (at < end) {
        size_t count = read_bytes(&at, end, bytes);

        if (count == 0 || count > text.len - done || memcmp(bytes, text.data + done, count) != 0)
            return false;
        done += count;
    }
    return done == text.len;
}
