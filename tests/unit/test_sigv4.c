/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/sigv4.h"

#include "gw/time.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ACCESS_KEY_ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define TIME_MS INT64_C(1440938160000) /* 2015-08-30T12:36:00Z */

static struct gw_buffer text_of(size_t max)
{
    struct gw_buffer buffer;

    gw_buffer_init(&buffer, max);
    return buffer;
}

static void assert_text_equal(const struct gw_buffer *buffer, const char *expected)
{
    assert_int_equal(buffer->len, strlen(expected));
    assert_memory_equal(buffer->data, expected, buffer->len);
}

/* "name:value" */
static struct gw_sigv4_header header_of(const char *line)
{
    const char *colon = strchr(line, ':');

    assert_non_null(colon);
    return (struct gw_sigv4_header){{line, (size_t)(colon - line)}, gw_str(colon + 1)};
}

static struct gw_sigv4_key *key_of(const char *region, const char *service)
{
    struct gw_sigv4_key *key = gw_sigv4_key_new(gw_str(region), gw_str(service));

    assert_non_null(key);
    return key;
}

/* --- what AWS has published --- */

static const char *string_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    assert_non_null(text);
    return text;
}

static void join(const json_t *lines, struct gw_buffer *text)
{
    size_t i;
    json_t *line;

    assert_true(json_array_size(lines) > 0);
    json_array_foreach(lines, i, line) assert_int_equal(
        gw_buffer_appendf(text, "%s%s", i ? "\n" : "", json_string_value(line)), 0);
}

static void assert_joined_equal(const struct gw_buffer *text, const json_t *lines)
{
    struct gw_buffer expected = text_of(SIZE_MAX);

    join(lines, &expected);
    assert_int_equal(text->len, expected.len);
    assert_memory_equal(text->data, expected.data, text->len);
    gw_buffer_deinit(&expected);
}

static void check_authorization(const struct gw_buffer *text, const json_t *published,
                                const json_t *signer)
{
    const json_t *canonical = json_object_get(published, "canonicalRequest");
    const json_t *to_sign = json_object_get(published, "stringToSign");
    struct gw_buffer expected = text_of(SIZE_MAX);

    assert_int_equal(
        gw_buffer_appendf(
            &expected, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
            string_of(signer, "accessKeyId"), json_string_value(json_array_get(to_sign, 2)),
            json_string_value(json_array_get(canonical, json_array_size(canonical) - 2)),
            string_of(published, "signature")),
        0);
    assert_int_equal(text->len, expected.len);
    assert_memory_equal(text->data, expected.data, text->len);
    gw_buffer_deinit(&expected);
}

static void check_stages(const struct gw_sigv4_request *request, const json_t *published,
                         const json_t *signer)
{
    struct gw_sigv4_key *key = key_of(string_of(signer, "region"), string_of(signer, "service"));
    struct gw_buffer canonical = text_of(65536), to_sign = text_of(65536), text = text_of(65536);
    int64_t time_ms;

    assert_int_equal(gw_time_parse(gw_str(string_of(signer, "time")), &time_ms), 0);
    assert_int_equal(gw_sigv4_canonical_request(request, &canonical), 0);
    assert_joined_equal(&canonical, json_object_get(published, "canonicalRequest"));
    assert_int_equal(gw_sigv4_string_to_sign(key, gw_buffer_str(&canonical), time_ms, &to_sign), 0);
    assert_joined_equal(&to_sign, json_object_get(published, "stringToSign"));
    assert_int_equal(gw_sigv4_sign(key, gw_str(string_of(signer, "accessKeyId")),
                                   gw_str(string_of(signer, "secret")), request, time_ms, &text),
                     0);
    check_authorization(&text, published, signer);
    gw_buffer_deinit(&canonical);
    gw_buffer_deinit(&to_sign);
    gw_buffer_deinit(&text);
    gw_sigv4_key_free(key);
}

static void check_published(const json_t *published, const json_t *signers)
{
    const char *signer = string_of(published, "signer");
    struct gw_sigv4_header headers[GW_SIGV4_HEADERS_MAX];
    char hash[GW_SIGV4_HASH_SIZE];
    json_t *line;
    size_t i;

    json_array_foreach(json_object_get(published, "headers"), i, line) headers[i] =
        header_of(json_string_value(line));
    assert_int_equal(gw_sigv4_hash(gw_str(string_of(published, "body")), hash), 0);
    const struct gw_sigv4_request request = {
        .method = gw_str(string_of(published, "method")),
        .path = gw_str(string_of(published, "path")),
        .query = gw_str(string_of(published, "query")),
        .headers = headers,
        .header_count = i,
        .body_hash = gw_str(hash),
        .is_s3 = strcmp(signer, "s3") == 0,
    };

    check_stages(&request, published, json_object_get(signers, signer));
}

