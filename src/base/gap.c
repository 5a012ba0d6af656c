/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time is the mtime of an empty file: nothing to parse, nothing that can be half written, no
 * room needed on a full disk. It is not synced. The kernel has it whatever becomes of the process;
 * after a power cut it may be too old by what the kernel had not written yet, so that the gap is
 * told too long, and never too short.
 *
 * While the process lives, the clock that counts suspension too and never jumps measures the gap;
 * from one process to the next there is only the wall clock.
 */
#include "gw/gap.h"

#include "gw/time.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_MS 1000

int gw_gap_begin(struct gw_gap *gap, int64_t kept_ms, int64_t boot_ms, int64_t now_ms)
{
    const int64_t since_ms = now_ms - (kept_ms > 0 ? kept_ms : 0);

    gap->known = since_ms >= -GW_GAP_MS;
    gap->at_ms = boot_ms - since_ms;
    return gap->known ? 0 : GW_GAP_AHEAD;
}

bool gw_gap_note(struct gw_gap *gap, int64_t boot_ms, int64_t now_ms)
{
    const int64_t since_ms = boot_ms - gap->at_ms;
    const bool ended = gap->known && since_ms > GW_GAP_MS;

    if (ended) {
        gap->from_ms = now_ms - since_ms;
        gap->to_ms = now_ms;
    }
    gap->known = true;
    gap->at_ms = boot_ms;
    gap->now_ms = now_ms;
    return ended;
}

static int take_up(struct gw_gap *gap)
{
    struct stat status;

    if (fstat(gap->fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    int64_t kept_ms;

    if (__builtin_mul_overflow((int64_t)status.st_mtim.tv_sec, 1000, &kept_ms) ||
        __builtin_add_overflow(kept_ms, status.st_mtim.tv_nsec / 1000000, &kept_ms))
        kept_ms = INT64_MAX;
    return gw_gap_begin(gap, kept_ms, gw_time_boot_ms(), gw_time_now_ms());
}

int gw_gap_reopen(struct gw_gap *gap, const char *path)
{
    /* A FIFO's reader need not be waited for. */
    static const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

    gap->fd = open(path, flags, 0600);
    gap->kept_ms = 0;
    return gap->fd < 0 ? -errno : 0;
}

int gw_gap_open(struct gw_gap *gap, const char *path)
{
    int r = gw_gap_reopen(gap, path);

    if (r == 0)
        r = take_up(gap);
    if (r < 0)
        gw_gap_close(gap);
    return r;
}

int gw_gap_keep(struct gw_gap *gap)
{
    const struct timespec times[] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = gap->now_ms / 1000, .tv_nsec = gap->now_ms % 1000 * 1000000}};

    /* A clock that went back is followed. */
    if (gap->fd < 0 || (gap->now_ms >= gap->kept_ms && gap->now_ms - gap->kept_ms < KEEP_MS))
        return 0;
    if (futimens(gap->fd, times) < 0) {
        int error = errno;

        gw_gap_close(gap);
        return -error;
    }
    gap->kept_ms = gap->now_ms;
    return 0;
}

void gw_gap_close(struct gw_gap *gap)
{
    if (gap->fd >= 0)
        close(gap->fd);
    gap->fd = -1;
}
