/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STRICT_H
#define GW_STRICT_H

/*
 * What libmicrohttpd 0.9.75 lets through and a receiver behind a proxy must not: two readers of one
 * request that disagree where it ends (request smuggling, RFC 9112 sections 5 and 6, RFC 9110
 * section 7.2). The headers are collected in one pass, then one table of rules judges. Pure.
 */

#include "gw/metrics.h"

struct gw_head {
    bool http_1_1; /* or later */
    unsigned hosts, content_lengths, transfer_encodings;
    bool chunked;   /* the one Transfer-Encoding is exactly that */
    bool bad_name;  /* not a token: an empty name, a blank before the colon, ... */
    bool bad_value; /* holds control characters other than the tab */
    unsigned signatures;
    struct gw_str signature; /* the first one's value, borrowed */
    uint64_t content_length; /* as announced; UINT64_MAX where it does not fit */
};

/* @param signature_header  its name; NULL where the path has none */
void gw_head_add(struct gw_head *head, const char *signature_header, struct gw_str name,
                 struct gw_str value);

/* Takes off the blanks behind a header's value. */
struct gw_str gw_head_trim(struct gw_str value);

/* @return GW_REASON_NONE, or the rule that the request breaks: 400, and the line closes. */
enum gw_reason gw_strict_check(const struct gw_head *head);

#endif
