/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* HMAC-SHA256 of "{}" by openssl dgst -hmac: of the environment's secret and of the file's. */
#define OF_ENVIRONMENT "e8e5693ddf0734836f027d9aca8cc7061eaa149d864429995e5c6c45a568f536"
#define OF_FILE "a436c8dbd8cbedf9aef59c4b22ce052784f96acaa84a7951536fb1cff35cfeda"
#define OF_FILE_BASE64 "pDbI29jL7fmu9ZxLIs4FJ4T5asqoSnlRU2+xz/Nc/to="

static char path[] = "/tmp/gw-signer-XXXXXX";

static int make_secret_file(void **state)
{
    static const char secret[] = "a secret in a file\n";
    int fd = mkstemp(path);
    bool written = fd >= 0 && write(fd, secret, sizeof(secret) - 1) == sizeof(secret) - 1;

    (void)state;
    close(fd);
    return written ? 0 : -1;
}

static int remove_secret_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void test_a_secret_file_beats_the_environment(void **state)
{
    static const struct {
        const char *environment;
        struct gw_signer_options options;
        const char *value;
    } cases[] = {
        {"a secret in the environment", {"X", GW_SIGNATURE_HEX, "", NULL}, OF_ENVIRONMENT},
        {"a secret in the environment", {"X", GW_SIGNATURE_HEX, "", path}, OF_FILE},
        {"", {"X", GW_SIGNATURE_HEX, "", path}, OF_FILE},
        {NULL, {"X", GW_SIGNATURE_HEX, "HMAC ", path}, "HMAC " OF_FILE},
        {NULL, {"X", GW_SIGNATURE_BASE64, "sha256=", path}, "sha256=" OF_FILE_BASE64},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_signer signer;
        struct gw_buffer value;

        unsetenv("GENESYS_WEBHOOK_SECRET");
        if (cases[i].environment)
            setenv("GENESYS_WEBHOOK_SECRET", cases[i].environment, 1);
        gw_buffer_init(&value, 256);
        assert_int_equal(gw_signer_init(&signer, &cases[i].options), GW_CLI_OK);
        assert_int_equal(gw_signer_append_value(&signer, GW_STR("{}"), &value), 0);
        if (!gw_str_equal(gw_buffer_str(&value), gw_str(cases[i].value)))
            fail_msg("case %zu: %.*s", i, (int)value.len, value.data);
        assert_null(getenv("GENESYS_WEBHOOK_SECRET"));
        gw_buffer_deinit(&value);
        gw_signer_deinit(&signer);
    }
}

static void test_what_no_header_can_carry_is_refused(void **state)
{
    static const struct {
        struct gw_signer_options options;
        enum gw_cli_exit status;
    } cases[] = {
        {{"", GW_SIGNATURE_HEX, "", path}, GW_CLI_USAGE},
        {{"X:", GW_SIGNATURE_HEX, "", path}, GW_CLI_USAGE},
        {{"X\r\nY", GW_SIGNATURE_HEX, "", path}, GW_CLI_USAGE},
        {{"X", GW_SIGNATURE_HEX, "a\r\nb", path}, GW_CLI_USAGE},
        {{"X", GW_SIGNATURE_HEX, "\x7f", path}, GW_CLI_USAGE},
        {{"X", GW_SIGNATURE_HEX, " v1=", path}, GW_CLI_USAGE},
        {{"X", GW_SIGNATURE_HEX, "", NULL}, GW_CLI_FAILED},
        {{"X", GW_SIGNATURE_HEX, "", "/nonexistent/secret"}, GW_CLI_FAILED},
    };

    (void)state;
    unsetenv("GENESYS_WEBHOOK_SECRET");
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_signer signer;

        assert_int_equal(gw_signer_init(&signer, &cases[i].options), cases[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_file_beats_the_environment),
        cmocka_unit_test(test_what_no_header_can_carry_is_refused),
    };

    return cmocka_run_group_tests(tests, make_secret_file, remove_secret_file);
}