static void test_each_stage_of_the_published_examples_is_as_published(void **state)
{
    const char *data = getenv("GW_TEST_DATA");
    char path[4096];
    json_t *root, *cases, *published;
    size_t i;

    (void)state;
    if (!data)
        fail_msg("GW_TEST_DATA is not set: run it by `meson test sigv4`");
    snprintf(path, sizeof path, "%s/sigv4.json", data);
    root = json_load_file(path, 0, NULL);
    cases = json_object_get(root, "cases");
    assert_int_equal(json_array_size(cases), 31);
    json_array_foreach(cases, i, published)
    {
        print_message("         %s\n", string_of(published, "name"));
        check_published(published, json_object_get(root, "signers"));
    }
    json_decref(root);
}

/* --- the canonical request in detail --- */

static void check_canonical(const struct gw_sigv4_request *request, const char *expected)
{
    struct gw_buffer text = text_of(65536);

    assert_int_equal(gw_sigv4_canonical_request(request, &text), 0);
    assert_text_equal(&text, expected);
    gw_buffer_deinit(&text);
}

static void test_a_path_is_normalized_and_encoded_once_more_but_for_s3(void **state)
{
    static const struct {
        const char *path, *expected;
        bool is_s3;
    } cases[] = {
        {"", "/", false},
        {"/", "/", false},
        {"/a/b", "/a/b", false},
        {"/a/b/", "/a/b/", false},
        {"//", "/", false},
        {"//a///b//", "/a/b/", false},
        {"/.", "/", false},
        {"/..", "/", false},
        {"/../../a", "/a", false},
        {"/a/./b", "/a/b", false},
        {"/a/../b", "/b", false},
        {"/a/b/..", "/a/", false},
        {"/a/b/../..", "/", false},
        {"/a/b/../../..", "/", false},
        {"/a/b/.", "/a/b/", false},
        {"/a//../b", "/b", false},
        {"/a b/../c", "/c", false},
        {"/...", "/...", false},
        {"/.a/..b", "/.a/..b", false},
        {"/a%2Fb", "/a%252Fb", false},
        {"/%20~-_.", "/%2520~-_.", false},
        {"/\xc3\xbc+:@", "/%C3%BC%2B%3A%40", false},
        {"", "/", true},
        {"/a//./b/../%20", "/a//./b/../%20", true},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        const struct gw_sigv4_header host = header_of("host:h");
        char expected[256];

        snprintf(expected, sizeof expected, "GET\n%s\n\nhost:h\n\nhost\n-", cases[i].expected);
        check_canonical(&(struct gw_sigv4_request){.method = GW_STR("GET"),
                                                   .path = gw_str(cases[i].path),
                                                   .headers = &host,
                                                   .header_count = 1,
                                                   .body_hash = GW_STR("-"),
                                                   .is_s3 = cases[i].is_s3},
                        expected);
    }
}

