/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is judged by its descriptor and not by its name, so it cannot be swapped between the look
 * and the read; links are followed, since Kubernetes mounts secrets as links. Every buffer that
 * held a secret, on the stack too, is cleansed in a way that the compiler cannot leave out.
 *
 * Nothing stops at the first error, since whoever configures secrets wants all of them.
 */
#include "gw/secret.h"

#include "gw/buffer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define VARIABLE "GENESYS_WEBHOOK_SECRET"
#define CREDENTIAL "webhook-secret"
#define SHORT_BYTES 16
#define LINE_BREAK_MAX 2 /* CR LF */

static const char warning_placeholder[] = "is a placeholder that anybody could guess";
static const char warning_short[] = "is shorter than 16 bytes, which can be guessed";
static const char warning_readable[] =
    "can be read by its group or by others (chmod 0600 it, where "
    "it is not mounted by Kubernetes or compose)";

/* What is found in examples; compared in any case. */
static const struct {
    const char *text;
    bool begins; /* a secret that only begins so counts as well */
} placeholders[] = {
    {"changeme", true}, {"change-me", true}, {"change_me", true}, {"example", true},
    {"your-", true},    {"your_", true},     {"replace", true},   {"placeholder", true},
    {"secret", false},  {"password", false}, {"test", false},     {"testing", false},
    {"default", false}, {"genesys", false},  {"webhook", false},  {"webhook-secret", false},
};

static struct {
    bool set;
    char *bytes;
    size_t len;
} environment;

/* Where the messages go, and of what they are. */
struct report {
    char *text;
    size_t size;
    const char *config; /* the configuration, and its line, that named the file; NULL: none did */
    unsigned line;
};

static GW_PRINTF(2, 0) void append(const struct report *report, const char *format, va_list args)
{
    size_t len = strlen(report->text);

    vsnprintf(report->text + len, report->size - len, format, args);
}

static GW_PRINTF(2, 3) void appendf(const struct report *report, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    append(report, format, args);
    va_end(args);
}

static GW_PRINTF(3, 4) int fail(const struct report *report, int error, const char *format, ...)
{
    va_list args;

    if (*report->text)
        appendf(report, "\n");
    if (report->config)
        appendf(report, "%.255s:%u: [signature] secret_file: ", report->config, report->line);
    va_start(args, format);
    append(report, format, args);
    va_end(args);
    return error;
}

static int first_error(int earlier, int later)
{
    return earlier < 0 ? earlier : later;
}

int gw_secret_take_environment(void)
{
    char *value = getenv(VARIABLE);
    char *copy;

    if (!value)
        return 0;
    copy = strdup(value);
    if (!copy)
        return -ENOMEM;
    gw_secret_forget_environment();
    environment.set = true;
    environment.bytes = copy;
    environment.len = strlen(copy);
    OPENSSL_cleanse(value, environment.len);
    unsetenv(VARIABLE);
    return 0;
}

void gw_secret_forget_environment(void)
{
    if (environment.bytes)
        OPENSSL_cleanse(environment.bytes, environment.len);
    free(environment.bytes);
    environment.set = false;
    environment.bytes = NULL;
    environment.len = 0;
}

static bool is_placeholder(struct gw_str secret)
{
    for (size_t i = 0; i < GW_COUNT(placeholders); i++) {
        size_t len = strlen(placeholders[i].text);

        if (secret.len >= len && (placeholders[i].begins || secret.len == len) &&
            strncasecmp(secret.data, placeholders[i].text, len) == 0)
            return true;
    }
    return false;
}

/* The gravest only: who is told to change the secret will not keep the file. */
static const char *find_warning(struct gw_str secret, bool readable_by_others)
{
    if (is_placeholder(secret))
        return warning_placeholder;
    if (secret.len < SHORT_BYTES)
        return warning_short;
    return readable_by_others ? warning_readable : NULL;
}

static int add_secret(struct gw_secrets *secrets, struct gw_str bytes, const char *source,
                      bool readable_by_others, const struct report *report)
{
    struct gw_secret *secret = &secrets->items[secrets->count];

    if (secrets->count == GW_KEYS_MAX)
        return fail(report, -EINVAL, "%s is one secret too many: at most %d can be used at once",
                    source, GW_KEYS_MAX);
    if (bytes.len == 0)
        return fail(report, -EINVAL, "%s is empty: it must hold the secret that Genesys signs with",
                    source);
    if (bytes.len > GW_SECRET_BYTES_MAX)
        return fail(report, -EINVAL, "%s is too long: a secret has at most %d bytes", source,
                    GW_SECRET_BYTES_MAX);

    secret->bytes = malloc(bytes.len + 1);
    if (!secret->bytes)
        return fail(report, -ENOMEM, "%s: out of memory", source);
    memcpy(secret->bytes, bytes.data, bytes.len);
    secret->bytes[bytes.len] = '\0';
    secret->len = bytes.len;
    snprintf(secret->source, sizeof(secret->source), "%s", source);
    secret->warning = find_warning(bytes, readable_by_others);
    secrets->count++;
    return 0;
}

/* Its owner could give a file another content. Where it is mounted read-only, as compose mounts the
 * files of whoever deploys, it was root that chose it. */
static bool is_trusted(int fd, const struct stat *status)
{
    struct statvfs mount;

    return status->st_uid == 0 || status->st_uid == geteuid() ||
           (fstatvfs(fd, &mount) == 0 && mount.f_flag & ST_RDONLY);
}

