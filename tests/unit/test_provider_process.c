/* SPDX-License-Identifier: Apache-2.0 */
#include "../../src/aws/provider.h"

#include "gw/time.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SECRET_START "wJalr"
#define JSON "{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"" SECRET "\"}"
/* A script that finds the JSON in $0. */
#define SCRIPT(text) "/bin/sh -c '" text "' '" JSON "'"
#define LONG_MS 60000

static char message[GW_AWS_MESSAGE_SIZE];

static void assert_said(const char *says)
{
    if (!strstr(message, says))
        fail_msg("\"%s\" does not say \"%s\"", message, says);
    if (strstr(message, SECRET_START))
        fail_msg("\"%s\" holds a secret", message);
    for (const char *c = message; *c; c++)
        assert_true(*c >= ' ' && *c <= '~');
}

static const struct {
    const char *command;
    const char *arguments[5];
    int result;
} splits[] = {
    {"", {NULL}, 0},
    {" \t\n", {NULL}, 0},
    {"a", {"a"}, 0},
    {" a  b\tc\n", {"a", "b", "c"}, 0},
    {"a\nb", {"a", "b"}, 0},
    {"a 'b c' \"d e\"", {"a", "b c", "d e"}, 0},
    {"a'b'\"c\"d", {"abcd"}, 0},
    {"'' \"\"", {"", ""}, 0},
    {"a '' b", {"a", "", "b"}, 0},
    {"'\"' \"'\"", {"\"", "'"}, 0},
    {"'a\\b' \"a\\b\" a\\b", {"a\\b", "a\\b", "ab"}, 0},
    {"\"a\\\"b\\\\c\\'d\"", {"a\"b\\c\\'d"}, 0},
    {"a\\ b \\' \\\\", {"a b", "'", "\\"}, 0},
    {"$HOME `x` ~ * ; | > &", {NULL}, -E2BIG},
    {"$HOME `x` *;|>&", {"$HOME", "`x`", "*;|>&"}, 0},
    {"a b c d e", {NULL}, -E2BIG},
    {"a b c d", {"a", "b", "c", "d"}, 0},
    {"a 'b", {NULL}, -EINVAL},
    {"a \"b", {NULL}, -EINVAL},
    {"a \"b\\", {NULL}, -EINVAL},
    {"a \"b\\\"", {NULL}, -EINVAL},
    {"a b\\", {NULL}, -EINVAL},
};

static void test_a_command_is_split_at_blanks_outside_of_quotes(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(splits); i++) {
        char *arguments[5] = {0}, *text = strdup(splits[i].command);
        int r = gw_process_split(text, arguments, GW_COUNT(arguments));

        assert_int_equal(r, splits[i].result);
        for (size_t j = 0; r == 0 && splits[i].arguments[j]; j++) {
            assert_non_null(arguments[j]);
            assert_string_equal(arguments[j], splits[i].arguments[j]);
            assert_true(splits[i].arguments[j + 1] || !arguments[j + 1]);
        }
        if (r == 0 && !splits[i].arguments[0])
            assert_null(arguments[0]);
        free(text);
    }
}

static const char *const good[] = {
    "/bin/echo '" JSON "'",
    "echo '" JSON "'",
    SCRIPT("echo \"$0\""),
    SCRIPT("printf %s \"$0\""),
    /* stdin is empty. */
    SCRIPT("cat; printf %s \"$0\""),
    /* What it says besides does not matter, however much it is. */
    SCRIPT("echo hello >&2; printf %s \"$0\""),
    SCRIPT("head -c 1000000 /dev/zero >&2; printf %s \"$0\""),
    /* Nor in which pieces it prints. */
    SCRIPT("printf {; sleep 0.1; printf %s \"${0#?}\""),
    SCRIPT("printf %s \"$0\"; exec >&- 2>&-; true"),
    /* It has a process group of its own. */
    SCRIPT("[ \"$(cut -d\\  -f5 /proc/$$/stat)\" = $$ ] && printf %s \"$0\""),
    /* Neither our signal mask nor our dispositions nor our descriptors. */
    "awk -v 'j=" JSON "' '/^SigBlk:.0*$/ {print j}' /proc/self/status",
    SCRIPT("grep -q \"^SigIgn:.*0000000$\" /proc/self/status && printf %s \"$0\""),
    SCRIPT("[ ! -e /proc/$$/fd/100 ] && printf %s \"$0\""),
};

static int count_descriptors(void)
{
    DIR *entries = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(entries);
    while (readdir(entries))
        count++;
    closedir(entries);
    return count;
}

static void test_a_process_that_prints_credentials_is_believed(void **state)
{
    int leaked = dup2(STDERR_FILENO, 100), descriptors = count_descriptors();
    sigset_t all, before;

    (void)state;
    assert_int_equal(leaked, 100);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < GW_COUNT(good); i++) {
        struct gw_credentials *found = NULL;
        int r = gw_credentials_from_process(good[i], LONG_MS, &found, message);

        if (r)
            fail_msg("%s: %s", good[i], message);
        assert_string_equal(found->access_key_id.data, "AKID");
        assert_string_equal(found->secret.data, SECRET);
        assert_string_equal(found->source, "credential_process");
        gw_credentials_unref(found);
    }
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(count_descriptors(), descriptors);
    close(leaked);
}

