/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By libexpat, which calls back and builds nothing. Six elements are wanted, each known by its
 * whole path from the root; an element of the same name elsewhere is not it. There is no DTD in an
 * answer of STS, so one ends the parse, and with it every entity but XML's own five.
 *
 * What the elements hold, decoded, is never longer than the answer, so one buffer of its size takes
 * it all and is never moved. Both it and the copy in expat's own buffer are wiped.
 */
#include "sts_answer.h"

#include "gw/time.h"
#include "provider.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <openssl/crypto.h>

#define PATH_SIZE                                                                                  \
    256 /* of the longest path, a depth of 128 at most; a longer one is none of ours */

enum field { KEY, SECRET, TOKEN, EXPIRATION, CODE, TEXT, NONE };

#define BY_ROLE(element) "/AssumeRoleResponse/AssumeRoleResult/Credentials/" element
#define BY_WEB_IDENTITY(element)                                                                   \
    "/AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials/" element

static const struct {
    const char *path;
    enum field field;
} elements[] = {
    {BY_ROLE("AccessKeyId"), KEY},
    {BY_ROLE("SecretAccessKey"), SECRET},
    {BY_ROLE("SessionToken"), TOKEN},
    {BY_ROLE("Expiration"), EXPIRATION},
    {BY_WEB_IDENTITY("AccessKeyId"), KEY},
    {BY_WEB_IDENTITY("SecretAccessKey"), SECRET},
    {BY_WEB_IDENTITY("SessionToken"), TOKEN},
    {BY_WEB_IDENTITY("Expiration"), EXPIRATION},
    {"/ErrorResponse/Error/Code", CODE},
    {"/ErrorResponse/Error/Message", TEXT},
};

static const char *const names[NONE] = {
    [KEY] = "AccessKeyId",    [SECRET] = "SecretAccessKey",
    [TOKEN] = "SessionToken", [EXPIRATION] = "Expiration",
    [CODE] = "Code",          [TEXT] = "Message",
};

struct answer {
    XML_Parser parser;
    char path[PATH_SIZE];
    size_t path_len;
    enum field open; /* the innermost element, if it is wanted */
    struct gw_buffer texts;
    struct {
        size_t at, len;
    } fields[NONE];
};

static struct gw_str text_of(const struct answer *answer, enum field field)
{
    if (answer->fields[field].len == 0)
        return (struct gw_str){"", 0};
    return (struct gw_str){answer->texts.data + answer->fields[field].at,
                           answer->fields[field].len};
}

/* --- what expat calls --- */

static enum field find_field(const char *path)
{
    for (size_t i = 0; i < GW_COUNT(elements); i++)
        if (strcmp(elements[i].path, path) == 0)
            return elements[i].field;
    return NONE;
}

static void stop(struct answer *answer)
{
    (void)XML_StopParser(answer->parser, XML_FALSE);
}

static void begin_element(void *context, const char *name, const char **attributes)
{
    struct answer *answer = context;
    size_t len = strlen(name);

    (void)attributes;
    if (len + 2 > PATH_SIZE - answer->path_len) {
        stop(answer);
        return;
    }
    answer->path[answer->path_len] = '/';
    memcpy(answer->path + answer->path_len + 1, name, len + 1);
    answer->path_len += len + 1;
    answer->open = find_field(answer->path);
    if (answer->open == NONE)
        return;
    answer->fields[answer->open].at = answer->texts.len;
    answer->fields[answer->open].len = 0;
}

/* After an element that is wanted nothing is, until the next begins: so they have no children. */
static void end_element(void *context, const char *name)
{
    struct answer *answer = context;

    (void)name;
    while (answer->path_len > 0 && answer->path[--answer->path_len] != '/')
        continue;
    answer->path[answer->path_len] = '\0';
    answer->open = NONE;
}

static void take_text(void *context, const char *bytes, int len)
{
    struct answer *answer = context;

    if (answer->open == NONE)
        return;
    if (gw_buffer_append(&answer->texts, (struct gw_str){bytes, (size_t)len}) < 0)
        stop(answer);
    else
        answer->fields[answer->open].len += (size_t)len;
}

