/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/arguments.h"
#include "gw/process.h"
#include "gw/secret.h"
#include "gw/service.h"

#include <stdio.h>

static int finish_output(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? GW_EXIT_OK : GW_EXIT_FAILED;
}

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
    return finish_output();
}

static int serve(const struct gw_arguments *arguments)
{
    int code;

    if (gw_secret_take_environment() != 0)
        return GW_EXIT_FAILED;
    code = arguments->action == GW_ARGUMENTS_CHECK ? check(arguments->config)
                                                   : gw_service_run(arguments->config);
    gw_secret_forget_environment();
    return code;
}

int main(int argc, char **argv)
{
    struct gw_arguments arguments;

    if (gw_process_begin() < 0)
        return GW_EXIT_FAILED;
    gw_arguments_parse(argc, argv, &arguments);
    switch (arguments.action) {
    case GW_ARGUMENTS_WRONG:
        return GW_EXIT_USAGE;
    case GW_ARGUMENTS_VERSION:
        puts("genesys-webhookd " GW_VERSION);
        return finish_output();
    case GW_ARGUMENTS_HELP:
        gw_arguments_print_help();
        return finish_output();
    default:
        return serve(&arguments);
    }
}
