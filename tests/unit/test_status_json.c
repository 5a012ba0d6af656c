/* SPDX-License-Identifier: Apache-2.0 */
/* jansson reads what was written, and so says whether it is JSON, without a name that stands twice.
 */
#include "gw/status_json.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Eight of them are longer than a value that is shown. */
#define NETWORK(n) "\n 2001:db8:1:2:3:4:5:" #n "/128"

static struct gw_metrics set;
static struct gw_account account;
static struct gw_gauges gauges;
static struct gw_config started, latest;
static struct gw_refusal refusals[GW_REFUSALS_KEPT];
static struct gw_status status;
static struct gw_buffer out;
static json_t *root;

static void parse(struct gw_config *config, const char *text)
{
    struct gw_config_errors errors;

    if (gw_config_parse(config, text, strlen(text), "test", &errors) != 0)
        fail_msg("%s", errors.text);
}

static int set_up(void **state)
{
    (void)state;
    set = (struct gw_metrics){0};
    account = (struct gw_account){.count = 0};
    gauges = (struct gw_gauges){{0}};
    gw_account_add(&account, &set);
    parse(&started, "");
    parse(&latest, "");
    status = (struct gw_status){.account = &account,
                                .gauges = &gauges,
                                .refusals = refusals,
                                .started = &started,
                                .latest = &latest};
    gw_buffer_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(root);
    root = NULL;
    gw_config_deinit(&started);
    gw_config_deinit(&latest);
    gw_buffer_deinit(&out);
    return 0;
}

static void configure(struct gw_config *config, const char *text)
{
    gw_config_deinit(config);
    parse(config, text);
}

static void write(void)
{
    json_error_t error;

    json_decref(root);
    out.len = 0;
    assert_int_equal(gw_status_json_write(&out, &status), 0);
    root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        fail_msg("%s at %d", error.text, error.position);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    if (!text)
        fail_msg("%s is no text", name);
    return text;
}

static int64_t number_of(const char *of, const char *name)
{
    const json_t *object = of ? json_object_get(root, of) : root;
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value))
        fail_msg("%s is no number", name);
    return json_integer_value(value);
}

static const json_t *key_of(const char *section, const char *name)
{
    const json_t *key;
    size_t i;

    json_array_foreach(json_object_get(root, "config"), i,
                       key) if (strcmp(text_of(key, "section"), section) == 0 &&
                                strcmp(text_of(key, "name"), name) == 0) return key;
    fail_msg("[%s] %s is not there", section, name);
    return NULL;
}

static void test_each_counter_and_gauge_is_there_with_its_value(void **state)
{
    (void)state;
    for (int i = 0; i < GW_COUNTER_COUNT; i++)
        gw_metrics_add(&set, (enum gw_counter)i, (uint64_t)i + 1000);
    for (int i = 0; i < GW_GAUGE_COUNT; i++)
        gauges.values[i] = i + 2000;
    write();
    const json_t *shown = json_object_get(root, "gauges"), *value;
    const char *name;
    int64_t sum = 0;

    for (int i = 0; i < GW_COUNTER_COUNT; i++)
        assert_int_equal(number_of("counters", gw_counter_name((enum gw_counter)i)), i + 1000);
    json_object_foreach((json_t *)(uintptr_t)shown, name, value) sum += json_integer_value(value);
    assert_int_equal(json_object_size(shown), GW_GAUGE_COUNT);
    assert_int_equal(sum, GW_GAUGE_COUNT * 2000 + GW_GAUGE_COUNT * (GW_GAUGE_COUNT - 1) / 2);
    assert_int_equal(number_of("gauges", "ready"), 2000 + GW_GAUGE_READY);
    assert_int_equal(number_of("gauges", "start_ms"), 2000 + GW_GAUGE_START_MS);
}

static void test_version_time_and_number_of_secrets_are_there(void **state)
{
    (void)state;
    status.now_ms = INT64_C(1700000000007);
    status.secrets = 2;
    write();
    assert_string_equal(text_of(root, "version"), GW_VERSION);
    assert_int_equal(number_of(NULL, "now_ms"), INT64_C(1700000000007));
    assert_int_equal(number_of(NULL, "secrets"), 2);
}

static void test_buckets_are_not_cumulated_and_the_last_has_no_bound(void **state)
{
    (void)state;
    gw_metrics_observe(&set, GW_HISTOGRAM_STORE, 5);
    gw_metrics_observe(&set, GW_HISTOGRAM_STORE, 20);
    gw_metrics_observe(&set, GW_HISTOGRAM_STORE, 20000000);
    write();
    const json_t *bounds = json_object_get(root, "bounds_us");
    const json_t *histograms = json_object_get(root, "histograms");
    const json_t *store = json_object_get(histograms, "store");

    assert_int_equal(json_array_size(bounds), GW_BUCKETS);
    assert_int_equal(json_integer_value(json_array_get(bounds, 0)), gw_bucket_bounds_us[0]);
    assert_int_equal(json_object_size(histograms), GW_HISTOGRAM_COUNT);
    assert_int_equal(json_array_size(store), GW_BUCKETS + 1);
    for (size_t i = 0; i <= GW_BUCKETS; i++)
        assert_int_equal(json_integer_value(json_array_get(store, i)),
                         i < 2 || i == GW_BUCKETS ? 1 : 0);
}

