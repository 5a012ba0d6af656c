/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/config.h"

#include "gw/config_value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct gw_config config;
static struct gw_config_errors errors;

static int parse(const char *text)
{
    return gw_config_parse(&config, text, strlen(text), "f.ini", &errors);
}

static void assert_holds_nothing(void)
{
    static const struct gw_config nothing;

    assert_memory_equal(&config, &nothing, sizeof(config));
}

static void assert_same(const struct gw_config *a, const struct gw_config *b)
{
    for (size_t i = 0; i < gw_config_key_count; i++) {
        if (!gw_config_value_equal(&gw_config_keys[i], a, b))
            fail_msg("[%s] %s differs", gw_config_keys[i].section, gw_config_keys[i].name);
    }
}

static int tear_down(void **state)
{
    (void)state;
    gw_config_deinit(&config);
    return 0;
}

static void assert_is_default(void)
{
    assert_int_equal(config.listen.count, 1);
    assert_string_equal(config.listen.items[0], "127.0.0.1:8080");
    assert_int_equal(config.admin_listen.count, 0);
    assert_string_equal(config.path, "/webhook");
    assert_int_equal(config.workers, 0);
    assert_int_equal(config.max_body_bytes, 6 << 20);
    assert_int_equal(config.max_buffered_bytes, 256 << 20);
    assert_int_equal(config.max_connections, 10000);
    assert_int_equal(config.max_connections_per_ip, 0);
    assert_int_equal(config.max_in_flight, 10000);
    assert_int_equal(config.request_timeout_ms, 10000);
    assert_int_equal(config.idle_timeout_ms, 75000);
    assert_int_equal(config.drain_timeout_ms, 30000);
    assert_string_equal(config.signature_header, "X-Genesys-Signature");
    assert_int_equal(config.signature_encoding, GW_CONFIG_HEX);
    assert_string_equal(config.signature_prefix, "");
    assert_int_equal(config.secret_files.count, 0);
    assert_int_equal(config.backend, 0);
    assert_int_equal(config.on_update_failure, GW_CONFIG_FAILURE_RETRY);
    assert_string_equal(config.file_path, "events.jsonl");
    assert_int_equal(config.file_sync, GW_CONFIG_SYNC_ALWAYS);
    assert_int_equal(config.log_level, GW_LOG_INFO);
    assert_int_equal(config.log_format, GW_LOG_TEXT);
}

static void test_no_file_and_an_empty_one_give_the_defaults(void **state)
{
    static const char *const texts[] = {NULL, "", "\n\n", "# only\n ; comments", "[server]\n[log]"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        assert_int_equal(
            gw_config_parse(&config, texts[i], texts[i] ? strlen(texts[i]) : 0, "f.ini", &errors),
            0);
        assert_int_equal(errors.count, 0);
        assert_string_equal(errors.text, "");
        assert_is_default();
        gw_config_deinit(&config);
        assert_holds_nothing();
    }
}

static void test_every_key_is_read_into_its_place(void **state)
{
    (void)state;
    assert_int_equal(parse("[server]\nlisten=[::1]:80\npath=/hook\nworkers=4\nmax_body=64KiB\n"
                           "max_buffered=1GiB\nmax_connections=5\nmax_in_flight=6\n"
                           "request_timeout=500ms\nidle_timeout=2min\ndrain_timeout=0s\n"
                           "[signature]\nheader=X-Hub-Signature-256\nencoding=base64\n"
                           "prefix=sha256=\nsecret_file=/a\nsecret_file=/b\n"
                           "[storage]\nbackend=file\non_update_failure=acknowledge\n"
                           "[file]\npath=/var/lib/e.jsonl\nsync=never\n"
                           "[log]\nlevel=debug\nformat=json\n"),
                     0);
    assert_int_equal(config.listen.count, 1);
    assert_string_equal(config.listen.items[0], "[::1]:80");
    assert_string_equal(config.path, "/hook");
    assert_int_equal(config.workers, 4);
    assert_int_equal(config.max_body_bytes, 64 << 10);
    assert_int_equal(config.max_buffered_bytes, 1 << 30);
    assert_int_equal(config.max_connections, 5);
    assert_int_equal(config.max_in_flight, 6);
    assert_int_equal(config.request_timeout_ms, 500);
    assert_int_equal(config.idle_timeout_ms, 120000);
    assert_int_equal(config.drain_timeout_ms, 0);
    assert_string_equal(config.signature_header, "X-Hub-Signature-256");
    assert_int_equal(config.signature_encoding, GW_CONFIG_BASE64);
    assert_string_equal(config.signature_prefix, "sha256=");
    assert_int_equal(config.secret_files.count, 2);
    assert_string_equal(config.secret_files.items[0], "/a");
    assert_string_equal(config.secret_files.items[1], "/b");
    assert_int_equal(config.on_update_failure, GW_CONFIG_FAILURE_ACKNOWLEDGE);
    assert_string_equal(config.file_path, "/var/lib/e.jsonl");
    assert_int_equal(config.file_sync, GW_CONFIG_SYNC_NEVER);
    assert_int_equal(config.log_level, GW_LOG_DEBUG);
    assert_int_equal(config.log_format, GW_LOG_JSON);
}

