/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's checks in the daemon's order, as a table; the first that refuses ends it, as there.
 * What can be said of a signature beyond that it is wrong is searched for (guess.c), and nothing is
 * shown that would be of use to somebody else: no digest that was computed, nothing of a secret.
 */
#include "gw/explanation.h"

#include "gw/guess.h"
#include "gw/strict.h"
#include "gw/time.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#define SHOWN 80         /* bytes of a text of the sender's */
#define AROUND 24        /* bytes shown on either side of an error */
#define ANSWER_SHOWN 400 /* bytes */
#define LIKELY_SHOWN 5   /* headers that look like a signature */

/* For printf's "%.*s". */
#define CUT(text, most)                                                                            \
    (int)((text).len < (size_t)(most) ? (text).len : (size_t)(most)), (text).data

struct explainer {
    const struct gw_explain_input *input;
    struct gw_explanation *out;
    struct gw_head head;
    struct gw_judgement judgement;
    struct gw_arena arena;
    struct gw_hmac *hmac;
    bool out_of_memory;
};

static GW_PRINTF(4, 5) void say(struct explainer *e, enum gw_step_verdict verdict, const char *what,
                                const char *format, ...)
{
    va_list arguments;
    struct gw_step *step = &e->out->steps[e->out->count];

    assert(e->out->count < GW_STEPS_MAX);
    e->out->count++;
    step->verdict = verdict;
    step->what = what;
    va_start(arguments, format);
    (void)vsnprintf(step->text, sizeof(step->text), format, arguments);
    va_end(arguments);
}

static enum gw_reason refuse(struct explainer *e, const char *what, enum gw_reason reason)
{
    say(e, GW_STEP_FAILED, what, "%s", gw_reason_text(reason));
    return reason;
}

static const struct gw_signature_scheme *scheme_of(const struct explainer *e)
{
    return &e->input->settings->endpoint->scheme;
}

/* --- what the header decides --- */

static void tell_of_end(struct explainer *e)
{
    const struct gw_saved_request *request = e->input->request;

    if (request->missing > 0)
        say(e, GW_STEP_NOTE, "body",
            "%zu bytes of what Content-Length announces are not in the file: it was not saved "
            "whole, and so no signature can match",
            request->missing);
    if (request->surplus > 0)
        say(e, GW_STEP_NOTE, "body",
            "%zu bytes stand behind what Content-Length announces, and are none of the body",
            request->surplus);
    if (request->end == GW_SAVED_BY_FILE)
        say(e, GW_STEP_NOTE, "body",
            "there is no Content-Length: all that follows the header is taken for the body");
}

static enum gw_reason check_http(struct explainer *e)
{
    const struct gw_saved_request *request = e->input->request;
    enum gw_reason broken = gw_strict_check(&e->head);

    if (broken != GW_REASON_NONE)
        return refuse(e, "HTTP", broken);
    say(e, GW_STEP_OK, "HTTP", "%zu header lines, a body of %zu bytes", request->header_count,
        request->body_len);
    tell_of_end(e);
    return GW_REASON_NONE;
}

static enum gw_reason refuse_length(struct explainer *e, enum gw_reason reason)
{
    refuse(e, "length", reason);
    say(e, GW_STEP_TRY, "length", "[server] max_body, which is %zu bytes",
        e->input->settings->max_body_bytes);
    return reason;
}

static enum gw_reason check_announced(struct explainer *e)
{
    if (e->head.content_lengths == 0 ||
        e->head.content_length <= e->input->settings->max_body_bytes)
        return GW_REASON_NONE;
    return refuse_length(e, GW_REASON_ANNOUNCED_LENGTH);
}

static enum gw_reason check_body(struct explainer *e)
{
    if (e->input->request->body_len <= e->input->settings->max_body_bytes)
        return GW_REASON_NONE;
    return refuse_length(e, GW_REASON_BODY_LENGTH);
}

static enum gw_reason check_path(struct explainer *e)
{
    const struct gw_str path = gw_settings_path(e->input->request->target);

    if (gw_settings_endpoint(e->input->settings, path)) {
        say(e, GW_STEP_OK, "path", "%.*s", CUT(path, SHOWN));
        return GW_REASON_NONE;
    }
    refuse(e, "path", GW_REASON_UNKNOWN_PATH);
    say(e, GW_STEP_TRY, "path", "it is %.*s, and [server] path is %s", CUT(path, SHOWN),
        e->input->settings->endpoint->path);
    return GW_REASON_UNKNOWN_PATH;
}