static void test_parameters_are_sorted_by_name_then_value(void **state)
{
    static const struct {
        const char *query, *expected;
    } cases[] = {
        {"", ""},
        {"acl", "acl="},
        {"b=1&a=2", "a=2&b=1"},
        {"a=2&a=10&a=1", "a=1&a=10&a=2"},
        {"a-b=1&a=2", "a=2&a-b=1"}, /* by the name alone: '-' is before '=' */
        {"a&a=", "a=&a="},
        {"B=1&a=1&A=1", "A=1&B=1&a=1"},
        {"a=b=c", "a=b=c"},
        {"z=%20&%E1%88%B4=x", "%E1%88%B4=x&z=%20"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        const struct gw_sigv4_header host = header_of("host:h");
        char expected[256];

        snprintf(expected, sizeof expected, "GET\n/\n%s\nhost:h\n\nhost\n-", cases[i].expected);
        check_canonical(&(struct gw_sigv4_request){.method = GW_STR("GET"),
                                                   .path = GW_STR("/"),
                                                   .query = gw_str(cases[i].query),
                                                   .headers = &host,
                                                   .header_count = 1,
                                                   .body_hash = GW_STR("-")},
                        expected);
    }
}

static void test_headers_are_sorted_and_their_blanks_made_one(void **state)
{
    static const struct {
        const char *lines[4];
        const char *expected, *names;
    } cases[] = {
        {{"host:h"}, "host:h", "host"},
        {{"x-b:1", "host:h", "x-a:2"}, "host:h\nx-a:2\nx-b:1", "host;x-a;x-b"},
        /* One name is the other's beginning: libcurl before 8.10 sorts them by the whole line. */
        {{"x-amz-server-side-encryption-aws-kms-key-id:k", "x-amz-server-side-encryption:aws:kms"},
         "x-amz-server-side-encryption:aws:kms\nx-amz-server-side-encryption-aws-kms-key-id:k",
         "x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id"},
        {{"host: \t h\t"}, "host:h", "host"},
        {{"host:a  b \t\t c"}, "host:a b c", "host"},
        {{"host:"}, "host:", "host"},
        {{"host:   "}, "host:", "host"},
        {{"b:2", "a: x  y", "b: 1 ", "b:"}, "a:x y\nb:2,1,", "a;b"},
        {{NULL}, NULL, ""},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_sigv4_header headers[4];
        size_t count = 0;
        char expected[512];

        for (; count < 4 && cases[i].lines[count]; count++)
            headers[count] = header_of(cases[i].lines[count]);
        snprintf(expected, sizeof expected, "GET\n/\n%s%s\n\n%s\n-", count ? "\n" : "",
                 count ? cases[i].expected : "", cases[i].names);
        check_canonical(&(struct gw_sigv4_request){.method = GW_STR("GET"),
                                                   .path = GW_STR("/"),
                                                   .headers = headers,
                                                   .header_count = count,
                                                   .body_hash = GW_STR("-")},
                        expected);
    }
}

/* --- the key --- */

static const struct gw_sigv4_header vanilla_headers[] = {
    {{"host", 4}, {"example.amazonaws.com", 21}},
    {{"x-amz-date", 10}, {"20150830T123600Z", 16}},
};
static const struct gw_sigv4_request vanilla = {
    .method = {"GET", 3},
    .path = {"/", 1},
    .headers = vanilla_headers,
    .header_count = 2,
    .body_hash = {EMPTY_HASH, 64},
};

static void sign(struct gw_sigv4_key *key, const char *secret, int64_t time_ms,
                 struct gw_buffer *text)
{
    text->len = 0;
    assert_int_equal(
        gw_sigv4_sign(key, GW_STR(ACCESS_KEY_ID), gw_str(secret), &vanilla, time_ms, text), 0);
}

static void test_a_kept_key_signs_as_a_new_one_when_days_and_secrets_change(void **state)
{
    static const struct {
        const char *secret;
        int64_t time_ms;
    } steps[] = {
        {SECRET, TIME_MS},
        {SECRET, TIME_MS + 1000},
        {SECRET, TIME_MS + 86400000},
        {SECRET, TIME_MS},
        {"another", TIME_MS},
        {"another", TIME_MS},
        {SECRET, TIME_MS},
        {"", TIME_MS},
        {"another", TIME_MS - 86400000},
        {"a secret that is much longer than the 64 bytes of one block of SHA-256 is, in fact",
         TIME_MS},
    };
    struct gw_sigv4_key *kept = key_of("us-east-1", "service");

    (void)state;
    for (size_t i = 0; i < GW_COUNT(steps); i++) {
        struct gw_sigv4_key *fresh = key_of("us-east-1", "service");
        struct gw_buffer ours = text_of(4096), theirs = text_of(4096);

        sign(kept, steps[i].secret, steps[i].time_ms, &ours);
        sign(fresh, steps[i].secret, steps[i].time_ms, &theirs);
        assert_int_equal(ours.len, theirs.len);
        assert_memory_equal(ours.data, theirs.data, ours.len);
        gw_buffer_deinit(&ours);
        gw_buffer_deinit(&theirs);
        gw_sigv4_key_free(fresh);
    }
    gw_sigv4_key_free(kept);
    assert_null(gw_sigv4_key_free(NULL));
}

static void test_no_two_days_secrets_regions_or_services_share_a_signature(void **state)
{
    static const struct {
        const char *region, *service, *secret;
        int64_t time_ms;
    } cases[] = {
        {"us-east-1", "service", SECRET, TIME_MS},
        {"us-east-2", "service", SECRET, TIME_MS},
        {"us-east-1", "dynamodb", SECRET, TIME_MS},
        {"us-east-1", "service", "other", TIME_MS},
        {"us-east-1", "service", SECRET, TIME_MS + 1000},
        {"us-east-1", "service", SECRET, TIME_MS + 86400000},
    };
    char signatures[GW_COUNT(cases)][64];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_sigv4_key *key = key_of(cases[i].region, cases[i].service);
        struct gw_buffer text = text_of(4096);

        sign(key, cases[i].secret, cases[i].time_ms, &text);
        memcpy(signatures[i], text.data + text.len - 64, 64);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(signatures[i], signatures[j], 64);
        gw_buffer_deinit(&text);
        gw_sigv4_key_free(key);
    }
}

