/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GUESS_H
#define GW_GUESS_H

/*
 * What a signature that does not verify would be right for: another way of writing it, another
 * header, a body that was changed on the way, a secret with something around it. Only what an HMAC
 * confirms is told, and no digest leaves this module. Pure.
 */

#include "gw/saved_request.h"
#include "gw/secret.h"
#include "gw/signature.h"

/* A way of writing a digest, at the end of a header's value. */
struct gw_guess_form {
    const char *name;
    enum gw_signature_encoding encoding;
    size_t len;         /* digits in a value */
    const char *padded; /* what is to be put behind them */
    bool url;           /* RFC 4648, section 5: with - and _ */
};

/* What would match. */
struct gw_guess {
    const struct gw_saved_header *header;
    const struct gw_guess_form *form;
    size_t prefix_len;  /* of the header's value, before the digest */
    const char *body;   /* what became of it; NULL: it is as it was signed */
    size_t secret;      /* which one */
    const char *around; /* what is wrong with that secret; NULL: nothing */
};

#define GW_GUESS_NONE 1

/**
 * Tries everything, the most likely first.
 * @param headers  those that may hold the signature, the most likely first
 * @return 0 with @guess set, which borrows from @headers; GW_GUESS_NONE; or -ENOMEM.
 */
int gw_guess_signature(const struct gw_secrets *secrets, const struct gw_saved_header *headers,
                       size_t header_count, struct gw_str body,
                       struct gw_guess *guess) GW_MUST_CHECK;

/* Whether a value ends in what may be a digest. */
bool gw_guess_is_digest(struct gw_str value);

#endif
