/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONFIG_H
#define GW_CONFIG_H

/*
 * The configuration. One static table of keys (gw_config_keys) is the source of the parser, of
 * `--check-config`, of the commented config/genesys-webhookd.ini and of the table in
 * docs/configuration.md.
 */

#include "gw/base.h"
#include "gw/log.h"

#include <stdio.h>

#define GW_CONFIG_LIST_MAX 8
#define GW_CONFIG_WORKERS_MAX 64
#define GW_CONFIG_LINE_MAX 190 /* inih cuts longer lines silently; ours refuses them */

struct gw_config_list {
    char *items[GW_CONFIG_LIST_MAX];
    unsigned lines[GW_CONFIG_LIST_MAX]; /* of the file, on which they stand */
    size_t count;
};

enum gw_config_encoding { GW_CONFIG_HEX, GW_CONFIG_BASE64 };
enum gw_config_sync { GW_CONFIG_SYNC_ALWAYS, GW_CONFIG_SYNC_NEVER };
enum gw_config_backend { GW_CONFIG_BACKEND_FILE, GW_CONFIG_BACKEND_DYNAMODB };
enum gw_config_failure { GW_CONFIG_FAILURE_RETRY, GW_CONFIG_FAILURE_ACKNOWLEDGE };

struct gw_config {
    struct gw_config_list listen; /* gw_config_is_listen_address; at least one */
    char *path;
    struct gw_config_list trusted_proxies, allow; /* networks */
    int64_t forwarded_header;                     /* enum gw_forwarded_form */
    int64_t workers;                              /* 0: auto */
    int64_t max_body_bytes;
    int64_t max_buffered_bytes;
    int64_t max_connections;
    int64_t max_connections_per_ip; /* 0: no limit */
    int64_t max_in_flight;
    int64_t request_timeout_ms;
    int64_t idle_timeout_ms;
    int64_t drain_delay_ms;
    int64_t drain_timeout_ms;

    char *signature_header;
    int64_t signature_encoding; /* enum gw_config_encoding */
    char *signature_prefix;
    struct gw_config_list secret_files;

    int64_t backend;           /* enum gw_config_backend */
    int64_t on_update_failure; /* enum gw_config_failure */

    char *file_path;
    int64_t file_sync; /* enum gw_config_sync */

    char *dynamodb_table;
    char *dynamodb_region, *dynamodb_endpoint, *dynamodb_ca_file; /* "": left open */
    int64_t dynamodb_max_attempts;
    int64_t dynamodb_deadline_ms;
    int64_t dynamodb_connections; /* a worker's */
    int64_t dynamodb_ttl_ms;      /* 0: none */
    int64_t dynamodb_unready_on_outage;

    struct gw_config_list admin_listen;
    int64_t admin_remote;

    int64_t log_level;  /* enum gw_log_level */
    int64_t log_format; /* enum gw_log_format */
};

enum gw_config_type {
    GW_CONFIG_STRING,
    GW_CONFIG_LIST,     /* the key may stand several times, or on indented lines below it */
    GW_CONFIG_COUNT,    /* a whole number; "auto" is 0 where the default is "auto" */
    GW_CONFIG_BYTES,    /* a whole number with B, KiB, MiB or GiB, or without: bytes */
    GW_CONFIG_DURATION, /* a whole number with ms, s, min, h or d */
    GW_CONFIG_CHOICE
};

struct gw_config_key {
    const char *section;
    const char *name;
    enum gw_config_type type;
    const char *unit;           /* for people: what a number counts, or what a text must be */
    const char *initial;        /* the default, as one would write it */
    int64_t min, max;           /* of numbers, in bytes or milliseconds where those are meant */
    const char *const *choices; /* NULL-ended, for GW_CONFIG_CHOICE */
    bool (*valid)(const char *text); /* of texts; NULL: any will do */
    bool reloadable;                 /* by SIGHUP; the others need a restart */
    size_t offset;                   /* into struct gw_config */
    const char *help;                /* one line */
};

extern const struct gw_config_key gw_config_keys[];
extern const size_t gw_config_key_count;

/*
 * Every error found, each ended by a line break: "FILE:LINE: [section] key = value: what would be
 * right". What does not fit is counted in a last line. What may be a secret in the wrong place is
 * not shown: the values of unknown keys and of those under [signature], and unusual names.
 */
struct gw_config_errors {
    char text[8192];
    size_t count;
};

/**
 * Reads a configuration; every error is reported, not only the first.
 * @param text  the file's content; NULL for the defaults alone
 * @param name  the file's name, for messages
 * @return 0; -EINVAL with @errors filled, and then @config holds what was right, so that it can be
 *         looked at further, and is the caller's to release all the same; or -ENOMEM.
 */
int gw_config_parse(struct gw_config *config, const char *text, size_t len, const char *name,
                    struct gw_config_errors *errors) GW_MUST_CHECK;

/**
 * Reads the file at @path (at most 1 MiB) and parses it.
 * @return as gw_config_parse; or, @errors filled too, why the file cannot be read: -ENOENT,
 * -ENOBUFS (too large), ... Then, as with -ENOMEM, @config holds nothing.
 */
int gw_config_load(struct gw_config *config, const char *path,
                   struct gw_config_errors *errors) GW_MUST_CHECK;
void gw_config_deinit(struct gw_config *config);

/**
 * Names the keys that differ and need a restart, as "[server] listen, [file] path".
 * @return how many there are.
 */
size_t gw_config_needs_restart(const struct gw_config *running, const struct gw_config *wanted,
                               char *names, size_t names_size);

/* Writes config/genesys-webhookd.ini, or the Markdown table of docs/configuration.md. */
void gw_config_print_ini(FILE *out);
void gw_config_print_markdown(FILE *out);

/**
 * Splits HOST:PORT or [V6]:PORT.
 * @return 0 or -EINVAL (no port, port over 65535, brackets that do not match).
 */
int gw_config_split_address(const char *address, char *host, size_t host_size,
                            uint16_t *port) GW_MUST_CHECK;

/* Before the absolute path of a Unix socket. */
#define GW_CONFIG_UNIX_PREFIX "unix:"

/* Whether it is HOST:PORT, [V6]:PORT, or unix:/PATH of a length that sockets can have. */
bool gw_config_is_listen_address(const char *text);

/* Whether @text is one of its items. */
bool gw_config_list_has(const struct gw_config_list *list, const char *text);

#endif
