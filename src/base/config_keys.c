/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of configuration keys, in the order in which people read them: the parser, the shipped
 * ini and the documentation are made of it. After a change here, `GW_REGENERATE=1 meson test
 * config_print` writes the latter two anew.
 */
#include "gw/config.h"

#include "gw/address.h"

#include <ctype.h>
#include <strings.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

#define BYTES "in B, KiB, MiB or GiB"
#define TIME "in ms, s, min, h or d"
#define AT(member) offsetof(struct gw_config, member)

/* In the order of the enums that they stand for. */
static const char *const encodings[] = {"hex", "base64", NULL};
static const char *const backends[] = {"file", "dynamodb", NULL};
static const char *const failures[] = {"retry", "acknowledge", NULL};
static const char *const forwarded_headers[] = {"X-Forwarded-For", "Forwarded", NULL};
static const char *const switches[] = {"no", "yes", NULL};
static const char *const syncs[] = {"always", "never", NULL};
static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};

static bool consists_of(const char *text, bool (*wanted)(char c))
{
    while (*text && wanted(*text))
        text++;
    return *text == '\0';
}

/* RFC 9110, section 5.6.2. */
static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_path_char(char c)
{
    return c > ' ' && c <= '~' && c != '?' && c != '#';
}

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

/* What frames a request is taken from its header before a signature is looked for (strict.c). */
static bool is_framing(const char *text)
{
    return strcasecmp(text, "Host") == 0 || strcasecmp(text, "Content-Length") == 0 ||
           strcasecmp(text, "Transfer-Encoding") == 0;
}

static bool is_header(const char *text)
{
    return *text && consists_of(text, is_token_char) && !is_framing(text);
}

static bool is_request_path(const char *text)
{
    return *text == '/' && consists_of(text, is_path_char) && strcmp(text, "/healthz") != 0 &&
           strcmp(text, "/readyz") != 0;
}

static bool is_prefix(const char *text)
{
    return consists_of(text, is_printable);
}

static bool is_table_char(char c)
{
    return isalnum((unsigned char)c) || strchr("_-.", c);
}

static bool is_table_name(const char *text)
{
    size_t len = strlen(text);

    return len >= 3 && len <= 255 && consists_of(text, is_table_char);
}

static bool is_network(const char *text)
{
    struct gw_network network;

    return gw_network_parse(text, &network);
}

static bool is_not_empty(const char *text)
{
    return *text;
}

