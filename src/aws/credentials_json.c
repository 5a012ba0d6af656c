/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON in which a credential_process, a container's endpoint and IMDS answer. jansson's error
 * text quotes what it stumbled over, which may be a secret, so only the place is told. The strings
 * are wiped inside jansson's tree before it is freed; what its lexer buffered is out of reach.
 */
#include "provider.h"

#include "gw/time.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>

#define TEXT_BYTES_MAX 256 /* of an error answer's message that are shown */

/* An absent member, a null and a string; anything else is refused. */
static int take_string(const json_t *object, const char *name, struct gw_str *text,
                       const char *source, char *message)
{
    const json_t *member = json_object_get(object, name);

    if (!member || json_is_null(member))
        return 0;
    if (!json_is_string(member))
        return gw_provider_fail(message, "%s: in its JSON, %s must be a string", source, name);
    *text = (struct gw_str){json_string_value(member), json_string_length(member)};
    return 0;
}

struct members {
    struct gw_str key, secret, token, session_token, expiration;
};

static int take_members(const json_t *object, struct members *members, const char *source,
                        char *message)
{
    const struct {
        const char *name;
        struct gw_str *text;
        bool required;
    } table[] = {
        {"AccessKeyId", &members->key, true},
        {"SecretAccessKey", &members->secret, true},
        {"Token", &members->token, false},
        {"SessionToken", &members->session_token, false},
        {"Expiration", &members->expiration, false},
    };

    for (size_t i = 0; i < GW_COUNT(table); i++) {
        int r = take_string(object, table[i].name, table[i].text, source, message);

        if (r)
            return r;
        if (table[i].required && table[i].text->len == 0)
            return gw_provider_fail(message, "%s: its JSON has no %s, which it must have", source,
                                    table[i].name);
    }
    return 0;
}

/* "Code" other than Success is IMDS's way to say no in a 200; containers write it small. */
static int check_code(const json_t *object, const char *source, char *message)
{
    const char *code = json_string_value(json_object_get(object, "Code"));
    const char *text = json_string_value(json_object_get(object, "Message"));

    if (!code)
        code = json_string_value(json_object_get(object, "code"));
    if (!text)
        text = json_string_value(json_object_get(object, "message"));
    if (!code || strcmp(code, "Success") == 0)
        return 0;
    return gw_provider_fail(message, "%s: it answered %.*s (%.*s): check the role that it gives",
                            source, TEXT_BYTES_MAX, code, TEXT_BYTES_MAX,
                            text ? text : "without a message");
}

static int read_object(const json_t *object, const char *source, struct gw_credentials **out,
                       char *message)
{
    struct gw_credentials parts = {.expires_at_ms = GW_AWS_NEVER, .source = source};
    struct members members = {0};
    int r = check_code(object, source, message);

    if (r == 0)
        r = take_members(object, &members, source, message);
    if (r)
        return r;
    if (members.expiration.len && gw_time_parse(members.expiration, &parts.expires_at_ms) != 0)
        return gw_provider_fail(message,
                                "%s: in its JSON, Expiration is no time: it must be written as "
                                "2026-11-23T12:00:00Z",
                                source);
    parts.access_key_id = members.key;
    parts.secret = members.secret;
    parts.token = members.token.len ? members.token : members.session_token;
    return gw_credentials_from_parts(&parts, out, message);
}

static int check_version(const json_t *object, const char *source, char *message)
{
    const json_t *version = json_object_get(object, "Version");

    if (json_is_integer(version) && json_integer_value(version) == 1)
        return 0;
    return gw_provider_fail(message,
                            "%s: its JSON must say \"Version\": 1, the only one there is: update "
                            "the command, or this program",
                            source);
}

static void free_wiped(json_t *root)
{
    const char *name;
    json_t *member;

    json_object_foreach(root, name, member)
    {
        /* jansson lends its own bytes, which nobody reads again. */
        if (json_is_string(member))
            OPENSSL_cleanse((char *)json_string_value(member), json_string_length(member));
    }
    json_decref(root);
}

static int load(struct gw_str json, const char *source, json_t **root, char *message)
{
    json_error_t error;
    json_t *loaded = json_loadb(json.len ? json.data : "", json.len, 0, &error);

    if (!loaded && json_error_code(&error) == json_error_out_of_memory)
        return -ENOMEM;
    if (!loaded)
        return gw_provider_fail(message,
                                "%s: expected JSON with AccessKeyId and SecretAccessKey, and got "
                                "something else (line %d, column %d): look at what it gives",
                                source, error.line, error.column);
    *root = loaded;
    return 0;
}

static int read_json(struct gw_str json, const char *source, bool is_versioned,
                     struct gw_credentials **out, char *message)
{
    json_t *root = NULL;
    int r = load(json, source, &root, message);

    if (r)
        return r;
    if (!json_is_object(root))
        r = gw_provider_fail(message, "%s: its JSON must be an object: look at what it gives",
                             source);
    if (r == 0 && is_versioned)
        r = check_version(root, source, message);
    if (r == 0)
        r = read_object(root, source, out, message);
    free_wiped(root);
    return r;
}

int gw_credentials_from_json(struct gw_str json, const char *source, struct gw_credentials **out,
                             char *message)
{
    return read_json(json, source, false, out, message);
}

int gw_credentials_from_process_json(struct gw_str json, const char *source,
                                     struct gw_credentials **out, char *message)
{
    return read_json(json, source, true, out, message);
}