static const char *const same_texts[] = {
    "[server]\npath=/p\n[signature]\nsecret_file=/a\nsecret_file=/b\n",
    "\xEF\xBB\xBF[server]\r\npath=/p\r\n\r\n[signature]\r\nsecret_file=/a\r\nsecret_file=/b",
    "  [server]\n  path : /p ; a comment\n[signature] ; c\nsecret_file= /a\t\n  /b ; c\n",
    "[signature] # c\nsecret_file=\n   /a\n# c\n   /b\n[server]\npath=/p\n[signature]\n",
    "[server]\npath=/p\n[log]\n[signature]\nsecret_file=/a\n\n[signature]\nsecret_file=/b\n",
};

static void test_ways_to_write_the_same_are_the_same(void **state)
{
    struct gw_config first;

    (void)state;
    assert_int_equal(parse(same_texts[0]), 0);
    first = config;
    for (size_t i = 1; i < GW_COUNT(same_texts); i++) {
        assert_int_equal(parse(same_texts[i]), 0);
        assert_same(&config, &first);
        gw_config_deinit(&config);
    }
    gw_config_deinit(&first);
}

/* The longest that a socket may have. */
#define PATH_OF_20 "/0123456789012345678"
#define PATH_OF_107 PATH_OF_20 PATH_OF_20 PATH_OF_20 PATH_OF_20 PATH_OF_20 "/012345"

static const struct {
    const char *section, *line;
    bool valid;
} values[] = {
    {"server", "max_body=1KiB", true},
    {"server", "max_body=1024", true},
    {"server", "max_body=1024B", true},
    {"server", "max_body=32MiB", true},
    {"server", "max_body=1023", false},
    {"server", "max_body=33MiB", false},
    {"server", "max_body=6MB", false},
    {"server", "max_body=6mib", false},
    {"server", "max_body=6 MiB", false},
    {"server", "max_body=+6MiB", false},
    {"server", "max_body=-6MiB", false},
    {"server", "max_body=0x1000", false},
    {"server", "max_body=6.5MiB", false},
    {"server", "max_body=MiB", false},
    {"server", "max_body=", false},
    {"server", "max_body=auto", false},
    {"server", "max_body=9223372036854775807GiB", false},
    {"server", "max_body=17592186044417MiB", false},
    {"server", "max_body=99999999999999999999", false},
    {"server", "max_buffered=1024GiB", true},
    {"server", "workers=auto", true},
    {"server", "workers=1", true},
    {"server", "workers=64", true},
    {"server", "workers=0", false},
    {"server", "workers=65", false},
    {"server", "workers=AUTO", false},
    {"server", "workers=2B", false},
    {"server", "max_connections=1000000", true},
    {"server", "max_connections=0", false},
    {"server", "max_connections_per_ip=0", true},
    {"server", "max_connections_per_ip=1000001", false},
    {"server", "request_timeout=100ms", true},
    {"server", "request_timeout=60min", true},
    {"server", "request_timeout=99ms", false},
    {"server", "request_timeout=2h", false},
    {"server", "request_timeout=10", false},
    {"server", "request_timeout=10sec", false},
    {"server", "idle_timeout=1d", true},
    {"server", "listen=0.0.0.0:0", true},
    {"server", "listen=8080", false},
    {"server", "listen=", false},
    {"server", "listen=\n 0.0.0.0:1\n [::]:1", true},
    {"server", "listen=unix:/run/a.sock", true},
    {"server", "listen=unix:" PATH_OF_107, true},
    {"server", "listen=unix:" PATH_OF_107 "0", false},
    {"server", "listen=unix:a.sock", false},
    {"server", "listen=unix:@abstract", false},
    {"server", "listen=unix:/run/", false},
    {"server", "listen=unix:", false},
    {"admin", "listen=", true},
    {"admin", "listen=unix:/run/a.sock", true},
    {"admin", "listen=9091", false},
    {"server", "path=/", true},
    {"server", "path=/a/b-c_d.e%20f~", true},
    {"server", "path=webhook", false},
    {"server", "path=", false},
    {"server", "path=/a?b", false},
    {"server", "path=/a#b", false},
    {"server", "path=/a b", false},
    {"server", "path=/a # no comment", false},
    {"server", "path=/caf\xc3\xa9", false},
    {"server", "path=/healthz", false},
    {"server", "path=/readyz", false},
    {"signature", "header=X-a!#$%&'*+-.^_`|~9", true},
    {"signature", "header=", false},
    {"signature", "header=X Signature", false},
    {"signature", "header=X\xc3\xa9", false},
    {"signature", "header=(X)", false},
    {"signature", "header=Host", false},
    {"signature", "header=content-length", false},
    {"signature", "header=TRANSFER-ENCODING", false},
    {"signature", "header=Content-Type", true},
    {"signature", "encoding=hex", true},
    {"signature", "encoding=HEX", false},
    {"signature", "encoding=hexa", false},
    {"signature", "encoding=", false},
    {"signature", "prefix=", true},
    {"signature", "prefix=sha256=", true},
    {"signature", "prefix=v1 t=", true},
    {"signature", "prefix=\x01", false},
    {"signature", "prefix=caf\xc3\xa9", false},
    {"signature", "secret_file=", true},
    {"file", "path=", false},
    {"file", "path=caf\xc3\xa9 a.jsonl", true},
};