static const struct {
    const char *command, *says;
} bad[] = {
    {"", "names no command: give its path"},
    {"   ", "names no command"},
    {"''", "names no command"},
    {"echo 'x", "has a quote without its end"},
    {"/nowhere/x --token " SECRET, "credential_process (/nowhere/x) cannot be started: No such"},
    {"no-such-command-anywhere", "cannot be started: No such file"},
    {"/etc", "(/etc) cannot be started: Permission denied: give its whole path"},
    {"~/x", "(~/x) cannot be started"},
    {"/bin/true", "credential_process: expected JSON"},
    {"/bin/echo {}", "must say \"Version\": 1"},
    {SCRIPT("echo \"$0\" \"$0\""), "expected JSON"},
    {SCRIPT("echo \"$0\"; exit 3"), "(/bin/sh) ended with status 3: run it by hand as this user"},
    {SCRIPT("kill -9 $$"), "was ended by signal 9: run it by hand"},
    {SCRIPT("echo first >&2; echo >&2; echo \"  why it failed\" >&2; echo >&2; exit 1"),
     "ended with status 1: run it by hand as this user; it says: why it failed"},
    {SCRIPT("printf \"no end\" >&2; exit 1"), "; it says: no end"},
    {SCRIPT("printf \"a\\033[1m\\tb\\r\\n\" >&2; exit 1"), "; it says: a?[1m?b"},
    {SCRIPT("set -x; echo \"$0\"; exit 1"), "ended with status 1"},
    {SCRIPT("echo \"$0\" >&2; exit 1"), "\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"***"},
    /* Cut off within the secret. */
    {SCRIPT("printf %0181d 0 >&2; echo \" $0\" >&2; exit 1"), "\"SecretAccessKey\":\"******"},
    {SCRIPT("yes"), "(/bin/sh) printed more than 65535 bytes and was killed: it must print"},
    {SCRIPT("echo broken >&2; yes"), "; it says: broken"},
    {"x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x "
     "x x x x x x x x x x x x x x x x x x x",
     "has more than 64 arguments: put them into a script"},
};

static void test_a_process_that_fails_says_what_to_do(void **state)
{
    int descriptors = count_descriptors();

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        struct gw_credentials *found = NULL;

        assert_int_equal(gw_credentials_from_process(bad[i].command, LONG_MS, &found, message),
                         GW_PROVIDER_FAILED);
        assert_null(found);
        assert_said(bad[i].says);
    }
    assert_int_equal(count_descriptors(), descriptors);
}

/* A killed process may stay in the table until init has looked. */
static bool is_running(int pid)
{
    char path[64], state = 'X';
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X';
    (void)fclose(file);
    return state != 'Z' && state != 'X';
}

static int read_pid(void)
{
    char path[PATH_MAX];
    FILE *file = fopen(files_path(path, "pid"), "re");
    int pid = 0;

    if (file && fscanf(file, "%d", &pid) != 1)
        pid = 0;
    if (file)
        (void)fclose(file);
    return pid;
}

static void write_command(char *command, size_t size, const char *format)
{
    char path[PATH_MAX];

    (void)snprintf(command, size, format, files_path(path, "pid"));
}

static void test_a_process_that_hangs_is_killed_with_its_group(void **state)
{
    char command[PATH_MAX + 256];
    int pid = 0;

    (void)state;
    write_command(command, sizeof(command),
                  "/bin/sh -c 'sleep 600 & echo $! >%s; echo asking >&2; wait'");
    /* It must have come so far before its time was over. */
    for (int64_t timeout_ms = 200; pid == 0 && timeout_ms < LONG_MS; timeout_ms *= 3) {
        struct gw_credentials *found = NULL;

        assert_int_equal(gw_credentials_from_process(command, timeout_ms, &found, message),
                         GW_PROVIDER_FAILED);
        assert_null(found);
        assert_said("and was killed: it must not ask anybody anything");
        pid = read_pid();
    }
    assert_true(pid > 0);
    eventually(!is_running(pid));
}

static void test_what_a_process_leaves_behind_is_not_waited_for(void **state)
{
    struct gw_credentials *found = NULL;
    char command[PATH_MAX + 512];

    (void)state;
    write_command(command, sizeof(command),
                  "/bin/sh -c 'sleep 600 & echo $! >%s; echo \"$0\"' '" JSON "'");
    assert_int_equal(gw_credentials_from_process(command, LONG_MS, &found, message), 0);
    assert_string_equal(found->access_key_id.data, "AKID");
    gw_credentials_unref(found);
    assert_true(is_running(read_pid()));
    assert_int_equal(kill(read_pid(), SIGKILL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_is_split_at_blanks_outside_of_quotes),
        cmocka_unit_test(test_a_process_that_prints_credentials_is_believed),
        cmocka_unit_test(test_a_process_that_fails_says_what_to_do),
        cmocka_unit_test(test_a_process_that_hangs_is_killed_with_its_group),
        cmocka_unit_test(test_what_a_process_leaves_behind_is_not_waited_for),
    };
    int failed;

    files_begin("/tmp");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_end();
    return failed;
}
