/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is the process's own: that a closed pipe is an error to be handled and not a signal to die
 * of, and that text is UTF-8, as the events are, whatever the locale.
 */
#include "gw/cli.h"
#include "gw/process.h"

#include <locale.h>
#include <signal.h>

int main(int argc, char **argv)
{
    if (gw_process_begin() < 0)
        return GW_CLI_FAILED;
    signal(SIGPIPE, SIG_IGN);
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "");
    return (int)gw_cli_main(argc, argv);
}
