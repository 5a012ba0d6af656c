/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/record.h"

#include "gw/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define T0 "2026-11-23T12:00:00Z"
#define T0_ALIAS "2026-11-23T13:00:00+01:00"
#define T1 "2026-11-23T12:00:01Z"
#define T1_ALIAS "2026-11-23T12:00:01.000Z"
#define T2 "2026-11-23T12:00:02Z"
#define T3 "2026-11-23T12:00:03Z"

static int64_t order_of(const char *timestamp, int rank)
{
    int64_t time_ms = 0;

    if (gw_time_parse(gw_str(timestamp), &time_ms) != 0)
        time_ms = 0;
    return gw_write_order(time_ms, rank);
}

/* The payload decides a put's other attributes, as a route's do: here they are made from it. */
static struct gw_write put(const char *timestamp, int rank, const char *payload)
{
    return (struct gw_write){
        .action = GW_ACTION_PUT,
        .order = order_of(timestamp, rank),
        .conversation_id = GW_STR("c"),
        .fields = {[GW_FIELD_TYPE] = gw_str(payload),
                   [GW_FIELD_STATUS] = gw_str(rank == GW_RANK_ENDED ? "ended" : "active"),
                   [GW_FIELD_TIMESTAMP] = gw_str(timestamp),
                   [GW_FIELD_EXTERNAL_CONTACT_ID] = gw_str(payload)},
        .payload = gw_str(payload),
    };
}

static struct gw_write update(const char *timestamp, const char *status)
{
    return (struct gw_write){
        .action = GW_ACTION_UPDATE,
        .order = order_of(timestamp, GW_RANK_UPDATED),
        .conversation_id = GW_STR("c"),
        .fields = {[GW_FIELD_STATUS] = gw_str(status), [GW_FIELD_TIMESTAMP] = gw_str(timestamp)},
        .payload = GW_STR("an update's"),
    };
}

static struct gw_record legacy(const char *timestamp, const char *status, const char *payload)
{
    struct gw_record record;

    gw_record_init(&record);
    record.exists = true;
    record.conversation_id = GW_STR("c");
    record.fields[GW_FIELD_STATUS] = gw_str(status);
    record.fields[GW_FIELD_TIMESTAMP] = gw_str(timestamp);
    record.fields[GW_FIELD_TYPE] = gw_str(payload);
    record.payload = gw_str(payload);
    return record;
}

static bool same(struct gw_str a, struct gw_str b)
{
    return !a.data == !b.data && gw_str_equal(a, b);
}

static bool record_equal(const struct gw_record *a, const struct gw_record *b)
{
    bool equal = a->exists == b->exists && same(a->conversation_id, b->conversation_id) &&
                 same(a->payload, b->payload) && a->event_order == b->event_order &&
                 a->snapshot_order == b->snapshot_order;

    for (int i = 0; i < GW_FIELD_COUNT; i++)
        equal = equal && same(a->fields[i], b->fields[i]);
    return equal;
}

static void print(const char *name, const struct gw_record *record)
{
    print_message("%s: event %lld, snapshot %lld, payload %s", name, (long long)record->event_order,
                  (long long)record->snapshot_order,
                  record->payload.data ? record->payload.data : "-");
    for (enum gw_field i = 0; i < GW_FIELD_COUNT; i++)
        print_message(", %s %s", gw_field_name(i),
                      record->fields[i].data ? record->fields[i].data : "-");
    print_message("\n");
}

/* A store that keeps exactly what record.h says it must write for each bit. */
static unsigned store(struct gw_record *stored, const struct gw_write *write)
{
    struct gw_record record = *stored;
    unsigned applied = gw_record_apply(&record, write);

    if (applied == GW_APPLIED_SUPERSEDED) {
        assert_true(record_equal(&record, stored));
        return applied;
    }
    stored->exists = true;
    stored->conversation_id = write->conversation_id;
    stored->event_order = record.event_order;
    stored->snapshot_order = record.snapshot_order;
    for (enum gw_field i = 0; i < GW_FIELD_COUNT; i++) {
        if (applied & (gw_field_is_snapshot(i) ? GW_APPLIED_SNAPSHOT : GW_APPLIED_STATE))
            stored->fields[i] = write->fields[i];
    }
    if (applied & GW_APPLIED_SNAPSHOT)
        stored->payload = write->payload;
    if (!record_equal(stored, &record)) {
        print("stored", stored);
        print("record", &record);
        fail_msg("the bits %u do not say what has changed", applied);
    }
    return applied;
}

