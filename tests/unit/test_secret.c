/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define GOOD "0123456789abcdef0123456789abcdef"

static char folder[64];
static struct gw_secrets secrets;
static char message[1024];

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void put_file(const char *name, struct gw_str content, mode_t mode)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static int load(const char *const *paths, size_t count)
{
    return gw_secrets_load(&secrets, &(struct gw_secret_files){.paths = paths, .count = count},
                           message, sizeof(message));
}

static int load_file(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s", path_of(name));
    return load((const char *const[]){path}, 1);
}

static int load_none(void)
{
    return gw_secrets_load(&secrets, NULL, message, sizeof(message));
}

static void assert_secret(size_t index, struct gw_str expected, const char *source)
{
    assert_true(index < secrets.count);
    assert_int_equal(secrets.items[index].len, expected.len);
    assert_memory_equal(secrets.items[index].bytes, expected.data, expected.len);
    assert_string_equal(secrets.items[index].source, source);
}

static void assert_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static int set_up(void **state)
{
    (void)state;
    unsetenv("GENESYS_WEBHOOK_SECRET");
    unsetenv("CREDENTIALS_DIRECTORY");
    snprintf(folder, sizeof(folder), "/tmp/test_secret.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    gw_secrets_deinit(&secrets);
    gw_secret_forget_environment();
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static const struct {
    struct gw_str content, secret;
} contents[] = {
    {{GOOD, 32}, {GOOD, 32}},
    {{GOOD "\n", 33}, {GOOD, 32}},
    {{GOOD "\r\n", 34}, {GOOD, 32}},
    {{GOOD "\n\n", 34}, {GOOD "\n", 33}},
    {{GOOD "\r", 33}, {GOOD "\r", 33}},
    {{" " GOOD " ", 34}, {" " GOOD " ", 34}},
    {{"\0\xff" GOOD, 34}, {"\0\xff" GOOD, 34}},
};

static void test_one_line_break_is_taken_off_a_file_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(contents); i++) {
        put_file("s", contents[i].content, 0600);
        assert_int_equal(load_file("s"), 0);
        assert_int_equal(secrets.count, 1);
        assert_secret(0, contents[i].secret, path_of("s"));
        assert_null(secrets.items[0].warning);
        gw_secrets_deinit(&secrets);
        assert_int_equal(secrets.count, 0);
    }
}

static const struct {
    mode_t mode;
    int result;
    const char *says; /* the message, or the warning; NULL for none */
} modes[] = {
    {0600, 0, NULL},
    {0400, 0, NULL},
    {0700, 0, NULL},
    {0640, 0, "can be read"},
    {0604, 0, "can be read"},
    {0644, 0, "can be read"},
    {0620, -EPERM, "chmod 0600 /tmp/test_secret."},
    {0602, -EPERM, "chmod 0600 /tmp/test_secret."},
    {0666, -EPERM, "chmod 0600 /tmp/test_secret."},
};

static void test_file_that_others_may_write_is_refused_and_read_is_warned_about(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(modes); i++) {
        put_file("s", GW_STR(GOOD), modes[i].mode);
        assert_int_equal(load_file("s"), modes[i].result);
        assert_int_equal(secrets.count, modes[i].result == 0);
        if (modes[i].result < 0)
            assert_in(message, modes[i].says);
        else if (modes[i].says)
            assert_in(secrets.items[0].warning, modes[i].says);
        else
            assert_null(secrets.items[0].warning);
        gw_secrets_deinit(&secrets);
        assert_int_equal(unlink(path_of("s")), 0);
    }
}

static void test_file_of_another_user_is_refused(void **state)
{
    int r;

    (void)state;
    if (geteuid() != 0)
        skip(); /* only root gives files away */
    put_file("s", GW_STR(GOOD), 0600);
    assert_int_equal(chown(path_of("s"), 65534, 65534), 0);
    assert_int_equal(load_file("s"), -EPERM);
    assert_in(message, "belongs to the user 65534");
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    r = load_file("s");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(r, 0);
}

