/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Against openssl's own server, with authorities and a certificate made on the spot. Its page says
 * how a session came about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_test.h"

#include <fcntl.h>
#include <sys/wait.h>

#define PAGE_MAX ((size_t)64 << 10)

static char folder[] = "/tmp/gw-tls-XXXXXX";
static pid_t server = -1;
static int port;

/* In the folder; without a word unless it fails. */
static void shell(const char *command)
{
    char line[2048];

    (void)snprintf(line, sizeof(line), "cd %s && { %s; } >log 2>&1 || { cat log; false; }", folder,
                   command);
    assert_int_equal(system(line), 0);
}

static void run_server(int out, const char *const *options)
{
    const char *arguments[24] = {"openssl", "s_server", "-accept", "127.0.0.1:0", "-www",
                                 "-cert",   "cert.pem", "-key",    "cert.key"};
    size_t count = 9;

    while (*options)
        arguments[count++] = *options++;
    if (chdir(folder) == 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(open("/dev/null", O_RDWR), STDERR_FILENO) >= 0 && dup2(STDERR_FILENO, 0) >= 0)
        execvp("openssl", (char **)arguments);
    _exit(127);
}

static void start_server(const char *const *options)
{
    int ends[2];
    char line[200];
    FILE *out;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    server = fork();
    assert_true(server >= 0);
    if (server == 0)
        run_server(ends[1], options);
    close(ends[1]);
    out = fdopen(ends[0], "r");
    assert_non_null(out);
    do
        assert_non_null(fgets(line, sizeof(line), out));
    while (sscanf(line, "ACCEPT 127.0.0.1:%d", &port) != 1);
    fclose(out);
}

static void stop_server(void)
{
    if (server > 0) {
        kill(server, SIGTERM);
        waitpid(server, NULL, 0);
    }
    server = -1;
}

static int make_certificates(void **state)
{
    char file[64];

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    shell("for ca in ours other; do openssl req -x509 -newkey ec -pkeyopt "
          "ec_paramgen_curve:P-256 -nodes -keyout $ca.key -out $ca.pem -subj /CN=$ca -days 2; done;"
          "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout cert.key "
          "-out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost "
          "-CA ours.pem -CAkey ours.key -days 2");
    /* What the system forbids must not hide what we allow. */
    shell("printf '%s\\n' 'openssl_conf = all' '[all]' 'ssl_conf = ssl' '[ssl]' "
          "'system_default = lax' '[lax]' 'MinProtocol = TLSv1' "
          "'CipherString = ALL:@SECLEVEL=0' > lax.cnf");
    (void)snprintf(file, sizeof(file), "%s/lax.cnf", folder);
    return setenv("OPENSSL_CONF", file, 1);
}

static int remove_certificates(void **state)
{
    char line[100];

    (void)state;
    (void)snprintf(line, sizeof(line), "rm -r %s", folder);
    return system(line);
}

static int stop_and_tear_down(void **state)
{
    stop_server();
    return tear_down(state);
}

static void connect_to(struct test *test, const char *host, const char *ca)
{
    char url[64], ca_file[64];
    const struct gw_http_client_options options = {
        .url = url,
        .ca_file = ca ? ca_file : NULL,
        .connections = 2,
        .connect_timeout_ms = LONG_MS,
        .answer_max = PAGE_MAX,
    };

    (void)snprintf(url, sizeof(url), "https://%s:%d", host, port);
    (void)snprintf(ca_file, sizeof(ca_file), "%s/%s.pem", folder, ca ? ca : "");
    gw_http_client_free(test->client);
    test->client = NULL;
    assert_int_equal(gw_http_client_new(&test->loop, &options, &test->client), 0);
}

static struct gw_http_call *get(struct test *test)
{
    struct gw_http_call *call = call_of(test, 0);

    call->method = "GET";
    assert_int_equal(gw_http_start(test->client, call), 0);
    run(test, 1);
    return call;
}

static void test_only_the_right_name_of_the_right_authority_is_talked_to(void **state)
{
    static const struct {
        const char *host, *ca;
        enum gw_http_result result;
        const char *problem;
    } cases[] = {
        {"localhost", "ours", GW_HTTP_ANSWERED, NULL},
        {"localhost", "other", GW_HTTP_UNSENT, "certificate"},
        {"localhost", NULL, GW_HTTP_UNSENT, "certificate"}, /* the system's */
        {"127.0.0.1", "ours", GW_HTTP_UNSENT, "127.0.0.1"},
        {"localhost", "missing", GW_HTTP_UNSENT, "certificate"},
    };
    static const char *const options[] = {NULL};
    struct test *test = *state;

    start_server(options);
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_http_call *call;

        connect_to(test, cases[i].host, cases[i].ca);
        call = get(test);
        print_message("%s %s: %s\n", cases[i].host, cases[i].ca ? cases[i].ca : "the system's",
                      call->problem ? call->problem : "answered");
        assert_int_equal(call->result, cases[i].result);
        if (cases[i].problem)
            assert_non_null(strstr(call->problem, cases[i].problem));
        else
            assert_int_equal(call->status, 200);
    }
}

static void test_no_older_tls_than_1_2_is_spoken(void **state)
{
    static const char *const options[] = {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0", NULL};
    struct test *test = *state;

    start_server(options);
    connect_to(test, "localhost", "ours");
    assert_int_equal(get(test)->result, GW_HTTP_UNSENT);
}

static bool page_says(const struct gw_http_call *call, const char *text)
{
    return memmem(call->answer.data, call->answer.len, text, strlen(text)) != NULL;
}

/* The server closes after each answer. */
static void test_a_session_is_resumed(void **state)
{
    static const char *const options[] = {NULL};
    struct test *test = *state;

    start_server(options);
    connect_to(test, "localhost", "ours");
    assert_true(page_says(get(test), "New, TLSv1.3"));
    assert_true(page_says(get(test), "Reused, TLSv1.3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, stop_and_tear_down)
        TEST(test_only_the_right_name_of_the_right_authority_is_talked_to),
        TEST(test_no_older_tls_than_1_2_is_spoken),
        TEST(test_a_session_is_resumed),
    };

    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