#define BOTH (GW_APPLIED_STATE | GW_APPLIED_SNAPSHOT)

struct expectation {
    const char *status, *timestamp, *payload; /* payload: type and externalContactId too */
    int64_t event_order, snapshot_order;
};

static void check_record(const char *name, const struct gw_record *record,
                         const struct expectation *expected)
{
    struct gw_record wanted = {
        .exists = true,
        .conversation_id = GW_STR("c"),
        .fields = {gw_str(expected->payload), gw_str(expected->status), gw_str(expected->timestamp),
                   gw_str(expected->payload)},
        .payload = gw_str(expected->payload),
        .event_order = expected->event_order,
        .snapshot_order = expected->snapshot_order,
    };

    if (record_equal(record, &wanted))
        return;
    print("record", record);
    print("wanted", &wanted);
    fail_msg("%s", name);
}

static void test_each_write_applies_as_the_rule_says(void **state)
{
    const int64_t created0 = order_of(T0, GW_RANK_CREATED), created1 = order_of(T1, 4),
                  created2 = order_of(T2, 4), updated1 = order_of(T1, 5),
                  updated2 = order_of(T2, 5), ended2 = order_of(T2, 8);
    const struct {
        const char *name;
        struct gw_write writes[3]; /* the last one's bits are looked at; of no id: none */
        unsigned applied;
        struct expectation expected;
    } cases[] = {
        {"a first put", {put(T1, 4, "a")}, BOTH, {"active", T1, "a", created1, created1}},
        {"a first update",
         {update(T1, "held")},
         GW_APPLIED_STATE,
         {"held", T1, NULL, updated1, GW_ORDER_NONE}},
        {"a newer put replaces",
         {put(T1, 4, "b"), put(T2, 8, "a")},
         BOTH,
         {"ended", T2, "a", ended2, ended2}},
        {"a newer update leaves the snapshot",
         {put(T1, 4, "a"), update(T2, "held")},
         GW_APPLIED_STATE,
         {"held", T2, "a", updated2, created1}},
        {"an update of the millisecond of its creation is the newer one",
         {put(T1, 4, "a"), update(T1, "held")},
         GW_APPLIED_STATE,
         {"held", T1, "a", updated1, created1}},
        {"an end of the millisecond of its update is the newer one",
         {update(T2, "held"), put(T2, 8, "a")},
         BOTH,
         {"ended", T2, "a", ended2, ended2}},
        {"an older update is superseded",
         {put(T2, 4, "a"), update(T1, "held")},
         GW_APPLIED_SUPERSEDED,
         {"active", T2, "a", created2, created2}},
        {"an older put is superseded",
         {put(T2, 4, "a"), put(T1, 4, "b")},
         GW_APPLIED_SUPERSEDED,
         {"active", T2, "a", created2, created2}},
        {"a put older than the state fills a snapshot that is absent",
         {update(T2, "held"), put(T1, 4, "a")},
         GW_APPLIED_SNAPSHOT,
         {"held", T2, "a", updated2, created1}},
        {"a put older than the state replaces an older snapshot",
         {put(T0, 4, "b"), update(T2, "held"), put(T1, 4, "a")},
         GW_APPLIED_SNAPSHOT,
         {"held", T2, "a", updated2, created1}},
        {"a put older than the snapshot is superseded",
         {put(T1, 4, "a"), update(T2, "held"), put(T0, 4, "b")},
         GW_APPLIED_SUPERSEDED,
         {"held", T2, "a", updated2, created1}},
        {"a put again is superseded",
         {put(T1, 4, "a"), put(T1, 4, "a")},
         GW_APPLIED_SUPERSEDED,
         {"active", T1, "a", created1, created1}},
        {"of puts of one order the greater payload wins",
         {put(T1, 4, "a"), put(T1, 4, "b")},
         BOTH,
         {"active", T1, "b", created1, created1}},
        {"of puts of one order the smaller payload loses",
         {put(T1, 4, "b"), put(T1, 4, "a")},
         GW_APPLIED_SUPERSEDED,
         {"active", T1, "b", created1, created1}},
        {"a payload is greater than what it begins with",
         {put(T1, 4, "a"), put(T1, 4, "aa")},
         BOTH,
         {"active", T1, "aa", created1, created1}},
        {"payloads are compared as bytes without a sign",
         {put(T1, 4, "z"), put(T1, 4, "\xc3\xa9")},
         BOTH,
         {"active", T1, "\xc3\xa9", created1, created1}},
        {"a put of the snapshot's order that is older than the state changes the snapshot alone",
         {put(T1, 4, "a"), update(T2, "held"), put(T1, 4, "b")},
         GW_APPLIED_SNAPSHOT,
         {"held", T2, "b", updated2, created1}},
        {"and loses with the smaller payload",
         {put(T1, 4, "b"), update(T2, "held"), put(T1, 4, "a")},
         GW_APPLIED_SUPERSEDED,
         {"held", T2, "b", updated2, created1}},
        {"an update again is superseded",
         {put(T0, 4, "a"), update(T1, "held"), update(T1, "held")},
         GW_APPLIED_SUPERSEDED,
         {"held", T1, "a", updated1, created0}},
        {"of updates of one order the greater status wins",
         {put(T0, 4, "a"), update(T1, "held"), update(T1, "idle")},
         GW_APPLIED_STATE,
         {"idle", T1, "a", updated1, created0}},
        {"of updates of one order the smaller status loses",
         {put(T0, 4, "a"), update(T1, "idle"), update(T1, "held")},
         GW_APPLIED_SUPERSEDED,
         {"idle", T1, "a", updated1, created0}},
        {"of updates of one status the greater timestamp wins",
         {put("1", 4, "a"), update(T0, "held"), update(T0_ALIAS, "held")},
         GW_APPLIED_STATE,
         {"held", T0_ALIAS, "a", order_of(T0, 5), order_of("1", 4)}},
        {"the status counts before the timestamp",
         {put("1", 4, "a"), update(T0, "idle"), update(T0_ALIAS, "held")},
         GW_APPLIED_SUPERSEDED,
         {"idle", T0, "a", order_of(T0, 5), order_of("1", 4)}},
        {"timestamps that do not parse are all of one order",
         {put("yesterday", 4, "a"), put("never", 4, "b")},
         BOTH,
         {"active", "never", "b", GW_RANK_CREATED, GW_RANK_CREATED}},
        {"times before 1970 are older than that",
         {put("1969-01-01", 4, "b"), put("never", 4, "a")},
         BOTH,
         {"active", "never", "a", GW_RANK_CREATED, GW_RANK_CREATED}},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_record record;
        unsigned applied = 99;

        gw_record_init(&record);
        for (size_t at = 0; at < 3 && cases[i].writes[at].conversation_id.data; at++)
            applied = store(&record, &cases[i].writes[at]);
        check_record(cases[i].name, &record, &cases[i].expected);
        if (applied != cases[i].applied)
            fail_msg("%s: %u, not %u", cases[i].name, applied, cases[i].applied);
    }
}

