/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile's credential_process: a command of the operator's that prints credentials. It is run
 * without a shell, in a process group of its own, with an empty signal mask (our threads block
 * signals) and with no descriptor but the standard three. Its end is seen by a pidfd, in the same
 * poll as what it prints, so there is one loop with one deadline, and nothing waits for what it
 * left behind in the background.
 *
 * What it prints is kept in a buffer that never moves, so that wiping it leaves no copy. Of what it
 * says on stderr, the last line is for the message: that is where programs say why they failed.
 * Since a script under "set -x" says all it knows, what could be a key is masked there. Its
 * arguments may hold secrets and are in no message.
 */
#include "provider.h"

#include "gw/buffer.h"
#include "gw/time.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64
#define OUTPUT_BYTES_MAX (64 * 1024)
#define ERROR_LINE_SIZE 256
#define SECRET_RUN 40 /* characters of base64: what AWS's secrets have, and its tokens far more */
#define ERROR_READS_MAX 64 /* a round: who floods stderr cannot keep us from the deadline */

static const char source[] = "credential_process";

struct last_line {
    char text[ERROR_LINE_SIZE];
    size_t len;
    bool ended;
};

struct process {
    const char *name;
    pid_t pid; /* 0: not started */
    int exit_fd, out_fd, error_fd;
    struct gw_buffer output;
    struct last_line error;
};

/* --- the command line --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One argument, quotes taken off in place. @return where it ended in the command; NULL: unclosed */
static const char *read_argument(const char *from, char **to)
{
    char quote = '\0';

    while (*from && (quote || !is_blank(*from))) {
        bool escapes = *from == '\\' && quote != '\'';

        if (quote ? *from == quote : *from == '"' || *from == '\'') {
            if (quote)
                quote = '\0';
            else
                quote = *from;
            from++;
            continue;
        }
        /* Within double quotes it escapes only them and itself. */
        if (escapes && (!quote || from[1] == '"' || from[1] == '\\'))
            from++;
        if (!*from)
            return NULL;
        *(*to)++ = *from++;
    }
    return quote ? NULL : from;
}

int gw_process_split(char *command, char **arguments, size_t size)
{
    const char *from = command;
    char *to = command;
    size_t count = 0;

    for (;;) {
        while (is_blank(*from))
            from++;
        if (!*from)
            break;
        if (count + 1 >= size)
            return -E2BIG;
        arguments[count++] = to;
        from = read_argument(from, &to);
        if (!from)
            return -EINVAL;
        if (*from)
            from++;
        *to++ = '\0';
    }
    arguments[count] = NULL;
    return 0;
}

/* --- its start --- */

static int prepare(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    int r;

    sigemptyset(&none);
    sigfillset(&all);
    r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                 POSIX_SPAWN_SETSIGDEF);
    if (r == 0)
        r = posix_spawnattr_setsigmask(attributes, &none);
    if (r == 0)
        r = posix_spawnattr_setsigdefault(attributes, &all);
    return r == 0 ? posix_spawnattr_setpgroup(attributes, 0) : r;
}

static int prepare_descriptors(posix_spawn_file_actions_t *actions, int out, int error)
{
    int r = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, error, STDERR_FILENO);
    return r == 0 ? posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1) : r;
}

/* @return the process id, or a negative errno */
static pid_t spawn(char **arguments, int out, int error)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = 0;
    int r = posix_spawnattr_init(&attributes);

    if (r)
        return -r;
    r = posix_spawn_file_actions_init(&actions);
    if (r == 0) {
        r = prepare(&attributes);
        if (r == 0)
            r = prepare_descriptors(&actions, out, error);
        if (r == 0)
            r = posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return r ? -r : pid;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Only our end is non-blocking: the other is a program's stdout. */
static int open_pipe(int *ours, int *theirs)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    *ours = ends[0];
    *theirs = ends[1];
    return fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int start(struct process *process, char **arguments)
{
    int out = -1, error = -1;
    int r = open_pipe(&process->out_fd, &out);

    if (r == 0)
        r = open_pipe(&process->error_fd, &error);
    if (r == 0)
        r = spawn(arguments, out, error);
    close_fd(&out);
    close_fd(&error);
    if (r < 0)
        return r;
    process->pid = r;
    process->exit_fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    return process->exit_fd < 0 ? -errno : 0;
}

/* --- its run --- */

static void keep_line(struct last_line *line, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            line->ended = true;
            continue;
        }
        if (line->ended)
            *line = (struct last_line){0};
        if (line->len < sizeof(line->text) - 1 && (line->len > 0 || !is_blank(bytes[i])))
            line->text[line->len++] = bytes[i];
    }
}