static void test_values_are_taken_or_refused_with_their_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(values); i++) {
        char text[256];

        snprintf(text, sizeof(text), "\n[%s]\n# c\n%s\n", values[i].section, values[i].line);
        if ((parse(text) == 0) != values[i].valid)
            fail_msg("%s: %s", values[i].line, errors.text);
        if (!values[i].valid) {
            assert_int_equal(errors.count, 1);
            assert_memory_equal(errors.text, "f.ini:4: [", 10);
        }
        gw_config_deinit(&config);
        assert_holds_nothing();
    }
}

static const struct {
    const char *text, *errors;
} faulty[] = {
    {"[server]\nmax_body = 6MB\n",
     "f.ini:2: [server] max_body = 6MB: must be 1KiB to 32MiB in B, KiB, MiB or GiB\n"},
    {"[server]\nworkers=0\n", "f.ini:2: [server] workers = 0: must be 1 to 64 threads, or auto\n"},
    {"[server]\ndrain_timeout=5\n",
     "f.ini:2: [server] drain_timeout = 5: must be 0ms to 1h in ms, s, min, h or d\n"},
    {"[server]\nlisten=1.2.3.4:1\nlisten=1.2.3.4:1\n",
     "f.ini:3: [server] listen = 1.2.3.4:1: was given already\n"},
    {"[admin]\nlisten=1.2.3.4:1\n[server]\nlisten=1.2.3.4:1\n",
     "f.ini:2: [admin] listen = 1.2.3.4:1: is the address of [server] listen; take another port\n"},
    {"[server]\nlisten=here\n",
     "f.ini:2: [server] listen = here: must be HOST:PORT, [IPV6]:PORT or unix:/PATH\n"},
    {"[log]\nlevel=loud\n", "f.ini:2: [log] level = loud: must be error, warning, info or debug\n"},
    /* names */
    {"[server]\nlisen=1:1\n", "f.ini:2: [server] lisen: unknown key; did you mean listen?\n"},
    {"[log]\nverbosity=9\n", "f.ini:2: [log] verbosity: unknown key; known are level, format\n"},
    {"[log]\nsync=never\n", "f.ini:2: [log] sync: unknown key; it belongs under [file]\n"},
    {"[log]\n=x\n", "f.ini:2: [log] : unknown key; known are level, format\n"},
    {"[sever]\nlisten=x\n", "f.ini:1: [sever]: unknown section; did you mean server?\n"},
    {"[http2]\na=b\n", "f.ini:1: [http2]: unknown section; known are server, signature, storage, "
                       "file, dynamodb, admin, log\n"},
    {"[]\na=b\n", "f.ini:1: []: unknown section; known are server, signature, storage, file, "
                  "dynamodb, admin, log\n"},
    {"listen=1:1\n", "f.ini:1: listen: stands before any section; put it under [server]\n"},
    {"verbose=1\n", "f.ini:1: verbose: stands before any section; put it under [SECTION]\n"},
    /* a secret in the wrong place is not shown */
    {"[signature]\nsecret=hunter2hunter2\n",
     "f.ini:2: [signature] secret: unknown key; known are header, encoding, prefix, "
     "secret_file\n"},
    {"[signature]\nhunter2hunter2\n",
     "f.ini:2: neither a [section], nor key = value, nor a # comment\n"},
    {"[signature]\nencoding=hunter2", "f.ini:2: [signature] encoding: must be hex or base64\n"},
    {"[signature]\nheader=hunter 2\n",
     "f.ini:2: [signature] header: must be the name of a header, but Host, Content-Length and "
     "Transfer-Encoding\n"},
    {"[signature]\nprefix=a\nprefix=hunter2\n  hunter2\n",
     "f.ini:3: [signature] prefix: was given on line 2 already\n"
     "f.ini:4: [signature] prefix: was given on line 2 already; an indented line continues the key "
     "above it\n"},
    {"aHVudGVyMg==\n[signature]\naHVudGVyMg==\n",
     "f.ini:1: (not shown): stands before any section; put it under [SECTION]\n"
     "f.ini:3: [signature] (not shown): unknown key; known are header, encoding, prefix, "
     "secret_file\n"},
    /* lines */
    {"[log\nlevel=x\n", "f.ini:1: a section stands in brackets, as in [server]\n"},
    {"[log] level=x\n", "f.ini:1: [log]: a key stands on a line of its own\n"},
    {"[log]\nlevel ; =x\n", "f.ini:2: neither a [section], nor key = value, nor a # comment\n"},
    {"[log]\nlevel=\x1b[2J\n",
     "f.ini:2: [log] level = ?[2J: must be error, warning, info or debug\n"},
    /* repetitions and indentation */
    {"[log]\nlevel=info\n[server]\n[log]\nlevel=info\n",
     "f.ini:5: [log] level = info: was given on line 2 already\n"},
    {"[log]\nlevel=info\n  format=json\n",
     "f.ini:3: [log] level = format=json: was given on line 2 already; an indented line continues "
     "the key above it\n"},
    /* across keys */
    {"[server]\nmax_body=2MiB\nmax_buffered=1MiB\n",
     "f.ini:3: [server] max_body is greater than max_buffered: bodies between the two could never "
     "be taken\n"},
    {"[server]\n\nmax_buffered=1MiB\n",
     "f.ini:3: [server] max_body is greater than max_buffered: bodies between the two could never "
     "be taken\n"},
    {"[server]\nmax_buffered=7167KiB\nmax_body=7MiB\n",
     "f.ini:3: [server] max_body is greater than max_buffered: bodies between the two could never "
     "be taken\n"},
    {"[server]\nmax_body=2MiB\nmax_buffered=1\n",
     "f.ini:3: [server] max_buffered = 1: must be 1KiB to 1024GiB in B, KiB, MiB or GiB\n"},
    /* all at once */
    {"[server]\nmax_buffered=1MiB\n[log]\nlevel=a\n",
     "f.ini:4: [log] level = a: must be error, warning, info or debug\n"
     "f.ini:2: [server] max_body is greater than max_buffered: bodies between the two could never "
     "be taken\n"},
    {"x\n[server]\nlisen=a\n\n# c\nworkers=0\n[log]\nlevel=a\nb",
     "f.ini:1: neither a [section], nor key = value, nor a # comment\n"
     "f.ini:3: [server] lisen: unknown key; did you mean listen?\n"
     "f.ini:6: [server] workers = 0: must be 1 to 64 threads, or auto\n"
     "f.ini:8: [log] level = a: must be error, warning, info or debug\n"
     "f.ini:9: neither a [section], nor key = value, nor a # comment\n"},
};