static void test_a_record_of_the_function_takes_its_orders_from_itself(void **state)
{
    const struct {
        const char *name;
        struct gw_record record;
        struct gw_write write;
        unsigned applied;
        int64_t event_order, snapshot_order;
    } cases[] = {
        {"an active one is as if created, before it", legacy(T1, "active", "b"), put(T0, 8, "z"),
         GW_APPLIED_SUPERSEDED, GW_ORDER_NONE, GW_ORDER_NONE},
        {"at it, smaller", legacy(T1, "active", "b"), put(T1, 4, "a"), GW_APPLIED_SUPERSEDED,
         GW_ORDER_NONE, GW_ORDER_NONE},
        {"at it, equal", legacy(T1, "active", "b"), put(T1, 4, "b"), GW_APPLIED_SUPERSEDED,
         GW_ORDER_NONE, GW_ORDER_NONE},
        {"at it, greater", legacy(T1, "active", "b"), put(T1, 4, "c"), BOTH, order_of(T1, 4),
         order_of(T1, 4)},
        {"after it", legacy(T1, "active", "b"), update(T1, "a"), GW_APPLIED_STATE, order_of(T1, 5),
         order_of(T1, 4)},
        {"an ended one is as if ended, before it", legacy(T1, "ended", "b"), update(T1, "z"),
         GW_APPLIED_SUPERSEDED, GW_ORDER_NONE, GW_ORDER_NONE},
        {"an ended one, at it", legacy(T1, "ended", "b"), put(T1, 8, "c"), BOTH, order_of(T1, 8),
         order_of(T1, 8)},
        {"an ended one, after it", legacy(T1, "ended", "b"), update(T2, "a"), GW_APPLIED_STATE,
         order_of(T2, 5), order_of(T1, 8)},
        {"any other is as if updated, its snapshot too", legacy(T1, "held", "b"), put(T1, 4, "z"),
         GW_APPLIED_SUPERSEDED, GW_ORDER_NONE, GW_ORDER_NONE},
        {"at it, a smaller status", legacy(T1, "held", "b"), update(T1, "a"), GW_APPLIED_SUPERSEDED,
         GW_ORDER_NONE, GW_ORDER_NONE},
        {"at it, a greater status", legacy(T1, "held", "b"), update(T1, "idle"), GW_APPLIED_STATE,
         order_of(T1, 5), order_of(T1, 5)},
        {"without a payload it has no snapshot", legacy(T1, "held", NULL), put(T0, 4, "a"),
         GW_APPLIED_SNAPSHOT, order_of(T1, 5), order_of(T0, 4)},
        {"without a payload any put of its order is greater", legacy(T1, "active", NULL),
         put(T1, 4, "a"), BOTH, order_of(T1, 4), order_of(T1, 4)},
        {"without a time it is of 0 ms", legacy(NULL, NULL, "b"), put("0", 4, "z"),
         GW_APPLIED_SUPERSEDED, GW_ORDER_NONE, GW_ORDER_NONE},
        {"without a time it is of 0 ms", legacy(NULL, NULL, "b"), update("0", "a"),
         GW_APPLIED_STATE, 5, 5},
        {"with a time that does not parse too", legacy("?", "ended", "b"), put("1", 4, "a"), BOTH,
         20, 20},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_record record = cases[i].record;
        unsigned applied = store(&record, &cases[i].write);

        if (applied != cases[i].applied)
            fail_msg("%s: %u, not %u", cases[i].name, applied, cases[i].applied);
        if (record.event_order != cases[i].event_order ||
            record.snapshot_order != cases[i].snapshot_order) {
            print("record", &record);
            fail_msg("%s: other orders", cases[i].name);
        }
    }
}

