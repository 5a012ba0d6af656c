/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/scanner.h"

#include "gw/json_string.h"

#include <errno.h>
#include <stdlib.h>

/*
 * A loop over the elements of whatever container is innermost, so nesting costs no C stack: of an
 * open container only one bit is kept, object or array. Besides, the containers that lie on the way
 * to wanted members are kept with the node of the plan that they answer to. Those are always the
 * outermost ones of the open containers, `tracked` many; names are compared with the plan only
 * where the innermost container is one of them, and all else is merely checked.
 *
 * `at` never passes a byte that is not yet known to be right, so where a scan fails it is the
 * error's offset.
 */

#define FEW_LEVELS 512

_Static_assert(GW_SCAN_SLOTS <= 32, "slots_below has a bit for each");

struct scanner {
    const uint8_t *at, *end;
    const struct gw_scan_plan *plan;
    struct gw_scan_result *result;
    const struct gw_scan_node *wanted; /* what the next value answers to, or NULL */
    bool first;                        /* nothing yet stands in the innermost container */

    size_t tracked;
    struct {
        const struct gw_scan_node *node;
        const uint8_t *start;
    } track[GW_SCAN_DEPTH + 1]; /* the root's too */

    size_t depth, depth_max;
    uint64_t *kinds; /* a bit a level, set for objects: few, or many where that is not NULL */
    uint64_t *many;
    uint64_t few[FEW_LEVELS / 64];
};

void gw_scan_plan_init(struct gw_scan_plan *plan)
{
    plan->nodes[0] = (struct gw_scan_node){.slot = -1};
    plan->node_count = 1;
    plan->slot_count = 0;
}

/* @param written  whether @name is as the text has it, with escapes */
static const struct gw_scan_node *find_child(const struct gw_scan_plan *plan,
                                             const struct gw_scan_node *parent, struct gw_str name,
                                             bool written)
{
    const struct gw_scan_node *node;

    for (uint8_t i = parent->first_child; i != 0; i = node->sibling) {
        node = &plan->nodes[i];
        if (written ? gw_json_string_equals(name, node->name) : gw_str_equal(name, node->name))
            return node;
    }
    return NULL;
}

static size_t add_child(struct gw_scan_plan *plan, size_t parent, struct gw_str name)
{
    size_t added = plan->node_count++;

    plan->nodes[added] =
        (struct gw_scan_node){.name = name, .sibling = plan->nodes[parent].first_child, .slot = -1};
    plan->nodes[parent].first_child = (uint8_t)added;
    return added;
}

/* Takes the first name off @path. @return whether more follow. */
static bool take_name(struct gw_str *path, struct gw_str *name)
{
    const char *dot = path->len ? memchr(path->data, '.', path->len) : NULL;

    *name = (struct gw_str){path->data, dot ? (size_t)(dot - path->data) : path->len};
    if (dot)
        *path = (struct gw_str){dot + 1, path->len - name->len - 1};
    return dot;
}

static int split_path(struct gw_str path, struct gw_str names[static GW_SCAN_DEPTH], size_t *count)
{
    bool more = true;

    for (*count = 0; more; ++*count) {
        if (*count == GW_SCAN_DEPTH)
            return -ENOSPC;
        more = take_name(&path, &names[*count]);
        if (names[*count].len == 0)
            return -EINVAL;
    }
    return 0;
}

/* Tells every node on the way to @names, which is in the plan, that @slot lies below it. */
static void mark_path(struct gw_scan_plan *plan, const struct gw_str *names, size_t count,
                      size_t slot)
{
    const struct gw_scan_node *node = plan->nodes;

    for (size_t i = 0; i < count; i++) {
        plan->nodes[node - plan->nodes].slots_below |= UINT32_C(1) << slot;
        node = find_child(plan, node, names[i], false);
    }
}

