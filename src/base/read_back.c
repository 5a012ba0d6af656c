/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/read_back.h"

#include <errno.h>
#include <unistd.h>

#define BLOCK_BYTES 4096 /* some lines: who goes back over many reads each block that often */

int gw_read_back_at(int fd, char *bytes, size_t len, off_t offset)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = pread(fd, bytes + got, len - got, offset + (off_t)got);

        if (n > 0)
            got += (size_t)n;
        else if (n == 0)
            return -EIO; /* cut off meanwhile */
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int gw_read_back_line(int fd, off_t end, off_t *begin)
{
    char block[BLOCK_BYTES];

    while (end > 0) {
        size_t len = end < BLOCK_BYTES ? (size_t)end : BLOCK_BYTES;
        off_t from = end - (off_t)len;
        int r = gw_read_back_at(fd, block, len, from);
        const char *lf = r ? NULL : memrchr(block, '\n', len);

        if (r)
            return r;
        if (lf) {
            *begin = from + (lf - block) + 1;
            return 0;
        }
        end = from;
    }
    *begin = 0;
    return 0;
}
