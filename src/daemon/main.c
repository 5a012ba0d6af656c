/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/process.h"
#include "gw/secret.h"
#include "gw/service.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "Usage: genesys-webhookd [-c FILE] [-t]\n"
    "Receives Genesys Cloud webhooks, verifies their signatures and stores the conversations.\n"
    "\n"
    "  -c, --config FILE   the configuration; without one, the defaults\n"
    "  -t, --check-config  say whether the configuration and its secrets are right, and exit\n"
    "  -V, --version       print the version, and exit\n"
    "  -h, --help          print this, and exit\n"
    "\n"
    "The secret comes from GENESYS_WEBHOOK_SECRET, from [signature] secret_file, or from\n"
    "systemd's credential webhook-secret. Signals: TERM and INT drain and stop, HUP reloads,\n"
    "USR1 reopens files. Exit: 0 stopped, 1 could not run, 2 usage, 78 bad configuration.\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, 't'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int check(const char *path)
{
    struct gw_config config;
    struct gw_secrets secrets;
    int code = gw_configure_load(path, &config, &secrets);

    if (code != GW_EXIT_OK)
        return code;
    printf("%s: the configuration is right\n", path ? path : "defaults");
    gw_secrets_deinit(&secrets);
    gw_config_deinit(&config);
    return fflush(stdout) == 0 ? GW_EXIT_OK : GW_EXIT_FAILED;
}

static int print(const char *text)
{
    return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? GW_EXIT_OK : GW_EXIT_FAILED;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    bool only_check = false;
    int option;

    if (gw_process_begin() < 0)
        return GW_EXIT_FAILED;
    while ((option = getopt_long(argc, argv, "c:tVh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 't':
            only_check = true;
            break;
        case 'V':
            return print("genesys-webhookd " GW_VERSION "\n");
        case 'h':
            return print(usage);
        default:
            fputs("Try 'genesys-webhookd --help'.\n", stderr);
            return GW_EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr,
                "genesys-webhookd: '%s' is one argument too many\n"
                "Try 'genesys-webhookd --help'.\n",
                argv[optind]);
        return GW_EXIT_USAGE;
    }
    if (gw_secret_take_environment() != 0)
        return GW_EXIT_FAILED;
    int code = only_check ? check(path) : gw_service_run(path);

    gw_secret_forget_environment();
    return code;
}