static int check_file(int fd, const char *path, struct stat *status, const struct report *report)
{
    if (fstat(fd, status) < 0)
        return fail(report, -errno, "%s: %s", path, strerrordesc_np(errno));
    if (!S_ISREG(status->st_mode))
        return fail(report, -EINVAL, "%s is not a regular file: name a file that holds the secret",
                    path);
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return fail(report, -EPERM,
                    "%s can be written by its group or by others, who could forge events: "
                    "chmod 0600 %s",
                    path, path);
    if (!is_trusted(fd, status))
        return fail(report, -EPERM,
                    "%s belongs to the user %u, who could forge events: make it root's, or that of "
                    "the user whom this runs as",
                    path, (unsigned)status->st_uid);
    return 0;
}

static int add_open_file(struct gw_secrets *secrets, int fd, const char *path, bool by_systemd,
                         const struct report *report)
{
    struct gw_buffer bytes;
    struct stat status;
    int r = check_file(fd, path, &status, report);

    if (r < 0)
        return r;
    /* One byte more than could be right shows what is too long. */
    gw_buffer_init(&bytes, GW_SECRET_BYTES_MAX + LINE_BREAK_MAX + 1);
    r = gw_buffer_read(&bytes, fd);
    if (r < 0) {
        fail(report, r, "%s: %s", path, strerrordesc_np(-r));
    } else {
        /* systemd lets the service's user in by an ACL, whose mask shows as the group's bits. */
        bool readable = !by_systemd && status.st_mode & (S_IRGRP | S_IROTH);

        r = add_secret(secrets, gw_str_without_line_break(gw_buffer_str(&bytes)), path, readable,
                       report);
    }
    gw_buffer_wipe(&bytes);
    return r;
}

/* No file's name is shown, as it may be the secret itself, written where its file should be named:
 * half of all secrets in base64 look like a path. A command line shows it anyway. */
static int fail_to_open(const struct report *report, const char *path, int error)
{
    if (report->config)
        return fail(report, -error, "what it names cannot be opened: %s", strerrordesc_np(error));
    return fail(report, -error, "%s cannot be opened: %s", path, strerrordesc_np(error));
}

static int add_file(struct gw_secrets *secrets, const char *path, bool by_systemd,
                    const struct report *report)
{
    /* Not to hang on a FIFO before it is seen that it is one. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int r;

    if (fd < 0)
        return fail_to_open(report, path, errno);
    r = add_open_file(secrets, fd, path, by_systemd, report);
    close(fd);
    return r;
}

static int is_credential(const struct dirent *entry)
{
    size_t len = sizeof(CREDENTIAL) - 1;

    return strncmp(entry->d_name, CREDENTIAL, len) == 0 &&
           (entry->d_name[len] == '\0' || entry->d_name[len] == '-');
}

/* Not alphasort: the order must not hang on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_credential(struct gw_secrets *secrets, const char *directory, const char *name,
                          const struct report *report)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", directory, name);

    if (len < 0 || (size_t)len >= sizeof(path))
        return fail(report, -ENAMETOOLONG, "$CREDENTIALS_DIRECTORY is too long");
    return add_file(secrets, path, true, report);
}

static int add_credentials(struct gw_secrets *secrets, const struct report *report)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    struct dirent **entries;
    int count, r = 0;

    if (!directory)
        return 0;
    count = scandir(directory, &entries, is_credential, by_name);
    if (count < 0)
        return fail(report, -errno, "$CREDENTIALS_DIRECTORY (%s) cannot be read: %s", directory,
                    strerrordesc_np(errno));
    for (int i = 0; i < count; i++) {
        r = first_error(r, add_credential(secrets, directory, entries[i]->d_name, report));
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int add_files(struct gw_secrets *secrets, const struct gw_secret_files *files,
                     const struct report *report)
{
    int r = 0;

    for (size_t i = 0; i < files->count; i++) {
        struct report of_file = *report;

        of_file.config = files->config;
        of_file.line = files->config ? files->lines[i] : 0;
        r = first_error(r, add_file(secrets, files->paths[i], false, &of_file));
    }
    return r;
}

static int add_any(struct gw_secrets *secrets, const struct gw_secret_files *files,
                   const struct report *report)
{
    int r;

    if (environment.set)
        return add_secret(secrets, (struct gw_str){environment.bytes, environment.len}, VARIABLE,
                          false, report);
    r = files && files->count ? add_files(secrets, files, report)
                              : add_credentials(secrets, report);
    if (r < 0 || secrets->count > 0)
        return r;
    return fail(report, -ENOENT,
                "no secret to check signatures with: set " VARIABLE ", or name a file in "
                "[signature] secret_file, or put a file " CREDENTIAL
                " into $CREDENTIALS_DIRECTORY, as "
                "systemd's LoadCredential=" CREDENTIAL ":FILE does");
}

int gw_secrets_load(struct gw_secrets *secrets, const struct gw_secret_files *files, char *message,
                    size_t message_size)
{
    const struct report report = {.text = message, .size = message_size};
    int r;

    *secrets = (struct gw_secrets){0};
    message[0] = '\0';
    r = add_any(secrets, files, &report);
    if (r < 0)
        gw_secrets_deinit(secrets);
    return r;
}

void gw_secrets_deinit(struct gw_secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++) {
        OPENSSL_cleanse(secrets->items[i].bytes, secrets->items[i].len);
        free(secrets->items[i].bytes);
    }
    *secrets = (struct gw_secrets){0};
}
