/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/endpoint.h"
#include "gw/record.h"
#include "gw/time.h"

#include <stdlib.h>

/*
 * A body with the right signature through the whole pure core: verify, scan, route, and the write
 * applied to a record. Whatever the body is, a write that comes of it can be stored.
 */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1795435200000)

static struct gw_endpoint *endpoint;
static struct gw_hmac *hmac;

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct gw_endpoint_options options = {.path = "/webhook",
                                          .header = "X-Genesys-Signature",
                                          .routes = gw_routes_builtin,
                                          .route_count = gw_routes_builtin_count};

    (void)argc, (void)argv;
    hmac = gw_hmac_new();
    check(hmac && gw_endpoint_new(&options, &endpoint) == 0 &&
          gw_keyring_add(&endpoint->keyring, GW_STR("key")) == 0);
    return 0;
}

/* The bytes of the character at @at (RFC 3629), or 0. */
static size_t utf8_length(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t min, max;
    } forms[] = {{0x80, 0x00, 0, 0x7f},
                 {0xe0, 0xc0, 0x80, 0x7ff},
                 {0xf0, 0xe0, 0x800, 0xffff},
                 {0xf8, 0xf0, 0x10000, 0x10ffff}};
    size_t length = 0;

    while (length < GW_COUNT(forms) && (at[0] & forms[length].mask) != forms[length].lead)
        length++;
    if (length == GW_COUNT(forms) || length >= left)
        return 0;
    uint32_t code = at[0] & (uint8_t)~forms[length].mask;

    for (size_t i = 1; i <= length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;

    return code >= forms[length].min && code <= forms[length].max && !surrogate ? length + 1 : 0;
}

static void check_utf8(struct gw_str text)
{
    for (size_t at = 0, length; at < text.len; at += length) {
        length = utf8_length((const uint8_t *)text.data + at, text.len - at);
        check(length > 0);
    }
}

static bool is_put(const struct gw_write *write)
{
    return write->action == GW_ACTION_PUT;
}

static void check_fields(const struct gw_write *write)
{
    for (enum gw_field i = 0; i < GW_FIELD_COUNT; i++) {
        check((write->fields[i].data != NULL) == (is_put(write) || !gw_field_is_snapshot(i)));
        check_utf8(write->fields[i]);
    }
    check(write->fields[GW_FIELD_STATUS].len > 0);
}

static void check_write(const struct gw_write *write, struct gw_str body)
{
    check(write->conversation_id.len >= 1 && write->conversation_id.len <= GW_CONVERSATION_ID_MAX);
    check_utf8(write->conversation_id);
    check_fields(write);
    check(write->order >= gw_write_order(GW_TIME_MIN_MS, 0) &&
          write->order < gw_write_order(GW_TIME_MAX_MS + 1, 0));
    check((write->order % 2 == 0) == is_put(write));
    check(write->payload.data == body.data && write->payload.len == body.len);
    check_utf8(body);
    check(!memchr(body.data, '\n', body.len) && !memchr(body.data, '\r', body.len));
}

static void check_record(const struct gw_write *write)
{
    struct gw_record record;
    unsigned expected =
        is_put(write) ? GW_APPLIED_STATE | GW_APPLIED_SNAPSHOT : (unsigned)GW_APPLIED_STATE;

    gw_record_init(&record);
    check(gw_record_apply(&record, write) == expected);
    check(gw_record_apply(&record, write) == GW_APPLIED_SUPERSEDED);
}

static void check_judgement(const struct gw_judgement *judgement, struct gw_str body)
{
    bool refused =
        judgement->verdict == GW_VERDICT_REJECTED || judgement->verdict == GW_VERDICT_NOT_JSON;

    check(judgement->verified && judgement->verdict != GW_VERDICT_UNAUTHORIZED &&
          judgement->verdict != GW_VERDICT_NO_MEMORY);
    check((judgement->reason != NULL) == refused);
    if (judgement->verdict != GW_VERDICT_STORE)
        return;
    check_write(&judgement->write, body);
    check_record(&judgement->write);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *body = malloc(size + 1), signature[GW_SIGNATURE_TEXT_SIZE];
    uint8_t digest[GW_SIGNATURE_DIGEST];
    struct gw_arena arena = {0};
    struct gw_judgement judgement;
    struct gw_str text = {body, size};

    check(body);
    if (size)
        memcpy(body, data, size);
    body[size] = '\n'; /* to see that nothing behind the body is changed */
    check(gw_hmac_compute(hmac, endpoint->keyring.keys[0], text, digest) == 0);
    gw_signature_encode(&endpoint->scheme, digest, signature);
    gw_endpoint_judge(endpoint, hmac, gw_str(signature), body, size, NOW, &arena, &judgement);
    check_judgement(&judgement, text);
    check(body[size] == '\n');
    gw_arena_deinit(&arena);
    free(body);
    return 0;
}