const struct gw_config_key gw_config_keys[] = {
    {.section = "server",
     .name = "listen",
     .type = GW_CONFIG_LIST,
     .unit = "HOST:PORT, [IPV6]:PORT or unix:/PATH",
     .initial = "127.0.0.1:8080",
     .valid = gw_config_is_listen_address,
     .offset = AT(listen),
     .help = "Where to listen for HTTP. 0.0.0.0:8080 or [::]:8080 where a load balancer comes from "
             "another machine; unix:/PATH for a proxy on this one. Write the key once for each. "
             "Sockets handed over by systemd are used instead of all of them."},
    {.section = "server",
     .name = "path",
     .type = GW_CONFIG_STRING,
     .unit = "a path that begins with /, without blanks, ? and #, but /healthz and /readyz",
     .initial = "/webhook",
     .valid = is_request_path,
     .reloadable = true,
     .offset = AT(path),
     .help = "The path that events are posted to: the one in the URL that Genesys was given."},
    {.section = "server",
     .name = "trusted_proxies",
     .type = GW_CONFIG_LIST,
     .unit = "a network such as 10.0.0.0/8 or an address",
     .initial = "",
     .valid = is_network,
     .reloadable = true,
     .offset = AT(trusted_proxies),
     .help = "Whose word is taken for where a request comes from, in logs and for allow: the load "
             "balancer. Write the key once for each network. 127.0.0.1 stands for local sockets "
             "too."},
    {.section = "server",
     .name = "forwarded_header",
     .type = GW_CONFIG_CHOICE,
     .initial = "X-Forwarded-For",
     .choices = forwarded_headers,
     .reloadable = true,
     .offset = AT(forwarded_header),
     .help = "The header in which they say so. Name the one that they write: the other one they "
             "may pass on from the client."},
    {.section = "server",
     .name = "allow",
     .type = GW_CONFIG_LIST,
     .unit = "a network such as 10.0.0.0/8 or an address",
     .initial = "",
     .valid = is_network,
     .reloadable = true,
     .offset = AT(allow),
     .help = "Who may post events; others are answered 403. Write the key once for each network. "
             "Left out: everybody, which the signature makes safe."},
    {.section = "server",
     .name = "workers",
     .type = GW_CONFIG_COUNT,
     .unit = "threads",
     .initial = "auto",
     .min = 1,
     .max = GW_CONFIG_WORKERS_MAX,
     .offset = AT(workers),
     .help = "Threads that serve requests. auto is one for each core that the process may use; "
             "set it lower to leave cores to others."},
    {.section = "server",
     .name = "max_body",
     .type = GW_CONFIG_BYTES,
     .unit = BYTES,
     .initial = "6MiB",
     .min = KIB,
     .max = 32 * MIB, /* the companion reads lines of twice that: GW_LINES_MAX_BYTES */
     .reloadable = true,
     .offset = AT(max_body_bytes),
     .help = "The longest body that is taken; a longer one is answered 413. Raise it when events "
             "are refused for their size."},
    {.section = "server",
     .name = "max_buffered",
     .type = GW_CONFIG_BYTES,
     .unit = BYTES,
     .initial = "256MiB",
     .min = KIB,
     .max = 1024 * GIB,
     .reloadable = true,
     .offset = AT(max_buffered_bytes),
     .help = "All bodies in memory together; beyond it new ones are answered 503. Keep it well "
             "under the memory that the service may use."},
    {.section = "server",
     .name = "max_connections",
     .type = GW_CONFIG_COUNT,
     .unit = "connections",
     .initial = "10000",
     .min = 1,
     .max = 1000000,
     .reloadable = true,
     .offset = AT(max_connections),
     .help = "Connections open at once, over all workers. An idle one costs some 17 KiB and a file "
             "descriptor."},
    {.section = "server",
     .name = "max_connections_per_ip",
     .type = GW_CONFIG_COUNT,
     .unit = "connections, of which 0 is no limit",
     .initial = "0",
     .min = 0,
     .max = 1000000,
     .reloadable = true,
     .offset = AT(max_connections_per_ip),
     .help = "Connections open at once from one address (of IPv6: from one /64), over all workers. "
             "Those of trusted_proxies and of Unix sockets are not counted, so it is for a daemon "
             "that clients reach themselves."},
    {.section = "server",
     .name = "max_in_flight",
     .type = GW_CONFIG_COUNT,
     .unit = "requests",
     .initial = "10000",
     .min = 1,
     .max = 1000000,
     .reloadable = true,
     .offset = AT(max_in_flight),
     .help = "Events that wait for the storage at once; beyond it new ones are answered 503. Lower "
             "it to push back sooner when the storage is slow."},
    {.section = "server",
     .name = "request_timeout",
     .type = GW_CONFIG_DURATION,
     .unit = TIME,
     .initial = "10s",
     .min = 100,
     .max = HOUR,
     .reloadable = true,
     .offset = AT(request_timeout_ms),
     .help = "From a request's first byte to its last; a slower one is answered 408 and closed. "
             "Genesys itself gives up after 10 seconds."},
    {.section = "server",
     .name = "idle_timeout",
     .type = GW_CONFIG_DURATION,
     .unit = TIME,
     .initial = "75s",
     .min = 100,
     .max = 24 * HOUR,
     .reloadable = true,
     .offset = AT(idle_timeout_ms),
     .help = "How long a connection may stay open without a request. Keep it longer than the load "
             "balancer's own, or that one reuses connections which are just being closed."},
    {.section = "server",
     .name = "drain_delay",
     .type = GW_CONFIG_DURATION,
     .unit = TIME,
     .initial = "0ms",
     .min = 0,
     .max = HOUR,
     .reloadable = true,
     .offset = AT(drain_delay_ms),
     .help = "How long it serves as ever, only with /readyz at 503, once it is told to stop: until "
             "the load balancer has noticed. A second signal ends it."},
    {.section = "server",
     .name = "drain_timeout",
     .type = GW_CONFIG_DURATION,
     .unit = TIME,
     .initial = "30s",
     .min = 0,
     .max = HOUR,
     .reloadable = true,
     .offset = AT(drain_timeout_ms),
     .help = "How long requests on open connections are still served, with Connection: close, once "
             "the daemon is told to stop. New connections are refused from then on."},

    {.section = "signature",
     .name = "header",
     .type = GW_CONFIG_STRING,
     .unit = "the name of a header, but Host, Content-Length and Transfer-Encoding",
     .initial = "X-Genesys-Signature",
     .valid = is_header,
     .reloadable = true,
     .offset = AT(signature_header),
     .help = "The header that carries the signature, in any case. For Open Messaging: "
             "X-Hub-Signature-256."},
    {.section = "signature",
     .name = "encoding",
     .type = GW_CONFIG_CHOICE,
     .initial = "hex",
     .choices = encodings,
     .reloadable = true,
     .offset = AT(signature_encoding),
     .help = "How the header writes the HMAC-SHA256 of the body. For Open Messaging: base64."},
    {.section = "signature",
     .name = "prefix",
     .type = GW_CONFIG_STRING,
     .unit = "printable ASCII, or nothing",
     .initial = "",
     .valid = is_prefix,
     .reloadable = true,
     .offset = AT(signature_prefix),
     .help = "What stands before the signature in the header. For Open Messaging: sha256=."},
    {.section = "signature",
     .name = "secret_file",
     .type = GW_CONFIG_LIST,
     .unit = "the path of a file, on up to 8 lines",
     .initial = "",
     .valid = is_not_empty,
     .reloadable = true,
     .offset = AT(secret_files),
     .help = "A file that holds the secret which Genesys signs with. Write the key several times "
             "during a rotation: any of the secrets will do. The environment's "
             "GENESYS_WEBHOOK_SECRET beats it; without both, systemd's credentials are used."},

    {.section = "storage",
     .name = "backend",
     .type = GW_CONFIG_CHOICE,
     .initial = "file",
     .choices = backends,
     .offset = AT(backend),
     .help = "Where conversations are stored. file appends to a local file and needs nothing else; "
             "dynamodb writes a table of AWS's."},
    {.section = "storage",
     .name = "on_update_failure",
     .type = GW_CONFIG_CHOICE,
     .initial = "retry",
     .choices = failures,
     .reloadable = true,
     .offset = AT(on_update_failure),
     .help = "What is answered when an update could not be stored: retry answers 500, so that "
             "Genesys sends it again; acknowledge answers 200 and loses it, as the Lambda function "
             "did."},

    {.section = "file",
     .name = "path",
     .type = GW_CONFIG_STRING,
     .unit = "the path of a file",
     .initial = "events.jsonl",
     .valid = is_not_empty,
     .offset = AT(file_path),
     .help = "The file that events are appended to, one JSON object a line. Where it does not "
             "begin with /, it lies in systemd's $STATE_DIRECTORY, or else in the working folder."},
    {.section = "file",
     .name = "sync",
     .type = GW_CONFIG_CHOICE,
     .initial = "always",
     .choices = syncs,
     .offset = AT(file_sync),
     .help = "always has an event on the disk (fdatasync) before it is answered 200. never leaves "
             "that to the kernel: faster, but a power cut can lose events that Genesys will not "
             "send again."},

    {.section = "dynamodb",
     .name = "table",
     .type = GW_CONFIG_STRING,
     .unit = "3 to 255 letters, digits, _, - and .",
     .initial = "GenesysConversations",
     .valid = is_table_name,
     .offset = AT(dynamodb_table),
     .help = "The table, with conversationId (a string) as its key. `genesys-webhook table create` "
             "makes it."},
    {.section = "dynamodb",
     .name = "region",
     .type = GW_CONFIG_STRING,
     .unit = "a region of AWS, such as eu-central-1, or nothing",
     .initial = "",
     .offset = AT(dynamodb_region),
     .help = "Where the table is. Left out: AWS_REGION, AWS_DEFAULT_REGION, or the profile's."},
    {.section = "dynamodb",
     .name = "endpoint",
     .type = GW_CONFIG_STRING,
     .unit = "a URL of http or https without a path, or nothing",
     .initial = "",
     .offset = AT(dynamodb_endpoint),
     .help =
         "Another server than the region's: DynamoDB Local, a VPC endpoint's own name. Left out: "
         "AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, or the profile's."},
    {.section = "dynamodb",
     .name = "ca_file",
     .type = GW_CONFIG_STRING,
     .unit = "the path of a PEM file, or nothing",
     .initial = "",
     .offset = AT(dynamodb_ca_file),
     .help =
         "The certificate authorities to trust instead of the system's. TLS is always verified."},
    {.section = "dynamodb",
     .name = "max_attempts",
     .type = GW_CONFIG_COUNT,
     .unit = "requests",
     .initial = "4",
     .min = 1,
     .max = 20,
     .offset = AT(dynamodb_max_attempts),
     .help =
         "How often a request is sent in quick succession when it fails, before it waits its turn "
         "again."},
    {.section = "dynamodb",
     .name = "deadline",
     .type = GW_CONFIG_DURATION,
     .unit = TIME,
     .initial = "7s",
     .min = 100,
     .max = MINUTE,
     .offset = AT(dynamodb_deadline_ms),
     .help =
         "How long an event may wait for the table, over all attempts; then it is answered 500. "
         "Genesys itself gives up after 10 seconds."},
    {.section = "dynamodb",
     .name = "connections",
     .type = GW_CONFIG_COUNT,
     .unit = "connections",
     .initial = "256",
     .min = 1,
     .max = 10000,
     .offset = AT(dynamodb_connections),
     .help =
         "Connections to DynamoDB, for each worker, at most. Their number is the number of events "
         "under way at once."},
    {.section = "dynamodb",
     .name = "ttl",
     .type = GW_CONFIG_DURATION,
     .unit = TIME,
     .initial = "0s",
     .min = 0,
     .max = 36500 * 24 * HOUR,
     .offset = AT(dynamodb_ttl_ms),
     .help = "Writes expiresAt, the event's own time plus this, for the table's time to live. 0s "
             "writes none."},
    {.section = "dynamodb",
     .name = "unready_on_outage",
     .type = GW_CONFIG_CHOICE,
     .initial = "no",
     .choices = switches,
     .offset = AT(dynamodb_unready_on_outage),
     .help = "Whether /readyz says 503 while the table takes no writes. no: all replicas share the "
             "table, and a load balancer would take them all away at once."},

    {.section = "admin",
     .name = "listen",
     .type = GW_CONFIG_LIST,
     .unit = "HOST:PORT, [IPV6]:PORT or unix:/PATH",
     .initial = "",
     .valid = gw_config_is_listen_address,
     .offset = AT(admin_listen),
     .help =
         "Where to listen for operators: a status page at /, /metrics for Prometheus. Left out: "
         "nowhere."},
    {.section = "admin",
     .name = "remote",
     .type = GW_CONFIG_CHOICE,
     .initial = "no",
     .choices = switches,
     .offset = AT(admin_remote),
     .help = "yes lets it be another address than this machine's loopback. There is no password: "
             "whoever can reach it may look."},
    {.section = "log",
     .name = "level",
     .type = GW_CONFIG_CHOICE,
     .initial = "info",
     .choices = levels,
     .reloadable = true,
     .offset = AT(log_level),
     .help = "The least important lines that are written. error: what needs a person; warning: "
             "refused requests too; info: start, stop, reload and the counters too; debug: nothing "
             "more yet."},
    {.section = "log",
     .name = "format",
     .type = GW_CONFIG_CHOICE,
     .initial = "text",
     .choices = formats,
     .reloadable = true,
     .offset = AT(log_format),
     .help = "text for people and journald, json (an object a line) for log collectors."},
};

const size_t gw_config_key_count = GW_COUNT(gw_config_keys);