static void test_a_put_removes_what_it_does_not_set(void **state)
{
    struct gw_write bare = put(T2, 4, "b");
    struct gw_record record;

    (void)state;
    bare.fields[GW_FIELD_EXTERNAL_CONTACT_ID] = (struct gw_str){NULL, 0};
    gw_record_init(&record);
    store(&record, &(struct gw_write[]){put(T1, 4, "a")}[0]);
    assert_int_equal(store(&record, &bare), BOTH);
    assert_null(record.fields[GW_FIELD_EXTERNAL_CONTACT_ID].data);
}

static struct gw_record fold(const struct gw_record *start, const struct gw_write *writes,
                             const uint8_t *sequence, size_t count)
{
    struct gw_record record = *start;

    for (size_t i = 0; i < count; i++)
        store(&record, &writes[sequence[i]]);
    return record;
}

/* Every sequence of @length over @subset in which each of them occurs, against the first one's. */
static size_t check_sequences(const struct gw_record *start, const struct gw_write *writes,
                              const uint8_t *subset, size_t subset_count, size_t length)
{
    struct gw_record expected = fold(start, writes, subset, subset_count);
    size_t total = 1, checked = 0;

    for (size_t i = 0; i < length; i++)
        total *= subset_count;
    for (size_t number = 0; number < total; number++) {
        uint8_t sequence[8];
        unsigned seen = 0;
        size_t rest = number;

        for (size_t i = 0; i < length; i++, rest /= subset_count) {
            sequence[i] = subset[rest % subset_count];
            seen |= 1U << (rest % subset_count);
        }
        if (seen != (1U << subset_count) - 1)
            continue;
        struct gw_record record = fold(start, writes, sequence, length);

        if (!record_equal(&record, &expected)) {
            print("start", start);
            print("in order", &expected);
            print("otherwise", &record);
            fail_msg("sequence %zu of %zu writes", number, subset_count);
        }
        checked++;
    }
    return checked;
}

/* All subsets of one to four writes; each in all orders, with up to two repetitions. */
static size_t check_subsets(const struct gw_record *start, const struct gw_write *writes,
                            size_t count)
{
    size_t checked = 0;

    for (unsigned set = 1; set < 1U << count; set++) {
        uint8_t subset[4];
        size_t members = 0;

        if (__builtin_popcount(set) > 4)
            continue;
        for (size_t i = 0; i < count; i++) {
            if (set & 1U << i)
                subset[members++] = (uint8_t)i;
        }
        for (size_t length = members; length <= members + 2; length++)
            checked += check_sequences(start, writes, subset, members, length);
    }
    return checked;
}