static void test_errors_name_line_key_value_and_what_would_be_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(faulty); i++) {
        assert_int_equal(parse(faulty[i].text), -EINVAL);
        assert_string_equal(errors.text, faulty[i].errors);
        assert_true(errors.count > 0);
        gw_config_deinit(&config);
        assert_holds_nothing();
    }
}

static void test_line_of_the_greatest_length_is_taken_and_a_longer_one_refused(void **state)
{
    char text[GW_CONFIG_LINE_MAX + 32];
    size_t head;

    (void)state;
    for (size_t over = 0; over <= 1; over++) {
        head = (size_t)snprintf(text, sizeof(text), "[file]\npath=");
        memset(text + head, 'x', GW_CONFIG_LINE_MAX - 5 + over);
        strcpy(text + head + GW_CONFIG_LINE_MAX - 5 + over, "\n");
        assert_int_equal(parse(text), over ? -EINVAL : 0);
        if (over)
            assert_string_equal(errors.text, "f.ini:2: is longer than 190 bytes\n");
        else
            assert_int_equal(strlen(config.file_path), GW_CONFIG_LINE_MAX - 5);
        gw_config_deinit(&config);
    }
}

static void test_nul_byte_is_refused(void **state)
{
    static const char text[] = "[log]\nlevel=info\0loud\nformat=json\n";

    (void)state;
    assert_int_equal(gw_config_parse(&config, text, sizeof(text) - 1, "f.ini", &errors), -EINVAL);
    assert_string_equal(errors.text, "f.ini:2: holds a NUL byte; a configuration is text\n");
}