static void test_the_time_has_four_digits_for_the_year_whatever_the_clock(void **state)
{
    static const struct {
        int64_t time_ms;
        const char *text;
    } cases[] = {
        {TIME_MS, "20150830T123600Z"},
        {TIME_MS + 999, "20150830T123600Z"},
        {0, "19700101T000000Z"},
        {-1, "19691231T235959Z"},
        {INT64_MIN, "00000101T000000Z"},
        {GW_TIME_MIN_MS - 1, "00000101T000000Z"},
        {GW_TIME_MAX_MS, "99991231T235959Z"},
        {GW_TIME_MAX_MS + 1, "99991231T235959Z"},
        {INT64_MAX, "99991231T235959Z"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char text[GW_SIGV4_TIME_SIZE];

        gw_sigv4_format_time(cases[i].time_ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* --- the bounds --- */

static int sign_request(struct gw_sigv4_key *key, const struct gw_sigv4_request *request,
                        size_t max)
{
    struct gw_buffer text = text_of(max + 4);

    assert_int_equal(gw_buffer_append(&text, GW_STR("kept")), 0);
    int r = gw_sigv4_sign(key, GW_STR(ACCESS_KEY_ID), GW_STR(SECRET), request, TIME_MS, &text);

    assert_memory_equal(text.data, "kept", 4);
    assert_true(r == 0 ? text.len > 4 : text.len == 4);
    gw_buffer_deinit(&text);
    return r;
}

static void test_too_many_headers_or_parameters_are_refused(void **state)
{
    struct gw_sigv4_key *key = key_of("us-east-1", "service");
    struct gw_sigv4_header headers[GW_SIGV4_HEADERS_MAX + 1];
    struct gw_sigv4_request request = vanilla;
    char query[2 * GW_SIGV4_PARAMETERS_MAX + 2];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(headers); i++)
        headers[i] = vanilla_headers[0];
    request.headers = headers;
    request.header_count = GW_SIGV4_HEADERS_MAX;
    assert_int_equal(sign_request(key, &request, 4096), 0);
    request.header_count++;
    assert_int_equal(sign_request(key, &request, 4096), -EINVAL);

    request = vanilla;
    for (size_t i = 0; i < sizeof query; i++)
        query[i] = i % 2 ? '&' : 'a';
    request.query = (struct gw_str){query, 2 * GW_SIGV4_PARAMETERS_MAX - 1};
    assert_int_equal(sign_request(key, &request, 4096), 0);
    request.query.len += 2;
    assert_int_equal(sign_request(key, &request, 4096), -EINVAL);
    gw_sigv4_key_free(key);
}

static void test_what_does_not_fit_leaves_nothing_behind(void **state)
{
    struct gw_sigv4_key *key = key_of("us-east-1", "service");
    size_t whole = strlen("AWS4-HMAC-SHA256 Credential=" ACCESS_KEY_ID "/20150830/us-east-1/"
                          "service/aws4_request, SignedHeaders=host;x-amz-date, Signature=") +
                   64;
    static char path[20000];
    struct gw_sigv4_request request = vanilla;

    (void)state;
    for (size_t max = 0; max < whole; max++)
        assert_int_equal(sign_request(key, &vanilla, max), -ENOBUFS);
    assert_int_equal(sign_request(key, &vanilla, whole), 0);

    memset(path, '/', 1);
    memset(path + 1, 'a', sizeof path - 1);
    request.path = (struct gw_str){path, sizeof path};
    assert_int_equal(sign_request(key, &request, 4096), -ENOBUFS);
    request.is_s3 = true;
    assert_int_equal(sign_request(key, &request, 4096), -ENOBUFS);
    assert_int_equal(sign_request(key, &vanilla, whole), 0);

    memset(path, 'r', sizeof path);
    assert_null(gw_sigv4_key_new((struct gw_str){path, sizeof path}, GW_STR("service")));
    gw_sigv4_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_stage_of_the_published_examples_is_as_published),
        cmocka_unit_test(test_a_path_is_normalized_and_encoded_once_more_but_for_s3),
        cmocka_unit_test(test_parameters_are_sorted_by_name_then_value),
        cmocka_unit_test(test_headers_are_sorted_and_their_blanks_made_one),
        cmocka_unit_test(test_a_kept_key_signs_as_a_new_one_when_days_and_secrets_change),
        cmocka_unit_test(test_no_two_days_secrets_regions_or_services_share_a_signature),
        cmocka_unit_test(test_the_time_has_four_digits_for_the_year_whatever_the_clock),
        cmocka_unit_test(test_too_many_headers_or_parameters_are_refused),
        cmocka_unit_test(test_what_does_not_fit_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
