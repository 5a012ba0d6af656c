/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets themselves are wiped as soon as the keys are made of them. */
#include "gw/configure.h"

#include "gw/log.h"

#include <errno.h>

void gw_configure_log(const struct gw_config *config)
{
    gw_log_configure((enum gw_log_level)config->log_level, (enum gw_log_format)config->log_format);
}

static void log_errors(const char *message, const char *lines)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n");

        gw_log(GW_LOG_ERROR, message, GW_LOG_SLICE("error", ((struct gw_str){lines, len})));
        lines += len + (lines[len] == '\n');
    }
}

static int load_config(const char *path, struct gw_config *config)
{
    struct gw_config_errors errors = {.count = 0};
    int r = path ? gw_config_load(config, path, &errors)
                 : gw_config_parse(config, NULL, 0, "defaults", &errors);

    if (r == 0)
        gw_configure_log(config);
    log_errors("configuration", errors.text);
    return r;
}

static int load_secrets(const char *path, const struct gw_config *config,
                        struct gw_secrets *secrets)
{
    const struct gw_secret_files files = {
        .paths = (const char *const *)config->secret_files.items,
        .count = config->secret_files.count,
        .config = path,
        .lines = config->secret_files.lines,
    };
    char message[8192];
    int r = gw_secrets_load(secrets, &files, message, sizeof(message));

    log_errors("secret", message);
    for (size_t i = 0; i < secrets->count; i++)
        if (secrets->items[i].warning)
            gw_log(GW_LOG_WARNING, "secret", GW_LOG_STR("source", secrets->items[i].source),
                   GW_LOG_STR("warning", secrets->items[i].warning));
    return r;
}

int gw_configure_load(const char *path, struct gw_config *config, struct gw_secrets *secrets)
{
    int r = load_config(path, config), secret_r = 0;

    *secrets = (struct gw_secrets){0};
    /* Only of a file that was read can it be told whether a secret is named. */
    if (r == 0 || r == -EINVAL)
        secret_r = load_secrets(path, config, secrets);
    if (r == 0 && secret_r == 0)
        return GW_EXIT_OK;
    gw_secrets_deinit(secrets);
    gw_config_deinit(config);
    return r == -ENOMEM || secret_r == -ENOMEM ? GW_EXIT_FAILED : GW_EXIT_CONFIG;
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
