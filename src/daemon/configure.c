/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets themselves are wiped as soon as the keys are made of them. */
#include "gw/configure.h"

#include "gw/log.h"

#include <errno.h>

static void log_config_errors(const struct gw_config_errors *errors)
{
    const char *line = errors->text;

    while (*line) {
        size_t len = strcspn(line, "\n");

        gw_log(GW_LOG_ERROR, "configuration", GW_LOG_SLICE("error", ((struct gw_str){line, len})));
        line += len + (line[len] == '\n');
    }
}

static int load_secrets(const struct gw_config *config, struct gw_secrets *secrets)
{
    char message[1024];
    int r = gw_secrets_load(secrets, (const char *const *)config->secret_files.items,
                            config->secret_files.count, message, sizeof(message));

    if (r) {
        gw_log(GW_LOG_ERROR, "secret", GW_LOG_STR("error", message));
        return r == -ENOMEM ? GW_EXIT_FAILED : GW_EXIT_CONFIG;
    }
    for (size_t i = 0; i < secrets->count; i++)
        if (secrets->items[i].warning)
            gw_log(GW_LOG_WARNING, "secret", GW_LOG_STR("source", secrets->items[i].source),
                   GW_LOG_STR("warning", secrets->items[i].warning));
    return GW_EXIT_OK;
}

void gw_configure_log(const struct gw_config *config)
{
    gw_log_configure((enum gw_log_level)config->log_level, (enum gw_log_format)config->log_format);
}

int gw_configure_load(const char *path, struct gw_config *config, struct gw_secrets *secrets)
{
    struct gw_config_errors errors = {.count = 0};
    int r = path ? gw_config_load(config, path, &errors)
                 : gw_config_parse(config, NULL, 0, "defaults", &errors);

    if (r) {
        log_config_errors(&errors);
        return r == -ENOMEM ? GW_EXIT_FAILED : GW_EXIT_CONFIG;
    }
    gw_configure_log(config);
    r = load_secrets(config, secrets);
    if (r)
        gw_config_deinit(config);
    return r;
}

int gw_configure_settings(const char *path, struct gw_config *config, struct gw_settings **settings)
{
    struct gw_secrets secrets;
    int code = gw_configure_load(path, config, &secrets);

    if (code != GW_EXIT_OK)
        return code;
    int r = gw_settings_new(config, &secrets, settings);

    gw_secrets_deinit(&secrets);
    if (r == 0)
        return GW_EXIT_OK;
    gw_log(GW_LOG_ERROR, "cannot make the keys", GW_LOG_ERRNO(-r));
    gw_config_deinit(config);
    return GW_EXIT_FAILED;
}