static const struct {
    const char *secret, *warning;
} weak[] = {
    {"0123456789abcde", "shorter than 16"},
    {"x", "shorter than 16"},
    {"0123456789abcdef", NULL},
    {"changeme", "placeholder"},
    {"ChangeMe", "placeholder"},
    {"changeme-changeme-changeme", "placeholder"},
    {"CHANGE_ME", "placeholder"},
    {"secret", "placeholder"},
    {"password", "placeholder"},
    {"TEST", "placeholder"},
    {"example-secret-of-the-docs", "placeholder"},
    {"your-secret-here", "placeholder"},
    {"test-4f2a9c0d8e7b6a51", NULL},
    {"secret-4f2a9c0d8e7b6a51", NULL},
    {"chang", "shorter than 16"},
};

static void test_weak_secret_is_taken_with_a_warning(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(weak); i++) {
        put_file("s", gw_str(weak[i].secret), 0600);
        assert_int_equal(load_file("s"), 0);
        if (weak[i].warning)
            assert_in(secrets.items[0].warning, weak[i].warning);
        else
            assert_null(secrets.items[0].warning);
        gw_secrets_deinit(&secrets);
    }
}

static void test_empty_secret_is_refused(void **state)
{
    static const char *const empty[] = {"", "\n", "\r\n"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(empty); i++) {
        put_file("s", gw_str(empty[i]), 0600);
        assert_int_equal(load_file("s"), -EINVAL);
        assert_in(message, path_of("s"));
        assert_in(message, "is empty");
    }
}

static void test_secret_of_the_greatest_length_is_taken_and_a_longer_one_refused(void **state)
{
    static char bytes[GW_SECRET_BYTES_MAX + 3];

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    bytes[GW_SECRET_BYTES_MAX] = '\r';
    bytes[GW_SECRET_BYTES_MAX + 1] = '\n';
    put_file("s", (struct gw_str){bytes, GW_SECRET_BYTES_MAX + 2}, 0600);
    assert_int_equal(load_file("s"), 0);
    assert_secret(0, (struct gw_str){bytes, GW_SECRET_BYTES_MAX}, path_of("s"));
    gw_secrets_deinit(&secrets);

    bytes[GW_SECRET_BYTES_MAX + 2] = 'x';
    put_file("s", (struct gw_str){bytes, GW_SECRET_BYTES_MAX + 3}, 0600);
    assert_int_equal(load_file("s"), -EINVAL);

    memset(bytes, 'x', sizeof(bytes));
    for (size_t over = 1; over <= 3; over++) {
        put_file("s", (struct gw_str){bytes, GW_SECRET_BYTES_MAX + over}, 0600);
        assert_int_equal(load_file("s"), -EINVAL);
        assert_in(message, "too long");
    }
}

static void test_what_is_no_readable_file_is_refused_by_name(void **state)
{
    (void)state;
    assert_int_equal(load_file("missing"), -ENOENT);
    assert_in(message, path_of("missing"));
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_int_equal(load_file("fifo"), -EINVAL);
    assert_in(message, "not a regular file");
    assert_int_equal(mkdir(path_of("folder"), 0700), 0);
    assert_int_equal(load_file("folder"), -EINVAL);
    assert_in(message, "not a regular file");
}

static void test_link_to_a_secret_is_followed(void **state)
{
    (void)state;
    put_file("s", GW_STR(GOOD), 0600);
    assert_int_equal(symlink("s", path_of("link")), 0);
    assert_int_equal(load_file("link"), 0);
    assert_secret(0, GW_STR(GOOD), path_of("link"));
}

static void test_several_files_keep_their_order_and_one_bad_file_leaves_none(void **state)
{
    char first[128], second[128];

    (void)state;
    put_file("b", GW_STR(GOOD "b"), 0600);
    put_file("a", GW_STR(GOOD "a"), 0600);
    snprintf(first, sizeof(first), "%s", path_of("b"));
    snprintf(second, sizeof(second), "%s", path_of("a"));
    assert_int_equal(load((const char *const[]){first, second}, 2), 0);
    assert_int_equal(secrets.count, 2);
    assert_secret(0, GW_STR(GOOD "b"), first);
    assert_secret(1, GW_STR(GOOD "a"), second);
    gw_secrets_deinit(&secrets);

    assert_int_equal(unlink(second), 0);
    assert_int_equal(load((const char *const[]){first, second}, 2), -ENOENT);
    assert_int_equal(secrets.count, 0);
    assert_int_equal(load((const char *const[]){second, first}, 2), -ENOENT);
    assert_int_equal(secrets.count, 0);
}