static void test_each_reason_says_its_status_and_what_it_means(void **state)
{
    (void)state;
    write();
    const json_t *reasons = json_object_get(root, "reasons");
    const json_t *wrong = json_object_get(reasons, "refused_wrong_signature");

    assert_int_equal(json_object_size(reasons), GW_REASON_COUNT - 1);
    assert_int_equal(json_integer_value(json_object_get(wrong, "status")), 401);
    assert_string_equal(text_of(wrong, "text"), "the signature was made with none of the secrets");
}

static void test_refusals_stand_as_they_are_given(void **state)
{
    (void)state;
    refusals[0] = (struct gw_refusal){7, 401, 3, "a reason", "192.0.2.1"};
    refusals[1] = (struct gw_refusal){6, 400, 0, "another", "<script>\"\\\n"};
    refusals[2] = (struct gw_refusal){5, 400, 0, "another", "\xff"};
    for (status.refusal_count = 0; status.refusal_count <= 3; status.refusal_count++) {
        write();
        assert_int_equal(json_array_size(json_object_get(root, "refusals")), status.refusal_count);
    }
    const json_t *shown = json_object_get(root, "refusals");
    const json_t *first = json_array_get(shown, 0);

    assert_int_equal(json_integer_value(json_object_get(first, "at_ms")), 7);
    assert_int_equal(json_integer_value(json_object_get(first, "status")), 401);
    assert_int_equal(json_integer_value(json_object_get(first, "suppressed")), 3);
    assert_string_equal(text_of(first, "reason"), "a reason");
    assert_string_equal(text_of(first, "peer"), "192.0.2.1");
    assert_string_equal(text_of(json_array_get(shown, 1), "peer"), "<script>\"\\\n");
    assert_string_equal(text_of(json_array_get(shown, 2), "peer"), "(not UTF-8)");
}

static void test_the_configuration_is_the_one_that_holds(void **state)
{
    static const struct {
        const char *section, *name, *value;
        bool is_default, waits;
    } cases[] = {
        {"server", "listen", "127.0.0.1:1", false, true}, /* needs a restart */
        {"server", "path", "/new", false, false},         /* reloaded */
        {"server", "allow", "10.0.0.0/8, ::1", false, false},
        {"server", "trusted_proxies", "8 given", false, false},
        {"admin", "listen", "", true, false},
        {"server", "workers", "auto", true, true},
        {"server", "max_body", "6MiB", true, false},
        {"server", "idle_timeout", "90s", false, false},
        {"file", "sync", "never", false, true},
        {"file", "path", "\xc3\xa4.jsonl", false, false},
        {"dynamodb", "ttl", "0s", true, false},
        {"dynamodb", "region", "(not UTF-8)", false, false},
    };

    (void)state;
    configure(&started, "[server]\nlisten=127.0.0.1:1\npath=/old\n"
                        "[file]\nsync=never\npath=\xc3\xa4.jsonl\n[dynamodb]\nregion=\xff\n");
    configure(&latest, "[server]\nlisten=127.0.0.1:2\npath=/new\nworkers=3\nidle_timeout=90s\n"
                       "allow=10.0.0.0/8\nallow=::1\ntrusted_proxies=" NETWORK(1) NETWORK(2)
                           NETWORK(3) NETWORK(4) NETWORK(5) NETWORK(6) NETWORK(7)
                               NETWORK(8) "\n"
                                          "[file]\npath=\xc3\xa4.jsonl\n[dynamodb]\nregion=\xff\n");
    write();
    assert_int_equal(json_array_size(json_object_get(root, "config")), gw_config_key_count);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        const json_t *key = key_of(cases[i].section, cases[i].name);

        assert_string_equal(text_of(key, "value"), cases[i].value);
        assert_int_equal(json_is_true(json_object_get(key, "default")), cases[i].is_default);
        assert_int_equal(json_is_true(json_object_get(key, "waits")), cases[i].waits);
    }
}

static void test_what_may_be_a_secret_in_the_wrong_place_is_not_shown(void **state)
{
    (void)state;
    configure(&started, "[signature]\nheader=hunter2\nprefix=hunter2\nsecret_file=hunter2\n");
    configure(&latest, "[signature]\nheader=hunter2\nprefix=hunter2\nsecret_file=hunter2\n");
    write();
    assert_null(memmem(out.data, out.len, "hunter2", strlen("hunter2")));
    assert_string_equal(text_of(key_of("signature", "header"), "value"), "(not shown)");
    assert_string_equal(text_of(key_of("signature", "secret_file"), "value"), "1 given");
    assert_string_equal(text_of(key_of("signature", "encoding"), "value"), "hex");
}

static void test_where_there_is_no_room_it_says_so(void **state)
{
    (void)state;
    write();
    for (size_t max = out.len - 1; max > 0; max--) {
        out.len = 0;
        out.max = max;
        assert_int_not_equal(gw_status_json_write(&out, &status), 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_each_counter_and_gauge_is_there_with_its_value),
        TEST(test_version_time_and_number_of_secrets_are_there),
        TEST(test_buckets_are_not_cumulated_and_the_last_has_no_bound),
        TEST(test_each_reason_says_its_status_and_what_it_means),
        TEST(test_refusals_stand_as_they_are_given),
        TEST(test_the_configuration_is_the_one_that_holds),
        TEST(test_what_may_be_a_secret_in_the_wrong_place_is_not_shown),
        TEST(test_where_there_is_no_room_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
