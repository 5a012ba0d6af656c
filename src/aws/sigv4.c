/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/sigv4.h"

#include "gw/hmac.h"
#include "gw/time.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

/*
 * A canonical request is a text, its hash goes into a string to sign, and that is signed with a key
 * of the day: HMAC folded over the parts of the scope ("20150830/us-east-1/iam/aws4_request"),
 * beginning with the secret. So the scope says for which day there is a key; whether it is of the
 * same secret is told by the secret's digest, as the secret itself is not kept.
 *
 * The text may hold a session token. Its memory is taken once and never moves, so that it can be
 * wiped; and a signature allocates nothing but what the Authorization header needs.
 */

#define TEXT_MAX 16384 /* servers take half of that as headers */
#define SCOPE_MAX 512
#define DAY_LENGTH 8
#define ALGORITHM "AWS4-HMAC-SHA256"

struct gw_sigv4_key {
    struct gw_hmac *hmac;
    struct gw_hmac_key *signing; /* of the scope's day and the secret; NULL: none yet */
    uint8_t secret_digest[GW_SHA256_SIZE];
    struct gw_buffer scope;
    struct gw_buffer text;
};

/* Headers by name, or a query's parameters by name and value. */
struct pairs {
    struct gw_sigv4_header items[GW_SIGV4_PARAMETERS_MAX];
    size_t count;
};

_Static_assert(GW_SIGV4_HEADERS_MAX <= GW_SIGV4_PARAMETERS_MAX, "headers fit into pairs");

static int by_name(const struct gw_sigv4_header *a, const struct gw_sigv4_header *b)
{
    return gw_str_compare(a->name, b->name);
}

static int by_name_and_value(const struct gw_sigv4_header *a, const struct gw_sigv4_header *b)
{
    int order = gw_str_compare(a->name, b->name);

    return order ? order : gw_str_compare(a->value, b->value);
}

/* Stable: headers of one name stay in their order. */
static void insert(struct pairs *pairs, struct gw_sigv4_header item,
                   int (*compare)(const struct gw_sigv4_header *a, const struct gw_sigv4_header *b))
{
    size_t at = pairs->count++;

    for (; at > 0 && compare(&pairs->items[at - 1], &item) > 0; at--)
        pairs->items[at] = pairs->items[at - 1];
    pairs->items[at] = item;
}

static int sort_headers(const struct gw_sigv4_request *request, struct pairs *headers)
{
    if (request->header_count > GW_SIGV4_HEADERS_MAX)
        return -EINVAL;
    headers->count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        insert(headers, request->headers[i], by_name);
    return 0;
}

/* Cuts off what stands before the first @mark, and the mark with it; all, where there is none. */
static struct gw_str cut(struct gw_str *rest, char mark)
{
    const char *end = rest->len ? memchr(rest->data, mark, rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    struct gw_str piece = {rest->data, len};

    rest->data = end ? end + 1 : NULL;
    rest->len = end ? rest->len - len - 1 : 0;
    return piece;
}

/* --- the canonical request --- */

/* RFC 3986, section 2.3. */
static const bool unreserved[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true,
    ['.'] = true,         ['_'] = true,         ['~'] = true,
};

static int append_encoded(struct gw_str text, struct gw_buffer *out)
{
    static const char digits[] = "0123456789ABCDEF";

    if (text.len > out->max / 3)
        return -ENOBUFS;
    int r = gw_buffer_reserve(out, text.len * 3);

    if (r < 0)
        return r;
    char *at = out->data + out->len;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        *at++ = (char)(unreserved[byte] ? byte : '%');
        if (!unreserved[byte]) {
            *at++ = digits[byte >> 4];
            *at++ = digits[byte & 15];
        }
    }
    out->len = (size_t)(at - out->data);
    return 0;
}

/* Takes the last segment off again, with its slash; not what is before @start. */
static void drop_segment(struct gw_buffer *out, size_t start)
{
    while (out->len > start && out->data[--out->len] != '/')
        ;
}