static enum gw_reason check_method(struct explainer *e)
{
    const struct gw_str method = e->input->request->method;

    if (!gw_str_equal(method, GW_STR("POST")))
        return refuse(e, "method", GW_REASON_WEBHOOK_METHOD);
    say(e, GW_STEP_OK, "method", "POST");
    return GW_REASON_NONE;
}

static enum gw_reason check_sender(struct explainer *e)
{
    if (e->input->settings->allow.count > 0)
        say(e, GW_STEP_NOTE, "address",
            "not checked: the file does not tell who sent it, and [server] allow is set");
    return GW_REASON_NONE;
}

/* --- the signature --- */

static bool is_signature_header(const struct explainer *e, struct gw_str name)
{
    const char *wanted = scheme_of(e)->header;

    return name.len == strlen(wanted) && strncasecmp(name.data, wanted, name.len) == 0;
}

/* The header that is configured first, whatever else comes later. */
static size_t list_headers(const struct explainer *e, struct gw_saved_header *headers)
{
    const struct gw_saved_request *request = e->input->request;
    size_t count = 0;

    for (int wanted = 1; wanted >= 0; wanted--)
        for (size_t i = 0; i < request->header_count; i++)
            if (is_signature_header(e, request->headers[i].name) == wanted) {
                headers[count] = request->headers[i];
                headers[count++].value = gw_head_trim(request->headers[i].value);
            }
    return count;
}

static void tell_of_form(struct explainer *e, const struct gw_guess *guess)
{
    const struct gw_signature_scheme *scheme = scheme_of(e);
    const struct gw_guess_form *form = guess->form;
    const struct gw_str prefix = {guess->header->value.data, guess->prefix_len};
    bool readable = !form->url && !*form->padded;

    if (!readable)
        say(e, GW_STEP_TRY, "encoding",
            "it is written in %s, which the daemon does not read: hex and base64 it does",
            form->name);
    else if (form->encoding != scheme->encoding)
        say(e, GW_STEP_TRY, "encoding", "[signature] encoding = %s", form->name);
    if (!gw_str_equal(prefix, scheme->prefix))
        say(e, GW_STEP_TRY, "prefix", "[signature] prefix = %.*s%s", CUT(prefix, SHOWN),
            prefix.len > 0 ? "" : "(nothing)");
}

static void tell_of_guess(struct explainer *e, const struct gw_guess *guess)
{
    if (!is_signature_header(e, guess->header->name))
        say(e, GW_STEP_TRY, "header", "[signature] header = %.*s", CUT(guess->header->name, SHOWN));
    tell_of_form(e, guess);
    if (guess->body)
        say(e, GW_STEP_TRY, "body",
            "%s: find what changed it on the way (a proxy, an editor, curl -d in place of "
            "--data-binary)",
            guess->body);
    if (guess->around)
        say(e, GW_STEP_TRY, "secret", "secret %zu of %zu %s: write it anew", guess->secret + 1,
            e->input->secrets->count, guess->around);
    say(e, GW_STEP_NOTE, "signature", "then it matches secret %zu of %zu", guess->secret + 1,
        e->input->secrets->count);
}

/* Names alone: a value may be any other secret. */
static void tell_of_likely(struct explainer *e, const struct gw_saved_header *headers, size_t count)
{
    size_t shown = 0;

    for (size_t i = 0; i < count && shown < LIKELY_SHOWN; i++) {
        if (is_signature_header(e, headers[i].name) || !gw_guess_is_digest(headers[i].value))
            continue;
        say(e, GW_STEP_NOTE, "header",
            "%.*s looks like a signature, but none of the secrets made it",
            CUT(headers[i].name, SHOWN));
        shown++;
    }
}

/* Of a value that is no signature at all. */
static void tell_of_value(struct explainer *e)
{
    if (e->head.signatures == 1 && !gw_guess_is_digest(e->head.signature))
        say(e, GW_STEP_NOTE, "signature",
            "its %zu characters end in no digest, which has 64 in hex and 44 in base64: cut off?",
            e->head.signature.len);
}

static void tell_of_secrets(struct explainer *e)
{
    const struct gw_secrets *secrets = e->input->secrets;

    for (size_t i = 0; i < secrets->count; i++)
        if (secrets->items[i].warning)
            say(e, GW_STEP_NOTE, "secret", "secret %zu of %zu %s", i + 1, secrets->count,
                secrets->items[i].warning);
}