static void test_list_takes_as_many_items_as_there_is_room_for(void **state)
{
    char text[256] = "[signature]\n", line[] = "secret_file=/a\n";

    (void)state;
    for (size_t i = 0; i < GW_CONFIG_LIST_MAX; i++) {
        strcat(text, line);
        line[sizeof("secret_file=/") - 1]++;
    }
    assert_int_equal(parse(text), 0);
    assert_int_equal(config.secret_files.count, GW_CONFIG_LIST_MAX);
    gw_config_deinit(&config);
    strcat(text, line);
    assert_int_equal(parse(text), -EINVAL);
    assert_string_equal(errors.text, "f.ini:10: [signature] secret_file: there may be at most 8\n");
}

static void test_items_of_a_list_know_their_lines_also_where_something_else_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(parse("[signature]\nsecret_file=/a\nsecret_file=\n\n  /b\n[log]\nlevel=x\n"),
                     -EINVAL);
    assert_int_equal(config.secret_files.count, 2);
    assert_string_equal(config.secret_files.items[0], "/a");
    assert_int_equal(config.secret_files.lines[0], 2);
    assert_string_equal(config.secret_files.items[1], "/b");
    assert_int_equal(config.secret_files.lines[1], 5);
}

static void test_errors_that_do_not_fit_are_counted(void **state)
{
    static char text[3000];
    size_t lines = 0;
    char last[32];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    for (size_t i = 1; i < sizeof(text) - 1; i += 2)
        text[i] = '\n';
    assert_int_equal(parse(text), -EINVAL);
    assert_int_equal(errors.count, 1500);
    for (const char *at = errors.text; *at; at++)
        lines += *at == '\n';
    snprintf(last, sizeof(last), "\n... and %zu more\n", 1500 - (lines - 1));
    assert_string_equal(errors.text + strlen(errors.text) - strlen(last), last);
}

static const struct {
    const char *address, *host; /* NULL: refused */
    uint16_t port;
} addresses[] = {
    {"127.0.0.1:8080", "127.0.0.1", 8080},
    {"localhost:0", "localhost", 0},
    {"[::]:65535", "::", 65535},
    {"[fe80::1%eth0]:1", "fe80::1%eth0", 1},
    {"", NULL, 0},
    {"127.0.0.1", NULL, 0},
    {"127.0.0.1:", NULL, 0},
    {":8080", NULL, 0},
    {"127.0.0.1:65536", NULL, 0},
    {"127.0.0.1:99999999999999999999", NULL, 0},
    {"127.0.0.1:-1", NULL, 0},
    {"127.0.0.1:+1", NULL, 0},
    {"127.0.0.1: 1", NULL, 0},
    {"127.0.0.1:80x", NULL, 0},
    {"::1:80", NULL, 0},
    {"[::1]", NULL, 0},
    {"[::1]80", NULL, 0},
    {"[::1:80", NULL, 0},
    {"::1]:80", NULL, 0},
    {"[]:80", NULL, 0},
    {"[[::1]]:80", NULL, 0},
    {"a b:80", NULL, 0},
    {"longer-than-its-place:80", NULL, 0},
};