/* RFC 3986, section 5.2.4, and of several slashes one is left; what remains is encoded (again). */
static int append_normalized(struct gw_str path, struct gw_buffer *out)
{
    size_t start = out->len;
    bool is_folder = true;
    int r = 0;

    cut(&path, '/');
    while (r == 0 && path.data) {
        struct gw_str segment = cut(&path, '/');
        bool is_parent = gw_str_equal(segment, GW_STR(".."));

        if (is_parent)
            drop_segment(out, start);
        is_folder = is_parent || segment.len == 0 || gw_str_equal(segment, GW_STR("."));
        if (is_folder)
            continue;
        r = gw_buffer_append(out, GW_STR("/"));
        if (r == 0)
            r = append_encoded(segment, out);
    }
    return r == 0 && is_folder ? gw_buffer_append(out, GW_STR("/")) : r;
}

static int append_path(const struct gw_sigv4_request *request, struct gw_buffer *out)
{
    if (!request->is_s3)
        return append_normalized(request->path, out);
    return gw_buffer_append(out, request->path.len ? request->path : GW_STR("/"));
}

static int append_query(struct gw_str query, struct gw_buffer *out)
{
    struct pairs parameters = {.count = 0};
    int r = 0;

    while (query.len > 0) {
        struct gw_str value = cut(&query, '&');
        struct gw_str name = cut(&value, '=');

        if (parameters.count == GW_SIGV4_PARAMETERS_MAX)
            return -EINVAL;
        insert(&parameters, (struct gw_sigv4_header){name, value}, by_name_and_value);
    }
    for (size_t i = 0; r == 0 && i < parameters.count; i++) {
        const struct gw_str parts[] = {i ? GW_STR("&") : GW_STR(""), parameters.items[i].name,
                                       GW_STR("="), parameters.items[i].value};

        r = gw_buffer_append_all(out, parts, GW_COUNT(parts));
    }
    return r;
}

/* Without the blanks around it, and one for each run of them inside. */
static int append_trimmed(struct gw_str value, struct gw_buffer *out)
{
    int r = gw_buffer_reserve(out, value.len);

    if (r < 0)
        return r;
    char *start = out->data + out->len, *at = start;
    bool gap = false;

    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        bool is_blank = c == ' ' || c == '\t';

        if (!is_blank && gap && at > start)
            *at++ = ' ';
        if (!is_blank)
            *at++ = c;
        gap = is_blank;
    }
    out->len = (size_t)(at - out->data);
    return 0;
}

static bool is_repeated(const struct pairs *headers, const struct gw_sigv4_header *header)
{
    return header > headers->items && gw_str_equal(header->name, header[-1].name);
}

/* A name that comes again adds its value to the line, behind a comma. */
static int append_headers(const struct pairs *headers, struct gw_buffer *out)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < headers->count; i++) {
        const struct gw_sigv4_header *header = &headers->items[i];
        const struct gw_str line[] = {GW_STR("\n"), header->name, GW_STR(":")};

        r = is_repeated(headers, header) ? gw_buffer_append(out, GW_STR(","))
                                         : gw_buffer_append_all(out, line, GW_COUNT(line));
        if (r == 0)
            r = append_trimmed(header->value, out);
    }
    return r;
}

static int append_names(const struct pairs *headers, struct gw_buffer *out)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < headers->count; i++) {
        const struct gw_sigv4_header *header = &headers->items[i];
        const struct gw_str parts[] = {i ? GW_STR(";") : GW_STR(""), header->name};

        if (!is_repeated(headers, header))
            r = gw_buffer_append_all(out, parts, GW_COUNT(parts));
    }
    return r;
}

static int append_canonical(const struct gw_sigv4_request *request, const struct pairs *headers,
                            struct gw_buffer *out)
{
    const struct gw_str first[] = {request->method, GW_STR("\n")};
    const struct gw_str last[] = {GW_STR("\n"), request->body_hash};
    int r = gw_buffer_append_all(out, first, GW_COUNT(first));

    if (r == 0)
        r = append_path(request, out);
    if (r == 0)
        r = gw_buffer_append(out, GW_STR("\n"));
    if (r == 0)
        r = append_query(request->query, out);
    if (r == 0)
        r = append_headers(headers, out);
    if (r == 0)
        r = gw_buffer_append(out, GW_STR("\n\n"));
    if (r == 0)
        r = append_names(headers, out);
    return r == 0 ? gw_buffer_append_all(out, last, GW_COUNT(last)) : r;
}

