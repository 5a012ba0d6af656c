/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/aws_retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* From a copy of exactly its size, so that a sanitizer sees a byte read beyond it. */
static void read_copy(int status, struct gw_str body, struct gw_aws_error *error)
{
    char *copy = malloc(body.len ? body.len : 1);

    assert_non_null(copy);
    memcpy(copy, body.data, body.len);
    memset(error, 'x', sizeof *error);
    gw_aws_error_read(status, (struct gw_str){copy, body.len}, error);
    free(copy);
    assert_int_equal(error->status, status);
}

static void test_the_code_is_cut_out_of_its_type(void **state)
{
    static const struct {
        const char *type, *code;
    } cases[] = {
        {"ValidationException", "ValidationException"},
        {"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "ResourceNotFoundException"},
        {"com.amazon.coral.service#a#ExpiredTokenException", "ExpiredTokenException"},
        {"FooError:http://internal.amazon.com/coral/x/", "FooError"},
        {"aws.tests#FooError:http://internal.amazon.com/coral/x#y/", "FooError"},
        {"#", ""},
        {":", ""},
        {"a#", ""},
        {"#a", "a"},
        {"a:#b", "a"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_aws_error error;
        char body[256];

        snprintf(body, sizeof body, "{\"__type\":\"%s\",\"message\":\"m\"}", cases[i].type);
        read_copy(400, gw_str(body), &error);
        assert_string_equal(error.code, cases[i].code);
        assert_string_equal(error.text, "m");
    }
}

static void test_the_message_may_be_written_large_or_be_absent(void **state)
{
    static const struct {
        struct gw_str body;
        const char *code, *text;
    } cases[] = {
        {GW_STR("{\"__type\":\"c\",\"message\":\"small\"}"), "c", "small"},
        {GW_STR("{\"__type\":\"c\",\"Message\":\"large\"}"), "c", "large"},
        {GW_STR("{\"Message\":\"large\",\"message\":\"small\"}"), "", "small"},
        {GW_STR("{\"Message\":\"large\",\"message\":\"\"}"), "", ""},
        {GW_STR("{\"Message\":\"large\",\"message\":null}"), "", "large"},
        {GW_STR(" {\"message\":1,\"__type\":[\"c\"]} "), "", ""},
        {GW_STR("{\"__type\":\"c\"}"), "c", ""},
        {GW_STR("{\"__type\":\"\\u0063\",\"message\":\"\\u0041\"}"), "c", "A"},
        /* An item beside it, with what jansson refuses unless it is told to take it. */
        {GW_STR("{\"__type\":\"c\",\"message\":\"m\",\"Item\":{\"a\":{\"S\":\"x\\u0000y\"}}}"), "c",
         "m"},
        {GW_STR("{}"), "", ""},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_aws_error error;

        read_copy(400, cases[i].body, &error);
        assert_string_equal(error.code, cases[i].code);
        assert_string_equal(error.text, cases[i].text);
    }
}

static void test_what_is_no_json_object_leaves_code_and_message_empty(void **state)
{
    static const struct gw_str cases[] = {
        {NULL, 0},
        GW_STR(""),
        GW_STR("<html><body><b>Http/1.1 Service Unavailable</b></body></html>"),
        GW_STR("Bad Gateway"),
        GW_STR("null"),
        GW_STR("\"__type\""),
        GW_STR("[{\"__type\":\"c\"}]"),
        GW_STR("{\"__type\":\"c\""),
        GW_STR("{\"__type\":\"c\"} more"),
        GW_STR("{\"__type\":\"\xff\"}"),
        GW_STR("{\"__type\":\"c\",\"message\":\"\\ud800\"}"),
        GW_STR("\0\0\0\0"),
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_aws_error error;

        gw_aws_error_read(503, cases[i], &error);
        assert_int_equal(error.status, 503);
        assert_string_equal(error.code, "");
        assert_string_equal(error.text, "");
    }
}

static void test_nesting_without_end_is_no_json(void **state)
{
    static char body[1 << 20];
    struct gw_aws_error error;

    (void)state;
    memset(body, '[', sizeof body);
    gw_aws_error_read(400, (struct gw_str){body, sizeof body}, &error);
    assert_string_equal(error.code, "");
}

static void test_only_printable_characters_are_kept(void **state)
{
    static const struct {
        const char *written, *kept;
    } cases[] = {
        {"a\\tb\\rc", "a?b?c"},
        {"\\u001b[31mred", "?[31mred"},
        {"a\\u0000b", "a?b"},
        {"\xc3\xbc, \xe2\x82\xac, \xf0\x9f\x98\x80", "?, ?, ?"},
        {"\\u007f\\u0085~ ", "??~ "},
        {"one\\ntwo", "one"},
        {"\\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_aws_error error;
        char body[256];

        snprintf(body, sizeof body, "{\"__type\":\"%s\",\"message\":\"%s\"}", cases[i].written,
                 cases[i].written);
        read_copy(400, gw_str(body), &error);
        assert_string_equal(error.text, cases[i].kept);
        assert_string_equal(error.code, cases[i].kept);
    }
}

static void test_a_session_token_that_the_service_repeats_is_not_kept(void **state)
{
    static const char body[] =
        "{\"__type\":\"com.amazon.coral.service#InvalidSignatureException\",\"message\":\"The "
        "signature does not match.\\n\\nThe Canonical String for this request should have been\\n"
        "'POST\\n/\\n\\nhost:h\\nx-amz-security-token:TOKEN\\n\\nhost;x-amz-security-token\\n'\"}";
    struct gw_aws_error error;

    (void)state;
    read_copy(403, gw_str(body), &error);
    assert_string_equal(error.code, "InvalidSignatureException");
    assert_string_equal(error.text, "The signature does not match.");
}

static void test_code_and_message_are_cut_to_their_sizes(void **state)
{
    static const size_t lengths[] = {GW_AWS_CODE_SIZE - 1, GW_AWS_CODE_SIZE, GW_AWS_TEXT_SIZE - 1,
                                     GW_AWS_TEXT_SIZE, 3000};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(lengths); i++) {
        size_t len = lengths[i];
        char name[3001], body[8192];
        struct gw_aws_error error;

        memset(name, 'n', len);
        name[len] = '\0';
        snprintf(body, sizeof body, "{\"__type\":\"%s\",\"message\":\"%s\"}", name, name);
        read_copy(400, gw_str(body), &error);
        assert_int_equal(strlen(error.code), len < 95 ? len : 95);
        assert_int_equal(strlen(error.text), len < 255 ? len : 255);
    }
}

static void test_a_fault_is_known_by_the_code_or_else_the_status(void **state)
{
    static const struct {
        int status;
        const char *code;
        enum gw_aws_fault fault;
    } cases[] = {
        {400, "ThrottlingException", GW_AWS_FAULT_THROTTLED},
        {400, "Throttling", GW_AWS_FAULT_THROTTLED},
        {400, "ThrottledException", GW_AWS_FAULT_THROTTLED},
        {400, "ProvisionedThroughputExceededException", GW_AWS_FAULT_THROTTLED},
        {400, "RequestLimitExceeded", GW_AWS_FAULT_THROTTLED},
        {400, "BandwidthLimitExceeded", GW_AWS_FAULT_THROTTLED},
        {400, "TooManyRequestsException", GW_AWS_FAULT_THROTTLED},
        {400, "RequestThrottled", GW_AWS_FAULT_THROTTLED},
        {400, "RequestThrottledException", GW_AWS_FAULT_THROTTLED},
        {400, "LimitExceededException", GW_AWS_FAULT_THROTTLED},
        {400, "TransactionInProgressException", GW_AWS_FAULT_THROTTLED},
        {400, "EC2ThrottledException", GW_AWS_FAULT_THROTTLED},
        {503, "SlowDown", GW_AWS_FAULT_THROTTLED},
        {500, "ThrottlingException", GW_AWS_FAULT_THROTTLED},
        {429, "", GW_AWS_FAULT_THROTTLED},

        {400, "RequestTimeout", GW_AWS_FAULT_TRANSIENT},
        {400, "RequestTimeoutException", GW_AWS_FAULT_TRANSIENT},
        {400, "PriorRequestNotComplete", GW_AWS_FAULT_TRANSIENT},
        {409, "ReplicatedWriteConflictException", GW_AWS_FAULT_TRANSIENT},
        {503, "ServiceUnavailable", GW_AWS_FAULT_TRANSIENT},
        {503, "", GW_AWS_FAULT_TRANSIENT},

        {500, "InternalServerError", GW_AWS_FAULT_AMBIGUOUS},
        {500, "", GW_AWS_FAULT_AMBIGUOUS},
        {502, "", GW_AWS_FAULT_AMBIGUOUS},
        {504, "", GW_AWS_FAULT_AMBIGUOUS},

        {400, "ExpiredTokenException", GW_AWS_FAULT_EXPIRED},
        {400, "ExpiredToken", GW_AWS_FAULT_EXPIRED},
        {400, "UnrecognizedClientException", GW_AWS_FAULT_EXPIRED},
        {403, "InvalidClientTokenId", GW_AWS_FAULT_EXPIRED},
        {403, "InvalidAccessKeyId", GW_AWS_FAULT_EXPIRED},
        {400, "InvalidToken", GW_AWS_FAULT_EXPIRED},
        {400, "TokenRefreshRequired", GW_AWS_FAULT_EXPIRED},

        {403, "RequestTimeTooSkewed", GW_AWS_FAULT_SKEWED},
        {400, "RequestExpired", GW_AWS_FAULT_SKEWED},
        {403, "RequestInTheFuture", GW_AWS_FAULT_SKEWED},
        {400, "InvalidSignatureException", GW_AWS_FAULT_SKEWED},
        {403, "SignatureDoesNotMatch", GW_AWS_FAULT_SKEWED},

        {400, "ValidationException", GW_AWS_FAULT_REFUSED},
        {400, "AccessDeniedException", GW_AWS_FAULT_REFUSED},
        {400, "ResourceNotFoundException", GW_AWS_FAULT_REFUSED},
        {400, "ConditionalCheckFailedException", GW_AWS_FAULT_REFUSED},
        {400, "ItemCollectionSizeLimitExceededException", GW_AWS_FAULT_REFUSED},
        {400, "ResourceInUseException", GW_AWS_FAULT_REFUSED},
        {400, "MissingAuthenticationToken", GW_AWS_FAULT_REFUSED},
        {400, "NotExpiredTokenException", GW_AWS_FAULT_REFUSED}, /* no pieces of codes */
        {400, "ThrottlingExceptions", GW_AWS_FAULT_REFUSED},
        {400, "throttlingexception", GW_AWS_FAULT_REFUSED},
        {400, "", GW_AWS_FAULT_REFUSED},
        {301, "", GW_AWS_FAULT_REFUSED},
        {403, "", GW_AWS_FAULT_REFUSED},
        {404, "", GW_AWS_FAULT_REFUSED},
        {413, "", GW_AWS_FAULT_REFUSED},
        {501, "", GW_AWS_FAULT_REFUSED},
        {505, "", GW_AWS_FAULT_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_aws_error error = {.status = cases[i].status};

        snprintf(error.code, sizeof error.code, "%s", cases[i].code);
        if (gw_aws_error_fault(&error) != cases[i].fault)
            fail_msg("%d %s is %s", error.status, error.code,
                     gw_aws_fault_name(gw_aws_error_fault(&error)));
    }
}

static void test_every_fault_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (enum gw_aws_fault i = GW_AWS_FAULT_NONE; i <= GW_AWS_FAULT_REFUSED; i++) {
        for (enum gw_aws_fault j = GW_AWS_FAULT_NONE; j < i; j++)
            assert_string_not_equal(gw_aws_fault_name(i), gw_aws_fault_name(j));
    }
    assert_string_equal(gw_aws_fault_name(GW_AWS_FAULT_THROTTLED), "throttled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_code_is_cut_out_of_its_type),
        cmocka_unit_test(test_the_message_may_be_written_large_or_be_absent),
        cmocka_unit_test(test_what_is_no_json_object_leaves_code_and_message_empty),
        cmocka_unit_test(test_nesting_without_end_is_no_json),
        cmocka_unit_test(test_only_printable_characters_are_kept),
        cmocka_unit_test(test_a_session_token_that_the_service_repeats_is_not_kept),
        cmocka_unit_test(test_code_and_message_are_cut_to_their_sizes),
        cmocka_unit_test(test_a_fault_is_known_by_the_code_or_else_the_status),
        cmocka_unit_test(test_every_fault_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
