/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both headers are lists parted by commas. In Forwarded a quoted string may hold commas and
 * semicolons, but an address never does: so an element is what stands behind the last comma, and
 * where a quoted string has been cut in two, it is not an address, and the chain ends there.
 */
#include "gw/forwarded.h"

#include <strings.h>

#define ELEMENTS_MAX 64

const char *gw_forwarded_name(enum gw_forwarded_form form)
{
    static const char *const names[] = {
        [GW_FORWARDED_X_FORWARDED_FOR] = "X-Forwarded-For",
        [GW_FORWARDED_RFC7239] = "Forwarded",
    };

    return names[form];
}

void gw_forwarded_add(struct gw_forwarded *forwarded, struct gw_str value)
{
    forwarded->values[forwarded->count++ % GW_FORWARDED_VALUES_MAX] = value;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct gw_str trim(struct gw_str text)
{
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    while (text.len > 0 && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    return text;
}

/* Cuts off what stands behind the last @mark, or all. */
static struct gw_str take_last(struct gw_str *text, char mark)
{
    const char *last = text->len > 0 ? memrchr(text->data, mark, text->len) : NULL;
    struct gw_str taken = *text;

    if (last) {
        taken.data = last + 1;
        taken.len = (size_t)(text->data + text->len - taken.data);
        text->len = (size_t)(last - text->data);
    } else {
        *text = (struct gw_str){NULL, 0};
    }
    return trim(taken);
}

static struct gw_str unquote(struct gw_str text)
{
    if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"')
        return (struct gw_str){text.data + 1, text.len - 2};
    return text;
}

/* The value of an element's "for"; nothing where it has none, or several. */
static struct gw_str find_for(struct gw_str element)
{
    struct gw_str found = {NULL, 0};

    while (element.len > 0) {
        struct gw_str pair = take_last(&element, ';');

        if (pair.len < 4 || strncasecmp(pair.data, "for=", 4) != 0)
            continue;
        if (found.len > 0)
            return (struct gw_str){NULL, 0};
        found = unquote((struct gw_str){pair.data + 4, pair.len - 4});
    }
    return found;
}

/* The newest value first. */
static struct gw_str value_before(const struct gw_forwarded *forwarded, size_t taken)
{
    return forwarded->values[(forwarded->count - 1 - taken) % GW_FORWARDED_VALUES_MAX];
}

/* The peer that an element names. */
static bool read_element(struct gw_str element, enum gw_forwarded_form form,
                         struct gw_address *peer)
{
    return gw_address_parse(form == GW_FORWARDED_RFC7239 ? find_for(element) : element, peer);
}

bool gw_forwarded_resolve(const struct gw_forwarded *forwarded, enum gw_forwarded_form form,
                          const struct gw_networks *trusted, struct gw_address *peer)
{
    const size_t known =
        forwarded->count < GW_FORWARDED_VALUES_MAX ? forwarded->count : GW_FORWARDED_VALUES_MAX;
    size_t elements = 0;

    for (size_t taken = 0; taken < known; taken++) {
        struct gw_str value = value_before(forwarded, taken);

        while (value.len > 0) {
            struct gw_str element = take_last(&value, ',');

            if (!gw_networks_hold(trusted, peer))
                return true;
            if (++elements > ELEMENTS_MAX)
                return false;
            /* A list may have empty elements (RFC 9110, section 5.6.1). */
            if (element.len > 0 && !read_element(element, form, peer))
                return false;
        }
    }
    return known == forwarded->count || !gw_networks_hold(trusted, peer);
}
