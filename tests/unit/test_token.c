/* SPDX-License-Identifier: Apache-2.0 */
#include "../../src/aws/token.h"

#include "../../src/aws/provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "scratch.h"

static void write_file(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void test_a_tokens_file_holds_one_printable_line(void **state)
{
    static const struct {
        struct gw_str bytes;
        const char *token; /* NULL: refused */
    } cases[] = {
        {{"opensesame", 10}, "opensesame"},
        {{"opensesame\n", 11}, "opensesame"},
        {{"opensesame\r\n", 12}, "opensesame"},
        {{"Bearer open/sesame+=", 20}, "Bearer open/sesame+="},
        {{"", 0}, NULL},
        {{"\n", 1}, NULL},
        {{"opensesame\n\n", 12}, NULL},
        {{"opensesame\r", 11}, NULL},
        {{"opensesame\r\nX-Other: 1", 22}, NULL},
        {{"opensesame\nX-Other: 1\n", 22}, NULL},
        {{"open\0sesame", 11}, NULL},
        {{"open\tsesame", 11}, NULL},
        {{"open\x7fsesame", 11}, NULL},
        {{"open\xc3\xb6sesame", 12}, NULL},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char message[GW_AWS_MESSAGE_SIZE] = "";
        struct gw_buffer token;
        int r;

        write_file(cases[i].bytes.data, cases[i].bytes.len);
        r = gw_token_read(path, "container", &token, message);
        if (cases[i].token ? r != 0 || !gw_str_equal(gw_buffer_str(&token), gw_str(cases[i].token))
                           : r != GW_PROVIDER_FAILED)
            fail_msg("case %zu: %d, %s", i, r, message);
        if (!cases[i].token)
            assert_true(strstr(message, path) && !strstr(message, "sesame"));
        gw_buffer_wipe(&token);
    }
}

static void test_a_tokens_length_is_bounded(void **state)
{
    static char bytes[GW_TOKEN_BYTES_MAX + 4];
    static const struct {
        size_t len;
        const char *end;
        int result;
    } cases[] = {
        {GW_TOKEN_BYTES_MAX, "", 0},
        {GW_TOKEN_BYTES_MAX, "\r\n", 0},
        {GW_TOKEN_BYTES_MAX + 1, "", GW_PROVIDER_FAILED},
        {GW_TOKEN_BYTES_MAX + 1, "\n", GW_PROVIDER_FAILED},
        {GW_TOKEN_BYTES_MAX + 3, "\n", GW_PROVIDER_FAILED},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        char message[GW_AWS_MESSAGE_SIZE];
        struct gw_buffer token;
        size_t end_len = strlen(cases[i].end);

        memset(bytes, 'a', sizeof(bytes));
        memcpy(bytes + cases[i].len, cases[i].end, end_len);
        write_file(bytes, cases[i].len + end_len);
        assert_int_equal(gw_token_read(path, "container", &token, message), cases[i].result);
        if (cases[i].result == 0)
            assert_int_equal(token.len, GW_TOKEN_BYTES_MAX);
        gw_buffer_wipe(&token);
    }
}

static void test_what_is_no_file_is_told_with_its_name(void **state)
{
    char fifo[80];
    const char *const names[] = {"/nonexistent/token", scratch_folder, fifo};

    (void)state;
    (void)snprintf(fifo, sizeof(fifo), "%s/fifo", scratch_folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        char message[GW_AWS_MESSAGE_SIZE];
        struct gw_buffer token;

        assert_int_equal(gw_token_read(names[i], "web identity", &token, message),
                         GW_PROVIDER_FAILED);
        assert_non_null(strstr(message, names[i]));
        assert_int_equal(strncmp(message, "web identity: ", 14), 0);
        gw_buffer_wipe(&token);
    }
    unlink(fifo);
}

static void test_a_text_that_repeats_the_beginning_of_a_token_is_found(void **state)
{
    static const struct {
        const char *text, *token;
        bool is_in;
    } cases[] = {
        {"value 'eyJhbGciOiJSUzI1NiJ9' is wrong", "eyJhbGciOiJSUzI1NiJ9.e30.x", true},
        {"value 'eyJhbGciOiJS", "eyJhbGciOiJSUzI1NiJ9.e30.x", true},
        {"short", "short", true},
        {"the token is not valid", "eyJhbGciOiJSUzI1NiJ9.e30.x", false},
        {"", "eyJhbGciOiJSUzI1NiJ9.e30.x", false},
        {"anything", "", false},
        {"Authorization=AWS4-HMAC-SHA256 Credential=A", "", true},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        if (gw_token_is_in(cases[i].text, gw_str(cases[i].token)) != cases[i].is_in)
            fail_msg("%s", cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tokens_file_holds_one_printable_line),
        cmocka_unit_test(test_a_tokens_length_is_bounded),
        cmocka_unit_test(test_what_is_no_file_is_told_with_its_name),
        cmocka_unit_test(test_a_text_that_repeats_the_beginning_of_a_token_is_found),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
