/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two gates between the outside and everything else in this folder: what becomes a message is
 * one printable line, and what becomes a snapshot can go into a header as it is. A key copied with
 * a line break is the commonest of mistakes, and unchecked it would be a header of the sender's
 * choice.
 */
#include "provider.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_BYTES_MAX 1024          /* AWS's access key ids have at most 128, its secrets 40 */
#define TOKEN_BYTES_MAX (12 * 1024) /* which can be signed; AWS has given out some 4 KiB */

const char *gw_provider_getenv(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

int gw_provider_fail(char *message, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, GW_AWS_MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    for (; *message; message++)
        if (*message < ' ' || *message > '~')
            *message = '?';
    return GW_PROVIDER_FAILED;
}

static bool is_printable(struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

static int check_part(const char *source, const char *name, struct gw_str text, size_t max,
                      char *message)
{
    if (text.len > max)
        return gw_provider_fail(message, "%s: the %s has %zu bytes, and none has over %zu", source,
                                name, text.len, max);
    if (!is_printable(text))
        return gw_provider_fail(message,
                                "%s: the %s holds a blank, a line break or another character that "
                                "none has: copy it anew",
                                source, name);
    return 0;
}

static int check_parts(const struct gw_credentials *parts, char *message)
{
    const struct {
        const char *name;
        struct gw_str text;
        size_t max;
        bool required;
    } checks[] = {
        {"access key id", parts->access_key_id, KEY_BYTES_MAX, true},
        {"secret access key", parts->secret, KEY_BYTES_MAX, true},
        {"session token", parts->token, TOKEN_BYTES_MAX, false},
    };
    int r = 0;

    for (size_t i = 0; i < GW_COUNT(checks) && r == 0; i++) {
        if (checks[i].required && checks[i].text.len == 0)
            return gw_provider_fail(message, "%s: the %s is empty: both must be given",
                                    parts->source, checks[i].name);
        r = check_part(parts->source, checks[i].name, checks[i].text, checks[i].max, message);
    }
    return r;
}

int gw_credentials_from_parts(const struct gw_credentials *parts, struct gw_credentials **out,
                              char *message)
{
    struct gw_credentials *made;
    int r = check_parts(parts, message);

    if (r)
        return r;
    made = gw_credentials_new(parts->access_key_id, parts->secret, parts->token,
                              parts->expires_at_ms, parts->source);
    if (!made)
        return -ENOMEM;
    *out = made;
    return 0;
}