static void refuse_doctype(void *context, const char *name, const char *system_id,
                           const char *public_id, int has_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_subset;
    stop(context);
}

/* --- the parse --- */

static int run(XML_Parser parser, struct gw_str xml)
{
    void *copy = XML_GetBuffer(parser, (int)xml.len);
    enum XML_Status status;

    if (!copy)
        return -ENOMEM;
    memcpy(copy, xml.data, xml.len);
    status = XML_ParseBuffer(parser, (int)xml.len, XML_TRUE);
    OPENSSL_cleanse(copy, xml.len);
    if (status == XML_STATUS_OK)
        return 0;
    return XML_GetErrorCode(parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : -EBADMSG;
}

static int parse(struct gw_str xml, struct answer *answer)
{
    XML_Parser parser;
    int r;

    *answer = (struct answer){.open = NONE};
    gw_buffer_init(&answer->texts, xml.len);
    if (xml.len == 0 || xml.len > INT_MAX)
        return -EBADMSG;
    r = gw_buffer_reserve(&answer->texts, xml.len);
    if (r < 0)
        return r;
    parser = XML_ParserCreate("UTF-8");
    if (!parser)
        return -ENOMEM;
    answer->parser = parser;
    XML_SetUserData(parser, answer);
    XML_SetElementHandler(parser, begin_element, end_element);
    XML_SetCharacterDataHandler(parser, take_text);
    XML_SetStartDoctypeDeclHandler(parser, refuse_doctype);
    r = run(parser, xml);
    XML_ParserFree(parser);
    return r;
}

/* --- what it says --- */

static int make_credentials(const struct answer *answer, const char *source,
                            struct gw_credentials **out, char *message)
{
    struct gw_credentials parts = {
        .access_key_id = text_of(answer, KEY),
        .secret = text_of(answer, SECRET),
        .token = text_of(answer, TOKEN),
        .source = source,
    };

    for (enum field field = KEY; field <= EXPIRATION; field++)
        if (answer->fields[field].len == 0)
            return gw_provider_fail(message,
                                    "%s: the answer of STS has no %s: look whether "
                                    "AWS_ENDPOINT_URL_STS is right",
                                    source, names[field]);
    if (gw_time_parse(text_of(answer, EXPIRATION), &parts.expires_at_ms) != 0)
        return gw_provider_fail(message,
                                "%s: in the answer of STS, Expiration is no time: look whether "
                                "AWS_ENDPOINT_URL_STS is right",
                                source);
    return gw_credentials_from_parts(&parts, out, message);
}

int gw_sts_answer_read(struct gw_str xml, const char *source, struct gw_credentials **out,
                       char *message)
{
    struct answer answer;
    int r = parse(xml, &answer);

    if (r == -EBADMSG)
        r = gw_provider_fail(message,
                             "%s: the answer of STS is not XML as it writes it: look whether "
                             "AWS_ENDPOINT_URL_STS is right, and whether something stands before "
                             "it",
                             source);
    else if (r == 0)
        r = make_credentials(&answer, source, out, message);
    gw_buffer_wipe(&answer.texts);
    return r;
}

/* The first line: what follows in a refused signature's message repeats the request's headers, and
 * with them the session token. */
static void copy_line(struct gw_str text, char *copy, size_t size)
{
    size_t len = 0;

    for (; len < text.len && len < size - 1 && text.data[len] != '\n'; len++) {
        bool is_printable = text.data[len] >= ' ' && text.data[len] <= '~';

        copy[len] = (char)(is_printable ? text.data[len] : '?');
    }
    copy[len] = '\0';
}

void gw_sts_answer_read_error(int status, struct gw_str xml, struct gw_aws_error *error)
{
    struct answer answer;

    *error = (struct gw_aws_error){.status = status};
    if (parse(xml, &answer) == 0) {
        copy_line(text_of(&answer, CODE), error->code, sizeof(error->code));
        copy_line(text_of(&answer, TEXT), error->text, sizeof(error->text));
    }
    gw_buffer_wipe(&answer.texts);
}