static void tell_of_nothing(struct explainer *e, const struct gw_saved_header *headers,
                            size_t count)
{
    tell_of_value(e);
    tell_of_likely(e, headers, count);
    tell_of_secrets(e);
    say(e, GW_STEP_TRY, "secret",
        "no other header, encoding, prefix or line break matches, nor white space or quotes "
        "around a secret: compare the %s with the sender's",
        e->input->secrets->count > 1 ? "secrets" : "secret");
    say(e, GW_STEP_TRY, "body",
        "or it was changed on the way. JSON that was written anew or decompressed cannot be "
        "guessed: save the request in front of each proxy, and see where it still matches");
}

static void search(struct explainer *e)
{
    const struct gw_saved_request *request = e->input->request;
    struct gw_saved_header headers[GW_SAVED_HEADERS_MAX];
    size_t count = list_headers(e, headers);
    struct gw_guess guess;

    if (request->missing > 0)
        return; /* it was told already */
    int r = gw_guess_signature(e->input->secrets, headers, count,
                               (struct gw_str){request->body, request->body_len}, &guess);

    if (r == 0)
        tell_of_guess(e, &guess);
    else if (r == GW_GUESS_NONE)
        tell_of_nothing(e, headers, count);
    else
        e->out_of_memory = true;
}

static enum gw_reason check_header(struct explainer *e)
{
    enum gw_reason reason = e->head.signatures == 0  ? GW_REASON_NO_SIGNATURE
                            : e->head.signatures > 1 ? GW_REASON_TWO_SIGNATURES
                                                     : GW_REASON_NONE;

    if (reason == GW_REASON_NONE)
        return reason;
    say(e, GW_STEP_FAILED, "signature", "%s: %s", gw_reason_text(reason), scheme_of(e)->header);
    search(e);
    return reason;
}

/* --- the body --- */

static void tell_of_json(struct explainer *e)
{
    const struct gw_saved_request *request = e->input->request;
    size_t at = e->judgement.scan.error_offset, line = 1, begin = 0;

    for (size_t i = 0; i < at; i++)
        if (request->body[i] == '\n') {
            line++;
            begin = i + 1;
        }
    size_t from = at > AROUND ? at - AROUND : 0;
    struct gw_str before = {request->body + from, at - from};
    struct gw_str after = {request->body + at, request->body_len - at};

    if (after.len == 0)
        say(e, GW_STEP_FAILED, "JSON", "it ends too early, at byte %zu: %.*s", at,
            CUT(before, AROUND));
    else
        say(e, GW_STEP_FAILED, "JSON",
            "byte %zu (line %zu, column %zu) cannot stand there: %.*s >>> %.*s", at, line,
            at - begin + 1, CUT(before, AROUND), CUT(after, AROUND));
}

static void tell_of_notes(struct explainer *e)
{
    if (e->judgement.notes.timestamp_malformed)
        say(e, GW_STEP_NOTE, "timestamp", "it cannot be read, and counts as the oldest");
    if (e->judgement.notes.timestamp_ahead)
        say(e, GW_STEP_NOTE, "timestamp", "it is more than a day ahead; taken as it is");
}

static void tell_of_fields(struct explainer *e)
{
    const struct gw_write *write = &e->judgement.write;

    for (enum gw_field field = 0; field < GW_FIELD_COUNT; field++)
        if (write->fields[field].data)
            say(e, GW_STEP_OK, gw_field_name(field), "%.*s", CUT(write->fields[field], SHOWN));
}

static void tell_of_write(struct explainer *e)
{
    const struct gw_write *write = &e->judgement.write;

    say(e, GW_STEP_OK, "event", "%.*s", CUT(write->event_type, SHOWN));
    say(e, GW_STEP_OK, "write", "%s of %.*s, order %" PRId64,
        write->action == GW_ACTION_PUT ? "put" : "update", CUT(write->conversation_id, SHOWN),
        write->order);
    tell_of_fields(e);
    tell_of_notes(e);
}

