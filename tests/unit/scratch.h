/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_SCRATCH_H
#define GW_TEST_SCRATCH_H

/* One file in a folder of its own, for a group's setup and teardown. Included after cmocka. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char scratch_folder[] = "/tmp/gw-scratch-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(scratch_folder))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/file", scratch_folder);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(scratch_folder);
}

#endif