static bool is_base64(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=';
}

/* At the end of a line that was cut off, a shorter run may be the beginning of a secret. */
static void mask_secrets(struct last_line *line)
{
    bool is_cut = line->len == sizeof(line->text) - 1;
    size_t begin = 0;

    for (size_t i = 0; i <= line->len; i++) {
        if (i < line->len && is_base64(line->text[i]))
            continue;
        if (i - begin >= SECRET_RUN || (is_cut && i == line->len))
            memset(line->text + begin, '*', i - begin);
        begin = i + 1;
    }
}

/* @return 1: there may be more; 0: not now; a negative errno, -EPIPE at the end */
static int read_some(int fd, char *bytes, size_t size, size_t *len)
{
    ssize_t n = read(fd, bytes, size);

    *len = n > 0 ? (size_t)n : 0;
    if (n > 0 || (n < 0 && errno == EINTR))
        return 1;
    if (n == 0)
        return -EPIPE;
    return errno == EAGAIN ? 0 : -errno;
}

/* @return -EPIPE at the end, -EFBIG where it prints too much, or what read(2) said */
static int drain_output(struct process *process)
{
    struct gw_buffer *output = &process->output;
    int r;

    do {
        size_t len;

        if (output->len == output->capacity)
            return -EFBIG;
        r = read_some(process->out_fd, output->data + output->len, output->capacity - output->len,
                      &len);
        output->len += len;
    } while (r > 0);
    return r;
}

static int drain_errors(struct process *process)
{
    char bytes[1024];
    int r = 1;

    for (int i = 0; i < ERROR_READS_MAX && r > 0; i++) {
        size_t len;

        r = read_some(process->error_fd, bytes, sizeof(bytes), &len);
        keep_line(&process->error, bytes, len);
    }
    return r < 0 ? r : 0;
}

/* Reads a pipe, and closes it at its end. */
static int drain(struct process *process, int *fd, int (*read_it)(struct process *process))
{
    int r = *fd >= 0 ? read_it(process) : 0;

    if (r == -EPIPE)
        close_fd(fd);
    return r == -EPIPE ? 0 : r;
}

/* @return 0 once it has ended, -ETIMEDOUT, -EFBIG, or what poll(2) or read(2) said */
static int follow(struct process *process, int64_t until_ms)
{
    for (;;) {
        struct pollfd fds[] = {
            {.fd = process->exit_fd, .events = POLLIN},
            {.fd = process->out_fd, .events = POLLIN},
            {.fd = process->error_fd, .events = POLLIN},
        };
        int64_t left_ms = until_ms - gw_time_monotonic_ms();
        int r;

        if (left_ms <= 0)
            return -ETIMEDOUT;
        r = poll(fds, GW_COUNT(fds), (int)left_ms);
        if (r < 0 && errno != EINTR)
            return -errno;
        if (r <= 0)
            continue;
        r = drain(process, &process->out_fd, drain_output);
        if (r == 0)
            r = drain(process, &process->error_fd, drain_errors);
        if (r < 0 || fds[0].revents)
            return r;
    }
}

/* --- its end --- */

