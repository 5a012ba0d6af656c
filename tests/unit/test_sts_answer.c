/* SPDX-License-Identifier: Apache-2.0 */
#include "../../src/aws/sts_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NAMESPACE " xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\""
#define METADATA "<ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata>"
#define KEY "<AccessKeyId>ASIAEXAMPLE</AccessKeyId>"
#define SECRET "<SecretAccessKey>se/cr+et</SecretAccessKey>"
#define TOKEN "<SessionToken>FwoGZXIv==</SessionToken>"
#define EXPIRATION "<Expiration>2026-11-23T13:00:00Z</Expiration>"
#define ALL KEY SECRET TOKEN EXPIRATION
#define EXPIRES_AT_MS INT64_C(1795438800000)

#define RESULT(call, inside)                                                                       \
    "<" call "Response" NAMESPACE "><" call "Result><AssumedRoleUser>"                             \
    "<Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>"                                 \
    "<Credentials>" inside "</Credentials></" call "Result>" METADATA "</" call "Response>"
#define ROLE(inside) RESULT("AssumeRole", inside)
#define DEEP10 "<a><a><a><a><a><a><a><a><a><a>"
#define LONG10 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_credentials_are_read_from_either_answer(void **state)
{
    static const char *const answers[] = {
        ROLE(ALL),
        RESULT("AssumeRoleWithWebIdentity", ALL),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" ROLE(EXPIRATION TOKEN SECRET KEY) "\n",
        ROLE("\n  " KEY "\n  " SECRET "\n  " TOKEN "\n  " EXPIRATION "\n"),
        ROLE("<AccessKeyId>ASIA<![CDATA[EXAM]]>PLE</AccessKeyId>"
             "<SecretAccessKey>se&#x2f;cr&#43;et</SecretAccessKey>" TOKEN EXPIRATION
             "<New>1</New>"),
        ROLE("<Other><AccessKeyId>WRONG</AccessKeyId></Other>" ALL
             "<Other><AccessKeyId>WRONG</AccessKeyId></Other>"),
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        char message[GW_AWS_MESSAGE_SIZE] = "";
        struct gw_credentials *found = NULL;
        int r = gw_sts_answer_read(gw_str(answers[i]), "web identity", &found, message);

        if (r != 0)
            fail_msg("case %zu: %d, %s", i, r, message);
        assert_string_equal(found->access_key_id.data, "ASIAEXAMPLE");
        assert_string_equal(found->secret.data, "se/cr+et");
        assert_string_equal(found->token.data, "FwoGZXIv==");
        assert_true(found->expires_at_ms == EXPIRES_AT_MS);
        assert_string_equal(found->source, "web identity");
        gw_credentials_unref(found);
    }
}

