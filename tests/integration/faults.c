/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An LD_PRELOAD shim for tests: it makes calls fail, fall short or hang. What it does is said by
 * small files in the folder that GW_FAULTS names, one a call: write, writev, fdatasync, ftruncate,
 * fsync, epoll_wait, getaddrinfo. A file holds steps, one a line; the first is done until it is
 * used up, then the next:
 *
 *     EIO 2          the next 2 calls fail with that errno (without a number: all of them)
 *     short 100 2    the next 2 calls write no more than 100 bytes (without the 2: all of them)
 *     hang           calls block until the file is removed or says something else
 *     hang NAME      (epoll_wait) only those of the threads of that name
 *
 * fsync is done to folders alone, what writes to the journal's file alone, which is known by being
 * a regular file open for reading and appending: a log that goes to a file is open for writing
 * only. getaddrinfo is done to names that end in ".test", which are this machine's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define TEXT_MAX 256
#define POLL_US 5000

#define NEXT(function)                                                                             \
    static __typeof__(function) *next;                                                             \
    if (!next)                                                                                     \
    next = (__typeof__(function) *)dlsym(RTLD_NEXT, #function)

struct step {
    int error;          /* 0: does not fail */
    size_t short_bytes; /* SIZE_MAX: does not fall short */
    bool hang;
    char thread[16]; /* "": any */
};

/* Guards the files against the process's own threads; the test replaces them by renaming. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool fault_path(const char *call, char path[static PATH_MAX])
{
    const char *folder = getenv("GW_FAULTS");

    return folder && snprintf(path, PATH_MAX, "%s/%s", folder, call) < PATH_MAX &&
           access(path, F_OK) == 0;
}

static int errno_of(const char *name)
{
    for (int error = 1; error < 134; error++)
        if (strerrorname_np(error) && strcmp(strerrorname_np(error), name) == 0)
            return error;
    return 0;
}

/* Reads "EIO 2", "short 100 2" or "hang NAME". @times: -1 without end. */
static struct step read_step(const char *line, long *times)
{
    struct step step = {.short_bytes = SIZE_MAX};
    char word[32] = "";

    *times = -1;
    if (sscanf(line, "short %zu %ld", &step.short_bytes, times) >= 1)
        return step;
    if (sscanf(line, "%31s %ld", word, times) < 1)
        return step;
    step.hang = strcmp(word, "hang") == 0;
    if (step.hang)
        (void)sscanf(line, "hang %15s", step.thread);
    else
        step.error = errno_of(word);
    return step;
}

static void write_steps(const char *path, const struct step *step, long times, const char *rest)
{
    FILE *file;

    if (times == 0 && *rest == '\0') {
        unlink(path);
        return;
    }
    file = fopen(path, "we");
    if (!file)
        return;
    if (times > 0 && step->error)
        fprintf(file, "%s %ld\n", strerrorname_np(step->error), times);
    else if (times > 0)
        fprintf(file, "short %zu %ld\n", step->short_bytes, times);
    fputs(rest, file);
    fclose(file);
}

static size_t read_text(const char *path, char text[static TEXT_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, TEXT_MAX - 1);

    if (fd >= 0)
        close(fd);
    text[len > 0 ? len : 0] = '\0';
    return len > 0 ? (size_t)len : 0;
}

static struct step take_step(const char *path)
{
    struct step step = {.short_bytes = SIZE_MAX};
    char text[TEXT_MAX];
    long times;

    pthread_mutex_lock(&lock);
    if (read_text(path, text) > 0) {
        char *rest = strchrnul(text, '\n');

        if (*rest != '\0')
            *rest++ = '\0';
        step = read_step(text, &times);
        if (times > 0)
            write_steps(path, &step, times - 1, rest);
    }
    pthread_mutex_unlock(&lock);
    return step;
}

static bool hangs_here(const struct step *step)
{
    char name[16] = "";

    pthread_getname_np(pthread_self(), name, sizeof(name));
    return step->hang && (step->thread[0] == '\0' || strcmp(step->thread, name) == 0);
}

/* What is to be done to this call; returns when a hang is over. */
static struct step next_step(const char *call)
{
    struct step step = {.short_bytes = SIZE_MAX};
    char path[PATH_MAX];

    while (fault_path(call, path)) {
        step = take_step(path);
        if (!hangs_here(&step))
            return step;
        usleep(POLL_US);
    }
    return (struct step){.short_bytes = SIZE_MAX};
}

static bool is_journal(int fd)
{
    struct stat status;
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && (flags & O_ACCMODE) == O_RDWR && (flags & O_APPEND) &&
           fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static struct step journal_step(const char *call, int fd)
{
    return is_journal(fd) ? next_step(call) : (struct step){.short_bytes = SIZE_MAX};
}

static int fail(int error)
{
    errno = error;
    return -1;
}

/* libc's names for the parameters are its own. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
ssize_t write(int fd, const void *data, size_t len)
{
    NEXT(write);
    struct step step = journal_step("write", fd);

    if (step.error)
        return fail(step.error);
    return next(fd, data, len < step.short_bytes ? len : step.short_bytes);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    NEXT(writev);
    struct step step = journal_step("writev", fd);
    struct iovec first;

    if (step.error)
        return fail(step.error);
    if (step.short_bytes == SIZE_MAX || count < 1)
        return next(fd, parts, count);
    first = parts[0];
    if (first.iov_len > step.short_bytes)
        first.iov_len = step.short_bytes;
    return next(fd, &first, 1);
}

int fdatasync(int fd)
{
    NEXT(fdatasync);
    struct step step = journal_step("fdatasync", fd);

    return step.error ? fail(step.error) : next(fd);
}

int fsync(int fd)
{
    NEXT(fsync);
    struct stat status;
    bool folder = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    struct step step = folder ? next_step("fsync") : (struct step){0};

    return step.error ? fail(step.error) : next(fd);
}

int ftruncate(int fd, off_t size)
{
    NEXT(ftruncate);
    struct step step = journal_step("ftruncate", fd);

    return step.error ? fail(step.error) : next(fd, size);
}

int epoll_wait(int epoll_fd, struct epoll_event *events, int max_events, int timeout_ms)
{
    NEXT(epoll_wait);
    struct step step = next_step("epoll_wait");

    return step.error ? fail(step.error) : next(epoll_fd, events, max_events, timeout_ms);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    NEXT(getaddrinfo);
    const char *end = name ? strrchr(name, '.') : NULL;

    if (!end || strcmp(end, ".test") != 0)
        return next(name, service, hints, found);
    (void)next_step("getaddrinfo");
    return next("127.0.0.1", service, hints, found);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
