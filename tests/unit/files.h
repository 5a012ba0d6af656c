/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_FILES_H
#define GW_TEST_FILES_H

/*
 * A folder of its own for a test of what works on real files, and the control files of the shim
 * tests/integration/faults.c. Included after cmocka.
 */

#include "gw/base.h"
#include "gw/time.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char files_folder[64];
static char files_faults[sizeof(files_folder) + 16];

/* Waits for a condition, at most 20 s. */
#define eventually(condition)                                                                      \
    do {                                                                                           \
        int64_t until_ms = gw_time_monotonic_ms() + 20000;                                         \
        while (!(condition)) {                                                                     \
            if (gw_time_monotonic_ms() > until_ms)                                                 \
                fail_msg("not in 20 s: %s", #condition);                                           \
            usleep(2000);                                                                          \
        }                                                                                          \
    } while (0)

static inline bool files_make_folder(const char *where)
{
    (void)snprintf(files_folder, sizeof(files_folder), "%s/gw-test-XXXXXX", where);
    return mkdtemp(files_folder) != NULL;
}

/* In @where, or else in /tmp. Before any thread is started: it sets the environment. */
static inline void files_begin(const char *where)
{
    if (!files_make_folder(where) && !files_make_folder("/tmp"))
        abort();
    (void)snprintf(files_faults, sizeof(files_faults), "%s/faults", files_folder);
    if (mkdir(files_faults, 0700) != 0 || setenv("GW_FAULTS", files_faults, 1) != 0)
        abort();
}

static inline void files_clear(const char *folder)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;

    while (entries && (entry = readdir(entries)) != NULL) {
        char path[PATH_MAX];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (strcmp(path, files_faults) != 0 && unlink(path) != 0)
            rmdir(path);
    }
    if (entries)
        closedir(entries);
}

/* A cmocka teardown: the next test finds the folder empty. */
static inline int files_teardown(void **state)
{
    (void)state;
    files_clear(files_faults);
    files_clear(files_folder);
    return 0;
}

static inline void files_end(void)
{
    files_teardown(NULL);
    rmdir(files_faults);
    rmdir(files_folder);
}

/* The path of @name in the folder; the caller's until the next call with the same @path. */
static inline const char *files_path(char path[static PATH_MAX], const char *name)
{
    (void)snprintf(path, PATH_MAX, "%s/%s", files_folder, name);
    return path;
}

static inline void files_write(const char *name, struct gw_str content)
{
    char path[PATH_MAX];
    int fd = open(files_path(path, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.data, content.len), content.len);
    close(fd);
}

/* The file's content with a NUL behind it; the caller frees it. */
static inline struct gw_str files_read(const char *name)
{
    char path[PATH_MAX];
    int fd = open(files_path(path, name), O_RDONLY | O_CLOEXEC);
    struct stat status;
    size_t size;
    char *data;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    size = (size_t)status.st_size;
    data = malloc(size + 1);
    assert_non_null(data);
    assert_int_equal(read(fd, data, size), size);
    data[size] = '\0';
    close(fd);
    return (struct gw_str){data, size};
}

static inline void files_assert(const char *name, struct gw_str expected)
{
    struct gw_str found = files_read(name);

    assert_int_equal(found.len, expected.len);
    assert_memory_equal(found.data, expected.data, expected.len);
    free((char *)found.data);
}

/* How many names begin with @prefix; @name becomes one of them. */
static inline int files_find(const char *prefix, char name[static NAME_MAX + 1])
{
    DIR *entries = opendir(files_folder);
    struct dirent *entry;
    int count = 0;

    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        (void)snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
        count++;
    }
    closedir(entries);
    return count;
}

/* Whether the shim is there: without it (a program started by hand) its tests are skipped. */
static inline bool faults_loaded(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload && strstr(preload, "faults");
}

static inline void faults_set(const char *call, const char *steps)
{
    char beside[PATH_MAX], path[PATH_MAX];
    FILE *file;

    (void)snprintf(beside, sizeof(beside), "%s/.%s", files_faults, call);
    (void)snprintf(path, sizeof(path), "%s/%s", files_faults, call);
    file = fopen(beside, "we");
    assert_non_null(file);
    assert_true(fputs(steps, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(beside, path), 0);
}

static inline bool faults_used_up(const char *call)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", files_faults, call);
    return access(path, F_OK) != 0;
}

static inline void faults_clear(const char *call)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", files_faults, call);
    unlink(path);
}

#endif