int gw_scan_plan_add(struct gw_scan_plan *plan, struct gw_str path, size_t *slot)
{
    struct gw_str names[GW_SCAN_DEPTH];
    const struct gw_scan_node *known;
    size_t count, i = 0, node = 0;
    int r = split_path(path, names, &count);

    if (r)
        return r;
    for (; i < count && (known = find_child(plan, &plan->nodes[node], names[i], false)); i++)
        node = (size_t)(known - plan->nodes);
    if (i < count || plan->nodes[node].slot < 0) {
        if (plan->slot_count == GW_SCAN_SLOTS || count - i > GW_SCAN_NODES - plan->node_count)
            return -ENOSPC;
        for (; i < count; i++)
            node = add_child(plan, node, names[i]);
        plan->nodes[node].slot = (int8_t)plan->slot_count;
        mark_path(plan, names, count, plan->slot_count++);
    }
    *slot = (size_t)plan->nodes[node].slot;
    return 0;
}

/* @return 0 at the end, which like a NUL can stand nowhere outside of strings. */
static uint8_t peek(const struct scanner *s)
{
    return s->at < s->end ? *s->at : 0;
}

static uint8_t skip_space(struct scanner *s)
{
    static const bool space[256] = {[' '] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true};
    const uint8_t *at = s->at;

    while (at < s->end && space[*at])
        at++;
    s->at = at;
    return peek(s);
}

/* @return whether there was one. */
static bool skip_digits(struct scanner *s)
{
    const uint8_t *start = s->at, *at = start;

    while (at < s->end && *at >= '0' && *at <= '9')
        at++;
    s->at = at;
    return at > start;
}

static bool scan_integer(struct scanner *s)
{
    if (peek(s) == '-')
        s->at++;
    if (peek(s) != '0')
        return skip_digits(s);
    s->at++;
    return true;
}

static bool scan_fraction(struct scanner *s)
{
    if (peek(s) != '.')
        return true;
    s->at++;
    return skip_digits(s);
}

static bool scan_exponent(struct scanner *s)
{
    if (peek(s) != 'e' && peek(s) != 'E')
        return true;
    s->at++;
    if (peek(s) == '+' || peek(s) == '-')
        s->at++;
    return skip_digits(s);
}

static bool scan_literal(struct scanner *s, const char *word)
{
    for (; *word; word++, s->at++) {
        if (peek(s) != (uint8_t)*word)
            return false;
    }
    return true;
}

/* @return false for what is no scalar, too. */
static bool scan_scalar(struct scanner *s, enum gw_json_type type, bool *escaped)
{
    switch (type) {
    case GW_JSON_STRING:
        return gw_json_string_scan(&s->at, s->end, escaped);
    case GW_JSON_NUMBER:
        return scan_integer(s) && scan_fraction(s) && scan_exponent(s);
    case GW_JSON_TRUE:
        return scan_literal(s, "true");
    case GW_JSON_FALSE:
        return scan_literal(s, "false");
    case GW_JSON_NULL:
        return scan_literal(s, "null");
    default:
        return false;
    }
}

static void keep(struct scanner *s, const struct gw_scan_node *node, enum gw_json_type type,
                 bool escaped, const uint8_t *start)
{
    struct gw_json_value value = {type, escaped, {(const char *)start, (size_t)(s->at - start)}};

    if (node == s->plan->nodes)
        s->result->root = value;
    else if (node->slot >= 0)
        s->result->values[node->slot] = value;
}

/* A name that comes again hides all that was found below its earlier value. */
static void forget_below(struct scanner *s, const struct gw_scan_node *node)
{
    for (uint32_t slots = node->slots_below; slots != 0; slots &= slots - 1)
        s->result->values[__builtin_ctz(slots)] = (struct gw_json_value){.type = GW_JSON_ABSENT};
}

static int grow_kinds(struct scanner *s)
{
    uint64_t *larger = realloc(s->many, s->depth_max / 8 * 2);

    if (!larger)
        return -ENOMEM;
    if (!s->many)
        memcpy(larger, s->few, sizeof(s->few));
    s->many = s->kinds = larger;
    s->depth_max *= 2;
    return 0;
}

static bool in_object(const struct scanner *s)
{
    return s->kinds[(s->depth - 1) / 64] >> (s->depth - 1) % 64 & 1;
}

