/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is the process's own: that 0, 1 and 2 are open, that a closed pipe is an error to be handled
 * and not a signal to die of, and that text is UTF-8, as the events are, whatever the locale.
 */
#include "gw/cli.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

/* Else a file or a socket would get the number, and talk would go there. Writes to it still fail.
 */
static bool open_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    if (!open_standard_streams())
        return GW_CLI_FAILED;
    signal(SIGPIPE, SIG_IGN);
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "");
    return (int)gw_cli_main(argc, argv);
}