int gw_sigv4_canonical_request(const struct gw_sigv4_request *request, struct gw_buffer *text)
{
    struct pairs headers;
    size_t before = text->len;
    int r = sort_headers(request, &headers);

    if (r == 0)
        r = append_canonical(request, &headers, text);
    if (r < 0)
        text->len = before;
    return r;
}

/* --- the string to sign --- */

/* The clock may be corrected by a server's Date, which may say anything. */
void gw_sigv4_format_time(int64_t time_ms, char text[static GW_SIGV4_TIME_SIZE])
{
    char whole[GW_TIME_TEXT_SIZE];

    if (time_ms < GW_TIME_MIN_MS)
        time_ms = GW_TIME_MIN_MS;
    if (time_ms > GW_TIME_MAX_MS)
        time_ms = GW_TIME_MAX_MS;
    gw_time_format_compact(time_ms, whole);
    memcpy(text, whole, GW_SIGV4_TIME_SIZE - 2);
    memcpy(text + GW_SIGV4_TIME_SIZE - 2, "Z", 2);
}

int gw_sigv4_string_to_sign(const struct gw_sigv4_key *key, struct gw_str canonical_request,
                            int64_t time_ms, struct gw_buffer *text)
{
    char time[GW_SIGV4_TIME_SIZE], hash[GW_SIGV4_HASH_SIZE];
    int r = gw_sigv4_hash(canonical_request, hash);

    if (r < 0)
        return r;
    gw_sigv4_format_time(time_ms, time);
    const struct gw_str parts[] = {
        GW_STR(ALGORITHM "\n"),
        {time, GW_SIGV4_TIME_SIZE - 1},
        GW_STR("\n"),
        {time, DAY_LENGTH},
        {key->scope.data + DAY_LENGTH, key->scope.len - DAY_LENGTH},
        GW_STR("\n"),
        {hash, GW_SIGV4_HASH_SIZE - 1},
    };

    return gw_buffer_append_all(text, parts, GW_COUNT(parts));
}

int gw_sigv4_hash(struct gw_str body, char hex[static GW_SIGV4_HASH_SIZE])
{
    uint8_t digest[GW_SHA256_SIZE];
    int r = gw_sha256(body, digest);

    if (r == 0)
        gw_sha256_hex(digest, hex);
    return r;
}

/* --- the key --- */

static int init_scope(struct gw_buffer *scope, struct gw_str region, struct gw_str service)
{
    const struct gw_str parts[] = {GW_STR("00000000/"), region, GW_STR("/"), service,
                                   GW_STR("/aws4_request")};

    gw_buffer_init(scope, SCOPE_MAX);
    return gw_buffer_append_all(scope, parts, GW_COUNT(parts));
}

struct gw_sigv4_key *gw_sigv4_key_new(struct gw_str region, struct gw_str service)
{
    struct gw_sigv4_key *key = calloc(1, sizeof *key);

    if (!key)
        return NULL;
    gw_buffer_init(&key->text, TEXT_MAX);
    key->hmac = gw_hmac_new();
    if (!key->hmac || init_scope(&key->scope, region, service) < 0 ||
        gw_buffer_reserve(&key->text, TEXT_MAX) < 0)
        return gw_sigv4_key_free(key);
    return key;
}

struct gw_sigv4_key *gw_sigv4_key_free(struct gw_sigv4_key *key)
{
    if (!key)
        return NULL;
    gw_hmac_free(key->hmac);
    gw_hmac_key_free(key->signing);
    gw_buffer_deinit(&key->scope);
    gw_buffer_wipe(&key->text);
    OPENSSL_cleanse(key->secret_digest, sizeof key->secret_digest);
    free(key);
    return NULL;
}

static int compute_once(struct gw_hmac *hmac, struct gw_str secret, struct gw_str message,
                        uint8_t digest[static GW_SHA256_SIZE])
{
    struct gw_hmac_key *key = gw_hmac_key_new(secret);
    int r = key ? gw_hmac_compute(hmac, key, message, digest) : -ENOMEM;

    gw_hmac_key_free(key);
    return r;
}