static void test_address_is_split_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(addresses); i++) {
        char host[20];
        uint16_t port;
        int r = gw_config_split_address(addresses[i].address, host, sizeof(host), &port);

        if ((r == 0) != (addresses[i].host != NULL))
            fail_msg("%s: %d", addresses[i].address, r);
        if (r == 0) {
            assert_string_equal(host, addresses[i].host);
            assert_int_equal(port, addresses[i].port);
        }
    }
}

static void test_changed_keys_that_need_a_restart_are_named(void **state)
{
    struct gw_config wanted;
    char names[128];

    (void)state;
    assert_int_equal(parse(""), 0);
    assert_int_equal(gw_config_needs_restart(&config, &config, names, sizeof(names)), 0);
    assert_string_equal(names, "");

    wanted = config;
    assert_int_equal(parse("[server]\npath=/new\nmax_body=1MiB\nlisten=[::]:80\n[file]\npath=n\n"
                           "[signature]\nsecret_file=/a\n[log]\nlevel=debug\n"),
                     0);
    assert_int_equal(gw_config_needs_restart(&config, &wanted, names, sizeof(names)), 2);
    assert_string_equal(names, "[server] listen, [file] path");
    assert_int_equal(gw_config_needs_restart(&config, &wanted, names, 10), 2);
    assert_string_equal(names, "[server] ");
    gw_config_deinit(&wanted);
}

static void test_file_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(gw_config_load(&config, "/nonexistent/f.ini", &errors), -ENOENT);
    assert_string_equal(errors.text, "/nonexistent/f.ini: No such file or directory\n");
    assert_int_equal(errors.count, 1);
    assert_holds_nothing();
    assert_int_equal(gw_config_load(&config, "/tmp", &errors), -EISDIR);
    assert_string_equal(errors.text, "/tmp: Is a directory\n");
}

static void test_file_of_1_mib_is_read_and_a_larger_one_refused(void **state)
{
    (void)state;
    for (size_t over = 0; over <= 1; over++) {
        char path[] = "/tmp/test_config.XXXXXX";
        int fd = mkstemp(path);
        FILE *file = fdopen(fd, "w");

        assert_non_null(file);
        fputs("[log]\nlevel=debug\n", file);
        for (size_t i = 18; i < (1 << 20) + over; i++)
            fputc(i % 100 ? '#' : '\n', file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(gw_config_load(&config, path, &errors), over ? -ENOBUFS : 0);
        if (over)
            assert_non_null(strstr(errors.text, ": is larger than 1 MiB\n"));
        else
            assert_int_equal(config.log_level, GW_LOG_DEBUG);
        assert_int_equal(unlink(path), 0);
        gw_config_deinit(&config);
    }
}

#define CONFIG_TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(test_no_file_and_an_empty_one_give_the_defaults),
        CONFIG_TEST(test_every_key_is_read_into_its_place),
        CONFIG_TEST(test_ways_to_write_the_same_are_the_same),
        CONFIG_TEST(test_values_are_taken_or_refused_with_their_line),
        CONFIG_TEST(test_errors_name_line_key_value_and_what_would_be_right),
        CONFIG_TEST(test_line_of_the_greatest_length_is_taken_and_a_longer_one_refused),
        CONFIG_TEST(test_nul_byte_is_refused),
        CONFIG_TEST(test_list_takes_as_many_items_as_there_is_room_for),
        CONFIG_TEST(test_items_of_a_list_know_their_lines_also_where_something_else_is_wrong),
        CONFIG_TEST(test_errors_that_do_not_fit_are_counted),
        CONFIG_TEST(test_address_is_split_or_refused),
        CONFIG_TEST(test_changed_keys_that_need_a_restart_are_named),
        CONFIG_TEST(test_file_that_cannot_be_read_is_an_error),
        CONFIG_TEST(test_file_of_1_mib_is_read_and_a_larger_one_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