static void test_every_order_of_every_four_writes_ends_in_one_record(void **state)
{
    const struct gw_write writes[] = {
        put(T0, 4, "b"),      put(T1, 4, "a"),          put(T1, 4, "c"),    update(T1, "held"),
        update(T1, "idle"),   update(T0_ALIAS, "held"), update(T0, "held"), put(T1, 8, "a"),
        update(T2, "active"), put(T2, 8, "b"),          put(T1, 4, "a"),
    };
    const struct gw_record starts[] = {
        {.event_order = GW_ORDER_NONE, .snapshot_order = GW_ORDER_NONE},
        legacy(T1, "active", "b"),
        legacy(T1, "active", "a"),
        legacy(T1, "active", NULL),
        legacy(T1_ALIAS, "active", NULL),
        legacy(T1, "ended", "b"),
        legacy(T1_ALIAS, "ended", NULL),
        legacy(T1, "held", "b"),
        legacy(T1, "held", NULL),
        legacy(T1, "hello", NULL),
        legacy(NULL, NULL, "b"),
        legacy("?", NULL, NULL),
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(starts); i++)
        assert_true(check_subsets(&starts[i], writes, GW_COUNT(writes)) > 100000);
}

static const char *pick(const char *const *choices, size_t count)
{
    return choices[(size_t)random() % count];
}

/* Puts of one order and one payload are one write, so their times have no second spelling here. */
static struct gw_write random_write(void)
{
    static const char *const times[] = {T0, T1, T2, T3, "soon", "1969-07-20", T0_ALIAS, "?"};
    static const char *const states[] = {"held", "idle", "active", "ended", "unknown"};
    static const char *const payloads[] = {"a", "ab", "b", "\xc3\xa9", "{}"};
    static const int ranks[] = {0, 2, GW_RANK_CREATED, GW_RANK_ENDED};

    if (random() % 2)
        return update(pick(times, GW_COUNT(times)), pick(states, GW_COUNT(states)));
    return put(pick(times, GW_COUNT(times) - 2), ranks[random() % 4],
               pick(payloads, GW_COUNT(payloads)));
}

static void shuffle(uint8_t *sequence, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)random() % i;
        uint8_t kept = sequence[i - 1];

        sequence[i - 1] = sequence[other];
        sequence[other] = kept;
    }
}

static void test_large_random_sets_end_in_one_record(void **state)
{
    enum { WRITES = 100, SEQUENCE = 250 };

    (void)state;
    srandom(3);
    for (int round = 0; round < 300; round++) {
        struct gw_write writes[WRITES];
        uint8_t sequence[SEQUENCE];
        size_t count = 1 + (size_t)random() % WRITES;
        struct gw_record start, expected;

        gw_record_init(&start);
        for (size_t i = 0; i < count; i++)
            writes[i] = random_write();
        for (size_t i = 0; i < SEQUENCE; i++)
            sequence[i] = (uint8_t)(i < count ? i : (size_t)random() % count);
        if (round % 3 == 0)
            start = legacy(T1, round % 2 ? "active" : "idle", round % 4 ? "b" : NULL);
        expected = fold(&start, writes, sequence, count);
        for (int again = 0; again < 20; again++) {
            shuffle(sequence, SEQUENCE);
            struct gw_record record = fold(&start, writes, sequence, SEQUENCE);

            assert_true(record_equal(&record, &expected));
        }
    }
}

static void test_the_end_is_the_newest_state_on_the_newest_snapshot(void **state)
{
    const struct gw_write writes[] = {update(T2, "held"), put(T1, 4, "a"), put(T0, 4, "z"),
                                      update(T3, "idle"), update(T1, "zombie")};
    struct gw_record start;

    (void)state;
    gw_record_init(&start);
    struct gw_record record = fold(&start, writes, (const uint8_t[]){0, 1, 2, 3, 4}, 5);

    check_record("the fold", &record,
                 &(struct expectation){"idle", T3, "a", order_of(T3, 5), order_of(T1, 4)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_write_applies_as_the_rule_says),
        cmocka_unit_test(test_a_record_of_the_function_takes_its_orders_from_itself),
        cmocka_unit_test(test_a_put_removes_what_it_does_not_set),
        cmocka_unit_test(test_every_order_of_every_four_writes_ends_in_one_record),
        cmocka_unit_test(test_large_random_sets_end_in_one_record),
        cmocka_unit_test(test_the_end_is_the_newest_state_on_the_newest_snapshot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