static void test_what_is_no_answer_of_sts_is_told(void **state)
{
    static const struct {
        const char *xml, *message;
    } cases[] = {
        {"", "not XML"},
        {" ", "not XML"},
        {"{}", "not XML"},
        {"<html><body>login</body>", "not XML"},
        {"<html><body>login</body></html>", "no AccessKeyId"},
        {ROLE(ALL) "<more/>", "not XML"},
        {ROLE(ALL) "\xff", "not XML"},
        {ROLE(ALL "&undefined;"), "not XML"},
        {"<!DOCTYPE a>" ROLE(ALL), "not XML"},
        {"<!DOCTYPE a [<!ENTITY e \"ASIA\">]>" ROLE("<AccessKeyId>&e;</AccessKeyId>"), "not XML"},
        {"<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" ROLE(ALL), "not XML"},
        {"<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/\">" ROLE(ALL), "not XML"},
        {"<?xml version=\"1.0\" encoding=\"UTF-16\"?>", "not XML"},
        {DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10,
         "not XML"},
        {"<" LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 "/>", "not XML"},
        {ROLE(""), "no AccessKeyId"},
        {ROLE(SECRET TOKEN EXPIRATION), "no AccessKeyId"},
        {ROLE(KEY TOKEN EXPIRATION), "no SecretAccessKey"},
        {ROLE(KEY SECRET EXPIRATION), "no SessionToken"},
        {ROLE(KEY SECRET TOKEN), "no Expiration"},
        {ROLE(KEY SECRET TOKEN "<Expiration/>"), "no Expiration"},
        {ROLE(KEY SECRET TOKEN "<Expiration>soon</Expiration>"), "Expiration is no time"},
        {ROLE("<AccessKeyId>AS\nIA</AccessKeyId>" SECRET TOKEN EXPIRATION), "copy it anew"},
        {RESULT("GetSessionToken", ALL), "no AccessKeyId"},
        {"<AssumeRoleResponse><Credentials>" ALL "</Credentials></AssumeRoleResponse>",
         "no AccessKeyId"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char message[GW_AWS_MESSAGE_SIZE] = "";
        struct gw_credentials *found = NULL;
        int r = gw_sts_answer_read(gw_str(cases[i].xml), "profile", &found, message);

        if (r != GW_PROVIDER_FAILED || found || !strstr(message, cases[i].message) ||
            strncmp(message, "profile: ", 9) != 0)
            fail_msg("case %zu: %d, %s", i, r, message);
        assert_null(strstr(message, "se/cr"));
        assert_null(strstr(message, "FwoG"));
    }
}

static void test_every_beginning_of_an_answer_is_refused(void **state)
{
    static const char whole[] = ROLE(ALL);

    (void)state;
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        char message[GW_AWS_MESSAGE_SIZE];
        struct gw_credentials *found;

        assert_int_equal(
            gw_sts_answer_read((struct gw_str){whole, len}, "profile", &found, message),
            GW_PROVIDER_FAILED);
    }
}

#define ERROR(inside)                                                                              \
    "<ErrorResponse" NAMESPACE "><Error>" inside "</Error><RequestId>1</RequestId></"              \
    "ErrorResponse>"

static void test_an_errors_code_and_the_first_line_of_its_message_are_read(void **state)
{
    static const struct {
        const char *xml, *code, *text;
    } cases[] = {
        {ERROR("<Type>Sender</Type><Code>AccessDenied</Code><Message>Not you</Message>"),
         "AccessDenied", "Not you"},
        {ERROR("<Code>A</Code><Message>a &lt; b\x1f</Message>"), "", ""},
        {ERROR("<Code>A</Code><Message>\xc3\xa4 &lt; b</Message>"), "A", "?? < b"},
        {ERROR("<Code>SignatureDoesNotMatch</Code><Message>No match.\nx-amz-security-token:FwoG"
               "</Message>"),
         "SignatureDoesNotMatch", "No match."},
        {ERROR("<Message>only</Message>"), "", "only"},
        {ERROR("<Code/>"), "", ""},
        {"<Error><Code>A</Code></Error>", "", ""},
        {"<html><h1>503</h1>", "", ""},
        {"", "", ""},
        {ROLE(ALL), "", ""},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_aws_error error;

        gw_sts_answer_read_error(403, gw_str(cases[i].xml), &error);
        assert_int_equal(error.status, 403);
        if (strcmp(error.code, cases[i].code) != 0 || strcmp(error.text, cases[i].text) != 0)
            fail_msg("case %zu: %s, %s", i, error.code, error.text);
    }
}

static void test_an_error_is_cut_to_its_room(void **state)
{
    static const char before[] = "<ErrorResponse><Error><Code>", between[] = "</Code><Message>",
                      after[] = "</Message></Error></ErrorResponse>";
    struct gw_aws_error error;
    struct gw_buffer xml;

    (void)state;
    gw_buffer_init(&xml, 8192);
    assert_int_equal(gw_buffer_appendf(&xml, "%s%01000d%s%02000d%s", before, 0, between, 0, after),
                     0);
    gw_sts_answer_read_error(400, gw_buffer_str(&xml), &error);
    assert_int_equal(strlen(error.code), sizeof(error.code) - 1);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
    gw_buffer_deinit(&xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials_are_read_from_either_answer),
        cmocka_unit_test(test_what_is_no_answer_of_sts_is_told),
        cmocka_unit_test(test_every_beginning_of_an_answer_is_refused),
        cmocka_unit_test(test_an_errors_code_and_the_first_line_of_its_message_are_read),
        cmocka_unit_test(test_an_error_is_cut_to_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
