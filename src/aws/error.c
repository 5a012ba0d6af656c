/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/aws_retry.h"

#include <jansson.h>

/*
 * An error's code says what is to be done about it, by a table; a code that is not in it, and an
 * answer without one (a proxy's HTML, nothing), is judged by its status. Codes are compared whole:
 * who looks for pieces of them takes AccessDenied for an expiry, and refreshes for ever.
 */

const char *gw_aws_fault_name(enum gw_aws_fault fault)
{
    static const char *const names[] = {
        [GW_AWS_FAULT_NONE] = "none",           [GW_AWS_FAULT_TRANSIENT] = "transient",
        [GW_AWS_FAULT_AMBIGUOUS] = "ambiguous", [GW_AWS_FAULT_THROTTLED] = "throttled",
        [GW_AWS_FAULT_EXPIRED] = "expired",     [GW_AWS_FAULT_SKEWED] = "skewed",
        [GW_AWS_FAULT_REFUSED] = "refused",
    };

    return names[fault];
}

/* A namespace before and a URL behind: "com.amazonaws.dynamodb.v20120810#NAME:http://...#...". */
static struct gw_str cut_code(struct gw_str type)
{
    const char *colon = type.len ? memchr(type.data, ':', type.len) : NULL;

    if (colon)
        type.len = (size_t)(colon - type.data);
    const char *hash = type.len ? memrchr(type.data, '#', type.len) : NULL;

    if (!hash)
        return type;
    return (struct gw_str){hash + 1, type.len - (size_t)(hash + 1 - type.data)};
}

/*
 * The first line, as its service wrote it: in what follows, a refused signature's message repeats
 * the headers that it read, and with them the session token.
 */
static void copy_line(struct gw_str text, char *copy, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len && text.data[i] != '\n' && len < size - 1; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool continues = (byte & 0xc0) == 0x80; /* a character of UTF-8 */

        if (!continues)
            copy[len++] = (char)(byte >= ' ' && byte < 0x7f ? byte : '?');
    }
    copy[len] = '\0';
}

static struct gw_str string_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return (struct gw_str){json_string_value(value), json_string_length(value)};
}

void gw_aws_error_read(int status, struct gw_str body, struct gw_aws_error *error)
{
    /* The item that a failed condition brings may hold U+0000. */
    json_t *root = body.len ? json_loadb(body.data, body.len, JSON_ALLOW_NUL, NULL) : NULL;
    struct gw_str text = string_of(root, "message");

    if (!text.data)
        text = string_of(root, "Message");
    error->status = status;
    copy_line(cut_code(string_of(root, "__type")), error->code, sizeof error->code);
    copy_line(text, error->text, sizeof error->text);
    json_decref(root);
}

static const struct {
    const char *code;
    enum gw_aws_fault fault;
} codes[] = {
    {"RequestTimeout", GW_AWS_FAULT_TRANSIENT},
    {"RequestTimeoutException", GW_AWS_FAULT_TRANSIENT},
    {"PriorRequestNotComplete", GW_AWS_FAULT_TRANSIENT},
    {"ReplicatedWriteConflictException", GW_AWS_FAULT_TRANSIENT},

    {"Throttling", GW_AWS_FAULT_THROTTLED},
    {"ThrottlingException", GW_AWS_FAULT_THROTTLED},
    {"ThrottledException", GW_AWS_FAULT_THROTTLED},
    {"RequestThrottled", GW_AWS_FAULT_THROTTLED},
    {"RequestThrottledException", GW_AWS_FAULT_THROTTLED},
    {"TooManyRequestsException", GW_AWS_FAULT_THROTTLED},
    {"ProvisionedThroughputExceededException", GW_AWS_FAULT_THROTTLED},
    {"TransactionInProgressException", GW_AWS_FAULT_THROTTLED},
    {"RequestLimitExceeded", GW_AWS_FAULT_THROTTLED},
    {"BandwidthLimitExceeded", GW_AWS_FAULT_THROTTLED},
    {"LimitExceededException", GW_AWS_FAULT_THROTTLED},
    {"SlowDown", GW_AWS_FAULT_THROTTLED},
    {"EC2ThrottledException", GW_AWS_FAULT_THROTTLED},

    {"ExpiredToken", GW_AWS_FAULT_EXPIRED},
    {"ExpiredTokenException", GW_AWS_FAULT_EXPIRED},
    {"TokenRefreshRequired", GW_AWS_FAULT_EXPIRED},
    {"InvalidToken", GW_AWS_FAULT_EXPIRED},
    {"InvalidAccessKeyId", GW_AWS_FAULT_EXPIRED},
    {"InvalidClientTokenId", GW_AWS_FAULT_EXPIRED},
    {"UnrecognizedClientException", GW_AWS_FAULT_EXPIRED},

    {"RequestTimeTooSkewed", GW_AWS_FAULT_SKEWED},
    {"RequestExpired", GW_AWS_FAULT_SKEWED},
    {"RequestInTheFuture", GW_AWS_FAULT_SKEWED},
    {"InvalidSignatureException", GW_AWS_FAULT_SKEWED},
    {"SignatureDoesNotMatch", GW_AWS_FAULT_SKEWED},
};

static const struct {
    int status;
    enum gw_aws_fault fault;
} statuses[] = {
    {429, GW_AWS_FAULT_THROTTLED}, {500, GW_AWS_FAULT_AMBIGUOUS}, {502, GW_AWS_FAULT_AMBIGUOUS},
    {503, GW_AWS_FAULT_TRANSIENT}, {504, GW_AWS_FAULT_AMBIGUOUS},
};

enum gw_aws_fault gw_aws_error_fault(const struct gw_aws_error *error)
{
    for (size_t i = 0; i < GW_COUNT(codes); i++) {
        if (strcmp(error->code, codes[i].code) == 0)
            return codes[i].fault;
    }
    for (size_t i = 0; i < GW_COUNT(statuses); i++) {
        if (error->status == statuses[i].status)
            return statuses[i].fault;
    }
    return GW_AWS_FAULT_REFUSED;
}
