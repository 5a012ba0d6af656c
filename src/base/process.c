/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>

int gw_process_begin(void)
{
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return -errno;
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            return -errno;
    return 0;
}