/* The group still is its own, as it has not been waited for. */
static int wait_for(const struct process *process)
{
    int status = 0;

    while (waitpid(process->pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return status;
}

static int fail(struct process *process, char *message, const char *what)
{
    const char *said = process->error.len ? "; it says: " : "";

    mask_secrets(&process->error);
    return gw_provider_fail(message, "%s (%s) %s%s%s", source, process->name, what, said,
                            process->error.text);
}

/* Run, and not ended as it should. */
static int explain(struct process *process, int r, int64_t timeout_ms, char *message)
{
    char what[160];

    if (r == -ETIMEDOUT)
        (void)snprintf(
            what, sizeof(what),
            "did not end within %lld ms and was killed: it must not ask anybody anything",
            (long long)timeout_ms);
    else if (r == -EFBIG)
        (void)snprintf(what, sizeof(what),
                       "printed more than %d bytes and was killed: it must print the JSON alone",
                       OUTPUT_BYTES_MAX - 1);
    else
        (void)snprintf(what, sizeof(what), "could not be followed: %s", strerrordesc_np(-r));
    return fail(process, message, what);
}

static int explain_status(struct process *process, int status, char *message)
{
    char what[160];

    if (status < 0)
        (void)snprintf(what, sizeof(what), "ended unseen: %s", strerrordesc_np(-status));
    else if (WIFSIGNALED(status))
        (void)snprintf(what, sizeof(what), "was ended by signal %d: run it by hand as this user",
                       WTERMSIG(status));
    else
        (void)snprintf(what, sizeof(what), "ended with status %d: run it by hand as this user",
                       WEXITSTATUS(status));
    return fail(process, message, what);
}

static int run(struct process *process, char **arguments, int64_t timeout_ms, char *message)
{
    int64_t until_ms = gw_time_monotonic_ms() + timeout_ms;
    int r = start(process, arguments), status;

    if (r < 0 && process->pid == 0)
        return gw_provider_fail(message,
                                "%s (%s) cannot be started: %s: give its whole path, and let this "
                                "user execute it",
                                source, process->name, strerrordesc_np(-r));
    if (r == 0)
        r = follow(process, until_ms);
    if (r < 0) {
        kill(-process->pid, SIGKILL);
        kill(process->pid, SIGKILL); /* in case that it has left its group */
    }
    status = wait_for(process);
    if (r < 0)
        return explain(process, r, timeout_ms, message);
    return status == 0 ? 0 : explain_status(process, status, message);
}

static int run_and_read(char **arguments, int64_t timeout_ms, struct gw_credentials **out,
                        char *message)
{
    struct process process = {.name = arguments[0], .exit_fd = -1, .out_fd = -1, .error_fd = -1};
    int r;

    gw_buffer_init(&process.output, OUTPUT_BYTES_MAX);
    if (gw_buffer_reserve(&process.output, OUTPUT_BYTES_MAX) < 0)
        return -ENOMEM;
    r = run(&process, arguments, timeout_ms, message);
    if (r == 0)
        r = gw_credentials_from_process_json(gw_buffer_str(&process.output), source, out, message);
    close_fd(&process.exit_fd);
    close_fd(&process.out_fd);
    close_fd(&process.error_fd);
    gw_buffer_wipe(&process.output);
    return r;
}

int gw_credentials_from_process(const char *command, int64_t timeout_ms,
                                struct gw_credentials **out, char *message)
{
    char *arguments[ARGUMENTS_MAX + 1];
    size_t size = strlen(command) + 1;
    char *text = malloc(size);
    int r;

    if (!text)
        return -ENOMEM;
    memcpy(text, command, size);
    r = gw_process_split(text, arguments, GW_COUNT(arguments));
    if (r == -E2BIG)
        r = gw_provider_fail(message, "%s has more than %d arguments: put them into a script",
                             source, ARGUMENTS_MAX);
    else if (r < 0)
        r = gw_provider_fail(message,
                             "%s has a quote without its end, or ends in a backslash: "
                             "close it",
                             source);
    else if (!arguments[0] || !*arguments[0])
        r = gw_provider_fail(message, "%s names no command: give its path", source);
    else
        r = run_and_read(arguments, timeout_ms, out, message);
    OPENSSL_cleanse(text, size);
    free(text);
    return r;
}