static int open_container(struct scanner *s, const struct gw_scan_node *node, bool object)
{
    uint64_t bit = UINT64_C(1) << s->depth % 64, *word;
    int r = s->depth == s->depth_max ? grow_kinds(s) : 0;

    if (r)
        return r;
    if (node) {
        s->track[s->tracked].node = node;
        s->track[s->tracked++].start = s->at;
    }
    word = &s->kinds[s->depth++ / 64];
    *word = object ? *word | bit : *word & ~bit;
    s->first = true;
    s->at++;
    return 0;
}

static void close_container(struct scanner *s, bool object)
{
    s->at++;
    s->first = false;
    if (s->tracked == s->depth) {
        s->tracked--;
        keep(s, s->track[s->tracked].node, object ? GW_JSON_OBJECT : GW_JSON_ARRAY, false,
             s->track[s->tracked].start);
    }
    s->depth--;
}

/* Passes a whole scalar, but of a container only the bracket that opens it. */
static int scan_value(struct scanner *s)
{
    static const uint8_t types[256] = {
        ['"'] = GW_JSON_STRING, ['{'] = GW_JSON_OBJECT,         ['['] = GW_JSON_ARRAY,
        ['t'] = GW_JSON_TRUE,   ['f'] = GW_JSON_FALSE,          ['n'] = GW_JSON_NULL,
        ['-'] = GW_JSON_NUMBER, ['0' ... '9'] = GW_JSON_NUMBER,
    };
    enum gw_json_type type = types[skip_space(s)];
    const struct gw_scan_node *node = s->wanted;
    const uint8_t *start = s->at;
    bool escaped = false;

    s->wanted = NULL;
    if (node)
        forget_below(s, node);
    if (type == GW_JSON_OBJECT || type == GW_JSON_ARRAY)
        return open_container(s, node, type == GW_JSON_OBJECT);
    if (!scan_scalar(s, type, &escaped))
        return GW_SCAN_INVALID;
    s->first = false;
    if (node)
        keep(s, node, type, escaped, start);
    return 0;
}

static int scan_member(struct scanner *s)
{
    const uint8_t *start = s->at + 1;
    bool escaped;

    if (peek(s) != '"' || !gw_json_string_scan(&s->at, s->end, &escaped))
        return GW_SCAN_INVALID;
    if (s->tracked == s->depth) {
        struct gw_str name = {(const char *)start, (size_t)(s->at - 1 - start)};

        s->wanted = find_child(s->plan, s->track[s->tracked - 1].node, name, escaped);
    }
    if (skip_space(s) != ':')
        return GW_SCAN_INVALID;
    s->at++;
    return scan_value(s);
}

/* Passes one element of the innermost container with the comma before it, or closes it. */
static int scan_element(struct scanner *s)
{
    bool object = in_object(s);
    uint8_t next = skip_space(s);

    if (next == (object ? '}' : ']')) {
        close_container(s, object);
        return 0;
    }
    if (!s->first) {
        if (next != ',')
            return GW_SCAN_INVALID;
        s->at++;
        skip_space(s);
    }
    return object ? scan_member(s) : scan_value(s);
}

static int scan_text(struct scanner *s)
{
    int r = scan_value(s);

    while (r == 0 && s->depth > 0)
        r = scan_element(s);
    if (r)
        return r;
    skip_space(s);
    return s->at == s->end ? 0 : GW_SCAN_INVALID;
}

int gw_scan(const struct gw_scan_plan *plan, struct gw_str text, struct gw_scan_result *result)
{
    const uint8_t *start = (const uint8_t *)(text.data ? text.data : "");
    struct scanner s = {.at = start,
                        .end = start + text.len,
                        .plan = plan,
                        .result = result,
                        .wanted = plan->nodes,
                        .depth_max = FEW_LEVELS};
    int r;

    s.kinds = s.few;
    *result = (struct gw_scan_result){.root.type = GW_JSON_ABSENT};
    r = scan_text(&s);
    free(s.many);
    if (r)
        *result = (struct gw_scan_result){.error_offset = (size_t)(s.at - start)};
    return r;
}