static void test_every_bad_file_is_told_with_its_line_but_not_what_may_be_a_secret(void **state)
{
    static const unsigned lines[] = {3, 4, 7};
    char empty[128], expected[512];
    const struct gw_secret_files files = {
        .paths = (const char *const[]){"/hunter2", empty, "hunter2"},
        .count = 3,
        .config = "f.ini",
        .lines = lines,
    };

    (void)state;
    put_file("s", GW_STR(""), 0600);
    snprintf(empty, sizeof(empty), "%s", path_of("s"));
    snprintf(expected, sizeof(expected),
             "f.ini:3: [signature] secret_file: what it names cannot be opened: No such file or "
             "directory\n"
             "f.ini:4: [signature] secret_file: %s is empty: it must hold the secret that Genesys "
             "signs with\n"
             "f.ini:7: [signature] secret_file: what it names cannot be opened: No such file or "
             "directory",
             empty);
    assert_int_equal(gw_secrets_load(&secrets, &files, message, sizeof(message)), -ENOENT);
    assert_string_equal(message, expected);
    assert_int_equal(secrets.count, 0);
}

static void test_messages_that_do_not_fit_are_cut(void **state)
{
    static const unsigned lines[] = {1, 2, 3, 4};
    const struct gw_secret_files files = {
        .paths = (const char *const[]){"/a/a", "/a/a", "/a/a", "/a/a"},
        .count = 4,
        .config = "f.ini",
        .lines = lines,
    };

    (void)state;
    for (size_t size = 1; size < 300; size++) {
        memset(message, '!', sizeof(message));
        assert_int_equal(gw_secrets_load(&secrets, &files, message, size), -ENOENT);
        assert_int_equal(strlen(message), size - 1);
        assert_int_equal(message[size], '!');
    }
}

static void test_more_secrets_than_can_be_used_are_refused(void **state)
{
    const char *files[GW_KEYS_MAX + 1];
    char path[128];

    (void)state;
    put_file("s", GW_STR(GOOD), 0600);
    snprintf(path, sizeof(path), "%s", path_of("s"));
    for (size_t i = 0; i < GW_COUNT(files); i++)
        files[i] = path;
    assert_int_equal(load(files, GW_KEYS_MAX), 0);
    assert_int_equal(secrets.count, GW_KEYS_MAX);
    gw_secrets_deinit(&secrets);
    assert_int_equal(load(files, GW_KEYS_MAX + 1), -EINVAL);
    assert_in(message, "at most 8");
}

static void test_no_secret_at_all_says_the_three_ways_to_give_one(void **state)
{
    (void)state;
    assert_int_equal(load_none(), -ENOENT);
    assert_in(message, "GENESYS_WEBHOOK_SECRET");
    assert_in(message, "secret_file");
    assert_in(message, "LoadCredential=webhook-secret");
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    assert_int_equal(load_none(), -ENOENT);
    assert_in(message, "secret_file");
}

static void test_credentials_are_taken_by_name_where_no_file_is_named(void **state)
{
    (void)state;
    put_file("webhook-secret-new", GW_STR(GOOD "2"), 0440);
    put_file("webhook-secret-Z", GW_STR(GOOD "1"), 0440);
    put_file("webhook-secret", GW_STR(GOOD "0\n"), 0440);
    put_file("webhook-secrets", GW_STR(GOOD "no"), 0440);
    put_file("other-webhook-secret", GW_STR(GOOD "no"), 0440);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    assert_int_equal(load_none(), 0);
    assert_int_equal(secrets.count, 3);
    assert_secret(0, GW_STR(GOOD "0"), path_of("webhook-secret"));
    assert_secret(1, GW_STR(GOOD "1"), path_of("webhook-secret-Z"));
    assert_secret(2, GW_STR(GOOD "2"), path_of("webhook-secret-new"));
    assert_null(secrets.items[0].warning);
    gw_secrets_deinit(&secrets);

    put_file("webhook-secret-empty", GW_STR(""), 0440);
    assert_int_equal(load_none(), -EINVAL);
    assert_in(message, "webhook-secret-empty is empty");

    put_file("named", GW_STR(GOOD), 0600);
    assert_int_equal(load_file("named"), 0);
    assert_int_equal(secrets.count, 1);
}

