/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a file as a power cut may have left it. After the recovery the whole lines are still
 * there, byte for byte, and what came after them is in the one file beside it.
 */
#include "gw/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/gw-fuzz-recover-XXXXXX";

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_file(const char *path, const uint8_t *data, size_t size)
{
    char *found = malloc(size + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    require(found && fd >= 0);
    require(read(fd, found, size + 1) == (ssize_t)size);
    require(size == 0 || memcmp(found, data, size) == 0);
    close(fd);
    free(found);
}

/* Checks and removes what was moved aside. @return how many files there were. */
static int take_aside(const uint8_t *torn, size_t size)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    int count = 0;

    require(entries != NULL);
    while ((entry = readdir(entries)) != NULL) {
        char path[PATH_MAX];

        if (!strstr(entry->d_name, ".torn-"))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        check_file(path, torn, size);
        unlink(path);
        count++;
    }
    closedir(entries);
    return count;
}

static void remove_folder(void)
{
    rmdir(folder);
}

static void make_folder(void)
{
    static bool made;

    if (made)
        return;
    require(mkdtemp(folder) != NULL);
    atexit(remove_folder);
    made = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *last = size ? memrchr(data, '\n', size) : NULL;
    size_t keep = last ? (size_t)(last - data) + 1 : 0;
    size_t torn_bytes;
    char path[PATH_MAX];
    bool mend;
    int fd;

    make_folder();
    (void)snprintf(path, sizeof(path), "%s/events.jsonl", folder);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    require(gw_journal_recover(fd, path, &torn_bytes, &mend) == 0);
    require(!mend && torn_bytes == size - keep);
    check_file(path, data, keep);
    require(take_aside(data + keep, size - keep) == (size > keep));
    require(gw_journal_recover(fd, path, &torn_bytes, &mend) == 0);
    require(!mend && torn_bytes == 0);
    close(fd);
    unlink(path);
    return 0;
}
