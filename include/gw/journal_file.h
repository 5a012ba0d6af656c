/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_FILE_H
#define GW_JOURNAL_FILE_H

/*
 * The file under a journal: opened with a torn last line moved aside, appended to in whole lines
 * that are then synced, and itself moved aside after a failed sync. It knows no queue and no
 * threads; one thread at a time uses it. Whole lines are never removed.
 */

#include "gw/base.h"

#include <limits.h>
#include <sys/types.h>
#include <sys/uio.h>

struct gw_journal_file {
    const char *path; /* borrowed */
    bool sync;        /* false: what write(2) took counts as durable */
    int fd;           /* -1: none is open; gw_journal_file_probe tries again */
    bool mend;        /* it ends in a fragment, so an LF goes before the next line */
    off_t released;   /* up to here the page cache was told to let go */
    int spoiled;      /* errno of a failed sync: nothing more is appended, it waits to be moved
                         aside; 0: none */
};

enum gw_journal_file_error {
    GW_JOURNAL_FILE_UNSYNCED = 1, /* the sync failed: what was written may be there or not */
    GW_JOURNAL_FILE_NOT_REGULAR   /* the path names a folder, a pipe, a device, a link */
};

/**
 * Finds the one name of the file that @path leads to by symbolic links, which all that follows is
 * given. What a link to nowhere names is created.
 * @return 0, GW_JOURNAL_FILE_NOT_REGULAR or a negative errno.
 */
int gw_journal_resolve(const char *path, char real[static PATH_MAX]) GW_MUST_CHECK;

/**
 * Locks PATH.lock, which is created where needed, and never renamed or removed.
 * @param lock_fd  holds the lock until it is closed, or the process ends
 * @return 0, -EBUSY when another process kept it for @timeout_ms, -EINTR when a TERM or INT that
 * the caller has blocked came meanwhile (it is taken), or a negative errno.
 */
int gw_journal_lock(const char *path, int64_t timeout_ms, int *lock_fd) GW_MUST_CHECK;

/**
 * Opens or creates @path, readable by its owner alone, and syncs its entry in the folder.
 * @return 0, GW_JOURNAL_FILE_NOT_REGULAR or a negative errno; then @file has no descriptor.
 */
int gw_journal_file_open(struct gw_journal_file *file, const char *path, bool sync) GW_MUST_CHECK;

/* Syncs (with sync=false too) and closes. @return 0 or the negative errno of the sync. */
int gw_journal_file_close(struct gw_journal_file *file) GW_MUST_CHECK;

/**
 * Appends whole lines by writev(2) and makes them durable. Where not all could be written, the
 * whole lines that got there are kept and the fraction after them is cut off.
 * @param parts          lines, none torn over two parts; at most IOV_MAX
 * @param durable_bytes  how much of @parts is safe, always up to the end of a line; always set
 * @return 0, GW_JOURNAL_FILE_UNSYNCED, or the negative errno of the write
 */
int gw_journal_file_append(struct gw_journal_file *file, struct iovec *parts, size_t count,
                           size_t *durable_bytes) GW_MUST_CHECK;

/**
 * Finds out whether lines can be stored again: moves a spoiled file aside to PATH.failed-<UTC>,
 * opens PATH where no file is open, appends a line of blanks, syncs it and takes it off again.
 * @return as gw_journal_file_append and gw_journal_file_open.
 */
int gw_journal_file_probe(struct gw_journal_file *file) GW_MUST_CHECK;

/**
 * Opens PATH anew, and only then syncs and closes the old file, which stays on an error.
 * @return as gw_journal_file_open.
 */
int gw_journal_file_reopen(struct gw_journal_file *file) GW_MUST_CHECK;

/**
 * Creates PATH.@kind-<UTC>, never one that is there already.
 * @param name  where its name goes
 * @return its descriptor, for writing, or a negative errno.
 */
int gw_journal_aside_create(const char *path, const char *kind, char *name,
                            size_t name_size) GW_MUST_CHECK;

/**
 * Makes the entry of @path durable in its folder.
 * @param fd  a file of the same file system, all of which is synced where the folder cannot be read
 * @return 0 or a negative errno.
 */
int gw_journal_sync_folder(const char *path, int fd) GW_MUST_CHECK;

#endif
