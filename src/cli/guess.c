/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All digests that the headers may hold are read first; then each variant of the body under each
 * variant of each secret is hashed once and compared with them. A variant that changes nothing is
 * left out, so that most bodies are hashed a few times only. The daemon's own reader reads the
 * digests, from the end of a value, so that whatever stands before one is its prefix.
 */
#include "gw/guess.h"

#include "gw/buffer.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define CLAIMS_MAX (4 * GW_SAVED_HEADERS_MAX)
#define SECRET_VARIANT_MAX (GW_SECRET_BYTES_MAX + 2)

/* --- the digests in the headers --- */

static const struct gw_guess_form forms[] = {
    {"hex", GW_SIGNATURE_HEX, 64, "", false},
    {"base64", GW_SIGNATURE_BASE64, 44, "", false},
    {"base64 without its =", GW_SIGNATURE_BASE64, 43, "=", false},
    {"base64url", GW_SIGNATURE_BASE64, 44, "", true},
    {"base64url without its =", GW_SIGNATURE_BASE64, 43, "=", true},
};

struct claim {
    struct gw_guess guess;
    uint8_t digest[GW_SIGNATURE_DIGEST];
};

static bool read_claim(const struct gw_guess_form *form, struct gw_str value,
                       uint8_t digest[static GW_SIGNATURE_DIGEST])
{
    const struct gw_signature_scheme scheme = {NULL, form->encoding, {"", 0}};
    char text[GW_SIGNATURE_TEXT_SIZE];

    if (value.len < form->len)
        return false;
    memcpy(text, value.data + value.len - form->len, form->len);
    for (size_t i = 0; form->url && i < form->len; i++) {
        if (text[i] == '-')
            text[i] = '+';
        else if (text[i] == '_')
            text[i] = '/';
    }
    memcpy(text + form->len, form->padded, strlen(form->padded) + 1);
    return gw_signature_decode(&scheme, gw_str(text), digest) == 0;
}

bool gw_guess_is_digest(struct gw_str value)
{
    uint8_t digest[GW_SIGNATURE_DIGEST];

    for (size_t i = 0; i < GW_COUNT(forms); i++)
        if (read_claim(&forms[i], value, digest))
            return true;
    return false;
}

static size_t read_claims(const struct gw_saved_header *headers, size_t header_count,
                          struct claim *claims)
{
    size_t count = 0;

    for (size_t i = 0; i < header_count; i++)
        for (size_t j = 0; j < GW_COUNT(forms) && count < CLAIMS_MAX; j++) {
            struct claim *claim = &claims[count];

            if (!read_claim(&forms[j], headers[i].value, claim->digest))
                continue;
            claim->guess = (struct gw_guess){
                .header = &headers[i],
                .form = &forms[j],
                .prefix_len = headers[i].value.len - forms[j].len,
            };
            count++;
        }
    return count;
}

/* --- variants --- */

static int is_as_it_is(struct gw_str text, struct gw_buffer *out)
{
    return gw_buffer_append(out, text);
}

static int has_no_line_break(struct gw_str text, struct gw_buffer *out)
{
    return gw_buffer_append(out, gw_str_without_line_break(text));
}

static int has_line_feed(struct gw_str text, struct gw_buffer *out)
{
    const struct gw_str parts[] = {text, GW_STR("\n")};

    return gw_buffer_append_all(out, parts, GW_COUNT(parts));
}

static int has_carriage_return(struct gw_str text, struct gw_buffer *out)
{
    const struct gw_str parts[] = {text, GW_STR("\r\n")};

    return gw_buffer_append_all(out, parts, GW_COUNT(parts));
}

static int write_lines(struct gw_str text, struct gw_str line_break, struct gw_buffer *out)
{
    int r = 0;

    while (text.len > 0 && r == 0) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t taken = end ? (size_t)(end + 1 - text.data) : text.len;
        const struct gw_str parts[] = {gw_str_without_line_break((struct gw_str){text.data, taken}),
                                       end ? line_break : GW_STR("")};

        r = gw_buffer_append_all(out, parts, GW_COUNT(parts));
        text = (struct gw_str){text.data + taken, text.len - taken};
    }
    return r;
}

static int has_line_feeds_alone(struct gw_str text, struct gw_buffer *out)
{
    return write_lines(text, GW_STR("\n"), out);
}

static int has_carriage_returns(struct gw_str text, struct gw_buffer *out)
{
    return write_lines(text, GW_STR("\r\n"), out);
}

static bool is_around(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct gw_str trim(struct gw_str text)
{
    while (text.len > 0 && is_around(text.data[text.len - 1]))
        text.len--;
    while (text.len > 0 && is_around(*text.data))
        text = (struct gw_str){text.data + 1, text.len - 1};
    return text;
}

static struct gw_str unquote(struct gw_str text)
{
    text = trim(text);
    if (text.len > 1 && (*text.data == '"' || *text.data == '\'') &&
        text.data[text.len - 1] == *text.data)
        return (struct gw_str){text.data + 1, text.len - 2};
    return text;
}

static int is_trimmed(struct gw_str text, struct gw_buffer *out)
{
    return gw_buffer_append(out, trim(text));
}

static int is_unquoted(struct gw_str text, struct gw_buffer *out)
{
    return gw_buffer_append(out, unquote(text));
}

static int is_value_of_name(struct gw_str text, struct gw_buffer *out)
{
    const char *equals = memchr(text.data, '=', text.len);
    size_t before = equals ? (size_t)(equals + 1 - text.data) : 0;

    return gw_buffer_append(out, unquote((struct gw_str){text.data + before, text.len - before}));
}

static int has_no_mark(struct gw_str text, struct gw_buffer *out)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t len = text.len >= 3 && memcmp(text.data, mark, 3) == 0 ? 3 : 0;

    return gw_buffer_append(out, (struct gw_str){text.data + len, text.len - len});
}

