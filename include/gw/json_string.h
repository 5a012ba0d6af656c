/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JSON_STRING_H
#define GW_JSON_STRING_H

/*
 * A JSON string as it is written, escapes and all: its strict check, and what it says, as a copy or
 * compared with plain text. The scanner's lower half. Pure.
 */

#include "gw/base.h"

/**
 * Checks a string from its opening quote to its closing one (RFC 8259, section 7; UTF-8 as RFC 3629
 * has it).
 * @param at       the opening quote; moved behind the closing one, or to the first byte that cannot
 *                 stand where it does (@end where the text breaks off)
 * @param escaped  whether there is a backslash in it
 * @return whether it is a string.
 */
bool gw_json_string_scan(const uint8_t **at, const uint8_t *end, bool *escaped) GW_MUST_CHECK;

/**
 * Resolves the escapes of @written, a string that was checked, without its quotes.
 * @param out  at least written.len bytes, which no string's text is longer than
 * @return false where it holds a lone surrogate, as UTF-8 has no form for it.
 */
bool gw_json_string_decode(struct gw_str written, char *out, size_t *len) GW_MUST_CHECK;

/**
 * Whether @written, a string that was checked, without its quotes, says @text once its escapes are
 * resolved. A lone surrogate equals nothing.
 */
bool gw_json_string_equals(struct gw_str written, struct gw_str text);

#endif
