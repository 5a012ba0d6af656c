/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCANNER_H
#define GW_SCANNER_H

/*
 * One strict pass over JSON text (RFC 8259): a verdict, and where the wanted members lie. No tree,
 * no recursion; nesting is bounded only by the text. Pure.
 *
 * It accepts exactly what ECMAScript's JSON.parse accepts of well-formed UTF-8. Invalid UTF-8
 * (RFC 3629: overlong forms, surrogates, beyond U+10FFFF) and a byte order mark are refused.
 */

#include "gw/base.h"

#define GW_SCAN_SLOTS 24 /* values that a plan may ask for */
#define GW_SCAN_NODES 48 /* names on the way to them */
#define GW_SCAN_DEPTH 8  /* names in one path */

enum gw_json_type {
    GW_JSON_ABSENT,
    GW_JSON_NULL,
    GW_JSON_FALSE,
    GW_JSON_TRUE,
    GW_JSON_NUMBER,
    GW_JSON_STRING,
    GW_JSON_ARRAY,
    GW_JSON_OBJECT
};

/* A value as it stands in the text: strings with their quotes, containers whole. */
struct gw_json_value {
    enum gw_json_type type;
    bool escaped; /* a string that holds a backslash */
    struct gw_str text;
};

/* Which members are wanted: a tree of names. Built once, then only read. */
struct gw_scan_plan {
    struct gw_scan_node {
        struct gw_str name;           /* borrowed */
        uint8_t first_child, sibling; /* 0: none, as node 0 is the root */
        int8_t slot;                  /* -1: only on the way to others */
        uint32_t slots_below;         /* a bit a slot: what another value of this name hides */
    } nodes[GW_SCAN_NODES];
    size_t node_count;
    size_t slot_count;
};

/* An empty plan: only the verdict and the root's type. */
void gw_scan_plan_init(struct gw_scan_plan *plan);

/**
 * Asks for the member at @path, names parted by dots ("external_contact.id"). The same path asked
 * for twice has one slot.
 * @param path  borrowed for the life of the plan
 * @return 0; -ENOSPC when the plan is full or the path too deep; -EINVAL for an empty name.
 */
int gw_scan_plan_add(struct gw_scan_plan *plan, struct gw_str path, size_t *slot) GW_MUST_CHECK;

enum gw_scan_error { GW_SCAN_INVALID = 1 };

struct gw_scan_result {
    struct gw_json_value root;
    struct gw_json_value values[GW_SCAN_SLOTS]; /* by slot; of repeated names the last counts */
    size_t error_offset;                        /* of the first byte that cannot stand there */
};

/**
 * Scans @text, which is borrowed by the result. Of repeated names the last one counts at every
 * level, as in JSON.parse, also when it is of another type and so hides what an earlier one held.
 * Names written with escapes are found.
 * @return 0; GW_SCAN_INVALID with error_offset set; -ENOMEM when nesting needs memory that is not
 *         there (one bit a level, from 512 levels on).
 */
int gw_scan(const struct gw_scan_plan *plan, struct gw_str text,
            struct gw_scan_result *result) GW_MUST_CHECK;

#endif
