/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_ENDPOINT_H
#define GW_ENDPOINT_H

/*
 * A path with its signature scheme, secrets and routes: all that decides about a body. There is one
 * now and there will be several; nothing of it is global. Immutable once made, so every worker
 * reads the same one. Pure.
 */

#include "gw/route.h"
#include "gw/signature.h"

struct gw_endpoint {
    char *path;
    struct gw_signature_scheme scheme; /* its strings are owned here */
    struct gw_keyring keyring;
    struct gw_route_table routes;
};

struct gw_endpoint_options {
    const char *path;
    const char *header;
    enum gw_signature_encoding encoding;
    const char *prefix;            /* NULL: none */
    const struct gw_route *routes; /* borrowed for the endpoint's life */
    size_t route_count;
};

/* Copies the strings. Secrets are added to ->keyring by the caller, before the endpoint is shared.
 * @return 0, -ENOMEM, or what gw_route_table_init said. */
int gw_endpoint_new(const struct gw_endpoint_options *options,
                    struct gw_endpoint **endpoint) GW_MUST_CHECK;
struct gw_endpoint *gw_endpoint_free(struct gw_endpoint *endpoint);

/* What is to be answered, and what is counted, for one body. */
enum gw_verdict {
    GW_VERDICT_STORE,        /* *write is to be stored */
    GW_VERDICT_UNAUTHORIZED, /* 401 */
    GW_VERDICT_NOT_JSON,     /* 400, rejected */
    GW_VERDICT_SKIPPED,      /* 200, skipped */
    GW_VERDICT_REJECTED,     /* 500, rejected: no record can be made of it */
    GW_VERDICT_NO_MEMORY     /* 500, failed; where it was verified already */
};

struct gw_judgement {
    enum gw_verdict verdict;
    bool verified;               /* the signature was right, whatever came after */
    size_t secret;               /* which one matched, where verified */
    int signature;               /* what gw_signature_verify said */
    const char *reason;          /* static text for log and tests, where refused */
    struct gw_scan_result scan;  /* where verified */
    struct gw_route_notes notes; /* where scanned */
    size_t event_id_slot;        /* of conversation_id in scan.values */
    struct gw_write write;       /* of GW_VERDICT_STORE */
};

/**
 * The pure core, whole: verify, scan, route. Nothing of the body is looked at before the signature
 * is found right.
 * @param signature  the header's value; absent where there was none
 * @param body       changed in place: line breaks become blanks once it is found to be JSON
 * @param arena      owns what was decoded; it and @body outlive the judgement
 */
void gw_endpoint_judge(const struct gw_endpoint *endpoint, struct gw_hmac *hmac,
                       struct gw_str signature, char *body, size_t len, int64_t received_at_ms,
                       struct gw_arena *arena, struct gw_judgement *judgement);

/* What a judgement is refused for; GW_REASON_NONE: it is not. */
enum gw_reason gw_judgement_reason(const struct gw_judgement *judgement);

#endif
