/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_dev_null(int fd)
{
    struct stat null, status;

    return stat("/dev/null", &null) == 0 && fstat(fd, &status) == 0 &&
           status.st_rdev == null.st_rdev && S_ISCHR(status.st_mode);
}

/* In a child. @closed has a bit for each descriptor. @return whether all is as it should be. */
static bool begins_right(unsigned closed)
{
    int folder = open("/", O_RDONLY | O_CLOEXEC);

    for (int fd = 0; fd <= 2; fd++) {
        if (dup2(folder, fd) != fd)
            return false;
        if (closed & 1U << fd)
            close(fd);
    }
    if (gw_process_begin() != 0 || prctl(PR_GET_DUMPABLE) != 0)
        return false;
    for (int fd = 0; fd <= 2; fd++)
        if (is_dev_null(fd) != (bool)(closed & 1U << fd))
            return false;
    return !(closed & 2) || write(1, "x", 1) < 0;
}

static void test_only_closed_streams_are_opened_and_memory_is_hidden(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 8; closed++) {
        pid_t child = fork();
        int status;

        assert_true(child >= 0);
        if (child == 0)
            _exit(begins_right(closed) ? 0 : 1);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status != 0)
            fail_msg("closed: %#x", closed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_closed_streams_are_opened_and_memory_is_hidden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
