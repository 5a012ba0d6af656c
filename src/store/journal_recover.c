/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only the end of the file is looked at: it is read backwards, block by block, until an LF turns
 * up, so neither time nor memory grow with the file. What lies behind that LF was never counted as
 * durable; it is copied to a file of its own, and once the copy is safe it is cut off. Damage
 * further up is none of our business: whole lines are never removed, and readers skip what does not
 * parse.
 */
#include "gw/journal.h"

#include "gw/journal_file.h"
#include "gw/read_back.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES 65536

static int write_block(int fd, const char *block, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, block, len);

        if (n > 0) {
            block += n;
            len -= (size_t)n;
        } else if (n == 0) {
            return -EIO;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static int copy(int from, off_t offset, off_t end, int to)
{
    char block[BLOCK_BYTES];

    while (offset < end) {
        size_t len = end - offset < BLOCK_BYTES ? (size_t)(end - offset) : BLOCK_BYTES;
        int result = gw_read_back_at(from, block, len, offset);

        if (!result)
            result = write_block(to, block, len);
        if (result)
            return result;
        offset += (off_t)len;
    }
    return fsync(to) == 0 ? 0 : -errno;
}

/* The copy is worth keeping only when the original is gone. The cut is not synced: should it not
 * outlive a power cut, the next start makes it again. */
static int move_tail(int fd, const char *path, off_t keep, off_t size)
{
    char name[PATH_MAX];
    int aside = gw_journal_aside_create(path, "torn", name, sizeof(name));
    int result;

    if (aside < 0)
        return aside;
    result = copy(fd, keep, size, aside);
    if (!result)
        result = gw_journal_sync_folder(name, aside);
    close(aside);
    if (!result && ftruncate(fd, keep) != 0)
        result = -errno;
    if (result)
        unlink(name);
    return result;
}

int gw_journal_recover(int fd, const char *path, size_t *torn_bytes, bool *mend)
{
    struct stat status;
    off_t keep = 0;

    if (fstat(fd, &status) != 0)
        return -errno;
    *torn_bytes = 0;
    *mend = gw_read_back_line(fd, status.st_size, &keep) != 0;
    if (*mend || keep == status.st_size)
        return 0;
    *torn_bytes = (size_t)(status.st_size - keep);
    *mend = move_tail(fd, path, keep, status.st_size) != 0;
    return 0;
}
