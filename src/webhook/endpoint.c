/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/endpoint.h"

#include <errno.h>
#include <stdlib.h>

/*
 * The stages of a body in their order; each either comes to a verdict or lets the next one begin.
 * The body is put on one line between scan and route and not before: only then is it known that
 * no line break lies within a string, where it would be an error that must not be mended.
 */

static int endpoint_init(struct gw_endpoint *endpoint, const struct gw_endpoint_options *options)
{
    endpoint->path = strdup(options->path);
    endpoint->scheme.header = strdup(options->header);
    endpoint->scheme.prefix = gw_str(strdup(options->prefix ? options->prefix : ""));
    endpoint->scheme.encoding = options->encoding;
    if (!endpoint->path || !endpoint->scheme.header || !endpoint->scheme.prefix.data)
        return -ENOMEM;
    return gw_route_table_init(&endpoint->routes, options->routes, options->route_count);
}

int gw_endpoint_new(const struct gw_endpoint_options *options, struct gw_endpoint **endpoint)
{
    struct gw_endpoint *made = calloc(1, sizeof *made);

    if (!made)
        return -ENOMEM;
    int r = endpoint_init(made, options);

    if (r != 0) {
        gw_endpoint_free(made);
        return r;
    }
    *endpoint = made;
    return 0;
}

struct gw_endpoint *gw_endpoint_free(struct gw_endpoint *endpoint)
{
    if (endpoint) {
        gw_keyring_deinit(&endpoint->keyring);
        free((void *)endpoint->scheme.prefix.data);
        free((void *)endpoint->scheme.header);
        free(endpoint->path);
        free(endpoint);
    }
    return NULL;
}

/* @return false, as no stage follows a verdict. */
static bool conclude(struct gw_judgement *judgement, enum gw_verdict verdict, const char *reason)
{
    judgement->verdict = verdict;
    judgement->reason = reason;
    return false;
}

static bool run_out(struct gw_judgement *judgement)
{
    return conclude(judgement, GW_VERDICT_NO_MEMORY, "there is no memory for it");
}

static bool verify(const struct gw_endpoint *endpoint, struct gw_hmac *hmac,
                   struct gw_str signature, struct gw_str body, struct gw_judgement *judgement)
{
    static const char *const reasons[] = {
        [GW_SIGNATURE_MISSING] = "the signature is missing",
        [GW_SIGNATURE_MALFORMED] = "the signature has the wrong prefix, length or characters",
        [GW_SIGNATURE_MISMATCH] = "the signature was made with none of the secrets",
    };
    int r = gw_signature_verify(&endpoint->scheme, &endpoint->keyring, hmac, signature, body,
                                &judgement->secret);

    judgement->signature = r;
    if (r < 0)
        return run_out(judgement);
    if (r > 0)
        return conclude(judgement, GW_VERDICT_UNAUTHORIZED, reasons[r]);
    judgement->verified = true;
    return true;
}

static bool scan(const struct gw_endpoint *endpoint, struct gw_str body,
                 struct gw_judgement *judgement)
{
    int r = gw_scan(&endpoint->routes.plan, body, &judgement->scan);

    if (r < 0)
        return run_out(judgement);
    return r == 0 || conclude(judgement, GW_VERDICT_NOT_JSON, "the body is not JSON");
}

static void route(const struct gw_endpoint *endpoint, struct gw_str body, int64_t received_at_ms,
                  struct gw_arena *arena, struct gw_judgement *judgement)
{
    int r = gw_route_write(&endpoint->routes, &judgement->scan, body, received_at_ms, arena,
                           &judgement->write, &judgement->notes);

    if (r == 0)
        conclude(judgement, GW_VERDICT_STORE, NULL);
    else if (r == GW_ROUTE_SKIPPED)
        conclude(judgement, GW_VERDICT_SKIPPED, NULL);
    else if (r == GW_ROUTE_NULL)
        conclude(judgement, GW_VERDICT_REJECTED, "the body is a bare null");
    else if (r == GW_ROUTE_REFUSED)
        conclude(judgement, GW_VERDICT_REJECTED, judgement->notes.reason);
    else
        run_out(judgement);
}

void gw_endpoint_judge(const struct gw_endpoint *endpoint, struct gw_hmac *hmac,
                       struct gw_str signature, char *body, size_t len, int64_t received_at_ms,
                       struct gw_arena *arena, struct gw_judgement *judgement)
{
    struct gw_str text = {body, len};

    *judgement = (struct gw_judgement){.event_id_slot = endpoint->routes.conversation_id_slot};
    if (!verify(endpoint, hmac, signature, text, judgement) || !scan(endpoint, text, judgement))
        return;
    gw_payload_to_one_line(body, len);
    route(endpoint, text, received_at_ms, arena, judgement);
}

enum gw_reason gw_judgement_reason(const struct gw_judgement *judgement)
{
    static const enum gw_reason verdicts[] = {
        [GW_VERDICT_STORE] = GW_REASON_NONE,
        [GW_VERDICT_SKIPPED] = GW_REASON_NONE,
        [GW_VERDICT_NOT_JSON] = GW_REASON_INVALID_JSON,
        [GW_VERDICT_REJECTED] = GW_REASON_UNSTORABLE_EVENT,
        [GW_VERDICT_NO_MEMORY] = GW_REASON_NO_MEMORY,
    };
    static const enum gw_reason signatures[] = {
        [GW_SIGNATURE_MISSING] = GW_REASON_NO_SIGNATURE,
        [GW_SIGNATURE_MALFORMED] = GW_REASON_MALFORMED_SIGNATURE,
        [GW_SIGNATURE_MISMATCH] = GW_REASON_WRONG_SIGNATURE,
    };

    return judgement->verdict == GW_VERDICT_UNAUTHORIZED ? signatures[judgement->signature]
                                                         : verdicts[judgement->verdict];
}