/* How it is made of what is there, and what is said where it matches. */
struct variant {
    int (*make)(struct gw_str text, struct gw_buffer *out);
    const char *said;
};

static const struct variant bodies[] = {
    {is_as_it_is, NULL},
    {has_no_line_break, "it was signed without the line break at its end"},
    {has_line_feed, "it was signed with one more line break (LF) at its end"},
    {has_carriage_return, "it was signed with one more line break (CR LF) at its end"},
    {has_line_feeds_alone, "it was signed with LF as its line breaks, and came with CR LF"},
    {has_carriage_returns, "it was signed with CR LF as its line breaks, and came with LF"},
};

static const struct variant secret_variants[] = {
    {is_as_it_is, NULL},
    {is_trimmed, "has white space around it"},
    {is_unquoted, "stands in quotes"},
    {is_value_of_name, "stands behind a name and ="},
    {has_no_mark, "has a byte order mark before it"},
    {has_line_feed, "lacks the line break (LF) that the sender's has at its end"},
    {has_carriage_return, "lacks the line break (CR LF) that the sender's has at its end"},
};

/* Leaves the variant in @out, which is empty. @return 0; GW_GUESS_NONE where it is no other text or
 * an empty one; or -ENOMEM. */
static int make_variant(const struct variant *variant, struct gw_str text, struct gw_buffer *out)
{
    int r = variant->make(text, out);

    if (r < 0)
        return r;
    return variant->said && gw_str_equal(gw_buffer_str(out), text) ? GW_GUESS_NONE : 0;
}

/* --- the search --- */

struct search {
    struct gw_hmac *hmac;
    struct claim *claims;
    size_t claim_count;
    const struct gw_secrets *secrets;
    struct gw_guess *guess;
};

static int compare(const struct search *search, const struct gw_hmac_key *key, struct gw_str body)
{
    uint8_t digest[GW_SIGNATURE_DIGEST];
    int r = gw_hmac_compute(search->hmac, key, body, digest);

    if (r < 0)
        return r;
    for (size_t i = 0; i < search->claim_count; i++)
        if (CRYPTO_memcmp(digest, search->claims[i].digest, sizeof(digest)) == 0) {
            *search->guess = search->claims[i].guess;
            return 0;
        }
    return GW_GUESS_NONE;
}

static int try_secret(const struct search *search, size_t secret, const struct variant *variant,
                      struct gw_str body)
{
    const struct gw_secret *is = &search->secrets->items[secret];
    struct gw_hmac_key *key = NULL;
    struct gw_buffer made;
    int r;

    gw_buffer_init(&made, SECRET_VARIANT_MAX);
    r = gw_buffer_reserve(&made, SECRET_VARIANT_MAX); /* so that nothing is left behind */
    if (r == 0)
        r = make_variant(variant, (struct gw_str){is->bytes, is->len}, &made);
    if (r == 0)
        r = made.len == 0 ? GW_GUESS_NONE : 0;
    if (r == 0) {
        key = gw_hmac_key_new(gw_buffer_str(&made));
        r = key ? compare(search, key, body) : -ENOMEM;
    }
    gw_hmac_key_free(key);
    gw_buffer_wipe(&made);
    if (r == 0) {
        search->guess->secret = secret;
        search->guess->around = variant->said;
    }
    return r;
}

static int try_secrets(const struct search *search, struct gw_str body)
{
    int r = GW_GUESS_NONE;

    for (size_t i = 0; i < GW_COUNT(secret_variants) && r == GW_GUESS_NONE; i++)
        for (size_t j = 0; j < search->secrets->count && r == GW_GUESS_NONE; j++)
            r = try_secret(search, j, &secret_variants[i], body);
    return r;
}

static int try_body(const struct search *search, const struct variant *variant, struct gw_str body)
{
    struct gw_buffer made;
    int r;

    gw_buffer_init(&made, 2 * body.len + 2);
    r = make_variant(variant, body, &made);
    if (r == 0)
        r = try_secrets(search, gw_buffer_str(&made));
    gw_buffer_deinit(&made);
    if (r == 0)
        search->guess->body = variant->said;
    return r;
}

int gw_guess_signature(const struct gw_secrets *secrets, const struct gw_saved_header *headers,
                       size_t header_count, struct gw_str body, struct gw_guess *guess)
{
    struct search search = {.hmac = gw_hmac_new(), .secrets = secrets, .guess = guess};
    int r = GW_GUESS_NONE;

    search.claims = calloc(CLAIMS_MAX, sizeof(*search.claims));
    if (!search.hmac || !search.claims)
        r = -ENOMEM;
    else
        search.claim_count = read_claims(headers, header_count, search.claims);
    for (size_t i = 0; i < GW_COUNT(bodies) && search.claim_count > 0 && r == GW_GUESS_NONE; i++)
        r = try_body(&search, &bodies[i], body);
    free(search.claims);
    gw_hmac_free(search.hmac);
    return r;
}
