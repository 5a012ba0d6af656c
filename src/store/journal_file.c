/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only one process appends (PATH.lock) and only one thread of it, so what a failed write left is
 * the end of the file, and taking it off is one ftruncate. That cut only ever shrinks the file, and
 * only to just behind an LF; where it fails, an LF before the next line makes the fragment a line
 * of its own, which readers skip.
 *
 * Whatever symbolic links lead to the file, the lock, its name and what is moved aside are by the
 * one real path; otherwise two daemons could append to it under two names. So a link is followed
 * once, at the start, and one that is put in the file's place later is refused.
 *
 * After a failed fdatasync the kernel may have dropped the pages and call the next one a success,
 * so such a file is spoiled: it is renamed, and the lines go on in a new one. All coming back to
 * life is in the probe, whatever went wrong before.
 */
#include "gw/journal_file.h"

#include "gw/journal.h"
#include "gw/log.h"
#include "gw/time.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_POLL_MS 50
#define ASIDE_TRIES 100
#define ASIDE_SUFFIX_MAX 48 /* ".failed-<UTC>-<n>" */
#define PROBE_BYTES 4096
#define RELEASE_BYTES ((off_t)1 << 20)

/* @path's folder, as "FOLDER/." or ".". */
static int folder_of(const char *path, char folder[static PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    int len = snprintf(folder, PATH_MAX, "%.*s.", slash ? (int)(slash + 1 - path) : 0, path);

    return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* A file that is not there yet has a folder that is. */
static int resolve_new(const char *path, char real[static PATH_MAX])
{
    char folder[PATH_MAX], real_folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int result = folder_of(path, folder);
    int len;

    if (result)
        return result;
    if (!realpath(folder, real_folder))
        return -errno;
    len = snprintf(real, PATH_MAX, "%s/%s", real_folder, slash ? slash + 1 : path);
    return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int gw_journal_resolve(const char *path, char real[static PATH_MAX])
{
    struct stat status;
    int fd;

    /* Nothing else gets a lock put beside it, /dev/null least of all. */
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return GW_JOURNAL_FILE_NOT_REGULAR;
    if (realpath(path, real))
        return 0;
    if (errno != ENOENT)
        return -errno;
    if (readlink(path, real, PATH_MAX) < 0)
        return resolve_new(path, real);
    /* A link to nowhere: where it leads shows when the file is there. */
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return realpath(path, real) ? 0 : -errno;
}

static int try_lock(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK || errno == EINTR ? -EBUSY : -errno;
}

static int wait_for_lock(int fd, const char *name, int64_t timeout_ms)
{
    int64_t until_ms = gw_time_monotonic_ms() + timeout_ms;
    int result = try_lock(fd);
    sigset_t stop;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    if (result == -EBUSY && timeout_ms > 0)
        gw_log(GW_LOG_INFO, "another process holds the journal's lock, waiting for it",
               GW_LOG_STR("path", name), GW_LOG_INT("timeout_ms", timeout_ms));
    while (result == -EBUSY && gw_time_monotonic_ms() < until_ms) {
        struct timespec pause = {.tv_nsec = LOCK_POLL_MS * 1000000L};

        result = sigtimedwait(&stop, NULL, &pause) > 0 ? -EINTR : try_lock(fd);
    }
    return result;
}

int gw_journal_lock(const char *path, int64_t timeout_ms, int *lock_fd)
{
    char name[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd;
    int result;

    /* Better now than when a file must be moved aside. */
    if (strlen(slash ? slash + 1 : path) + ASIDE_SUFFIX_MAX > NAME_MAX ||
        strlen(path) + ASIDE_SUFFIX_MAX > sizeof(name))
        return -ENAMETOOLONG;
    (void)snprintf(name, sizeof(name), "%s.lock", path);
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    result = wait_for_lock(fd, name, timeout_ms);
    if (result)
        close(fd);
    else
        *lock_fd = fd;
    return result;
}

int gw_journal_aside_create(const char *path, const char *kind, char *name, size_t name_size)
{
    char now[GW_TIME_TEXT_SIZE];
    int fd = -1;

    gw_time_format_compact(gw_time_now_ms(), now);
    errno = EEXIST;
    for (int i = 0; i < ASIDE_TRIES && fd < 0 && errno == EEXIST; i++) {
        int len = i == 0 ? snprintf(name, name_size, "%s.%s-%s", path, kind, now)
                         : snprintf(name, name_size, "%s.%s-%s-%d", path, kind, now, i);

        if (len < 0 || (size_t)len >= name_size)
            return -ENAMETOOLONG;
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    return fd < 0 ? -errno : fd;
}

int gw_journal_sync_folder(const char *path, int fd)
{
    char folder[PATH_MAX];
    int result = folder_of(path, folder);
    int folder_fd;

    if (result)
        return result;
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* One that may be written, but not read, cannot be synced alone. Slower, but as safe. */
    if (folder_fd < 0)
        return errno == EACCES && syncfs(fd) == 0 ? 0 : -errno;
    /* EINVAL: this file system has no such thing as syncing a folder. */
    result = fsync(folder_fd) != 0 && errno != EINVAL ? -errno : 0;
    close(folder_fd);
    return result;
}

/* O_NONBLOCK: a pipe without a reader must be refused, not waited for. */
static int open_regular(const char *path, int *fd)
{
    struct stat status;
    int opened = open(
        path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, 0600);

    if (opened < 0)
        return errno == EISDIR || errno == ENXIO || errno == ELOOP ? GW_JOURNAL_FILE_NOT_REGULAR
                                                                   : -errno;
    if (fstat(opened, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(opened);
        return GW_JOURNAL_FILE_NOT_REGULAR;
    }
    *fd = opened;
    return 0;
}

static int recover(struct gw_journal_file *file)
{
    size_t torn_bytes;
    int result = gw_journal_recover(file->fd, file->path, &torn_bytes, &file->mend);

    if (!result && (torn_bytes > 0 || file->mend))
        gw_log(GW_LOG_WARNING,
               file->mend ? "torn last line left in the journal, as it could not be moved aside"
                          : "torn last line of the journal moved aside",
               GW_LOG_STR("path", file->path), GW_LOG_INT("bytes", torn_bytes));
    return result;
}

int gw_journal_file_open(struct gw_journal_file *file, const char *path, bool sync)
{
    int result;

    *file = (struct gw_journal_file){.path = path, .sync = sync, .fd = -1};
    result = open_regular(path, &file->fd);
    if (!result)
        result = recover(file);
    if (!result)
        result = gw_journal_sync_folder(path, file->fd);
    if (result && file->fd >= 0) {
        close(file->fd);
        file->fd = -1;
    }
    return result;
}

int gw_journal_file_close(struct gw_journal_file *file)
{
    int result = 0;

    if (file->fd < 0)
        return 0;
    if (!file->spoiled && fdatasync(file->fd) != 0)
        result = -errno;
    close(file->fd);
    file->fd = -1;
    return result;
}

static int mend(struct gw_journal_file *file)
{
    ssize_t taken = file->mend ? write(file->fd, "\n", 1) : 1;

    if (taken != 1)
        return taken < 0 ? -errno : -EIO;
    file->mend = false;
    return 0;
}

/* The part that byte @offset of all lies in, which becomes the offset within it. */
static size_t find_part(const struct iovec *parts, size_t *offset)
{
    size_t i = 0;

    while (*offset >= parts[i].iov_len)
        *offset -= parts[i++].iov_len;
    return i;
}

static ssize_t write_from(int fd, struct iovec *parts, size_t count, size_t offset)
{
    size_t i = find_part(parts, &offset);
    struct iovec part = parts[i];
    ssize_t taken;

    parts[i].iov_base = (char *)part.iov_base + offset;
    parts[i].iov_len -= offset;
    taken = writev(fd, &parts[i], (int)(count - i));
    parts[i] = part;
    return taken;
}

static int write_all(int fd, struct iovec *parts, size_t count, size_t *written)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += parts[i].iov_len;
    while (*written < total) {
        ssize_t taken = write_from(fd, parts, count, *written);

        if (taken > 0)
            *written += (size_t)taken;
        else if (taken == 0)
            return -EIO;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

/* How many of the @written bytes come after the last whole line. Each part ends a line. */
static size_t fraction(const struct iovec *parts, size_t written)
{
    size_t in_part = written - 1;
    const char *from = parts[find_part(parts, &in_part)].iov_base;
    const char *last_lf = memrchr(from, '\n', in_part + 1);

    return last_lf ? (size_t)(from + in_part - last_lf) : in_part + 1;
}

static bool follows_lf(int fd, off_t offset)
{
    char before = '\0';

    return offset == 0 || (pread(fd, &before, 1, offset - 1) == 1 && before == '\n');
}

/* Takes @bytes off the end. Somebody may have truncated the file under us (logrotate's
 * copytruncate), so its size is asked for, and the cut is made only just behind an LF. */
static bool cut(const struct gw_journal_file *file, size_t bytes)
{
    struct stat status;
    off_t end;

    if (fstat(file->fd, &status) != 0)
        return false;
    end = status.st_size - (off_t)bytes;
    return end >= 0 && follows_lf(file->fd, end) && ftruncate(file->fd, end) == 0;
}

static int sync_lines(struct gw_journal_file *file)
{
    if (!file->sync || fdatasync(file->fd) == 0)
        return 0;
    file->spoiled = errno;
    return GW_JOURNAL_FILE_UNSYNCED;
}

/*
 * What is synced is not read again here, so it need not fill the page cache; and the next lines
 * then take the same pages of memory again, which spares a virtual machine the faults on fresh ones
 * (measured: 1.5 times the rate of 116 KB events). The page that the file ends in stays.
 */
static void release_pages(struct gw_journal_file *file)
{
    off_t end = lseek(file->fd, 0, SEEK_CUR) / RELEASE_BYTES * RELEASE_BYTES;

    if (file->sync && end > file->released)
        (void)posix_fadvise(file->fd, file->released, end - file->released, POSIX_FADV_DONTNEED);
    file->released = end;
}

static size_t keep_whole_lines(struct gw_journal_file *file, const struct iovec *parts,
                               size_t written)
{
    size_t torn = fraction(parts, written);

    if (torn > 0)
        file->mend = !cut(file, torn);
    return written - torn;
}

int gw_journal_file_append(struct gw_journal_file *file, struct iovec *parts, size_t count,
                           size_t *durable_bytes)
{
    size_t written = 0;
    int failed = mend(file);

    *durable_bytes = 0;
    if (!failed)
        failed = write_all(file->fd, parts, count, &written);
    if (failed && written > 0)
        written = keep_whole_lines(file, parts, written);
    if (written > 0 && sync_lines(file) != 0)
        return GW_JOURNAL_FILE_UNSYNCED;
    release_pages(file);
    *durable_bytes = written;
    return failed;
}

static int rename_aside(const char *path)
{
    char name[PATH_MAX];
    int fd = gw_journal_aside_create(path, "failed", name, sizeof(name));
    int result;

    if (fd < 0)
        return fd;
    /* Over the empty file that was just made: so no file is overwritten that is not ours. */
    if (rename(path, name) == 0) {
        gw_log(GW_LOG_ERROR, "journal moved aside after a failed sync", GW_LOG_STR("path", path),
               GW_LOG_STR("to", name));
        result = gw_journal_sync_folder(name, fd);
    } else {
        result = -errno;
        unlink(name);
    }
    close(fd);
    return result;
}

/* Nothing to do where PATH names another file: logrotate has moved this one away already. An empty
 * one is what a probe leaves whose own sync failed; it is not worth a name. */
static int clear_path(const struct gw_journal_file *file)
{
    struct stat own, at_path;

    if (stat(file->path, &at_path) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(file->fd, &own) != 0)
        return -errno;
    if (own.st_dev != at_path.st_dev || own.st_ino != at_path.st_ino)
        return 0;
    if (own.st_size > 0)
        return rename_aside(file->path);
    return unlink(file->path) == 0 ? 0 : -errno;
}

static int move_aside(struct gw_journal_file *file)
{
    int result = clear_path(file);

    if (result)
        return result;
    close(file->fd);
    file->fd = -1;
    file->spoiled = 0;
    return 0;
}

static int revive(struct gw_journal_file *file)
{
    int result = file->spoiled ? move_aside(file) : 0;

    if (!result && file->fd < 0)
        result = gw_journal_file_open(file, file->path, file->sync);
    return result;
}

int gw_journal_file_probe(struct gw_journal_file *file)
{
    char blanks[PROBE_BYTES];
    struct iovec part = {.iov_base = blanks, .iov_len = sizeof(blanks)};
    size_t durable_bytes;
    int result = revive(file);

    if (result)
        return result;
    memset(blanks, ' ', sizeof(blanks));
    blanks[sizeof(blanks) - 1] = '\n';
    result = gw_journal_file_append(file, &part, 1, &durable_bytes);
    /* Synced or not, the line is whole; left standing (a file with the append-only attribute) it is
     * a line that readers pass over. */
    if (result >= 0 && cut(file, sizeof(blanks)) && !result)
        result = sync_lines(file);
    return result;
}

int gw_journal_file_reopen(struct gw_journal_file *file)
{
    struct gw_journal_file fresh;
    int result;

    if (file->spoiled || file->fd < 0)
        return revive(file);
    result = gw_journal_file_open(&fresh, file->path, file->sync);
    if (result)
        return result;
    result = gw_journal_file_close(file);
    if (result)
        gw_log(GW_LOG_WARNING, "last sync of the old journal failed",
               GW_LOG_STR("path", file->path), GW_LOG_ERRNO(-result));
    *file = fresh;
    return 0;
}