static int fold_scope(struct gw_hmac *hmac, struct gw_str seed, struct gw_str scope,
                      uint8_t digest[static GW_SHA256_SIZE])
{
    int r = 0;

    while (r == 0 && scope.len > 0) {
        r = compute_once(hmac, seed, cut(&scope, '/'), digest);
        seed = (struct gw_str){(const char *)digest, GW_SHA256_SIZE};
    }
    return r;
}

static int derive(struct gw_sigv4_key *key, struct gw_str secret)
{
    const struct gw_str parts[] = {GW_STR("AWS4"), secret};
    uint8_t digest[GW_SHA256_SIZE];
    struct gw_buffer seed;

    gw_buffer_init(&seed, SIZE_MAX);
    int r = gw_buffer_reserve(&seed, parts[0].len + secret.len); /* and so it never moves */

    if (r == 0)
        r = gw_buffer_append_all(&seed, parts, GW_COUNT(parts));
    if (r == 0)
        r = fold_scope(key->hmac, gw_buffer_str(&seed), gw_buffer_str(&key->scope), digest);
    if (r == 0)
        key->signing = gw_hmac_key_new((struct gw_str){(const char *)digest, sizeof digest});
    OPENSSL_cleanse(digest, sizeof digest);
    gw_buffer_wipe(&seed);
    return key->signing ? 0 : -ENOMEM;
}

/* Sees to it that the signing key is of @day and @secret. */
static int prepare(struct gw_sigv4_key *key, struct gw_str secret, const char *day)
{
    uint8_t digest[GW_SHA256_SIZE];
    int r = gw_sha256(secret, digest);

    if (r < 0)
        return r;
    if (key->signing && memcmp(key->scope.data, day, DAY_LENGTH) == 0 &&
        CRYPTO_memcmp(key->secret_digest, digest, sizeof digest) == 0)
        return 0;
    key->signing = gw_hmac_key_free(key->signing);
    memcpy(key->scope.data, day, DAY_LENGTH);
    memcpy(key->secret_digest, digest, sizeof digest);
    return derive(key, secret);
}

/* --- the signature --- */

static int compute_signature(struct gw_sigv4_key *key, const struct gw_sigv4_request *request,
                             const struct pairs *headers, int64_t time_ms,
                             char hex[static GW_SHA256_HEX_SIZE])
{
    uint8_t digest[GW_SHA256_SIZE];
    struct gw_buffer *text = &key->text;

    text->len = 0;
    int r = append_canonical(request, headers, text);
    struct gw_str canonical = gw_buffer_str(text);

    if (r == 0)
        r = gw_sigv4_string_to_sign(key, canonical, time_ms, text);
    struct gw_str to_sign = {text->data + canonical.len, text->len - canonical.len};

    if (r == 0)
        r = gw_hmac_compute(key->hmac, key->signing, to_sign, digest);
    if (r == 0)
        gw_sha256_hex(digest, hex);
    return r;
}

static int append_authorization(const struct gw_sigv4_key *key, struct gw_str access_key_id,
                                const struct pairs *headers, struct gw_str signature,
                                struct gw_buffer *out)
{
    const struct gw_str first[] = {GW_STR(ALGORITHM " Credential="), access_key_id, GW_STR("/"),
                                   gw_buffer_str(&key->scope), GW_STR(", SignedHeaders=")};
    const struct gw_str last[] = {GW_STR(", Signature="), signature};
    size_t before = out->len;
    int r = gw_buffer_append_all(out, first, GW_COUNT(first));

    if (r == 0)
        r = append_names(headers, out);
    if (r == 0)
        r = gw_buffer_append_all(out, last, GW_COUNT(last));
    if (r < 0)
        out->len = before;
    return r;
}

int gw_sigv4_sign(struct gw_sigv4_key *key, struct gw_str access_key_id, struct gw_str secret,
                  const struct gw_sigv4_request *request, int64_t time_ms,
                  struct gw_buffer *authorization)
{
    char time[GW_SIGV4_TIME_SIZE], signature[GW_SHA256_HEX_SIZE];
    struct pairs headers;
    int r = sort_headers(request, &headers);

    gw_sigv4_format_time(time_ms, time);
    if (r == 0)
        r = prepare(key, secret, time);
    if (r == 0)
        r = compute_signature(key, request, &headers, time_ms, signature);
    if (r == 0)
        r = append_authorization(key, access_key_id, &headers, gw_str(signature), authorization);
    return r;
}