static void test_credentials_folder_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    setenv("CREDENTIALS_DIRECTORY", "/nonexistent", 1);
    assert_int_equal(load_none(), -ENOENT);
    assert_in(message, "/nonexistent");
}

static void test_environment_beats_files_at_every_load(void **state)
{
    (void)state;
    put_file("s", GW_STR(GOOD), 0600);
    setenv("GENESYS_WEBHOOK_SECRET", GOOD "e\n", 1);
    assert_int_equal(gw_secret_take_environment(), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(load_file("s"), 0);
        assert_int_equal(secrets.count, 1);
        assert_secret(0, GW_STR(GOOD "e\n"), "GENESYS_WEBHOOK_SECRET");
        gw_secrets_deinit(&secrets);
    }
    gw_secret_forget_environment();
    assert_int_equal(load_file("s"), 0);
    assert_secret(0, GW_STR(GOOD), path_of("s"));
}

static void test_environment_is_overwritten_where_it_stood(void **state)
{
    char *value;

    (void)state;
    setenv("GENESYS_WEBHOOK_SECRET", GOOD, 1);
    value = getenv("GENESYS_WEBHOOK_SECRET");
    assert_int_equal(gw_secret_take_environment(), 0);
    assert_null(getenv("GENESYS_WEBHOOK_SECRET"));
    for (size_t i = 0; i < sizeof(GOOD); i++)
        assert_int_equal(value[i], 0);
}

static void test_empty_or_too_long_environment_is_refused_although_a_file_is_there(void **state)
{
    static char too_long[GW_SECRET_BYTES_MAX + 2];

    (void)state;
    put_file("s", GW_STR(GOOD), 0600);
    setenv("GENESYS_WEBHOOK_SECRET", "", 1);
    assert_int_equal(gw_secret_take_environment(), 0);
    assert_int_equal(load_file("s"), -EINVAL);
    assert_in(message, "GENESYS_WEBHOOK_SECRET is empty");

    memset(too_long, 'x', sizeof(too_long) - 1);
    setenv("GENESYS_WEBHOOK_SECRET", too_long, 1);
    assert_int_equal(gw_secret_take_environment(), 0);
    assert_int_equal(load_file("s"), -EINVAL);
    assert_in(message, "GENESYS_WEBHOOK_SECRET is too long");
}

#define SECRET_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SECRET_TEST(test_one_line_break_is_taken_off_a_file_and_nothing_else),
        SECRET_TEST(test_file_that_others_may_write_is_refused_and_read_is_warned_about),
        SECRET_TEST(test_file_of_another_user_is_refused),
        SECRET_TEST(test_weak_secret_is_taken_with_a_warning),
        SECRET_TEST(test_empty_secret_is_refused),
        SECRET_TEST(test_secret_of_the_greatest_length_is_taken_and_a_longer_one_refused),
        SECRET_TEST(test_what_is_no_readable_file_is_refused_by_name),
        SECRET_TEST(test_link_to_a_secret_is_followed),
        SECRET_TEST(test_several_files_keep_their_order_and_one_bad_file_leaves_none),
        SECRET_TEST(test_every_bad_file_is_told_with_its_line_but_not_what_may_be_a_secret),
        SECRET_TEST(test_messages_that_do_not_fit_are_cut),
        SECRET_TEST(test_more_secrets_than_can_be_used_are_refused),
        SECRET_TEST(test_no_secret_at_all_says_the_three_ways_to_give_one),
        SECRET_TEST(test_credentials_are_taken_by_name_where_no_file_is_named),
        SECRET_TEST(test_credentials_folder_that_cannot_be_read_is_an_error),
        SECRET_TEST(test_environment_beats_files_at_every_load),
        SECRET_TEST(test_environment_is_overwritten_where_it_stood),
        SECRET_TEST(test_empty_or_too_long_environment_is_refused_although_a_file_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