static void tell_of_event(struct explainer *e)
{
    const struct gw_route_table *routes = &e->input->settings->endpoint->routes;
    const struct gw_json_value *type = &e->judgement.scan.values[routes->event_type_slot];

    if (e->judgement.verdict == GW_VERDICT_STORE)
        tell_of_write(e);
    else if (e->judgement.verdict == GW_VERDICT_REJECTED)
        say(e, GW_STEP_FAILED, "event", "%s", e->judgement.reason);
    else if (type->type == GW_JSON_ABSENT)
        say(e, GW_STEP_NOTE, "event", "it has no event_type: skipped, nothing is stored");
    else
        say(e, GW_STEP_NOTE, "event", "no route handles %.*s: skipped, nothing is stored",
            CUT(type->text, SHOWN));
}

static void tell_of_judgement(struct explainer *e)
{
    const struct gw_judgement *judgement = &e->judgement;

    if (!judgement->verified) {
        say(e, GW_STEP_FAILED, "signature", "%s", judgement->reason);
        search(e);
        return;
    }
    say(e, GW_STEP_OK, "signature", "made with secret %zu of %zu", judgement->secret + 1,
        e->input->secrets->count);
    if (judgement->verdict == GW_VERDICT_NOT_JSON) {
        tell_of_json(e);
        return;
    }
    say(e, GW_STEP_OK, "JSON", "%zu bytes", e->input->request->body_len);
    tell_of_event(e);
}

static enum gw_reason judge(struct explainer *e)
{
    const struct gw_saved_request *request = e->input->request;

    gw_endpoint_judge(e->input->settings->endpoint, e->hmac, e->head.signature, request->body,
                      request->body_len, e->input->now_ms, &e->arena, &e->judgement);
    if (e->judgement.verdict == GW_VERDICT_NO_MEMORY)
        e->out_of_memory = true;
    else
        tell_of_judgement(e);
    return gw_judgement_reason(&e->judgement);
}

/* --- the whole --- */

static const struct {
    enum gw_reason (*check)(struct explainer *e);
    bool of_head; /* looks at what is not there where the body alone was given */
} checks[] = {
    {check_http, true},   {check_announced, true}, {check_path, true},  {check_method, true},
    {check_sender, true}, {check_header, false},   {check_body, false}, {judge, false},
};

/* What comes of the answer. */
static const char *what_follows(const struct explainer *e, enum gw_reason reason)
{
    if (reason == GW_REASON_NONE)
        return e->judgement.verdict == GW_VERDICT_STORE ? ", once it is stored" : "";
    if (e->out->reply == GW_REPLY_SUCCESS)
        return ", though it is lost (on_update_failure)";
    return gw_reply_status(e->out->reply) >= 500 ? "; Genesys would send it again"
                                                 : "; Genesys would not send it again";
}

static void say_answer(struct explainer *e, enum gw_reason reason)
{
    bool success =
        reason == GW_REASON_NONE || gw_settings_acknowledge(e->input->settings, &e->judgement);
    struct gw_buffer body;

    gw_buffer_init(&body, 0);
    if (success)
        gw_reply_build_success(&e->judgement, &body);
    e->out->reply = success ? GW_REPLY_SUCCESS : gw_reason_reply(reason);
    const struct gw_str text =
        body.len > 0 ? gw_buffer_str(&body) : gw_str(gw_reply_body(e->out->reply));

    say(e, success ? GW_STEP_OK : GW_STEP_FAILED, "answer", "%u %.*s%s",
        gw_reply_status(e->out->reply), CUT(text, ANSWER_SHOWN), what_follows(e, reason));
    gw_buffer_deinit(&body);
}

static void read_head(struct explainer *e)
{
    const struct gw_saved_request *request = e->input->request;

    e->head.http_1_1 = !gw_str_equal(request->version, GW_STR("HTTP/1.0"));
    for (size_t i = 0; i < request->header_count; i++)
        gw_head_add(&e->head, scheme_of(e)->header, request->headers[i].name,
                    request->headers[i].value);
}

int gw_explain(const struct gw_explain_input *input, struct gw_explanation *explanation)
{
    struct explainer e = {.input = input, .out = explanation, .hmac = gw_hmac_new()};
    enum gw_reason reason = GW_REASON_NONE;

    *explanation = (struct gw_explanation){.count = 0};
    if (!e.hmac)
        return -ENOMEM;
    read_head(&e);
    for (size_t i = 0; i < GW_COUNT(checks) && reason == GW_REASON_NONE; i++)
        if (!checks[i].of_head || !input->body_alone)
            reason = checks[i].check(&e);
    say_answer(&e, reason);
    gw_arena_deinit(&e.arena);
    gw_hmac_free(e.hmac);
    return e.out_of_memory ? -ENOMEM : 0;
}
