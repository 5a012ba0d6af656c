/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EVENT_H
#define GW_EVENT_H

/*
 * Reading the members of a scanned body: strings, decoded where they hold escapes, what JavaScript
 * takes for false, and the event's id as the answer shows it. Pure.
 */

#include "gw/buffer.h"
#include "gw/scanner.h"

#define GW_EVENT_ID_MAX 2048

enum gw_event_error {
    GW_EVENT_NOT_STRING = 1,
    GW_EVENT_LONE_SURROGATE /* a string that UTF-8 cannot hold */
};

/**
 * Decodes a string: escapes resolved, U+0000 kept. Without escapes it is a slice of the body.
 * @param arena  owns the decoded copy otherwise
 * @return 0, a gw_event_error, or -ENOMEM.
 */
int gw_event_string(const struct gw_json_value *value, struct gw_arena *arena,
                    struct gw_str *text) GW_MUST_CHECK;

/* Whether JavaScript's `||` would pass it over: absent, null, false, 0 (also -0, 0.0, 1e-999), "".
 */
bool gw_event_is_falsy(const struct gw_json_value *value);

/**
 * Appends @value without the white space between its tokens, as the answer's eventId.
 * @return 0; -ENOBUFS when it is longer than GW_EVENT_ID_MAX bytes (then nothing is appended);
 *         -ENOMEM. An absent value appends nothing.
 */
int gw_event_append_compact(const struct gw_json_value *value, struct gw_buffer *out) GW_MUST_CHECK;

#endif
